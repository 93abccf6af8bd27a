"""Exact squared distances and the balls that matter, the first steps behind local thickness; `inscribed` has the last.

Lengths are in voxels here. Every block is one plane of z; planes never write into each other.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from . import kernel

FAR = np.int32(1 << 29)
"""Squared distance where no background exists on any line of sight (a mask without background)."""


@kernel
def _row_distance(row, out_row):
    """Squared distance along one row to the nearest background voxel of that row; `FAR` without one."""
    size = row.size
    since = size
    seen = False
    for x in range(size):
        since = since + 1 if row[x] else 0
        seen = seen or not row[x]
        out_row[x] = since * since if seen else FAR
    seen = False
    since = 0
    for x in range(size - 1, -1, -1):
        since = since + 1 if row[x] else 0
        seen = seen or not row[x]
        if seen and since * since < out_row[x]:
            out_row[x] = since * since


@kernel
def _lower(out_row, source_row, added):
    """Lower every entry of `out_row` to `source_row + added` where that is smaller."""
    for x in range(out_row.size):
        candidate = source_row[x] + added
        if candidate < out_row[x]:
            out_row[x] = candidate


@kernel
def _largest(row):
    """Largest entry of a row."""
    best = row[0]
    for x in range(row.size):
        best = max(best, row[x])
    return best


@kernel
def distance_in_planes(first, last, mask, out_plane_d2):
    """Squared distance to the nearest background voxel of the same z plane (blocks are z planes).

    out[z,y,x] = min over y' of (y - y')^2 + row distance[z,y',x]

    mask         : (Z, Y, X) bool
    out_plane_d2 : (Z, Y, X) int32, voxel^2, overwritten; `FAR` or more where the plane has no background
    """
    rows = mask.shape[1]
    in_rows = np.empty(mask.shape[1:], np.int32)
    for z in range(first, last):
        for y in range(rows):
            _row_distance(mask[z, y], in_rows[y])
        for y in range(rows):
            nearest = out_plane_d2[z, y]
            nearest[:] = in_rows[y]
            for step in range(1, rows):
                added = np.int32(step * step)
                if added >= _largest(nearest):
                    break
                if y >= step:
                    _lower(nearest, in_rows[y - step], added)
                if y + step < rows:
                    _lower(nearest, in_rows[y + step], added)


@kernel
def distance_across_planes(first, last, plane_d2, out_d2):
    """Exact squared Euclidean distance to the nearest background voxel from the distances in planes.

    out[z,y,x] = min over z' of (z - z')^2 + plane_d2[z',y,x]; the faces of the box are not background.

    plane_d2 : (Z, Y, X) int32, voxel^2, from `distance_in_planes`
    out_d2   : (Z, Y, X) int32, voxel^2, overwritten; 0 in background, `FAR` or more if there is none at all
    Source: separable lower envelope of parabolas, Saito & Toriwaki, Pattern Recognit 27:1551 (1994).
    """
    planes, rows = plane_d2.shape[:2]
    for z in range(first, last):
        for y in range(rows):
            nearest = out_d2[z, y]
            nearest[:] = plane_d2[z, y]
            for step in range(1, planes):
                added = np.int32(step * step)
                if added >= _largest(nearest):
                    break
                if z >= step:
                    _lower(nearest, plane_d2[z - step, y], added)
                if z + step < planes:
                    _lower(nearest, plane_d2[z + step, y], added)


def _steps(reach: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Steps to the voxels of a cube around a voxel, nearest first, their kinds, and one step of each kind."""
    steps = sorted((step for step in product(range(-reach, reach + 1), repeat=3) if any(step)), key=np.linalg.norm)
    shapes = [tuple(sorted(map(abs, step))) for step in steps]
    kinds = sorted(set(shapes))
    return np.array(steps), np.array([kinds.index(shape) for shape in shapes]), np.array(kinds)


STEPS, STEP_KIND, KINDS = _steps(2)
"""The 124 neighbors whose balls may cover a ball; wider cubes find few balls more that are covered."""


@kernel
def cover_table(largest_r2):
    """Squared radius that a neighbor's ball must exceed to cover a ball completely.

    table[n, r2] = max of |p + KINDS[n]|^2 over the lattice points p with |p|^2 < r2

    Returns (kinds, largest_r2 + 1) int64, voxel^2. Source: Remy & Thiel, Pattern Recognit Lett 23:649 (2002).
    """
    table = np.zeros((len(KINDS), largest_r2 + 1), np.int64)
    reach = int(np.sqrt(largest_r2)) + 1
    for a in range(reach):
        for b in range(a, reach):
            for c in range(b, reach):
                r2 = a * a + b * b + c * c
                if r2 >= largest_r2:
                    break
                for n in range(len(KINDS)):
                    i, j, k = KINDS[n]
                    moved = (a + i) ** 2 + (b + j) ** 2 + (c + k) ** 2
                    table[n, r2 + 1] = max(table[n, r2 + 1], moved)
    for r2 in range(1, largest_r2 + 1):
        for n in range(len(KINDS)):
            table[n, r2] = max(table[n, r2], table[n, r2 - 1])
    return table


@kernel
def _covered(d2, table, z, y, x):
    """True if the ball of a voxel lies wholly inside the ball of one of its neighbors."""
    planes, rows, columns = d2.shape
    r2 = d2[z, y, x]
    for n in range(len(STEPS)):
        k, j, i = z + STEPS[n, 0], y + STEPS[n, 1], x + STEPS[n, 2]
        inside = 0 <= k < planes and 0 <= j < rows and 0 <= i < columns
        if inside and d2[k, j, i] > table[STEP_KIND[n], r2]:
            return True
    return False


@kernel
def find_ridge(first, last, d2, table, out_ridge):
    """Mark the voxels whose inscribed ball no neighbor's ball covers (blocks are z planes).

    d2        : (Z, Y, X) int32, voxel^2, exact squared distance to background, finite
    table     : (kinds, max(d2) + 1) int64, from `cover_table`
    out_ridge : (Z, Y, X) bool, overwritten
    """
    for z in range(first, last):
        for y in range(d2.shape[1]):
            for x in range(d2.shape[2]):
                out_ridge[z, y, x] = d2[z, y, x] > 0 and not _covered(d2, table, z, y, x)
