"""Strain field of one solve as VTKHDF ImageData: one image without time, readable by plain VTK and ParaView."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from . import hdf
from .schema import Column
from .single_file import check_target, new_hdf5

ENDING = ".vtkhdf"
MARK = "boneabm/meta/strain_field"
FIELDS = (
    Column("sed_mpa", "float32", "MPa", "strain energy density at the stated load, mean of the voxel"),
    Column("effective_strain", "float32", "", "effective strain sqrt(2 SED / E) at the stated load"),
    Column("mask", "uint8", "", "1 in the bone that was solved, the largest piece joined by faces, else 0"),
)


def check_strain_field(path: Path, replace: bool) -> None:
    """Refuse a place where no strain field can be written, or where something else is; InputError."""
    check_target(path, ENDING, "--out", replace, MARK)


def write_strain_field(
    path: Path,
    spacing_um: float,
    arrays: Mapping[str, NDArray[np.generic]],
    meta: Mapping[str, str | int | float],
) -> None:
    """Write the fields of FIELDS, each (Z, Y, X), as cell data of an image; the old file is replaced.

    spacing_um : voxel edge, um; the image lies with its corner in the origin
    meta       : load, settings and results, kept in the group /boneabm/meta
    """
    with new_hdf5(path) as file:
        hdf.write_meta(file, {"strain_field": 1, **meta})
        hdf.write_image(file, str(path), spacing_um, ((column, arrays[column.name]) for column in FIELDS))
