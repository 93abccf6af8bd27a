"""Image files of medical formats, made from their public descriptions, for tests of the readers."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np

ISQ_BLOCK = 512
ISQ_NUMBERS_AFTER_EDGES = 15
CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"


def write_isq(path: Path, gray: np.ndarray, edges_um: tuple[float, float, float]) -> None:
    """An ISQ file as Scanco describes it: one header block of little-endian int32, then int16 voxels, x fastest.

    edges_um : along z, y, x; the header keeps the length of the whole image in um
    """
    depth, height, width = gray.shape
    lengths = [round(n * edge) for n, edge in zip((width, height, depth), reversed(edges_um), strict=True)]
    data = gray.astype("<i2").tobytes()
    header = b"CTDATA-HEADER_V1" + struct.pack("<5i", 3, len(data), len(data) // ISQ_BLOCK, 7, 2135)
    header += struct.pack("<2i", 0, 0)  # date of creation
    header += struct.pack("<6i", width, height, depth, *lengths)
    told = [0] * ISQ_NUMBERS_AFTER_EDGES  # slice thickness, increment, first position, range, mu scaling, samples ...
    told[0] = told[1] = round(edges_um[0])
    told[3:6] = [int(gray.min()), int(gray.max()), 4096]
    header += struct.pack(f"<{ISQ_NUMBERS_AFTER_EDGES}i", *told)
    header += b"A SAMPLE".ljust(40) + struct.pack("<2i", 55000, 145)
    header += bytes(ISQ_BLOCK - 4 - len(header)) + struct.pack("<i", 0)  # blocks between header and data
    path.write_bytes(header + data)


def write_dicom(folder: Path, gray: np.ndarray, edge_mm: float, series: int = 1, skipped: int | None = None) -> None:
    """A CT series, one file per slice, whose names run against the order of their positions."""
    import SimpleITK as sitk

    folder.mkdir(exist_ok=True)
    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    for number, page in enumerate(gray):
        if number != skipped:
            image = sitk.GetImageFromArray(page.astype(np.int16))
            image.SetSpacing((edge_mm, edge_mm))
            for key, value in _dicom_words(number, edge_mm, series).items():
                image.SetMetaData(key, value)
            writer.SetFileName(str(folder / f"s{series}_{len(gray) - number:03d}.dcm"))
            writer.Execute(image)


def _dicom_words(number: int, edge_mm: float, series: int) -> dict[str, str]:
    uid = f"1.2.826.0.1.3680043.2.1125.{series}"
    return {
        "0008|0016": CT_IMAGE,
        "0008|0018": f"{uid}.{number + 1}",
        "0008|0060": "CT",
        "0020|000d": "1.2.826.0.1.3680043.2.1125.99",
        "0020|000e": uid,
        "0020|0032": f"0\\0\\{number * edge_mm:.6f}",
        "0020|0037": "1\\0\\0\\0\\1\\0",
        "0020|0013": str(number + 1),
        "0018|0050": f"{edge_mm:.6f}",
        "0028|1052": "-1000",
        "0028|1053": "1",
        "0028|1054": "HU",
    }


def with_spacing(path: Path, gray: Any, edges_mm: tuple[float, float, float]) -> Path:
    """An image of any format that SimpleITK writes, with these edges along z, y, x."""
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(gray)
    image.SetSpacing(tuple(reversed(edges_mm)))
    sitk.WriteImage(image, str(path))
    return path
