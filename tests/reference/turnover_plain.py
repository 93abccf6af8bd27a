"""Plain twins of the turnover kernels: dictionaries of integer amounts, one voxel at a time."""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

UNIT = 2**24
MINERAL_UNIT = 2**23


def random_block(seed, shape=(5, 6, 7)):
    """Flat float32 arrays of a block with empty, full, partly filled and partly mineralized voxels.

    Keys: matrix, osteoid, mineral, born_day, osteoid_day (float32), bmu (int32, all quiescent).
    """
    rng = np.random.default_rng(seed)
    n = math.prod(shape)
    kind = rng.random(n)
    matrix = rng.integers(0, UNIT + 1, n) * (kind > 0.2)
    matrix[kind > 0.7] = UNIT
    osteoid = np.floor(matrix * rng.random(n)).astype(int) * (rng.random(n) > 0.5)
    mineral = np.floor((matrix - osteoid) * rng.random(n) * 0.6).astype(int)
    days = -np.floor(rng.random((2, n)) * 80) / 4
    block = {"matrix": matrix / UNIT, "osteoid": osteoid / UNIT, "mineral": mineral / MINERAL_UNIT}
    block |= {"born_day": 10 * days[0], "osteoid_day": days[1]}
    return {name: array.astype(np.float32) for name, array in block.items()} | {"bmu": np.full(n, -1, np.int32)}


def amounts(block):
    """Integer amounts of matrix, osteoid and mineral of every voxel, lists of Python integers."""
    scales = {"matrix": UNIT, "osteoid": UNIT, "mineral": MINERAL_UNIT}
    return {name: np.rint(block[name].astype(float) * scale).astype(int).tolist() for name, scale in scales.items()}


def totals_plain(block, shape):
    """(3, Z, 2) integers: sum per plane and sum times the position in the plane."""
    own = amounts(block)
    result = np.zeros((3, shape[0], 2), np.int64)
    for quantity, name in enumerate(("matrix", "osteoid", "mineral")):
        plane = np.array(own[name], np.int64).reshape(shape[0], -1)
        result[quantity, :, 0] = plane.sum(axis=1)
        result[quantity, :, 1] = (plane * np.arange(plane.shape[1])).sum(axis=1)
    return result


def remove_plain(own, v, goal):
    """Matrix at v becomes `goal`, osteoid and mineral follow in proportion; returns the amount removed."""
    before = own["matrix"][v]
    if goal >= before:
        return 0
    share = goal / before
    own["osteoid"][v] = min(round(own["osteoid"][v] * share), goal)
    own["mineral"][v] = round(own["mineral"][v] * share)
    own["matrix"][v] = goal
    return before - goal


def add_plain(own, osteoid_day, v, goal, day):
    """Matrix at v becomes `goal` by osteoid laid today; returns the amount added."""
    added = goal - own["matrix"][v]
    old = own["osteoid"][v]
    osteoid_day[v] = (float(osteoid_day[v]) * old + day * added) / (old + added)
    own["osteoid"][v] += added
    own["matrix"][v] = goal
    return added


def settle_plain(own, osteoid_day, layers, level_um, phase, day, spacing_um):
    """f = clip(top + thick - d, 0, thick) / h for every layer, no less in formation; {column: [resorbed, formed]}."""
    moved = {c: [0, 0] for c in range(len(level_um))}
    for v, c, top, thick in layers:
        goal = round(min(min(max(top + thick - level_um[c], 0), thick) / spacing_um, 1) * UNIT)
        if goal < own["matrix"][v] and phase[c] < 4:
            moved[c][0] += remove_plain(own, v, goal)
        if goal > own["matrix"][v]:
            moved[c][1] += add_plain(own, osteoid_day, v, goal, day)
    return moved


def neighbors(v, shape, steps):
    """(flat index, step) of the voxels at the given steps from v that lie inside the block."""
    here = np.unravel_index(v, shape)
    for step in steps:
        place = tuple(int(a + b) for a, b in zip(here, step, strict=True))
        if all(0 <= p < n for p, n in zip(place, shape, strict=True)):
            yield int(np.ravel_multi_index(place, shape)), step


FACES = [(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)]
AROUND = [(a, b, c) for a in (-1, 0, 1) for b in (-1, 0, 1) for c in (-1, 0, 1) if (a, b, c) != (0, 0, 0)]


def before_plain(matrix, bmu, layers, site, spacing_um):
    """Matrix as it was before a site began: what its layers ({voxel: um}) held, elsewhere what there is."""
    before = matrix.astype(np.float64).copy()
    for v, before_um in layers.items():
        if bmu[v] == site:
            before[v] = np.float32(before_um / spacing_um)
    return before


