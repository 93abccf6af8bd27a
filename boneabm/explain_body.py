"""What a scenario does to the person, before it is run: dose calendar, diet, predicted hormone curves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from boneabm.build import dose_of, make_body
from boneabm.endocrine import Body, Modulators
from boneabm.endocrine.body import FACTORS
from boneabm.endocrine.curves import Course, follow
from boneabm.endocrine.doses import single_doses
from boneabm.endocrine.drugs import find_drug
from boneabm.parameters import ParameterSet
from boneabm.report.timeline import habit_words
from boneabm.scenario import Scenario
from boneabm.scenario_body import Diet, Dose, HormoneState, Infusion

COLUMNS = 7
MOVES = 0.02
LOW = "low-confidence drug"

LEVELS = (
    ("estradiol, pg/mL", "e2_pg_per_ml"),
    ("testosterone, ng/dL", "testosterone_ng_per_dl"),
    ("LH, IU/L", "lh"),
    ("FSH, IU/L", "fsh"),
    ("IGF-1, ng/mL", "igf1"),
    ("cortisol, ratio", "cortisol"),
    ("PTH, pg/mL", "pth_pg_per_ml"),
    ("calcium, mmol/L", "calcium_mmol_per_l"),
    ("25OHD, nmol/L", "d25"),
    ("calcitriol, pmol/L", "calcitriol"),
    ("magnesium, mmol/L", "magnesium"),
    ("TNF, ratio", "tnf"),
    ("IL-6, ratio", "il6"),
    ("oxidative stress", "ros"),
    ("denosumab, mg/L", "denosumab_mg_per_l"),
    ("romosozumab, mg/L", "romosozumab_mg_per_l"),
    ("bisphosphonate, mg", "bp_surface"),
    ("pulsed PTH", "anabolic_drive"),
)


def calendar(scenario: Scenario) -> list[str]:
    """One line per row of [[dose]], [[infusion]], [[diet]] and indices of [[state]]."""
    lines = [_dose(row, scenario) for row in scenario.dose] + [_infusion(row) for row in scenario.infusion]
    lines += [_habit("diet", row) for row in scenario.diet]
    return lines + [_habit("state", row) for row in scenario.state if row.kind == "indices"]


def _dose(row: Dose, scenario: Scenario) -> str:
    text = f"{row.drug} {row.route_name()} {row.amt}: day {row.time_d:g}"
    settings = scenario.simulation
    made = single_doses(dose_of(row), -settings.burn_in_d, settings.seed)
    inside = [one for one in made if 0 <= one.time_d < settings.days]
    if row.interval_d is not None:
        text += f", then every {row.interval_d:g} d; {len(inside)} dose{'s'[: len(inside) != 1]} in the run"
        text += f", the last on day {inside[-1].time_d:g}" if inside else ""
    missed = sum(not one.taken for one in inside)
    text += f", {missed} of them missed" if row.adherence < 1 else ""
    text += "; in steady state at the start" if row.ss else ""
    return text + _doubt(row.drug)


def _infusion(row: Infusion) -> str:
    until = "the end" if row.stop_d is None else f"day {row.stop_d:g}"
    held = f"{row.drug} {row.route_name(infusion=True)}, held at {row.rate}: day {row.start_d:g} until {until}"
    return held + _doubt(row.drug)


def _doubt(name: str) -> str:
    drug = find_drug(name)
    return f" ({LOW}: {drug.note})" if drug.confidence == "low" else ""


def _habit(kind: str, row: Diet | HormoneState) -> str:
    start = "always" if row.start_d is None else f"day {row.start_d:g}"
    until = "" if row.until_d is None else f" until day {row.until_d:g}"
    return f"{kind}, {start}{until}: {habit_words(row)}"


def curves(scenario: Scenario, parameters: ParameterSet) -> list[str]:
    """Levels and modulators that move by 2 % or more, at a few days of the run."""
    body = make_body(scenario, parameters)
    body.settle(-1)
    before = _now(body)
    course = follow(body, 0, scenario.simulation.days)
    days = _days(scenario.simulation.days)
    moved = [(label, name) for label, name in LEVELS if _moves(before[name], course, name)]
    rows = [(label, before[name], course.of(name)[days]) for label, name in moved]
    factors = [name for name in (*FACTORS, "setpoint_shift") if _differs(course, name)]
    rows += [(name, before[name], course.of(name)[days]) for name in factors]
    head = f"{'':<22}{'before':>9}" + "".join(f"{f'day {day}':>10}" for day in days)
    return [head, *(_line(*row) for row in rows)] if rows else ["every level and modulator stays within 2 %"]


def _now(body: Body) -> dict[str, float]:
    felt = vars(body.modulators(-1))
    groups = (body.physiology.level, body.physiology.y)
    return {name: float(group[name]) for group in groups for name in group.dtype.names or ()} | felt


def _days(last: int) -> np.ndarray:
    return np.unique(np.linspace(0, last - 1, min(COLUMNS, last)).round().astype(int))


def _moves(before: float, course: Course, name: str) -> bool:
    values = course.of(name)
    return bool(np.abs(values - before).max() > MOVES * max(abs(before), 1e-3))


def _differs(course: Course, name: str) -> bool:
    return bool(np.abs(course.of(name) - getattr(Modulators(), name)).max() > MOVES)


def _line(label: str, before: float, values: Sequence[float]) -> str:
    return f"{label:<22}{before:>9.4g}" + "".join(f"{value:>10.4g}" for value in values)
