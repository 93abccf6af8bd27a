"""The bone surface as a list of voxels with normals and areas."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ..kernels import surface as kernels
from ..kernels.blocks import launch
from .lattice import VoxelLattice

SMOOTHING_UM = 16.0
"""Roughness below this counts as none, at every voxel size: standard deviation of the smoothing, um."""


class Surface:
    """Surface voxels of a lattice, in z, y, x order; recomputed from the matrix, so it is not part of the state.

    voxel    : (N,) int32, flat index     normal : (N, 3) float32, unit vector (z, y, x) into bone
    area_um2 : (N,) float32, um2, scaled so that the total is the area of the smoothed surface
    row      : (Z*Y*X,) int32, row of a voxel in the lists, -1 elsewhere
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.row = np.full(int(np.prod(shape)), -1, np.int32)
        self.voxel = np.empty(0, np.int32)
        self.normal = np.empty((0, 3), np.float32)
        self.area_um2 = np.empty(0, np.float32)

    @property
    def total_um2(self) -> float:
        """Bone surface BS of the block without the cut faces, um2."""
        return float(self.area_um2.sum(dtype=np.float64))

    def update(self, lattice: VoxelLattice, area_scale: float) -> None:
        """List the surface of the lattice as it is now."""
        kernels.clear_rows(self.voxel, self.row)
        self.voxel = surface_voxels(lattice.matrix)
        self.normal = np.empty((self.voxel.size, 3), np.float32)
        self.area_um2 = np.empty(self.voxel.size, np.float32)
        blocks = -(-self.voxel.size // kernels.BLOCK)
        spacing = lattice.spacing_um
        launch(kernels.surface_geometry, blocks, lattice.matrix, spacing, self.voxel, self.normal, self.area_um2)
        self.area_um2 *= np.float32(area_scale)
        kernels.mark_rows(self.voxel, self.row)

    def area_scale(self, lattice: VoxelLattice) -> float:
        """Factor from voxel faces to the smooth surface: integral of |grad f| over the sum of raw areas.

        Raw face areas drift upward as a surface roughens; the coarea integral of the smoothed fraction does not.
        """
        self.update(lattice, 1.0)
        smooth = ndimage.gaussian_filter(lattice.matrix, SMOOTHING_UM / lattice.spacing_um, mode="nearest")
        planes = np.empty(lattice.shape[0])
        launch(kernels.gradient_area, lattice.shape[0], smooth, lattice.spacing_um, planes)
        raw = self.total_um2
        return float(planes.sum()) / raw if raw > 0 else 1.0


def surface_voxels(matrix: np.ndarray) -> np.ndarray:
    """Flat bone voxels with a marrow voxel across a face inside the block, (N,) int32, in z, y, x order.

    matrix : (Z, Y, X) float32, 0..1; bone is >= 0.5
    """
    planes = matrix.shape[0]
    count = np.empty(planes, np.int64)
    launch(kernels.count_surface, planes, matrix, count)
    start = np.concatenate([[0], np.cumsum(count)])
    voxel = np.empty(start[-1], np.int32)
    launch(kernels.list_surface, planes, matrix, start, voxel)
    return voxel
