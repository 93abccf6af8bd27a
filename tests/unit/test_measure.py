"""`boneabm measure`: rows, tables and maps of images and of stored steps of runs, and what it refuses."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tifffile

from boneabm.io.volumes import VolumeWriter
from boneabm.morphometry import local_thickness, measure_fully

Command = Callable[..., Any]
DAYS = {0: 8, 30: 6, 60: 4}
EDGE = 20


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of three stored steps: a plate that thins from 8 to 4 voxels of 20 um, mineral 1.1 g/cm3 of tissue."""
    folder = tmp_path / "run"
    folder.mkdir()
    writer = VolumeWriter(folder / "run.vtkhdf", (EDGE,) * 3, 20.0, ["matrix", "mineral"])
    for day, thickness in DAYS.items():
        matrix = np.zeros((EDGE,) * 3, np.float32)
        matrix[6 : 6 + thickness] = 0.9
        writer.append(day, {"matrix": matrix, "mineral": matrix * np.float32(1.1)})
    return folder


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A plate of 5 voxels, gray 200 with a rim of 150, in marrow of 20."""
    gray = np.full((EDGE,) * 3, 20, np.uint8)
    gray[7:12] = 150
    gray[8:11] = 200
    tifffile.imwrite(tmp_path / "plate.tif", gray, photometric="minisblack")
    return tmp_path / "plate.tif"


def of_image(image: Path) -> tuple[object, ...]:
    return ("measure", image, "--voxel-size", "20 um", "--sigma", 0, "--threshold", 100)


def rows(answer: Any) -> list[dict[str, Any]]:
    assert answer.code == 0, answer.err
    return [json.loads(line) for line in answer.out.splitlines()]


def test_all_steps_of_a_run_are_one_json_line_each(command: Command, run: Path) -> None:
    told = rows(command("measure", run, "--all-steps", "--json"))
    assert [row["day"] for row in told] == list(DAYS)
    assert [row["step"] for row in told] == [0, 1, 2]
    assert [row["tb_th_um"] for row in told] == [160, 120, 80]
    assert all(row["plate_fraction"] == 1 and abs(row["smi"]) < 1e-9 for row in told)
    assert [row["tmd_g_per_cm3"] for row in told] == pytest.approx([1.1] * 3)
    assert told[0]["vbmd_g_per_cm3"] == pytest.approx(1.1 * 0.9 * 8 / EDGE)


@pytest.mark.parametrize(("step", "day"), [(0, 0), (1, 30), (-1, 60), (-3, 0)])
def test_one_step_of_a_run(command: Command, run: Path, step: int, day: int) -> None:
    (row,) = rows(command("measure", run, "--step", step, "--json"))
    assert row["day"] == day
    assert row["tb_th_um"] == 20 * DAYS[day]


def test_the_table_has_a_header_and_the_same_numbers(command: Command, run: Path) -> None:
    table = list(csv.DictReader(io.StringIO(command("measure", run, "--all-steps", "--csv").out)))
    told = rows(command("measure", run, "--all-steps", "--json"))
    for row, expected in zip(table, told, strict=True):
        assert list(row) == list(expected)
        assert float(row["bs_bv_per_mm"]) == expected["bs_bv_per_mm"]
        assert row["tb_th_sd_um"] == "0.0"


def test_an_image_has_the_measures_of_its_mask_and_densities_where_calibrated(command: Command, image: Path) -> None:
    (row,) = rows(command(*of_image(image), "--calibration", "0.005,0.1", "--json"))
    mask = np.zeros((EDGE,) * 3, bool)
    mask[7:12] = True
    standard, shape, _ = measure_fully(mask, 20.0)
    for name, value in {**vars(standard), **vars(shape)}.items():
        assert row[name] == pytest.approx(value), name
    assert row["tmd_g_per_cm3"] == pytest.approx(0.005 * 200 + 0.1)
    assert row["vbmd_g_per_cm3"] == pytest.approx(0.005 * (2 * 150 + 3 * 200 + 15 * 20) / EDGE + 0.1)
    assert "tmd_g_per_cm3" not in rows(command(*of_image(image), "--json"))[0]


def test_densities_follow_the_crop(command: Command, image: Path) -> None:
    answer = command(*of_image(image), "--calibration", "0.01,0", "--crop", "0:20,0:10,0:10", "--json")
    assert rows(answer)[0]["vbmd_g_per_cm3"] == pytest.approx(0.01 * (2 * 150 + 3 * 200 + 15 * 20) / EDGE)


def test_refining_takes_the_bias_of_an_odd_plate_away(command: Command, image: Path) -> None:
    assert rows(command(*of_image(image), "--json"))[0]["tb_th_um"] == 120
    (row,) = rows(command(*of_image(image), "--upsample", 2, "--json"))
    assert (row["tb_th_um"], row["upsample"]) == (100, 2)


def test_maps_are_written_with_units_and_replaced_only_when_asked(
    command: Command, image: Path, tmp_path: Path
) -> None:
    target = tmp_path / "maps.vtkhdf"
    assert command(*of_image(image), "--map", target).code == 0
    with h5py.File(target) as file:
        cells = file["VTKHDF/CellData"]
        thickness = cells["thickness_um"][()]
        assert cells["thickness_um"].attrs["unit"] == "um"
        assert set(np.unique(cells["element"])) == {0, 2}
        assert file["boneabm/meta/tb_th_um"][()] == 120
    mask = np.zeros((EDGE,) * 3, bool)
    mask[7:12] = True
    np.testing.assert_array_equal(thickness, local_thickness(mask, 20.0))
    answer = command(*of_image(image), "--map", target)
    assert answer.code == 2
    assert "--replace" in answer.err
    assert command(*of_image(image), "--map", target, "--replace").code == 0


REFUSED = {
    "step that is not stored": (("{run}", "--step", 3), "holds the steps 0 to 2"),
    "step and all steps": (("{run}", "--step", 0, "--all-steps"), "give one of them"),
    "map of all steps": (("{run}", "--all-steps", "--map", "m.vtkhdf"), "--map holds one step"),
    "calibration of a run": (("{run}", "--calibration", "1,0"), "--calibration is for images"),
    "voxel size of a run": (("{run}", "--voxel-size", "20 um"), "--voxel-size is for images"),
    "step of an image": (("{image}", "--voxel-size", "20 um", "--step", 0), "--step is for runs"),
    "all steps of an image": (("{image}", "--voxel-size", "20 um", "--all-steps"), "--all-steps is for runs"),
    "json and csv": (("{run}", "--json", "--csv"), "give one of them"),
    "calibration of one number": (("{image}", "--voxel-size", "20 um", "--calibration", "1"), "SLOPE,OFFSET"),
    "falling calibration": (("{image}", "--voxel-size", "20 um", "--calibration", "-1,0"), "slope above 0"),
    "upsample of zero": (("{image}", "--voxel-size", "20 um", "--upsample", 0), "upsample"),
    "map of another ending": (("{run}", "--map", "m.tif"), ".vtkhdf"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_go_together_is_said_before_any_work(command: Command, run: Path, image: Path, name: str) -> None:
    words, expected = REFUSED[name]
    answer = command("measure", *(str(word).format(run=run, image=image) for word in words))
    assert answer.code == 2
    assert expected in answer.err
    assert "Traceback" not in answer.err
