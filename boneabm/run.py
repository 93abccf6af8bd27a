"""Running a scenario: the run folder, what is written when, progress, interrupts, resume."""

from __future__ import annotations

import hashlib
import json
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .analysis.observe import AGENT_NAMES, SERIES_NAMES, agent_table, series_row, volume_arrays
from .build import assemble, build
from .endocrine.effects import effect_table
from .engine import Every, Simulation
from .errors import BoneabmError, InputError, SolverError
from .io.agents import AgentWriter
from .io.checkpoint import read_checkpoint, state_sha256, write_checkpoint
from .io.provenance import provenance
from .io.runfolder import RunFolder
from .io.series import EventWriter, SeriesWriter
from .io.volumes import VolumeWriter
from .io.xdmf import write_xdmf
from .kernels.blocks import set_threads
from .lattice import VoxelLattice
from .parameters import ParameterSet
from .scenario import Scenario


class Interrupted(BoneabmError):
    """The user stopped the run; a checkpoint was written."""


@dataclass(frozen=True)
class Progress:
    """Where a run is: stage ("lead-in" or "run"), day, cost so far split by phase of the day."""

    stage: str
    day: int
    first_day: int
    last_day: int
    elapsed_s: float
    phase_s: dict[str, float]


@dataclass(frozen=True)
class RunResult:
    """What a finished run tells: where it is, how it ended, what it cost."""

    path: Path
    days: int
    wall_s: float
    state_sha256: str
    bv_tv_first: float
    bv_tv_last: float
    picture_day: int
    phase_s: dict[str, float] = field(default_factory=dict)
    finished_before: bool = False
    warnings: list[str] = field(default_factory=list)

    def flat(self) -> dict[str, Any]:
        """One flat record for --json: times in s, BV/TV as a fraction."""
        record = {"run": str(self.path), "days": self.days, "wall_s": round(self.wall_s, 3)}
        record |= {"state_sha256": self.state_sha256, "bv_tv_first": self.bv_tv_first, "bv_tv_last": self.bv_tv_last}
        return record | {f"{name}_s": round(seconds, 3) for name, seconds in self.phase_s.items()}


Report = Callable[[Progress], None] | None


class Recorder:
    """Writes what a run is asked to keep; an engine writer that fires every day."""

    def __init__(
        self, folder: RunFolder, scenario: Scenario, simulation: Simulation, meta: dict[str, str], began_s: float
    ) -> None:
        self.folder, self.scenario = folder, scenario
        lattice, output = simulation.tissue.lattice, scenario.output
        self.volumes = VolumeWriter(folder.volumes, lattice.shape, lattice.spacing_um, list(output.fields), meta)
        self.agents = AgentWriter(folder.agents, AGENT_NAMES, meta)
        self.series = SeriesWriter(folder.series, SERIES_NAMES)
        self.events = EventWriter(folder.events)
        self.last_day = scenario.simulation.days
        self.clock_s = began_s
        self.model = model_digest(scenario)
        self.spent_s = 0.0
        self.bv_tv_first = simulation.tissue.lattice.bv_tv

    def trigger(self, day: int) -> bool:
        """Every day; in the lead-in only checkpoints are written."""
        return True

    def write(self, simulation: Simulation) -> None:
        """Record the day, and write a checkpoint when it is due."""
        if simulation.day >= 0:
            self.record(simulation)
        if self._due(simulation.day, self.scenario.output.checkpoint_every_d):
            self.checkpoint(simulation)

    def record(self, simulation: Simulation) -> None:
        """Append today's row and events, volumes and cells when they are due."""
        day, output = simulation.day, self.scenario.output
        if day == 0:
            self.bv_tv_first = simulation.tissue.lattice.bv_tv
        self.series.append(series_row(simulation))
        self.events.append(simulation.tissue.today.events)
        if self._due(day, output.volumes_every_d):
            self.snapshot(simulation)
        if self._due(day, output.agents_every_d):
            self.agents.append(day, *agent_table(simulation))
            self.folder.announce("cells", day, self.folder.agents)

    def _due(self, day: int, every_d: float) -> bool:
        return Every(round(every_d))(day) or day == self.last_day

    def snapshot(self, simulation: Simulation) -> None:
        """Append the voxel fields of today and announce them."""
        self.volumes.append(simulation.day, volume_arrays(simulation, self.scenario.output.fields))
        write_xdmf(self.folder.xdmf, self.folder.volumes)
        facts = {"day": simulation.day, "file": self.folder.volumes.name}
        self.folder.log("snapshot", **facts, osteoclasts=int((simulation.tissue.osteoclasts["mode"] != 0).sum()))

    def checkpoint(self, simulation: Simulation) -> None:
        """Write the whole state and announce it."""
        self.series.sync()
        self.events.sync()
        meta: dict[str, str | int | float] = {"day": simulation.day, "wall_s": self.wall_s()}
        meta |= {"bv_tv_first": self.bv_tv_first, "phase_s": json.dumps(simulation.phase_s), "model": self.model}
        write_checkpoint(self.folder.checkpoint, simulation.state.arrays(), meta)
        self.folder.announce("checkpoint", simulation.day, self.folder.checkpoint)

    def wall_s(self) -> float:
        """Seconds spent on this run, earlier sessions included."""
        return self.spent_s + time.perf_counter() - self.clock_s

    def resume(self, simulation: Simulation, meta: dict[str, Any]) -> None:
        """Take back everything written after the checkpoint, and add to what was spent before it."""
        day = simulation.day
        simulation.phase_s.update(json.loads(meta["phase_s"]))
        for writer in (self.volumes, self.agents, self.series, self.events):
            writer.truncate_after(day)
        self.spent_s, self.bv_tv_first = float(meta["wall_s"]), float(meta["bv_tv_first"])
        self.folder.log("resumed", day=day)


