"""Geometric multigrid for the voxel mesh: the preconditioner of the micro-FE solver.

Coarse modulus = mean of the 8 children (void = 0), re-discretized with the same kernels; trilinear transfer; a coarse
degree of freedom is fixed if it is a parent of a fixed one. Chebyshev-Jacobi smoothing in float32, one visit of the
first coarse level per cycle and two of every level below it (V on top, W below), sparse factorization at the bottom.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import splu

from boneabm.kernels import blocks, multigrid, voxel_fe, voxel_fe_mesh

from .hexahedron import corner_stiffness, element_stiffness, smoothing_bound, stiffness_numbers
from .mesh import VoxelMesh, mark_bone

DEGREES = (2, 4, 6, 8)  # Chebyshev degree from the finest level down; the last one repeats
RATIOS = {2: 7.0, 4: 17.0, 6: 24.0, 8: 29.0}  # largest over smallest eigenvalue that the smoother damps
DIRECT_CELLS = 8


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
        bone = (mesh.segment_nodes, mesh.columns, mesh.slab_segment, mesh.slab_node)
        mesh.run_slabs(voxel_fe.apply, x, out, *bone, self._numbers[x.dtype.char])

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
        self.refill()

    def refill(self) -> None:
        """Take over new moduli of the mesh."""
        diagonal = np.float32(corner_stiffness(self.poisson)) * self.mesh.corner_modulus()[: self.mesh.nodes]
        np.divide(1, diagonal, out=self.inverse_diagonal[: self.mesh.nodes])

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

    def restrict_to(self, coarse: Level) -> None:
        """Load of the coarse level = transposed interpolation of this level's residual."""
        self.operator.apply(self.x, self.product)
        self.mesh.run(
            multigrid.restrict, coarse.mesh.planes, self.load, self.product, self.mesh.row_start, self.mesh.node_x,
            self.mesh.height, coarse.mesh.dense_index(), coarse.mesh.row_start, coarse.load,
        )  # fmt: skip
        coarse.operator.clear_fixed(coarse.load)

    def add_from(self, coarse: Level) -> None:
        """Add the interpolated coarse correction to x."""
        self.mesh.run(
            multigrid.prolong, self.mesh.planes, coarse.x, self.mesh.row_start, self.mesh.node_x, self.mesh.height,
            coarse.mesh.dense_index(), self.x,
        )  # fmt: skip
        self.operator.clear_fixed(self.x)


class DirectLevel(Level):
    """The coarsest level, solved by a sparse factorization in float64."""

    def __init__(self, mesh: VoxelMesh, poisson: float, fixed: NDArray[np.uint32]) -> None:
        self.free = np.setdiff1d(mesh.size * np.arange(3)[:, None] + np.arange(mesh.nodes), fixed)
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
        """x = K^-1 load on the free degrees of freedom."""
        if len(self.free):
            self.x.reshape(-1)[self.free] = self.factors.solve(self.load.reshape(-1)[self.free].astype(np.float64))


def coarse_modulus(modulus: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean of the 8 children of every coarse voxel; odd sizes are continued with void."""
    coarse = np.empty([(size + 1) // 2 for size in modulus.shape], np.float32)
    blocks.launch(voxel_fe_mesh.coarsen, coarse.shape[0], modulus, coarse)
    return coarse


def coarse_fixed(fine: VoxelMesh, fixed: NDArray[np.uint32], coarse: VoxelMesh) -> NDArray[np.uint32]:
    """Coarse degrees of freedom that are parents of fixed ones."""
    component, node = fixed // fine.size, fixed % fine.size
    low = fine.coordinates(node)
    high = (low + 1) // 2
    low //= 2
    held = np.zeros(3 * coarse.size, np.bool_)
    for corner in product((False, True), repeat=3):
        held[component * coarse.size + coarse.dense_index()[tuple(np.where(corner, high, low).T)]] = True
    return np.flatnonzero(held).astype(np.uint32)


def _mesh_of(modulus: NDArray[np.float32], edge: float, old: VoxelMesh | None) -> VoxelMesh:
    if old is None or not np.array_equal(old.bone, mark_bone(modulus)):
        return VoxelMesh(modulus, edge)
    old.fill(modulus)
    return old


class Hierarchy:
    """All levels of one modulus volume; `cycle` is one multigrid cycle.

    mesh     : finest mesh; modulus : (Z, Y, X) float32, MPa; fixed : flat fixed degrees of freedom of the finest mesh
    previous : hierarchy of the bone before; coarse meshes whose bone is the same are taken over
    """

    def __init__(
        self,
        mesh: VoxelMesh,
        modulus: NDArray[np.float32],
        poisson: float,
        fixed: NDArray[np.uint32],
        previous: Hierarchy | None = None,
    ) -> None:
        self.levels: list[Level] = []
        old_levels = previous.levels if previous is not None else []
        while max(mesh.shape) > DIRECT_CELLS:
            self.levels.append(Level(mesh, poisson, fixed, DEGREES[min(len(self.levels), len(DEGREES) - 1)]))
            modulus = coarse_modulus(modulus)
            old = old_levels[len(self.levels)].mesh if len(self.levels) < len(old_levels) else None
            coarse = _mesh_of(modulus, 2 * mesh.edge, old)
            fixed = coarse_fixed(mesh, fixed, coarse)
            mesh = coarse
        self.bottom = DirectLevel(mesh, poisson, fixed)
        self.levels.append(self.bottom)

    def refill(self, modulus: NDArray[np.float32]) -> None:
        """Take new moduli of the same bone voxels."""
        for level in self.levels:
            level.mesh.fill(modulus)
            level.refill()
            modulus = coarse_modulus(modulus)

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
        if level is self.bottom:
            self.bottom.solve()
            return
        level.smooth(from_zero=True)
        for _ in range(1 if depth == 0 else 2):
            level.restrict_to(self.levels[depth + 1])
            self._cycle(depth + 1)
            level.add_from(self.levels[depth + 1])
            level.smooth(from_zero=False)
