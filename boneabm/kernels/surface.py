"""Bone surface: which voxels have one, which way it faces, how large it is.

A surface voxel is BONE (matrix >= 0.5) with a MARROW 6-neighbor inside the block; the cut faces of the block are not
bone surface. The inward normal is the gradient of the matrix averaged over 3x3x3 voxels.
"""

from __future__ import annotations

import math

from . import kernel, rule

BLOCK = 4096
"""Surface voxels per block of work."""


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


@kernel
def surface_geometry(first, last, matrix, spacing_um, voxel, out_normal, out_area_um2):
    """Inward normal and raw area of surface voxels; blocks of BLOCK rows.

    area = h^2 / max |n_i|, with max |n_i| no smaller than 1/sqrt(3)

    voxel        : (N,) int32, flat index of surface voxels
    out_normal   : (N, 3) float32, unit vector (z, y, x) toward bone
    out_area_um2 : (N,) float32, um2, before the common scale of the block
    """
    _, ny, nx = matrix.shape
    for row in range(first * BLOCK, min(last * BLOCK, voxel.size)):
        v = voxel[row]
        z, y, x = v // (ny * nx), (v // nx) % ny, v % nx
        gz = box_sum(matrix, z + 1, y, x) - box_sum(matrix, z - 1, y, x)
        gy = box_sum(matrix, z, y + 1, x) - box_sum(matrix, z, y - 1, x)
        gx = box_sum(matrix, z, y, x + 1) - box_sum(matrix, z, y, x - 1)
        length = math.sqrt(gz * gz + gy * gy + gx * gx) + 1e-9
        largest = max(abs(gz), abs(gy), abs(gx)) / length
        out_normal[row, 0], out_normal[row, 1], out_normal[row, 2] = gz / length, gy / length, gx / length
        out_area_um2[row] = spacing_um * spacing_um / max(largest, 0.577)


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


@kernel
def face_neighbors(matrix, z, y, x):
    """Sum of the matrix fraction of the six face neighbors; beyond the block its faces repeat."""
    nz, ny, nx = matrix.shape
    return (
        matrix[max(z - 1, 0), y, x] + matrix[min(z + 1, nz - 1), y, x]
        + matrix[z, max(y - 1, 0), x] + matrix[z, min(y + 1, ny - 1), x]
        + matrix[z, y, max(x - 1, 0)] + matrix[z, y, min(x + 1, nx - 1)]
    )  # fmt: skip
