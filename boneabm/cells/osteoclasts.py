"""Osteoclasts: they erode a patch, move on, and leave the slow end of it to mononuclear successors."""

from __future__ import annotations

from .bone_cell import BoneCell
from .views import Column


class Osteoclast(BoneCell):
    """A bone-resorbing cell (or a preosteoclast on its way).

    voxel : flat voxel index of the root under its center     site : remodeling site it belongs to
    arrival_day, life_d : d     nuclei : number of nuclei
    mode  : kernels.motion WAITING, FAST (multinucleated), SLOW (mononuclear), SEARCHING
    advance_um, leaves, wish : today's intents: erosion depth, end of the fast phase, next patch (flat voxel or -1)
    """

    voxel = Column("i4", -1)
    site = Column("i4", -1)
    arrival_day = Column("f4", 0.0)
    life_d = Column("f4", 14.0)
    nuclei = Column("f4", 15.0)
    mode = Column("u1", 0)
    advance_um = Column("f4", 0.0)
    leaves = Column("u1", 0)
    wish = Column("i4", -1)
