"""What in a scenario rests on weak evidence: drugs, systems and exercise in use, what cells feel because of weak rows.

The one source of it: `explain`, the end of a run, `result.json` of a sweep, stored volumes and reports all print
`Doubts.lines`; pages about many runs print their `union`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from boneabm.analysis.person import bring_to_start
from boneabm.build import make_body
from boneabm.build_loads import HABIT_KINDS
from boneabm.endocrine.confidence import forget_low, moved_by_low, weak_drugs, weak_systems
from boneabm.endocrine.curves import follow
from boneabm.endocrine.drugs import find_drug
from boneabm.loading.library import OWN, RECORDED
from boneabm.loading.sites import JOINTS
from boneabm.parameters import ParameterSet
from boneabm.scenario import Scenario
from boneabm.scenario_loading import ROWS

EXERCISE = ("activity_", "condition_", "habit_", "loading", "site_")
"""Sections of numbers that only programs of exercise look at."""
HEADS = (
    "drugs of low confidence",
    "systems of low confidence in use",
    "moved by more than 10 % because of rows of low confidence",
    "assumed or low-confidence numbers of exercise in use",
)
FITTED_UM = (10.0, 25.0)
"""Voxel edges for which the constants of the tissue hold: fitted at 20 um; bones at 10 um agreed within 8 %."""
ANDROGENS = ("testosterone", "testosterone_cypionate")
IN_WOMEN = " in a woman"
_COMMA = re.compile(r", (?![^()]*\))")
_FACTOR = re.compile(r"(.+) x([0-9.e+-]+)")


class Doubts(NamedTuple):
    """Low-confidence drugs and systems in use, modulators that low-confidence rows move by more than 10 % on the day
    they do most, how many assumed or low-confidence numbers each activity in use has, a species that is not human, and
    a voxel edge (um) that the constants are not fitted for (else 0).
    """

    drugs: list[str]
    systems: list[str]
    moved: dict[str, float]
    exercise: dict[str, int]
    species: str = ""
    voxel_um: float = 0.0

    def lines(self) -> list[str]:
        """One sentence for each that there is."""
        moved = ", ".join(f"{name} x{factor:.2f}" for name, factor in self.moved.items())
        exercise = ", ".join(f"{section} {count}" for section, count in self.exercise.items())
        told = zip(HEADS, (", ".join(self.drugs), ", ".join(self.systems), moved, exercise), strict=True)
        others = (*self._of_another_species(), *self._of_another_size())
        return [*(f"{what}: {text}" for what, text in told if text), *others]

    def _of_another_size(self) -> list[str]:
        told = (
            f"voxels of {self.voxel_um:g} um: the constants of the tissue are fitted at 20 um and were compared at "
            "10 um only: compare blocks of one voxel size"
        )
        return [told] if self.voxel_um else []

    def _of_another_species(self) -> list[str]:
        told = (
            f'species "{self.species}": only the frequency below which a load counts nothing is that of rodents; '
            "cells, their rates, remodeling and hormones are human: read the order of frequencies, no sizes, no times"
        )
        return [told] if self.species else []


def doubts(scenario: Scenario, parameters: ParameterSet) -> Doubts:
    """Follow the body of a scenario with and without the effect rows of low confidence; about 0.4 ms a day."""
    whole, without = (make_body(scenario, parameters) for _ in range(2))
    forget_low(without)
    courses = []
    for body in (whole, without):
        bring_to_start(body, scenario)
        courses.append(follow(body, 0, scenario.simulation.days))
    exercise: dict[str, int] = {}
    for row in weak_parameters(scenario, parameters):
        if row["section"].startswith(EXERCISE):
            name = row["section"].removeprefix("activity_")
            exercise[name] = exercise.get(name, 0) + 1
    other = scenario.week.species if scenario.week is not None and scenario.week.species != "human" else ""
    edge = scenario.bone.spacing_um
    size = 0.0 if FITTED_UM[0] <= edge <= FITTED_UM[1] else edge
    systems, moved = weak_systems(whole, courses[0]), moved_by_low(*courses)
    return Doubts(doubted_drugs(scenario), systems, moved, exercise, other, size)


def doubted_drugs(scenario: Scenario) -> list[str]:
    """Drugs of a scenario of which too little is known in this person, each once: "testosterone in a woman" too."""
    names = {row.drug for row in (*scenario.dose, *scenario.infusion)}
    androgens = names.intersection(ANDROGENS if scenario.subject.sex == "female" else ())
    return sorted({*weak_drugs(names), *(f"{name}{IN_WOMEN}" for name in androgens)})


def why_doubted(name: str) -> str:
    """What is not known of one of the `doubted_drugs`."""
    drug = name.removesuffix(IN_WOMEN)
    return find_drug(ANDROGENS[0] if drug != name else drug).note


def union(told: Iterable[Iterable[str]]) -> list[str]:
    """Lines of many runs as one list: all that any of them names, once; of factors the smallest and the largest."""
    named: dict[str, dict[str, list[float]]] = {head: {} for head in HEADS}
    others: dict[str, None] = {}
    for line in (line for lines in told for line in lines):
        head, _, text = line.partition(": ")
        if head not in named:
            others[line] = None
            continue
        for item in _COMMA.split(text):
            factor = _FACTOR.fullmatch(item)
            named[head].setdefault(factor[1] if factor else item, []).extend([float(factor[2])] if factor else [])
    lines = (f"{head}: {', '.join(map(_ranged, items.items()))}" for head, items in named.items() if items)
    return [*lines, *others]


def _ranged(item: tuple[str, list[float]]) -> str:
    """A name with the range of its factors, where it has any."""
    texts = dict.fromkeys(f"x{factor:.2f}" for factor in (min(item[1]), max(item[1]))) if item[1] else {}
    return " ".join([item[0], " to ".join(texts)]) if texts else item[0]


def weak_parameters(scenario: Scenario, parameters: ParameterSet) -> list[dict[str, Any]]:
    """Rows of the parameters in use that are assumed or of low confidence: of drugs and exercise those it names."""
    weak = [row for row in parameters.rows() if row["confidence"] == "low" or str(row["source"]).startswith("assumed")]
    return [row for row in weak if _in_use(row["section"], row["name"], scenario)]


def _in_use(section: str, name: str, scenario: Scenario) -> bool:
    if section.startswith(EXERCISE):
        return _loads(section, name, scenario)
    if section != "drug":
        return True
    ways = [*(row.way() for row in scenario.dose), *(row.way(infusion=True) for row in scenario.infusion)]
    return any(name in way.uses for way in ways)


def _loads(section: str, name: str, scenario: Scenario) -> bool:
    """Whether the program of the scenario looks at it: its site, kinds of rows and habit at the joint of that site."""
    week = scenario.week
    if week is None:
        return False
    what, _, of = section.partition("_")
    held = {row.kind for row in scenario.condition}
    kinds = {row.kind for row in scenario.activity if row.peak_stress_mpa is None} - {OWN, RECORDED}
    kinds |= set(HABIT_KINDS) if week.habitual != ROWS else set()
    kinds |= {"bed_turning"} if "bed_rest" in held else set()
    other_joints = set(JOINTS.values()) - {JOINTS[week.site]}
    chosen = {
        "site": of == week.site,
        "condition": of in held,
        "habit": week.habitual != ROWS,
        "activity": of in kinds and not other_joints & set(name.split("_")),
    }
    return chosen.get(what, True)
