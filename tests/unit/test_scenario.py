"""Scenario files: internal units, defaults, resolved text that reads back equal, all problems in one message."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from boneabm.errors import InputError
from boneabm.explain import explain
from boneabm.lattice import generate
from boneabm.parameters import ParameterSet
from boneabm.scenario import FIELDS, THINNEST_TB_TH_VOXELS, GeneratedBone, ImageBone, Scenario

SMALL = 'title = "small"\n[bone]\nkind = "generated"\n'

EVERYTHING = """
title = "All keys \\"quoted\\" and a back\\\\slash"
question = "q"
[bone]
kind = "image"
image = "sample.tif"
voxel_size = "19.5 um"
sigma = 1.5
threshold = 63
largest = false
crop = "0:100, 0:90,10:110"
[subject]
sex = "female"
age = "48.3 y"
final_period = "51 y"
aging = false
[labs]
estradiol = "100 pmol/L"
[[state]]
kind = "pth"
level = "57 pg/mL"
start = "10 d"
until = "4 wk"
[[state]]
kind = "pth"
level = "70 pg/mL"
start = "4 wk"
[[activity]]
name = "walking"
stress = ["0.6 MPa", "0.2 MPa", "200 kPa"]
cycles = 8000
[[condition]]
kind = "disuse"
load_factor = 0.4
start = "30 d"
until = "60 d"
[parameters]
"osteoclast.team" = 8
mineral.lag_d = 16.5
[simulation]
days = "1 y"
seed = 7
[output]
volumes_every = "2 wk"
agents_every = "10 d"
checkpoint_every = "1 wk"
fields = ["matrix", "mineral"]
"""


def test_a_small_scenario_gets_the_reference_adult_for_everything_it_leaves_out() -> None:
    scenario = Scenario.from_toml(SMALL)
    assert isinstance(scenario.bone, GeneratedBone)
    assert scenario.bone.shape == (80, 80, 80)
    assert (scenario.subject.sex, scenario.subject.age_y, scenario.simulation.days) == ("female", 35.0, 365)
    assert set(scenario.output.fields) <= set(FIELDS)
    assert scenario.state == scenario.activity == scenario.condition == ()


def test_values_are_kept_in_internal_units() -> None:
    scenario = Scenario.from_toml(EVERYTHING, folder="/data")
    assert isinstance(scenario.bone, ImageBone)
    assert scenario.bone.image == Path("/data/sample.tif")
    assert (scenario.bone.spacing_um, scenario.bone.threshold, scenario.bone.sigma_voxels) == (19.5, 63.0, 1.5)
    assert scenario.bone.crop == ((0, 100), (0, 90), (10, 110))
    assert scenario.labs.estradiol_pg_per_ml == pytest.approx(27.238)
    assert [(row.start_d, row.until_d) for row in scenario.state] == [(10, 28), (28, None)]
    assert scenario.activity[0].stress_mpa == (0.6, 0.2, 0.2)
    assert scenario.parameters == {"osteoclast.team": 8.0, "mineral.lag_d": 16.5}
    assert scenario.simulation.days == 365
    assert scenario.output.volumes_every_d == 14


@pytest.mark.parametrize("text", [SMALL, EVERYTHING])
def test_the_resolved_text_reads_back_to_an_equal_scenario(text: str, tmp_path: Path) -> None:
    scenario = Scenario.from_toml(text, folder=tmp_path)
    again = Scenario.from_toml(scenario.resolved_toml(), folder="/elsewhere")
    assert again == scenario
    assert again.resolved_toml() == scenario.resolved_toml()


def test_a_block_need_not_be_a_cube() -> None:
    bone = Scenario.from_toml(SMALL + 'size = ["2 mm", "1 mm", "1.6 mm"]\nvoxel = "25 um"\n').bone
    assert isinstance(bone, GeneratedBone)
    assert bone.shape == (80, 40, 64)


def test_a_window_holds_from_its_start_until_just_before_its_end() -> None:
    row = Scenario.from_toml(EVERYTHING).condition[0]
    assert [row.holds(day) for day in (29, 30, 59, 60)] == [False, True, True, False]


def test_a_scenario_cannot_be_changed_after_reading() -> None:
    scenario = Scenario.from_toml(SMALL)
    with pytest.raises(ValidationError):
        scenario.simulation.days = 3  # type: ignore[misc]


def test_options_replace_days_and_seed_in_a_copy() -> None:
    scenario = Scenario.from_toml(SMALL)
    changed = scenario.with_options(days=30, seed=9)
    assert (changed.simulation.days, changed.simulation.seed) == (30, 9)
    assert changed.bone == scenario.bone
    assert scenario.simulation.days == 365
    assert scenario.with_options() == scenario


def test_all_problems_of_a_file_are_named_with_key_path_as_written() -> None:
    text = (
        SMALL
        + 'voxel = "20"\nbv_tv = 2\n[simulation]\nday = 3\n[[activity]]\nname = "a"\ncycles = 1\nstress = "1 MPa"\n'
    )
    with pytest.raises(InputError) as error:
        Scenario.from_toml(text, "x.toml")
    lines = str(error.value).splitlines()
    keys = [line.partition(": ")[0] for line in lines]
    assert sorted(keys) == [
        "x.toml, activity[0].stress",
        "x.toml, bone.bv_tv",
        "x.toml, bone.voxel",
        "x.toml, simulation.day",
    ]


def test_a_hopeless_file_still_fits_a_screen() -> None:
    text = SMALL + "".join(f"wrong_{i} = {i}\n" for i in range(60))
    with pytest.raises(InputError) as error:
        Scenario.from_toml(text)
    assert len(str(error.value).splitlines()) <= 9
    assert "and 52 more problems" in str(error.value)


def test_a_key_in_the_wrong_place_is_told_its_section() -> None:
    with pytest.raises(InputError, match=r"It belongs in \[activity\] or \[simulation\]"):
        Scenario.from_toml("days = 3\n" + SMALL)


def test_the_same_time_twice_is_refused_and_touching_windows_are_not() -> None:
    row = '[[condition]]\nkind = "disuse"\nload_factor = 0.4\nstart = "{} d"\nuntil = "{} d"\n'
    assert len(Scenario.from_toml(SMALL + row.format(0, 10) + row.format(10, 20)).condition) == 2
    with pytest.raises(InputError, match=r"rows \[1\] and \[0\] overlap"):
        Scenario.from_toml(SMALL + row.format(9, 20) + row.format(0, 10))


def test_parameters_are_checked_against_the_set_with_their_range(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text(SMALL + "[parameters]\nosteoclast.team = 1e9\nosteoclast.teem = 3\n", encoding="utf-8")
    with pytest.raises(InputError) as error:
        Scenario.load(path)
    assert "parameters.osteoclast.team: 1e+09 is outside the range" in str(error.value)
    assert 'Did you mean "osteoclast.team"?' in str(error.value)


def test_the_schema_knows_every_section_and_writes_defaults_with_units() -> None:
    schema = Scenario.json_schema()
    assert set(schema["properties"]) == set(Scenario.model_fields)
    assert schema["anyOf"] == [{"required": ["title", "bone"]}, {"required": ["branch_from"]}]
    assert schema["$defs"]["GeneratedBone"]["properties"]["voxel"]["default"] == "20 um"
    assert schema["additionalProperties"] is False
    assert json.loads(json.dumps(schema)) == schema


def test_limits_agree_with_the_generator() -> None:
    assert THINNEST_TB_TH_VOXELS == generate.MIN_TB_TH_VOXELS
    for bv_tv in generate.BV_TV_RANGE:
        Scenario.from_toml(SMALL + f"bv_tv = {bv_tv}\n")


def test_explain_says_what_will_happen_and_what_is_assumed() -> None:
    parameters = ParameterSet.load()
    text = (
        SMALL
        + '[parameters]\n"osteoclast.team" = {}\n[[condition]]\nkind = "disuse"\nload_factor = 0.4\nstart = "30 d"\n'
    )
    team = parameters["osteoclast.team"]
    told = explain(Scenario.from_toml(text.format(team.high)), parameters, [("endocrine", "hormones advance")])
    assert "80 x 80 x 80 = 512000 voxels" in told
    assert "disuse, loads x 0.4 begins" in told
    assert f"osteoclast.team: {team.value:g} -> {team.high:g}" in told
    assert f"assumed, not measured: {len(parameters.assumed())}" in told
    assert "endocrine   hormones advance" in told
    assert max(len(line) for line in told.splitlines()) <= 120


def test_explain_of_an_image_tells_segmentation_and_the_size_of_the_crop() -> None:
    told = explain(
        Scenario.from_toml(EVERYTHING.replace('"osteoclast.team" = 8\nmineral.lag_d = 16.5\n', "")),
        ParameterSet.load(),
        [],
    )
    assert "threshold 63" in told
    assert "100 x 90 x 100 = 900000 voxels" in told
    assert "walking: 0.6, 0.2, 0.2 MPa along z, y, x; 8000 cycles a day" in told
    assert "estradiol pinned to 27.24 pg/mL" in told
