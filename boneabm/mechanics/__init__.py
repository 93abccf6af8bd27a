"""Elastic law of bone and the micro-FE solver."""

from .material import Material, voxel_modulus
from .micro_fe import MicroFE

__all__ = ["Material", "MicroFE", "voxel_modulus"]
