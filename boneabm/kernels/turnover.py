"""Turnover: columns of matrix under claimed surface, what is taken from them, laid into them and mineralized.

An osteoclast claims surface voxels; each becomes the root of a column. The level d of a column is the depth of its
floor below the original surface, um. Every voxel that belongs to a column (a layer) starts `top` um below the original
surface and holds at most `thick` um of matrix, so its fraction is always

    f = clip(top + thick - d, 0, thick) / h

Erosion raises d, formation lowers it: advance is exact below the size of a voxel, and floors that are refilled to the
old surface leave it as it was, its steps of voxels evened. Fractions are rounded to 2^-24, the amounts are integers,
and every change is booked per z plane:
book[quantity, z] = (sum of amounts, sum of amounts x position in plane), quantity 0 matrix, 1 osteoid, 2 mineral.
"""

from __future__ import annotations

import math

import numpy as np

from . import kernel, rule
from .surface import box_sum, facet

FAST, SLOW, REVERSAL, FORMATION = 1, 2, 3, 4
"""Phases of a column."""
FLOOR, NO_FLOOR = 1, 2
SCALE = 2.0**24
MINERAL_SCALE = 2.0**23
MATRIX, OSTEOID, MINERAL = 0, 1, 2
SAME_SIDE = 0.2
"""Least cosine between the normals of surface of the same side."""
OTHER_WAY = -0.5
"""Cosine between normals below which surface faces the other way."""
EVEN_UM = 30.0
"""Columns have the mean normal of the surface within this distance less a voxel, so that normals of fine voxels see as
much bone as those of coarse ones."""
NEIGHBOR = 3
"""Squared distance of the 26 neighbors; what is farther from a root belongs to it within 60 degrees of its normal."""
LEAST_DEPTH = 0.5
"""A voxel lies below a root from this depth along its normal, voxels."""


@rule
def quantum(fraction):
    """Voxel fraction as an integer number of 2^-24."""
    return np.int64(np.rint(np.float64(fraction) * SCALE))


@rule
def mineral_quantum(mineral):
    """Mineral of a voxel, g/cm3, as an integer number of 2^-23."""
    return np.int64(np.rint(np.float64(mineral) * MINERAL_SCALE))


@rule
def book_amount(book, quantity, v, plane_size, amount):
    """Book an integer amount at flat voxel v."""
    z = v // plane_size
    book[quantity, z, 0] += amount
    book[quantity, z, 1] += amount * (v - z * plane_size)


@rule
def set_osteoid(osteoid, v, amount, plane_size, book):
    """Set osteoid at flat voxel v to an integer amount and book the difference."""
    book_amount(book, OSTEOID, v, plane_size, amount - quantum(osteoid[v]))
    osteoid[v] = amount / SCALE


@rule
def set_mineral(mineral, v, amount, plane_size, book):
    """Set mineral at flat voxel v to an integer amount of 2^-23 g/cm3 and book the difference."""
    book_amount(book, MINERAL, v, plane_size, amount - mineral_quantum(mineral[v]))
    mineral[v] = amount / MINERAL_SCALE


@rule
def remove_matrix(v, fraction, matrix, osteoid, mineral, plane_size, book):
    """Lower the matrix at v to `fraction` (< matrix), osteoid and mineral in proportion; returns the amount removed."""
    before = quantum(matrix[v])
    after = min(quantum(fraction), before)
    if after == before:
        return np.int64(0)
    share = after / before
    set_osteoid(osteoid, v, min(np.int64(np.rint(quantum(osteoid[v]) * share)), after), plane_size, book)
    set_mineral(mineral, v, np.int64(np.rint(mineral[v] * share * MINERAL_SCALE)), plane_size, book)
    matrix[v] = after / SCALE
    book_amount(book, MATRIX, v, plane_size, after - before)
    return before - after


