"""The day and the simulation that repeats it."""

from .day import DAY
from .simulation import Simulation
from .trigger import Every

__all__ = ["DAY", "Every", "Simulation"]
