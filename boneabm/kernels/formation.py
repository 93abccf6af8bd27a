"""Formation: osteoblast deposits shared over the columns under their footprint, overfill above a full column."""

from __future__ import annotations

import math

import numpy as np

from . import kernel, rule
from .surface import face_neighbors
from .turnover import FLOOR, FORMATION, SCALE, add_osteoid

MOST_STEPS = 4
"""Voxels above the root of a full column in which new matrix finds room."""


@rule
def depth_weight(level_um, start_um):
    """Deeper columns get more: w = max(d - d0, 0)^2."""
    return max(level_um - start_um, 0.0) ** 2


@kernel
def share_deposits(deposit_um3, own_column, voxel_um3, columns, site_row, out_inbox):
    """Share what the osteoblasts of a site lay over all its columns, deeper ones first: the new surface is even.

    inbox_c += deposits of the site x w_c / sum w, w = max(d - d0, 0)^2 A, in integers of 2^-24 voxel, so the order of
    osteoblasts changes no bit; where nothing is open, every osteoblast builds on its own column

    deposit_um3 : (B,) float32, what each osteoblast lays today; own_column : (B,) int32, row of its column
    columns     : (level_um, start_um, phase, floor, cross-section um2) of (C,)
    site_row    : (C,) int64, row of the site of each column
    out_inbox   : (C,) int64, added to
    """
    level, start, phase, floor, area = columns
    sites = site_row.max() + 1 if site_row.size else 0
    laid, total = np.zeros(sites, np.int64), np.zeros(sites)
    weight = np.zeros(out_inbox.size)
    for c in range(out_inbox.size):
        if phase[c] == FORMATION and floor[c] == FLOOR:
            weight[c] = depth_weight(level[c], start[c]) * area[c]
            total[site_row[c]] += weight[c]
    for cell in range(deposit_um3.size):
        own = own_column[cell]
        amount = np.int64(deposit_um3[cell] / voxel_um3 * SCALE)
        if total[site_row[own]] > 0.0:
            laid[site_row[own]] += amount
        else:
            out_inbox[own] += amount
    for c in range(out_inbox.size):
        if weight[c] > 0.0:
            out_inbox[c] += np.int64(laid[site_row[c]] * (weight[c] / total[site_row[c]]))


@kernel
def pass_on(voxel_um3, columns, site_row, inbox):
    """What is more than the cavity of a column holds goes to the columns of its site that have room left.

    room_c = (d - d0) A / V - inbox_c; an excess moves in proportion to the room, what no column holds stays where it is

    columns  : (level_um, start_um, phase, floor, cross-section um2) of (C,)
    site_row : (C,) int64, row of the site of each column
    inbox    : (C,) int64, 2^-24 voxel, changed in place
    """
    level, start, phase, floor, area = columns
    sites = site_row.max() + 1 if site_row.size else 0
    room, excess = np.zeros(sites, np.int64), np.zeros(sites, np.int64)
    left = np.zeros(inbox.size, np.int64)
    for c in range(inbox.size):
        if phase[c] != FORMATION or floor[c] != FLOOR:
            continue
        left[c] = np.int64(max(level[c] - start[c], 0.0) * area[c] / voxel_um3 * SCALE) - inbox[c]
        if left[c] > 0:
            room[site_row[c]] += left[c]
        else:
            excess[site_row[c]] -= left[c]
    for c in range(inbox.size):
        if left[c] == 0 or room[site_row[c]] == 0 or excess[site_row[c]] == 0:
            continue
        moved = min(room[site_row[c]], excess[site_row[c]])
        of = room[site_row[c]] if left[c] > 0 else excess[site_row[c]]
        inbox[c] += np.int64(moved * (left[c] / of))


@rule
def room_score(a, b, c, matrix, zz, yy, xx, normal, column):
    """How well new matrix fits at a step (a, b, c) from a root: outward, filled, enclosed first."""
    s = a * a + b * b + c * c
    filled = 0.3 * matrix[zz, yy, xx] + 0.25 * face_neighbors(matrix, zz, yy, xx)
    if s == 0:
        return 1.5 + filled
    along = a * normal[column, 0] + b * normal[column, 1] + c * normal[column, 2]
    return -along / math.sqrt(float(s)) - 0.15 * (s - 1) + filled


