"""Every packaged scenario loads by its bare name, explains itself and survives a round trip."""

from __future__ import annotations

from pathlib import Path

import pytest

from boneabm.explain import explain
from boneabm.parameters import ParameterSet
from boneabm.scenario import GeneratedBone, Scenario
from boneabm.scenario_text import packaged_scenarios

FOLDER = Path(__file__).resolve().parents[2] / "scenarios"


def test_all_files_of_the_folder_are_packaged() -> None:
    both = [*packaged_scenarios(), *packaged_scenarios(sweeps=True)]
    assert sorted(both) == sorted(path.stem for path in FOLDER.glob("*.toml"))
    assert {"adult", "menopause", "disuse"} <= set(packaged_scenarios())


@pytest.mark.parametrize("name", sorted(packaged_scenarios()))
def test_a_packaged_scenario_loads_explains_itself_and_reads_back_equal(name: str) -> None:
    scenario = Scenario.load(name)
    assert scenario == Scenario.load(FOLDER / f"{name}.toml") == Scenario.from_toml(scenario.resolved_toml())
    told = explain(scenario, ParameterSet.load(), [("endocrine", "hormones advance")])
    assert told.startswith(scenario.title)


@pytest.mark.parametrize("name", sorted(packaged_scenarios()))
def test_a_packaged_scenario_states_question_expectation_and_source(name: str) -> None:
    header = packaged_scenarios()[name].read_text(encoding="utf-8").split("\ntitle")[0]
    assert all(word in header for word in ("Question:", "Expected:", "Source:"))
    scenario = Scenario.load(name)
    assert all((scenario.question, scenario.expected, scenario.source))


def test_the_demo_is_the_year_after_the_final_period_in_eighty_cubed_voxels() -> None:
    demo = Scenario.load("menopause")
    assert isinstance(demo.bone, GeneratedBone)
    assert demo.bone.shape == (80, 80, 80)
    assert demo.subject.age_y == demo.subject.final_period_y == 51
    assert demo.simulation.days == 365


@pytest.mark.parametrize(
    ("name", "years"),
    [("adult_ten_years", 10), ("menopause_fifteen_years", 15), ("oophorectomy", 2), ("load_turned", 7), ("disuse", 1),
     ("osteocyte_ablation", 1), ("rankl_blockade", 2)],
)  # fmt: skip
def test_scenarios_of_the_tissue_last_as_long_as_their_question(name: str, years: int) -> None:
    assert Scenario.load(name).simulation.days == pytest.approx(365 * years, abs=5)


def test_disuse_lasts_seventeen_weeks() -> None:
    (row,) = Scenario.load("disuse").condition
    assert row.until_d is not None
    assert (row.load_factor, row.start_d, row.until_d - row.start_d) == (0.4, 30, 17 * 7)
