"""Plain twins of the surface kernels, with whole-array numpy."""

from __future__ import annotations

import numpy as np


def shifted(padded, z, y, x, shape, pad):
    """View of a padded array moved by (z, y, x)."""
    return padded[tuple(slice(pad + s, pad + s + n) for s, n in zip((z, y, x), shape, strict=True))]


FACES = [(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)]


def surface_plain(matrix):
    """Flat indices of bone with a marrow face neighbor inside the block: beyond the block nothing counts."""
    bone = matrix >= 0.5
    beyond = np.pad(bone, 1, constant_values=True)
    open_face = np.zeros_like(bone)
    for step in FACES:
        open_face |= ~shifted(beyond, *step, bone.shape, 1)
    return np.flatnonzero(bone & open_face)


def normals_plain(matrix):
    """(Z, Y, X, 3) unit gradient of the 3x3x3 sum of the matrix; the block repeats its faces."""
    wide = np.pad(matrix.astype(float), 2, mode="edge")
    box = np.zeros(np.array(matrix.shape) + 2)
    for step in np.ndindex(3, 3, 3):
        box += shifted(wide, *step, box.shape, 0)
    pairs = [(FACES[2 * axis], FACES[2 * axis + 1]) for axis in range(3)]
    gradient = [shifted(box, *up, matrix.shape, 1) - shifted(box, *down, matrix.shape, 1) for up, down in pairs]
    vector = np.stack(gradient, axis=-1)
    return vector / (np.linalg.norm(vector, axis=-1, keepdims=True) + 1e-9)


def gradient_area_plain(smooth, spacing_um):
    """Per z plane: sum of |grad f| h^2, f smoothed and in voxel units."""
    gradient = np.stack(np.gradient(smooth.astype(float)))
    return np.linalg.norm(gradient, axis=0).sum(axis=(1, 2)) * spacing_um**2
