"""Work for executors without any bone: what a job does is its scenario text, traces are files in the sweep."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from boneabm.sweep.jobs import Job, Outcome, Stop


def job(sweep: Path | str, name: str, does: str = "", after: str = "") -> Job:
    """A job; `does` is "", "fail", "die TIMES", "days NUMBER SECONDS_PER_DAY" or "environment"."""
    return Job(name=name, sweep=str(sweep), scenario=does, burn_in="", after=after)


def toy_work(job: Job, stop: Stop) -> Outcome:
    """Do what the job says; one line "begin", "day", "stop", "end" with process and time per step in NAME.log."""
    began_s = time.monotonic()
    does, *numbers = job.scenario.split() or [""]
    status = "finished"
    note(job, "begin")
    if does == "die" and count(job, "begin") <= int(numbers[0]):
        time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGKILL)
    if does == "days":
        status = days(job, stop, int(numbers[0]), float(numbers[1]))
    if does == "environment":
        note(job, " ".join(f"{name}={value}" for name, value in sorted(os.environ.items()) if "_NUM_THREADS" in name))
    if does == "fail":
        status = "failed"
    note(job, {"stopped": "stop"}.get(status, "end"))
    return Outcome(job.name, status, "a toy failed" if status == "failed" else "", time.monotonic() - began_s)


def days(job: Job, stop: Stop, number: int, seconds: float) -> str:
    """Days that were done before are not done again, as with a checkpoint per day."""
    while count(job, "day") < number:
        if stop():
            return "stopped"
        time.sleep(seconds)
        note(job, "day")
    return "finished"


def no_work(job: Job, stop: Stop) -> Outcome:
    """Finished at once, without a trace."""
    return Outcome(job.name, "finished")


def note(job: Job, what: str) -> None:
    """One line in the log of the job."""
    with open(Path(job.sweep) / f"{job.name}.log", "a", encoding="utf-8") as log:
        log.write(f"{what} {os.getpid()} {time.time():.3f}\n")


def notes(job: Job, what: str) -> list[tuple[int, float]]:
    """Process and time of every line of a kind."""
    path = Path(job.sweep) / f"{job.name}.log"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    found = [line.split() for line in lines if line.startswith(what + " ")]
    return [(int(line[-2]), float(line[-1])) for line in found]


def count(job: Job, what: str) -> int:
    """Number of lines of a kind."""
    return len(notes(job, what))
