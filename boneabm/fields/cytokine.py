"""Quasi-steady fields of the total (free + bound) amount of each cytokine, carried from day to day."""

from __future__ import annotations

import math

import numpy as np

from ..errors import InputError, SolverError, nearest
from ..kernels import blocks, diffusion, diffusion_geometry
from .grid import conductance_table, set_conductances
from .two_grid import TwoGrid, padded, relative_residual, source_change

UPDATE_CHANGE = 0.05  # change of the pattern of the sources (relative L2) above which a species gets one cycle
UPDATE_FACTOR = 0.005  # common change of all sources above which the field is scaled
LARGE_CHANGE = 0.20  # ... above which it gets LARGE_CYCLES
LARGE_CYCLES = 3
COLD_RESIDUAL = 1e-3  # fine relative residual at which a cold solve ends
COLD_CYCLES_MOST = 60
CHECK_EVERY = 30  # advances between two measurements of the residual
CHECK_RESIDUAL = 0.01  # residual above which a measurement adds a cycle
COARSE_ITERATIONS_PER_VOXEL = 1.5  # of a warm cycle, per voxel of the longest diffusion length
COARSE_ITERATIONS_LEAST = 4
COLD_FACTOR = 4  # more coarse iterations in the first cycle of a cold solve


class CytokineField:
    """Steady transport of several cytokines on the whole lattice, no flux through its outer faces.

    div(lambda^2 grad c) - c + s = 0 for the total of each species, with lambda^2 = (1 - f) lambda_marrow^2 +
    f lambda_bone^2 in a voxel of matrix fraction f and harmonic means at its faces. Because ligand, decoy and complex
    are taken to share lambda and decay, binding cancels from the totals (see `binding` for the free part). A source s
    has the unit of c, pM: it is the production divided by the decay rate, so a uniform source gives c = s.

    shape            : voxels along z, y, x, each at least 4
    spacing_um       : voxel edge, > 0
    lambda_marrow_um : diffusion length in marrow, >= 0; lambda_bone_um : in bone, >= 0; not both 0
    species          : names, in the order of the sources

    In remodeling blocks of 64^3 and 100^3 voxels the fields at the surface stay within 2 % (sclerostin 3.1 %; L2) of
    converged ones, 0.5-1.3 % on average (`benchmarks/fields.py --follow`). With lambda_bone_um = 0 bone keeps its own
    production, which hides changes of the marrow sources, and the error is several times larger.

    Raises InputError for a value outside these ranges.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        spacing_um: float,
        lambda_marrow_um: float,
        lambda_bone_um: float,
        species: tuple[str, ...],
    ) -> None:
        _check_definition(shape, spacing_um, lambda_marrow_um, lambda_bone_um, species)
        self.shape = (int(shape[0]), int(shape[1]), int(shape[2]))
        self.species = tuple(species)
        self.fraction = np.zeros(self.shape, np.uint8)
        self.advances = 0
        self.uniform = lambda_marrow_um == lambda_bone_um
        self._table, self._unit = conductance_table(spacing_um, lambda_marrow_um, lambda_bone_um)
        longest = max(lambda_marrow_um, lambda_bone_um) / spacing_um
        self._coarse_iterations = max(COARSE_ITERATIONS_LEAST, math.ceil(COARSE_ITERATIONS_PER_VOXEL * longest))
        self._two_grid = TwoGrid(self.shape, alike=self.uniform)
        self._totals = [padded(self.shape) for _ in self.species]
        self._sources = np.zeros((len(self.species), *self.shape), np.float32)
        self._geometry_moved = False
        self._rebuild()

    def set_geometry(self, matrix: np.ndarray) -> None:
        """Take over the matrix fraction and rebuild the conductances; the next `advance` then updates every species.

        matrix : (Z, Y, X) float32, 0..1; kept as `fraction`, (Z, Y, X) uint8 in steps of 1/255

        Raises InputError for another shape or a value outside 0..1.
        """
        matrix = _float32(matrix, self.shape, "matrix")
        outside = np.empty(self.shape[0], np.int64)
        built = np.empty_like(self.fraction)
        blocks.launch(diffusion_geometry.quantize_fraction, self.shape[0], matrix, built, outside)
        if outside.sum():
            raise InputError(f"cytokine fields: matrix has {outside.sum()} voxels outside 0..1 (volume fraction).")
        self._geometry_moved = True
        self.fraction = built
        self._rebuild()

    def geometry_change(self, matrix: np.ndarray) -> float:
        """Matrix that came or went since the last `set_geometry`: sum |f - f_built| / sum f_built.

        Rebuild when it exceeds 0.01. Infinite where the fields were built without any matrix; always 0 where bone and
        marrow have the same diffusion length (`uniform`), for then the fields do not depend on it.
        """
        if self.uniform:
            return 0.0
        matrix = _float32(matrix, self.shape, "matrix")
        sums = np.empty((self.shape[0], 2), np.int64)
        blocks.launch(diffusion_geometry.fraction_change, self.shape[0], matrix, self.fraction, sums)
        change, built = (int(total) for total in sums.sum(axis=0))
        if built == 0:
            return math.inf if change else 0.0
        return change / built

    def solve(self, sources: np.ndarray) -> None:
        """Solve every species from zero, to a relative residual of at most 1e-3.

        sources : (species, Z, Y, X) float32, pM

        Raises InputError for another shape or a value that is not finite, SolverError where cycles do not converge.
        """
        sources = _float32(sources, self._sources.shape, "sources")
        self._source_changes(sources)
        self._sources[:] = sources
        for index in range(len(self.species)):
            self._solve_cold(index)
        self._geometry_moved = False

    def advance(self, sources: np.ndarray) -> list[str]:
        """Follow one day's sources with warm cycles, only where they moved; returns the species that were updated.

        What all sources of a species do alike (a hormone) scales its field, once it exceeds 0.5 %. The pattern that is
        left gets one cycle once it differs from that of the last update by more than 5 % (relative L2; point sources
        that diffusion smooths to about a fifth of that at the surface), three when by more than 20 % or after
        `set_geometry`. Every 30th call measures the residual and adds a cycle
        where it exceeds 1 %.

        sources : (species, Z, Y, X) float32, pM

        Raises InputError for another shape or a value that is not finite.
        """
        sources = _float32(sources, self._sources.shape, "sources")
        changes = self._source_changes(sources)
        self.advances += 1
        updated = []
        for index, (change, factor) in enumerate(changes):
            pattern = math.sqrt(max(change**2 - (factor - 1.0) ** 2, 0.0))
            large = self._geometry_moved or pattern > LARGE_CHANGE
            cycles = LARGE_CYCLES if large else int(pattern > UPDATE_CHANGE)
            if cycles:
                self._take_source(index, sources[index], factor)
            elif abs(factor - 1.0) > UPDATE_FACTOR:
                self._take_source(index, np.float32(factor) * self._sources[index], factor)
            if self.advances % CHECK_EVERY == 0:
                cycles += self._is_stale(index)
            if cycles:
                self._follow(index, cycles)
                updated.append(self.species[index])
        self._geometry_moved = False
        return updated

    def total(self, name: str) -> np.ndarray:
        """Total (free + bound) of a species, pM: a view, (Z, Y, X) float32. Raises InputError for an unknown name."""
        return self._totals[self._index(name)][1:-1, 1:-1, 1:-1]

    def mass_balance(self, name: str, source: np.ndarray) -> float:
        """Decay over production, sum(c) / sum(s): 1 at the steady state.

        source : (Z, Y, X) float32, pM
        """
        return float(self.total(name).sum(dtype=np.float64) / source.sum(dtype=np.float64))

    def residual(self, name: str) -> float:
        """Relative residual ||s - A c|| / ||s|| of a species for the sources of its last update."""
        index = self._index(name)
        return relative_residual(self._two_grid.fine, self._totals[index], self._sources[index])

    def nbytes(self) -> int:
        """Memory of the fields, the last sources, the conductances and the working arrays in bytes."""
        own = sum(total.nbytes for total in self._totals) + self._sources.nbytes + self.fraction.nbytes
        return own + self._two_grid.nbytes()

    def state_arrays(self) -> dict[str, np.ndarray]:
        """Everything the following days depend on, as arrays for a checkpoint (copies)."""
        return {
            "totals": np.stack([total[1:-1, 1:-1, 1:-1] for total in self._totals]),
            "sources": self._sources.copy(),
            "fraction": self.fraction.copy(),
            "counters": np.array([self.advances, int(self._geometry_moved)], np.int64),
        }

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        """Continue from `state_arrays` of a field with the same definition, bit for bit.

        Raises InputError for a missing array or another shape.
        """
        expected = {name: array.shape for name, array in self.state_arrays().items()}
        for name, shape in expected.items():
            if name not in arrays:
                raise InputError(f"cytokine fields: the checkpoint lacks {name!r}. {nearest(name, arrays)}")
            _check_shape(arrays[name], shape, name)
        for total, stored in zip(self._totals, arrays["totals"], strict=True):
            total[1:-1, 1:-1, 1:-1] = stored
        self._sources[:] = arrays["sources"]
        self.fraction = np.array(arrays["fraction"], np.uint8)
        self.advances, moved = (int(value) for value in arrays["counters"])
        self._geometry_moved = bool(moved)
        self._rebuild()

    def _rebuild(self) -> None:
        grids = self._two_grid
        set_conductances(grids.fine, grids.coarse, self.fraction, self._table, self._unit)
        grids.corrector.refresh()

    def _cycle(self, index: int, coarse_iterations: int) -> None:
        self._two_grid.cycle(self._totals[index], self._sources[index], coarse_iterations)

    def _take_source(self, index: int, source: np.ndarray, factor: float) -> None:
        """Keep the source and scale the field with it, which follows a change common to all voxels exactly."""
        kept, total = self._sources[index], self._totals[index]
        blocks.launch(diffusion.take_source, self.shape[0], source, np.float32(factor), kept, total)

    def _follow(self, index: int, cycles: int) -> None:
        for _ in range(cycles):
            self._cycle(index, self._coarse_iterations)
        self._two_grid.combine(self._totals[index], self._sources[index])

    def _solve_cold(self, index: int) -> None:
        self._totals[index].fill(0)
        residuals = []
        for count in range(COLD_CYCLES_MOST):
            self._cycle(index, self._coarse_iterations * (COLD_FACTOR if count == 0 else 1))
            self._two_grid.combine(self._totals[index], self._sources[index])
            residuals.append(relative_residual(self._two_grid.fine, self._totals[index], self._sources[index]))
            if residuals[-1] <= COLD_RESIDUAL:
                return
        raise SolverError(f"{self.species[index]}: the cold solve of the field did not converge.", residuals)

    def _is_stale(self, index: int) -> bool:
        return relative_residual(self._two_grid.fine, self._totals[index], self._sources[index]) > CHECK_RESIDUAL

    def _source_changes(self, sources: np.ndarray) -> list[tuple[float, float]]:
        changes = [source_change(new, old) for new, old in zip(sources, self._sources, strict=True)]
        for name, (change, _), new in zip(self.species, changes, sources, strict=True):
            if math.isnan(change) or (math.isinf(change) and not np.isfinite(new).all()):
                raise InputError(f"sources of {name}: there is a value that is not finite; they are pM per voxel.")
        return changes

    def _index(self, name: str) -> int:
        if name not in self.species:
            raise InputError(f"{name!r} is not a species of these fields. {nearest(name, self.species)}")
        return self.species.index(name)


def _check_shape(array: np.ndarray, shape: tuple[int, ...], what: str) -> None:
    if array.shape != shape:
        raise InputError(f"cytokine fields: {what} has shape {array.shape}, needed is {shape} (z, y, x last).")


def _float32(array: np.ndarray, shape: tuple[int, ...], what: str) -> np.ndarray:
    _check_shape(array, shape, what)
    return np.ascontiguousarray(array, np.float32)


def _check_definition(
    shape: tuple[int, int, int],
    spacing_um: float,
    lambda_marrow_um: float,
    lambda_bone_um: float,
    species: tuple[str, ...],
) -> None:
    if len(shape) != 3 or min(shape) < 4:
        raise InputError(f"cytokine fields: shape {tuple(shape)} needs three counts of at least 4 voxels.")
    if not (spacing_um > 0 and math.isfinite(spacing_um)):
        raise InputError(f"cytokine fields: spacing_um must be > 0, got {spacing_um}.")
    lengths = (lambda_marrow_um, lambda_bone_um)
    if not (min(lengths) >= 0 and 0 < max(lengths) < math.inf):
        raise InputError(f"cytokine fields: diffusion lengths must be >= 0 um and not both 0, got {lengths}.")
    if not species or len(set(species)) != len(species):
        raise InputError(f"cytokine fields: species must be different names, at least one, got {species}.")
