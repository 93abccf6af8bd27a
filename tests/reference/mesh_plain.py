"""Plain twin of the growth of the surface: the whole mesh is built, its vertices are moved, areas are compared."""

from __future__ import annotations

import numpy as np

from boneabm.kernels.mesh_tables import EDGES, _triangles


def states_plain(volume):
    """State of every 2x2x2 neighborhood by shifted sums."""
    planes, rows, columns = volume.shape
    state = np.zeros((planes - 1, rows - 1, columns - 1), np.int64)
    for k in range(2):
        for j in range(2):
            for i in range(2):
                part = volume[k : planes - 1 + k, j : rows - 1 + j, i : columns - 1 + i]
                state += part.astype(np.int64) << (4 * k + 2 * j + i)
    return state


def mesh_plain(volume):
    """Vertices (N, 3), triangles (M, 3) and their weights of the surface amid voxels."""
    numbers, vertices, triangles, weights = {}, [], [], []
    state = states_plain(volume)
    for cell in np.argwhere((state > 0) & (state < 255)):
        for weight, _, edges in _triangles(int(state[tuple(cell)])):
            corner_numbers = []
            for edge in edges:
                place = tuple(cell + (np.array(EDGES[edge][0]) + np.array(EDGES[edge][1])) / 2)
                if place not in numbers:
                    numbers[place] = len(vertices)
                    vertices.append(place)
                corner_numbers.append(numbers[place])
            triangles.append(corner_numbers)
            weights.append(weight)
    return np.array(vertices), np.array(triangles), np.array(weights)


def area_vectors(vertices, triangles):
    a, b, c = (vertices[triangles[:, n]] for n in range(3))
    return np.cross(b - a, c - a) / 2


def area_growth_plain(volume, step=1e-5):
    """dS/dr by moving every vertex along the mean area vector around it, forth and back."""
    vertices, triangles, weights = mesh_plain(volume)
    vectors = area_vectors(vertices, triangles) * weights[:, None]
    normals = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(normals, triangles[:, corner], vectors)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    areas = [
        float(weights @ np.linalg.norm(area_vectors(vertices + way * step * normals, triangles), axis=1))
        for way in (1, -1)
    ]
    return (areas[0] - areas[1]) / (2 * step)
