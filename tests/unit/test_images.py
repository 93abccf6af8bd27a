"""Images of the formats of medical imaging: values, axes and voxel edges, and every way in which they are refused."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from image_files import with_spacing, write_dicom, write_isq
from scipy import ndimage

from boneabm.errors import InputError
from boneabm.io.images import image_files, read_image, voxel_edge_um
from boneabm.io.microct import Segmentation, read_bone
from boneabm.scenario import Scenario

pytest.importorskip("SimpleITK")
Command = Callable[..., Any]
ITK_FILES = ("b.mha", "b.mhd", "b.nrrd", "b.nhdr", "b.nii", "b.nii.gz")
EDGE_UM = 19.5
EDGES_MM = (EDGE_UM / 1000,) * 3
SHAPE = (18, 20, 24)


@pytest.fixture(scope="module")
def gray() -> np.ndarray:
    """Smooth noise, no two axes alike, int16 from -500 to 3500."""
    noise = ndimage.gaussian_filter(np.random.default_rng(3).normal(size=SHAPE), 2)
    return (4000 * (noise - noise.min()) / np.ptp(noise) - 500).astype(np.int16)


def scanco(path: Path, gray: np.ndarray) -> Path:
    """An AIM file, written by the library that reads it: nobody else writes them."""
    itk = pytest.importorskip("itk")
    image = itk.image_from_array(gray)
    image.SetSpacing(EDGES_MM)
    itk.imwrite(image, str(path), imageio=itk.ScancoImageIO.New())
    return path


def edge_of(path: Path, given_um: float | None = None) -> tuple[float, list[str]]:
    return voxel_edge_um(path, read_image(path), given_um)


@pytest.mark.parametrize("name", ITK_FILES)
def test_values_axes_and_voxels_are_those_written(tmp_path: Path, gray: np.ndarray, name: str) -> None:
    path = with_spacing(tmp_path / name, gray, EDGES_MM)
    image = read_image(path)
    np.testing.assert_array_equal(image.gray, gray)
    assert voxel_edge_um(path, image, None) == (EDGE_UM, [])
    assert image.warnings == ()


def test_an_isq_file_of_the_public_header_is_read(tmp_path: Path, gray: np.ndarray) -> None:
    pytest.importorskip("itk")
    write_isq(tmp_path / "b.ISQ", gray, (EDGE_UM,) * 3)
    np.testing.assert_array_equal(read_image(tmp_path / "b.ISQ").gray, gray)
    assert edge_of(tmp_path / "b.ISQ") == (EDGE_UM, [])
    assert read_image(tmp_path / "b.ISQ").unit == ""


def test_an_aim_file_is_read(tmp_path: Path, gray: np.ndarray) -> None:
    path = scanco(tmp_path / "b.AIM", gray)
    np.testing.assert_array_equal(read_image(path).gray, gray)
    assert edge_of(path) == (EDGE_UM, [])


def test_a_calibrated_aim_file_is_told_as_hounsfield_units(tmp_path: Path, gray: np.ndarray) -> None:
    path = scanco(tmp_path / "b.aim", gray)
    raw = path.read_bytes()
    for key, value in {b"Mu_Scaling": b"4096", b"slope": b"1603.5", b"mu water": b"0.2409"}.items():
        place = re.search(key + rb" +[0-9.]+", raw)
        assert place is not None
        raw = raw[: place.start()] + key + value.rjust(len(place[0]) - len(key)) + raw[place.end() :]
    path.write_bytes(raw)
    image = read_image(path)
    assert image.unit == "HU"
    wanted = gray * (1000 / (0.2409 * 4096)) - 1000.0
    assert np.abs(image.gray - wanted).max() <= 1.0
    assert np.abs(image.gray - wanted).max() > 0.5


def test_a_dicom_series_is_sorted_by_position_and_rescaled(tmp_path: Path, gray: np.ndarray) -> None:
    write_dicom(tmp_path / "series", gray, EDGE_UM / 1000)
    (tmp_path / "series" / "notes.txt").write_text("not a slice")
    image = read_image(tmp_path / "series")
    np.testing.assert_array_equal(image.gray, gray.astype(int))
    assert image.unit == "HU"
    assert edge_of(tmp_path / "series") == (EDGE_UM, [])


def test_two_series_in_a_folder_are_refused(tmp_path: Path, gray: np.ndarray) -> None:
    write_dicom(tmp_path / "series", gray, 0.02)
    write_dicom(tmp_path / "series", gray[:9], 0.02, series=2)
    with pytest.raises(InputError, match=r"2 DICOM series of \[18, 9\] slices"):
        read_image(tmp_path / "series")


def test_a_missing_slice_is_noticed(tmp_path: Path, gray: np.ndarray) -> None:
    write_dicom(tmp_path / "series", gray, 0.02, skipped=7)
    with pytest.raises(InputError, match=r"slices 7 and 8 lie 0\.04 mm apart"):
        read_image(tmp_path / "series")


def test_a_voxel_size_that_differs_from_the_file_is_refused(tmp_path: Path, gray: np.ndarray) -> None:
    path = with_spacing(tmp_path / "b.mha", gray, EDGES_MM)
    assert edge_of(path, 19.51) == (19.51, [])
    with pytest.raises(InputError, match=r"its header says voxels of 19\.5 um, the voxel size given is 39 um"):
        edge_of(path, 39.0)


def test_voxels_that_are_no_cubes_are_refused(tmp_path: Path, gray: np.ndarray) -> None:
    path = with_spacing(tmp_path / "b.nrrd", gray, (0.039, 0.0195, 0.0195))
    with pytest.raises(InputError, match=r"39 x 19\.5 x 19\.5 um \(z, y, x\), but cubes"):
        edge_of(path)


def test_a_header_that_counts_in_um_needs_a_word(tmp_path: Path, gray: np.ndarray) -> None:
    path = with_spacing(tmp_path / "b.mhd", gray, (EDGE_UM,) * 3)
    with pytest.raises(InputError, match=r'voxels of 19\.5 mm, which no micro-CT has.*"19\.5 um"'):
        edge_of(path)
    edge, warnings = edge_of(path, EDGE_UM)
    assert edge == EDGE_UM
    assert "counts in um" in warnings[0]


def test_a_header_of_one_millimeter_says_nothing(tmp_path: Path, gray: np.ndarray) -> None:
    path = with_spacing(tmp_path / "b.nii", gray, (1.0, 1.0, 1.0))
    assert edge_of(path, 30.0) == (30.0, [])
    with pytest.raises(InputError, match="--voxel-size is missing"):
        edge_of(path)


def test_the_unit_of_an_nrrd_header_counts(tmp_path: Path, gray: np.ndarray) -> None:
    path = with_spacing(tmp_path / "b.nrrd", gray, (EDGE_UM,) * 3)
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b"kinds:", b'space units: "um" "um" "um"\nkinds:', 1))
    assert edge_of(path) == (EDGE_UM, [])
    path.write_bytes(raw.replace(b"kinds:", b'space units: "inch" "inch" "inch"\nkinds:', 1))
    with pytest.raises(InputError, match='counts in "inch"'):
        read_image(path)


@pytest.mark.parametrize("name", ITK_FILES)
@pytest.mark.parametrize("kept", [0.7, 0.02])
def test_a_file_cut_short_is_refused(tmp_path: Path, gray: np.ndarray, name: str, kept: float) -> None:
    path = with_spacing(tmp_path / name, gray, EDGES_MM)
    data = image_files(path)[-1]
    data.write_bytes(data.read_bytes()[: int(kept * data.stat().st_size)])
    with pytest.raises(InputError, match="cut short"):
        read_image(path)


@pytest.mark.parametrize("name", ["b.isq", "b.aim"])
def test_a_scanco_file_cut_short_is_refused(tmp_path: Path, gray: np.ndarray, name: str) -> None:
    pytest.importorskip("itk")
    path = tmp_path / name
    write_isq(path, gray, (EDGE_UM,) * 3) if name == "b.isq" else scanco(path, gray)
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(InputError, match="cut short"):
        read_image(path)


def test_headers_without_their_data_are_refused(tmp_path: Path, gray: np.ndarray) -> None:
    path = with_spacing(tmp_path / "b.mhd", gray, EDGES_MM)
    (tmp_path / "b.raw").unlink()
    with pytest.raises(InputError, match=r"names b\.raw as its data, which is not there"):
        read_image(path)
    path.write_text(path.read_text().replace("b.raw", "b%03d.raw 1 18 1"))
    with pytest.raises(InputError, match="many files"):
        read_image(path)


def test_colors_two_dimensions_and_time_are_refused(tmp_path: Path, gray: np.ndarray) -> None:
    import SimpleITK as sitk

    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((4, 5, 6, 3), np.uint8), isVector=True), str(tmp_path / "c.mha"))
    with pytest.raises(InputError, match="3 values per voxel"):
        read_image(tmp_path / "c.mha")
    sitk.WriteImage(sitk.GetImageFromArray(gray[0]), str(tmp_path / "flat.mha"))
    with pytest.raises(InputError, match="2-D image"):
        read_image(tmp_path / "flat.mha")
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((2, 4, 5, 6), np.float32), isVector=False), str(tmp_path / "t.nii"))
    with pytest.raises(InputError, match="4-D image"):
        read_image(tmp_path / "t.nii")


def test_a_turned_header_is_told(tmp_path: Path, gray: np.ndarray) -> None:
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(gray)
    image.SetSpacing(EDGES_MM)
    image.SetDirection((0, 0, 1, 1, 0, 0, 0, 1, 0))
    sitk.WriteImage(image, str(tmp_path / "b.mha"))
    assert "turns the image" in read_image(tmp_path / "b.mha").warnings[0]


def test_a_name_with_a_version_number_is_to_be_changed(tmp_path: Path) -> None:
    (tmp_path / "C0001.AIM;1").write_bytes(b"")
    with pytest.raises(InputError, match=r"to C0001\.AIM\."):
        read_image(tmp_path / "C0001.AIM;1")


@pytest.mark.parametrize(("name", "library", "extra"), [("b.mha", "SimpleITK", "io"), ("b.aim", "itk", "scanco")])
def test_without_the_extra_the_error_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, library: str, extra: str
) -> None:
    (tmp_path / name).write_bytes(b"anything")
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(InputError, match=rf"pip install 'boneabm\[{extra}\]'"):
        read_image(tmp_path / name)


def test_bone_of_every_format_is_that_of_the_tiff(tmp_path: Path, gray: np.ndarray) -> None:
    tifffile.imwrite(tmp_path / "b.tif", gray, photometric="minisblack")
    wanted, told = read_bone(tmp_path / "b.tif", EDGE_UM, Segmentation())
    for name in ("b.mha", "b.nii.gz"):
        mask, record = read_bone(with_spacing(tmp_path / name, gray, EDGES_MM), None, Segmentation())
        np.testing.assert_array_equal(mask, wanted)
        assert {**record, "path": "", "sha256": ""} == {**told, "path": "", "sha256": ""}


def test_the_hash_covers_header_and_data(tmp_path: Path, gray: np.ndarray) -> None:
    path = with_spacing(tmp_path / "b.mhd", gray, EDGES_MM)
    first = read_bone(path, None)[1]["sha256"]
    with_spacing(path, gray[::-1].copy(), EDGES_MM)
    assert read_bone(path, None)[1]["sha256"] != first


def test_measure_needs_no_voxel_size_where_the_file_has_one(command: Command, tmp_path: Path, gray: np.ndarray) -> None:
    path = with_spacing(tmp_path / "b.mha", gray, EDGES_MM)
    told = json.loads(command("measure", path, "--json").out)
    assert told["spacing_um"] == EDGE_UM
    wrong = command("measure", path, "--voxel-size", "20 um")
    assert (wrong.code, "its header says voxels of 19.5 um" in wrong.err) == (2, True)


def test_a_scenario_with_another_voxel_size_is_refused(tmp_path: Path, gray: np.ndarray) -> None:
    from boneabm.build import make_bone

    with_spacing(tmp_path / "b.nii.gz", gray, EDGES_MM)
    tables: dict[str, Any] = {"title": "t", "bone": {"kind": "image", "image": "b.nii.gz", "voxel_size": "19.5 um"}}
    mask, record = make_bone(Scenario.from_dict(tables, folder=tmp_path))
    assert (mask.shape, record["spacing_um"]) == (SHAPE, EDGE_UM)
    tables["bone"]["voxel_size"] = "0.195 mm"
    with pytest.raises(InputError, match=r"the voxel size given is 195 um"):
        make_bone(Scenario.from_dict(tables, folder=tmp_path))
