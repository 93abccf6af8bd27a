"""Gray TIFF stacks: a file of many pages or a folder of slices, refused where cut short, colored or unequal."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from ..errors import InputError

TIFF_ENDINGS = (".tif", ".tiff")
SIGNS_OF_DAMAGE = ("invalid page offset", "corrupt", "failed to reshape")


def read_slices(files: list[Path]) -> NDArray[Any]:
    """Stack of single-page TIFF files, all of one size and number type."""
    slices = [read_tiff(file) for file in files]
    for file, data in zip(files, slices, strict=True):
        if data.ndim != 2:
            raise InputError(f"{file}: {data.ndim}-D image of shape {data.shape} in a folder of 2-D slices.")
        if data.shape != slices[0].shape or data.dtype != slices[0].dtype:
            raise InputError(
                f"{file}: slice of {data.shape} {data.dtype}, but {files[0].name} has "
                f"{slices[0].shape} {slices[0].dtype}. All slices need one size and number type."
            )
    return np.stack(slices)


def read_tiff(file: Path) -> NDArray[Any]:
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


def write_tiff(path: Path, volume: NDArray[Any], spacing_um: float, words: dict[str, str]) -> None:
    """Write bytes or 32-bit reals (Z, Y, X) as a stack that ImageJ and Fiji open with its voxel edge.

    words : further entries of the description, such as the unit of the values
    """
    information = "\n".join(f"{key} = {value}" for key, value in words.items())
    tifffile.imwrite(
        path,
        volume,
        imagej=True,
        resolution=(1 / spacing_um, 1 / spacing_um),
        metadata={"axes": "ZYX", "spacing": spacing_um, "unit": "um", "Info": information},
    )
