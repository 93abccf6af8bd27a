"""Cytokine fields: steady transport of the totals, and binding where they are read."""

from .binding import free_ligand, free_ligand_array, occupancy
from .cytokine import CytokineField

__all__ = ["CytokineField", "free_ligand", "free_ligand_array", "occupancy"]
