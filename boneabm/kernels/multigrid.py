"""Vector work of the multigrid-preconditioned conjugate gradients: smoother, transfers, sums.

Vectors are (3, size) arrays; sums are taken in CHUNKS fixed chunks, one float64 each, so that the number of threads
changes no bit. Coarse node (z, y, x) lies on fine node (2 z, 2 y, 2 x); transfers are trilinear.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from .voxel_fe import SOLVER_MATH, solver_kernel

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
    half = np.float32(0.5) * weight
    for node in range(low, high):
        x = node_x[node]
        r0, r1 = load[0, node] - product[0, node], load[1, node] - product[1, node]
        r2 = load[2, node] - product[2, node]
        left, right = parents[sheet[node], x >> 1], parents[sheet[node], (x + 1) >> 1]
        out[0, left] += half * r0
        out[1, left] += half * r1
        out[2, left] += half * r2
        out[0, right] += half * r0
        out[1, right] += half * r1
        out[2, right] += half * r2


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