@rule
def add_osteoid(v, fraction, day, matrix, osteoid, osteoid_day, plane_size, book):
    """Raise the matrix at v to `fraction` (> matrix) by new osteoid laid today; returns the amount added."""
    before = quantum(matrix[v])
    amount = quantum(fraction) - before
    if amount <= 0:
        return np.int64(0)
    old = quantum(osteoid[v])
    osteoid_day[v] = (osteoid_day[v] * old + day * amount) / (old + amount)
    set_osteoid(osteoid, v, old + amount, plane_size, book)
    matrix[v] = (before + amount) / SCALE
    book_amount(book, MATRIX, v, plane_size, amount)
    return amount


@rule
def layer_fraction(top_um, thick_um, level_um, spacing_um):
    """f = clip(thick - (d - top), 0, thick) / h, never more than a full voxel; exactly thick / h at its top."""
    return min(min(max(thick_um - (level_um - top_um), 0.0), thick_um) / spacing_um, 1.0)


@kernel
def settle_layers(day, spacing_um, layers, columns, lattice, book, out_column):
    """Let the matrix of every layer follow the level of its column; in formation nothing is taken away.

    layers     : (voxel int32, column int32, top_um, thick_um float32) arrays of (L,)
    columns    : (level_um float32, phase) arrays of (C,)
    lattice    : flat views (matrix, osteoid, mineral, osteoid_day), changed in place
    out_column : (C, 2) int64, amounts resorbed and formed per column, 2^-24 voxel, added to
    """
    voxel, column, top, thick = layers
    level, phase = columns
    matrix, osteoid, mineral, osteoid_day, plane_size = lattice
    for row in range(voxel.size):
        v, c = voxel[row], column[row]
        goal = quantum(layer_fraction(top[row], thick[row], level[c], spacing_um))
        now = quantum(matrix[v])
        if goal < now and phase[c] < FORMATION:
            out_column[c, 0] += remove_matrix(v, goal / SCALE, matrix, osteoid, mineral, plane_size, book)
        elif goal > now:
            out_column[c, 1] += add_osteoid(v, goal / SCALE, day, matrix, osteoid, osteoid_day, plane_size, book)


@kernel
def sink_floors(owner, amount_um, area_um2, out_level):
    """Osteoclasts take the highest bone of their patch first, so that its floor becomes even.

    The lowest levels of a patch rise together until area x amount is gone.

    owner : (N,) columns in the order of their owner, then of their level      amount_um : (N,), the same for an owner
    area_um2, out_level : (N,) float32, the level is changed in place
    """
    first = 0
    while first < owner.size:
        end = first + 1
        while end < owner.size and owner[end] == owner[first]:
            end += 1
        rest, wide = 0.0, 0.0
        for i in range(first, end):
            rest += amount_um[i] * np.float64(area_um2[i])
        last, floor = first, np.float64(out_level[first])
        for i in range(first, end):
            if wide * (out_level[i] - floor) > rest:
                break
            rest -= wide * (out_level[i] - floor)
            floor = np.float64(out_level[i])
            wide += np.float64(area_um2[i])
            last = i
        floor += rest / wide
        for i in range(first, last + 1):
            out_level[i] = floor
        first = end


@rule
def before_site(u, site, spacing_um, block):
    """Matrix fraction that voxel u had before a site began to erode; block : (matrix, bmu, layer_of, before_um).

    Layers that were added a moment ago, after those of before_um, are as they were still.
    """
    matrix, bmu, layer_of, before = block
    row = layer_of[u] if bmu[u] == site else -1
    return np.float32(before[row] / spacing_um) if 0 <= row < before.size else matrix[u]


@rule
def surface_before(z, y, x, site, spacing_um, shape, block):
    """Whether a voxel had marrow across a face before a site began: the walls of its pit had not."""
    nz, ny, nx = shape
    u, half = (z * ny + y) * nx + x, np.float32(0.5)
    bare = z > 0 and before_site(u - ny * nx, site, spacing_um, block) < half
    bare = bare or (z < nz - 1 and before_site(u + ny * nx, site, spacing_um, block) < half)
    bare = bare or (y > 0 and before_site(u - nx, site, spacing_um, block) < half)
    bare = bare or (y < ny - 1 and before_site(u + nx, site, spacing_um, block) < half)
    bare = bare or (x > 0 and before_site(u - 1, site, spacing_um, block) < half)
    return bare or (x < nx - 1 and before_site(u + 1, site, spacing_um, block) < half)


