"""Plain twins of the local thickness kernels: every ball is painted, nothing is pruned."""

from __future__ import annotations

import numpy as np


def squared_distance_plain(mask):
    background = np.argwhere(~mask)
    d2 = np.zeros(mask.shape, np.int64)
    for voxel in np.argwhere(mask):
        d2[tuple(voxel)] = ((background - voxel) ** 2).sum(axis=1).min()
    return d2


def local_thickness_plain(mask, spacing_um):
    d2 = squared_distance_plain(mask)
    places = np.moveaxis(np.indices(mask.shape), 0, -1)
    largest = np.zeros(mask.shape, np.int64)
    for voxel in np.argwhere(mask):
        r2 = d2[tuple(voxel)]
        inside = ((places - voxel) ** 2).sum(axis=-1) < r2
        largest[inside] = np.maximum(largest[inside], r2)
    return (2 * np.sqrt(largest)).astype(np.float32) * np.float32(spacing_um)
