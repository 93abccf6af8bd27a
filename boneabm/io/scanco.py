"""Images of Scanco scanners, AIM and ISQ, read by itk-ioscanco."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from ..errors import InputError, install
from .medical import Read


def read_scanco(path: Path) -> Read:
    """Gray values (Z, Y, X), edges in mm along z, y, x, their unit and no warnings of one AIM or ISQ file.

    Values are HU where the file carries its calibration (rounded to whole numbers in integer files), else as stored.
    Raises InputError for files that are damaged or cut short.
    """
    itk = _itk()
    reader = itk.ScancoImageIO.New()
    try:
        image = itk.imread(str(path), imageio=reader)
    except Exception as problem:  # errors of ITK are RuntimeError, its wrapping has others
        raise InputError(
            f"{path}: cannot be read as Scanco AIM or ISQ ({_last_line(problem)}). The file is cut short, damaged or "
            "of another format; copy or export it again."
        ) from None
    x, y, z = (float(edge) for edge in image.GetSpacing())
    return itk.array_from_image(image), (z, y, x), _unit(reader), ()


def _itk() -> ModuleType:
    try:
        import itk

        itk.ScancoImageIO  # noqa: B018  (loads the module)
    except (ImportError, AttributeError):
        raise InputError(
            f"Scanco AIM and ISQ images need itk-ioscanco. Install it: {install('scanco')}. TIFF works without."
        ) from None
    return itk  # type: ignore[no-any-return]


def _unit(reader: object) -> str:
    slope, intercept = reader.GetRescaleSlope(), reader.GetRescaleIntercept()  # type: ignore[attr-defined]
    calibrated = reader.GetMuScaling() > 1 and reader.GetMuWater() > 0  # type: ignore[attr-defined]
    return "HU" if calibrated and (slope != 1 or intercept != 0) else ""


def _last_line(problem: Exception) -> str:
    lines = [line.strip() for line in str(problem).splitlines() if line.strip()]
    return lines[-1].partition("): ")[2] or lines[-1] if lines else type(problem).__name__
