"""What the bone carries: activities as apparent stresses with cycles per day, and conditions that weaken them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

FOREVER_D = math.inf


class LoadParameters(NamedTuple):
    """Parameters of section [load]; see data/parameters.toml."""

    axial_mpa: float
    lateral_fraction: float
    cycles_per_d: float


class LoadCase(NamedTuple):
    """One kind of cycle: apparent stress in MPa (compression positive) and cycles per day.

    stress_mpa : normal stresses along z, y, x; or zz, yy, xx, zy, zx, yx where loads may be turned
    """

    stress_mpa: tuple[float, ...]
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

    mixed = False
    """Whether doses of a week are mixed by direction (`WeeklyProgram`)."""

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
        return tuple(LoadCase(tuple(s * factor for s in c.stress_mpa), c.cycles_per_d) for c in cases)


def turned_stress(stress_mpa: tuple[float, float, float], tilt_deg: float) -> tuple[float, ...]:
    """Stress tensor zz, yy, xx, zy, zx, yx of normal stresses (z, y, x) turned about y, from z toward x by tilt_deg.

    sigma' = R diag(sigma) R^T, with R e_z = cos(tilt) e_z + sin(tilt) e_x and R e_y = e_y. The load along z then
    acts along z cos(tilt) + x sin(tilt). Without tilt the numbers are exactly those given, and no shear.
    """
    z, y, x = stress_mpa
    cos, sin = math.cos(math.radians(tilt_deg)), math.sin(math.radians(tilt_deg))
    return (cos * cos * z + sin * sin * x, y, sin * sin * z + cos * cos * x, 0.0, cos * sin * (z - x), 0.0)


def turned(activity: Activity, tilt_deg: float) -> Activity:
    """The same activity with its three normal stresses turned about y, from z toward x; six components then."""
    z, y, x = activity.case.stress_mpa
    case = LoadCase(turned_stress((z, y, x), tilt_deg), activity.case.cycles_per_d)
    return replace(activity, case=case)


def habitual_program(p: LoadParameters) -> tuple[Activity, ...]:
    """The default habit: walking along z and two lateral loads (assumed; three normal components, never one)."""
    lateral = p.axial_mpa * p.lateral_fraction
    stresses = {"axial": (p.axial_mpa, 0.0, 0.0), "lateral y": (0.0, lateral, 0.0), "lateral x": (0.0, 0.0, lateral)}
    return tuple(Activity(name, LoadCase(stress, p.cycles_per_d)) for name, stress in stresses.items())