def exposed_plain(v, shape, before):
    """Whether a voxel has a face to less than half a voxel of matrix inside the block."""
    return any(before[w] < 0.5 for w, _ in neighbors(v, shape, FACES))


def claim_plain(center, site, quota_um2, reach_um, spacing_um, shape, row_of, matrix, bmu, layers):
    """(row, normal, raw area, depth) of quiescent surface of one side, nearest first, until half of the next fits."""
    before = before_plain(matrix, bmu, layers, site, spacing_um)
    sums = ndimage.convolve(np.pad(before.reshape(shape), 2, mode="edge"), np.ones((3, 3, 3)), mode="nearest")
    here, taken, total = np.array(np.unravel_index(center, shape)), [], 0.0
    distance = {}
    for v in np.flatnonzero(row_of >= 0).tolist():
        away = np.linalg.norm(np.array(np.unravel_index(v, shape)) - here) * spacing_um
        if bmu[v] < 0 and away <= reach_um and exposed_plain(v, shape, before):
            distance[v] = away
    normals = {v: facing_plain(sums, v, shape) for v in distance}
    for v in sorted(distance, key=lambda v: (round(distance[v], 6), v)):
        own, mean = normals[v], np.zeros(3)
        for u, other in normals.items():
            step = np.subtract(np.unravel_index(u, shape), np.unravel_index(v, shape))
            if np.linalg.norm(step) * spacing_um <= 30 - spacing_um and own @ other > -0.5:
                mean += other
        mean /= np.linalg.norm(mean) + 1e-9
        if taken and taken[0][1] @ mean < 0.2:
            continue
        area = spacing_um**2 / max(abs(own).max(), 0.577)
        if taken and total + 0.5 * area > quota_um2:
            break
        z, y, x = (int(i) + 2 for i in np.unravel_index(v, shape))
        taken.append((row_of[v], mean, area, 3 * spacing_um * (sums[z, y, x] / 27 - 0.5) * abs(own).max()))
        total += area
    return taken


def facing_plain(sums, v, shape):
    """Unit gradient at voxel v of the sums over 3x3x3 voxels, which are padded by two."""
    z, y, x = (int(i) + 2 for i in np.unravel_index(v, shape))
    slope = np.array([sums[z + 1, y, x] - sums[z - 1, y, x], sums[z, y + 1, x] - sums[z, y - 1, x],
                      sums[z, y, x + 1] - sums[z, y, x - 1]])  # fmt: skip
    return slope / (np.linalg.norm(slope) + 1e-9)


def partial_above_plain(roots, shape, matrix, bmu):
    """(voxel, index of its root) of unclaimed partial matrix on the faces of the roots; the first root takes it."""
    found = {}
    for i, root in enumerate(roots):
        for w, _ in neighbors(root, shape, FACES):
            if 0 < matrix[w] < 0.5 and bmu[w] == -1:
                found.setdefault(w, i)
    return list(found.items())


def depth_below(w, root, normal, shape):
    """Depth of a voxel along the normal at a root, in voxels, and its squared distance from it, a whole number."""
    offset = np.subtract(np.unravel_index(w, shape), np.unravel_index(root, shape))
    return float(offset @ np.asarray(normal, float)), int(offset @ offset)


def nearest_plain(w, c, shape, columns, surface, before, bmu, above=False):
    """Index of the column whose root is the surface nearest to voxel w, from column c on; None where it is another.

    w lies below the root, or above or beside it.

    surface : {voxel: normal}; of two places as near the first in the block is nearest
    """
    site, root_of = columns[c]["site"], {column["root"]: i for i, column in enumerate(columns)}
    window = [(a, b, d) for a in range(-2, 3) for b in range(-2, 3) for d in range(-2, 3)]
    depth = [depth_below(w, column["root"], column["normal"], shape)[0] for column in columns]
    below = [(along < 0.5) == above for along in depth]
    while True:
        side, near = np.asarray(columns[c]["normal"], float), {}
        for u, _ in neighbors(columns[c]["root"], shape, window):
            i = root_of.get(u)
            if i is not None and columns[i]["site"] == site:
                found = below[i]
            elif i is not None:
                found = side @ columns[i]["normal"] >= 0.2
            else:
                found = u in surface and bmu[u] < 0 and side @ surface[u] >= 0.2 and exposed_plain(u, shape, before)
            if found or i == c:
                near[depth_below(w, u, (1, 0, 0), shape)[1], u] = i
        i = near[min(near)]
        if i is None or columns[i]["site"] != site:
            return None
        if i == c:
            far = min(near)[0]
            return c if below[c] and (far <= 3 or 4 * depth[c] ** 2 >= far) else None
        c = i


