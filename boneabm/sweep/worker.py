"""What happens inside a Dask worker process: jobs run, are asked to stop, and end before the process does."""

from __future__ import annotations

import signal
import threading
from asyncio import sleep
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boneabm
from boneabm.errors import InputError
from boneabm.sweep.jobs import Job, Outcome, Work

MEMORY_SHARE = 0.9
LEAVING = ("closing", "closing_gracefully", "closed", "failed")


@dataclass
class _Process:
    """What a worker process knows beside its jobs.

    stopped   : sessions that were asked to stop
    leaving   : the process was asked to end by a signal
    busy      : names of jobs that run here
    listening : signal handlers are in place
    """

    stopped: set[str] = field(default_factory=set)
    leaving: threading.Event = field(default_factory=threading.Event)
    busy: set[str] = field(default_factory=set)
    listening: bool = False


_HERE = _Process()


def perform(worker: Any, work: Work, job: Job, session: tuple[str, str]) -> Outcome:
    """Run one job in this worker until it ends, the session (name, version of boneabm) stops or the worker leaves.

    Returns the outcome of the work; InputError where this worker cannot take part.
    """
    name, version = session
    worker.loop.add_callback(_listen, worker)
    if unfit := _unfit(job.sweep, version, worker):
        raise InputError(unfit)

    def stop() -> bool:
        return name in _HERE.stopped or _HERE.leaving.is_set() or worker.status.name in LEAVING

    if stop():
        return Outcome(job.name, "stopped")
    _HERE.busy.add(job.name)
    worker.log_event(name, job.name)
    try:
        return work(job, stop)
    finally:
        _HERE.busy.discard(job.name)


def introduce(sweep: str, version: str, dask_worker: Any) -> str:
    """Why this worker cannot take part, "" if it can."""
    _listen(dask_worker)
    return _unfit(sweep, version, dask_worker)


def _unfit(sweep: str, version: str, worker: Any) -> str:
    if version != boneabm.__version__:
        return (
            f"The worker at {worker.address} has boneabm {boneabm.__version__}, the sweep was started with {version}. "
            "Install the same version everywhere and start the workers again."
        )
    if not Path(sweep).is_dir():
        return (
            f"The folder {sweep} is not seen from the worker at {worker.address}. Put the sweep on a file system that "
            "all workers share, under the same path."
        )
    return ""


def stop_session(session: str) -> None:
    """Ask the running jobs of a session to stop; those that begin later end at once."""
    _HERE.stopped.add(session)


def _listen(worker: Any) -> None:
    """Let SIGTERM end this process only after running jobs have written their checkpoints.

    Ctrl-C reaches every process of a terminal; under a nanny the nanny or the session then asks the worker to end.
    """
    if _HERE.listening or threading.current_thread() is not threading.main_thread():
        return
    _HERE.listening = True

    def leave(*_: Any) -> None:
        if not _HERE.leaving.is_set() and not _short_of_memory(worker):
            _HERE.leaving.set()
            worker.loop.asyncio_loop.call_soon_threadsafe(worker.loop.add_callback, _leave, worker)

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, signal.SIG_IGN if worker.nanny else leave)


def _short_of_memory(worker: Any) -> bool:
    """Whether the signal is the nanny's, which kills this process a moment later: a death, not a farewell."""
    limit = worker.memory_manager.memory_limit
    return bool(worker.nanny and limit and worker.monitor.get_process_memory() > MEMORY_SHARE * limit)


async def _leave(worker: Any) -> None:
    """Take no new job, wait for the running ones, let their outcomes reach the session, end; a nanny starts another."""
    if worker.status.name == "running":
        worker.status = type(worker.status)["closing_gracefully"]
    while _HERE.busy:
        await sleep(0.1)
    await sleep(1)
    await worker.close(nanny=False, reason="signal")
