"""What a scenario does to the person, before it is run: dose calendar, diet, predicted hormone curves."""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np

from boneabm.analysis.doubts import IN_WOMEN, doubted_drugs, why_doubted
from boneabm.analysis.person import bring_to_start
from boneabm.build import make_body
from boneabm.endocrine import Body, Modulators
from boneabm.endocrine.body import FACTORS
from boneabm.endocrine.curves import Course, follow
from boneabm.parameters import ParameterSet
from boneabm.report.timeline import doses_of, habit_words, what
from boneabm.scenario import Scenario
from boneabm.scenario_body import Diet, Dose, HormoneState, Infusion
from boneabm.units import DIMENSIONS

COLUMNS = 7
WINDOW_D = 28
MOVES = 0.02
NOTHING = 1e-6
"""Less than this share of the largest of its row is printed as 0."""
MOST_MISSED = 5
LOW = "low-confidence drug"


class Row(NamedTuple):
    """A level of the table: its words, its name in the course, the factor into the unit that is printed, a note."""

    label: str
    name: str
    factor: float = 1.0
    note: str = ""


LEVELS = (
    Row("estradiol, pg/mL", "e2_pg_per_ml"),
    Row("progesterone, x reference", "progesterone"),
    Row("testosterone, ng/dL", "testosterone_ng_per_dl"),
    Row("LH, IU/L", "lh"),
    Row("FSH, IU/L", "fsh"),
    Row("IGF-1, ng/mL", "igf1"),
    Row("cortisol, x reference", "cortisol"),
    Row("PTH, pg/mL", "pth_pg_per_ml"),
    Row("calcium, mmol/L", "calcium_mmol_per_l"),
    Row("25OHD, nmol/L", "d25"),
    Row("25OHD, ng/mL", "d25", 1 / DIMENSIONS["25OHD"].factors["ng/mL"]),
    Row("calcitriol, pmol/L", "calcitriol"),
    Row("magnesium, mmol/L", "magnesium"),
    Row("TNF, x reference", "tnf"),
    Row("IL-6, x reference", "il6"),
    Row("oxidative stress, x ref.", "ros"),
    Row("sclerostin of bone, x ref.", "sclerostin"),
    Row("sympathetic tone, x ref.", "sympathetic"),
    Row("denosumab, mg/L", "denosumab_mg_per_l"),
    Row("romosozumab, mg/L", "romosozumab_mg_per_l"),
    Row("bisphosphonate, mg", "bp_surface", note="on the surface of the whole skeleton, in alendronate equivalents"),
    Row("pulsed PTH, x 20 ug/d", "anabolic_drive", note="1 is what 20 ug/d injected do in a woman of 65 kg"),
)


def calendar(scenario: Scenario) -> list[str]:
    """One line per row of [[dose]], [[infusion]], [[diet]] and [[state]]."""
    days = scenario.simulation.days
    lines = [_dose(row, scenario) + _late(row.time_d, days) for row in scenario.dose] + _added(scenario)
    lines += [_infusion(row, scenario) + _late(row.start_d, days) for row in scenario.infusion]
    lines += [_habit("diet", row, habit_words(row)) + _late(row.begin_d, days) for row in scenario.diet]
    words = [habit_words(row) if row.kind == "indices" else what(row) for row in scenario.state]
    states = zip(scenario.state, words, strict=True)
    return lines + [_habit("state", row, told) + _late(row.begin_d, days) for row, told in states]


def _late(begin_d: float, days: int) -> str:
    return f" - begins after the end of the run, day {days}: it does nothing" if begin_d >= days else ""


def _dose(row: Dose, scenario: Scenario) -> str:
    text = f"{row.drug} {row.route_name()} {row.amt}: day {row.time_d:g}"
    inside = [one for one in doses_of(row, scenario) if 0 <= one.time_d < scenario.simulation.days]
    if row.interval_d is not None:
        end = " until the end of the run" if row.goes_on else ""
        text += f", then every {row.interval_d:g} d{end}; {len(inside)} dose{'s'[: len(inside) != 1]} in the run"
        text += f", the last on day {inside[-1].time_d:g}" if inside else ""
    text += _missed([one.time_d for one in inside if not one.taken]) if row.adherence < 1 else ""
    text += "; in steady state at the start" if row.ss else ""
    return text + _doubt(row.drug, scenario)


