"""Micro-CT import: gray images and the mask of bone made from them, with every step on record."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..errors import InputError
from ..morphometry import largest_component
from .images import image_files, read_image, sha256_of_files, voxel_edge_um

USUAL_SPACING_UM = (5.0, 100.0)
OTSU_BINS = 256

Crop = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]


@dataclass(frozen=True)
class Segmentation:
    """How gray values become bone.

    sigma_voxels : standard deviation of the Gaussian filter, voxels, >= 0 (0: no filter)
    threshold    : gray value that bone exceeds, or "otsu"
    largest      : keep only the largest piece joined by faces
    crop         : None or (start, stop) along z, y, x, voxels, taken after filter and threshold
    """

    sigma_voxels: float = 0.0
    threshold: float | Literal["otsu"] = "otsu"
    largest: bool = True
    crop: Crop | None = None


def read_bone(
    path: str | Path, spacing_um: float | None, segmentation: Segmentation | None = None
) -> tuple[NDArray[np.bool_], dict[str, Any]]:
    """Bone mask of a micro-CT image and the record of how it was made.

    path         : image file of a known format, or folder of TIFF or DICOM slices
    spacing_um   : voxel edge, um, > 0, which must agree with what the file states; None: as the file states

    Returns the (Z, Y, X) bool mask and a dict with path, sha256 of the bytes read, shape, dtype, spacing_um, unit of
    the gray values where known, the record of `segment` and a list of warnings. Raises InputError, also for a spacing
    that is not positive, not that of the file, or nowhere stated.
    """
    path = Path(path)
    if spacing_um is not None and not (np.isfinite(spacing_um) and spacing_um > 0):
        raise InputError(f"{path}: voxel spacing {spacing_um} um is not possible. Give the voxel edge in um, > 0.")
    image = read_image(path)
    edge_um, warnings = voxel_edge_um(path, image, spacing_um)
    mask, record = segment(image.gray, segmentation or Segmentation())
    source = {
        "path": path.name,
        "sha256": sha256_of_files(image_files(path)),
        "shape": list(image.gray.shape),
        "dtype": str(image.gray.dtype),
        "spacing_um": float(edge_um),
    }
    source |= {"gray_unit": image.unit} if image.unit else {}
    return mask, source | record | {"warnings": [*image.warnings, *warnings, *_spacing_warnings(edge_um)]}


def segment(gray: NDArray[Any], segmentation: Segmentation) -> tuple[NDArray[np.bool_], dict[str, Any]]:
    """Bone mask from gray values: filter, threshold on the whole image, crop, largest piece joined by faces.

    bone = gaussian(gray) > threshold, float32, values beyond the faces as at the faces

    gray : (Z, Y, X) gray values of any real type

    Returns the (Z, Y, X) bool mask and a dict with filter, threshold and its method, crop, BV/TV before and after
    the choice of the largest piece, and voxels dropped by it. Raises InputError if the crop leaves the image or if
    no voxel or every voxel is bone.
    """
    _require_possible(segmentation)
    smooth = np.asarray(gray, np.float32)
    if segmentation.sigma_voxels > 0:
        smooth = ndimage.gaussian_filter(smooth, segmentation.sigma_voxels, mode="nearest")
    method = "otsu" if segmentation.threshold == "otsu" else "given"
    threshold = otsu_threshold(smooth) if segmentation.threshold == "otsu" else float(segmentation.threshold)
    bone = smooth > threshold
    _require_bone_and_marrow(bone, smooth, threshold, "the image")
    if segmentation.crop is not None:
        bone = bone[_crop_slices(segmentation.crop, bone.shape)]
        _require_bone_and_marrow(bone, smooth, threshold, f"the crop {segmentation.crop}")
    mask = largest_component(bone) if segmentation.largest else np.ascontiguousarray(bone)
    record = {
        "filter": f"gaussian sigma {segmentation.sigma_voxels:g} voxels" if segmentation.sigma_voxels > 0 else "none",
        "threshold": threshold,
        "threshold_method": method,
        "crop": None if segmentation.crop is None else [list(pair) for pair in segmentation.crop],
        "largest_component": segmentation.largest,
        "bv_tv_before": float(bone.mean(dtype=np.float64)),
        "bv_tv": float(mask.mean(dtype=np.float64)),
        "voxels_dropped": int(bone.sum()) - int(mask.sum()),
    }
    return mask, record


def otsu_threshold(gray: NDArray[Any]) -> float:
    """Threshold that maximizes the variance between the two classes, over 256 bins from minimum to maximum.

    maximize n0 n1 (mean0 - mean1)^2 over the centers of the bins; the upper class is > threshold

    Raises InputError for an image of one gray value. Source: Otsu, IEEE Trans Syst Man Cybern 9:62 (1979).
    """
    if gray.min() == gray.max():
        raise InputError(f"The image has the single gray value {gray.min()}; bone cannot be told from marrow.")
    counts, edges = np.histogram(gray, bins=OTSU_BINS)
    centers = (edges[:-1] + edges[1:]) / 2
    below, above = np.cumsum(counts), np.cumsum(counts[::-1])[::-1]
    mean_below = np.cumsum(counts * centers) / below
    mean_above = (np.cumsum((counts * centers)[::-1]) / above[::-1])[::-1]
    between = below[:-1].astype(float) * above[1:] * (mean_below[:-1] - mean_above[1:]) ** 2
    return float(centers[between.argmax()])


def _require_possible(segmentation: Segmentation) -> None:
    """An error for a filter or threshold that cannot be applied."""
    if not (np.isfinite(segmentation.sigma_voxels) and segmentation.sigma_voxels >= 0):
        raise InputError(f"sigma_voxels = {segmentation.sigma_voxels} is not possible. Give 0 (no filter) or more.")
    threshold = segmentation.threshold
    if threshold != "otsu" and (isinstance(threshold, str) or not np.isfinite(threshold)):
        raise InputError(f'threshold = "{threshold}" is not possible. Give a gray value or "otsu".')


def _require_bone_and_marrow(
    bone: NDArray[np.bool_], smooth: NDArray[np.float32], threshold: float, where: str
) -> None:
    """An error if no voxel or every voxel is bone."""
    if bone.any() and not bone.all():
        return
    count = "every voxel" if bone.any() else "no voxel"
    raise InputError(
        f"threshold {threshold:g}: {count} of {where} is above it. "
        f"The filtered gray values of the image reach from {smooth.min():g} to {smooth.max():g}; "
        'give a value between them or "otsu".'
    )


def _crop_slices(crop: Crop, shape: tuple[int, ...]) -> tuple[slice, ...]:
    """Slices of a crop; an error names the axis that leaves the image."""
    if len(crop) != 3:
        raise InputError(f"crop = {crop}: three pairs (start, stop) for z, y, x are needed.")
    for axis, (start, stop), size in zip("zyx", crop, shape, strict=True):
        if not 0 <= start < stop <= size:
            raise InputError(f"crop {axis} = ({start}, {stop}): 0 <= start < stop <= {size} is needed for this image.")
    return tuple(slice(start, stop) for start, stop in crop)


def _spacing_warnings(spacing_um: float) -> list[str]:
    """A warning for a voxel size that is unusual for trabecular bone."""
    low, high = USUAL_SPACING_UM
    if low <= spacing_um <= high:
        return []
    return [f"spacing {spacing_um:g} um is outside the usual {low:g} to {high:g} um of bone images; check the unit"]