@rule
def box_before(low, size, site, spacing_um, shape, block):
    """(size) float32: the matrix of a box, its corner at `low`, as it was before a site began."""
    _, ny, nx = shape
    out = np.empty(size, np.float32)
    for z in range(size[0]):
        for y in range(size[1]):
            for x in range(size[2]):
                u = ((low[0] + z) * ny + low[1] + y) * nx + low[2] + x
                out[z, y, x] = before_site(u, site, spacing_um, block)
    return out


@kernel
def claim_patch(center, site, quota_um2, reach_um, spacing_um, shape, surface_row, block, out):
    """Quiescent surface of the same side around a center until its area reaches the quota, as it was before the site.

    The surface that a site erodes is that of the bone with its own pit filled: walls of the pit are none of it, and its
    rim has the normal, area and depth that it had. Same side: normals within about 80 degrees (cosine >= 0.2) of the
    surface nearest to the center. The last voxel is taken when at least half of it fits.

    center      : flat voxel index           surface_row : (Z*Y*X,) int32, row in the list of surface or -1
    block       : (matrix, bmu, layer_of, before_um of layers), flat
    out         : (row int32, normal (M, 3), area_um2, depth_um float32) of (M,), nearest first; area is raw (before the
                  common scale); depth of the center of the voxel = 3 h (mean of 3x3x3 - 1/2) max |n|
    returns the number of voxels
    """
    out_row, out_normal, out_area, out_depth = out
    nz, ny, nx = shape
    z0, y0, x0 = center // (ny * nx), (center // nx) % ny, center % nx
    k = int(reach_um / spacing_um) + 1
    edge, even = k + 3, max(EVEN_UM / spacing_um - 1.0, 0.0)
    low = (max(0, z0 - edge), max(0, y0 - edge), max(0, x0 - edge))
    size = (min(nz, z0 + edge + 1) - low[0], min(ny, y0 + edge + 1) - low[1], min(nx, x0 + edge + 1) - low[2])
    bone = box_before(low, size, site, spacing_um, shape, block)
    found, distance = np.empty((2 * k + 1) ** 3, np.int64), np.empty((2 * k + 1) ** 3, np.float64)
    n = 0
    for z in range(max(0, z0 - k), min(nz, z0 + k + 1)):
        for y in range(max(0, y0 - k), min(ny, y0 + k + 1)):
            for x in range(max(0, x0 - k), min(nx, x0 + k + 1)):
                v = (z * ny + y) * nx + x
                if surface_row[v] < 0 or block[1][v] >= 0:
                    continue
                r2 = ((z - z0) ** 2 + (y - y0) ** 2 + (x - x0) ** 2) * spacing_um * spacing_um
                if r2 <= reach_um * reach_um and surface_before(z, y, x, site, spacing_um, shape, block):
                    found[n], distance[n] = v, r2
                    n += 1
    found, facets = found[np.argsort(distance[:n], kind="mergesort")], np.empty((n, 4))
    row_in_box = np.full(bone.shape, -1, np.int32)
    for i in range(n):
        v = found[i]
        z, y, x = v // (ny * nx) - low[0], (v // nx) % ny - low[1], v % nx - low[2]
        facets[i] = facet(bone, z, y, x, spacing_um)
        row_in_box[z, y, x] = i
    taken, total = 0, 0.0
    for i in range(n):
        if taken >= out_row.size:
            break
        v = found[i]
        z, y, x = v // (ny * nx) - low[0], (v // nx) % ny - low[1], v % nx - low[2]
        out_normal[taken] = mean_normal(z, y, x, even, row_in_box, facets)
        if taken > 0 and cosine(out_normal, taken, out_normal, 0) < SAME_SIDE:
            continue
        area = facets[i, 3]
        if taken > 0 and total + 0.5 * area > quota_um2:
            break
        largest = max(abs(facets[i, 0]), abs(facets[i, 1]), abs(facets[i, 2]))
        out_row[taken], out_area[taken] = surface_row[v], area
        out_depth[taken] = 3.0 * spacing_um * (box_sum(bone, z, y, x) / 27.0 - 0.5) * largest
        taken += 1
        total += area
    return taken


