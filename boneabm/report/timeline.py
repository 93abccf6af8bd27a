"""What is done to the person and the bone over time, as lanes of a drawn time axis."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from boneabm.build import dose_of
from boneabm.build_loads import weekly_program
from boneabm.endocrine.doses import Given, single_doses
from boneabm.loading.weekly import BODY
from boneabm.parameters import ParameterSet
from boneabm.report.record import Record, column
from boneabm.scenario import Activity, Condition, HormoneState, Scenario
from boneabm.scenario_body import INPUT_OF, Diet, Dose, Infusion
from boneabm.scenario_loading import ROWS, Loading
from boneabm.units import DAYS_PER_YEAR

MOST_TICKS = 60
"""More doses than these are drawn as a bar."""


class Span(NamedTuple):
    """Something that holds from one day to another, and what."""

    first_d: float
    end_d: float
    words: str


class Lane(NamedTuple):
    """A row of the time axis: its name, what holds, what happens at moments; kind is subject, load, drug or look."""

    name: str
    kind: str
    spans: tuple[Span, ...] = ()
    ticks_d: tuple[float, ...] = ()
    words: str = ""


def lanes_of(record: Record) -> list[Lane]:
    """Lanes of a run: subject, loads, states and diet, drugs, looks at the bone; times within the planned days."""
    end_d = float(max(record.planned_days, 1))
    scenario = record.scenario
    given = [] if scenario is None else [*_subject(scenario), *_loads(scenario), *_body(scenario), *_drugs(scenario)]
    biopsies = tuple(column(record.biopsy, "day").tolist())
    looks = [Lane("biopsies", "look", ticks_d=biopsies)] if biopsies else []
    return [lane for lane in (_inside(lane, end_d) for lane in [*given, *looks]) if lane.spans or lane.ticks_d]


def _inside(lane: Lane, end_d: float) -> Lane:
    """The lane with what lies between day 0 and the end."""
    spans = (Span(max(s.first_d, 0.0), min(s.end_d, end_d), s.words) for s in lane.spans)
    ticks = tuple(tick for tick in lane.ticks_d if 0 <= tick <= end_d)
    return lane._replace(spans=tuple(s for s in spans if s.first_d < s.end_d), ticks_d=ticks)


def what(row: HormoneState | Activity | Condition) -> str:
    """A state, an activity or a condition in words."""
    if isinstance(row, HormoneState):
        words = {"pth": f"PTH {row.level_pg_per_ml} pg/mL", "rankl_antibody": f"free RANKL antibody {row.free_pm} pM"}
        return words.get(row.kind, "oophorectomy")
    if isinstance(row, Condition) and row.kind in BODY:
        share = row.gravity if row.gravity is not None else row.residual
        return row.kind.replace("_", " ") + ("" if share is None else f" {share:g}")
    if isinstance(row, Condition):
        return f"disuse, loads x {row.load_factor}" if row.kind == "disuse" else f"death of {row.share} of osteocytes"
    return f"activity {row.label}"


def person(scenario: Scenario) -> str:
    """Sex and age in words."""
    return f"{'woman' if scenario.subject.sex == 'female' else 'man'} of {scenario.subject.age_y:g} y"


def _subject(scenario: Scenario) -> Iterator[Lane]:
    subject, days = scenario.subject, scenario.simulation.days
    ages = f"age {subject.age_y:.1f} to {subject.age_y + days / DAYS_PER_YEAR:.1f} y"
    held = f"{subject.sex}, {ages}" if subject.aging else f"{person(scenario)}, hormones stay as at the start"
    yield Lane("subject", "subject", (Span(0, math.inf, held),))
    if subject.final_period_y is not None and subject.aging:
        moment = (subject.final_period_y - subject.age_y) * DAYS_PER_YEAR
        name = "final menstrual period"
        if moment < 0:
            yield Lane(name, "subject", (Span(0, math.inf, f"{-moment / DAYS_PER_YEAR:.1f} y before day 0"),))
        yield Lane(name, "subject", ticks_d=(moment,))


def site_words(week: Loading) -> str:
    """Where the bone is, what it is used to, and what the person can lift at first."""
    habit = "habit: the rows without a start" if week.habitual == ROWS else f"habit: {week.habitual.replace('_', ' ')}"
    species = "" if week.species == "human" else f" of a {week.species}"
    lifts = ", ".join(f"{name} {kg:g} kg" for name, kg in week.one_rm.items())
    return f"{week.site.replace('_', ' ')}{species}, {habit}" + (f"; 1RM {lifts}" if lifts else "")


def _loads(scenario: Scenario) -> Iterator[Lane]:
    if scenario.week is not None:
        yield Lane("site", "load", (Span(0, math.inf, site_words(scenario.week)),))
    elif not scenario.activity:
        yield Lane("loads", "load", (Span(0, math.inf, "habitual"),))
    stopped = _stopped(scenario)
    for number, row in enumerate(scenario.activity):
        whole = [(row.start_d, math.inf if row.until_d is None else row.until_d)]
        yield Lane(row.label, "load", tuple(Span(*times, load_words(row)) for times in stopped.get(number, whole)))
    for held in scenario.condition:
        if held.kind == "disuse":
            yield Lane("disuse", "load", (_span(held.start_d, held.until_d, f"loads × {held.load_factor:g}"),))
        elif held.kind in BODY:
            yield Lane(held.kind.replace("_", " "), "load", (_span(held.start_d, held.until_d, what(held)),))
        else:
            yield Lane("osteocyte ablation", "load", ticks_d=(held.start_d,), words=what(held))


def _stopped(scenario: Scenario) -> dict[int, list[tuple[float, float]]]:
    """First day and end of what is left of every row that a condition stops for a time, by its number."""
    if scenario.week is None:
        return {}
    parameters = ParameterSet.load().override(scenario.parameters)
    program = weekly_program(scenario, scenario.week, parameters)
    found: dict[int, list[tuple[float, float]]] = {}
    for routine in program.routines:
        stretches = program.stretches(routine, scenario.simulation.days)
        if routine.row is not None and not all(goes_on for *_, goes_on in stretches):
            found[routine.row] = _joined((first, end) for first, end, goes_on in stretches if goes_on)
    return found


def _joined(times: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Times of which those that touch are one."""
    joined: list[tuple[float, float]] = []
    for first, end in times:
        if joined and joined[-1][1] == first:
            first = joined.pop()[0]
        joined.append((first, end))
    return joined


