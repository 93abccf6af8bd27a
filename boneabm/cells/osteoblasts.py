"""Osteoblasts: they lay osteoid on the floor of a cavity until they die, line the surface or are buried."""

from __future__ import annotations

from .bone_cell import BoneCell
from .views import Column


class Osteoblast(BoneCell):
    """A bone-forming cell.

    voxel : flat voxel index of the root of its column     site : remodeling site it belongs to
    birth_day, life_d : d
    laid_um3    : osteoid laid so far
    deposit_um3 : today's intent
    """

    voxel = Column("i4", -1)
    site = Column("i4", -1)
    birth_day = Column("f4", 0.0)
    life_d = Column("f4", 90.0)
    laid_um3 = Column("f4", 0.0)
    deposit_um3 = Column("f4", 0.0)
