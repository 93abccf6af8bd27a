"""Bad scenarios, images and options: one screen that names key and fix, exit 2, no traceback, no run folder left."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

Command = Callable[..., Any]

BONE = 'title = "t"\n[bone]\nkind = "generated"\n'
IMAGE = 'title = "t"\n[bone]\nkind = "image"\n'
DISUSE = '[[condition]]\nkind = "disuse"\nload_factor = 0.4\n'

SCENARIOS = {
    "no bone section": ('title = "t"\n', "bone: missing section", "[bone]"),
    "no title": ('[bone]\nkind = "generated"\n', "title: missing", "no default"),
    "no kind of bone": ('title = "t"\n[bone]\nvoxel = "20 um"\n', "bone: missing key", '"generated"'),
    "unknown kind of bone": ('title = "t"\n[bone]\nkind = "generatd"\n', "generatd", 'Did you mean "generated"?'),
    "bone is a list": ('title = "t"\n[[bone]]\nkind = "image"\n', "bone: ", "single brackets"),
    "unknown section": (BONE + "[simulatin]\ndays = 3\n", "simulatin: not a known key", 'Did you mean "simulation"?'),
    "unknown key": (BONE + 'voxl = "20 um"\n', "bone.voxl: not a known key", 'Did you mean "voxel"?'),
    "bare number": (BONE + "voxel = 20\n", "bone.voxel: missing unit", 'Example: "20 um"'),
    "text without unit": (BONE + 'size = "1.6"\n', "bone.size: missing unit", "um, nm, mm, cm"),
    "unit of another kind": (BONE + 'tb_th = "160 MPa"\n', 'bone.tb_th: "MPa" is not a unit of length', "um"),
    "misspelled unit": (BONE + 'size = "1.6 MM"\n', 'bone.size: "MM" is not a unit', "mm"),
    "negative length": (BONE + 'voxel = "-20 um"\n', "bone.voxel: -20 um is outside", "5 um to 100 um"),
    "impossible BV/TV": (BONE + "bv_tv = 1.5\n", "bone.bv_tv: 1.5", "0.03 to 0.6"),
    "BV/TV as text": (BONE + 'bv_tv = "15 %"\n', "bone.bv_tv: '15 %'", "a number without unit"),
    "size is no multiple of the voxel": (BONE + 'size = "1.61 mm"\n', "bone.size: 1610 um", 'Nearest: "1600 um"'),
    "two edges": (BONE + 'size = ["1 mm", "1 mm"]\n', "bone.size", "a list of three, z, y, x"),
    "block of a few voxels": (BONE + 'size = "200 um"\n', "bone.size: at least 16 voxels", "320 um"),
    "block of too many voxels": (BONE + 'size = "50 mm"\n', "bone.size: 2500 x 2500 x 2500", "larger voxel"),
    "struts thinner than voxels": (BONE + 'voxel = "40 um"\ntb_th = "80 um"\n', "bone.tb_th: 80 um", "100 um"),
    "negative seed": (BONE + "[simulation]\nseed = -1\n", "simulation.seed: -1", "a whole number, 0 to"),
    "seed with a fraction": (BONE + "[simulation]\nseed = 1.5\n", "simulation.seed: 1.5", "a whole number"),
    "no days": (BONE + "[simulation]\ndays = 0\n", "simulation.days: 0 d is outside", "1 d to 36500 d"),
    "days in the wrong unit": (BONE + '[simulation]\ndays = "1 lustrum"\n', 'simulation.days: "lustrum"', '"30 d"'),
    "unknown sex": (BONE + '[subject]\nsex = "woman"\n', 'subject.sex: "woman"', "'female' or 'male'"),
    "final period of a man": (
        BONE + '[subject]\nsex = "male"\nfinal_period = "51 y"\n',
        "subject.final_period: is only for",
        "change sex",
    ),
    "child": (BONE + '[subject]\nage = "9 y"\n', "subject.age: 9 y is outside", "18 y to 100 y"),
    "aging as text": (BONE + '[subject]\naging = "no"\n', 'subject.aging: "no"', "true or false"),
    "hormone in the wrong unit": (BONE + '[labs]\npth = "38 mg"\n', 'labs.pth: "mg" is not a unit of pth', "pg/mL"),
    "state with single brackets": (BONE + '[state]\nkind = "pth"\n', "state: must be a list", "[[state]]"),
    "state of an unknown hormone": (
        BONE + '[[state]]\nkind = "calcitonin"\nlevel = "5 pg/mL"\n',
        'state[0].kind: "calcitonin"',
        "'pth'",
    ),
    "state without level": (BONE + '[[state]]\nkind = "pth"\n', "state[0].level: missing", 'level = "60 pg/mL"'),
    "antibody with a PTH level": (
        BONE + '[[state]]\nkind = "rankl_antibody"\nlevel = "60 pg/mL"\n', "state[0].level: is not for", "Remove it"
    ),
    "ovaries that come back": (
        BONE + '[[state]]\nkind = "oophorectomy"\nuntil = "60 d"\n', "state[0].until", "do not come back"
    ),
    "ovaries of a man": (
        BONE + '[subject]\nsex = "male"\n[[state]]\nkind = "oophorectomy"\n', "state: an oophorectomy", "change sex"
    ),
    "ablation without share": (BONE + '[[condition]]\nkind = "osteocyte_ablation"\n', "condition[0].share", "share = "),
    "overlapping rows": (BONE + 2 * DISUSE, "condition: rows [0] and [1] overlap", "until"),
    "ends before it starts": (
        BONE + DISUSE + 'start = "30 d"\nuntil = "3 d"\n',
        "condition[0].until: 3 d",
        "later than start, 30 d",
    ),
    "load factor above one": (
        BONE + '[[condition]]\nkind = "disuse"\nload_factor = 40\n',
        "condition[0].load_factor: 40",
        "0 to 1",
    ),
    "one stress": (
        BONE + '[[activity]]\nname = "w"\ncycles = 1\nstress = "1 MPa"\n',
        "activity[0].stress",
        "a list of three, z, y, x",
    ),
    "no stress at all": (
        BONE + '[[activity]]\nname = "w"\ncycles = 1\nstress = ["0 MPa", "0 MPa", "0 MPa"]\n',
        "activity[0].stress: all three",
        '"0.6 MPa"',
    ),
    "unknown parameter": (
        BONE + '[parameters]\n"osteoclast.teem" = 3\n',
        "parameters.osteoclast.teem",
        "osteoclast.team",
    ),
    "parameter out of range": (BONE + '[parameters]\n"osteoclast.team" = 1e9\n', "parameters.osteoclast.team", "range"),
    "parameter as text": (
        BONE + '[parameters]\n"osteoclast.team" = "8"\n',
        "parameters.osteoclast.team",
        "not a number",
    ),
    "unknown field": (BONE + '[output]\nfields = ["matrx"]\n', 'output.fields: "matrx"', 'Did you mean "matrix"?'),
    "fields without matrix": (BONE + '[output]\nfields = ["mineral"]\n', "output.fields: must hold", '"matrix"'),
    "output too often": (BONE + '[output]\nvolumes_every = "1 h"\n', "output.volumes_every: 1 h", "1 d to 36500 d"),
    "syntax error": ('title = "t\n[bone]\n', "line 1", "not valid TOML"),
    "key given twice": (BONE + "seed = 1\nseed = 2\n", "line ", "not valid TOML"),
    "image without path": (IMAGE + 'voxel_size = "20 um"\n', "bone.image: missing", "no default"),
    "image that is not there": (IMAGE + 'image = "no.tif"\nvoxel_size = "20 um"\n', "bone.image: no file", "folder"),
    "image without voxel size": (IMAGE + 'image = "bone.tif"\n', "bone.voxel_size: missing", '"19.5 um"'),
    "unknown threshold": (
        IMAGE + 'image = "bone.tif"\nvoxel_size = "20 um"\nthreshold = "otsoo"\n',
        "bone.threshold",
        'or "otsu"',
    ),
    "empty crop": (IMAGE + 'image = "bone.tif"\nvoxel_size = "20 um"\ncrop = "0:9,5:5,0:9"\n', "bone.crop", "Example"),
}


def assert_one_screen(answer: Any, *expected: str) -> None:
    """Exit 2 and a short text that holds what is expected (line breaks and frames of the terminal aside)."""
    text = " ".join((answer.err + answer.out).replace("│", " ").split())
    assert answer.code == 2, text
    assert "Traceback" not in text
    assert len(answer.err.splitlines()) <= 25
    for part in expected:
        assert part in text


def write_image(path: Path, gray: np.ndarray, **options: Any) -> Path:
    tifffile.imwrite(path, gray, **({"photometric": "minisblack"} | options))
    return path


def bone_gray() -> np.ndarray:
    gray = np.zeros((24, 24, 24), np.uint8)
    gray[8:16] = 200
    return gray


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Folder with a usable image."""
    write_image(tmp_path / "bone.tif", bone_gray())
    return tmp_path


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_bad_scenario_is_one_screen_and_leaves_no_run(command: Command, folder: Path, name: str) -> None:
    text, key, hint = SCENARIOS[name]
    file = folder / "bad.toml"
    file.write_text(text, encoding="utf-8")
    assert_one_screen(command("run", file, "--out", folder / "run"), str(file), key, hint)
    assert sorted(path.name for path in folder.iterdir()) == ["bad.toml", "bone.tif"]


