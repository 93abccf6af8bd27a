"""Running what is missing of a sweep: which jobs there are, one session at a time, what came of it."""

from __future__ import annotations

import fcntl
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from boneabm.errors import InputError
from boneabm.identity import model_version
from boneabm.sweep.folder import PlannedRun, SweepFolder
from boneabm.sweep.jobs import Job, Outcome, Stop, Work
from boneabm.sweep.work import BURN_IN, burn_in_job

STALE_S = 3600.0
Execute = Callable[[Sequence[Job], Callable[[Outcome], None], Stop], None]


@dataclass
class Tally:
    """Where a sweep stands.

    planned, finished, partial, missing : numbers of runs; partial ones have begun and go on from their checkpoints
    failed : error text by run_id
    lost   : runs of this session whose workers died three times, text by run_id
    stopped : whether this session was asked to stop before all runs had ended
    """

    planned: int = 0
    finished: int = 0
    partial: int = 0
    missing: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)
    stopped: bool = False

    @property
    def open(self) -> int:
        """Runs that are neither finished nor failed."""
        return self.partial + self.missing


def tally(sweep: SweepFolder, plan: Sequence[PlannedRun]) -> Tally:
    """Where a sweep stands on disk."""
    names = dict.fromkeys(run.run_id for run in plan)
    where = {name: sweep.status(name) for name in names}
    count = Counter(where.values())
    failed = {name: str((sweep.failure(name) or {}).get("error", "")) for name in names if where[name] == "failed"}
    return Tally(len(names), count["finished"], count["partial"], count["missing"], failed)


def run_missing(
    sweep: SweepFolder,
    execute: Execute,
    *,
    stop: Stop,
    on_start: Callable[[Tally], None],
    on_outcome: Callable[[Outcome], None],
    retry_failed: bool = False,
    prepare: Callable[[], None] = lambda: None,
) -> Tally:
    """Run what is not finished and has not failed; returns where the sweep stands then.

    execute      : an executor: runs jobs in order, tells of each as it ends
    retry_failed : begin runs anew that failed before
    prepare      : called first, while no other session can run the sweep; writes the plan
    Raises InputError where another session runs the sweep, or it was planned with another version of the model.
    """
    with only_session(sweep):
        prepare()
        plan = sweep.plan()
        if sweep.model_version() != model_version():
            raise InputError(
                f"{sweep.path}: was planned with another version of the model, whose runs cannot be mixed with those "
                f"of this one. Plan it again from its sweep file: boneabm sweep FILE --out {sweep.path}"
            )
        _forgive(sweep, retry_failed)
        _clean(sweep)
        before = tally(sweep, plan)
        on_start(before)
        ended: list[Outcome] = []

        def note(outcome: Outcome) -> None:
            if outcome.status in ("lost", "stopped"):
                ended.append(outcome)
            on_outcome(outcome)

        execute(open_jobs(sweep, plan), note, stop)
        after = tally(sweep, plan)
        lost = (outcome for outcome in ended if outcome.status == "lost" and not outcome.name.startswith(BURN_IN))
        after.lost = {outcome.name: outcome.text for outcome in lost}
        after.stopped = after.open > 0 and (stop() or any(outcome.status == "stopped" for outcome in ended))
        return after


def open_jobs(sweep: SweepFolder, plan: Sequence[PlannedRun]) -> list[Job]:
    """Jobs of the runs that are neither finished nor failed; before them the burn-ins that several of them share."""
    path = sweep.path.absolute()
    runs = {run.run_id: run for run in plan if sweep.status(run.run_id) in ("partial", "missing")}
    users = Counter(run.burn_in for run in runs.values())
    made: set[str] = set()
    jobs: list[Job] = []
    for run in runs.values():
        shared = run.burn_in != "" and users[run.burn_in] > 1
        first = burn_in_job(run.burn_in, path, run.scenario)
        if shared and run.burn_in not in made:
            made.add(run.burn_in)
            jobs.append(first)
        jobs.append(Job(run.run_id, str(path), run.scenario, run.burn_in, after=first.name if shared else ""))
    return jobs


def run_in_process(work: Work) -> Execute:
    """Executor that does one job after another in this process, for debugging and machines without Dask."""

    def execute(jobs: Sequence[Job], on_outcome: Callable[[Outcome], None], stop: Stop) -> None:
        for job in jobs:
            if stop():
                return
            outcome = work(job, stop)
            on_outcome(outcome)
            if outcome.status == "stopped":
                return

    return execute


@contextmanager
def only_session(sweep: SweepFolder) -> Iterator[None]:
    """Be the only session that runs the sweep; InputError while another one does."""
    sweep.path.mkdir(parents=True, exist_ok=True)
    with sweep.lock_file.open("ab") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            told = f"{sweep.path}: another process is running this sweep. Wait for it, or stop it."
            raise InputError(f"{told} How far it is: boneabm sweep status {sweep.path}") from None
        yield


def _forgive(sweep: SweepFolder, retry_failed: bool) -> None:
    """Drop the records of failures that are to be tried again; on demand also what these runs have written."""
    for record in sweep.failed.glob("*.json"):
        failure = sweep.failure(record.stem)
        if retry_failed:
            shutil.rmtree(sweep.run_path(record.stem), ignore_errors=True)
        if retry_failed or (failure and failure["try_again"]):
            record.unlink()


def _clean(sweep: SweepFolder) -> None:
    """Remove what killed processes had begun to build under hidden names long ago."""
    for place in (sweep.runs, sweep.burn_ins):
        for path in _hidden(place):
            if time.time() - path.stat().st_mtime > STALE_S:
                shutil.rmtree(path, ignore_errors=True)


def _hidden(place: Path) -> list[Path]:
    return list(place.glob(".*.starting-*")) if place.is_dir() else []
