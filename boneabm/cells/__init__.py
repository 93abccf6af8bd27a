"""Cells: populations as columns, with Mesa agents as handles on their rows."""

from .osteoblasts import Osteoblast
from .osteoclasts import Osteoclast
from .osteocytes import Osteocyte
from .population import IdCounter, Population
from .table import Table

__all__ = ["IdCounter", "Osteoblast", "Osteoclast", "Osteocyte", "Population", "Table"]
