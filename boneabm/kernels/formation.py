"""Formation: the floors of a site rise by what its osteoblasts lay, in its cavity and then above the surface."""

from __future__ import annotations

import numpy as np

from . import kernel, rule
from .turnover import FLOOR, FORMATION, below_root, clear_around, nearest_root, quantum

CLOSE_UM = 1e-3
"""Levels and layers this near to each other meet, um."""
LEAST_PUSH, MOST_PUSH, HALVINGS = 1e-3, 1e6, 40
"""Pushes of a floor, 1/um: a first guess and one that brings it to its zero; halvings of the bracket of a push."""


@kernel
def room_of(spacing_um, layers, matrix, out_room):
    """What the layers of every column can still hold.

    layers : (voxel, column, thick_um) of (L,)      matrix : flat      out_room : (C,) int64, 2^-24 voxel, added to
    """
    voxel, column, thick = layers
    for row in range(voxel.size):
        whole = quantum(min(thick[row] / spacing_um, np.float32(1.0)))
        out_room[column[row]] += max(whole - quantum(matrix[voxel[row]]), 0)


@rule
def raised(level_um, zero_um, push):
    """Level after a push s, deeper ones rise more: dd/ds = -(d - zero)^2, d - zero becomes 1 / (1 / (d - zero) + s)."""
    deep = level_um - zero_um
    return zero_um + deep / (1.0 + push * deep) if deep > 0.0 else level_um


@rule
def laid_on(rows, zero_um, push, spacing_um, layers, matrix, level):
    """Voxels of matrix that the listed layers take when the floors of their columns are pushed up."""
    voxel, column, top, thick = layers
    total = 0.0
    for row in rows:
        own = raised(np.float64(level[column[row]]), zero_um, push)
        held = min(max(top[row] + thick[row] - own, 0.0), np.float64(thick[row])) / spacing_um
        total += max(held - matrix[voxel[row]], 0.0)
    return total


@kernel
def raise_floors(spacing_um, beyond, laid, site_row, builds, layers, matrix, level):
    """Raise the floors of sites until they hold what is laid on them, deeper ones faster: the new surface is even.

    Every floor of a site gets the same push, see `raised`, found by bisection on the volume that its layers take: bone
    is conserved whatever their shape. The zero is the smooth surface as it was, or the highest layer of the site.

    beyond   : whether a site goes on above the smooth surface
    laid     : (S,) float64, voxels, what each site lays in all beyond its matrix as it is
    site_row : (C,) int64, row of the site of each column      builds : (C,) bool, columns that bone is laid on
    layers   : (voxel, column, top_um, thick_um) of (L,)       matrix : flat
    level    : (C,) float32, um, changed in place
    returns (S,) voxels: what found no room, less than 0 where layers hold more
    """
    voxel, column, top, _ = layers
    start, zero = np.zeros(laid.size + 1, np.int64), np.zeros(laid.size)
    for row in range(voxel.size):
        if builds[column[row]]:
            start[site_row[column[row]] + 1] += 1
    start = np.cumsum(start)
    rows, filled = np.empty(start[-1], np.int64), start[:-1].copy()
    for row in range(voxel.size):
        site = site_row[column[row]]
        if builds[column[row]]:
            rows[filled[site]] = row
            filled[site] += 1
            if beyond:
                zero[site] = min(zero[site], np.float64(top[row]))
    rest, push = laid.copy(), np.zeros(laid.size)
    for site in range(laid.size):
        own = rows[start[site] : start[site + 1]]
        if laid[site] <= 0.0 or own.size == 0:
            continue
        low, high = 0.0, LEAST_PUSH
        while high < MOST_PUSH and laid_on(own, zero[site], high, spacing_um, layers, matrix, level) < laid[site]:
            low, high = high, 4.0 * high
        for _ in range(HALVINGS):
            middle = 0.5 * (low + high)
            if laid_on(own, zero[site], middle, spacing_um, layers, matrix, level) < laid[site]:
                low = middle
            else:
                high = middle
        rest[site] = laid[site] - laid_on(own, zero[site], high, spacing_um, layers, matrix, level)
        push[site] = high
    for c in range(level.size):
        if builds[c] and push[site_row[c]] > 0.0:
            level[c] = raised(np.float64(level[c]), zero[site_row[c]], push[site_row[c]])
    return rest


@kernel
def grow_roofs(spacing_um, shape, layers, columns, surface, maps, out_new):
    """Columns whose floor comes near the surface continue into the marrow above them.

    A partial layer grows to a whole voxel; a voxel beside a layer within 1.5 voxels of the floor belongs to the nearest
    root of the site, if no other surface of that side is nearer, from

        top = depth of the root + distance from it along its normal (< 0 above) - h/2

    so that the new surface is as even as one that is refilled.

    layers  : (voxel, column, top_um, thick_um, before_um) of (L,), changed in place
    columns : (level_um, phase, floor, site, root voxel, normal (C, 3), column_of_root (Z*Y*X,))
    surface : (row of a voxel or -1 (Z*Y*X,), normal (N, 3))
    maps    : (matrix, bmu, layer_of, tried) of (Z*Y*X,) as in `turnover.grow_front`
    out_new : (voxel, column, top_um, thick_um, before_um) of (M,); returns how many were written
    """
    voxel, column, top, thick, before = layers
    level, phase, floor, site, root, normal, column_of_root = columns
    matrix, bmu, layer_of, tried = maps
    new_voxel, new_column, new_top, new_thick, new_before = out_new
    nz, ny, nx = shape
    block, roots = (matrix, bmu, layer_of, before), (site, root, normal, column_of_root)
    n = 0
    for row in range(voxel.size):
        col = column[row]
        if phase[col] != FORMATION or floor[col] != FLOOR or level[col] > top[row] + 1.5 * spacing_um:
            continue
        if thick[row] < spacing_um - CLOSE_UM:
            top[row] -= spacing_um - thick[row]
            thick[row] = spacing_um
            continue
        v = voxel[row]
        z, y, x = v // (ny * nx), (v // nx) % ny, v % nx
        for zz in range(max(z - 1, 0), min(z + 2, nz)):
            for yy in range(max(y - 1, 0), min(y + 2, ny)):
                for xx in range(max(x - 1, 0), min(x + 2, nx)):
                    w = (zz * ny + yy) * nx + xx
                    if matrix[w] >= 1.0 or bmu[w] >= 0 or tried[w] == site[col] or n == new_voxel.size:
                        continue
                    tried[w] = site[col]
                    place = (zz, yy, xx)
                    nearest, _ = nearest_root(place, col, spacing_um, shape, roots, surface, block, True)
                    if nearest < 0 or phase[nearest] != FORMATION or floor[nearest] != FLOOR:
                        continue
                    head = layer_of[root[nearest]]
                    along, _ = below_root(place, root[nearest], shape, normal, nearest)
                    new_voxel[n], new_column[n], new_thick[n] = w, nearest, spacing_um
                    new_top[n] = top[head] + thick[head] + (along - 1.0) * spacing_um
                    new_before[n] = matrix[w] * spacing_um
                    bmu[w] = site[col]
                    layer_of[w] = voxel.size + n
                    n += 1
    clear_around(voxel, shape, tried)
    return n
