"""Conjugate gradients in float64 with a float32 multigrid preconditioner."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from boneabm.errors import SolverError
from boneabm.kernels import multigrid

from .hierarchy import Hierarchy, total


class ConjugateGradients:
    """Solver for K x = 0 on the free degrees of freedom with the fixed ones as they are in x.

    The work vectors are kept, so that several load cases share them.
    """

    def __init__(self, hierarchy: Hierarchy) -> None:
        self.hierarchy = hierarchy
        self.operator = hierarchy.operator
        self.mesh = hierarchy.operator.mesh
        self.residual, self.direction, self.product = np.zeros((3, 3, self.mesh.size))

    def load_norm(self, prescribed: NDArray[np.float64]) -> float:
        """Norm of the load that prescribed displacements alone (zero elsewhere) put on the free degrees of freedom."""
        self.operator.apply(prescribed, self.product)
        return math.sqrt(total(self.mesh, self.product, self.product))

    def solve(
        self, x: NDArray[np.float64], reference: float, tolerance: float, max_iterations: int
    ) -> list[float]:
        """Improve x (3, nodes) in place until |residual| <= tolerance * reference; returns the relative residuals.

        Raises SolverError with the residual history when that takes too many iterations or is not a number.
        """
        mesh, chunks = self.mesh, multigrid.CHUNKS
        flat = {name: getattr(self, name).reshape(-1) for name in ("residual", "direction", "product")}
        self.operator.apply(x, self.product)
        np.negative(self.product, out=self.residual)
        history = [self._relative(reference)]
        old_energy = math.inf
        self.direction[:] = 0
        while not history[-1] <= tolerance:
            if len(history) > max_iterations or not math.isfinite(history[-1]):
                raise SolverError(_failure(history, tolerance), history)
            correction = self.hierarchy.precondition(self.residual)
            energy = total(mesh, self.residual, correction)
            mesh.run(multigrid.redirect, chunks, energy / old_energy, correction.reshape(-1), flat["direction"])
            self.operator.apply(self.direction, self.product)
            curvature = total(mesh, self.direction, self.product)
            if not curvature > 0:
                raise SolverError(_failure(history, tolerance), history)
            alpha = energy / curvature
            mesh.run(
                multigrid.advance, chunks, alpha, flat["direction"], flat["product"], x.reshape(-1), flat["residual"]
            )
            old_energy = energy
            history.append(self._relative(reference))
        return history

    def _relative(self, reference: float) -> float:
        norm = math.sqrt(total(self.mesh, self.residual, self.residual))
        return norm / reference if reference > 0 else norm


def _failure(history: list[float], tolerance: float) -> str:
    return (
        f"Micro-FE did not converge: relative residual {history[-1]:.2e} after {len(history) - 1} iterations, "
        f"asked for {tolerance:.1e}. Check the modulus field (contrast, isolated necks) or allow more iterations."
    )
