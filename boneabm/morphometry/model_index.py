"""Structure model index: how fast the surface grows when bone is thickened evenly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..kernels import blocks
from ..kernels.mesh_tables import MESH_AREA, area_growth, list_states


def structure_model_index(mask: NDArray[np.bool_]) -> float:
    """Structure model index SMI: 0 for plates, 3 for cylinders, 4 for balls, below 0 where bone is hollowed out.

    SMI = 6 BV (dS/dr) / S^2, every vertex of the surface moved by dr along its normal, dr to 0

    mask : (Z, Y, X) bool; cut faces are not surface. Returns nan without surface.

    The surface is that of marching cubes with vertices amid voxel edges. SMI falls as BV/TV rises because concave
    surface counts negative, whatever the shape of trabeculae, so plates and rods should be told by `plates_and_rods`.
    Sources: Hildebrand & Ruegsegger, Comput Methods Biomech Biomed Eng 1:15 (1997); bias: Salmon et al., Front
    Endocrinol 6:162 (2015).
    """
    volume = np.ascontiguousarray(mask, np.bool_).view(np.uint8)
    if min(volume.shape) < 2:
        return float("nan")
    state = np.empty([length - 1 for length in volume.shape], np.uint8)
    blocks.launch(list_states, state.shape[0], volume, state)
    growth = np.empty(volume.shape[0])
    blocks.launch(area_growth, volume.shape[0], volume, state, growth)
    area = float(np.bincount(state.ravel(), minlength=256) @ MESH_AREA)
    return 6.0 * int(volume.sum()) * float(growth.sum()) / area**2 if area > 0 else float("nan")
