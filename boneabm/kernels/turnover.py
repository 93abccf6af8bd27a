"""Turnover: columns of matrix under claimed surface, what is taken from them, laid into them and mineralized.

An osteoclast claims surface voxels; each becomes the root of a column. The level d of a column is the depth of its
floor below the original surface, um. Every voxel that belongs to a column (a layer) starts `top` um below the original
surface and holds at most `thick` um of matrix, so its fraction is always

    f = clip(top + thick - d, 0, thick) / h

Erosion raises d, formation lowers it: advance is exact below the size of a voxel and a refilled column returns exactly
to its old shape. Fractions are rounded to 2^-24, the amounts are integers, and every change is booked per z plane:
book[quantity, z] = (sum of amounts, sum of amounts x position in plane), quantity 0 matrix, 1 osteoid, 2 mineral.
"""

from __future__ import annotations

import math

import numpy as np

from . import kernel, rule

FAST, SLOW, REVERSAL, FORMATION = 1, 2, 3, 4
"""Phases of a column."""
FLOOR, NO_FLOOR = 1, 2
SCALE = 2.0**24
MINERAL_SCALE = 2.0**23
MATRIX, OSTEOID, MINERAL = 0, 1, 2
COLUMN_RADIUS = 0.87
"""Half the diagonal of a voxel: columns of neighboring roots then meet below surface of any direction, voxels."""
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
    """f = clip(top + thick - d, 0, thick) / h, never more than a full voxel."""
    return min(min(max(top_um + thick_um - level_um, 0.0), thick_um) / spacing_um, 1.0)


@kernel
def settle_layers(day, spacing_um, layers, columns, lattice, book, out_column):
    """Let the matrix of every layer follow the level of its column.

    layers     : (voxel int32, column int32, top_um, thick_um float32) arrays of (L,)
    columns    : (level_um, ...) float32 arrays of (C,); only the level is read
    lattice    : flat views (matrix, osteoid, mineral, osteoid_day), changed in place
    out_column : (C, 2) int64, amounts resorbed and formed per column, 2^-24 voxel, added to
    """
    voxel, column, top, thick = layers
    level = columns
    matrix, osteoid, mineral, osteoid_day, plane_size = lattice
    for row in range(voxel.size):
        v, c = voxel[row], column[row]
        goal = quantum(layer_fraction(top[row], thick[row], level[c], spacing_um))
        now = quantum(matrix[v])
        if goal < now:
            out_column[c, 0] += remove_matrix(v, goal / SCALE, matrix, osteoid, mineral, plane_size, book)
        elif goal > now:
            out_column[c, 1] += add_osteoid(v, goal / SCALE, day, matrix, osteoid, osteoid_day, plane_size, book)


@kernel
def claim_patch(center, quota_um2, reach_um, spacing_um, shape, surface, surface_row, bmu, out_row):
    """Quiescent surface voxels of the same side nearest to a center until their area reaches the quota.

    Same side: normals within about 80 degrees (cosine >= 0.2). The last voxel is taken when at least half of it fits.

    center      : flat voxel index, a surface voxel
    surface     : (voxel, normal, area_um2) of the surface
    surface_row : (Z*Y*X,) int32, row in `surface` or -1
    out_row     : (M,) int32, rows taken, nearest first
    returns (number of rows, area, um2)
    """
    _, normal, area = surface
    nz, ny, nx = shape
    own = surface_row[center]
    z0, y0, x0 = center // (ny * nx), (center // nx) % ny, center % nx
    k = int(reach_um / spacing_um) + 1
    found = np.empty((2 * k + 1) ** 3, np.int32)
    distance = np.empty((2 * k + 1) ** 3, np.float64)
    n = 0
    for z in range(max(0, z0 - k), min(nz, z0 + k + 1)):
        for y in range(max(0, y0 - k), min(ny, y0 + k + 1)):
            for x in range(max(0, x0 - k), min(nx, x0 + k + 1)):
                v = (z * ny + y) * nx + x
                row = surface_row[v]
                if row < 0 or bmu[v] >= 0:
                    continue
                cosine = 0.0
                for a in range(3):
                    cosine += normal[row, a] * normal[own, a]
                r2 = ((z - z0) ** 2 + (y - y0) ** 2 + (x - x0) ** 2) * spacing_um * spacing_um
                if cosine < 0.2 or r2 > reach_um * reach_um:
                    continue
                found[n] = row
                distance[n] = r2
                n += 1
    order = np.argsort(distance[:n], kind="mergesort")
    taken, total = 0, 0.0
    for i in order:
        row = found[i]
        if taken >= out_row.size or (taken > 0 and total + 0.5 * area[row] > quota_um2):
            break
        out_row[taken] = row
        taken += 1
        total += area[row]
    return taken, total


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
def below_root(z, y, x, v, shape, normal, column):
    """Depth of a voxel below root v along the inward normal of its column, and distance from that axis, in voxels."""
    _, ny, nx = shape
    dz, dy, dx = z - v // (ny * nx), y - (v // nx) % ny, x - v % nx
    along = dz * normal[column, 0] + dy * normal[column, 1] + dx * normal[column, 2]
    return along, math.sqrt(max(dz * dz + dy * dy + dx * dx - along * along, 0.0))