@rule
def mean_normal(z, y, x, reach, row_in_box, facets):
    """Unit vector along the mean normal of the surface within `reach` voxels that does not face the other way.

    row_in_box : row in facets (N, 4) (normal, area) of the voxels of a box, or -1
    """
    here, total, k = row_in_box[z, y, x], np.zeros(3, np.float32), int(reach)
    nz, ny, nx = row_in_box.shape
    for zz in range(max(z - k, 0), min(z + k + 1, nz)):
        for yy in range(max(y - k, 0), min(y + k + 1, ny)):
            for xx in range(max(x - k, 0), min(x + k + 1, nx)):
                row = row_in_box[zz, yy, xx]
                if row < 0 or (zz - z) ** 2 + (yy - y) ** 2 + (xx - x) ** 2 > reach * reach:
                    continue
                if cosine(facets, here, facets, row) > OTHER_WAY:
                    total += facets[row, :3].astype(np.float32)
    return total / (math.sqrt(total[0] ** 2 + total[1] ** 2 + total[2] ** 2) + np.float32(1e-9))


@kernel
def partial_above(roots, spacing_um, shape, matrix, bmu, out_voxel, out_root, out_thick_um):
    """Unclaimed partial matrix (0 < f < 0.5) on the faces of claimed roots: it belongs to their columns, above them.

    roots : (N,) int32 flat voxels; out_* : (6 N,) voxel, index into roots, thickness um; returns the number found
    """
    nz, ny, nx = shape
    n = 0
    for i in range(roots.size):
        v = roots[i]
        z, y, x = v // (ny * nx), (v // nx) % ny, v % nx
        for face in range(6):
            zz = z + (face == 0) - (face == 1)
            yy = y + (face == 2) - (face == 3)
            xx = x + (face == 4) - (face == 5)
            if zz < 0 or yy < 0 or xx < 0 or zz >= nz or yy >= ny or xx >= nx:
                continue
            w = (zz * ny + yy) * nx + xx
            if matrix[w] > 0 and matrix[w] < 0.5 and bmu[w] == -1:
                bmu[w] = -2
                out_voxel[n] = w
                out_root[n] = i
                out_thick_um[n] = matrix[w] * spacing_um
                n += 1
    return n


@rule
def cosine(first, a, second, b):
    """Cosine between row a of one list of unit vectors and row b of another."""
    return first[a, 0] * second[b, 0] + first[a, 1] * second[b, 1] + first[a, 2] * second[b, 2]


@rule
def below_root(place, v, shape, normal, column):
    """Depth of a place (z, y, x) below root v along the normal of its column, and squared distance, in voxels."""
    _, ny, nx = shape
    dz, dy, dx = place[0] - v // (ny * nx), place[1] - (v // nx) % ny, place[2] - v % nx
    along = dz * normal[column, 0] + dy * normal[column, 1] + dx * normal[column, 2]
    return along, dz * dz + dy * dy + dx * dx


