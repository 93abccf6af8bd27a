"""The fine grid of the lattice and the grid twice as coarse, built from the matrix fraction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..kernels import blocks, diffusion_cg, diffusion_geometry

LEVELS = 256  # the matrix fraction is kept in steps of 1 / 255


@dataclass
class Grid:
    """Face conductances and voxel edges of one grid, as `boneabm.kernels.diffusion` describes them.

    Where all voxels are `alike` one row of faces stands for all: a cycle then reads a quarter less memory.
    """

    face_z: np.ndarray
    face_y: np.ndarray
    face_x: np.ndarray
    scale: np.float32
    size_z: np.ndarray
    size_y: np.ndarray
    size_x: np.ndarray

    @classmethod
    def empty(cls, sizes: tuple[np.ndarray, ...], kind: type, alike: bool = False) -> Grid:
        """Grid without any conductance for the voxel edges along z, y, x."""
        z, y, x = (size.size for size in sizes)
        rows_z, rows_y = (1, 1) if alike else (z, y)
        shapes = ((z + 1, rows_y, x), (rows_z, y + 1, x), (rows_z, rows_y, x + 1))
        faces: list[np.ndarray] = [np.zeros(shape, kind) for shape in shapes]
        return cls(faces[0], faces[1], faces[2], np.float32(1), sizes[0], sizes[1], sizes[2])

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels along z, y, x."""
        return self.size_z.size, self.size_y.size, self.size_x.size

    @property
    def alike(self) -> bool:
        """Whether one row of faces stands for all."""
        return self.face_x.shape[:2] != self.shape[:2]

    @property
    def faces(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Faces normal to z, y, x."""
        return self.face_z, self.face_y, self.face_x

    @property
    def arguments(self) -> tuple[Any, ...]:
        """What every kernel takes to know this grid."""
        return *self.faces, self.scale, self.size_z, self.size_y, self.size_x

    def nbytes(self) -> int:
        """Memory of the face conductances in bytes."""
        return sum(face.nbytes for face in self.faces)


def fine_grid(shape: tuple[int, int, int], alike: bool = False) -> Grid:
    """Fine grid of the lattice, conductances not yet set; alike : every voxel conducts as well as every other."""
    return Grid.empty(tuple(np.ones(n, np.float32) for n in shape), np.uint16, alike)


def coarse_grid(shape: tuple[int, int, int]) -> Grid:
    """Grid twice as coarse; where a fine count is odd the last coarse voxel is half as thick."""
    return Grid.empty(tuple(np.array([min(2, n - i) for i in range(0, n, 2)], np.float32) for n in shape), np.float32)


def conductance_table(
    spacing_um: float, lambda_marrow_um: float, lambda_bone_um: float
) -> tuple[np.ndarray, np.float32]:
    """Conductance between two matrix fractions as (256, 256) uint16, and the value of one unit.

    g(f) = (1 - f) (lambda_marrow / h)^2 + f (lambda_bone / h)^2,  face = harmonic mean 2 g1 g2 / (g1 + g2)
    """
    fraction = np.arange(LEVELS) / (LEVELS - 1)
    own = ((1 - fraction) * lambda_marrow_um**2 + fraction * lambda_bone_um**2) / spacing_um**2
    pair_sum = own[:, None] + own[None, :]
    mean = np.divide(2 * own[:, None] * own[None, :], pair_sum, out=np.zeros_like(pair_sum), where=pair_sum > 0)
    unit = np.float32(own.max() / np.iinfo(np.uint16).max)
    return np.minimum(np.rint(mean / unit), np.iinfo(np.uint16).max).astype(np.uint16), unit


def set_conductances(fine: Grid, coarse: Grid, fraction: np.ndarray, table: np.ndarray, unit: np.float32) -> None:
    """Fill both grids from the matrix fraction (Z, Y, X) uint8."""
    fine.scale = unit
    if fine.alike:
        for axis, face in enumerate(fine.faces):
            np.moveaxis(face, axis, 0)[1:-1] = table[0, 0]
    else:
        blocks.launch(diffusion_geometry.fine_faces, fine.shape[0], fraction, table, *fine.faces)
    sizes = (coarse.size_z, coarse.size_y, coarse.size_x)
    for axis in range(3):
        target = coarse.faces[axis]
        all_lines = [n + (axis == a) for a, n in enumerate(fine.shape)]
        lines = np.ascontiguousarray(np.broadcast_to(fine.faces[axis], all_lines))
        blocks.launch(diffusion_geometry.coarse_faces, target.shape[0], axis, lines, unit, sizes[axis], target)


def inverse_diagonal(grid: Grid) -> np.ndarray:
    """1 / diagonal of the operator on this grid, (Z, Y, X) float32."""
    inverse = np.empty(grid.shape, np.float32)
    blocks.launch(diffusion_cg.inverse_diagonal, grid.shape[0], *grid.arguments, inverse)
    return inverse
