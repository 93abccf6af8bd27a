"""Programs of a week: routines at clock times, conditions that take loads away, what a day is worth to bone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from .cycles import LOOK_BACK_D, effective_cycles, frequency_gain, worth_of_classes
from .library import ForceCycle
from .program import FOREVER_D, LoadCase
from .sites import Site

WEEK = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
"""Day 0 is a Monday."""
EVERY_DAY = (True,) * 7
BODY = ("bed_rest", "microgravity", "partial_gravity", "paralysis", "immobilization")
"""Conditions of which one holds at a time."""

Direction = tuple[float, ...]


class ChainParameters(NamedTuple):
    """What turns cycles into a stimulus; sections [loading] and [osteocyte].

    cycle_saturation : n0; recovery_h : tau_r; rest_gain_per_s : 1/tau_c; static_hz : f0 of the species
    exponent         : m; strength_gain, strength_time_d : growth of the 1RM
    """

    cycle_saturation: float
    recovery_h: float
    rest_gain_per_s: float
    static_hz: float
    exponent: float
    strength_gain: float
    strength_time_d: float


@dataclass(frozen=True)
class Bar:
    """A weight that is lifted: kg on the first day, the 1RM of the lift then (None: unknown).

    share : whether it is a share of the 1RM, which grows; else a weight that stays but for the progression
    """

    kg: float
    one_rm_kg: float | None = None
    share: bool = False

    def body_weights(self, trained_d: float, progression_per_d: float, mass_kg: float, p: ChainParameters) -> float:
        """Mass of the bar over that of the body after so many days of training.

        1RM(t) = 1RM0 (1 + G (1 - exp(-t / tau))); a share of it grows by the progression too, up to the 1RM. A weight
        is never above the 1RM; where that is unknown, no more is sure than that it was the first weight.
        """
        kg = max(self.kg * (1.0 + progression_per_d * trained_d), 0.0)
        stronger = 1.0 - p.strength_gain * math.expm1(-trained_d / p.strength_time_d)
        most = self.kg if self.one_rm_kg is None else self.one_rm_kg
        kg = min(kg, most) * stronger if self.share else min(kg, most * stronger)
        return kg / mass_kg


@dataclass(frozen=True)
class Routine:
    """An activity as a row prescribes it.

    forces            : cycles of a bout at the site, in body weights
    cycles            : of a bout; hours: clock times of the bouts of a day, rising
    weekdays          : Monday to Sunday
    directions        : stresses of each kind of cycle relative to the range, one load case each
    progression_per_d : growth of the bar, or of the range where there is none, per trained day; a negative one ends at
                        nothing
    rest_s            : pause after every cycle
    harness           : share of body weight that presses during a condition that would stop it; None: it stops
    only_in           : kind of condition during which alone it is done
    habitual          : done before day 0 and what the bone is adapted to
    row               : number of the row that prescribes it, from 0; None: part of a habit or condition of the library
    """

    name: str
    forces: tuple[ForceCycle, ...]
    cycles: float
    hours: tuple[float, ...]
    directions: tuple[Direction, ...]
    weekdays: tuple[bool, ...] = EVERY_DAY
    start_d: float = 0.0
    until_d: float = FOREVER_D
    bar: Bar | None = None
    progression_per_d: float = 0.0
    rest_s: float = 0.0
    harness: float | None = None
    lying: bool = False
    only_in: str = ""
    habitual: bool = False
    row: int | None = None

    def planned(self, day: int) -> bool:
        """Whether the row prescribes it on this day."""
        inside = day < self.until_d and (day >= self.start_d or (self.habitual and day < 0))
        return inside and self.weekdays[day % 7]


@dataclass(frozen=True)
class Restriction:
    """A period of less load: disuse, partial gravity (share: of every force), bed rest, microgravity, paralysis or
    immobilization (share: what is left of the forces)."""

    kind: str
    share: float
    start_d: float = 0.0
    until_d: float = FOREVER_D

    def holds(self, day: float) -> bool:
        """Whether it holds on this day."""
        return self.start_d <= day < self.until_d

    def left(self, routine: Routine) -> tuple[float, float]:
        """Shares of body weight and of the bar that are left of a routine."""
        if self.kind in ("disuse", "partial_gravity"):
            return self.share, self.share
        if routine.harness is not None:
            return routine.harness, 1.0
        if self.kind == "bed_rest":
            return (1.0, 1.0) if routine.lying else (0.0, 0.0)
        if self.kind == "microgravity" and not routine.habitual:
            return 0.0, 0.0
        return self.share, self.share


class Session(NamedTuple):
    """A kind of cycle on a day: stresses at the site in MPa, cycles, what they count, contribution to psi^m.

    The peak holds what presses all the time too; only the range counts.
    """

    routine: Routine
    peak_mpa: float
    span_mpa: float
    cycles: float
    effective_cycles: float
    hz: float
    dose: float


class WeeklyProgram:
    """Routines and restrictions at a site; `day(d)` is what a day is worth, as a few load cases.

    A load case is a direction (its largest stress as written, 1 MPa for compression along z) with
    sum of N (g range)^m as its cycles: psi^m = sum over cases of cycles x (strain of the case)^m. Nothing of it is
    state: how tired the cells are on a day follows from the days before it.
    """

    mixed = True

    def __init__(
        self, routines: Sequence[Routine], restrictions: Sequence[Restriction], site: Site, p: ChainParameters
    ) -> None:
        self.routines, self.restrictions = tuple(routines), tuple(restrictions)
        self.site, self.p = site, p
        self._habit = self._habitual_cases()

    def habitual(self) -> tuple[LoadCase, ...]:
        """Load cases of the habit: what its week is worth, as the mean of psi^m over its days."""
        return self._habit

    def day(self, day: float) -> tuple[LoadCase, ...]:
        """Load cases of a day, those of the habit before day 0."""
        return self._habit if day < 0 else merged(self.sessions(int(day)))

    def sessions(self, day: int) -> list[Session]:
        """What is done on a day from day 0 on, one entry per kind of cycle."""
        found: list[Session] = []
        for routine in self.routines:
            left = self._left(routine, day)
            if left is not None:
                past = tuple(self._left(routine, d) is not None for d in range(day - LOOK_BACK_D, day + 1))
                found += self._bouts(routine, past, left, self.trained_d(routine, day))
        return found

    def trained_d(self, routine: Routine, day: int) -> float:
        """Days since a row began on which no condition stopped it: what its progression and the 1RM grow with."""
        stopped = sum(end - first for first, end, goes_on in self.stretches(routine, day) if not goes_on)
        return max(day - routine.start_d - stopped, 0.0)

    def stretches(self, routine: Routine, end: int) -> list[tuple[int, int, bool]]:
        """First day, end and whether it goes on, of the stretches of a row before a day; weekdays are not looked at."""
        first, last = math.ceil(max(routine.start_d, 0.0)), math.ceil(min(routine.until_d, end))
        moments = (moment for r in self.restrictions for moment in (r.start_d, r.until_d))
        edges = sorted({first, last, *(math.ceil(min(max(d, first), last)) for d in moments)})
        return [(a, b, self._spared(routine, a) is not None) for a, b in pairwise(edges) if a >= first]

    def habit(self, weekday: int) -> list[Session]:
        """What the habit is on a weekday (0 Monday) when it has been so for long."""
        found: list[Session] = []
        for routine in self.routines:
            if routine.habitual and routine.weekdays[weekday]:
                past = tuple(routine.weekdays[(weekday - back) % 7] for back in range(LOOK_BACK_D, -1, -1))
                found += self._bouts(routine, past, (1.0, 1.0), 0.0)
        return found

    def restricted(self, day: float) -> tuple[Restriction, ...]:
        """What holds on a day."""
        return tuple(r for r in self.restrictions if r.holds(day))

    def _habitual_cases(self) -> tuple[LoadCase, ...]:
        week = [merged(self.habit(weekday)) for weekday in range(7)]
        return tuple(
            LoadCase(stress, sum(case.cycles_per_d for day in week for case in day if case.stress_mpa == stress) / 7)
            for stress in dict.fromkeys(case.stress_mpa for day in week for case in day)
        )

    def _left(self, routine: Routine, day: int) -> tuple[float, float] | None:
        """Shares of body weight and bar in a routine on a day; None where it is not done."""
        return self._spared(routine, day) if routine.planned(day) else None

    def _spared(self, routine: Routine, day: int) -> tuple[float, float] | None:
        """What conditions leave of a routine on a day, weekdays aside; None where they stop it."""
        active = self.restricted(day)
        if routine.only_in and not any(r.kind == routine.only_in for r in active):
            return None
        shares = [r.left(routine) for r in active]
        body, bar = math.prod(b for b, _ in shares), math.prod(w for _, w in shares)
        return (body, bar) if body > 0 or (bar > 0 and routine.bar is not None) else None

    def _bouts(
        self, routine: Routine, past: tuple[bool, ...], left: tuple[float, float], trained_d: float
    ) -> Iterable[Session]:
        p = self.p
        saturation = p.cycle_saturation * (1.0 + p.rest_gain_per_s * routine.rest_s)

        def effective(share: float, tiring: float | None) -> float:
            tires = None if tiring is None else routine.cycles * tiring
            return effective_cycles(past, routine.hours, routine.cycles * share, saturation, p.recovery_h, tires)

        grown = 1.0 if routine.bar else max(1.0 + routine.progression_per_d * trained_d, 0.0)
        bar = routine.bar.body_weights(trained_d, routine.progression_per_d, self.site.mass_kg, p) if routine.bar else 0
        cycles = routine.cycles * len(routine.hours)
        pressed = [self._pressed(force, left, bar, grown) for force in routine.forces]
        gains = (frequency_gain(force.hz, p.static_hz) for force in routine.forces)
        worths = [gain * span for gain, (_, span) in zip(gains, pressed, strict=True)]
        counted = worth_of_classes([f.share for f in routine.forces], worths, p.exponent, effective)
        for force, (top, span), worth, n in zip(routine.forces, pressed, worths, counted, strict=True):
            yield Session(routine, top, span, cycles * force.share, n, force.hz, worth**p.exponent * n)

    def _pressed(self, force: ForceCycle, left: tuple[float, float], bar: float, grown: float) -> tuple[float, float]:
        """Peak and range of a cycle in MPa."""
        valley = force.valley_bw * left[0]
        peak = max(force.body_bw * left[0] + force.bar_bw * bar * left[1], valley)
        top = peak + force.still_bw * left[0]
        return top * grown * self.site.mpa_per_bw, (peak - valley) * grown * self.site.mpa_per_bw


def merged(sessions: Iterable[Session]) -> tuple[LoadCase, ...]:
    """Load cases of a day: doses of equal direction added, in order of appearance."""
    doses: dict[Direction, float] = {}
    for session in sessions:
        for direction in session.routine.directions:
            doses[direction] = doses.get(direction, 0.0) + session.dose
    return tuple(LoadCase(direction, dose) for direction, dose in doses.items())


def relative_day(
    cases: Sequence[LoadCase], habit: Sequence[LoadCase], exponent: float, poisson: float
) -> float:
    """psi of a day over that of the habit in solid bone under these stresses; exact where all directions are equal."""
    ours, theirs = _power(cases, exponent, poisson), _power(habit, exponent, poisson)
    return (ours / theirs) ** (1.0 / exponent)


def _power(cases: Sequence[LoadCase], exponent: float, poisson: float) -> float:
    """psi^m of cases in a uniform solid of modulus 1, with (2 U / E)^(m/2) per cycle."""
    return sum(case.cycles_per_d * _strain_square(case.stress_mpa, poisson) ** (exponent / 2) for case in cases)


def _strain_square(stress: Direction, poisson: float) -> float:
    z, y, x = stress[:3]
    shear = sum(s * s for s in stress[3:])
    return z * z + y * y + x * x - 2 * poisson * (z * y + z * x + y * x) + 2 * (1 + poisson) * shear
