"""Conjugate gradients in float32 around a float32 multigrid cycle, kept true in float64."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from boneabm.errors import SolverError
from boneabm.kernels import multigrid

from .hierarchy import Hierarchy, total

REFRESH = 0.1  # the true residual is computed again whenever the carried one has fallen by this factor


class ConjugateGradients:
    """Solver for K x = 0 on the free degrees of freedom with the fixed ones as they are in x.

    Directions, their products and the residual that the iteration carries are float32. Rounding would let the carried
    residual drift from the true one; so its steps are collected in a float32 correction, and each time the residual
    has fallen by REFRESH the correction is added to x and the residual is computed again from x, both in float64
    (reliable updates: Sleijpen & van der Vorst, Computing 56:141, 1996). A solve ends on a true residual only.

    The work vectors are those of the finest level of the hierarchy and two more, shared by all load cases. After a
    solve `product` is K x with the reactions at the fixed degrees of freedom.
    """

    def __init__(self, hierarchy: Hierarchy) -> None:
        self.hierarchy = hierarchy
        self.operator = hierarchy.operator
        self.mesh = hierarchy.operator.mesh
        self.direction, self.correction = np.zeros((2, 3, self.mesh.size), np.float32)
        self.product = np.zeros((3, self.mesh.size))

    def load_norm(self, values: NDArray[np.float64]) -> float:
        """Norm of the load that the prescribed displacements alone (zero elsewhere) put on the free ones."""
        top = self.hierarchy.levels[0]
        top.x[:] = 0
        top.x.reshape(-1)[self.operator.fixed] = values
        self.operator.apply(top.x, top.product)
        return math.sqrt(total(self.mesh, top.product, top.product))

    def solve(
        self, x: NDArray[np.float64], reference: float, tolerance: float, max_iterations: int
    ) -> list[float]:
        """Improve x (3, size) in place until |residual| <= tolerance * reference; returns the relative residuals.

        Raises SolverError with the residual history when that takes too many iterations or is not a number.
        """
        top, scale = self.hierarchy.levels[0], reference if reference > 0 else 1.0
        self.hierarchy.mode = 0
        self.direction[:] = 0
        self.correction[:] = 0
        old_energy = math.inf
        history = [self._refresh(x) / scale]
        trusted = history[0]
        while not history[-1] <= tolerance:
            if len(history) > max_iterations or not math.isfinite(history[-1]):
                raise SolverError(_failure(history, tolerance), history)
            correction = self.hierarchy.cycle()
            energy = total(self.mesh, top.load, correction)
            if energy <= 0:
                if not self.hierarchy.steady():
                    raise SolverError(_failure(history, tolerance), history)
                old_energy = math.inf
                continue
            self._run(multigrid.redirect, np.float32(energy / old_energy), correction, self.direction)
            self.operator.apply(self.direction, top.product)
            curvature = total(self.mesh, self.direction, top.product)
            if not curvature > 0:
                raise SolverError(_failure(history, tolerance), history)
            step = np.float32(energy / curvature)
            self._run(multigrid.advance, step, self.direction, top.product, self.correction, top.load)
            old_energy = energy
            history.append(math.sqrt(total(self.mesh, top.load, top.load)) / scale)
            if history[-1] <= max(REFRESH * trusted, tolerance):
                history[-1] = trusted = self._refresh(x) / scale
        return history

    def _refresh(self, x: NDArray[np.float64]) -> float:
        """x += correction, correction = 0, residual = -K x; returns the norm of the true residual."""
        load = self.hierarchy.levels[0].load
        self._run(multigrid.collect, self.correction, x)
        self.operator.forces(x, self.product)
        self._run(multigrid.negate, self.product, load)
        self.operator.clear_fixed(load)
        return math.sqrt(total(self.mesh, load, load))

    def _run(self, kernel: object, *args: NDArray[np.floating] | np.floating) -> None:
        flat = [arg.reshape(-1) if isinstance(arg, np.ndarray) else arg for arg in args]
        self.mesh.run(kernel, multigrid.CHUNKS, *flat)


def _failure(history: list[float], tolerance: float) -> str:
    """What went wrong, for the user; a cycle or an operator that is not positive definite ends a solve early."""
    return (
        f"Micro-FE did not converge: relative residual {history[-1]:.2e} after {len(history) - 1} iterations, "
        f"asked for {tolerance:.1e}. Check the moduli (contrast over 1:1000, Poisson's ratio near 0.5) and the bone "
        "(parts that hang on single voxels), or ask for a looser tolerance."
    )
