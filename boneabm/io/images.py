"""Gray images of any format that is read: the files they are made of, their values, and the voxel edge they state."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..scenario_fields import VOXEL_SIZE
from .medical import is_dicom, read_dicom_series, read_medical
from .scanco import read_scanco
from .tiff import TIFF_ENDINGS, read_slices, read_tiff

UM_PER_MM = 1000.0
SAME_EDGE = 1e-3  # relative difference of two voxel edges that counts as rounding
SCANCO_ENDINGS = (".aim", ".isq")
MEDICAL_ENDINGS = (".mhd", ".mha", ".nrrd", ".nhdr", ".nii", ".nii.gz", ".dcm")
KNOWN = "TIFF, MHD/MHA, NRRD, NIfTI, DICOM, Scanco AIM and ISQ"
_DATA_FILE = {
    ".mhd": re.compile(rb"^ElementDataFile\s*=\s*(.+?)\s*$", re.MULTILINE),
    ".nhdr": re.compile(rb"^data ?file:\s*(.+?)\s*$", re.MULTILINE | re.IGNORECASE),
}
MOST_HEADER_BYTES = 100_000


class GrayImage(NamedTuple):
    """Gray values (Z, Y, X); edges along z, y, x in mm as the header has them, None where it has none; what they are.

    unit : of the gray values where the file knows it ("HU"), else ""
    """

    gray: NDArray[Any]
    edges_mm: tuple[float, float, float] | None = None
    unit: str = ""
    warnings: tuple[str, ...] = ()


def read_image(path: str | Path) -> GrayImage:
    """Gray values and stated voxel edges of an image: a file of a known format, or a folder of TIFF or DICOM slices.

    Raises InputError if the image is missing, empty, unreadable, cut short, not gray, not 3-D, of unequal slices,
    holds values that are not finite, or needs the io extra and that is not installed.
    """
    path = Path(path)
    image = _reader(path)(image_files(path))
    gray = image.gray
    if gray.ndim != 3 or gray.shape[0] < 2:
        raise InputError(
            f"{path}: {gray.ndim}-D image of shape {gray.shape}, a stack of at least two slices is needed. "
            "Give a file of the whole stack or the folder that holds all slices."
        )
    if gray.dtype.kind == "f" and not np.isfinite(gray).all():
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(gray))[0])
        raise InputError(f"{path}: gray value {gray[place]} at voxel (z, y, x) = {place}. All values must be finite.")
    return image


def read_gray(path: str | Path) -> NDArray[Any]:
    """Gray values (Z, Y, X) of an image, see `read_image`."""
    return read_image(path).gray


def voxel_edge_um(path: Path, image: GrayImage, given_um: float | None) -> tuple[float, list[str]]:
    """Voxel edge in um that holds for an image, and warnings: as given, as its header states, or refused.

    given_um : what the user said, None where nothing was said

    The header counts in mm. Raises InputError where neither says anything, where both do and differ by more than
    0.1 %, where voxels are no cubes, and where the stated edge is no voxel of a micro-CT (its numbers are often um).
    """
    stated_um = _stated_um(path, image)
    if stated_um is None:
        return _given(path, given_um), []
    if not VOXEL_SIZE.low <= stated_um <= VOXEL_SIZE.high:
        return _mistaken_unit(path, stated_um, given_um)
    if given_um is not None and not _same(given_um, stated_um):
        raise InputError(
            f"{path}: its header says voxels of {stated_um:g} um, the voxel size given is {given_um:g} um. With the "
            "wrong one every length, surface and number of cells is wrong. Correct what was given, or the header."
        )
    return stated_um if given_um is None else given_um, []


def carries_voxel_size(path: Path) -> bool:
    """Whether images of this kind state their voxel edge: all but TIFF do."""
    return _reader(path) not in (_tiff, _tiff_slices)


def image_files(path: Path) -> list[Path]:
    """The files that make up an image, slices in natural order (slice2 before slice10), a header before its data."""
    if not path.exists():
        raise InputError(f"{path}: no such file or folder. Give an image ({KNOWN}) or a folder of slices.")
    if path.is_dir():
        return _slices(path)
    ending = _ending(path)
    return [path, *_data_file(path, _DATA_FILE[ending])] if ending in _DATA_FILE else [path]


def sha256_of_files(files: list[Path]) -> str:
    """Hash of the bytes of all files in order."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _stated_um(path: Path, image: GrayImage) -> float | None:
    """Edge in um that the header states; None where it states none, or 1 mm, which writers put who know none."""
    if image.edges_mm is None or all(edge == 1.0 for edge in image.edges_mm):
        return None
    shortest, longest = min(image.edges_mm), max(image.edges_mm)
    if not shortest > 0 or not _same(shortest, longest):
        z, y, x = (edge * UM_PER_MM for edge in image.edges_mm)
        raise InputError(
            f"{path}: its header says voxels of {z:g} x {y:g} x {x:g} um (z, y, x), but cubes are needed. "
            "Resample the image to cubic voxels first (Fiji: Image > Scale; SimpleITK: Resample)."
        )
    return round(sum(image.edges_mm) / 3 * UM_PER_MM, 4)


