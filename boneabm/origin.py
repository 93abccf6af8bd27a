"""Where the first state of a run comes from: a burned-in bone, made once and kept by its content, or a day of a run."""

from __future__ import annotations

import gc
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .build import assemble, build
from .engine import Simulation
from .errors import InputError
from .identity import burn_in_key, model_version
from .io.checkpoint import Meta, read_checkpoint
from .io.runfolder import BusyError, RunFolder
from .kernels import user_cache
from .lattice import VoxelLattice
from .recording import Checkpoints, Origin
from .scenario import Scenario
from .scenario_branch import Branch
from .stepping import Progress, Stepping

CACHE_LIMIT_BYTES = 4e9


def default_cache() -> Path:
    """Folder of burned-in states in the user's cache; BONEABM_BURN_INS moves it."""
    return Path(os.environ.get("BONEABM_BURN_INS") or user_cache() / "burn-in")


def last_burn_in_day(scenario: Scenario) -> int:
    """The day before day 0, or day 0 where there is no burn-in."""
    return max(-1, -scenario.simulation.burn_in_d)


def begin(scenario: Scenario, cache: Path) -> Scenario:
    """Check that a run can start, and build its bone where no burned-in state of its content is there yet.

    Returns the scenario with the day of its branch.
    Raises InputError where the bone cannot be used, or the parent has no state of that day.
    """
    if scenario.branch_from is None:
        _folder_of(scenario, cache)
        return scenario
    branch = scenario.branch_from
    _, day = _parent_state(branch)
    if scenario.simulation.days <= day:
        told = f"simulation.days: {scenario.simulation.days} is not after day {day} of {branch.run}. Days count on from"
        raise InputError(f"{told} the parent's day 0: give more than {day}.")
    return scenario.model_copy(update={"branch_from": Branch(branch.run, day)})


def first_state(scenario: Scenario, cache: Path, stepping: Stepping) -> tuple[Simulation, Origin]:
    """Simulation in the state that a run starts from; a burn-in that is not finished is simulated to its end.

    Raises InputError, SolverError, and Interrupted when asked to stop.
    """
    if scenario.branch_from is not None:
        return _branched(scenario, scenario.branch_from)
    arrays, meta, key = burned_in(scenario, cache, stepping)
    origin = Origin.of(meta)
    step = {"kind": "burn-in", "key": key, "day": meta["day"], "state_sha256": meta["state_sha256"]}
    return restored(scenario, arrays, str(cache)), Origin(origin.bone, [*origin.lineage, step])


def restored(scenario: Scenario, arrays: dict[str, np.ndarray], where: str) -> Simulation:
    """Simulation of a scenario in a stored state; InputError where it was stored by another version."""
    lattice = VoxelLattice.from_mask(np.zeros(arrays["tissue/lattice/matrix"].shape, bool), scenario.bone.spacing_um)
    simulation = assemble(scenario, lattice)
    try:
        simulation.restore(arrays)
    except (KeyError, ValueError) as error:
        told = f"{where}: its state does not fit this version of boneabm ({error})."
        raise InputError(f"{told} Use the version that wrote it, or run again.") from error
    return simulation


def _branched(scenario: Scenario, branch: Branch) -> tuple[Simulation, Origin]:
    file, day = _parent_state(branch)
    arrays, meta = read_checkpoint(file)
    if int(meta["day"]) != day:
        told = f"{branch.run}: has gone on from day {day} to day {meta['day']} meanwhile."
        raise InputError(f"{told} Wait until it is finished, or branch from a day of its output.keep_checkpoints.")
    simulation = restored(scenario, arrays, str(file))
    simulation.state.seed = scenario.simulation.seed
    origin = Origin.of(meta)
    warnings = list(origin.bone.get("warnings", []))
    if meta["model_version"] != model_version():
        warnings.append(f"{branch.run} was simulated by another version of boneabm")
    step = {"kind": "branch", "run": str(branch.run), "day": day, "state_sha256": meta["state_sha256"]}
    return simulation, Origin({**origin.bone, "warnings": warnings}, [*origin.lineage, step])


