"""Running a scenario: new runs, resumed runs, what came out."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import origin
from .cost import peak_mb
from .engine import Simulation
from .errors import InputError
from .identity import model_digest, model_version
from .io.checkpoint import read_checkpoint
from .io.runfolder import RunFolder
from .kernels.blocks import set_threads
from .recording import Origin, Recorder, picture_day
from .scenario import Scenario
from .stepping import Interrupted, Progress, Report, Stepping, Stop, never

__all__ = ["Interrupted", "Progress", "RunResult", "resume_run", "run_scenario"]


@dataclass(frozen=True)
class RunResult:
    """What a finished run tells: where it is, how it ended, what it cost, what in it rests on weak evidence."""

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
    doubts: list[str] = field(default_factory=list)

    def flat(self) -> dict[str, Any]:
        """One flat record for --json: times in s, BV/TV as a fraction."""
        record = {"run": str(self.path), "days": self.days, "wall_s": round(self.wall_s, 3)}
        record |= {"state_sha256": self.state_sha256, "bv_tv_first": self.bv_tv_first, "bv_tv_last": self.bv_tv_last}
        record["low_confidence"] = "; ".join(self.doubts)
        return record | {f"{name}_s": round(seconds, 3) for name, seconds in self.phase_s.items()}


def run_scenario(
    scenario: Scenario,
    *,
    out: Path | None = None,
    replace: bool = False,
    threads: int = 1,
    report: Report = None,
    cache: Path | None = None,
    stop: Stop = never,
) -> RunResult:
    """Run a scenario from its start into a new run folder.

    cache : folder of burned-in states; default in the user's cache, where the oldest are removed beyond 4 GB
    stop  : asked after every day whether to stop

    Raises InputError for a bone that cannot be used or a folder that is taken, Interrupted after Ctrl-C.
    """
    set_threads(threads)
    with RunFolder.create(out or default_folder(scenario), replace) as folder:
        ready = origin.begin(scenario, cache or origin.default_cache())
        folder.scenario.write_text(ready.resolved_toml(), encoding="utf-8")
        folder.commit()
    result = resume_run(folder.path, threads=threads, report=report, cache=cache, stop=stop)
    if cache is None:
        origin.prune(origin.default_cache())
    return result


def resume_run(
    run: Path,
    *,
    threads: int = 1,
    report: Report = None,
    cache: Path | None = None,
    stop: Stop = never,
    wait: Stop = lambda: True,
) -> RunResult:
    """Continue a run from its last checkpoint; a finished run is only described.

    cache : folder of burned-in states, needed where the run has not begun itself
    stop  : asked after every day whether to stop
    wait  : asked, while another process writes the run, whether to give up; default: at once

    Raises InputError where the folder is no run or its checkpoint cannot be read, Interrupted after Ctrl-C.
    """
    set_threads(threads)
    folder = RunFolder.open(run)
    stepping = Stepping(folder.path, report, stop)
    with folder.writing(wait):
        scenario = Scenario.from_toml(folder.scenario.read_text(encoding="utf-8"), str(folder.scenario), folder.path)
        done = folder.read_log("finished")
        if done and int(done[-1]["day"]) >= scenario.simulation.days:
            return _finished(folder, done[-1])
        if not folder.checkpoint.exists():
            return _start(scenario, folder, cache or origin.default_cache(), stepping)
        return _continue(scenario, folder, stepping)


def _start(scenario: Scenario, folder: RunFolder, cache: Path, stepping: Stepping) -> RunResult:
    """Take the first state, write the first checkpoint and go on to the last day."""
    simulation, first = origin.first_state(scenario, cache, stepping)
    folder.clear_outputs()
    recorder = Recorder(folder, scenario, first, simulation)
    folder.log("origin", first_day=simulation.day, bone=first.bone, lineage=first.lineage)
    recorder.checkpoint(simulation)
    stepping.simulate(simulation, recorder, "run")
    return _conclude(simulation, recorder, list(first.bone.get("warnings", [])))


def _continue(scenario: Scenario, folder: RunFolder, stepping: Stepping) -> RunResult:
    """Take the checkpoint of a run and go on."""
    arrays, meta = read_checkpoint(folder.checkpoint)
    if meta["model"] != model_digest(scenario):
        raise InputError(
            f"{folder.checkpoint}: was written with other parameters or effects than this version of boneabm has, so "
            "it cannot be continued to the same result. Use the version that began it, or run again."
        )
    simulation = origin.restored(scenario, arrays, str(folder.checkpoint))
    recorder = Recorder(folder, scenario, Origin.of(meta), simulation)
    recorder.resume(simulation, meta)
    stepping.simulate(simulation, recorder, "run")
    other = [] if meta["model_version"] == model_version() else ["this run was begun by another version of boneabm"]
    return _conclude(simulation, recorder, other)


def _conclude(simulation: Simulation, recorder: Recorder, warnings: list[str]) -> RunResult:
    """Log the end of a run and describe it."""
    folder, bv_tv = recorder.folder, simulation.tissue.lattice.bv_tv
    facts: dict[str, Any] = {"wall_s": recorder.wall_s(), "state_sha256": recorder.state_sha256}
    facts |= {"bv_tv_first": recorder.bv_tv_first, "bv_tv_last": bv_tv, "picture_day": picture_day(folder)}
    facts |= {"phase_s": dict(simulation.phase_s), "doubts": recorder.doubts}
    folder.log("finished", day=simulation.day, **facts, peak_mb=round(peak_mb(), 1))
    if not recorder.scenario.output.keep_state:
        folder.checkpoint.unlink()
    return RunResult(folder.path, simulation.day, **facts, warnings=warnings)


def _finished(folder: RunFolder, line: dict[str, Any]) -> RunResult:
    """Describe a run that has reached its last day by the line that its log ends with."""
    facts = {key: value for key, value in line.items() if key not in ("event", "day", "peak_mb")}
    return RunResult(folder.path, int(line["day"]), **facts, finished_before=True)


def default_folder(scenario: Scenario) -> Path:
    """First free folder runs/TITLE, runs/TITLE-2, ... below the current folder."""
    words = "".join(c if c.isalnum() else " " for c in scenario.title.lower()).split()
    name = "-".join(words[:6]) or "run"
    for number in range(1, 10_000):
        path = Path("runs") / (name if number == 1 else f"{name}-{number}")
        if not path.exists():
            return path
    raise InputError("runs/: no free name left; give --out.")
