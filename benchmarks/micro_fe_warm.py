"""Accuracy of the micro-FE solver and the price of following a bone that changes a little."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from bones import SPACING_UM
from numpy.typing import NDArray
from report import Report, progress

from boneabm.mechanics import MicroFE

TRUE_TOLERANCE = 1e-9  # stands for the exact solution
TOLERANCES = (3e-3, 1e-3, 5e-4, 2e-4, 1e-4, 5e-5, 2e-5, 1e-5, 1e-6)
P95_GOAL = 5e-3

Volume = NDArray[np.float32]


def energy(solver: MicroFE) -> NDArray[np.float64]:
    """Strain energy density of the first unit case in every bone voxel."""
    return solver.energy_density(np.eye(solver.cases)[0])[solver.mask].astype(np.float64)


def percentile_error(found: NDArray[np.float64], exact: NDArray[np.float64], percent: float = 95) -> float:
    """Percentile of the relative error per voxel."""
    smallest = np.finfo(np.float32).tiny
    return float(np.percentile(np.abs(found - exact) / np.maximum(exact, smallest), percent))


def measure_accuracy(report: Report, solver: MicroFE) -> None:
    """Error of the energy density of a solved bone against a solution that is exact for this purpose."""
    found, tolerance = energy(solver), solver.tolerance
    progress(f"solution to {TRUE_TOLERANCE:g}")
    solver.tolerance = TRUE_TOLERANCE
    solver.solve()
    exact, solver.tolerance = energy(solver), tolerance
    l2 = float(np.linalg.norm(found - exact) / np.linalg.norm(exact))
    report.add("sed_l2_error", f"SED error at {tolerance:g}, L2", l2)
    report.add("sed_p95_error", f"SED error at {tolerance:g}, 95th percentile", percentile_error(found, exact))


class Change:
    """A bone in two states; `follow` takes a solver from the solution of the first to one of the second."""

    def __init__(self, options: dict[str, Any], state: dict[str, NDArray], old: Volume, new: Volume) -> None:
        self.options, self.state, self.old, self.new = options, state, old, new

    def follow(self, tolerance: float) -> MicroFE:
        """Warm update() and solve() from the same first solution every time; setup_s and solve_s are theirs."""
        solver = MicroFE(SPACING_UM, **(self.options | {"tolerance": tolerance}))
        solver.restore(self.state)
        solver.update(self.old)
        solver.update(self.new)
        solver.solve()
        return solver

    def attempts(self) -> Iterator[tuple[MicroFE, float]]:
        """Solvers with their error at ever tighter tolerances, until one is good enough."""
        exact = energy(self.follow(TRUE_TOLERANCE))
        for tolerance in TOLERANCES:
            solver = self.follow(tolerance)
            error = percentile_error(energy(solver), exact)
            yield solver, error
            if error <= P95_GOAL:
                return


def measure_warm(report: Report, name: str, text: str, change: Change, cold_s: float, repeats: int) -> None:
    """Time of a warm update at the loosest tolerance that is good enough, over the cold time."""
    progress(text)
    solver, error = list(change.attempts())[-1]
    runs = [solver, *(change.follow(solver.tolerance) for _ in range(repeats - 1))]
    best = min(runs, key=lambda run: run.setup_s + run.solve_s)
    report.note(f"  {text}: loosest tolerance with SED p95 error <= {P95_GOAL:g}")
    report.add(f"{name}_tolerance", "  tolerance", solver.tolerance)
    report.add(f"{name}_iterations", "  iterations", solver.iterations[0])
    report.add(f"{name}_p95_error", "  SED error, 95th percentile", error)
    report.add(f"{name}_setup_s", "  update(), s", best.setup_s)
    report.add(f"{name}_solve_s", "  solve(), s", best.solve_s)
    report.add(f"{name}_over_cold", "  both over cold setup + solve", (best.setup_s + best.solve_s) / cold_s)
