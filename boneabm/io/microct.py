"""Micro-CT import: gray TIFF stacks and the mask of bone made from them, with every step on record."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tifffile
from numpy.typing import NDArray
from scipy import ndimage

from ..errors import InputError
from ..morphometry import largest_component

USUAL_SPACING_UM = (5.0, 100.0)
TIFF_ENDINGS = (".tif", ".tiff")
OTSU_BINS = 256
SIGNS_OF_DAMAGE = ("invalid page offset", "corrupt", "failed to reshape")

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
    path: str | Path, spacing_um: float, segmentation: Segmentation | None = None
) -> tuple[NDArray[np.bool_], dict[str, Any]]:
    """Bone mask of a micro-CT stack and the record of how it was made.

    path         : multi-page TIFF or folder of single-page TIFF slices
    spacing_um   : voxel edge, um, > 0; TIFF does not carry it reliably, so it must be given

    Returns the (Z, Y, X) bool mask and a dict with path, sha256 of the bytes read, shape, dtype, spacing_um, the
    record of `segment` and a list of warnings. Raises InputError, also for a spacing that is not positive.
    """
    path = Path(path)
    if not (np.isfinite(spacing_um) and spacing_um > 0):
        raise InputError(f"{path}: voxel spacing {spacing_um} um is not possible. Give the voxel edge in um, > 0.")
    gray = read_gray(path)
    mask, record = segment(gray, segmentation or Segmentation())
    source = {
        "path": path.name,
        "sha256": sha256_of_files(image_files(path)),
        "shape": list(gray.shape),
        "dtype": str(gray.dtype),
        "spacing_um": float(spacing_um),
    }
    return mask, source | record | {"warnings": _spacing_warnings(spacing_um)}


def read_gray(path: str | Path) -> NDArray[Any]:
    """Gray values (Z, Y, X) of a multi-page TIFF or of a folder of single-page TIFF slices in natural order.

    Raises InputError if the stack is missing, empty, unreadable, cut short, not gray, 2-D, of unequal slices, or
    holds values that are not finite.
    """
    path = Path(path)
    files = image_files(path)
    gray = _read_slices(files) if path.is_dir() else _read_tiff(path)
    if gray.ndim != 3 or gray.shape[0] < 2:
        raise InputError(
            f"{path}: {gray.ndim}-D image of shape {gray.shape}, a stack of at least two slices is needed. "
            "Give a multi-page TIFF or the folder that holds all slices."
        )
    if gray.dtype.kind == "f" and not np.isfinite(gray).all():
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(gray))[0])
        raise InputError(f"{path}: gray value {gray[place]} at voxel (z, y, x) = {place}. All values must be finite.")
    return gray


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


def image_files(path: Path) -> list[Path]:
    """The files that make up a stack, slices in natural order (slice2 before slice10)."""
    if not path.exists():
        raise InputError(f"{path}: no such file or folder. Give a multi-page TIFF or a folder of TIFF slices.")
    if not path.is_dir():
        return [path]
    files = [file for file in path.iterdir() if file.suffix.lower() in TIFF_ENDINGS and not file.name.startswith(".")]
    if not files:
        raise InputError(f"{path}: the folder holds no TIFF slices (files that end in {' or '.join(TIFF_ENDINGS)}).")
    return sorted(files, key=_natural_order)


def _natural_order(file: Path) -> tuple[list[str], list[int], str]:
    """Sorting key of a file name: its words, then the numbers between them, then the name itself."""
    return re.split(r"\d+", file.name), [int(digits) for digits in re.findall(r"\d+", file.name)], file.name


def sha256_of_files(files: list[Path]) -> str:
    """Hash of the bytes of all files in order."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _read_slices(files: list[Path]) -> NDArray[Any]:
    """Stack of single-page TIFF files, all of one size and number type."""
    slices = [_read_tiff(file) for file in files]
    for file, data in zip(files, slices, strict=True):
        if data.ndim != 2:
            raise InputError(f"{file}: {data.ndim}-D image of shape {data.shape} in a folder of 2-D slices.")
        if data.shape != slices[0].shape or data.dtype != slices[0].dtype:
            raise InputError(
                f"{file}: slice of {data.shape} {data.dtype}, but {files[0].name} has "
                f"{slices[0].shape} {slices[0].dtype}. All slices need one size and number type."
            )
    return np.stack(slices)


def _read_tiff(file: Path) -> NDArray[Any]:
    """All pages of one TIFF; an error if it is no TIFF, has colors or is shorter than its header says."""
    with _tifffile_messages() as messages:
        try:
            with tifffile.TiffFile(file) as tiff:
                _require_gray(file, tiff.pages.first)
                declared = _declared_voxels(tiff)
                series = [part.asarray() for part in tiff.series]
        except InputError:
            raise
        except Exception as problem:  # every decoder has error classes of its own
            raise InputError(
                f"{file}: cannot be read as TIFF ({problem}). The file is cut short or of another format; "
                "copy it again or export it as an uncompressed gray TIFF stack."
            ) from problem
    if len({part.shape for part in series}) > 1:
        raise InputError(f"{file}: pages of unequal size {sorted({part.shape for part in series})}. Keep one stack.")
    data = series[0] if len(series) == 1 else np.stack(series)
    damage = [text for text in messages if any(sign in text for sign in SIGNS_OF_DAMAGE)]
    if damage or data.size < declared:
        claim = f"{declared} voxels" if declared > data.size else "more pages"
        raise InputError(
            f"{file}: the file is cut short: {data.size} voxels in shape {data.shape} can be read, its header says "
            f"{claim}. Copy or export it again. {' '.join(damage)}".rstrip()
        )
    return data


def _require_gray(file: Path, page: Any) -> None:
    """An error unless the page has one value per voxel that grows with brightness."""
    if page.samplesperpixel != 1 or page.photometric != tifffile.PHOTOMETRIC.MINISBLACK:
        raise InputError(
            f"{file}: {page.samplesperpixel} value(s) per voxel, color scheme {page.photometric.name}. "
            "Export it as gray with 0 as black (one value per voxel, MINISBLACK)."
        )
    if page.dtype is None or page.dtype.kind not in "buif":
        raise InputError(f"{file}: number type {page.dtype} cannot be used. Export it as integers or real numbers.")


def _declared_voxels(tiff: tifffile.TiffFile) -> int:
    """Voxels that the header of the file claims to hold; 0 where it makes no claim."""
    shaped = tiff.shaped_metadata or ()
    claimed = sum(int(np.prod(part["shape"])) for part in shaped)
    images = int((tiff.imagej_metadata or {}).get("images", 1))
    return max(claimed, images * int(np.prod(tiff.pages.first.shape)) if images > 1 else 0)


class _Collector(logging.Handler):
    """Keeps the text of every message."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the message."""
        self.messages.append(record.getMessage())


@contextmanager
def _tifffile_messages() -> Iterator[list[str]]:
    """Collect what tifffile only logs (damage among it) instead of printing it."""
    logger = logging.getLogger("tifffile")
    collector = _Collector()
    propagate, logger.propagate = logger.propagate, False
    logger.addHandler(collector)
    try:
        yield collector.messages
    finally:
        logger.removeHandler(collector)
        logger.propagate = propagate


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