def test_a_scenario_that_is_not_text_is_refused(command: Command, folder: Path) -> None:
    file = folder / "bad.toml"
    file.write_bytes(b"title = \xff\xfe")
    assert_one_screen(command("run", file), str(file), "UTF-8")


def test_explain_refuses_what_run_refuses(command: Command, folder: Path) -> None:
    file = folder / "bad.toml"
    file.write_text(BONE + "voxel = 20\n", encoding="utf-8")
    assert_one_screen(command("explain", file), "bone.voxel: missing unit", "20 um")


@pytest.mark.parametrize("what", ["explain", "run"])
def test_a_habit_of_nothing_is_told_with_file_and_key(command: Command, folder: Path, what: str) -> None:
    file = folder / "bad.toml"
    file.write_text(BONE + '[loading]\nsite = "distal_radius"\n', encoding="utf-8")
    assert_one_screen(command(what, file), str(file), "loading.habitual", "loading.site", "peak_stress")


def truncated(path: Path) -> Path:
    write_image(path, bone_gray())
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


IMAGES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "cut short": (truncated, "cut short"),
    "one slice": (lambda path: write_image(path, bone_gray()[0]), "stack of at least two slices"),
    "colors": (
        lambda path: write_image(path, np.zeros((4, 8, 8, 3), np.uint8), photometric="rgb"),
        "one value per voxel",
    ),
    "not a TIFF": (lambda path: path.write_text("hello", encoding="utf-8"), "cannot be read as TIFF"),
    "empty file": (lambda path: path.write_bytes(b""), "cannot be read as TIFF"),
    "one gray value": (lambda path: write_image(path, np.full((8, 8, 8), 7, np.uint8)), "single gray value"),
    "folder without slices": (lambda path: path.mkdir(), "holds no TIFF slices"),
    "not a number": (lambda path: write_image(path, np.full((8, 8, 8), np.nan, np.float32)), "must be finite"),
}


