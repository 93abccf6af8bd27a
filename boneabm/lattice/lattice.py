"""The voxel lattice: what every voxel of the block is made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np

QUANTUM = 2.0**-24
"""Matrix and osteoid are multiples of this voxel fraction, so that amounts add as integers, exactly."""
MINERAL_QUANTUM = 2.0**-23
"""Mineral is a multiple of this concentration, g/cm3."""
NO_SITE = -1


@dataclass
class VoxelLattice:
    """Voxel state of a block; arrays are (Z, Y, X), the edge of a voxel is `spacing_um`.

    matrix      : float32, 0..1, volume fraction of bone matrix (osteoid + mineralized), multiple of QUANTUM
    osteoid     : float32, 0..matrix, the part that is not yet mineralized, multiple of QUANTUM
    mineral     : float32, g HA/cm3 of voxel volume, multiple of MINERAL_QUANTUM
    born_day    : float32, d, volume-weighted day on which the mineralized part was formed
    osteoid_day : float32, d, volume-weighted day on which the osteoid was laid
    bmu         : int32, open remodeling site that owns the voxel, NO_SITE = quiescent
    """

    spacing_um: float
    matrix: np.ndarray
    osteoid: np.ndarray
    mineral: np.ndarray
    born_day: np.ndarray
    osteoid_day: np.ndarray
    bmu: np.ndarray

    @classmethod
    def from_mask(cls, mask: np.ndarray, spacing_um: float) -> VoxelLattice:
        """Fully mineralizable, quiescent bone without mineral yet where `mask` is true."""
        osteoid, mineral, born_day, osteoid_day = (np.zeros(mask.shape, np.float32) for _ in range(4))
        bmu = np.full(mask.shape, NO_SITE, np.int32)
        return cls(float(spacing_um), mask.astype(np.float32), osteoid, mineral, born_day, osteoid_day, bmu)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels along (z, y, x)."""
        z, y, x = self.matrix.shape
        return z, y, x

    @property
    def voxel_um3(self) -> float:
        """Volume of one voxel, um3."""
        return self.spacing_um**3

    @property
    def bone(self) -> np.ndarray:
        """(Z, Y, X) bool, voxels that count as bone for morphometry and mechanics: matrix >= 0.5."""
        return self.matrix >= 0.5

    @property
    def bv_tv(self) -> float:
        """Bone volume fraction BV/TV, mean of the matrix fraction."""
        return float(self.matrix.mean(dtype=np.float64))

    def arrays(self) -> Iterator[tuple[str, np.ndarray]]:
        """Name and array of every voxel quantity."""
        for field in fields(self):
            if field.name != "spacing_um":
                yield field.name, getattr(self, field.name)