def grow_plain(spacing_um, shape, layers, columns, surface, matrix, bmu):
    """New layers under the front, and the layers afterwards; layers : list of [voxel, column, top, thick, before].

    columns : list of dicts with level, phase, site, root, normal; returns (layers, new layers)
    """
    layers, new, bmu, tried = [list(layer) for layer in layers], [], bmu.copy(), {}
    row_of = {layer[0]: row for row, layer in enumerate(layers)}
    for layer in layers:
        v, c, top, thick, _ = layer
        column = columns[c]
        if column["phase"] not in (1, 2) or column["level"] < top + thick - spacing_um:
            continue
        for w, _ in neighbors(v, shape, AROUND):
            own = bmu[w] == column["site"] and w in row_of
            if matrix[w] <= 0 or not (bmu[w] < 0 or own) or tried.get(w) == column["site"]:
                continue
            if own:
                other = layers[row_of[w]]
                old = columns[other[1]]
                below, past = depth_below(w, old["root"], old["normal"], shape)
                if old["root"] == w or below < 0.5 or old["level"] > other[2]:
                    continue
            tried[w] = column["site"]
            held = {entry[0]: entry[4] for entry in layers}
            before = before_plain(matrix, bmu, held, column["site"], spacing_um)
            i = nearest_plain(w, c, shape, columns, surface, before, bmu)
            if i is None or columns[i]["phase"] >= 3:
                continue
            root = columns[i]["root"]
            head = layers[row_of[root]]
            along, away = depth_below(w, root, columns[i]["normal"], shape)
            depth = head[2] + head[3] + (along - 1) * spacing_um
            if bmu[w] < 0:
                new.append([w, i, depth, matrix[w] * spacing_um])
                bmu[w] = column["site"]
                continue
            if away < past:
                other[1], other[2] = i, depth
    return layers, new


def sink_plain(owner, amount_um, area_um2, level_um):
    """Levels after every owner took amount x area from the highest columns first, by bisection on the common floor."""
    after = list(level_um)
    for one in set(owner):
        own = [i for i, o in enumerate(owner) if o == one]
        asked = sum(amount_um[i] * area_um2[i] for i in own)
        low, high = min(level_um[i] for i in own), max(level_um[i] for i in own) + asked
        for _ in range(80):
            floor = 0.5 * (low + high)
            taken = sum(max(floor - level_um[i], 0) * area_um2[i] for i in own)
            low, high = (floor, high) if taken < asked else (low, floor)
        for i in own:
            after[i] = max(after[i], high)
    return after


def floor_plain(root, below_um, normal, reach_um, spacing_um, shape, matrix):
    """True where bone lies within reach of the bottom of a column, or the bottom lies beyond a face of the block."""
    bottom = np.array(np.unravel_index(root, shape)) + np.asarray(normal, float) * (below_um / spacing_um)
    if (bottom < 0).any() or (bottom > np.array(shape) - 1).any():
        return True
    bone = np.argwhere(matrix.reshape(shape) >= 0.5)
    distance_um = np.linalg.norm(bone - bottom, axis=1) * spacing_um
    return bool((distance_um <= reach_um + 0.5 * spacing_um).any())


def mineralize_plain(block, day, lag, primary, rate, full):
    """One day of mineralization of a flat block, voxel by voxel; changes the block."""
    own = amounts(block)
    for v, whole in enumerate(own["matrix"]):
        if whole == 0:
            continue
        soft, enter = own["osteoid"][v], 0
        age = 2 * (day - float(block["osteoid_day"][v]))
        if soft > 0 and age > lag:
            enter = min(math.ceil(soft * (1 - lag / age)), soft)
            hard, born = whole - soft, float(block["born_day"][v])
            block["born_day"][v] = (born * hard + (day - (age + lag) / 2) * enter) / (hard + enter)
            block["osteoid_day"][v] = day - lag / 2
            block["osteoid"][v] = (soft - enter) / UNIT
        before = own["mineral"][v] / MINERAL_UNIT
        goal = full * (whole - soft + enter) / UNIT
        start = before + primary * full * enter / UNIT
        after = goal + (start - goal) * math.exp(-rate)
        block["mineral"][v] = round(max(after, before) * MINERAL_UNIT) / MINERAL_UNIT
