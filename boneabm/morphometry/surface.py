"""Bone surface BS."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..kernels import blocks
from ..kernels.surface_area import STATE_AREA, count_states


def bone_surface_mm2(mask: NDArray[np.bool_], spacing_um: float) -> float:
    """Area of the surface between bone and marrow, mm2, by marching cubes on the mask; cut faces do not count.

    mask       : (Z, Y, X) bool
    spacing_um : voxel edge, um, > 0

    Source: Lewiner et al., J Graph Tools 8:1 (2003), with vertices amid voxel edges.
    """
    volume = np.ascontiguousarray(mask, np.bool_).view(np.uint8)
    if min(volume.shape) < 2:
        return 0.0
    counts = np.empty((volume.shape[0] - 1, 256), np.int64)
    blocks.launch(count_states, counts.shape[0], volume, counts)
    return float(counts.sum(axis=0) @ STATE_AREA) * (spacing_um * 1e-3) ** 2