@kernel
def grow_front(spacing_um, shape, layers, columns, layer_of, matrix, bmu, out_new):
    """Columns that dug through a layer claim the matrix next to it on their axis, the inward normal at the root.

    top = thickness of the root + (depth along the normal - 1) h: oblique surface erodes as fast as flat surface

    layers   : (voxel, column, top_um, thick_um, is_root) of (L,); a layer may move to a nearer column of its own site
    columns  : (level_um, phase, site, root voxel, normal (C, 3))
    layer_of : (Z*Y*X,) int32, row of the layer that holds a voxel or -1; new rows continue after L
    out_new  : (voxel, column, top_um, thick_um) of (M,); returns how many were written
    """
    voxel, column, top, thick = layers
    level, phase, site, root, normal = columns
    new_voxel, new_column, new_top, new_thick = out_new
    nz, ny, nx = shape
    n = 0
    for row in range(voxel.size):
        col = column[row]
        if phase[col] > REVERSAL - 1 or level[col] < top[row] + thick[row] - spacing_um:
            continue
        top_row = layer_of[root[col]]
        first = top[top_row] + thick[top_row]
        v = voxel[row]
        z, y, x = v // (ny * nx), (v // nx) % ny, v % nx
        for a in range(-1, 2):
            for b in range(-1, 2):
                for c in range(-1, 2):
                    zz, yy, xx = z + a, y + b, x + c
                    if (a == 0 and b == 0 and c == 0) or not (0 <= zz < nz and 0 <= yy < ny and 0 <= xx < nx):
                        continue
                    w = (zz * ny + yy) * nx + xx
                    along, aside = below_root(zz, yy, xx, root[col], shape, normal, col)
                    if matrix[w] <= 0 or along < LEAST_DEPTH or aside > COLUMN_RADIUS:
                        continue
                    depth = first + (along - 1.0) * spacing_um
                    if bmu[w] < 0 and n < new_voxel.size:
                        new_voxel[n], new_column[n], new_top[n], new_thick[n] = w, col, depth, matrix[w] * spacing_um
                        bmu[w] = site[col]
                        layer_of[w] = voxel.size + n
                        n += 1
                    elif bmu[w] == site[col] and layer_of[w] < voxel.size:
                        other = layer_of[w]
                        if voxel[other] == root[column[other]] or top[other] <= 0 or depth >= top[other] - 0.1:
                            continue
                        if level[column[other]] <= top[other]:
                            column[other] = col
                            top[other] = depth
    return n


@rule
def solid_near(center, r, shape, phase, layers, matrix):
    """Whether bone that nobody erodes lies within r of a place (z, y, x), voxels; the first such voxel ends it."""
    layer_column, layer_of = layers
    nz, ny, nx = shape
    z, y, x = center
    for zz in range(max(math.ceil(z - r), 0), min(math.floor(z + r), nz - 1) + 1):
        for yy in range(max(math.ceil(y - r), 0), min(math.floor(y + r), ny - 1) + 1):
            for xx in range(max(math.ceil(x - r), 0), min(math.floor(x + r), nx - 1) + 1):
                near = (zz - z) ** 2 + (yy - y) ** 2 + (xx - x) ** 2 <= r * r
                w = (zz * ny + yy) * nx + xx
                if near and matrix[w] >= 0.5 and (layer_of[w] < 0 or phase[layer_column[layer_of[w]]] >= REVERSAL):
                    return True
    return False


@kernel
def find_floors(rows, spacing_um, shape, columns, reach_um, layers, matrix, out_floor):
    """FLOOR where solid bone (or the cut face) lies within reach of the bottom of a column, else NO_FLOOR.

    Bone is laid on bone, as fast sideways as upward: within the thickness that a site lays everything is refilled, and
    a hole that is wider keeps what is farther from its rim. A voxel of bone begins half a voxel before its center. Bone
    that is still being eroded is no floor.

    rows   : (N,) columns that finished reversal; columns : (root voxel, end_um, normal, phase)
    layers : (column of each layer, (Z*Y*X,) int32 layer of each voxel or -1); reach_um : (N,), thickness laid
    """
    root, end, normal, phase = columns
    nz, ny, nx = shape
    for i in range(rows.size):
        col = rows[i]
        v = root[col]
        t = end[col] / spacing_um - 0.5
        z = v // (ny * nx) + normal[col, 0] * t
        y = (v // nx) % ny + normal[col, 1] * t
        x = v % nx + normal[col, 2] * t
        r = reach_um[i] / spacing_um + 0.5
        cut = min(z, y, x) < 0.0 or z > nz - 1 or y > ny - 1 or x > nx - 1
        found = cut or solid_near((z, y, x), r, shape, phase, layers, matrix)
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
