"""Body state and effect table: what blood carries, turned into the modulators that cells feel."""

from .body import Body, Modulators
from .doses import Dose, Infusion, Regimen
from .subject import Period, Subject

__all__ = ["Body", "Dose", "Infusion", "Modulators", "Period", "Regimen", "Subject"]
