"""`boneabm export` and `boneabm schema`: what other programs and editors get."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import tifffile

from boneabm.io.export import WRITERS
from boneabm.io.images import read_image, voxel_edge_um
from boneabm.io.volumes import VolumeWriter
from boneabm.scenario import Scenario
from boneabm.scenario_text import packaged_scenarios

pytest.importorskip("SimpleITK")
Command = Callable[..., Any]
SHAPE = (10, 12, 14)
EDGE_UM = 19.5


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of two stored days with reals and whole numbers, no two axes alike."""
    folder, random = tmp_path / "run", np.random.default_rng(5)
    folder.mkdir()
    writer = VolumeWriter(folder / "run.vtkhdf", SHAPE, EDGE_UM, ["matrix", "mineral", "bmu"])
    for day in (0, 30):
        fields = {name: random.random(SHAPE).astype(np.float32) for name in ("matrix", "mineral")}
        writer.append(day, {**fields, "bmu": random.integers(-1, 9000, SHAPE).astype(np.int32)})
    return folder


def stored(run: Path, field: str, day: int) -> np.ndarray:
    from boneabm.io.volumes import VolumeReader

    return VolumeReader(run / "run.vtkhdf").read(field, day)


@pytest.mark.parametrize("ending", WRITERS)
@pytest.mark.parametrize("field", ["mineral", "bmu"])
def test_what_is_written_reads_back_with_its_voxels(
    command: Command, run: Path, tmp_path: Path, ending: str, field: str
) -> None:
    out = tmp_path / f"bone{ending}"
    answer = command("export", run, "--field", field, "--out", out, "--json")
    assert answer.code == 0, answer.err
    told = json.loads(answer.out)
    assert (told["day"], told["shape"], told["spacing_um"]) == (30, list(SHAPE), EDGE_UM)
    np.testing.assert_array_equal(read_image(out).gray, stored(run, field, 30))
    given = EDGE_UM if ending.startswith(".tif") else None
    assert voxel_edge_um(out, read_image(out), given) == (EDGE_UM, [])
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([out.name, "run"])


def test_headers_tell_field_unit_and_day(command: Command, run: Path, tmp_path: Path) -> None:
    for name in ("b.mha", "b.nrrd", "b.nii", "b.tif"):
        command("export", run, "--field", "mineral", "--day", 0, "--out", tmp_path / name)
    for name, words in {
        "b.mha": (b"boneabm_unit = g/cm3", b"boneabm_day = 0", b"ElementSpacing = 0.0195 0.0195 0.0195"),
        "b.nrrd": (b"boneabm_unit:=g/cm3", b"boneabm_field:=mineral", b"boneabm_spacing_unit:=mm"),
        "b.nii": (b"boneabm mineral [g/cm3] day 0",),
    }.items():
        head = (tmp_path / name).read_bytes()[:2000]
        assert all(word in head for word in words), name
    with tifffile.TiffFile(tmp_path / "b.tif") as tiff:
        told = tiff.imagej_metadata or {}
        assert (told["spacing"], told["unit"]) == (EDGE_UM, "um")
        assert "unit = g/cm3" in told["Info"]
        assert tiff.pages.first.tags["XResolution"].value[0] / tiff.pages.first.tags["XResolution"].value[
            1
        ] == pytest.approx(1 / EDGE_UM, rel=1e-6)


def test_measures_of_an_exported_bone_are_those_of_the_run(command: Command, run: Path, tmp_path: Path) -> None:
    command("export", run, "--out", tmp_path / "b.mha")
    below_half = float(np.nextafter(np.float32(0.5), np.float32(0)))
    image = ("measure", tmp_path / "b.mha", "--sigma", 0, "--threshold", below_half, "--all-parts", "--json")
    one, other = (json.loads(command(*words).out) for words in (image, ("measure", run, "--json")))
    for name in ("bv_tv", "tb_th_um", "conn_d_per_mm3"):
        assert one[name] == other[name], name


def test_a_file_that_is_there_stays(command: Command, run: Path, tmp_path: Path) -> None:
    (tmp_path / "b.mha").write_text("mine")
    answer = command("export", run, "--out", tmp_path / "b.mha")
    assert (answer.code, "--replace" in answer.err) == (2, True)
    assert (tmp_path / "b.mha").read_text() == "mine"
    assert command("export", run, "--out", tmp_path / "b.mha", "--replace").code == 0


REFUSED = {
    "other ending": (("--out", "b.png"), ".nii.gz"),
    "no folder": (("--out", "absent/b.mha"), "there is no folder"),
    "unknown field": (("--field", "minral", "--out", "b.mha"), 'Did you mean "mineral"?'),
    "day that is not stored": (("--day", "7", "--out", "b.mha"), "0, 30"),
}


