"""One job of a sweep, in whatever process: a burn-in, or a run from its checkpoint to its result."""

from __future__ import annotations

import errno
import gc
import json
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from boneabm import origin
from boneabm.cost import peak_mb
from boneabm.errors import InputError
from boneabm.identity import burn_in_key, run_identity
from boneabm.io.provenance import sha256_of
from boneabm.io.runfolder import BusyError, RunFolder
from boneabm.kernels.blocks import set_threads
from boneabm.run import RunResult, resume_run, run_scenario
from boneabm.scenario import Scenario
from boneabm.stepping import Interrupted, Stepping
from boneabm.sweep.folder import RESULT, SweepFolder, put_text
from boneabm.sweep.jobs import Job, Outcome, Stop

BURN_IN = "burn-in-"


def burn_in_job(key: str, sweep: Path, scenario: str) -> Job:
    """The job that makes a burned-in state, from any scenario that starts with it."""
    return Job(f"{BURN_IN}{key}", str(sweep), scenario, key)


def work(job: Job, stop: Stop) -> Outcome:
    """Do one job on one thread, from its checkpoint where there is one; never raises Exception.

    stop : asked after every simulated day; the run is then safe in its checkpoint

    What fails is recorded in the sweep's folder `failed`, so that it is not tried again by itself.
    """
    began_s = time.perf_counter()
    sweep = SweepFolder(job.sweep)
    try:
        set_threads(1)
        _perform(job, sweep, stop)
        status, text = "finished", ""
    except (Interrupted, BusyError) as error:
        status, text = "stopped", str(error)
    except Exception as error:
        status, text = "failed", _in_words(error)
        _record_failure(sweep, job.name, error)
    gc.collect()  # the next job of this process starts without the arrays of this one
    return Outcome(job.name, status, text, time.perf_counter() - began_s)


def _perform(job: Job, sweep: SweepFolder, stop: Stop) -> None:
    where = f"run {job.name} of {job.sweep}"
    scenario = Scenario.from_toml(job.scenario, where)
    if job.name.startswith(BURN_IN):
        _same_content(burn_in_key(scenario), job.burn_in, where)
        origin.burned_in(scenario, sweep.burn_ins, Stepping(sweep.path, stop=stop))
        return
    if sweep.result(job.name) is not None:
        return
    if not (sweep.run_path(job.name) / "checkpoint.h5").exists():
        _same_content(run_identity(scenario), job.name, where)
        _require_burn_in(sweep, job)
    result = _run(job, scenario, sweep, stop)
    _write_result(sweep, job, scenario, result)


def _same_content(found: str, planned: str, where: str) -> None:
    if found != planned:
        told = "this worker has another version of boneabm, the image has changed, or the parent run has gone on"
        raise InputError(f"{where}: is no longer what was planned: {told}. Plan it again: boneabm sweep FILE.")


def _require_burn_in(sweep: SweepFolder, job: Job) -> None:
    failed = sweep.failure(f"{BURN_IN}{job.burn_in}")
    if failed is not None:
        told = f"its burn-in failed: {failed['error']}"
        raise OSError(told) if failed["try_again"] else InputError(told)


def _run(job: Job, scenario: Scenario, sweep: SweepFolder, stop: Stop) -> RunResult:
    """Start the run, or go on with it; where another process writes it, wait for that."""
    path = sweep.run_path(job.name)
    if not path.exists():
        try:
            return run_scenario(scenario, out=path, cache=sweep.burn_ins, stop=stop)
        except (InputError, OSError):
            if not path.exists():
                raise
    return resume_run(path, cache=sweep.burn_ins, stop=stop, wait=stop)


def _write_result(sweep: SweepFolder, job: Job, scenario: Scenario, result: RunResult) -> None:
    """Say in one small file, put in place in one step, that the run is finished and what it came to."""
    folder = RunFolder(result.path)
    begun = folder.read_log("origin")[-1]
    facts: dict[str, Any] = {"run_id": job.name, "days": result.days, "seed": scenario.simulation.seed}
    facts |= {"first_day": begun["first_day"], "state_sha256": result.state_sha256}
    facts |= {"tables_sha256": tables_sha256(folder), "bv_tv_first": result.bv_tv_first}
    facts |= {"bv_tv_last": result.bv_tv_last, "wall_s": result.wall_s, "peak_mb": peak_mb()}
    facts |= {"attempts": 1 + len(folder.read_log("resumed")), "began_utc": folder.read_log("created")[0]["utc"]}
    facts |= {"ended_utc": datetime.now(UTC).isoformat(timespec="seconds")}
    facts |= {"lineage": begun["lineage"], "warnings": begun["bone"].get("warnings", [])}
    facts |= {"low_confidence": result.doubts}
    put_text(result.path / RESULT, json.dumps(facts))


def tables_sha256(folder: RunFolder) -> str:
    """Hash of series and events."""
    return sha256_of((sha256_of(folder.series) + sha256_of(folder.events)).encode())


def _record_failure(sweep: SweepFolder, name: str, error: Exception) -> None:
    """Record what failed; troubles of the machine (disk, memory) are marked to be tried again at the next start."""
    again = isinstance(error, (OSError, MemoryError)) or _disk_is_full(error)
    trace = "".join(traceback.format_exception(error))
    facts = {"run_id": name, "error": _in_words(error), "try_again": again, "traceback": trace}
    try:
        sweep.failed.mkdir(parents=True, exist_ok=True)
        put_text(sweep.failed / f"{name}.json", json.dumps(facts))
    except OSError:
        return


def _disk_is_full(error: BaseException | None) -> bool:
    """Whether HDF5, which has its own errors, ran out of disk space or quota."""
    full = any(f"errno = {number}," in str(error) for number in (errno.EFBIG, errno.ENOSPC, errno.EDQUOT))
    return full or (error is not None and _disk_is_full(error.__cause__ or error.__context__))


def _in_words(error: Exception) -> str:
    return str(error) or type(error).__name__
