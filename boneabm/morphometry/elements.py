"""Plates and rods: the middle of bone as surfaces and lines, and the share of bone around each."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..kernels.inscribed import list_balls
from ..kernels.thinning import PLATE, ROD, spread_kinds, thin
from .thickness import local_thickness, squared_distance

LEAST_MIDDLE = 0.5
"""A voxel may belong to the middle if its own ball has this share of the local thickness; assumed. On real bone 0 to
0.7 moved the plate fraction by 0.03, 0.85 by 0.23."""


class Elements(NamedTuple):
    """What bone is made of.

    plate_fraction, rod_fraction : shares of the bone volume, 0..1 (pBV/BV, rBV/BV)
    kind   : (Z, Y, X) uint8, 0 marrow, 1 rod, 2 plate
    middle : (Z, Y, X) uint8, the same in the middle surfaces and lines only, one voxel thick
    """

    plate_fraction: float
    rod_fraction: float
    kind: NDArray[np.uint8]
    middle: NDArray[np.uint8]


def plates_and_rods(mask: NDArray[np.bool_], thickness_um: NDArray[np.float32] | None = None) -> Elements:
    """Divide bone into plates and rods by the surfaces and lines in its middle.

    Bone is thinned, outermost voxels first, without change of topology; voxels that then part marrow from marrow are
    plates, those that part bone from bone are rods; every bone voxel takes the kind of the middle next to it.

    mask         : (Z, Y, X) bool; bone is taken to go on beyond the faces of the box
    thickness_um : its `local_thickness` at spacing 1 times any factor, made here if not given; only ratios count

    Fractions are nan without bone and where bone fills the box. A single voxel and an isolated ball count as rods.
    Sources: plate and rod fractions, Liu et al., J Bone Miner Res 23:223 (2008); thinning: see `kernels.thinning`.
    """
    mask = np.ascontiguousarray(mask, np.bool_)
    kind = np.zeros(mask.shape, np.uint8)
    if not mask.any() or mask.all():
        return Elements(float("nan"), float("nan"), kind, kind.copy())
    d2 = squared_distance(mask)
    thickness = local_thickness(mask, 1.0) if thickness_um is None else thickness_um
    own = 2.0 * np.sqrt(d2, dtype=np.float32)
    scale = float(thickness.max() / own.max())
    voxels = np.ascontiguousarray(list_balls(d2, mask, int(d2.max()))[::-1])
    thin(voxels, own * scale >= LEAST_MIDDLE * thickness, mask.copy(), kind)
    middle = kind.copy()
    spread_kinds(voxels, mask, kind)
    shares = np.bincount(kind[mask], minlength=3) / voxels.shape[0]
    return Elements(float(shares[PLATE]), float(shares[ROD]), kind, middle)
