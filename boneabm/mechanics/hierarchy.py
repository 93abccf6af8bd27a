"""Geometric multigrid for the voxel mesh: the preconditioner of the micro-FE solver.

Coarse meshes are cut where the bone is cut (`coarsening`) and re-discretized with the same kernels; trilinear transfer;
a coarse degree of freedom is fixed if it is a parent of a fixed one. Chebyshev-Jacobi smoothing in float32, one visit
of the first coarse level per cycle and two of every level below it (V on top, W below), sparse factorization at the
bottom.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import splu

from boneabm.kernels import multigrid, voxel_fe

from .coarsening import SOFTENING, Coarsening
from .hexahedron import corner_stiffness, element_stiffness, smoothing_bound, stiffness_numbers
from .mesh import VoxelMesh

DEGREES = (3, 3, 4, 6)  # Chebyshev degree from the finest level down; the last one repeats
RATIOS = {3: 12.0, 4: 17.0, 6: 24.0}  # largest over smallest eigenvalue that the smoother damps
# Factor on coarse corrections, and visits of every level below the first per visit of the level above. Softened coarse
# cells can correct too much for the cycle to stay positive definite (long prisms, Poisson's ratio near 0.5); the second
# mode takes the softening back, the third is positive definite for any coarse stiffness.
MODES = ((1.0, 2), (SOFTENING, 2), (1.0, 1))
DIRECT_CELLS = 8


def coarsenings(cells: int) -> int:
    """How often a lattice with this many cells along its longest edge is halved before it is solved directly."""
    return max(0, math.ceil(math.log2(cells / DIRECT_CELLS)))


def total(mesh: VoxelMesh, a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """Scalar product of two vectors in float64, the same bits for any number of threads."""
    partial = np.zeros(multigrid.CHUNKS)
    mesh.run(multigrid.dot, multigrid.CHUNKS, a.reshape(-1), b.reshape(-1), partial)
    return float(np.add.accumulate(partial)[-1])


class Operator:
    """Stiffness of a voxel mesh with fixed degrees of freedom (flat places component * size + node)."""

    def __init__(self, mesh: VoxelMesh, poisson: float, fixed: NDArray[np.uint32]) -> None:
        self.mesh = mesh
        self.fixed = fixed
        numbers = stiffness_numbers(poisson)
        self._numbers = {"d": numbers, "f": tuple(np.float32(number) for number in numbers)}

    def forces(self, x: NDArray[np.floating], out: NDArray[np.floating]) -> None:
        """out = K x including the reactions at fixed degrees of freedom; (3, size), both float32 or both float64."""
        mesh = self.mesh
        mesh.sync_ties(x)
        bone = (mesh.segment_nodes, mesh.columns, mesh.slab_segment, mesh.slab_node)
        mesh.run_slabs(voxel_fe.apply, x, out, *bone, self._numbers[x.dtype.char])
        mesh.fold_ties(out)

    def apply(self, x: NDArray[np.floating], out: NDArray[np.floating]) -> None:
        """out = K x, 0 at fixed degrees of freedom."""
        self.forces(x, out)
        self.clear_fixed(out)

    def clear_fixed(self, vector: NDArray[np.floating]) -> None:
        """Set a vector to 0 at the fixed degrees of freedom."""
        self.mesh.run(multigrid.clear_at, multigrid.CHUNKS, vector, self.fixed)


class Level:
    """One level: operator, smoother and the float32 vectors of the cycle."""

    def __init__(self, mesh: VoxelMesh, poisson: float, fixed: NDArray[np.uint32], degree: int) -> None:
        self.mesh = mesh
        self.operator = Operator(mesh, poisson, fixed)
        self.degree = degree
        self.poisson = poisson
        self.largest = smoothing_bound(poisson)
        self.x, self.step, self.product, self.load = np.zeros((4, 3, mesh.size), np.float32)
        self.inverse_diagonal = np.zeros(mesh.size, np.float32)
        self.coarsening: Coarsening | None = None
        self.refill()

    def refill(self) -> None:
        """Take over new moduli of the mesh."""
        diagonal = np.float32(corner_stiffness(self.poisson)) * self.mesh.corner_modulus()
        np.divide(1, diagonal, out=self.inverse_diagonal, where=diagonal > 0)

    def smooth(self, from_zero: bool) -> None:
        """Chebyshev-Jacobi iteration of this level's degree for K x = load."""
        low = self.largest / RATIOS[self.degree]
        half_width, center = (self.largest - low) / 2, (self.largest + low) / 2
        rho = half_width / center
        if from_zero:
            args = (self.inverse_diagonal, np.float32(1 / center), self.load, self.x, self.step)
            self.mesh.run(multigrid.smooth_first, multigrid.CHUNKS, *args)
        else:
            self._smooth_step(0.0, 1 / center)
        for _ in range(self.degree - 1):
            next_rho = 1 / (2 * center / half_width - rho)
            self._smooth_step(next_rho * rho, 2 * next_rho / half_width)
            rho = next_rho

    def _smooth_step(self, momentum: float, scale: float) -> None:
        self.operator.apply(self.x, self.product)
        self.mesh.run(
            multigrid.smooth_next, multigrid.CHUNKS, self.inverse_diagonal, np.float32(momentum), np.float32(scale),
            self.load, self.product, self.x, self.step,
        )  # fmt: skip

    def coarsen(self, degree: int | None) -> Level:
        """The next coarser level; the last one (no degree) is solved directly."""
        self.coarsening = Coarsening(self.mesh)
        mesh, fixed = self.coarsening.coarse, self.coarsening.parents_of(self.operator.fixed)
        return DirectLevel(mesh, self.poisson, fixed) if degree is None else Level(mesh, self.poisson, fixed, degree)

    def restrict_to(self, coarse: Level) -> None:
        """Load of the coarse level = transposed interpolation of this level's residual."""
        assert self.coarsening is not None
        self.operator.apply(self.x, self.product)
        fine, mesh = self.mesh, coarse.mesh
        fine.run(
            multigrid.restrict, mesh.frame[0], self.load, self.product, fine.frame[:2], fine.row_start, fine.node_x,
            self.coarsening.sheet, mesh.frame[:2], mesh.row_start, mesh.dense_index(), coarse.load,
        )  # fmt: skip
        mesh.fold_ties(coarse.load)
        coarse.operator.clear_fixed(coarse.load)

    def add_from(self, coarse: Level, scale: float) -> None:
        """Add the interpolated coarse correction times `scale` to x."""
        assert self.coarsening is not None
        fine, mesh = self.mesh, coarse.mesh
        mesh.sync_ties(coarse.x)
        fine.run(
            multigrid.prolong, fine.planes, np.float32(scale), coarse.x, fine.frame[:2], fine.row_start, fine.node_x,
            self.coarsening.sheet, mesh.frame[:2], mesh.dense_index(), self.x,
        )  # fmt: skip
        self.operator.clear_fixed(self.x)