def run_scenario(
    scenario: Scenario, *, out: Path | None = None, replace: bool = False, threads: int = 1, report: Report = None
) -> RunResult:
    """Run a scenario from its start into a new run folder.

    Raises InputError for a bone that cannot be used or a folder that is taken, Interrupted after Ctrl-C.
    """
    began_s = time.perf_counter()
    set_threads(threads)
    folder = RunFolder.create(out or default_folder(scenario), replace)
    with folder:
        simulation, record = build(scenario)
        text = scenario.resolved_toml()
        folder.scenario.write_text(text, encoding="utf-8")
        origin = describe(scenario, text, record)
        Recorder(folder, scenario, simulation, origin, began_s).checkpoint(simulation)
        folder.log("bone", **record)
        folder.commit()
    with folder.writing():
        recorder = Recorder(folder, scenario, simulation, origin, began_s)
        return carry_on(simulation, recorder, report, list(record.get("warnings", [])))


def resume_run(run: Path, *, threads: int = 1, report: Report = None) -> RunResult:
    """Continue a run from its last checkpoint; a finished run is only described.

    Raises InputError where the folder is no run or its checkpoint cannot be read, Interrupted after Ctrl-C.
    """
    set_threads(threads)
    folder = RunFolder.open(run)
    with folder.writing():
        return continue_run(folder, time.perf_counter(), report)


def continue_run(folder: RunFolder, began_s: float, report: Report) -> RunResult:
    """Take the checkpoint of a run and go on, or describe a finished run."""
    scenario = Scenario.from_toml(folder.scenario.read_text(encoding="utf-8"), str(folder.scenario), folder.path)
    arrays, meta = read_checkpoint(folder.checkpoint)
    if meta["model"] != model_digest(scenario):
        raise InputError(
            f"{folder.checkpoint}: was written with other parameters or effects than this version of boneabm has, so "
            "it cannot be continued to the same result. Use the version that began it, or run again."
        )
    done = folder.read_log("finished")
    if done and int(meta["day"]) >= scenario.simulation.days:
        return finished(folder, arrays, meta, done[-1])
    lattice = VoxelLattice.from_mask(np.zeros(arrays["tissue/lattice/matrix"].shape, bool), scenario.bone.spacing_um)
    simulation = assemble(scenario, lattice)
    simulation.restore(arrays)
    recorder = Recorder(folder, scenario, simulation, describe(scenario, scenario.resolved_toml(), {}), began_s)
    recorder.resume(simulation, meta)
    return carry_on(simulation, recorder, report, [])


