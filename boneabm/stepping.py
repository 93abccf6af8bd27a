"""Day after day until the last: progress, interrupts, days that cannot be simulated."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .engine import Simulation
from .errors import BoneabmError, SolverError
from .recording import Checkpoints


class Interrupted(BoneabmError):
    """The run was asked to stop; a checkpoint was written."""


@dataclass(frozen=True)
class Progress:
    """Where a run is: stage ("burn-in" or "run"), day, cost so far split by phase of the day."""

    stage: str
    day: int
    first_day: int
    last_day: int
    elapsed_s: float
    phase_s: dict[str, float]


Report = Callable[[Progress], None] | None
Stop = Callable[[], bool]


def never() -> bool:
    """Do not stop."""
    return False


@dataclass(frozen=True)
class Stepping:
    """How a run is accompanied.

    run    : the folder that a user would resume
    report : told of every day
    stop   : asked after every day whether to stop
    """

    run: Path
    report: Report = None
    stop: Stop = never

    def simulate(self, simulation: Simulation, checkpoints: Checkpoints, stage: str) -> None:
        """Simulate until the last day; a stop finishes the day, writes a checkpoint and raises Interrupted.

        A field that does not converge raises SolverError: the run stops at its last checkpoint.
        """
        simulation.writers.append(checkpoints)
        first, last = simulation.day, checkpoints.last_day
        with StopRequest() as request:
            while simulation.day < last:
                self.one_day(simulation, checkpoints)
                if self.report is not None:
                    spent = (checkpoints.wall_s(), simulation.phase_s)
                    self.report(Progress(stage, simulation.day, first, last, *spent))
                if (request.asked or self.stop()) and simulation.day < last:
                    self.interrupt(simulation, checkpoints)
        simulation.writers.remove(checkpoints)

    def interrupt(self, simulation: Simulation, checkpoints: Checkpoints) -> None:
        """Write a checkpoint and raise Interrupted."""
        checkpoints.checkpoint(simulation)
        checkpoints.folder.log("interrupted", day=simulation.day)
        raise Interrupted(f"Stopped; day {simulation.day} is safe. Continue with: boneabm resume {self.run}")

    def one_day(self, simulation: Simulation, checkpoints: Checkpoints) -> None:
        """Simulate one day; where a field does not converge, log the residuals and say how to go on."""
        try:
            simulation.step()
        except SolverError as error:
            folder = checkpoints.folder
            day, saved = simulation.day, folder.announced("checkpoint")[-1]
            folder.log("stopped", day=day, reason=str(error), residuals=error.residuals)
            told = f"Day {day} cannot be simulated. {error} Day {saved} is safe."
            told += f" Once the cause is gone, continue with: boneabm resume {self.run}"
            raise SolverError(told, error.residuals) from error


class StopRequest:
    """Remembers Ctrl-C (or SIGTERM) so that the day can be finished; a second one stops at once."""

    def __init__(self) -> None:
        self.asked = False
        self._old: dict[int, Any] = {}

    def _ask(self, number: int, frame: Any) -> None:
        self.asked = True
        signal.signal(number, signal.default_int_handler)

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            self._old = {number: signal.signal(number, self._ask) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)
