"""From the matrix fraction of the lattice to the face conductances of the fine and the coarse grid."""

from __future__ import annotations

import numpy as np

from . import kernel


@kernel
def quantize_fraction(first, last, matrix, out_fraction, out_outside):
    """Matrix fraction 0..1 in steps of 1/255; blocks are z planes.

    matrix       : (Z, Y, X) float32
    out_fraction : (Z, Y, X) uint8, overwritten
    out_outside  : (Z,) int64, number of voxels of the plane that lie outside 0..1 by more than 1e-6 (or are nan)
    """
    low, high = np.float32(-1e-6), np.float32(1 + 1e-6)
    for z in range(first, last):
        outside = 0
        for y in range(matrix.shape[1]):
            for x in range(matrix.shape[2]):
                value = matrix[z, y, x]
                if value >= low and value <= high:
                    out_fraction[z, y, x] = np.uint8(min(max(value, np.float32(0)), np.float32(1)) * 255 + 0.5)
                else:
                    outside += 1
        out_outside[z] = outside


@kernel
def fraction_change(first, last, matrix, fraction, out_sums):
    """Sums of |f - f_built| and f_built per z plane in steps of 1/255; out_sums : (Z, 2) int64, overwritten."""
    for z in range(first, last):
        change, built = 0, 0
        for y in range(matrix.shape[1]):
            for x in range(matrix.shape[2]):
                now = np.int64(min(max(matrix[z, y, x], np.float32(0)), np.float32(1)) * 255 + 0.5)
                change += abs(now - np.int64(fraction[z, y, x]))
                built += np.int64(fraction[z, y, x])
        out_sums[z, 0], out_sums[z, 1] = change, built


@kernel
def fine_faces(first, last, fraction, table, face_z, face_y, face_x):
    """Conductance of every inner face of the fine grid; blocks are z planes, outer faces are left as they are.

    fraction : (Z, Y, X) uint8, matrix fraction in steps of 1/255
    table    : (256, 256) uint16, conductance between two fractions
    face_*   : (Z + 1, Y, X), (Z, Y + 1, X), (Z, Y, X + 1) uint16, inner faces overwritten
    """
    depth, height, width = fraction.shape
    for z in range(first, last):
        for y in range(height):
            for x in range(width - 1):
                face_x[z, y, x + 1] = table[fraction[z, y, x], fraction[z, y, x + 1]]
            if y + 1 < height:
                for x in range(width):
                    face_y[z, y + 1, x] = table[fraction[z, y, x], fraction[z, y + 1, x]]
            if z + 1 < depth:
                for x in range(width):
                    face_z[z + 1, y, x] = table[fraction[z, y, x], fraction[z + 1, y, x]]


@kernel
def coarse_faces(first, last, axis, fine, scale, size_along, out_coarse):
    """Conductance between coarse centers: the fine face half way, up to four lines in parallel, over the distance.

    Blocks are coarse z planes of voxels; along z the face below each plane is made, outer faces stay 0.

    axis       : 0, 1 or 2, the axis the faces are normal to
    fine       : fine faces of this axis, uint16; scale : float32
    size_along : (number of coarse voxels along the axis,) float32, edge in fine voxels
    out_coarse : coarse faces of this axis, float32, inner ones overwritten
    """
    step_z, step_y, step_x = int(axis != 0), int(axis != 1), int(axis != 2)
    for z in range(first, last):
        for y in range(out_coarse.shape[1]):
            for x in range(out_coarse.shape[2]):
                along = z if axis == 0 else (y if axis == 1 else x)
                if along == 0 or along == size_along.size:
                    continue
                total = 0
                for u in range(2 * z, min(2 * z + step_z, fine.shape[0] - 1) + 1):
                    for v in range(2 * y, min(2 * y + step_y, fine.shape[1] - 1) + 1):
                        for w in range(2 * x, min(2 * x + step_x, fine.shape[2] - 1) + 1):
                            total += np.int64(fine[u, v, w])
                distance = np.float32(0.5) * (size_along[along - 1] + size_along[along])
                out_coarse[z, y, x] = scale * np.float32(total) / distance
