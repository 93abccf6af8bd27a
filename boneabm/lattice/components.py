"""Connected pieces of bone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

STRUCTURES = {6: ndimage.generate_binary_structure(3, 1), 26: ndimage.generate_binary_structure(3, 3)}


def largest_component(mask: NDArray[np.bool_], connectivity: int = 6) -> NDArray[np.bool_]:
    """Largest connected piece of a mask; of equals the one met first in (z, y, x) order.

    mask         : (Z, Y, X) bool
    connectivity : 6 (voxels joined by faces) or 26 (by faces, edges or corners)

    Returns (Z, Y, X) bool, all False for an empty mask. Raises ValueError for another connectivity.
    """
    if connectivity not in STRUCTURES:
        raise ValueError(f"connectivity must be 6 or 26, got {connectivity}")
    labels, pieces = ndimage.label(mask, structure=STRUCTURES[connectivity])
    if pieces == 0:
        return np.zeros(np.shape(mask), np.bool_)
    voxels = np.bincount(labels.ravel())
    voxels[0] = 0
    return labels == voxels.argmax()