def _parent_state(branch: Branch) -> tuple[Path, int]:
    """Checkpoint that a branch starts from, and its day."""
    folder = RunFolder.open(branch.run)
    if branch.day is not None:
        return folder.checkpoint_of(branch.day), branch.day
    if not folder.checkpoint.exists():
        told = "no checkpoint: it has not begun, or was told not to keep its last state (output.keep_state)"
        raise InputError(f"{branch.run}: {told}. Run it first: boneabm resume {branch.run}")
    return folder.checkpoint, folder.checkpoint_day()


def _folder_of(scenario: Scenario, cache: Path) -> tuple[RunFolder, str]:
    """Folder of the burned-in state of a scenario, at least begun."""
    key = burn_in_key(scenario)
    path = cache.absolute() / key
    try:
        return RunFolder.open(path), key
    except InputError:
        shutil.rmtree(path, ignore_errors=True)
        _start_burn_in(scenario, path)
        gc.collect()
    return RunFolder.open(path), key


def _start_burn_in(scenario: Scenario, path: Path) -> None:
    simulation, record = build(scenario)
    try:
        with RunFolder.create(path) as folder:
            folder.scenario.write_text(scenario.resolved_toml(), encoding="utf-8")
            Checkpoints(folder, scenario, Origin(record, []), last_burn_in_day(scenario)).checkpoint(simulation)
            folder.log("bone", **record)
            folder.commit()
    except (InputError, OSError):
        if not path.exists():
            raise


def burned_in(scenario: Scenario, cache: Path, stepping: Stepping) -> tuple[dict[str, np.ndarray], Meta, str]:
    """State at the end of the burn-in, its metadata and its key; simulated as far as it is not there yet.

    Raises InputError where the bone cannot be used, SolverError, and Interrupted when asked to stop.
    """
    folder, key = _folder_of(scenario, cache)
    waiting = _Waiting(folder, last_burn_in_day(scenario), stepping)
    with folder.writing(waiting):
        if not folder.log_file.exists():  # removed by another process before it could be locked
            return burned_in(scenario, cache, stepping)
        arrays, meta = _readable(scenario, folder)
        if int(meta["day"]) < last_burn_in_day(scenario):
            _simulate(scenario, folder, arrays, meta, stepping)
            del arrays
            gc.collect()  # a simulation refers to itself, and its arrays are large
            arrays, meta = read_checkpoint(folder.checkpoint)
    os.utime(folder.checkpoint)
    return arrays, meta, key


@dataclass
class _Waiting:
    """Says whether to give up waiting for the process that makes a burn-in, and reports how far that is."""

    folder: RunFolder
    last_day: int
    stepping: Stepping

    def __call__(self) -> bool:
        days = self.folder.announced("checkpoint")
        if self.stepping.report is not None and days:
            told = Progress("burn-in, by another process", days[-1], days[0], self.last_day, 0.0, {})
            self.stepping.report(told)
        return self.stepping.stop()


def _readable(scenario: Scenario, folder: RunFolder) -> tuple[dict[str, np.ndarray], Meta]:
    """Last checkpoint of a burn-in; made anew from the bone where it cannot be read."""
    try:
        return read_checkpoint(folder.checkpoint)
    except InputError:
        simulation, record = build(scenario)
        Checkpoints(folder, scenario, Origin(record, []), last_burn_in_day(scenario)).checkpoint(simulation)
        return read_checkpoint(folder.checkpoint)


def _simulate(
    scenario: Scenario, folder: RunFolder, arrays: dict[str, np.ndarray], meta: Meta, stepping: Stepping
) -> None:
    """Simulate a burn-in from its last checkpoint to its end."""
    simulation = restored(scenario, arrays, str(folder.path))
    checkpoints = Checkpoints(folder, scenario, Origin.of(meta), last_burn_in_day(scenario))
    checkpoints.resume(simulation, meta)
    stepping.simulate(simulation, checkpoints, "burn-in")


def prune(cache: Path, limit_bytes: float = CACHE_LIMIT_BYTES) -> None:
    """Remove the burned-in states that were not used for longest until the rest fits; one, and those in use, stay."""
    files = sorted(cache.glob("*/checkpoint.h5"), key=lambda file: file.stat().st_mtime, reverse=True)
    held = 0
    for number, file in enumerate(files):
        held += file.stat().st_size
        if held > limit_bytes and number > 0:
            _remove(RunFolder(file.parent))


def _remove(folder: RunFolder) -> None:
    try:
        with folder.writing():
            shutil.rmtree(folder.path, ignore_errors=True)
    except (BusyError, FileNotFoundError):
        return
