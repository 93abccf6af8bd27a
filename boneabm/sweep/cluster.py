"""Jobs on Dask workers: local, by scheduler or by SLURM. Nothing is worth saving here: jobs have checkpoints."""

from __future__ import annotations

import heapq
import logging
import time
import uuid
from asyncio import CancelledError as AsyncCancelledError
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

import boneabm
from boneabm.errors import BoneabmError, InputError, install
from boneabm.kernels.blocks import available_threads
from boneabm.sweep.jobs import Job, Outcome, Work
from boneabm.sweep.slurm import ONE_THREAD, SlurmOptions, slurm_cluster, slurm_script
from boneabm.sweep.surroundings import environment, interrupts_held, quiet
from boneabm.sweep.worker import introduce, perform, stop_session

__all__ = ["ClusterOptions", "SlurmOptions", "run_jobs", "slurm_script"]

CONNECT_S = 10.0
FIRST_WORKER_S = 30.0
SILENCE_S = 60.0
CHECKPOINT_S = 120.0
RETRIES = 2
RETURNS = 50
GO_ON = "What is finished is safe on disk; go on with: boneabm sweep resume"
SHORT = (
    "Most often memory is short: look for a killed process in the system's log, give workers more memory or use fewer "
    "of them, then go on with: boneabm sweep resume"
)
DASK_SETTINGS = {
    "distributed.scheduler.allowed-failures": RETRIES,
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": 0.95,
    "distributed.deploy.lost-worker-timeout": "7 days",
    "distributed.comm.timeouts.connect": "10s",
    "distributed.scheduler.worker-ttl": "15 minutes",
    "distributed.admin.low-level-log-length": 100,
    "distributed.nanny.pre-spawn-environ": {**ONE_THREAD, "MALLOC_TRIM_THRESHOLD_": "65536"},
}
LOCAL_SETTINGS = {"distributed.worker.multiprocessing-method": "spawn", "distributed.scheduler.worker-ttl": None}


@dataclass(frozen=True)
class ClusterOptions:
    """Where jobs run: by default in worker processes on this machine.

    workers   : number of local worker processes; None for one per processor
    scheduler : address of a running Dask scheduler, "tcp://127.0.0.1:8786"
    slurm     : workers as SLURM jobs, submitted from here
    """

    workers: int | None = None
    scheduler: str | None = None
    slurm: SlurmOptions | None = None


def run_jobs(
    jobs: Sequence[Job],
    work: Work,
    options: ClusterOptions,
    *,
    on_outcome: Callable[[Outcome], None],
    stop: Callable[[], bool],
    say: Callable[[str], None],
) -> None:
    """Run all jobs on Dask workers, in their order as far as workers are free, and report each as it ends.

    A job whose worker died starts again from its checkpoint, twice; then it is "lost". Once `stop()` is true, nothing
    new begins, running jobs write their checkpoints and are reported as "stopped"; jobs not begun are not reported.

    work       : a function that workers can import
    on_outcome : called here, once per ended job
    stop       : asked at least twice a second
    say        : one line for the user
    errors     : InputError for a cluster that cannot be used, BoneabmError when the scheduler is gone
    """
    if not jobs:
        return
    require_dask()
    with quiet(), _client(options, say) as client:
        _Session(client, options, work, jobs[0].sweep, on_outcome, say).run(jobs, stop)


def require_dask() -> None:
    """InputError where Dask is not installed."""
    try:
        import distributed  # noqa: F401
    except ImportError:
        told = f"Worker processes need Dask. Install it: {install('sweep')}, or use --in-process."
        raise InputError(told) from None


# Opening and closing clusters


@contextmanager
def _client(options: ClusterOptions, say: Callable[[str], None]) -> Iterator[Any]:
    if options.scheduler is not None and options.slurm is not None:
        raise InputError("--scheduler and --slurm exclude each other: give the address of a cluster or ask for one.")
    if options.scheduler is not None:
        with _connected(options.scheduler) as client:
            yield client
    else:
        opened = _slurm_cluster(options.slurm, say) if options.slurm else _local_cluster(options.workers, say)
        with opened as cluster, _connected(cluster.scheduler_address) as client:
            yield client


