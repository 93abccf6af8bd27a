"""Vector work of the multigrid-preconditioned conjugate gradients: smoother, transfers, sums.

Vectors are (3, size) arrays; sums are taken in CHUNKS fixed chunks, one float64 each, so that the number of threads
changes no bit. Coarse node (z, y, x) lies on fine node (2 z, 2 y, 2 x); transfers are trilinear.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from .voxel_fe import SOLVER_MATH, apply, solver_kernel
from .voxel_fe_sheets import fold_ties, sync_ties

CHUNKS = 128


@solver_kernel
def clear_at(first, last, vector, fixed):
    """vector = 0 at the flat places `fixed` (uint32) of chunks first..last-1: prescribed displacements stay."""
    flat = vector.reshape(-1)
    for i in range(first * fixed.size // CHUNKS, last * fixed.size // CHUNKS):
        flat[fixed[i]] = 0


@solver_kernel
def smooth_first(first, last, inverse_diagonal, scale, load, x, step):
    """First Chebyshev step from x = 0: x = step = scale D^-1 load."""
    nodes = x.shape[1]
    low, high = np.uint64(first * nodes // CHUNKS), np.uint64(last * nodes // CHUNKS)
    for component in range(3):
        x_row, step_row, load_row = x[component], step[component], load[component]
        for i in range(low, high):
            value = scale * inverse_diagonal[i] * load_row[i]
            x_row[i] = value
            step_row[i] = value


@solver_kernel
def smooth_next(first, last, inverse_diagonal, momentum, scale, load, product, x, step):
    """Chebyshev step: step = momentum step + scale D^-1 (load - product), x += step, with product = K x."""
    nodes = x.shape[1]
    low, high = np.uint64(first * nodes // CHUNKS), np.uint64(last * nodes // CHUNKS)
    for component in range(3):
        x_row, step_row, load_row, product_row = x[component], step[component], load[component], product[component]
        for i in range(low, high):
            value = momentum * step_row[i] + scale * inverse_diagonal[i] * (load_row[i] - product_row[i])
            step_row[i] = value
            x_row[i] += value


@solver_kernel
def apply_whole(x, out, bone, numbers, ties, fixed):
    """out = K x, 0 at the fixed places, on all slabs by one thread: one call from Python instead of five.

    Coarse meshes are so small, and visited so often, that calling costs as much as computing.

    bone : (nodes, modulus, slab_segment, slab_node) and numbers as in `voxel_fe.apply`; ties : (alias, master)
    """
    nodes, modulus, slab_segment, slab_node = bone
    alias, master = ties
    slabs = slab_node.shape[0]
    sync_ties(alias, master, x)
    apply(0, (slabs + 1) // 2, 0, x, out, nodes, modulus, slab_segment, slab_node, numbers)
    apply(0, slabs // 2, 1, x, out, nodes, modulus, slab_segment, slab_node, numbers)
    fold_ties(alias, master, out)
    clear_at(0, CHUNKS, out, fixed)


@solver_kernel
def smooth_whole(steps, inverse_diagonal, load, x, step, product, bone, numbers, ties, fixed):
    """Chebyshev steps (momentum, scale) from x as it is, by one thread; the rest as in `apply_whole`."""
    for i in range(steps.shape[0]):
        apply_whole(x, product, bone, numbers, ties, fixed)
        smooth_next(0, CHUNKS, inverse_diagonal, steps[i, 0], steps[i, 1], load, product, x, step)


@solver_kernel
def restrict(first, last, load, product, fine, row_start, node_x, sheet, coarse, coarse_row_start, index, out):
    """out = P^T (load - product) on the coarse node planes first..last-1 of all sheets.

    fine, coarse : (node planes, node rows of a plane) of one sheet of the two meshes
    sheet        : (size,) uint8, sheet on which the parents of a fine node lie
    index        : coarse node numbers (all planes, rows, x)
    A coarse plane gathers up to three fine planes of every fine sheet.
    """
    planes, height = fine
    for z in range(first, last):
        for plane in range(z, index.shape[0], coarse[0]):
            out[:, coarse_row_start[plane * coarse[1]] : coarse_row_start[(plane + 1) * coarse[1]]] = 0
        for start in range(0, (row_start.size - 1) // height, planes):
            for fine_z in range(max(2 * z - 1, 0), min(2 * z + 2, planes)):
                for fine_y in range(height):
                    weight = np.float32(1.0) / np.float32((1 + (fine_z & 1)) * (1 + (fine_y & 1)))
                    row = (start + fine_z) * height + fine_y
                    for y in range(fine_y >> 1, ((fine_y + 1) >> 1) + 1):
                        _restrict_row(
                            load, product, row_start[row], row_start[row + 1], node_x, sheet, weight,
                            index[z :: coarse[0], y], out,
                        )  # fmt: skip


@solver_kernel
def _restrict_row(load, product, low, high, node_x, sheet, weight, parents, out):
    """Add the residual of a fine row to its parents; what goes to one parent in a row is kept aside meanwhile."""
    if low == high:
        return
    half = np.float32(0.5) * weight
    load_0, load_1, load_2 = load[0], load[1], load[2]
    product_0, product_1, product_2 = product[0], product[1], product[2]
    out_0, out_1, out_2 = out[0], out[1], out[2]
    at = np.int64(parents[sheet[low], node_x[low] >> 1])
    total_0, total_1, total_2 = out_0[at], out_1[at], out_2[at]
    for node in range(np.uint64(low), np.uint64(high)):
        x = node_x[node]
        r0, r1, r2 = load_0[node] - product_0[node], load_1[node] - product_1[node], load_2[node] - product_2[node]
        left, right = parents[sheet[node], x >> 1], parents[sheet[node], (x + 1) >> 1]
        if left != at:
            out_0[at], out_1[at], out_2[at] = total_0, total_1, total_2
            at = np.int64(left)
            total_0, total_1, total_2 = out_0[at], out_1[at], out_2[at]
        total_0 += half * r0
        total_1 += half * r1
        total_2 += half * r2
        if right != at:
            out_0[at], out_1[at], out_2[at] = total_0, total_1, total_2
            at = np.int64(right)
            total_0, total_1, total_2 = out_0[at], out_1[at], out_2[at]
        total_0 += half * r0
        total_1 += half * r1
        total_2 += half * r2
    out_0[at], out_1[at], out_2[at] = total_0, total_1, total_2


@solver_kernel
def prolong(first, last, scale, values, fine, row_start, node_x, sheet, coarse, index, x):
    """x += scale P values on the fine node planes first..last-1 of the stack; arguments as in `restrict`."""
    planes, height = fine
    for plane in range(first, last):
        fine_z = plane % planes
        for fine_y in range(height):
            weight = np.float32(0.5) * scale / np.float32((1 + (fine_z & 1)) * (1 + (fine_y & 1)))
            row = plane * height + fine_y
            for z in range(fine_z >> 1, ((fine_z + 1) >> 1) + 1):
                for y in range(fine_y >> 1, ((fine_y + 1) >> 1) + 1):
                    _prolong_row(
                        values, row_start[row], row_start[row + 1], node_x, sheet, weight, index[z :: coarse[0], y], x
                    )


@solver_kernel
def _prolong_row(values, low, high, node_x, sheet, weight, parents, x):
    for node in range(low, high):
        left, right = parents[sheet[node], node_x[node] >> 1], parents[sheet[node], (node_x[node] + 1) >> 1]
        x[0, node] += weight * (values[0, left] + values[0, right])
        x[1, node] += weight * (values[1, left] + values[1, right])
        x[2, node] += weight * (values[2, left] + values[2, right])


@njit(cache=True, nogil=True, fastmath=SOLVER_MATH | {"reassoc"})
def _dot_chunk(a, b, low, high):
    """Sum of a b over one chunk; the compiler may split it over vector lanes."""
    total = 0.0
    for i in range(low, high):
        total += np.float64(a[i]) * np.float64(b[i])
    return total


@solver_kernel
def dot(first, last, a, b, partial):
    """partial[chunk] = sum of a b over the chunk, flat arrays of any float type, summed in float64."""
    size = a.size
    for chunk in range(first, last):
        partial[chunk] = _dot_chunk(a, b, np.uint64(chunk * size // CHUNKS), np.uint64((chunk + 1) * size // CHUNKS))


@solver_kernel
def advance(first, last, alpha, direction, product, x, residual):
    """x += alpha direction, residual -= alpha product; flat arrays."""
    size = x.size
    for i in range(np.uint64(first * size // CHUNKS), np.uint64(last * size // CHUNKS)):
        x[i] += alpha * direction[i]
        residual[i] -= alpha * product[i]


@solver_kernel
def redirect(first, last, beta, preconditioned, direction):
    """direction = preconditioned + beta direction; flat arrays."""
    size = direction.size
    for i in range(np.uint64(first * size // CHUNKS), np.uint64(last * size // CHUNKS)):
        direction[i] = preconditioned[i] + beta * direction[i]


@solver_kernel
def collect(first, last, correction, x):
    """x += correction, correction = 0; flat arrays."""
    size = x.size
    for i in range(np.uint64(first * size // CHUNKS), np.uint64(last * size // CHUNKS)):
        x[i] += correction[i]
        correction[i] = 0


@solver_kernel
def negate(first, last, source, target):
    """target = -source, converted to the type of target; flat arrays."""
    size = target.size
    for i in range(np.uint64(first * size // CHUNKS), np.uint64(last * size // CHUNKS)):
        target[i] = -source[i]