@pytest.mark.parametrize("name", IMAGES)
@pytest.mark.parametrize("word", ["measure", "solve"])
def test_a_bad_image_is_one_screen(command: Command, tmp_path: Path, word: str, name: str) -> None:
    make, expected = IMAGES[name]
    make(tmp_path / "bad.tif")
    answer = command(word, tmp_path / "bad.tif", "--voxel-size", "20 um")
    assert_one_screen(answer, expected)


@pytest.mark.parametrize("name", IMAGES)
def test_a_bad_image_is_one_screen_for_run_and_leaves_no_run(command: Command, tmp_path: Path, name: str) -> None:
    make, expected = IMAGES[name]
    make(tmp_path / "bad.tif")
    (tmp_path / "s.toml").write_text(IMAGE + 'image = "bad.tif"\nvoxel_size = "20 um"\n', encoding="utf-8")
    assert_one_screen(command("run", tmp_path / "s.toml", "--out", tmp_path / "run"), expected)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.tif", "s.toml"]


SOLVE = ("solve", "{folder}/bone.tif", "--voxel-size", "20 um", "--sigma", 0)
OPTIONS = {
    "unknown scenario": (("run", "menopaus"), 'Did you mean "menopause"?'),
    "a folder as scenario": (("run", "{folder}"), "is a folder"),
    "no days": (("run", "menopause", "--days", 0), "--days: 0 d is outside"),
    "negative seed": (("run", "menopause", "--seed", -1), "--seed: -1"),
    "days as a word": (("run", "menopause", "--days", "many"), "--days"),
    "no threads": (("run", "menopause", "--threads", 0), "--threads"),
    "unknown option": (("run", "menopause", "--speed", 3), "--speed"),
    "unknown command": (("rn", "menopause"), "rn"),
    "explain nothing": (("explain",), "boneabm explain adult"),
    "resume of nothing": (("resume", "{folder}/no"), "no such folder"),
    "resume of a folder that is no run": (("resume", "{folder}"), "not a run folder"),
    "measure of nothing": (("measure", "{folder}/no.tif"), "no such file"),
    "measure without voxel size": (("measure", "{folder}/bone.tif"), "--voxel-size is missing"),
    "voxel size without unit": (("measure", "{folder}/bone.tif", "--voxel-size", "20"), "--voxel-size: missing unit"),
    "voxel size of a kilometer": (("measure", "{folder}/bone.tif", "--voxel-size", "9 cm"), "1 um to 200 um"),
    "crop of two ranges": (("measure", "{folder}/bone.tif", "--voxel-size", "20 um", "--crop", "0:9,0:9"), "z0:z1"),
    "crop outside the image": (
        ("measure", "{folder}/bone.tif", "--voxel-size", "20 um", "--crop", "0:9,0:9,0:99"),
        "crop",
    ),
    "threshold as a word": (("measure", "{folder}/bone.tif", "--voxel-size", "20 um", "--threshold", "x"), "otsu"),
    "threshold above all": (("measure", "{folder}/bone.tif", "--voxel-size", "20 um", "--threshold", 999), "999"),
    "negative sigma": (("measure", "{folder}/bone.tif", "--voxel-size", "20 um", "--sigma", -1), "sigma"),
    "solve of nothing": (("solve", "{folder}/no.tif"), "no such file"),
    "solve without voxel size": (("solve", "{folder}/bone.tif"), "--voxel-size is missing"),
    "unknown boundary": ((*SOLVE, "--boundary", "clampd"), 'Did you mean "clamped"?'),
    "unknown axis": ((*SOLVE, "--axis", "w"), 'axis: "w" is not known'),
    "modulus without unit": ((*SOLVE, "--modulus", "18"), "--modulus: missing unit"),
    "negative modulus": ((*SOLVE, "--modulus", "-18 GPa"), "modulus_mpa = -18000 is not possible"),
    "impossible Poisson's ratio": ((*SOLVE, "--poisson", 0.5), "poisson = 0.5 is not possible"),
    "no tolerance": ((*SOLVE, "--tolerance", 0), "tolerance = 0 is not possible"),
    "strain without unit": ((*SOLVE, "--strain", "0.01"), 'Examples: "1%", "0.8 MPa"'),
    "negative strain": ((*SOLVE, "--strain", "-1%"), "compression positive"),
    "axis that no bone spans": ((*SOLVE, "--axis", "z"), "choose --axis y"),
    "strain field in no folder": ((*SOLVE, "--out", "{folder}/no/a.vtkhdf"), "there is no folder"),
    "strain field of another kind": ((*SOLVE, "--out", "{folder}/a.vti"), 'must end in ".vtkhdf"'),
    "strain field over an image": ((*SOLVE, "--out", "{folder}/bone.tif", "--replace"), 'must end in ".vtkhdf"'),
    "ParOSol input of another kind": ((*SOLVE, "--parosol", "{folder}/a.txt"), 'must end in ".h5"'),
    "ParOSol with negative Poisson's ratio": ((*SOLVE, "--parosol", "{folder}/a.h5", "--poisson", -0.1), "0 to 0.5"),
    "render of nothing": (("render", "{folder}/no"), "no"),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_a_bad_option_is_one_screen(command: Command, folder: Path, name: str) -> None:
    words, expected = OPTIONS[name]
    before = sorted(folder.iterdir())
    assert_one_screen(command(*(str(word).format(folder=folder) for word in words)), expected)
    assert sorted(folder.iterdir()) == before


def test_a_folder_that_is_no_run_is_never_replaced(command: Command, folder: Path) -> None:
    file = folder / "s.toml"
    file.write_text(BONE, encoding="utf-8")
    assert_one_screen(command("run", file, "--out", folder, "--replace"), "never replaced")
    assert sorted(path.name for path in folder.iterdir()) == ["bone.tif", "s.toml"]
