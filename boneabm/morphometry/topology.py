"""Connectivity of trabecular bone: Euler number and connectivity density."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from ..kernels.topology import euler_number


def euler_characteristic(mask: NDArray[np.bool_]) -> int:
    """Euler number of a mask: pieces - tunnels + closed cavities, bone joined by 26 neighbors.

    mask : (Z, Y, X) bool; outside the box is marrow
    """
    return int(euler_number(np.asarray(mask, np.bool_)))


def corrected_euler_characteristic(mask: NDArray[np.bool_]) -> float:
    """What a cut-out block adds to the Euler number of the bone it was cut from.

    delta chi = chi(block) - chi(6 faces) / 2 + chi(12 edges) / 4 - chi(8 corners) / 8

    The bone on a face, edge or corner of the box is measured on the voxels that touch it.

    mask : (Z, Y, X) bool. Source: Odgaard & Gundersen, Bone 14:173 (1993).
    """
    mask = np.asarray(mask, np.bool_)
    total = 0.0
    for sides in product((slice(None), slice(0, 1), slice(-1, None)), repeat=3):
        cuts = sum(side != slice(None) for side in sides)
        total += (-0.5) ** cuts * euler_characteristic(mask[sides])
    return total


def connectivity_density(mask: NDArray[np.bool_], spacing_um: float) -> float:
    """Connectivity density Conn.D, 1/mm3: tunnels per volume, corrected for the cut faces of the block.

    Conn.D = (1 - delta chi) / TV

    mask       : (Z, Y, X) bool, one connected piece without closed cavities (take `largest_component` first)
    spacing_um : voxel edge, um, > 0

    Source: Odgaard & Gundersen, Bone 14:173 (1993).
    """
    volume_mm3 = np.size(mask) * (spacing_um * 1e-3) ** 3
    return (1.0 - corrected_euler_characteristic(mask)) / volume_mm3
