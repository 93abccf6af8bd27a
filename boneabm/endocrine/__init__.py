"""Body state and effect table: what blood carries, turned into the modulators that cells feel."""

from .body import Body, BodyParameters, Modulators, Period, Subject

__all__ = ["Body", "BodyParameters", "Modulators", "Period", "Subject"]
