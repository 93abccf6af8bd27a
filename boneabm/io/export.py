"""One volume of a run as an image file of other programs: MHA, NRRD, NIfTI or TIFF, with voxel edge and units."""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .hdf import rename_into_place
from .images import UM_PER_MM
from .medical import simple_itk
from .schema import Column
from .tiff import write_tiff

NIFTI_DESCRIPTION = slice(148, 228)  # `descrip` of the NIfTI-1 header: 80 bytes of text
LARGEST_WHOLE_FLOAT32 = 2**24

Words = dict[str, str]
Write = Callable[[Path, NDArray[Any], float, Words], None]


def export_ending(path: Path) -> str:
    """Ending of a file that can be written, ".nii.gz" as one; InputError with the known ones for any other."""
    name = path.name.lower()
    ending = next((one for one in WRITERS if name.endswith(one)), path.suffix)
    if ending not in WRITERS:
        known = ", ".join(WRITERS)
        raise InputError(f'--out {path}: "{ending}" is not an image format that is written. Known: {known}.')
    return ending


def check_export(path: Path, replace: bool) -> None:
    """Refuse a place where no image can be written, or where a file is already; InputError."""
    export_ending(path)
    if not path.parent.is_dir():
        raise InputError(f"--out {path}: there is no folder {path.parent}. Make it first, or choose another place.")
    if path.is_dir() or (path.exists() and not replace):
        raise InputError(f"--out {path}: exists already. Choose another name, or replace it with --replace.")


def write_image(path: Path, volume: NDArray[Any], spacing_um: float, column: Column, day: int) -> None:
    """Write a volume (Z, Y, X); the file appears under its name when it is whole.

    spacing_um : voxel edge, um; in the header in mm (MHA, NRRD, NIfTI) or um (TIFF)
    column     : name, unit and meaning of the values; in the header as far as the format has room
    day        : day of the run

    Raises InputError for an unknown ending and where the io extra is needed and not installed.
    """
    ending = export_ending(path)
    words = {"field": column.name, "unit": column.unit or "1", "meaning": column.meaning, "day": str(day)}
    temporary = path.with_name(f".{os.getpid()}{ending}")
    try:
        WRITERS[ending](temporary, volume, spacing_um, words)
        rename_into_place(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _write_headed(path: Path, volume: NDArray[Any], spacing_um: float, words: Words) -> None:
    """MHA or NRRD: all words as entries of the header."""
    sitk = simple_itk()
    image = _sitk_image(volume, spacing_um)
    for key, value in {**words, "spacing_unit": "mm", "written_by": "boneabm"}.items():
        image.SetMetaData(f"boneabm_{key}", value)
    sitk.WriteImage(image, str(path), useCompression=True)


def _write_nifti(path: Path, volume: NDArray[Any], spacing_um: float, words: Words) -> None:
    """NIfTI-1, in mm: field, unit and day in the 80 bytes of its description."""
    plain = path.with_name(f".plain{os.getpid()}.nii")
    try:
        simple_itk().WriteImage(_sitk_image(volume, spacing_um), str(plain), useCompression=False)
        told = f"boneabm {words['field']} [{words['unit']}] day {words['day']}".encode("ascii", "replace")
        with plain.open("r+b") as file:
            file.seek(NIFTI_DESCRIPTION.start)
            file.write(told[:79].ljust(80, b"\0"))
        if path.suffix == ".gz":
            with plain.open("rb") as source, gzip.open(path, "wb", compresslevel=6) as packed:
                shutil.copyfileobj(source, packed, 1 << 20)
        else:
            plain.replace(path)
    finally:
        plain.unlink(missing_ok=True)


def _write_tiff(path: Path, volume: NDArray[Any], spacing_um: float, words: Words) -> None:
    """TIFF as ImageJ and Fiji read it, in um: of 32-bit reals, or of bytes where the field has them."""
    if volume.dtype != np.uint8:
        if volume.dtype.kind in "iu" and np.abs(volume.astype("i8")).max() > LARGEST_WHOLE_FLOAT32:
            raise InputError(f"--out {path.name}: {words['field']} holds numbers too large for a TIFF. Write .nrrd.")
        volume = volume.astype("f4")
    write_tiff(path, volume, spacing_um, words)


def _sitk_image(volume: NDArray[Any], spacing_um: float) -> Any:
    image = simple_itk().GetImageFromArray(volume)
    image.SetSpacing([spacing_um / UM_PER_MM] * 3)
    return image


WRITERS: dict[str, Write] = {
    ".mha": _write_headed,
    ".nrrd": _write_headed,
    ".nii.gz": _write_nifti,
    ".nii": _write_nifti,
    ".tif": _write_tiff,
    ".tiff": _write_tiff,
}
"""Endings of files that are written, and what writes them."""
