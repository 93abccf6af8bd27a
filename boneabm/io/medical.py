"""Images of the formats of medical imaging, read by SimpleITK: MHD/MHA, NRRD, NIfTI and DICOM."""

from __future__ import annotations

import gzip
import re
import zlib
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, install

Edges = tuple[float, float, float]
Read = tuple[NDArray[Any], Edges, str, tuple[str, ...]]

NRRD_UNITS_MM = {"m": 1e3, "cm": 10.0, "mm": 1.0, "um": 1e-3, "\u00b5m": 1e-3, "\u03bcm": 1e-3, "microns": 1e-3}
UNEVEN = 1e-3  # deviation of a slice from its even place, in slices, that counts as rounding


def simple_itk() -> ModuleType:
    """SimpleITK, silent; InputError where the io extra is not installed."""
    try:
        import SimpleITK
    except ImportError:
        raise InputError(
            f"MHD/MHA, NRRD, NIfTI and DICOM images need SimpleITK. Install it: {install('io')}. TIFF works without."
        ) from None
    SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)
    return SimpleITK


def read_medical(path: Path) -> Read:
    """Gray values (Z, Y, X), edges in mm along z, y, x, their unit and warnings of one MHD, NRRD, NIfTI or DICOM file.

    Raises InputError for files that are damaged, cut short, not gray or not 3-D.
    """
    sitk = simple_itk()
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    image = _execute(reader, path)
    if path.name.lower().endswith((".nii", ".nii.gz")):
        _require_whole_nifti(path, image)
    factor = _nrrd_unit_mm(path) if path.suffix.lower() in (".nrrd", ".nhdr") else 1.0
    gray, edges, warnings = _values(sitk, image, path)
    z, y, x = (edge * factor for edge in edges)
    return gray, (z, y, x), "", warnings


def read_dicom_series(files: list[Path]) -> Read:
    """The same of a folder of DICOM slices, in the order of their positions; values with the stated rescaling.

    Raises InputError for a folder of several series and for slices that are missing or not evenly spaced.
    """
    sitk, folder = simple_itk(), files[0].parent
    series = sitk.ImageSeriesReader.GetGDCMSeriesIDs(str(folder))
    if len(series) != 1:
        counts = [len(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder), one)) for one in series]
        raise InputError(
            f"{folder}: {len(series)} DICOM series of {counts} slices, one is needed. Keep one series per folder."
        )
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder), series[0]))
    reader.MetaDataDictionaryArrayUpdateOn()
    image = _execute(reader, folder)
    _require_even_slices(folder, reader, image)
    gray, edges, warnings = _values(sitk, image, folder)
    return gray, edges, _dicom_unit(reader), warnings


def is_dicom(file: Path) -> bool:
    """Whether a file carries the mark of DICOM: "DICM" after 128 bytes."""
    with file.open("rb") as opened:
        return opened.read(132)[128:] == b"DICM"


def _execute(reader: Any, path: Path) -> Any:
    try:
        return reader.Execute()
    except RuntimeError as problem:
        lines = [line.strip() for line in str(problem).splitlines() if line.strip()]
        told = [line for line in lines if not line.startswith(("Exception", "Reason", "sitk::ERROR", "/"))]
        why = f" ({told[-1]})" if told else ""
        raise InputError(
            f"{path}: cannot be read{why}. It is cut short, damaged or of another format; copy or export it again."
        ) from None


def _values(sitk: ModuleType, image: Any, path: Path) -> tuple[NDArray[Any], Edges, tuple[str, ...]]:
    if image.GetNumberOfComponentsPerPixel() != 1:
        count = image.GetNumberOfComponentsPerPixel()
        raise InputError(f"{path}: {count} values per voxel. Export it as gray, one value per voxel.")
    gray = sitk.GetArrayFromImage(image)
    if gray.dtype.kind not in "buif":
        raise InputError(f"{path}: number type {gray.dtype} cannot be used. Export it as integers or real numbers.")
    if gray.ndim > 3 and set(gray.shape[:-3]) == {1}:
        gray = gray.reshape(gray.shape[-3:])
    if gray.ndim != 3:
        raise InputError(f"{path}: {gray.ndim}-D image of shape {gray.shape}, a single 3-D stack is needed.")
    x, y, z = (float(edge) for edge in image.GetSpacing()[:3])
    return gray, (z, y, x), _turned(image)


def _turned(image: Any) -> tuple[str, ...]:
    """A warning where the stored axes are not those of the room, flips not counted."""
    size = image.GetDimension()
    direction = np.abs(np.reshape(image.GetDirection(), (size, size))[:3, :3])
    if np.allclose(direction, np.eye(3), atol=1e-3):
        return ()
    return ("the header turns the image in space; its axes are used as stored: z is the slowest, slice by slice",)


def _require_whole_nifti(path: Path, image: Any) -> None:
    """An error for a NIfTI file shorter than its header says, which the library fills up without a word."""
    header = {key: float(image.GetMetaData(key)) for key in ("vox_offset", "bitpix")}
    voxels = float(np.prod([int(image.GetMetaData(f"dim[{axis}]")) for axis in range(1, 4)]))
    wanted = header["vox_offset"] + voxels * header["bitpix"] / 8
    found = _nifti_bytes(path)
    if found < wanted:
        raise InputError(
            f"{path}: the file is cut short: {found} bytes, its header says {wanted:.0f}. Copy or export it again."
        )


def _nifti_bytes(path: Path) -> int:
    """Bytes of a NIfTI file, unpacked; those before the damage where its packing is broken."""
    if not path.name.lower().endswith(".gz"):
        return path.stat().st_size
    count = 0
    with gzip.open(path) as file:
        try:
            while part := file.read(1 << 20):
                count += len(part)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            pass
    return count


def _nrrd_unit_mm(path: Path) -> float:
    """Millimeters per unit of an NRRD header; 1 where it names no unit."""
    with path.open("rb") as file:
        head = file.read(20_000).split(b"\n\n")[0].decode("utf-8", "replace")
    found = re.search(r'^(?:space )?units:\s*"([^"]*)"', head, re.MULTILINE)
    unit = found[1].strip() if found else ""
    if unit and unit not in NRRD_UNITS_MM:
        raise InputError(f'{path}: its header counts in "{unit}", which is not one of {", ".join(NRRD_UNITS_MM)}.')
    return NRRD_UNITS_MM.get(unit, 1.0)


def _require_even_slices(folder: Path, reader: Any, image: Any) -> None:
    """An error where slices of a series are missing or not evenly spaced."""
    edge, key = image.GetSpacing()[2], "0020|0032"
    depth = image.GetDepth()
    if not all(reader.HasMetaDataKey(number, key) for number in range(depth)):
        return
    told = [reader.GetMetaData(number, key).split("\\") for number in range(depth)]
    places = np.array(told, float)
    steps = np.linalg.norm(np.diff(places, axis=0), axis=1)
    worst = int(np.abs(steps / edge - 1).argmax())
    if abs(steps[worst] / edge - 1) > UNEVEN:
        raise InputError(
            f"{folder}: slices {worst + 1} and {worst + 2} lie {steps[worst]:g} mm apart, the first two {edge:g} mm. "
            "A slice is missing or from another scan; export the series again."
        )


def _dicom_unit(reader: Any) -> str:
    """Unit of the rescaled values, such as HU, where the first slice names it."""
    return str(reader.GetMetaData(0, "0028|1054")).strip() if reader.HasMetaDataKey(0, "0028|1054") else ""