@rule
def nearest_root(place, column, spacing_um, shape, columns, surface, block, above):
    """The column of a site whose root is the surface nearest to a place, and its squared distance in voxels.

    The place lies below the root, or above (or beside) it where `above` says so.

    The search goes from root to nearer neighboring root (5x5x5); of two as near the first in the block wins. -1 where
    the nearest surface of that side is no root of the site: surface that nobody claimed, or the root of another site;
    or where the way to the nearest root is more than 60 degrees off its normal: a root in a hole owns none beside it.

    columns : (site, root, normal (C, 3), column_of_root)    surface : (row of a voxel or -1, normal (N, 3))
    """
    site, root, normal, column_of_root = columns
    nz, ny, nx = shape
    along, best = below_root(place, root[column], shape, normal, column)
    start, at, nearest = column, np.int64(root[column]), column if (along < LEAST_DEPTH) == above else -1
    while True:
        z0, y0, x0 = at // (ny * nx), (at // nx) % ny, at % nx
        next_root, foreign = start, False
        for z in range(max(z0 - 2, 0), min(z0 + 3, nz)):
            for y in range(max(y0 - 2, 0), min(y0 + 3, ny)):
                for x in range(max(x0 - 2, 0), min(x0 + 3, nx)):
                    u = (z * ny + y) * nx + x
                    far = (place[0] - z) ** 2 + (place[1] - y) ** 2 + (place[2] - x) ** 2
                    if far > best or (far == best and u >= at):
                        continue
                    other = column_of_root[u]
                    if other >= 0 and site[other] == site[column]:
                        if (below_root(place, u, shape, normal, other)[0] < LEAST_DEPTH) == above:
                            next_root, best, at, foreign = other, far, u, False
                    elif is_surface(z, y, x, other, start, site[column], spacing_um, shape, normal, surface, block):
                        best, at, foreign = far, u, True
        if foreign:
            return -1, best
        if next_root == start:
            along, _ = below_root(place, root[start], shape, normal, start)
            return nearest if best <= NEIGHBOR or 4.0 * along * along >= best else -1, best
        start, nearest = next_root, next_root


@rule
def is_surface(z, y, x, other, column, site, spacing_um, shape, normal, surface, block):
    """Whether a voxel that is no root of a site is surface of the side of one of its columns: free or another root."""
    if other >= 0:
        return cosine(normal, other, normal, column) >= SAME_SIDE
    surface_row, surface_normal = surface
    u = (z * shape[1] + y) * shape[2] + x
    row = surface_row[u]
    if row < 0 or block[1][u] >= 0 or cosine(surface_normal, row, normal, column) < SAME_SIDE:
        return False
    return surface_before(z, y, x, site, spacing_um, shape, block)


@kernel
def grow_front(spacing_um, shape, layers, columns, surface, maps, out_new):
    """Columns that dug through a layer claim the matrix next to it that lies nearest to their own surface.

    A voxel belongs to the root nearest to it, if no other surface of that side is nearer and erosion goes on there, and
    to the depth

        top = depth of the root + distance from it along its normal - h/2

    so that a site takes from convex bone less, from concave bone more than its area times its depth, as it would from
    bone without voxels.

    layers  : (voxel, column, top_um, thick_um, before_um) of (L,); a layer not yet begun moves to a nearer root of its
              own site
    columns : (level_um, phase, site, root voxel, normal (C, 3), column_of_root (Z*Y*X,))
    surface : (row of a voxel or -1 (Z*Y*X,), normal (N, 3))
    maps    : (matrix, bmu, layer_of, tried) of (Z*Y*X,); layer_of: row of the layer of a voxel or -1, new rows follow
              L; tried: -1, and again on return: a voxel is looked at once for a site, by the first of its fronts
    out_new : (voxel, column, top_um, thick_um) of (M,); returns how many were written
    """
    voxel, column, top, thick, before = layers
    level, phase, site, root, normal, column_of_root = columns
    matrix, bmu, layer_of, tried = maps
    new_voxel, new_column, new_top, new_thick = out_new
    nz, ny, nx = shape
    block, roots = (matrix, bmu, layer_of, before), (site, root, normal, column_of_root)
    n = 0
    for row in range(voxel.size):
        col = column[row]
        if phase[col] >= REVERSAL or level[col] < top[row] + thick[row] - spacing_um:
            continue
        v = voxel[row]
        z, y, x = v // (ny * nx), (v // nx) % ny, v % nx
        for a in range(-1, 2):
            for b in range(-1, 2):
                for c in range(-1, 2):
                    zz, yy, xx = z + a, y + b, x + c
                    if (a == 0 and b == 0 and c == 0) or not (0 <= zz < nz and 0 <= yy < ny and 0 <= xx < nx):
                        continue
                    w = (zz * ny + yy) * nx + xx
                    if matrix[w] <= 0 or tried[w] == site[col]:
                        continue
                    place, own, past = (zz, yy, xx), -1, -1
                    if bmu[w] == site[col] and layer_of[w] < voxel.size:
                        own = layer_of[w]
                        old = column[own]
                        along, past = below_root(place, root[old], shape, normal, old)
                        if voxel[own] == root[old] or along < LEAST_DEPTH or level[old] > top[own]:
                            continue
                    elif bmu[w] >= 0 or n == new_voxel.size:
                        continue
                    tried[w] = site[col]
                    nearest, far = nearest_root(place, col, spacing_um, shape, roots, surface, block, False)
                    if nearest < 0 or phase[nearest] >= REVERSAL or (own >= 0 and far >= past):
                        continue
                    head = layer_of[root[nearest]]
                    along, _ = below_root(place, root[nearest], shape, normal, nearest)
                    depth = top[head] + thick[head] + (along - 1.0) * spacing_um
                    if own >= 0:
                        column[own], top[own] = nearest, depth
                        continue
                    new_voxel[n], new_column[n], new_top[n] = w, nearest, depth
                    new_thick[n] = matrix[w] * spacing_um
                    bmu[w] = site[col]
                    layer_of[w] = voxel.size + n
                    n += 1
    clear_around(voxel, shape, tried)
    return n


