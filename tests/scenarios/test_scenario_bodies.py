"""The body of every packaged scenario about a person moves what cells feel as its header expects; no tissue is run."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from boneabm.build import make_body
from boneabm.endocrine.curves import Course, follow
from boneabm.parameters import ParameterSet
from boneabm.scenario import Scenario
from boneabm.scenario_text import packaged_scenarios

BEFORE = -1
WITHOUT_PERSON = {"disuse", "load_turned", "osteocyte_ablation"}


class Expected(NamedTuple):
    """Ratio of a level, state or modulator on a day to that on an earlier day, and the range it must lie in."""

    name: str
    day: int
    against: int
    low: float
    high: float = 1e9


def rises(name: str, day: int, against: int = BEFORE, by: float = 0.02) -> Expected:
    return Expected(name, day, against, 1.0 + by)


def falls(name: str, day: int, against: int = BEFORE, by: float = 0.02) -> Expected:
    return Expected(name, day, against, 0.0, 1.0 - by)


def stays(name: str, day: int, against: int = BEFORE, within: float = 0.05) -> Expected:
    return Expected(name, day, against, 1.0 - within, 1.0 + within)


EXPECTED = {
    "adult": [stays("m_rankl", 364), stays("m_ob_prolif", 364)],
    "adult_ten_years": [
        stays("m_rankl", 3649, within=0.1), stays("m_ob_prolif", 3649), stays("e2_pg_per_ml", 3649, within=0.1)
    ],
    "menopause_fifteen_years": [
        stays("m_rankl", 365, within=0.1), rises("m_rankl", 2555, by=1.0), falls("e2_pg_per_ml", 2555, by=0.7),
        stays("m_rankl", 5474, 2920, 0.1),
    ],
    "menopause": [rises("m_rankl", 364), rises("m_oc_life", 364), falls("m_opg", 364)],
    "menopause_patch": [falls("m_rankl", 1094, 364), rises("m_rankl", 1459, 1094, 0.5)],
    "menopause_oral": [falls("m_rankl", 1094, 364), falls("igf1", 730, 364, 0.10), rises("m_rankl", 1459, 1094, 0.5)],
    "estrogen_stopped": [
        stays("m_rankl", 1800, within=0.35), rises("m_rankl", 2000, 1800, 0.5), stays("m_rankl", 2554, 2000, 0.06)
    ],
    "oophorectomy": [falls("e2_pg_per_ml", 60, by=0.7), rises("m_rankl", 120, by=0.5), rises("m_sclerostin", 120)],
    "andropause": [
        falls("e2_pg_per_ml", 360, by=0.15), falls("e2_pg_per_ml", 700, 360, by=0.1),
        falls("e2_pg_per_ml", 1094, by=0.5), falls("testosterone_ng_per_dl", 1094, by=0.6),
        rises("m_rankl", 700, by=0.1), rises("m_rankl", 1094, by=0.4),
        falls("m_ob_prolif", 700, by=0.03), falls("m_ob_prolif", 1094, by=0.06),
    ],
    "trt": [rises("e2_pg_per_ml", 700, by=0.5), falls("m_rankl", 700, by=0.1), rises("m_ob_prolif", 700)],
    "trt_anastrozole": [rises("testosterone_ng_per_dl", 700, by=1.0), falls("m_rankl", 700), rises("m_ob_prolif", 700)],
    "anastrozole": [
        rises("testosterone_ng_per_dl", 300, by=0.3), falls("e2_pg_per_ml", 300, by=0.3), rises("m_rankl", 300, by=0.1)
    ],
    "glucocorticoid": [
        falls("m_ob_act", 120, by=0.15), falls("m_ob_prolif", 120, by=0.1), stays("m_ob_act", 185),
        stays("m_rankl", 120, within=0.2),
    ],
    "vitamin_d_calcium": [
        falls("pth_pg_per_ml", 1094, by=0.15), falls("m_rankl", 1094), rises("m_min_rate", 1094, by=0.1)
    ],
    "magnesium": [falls("pth_pg_per_ml", 300), rises("m_rankl", 300, by=0.1), falls("m_ob_prolif", 300, by=0.05)],
    "hyperparathyroidism": [
        rises("m_rankl", 700, by=0.1), falls("m_opg", 700, by=0.05), stays("m_rankl", 1200), stays("m_opg", 1200)
    ],
    "chronic_stress": [falls("m_ob_act", 700), falls("m_ob_prolif", 700), rises("m_rankl", 700)],
    "obesity": [falls("m_rankl", 700, by=0.1), falls("m_ob_prolif", 700, by=0.1), falls("matrix_quality", 1000)],
    "teriparatide_stopped": [
        rises("m_ob_prolif", 120, by=0.5), rises("m_rankl", 120), falls("m_ob_prolif", 729, 120),
        stays("m_ob_prolif", 900),
    ],
    "teriparatide_denosumab": [rises("m_ob_prolif", 120, by=0.5), rises("den_pm", 800, 700), stays("m_ob_prolif", 900)],
    "denosumab_stopped": [rises("den_pm", 60), falls("den_pm", 1400, 600, by=0.9)],
    "alendronate_holiday": [rises("bp_surface", 1800), falls("bp_surface", 2300, 1850, by=0.5)],
    "romosozumab_alendronate": [
        rises("antiscl_pm", 300), falls("antiscl_pm", 600, 300, by=0.99), rises("bp_surface", 600)
    ],
    "gh_peptides": [
        rises("igf1", 300, by=0.5), rises("m_rankl", 300, by=0.1), rises("m_ob_act", 300, by=0.1), stays("m_rankl", 600)
    ],
    "perfect_storm": [rises("m_rankl", 360, by=0.5), falls("m_ob_act", 200, by=0.1), rises("cortisol", 200, by=1.0)],
    "rankl_blockade": [rises("den_pm", 100)],
}  # fmt: skip


def course(name: str) -> Course:
    """What the body of a scenario does from the day before the run to its end."""
    scenario = Scenario.load(name)
    body = make_body(scenario, ParameterSet.load())
    body.settle(-2)
    return follow(body, -1, scenario.simulation.days)


def test_every_packaged_scenario_says_what_its_body_does() -> None:
    """Programs of exercise (section [loading]) leave the body as it is; `test_exercise_scenarios.py` has them."""
    programs = {name for name in packaged_scenarios() if Scenario.load(name).loading is not None}
    assert set(EXPECTED) | WITHOUT_PERSON | programs == set(packaged_scenarios())


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_the_body_of_a_scenario_moves_as_its_header_expects(name: str) -> None:
    found = course(name)
    for row in EXPECTED[name]:
        values = found.of(row.name)
        early, late = values[row.against + 1], values[row.day + 1]
        ratio = late / early if early > 0 else 1e8 if late > 0 else 1.0
        assert row.low <= ratio <= row.high, f"{row}: x{ratio:.4g}"


def test_perfect_storm_is_worse_than_menopause_alone() -> None:
    """More RANKL and less work of osteoblasts after a year."""
    storm, alone = course("perfect_storm"), course("menopause")
    assert storm.of("m_rankl")[365] > 1.3 * alone.of("m_rankl")[365]
    assert storm.of("m_ob_act")[365] < 0.9 * alone.of("m_ob_act")[365]


def test_anastrozole_takes_away_from_testosterone() -> None:
    """The popular claim that it is harmless is wrong: less estradiol and more RANKL than under testosterone alone."""
    alone, both = course("trt"), course("trt_anastrozole")
    assert both.of("e2_pg_per_ml")[700] < 0.7 * alone.of("e2_pg_per_ml")[700]
    assert both.of("m_rankl")[700] > 1.1 * alone.of("m_rankl")[700]
