"""Geometry of a generated trabecular block: random waves and the distance to rods and plates of a Voronoi network.

The network lives on an endless lattice of cells with one jittered seed point each. Every random number is a function of
(seed, cell), so the same seed shows the same bone in any box and at any voxel size.
Rods follow the edges of the Voronoi cells; plates fill some of their faces from the edge inward.
"""

from __future__ import annotations

import math

import numpy as np

from . import kernel, random, rule

_FACE_DAYS = 2
_WAVE_DAYS = 1000


@rule
def lattice_key(i, j, k):
    """63-bit name of lattice cell (i, j, k), each within +-2^20."""
    return (
        (np.uint64(i + 1048576) << np.uint64(42))
        | (np.uint64(j + 1048576) << np.uint64(21))
        | np.uint64(k + 1048576)
    )


@rule
def seed_point(seed, i, j, k, jitter):
    """Seed point of lattice cell (i, j, k) in cell units: the center moved by at most jitter / 2 along each axis."""
    key = lattice_key(i, j, k)
    u, v = random.uniform2(seed, random.GEOMETRY, 0, key)
    w = random.uniform(seed, random.GEOMETRY, 1, key)
    return i + 0.5 + jitter * (u - 0.5), j + 0.5 + jitter * (v - 0.5), k + 0.5 + jitter * (w - 0.5)


@rule
def face_number(seed, i, j, k, a, b, c):
    """Number in [0, 1) of the face between lattice cells (i, j, k) and (a, b, c); equal when they are swapped."""
    if (a, b, c) < (i, j, k):
        i, j, k, a, b, c = a, b, c, i, j, k
    code = ((a - i + 4) * 9 + b - j + 4) * 9 + c - k + 4
    return random.uniform(seed, random.GEOMETRY, _FACE_DAYS + code, lattice_key(i, j, k))


@kernel
def place_seeds(first, last, seed, jitter, low, out_points):
    """Seed points of a box of lattice cells.

    low        : (3,) int64, first lattice cell of the box
    out_points : (A, B, C, 3) float64, cell units, overwritten; blocks are planes of the first axis
    """
    for a in range(first, last):
        for b in range(out_points.shape[1]):
            for c in range(out_points.shape[2]):
                p, q, r = seed_point(seed, low[0] + a, low[1] + b, low[2] + c, jitter)
                out_points[a, b, c, 0] = p
                out_points[a, b, c, 1] = q
                out_points[a, b, c, 2] = r


@kernel
def draw_waves(seed, stream, out):
    """Random numbers of plane waves: three normal (direction), one normal (wavelength), one in [0, 1) (phase).

    out : (W, 5) float64, overwritten
    """
    for wave in range(out.shape[0]):
        for column in range(4):
            out[wave, column] = random.normal(seed, random.GEOMETRY, _WAVE_DAYS + stream, 5 * wave + column)
        out[wave, 4] = random.uniform(seed, random.GEOMETRY, _WAVE_DAYS + stream, 5 * wave + 4)


@kernel
def sum_waves(first, last, ez, ey, ex, out):
    """Sum of plane waves on a regular grid: out = sum over w of Re(ez[w, z] ey[w, y] ex[w, x]).

    ez, ey, ex : (W, N) complex128, one factor for each wave and grid coordinate
    out        : (Z, Y, X) float64, overwritten; blocks are z planes
    """
    real, imaginary = ex.real.copy(), ex.imag.copy()
    for z in range(first, last):
        for y in range(out.shape[1]):
            row = out[z, y]
            row[:] = 0.0
            for w in range(ez.shape[0]):
                factor = ez[w, z] * ey[w, y]
                re, im = factor.real, factor.imag
                for x in range(row.shape[0]):
                    row[x] += re * real[w, x] - im * imaginary[w, x]


@kernel
def spline_up(first, last, coefficients, iz, wz, iy, wy, ix, wx, out):
    """Cubic B-spline values on a finer grid.

    coefficients : (A, B, C) float64, spline coefficients of the coarse grid
    iz, iy, ix   : (N,) int64, first of the four coarse samples used by each fine coordinate
    wz, wy, wx   : (N, 4) float64, their weights
    out          : (Z, Y, X) float32, overwritten; blocks are z planes
    """
    rows, columns = coefficients.shape[1], coefficients.shape[2]
    plane, line = np.empty((rows, columns)), np.empty(columns)
    for z in range(first, last):
        plane[:] = 0.0
        for t in range(4):
            for b in range(rows):
                for c in range(columns):
                    plane[b, c] += wz[z, t] * coefficients[iz[z] + t, b, c]
        for y in range(out.shape[1]):
            line[:] = 0.0
            for t in range(4):
                for c in range(columns):
                    line[c] += wy[y, t] * plane[iy[y] + t, c]
            for x in range(out.shape[2]):
                n = ix[x]
                out[z, y, x] = (
                    wx[x, 0] * line[n] + wx[x, 1] * line[n + 1] + wx[x, 2] * line[n + 2] + wx[x, 3] * line[n + 3]
                )


@rule
def gather_seeds(points, a, b, c, offsets, near):
    """Copy the seed points around cell (a, b, c) of the box into near (3, N)."""
    for n in range(offsets.shape[0]):
        for axis in range(3):
            near[axis, n] = points[a + offsets[n, 0], b + offsets[n, 1], c + offsets[n, 2], axis]


@rule
def nearest_seed(near, pz, py, px, squared):
    """Number of the nearest seed point; squared distances (cell units) to all of them go to `squared`."""
    own = 0
    for n in range(near.shape[1]):
        squared[n] = (pz - near[0, n]) ** 2 + (py - near[1, n]) ** 2 + (px - near[2, n]) ** 2
    for n in range(1, near.shape[1]):
        if squared[n] < squared[own]:
            own = n
    return own


