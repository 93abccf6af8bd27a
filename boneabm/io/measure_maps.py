"""Maps of local thickness and of plates and rods as VTKHDF ImageData, readable by plain VTK and ParaView."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..morphometry import Maps
from . import hdf
from .schema import Column
from .single_file import check_target, new_hdf5

ENDING = ".vtkhdf"
MARK = "boneabm/meta/measure_maps"
FIELDS = (
    Column("thickness_um", "float32", "um", "local thickness of bone (Tb.Th map), 0 in marrow"),
    Column("separation_um", "float32", "um", "local thickness of marrow (Tb.Sp map), 0 in bone"),
    Column("element", "uint8", "", "0 marrow, 1 rod, 2 plate"),
)


def check_measure_maps(path: Path, replace: bool) -> None:
    """Refuse a place where no maps can be written, or where something else is; InputError."""
    check_target(path, ENDING, "--map", replace, MARK)


def write_measure_maps(path: Path, spacing_um: float, maps: Maps, meta: Mapping[str, str | int | float]) -> None:
    """Write the maps of `measure_fully` as cell data of an image; the old file is replaced.

    spacing_um : voxel edge, um; the image lies with its corner in the origin
    meta       : settings and results, kept in the group /boneabm/meta
    """
    with new_hdf5(path) as file:
        hdf.write_meta(file, {"measure_maps": 1, **meta})
        hdf.write_image(file, str(path), spacing_um, zip(FIELDS, maps, strict=True))
