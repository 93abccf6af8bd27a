"""Measures of trabecular architecture on plain masks; they serve simulated bone and micro-CT alike."""

from ..lattice.components import largest_component
from .measures import Measures, measure
from .surface import bone_surface_mm2
from .thickness import local_thickness, mean_thickness
from .topology import connectivity_density, euler_characteristic

__all__ = [
    "Measures",
    "bone_surface_mm2",
    "connectivity_density",
    "euler_characteristic",
    "largest_component",
    "local_thickness",
    "mean_thickness",
    "measure",
]
