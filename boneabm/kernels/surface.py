"""Bone surface: which voxels have one, which way it faces, how large it is.

A surface voxel is BONE (matrix >= 0.5) with a MARROW 6-neighbor inside the block; the cut faces of the block are not
bone surface. The inward normal is the gradient of the matrix averaged over 3x3x3 voxels.
"""

from __future__ import annotations

import math

import numpy as np

from . import kernel, rule

BLOCK = 4096
"""Surface voxels per block of work."""
HALF = np.float32(0.5)
ONE = np.uint64(1)


@rule
def box_sum(matrix, z, y, x):
    """Sum of the matrix fraction over the 3x3x3 voxels around (z, y, x); indices beyond the block repeat its faces."""
    nz, ny, nx = matrix.shape
    total = 0.0
    for a in range(z - 1, z + 2):
        for b in range(y - 1, y + 2):
            for c in range(x - 1, x + 2):
                total += matrix[min(max(a, 0), nz - 1), min(max(b, 0), ny - 1), min(max(c, 0), nx - 1)]
    return total


@rule
def box_gradient(matrix, z, y, x):
    """Differences of `box_sum` two voxels apart along z, y and x; layers that both sums hold are left out.

    Fractions are multiples of 2^-24, so that every sum is exact and its order changes nothing.
    """
    nz, ny, nx = matrix.shape
    if min(z, y, x) < 2 or z >= nz - 2 or y >= ny - 2 or x >= nx - 2:
        gz = box_sum(matrix, z + 1, y, x) - box_sum(matrix, z - 1, y, x)
        gy = box_sum(matrix, z, y + 1, x) - box_sum(matrix, z, y - 1, x)
        return gz, gy, box_sum(matrix, z, y, x + 1) - box_sum(matrix, z, y, x - 1)
    gz, gy, gx = 0.0, 0.0, 0.0
    for step in range(1, 3):
        for a in range(-1, 2):
            for b in range(-1, 2):
                gz += np.float64(matrix[z + step, y + a, x + b]) - matrix[z - step, y + a, x + b]
                gy += np.float64(matrix[z + a, y + step, x + b]) - matrix[z + a, y - step, x + b]
                gx += np.float64(matrix[z + a, y + b, x + step]) - matrix[z + a, y + b, x - step]
    return gz, gy, gx


@rule
def mark_surface(matrix, z, y, out):
    """out[x] = 1 where voxel (z, y, x) is bone with marrow across a face inside the block, else 0; returns the ones.

    out : (X,) uint8
    """
    nz, ny, nx = matrix.shape
    own, below, above = matrix[z, y], matrix[max(z - 1, 0), y], matrix[min(z + 1, nz - 1), y]
    front, back = matrix[z, max(y - 1, 0)], matrix[z, min(y + 1, ny - 1)]
    for x in range(np.uint64(nx)):
        inside = (below[x] >= HALF) & (above[x] >= HALF) & (front[x] >= HALF) & (back[x] >= HALF)
        out[x] = (own[x] >= HALF) & (not inside)
    for x in range(np.uint64(nx - 1)):
        out[x] |= (own[x] >= HALF) & (not own[x + ONE] >= HALF)
    for x in range(np.uint64(nx - 1)):
        out[x + ONE] |= (own[x + ONE] >= HALF) & (not own[x] >= HALF)
    total = np.int64(0)
    for x in range(np.uint64(nx)):
        total += out[x]
    return total


@kernel
def count_surface(first, last, matrix, out_count):
    """Number of surface voxels of each z plane; out_count : (Z,) int64."""
    marks = np.empty(matrix.shape[2], np.uint8)
    for z in range(first, last):
        out_count[z] = 0
        for y in range(matrix.shape[1]):
            out_count[z] += mark_surface(matrix, z, y, marks)


@kernel
def list_surface(first, last, matrix, start, out_voxel):
    """Flat surface voxels in z, y, x order; those of plane z begin at start[z]; out_voxel : (N,) int32."""
    _, ny, nx = matrix.shape
    marks = np.empty(nx, np.uint8)
    for z in range(first, last):
        n = start[z]
        for y in range(ny):
            if mark_surface(matrix, z, y, marks) == 0:
                continue
            for x in range(nx):
                if marks[x]:
                    out_voxel[n] = (z * ny + y) * nx + x
                    n += 1


@rule
def facet(matrix, z, y, x, spacing_um):
    """Inward normal (z, y, x) and raw area of a surface voxel, area = h^2 / max |n_i|, um2.

    max |n_i| is no smaller than 1/sqrt(3)
    """
    gz, gy, gx = box_gradient(matrix, z, y, x)
    length = math.sqrt(gz * gz + gy * gy + gx * gx) + 1e-9
    largest = max(abs(gz), abs(gy), abs(gx)) / length
    return gz / length, gy / length, gx / length, spacing_um * spacing_um / max(largest, 0.577)


@kernel
def surface_geometry(first, last, matrix, spacing_um, voxel, out_normal, out_area_um2):
    """Inward normal and raw area of surface voxels, see `facet`; blocks of BLOCK rows.

    voxel        : (N,) int32, flat index of surface voxels
    out_normal   : (N, 3) float32, unit vector (z, y, x) toward bone
    out_area_um2 : (N,) float32, um2, before the common scale of the block
    """
    _, ny, nx = matrix.shape
    for row in range(first * BLOCK, min(last * BLOCK, voxel.size)):
        v = voxel[row]
        z, y, x = v // (ny * nx), (v // nx) % ny, v % nx
        out_normal[row, 0], out_normal[row, 1], out_normal[row, 2], area = facet(matrix, z, y, x, spacing_um)
        out_area_um2[row] = area


@kernel
def mark_rows(voxel, out_row):
    """Write the row number of every listed voxel into a flat map; out_row : (Z*Y*X,) int32."""
    for row in range(voxel.size):
        out_row[voxel[row]] = row


@kernel
def clear_rows(voxel, out_row):
    """Write -1 into a flat map at every listed voxel."""
    for row in range(voxel.size):
        out_row[voxel[row]] = -1


@kernel
def gradient_area(first, last, smooth, spacing_um, out_area_um2):
    """Surface area by the coarea formula, per z plane: sum of |grad f| h^3 of a smoothed matrix fraction.

    smooth       : (Z, Y, X) float32, matrix fraction after a Gaussian
    out_area_um2 : (Z,) float64, um2
    """
    nz, ny, nx = smooth.shape
    for z in range(first, last):
        total = 0.0
        up, down = min(z + 1, nz - 1), max(z - 1, 0)
        for y in range(ny):
            back, front = min(y + 1, ny - 1), max(y - 1, 0)
            for x in range(nx):
                right, left = min(x + 1, nx - 1), max(x - 1, 0)
                gz = (smooth[up, y, x] - smooth[down, y, x]) / max(up - down, 1)
                gy = (smooth[z, back, x] - smooth[z, front, x]) / max(back - front, 1)
                gx = (smooth[z, y, right] - smooth[z, y, left]) / max(right - left, 1)
                total += math.sqrt(gz * gz + gy * gy + gx * gx)
        out_area_um2[z] = total * spacing_um * spacing_um
