"""Cytokine fields: one day (one warm cycle for each of three species) against one fine conjugate-gradient solve.

    python benchmarks/fields.py [edge ...] [--threads N] [--follow DAYS]

A day on which all three species move should cost about a tenth of solving them by Jacobi-CG to 1e-3. With --follow
the error instead: remodeling bone (the block of `days.py` after its burn-in) goes on for so many days, and every fifth
day each field at the surface is compared with a fine solve of that day's sources to 1e-6 (relative L2 there).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from days import burned_in, scenario_of
from machine import machine
from scipy.ndimage import binary_dilation, gaussian_filter

from boneabm.fields import CytokineField
from boneabm.fields.two_grid import ConjugateGradients
from boneabm.kernels import blocks

SPECIES = ("rankl", "opg", "sclerostin")
LENGTHS_UM = (19.5, 75.0, 50.0)  # spacing, lambda in marrow, lambda in bone
REPEATS = 5
BURN_IN_D = 190  # after which open sites are in steady state
EVERY_D = 5
DAILY = 0.08  # of the way to other sources: one warm cycle a day, not none and not several


def seconds(action: Callable[[], object]) -> float:
    """Processor seconds of one call, all threads together: less disturbed by neighbors than wall seconds."""
    start = time.process_time()
    action()
    return time.process_time() - start


def bone(edge: int) -> np.ndarray:
    """Smooth random bone of BV/TV 0.23, (edge, edge, edge) float32."""
    rng = np.random.default_rng(0)
    smooth = gaussian_filter(rng.standard_normal((edge, edge, edge)).astype(np.float32), 6, mode="nearest")
    return (smooth > np.quantile(smooth, 0.77)).astype(np.float32)


def sources(matrix: np.ndarray, seed: int) -> np.ndarray:
    """Osteocytes as points in bone and a layer of lining cells, (3, Z, Y, X) float32."""
    rng = np.random.default_rng(seed)
    lining = (matrix < 0.5) & binary_dilation(matrix > 0.5)
    points = (rng.random((3, *matrix.shape), np.float32) < 0.15) & (matrix > 0.5)
    return (10 * points + 0.3 * lining).astype(np.float32)


def conjugate_gradients(field: CytokineField, given: np.ndarray) -> int:
    """All species from zero on the fine grid alone, to 1e-3; returns the iterations of the last."""
    solver = ConjugateGradients(field._two_grid.fine)
    iterations = 0
    for source in given:
        solver.residual[:] = source
        iterations = solver.solve(500, 1e-3)
    return iterations


def measure(edge: int) -> str:
    """Table row for one edge: the best of several days, the best of two solves, same run."""
    matrix = bone(edge)
    field = CytokineField(matrix.shape, *LENGTHS_UM, SPECIES)
    first, other = sources(matrix, 1), sources(matrix, 2)
    build = min(seconds(lambda: field.set_geometry(matrix)) for _ in range(2))
    cold = seconds(lambda: field.solve(first))
    mixtures = [first + np.float32(DAILY * (day + 1)) * (other - first) for day in range(REPEATS)]
    updates: list[str] = []
    day = min(seconds(lambda mixture=mixture: updates.extend(field.advance(mixture))) for mixture in mixtures)
    quiet = min(seconds(lambda: field.advance(mixtures[-1])) for _ in range(2))
    solve = min(seconds(lambda: conjugate_gradients(field, first)) for _ in range(2))
    assert len(updates) == 3 * REPEATS
    row = f"{edge:5d}^3  {day:8.4f}  {solve:8.3f}  {day / solve:7.3f}  {quiet:8.4f}  {cold:8.3f}  {build:8.3f}"
    return f"{row}  {field.nbytes() / edge**3:6.1f}"


def follow(edge: int, days: int) -> dict[str, tuple[float, float, float]]:
    """Of every species its error at the surface of remodeling bone, mean and largest, and its updates a day."""
    simulation = burned_in(scenario_of(edge, days, BURN_IN_D))
    signals, lattice = simulation.state.signals, simulation.tissue.lattice
    field = signals.field
    errors: dict[str, list[float]] = {name: [] for name in field.species}
    updates = dict.fromkeys(field.species, 0)
    advance = field.advance

    def counted(given: np.ndarray) -> list[str]:
        updated = advance(given)
        for name in updated:
            updates[name] += 1
        return updated

    field.advance = counted  # type: ignore[method-assign]
    for day in range(days):
        simulation.step()
        if day % EVERY_D:
            continue
        at = np.unravel_index(simulation.tissue.surface.voxel, lattice.shape)
        for name, source in zip(field.species, signals.sources, strict=True):
            solver = ConjugateGradients(field._two_grid.fine)
            solver.residual[:] = source
            solver.solve(2000, 1e-6)
            expected, found = solver.solution[at], field.total(name)[at]
            errors[name].append(float(np.linalg.norm(found - expected) / np.linalg.norm(expected)))
    return {name: (float(np.mean(kept)), max(kept), updates[name] / days) for name, kept in errors.items()}


def main() -> None:
    """Warm up the kernels on a small block, then print one row per edge, or one per field that is followed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("edges", nargs="*", type=int, default=[100, 200])
    parser.add_argument("--threads", type=int, default=blocks.available_threads())
    parser.add_argument("--follow", type=int, metavar="DAYS", help="errors in remodeling bone over so many days")
    chosen = parser.parse_args()
    blocks.set_threads(chosen.threads)
    print(machine())
    if chosen.follow:
        print("   edge  field         mean error   largest  updates a day")
        for edge in chosen.edges:
            for name, (mean, largest, updates) in follow(edge, chosen.follow).items():
                print(f"{edge:5d}^3  {name:12}{mean:10.2%}{largest:10.2%}{updates:14.2f}", flush=True)
        return
    measure(24)
    print(f"threads: {chosen.threads}, species: {len(SPECIES)}, processor seconds")
    print("   edge       day   CG 1e-3    ratio  no news      cold  geometry  B/voxel")
    for edge in chosen.edges:
        print(measure(edge), flush=True)


if __name__ == "__main__":
    main()
