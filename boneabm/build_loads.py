"""From the loads of a scenario to a program: plain stresses, or activities of a week at a site."""

from __future__ import annotations

import math

from .errors import InputError
from .loading import (
    Activity,
    Bar,
    ChainParameters,
    Condition,
    ForceCycle,
    LoadCase,
    LoadParameters,
    Program,
    Restriction,
    Routine,
    Site,
    WeeklyProgram,
    force_cycle,
    habitual_program,
    site_of,
    stepping,
    turned,
    turned_stress,
)
from .loading.library import LYING, VIBRATION, steps_per_min, vibration
from .loading.weekly import EVERY_DAY, Direction
from .parameters import ParameterSet
from .scenario import Scenario
from .scenario_loading import RESIDUAL, ROWS, Loading
from .scenario_loading import Activity as Row
from .scenario_loading import Condition as ConditionRow

HABIT = "habit_community_adult"
HABIT_KINDS = ("walking", "sit_to_stand", "bend", "light_lift", "stairs")
NO_ROW = "activity: no row holds on day 0, so there is no habitual load that the bone could be adapted to. "
NO_HABIT = {
    None: f"{NO_ROW}Give one activity without start, or remove all rows to use the default habit.",
    ROWS: 'loading.habitual: "rows", but no row holds on day 0 that loads loading.site "{site}" (a static load counts '
    "nothing), so there is no habit that the bone could be adapted to. Give an [[activity]] without start that loads "
    'it, such as kind = "cycles" with peak_stress, or, at spine and leg, write habitual = "community_adult".',
    "community_adult": 'loading.habitual: nothing in "community_adult" loads loading.site "{site}", so there is no '
    'habit that the bone could be adapted to. Write habitual = "rows" and an [[activity]] without start, such as '
    'kind = "cycles", peak_stress = "0.3 MPa", frequency = "1 Hz", cycles = 1000; or choose another site.',
}
"""What is told where nothing loads the bone before day 0, by the kind of habit; None: plain rows."""


def make_program(scenario: Scenario, parameters: ParameterSet) -> Program | WeeklyProgram:
    """Loading program: activities of a week where a row has a kind or there is a section [loading], else plain rows.

    Raises InputError where nothing loads the bone before day 0.
    """
    week = scenario.week
    if week is not None:
        return weekly_program(scenario, week, parameters)
    program = plain_program(scenario, parameters)
    _loaded(program, NO_HABIT[None])
    return program


def _loaded(program: Program | WeeklyProgram, told: str) -> None:
    if not any(case.cycles_per_d > 0 for case in program.habitual()):
        raise InputError(told)


def plain_program(scenario: Scenario, parameters: ParameterSet) -> Program:
    """Program of plain stresses: the scenario's activities, else the default habit, under its conditions.

    Stresses have as many components as the boundary of the strain solve has cases: three normal ones, or all six.
    """
    rows = [
        Activity(a.label, LoadCase(a.stress_mpa, a.cycles_per_d), a.start_d, _until(a.until_d))
        for a in scenario.activity
        if a.stress_mpa is not None and a.cycles_per_d is not None
    ]
    if not rows:
        rows = list(habitual_program(parameters.section("load", LoadParameters)))
    if scenario.boundary == "affine":
        tilts = [a.tilt_deg for a in scenario.activity] or [0.0] * len(rows)
        rows = [turned(row, tilt) for row, tilt in zip(rows, tilts, strict=True)]
    conditions = [
        Condition(row.load_factor, row.start_d, _until(row.until_d))
        for row in scenario.condition
        if row.load_factor is not None
    ]
    return Program(rows, conditions)


def weekly_program(scenario: Scenario, week: Loading, parameters: ParameterSet) -> WeeklyProgram:
    """Program of a week at a site: the habit, the rows of the scenario, and what its conditions leave.

    Raises InputError where nothing loads the bone before day 0, or a row runs past midnight.
    """
    subject = scenario.subject
    mass = subject.weight_kg if week.species == "human" else None
    site = site_of(parameters, week.site, mass, subject.sex == "male" and week.species == "human", week.area_mm2)
    desk = _Desk(scenario, week, parameters, site)
    routines = desk.community_adult() if week.habitual != ROWS else []
    routines += [desk.routine(number, row) for number, row in enumerate(scenario.activity)]
    restrictions = [desk.restriction(row) for row in scenario.condition if row.share is None]
    routines += [desk.turning()] if any(r.kind == "bed_rest" for r in restrictions) else []
    program = WeeklyProgram(routines, restrictions, site, chain_parameters(parameters, week.species))
    _loaded(program, NO_HABIT[week.habitual].format(site=week.site))
    return program


