"""One two-grid cycle of the steady screened diffusion of cytokines, as loops over fixed z planes.

Finite volumes of  div(lambda^2 grad c) - c + s = 0  in units of the voxel, no flux through the box faces:

    (A c)[v] = volume[v] c[v] + sum over the six faces of  scale face (c[v] - c[neighbor])

A grid is handed over as `face_z, face_y, face_x, scale, size_z, size_y, size_x`:

face_z : (Z + 1, Y, X), uint16 (fine) or float32 (coarse); face_z[z] lies below voxel z, the outermost are 0
face_y : (Z, Y + 1, X) and face_x : (Z, Y, X + 1), likewise
         where all voxels are alike, so are the faces: (Z + 1, 1, X), (1, Y + 1, X), (1, 1, X + 1) stand for all rows
scale  : float32; `scale * face` is the conductance, (lambda / h)^2 between two equal voxels
size_* : (Z,), (Y,), (X,) float32, edge of the voxels along each axis in fine voxels: 1 on the fine grid, 2 on the
         coarse one (1 at its end where the fine count is odd)

Unknowns on which the operator acts are padded: (Z + 2, Y + 2, X + 2) float32 with a border of zeros.
Sources and residuals are not. Columns are counted with unsigned numbers because only those loops vectorize.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from . import kernel

# No reassociation: the order of every sum is the order in the source.
solver = njit(cache=True, nogil=True, fastmath={"nnan", "ninf", "nsz", "contract", "arcp"})

ONE = np.uint64(1)
TWO = np.uint64(2)


@solver
def operator_row(c, face_z, face_y, face_x, scale, volume_zy, size_x, z, y, out_row):
    """A c in the row (z, y); out_row : (X,) float32, overwritten."""
    here, below, above = c[z + 1, y + 1], c[z, y + 1], c[z + 2, y + 1]
    front, back = c[z + 1, y], c[z + 1, y + 2]
    row, plane = min(y, face_z.shape[1] - 1), min(z, face_y.shape[0] - 1)  # a remainder would stop vectorization
    z_low, z_high, y_low, y_high = face_z[z, row], face_z[z + 1, row], face_y[plane, y], face_y[plane, y + 1]
    x_face = face_x[min(z, face_x.shape[0] - 1), min(y, face_x.shape[1] - 1)]
    for k in range(np.uint64(size_x.size)):
        value = here[k + ONE]
        flux = (
            np.float32(z_low[k]) * (value - below[k + ONE])
            + np.float32(z_high[k]) * (value - above[k + ONE])
            + np.float32(y_low[k]) * (value - front[k + ONE])
            + np.float32(y_high[k]) * (value - back[k + ONE])
            + np.float32(x_face[k]) * (value - here[k])
            + np.float32(x_face[k + ONE]) * (value - here[k + TWO])
        )
        out_row[k] = volume_zy * size_x[k] * value + scale * flux


@solver
def diagonal_row(face_z, face_y, face_x, scale, volume_zy, size_x, z, y, out_row):
    """Diagonal of A in the row (z, y); out_row : (X,) float32, overwritten."""
    row, plane = min(y, face_z.shape[1] - 1), min(z, face_y.shape[0] - 1)  # a remainder would stop vectorization
    z_low, z_high, y_low, y_high = face_z[z, row], face_z[z + 1, row], face_y[plane, y], face_y[plane, y + 1]
    x_face = face_x[min(z, face_x.shape[0] - 1), min(y, face_x.shape[1] - 1)]
    for k in range(np.uint64(size_x.size)):
        faces = (
            np.float32(z_low[k])
            + np.float32(z_high[k])
            + np.float32(y_low[k])
            + np.float32(y_high[k])
            + np.float32(x_face[k])
            + np.float32(x_face[k + ONE])
        )
        out_row[k] = volume_zy * size_x[k] + scale * faces


@solver
def add_up(lanes):
    """Sum of a row of float64, from first to last."""
    total = 0.0
    for value in lanes:
        total += value
    return total


@solver
def residual_to_coarse(
    first, last, c, source, face_z, face_y, face_x, scale, size_z, size_y, size_x, out_residual
):
    """Residual s - A c summed over the (up to eight) children of every coarse voxel; blocks are coarse z planes.

    c            : (Z + 2, Y + 2, X + 2) float32, padded
    source       : (Z, Y, X) float32
    out_residual : (ceil(Z / 2), ceil(Y / 2), ceil(X / 2)) float32, overwritten
    """
    depth, height, width = source.shape
    row = np.empty(width, np.float32)
    total = np.zeros(width + 1, np.float32)
    for plane in range(first, last):
        for line in range(out_residual.shape[1]):
            total[:] = 0
            for z in range(2 * plane, min(2 * plane + 2, depth)):
                for y in range(2 * line, min(2 * line + 2, height)):
                    operator_row(c, face_z, face_y, face_x, scale, size_z[z] * size_y[y], size_x, z, y, row)
                    given = source[z, y]
                    for k in range(np.uint64(width)):
                        total[k] += given[k] - row[k]
            out = out_residual[plane, line]
            for k in range(np.uint64(out.size)):
                out[k] = total[TWO * k] + total[TWO * k + ONE]


@solver
def add_prolonged(first, last, correction, c):
    """c += trilinear interpolation of a coarse correction (constant beyond the outermost centers); blocks: fine z.

    correction : (ceil(Z / 2), ceil(Y / 2), ceil(X / 2)) float32
    c          : (Z + 2, Y + 2, X + 2) float32, padded, changed in place
    """
    planes, lines, columns = correction.shape
    height, width = c.shape[1] - 2, c.shape[2] - 2
    row = np.empty(columns + 2, np.float32)
    fine = np.empty(2 * columns, np.float32)
    for z in range(first, last):
        a = z // 2
        a2 = min(max(a - 1 + 2 * (z % 2), 0), planes - 1)
        for y in range(height):
            b = y // 2
            b2 = min(max(b - 1 + 2 * (y % 2), 0), lines - 1)
            own, side_z, side_y, corner = correction[a, b], correction[a2, b], correction[a, b2], correction[a2, b2]
            for k in range(np.uint64(columns)):
                row[k + ONE] = (
                    np.float32(0.5625) * own[k]
                    + np.float32(0.1875) * (side_z[k] + side_y[k])
                    + np.float32(0.0625) * corner[k]
                )
            row[0], row[columns + 1] = row[1], row[columns]
            for k in range(np.uint64(columns)):
                fine[TWO * k] = np.float32(0.75) * row[k + ONE] + np.float32(0.25) * row[k]
                fine[TWO * k + ONE] = np.float32(0.75) * row[k + ONE] + np.float32(0.25) * row[k + TWO]
            here = c[z + 1, y + 1]
            for k in range(np.uint64(width)):
                here[k + ONE] += fine[k]


@solver
def smooth(
    first, last, c, source, face_z, face_y, face_x, scale, size_z, size_y, size_x, step, momentum, previous
):
    """One Chebyshev-Jacobi step: previous <- c + momentum (c - previous) + step D^-1 (s - A c); blocks: z planes.

    c        : (Z + 2, Y + 2, X + 2) float32, padded, the current iterate
    source   : (Z, Y, X) float32
    previous : (Z + 2, Y + 2, X + 2) float32, padded, the iterate before; overwritten with the next one
    """
    _, height, width = source.shape
    row, diagonal = np.empty(width, np.float32), np.empty(width, np.float32)
    for z in range(first, last):
        for y in range(height):
            volume_zy = size_z[z] * size_y[y]
            operator_row(c, face_z, face_y, face_x, scale, volume_zy, size_x, z, y, row)
            diagonal_row(face_z, face_y, face_x, scale, volume_zy, size_x, z, y, diagonal)
            given, here, old = source[z, y], c[z + 1, y + 1], previous[z + 1, y + 1]
            for k in range(np.uint64(width)):
                value = here[k + ONE]
                change = momentum * (value - old[k + ONE]) + step * (given[k] - row[k]) / diagonal[k]
                old[k + ONE] = value + change


@solver
def residual_squares(first, last, c, source, face_z, face_y, face_x, scale, size_z, size_y, size_x, out_sums):
    """Sums of (s - A c)^2 and s^2 in every z plane; out_sums : (Z, 2) float64, overwritten."""
    _, height, width = source.shape
    row = np.empty(width, np.float32)
    for z in range(first, last):
        misfit, norm = np.zeros(width), np.zeros(width)
        for y in range(height):
            operator_row(c, face_z, face_y, face_x, scale, size_z[z] * size_y[y], size_x, z, y, row)
            given = source[z, y]
            for k in range(np.uint64(width)):
                value = np.float64(given[k])
                misfit[k] += (value - row[k]) * (value - row[k])
                norm[k] += value * value
        out_sums[z, 0], out_sums[z, 1] = add_up(misfit), add_up(norm)


@kernel  # without the solvers' promise that there is no nan: this one looks for them
def change_squares(first, last, new, old, out_sums):
    """Sums of (new - old)^2, old^2 and new old in every z plane; out_sums : (Z, 3) float64, overwritten."""
    _, height, width = new.shape
    for z in range(first, last):
        change, norm, shared = np.zeros(width), np.zeros(width), np.zeros(width)
        for y in range(height):
            now, before = new[z, y], old[z, y]
            for k in range(np.uint64(width)):
                value = np.float64(before[k])
                change[k] += (now[k] - value) * (now[k] - value)
                norm[k] += value * value
                shared[k] += now[k] * value
        out_sums[z, 0], out_sums[z, 1], out_sums[z, 2] = change.sum(), norm.sum(), shared.sum()


@solver
def take_source(first, last, new, factor, source, c):
    """source <- new and, in the padded field, c <- factor c; blocks are z planes."""
    _, height, width = new.shape
    for z in range(first, last):
        for y in range(height):
            given, kept, here = new[z, y], source[z, y], c[z + 1, y + 1]
            for k in range(np.uint64(width)):
                kept[k] = given[k]
            for k in range(np.uint64(width)):
                here[k + ONE] *= factor


@solver
def combination_sums(first, last, c, source, face_z, face_y, face_x, scale, size_z, size_y, size_x, out_sums):
    """Sums of c A c, c s, c and s in every z plane of the fine grid; out_sums : (Z, 4) float64, overwritten."""
    _, height, width = source.shape
    row = np.empty(width, np.float32)
    for z in range(first, last):
        energy, work, amount, given_total = np.zeros(width), np.zeros(width), np.zeros(width), np.zeros(width)
        for y in range(height):
            operator_row(c, face_z, face_y, face_x, scale, size_z[z] * size_y[y], size_x, z, y, row)
            given, here = source[z, y], c[z + 1, y + 1]
            for k in range(np.uint64(width)):
                energy[k] += np.float64(here[k + ONE]) * row[k]
            for k in range(np.uint64(width)):
                work[k] += np.float64(here[k + ONE]) * given[k]
                amount[k] += here[k + ONE]
                given_total[k] += given[k]
        out_sums[z, 0], out_sums[z, 1] = add_up(energy), add_up(work)
        out_sums[z, 2], out_sums[z, 3] = add_up(amount), add_up(given_total)


@solver
def scale_and_shift(first, last, factor, shift, c):
    """c <- factor c + shift inside the border of a padded field; blocks are z planes."""
    for z in range(first, last):
        for y in range(c.shape[1] - 2):
            here = c[z + 1, y + 1]
            for k in range(np.uint64(here.size - 2)):
                here[k + ONE] = factor * here[k + ONE] + shift