@rule
def nearest_faces(near, squared, own, cell, distance, face, normal):
    """The three nearest bisecting planes between the own seed and the others, nearest first.

    distance = (|p - c|^2 - |p - o|^2) / (2 |(c - o) / cell|), um. A seed is passed over when the triangle inequality
    shows that its plane is farther than the third nearest one so far.

    cell     : (3,) float64, edges of a lattice cell, um
    distance : (3,) float64, um, overwritten        face : (3,) int64, numbers of the seeds behind, overwritten
    normal   : (3, 3) float64, unit normals, overwritten
    """
    root = math.sqrt(squared[own])
    shortest = min(cell[0], cell[1], cell[2])
    distance[:] = 1e9
    reach = 1e18
    for n in range(near.shape[1]):
        if n == own or squared[n] > reach:
            continue
        gz = (near[0, n] - near[0, own]) / cell[0]
        gy = (near[1, n] - near[1, own]) / cell[1]
        gx = (near[2, n] - near[2, own]) / cell[2]
        length = math.sqrt(gz * gz + gy * gy + gx * gx)
        d = (squared[n] - squared[own]) / (2.0 * length)
        if d >= distance[2]:
            continue
        q = 2
        while q > 0 and d < distance[q - 1]:
            distance[q], face[q] = distance[q - 1], face[q - 1]
            normal[q, 0], normal[q, 1], normal[q, 2] = normal[q - 1, 0], normal[q - 1, 1], normal[q - 1, 2]
            q -= 1
        distance[q], face[q] = d, n
        normal[q, 0], normal[q, 1], normal[q, 2] = gz / length, gy / length, gx / length
        reach = (root + 2.0 * distance[2] / shortest) ** 2


@rule
def edge_distance(distance, normal):
    """Distance to the nearest line in which two of the three planes meet, um.

    For planes at distances a, b whose unit normals have the dot product g: sqrt((a^2 - 2 g a b + b^2) / (1 - g^2)).
    """
    least = 1e18
    for q in range(3):
        a, b = (q + 1) % 3, (q + 2) % 3
        g = normal[a, 0] * normal[b, 0] + normal[a, 1] * normal[b, 1] + normal[a, 2] * normal[b, 2]
        square = distance[a] ** 2 - 2.0 * g * distance[a] * distance[b] + distance[b] ** 2
        least = min(least, square / max(1.0 - g * g, 1e-3))
    return math.sqrt(max(least, 0.0))


@rule
def face_fill(number, lean, plates, window, upright):
    """How far a face is filled from its edge inward, 0 (open) to 1.5, in units of the half width of a face.

    number : [0, 1), the random number of the face         lean : 0..1, |normal along z|
    plates : share of filled faces                         window : width of the range of half-filled faces
    upright : how much horizontal faces are opened and vertical ones kept
    """
    return min(max((plates - number - upright * (lean - 0.5)) / window + 0.5, 0.0), 1.5)


@kernel
def rod_plate_distance(
    first, last, seed, spacing, origin, cell, points, low, offsets, shift, log_thickness, gap, look, out_rods, out_both
):
    """Distance of every sample to the rods, and to rods and plates together, divided by the local relative thickness.

    seed, spacing, origin : int; um; um, coordinate of the box corner
    cell          : (3,) float64, edges of a lattice cell, um
    points, low   : (A, B, C, 3) float64 and (3,) int64, seed points (`place_seeds`), reaching two cells beyond the box
    offsets       : (N, 3) int64, lattice cells searched around the own one, nearest first
    shift         : (3, Z, Y, X) float32, um, bends space
    log_thickness : (Z, Y, X) float32, log of the relative thickness
    gap           : (Z, Y, X) float32, um, > 0 where plates are pierced
    look          : (5,) float64: plates, window, upright (see `face_fill`), half width of a face (um), slimness
    out_rods, out_both : (Z, Y, X) float32, um, overwritten; blocks are z planes
    """
    plates, window, upright, half_width, slim = look[0], look[1], look[2], look[3], look[4]
    count = offsets.shape[0]
    near, squared = np.empty((3, count)), np.empty(count)
    distance, face, normal = np.empty(3), np.zeros(3, np.int64), np.zeros((3, 3))
    for z in range(first, last):
        home = (-1, -1, -1)
        for y in range(out_rods.shape[1]):
            for x in range(out_rods.shape[2]):
                pz = ((z + 0.5) * spacing + origin + shift[0, z, y, x]) / cell[0]
                py = ((y + 0.5) * spacing + origin + shift[1, z, y, x]) / cell[1]
                px = ((x + 0.5) * spacing + origin + shift[2, z, y, x]) / cell[2]
                a, b, c = math.floor(pz) - low[0], math.floor(py) - low[1], math.floor(px) - low[2]
                if (a, b, c) != home:
                    home = (a, b, c)
                    gather_seeds(points, a, b, c, offsets, near)
                own = nearest_seed(near, pz, py, px, squared)
                nearest_faces(near, squared, own, cell, distance, face, normal)
                edge = edge_distance(distance, normal)
                i, j, k = offsets[own, 0] + a + low[0], offsets[own, 1] + b + low[1], offsets[own, 2] + c + low[2]
                m = offsets[face[0]]
                number = face_number(seed, i, j, k, m[0] + a + low[0], m[1] + b + low[1], m[2] + c + low[2])
                fill = face_fill(number, abs(normal[0, 0]), plates, window, upright) * half_width
                scale = math.exp(-log_thickness[z, y, x])
                plate = max(distance[0] * slim, edge - fill, gap[z, y, x]) if fill > 0.0 else edge
                out_rods[z, y, x] = edge * scale
                out_both[z, y, x] = min(edge, plate) * scale