@pytest.mark.parametrize(("words", "text"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_written_is_said(
    command: Command, run: Path, tmp_path: Path, words: tuple[str, ...], text: str
) -> None:
    placed = [str(tmp_path / word) if word.startswith(("b.", "absent")) else word for word in words]
    answer = command("export", run, *placed)
    assert (answer.code, text in answer.err) == (2, True), answer.err
    assert not list(tmp_path.glob("*.mha"))


def test_a_folder_that_is_no_run_is_refused(command: Command, tmp_path: Path) -> None:
    answer = command("export", tmp_path, "--out", tmp_path / "b.mha")
    assert (answer.code, "is no run folder" in answer.err) == (2, True)


VALIDATOR = jsonschema.Draft202012Validator(Scenario.json_schema())


@pytest.mark.parametrize("path", packaged_scenarios().values(), ids=packaged_scenarios())
def test_every_scenario_fits_the_schema(path: Path) -> None:
    problems = [error.message for error in VALIDATOR.iter_errors(tomllib.loads(path.read_text(encoding="utf-8")))]
    assert not problems


WRONG = {
    "unknown key": {"bone": {"kind": "generated", "voxl": "20 um"}},
    "bare number": {"bone": {"kind": "generated", "voxel": 20}},
    "wrong unit": {"bone": {"kind": "generated", "voxel": "20 kg"}},
    "unknown kind": {"bone": {"kind": "made"}},
    "unknown field": {"bone": {"kind": "generated"}, "output": {"fields": ["matrix", "colour"]}},
    "neither bone nor parent": {},
    "unknown drug": {"bone": {"kind": "generated"}, "dose": [{"drug": "alendronat", "amt": "70 mg"}]},
    "unknown site": {"bone": {"kind": "generated"}, "loading": {"site": "hip"}},
    "unknown habit": {"bone": {"kind": "generated"}, "loading": {"habitual": "row"}},
    "unknown lift": {"bone": {"kind": "generated"}, "loading": {"one_rm": {"bench": "45 kg"}}},
    "load without unit": {"bone": {"kind": "generated"}, "activity": [{"kind": "squat", "reps": 5, "load": "heavy"}]},
    "unknown parameter": {"bone": {"kind": "generated"}, "parameters": {"osteoclast": {"nme": 1}}},
    "parameter out of range": {"bone": {"kind": "generated"}, "parameters": {"material.poisson": 0.7}},
}


@pytest.mark.parametrize("tables", WRONG.values(), ids=WRONG)
def test_the_schema_refuses_what_the_reader_refuses(tables: dict[str, Any]) -> None:
    assert not VALIDATOR.is_valid({"title": "t", **tables})


@pytest.mark.parametrize("load", ["85 %1RM", "85%1rm", " 72.5 % 1RM ", "40 kg", "88 lb", "40000 g"])
def test_the_schema_takes_every_load_that_the_reader_takes(load: str) -> None:
    rows = {"loading": {"one_rm": {"squat": "60 kg"}}, "activity": [{"kind": "squat", "reps": 5, "load": load}]}
    tables = {"title": "t", "bone": {"kind": "generated"}, **rows}
    assert Scenario.from_dict(tables).activity[0].load is not None
    assert VALIDATOR.is_valid(tables)


def test_a_branch_needs_nothing_more() -> None:
    assert VALIDATOR.is_valid({"branch_from": "runs/adult:365", "simulation": {"days": "3 y"}})


def test_the_schema_is_valid_and_explains_itself() -> None:
    schema = Scenario.json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    sections = {"Scenario": schema, **schema["$defs"]}
    for name, section in sections.items():
        assert section["description"], name
        assert "null" not in json.dumps(section), name
    voxel = schema["$defs"]["GeneratedBone"]["properties"]["voxel"]
    assert schema["properties"]["parameters"]["properties"]["material.poisson"]["maximum"] < 0.5
    assert (voxel["default"], "length, 5 um to 100 um" in voxel["description"]) == ("20 um", True)
    assert schema["$defs"]["Subject"]["properties"]["sex"]["enum"] == ["female", "male"]


def test_the_schema_is_written_once(command: Command, tmp_path: Path) -> None:
    out = tmp_path / "scenario.json"
    assert command("schema", "--out", out).code == 0
    assert json.loads(out.read_text(encoding="utf-8")) == json.loads(command("schema").out)
    answer = command("schema", "--out", out)
    assert (answer.code, "--replace" in answer.err) == (2, True)
