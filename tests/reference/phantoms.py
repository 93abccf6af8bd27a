"""Bodies of known shape on a lattice, in any direction."""

from __future__ import annotations

import numpy as np

DIRECTIONS = [(1, 0, 0), (0, 1, 1), (1, 2, 3), (5, 1, 2)]
OFF_CENTER = np.array([0.13, -0.21, 0.37])  # voxels; no special place of the lattice


def places(edge):
    """Places of the voxel centers of a cubic box relative to a point near its middle."""
    return np.moveaxis(np.indices((edge,) * 3), 0, -1) - (edge - 1) / 2 - OFF_CENTER


def along(edge, direction):
    """Distance of every voxel from the plane through the middle, across this direction, signed."""
    axis = np.array(direction, float)
    return places(edge) @ (axis / np.linalg.norm(axis))


def ball(edge, radius):
    return (places(edge) ** 2).sum(axis=-1) < radius**2


def rod(edge, direction, radius):
    """Cylinder without ends."""
    return (places(edge) ** 2).sum(axis=-1) - along(edge, direction) ** 2 < radius**2


def plate(edge, direction, thickness):
    return abs(along(edge, direction)) < thickness / 2


def plates(edge, direction, thickness, period):
    """Parallel plates."""
    return (along(edge, direction) + thickness / 2) % period < thickness