@rule
def clear_around(voxel, shape, out):
    """Write -1 into a flat map at the listed voxels and the 26 around each."""
    nz, ny, nx = shape
    for v in voxel:
        z, y, x = v // (ny * nx), (v // nx) % ny, v % nx
        for zz in range(max(z - 1, 0), min(z + 2, nz)):
            for yy in range(max(y - 1, 0), min(y + 2, ny)):
                for xx in range(max(x - 1, 0), min(x + 2, nx)):
                    out[(zz * ny + yy) * nx + xx] = -1


@rule
def solid_near(center, r, shape, layers, matrix):
    """Whether bone that no site has eroded or will erode lies within r voxels of a place (z, y, x)."""
    left, layer_of = layers
    nz, ny, nx = shape
    z, y, x = center
    for zz in range(max(math.ceil(z - r), 0), min(math.floor(z + r), nz - 1) + 1):
        for yy in range(max(math.ceil(y - r), 0), min(math.floor(y + r), ny - 1) + 1):
            for xx in range(max(math.ceil(x - r), 0), min(math.floor(x + r), nx - 1) + 1):
                near = (zz - z) ** 2 + (yy - y) ** 2 + (xx - x) ** 2 <= r * r
                w = (zz * ny + yy) * nx + xx
                if near and matrix[w] >= 0.5 and (layer_of[w] < 0 or left[layer_of[w]]):
                    return True
    return False


