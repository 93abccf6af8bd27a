"""Loose fragments: bone that hangs on nothing carries no load and is removed over days."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ..kernels import turnover
from .parameters import FragmentParameters
from .tissue import Tissue

TOUCHING = ndimage.generate_binary_structure(3, 3)


def dissolve(tissue: Tissue, p: FragmentParameters) -> None:
    """Take one day's share from every loose voxel that no open site owns."""
    voxel = tissue.loose["voxel"]
    if voxel.size == 0:
        return
    free = voxel[tissue.flat("bmu")[voxel] == -1]
    arrays = (*(tissue.flat(name) for name in ("matrix", "osteoid", "mineral")), tissue.plane_size, tissue.book)
    tissue.today.dissolved += int(turnover.dissolve(free, p.removal_per_d, *arrays))
    tissue.loose.keep(tissue.flat("matrix")[voxel] > 0)


def find_loose(tissue: Tissue, day: int) -> None:
    """List bone not 26-connected to the main body nor to a face of the block, and dust without a bone neighbor.

    Every new piece of bone is an event with its place and volume; dust (matrix < 0.5) is not.
    """
    bone = tissue.lattice.bone
    labels, count = ndimage.label(bone, TOUCHING)
    held = np.zeros(count + 1, bool)
    held[0] = True
    if count:
        held[np.bincount(labels.ravel())[1:].argmax() + 1] = True
    for axis in range(3):
        for face in (0, -1):
            held[np.unique(np.take(labels, face, axis=axis))] = True
    known = tissue.loose["voxel"].copy()
    loose = np.zeros(bone.shape, bool)
    if not held.all():
        loose = ~held[labels]
        record(tissue, labels, np.flatnonzero(~held), known, day)
    dust = (tissue.lattice.matrix > 0) & ~bone & (tissue.lattice.bmu == -1)
    if dust.any():
        dust &= ~ndimage.binary_dilation(bone, TOUCHING)
    voxels = np.flatnonzero(loose | dust)
    tissue.loose.clear()
    tissue.loose.append(voxels.size, voxel=voxels)


def record(tissue: Tissue, labels: np.ndarray, pieces: np.ndarray, known: np.ndarray, day: int) -> None:
    """Log an event for every loose piece that was not loose before."""
    old = np.unique(labels.reshape(-1)[known])
    for piece in np.setdiff1d(pieces, old).tolist():
        where = np.argwhere(labels == piece)
        volume = float(tissue.lattice.matrix[labels == piece].sum(dtype=np.float64)) * tissue.lattice.voxel_um3
        z, y, x = ((where.mean(axis=0) + 0.5) * tissue.lattice.spacing_um).tolist()
        place = {"z_um": round(z, 1), "y_um": round(y, 1), "x_um": round(x, 1)}
        tissue.today.events.append({"day": day, "event": "fragment", **place, "volume_um3": volume})