def carry_on(simulation: Simulation, recorder: Recorder, report: Report, warnings: list[str]) -> RunResult:
    """Simulate until the last day; Ctrl-C finishes the day, writes a checkpoint and raises Interrupted.

    A field that does not converge raises SolverError: the run stops at its last checkpoint.
    """
    simulation.writers.append(recorder)
    last = recorder.last_day
    with StopRequest() as stop:
        while simulation.day < last:
            one_day(simulation, recorder.folder)
            if report is not None:
                stage = "lead-in" if simulation.day < 0 else "run"
                first = simulation.state.first_day
                report(Progress(stage, simulation.day, first, last, recorder.wall_s(), simulation.phase_s))
            if stop.asked and simulation.day < last:
                recorder.checkpoint(simulation)
                recorder.folder.log("interrupted", day=simulation.day)
                path = recorder.folder.path
                raise Interrupted(f"Stopped; day {simulation.day} is safe. Continue with: boneabm resume {path}")
    return conclude(simulation, recorder, warnings)


def one_day(simulation: Simulation, folder: RunFolder) -> None:
    """Simulate one day; where a field does not converge, log the residuals and say how to go on."""
    try:
        simulation.step()
    except SolverError as error:
        day, saved = simulation.day, folder.announced("checkpoint")[-1]
        folder.log("stopped", day=day, reason=str(error), residuals=error.residuals)
        told = f"Day {day} cannot be simulated. {error} Day {saved} is safe."
        told += f" Once the cause is gone, continue with: boneabm resume {folder.path}"
        raise SolverError(told, error.residuals) from error


def conclude(simulation: Simulation, recorder: Recorder, warnings: list[str]) -> RunResult:
    """Log the end of a run and describe it."""
    folder = recorder.folder
    digest = state_sha256(simulation.state.arrays())
    bv_tv = simulation.tissue.lattice.bv_tv
    picture = picture_day(folder)
    summary = {"state_sha256": digest, "bv_tv_last": bv_tv, "picture_day": picture, "wall_s": recorder.wall_s()}
    folder.log("finished", day=simulation.day, **summary)
    facts = (recorder.last_day, recorder.wall_s(), digest, recorder.bv_tv_first, bv_tv, picture)
    return RunResult(folder.path, *facts, phase_s=dict(simulation.phase_s), warnings=warnings)


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


def finished(folder: RunFolder, arrays: dict[str, np.ndarray], meta: dict[str, Any], log: dict[str, Any]) -> RunResult:
    """Describe a run that has reached its last day."""
    facts = (int(meta["day"]), float(log["wall_s"]), state_sha256(arrays), float(meta["bv_tv_first"]))
    last = (float(log["bv_tv_last"]), int(log["picture_day"]))
    return RunResult(folder.path, *facts, *last, phase_s=json.loads(meta["phase_s"]), finished_before=True)


def picture_day(folder: RunFolder) -> int:
    """Stored day with the most osteoclasts at work, the latest of equals."""
    stored = [(line.get("osteoclasts", 0), line["day"]) for line in folder.read_log("snapshot")]
    return max(stored, default=(0, 0))[1]


def describe(scenario: Scenario, text: str, record: dict[str, Any]) -> dict[str, str]:
    """What the output files say about their origin: versions, scenario, parameters with sources, seed, input."""
    parameters = ParameterSet.load().override(scenario.parameters)
    used = (f"{p['section']}.{p['name']} = {p['value']} {p['unit']} ({p['source']})" for p in parameters.rows())
    rows = "\n".join(used)
    bone = ", ".join(f"{key} = {value}" for key, value in record.items())
    return {**provenance(), "scenario": text, "parameters": rows, "seed": str(scenario.simulation.seed), "bone": bone}


def model_digest(scenario: Scenario) -> str:
    """Hash of every parameter and effect that this scenario is run with."""
    rows = ParameterSet.load().override(scenario.parameters).rows()
    numbers = [(row["section"], row["name"], row["value"]) for row in rows]
    effects = [(effect.driver, effect.target, effect.exponent, effect.form) for effect in effect_table()]
    return hashlib.sha256(repr((numbers, effects)).encode()).hexdigest()


def default_folder(scenario: Scenario) -> Path:
    """First free folder runs/TITLE, runs/TITLE-2, ... below the current folder."""
    words = "".join(c if c.isalnum() else " " for c in scenario.title.lower()).split()
    name = "-".join(words[:6]) or "run"
    for number in range(1, 10_000):
        path = Path("runs") / (name if number == 1 else f"{name}-{number}")
        if not path.exists():
            return path
    raise InputError("runs/: no free name left; give --out.")
