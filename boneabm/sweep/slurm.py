"""Workers as SLURM jobs: what a user says about the queue, and the submission script that follows from it."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import NamedTemporaryFile
from typing import Any

from boneabm.errors import InputError, install

ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("NUMBA", "OMP", "OPENBLAS", "MKL", "NUMEXPR")}
NEVER_PAUSE = {f"DASK_DISTRIBUTED__WORKER__MEMORY__{threshold}": "False" for threshold in ("TARGET", "SPILL", "PAUSE")}
SHORTEST_WALLTIME_S = 600
_UNITS_S = {"min": 60, "h": 3600, "d": 86400}
_CLOCK = re.compile(r"(?:(\d+)-)?(\d{1,3}):([0-5]\d):([0-5]\d)")
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?) *(min|h|d)")
_MEMORY = re.compile(r"\d+(?:\.\d+)? *[MGT]i?B")


@dataclass(frozen=True)
class SlurmOptions:
    """One SLURM job per worker, one processor per job.

    partition  : partition (queue) of the jobs; "" for the default of the cluster
    account    : account that is charged; "" for the default
    walltime   : "HH:MM:SS", "D-HH:MM:SS", "90 min", "8 h" or "1 d"; at least ten minutes. Workers leave a few minutes
                 earlier and are replaced by new jobs, so it need not cover a whole run
    memory     : memory of one worker, "4 GB"
    workers    : number of worker jobs
    directives : further #SBATCH directives, "--qos=long"
    prologue   : shell lines before the worker starts, "module load gcc"
    interface  : network interface that nodes reach each other by, "ib0"; "" for the default route
    """

    partition: str = ""
    account: str = ""
    walltime: str = "8 h"
    memory: str = "4 GB"
    workers: int = 8
    directives: tuple[str, ...] = ()
    prologue: tuple[str, ...] = ()
    interface: str = ""


def walltime_s(walltime: str) -> int:
    """Seconds of a walltime text; InputError where it cannot be read or is too short for a worker.

    >>> walltime_s("01:30:00"), walltime_s("2-00:00:00"), walltime_s("90 min")
    (5400, 172800, 5400)
    """
    text = walltime.strip()
    if clock := _CLOCK.fullmatch(text):
        days, hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        length_s = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    elif quantity := _QUANTITY.fullmatch(text):
        length_s = int(float(quantity[1]) * _UNITS_S[quantity[2]])
    else:
        told = 'Write "08:00:00", "2-00:00:00", "90 min" or "8 h".'
        raise InputError(f'SLURM walltime "{walltime}" cannot be read. {told}')
    if length_s < SHORTEST_WALLTIME_S:
        raise InputError(f'SLURM walltime "{walltime}" is too short for a worker: give at least "10 min".')
    return length_s


def lifetime_s(walltime: str) -> tuple[int, int]:
    """Lifetime of a worker and its random spread, s: a worker leaves before SLURM kills it, not all at the same time.

    A tenth of the walltime, between 3 and 15 min, is kept for the last day and the checkpoint.
    """
    length_s = walltime_s(walltime)
    margin_s = min(max(length_s // 10, 180), 900)
    return length_s - margin_s, margin_s // 3


def worker_job(options: SlurmOptions) -> dict[str, Any]:
    """Keyword arguments of dask_jobqueue for one worker job; InputError where the options cannot be used."""
    _check(options)
    length_s = walltime_s(options.walltime)
    lifetime, stagger = lifetime_s(options.walltime)
    exports = [f"export {name}={value}" for name, value in {**ONE_THREAD, **NEVER_PAUSE}.items()]
    return {
        "cores": 1,
        "processes": 1,
        "memory": options.memory,
        "walltime": f"{length_s // 3600:02d}:{length_s // 60 % 60:02d}:{length_s % 60:02d}",
        "queue": options.partition or None,
        "account": options.account or None,
        "interface": options.interface or None,
        "job_name": "boneabm",
        "job_extra_directives": list(options.directives),
        "job_script_prologue": [*options.prologue, *exports],
        "worker_extra_args": ["--lifetime", f"{lifetime}s", "--lifetime-stagger", f"{stagger}s"],
    }


def _check(options: SlurmOptions) -> None:
    if options.workers < 1:
        raise InputError(f"SLURM needs at least one worker, got {options.workers}.")
    if not _MEMORY.fullmatch(options.memory.strip()):
        raise InputError(f'SLURM memory "{options.memory}" cannot be read. Write it with its unit: "4 GB", "800 MB".')
    for directive in options.directives:
        if not directive.startswith("-") or "\n" in directive:
            raise InputError(f'SLURM directive "{directive}" is none. Write it as sbatch knows it: "--qos=long".')


def slurm_script(options: SlurmOptions) -> str:
    """Submission script of one worker job, as it is handed to sbatch; needs no cluster and starts nothing."""
    arguments = worker_job(options)
    job = _jobqueue().slurm.SLURMJob(scheduler="tcp://SCHEDULER:PORT", name="boneabm-worker", **arguments)
    return str(job.job_script())


@contextmanager
def slurm_cluster(options: SlurmOptions) -> Iterator[Any]:
    """Scheduler in this process and worker jobs in the queue; a job that ends is replaced until the cluster is closed.

    Scripts and output of the jobs are in the current folder, as SLURM does it.
    """
    arguments = worker_job(options)
    jobqueue = _jobqueue()
    if shutil.which("sbatch") is None:
        raise InputError("There is no sbatch here. Start the sweep where SLURM jobs are submitted, on a login node.")
    _try(slurm_script(options))
    arguments |= {"scheduler_options": {"dashboard_address": "127.0.0.1:0"}, "silence_logs": "critical"}
    with jobqueue.SLURMCluster(**arguments) as cluster:
        cluster.adapt(minimum_jobs=options.workers, maximum_jobs=options.workers)
        yield cluster


def _try(script: str) -> None:
    """InputError where SLURM would not accept the script: what it says, before anything waits for jobs in vain."""
    with NamedTemporaryFile("w", suffix=".sh") as file:
        file.write(script)
        file.flush()
        answer = subprocess.run(["sbatch", "--test-only", file.name], capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise InputError(
            f"SLURM does not accept the worker jobs: {(answer.stderr or answer.stdout).strip()}. "
            "Partition, account, walltime, memory and further directives can be given; the script was:\n" + script
        )


def _jobqueue() -> Any:
    try:
        import dask_jobqueue
    except ImportError:
        raise InputError(f"SLURM workers need dask-jobqueue. Install it: {install('sweep')}.") from None
    return dask_jobqueue
