"""What the bone carries: activities as apparent stresses with cycles per day, and conditions that weaken them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

FOREVER_D = math.inf


class LoadParameters(NamedTuple):
    """Parameters of section [load]; see data/parameters.toml."""

    axial_mpa: float
    lateral_fraction: float
    cycles_per_d: float


class LoadCase(NamedTuple):
    """One kind of cycle: apparent normal stress along z, y, x in MPa (compression positive) and cycles per day."""

    stress_mpa: tuple[float, float, float]
    cycles_per_d: float


@dataclass(frozen=True)
class Activity:
    """An activity from start_d (inclusive) to until_d (exclusive)."""

    name: str
    case: LoadCase
    start_d: float = -FOREVER_D
    until_d: float = FOREVER_D


@dataclass(frozen=True)
class Condition:
    """A period in which every load is multiplied by load_factor, 0..1."""

    load_factor: float
    start_d: float
    until_d: float


class Program:
    """Activities and conditions; `day(d)` lists the load cases of a day."""

    def __init__(self, activities: Sequence[Activity], conditions: Sequence[Condition] = ()) -> None:
        self.activities = tuple(activities)
        self.conditions = tuple(conditions)

    def habitual(self) -> tuple[LoadCase, ...]:
        """Load cases that the bone is adapted to: those that hold before day 0, without any condition."""
        return tuple(a.case for a in self.activities if a.start_d <= 0 < a.until_d)

    def day(self, day: float) -> tuple[LoadCase, ...]:
        """Load cases of a day, after the conditions that hold on it."""
        factor = math.prod(c.load_factor for c in self.conditions if c.start_d <= day < c.until_d)
        cases = (a.case for a in self.activities if (a.start_d <= 0 and day < 0) or a.start_d <= day < a.until_d)
        return tuple(
            LoadCase((c.stress_mpa[0] * factor, c.stress_mpa[1] * factor, c.stress_mpa[2] * factor), c.cycles_per_d)
            for c in cases
        )


def habitual_program(p: LoadParameters) -> tuple[Activity, ...]:
    """The default habit: walking along z and two lateral loads (assumed; three normal components, never one)."""
    lateral = p.axial_mpa * p.lateral_fraction
    stresses = {"axial": (p.axial_mpa, 0.0, 0.0), "lateral y": (0.0, lateral, 0.0), "lateral x": (0.0, 0.0, lateral)}
    return tuple(Activity(name, LoadCase(stress, p.cycles_per_d)) for name, stress in stresses.items())
