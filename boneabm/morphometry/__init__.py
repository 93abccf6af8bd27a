"""Measures of trabecular architecture on plain masks; they serve simulated bone and micro-CT alike."""

from ..lattice.components import largest_component
from .density import Density, density_of_gray, density_of_run
from .elements import Elements, plates_and_rods
from .fabric import Fabric, mil_fabric
from .measures import Maps, Measures, Shape, measure, measure_fully
from .model_index import structure_model_index
from .surface import bone_surface_mm2
from .thickness import local_thickness, mean_thickness
from .topology import connectivity_density, euler_characteristic

__all__ = [
    "Density",
    "Elements",
    "Fabric",
    "Maps",
    "Measures",
    "Shape",
    "bone_surface_mm2",
    "connectivity_density",
    "density_of_gray",
    "density_of_run",
    "euler_characteristic",
    "largest_component",
    "local_thickness",
    "mean_thickness",
    "measure",
    "measure_fully",
    "mil_fabric",
    "plates_and_rods",
    "structure_model_index",
]
