"""Osteocytes: they sit in lacunae, feel strain, remember it and signal."""

from __future__ import annotations

from .bone_cell import BoneCell
from .views import Column


class Osteocyte(BoneCell):
    """A cell inside bone; 38 bytes a cell with its number, key and alive flag.

    voxel     : flat voxel index of its lacuna     birth_day : d
    memory    : recent mean of psi^m               set_point : ln psi*
    signal    : S, 1 = at its set point            fate : today's intent: 0 lives, 1 dies, 2 freed by resorption
    """

    voxel = Column("i4", -1)
    birth_day = Column("f4", 0.0)
    memory = Column("f4", 1.0)
    set_point = Column("f4", 0.0)
    signal = Column("f4", 1.0)
    fate = Column("u1", 0)
