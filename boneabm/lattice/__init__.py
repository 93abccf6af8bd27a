"""The voxel lattice, its surface, and generated trabecular blocks."""

from .lattice import MINERAL_QUANTUM, NO_SITE, QUANTUM, VoxelLattice
from .surface import Surface

__all__ = ["MINERAL_QUANTUM", "NO_SITE", "QUANTUM", "Surface", "VoxelLattice"]
