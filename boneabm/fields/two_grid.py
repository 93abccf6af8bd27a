"""Solvers of the steady screened diffusion: conjugate gradients on one grid, and the two-grid cycle."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..kernels import blocks, diffusion, diffusion_cg
from .grid import Grid, coarse_grid, fine_grid, inverse_diagonal

SMOOTHED_BAND = (0.25, 2.0)  # part of the spectrum of D^-1 A that the fine steps damp
FINE_STEPS = 2  # even, so that the result ends in the array it started in


def padded(shape: tuple[int, int, int]) -> np.ndarray:
    """Zeros for an unknown on a grid of this shape, with its border of one voxel."""
    return np.zeros([n + 2 for n in shape], np.float32)


def relative_residual(grid: Grid, c: np.ndarray, source: np.ndarray) -> float:
    """||s - A c|| / ||s|| over the whole grid; 0 without any source."""
    sums = np.empty((grid.shape[0], 2))
    blocks.launch(diffusion.residual_squares, grid.shape[0], c, source, *grid.arguments, sums)
    misfit, norm = math.fsum(sums[:, 0]), math.fsum(sums[:, 1])
    return math.sqrt(misfit / norm) if norm > 0 else 0.0


def source_change(new: np.ndarray, old: np.ndarray) -> tuple[float, float]:
    """How far a source moved, ||new - old|| / ||old||, and the factor of old that is nearest to new.

    Infinite and 1 where there was no source before; 0 and 1 where there is none at all.
    """
    sums = np.empty((new.shape[0], 3))
    blocks.launch(diffusion.change_squares, new.shape[0], new, old, sums)
    change, norm, shared = (math.fsum(column) for column in sums.T)
    if norm > 0:
        return math.sqrt(change / norm), shared / norm
    return (math.inf if change != 0 else 0.0), 1.0


@dataclass
class ConjugateGradients:
    """Jacobi-preconditioned conjugate gradients on one grid, with its working arrays."""

    grid: Grid

    def __post_init__(self) -> None:
        shape = self.grid.shape
        self.inverse = inverse_diagonal(self.grid)
        self.solution, self.residual, self.product = (np.zeros(shape, np.float32) for _ in range(3))
        self.direction = padded(shape)

    def refresh(self) -> None:
        """Follow a change of the conductances of the grid."""
        self.inverse = inverse_diagonal(self.grid)

    def nbytes(self) -> int:
        """Memory of the working arrays in bytes."""
        arrays = (self.inverse, self.solution, self.residual, self.product, self.direction)
        return sum(array.nbytes for array in arrays)

    def solve(self, iterations: int, tolerance: float = 0.0) -> int:
        """Solve A solution = residual from zero (the residual is used up); returns the number of iterations.

        Stops after `iterations` or once the D^-1 norm of the residual fell to `tolerance` of its start.
        """
        planes, sums = self.grid.shape[0], np.empty(self.grid.shape[0])
        self.solution.fill(0)
        blocks.launch(diffusion_cg.first_direction, planes, self.residual, self.inverse, self.direction, sums)
        start = rest = math.fsum(sums)
        for count in range(iterations):
            if rest <= tolerance**2 * start:
                return count
            rest = self._iterate(rest, sums)
        return iterations

    def _iterate(self, rest: float, sums: np.ndarray) -> float:
        planes = self.grid.shape[0]
        vectors = (self.direction, self.product, self.inverse, self.solution, self.residual)
        blocks.launch(
            diffusion_cg.apply_operator, planes, self.direction, *self.grid.arguments, self.product, sums
        )
        step = np.float32(rest / math.fsum(sums))
        blocks.launch(diffusion_cg.take_step, planes, step, *vectors, sums)
        new = math.fsum(sums)
        blocks.launch(
            diffusion_cg.next_direction, planes, np.float32(new / rest), self.residual, self.inverse, self.direction
        )
        return new


class TwoGrid:
    """The two grids of a lattice and the cycle that improves a field on them."""

    def __init__(self, shape: tuple[int, int, int], alike: bool = False) -> None:
        self.fine, self.coarse = fine_grid(shape, alike), coarse_grid(shape)
        self.corrector = ConjugateGradients(self.coarse)
        self.scratch = padded(shape)

    def nbytes(self) -> int:
        """Memory of both grids and of the working arrays in bytes."""
        return self.fine.nbytes() + self.coarse.nbytes() + self.corrector.nbytes() + self.scratch.nbytes

    def combine(self, c: np.ndarray, source: np.ndarray) -> None:
        """Replace c by the best combination of c and a constant, which also makes production equal decay.

        Minimizes the energy norm of the error of factor c + shift, so the error never grows in that norm.
        """
        sums = np.empty((self.fine.shape[0], 4))
        blocks.launch(diffusion.combination_sums, self.fine.shape[0], c, source, *self.fine.arguments, sums)
        energy, work, amount, given = (math.fsum(column) for column in sums.T)
        factor, shift = best_combination(energy, work, amount, given, source.size)
        blocks.launch(diffusion.scale_and_shift, self.fine.shape[0], np.float32(factor), np.float32(shift), c)

    def cycle(self, c: np.ndarray, source: np.ndarray, coarse_iterations: int) -> None:
        """One cycle: residual to the coarse grid, conjugate gradients there, correction back, two fine steps.

        c      : (Z + 2, Y + 2, X + 2) float32, padded, improved in place
        source : (Z, Y, X) float32
        """
        arguments, corrector = self.fine.arguments, self.corrector
        blocks.launch(
            diffusion.residual_to_coarse, self.coarse.shape[0], c, source, *arguments, corrector.residual
        )
        corrector.solve(coarse_iterations)
        blocks.launch(diffusion.add_prolonged, self.fine.shape[0], corrector.solution, c)
        now, other = c, self.scratch
        for step, momentum in chebyshev_steps(*SMOOTHED_BAND, FINE_STEPS):
            blocks.launch(diffusion.smooth, self.fine.shape[0], now, source, *arguments, step, momentum, other)
            now, other = other, now


def best_combination(energy: float, work: float, amount: float, given: float, voxels: int) -> tuple[float, float]:
    """Factor and shift of `TwoGrid.combine` from the sums c A c, c s, c and s: Galerkin's 2 x 2 system."""
    determinant = energy * voxels - amount**2
    if determinant <= 1e-9 * energy * voxels:  # c is uniform (or zero) itself
        return 1.0, (given - amount) / voxels
    factor = (work * voxels - amount * given) / determinant
    return factor, (given - factor * amount) / voxels


def chebyshev_steps(low: float, high: float, steps: int) -> list[tuple[np.float32, np.float32]]:
    """Step and momentum of a Chebyshev iteration for the spectrum low..high (Saad, Iterative Methods, 12.3.2)."""
    middle, half = (low + high) / 2, (high - low) / 2
    rho = half / middle
    result = [(np.float32(1 / middle), np.float32(0))]
    for _ in range(steps - 1):
        following = 1 / (2 * middle / half - rho)
        result.append((np.float32(2 * following / half), np.float32(following * rho)))
        rho = following
    return result
