"""What in a scenario rests on weak evidence: drugs and systems in use, and what cells feel because of weak rows."""

from __future__ import annotations

from typing import NamedTuple

from boneabm.build import make_body
from boneabm.endocrine.confidence import forget_low, moved_by_low, weak_drugs, weak_systems
from boneabm.endocrine.curves import follow
from boneabm.parameters import ParameterSet
from boneabm.scenario import Scenario


class Doubts(NamedTuple):
    """Low-confidence drugs and systems in use, and modulators that low-confidence rows move by more than 10 %."""

    drugs: list[str]
    systems: list[str]
    moved: dict[str, float]

    def lines(self) -> list[str]:
        """One sentence for each that there is."""
        moved = ", ".join(f"{name} x{factor:.2f}" for name, factor in self.moved.items())
        told = (
            ("drugs of low confidence", ", ".join(self.drugs)),
            ("systems of low confidence in use", ", ".join(self.systems)),
            ("moved by more than 10 % because of rows of low confidence", moved),
        )
        return [f"{what}: {text}" for what, text in told if text]


def doubts(scenario: Scenario, parameters: ParameterSet) -> Doubts:
    """Follow the body of a scenario with and without the effect rows of low confidence; about 0.4 ms a day."""
    whole, without = (make_body(scenario, parameters) for _ in range(2))
    forget_low(without)
    courses = []
    for body in (whole, without):
        body.settle(-1)
        courses.append(follow(body, 0, scenario.simulation.days))
    names = [row.drug for row in (*scenario.dose, *scenario.infusion)]
    return Doubts(weak_drugs(names), weak_systems(whole), moved_by_low(*courses))
