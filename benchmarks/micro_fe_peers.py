"""What else solves the same equations: Jacobi-CG on our operator, and smoothed aggregation of PyAMG."""

from __future__ import annotations

import importlib.util
import math
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from bones import SPACING_UM
from numpy.typing import NDArray
from report import progress
from scipy.sparse import csr_matrix, diags

from boneabm.errors import install
from boneabm.mechanics import MicroFE
from boneabm.mechanics.boundary import make_boundary, prescribed_values
from boneabm.mechanics.hexahedron import element_stiffness
from boneabm.mechanics.hierarchy import Hierarchy
from boneabm.mechanics.mesh import VoxelMesh

MAX_ITERATIONS = 10_000
NO_PYAMG = f"PyAMG is not installed: {install('bench')}"


def _prescribed(hierarchy: Hierarchy, boundary: str) -> NDArray[np.float64]:
    """Displacements (3, size) of the first unit case at the fixed degrees of freedom, 0 elsewhere."""
    mesh, fixed = hierarchy.levels[0].mesh, hierarchy.operator.fixed
    values = np.zeros((3, mesh.size))
    values.reshape(-1)[fixed] = prescribed_values(mesh, fixed, make_boundary(boundary).strains[0])
    return values


def jacobi_cg(hierarchy: Hierarchy, boundary: str, tolerance: float) -> dict[str, float]:
    """Conjugate gradients in float64 with the diagonal as preconditioner, as every textbook has them."""
    operator, inverse_diagonal = hierarchy.operator, hierarchy.levels[0].inverse_diagonal.astype(np.float64)
    x = _prescribed(hierarchy, boundary)
    residual, product, smooth = np.empty_like(x), np.empty_like(x), np.empty_like(x)
    start = time.perf_counter()
    operator.apply(x, residual)
    np.negative(residual, out=residual)
    norm = load = math.sqrt(np.vdot(residual, residual))
    direction = inverse_diagonal * residual
    energy, iterations = np.vdot(residual, direction), 0
    while norm > tolerance * load and iterations < MAX_ITERATIONS:
        operator.apply(direction, product)
        step = energy / np.vdot(direction, product)
        x += np.multiply(step, direction, out=smooth)
        residual -= np.multiply(step, product, out=product)
        np.multiply(inverse_diagonal, residual, out=smooth)
        old, energy = energy, np.vdot(residual, smooth)
        direction *= energy / old
        direction += smooth
        norm = math.sqrt(np.vdot(residual, residual))
        iterations += 1
    seconds = time.perf_counter() - start
    return {"setup_s": 0.0, "solve_s": seconds, "iterations": iterations, "e_app_mpa": _apparent(hierarchy, x)}


def assembled(mesh: VoxelMesh, poisson: float) -> csr_matrix:
    """Stiffness matrix with row 3 node + component, no degree of freedom fixed."""
    corners, modulus = mesh.element_nodes()
    place = (3 * corners[:, :, None] + np.arange(3)).reshape(len(corners), 24).astype(np.int32)
    values = modulus[:, None] * element_stiffness(poisson).reshape(-1)
    entries = (np.repeat(place, 24, axis=1).reshape(-1), np.tile(place, 24).reshape(-1))
    return csr_matrix((values.reshape(-1), entries), shape=(3 * mesh.nodes,) * 2)


def rigid_motions(mesh: VoxelMesh) -> NDArray[np.float64]:
    """Three translations and three rotations (3 nodes, 6), row 3 node + component."""
    position = mesh.coordinates(np.arange(mesh.nodes)) / max(mesh.shape) - 0.5
    modes = np.zeros((mesh.nodes, 3, 6))
    modes[:, range(3), range(3)] = 1
    for rotation, (i, j) in enumerate(((0, 1), (0, 2), (1, 2)), start=3):
        modes[:, i, rotation] = position[:, j]
        modes[:, j, rotation] = -position[:, i]
    return modes.reshape(-1, 6)


def pyamg_solve(hierarchy: Hierarchy, boundary: str, tolerance: float, poisson: float) -> dict[str, float]:
    """CG with smoothed aggregation and rigid motions; assembling the matrix is not timed.

    Fixed degrees of freedom keep their rows with a 1 on the diagonal, so that all blocks are 3 x 3.
    """
    from pyamg import smoothed_aggregation_solver

    mesh, fixed = hierarchy.levels[0].mesh, hierarchy.operator.fixed
    free = np.ones((mesh.nodes, 3))
    free[fixed % mesh.size, fixed // mesh.size] = 0
    free = free.reshape(-1)
    given = np.ascontiguousarray(_prescribed(hierarchy, boundary)[:, : mesh.nodes].T).reshape(-1)
    matrix = assembled(mesh, poisson)
    load = -free * (matrix @ given)
    matrix = (diags(free) @ matrix @ diags(free) + diags(1 - free)).tobsr((3, 3))
    start = time.perf_counter()
    levels = smoothed_aggregation_solver(matrix, B=free[:, None] * rigid_motions(mesh))
    built = time.perf_counter()
    residuals: list[float] = []
    x = levels.solve(load, tol=tolerance, accel="cg", maxiter=MAX_ITERATIONS, residuals=residuals)
    solved = time.perf_counter()
    field = np.zeros((3, mesh.size))
    field[:, : mesh.nodes] = (x * free + given).reshape(-1, 3).T
    return {
        "setup_s": built - start,
        "solve_s": solved - built,
        "iterations": len(residuals) - 1,
        "e_app_mpa": _apparent(hierarchy, field),
    }


def _apparent(hierarchy: Hierarchy, x: NDArray[np.float64]) -> float:
    """Apparent stiffness x . K x / volume, MPa."""
    forces = np.empty_like(x)
    hierarchy.operator.forces(x, forces)
    return float(np.vdot(x, forces)) / math.prod(hierarchy.levels[0].mesh.shape)


def has_pyamg() -> bool:
    """Whether PyAMG can be imported."""
    return importlib.util.find_spec("pyamg") is not None


def compare(
    modulus: NDArray[np.float32], options: dict[str, Any], peers: list[str]
) -> Iterator[tuple[str, dict[str, float]]]:
    """Ours (the best of two) and then each installed peer on the same bone, in this process."""
    ours = []
    for _ in range(2):
        solver = MicroFE(SPACING_UM, **options)
        solver.update(modulus)
        solver.solve()
        ours.append({"setup_s": solver.setup_s, "solve_s": solver.solve_s, "iterations": solver.iterations[0]})
    best = min(ours, key=lambda run: run["setup_s"] + run["solve_s"])
    yield "ours", best | {"e_app_mpa": float(solver.stiffness_mpa[0, 0])}
    assert solver._solver is not None
    hierarchy, boundary = solver._solver.hierarchy, solver.boundary.name
    if "jacobi" in peers:
        progress("Jacobi-CG")
        yield "jacobi", jacobi_cg(hierarchy, boundary, solver.tolerance)
    if "pyamg" in peers and has_pyamg():
        progress("PyAMG")
        yield "pyamg", pyamg_solve(hierarchy, boundary, solver.tolerance, solver.poisson)
