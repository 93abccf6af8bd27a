"""Plain twins of the formation kernels: osteoblast deposits as Python numbers, cell by cell."""

from __future__ import annotations

import math

import numpy as np
from turnover_plain import AROUND, FACES, UNIT, add_plain, neighbors

FORMATION, FLOOR = 4, 1
WITH_SELF = sorted([*AROUND, (0, 0, 0)])


def share_plain(deposit_um3, own_column, voxel_um3, columns):
    """Inbox of every column, 2^-24 voxel; columns : list of dicts level, start, phase, floor, site, area."""
    inbox = [0] * len(columns)
    weight = [
        max(c["level"] - c["start"], 0) ** 2 * c["area"] * ((c["phase"], c["floor"]) == (FORMATION, FLOOR))
        for c in columns
    ]
    for site in {column["site"] for column in columns}:
        own = [c for c, column in enumerate(columns) if column["site"] == site]
        total, laid = sum(weight[c] for c in own), 0
        for deposit, column in zip(deposit_um3, own_column, strict=True):
            if columns[column]["site"] == site and total > 0:
                laid += int(float(deposit) / voxel_um3 * UNIT)
            elif columns[column]["site"] == site:
                inbox[column] += int(float(deposit) / voxel_um3 * UNIT)
        for c in own:
            inbox[c] += int(laid * (weight[c] / total)) if total > 0 else 0
    return inbox


def pass_on_plain(voxel_um3, columns, inbox):
    """Inboxes after every site handed the excess of its full columns to those that have room."""
    inbox = list(inbox)
    left = {}
    for c, column in enumerate(columns):
        if (column["phase"], column["floor"]) == (FORMATION, FLOOR):
            holds = max(column["level"] - column["start"], 0.0) * column["area"] / voxel_um3 * UNIT
            left[c] = int(holds) - inbox[c]
    for site in {column["site"] for column in columns}:
        own = [c for c in left if columns[c]["site"] == site]
        room = sum(left[c] for c in own if left[c] > 0)
        excess = -sum(left[c] for c in own if left[c] < 0)
        if room and excess:
            for c in own:
                inbox[c] += int(min(room, excess) * (left[c] / (room if left[c] > 0 else excess)))
    return inbox


def room_plain(column, spacing_um, shape, columns, layers, matrix, bmu):
    """Flat index of the best voxel for new matrix around the root of a full column, else up to three voxels above."""
    root = np.array(np.unravel_index(column["root"], shape))
    for step in range(4):
        center = np.rint(root - step * np.asarray(column["normal"], np.float32)).astype(int)
        if (center < 0).any() or (center >= shape).any():
            return None
        place = room_near_plain(
            int(np.ravel_multi_index(center, shape)), column, spacing_um, shape, columns, layers, matrix, bmu
        )
        if place is not None:
            return place
    return None


def room_near_plain(center, column, spacing_um, shape, columns, layers, matrix, bmu):
    """Flat index of the best voxel around a voxel above a full column for new matrix, or None.

    score = outward - 0.15 (|step|^2 - 1) + 0.3 f + 0.25 sum of f on the six faces, the root itself 1.5 + filled;
    full voxels, other sites and layers that are open or not yet settled have no room; below 0.2 nothing fits
    """
    row_of = {layer[0]: layer for layer in layers}
    best, place = 0.2, None
    for w, step in neighbors(center, shape, WITH_SELF):
        if matrix[w] >= 1:
            continue
        if bmu[w] >= 0:
            layer = row_of.get(w)
            if bmu[w] != column["site"] or layer is None or columns[layer[1]]["level"] > layer[2] + 1e-4:
                continue
            if matrix[w] < layer[3] / spacing_um - 1e-4:
                continue
        here = np.unravel_index(w, shape)
        faces = [np.clip(np.add(here, face), 0, np.array(shape) - 1) for face in FACES]
        filled = 0.3 * float(matrix[w]) + 0.25 * sum(float(matrix.reshape(shape)[tuple(face)]) for face in faces)
        square = sum(s * s for s in step)
        along = float(np.dot(step, column["normal"]))
        score = 1.5 + filled if square == 0 else filled - along / math.sqrt(square) - 0.15 * (square - 1)
        if score > best:
            best, place = score, w
    return place


def settle_inboxes_plain(day, spacing_um, inbox, columns, layers, block, shape, own):
    """Levels rise by their inboxes, the rest goes into at most four voxels around; returns the amount without room.

    columns, layers and block are changed; own : integer amounts of the block
    """
    unplaced = 0.0
    for c, column in enumerate(columns):
        if inbox[c] <= 0:
            continue
        rise = inbox[c] / UNIT * spacing_um**3 / column["area"]
        fits = min(rise, max(column["level"] - column["start"], 0))
        column["level"] -= fits
        rest = (rise - fits) * column["area"] / spacing_um**3
        stack = (spacing_um, shape, columns, layers, block["matrix"], block["bmu"])
        for _ in range(4):
            w = room_plain(column, *stack) if rest * UNIT >= 1 else None
            goal = 0 if w is None else round(min(float(block["matrix"][w]) + rest, 1) * UNIT)
            if w is None or goal <= own["matrix"][w]:
                break
            added = add_plain(own, block["osteoid_day"], w, goal, day)
            block["matrix"][w] = goal / UNIT
            rest -= added / UNIT
            for layer in layers:
                if layer[0] == w:
                    layer[2] -= added / UNIT * spacing_um
                    layer[3] += added / UNIT * spacing_um
                    columns[layer[1]]["level"] = min(columns[layer[1]]["level"], layer[2])
        unplaced += rest
    return unplaced
