"""What a sweep will cost before it runs: runs, burn-ins, time, memory and disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from boneabm.cost import Cost, cost_of
from boneabm.kernels.blocks import available_threads
from boneabm.parameters import ParameterSet
from boneabm.scenario import Scenario
from boneabm.sweep.folder import PlannedRun, SweepFolder


@dataclass(frozen=True)
class Estimate:
    """Rough cost of what is missing of a sweep.

    cpu_h     : time of all missing runs and burn-ins on one processor, h; None where the size of an image is not known
    measured  : whether it was scaled to runs of this sweep that are finished
    memory_mb : memory of one worker; disk_gb: run folders and burned-in states of the whole sweep
    """

    runs: int
    finished: int
    failed: int
    burn_ins: int
    workers: int
    cpu_h: float | None
    measured: bool
    memory_mb: float | None
    disk_gb: float | None

    def facts(self) -> dict[str, Any]:
        """Flat record for --json."""
        return dict(vars(self)) | {"wall_h": self.wall_h}

    @property
    def wall_h(self) -> float | None:
        """Time on all workers, h."""
        return None if self.cpu_h is None else self.cpu_h / self.workers

    def lines(self) -> list[str]:
        """The same in words."""
        done = f"{self.finished} of them finished, {self.failed} failed"
        lines = [f"{self.runs} runs ({done}), {self.burn_ins} burn-ins that they start from"]
        if self.cpu_h is None or self.memory_mb is None or self.disk_gb is None:
            return [*lines, "time, memory and disk are known once the images are read; give crops to see them here"]
        basis = "from finished runs of this sweep" if self.measured else "estimates, rough"
        return [
            *lines,
            f"{basis}: {_hours(self.cpu_h)} of one processor, {_hours(self.cpu_h / self.workers)} on {self.workers} "
            f"workers, {self.memory_mb:.0f} MB of memory per worker, {self.disk_gb:.2g} GB of disk",
        ]


def _hours(hours: float) -> str:
    return f"{hours:.1f} h" if hours >= 2 else f"{60 * hours:.0f} min"


def estimate(sweep: SweepFolder, plan: Sequence[PlannedRun], workers: int | None) -> Estimate:
    """Cost of what is missing; where runs of the sweep are finished, their times scale it."""
    runs = {run.run_id: run for run in plan}
    status = {name: sweep.status(name) for name in runs}
    costs = {name: cost for name, run in runs.items() if (cost := _cost(run)) is not None}
    keys = {run.burn_in: name for name, run in runs.items() if run.burn_in}
    whole = len(costs) == len(runs)
    finished = [name for name in runs if status[name] == "finished"]
    scale, measured = _scale(sweep, costs, finished) if whole else (1.0, False)
    waiting = [name for name in runs if status[name] in ("partial", "missing")]
    return Estimate(
        runs=len(runs),
        finished=len(finished),
        failed=sum(value == "failed" for value in status.values()),
        burn_ins=len(keys),
        workers=workers or available_threads(),
        cpu_h=scale * _seconds(waiting, runs, costs, keys) / 3600 if whole else None,
        measured=measured,
        memory_mb=max(cost.memory_mb for cost in costs.values()) if whole else None,
        disk_gb=_disk_gb(costs, keys) if whole else None,
    )


def _cost(run: PlannedRun) -> Cost | None:
    scenario = Scenario.from_toml(run.scenario, run.run_id)
    return cost_of(scenario, ParameterSet.load().override(scenario.parameters))


def _seconds(
    waiting: Sequence[str], runs: Mapping[str, PlannedRun], costs: Mapping[str, Cost], keys: Mapping[str, str]
) -> float:
    """Time of the runs that wait and of the burn-ins they start from, s on one processor."""
    begun = {runs[name].burn_in for name in waiting}
    burn_in_s = sum(costs[name].burn_in_s for key, name in keys.items() if key in begun)
    return sum(costs[name].run_s for name in waiting) + burn_in_s


def _scale(sweep: SweepFolder, costs: Mapping[str, Cost], finished: Sequence[str]) -> tuple[float, bool]:
    """Measured over estimated time of finished runs, 1 where there are none; whether it was measured."""
    results = ((name, sweep.result(name)) for name in finished)
    spent_s = {name: float(result["wall_s"]) for name, result in results if result is not None}
    expected_s = sum(costs[name].run_s for name in spent_s)
    return (sum(spent_s.values()) / expected_s, True) if expected_s else (1.0, False)


def _disk_gb(costs: Mapping[str, Cost], keys: Mapping[str, str]) -> float:
    states_mb = sum(costs[name].state_mb for name in keys.values())
    return (sum(cost.disk_mb for cost in costs.values()) + states_mb) / 1000
