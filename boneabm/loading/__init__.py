"""Loading programs: activities and conditions as daily load cases."""

from .library import ForceCycle, force_cycle, kinds, lifts, stepping
from .program import Activity, Condition, LoadCase, LoadParameters, Program, habitual_program, turned, turned_stress
from .sites import JOINTS, Site, site_of
from .weekly import Bar, ChainParameters, Restriction, Routine, WeeklyProgram, relative_day

__all__ = [
    "JOINTS", "Activity", "Bar", "ChainParameters", "Condition", "ForceCycle", "LoadCase", "LoadParameters", "Program",
    "Restriction", "Routine", "Site", "WeeklyProgram", "force_cycle", "habitual_program", "kinds", "lifts",
    "relative_day", "site_of", "stepping", "turned", "turned_stress",
]  # fmt: skip
