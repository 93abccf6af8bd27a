"""The scenarios of exercise and disuse: explain draws their weeks, programs go where their headers say."""

from __future__ import annotations

import pytest

from boneabm.build_loads import make_program
from boneabm.explain import explain
from boneabm.explain_loads import fortnight
from boneabm.parameters import ParameterSet
from boneabm.scenario import Scenario
from boneabm.sweep.design import read_design

P = ParameterSet.load()
WEEKS = {
    "hirit": (28, 1.3, 1.6),
    "efops_like": (28, 1.1, 1.3),
    "jumps": (28, 1.0, 1.05),
    "walking": (28, 1.03, 1.07),
    "running": (28, 1.15, 1.5),
    "resistance_progressive": (28, 1.1, 1.3),
    "detraining": (392, 1.0, 1.0001),
    "bed_rest_reload": (30, 0.0, 0.1),
    "spaceflight": (30, 0.1, 0.2),
    "spaceflight_exercise": (30, 0.8, 1.3),
    "paralysis": (30, 0.35, 0.45),
    "vibration_ambulant": (30, 1.0, 1.001),
    "vibration_bed_rest": (30, 0.2, 0.27),
    "partial_gravity": (30, 0.37, 0.39),
    "mouse_tail_loading": (7, 2.0, 5.0),
}


@pytest.mark.parametrize("name", WEEKS)
def test_a_scenario_of_loading_explains_its_weeks(name: str) -> None:
    scenario = Scenario.load(name)
    told = explain(scenario, P, [("loading", "today's activities")])
    assert f"week from day {WEEKS[name][0]}" in told
    day, low, high = WEEKS[name]
    assert low <= fortnight(make_program(scenario, P), day) <= high


def test_programs_and_conditions_stand_in_their_order() -> None:
    """Programs stand in the order of the trials, conditions in the order of what they leave."""
    value = {name: fortnight(make_program(Scenario.load(name), P), WEEKS[name][0]) for name in WEEKS}
    assert value["walking"] < value["efops_like"] < value["hirit"]
    assert value["spaceflight"] < value["partial_gravity"] < value["spaceflight_exercise"]


def test_the_factorial_has_nine_arms_that_differ_in_exercise_and_hormones() -> None:
    design = read_design("exercise_menopause_sweep")
    assert sorted(design.arms) == sorted(
        f"{who}_{what}" for who in ("pre", "post", "post_e2") for what in ("none", "hirit", "jumps")
    )
