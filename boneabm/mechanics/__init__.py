"""Elastic law of bone and the micro-FE solver."""

from .energy_forms import EnergyForms
from .material import Material, voxel_modulus
from .micro_fe import MicroFE

__all__ = ["EnergyForms", "Material", "MicroFE", "voxel_modulus"]
