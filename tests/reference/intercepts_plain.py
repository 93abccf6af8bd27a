"""Plain twin of the test lines: points by scipy's linear interpolation of the mask."""

from __future__ import annotations

import numpy as np
from scipy import ndimage


def count_intercepts_plain(mask, direction, pitch, step):
    """Points in bone, all points, crossings over all lines of one direction."""
    size = np.array(mask.shape) - 1.0
    middle = size / 2
    axis = np.eye(3)[np.argmin(np.abs(direction))]
    side = np.cross(direction, axis)
    side /= np.linalg.norm(side)
    up = np.cross(direction, side)
    reach = int(np.linalg.norm(middle) / pitch) + 1
    t = np.arange(-int(np.linalg.norm(size) / step) - 2, int(np.linalg.norm(size) / step) + 3) * step
    total = np.zeros(3, np.int64)
    for a in range(-reach, reach):
        for b in range(-reach, reach):
            origin = middle + pitch * ((a + 0.5) * side + (b + 0.5) * up)
            points = origin[:, None] + direction[:, None] * t
            inside = ((points >= 0) & (points <= size[:, None] - 1e-6)).all(axis=0)
            if inside.any():
                bone = ndimage.map_coordinates(mask.astype(float), points[:, inside], order=1, mode="nearest") > 0.5
                total += (bone.sum(), bone.size, np.count_nonzero(bone[1:] != bone[:-1]))
    return total