class DirectLevel(Level):
    """The coarsest level, solved by a sparse factorization in float64."""

    def __init__(self, mesh: VoxelMesh, poisson: float, fixed: NDArray[np.uint32]) -> None:
        nodes = np.setdiff1d(np.arange(mesh.nodes), mesh.alias)
        self.free = np.setdiff1d(mesh.size * np.arange(3)[:, None] + nodes, fixed)
        super().__init__(mesh, poisson, fixed, DEGREES[-1])

    def refill(self) -> None:
        """Factorize the matrix of the present moduli."""
        mesh = self.mesh
        corners, modulus = mesh.element_nodes()
        place = (corners[:, :, None] + mesh.size * np.arange(3)).reshape(len(corners), 24)
        values = modulus[:, None] * element_stiffness(self.poisson).reshape(-1)
        entries = (np.repeat(place, 24, axis=1).reshape(-1), np.tile(place, 24).reshape(-1))
        matrix = coo_matrix((values.reshape(-1), entries), shape=(3 * mesh.size,) * 2).tocsc()
        if len(self.free):
            self.factors = splu(
                matrix[self.free][:, self.free].tocsc(), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0,
                options={"SymmetricMode": True},
            )  # fmt: skip

    def solve(self) -> None:
        """x = K^-1 load on the free degrees of freedom, 0 elsewhere."""
        self.x[:] = 0
        if len(self.free):
            self.x.reshape(-1)[self.free] = self.factors.solve(self.load.reshape(-1)[self.free].astype(np.float64))


class Hierarchy:
    """All levels of one bone; `cycle` is one multigrid cycle.

    mesh : finest mesh; fixed : flat fixed degrees of freedom of the finest mesh
    """

    def __init__(self, mesh: VoxelMesh, poisson: float, fixed: NDArray[np.uint32]) -> None:
        self.mode = 0
        cells = max(mesh.shape)
        degrees = [DEGREES[min(depth, len(DEGREES) - 1)] for depth in range(coarsenings(cells))]
        if not degrees:
            self.levels: list[Level] = [DirectLevel(mesh, poisson, fixed)]
            return
        self.levels = [Level(mesh, poisson, fixed, degrees[0])]
        for degree in [*degrees[1:], None]:
            self.levels.append(self.levels[-1].coarsen(degree))

    def refill(self) -> None:
        """Take over new moduli of the finest mesh."""
        for level in self.levels:
            level.refill()
            if level.coarsening is not None:
                level.coarsening.coarse.fill(level.coarsening.moduli())

    def steady(self) -> bool:
        """Change to the next, more careful mode of the cycle; False where there is none."""
        if self.mode + 1 == len(MODES):
            return False
        self.mode += 1
        return True

    @property
    def operator(self) -> Operator:
        """Operator of the finest level."""
        return self.levels[0].operator

    def cycle(self) -> NDArray[np.float32]:
        """Approximate K^-1 load of the finest level by one cycle; the result is a work array of that level."""
        self._cycle(0)
        return self.levels[0].x

    def _cycle(self, depth: int) -> None:
        level = self.levels[depth]
        if isinstance(level, DirectLevel):
            level.solve()
            return
        level.smooth(from_zero=True)
        scale, visits = MODES[self.mode]
        for _ in range(1 if depth == 0 else visits):
            level.restrict_to(self.levels[depth + 1])
            self._cycle(depth + 1)
            level.add_from(self.levels[depth + 1], scale)
            level.smooth(from_zero=False)