@rule
def room_near(center, col, spacing_um, shape, columns, layers, layer_of, matrix, bmu):
    """Best voxel around a voxel above a full column for new matrix (flat index), or -1 where there is no room.

    Layers that are still open, or whose matrix has yet to follow their level today, have none.
    """
    level, site, _, normal = columns
    column, top, thick = layers
    nz, ny, nx = shape
    z, y, x = center
    best, place = 0.2, -1
    for a in range(-1, 2):
        for b in range(-1, 2):
            for c in range(-1, 2):
                zz, yy, xx = z + a, y + b, x + c
                if not (0 <= zz < nz and 0 <= yy < ny and 0 <= xx < nx) or matrix[zz, yy, xx] >= 1.0:
                    continue
                w = (zz * ny + yy) * nx + xx
                if bmu[w] >= 0:
                    row = layer_of[w]
                    if bmu[w] != site[col] or row < 0 or level[column[row]] > top[row] + 1e-4:
                        continue
                    if matrix[zz, yy, xx] < thick[row] / spacing_um - 1e-4:
                        continue
                score = room_score(a, b, c, matrix, zz, yy, xx, normal, col)
                if score > best:
                    best, place = score, w
    return place


@rule
def find_room(col, spacing_um, shape, columns, layers, layer_of, matrix, bmu):
    """Voxel for new matrix of a full column: around its root, else around the next voxel outward, at most three."""
    _, _, root, normal = columns
    nz, ny, nx = shape
    v = root[col]
    for step in range(MOST_STEPS):
        z = int(np.rint(v // (ny * nx) - step * normal[col, 0]))
        y = int(np.rint((v // nx) % ny - step * normal[col, 1]))
        x = int(np.rint(v % nx - step * normal[col, 2]))
        if not (0 <= z < nz and 0 <= y < ny and 0 <= x < nx):
            return -1
        place = room_near((z, y, x), col, spacing_um, shape, columns, layers, layer_of, matrix, bmu)
        if place >= 0:
            return place
    return -1


@kernel
def settle_inboxes(day, spacing_um, inbox, columns, layers, layer_of, lattice, book, out_column):
    """Raise the floor of every column by its inbox; what is more than the cavity holds goes on the surface above it.

    columns    : (level_um, start_um, area_um2, site, root, normal) of (C,); the level is changed in place
    layers     : (column, top_um, thick_um) of (L,); a layer that receives overfill grows
    lattice    : (matrix (Z, Y, X), flat matrix, osteoid, osteoid_day, bmu), changed in place
    out_column : (C, 2) int64, overfill is added to the formed amounts; returns the amount that found no room
    """
    level, start, area, site, root, normal = columns
    column, top, thick = layers
    matrix, flat, osteoid, osteoid_day, bmu = lattice
    shape = matrix.shape
    plane_size = shape[1] * shape[2]
    voxel_um3 = spacing_um**3
    unplaced = 0.0
    for col in range(inbox.size):
        if inbox[col] <= 0:
            continue
        rise = inbox[col] / SCALE * voxel_um3 / area[col]
        fits = min(rise, max(level[col] - start[col], 0.0))
        level[col] -= fits
        rest = (rise - fits) * area[col] / voxel_um3
        for _ in range(4):
            if rest * SCALE < 1.0:
                break
            w = find_room(col, spacing_um, shape, (level, site, root, normal), layers, layer_of, matrix, bmu)
            if w < 0:
                break
            before = flat[w]
            added = add_osteoid(w, min(before + rest, 1.0), day, flat, osteoid, osteoid_day, plane_size, book)
            if added == 0:
                break
            out_column[col, 1] += added
            rest -= added / SCALE
            if bmu[w] >= 0:
                row = layer_of[w]
                thick[row] += added / SCALE * spacing_um
                top[row] -= added / SCALE * spacing_um
                level[column[row]] = min(level[column[row]], top[row])
        unplaced += rest
    return unplaced
