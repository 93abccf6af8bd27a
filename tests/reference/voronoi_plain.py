"""Plain twin of boneabm.kernels.voronoi: brute force over a wide neighborhood, geometry by linear algebra."""

from __future__ import annotations

import itertools

import numpy as np

from boneabm.kernels import voronoi


def network_distances_plain(place, cell, seed, jitter, log_thickness, gap, look):
    """(rods, both) at one place, um: nearest seed of 7^3 cells, all bisecting planes, the three nearest of them."""
    plates, window, upright, half_width, slim = look
    p = np.asarray(place) / cell
    home = np.floor(p).astype(int)
    cells = [tuple(home + step) for step in itertools.product(range(-3, 4), repeat=3)]
    points = np.array([voronoi.seed_point(seed, *map(int, c), jitter) for c in cells])
    squared = ((p - points) ** 2).sum(axis=1)
    own = int(squared.argmin())
    gradients = (points - points[own]) / cell
    lengths = np.linalg.norm(gradients, axis=1)
    lengths[own] = np.nan
    distances = (squared - squared[own]) / (2 * lengths)
    three = np.argsort(distances)[:3]
    normals = gradients[three] / lengths[three][:, None]
    edge = min(line_distance_plain(normals[[a, b]], distances[three][[a, b]]) for a, b in ((0, 1), (0, 2), (1, 2)))
    number = voronoi.face_number(seed, *map(int, cells[own]), *map(int, cells[three[0]]))
    fill = np.clip((plates - number - upright * (abs(normals[0, 0]) - 0.5)) / window + 0.5, 0, 1.5) * half_width
    plate = max(distances[three[0]] * slim, edge - fill, gap) if fill > 0 else edge
    return edge / np.exp(log_thickness), min(edge, plate) / np.exp(log_thickness)


def line_distance_plain(normals, distances):
    """Distance from the origin to the line where two planes meet: the least-norm solution of normals x = distances."""
    return float(np.linalg.norm(np.linalg.lstsq(normals, distances, rcond=None)[0]))


def wave_sum_plain(ez, ey, ex):
    return np.einsum("wz,wy,wx->zyx", ez, ey, ex).real
