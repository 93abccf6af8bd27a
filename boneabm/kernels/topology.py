"""Euler number of a binary volume by a table of the 256 states of a 2x2x2 neighborhood.

Bone voxels that touch by a face, an edge or a corner are connected (26), marrow by faces only (6).
Bit 4 k + 2 j + i of a state is the voxel (z + k, y + j, x + i).
"""

from __future__ import annotations

from itertools import product

import numpy as np

from . import kernel, rule


def _euler_eighths(state: int) -> int:
    """Eight times what the lattice point amid a 2x2x2 neighborhood adds to vertices - edges + squares - cubes.

    A cell of the complex exists if any voxel that holds it is bone; the point owns itself whole, half of each of
    its 6 edges, a quarter of each of its 12 squares and an eighth of each of its 8 cubes.
    """
    total = 0
    for cell in product((0, 1, None), repeat=3):
        free = cell.count(None)
        voxels = product(*[(0, 1) if side is None else (side,) for side in cell])
        exists = any(state >> (4 * k + 2 * j + i) & 1 for k, j, i in voxels)
        total += exists * (-1) ** (3 - free) * 2**free
    return total


EULER_EIGHTHS = np.array([_euler_eighths(state) for state in range(256)], np.int64)


@rule
def _bit(volume, z, y, x):
    """1 if the voxel is bone, 0 if it is not or lies outside the volume."""
    planes, rows, columns = volume.shape
    if z < 0 or y < 0 or x < 0 or z >= planes or y >= rows or x >= columns:
        return 0
    return 1 if volume[z, y, x] else 0


@rule
def _column_state(volume, z, y, x):
    """Bits 0, 2, 4, 6 of a state: the four voxels of column x around the lattice point before (z, y)."""
    return (
        _bit(volume, z - 1, y - 1, x)
        | _bit(volume, z - 1, y, x) << 2
        | _bit(volume, z, y - 1, x) << 4
        | _bit(volume, z, y, x) << 6
    )


@kernel
def euler_number(volume):
    """Euler number of the bone in a box: pieces - tunnels + closed cavities.

    chi = vertices - edges + squares - cubes of the closed cubes of bone; outside the box is marrow.

    volume : (Z, Y, X) bool or uint8, nonzero is bone; may be a view

    Returns int. Source: Kong & Rosenfeld, Comput Vis Graph Image Process 48:357 (1989), tables by counting.
    """
    planes, rows, columns = volume.shape
    eighths = 0
    for z in range(planes + 1):
        for y in range(rows + 1):
            before = 0
            for x in range(columns + 1):
                after = _column_state(volume, z, y, x)
                eighths += EULER_EIGHTHS[before | after << 1]
                before = after
    return eighths // 8
