"""The next coarser mesh, cut where the bone is cut.

Two trabeculae that pass through one coarse cell, or through neighboring ones, without touching must not be glued
together by the coarse mesh: their relative motion could then only be found by the slow finest level. So

1. fine cells of one coarse cell that are joined by fine nodes become one copy of that coarse cell (`group_cells`);
2. corners of different copies are the same coarse node only where a fine node hangs on both (`merge_corners`);
3. copies that claim different nodes at one place go to different sheets, lattices stacked along z (`place_copies`);
   what is one node but lies on several sheets is tied (`tie_nodes`).

On a stack of sheets every kernel of the lattice works as it is; a tie is a pair of node numbers.
Idea: Dick, Georgii, Westermann, IEEE Trans Vis Comput Graph 17:1663 (2011), doi 10.1109/TVCG.2010.268.

A fine cell is a voxel of a segment; cells are counted along the segments. `frame` is (planes, height, width), the nodes
of one sheet along z, y, x; `master` (size,) gives for every node the node that it is tied to, itself where it is free.
"""

from __future__ import annotations

import numpy as np

from . import kernel
from .pieces import root

MOST_SHEETS = 64
"""Copies for which no sheet is free are glued to others on the last one: slower, not wrong."""


@kernel
def cell_place(voxel, frame):
    """Position z, y, x of a voxel of a stack of sheets in its own sheet."""
    planes, height, width = frame
    row = voxel // (width - 1)
    return (row // (height - 1)) % planes, row % (height - 1), voxel % (width - 1)


@kernel
def join(parent, a, b):
    """Make two members one set; the smaller root stays."""
    a, b = root(parent, a), root(parent, b)
    parent[max(a, b)] = min(a, b)


@kernel
def number_copies(length, voxel, frame, parent, copy, copy_place):
    """Number the copies of coarse cells in the order of their first fine cell; returns how many there are.

    parent     : (cells,) sets of cells; or of size 0, then all fine cells of a coarse cell are one copy
    copy       : (cells,) int32, number of the copy of every cell
    copy_place : (cells, 3) int32, coarse position of every copy (the first entries)
    """
    planes, height, width = frame
    number = np.full((planes // 2 + 1, height // 2 + 1, width // 2 + 1), -1, np.int32)
    cell, copies = 0, 0
    for segment in range(length.size):
        z, y, x = cell_place(voxel[segment], frame)
        for j in range(length[segment]):
            cz, cy, cx = z >> 1, y >> 1, (x + j) >> 1
            first = root(parent, cell) if parent.size else cell
            known = copy[first] if parent.size and first < cell else number[cz, cy, cx]
            if (parent.size and first == cell) or known < 0:
                known = copies
                number[cz, cy, cx] = known
                copy_place[known, 0], copy_place[known, 1], copy_place[known, 2] = cz, cy, cx
                copies += 1
            copy[cell] = known
            cell += 1
    return copies


@kernel
def group_cells(nodes, length, voxel, frame, master, parent):
    """Join the fine cells of a coarse cell that have a node in common."""
    parent[:] = np.arange(parent.size)
    seen = np.full((master.size, 8), -1, np.int32)  # the first cell at a node, by the side of the node it lies on
    cell = 0
    for segment in range(length.size):
        z, y, x = cell_place(voxel[segment], frame)
        for j in range(length[segment]):
            for corner in range(8):
                dz, dy, dx = corner >> 2, (corner >> 1) & 1, corner & 1
                node = master[nodes[segment, corner >> 1] + np.uint32(j + dx)]
                side = 4 * (z & dz) + 2 * (y & dy) + ((x + j) & dx)
                if seen[node, side] < 0:
                    seen[node, side] = cell
                else:
                    join(parent, cell, seen[node, side])
            cell += 1


@kernel
def merge_corners(
    first, last, edges, on_edges, plane_segment, plane_cell, nodes, length, voxel, frame, master, copy, copy_place,
    first_copy, done, corner_root,
):  # fmt: skip
    """Join the corners of copies that are one coarse node, for the blocks of voxel planes first..last-1.

    edges      : even planes where blocks begin and end; blocks have no coarse cell in common
    on_edges   : False: all nodes but those of the planes between blocks, which touch two; True: only those, afterwards
    first_copy : (size,) int32, -1 before the first call: first copy that a node was found in
    done       : (size,) uint8, 0 before: sides of the node whose copies are joined already
    """
    for block in range(first, last):
        low = edges[block] if block > 0 else -1
        high = edges[block + 1] if block + 2 < edges.size else -1
        for plane in range(edges[block], edges[block + 1]):
            if on_edges and plane != low and plane + 1 != high:
                continue
            cell = plane_cell[plane]
            for segment in range(plane_segment[plane], plane_segment[plane + 1]):
                z, y, x = cell_place(voxel[segment], frame)
                for j in range(length[segment]):
                    for corner in range(8):
                        dz, dy, dx = corner >> 2, (corner >> 1) & 1, corner & 1
                        if (z + dz) & (y + dy) & (x + j + dx) & 1:
                            continue  # inside the coarse cell
                        if (plane + dz == low or plane + dz == high) != on_edges:
                            continue
                        node = master[nodes[segment, corner >> 1] + np.uint32(j + dx)]
                        side = np.uint8(1 << (4 * (z & dz) + 2 * (y & dy) + ((x + j) & dx)))
                        if done[node] & side:
                            continue
                        done[node] |= side
                        if first_copy[node] < 0:
                            first_copy[node] = copy[cell]
                        else:
                            place = (z + dz, y + dy, x + j + dx)
                            _join_parents(place, copy[cell], first_copy[node], copy_place, corner_root)
                    cell += 1


@kernel
def flatten(parent):
    """parent[i] = root of the set of i."""
    for i in range(parent.size):
        parent[i] = root(parent, i)


@kernel
def _join_parents(place, one, other, copy_place, corner_root):
    """Make the parents of a fine node the same coarse nodes in both copies."""
    for pz in range(place[0] >> 1, ((place[0] + 1) >> 1) + 1):
        for py in range(place[1] >> 1, ((place[1] + 1) >> 1) + 1):
            for px in range(place[2] >> 1, ((place[2] + 1) >> 1) + 1):
                a = 4 * (pz - copy_place[one, 0]) + 2 * (py - copy_place[one, 1]) + px - copy_place[one, 2]
                b = 4 * (pz - copy_place[other, 0]) + 2 * (py - copy_place[other, 1]) + px - copy_place[other, 2]
                if corner_root[8 * one + a] != corner_root[8 * other + b]:
                    join(corner_root, 8 * one + a, 8 * other + b)


@kernel
def place_copies(copy_place, frame, corner_root, sheet):
    """Put every copy on the first sheet where its corners are free or its own; frame is that of the coarse level.

    sheet : (copies,) uint8; returns the number of sheets
    """
    planes, height, width = frame
    occupant = np.full((1, planes, height, width), -1, np.int32)
    sheets = 1
    for copy in range(sheet.size):
        z, y, x = copy_place[copy, 0], copy_place[copy, 1], copy_place[copy, 2]
        corners = corner_root[8 * copy : 8 * copy + 8]
        for s in range(MOST_SHEETS):
            if s == sheets:
                more = np.full((sheets + 1, planes, height, width), -1, np.int32)
                more[:sheets] = occupant
                occupant = more
                sheets += 1
            fits = True
            for corner in range(8):
                there = occupant[s, z + (corner >> 2), y + ((corner >> 1) & 1), x + (corner & 1)]
                fits = fits and (there < 0 or there == corners[corner])
            if fits or s == MOST_SHEETS - 1:
                for corner in range(8):
                    occupant[s, z + (corner >> 2), y + ((corner >> 1) & 1), x + (corner & 1)] = corners[corner]
                sheet[copy] = s
                break
    return sheets


@kernel
def tie_nodes(copy_place, sheet, corner_root, frame, index, master):
    """Write master (size,) of the coarse mesh; index : its dense node numbers (stacked planes, height, width)."""
    planes = frame[0]
    node_of_root = np.full(corner_root.size, -1, np.int32)
    master[:] = np.arange(master.size)
    for copy in range(sheet.size):
        z, y, x = copy_place[copy, 0], copy_place[copy, 1], copy_place[copy, 2]
        for corner in range(8):
            node = index[sheet[copy] * planes + z + (corner >> 2), y + ((corner >> 1) & 1), x + (corner & 1)]
            known = node_of_root[corner_root[8 * copy + corner]]
            if known < 0:
                node_of_root[corner_root[8 * copy + corner]] = node
            elif known != node:
                join(master, known, node)
    for node in range(master.size):
        master[node] = root(master, node)


@kernel
def target_voxels(copy, copy_place, sheet, frame, target):
    """target (cells,) = flat voxel of the coarse stack of sheets that every fine cell belongs to."""
    planes, height, width = frame
    for cell in range(copy.size):
        z, y, x = copy_place[copy[cell], 0], copy_place[copy[cell], 1], copy_place[copy[cell], 2]
        target[cell] = ((sheet[copy[cell]] * planes + z) * (height - 1) + y) * (width - 1) + x


@kernel
def node_sheets(nodes, length, copy, sheet, out):
    """out (size,) uint8 = sheet on which the parents of every fine node are found."""
    cell = 0
    for segment in range(length.size):
        for j in range(length[segment]):
            for row in range(4):
                out[nodes[segment, row] + np.uint32(j)] = sheet[copy[cell]]
                out[nodes[segment, row] + np.uint32(j + 1)] = sheet[copy[cell]]
            cell += 1


@kernel
def coarse_moduli(columns, length, scale, target, out):
    """out += scale times the columns (modulus times edge) of the fine cells of every coarse cell; flat, float32."""
    lanes = columns.size // length.size
    cell = 0
    for segment in range(length.size):
        for j in range(length[segment]):
            out[target[cell]] += scale * columns[segment * lanes + j]
            cell += 1


@kernel
def sync_ties(alias, master, vector):
    """vector[alias] = vector[master], (3, size)."""
    for component in range(3):
        row = vector[component]
        for i in range(alias.size):
            row[alias[i]] = row[master[i]]


@kernel
def fold_ties(alias, master, vector):
    """vector[master] += vector[alias], vector[alias] = 0; (components, size)."""
    for component in range(vector.shape[0]):
        row = vector[component]
        for i in range(alias.size):
            row[master[i]] += row[alias[i]]
            row[alias[i]] = 0
