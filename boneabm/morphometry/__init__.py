"""Measures of trabecular architecture on plain masks; they serve simulated bone and micro-CT alike."""

from .components import largest_component
from .thickness import local_thickness, mean_thickness

__all__ = ["largest_component", "local_thickness", "mean_thickness"]
