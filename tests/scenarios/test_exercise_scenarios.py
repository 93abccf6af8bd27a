"""The scenarios of exercise and disuse: explain draws their weeks, programs go where their headers say."""

from __future__ import annotations

import math
import re
import tomllib

import pytest
from fortnights import fortnight

from boneabm.build_loads import make_program
from boneabm.explain import explain
from boneabm.explain_loads import head_start, relative
from boneabm.kernels import sensing
from boneabm.parameters import ParameterSet
from boneabm.remodeling import TissueParameters
from boneabm.scenario import Scenario
from boneabm.scenario_text import merge_tables
from boneabm.sweep.design import find_base, read_design

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


def over_its_set_point(name: str, day: int) -> float:
    """psi/psi* of a day by the compiled rule of osteocytes, at rest before in the habit on what is left of bone."""
    scenario, p = Scenario.load(name), TissueParameters.of(P).osteocyte
    program, rates = make_program(scenario, P), sensing.osteocyte_rates(p)
    start = head_start(scenario.subject, P) ** (1 / (1 - p.own_history_share))
    memory, set_point = start**p.stimulus_exponent, p.own_history_share * math.log(start)
    for today in range(day + 1):
        psi = start * relative(program, today)
        memory, set_point, _ = sensing.osteocyte_signal(psi, memory, set_point, p.gain, rates)
    return psi / math.exp(set_point)


@pytest.mark.parametrize(("name", "day", "side"), [
    ("detraining", 392, -1), ("bed_rest_reload", 149, 1), ("spaceflight", 213, 1),
])  # fmt: skip
def test_explain_prints_psi_over_the_set_point_of_that_day(name: str, day: int, side: int) -> None:
    """The habit is below its head start after a year of training, and above it after bed rest and flight."""
    scenario = Scenario.load(name)
    text = explain(scenario, P, [("loading", "today's activities")])
    week = re.search(rf"  week from day {day}: .*\n.*?psi/psi\* (\d\.\d\d)(?: to \d\.\d\d)?; habit only", text)
    assert week is not None
    printed, start = float(week[1]), head_start(scenario.subject, P)
    assert side * (printed / start - 1) > 0.05
    assert printed == pytest.approx(over_its_set_point(name, day), rel=0.01)
    assert "set points follow what is felt" in text


def test_the_factorial_has_nine_arms_that_differ_in_exercise_and_hormones() -> None:
    design = read_design("exercise_menopause_sweep")
    assert sorted(design.arms) == sorted(
        f"{who}_{what}" for who in ("pre", "post", "post_e2") for what in ("none", "hirit", "jumps")
    )


def test_the_factorial_tells_its_four_interactions() -> None:
    """Exercise less none, with the hormones named first less with those named second."""
    contrasts = read_design("exercise_menopause_sweep").contrasts
    pairs = {"menopause": ("post", "pre"), "estradiol": ("post_e2", "post")}
    wanted = {
        f"{name}_by_{what}": ({f"{one}_{arm}", f"{other}_none"}, {f"{one}_none", f"{other}_{arm}"})
        for name, arm in (("lifting", "hirit"), ("jumps", "jumps"))
        for what, (one, other) in pairs.items()
    }
    assert {name: (set(c.plus), set(c.minus)) for name, c in contrasts.items()} == wanted


def test_the_sweep_of_frequencies_has_five_arms_in_the_order_of_their_stimulus() -> None:
    """Static is worth nothing: its days are those without load; then 2 < 5 < 10 Hz, and nothing else differs."""
    design = read_design("mouse_tail_frequency_sweep")
    assert design.arms == ("none", "static", "hz_2", "hz_5", "hz_10")
    assert set(design.contrasts) == {"hz_5_over_2", "hz_10_over_5"}
    tables = tomllib.loads(find_base(design.base, design.base_folder).read_text(encoding="utf-8"))
    made = {
        point.arm: make_program(Scenario.from_dict(merge_tables(tables, point.changes)), P)
        for point in design.points
        if point.replicate == 0
    }
    for day in range(36):
        habit, static, *loaded = (made[arm].day(day) for arm in design.arms)
        assert static == habit == made["none"].habitual()
        doses = [cases[0].cycles_per_d for cases in (habit, *loaded)]
        rises = 7 <= day < 35 and day % 7 in (0, 2, 4)
        assert doses == sorted(doses)
        assert len(set(doses)) == (4 if rises else 1)
