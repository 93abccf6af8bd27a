"""Mesh of a voxel volume: node numbers, runs of voxels, modulus columns, the next coarser volume.

A node row is all nodes with the same (z, y); rows are numbered z (Y + 1) + y. Nodes are numbered in z, y, x order.
"""

from __future__ import annotations

import numpy as np

from . import kernel
from .voxel_fe import BATCH


@kernel
def mark_row(modulus, z, y, row):
    """row[x] = 1 where node (z, y, x) belongs to a voxel with modulus > 0, else 0; returns the number of ones."""
    depth, height, width = modulus.shape
    row[:] = 0
    for voxel_z in range(max(z - 1, 0), min(z + 1, depth)):
        for voxel_y in range(max(y - 1, 0), min(y + 1, height)):
            for x in range(width):
                if modulus[voxel_z, voxel_y, x] > 0:
                    row[x] = 1
                    row[x + 1] = 1
    return row.sum()


@kernel
def count_nodes(first, last, modulus, row_count):
    """row_count[row] = number of nodes of the node rows of planes first..last-1."""
    _, height, width = modulus.shape
    row = np.empty(width + 1, np.uint8)
    for z in range(first, last):
        for y in range(height + 1):
            row_count[z * (height + 1) + y] = mark_row(modulus, z, y, row)


@kernel
def number_nodes(first, last, modulus, row_start, node_x, index):
    """Write node_x (nodes,), the x of every node, and index (Z+1, Y+1, X+1), its number or -1 where there is none."""
    _, height, width = modulus.shape
    row = np.empty(width + 1, np.uint8)
    for z in range(first, last):
        for y in range(height + 1):
            mark_row(modulus, z, y, row)
            node = row_start[z * (height + 1) + y]
            for x in range(width + 1):
                index[z, y, x] = -1
                if row[x]:
                    index[z, y, x] = node
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
def count_runs(first, last, modulus, plane_count):
    """plane_count[z] = (runs, voxels) of voxel planes first..last-1; a run holds at most BATCH - 1 voxels."""
    _, height, width = modulus.shape
    for z in range(first, last):
        runs, voxels = 0, 0
        for y in range(height):
            length = 0
            for x in range(width):
                if modulus[z, y, x] > 0:
                    if length == 0 or length == BATCH - 1:
                        runs += 1
                        length = 0
                    length += 1
                    voxels += 1
                else:
                    length = 0
        plane_count[z, 0] = runs
        plane_count[z, 1] = voxels


@kernel
def fill_runs(first, last, modulus, index, plane_run, run_nodes, run_length, run_voxel):
    """Write the runs of voxel planes first..last-1: four start nodes, length, flat number of the first voxel."""
    _, height, width = modulus.shape
    for z in range(first, last):
        run = plane_run[z] - 1
        for y in range(height):
            length = 0
            for x in range(width):
                if not modulus[z, y, x] > 0:
                    length = 0
                    continue
                if length == 0 or length == BATCH - 1:
                    run += 1
                    length = 0
                    run_nodes[run, 0], run_nodes[run, 1] = index[z, y, x], index[z, y + 1, x]
                    run_nodes[run, 2], run_nodes[run, 3] = index[z + 1, y, x], index[z + 1, y + 1, x]
                    run_voxel[run] = (z * height + y) * width + x
                length += 1
                run_length[run] = length


@kernel
def fill_columns(first, last, modulus, edge, plane_run, plane_column, run_length, run_voxel, columns):
    """columns = modulus times voxel edge along the runs of planes first..last-1, 0 in the last column of a run."""
    flat = modulus.reshape(-1)
    for z in range(first, last):
        column = plane_column[z]
        for run in range(plane_run[z], plane_run[z + 1]):
            for j in range(run_length[run]):
                columns[column + j] = flat[run_voxel[run] + j] * edge
            column += run_length[run]
            columns[column] = 0
            column += 1


@kernel
def add_corner_modulus(first, last, slab_of_block, run_nodes, run_length, columns, slab_run, slab_column, out):
    """out[node] += modulus of every voxel at the node, for the slabs slab_of_block[first..last-1]."""
    for block in range(first, last):
        slab = slab_of_block[block]
        column = slab_column[slab]
        for run in range(slab_run[slab], slab_run[slab + 1]):
            for j in range(run_length[run]):
                modulus = columns[column + j]
                for corner in range(4):
                    node = np.int64(run_nodes[run, corner]) + j
                    out[node] += modulus
                    out[node + 1] += modulus
            column += run_length[run] + 1


@kernel
def coarsen(first, last, modulus, coarse):
    """coarse = mean of the 8 children (outside the volume and void count 0), planes first..last-1 of coarse."""
    depth, height, width = modulus.shape
    for z in range(first, last):
        coarse[z] = 0
        for child_z in range(2 * z, min(2 * z + 2, depth)):
            for child_y in range(height):
                for child_x in range(width):
                    coarse[z, child_y // 2, child_x // 2] += modulus[child_z, child_y, child_x] * np.float32(0.125)


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