def load_words(row: Activity) -> str:
    """What a row of loading prescribes: stresses and cycles of a plain one, else its keys as written."""
    if row.kind is None and row.stress_mpa is not None and row.cycles_per_d is not None:
        z, y, x = row.stress_mpa
        turned = f", turned {row.tilt_deg:g}°" if row.tilt_deg else ""
        return f"{z:g}, {y:g}, {x:g} MPa along z, y, x, {row.cycles_per_d:g}/d{turned}"
    hidden = ("kind", "name", "start", "until", "tilt", "counted", "counted_in")
    written = row.model_dump(by_alias=True, exclude_none=True, mode="json")
    return ", ".join(f"{key} {_plain(value)}" for key, value in written.items() if key not in hidden)


def _plain(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _body(scenario: Scenario) -> Iterator[Lane]:
    for row in scenario.state:
        named = {"indices": "state", "pth": "PTH", "rankl_antibody": "RANKL antibody"}
        words = habit_words(row) if row.kind == "indices" else what(row)
        yield Lane(named.get(row.kind, row.kind), "drug", (_span(row.begin_d, row.until_d, words),))
    for diet in scenario.diet:
        yield Lane("diet", "drug", (_span(diet.begin_d, diet.until_d, habit_words(diet)),))


def habit_words(row: Diet | HormoneState) -> str:
    """What a diet or indices prescribe, as written."""
    written = row.model_dump(by_alias=True, exclude_none=True)
    return ", ".join(f"{key} {written[key]}" for key in INPUT_OF if key in written)


def _drugs(scenario: Scenario) -> Iterator[Lane]:
    for row in scenario.dose:
        yield _dose_lane(row, scenario)
    for held in scenario.infusion:
        yield Lane(held.drug, "drug", (_span(held.start_d, held.stop_d, _rate(held)),))


def _rate(row: Infusion) -> str:
    return f"{row.rate} {row.route_name(infusion=True)}".strip()


def doses_of(row: Dose, scenario: Scenario) -> Iterator[Given]:
    """Single doses of a row as the body of this run gets them, missed ones too, those before day 0 as well."""
    settings = scenario.simulation
    return single_doses(dose_of(row, settings.days), -settings.burn_in_d, settings.seed)


def _dose_lane(row: Dose, scenario: Scenario) -> Lane:
    """Taken doses as ticks, as a bar where they are many."""
    made = doses_of(row, scenario)
    days = tuple(one.time_d for one in made if one.taken and 0 <= one.time_d <= scenario.simulation.days)
    every = f" every {row.interval_d:g} d" if row.interval_d is not None else ""
    words = f"{row.amt} {row.route_name()}{every}, {len(days)} dose{'s'[: len(days) != 1]}"
    if len(days) > MOST_TICKS:
        return Lane(row.drug, "drug", (Span(days[0], days[-1] + (row.interval_d or 0), words),))
    return Lane(row.drug, "drug", ticks_d=days, words=words)


def _span(first_d: float, end_d: float | None, words: str) -> Span:
    return Span(first_d, math.inf if end_d is None else end_d, words)


def rows_in_words(lanes: Iterable[Lane]) -> list[tuple[str, str, str]]:
    """Name, days and words of all that the lanes show."""
    rows = []
    for lane in lanes:
        rows += [(lane.name, f"{span.first_d:g} to {span.end_d:g}", span.words) for span in lane.spans]
        rows += [(lane.name, _days(lane.ticks_d), lane.words)] if lane.ticks_d else []
    return rows


def _days(ticks_d: Sequence[float], most: int = 8) -> str:
    shown = ", ".join(f"{tick:g}" for tick in ticks_d[:most])
    return shown + (f" … {ticks_d[-1]:g} ({len(ticks_d)} times)" if len(ticks_d) > most else "")
