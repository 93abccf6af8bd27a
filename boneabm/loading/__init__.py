"""Loading programs: activities and conditions as daily load cases."""

from .program import Activity, Condition, LoadCase, LoadParameters, Program, habitual_program, turned, turned_stress

__all__ = [
    "Activity", "Condition", "LoadCase", "LoadParameters", "Program", "habitual_program", "turned", "turned_stress"
]  # fmt: skip