@kernel
def find_floors(rows, spacing_um, shape, columns, reach_um, layers, matrix, out_floor):
    """FLOOR where solid bone (or the cut face) lies within reach of the bottom of a column, else NO_FLOOR.

    Bone is laid on bone, as fast sideways as upward: within the thickness that a site lays everything is refilled, and
    a hole that is wider keeps what is farther from its rim. A voxel of bone begins half a voxel before its center. Bone
    that is still being eroded is no floor, nor is what was laid since: it lies within that thickness itself.

    rows   : (N,) columns that finished reversal; columns : (root voxel, um below its center, normal)
    layers : (whether erosion ended above a layer (L,) bool, (Z*Y*X,) int32 layer of each voxel or -1)
    reach_um : (N,), thickness laid
    """
    root, depth, normal = columns
    nz, ny, nx = shape
    for i in range(rows.size):
        col = rows[i]
        v = root[col]
        t = depth[col] / spacing_um
        z = v // (ny * nx) + normal[col, 0] * t
        y = (v // nx) % ny + normal[col, 1] * t
        x = v % nx + normal[col, 2] * t
        r = reach_um[i] / spacing_um + 0.5
        cut = min(z, y, x) < 0.0 or z > nz - 1 or y > ny - 1 or x > nx - 1
        found = cut or solid_near((z, y, x), r, shape, layers, matrix)
        out_floor[col] = FLOOR if found else NO_FLOOR


@kernel
def dissolve(voxel, removal, matrix, osteoid, mineral, plane_size, book):
    """Lower the matrix of loose fragments by `removal` voxel fraction; returns the amount removed, 2^-24 voxel."""
    total = np.int64(0)
    for v in voxel:
        total += remove_matrix(v, max(matrix[v] - removal, 0.0), matrix, osteoid, mineral, plane_size, book)
    return total


@kernel
def mineralize(first, last, day, p, lattice, plane_size, book):
    """One day of primary and secondary mineralization, z planes first..last-1.

    Osteoid older than the lag leaves: with ages spread evenly over 0..2a about their mean a, the part is 1 - lag/(2a).
    It enters with p.primary of full mineral; then dM/dt = k (c_full (f - o) - M), exact over a day.

    p       : (lag_d, primary_fraction, secondary_rate_per_d, full_g_per_cm3)
    lattice : flat (matrix, osteoid, mineral, born_day, osteoid_day), changed in place
    """
    matrix, osteoid, mineral, born_day, osteoid_day = lattice
    lag, primary, rate, full = p
    gain = 1.0 - math.exp(-rate)
    for z in range(first, last):
        gained, moment = np.int64(0), np.int64(0)
        for i in range(plane_size):
            v = z * plane_size + i
            whole = quantum(matrix[v])
            if whole == 0:
                continue
            soft = quantum(osteoid[v])
            enter = np.int64(0)
            if soft > 0:
                age = 2.0 * (day - osteoid_day[v])
                if age > lag:
                    enter = min(np.int64(math.ceil(soft * (1.0 - lag / age))), soft)
                    formed = day - 0.5 * (age + lag)
                    hard = whole - soft
                    born_day[v] = (born_day[v] * hard + formed * enter) / (hard + enter)
                    osteoid_day[v] = day - 0.5 * lag
                    set_osteoid(osteoid, v, soft - enter, plane_size, book)
                    soft -= enter
            new = primary * full * enter / SCALE
            hold = mineral[v] + new
            hold += gain * (full * (whole - soft) / SCALE - hold)
            amount = mineral_quantum(max(hold, mineral[v]))
            change = amount - mineral_quantum(mineral[v])
            mineral[v] = amount / MINERAL_SCALE
            gained += change
            moment += change * i
        book[MINERAL, z, 0] += gained
        book[MINERAL, z, 1] += moment


@kernel
def plane_sums(first, last, matrix, osteoid, mineral, plane_size, out_sums, out_bad):
    """Integer totals of each z plane and their moments, and the number of impossible voxels.

    A voxel is possible where 0 <= osteoid <= matrix <= 1 and mineral >= 0.

    out_sums : (3, Z, 2) int64, in the layout of the book; out_bad : (Z,) int64
    """
    for z in range(first, last):
        whole, soft, hard = np.int64(0), np.int64(0), np.int64(0)
        whole_moment, soft_moment, hard_moment, bad = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
        for i in range(plane_size):
            v = z * plane_size + i
            f, o, c = matrix[v], osteoid[v], mineral[v]
            bad += not (o >= 0 and o <= f and f <= 1 and c >= 0)
            f_amount, o_amount, c_amount = quantum(f), quantum(o), mineral_quantum(c)
            whole, whole_moment = whole + f_amount, whole_moment + f_amount * i
            soft, soft_moment = soft + o_amount, soft_moment + o_amount * i
            hard, hard_moment = hard + c_amount, hard_moment + c_amount * i
        out_sums[MATRIX, z, 0], out_sums[MATRIX, z, 1] = whole, whole_moment
        out_sums[OSTEOID, z, 0], out_sums[OSTEOID, z, 1] = soft, soft_moment
        out_sums[MINERAL, z, 0], out_sums[MINERAL, z, 1] = hard, hard_moment
        out_bad[z] = bad