@contextmanager
def _connected(address: str) -> Iterator[Any]:
    from distributed import Client

    try:
        client = Client(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise InputError(
            f"No Dask scheduler answers at {address} ({error}). Start one with: dask scheduler --host 127.0.0.1, "
            f"and workers with: dask worker {address} --nthreads 1, or leave --scheduler out for a local cluster."
        ) from None
    try:
        yield client
    finally:
        client.close(timeout=5)


@contextmanager
def _local_cluster(workers: int | None, say: Callable[[str], None]) -> Iterator[Any]:
    import dask
    from distributed import LocalCluster
    from distributed.system import MEMORY_LIMIT

    count = available_threads() if workers is None else workers
    if count < 1:
        raise InputError(f"A sweep needs at least one worker, got {count}.")
    with dask.config.set({**DASK_SETTINGS, **LOCAL_SETTINGS}), environment(ONE_THREAD):
        try:
            with interrupts_held():
                cluster = LocalCluster(
                    n_workers=count,
                    threads_per_worker=1,
                    processes=True,
                    host="127.0.0.1",
                    dashboard_address="127.0.0.1:0",
                    memory_limit=MEMORY_LIMIT // count,
                    silence_logs=logging.CRITICAL,
                )
        except (RuntimeError, OSError) as error:
            raise InputError(
                f"Local worker processes did not start ({error}). A script that runs a sweep has to do so under "
                "`if __name__ == '__main__':`; to look for the cause use --in-process."
            ) from error
        say(f"{count} worker {'process' if count == 1 else 'processes'} on this machine")
        with cluster:
            yield cluster


@contextmanager
def _slurm_cluster(options: SlurmOptions, say: Callable[[str], None]) -> Iterator[Any]:
    import dask

    with dask.config.set(DASK_SETTINGS), slurm_cluster(options) as cluster:
        say(f"{options.workers} SLURM jobs asked for; runs begin as soon as the first of them starts")
        yield cluster


# The session: this side


class _Session:
    """Jobs of one call: ready ones go to workers, as many as there are threads, so no worker hoards any."""

    def __init__(
        self,
        client: Any,
        options: ClusterOptions,
        work: Work,
        sweep: str,
        on_outcome: Callable[[Outcome], None],
        say: Callable[[str], None],
    ) -> None:
        self.client, self.options, self.work, self.sweep = client, options, work, sweep
        self.on_outcome, self.say = on_outcome, say
        self.name = f"boneabm-{uuid.uuid4().hex}"
        self.workers: dict[str, int] = {}
        self.known: set[str] = set()
        self.said: set[str] = set()
        self.looked_s = self.heard_s = self.seen_s = time.monotonic()
        self.ready: list[tuple[int, Job]] = []
        self.blocked: dict[str, list[tuple[int, Job]]] = {}
        self.running: dict[Any, tuple[int, Job, Any]] = {}
        self.begun: Counter[str] = Counter()
        self.returned: Counter[str] = Counter()
        self.deadly: Counter[str] = Counter()
        self.submitted = 0
        self.halting = False
        client.subscribe_topic(self.name, self._note_begun)
        self.arrived: SimpleQueue[Any] = SimpleQueue()

    def run(self, jobs: Sequence[Job], stop: Callable[[], bool]) -> None:
        """Run until every job has ended or `stop()`."""
        self._arrange(jobs)
        if not self._wait_for_workers(stop):
            return
        try:
            while (self.ready or self.running) and not stop():
                self._look()
                self._submit()
                self._collect(0.2)
        except InputError:
            self._halt()
            raise
        if self.running:
            self._halt()
        elif self.blocked and not self.ready:
            raise ValueError(f"jobs that wait for each other: {sorted(self.blocked)}")

    def _note_begun(self, event: tuple[float, str]) -> None:
        """Count how often a job has begun: who shares a dying worker without having begun there is not to blame."""
        self.begun[event[1]] += 1

    def _arrange(self, jobs: Sequence[Job]) -> None:
        names = {job.name for job in jobs}
        for number, job in enumerate(jobs):
            place = self.blocked.setdefault(job.after, []) if job.after in names else self.ready
            place.append((number, job))

    def _wait_for_workers(self, stop: Callable[[], bool]) -> bool:
        """Wait for the first worker; false if asked to stop meanwhile."""
        began_s = time.monotonic()
        while not stop():
            self._look(every_s=0.2)
            if self.workers:
                self._greet()
                return True
            waited_s = time.monotonic() - began_s
            if self.options.slurm and waited_s > SILENCE_S:
                self._say_once("No SLURM job has started yet; see squeue, and slurm-*.out for jobs that ended at once")
            if self.options.slurm is None and waited_s > FIRST_WORKER_S:
                told = f"No worker has joined the scheduler within {FIRST_WORKER_S:.0f} s. Start some with:"
                raise InputError(f"{told} dask worker {self.client.scheduler.address} --nthreads 1")
            time.sleep(0.1)
        return False

    def _look(self, every_s: float = 1.0) -> None:
        """Ask the scheduler who is there; BoneabmError when it has been silent for too long."""
        now_s = time.monotonic()
        if now_s - self.looked_s < every_s and self.workers:
            return
        self.looked_s = now_s
        try:
            if self.client.status != "running":
                raise OSError(f"client is {self.client.status}")
            workers = self.client.sync(self.client.scheduler.ncores, callback_timeout=5)
        except (OSError, TimeoutError, ValueError, RuntimeError, AttributeError, CancelledError):
            self.workers = {}
            self._complain_of_silence()
            return
        self.heard_s = time.monotonic()
        self._note(dict(workers))

    def _complain_of_silence(self) -> None:
        silent_s = time.monotonic() - self.heard_s
        if self.client.status == "closed" or silent_s > SILENCE_S:
            raise BoneabmError(f"The Dask scheduler has not answered for {silent_s:.0f} s. {GO_ON} {self.sweep}")

    def _note(self, workers: dict[str, int]) -> None:
        gone = self.known - set(workers)
        self.workers = workers
        if gone:
            self._say_once("A worker ended; its run goes on from its checkpoint on another one")
        if workers:
            self.seen_s = time.monotonic()
        elif self.submitted:
            self._bear_no_worker()
        self.known = set(workers)

    def _bear_no_worker(self) -> None:
        lonely_s = time.monotonic() - self.seen_s
        if self.options.scheduler is None and self.options.slurm is None and lonely_s > SILENCE_S:
            raise BoneabmError(f"Local workers died and could not be started again. {GO_ON} {self.sweep}")
        if lonely_s > CONNECT_S:
            self._say_once("No worker is left; runs go on as soon as one joins")

    def _say_once(self, line: str) -> None:
        if line not in self.said:
            self.said.add(line)
            self.say(line)

    def _greet(self) -> None:
        """InputError where a worker has another boneabm or does not see the folder of the sweep."""
        for address, answer in sorted(self._ask(introduce, self.sweep, boneabm.__version__).items()):
            if isinstance(answer, BaseException):
                raise InputError(_cannot(f"The worker at {address} could not answer", answer))
            if answer:
                raise InputError(answer)

    def _ask(self, function: Callable[..., Any], *args: Any) -> dict[str, Any]:
        """Answers of all workers by address; an exception stands for an answer, workers just gone are left out."""
        try:
            answers = self.client.run(function, *args, on_error="return")
        except (OSError, TimeoutError, CancelledError):
            return {}
        return {address: answer for address, answer in answers.items() if not isinstance(answer, OSError)}

    def _submit(self) -> None:
        session = (self.name, boneabm.__version__)
        while self.ready and len(self.running) < sum(self.workers.values()) and self.client.status == "running":
            number, job = heapq.heappop(self.ready)
            self.submitted += 1
            key = (self.name, self.submitted)
            future = self.client.submit(_perform, self.work, job, session, key=key, pure=False, priority=-number)
            self.running[key] = (number, job, future)
            future.add_done_callback(self.arrived.put)

    def _collect(self, wait_s: float) -> None:
        """Report a job that has ended; send it again if its worker gave it back."""
        try:
            future = self.arrived.get(timeout=wait_s)
        except Empty:
            return
        number, job, _ = self.running.pop(future.key)
        outcome = self._outcome(job, future)
        future.release()
        if not self.halting and self._may_return(job, outcome):
            heapq.heappush(self.ready, (number, job))
            return
        if outcome.status == "stopped" and not self.halting:
            outcome = Outcome(job.name, "lost", f"{RETURNS} workers had to end before it was done. {GO_ON} {job.sweep}")
        self.on_outcome(outcome)
        for waiting in self.blocked.pop(job.name, []):
            heapq.heappush(self.ready, waiting)

    def _outcome(self, job: Job, future: Any) -> Outcome:
        from distributed import KilledWorker

        try:
            return future.result(timeout=CONNECT_S)
        except KilledWorker:
            deaths = max(self.begun[job.name] - self.returned[job.name], RETRIES + 1)
            return Outcome(job.name, "lost", f"its worker died {deaths} times. {SHORT} {job.sweep}")
        except (CancelledError, AsyncCancelledError, TimeoutError, OSError):
            return Outcome(job.name, "stopped", "the connection to its worker was lost")
        except Exception as error:
            told = _cannot(f"A worker could not begin {job.name}", error)
            if self.halting:
                return Outcome(job.name, "stopped", told)
            raise InputError(told) from error

    def _may_return(self, job: Job, outcome: Outcome) -> bool:
        """Whether the job goes to another worker: given back by one that leaves, or not to blame for deaths."""
        if outcome.status == "stopped":
            self.returned[job.name] += 1
            return self.returned[job.name] <= RETURNS
        if outcome.status == "lost":
            self.deadly[job.name] += 1
            deaths = self.begun[job.name] - self.returned[job.name]
            return deaths <= RETRIES and self.deadly[job.name] <= RETRIES
        return False

    def _halt(self) -> None:
        """Ask running jobs to stop and wait until their checkpoints are written."""
        self.halting = True
        deadline_s = time.monotonic() + CHECKPOINT_S
        while self.running and time.monotonic() < deadline_s:
            self._look(every_s=0.5)
            if not self.workers:
                break
            self._ask(stop_session, self.name)
            asked_s = time.monotonic()
            while self.running and time.monotonic() - asked_s < 1:
                self._collect(0.2)
        for _, job, future in self.running.values():
            future.cancel()
            self.on_outcome(Outcome(job.name, "stopped", "its worker did not answer; its last checkpoint stands"))
        self.running.clear()


def _cannot(what: str, error: BaseException) -> str:
    if isinstance(error, InputError):
        return str(error)
    needed = f"Workers need the same Python environment as this process, with boneabm {boneabm.__version__}"
    return f"{what}: {type(error).__name__}: {error}. {needed}; install it there and start the workers again."


def _perform(work: Work, job: Job, session: tuple[str, str]) -> Outcome:
    """In a worker process: run one job."""
    from distributed import get_worker

    return perform(get_worker(), work, job, session)