def _added(scenario: Scenario) -> list[str]:
    """A note on every two series of one drug and route that go on at the same time: their doses add up."""
    series = [(number, row, _times(row, scenario)) for number, row in enumerate(scenario.dose)]
    repeated = sorted((one for one in series if len(one[2]) > 1), key=lambda one: one[2][0])
    return [
        f"rows [{i}] and [{j}] of [[dose]] both give {one.drug} {one.route_name()} from day {b[0]:g} to "
        f'{min(a[-1], b[-1]):g}: the doses add up. Write until = "{b[0]:g} d" in row [{i}]'
        f"{' instead of addl' if one.addl else ''} if [{j}] replaces it"
        for (i, one, a), (j, other, b) in combinations(repeated, 2)
        if (one.drug, one.route_name()) == (other.drug, other.route_name()) and b[0] <= a[-1]
    ]


def _times(row: Dose, scenario: Scenario) -> list[float]:
    """Days of the doses of a row in the run, missed ones too."""
    return [one.time_d for one in doses_of(row, scenario) if 0 <= one.time_d < scenario.simulation.days]


def _missed(days: list[float]) -> str:
    """How many doses are missed, and the first of them."""
    first = ", ".join(f"{day:g}" for day in days[:MOST_MISSED]) + (" ..." if len(days) > MOST_MISSED else "")
    return f", {len(days)} of them missed" + (f" (day {first})" if days else "")


def _infusion(row: Infusion, scenario: Scenario) -> str:
    until = "the end" if row.stop_d is None else f"day {row.stop_d:g}"
    held = f"{row.drug} {row.route_name(infusion=True)}, held at {row.rate}: day {row.start_d:g} until {until}"
    return held + _doubt(row.drug, scenario)


def _doubt(drug: str, scenario: Scenario) -> str:
    told = {name.removesuffix(IN_WOMEN): why_doubted(name) for name in doubted_drugs(scenario)}
    return f" ({LOW}: {told[drug]})" if drug in told else ""


def _habit(kind: str, row: Diet | HormoneState, words: str) -> str:
    start = "always" if row.begin_d < 0 else f"day {row.begin_d:g}"
    until = "" if row.until_d is None else f" until day {row.until_d:g}"
    return f"{kind}, {start}{until}: {words}"


def curves(scenario: Scenario, parameters: ParameterSet) -> list[str]:
    """Levels and modulators that move by 2 % or more: at the end of the burn-in, then means up to a few days.

    A mean is over the days since the day printed before it, 28 at most, so that weekly doses are not met by chance.
    """
    body = make_body(scenario, parameters)
    bring_to_start(body, scenario)
    before = _now(body)
    course = follow(body, 0, scenario.simulation.days)
    days = _days(scenario.simulation.days)
    rows = [row for row in LEVELS if _moves(before[row.name], course, row.name)]
    factors = [name for name in (*FACTORS, "setpoint_shift") if name != "m_sclerostin" and _differs(course, name)]
    shown = [*rows, *map(_modulator, factors)]
    if not shown:
        return ["every level and modulator stays within 2 %"]
    head = f"{'':<27}{'before':>9}" + "".join(f"{f'day {day}':>10}" for day in days)
    notes = [f"{row.label.partition(',')[0]}: {row.note}" for row in shown if row.note]
    told = f"(means of up to {WINDOW_D} d that end on the day)"
    return [told, head, *(_line(row, before[row.name], course, days) for row in shown), *notes]


def _modulator(name: str) -> Row:
    return Row(name, name)


def _now(body: Body) -> dict[str, float]:
    """Everything by name on the last day; of those that share a name the one that `Course.of` gives."""
    return vars(body.felt(-1)) | _named(body.physiology.y) | _named(body.level)


def _named(record: np.void) -> dict[str, float]:
    return {name: float(record[name]) for name in record.dtype.names or ()}


def _days(last: int) -> np.ndarray:
    return np.unique(np.linspace(0, last - 1, min(COLUMNS, last)).round().astype(int))


def _moves(before: float, course: Course, name: str) -> bool:
    values = course.of(name)
    return bool(np.abs(values - before).max() > MOVES * max(abs(before), 1e-3))


def _differs(course: Course, name: str) -> bool:
    return bool(np.abs(course.of(name) - getattr(Modulators(), name)).max() > MOVES)


def _means(values: np.ndarray, days: np.ndarray) -> list[float]:
    """Mean of the days that end on each day: since the day before it in the list, 28 at most, 1 at least."""
    gaps = np.clip(np.diff(days, prepend=days[0] - 1), 1, WINDOW_D)
    return [float(values[day + 1 - gap : day + 1].mean()) for day, gap in zip(days, gaps, strict=True)]


def _line(row: Row, before: float, course: Course, days: np.ndarray) -> str:
    values = course.of(row.name)
    least = NOTHING * max(abs(before), float(np.abs(values).max()))
    told = [row.factor * value if abs(value) >= least else 0.0 for value in (before, *_means(values, days))]
    return f"{row.label:<27}{told[0]:>9.4g}" + "".join(f"{value:>10.4g}" for value in told[1:])
