"""Mesh of a voxel volume: node numbers, segments of voxels, modulus columns, fields carried over to a new mesh.

A node row is all nodes with the same (z, y); rows are numbered z (Y + 1) + y. Nodes are numbered in z, y, x order.
"""

from __future__ import annotations

import numpy as np

from . import kernel
from .lanes import LANES, add_lanes
from .voxel_fe import SEGMENT_VOXELS

_ONE = np.uint64(1)


@kernel
def mark_bone(first, last, modulus, bone):
    """bone (Z, Y, X) uint8 = 1 where modulus > 0, else 0; planes first..last-1."""
    bone[first:last] = modulus[first:last] > 0


@kernel
def mark_row(bone, z, y, row):
    """row[x] = 1 where node (z, y, x) belongs to a bone voxel, else 0; returns the number of ones."""
    depth, height, width = bone.shape
    row[:] = 0
    for voxel_z in range(max(z - 1, 0), min(z + 1, depth)):
        for voxel_y in range(max(y - 1, 0), min(y + 1, height)):
            voxels = bone[voxel_z, voxel_y]
            for x in range(np.uint64(width)):
                row[x + _ONE] |= voxels[x]
    total = np.int64(0)
    for x in range(np.uint64(width)):
        row[x] |= row[x + _ONE]
        total += row[x]
    return total + row[width]


@kernel
def count_nodes(first, last, bone, row_count):
    """row_count[row] = number of nodes of the node rows of planes first..last-1."""
    _, height, width = bone.shape
    row = np.empty(width + 1, np.uint8)
    for z in range(first, last):
        for y in range(height + 1):
            row_count[z * (height + 1) + y] = mark_row(bone, z, y, row)


@kernel
def number_nodes(first, last, bone, row_start, node_x, index):
    """Write node_x (nodes,), the x of every node, and index (Z+1, Y+1, X+1), its number or -1 where there is none."""
    _, height, width = bone.shape
    row = np.empty(width + 1, np.uint8)
    for z in range(first, last):
        for y in range(height + 1):
            mark_row(bone, z, y, row)
            node = row_start[z * (height + 1) + y]
            numbers = index[z, y]
            for x in range(width + 1):
                numbers[x] = -1
                if row[x]:
                    numbers[x] = node
                    node_x[node] = x
                    node += 1


@kernel
def fill_index(first, last, row_start, node_x, index):
    """Node numbers (Z+1, Y+1, X+1), -1 where there is none, from the rows of planes first..last-1."""
    height = index.shape[1]
    for z in range(first, last):
        index[z] = -1
        for y in range(height):
            for node in range(row_start[z * height + y], row_start[z * height + y + 1]):
                index[z, y, node_x[node]] = node


@kernel
def count_segments(first, last, bone, plane_count):
    """plane_count[z] = (segments, voxels) of voxel planes first..last-1."""
    _, height, width = bone.shape
    for z in range(first, last):
        segments, voxels = 0, 0
        for y in range(height):
            length = 0
            for x in range(width):
                length = 0 if not bone[z, y, x] or length == SEGMENT_VOXELS else length
                length += bone[z, y, x]
                segments += length == 1 and bone[z, y, x] != 0
                voxels += bone[z, y, x]
        plane_count[z, 0] = segments
        plane_count[z, 1] = voxels


@kernel
def fill_segments(first, last, bone, index, plane_segment, nodes, length, voxel):
    """Write the segments of voxel planes first..last-1: four start nodes, length, flat number of the first voxel."""
    _, height, width = bone.shape
    for z in range(first, last):
        segment = plane_segment[z] - 1
        for y in range(height):
            count = 0
            for x in range(width):
                if not bone[z, y, x]:
                    count = 0
                    continue
                if count == 0 or count == SEGMENT_VOXELS:
                    segment += 1
                    count = 0
                    nodes[segment, 0], nodes[segment, 1] = index[z, y, x], index[z, y + 1, x]
                    nodes[segment, 2], nodes[segment, 3] = index[z + 1, y, x], index[z + 1, y + 1, x]
                    voxel[segment] = (z * height + y) * width + x
                count += 1
                length[segment] = count


@kernel
def fill_columns(first, last, modulus, edge, plane_segment, length, voxel, columns):
    """columns = modulus times voxel edge along the segments of planes first..last-1, 0 where there is no voxel."""
    flat = modulus.reshape(-1)
    for segment in range(plane_segment[first], plane_segment[last]):
        count, start, column = np.int64(length[segment]), voxel[segment], LANES * segment
        for j in range(LANES):
            columns[column + j] = flat[start + j] * edge if j < count else 0


@kernel
def add_corner_modulus(first, last, parity, nodes, columns, slab_segment, slab_node, out):
    """out[node] = sum of the moduli of the voxels at the node, on slabs 2 i + parity; parity 0 first, then 1."""
    both = np.zeros(LANES, columns.dtype)
    for block in range(first, last):
        slab = 2 * block + parity
        out[slab_node[slab, 0] : slab_node[slab, 1]] = 0
        for segment in range(slab_segment[slab], slab_segment[slab + 1]):
            column = LANES * segment
            both[0] = columns[column]
            for j in range(1, LANES):
                both[j] = columns[column + j] + columns[column + j - 1]
            for corner in range(4):
                add_lanes(out, np.uint64(nodes[segment, corner]), both, np.uint64(0))


@kernel
def carry_over(first, last, height, old_start, old_x, old_field, new_start, new_x, field, known):
    """Copy the field of nodes that existed before; planes first..last-1, `height` node rows per plane.

    old_field, field : (cases, 3, nodes) float32; known (nodes,) uint8 becomes 0 where copied, 255 where the node is new
    """
    for row in range(first * height, last * height):
        old, old_end = old_start[row], old_start[row + 1]
        for new in range(new_start[row], new_start[row + 1]):
            while old < old_end and old_x[old] < new_x[new]:
                old += 1
            known[new] = 255
            if old < old_end and old_x[old] == new_x[new]:
                known[new] = 0
                for case in range(field.shape[0]):
                    for component in range(3):
                        field[case, component, new] = old_field[case, component, old]


@kernel
def fill_from_neighbors(first, last, sweep, row_start, node_x, index, field, known):
    """Give new nodes the mean of those of their 26 neighbors that were known before this sweep (1, 2, ...)."""
    depth, height, width = index.shape
    for row in range(first * height, last * height):
        z, y = row // height, row % height
        for node in range(row_start[row], row_start[row + 1]):
            if known[node] != 255:
                continue
            x = node_x[node]
            total = np.zeros((field.shape[0], 3))
            count = 0
            for neighbor_z in range(max(z - 1, 0), min(z + 2, depth)):
                for neighbor_y in range(max(y - 1, 0), min(y + 2, height)):
                    for neighbor_x in range(max(x - 1, 0), min(x + 2, width)):
                        neighbor = index[neighbor_z, neighbor_y, neighbor_x]
                        if neighbor >= 0 and known[neighbor] < sweep:
                            count += 1
                            total += field[:, :, neighbor]
            if count > 0:
                field[:, :, node] = total / count
                known[node] = sweep


@kernel
def add_affine(first, last, height, row_start, node_x, strain, factor, field):
    """field += factor strain x at the nodes of planes first..last-1; strain (3, 3) in z, y, x, lengths in voxels."""
    for row in range(first * height, last * height):
        z, y = row // height, row % height
        for node in range(row_start[row], row_start[row + 1]):
            x = node_x[node]
            for i in range(3):
                field[i, node] += factor * (strain[i, 0] * z + strain[i, 1] * y + strain[i, 2] * x)
