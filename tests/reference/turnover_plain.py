"""Plain twins of the turnover kernels: dictionaries of integer amounts, one voxel at a time."""

from __future__ import annotations

import math

import numpy as np

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


def settle_plain(own, osteoid_day, layers, level_um, day, spacing_um):
    """f = clip(top + thick - d, 0, thick) / h for every layer; returns {column: [resorbed, formed]}."""
    moved = {c: [0, 0] for c in range(len(level_um))}
    for v, c, top, thick in layers:
        goal = round(min(min(max(top + thick - level_um[c], 0), thick) / spacing_um, 1) * UNIT)
        if goal < own["matrix"][v]:
            moved[c][0] += remove_plain(own, v, goal)
        elif goal > own["matrix"][v]:
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


def claim_plain(center, quota_um2, reach_um, spacing_um, shape, surface, bmu):
    """Rows of quiescent surface of the same side, nearest first, until at most half of the next one fits."""
    voxel, normal, area = surface
    own = normal[list(voxel).index(center)]
    here = np.array(np.unravel_index(center, shape))
    steps = np.stack(np.unravel_index(voxel, shape), axis=1) - here
    distance = (steps**2).sum(axis=1) * spacing_um**2
    near = [r for r in range(len(voxel)) if bmu[voxel[r]] < 0 and distance[r] <= reach_um**2]
    near = sorted((r for r in near if normal[r].astype(float) @ own >= 0.2), key=lambda r: distance[r])
    taken, total = [], 0.0
    for row in near:
        if taken and total + 0.5 * float(area[row]) > quota_um2:
            break
        taken.append(row)
        total += float(area[row])
    return taken, total


def partial_above_plain(roots, shape, matrix, bmu):
    """(voxel, index of its root) of unclaimed partial matrix on the faces of the roots; the first root takes it."""
    found = {}
    for i, root in enumerate(roots):
        for w, _ in neighbors(root, shape, FACES):
            if 0 < matrix[w] < 0.5 and bmu[w] == -1:
                found.setdefault(w, i)
    return list(found.items())


def grow_plain(spacing_um, shape, layers, columns, matrix, bmu):
    """New layers under the front, and the layers afterwards; layers : list of [voxel, column, top, thick].

    columns : list of dicts with level, phase, site, root, normal; returns (layers, new layers)
    """
    layers, new, bmu = [list(layer) for layer in layers], [], bmu.copy()
    row_of = {layer[0]: row for row, layer in enumerate(layers)}
    for layer in layers:
        v, c, top, thick = layer
        column = columns[c]
        if column["phase"] not in (1, 2) or column["level"] < top + thick - spacing_um:
            continue
        for w, _ in neighbors(v, shape, AROUND):
            offset = np.subtract(np.unravel_index(w, shape), np.unravel_index(column["root"], shape))
            along = float(np.dot(offset, column["normal"]))
            aside = float(np.linalg.norm(offset - along * np.asarray(column["normal"])))
            if matrix[w] <= 0 or along < 0.5 or aside > 0.87:
                continue
            first = next(entry[2] + entry[3] for entry in layers if entry[0] == column["root"])
            depth = first + (along - 1) * spacing_um
            if bmu[w] < 0:
                new.append([w, layer[1], depth, matrix[w] * spacing_um])
                bmu[w] = column["site"]
            elif bmu[w] == column["site"] and w in row_of:
                other = layers[row_of[w]]
                root_or_above = columns[other[1]]["root"] == w or other[2] <= 0
                if not root_or_above and depth < other[2] - 0.1 and columns[other[1]]["level"] <= other[2]:
                    other[1], other[2] = layer[1], depth
    return layers, new


def floor_plain(root, end_um, normal, reach_um, spacing_um, shape, matrix):
    """True where bone lies within reach of the bottom of a column, or the bottom lies beyond a face of the block."""
    bottom = np.array(np.unravel_index(root, shape)) + np.asarray(normal, float) * (end_um / spacing_um - 0.5)
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
