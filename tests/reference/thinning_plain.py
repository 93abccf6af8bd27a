"""Plain twins of thinning: parts are labeled by scipy, bone is padded by its mirror image, voxels are tried in turn."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

FULL = np.ones((3, 3, 3), bool)
CROSS = ndimage.generate_binary_structure(3, 1)
NEAR_18 = ndimage.generate_binary_structure(3, 2)
ROD, PLATE = 1, 2


def bone_parts_plain(around):
    """Parts of the 26 neighbors that are bone; around (3, 3, 3) bool."""
    neighbors = around.copy()
    neighbors[1, 1, 1] = False
    return ndimage.label(neighbors, FULL)[1]


def marrow_parts_plain(around):
    """Parts of marrow among the 18 nearest that touch the middle by a face."""
    marrow = ~around & NEAR_18
    marrow[1, 1, 1] = False
    labels = ndimage.label(marrow, CROSS)[0]
    return len(set(labels[CROSS & marrow]) - {0})


def around_plain(bone, z, y, x):
    return np.pad(bone, 1, mode="reflect")[z : z + 3, y : y + 3, x : x + 3]


def thin_plain(voxels, may_stay, mask):
    bone, kind = mask.copy(), np.zeros(mask.shape, np.uint8)
    rest, changed = [tuple(voxel[:3]) for voxel in voxels], True
    while changed:
        changed, kept = False, []
        for voxel in rest:
            around = around_plain(bone, *voxel)
            marrow, parts = marrow_parts_plain(around), bone_parts_plain(around)
            if marrow == 1 and parts == 1:
                bone[voxel] = False
                changed = True
            elif may_stay[voxel] and (marrow > 1 or (marrow > 0 and parts > 1)):
                kind[voxel] = PLATE if marrow > 1 else ROD
            else:
                kept.append(voxel)
        rest = kept
    for voxel in rest:
        kind[voxel] = PLATE if marrow_parts_plain(around_plain(bone, *voxel)) > 1 else ROD
    return bone, kind


def spread_plain(mask, kind):
    """Grow plates and rods through the bone, voxel layer by voxel layer, by the majority of the 26 neighbors."""
    kind = kind.copy()
    while True:
        plates = ndimage.convolve((kind == PLATE).astype(int), FULL.astype(int), mode="constant")
        rods = ndimage.convolve((kind == ROD).astype(int), FULL.astype(int), mode="constant")
        new = mask & (kind == 0) & (plates + rods > 0)
        if not new.any():
            return kind
        kind[new] = np.where(plates >= rods, PLATE, ROD)[new]