def chain_parameters(parameters: ParameterSet, species: str = "human") -> ChainParameters:
    """Parameters of the stimulus chain for a species."""
    loading = parameters.values("loading")
    static_hz = loading["static_hz" if species == "human" else "static_hz_rodent"]
    names = ("cycle_saturation", "recovery_h", "rest_gain_per_s")
    exponent = parameters["osteocyte.stimulus_exponent"].value
    strength = (loading["strength_gain"], loading["strength_time_d"])
    saturation, recovery_h, rest_gain = (loading[name] for name in names)
    return ChainParameters(saturation, recovery_h, rest_gain, static_hz, exponent, *strength)


class _Desk:
    """Turns the rows of one scenario into routines."""

    def __init__(self, scenario: Scenario, week: Loading, parameters: ParameterSet, site: Site) -> None:
        self.scenario, self.week, self.parameters, self.site = scenario, week, parameters, site
        lateral = parameters["load.lateral_fraction"].value
        self.axial: tuple[tuple[float, float, float], ...] = ((1.0, 0.0, 0.0), (0.0, lateral, 0.0), (0.0, 0.0, lateral))

    def community_adult(self) -> list[Routine]:
        """The habit of a community-dwelling adult, as far as its activities load the site."""
        numbers = self.parameters.values(HABIT)
        return [
            self._everyday(kind, numbers[f"{kind}_per_d"], int(numbers[f"{kind}_bouts"]))
            for kind in HABIT_KINDS
            if self._loads(kind)
        ]

    def turning(self) -> Routine:
        """What is left in bed rest: turning over."""
        numbers = self.parameters.values("condition_bed_rest")
        per_d, bouts = numbers["turning_per_d"], int(numbers["turning_bouts"])
        force = (force_cycle(self.parameters, "bed_turning", self.site.joint),) if self._loads("bed_turning") else ()
        hours = tuple(24.0 * i / bouts for i in range(bouts))
        directions = self._directions(None, 0.0)
        return Routine("turning in bed", force, per_d / bouts, hours, directions, lying=True, only_in="bed_rest")

    def restriction(self, row: ConditionRow) -> Restriction:
        """A row of [[condition]]: what it leaves of the forces; 0 in bed rest, which leaves what is done lying."""
        shares = (row.load_factor, row.gravity, row.residual)
        share = next((value for value in shares if value is not None), 0.0)
        if row.kind in RESIDUAL and row.residual is None:
            share = self.parameters[f"condition_{row.kind}.residual"].value
        return Restriction(row.kind, share, row.start_d, _until(row.until_d))

    def routine(self, number: int, row: Row) -> Routine:
        """A row of [[activity]] and its number, from 0."""
        hours = self._hours(number, row)
        bar = None
        if row.load is not None:
            one_rm, share = self.week.one_rm.get(row.kind or ""), row.load.of_one_rm
            bar = Bar((one_rm or 0.0) * row.load.amount / 100 if share else row.load.amount, one_rm, share)
        return Routine(
            row.label, self._forces(row), self._cycles(row) / len(hours), hours,
            self._directions(row.direction or row.stress_mpa, row.tilt_deg), row.days or EVERY_DAY,
            row.start_d, _until(row.until_d), bar, (row.progression_percent_per_wk or 0.0) / 700, row.rest_s or 0.0,
            row.harness, row.kind in LYING, habitual=self.week.habitual == ROWS and row.start_d == 0,
            row=number,
        )  # fmt: skip

    def _everyday(self, kind: str, per_d: float, bouts: int) -> Routine:
        cycles = per_d * (self.site.cycles_per_step if kind in stepping() else 1.0)
        force = force_cycle(self.parameters, kind, self.site.joint)
        hours, directions = self._spread(bouts), self._directions(None, 0.0)
        return Routine(f"habitual {kind}", (force,), cycles / bouts, hours, directions, habitual=True)

    def _loads(self, kind: str) -> bool:
        names = self.parameters.values(f"activity_{kind}")
        return f"{self.site.joint}_peak_bw" in names

    def _forces(self, row: Row) -> tuple[ForceCycle, ...]:
        p, joint, unit = self.parameters, self.site.joint, self.site.mpa_per_bw
        if row.stress_mpa is not None:
            return (ForceCycle(max(map(abs, row.stress_mpa)) / unit, 0.0, 1.0),)
        if row.counted is not None:
            per_bw = {"N": self.site.bw_n, "BW": 1.0, "MPa": unit}[row.counted_in or "N"]
            total = sum(one.cycles for one in row.counted)
            return tuple(
                ForceCycle(one.span / per_bw, 0.0, one.hz, 0.0, one.cycles / total, (one.peak - one.span) / per_bw)
                for one in row.counted
            )
        kind, hz = row.kind or "", row.frequency_hz
        if row.peak_stress_mpa is not None:
            return (ForceCycle(row.peak_stress_mpa / unit, (row.valley_stress_mpa or 0.0) / unit, self._hz(row)),)
        if kind == VIBRATION:
            return (vibration(p, joint, row.acceleration_g or 0.0, hz or 0.0),)
        return (force_cycle(p, kind, joint, hz),)

    def _hz(self, row: Row) -> float:
        """Equivalent frequency of a row with its own stress: as given, that of its kind, else 1 Hz."""
        if row.frequency_hz is not None:
            return row.frequency_hz
        return self.parameters.values(f"activity_{row.kind}").get(f"{self.site.joint}_hz", 1.0)

    def _cycles(self, row: Row) -> float:
        """Cycles of a day."""
        per_step = self.site.cycles_per_step if row.kind in stepping() else 1.0
        if row.steps is not None:
            return row.steps * per_step
        if row.duration_s is not None and row.kind in stepping():
            return row.duration_s / 60 * steps_per_min(self.parameters, row.kind or "") * per_step
        if row.duration_s is not None:
            return max(row.duration_s * (row.frequency_hz or 0.0), 1.0)
        times = float(row.reps * (row.sets or 1)) if row.reps is not None else row.cycles_per_d or 1.0
        return times * (sum(one.cycles for one in row.counted) if row.counted is not None else 1.0)

    def _hours(self, number: int, row: Row) -> tuple[float, ...]:
        bouts = row.bouts or 1
        if row.time_h is None and row.spacing_h is None:
            return self._spread(bouts)
        first = row.time_h if row.time_h is not None else self.parameters["loading.first_bout_h"].value
        span = row.spacing_h if row.spacing_h is not None else (24.0 - first) / bouts
        last = first + span * (bouts - 1)
        if last >= 24.0:
            raise InputError(
                f"activity[{number}].time: the {bouts} bouts of {row.label} begin at {clock(first)}, {span:.3g} h "
                f"apart, and so would end {last - 24:.3g} h after midnight. Start earlier (`time`), or make `spacing` "
                "or `bouts` smaller."
            )
        return tuple(first + span * i for i in range(bouts))

    def _spread(self, bouts: int) -> tuple[float, ...]:
        names = ("first_bout_h", "last_bout_h", "single_bout_h")
        first, last, single = (self.parameters[f"loading.{name}"].value for name in names)
        return (single,) if bouts == 1 else tuple(first + (last - first) * i / (bouts - 1) for i in range(bouts))

    def _directions(self, given: tuple[float, float, float] | None, tilt_deg: float) -> tuple[Direction, ...]:
        """Directions of the cases of a row, largest stress 1; by default compression along z with its lateral share."""
        largest = max(map(abs, given)) if given else 1.0
        own: tuple[tuple[float, float, float], ...] = self.axial
        if given is not None:
            own = ((given[0] / largest, given[1] / largest, given[2] / largest),)
        return tuple(turned_stress(d, tilt_deg) for d in own) if self.scenario.boundary == "affine" else own


def clock(hours: float) -> str:
    """Time of day of hours since midnight: 7:30."""
    minutes = round(60 * hours)
    return f"{minutes // 60}:{minutes % 60:02d}"


def _until(day: float | None) -> float:
    return math.inf if day is None else day
