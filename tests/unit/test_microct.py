"""Micro-CT import: what is read, what is refused, and what is put on record."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import tifffile
from scipy import ndimage

from boneabm.errors import InputError
from boneabm.io.images import read_gray
from boneabm.io.microct import Segmentation, otsu_threshold, read_bone, segment


@pytest.fixture
def gray():
    noise = ndimage.gaussian_filter(np.random.default_rng(3).normal(size=(12, 20, 30)), 2)
    return (255 * (noise - noise.min()) / np.ptp(noise)).astype(np.uint8)


WRITERS = {
    "default": {},
    "imagej": {"imagej": True},
    "plain": {"metadata": None},
    "deflate": {"compression": "zlib"},
    "ome": {"ome": True},
}


@pytest.mark.parametrize("options", WRITERS.values(), ids=WRITERS)
def test_stacks_of_every_kind_are_read_unchanged(tmp_path, gray, options):
    tifffile.imwrite(tmp_path / "stack.tif", gray, **options)
    np.testing.assert_array_equal(read_gray(tmp_path / "stack.tif"), gray)


def test_pages_written_one_by_one_are_one_stack(tmp_path, gray):
    with tifffile.TiffWriter(tmp_path / "stack.tif") as stack:
        for page in gray:
            stack.write(page)
    np.testing.assert_array_equal(read_gray(tmp_path / "stack.tif"), gray)


def test_folder_of_slices_is_sorted_by_number(tmp_path, gray):
    for number, page in enumerate(gray):
        tifffile.imwrite(tmp_path / f"slice{number}.TIFF", page)
    (tmp_path / "notes.txt").write_text("not a slice")
    np.testing.assert_array_equal(read_gray(tmp_path), gray)


@pytest.mark.parametrize("options", WRITERS.values(), ids=WRITERS)
@pytest.mark.parametrize("kept", [0.6, 0.3, 0.02])
def test_a_file_cut_short_is_refused(tmp_path, gray, options, kept):
    tifffile.imwrite(tmp_path / "whole.tif", gray, **options)
    content = (tmp_path / "whole.tif").read_bytes()
    (tmp_path / "cut.tif").write_bytes(content[: int(kept * len(content))])
    with pytest.raises(InputError, match=r"cut\.tif: .*cut short"):
        read_gray(tmp_path / "cut.tif")


def test_reading_a_damaged_file_prints_nothing(tmp_path, gray, capfd):
    tifffile.imwrite(tmp_path / "whole.tif", gray, imagej=True)
    (tmp_path / "cut.tif").write_bytes((tmp_path / "whole.tif").read_bytes()[:4000])
    with pytest.raises(InputError):
        read_gray(tmp_path / "cut.tif")
    assert capfd.readouterr() == ("", "")


def test_missing_path_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such file or folder"):
        read_gray(tmp_path / "absent.tif")


def test_empty_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds no TIFF slices"):
        read_gray(tmp_path)


def test_single_slice_is_refused(tmp_path, gray):
    tifffile.imwrite(tmp_path / "flat.tif", gray[0])
    with pytest.raises(InputError, match="2-D image"):
        read_gray(tmp_path / "flat.tif")
    (tmp_path / "folder").mkdir()
    tifffile.imwrite(tmp_path / "folder" / "s1.tif", gray[0])
    with pytest.raises(InputError, match="at least two slices"):
        read_gray(tmp_path / "folder")


@pytest.mark.parametrize("odd", [np.zeros((20, 31), np.uint8), np.zeros((20, 30), np.uint16)], ids=["size", "type"])
def test_unequal_slices_are_refused_by_name(tmp_path, gray, odd):
    tifffile.imwrite(tmp_path / "s1.tif", gray[0])
    tifffile.imwrite(tmp_path / "s2.tif", odd)
    with pytest.raises(InputError, match=r"s2\.tif: slice of .*s1\.tif has"):
        read_gray(tmp_path)


def test_stacks_inside_a_folder_are_refused(tmp_path, gray):
    tifffile.imwrite(tmp_path / "s1.tif", gray)
    tifffile.imwrite(tmp_path / "s2.tif", gray)
    with pytest.raises(InputError, match=r"3-D image of shape .* in a folder of 2-D slices"):
        read_gray(tmp_path)


def test_pages_of_unequal_size_are_refused(tmp_path, gray):
    with tifffile.TiffWriter(tmp_path / "stack.tif") as stack:
        stack.write(gray[0])
        stack.write(gray[1, :10])
    with pytest.raises(InputError, match="unequal size"):
        read_gray(tmp_path / "stack.tif")


@pytest.mark.parametrize("scheme", ["rgb", "miniswhite"])
def test_colors_and_inverted_gray_are_refused(tmp_path, gray, scheme):
    data = np.stack([gray] * 3, axis=-1) if scheme == "rgb" else gray
    tifffile.imwrite(tmp_path / "color.tif", data, photometric=scheme)
    with pytest.raises(InputError, match=f"color scheme {scheme.upper()}"):
        read_gray(tmp_path / "color.tif")


def test_complex_numbers_are_refused(tmp_path, gray):
    tifffile.imwrite(tmp_path / "c.tif", gray.astype(np.complex64))
    with pytest.raises(InputError, match="number type complex64"):
        read_gray(tmp_path / "c.tif")


def test_another_format_is_refused(tmp_path):
    (tmp_path / "stack.tif").write_text("this is no image")
    with pytest.raises(InputError, match="cannot be read as TIFF"):
        read_gray(tmp_path / "stack.tif")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused_with_their_place(tmp_path, gray, value):
    data = gray.astype(np.float32)
    data[2, 3, 4] = value
    tifffile.imwrite(tmp_path / "f.tif", data)
    with pytest.raises(InputError, match=r"\(2, 3, 4\)"):
        read_gray(tmp_path / "f.tif")


def test_otsu_equals_scikit_image(gray):
    filters = pytest.importorskip("skimage.filters")
    smooth = ndimage.gaussian_filter(gray.astype(np.float32), 1, mode="nearest")
    assert otsu_threshold(smooth) == pytest.approx(filters.threshold_otsu(smooth), rel=1e-6)


def test_segmentation_filters_as_real_numbers_then_thresholds_then_crops_then_takes_the_largest(gray):
    crop = ((1, 12), (2, 19), (0, 30))
    mask, record = segment(gray, Segmentation(1.0, 130.0, True, crop))
    bone = (ndimage.gaussian_filter(gray.astype(np.float32), 1.0, mode="nearest") > 130)[1:12, 2:19]
    labels, _ = ndimage.label(bone)
    voxels = np.bincount(labels.ravel())[1:]
    np.testing.assert_array_equal(mask, labels == 1 + voxels.argmax())
    assert voxels.size > 1
    assert record["voxels_dropped"] == voxels.sum() - voxels.max() > 0
    assert record["bv_tv_before"] == pytest.approx(bone.mean())
    assert record["bv_tv"] == pytest.approx(mask.mean())
    assert record["threshold"] == 130.0
    assert record["threshold_method"] == "given"
    assert record["filter"] == "gaussian sigma 1 voxels"
    assert record["crop"] == [[1, 12], [2, 19], [0, 30]]


def test_without_filter_and_largest_the_mask_is_the_threshold(gray):
    mask, record = segment(gray, Segmentation(threshold=130, largest=False))
    np.testing.assert_array_equal(mask, gray > 130)
    assert record["filter"] == "none"
    assert record["voxels_dropped"] == 0


@pytest.mark.parametrize(
    ("segmentation", "text"),
    [
        (Segmentation(threshold=300.0), "no voxel of the image"),
        (Segmentation(threshold=-1.0), "every voxel of the image"),
        (Segmentation(threshold=130.0, crop=((0, 13), (0, 20), (0, 30))), r"crop z = \(0, 13\).*<= 12"),
        (Segmentation(threshold=130.0, crop=((0, 12), (5, 5), (0, 30))), r"crop y = \(5, 5\)"),
        (Segmentation(threshold=130.0, crop=((0, 12), (0, 20), (-1, 30))), r"crop x = \(-1, 30\)"),
        (Segmentation(threshold=130.0, crop=((0, 12), (0, 20))), "three pairs"),  # type: ignore[arg-type]
        (Segmentation(sigma_voxels=-1.0), "sigma_voxels = -1.0"),
        (Segmentation(threshold="ostu"), '"ostu" is not possible'),  # type: ignore[arg-type]
        (Segmentation(threshold=float("nan")), '"nan" is not possible'),
    ],
)
def test_impossible_segmentations_are_refused(gray, segmentation, text):
    with pytest.raises(InputError, match=text):
        segment(gray, segmentation)


def test_a_crop_without_bone_is_refused(gray):
    hollow = gray.copy()
    hollow[:4] = 0
    with pytest.raises(InputError, match="no voxel of the crop"):
        segment(hollow, Segmentation(threshold=130.0, crop=((0, 4), (0, 20), (0, 30))))


def test_an_image_of_one_gray_value_is_refused():
    with pytest.raises(InputError, match=r"single gray value 7\.0"):
        segment(np.full((4, 4, 4), 7, np.uint8), Segmentation())


def test_record_of_a_file_names_source_and_hash(tmp_path, gray):
    tifffile.imwrite(tmp_path / "stack.tif", gray)
    mask, record = read_bone(tmp_path / "stack.tif", 20, Segmentation(threshold=130.0))
    assert record["path"] == "stack.tif"
    assert record["sha256"] == hashlib.sha256((tmp_path / "stack.tif").read_bytes()).hexdigest()
    assert (record["shape"], record["dtype"], record["spacing_um"]) == ([12, 20, 30], "uint8", 20.0)
    assert record["warnings"] == []
    assert mask.dtype == np.bool_


@pytest.mark.parametrize(("spacing_um", "warnings"), [(4.9, 1), (5, 0), (100, 0), (101, 1), (0.0195, 1)])
def test_unusual_spacing_is_warned_of(tmp_path, gray, spacing_um, warnings):
    tifffile.imwrite(tmp_path / "stack.tif", gray)
    assert len(read_bone(tmp_path / "stack.tif", spacing_um)[1]["warnings"]) == warnings


@pytest.mark.parametrize("spacing_um", [0, -20, float("nan"), float("inf")])
def test_impossible_spacing_is_refused(tmp_path, spacing_um):
    with pytest.raises(InputError, match="Give the voxel edge in um"):
        read_bone(tmp_path / "stack.tif", spacing_um)


def test_real_sample_gives_the_published_segmentations(real_sample):
    """Otsu after sigma 1 is 80.92566; whole 1 549 512 voxels; first 100^3 BV/TV 0.202494; > 63 gives 0.23370."""
    gray = read_gray(real_sample)
    whole, record = segment(gray, Segmentation(sigma_voxels=1.0))
    assert record["threshold"] == pytest.approx(80.92566, abs=1e-5)
    assert whole.sum() == 1_549_512
    corner, _ = segment(gray, Segmentation(sigma_voxels=1.0, crop=((0, 100), (0, 100), (0, 100))))
    assert corner.mean() == pytest.approx(0.202494, abs=5e-7)
    assert segment(gray, Segmentation(1.0, 63.0))[0].mean() == pytest.approx(0.23370, abs=5e-6)
