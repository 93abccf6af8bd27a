"""Loose fragments: bone that hangs on nothing carries no load and is removed over days."""

from __future__ import annotations

import numpy as np

from ..kernels import pieces, turnover
from ..kernels.blocks import launch
from ..lattice.components import loose_pieces
from .events import place_um
from .parameters import FragmentParameters
from .tissue import Tissue


def dissolve(tissue: Tissue, day: int, p: FragmentParameters) -> None:
    """Take one day's share from every loose voxel that no open site owns; remember what it was while sites are open."""
    voxel = tissue.loose["voxel"]
    if voxel.size == 0:
        return
    free = voxel[tissue.flat("bmu")[voxel] == -1]
    new = free[~np.isin(free, tissue.dissolved["voxel"])]
    tissue.dissolved.append(new.size, voxel=new, matrix=tissue.flat("matrix")[new], day=day)
    arrays = (*(tissue.flat(name) for name in ("matrix", "osteoid", "mineral")), tissue.plane_size, tissue.book)
    tissue.today.dissolved += int(turnover.dissolve(free, p.removal_per_d, *arrays))
    tissue.loose.keep(tissue.flat("matrix")[voxel] > 0)


def find_loose(tissue: Tissue, day: int) -> None:
    """List bone not 26-connected to the main body nor to a face of the block, and dust without a bone neighbor.

    Every new piece of bone is an event with its place and volume; dust (matrix < 0.5) is not.
    """
    lattice = tissue.lattice
    voxel, piece = loose_pieces(lattice.bone)
    record(tissue, voxel, piece, day)
    dust = np.empty(lattice.shape, np.uint8)
    launch(pieces.dust, lattice.shape[0], lattice.matrix, lattice.bmu, dust)
    voxels = np.union1d(voxel, np.flatnonzero(dust))
    tissue.loose.clear()
    tissue.loose.append(voxels.size, voxel=voxels)


def record(tissue: Tissue, voxel: np.ndarray, piece: np.ndarray, day: int) -> None:
    """Log an event for every loose piece that was not loose before."""
    old = np.unique(piece[np.isin(voxel, tissue.loose["voxel"])])
    for number in np.setdiff1d(piece, old).tolist():
        own = voxel[piece == number]
        where = np.stack(np.unravel_index(own, tissue.lattice.shape), axis=1)
        volume = float(tissue.flat("matrix")[own].sum(dtype=np.float64)) * tissue.lattice.voxel_um3
        place = place_um(tissue, where.mean(axis=0) + 0.5)
        tissue.today.events.append({"day": day, "event": "fragment", **place, "volume_um3": volume})