def _given(path: Path, given_um: float | None) -> float:
    if given_um is None:
        raise InputError(
            f"{path}: --voxel-size is missing. This image file carries no dependable voxel size. "
            'Example: --voxel-size "19.5 um".'
        )
    return given_um


def _mistaken_unit(path: Path, stated_um: float, given_um: float | None) -> tuple[float, list[str]]:
    """Headers count in mm, but some programs write um: taken so where the user says the same number."""
    number = stated_um / UM_PER_MM
    if given_um is not None and _same(given_um, number):
        return given_um, [f"{path.name}: its header counts in um, not in mm; voxels of {given_um:g} um as you say"]
    raise InputError(
        f"{path}: its header says voxels of {number:g} mm, which no micro-CT has; {VOXEL_SIZE.low:g} to "
        f"{VOXEL_SIZE.high:g} um can be used. If its number is in um, say so: voxel size "
        f'"{number:g} um" (--voxel-size, or voxel_size in a scenario).'
    )


def _same(one: float, other: float) -> bool:
    return abs(one - other) <= SAME_EDGE * abs(other)


def _reader(path: Path) -> Callable[[list[Path]], GrayImage]:
    """What reads this image, by its ending or, in a folder, by what lies there."""
    if path.is_dir():
        return _tiff_slices if _ending(_slices(path)[0]) in TIFF_ENDINGS else _dicom_series
    ending = _ending(path)
    return _scanco if ending in SCANCO_ENDINGS else _medical if ending in MEDICAL_ENDINGS else _tiff


def _tiff(files: list[Path]) -> GrayImage:
    return GrayImage(read_tiff(files[0]))


def _tiff_slices(files: list[Path]) -> GrayImage:
    return GrayImage(read_slices(files))


def _medical(files: list[Path]) -> GrayImage:
    return GrayImage(*read_medical(files[0]))


def _dicom_series(files: list[Path]) -> GrayImage:
    return GrayImage(*read_dicom_series(files))


def _scanco(files: list[Path]) -> GrayImage:
    return GrayImage(*read_scanco(files[0]))


def _ending(path: Path) -> str:
    """Ending in small letters, ".nii.gz" as one; Scanco's names end in a version number, C0001.AIM;1."""
    name = path.name.lower()
    if re.search(r"\.(aim|isq);\d+$", name):
        plain = path.name.rpartition(";")[0]
        raise InputError(f"{path}: rename it without the version number of its file system, to {plain}.")
    return ".nii.gz" if name.endswith(".nii.gz") else Path(name).suffix


def _slices(folder: Path) -> list[Path]:
    files = [file for file in folder.iterdir() if file.is_file() and not file.name.startswith(".")]
    tiffs = [file for file in files if file.suffix.lower() in TIFF_ENDINGS]
    chosen = tiffs or [file for file in files if is_dicom(file)]
    if not chosen:
        raise InputError(
            f"{folder}: the folder holds no TIFF slices (files that end in {' or '.join(TIFF_ENDINGS)}) "
            "and no DICOM files."
        )
    return sorted(chosen, key=_natural_order)


def _natural_order(file: Path) -> tuple[list[str], list[int], str]:
    """Sorting key of a file name: its words, then the numbers between them, then the name itself."""
    return re.split(r"\d+", file.name), [int(digits) for digits in re.findall(r"\d+", file.name)], file.name


def _data_file(header: Path, pattern: re.Pattern[bytes]) -> list[Path]:
    """The data file that a header names; none where the data follows in the header's own file."""
    with header.open("rb") as file:
        found = pattern.search(file.read(MOST_HEADER_BYTES))
    if found is None or found[1] == b"LOCAL":
        return []
    name = found[1].decode("utf-8", "replace")
    if name.startswith("LIST") or "%" in name:
        raise InputError(f"{header}: its data lies in many files ({name}). Save it as one file, such as .mha or .nrrd.")
    data = header.parent / name
    if not data.is_file():
        raise InputError(f"{header}: the header names {name} as its data, which is not there. Copy both files.")
    return [data]
