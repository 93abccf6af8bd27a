"""Plain twin of the largest connected piece: flood fill with a stack."""

from __future__ import annotations

from itertools import product

import numpy as np


def largest_component_plain(mask, connectivity):
    most = {6: 1, 26: 3}[connectivity]
    steps = [s for s in product((-1, 0, 1), repeat=3) if 0 < sum(map(abs, s)) <= most]
    unseen = set(map(tuple, np.argwhere(mask)))
    best = []
    for start in map(tuple, np.argwhere(mask)):
        if start not in unseen:
            continue
        unseen.remove(start)
        piece, stack = [], [start]
        while stack:
            voxel = stack.pop()
            piece.append(voxel)
            near = {tuple(np.add(voxel, step)) for step in steps} & unseen
            unseen -= near
            stack.extend(near)
        if len(piece) > len(best):
            best = piece
    out = np.zeros(mask.shape, bool)
    for voxel in best:
        out[voxel] = True
    return out
