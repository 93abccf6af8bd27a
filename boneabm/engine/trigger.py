"""When things happen."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Every:
    """Every `days` days, counted from day 0."""

    days: int

    def __call__(self, day: int) -> bool:
        """Whether it fires on this day."""
        return day % self.days == 0
