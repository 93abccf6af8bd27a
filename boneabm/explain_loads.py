"""What a scenario does to the bone as a load, before it is run: site, habit, rows, calendar of its weeks, warnings."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from boneabm.build import bone_lost
from boneabm.build_loads import clock, plain_program, weekly_program
from boneabm.kernels import sensing
from boneabm.loading import Program, Routine, WeeklyProgram, relative_day
from boneabm.loading.weekly import WEEK, Session
from boneabm.parameters import ParameterSet
from boneabm.remodeling import TissueParameters, mechanostat
from boneabm.scenario import Activity, GeneratedBone, Scenario
from boneabm.scenario_body import Subject
from boneabm.scenario_loading import RESIDUAL, ROWS

MOST_WEEKS = 6
MOST_TIMES = 4
FORTNIGHT_D = 14
EQUAL = 0.01
"""Days whose psi differ by less stand together."""
WALKING = ("walking", "brisk_walking")
HELD_BY_A_HARNESS = ("bed_rest", *RESIDUAL)


def calendar(scenario: Scenario, parameters: ParameterSet) -> list[str]:
    """Site, habit, rows, the week after every change of the program, and warnings; nothing is solved for it.

    psi/psi* is that of solid bone: exact where all loads act in the same directions, as those of the library do.
    psi* is that of the day, see `Felt`. Empty for a scenario of plain stresses.
    """
    week = scenario.week
    if week is None:
        return []
    sheet = _Sheet(scenario, weekly_program(scenario, week, parameters), parameters)
    return [*sheet.site(), *sheet.habit(), *sheet.rows(), *sheet.weeks(), *sheet.warnings()]


def head_start(subject: Subject, parameters: ParameterSet) -> float:
    """psi/psi* in the habit on day 0: what is left of a bone feels 1/(1 - lost), its set points followed with kappa."""
    kappa = parameters["osteocyte.own_history_share"].value
    return float((1.0 - bone_lost(subject, parameters)) ** (kappa - 1.0))


def relative(program: WeeklyProgram, day: int, poisson: float = 0.3) -> float:
    """psi of a day over that of the habit, in solid bone."""
    return relative_day(program.day(day), program.habitual(), program.p.exponent, poisson)


def norm(values: Sequence[float], m: float) -> float:
    """What days count together: (mean of psi^m)^(1/m)."""
    return (math.fsum(value**m for value in values) / len(values)) ** (1 / m)


class Felt:
    """psi/psi* of the median osteocyte by day, in solid bone; memory and set point follow by the rule of the kernel.

    They start on day 0 as a run starts them: at rest in the habit on what is left of the bone. Turnover, new cells and
    hormones are not in it.
    """

    def __init__(self, program: WeeklyProgram, subject: Subject, parameters: ParameterSet) -> None:
        self.program, self.poisson = program, parameters["material.poisson"].value
        rules = TissueParameters.of(parameters).osteocyte
        self._rates = sensing.osteocyte_rates(rules)
        self._habit = 1.0 / (1.0 - bone_lost(subject, parameters))
        memory, set_point = mechanostat.at_rest(np.array([self._habit]), rules)
        self._memory, self._set_point = float(memory[0]), float(set_point[0])
        self._psi: list[float] = []
        self._days: list[float] = []

    def psi(self, day: int) -> float:
        """psi of a day from day 0 on over that of the habit before any loss of bone."""
        self._go_to(day)
        return self._psi[day]

    def day(self, day: int) -> float:
        """psi of a day from day 0 on over the set point of that day."""
        self._go_to(day)
        return self._days[day]

    def _go_to(self, day: int) -> None:
        while len(self._days) <= day:
            psi = self._habit * relative(self.program, len(self._days), self.poisson)
            rule = sensing.osteocyte_signal.py_func  # as plain Python: nothing is compiled to explain
            self._memory, self._set_point, _ = rule(psi, self._memory, self._set_point, 1.0, self._rates)
            self._psi.append(psi)
            self._days.append(psi / math.exp(self._set_point))

    def norm(self, day: int, days: int = FORTNIGHT_D) -> float:
        """Norm of psi/psi* over so many days from this one on."""
        return norm([self.day(day + d) for d in range(days)], self.program.p.exponent)


class Load(NamedTuple):
    """The largest compressive stress of a row on a day, MPa; row: its number, None for a part of the habit."""

    row: int | None
    name: str
    day: int
    peak_mpa: float


def plain_loads(scenario: Scenario, parameters: ParameterSet) -> Iterator[Load]:
    """Loads of rows of plain stresses on every day on which a row or condition begins or ends."""
    program = plain_program(scenario, parameters)
    edges = {0.0, *(d for row in program.activities for d in (row.start_d, row.until_d))}
    edges |= {d for condition in program.conditions for d in (condition.start_d, condition.until_d)}
    for day in sorted({math.ceil(d) for d in edges if 0 <= d < scenario.simulation.days}):
        for number, activity in enumerate(program.activities):
            for case in Program([activity], program.conditions).day(day):
                yield Load(number, activity.name, day, _compression(case.stress_mpa))


def _compression(stress_mpa: Sequence[float]) -> float:
    """Largest principal stress, compression positive, of normal stresses z, y, x or of zz, yy, xx, zy, zx, yx."""
    z, y, x, zy, zx, yx = (*stress_mpa, 0.0, 0.0, 0.0)[:6]
    return float(np.linalg.eigvalsh([[z, zy, zx], [zy, y, yx], [zx, yx, x]])[-1])


def beyond_yield(loads: Iterable[Load], scenario: Scenario, parameters: ParameterSet) -> Iterator[str]:
    """A warning of every row that strains the core beyond yield, each on its worst day; the worst row in full.

    apparent modulus = that of the reference core x (BV/TV / its BV/TV)^1.8; bone of an image is taken as that core
    """
    p, bone = parameters.values("loading"), scenario.bone
    bv_tv = bone.bv_tv if isinstance(bone, GeneratedBone) else p["core_bv_tv"]
    modulus = p["core_modulus_mpa"] * (bv_tv / p["core_bv_tv"]) ** p["modulus_exponent"]
    worst: dict[tuple[int | None, str], Load] = {}
    for load in loads:
        known = worst.get(load[:2])
        if load.peak_mpa > (p["yield_strain"] * modulus if known is None else known.peak_mpa):
            worst[load[:2]] = load
    if worst:
        first, *others = sorted(worst.values(), key=lambda load: -load.peak_mpa)
        assumed = "" if isinstance(bone, GeneratedBone) else ", assumed, as the image is not read here"
        also = ", ".join(f"{one.name} on day {one.day} ({one.peak_mpa / modulus:.2%})" for one in others)
        yield (
            f"WARNING: {first.name} on day {first.day}, in week {first.day // 7 + 1}, strains the core by "
            f"{first.peak_mpa / modulus:.2%} (peak {first.peak_mpa:.2f} MPa, apparent modulus {modulus:.0f} MPa at "
            f"BV/TV {bv_tv:.2f}{assumed}); above {p['yield_strain']:.2%} it yields, and the model does not"
            f"{f'; also {also}' if also else ''}"
        )


@dataclass(frozen=True)
class _Sheet:
    """A scenario with its program, as lines of text."""

    scenario: Scenario
    program: WeeklyProgram
    parameters: ParameterSet

    @cached_property
    def felt(self) -> Felt:
        """psi/psi* by day."""
        return Felt(self.program, self.scenario.subject, self.parameters)

    @cached_property
    def shares(self) -> dict[str, float]:
        """Share of every activity in psi^m of the habit, by its kind in the library, else by its name."""
        doses: dict[str, float] = {}
        for session in (s for weekday in range(7) for s in self.program.habit(weekday)):
            name = self.kind(session.routine)
            doses[name] = doses.get(name, 0.0) + session.dose
        return {name: dose / sum(doses.values()) for name, dose in doses.items()}

    def kind(self, routine: Routine) -> str:
        """Kind of a routine; the name of a row that has none of the library."""
        if routine.row is None:
            return routine.name.removeprefix("habitual ")
        kind = self.scenario.activity[routine.row].kind
        return kind if kind in WALKING else routine.name

    def site(self) -> Iterator[str]:
        """Where the bone is and what a force does there."""
        site = self.program.site
        yield (
            f"site {site.name} of {site.mass_kg:g} kg, {site.area_mm2:g} mm2: "
            f"{site.mpa_per_bw:.3g} MPa in the trabecular core per body weight of force"
        )

    def habit(self) -> Iterator[str]:
        """What the bone is used to: shares, then a line for the cycle of every activity on a day of it."""
        told = ", ".join(f"{name} {share:.0%}" for name, share in self.shares.items())
        kind = self.scenario.week.habitual if self.scenario.week else ROWS
        source = "rows without a start" if kind == ROWS else f'"{kind}"'
        start = head_start(self.scenario.subject, self.parameters)
        yield f"habit, {source}: psi/psi* = {start:.3g}; shares of its psi^m: {told}"
        for routine in self.program.routines:
            week = ([s for s in self.program.habit(weekday) if s.routine == routine] for weekday in range(7))
            done = next(filter(None, week), None)
            if done is not None:
                yield f"  {_session(done).removeprefix('habitual ')}"

    def rows(self) -> Iterator[str]:
        """What every row prescribes and when, whether it is added to the habit, and which keys have no effect."""
        for routine in self.program.routines:
            if routine.row is not None:
                row = self.scenario.activity[routine.row]
                days = "every day" if all(routine.weekdays) else " ".join(_names(routine.weekdays))
                amount = f"{_plain(routine.cycles * len(routine.hours))} cycles a day in {_bouts(routine)}, {days}"
                told = (amount, *self._added(routine, row), *self._idle(routine, row), *self._limit(routine))
                yield f"{routine.name}: {'; '.join(told)}"

    def _added(self, routine: Routine, row: Activity) -> Iterator[str]:
        for other in self.program.routines:
            name = self.kind(other)
            if other.row is None and other.habitual and name in (row.kind, *(WALKING if row.kind in WALKING else ())):
                yield f"added to the {_plain(other.cycles * len(other.hours))} of {name} a day in the habit"

    def _idle(self, routine: Routine, row: Activity) -> Iterator[str]:
        held = (r for r in self.program.restrictions if r.kind in HELD_BY_A_HARNESS)
        if row.harness is not None and not any(r.start_d < routine.until_d > routine.start_d < r.until_d for r in held):
            yield "harness has no effect: no bed rest, microgravity, paralysis or immobilization while it is done"
        if row.rest_s and not self.program.p.rest_gain_per_s:
            yield "rest has no effect: loading.rest_gain_per_s is 0"

    def _limit(self, routine: Routine) -> Iterator[str]:
        """Where the 1RM ends a progression."""
        if routine.bar is None or routine.progression_per_d <= 0:
            return
        trained = self.program.trained_d(routine, math.ceil(min(routine.until_d, self.scenario.simulation.days)))
        free = replace(routine.bar, one_rm_kg=math.inf)
        got, wanted = (
            bar.body_weights(trained, routine.progression_per_d, 1.0, self.program.p) for bar in (routine.bar, free)
        )
        if got < wanted:
            unknown = f" ({routine.bar.kg:g} kg on the first day, as loading.one_rm is not given)"
            first = "" if routine.bar.one_rm_kg else unknown
            after = f"{got:.3g} kg after {trained:g} trained days, not {wanted:.3g} kg"
            yield f"its progression ends at the 1RM{first}: {after}"

    def changes(self) -> list[int]:
        """Days within the run on which something begins or ends."""
        moments = {0.0, *(d for r in self.program.routines for d in (r.start_d, r.until_d))}
        moments |= {d for r in self.program.restrictions for d in (r.start_d, r.until_d)}
        return sorted({math.ceil(day) for day in moments if 0 <= day < self.scenario.simulation.days})

    def weeks(self) -> Iterator[str]:
        """The first week of every stretch between changes, and its last where progression or set points changed it."""
        days, run_d = self.changes(), self.scenario.simulation.days
        ends = [*days[1:], run_d]
        kappa, tau_d = (self.parameters[f"osteocyte.{name}"].value for name in ("own_history_share", "adaptation_d"))
        yield (
            "psi/psi* of a day is over the set point of that day: set points follow what is felt, by its power "
            f"{kappa:g} with {tau_d:g} d"
        )
        inexact = [d for d, end in zip(days, ends, strict=True) if not all(map(self.exact, range(d, min(d + 7, end))))]
        if inexact:
            yield (
                '"about": loads of that day act in other directions than those of the habit, or not in proportion to '
                "them; its psi/psi* is that of solid bone, which this bone is not"
            )
        for number, (day, end) in enumerate(zip(days[:MOST_WEEKS], ends, strict=False)):
            yield from self._week(day, end if number + 1 < len(days) else math.inf)
            if end - day >= FORTNIGHT_D and not _equal(self.felt.norm(day, 7), self.felt.norm(end - 7, 7)):
                yield from self._week(end - 7, end, "last ")
        if len(days) > MOST_WEEKS:
            more = len(days) - MOST_WEEKS
            yield f"and {more} more change{'s'[: more - 1]}, the last on day {days[-1]}"
            yield from self._week(max(run_d - 7, days[-1]), run_d, "last ")

    def exact(self, day: int) -> bool:
        """Whether every direction is loaded in the same proportion to the habit, so that psi/psi* holds in any bone."""
        habit, today = (dict(cases) for cases in (self.program.habitual(), self.program.day(day)))
        ratios = [today.get(way, 0.0) / dose for way, dose in habit.items() if dose]
        return set(today) <= set(habit) and math.isclose(min(ratios), max(ratios), rel_tol=1e-9)

    def _week(self, day: int, end: float, which: str = "") -> Iterator[str]:
        """A week from a day on, until something changes: days that are equal stand together."""
        held = ", ".join(r.kind.replace("_", " ") for r in self.program.restricted(day))
        length = int(min(FORTNIGHT_D, end - day))
        yield (
            f"{which}week from day {day}{f' ({held})' if held else ''}: "
            f"psi/psi* over {length} days {self.felt.norm(day, length):.2f}"
        )
        yield from self._stopped(day, day + min(7, length))
        for group in self._groups(range(day, day + min(7, length))):
            values = sorted({f"{self.felt.day(d):.2f}" for d in group}, key=float)
            about = "" if all(map(self.exact, group)) else "about "
            done = "; ".join(self._done(group[0])) or ("nothing is added" if held else "habit only")
            names = " ".join(WEEK[d % 7] for d in sorted(group, key=lambda d: d % 7))
            yield f"  {names}: psi/psi* {about}{' to '.join(dict.fromkeys((values[0], values[-1])))}; {done}"

    def _stopped(self, day: int, end: int) -> Iterator[str]:
        for routine in self.program.routines:
            idle = [a for a, b, goes_on in self.program.stretches(routine, end) if b > day and not goes_on]
            if idle and routine.row is not None:
                held = self.program.restricted(max(idle[0], day))
                bare = routine.harness is None and any(r.kind in HELD_BY_A_HARNESS for r in held)
                why = "it has no harness" if bare else "nothing of its force is left"
                yield f"  {routine.name} is stopped: {why} ({', '.join(r.kind.replace('_', ' ') for r in held)})"

    def _groups(self, days: Iterable[int]) -> list[list[int]]:
        """Days of the same activities whose psi are equal within 1 %."""
        groups: list[list[int]] = []
        for day in days:
            names = self._labels(day)
            alike = (g for g in groups if self._labels(g[0]) == names)
            found = next((g for g in alike if _equal(self.felt.psi(g[0]), self.felt.psi(day))), None)
            if found is None:
                groups.append([day])
            else:
                found.append(day)
        return sorted(groups, key=lambda group: min(day % 7 for day in group))

    def _labels(self, day: int) -> list[str]:
        return [s.routine.name for s in self.program.sessions(day) if not s.routine.habitual]

    def _done(self, day: int) -> list[str]:
        """What is added to the habit on a day."""
        by_row: dict[Routine, list[Session]] = {}
        for session in self.program.sessions(day):
            if not session.routine.habitual:
                by_row.setdefault(session.routine, []).append(session)
        return [_session(sessions) for sessions in by_row.values()]

    def warnings(self) -> Iterator[str]:
        """Loads beyond yield, and a habit that makes exercise look larger than it is."""
        loads = (Load(s.routine.row, s.routine.name, day, s.peak_mpa) for day, s in self._sessions())
        yield from beyond_yield(loads, self.scenario, self.parameters)
        walked = sum(share for name, share in self.shares.items() if name in WALKING)
        if walked >= self.parameters["loading.walking_share_warned"].value:
            yield (
                f"WARNING: only walking makes the habit ({walked:.0%} of its psi^m), so any other exercise is "
                'exaggerated. Use habitual = "community_adult", or add bends, stairs and light lifts without a start.'
            )

    def _sessions(self) -> Iterator[tuple[int, Session]]:
        """What is done, and when, in the first and in the last week of every stretch between two changes."""
        last = self.scenario.simulation.days
        edges = [*self.changes(), last]
        days = {d for edge in edges for d in (*range(max(edge - 7, 0), edge), *range(edge, edge + 7)) if d < last}
        return ((day, session) for day in sorted(days) for session in self.program.sessions(day))


def _equal(a: float, b: float) -> bool:
    return abs(a - b) <= EQUAL * max(a, b)


def _names(weekdays: Iterable[bool]) -> list[str]:
    return [name for name, done in zip(WEEK, weekdays, strict=True) if done]


def _bouts(routine: Routine) -> str:
    """Bouts of a day and their clock times."""
    times = [clock(hour) for hour in routine.hours]
    if len(times) == 1:
        return f"one bout at {times[0]}"
    return f"{len(times)} bouts at {', '.join(times) if len(times) <= MOST_TIMES else f'{times[0]} to {times[-1]}'}"


def _session(classes: list[Session]) -> str:
    """A row on a day: the class of cycles that is worth most, and all that count."""
    first = max(classes, key=lambda s: s.dose)
    cycles, counted = (math.fsum(xs) for xs in zip(*((s.cycles, s.effective_cycles) for s in classes), strict=True))
    which = f"{len(classes)} classes, first " if len(classes) > 1 else ""
    return (
        f"{first.routine.name} peak {max(s.peak_mpa for s in classes):.2f} MPa, {which}range {first.span_mpa:.2f}, "
        f"{_plain(first.hz)} Hz, {_plain(cycles)} cycles count {_plain(counted)}"
    )


def _plain(value: float) -> str:
    """Three digits, whole numbers in full, no exponent."""
    return f"{value:.0f}" if value >= 100 else f"{float(f'{value:.3g}'):.6f}".rstrip("0").rstrip(".")
