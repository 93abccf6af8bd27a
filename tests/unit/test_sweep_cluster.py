"""Jobs on Dask workers: order, deaths, stops, a scheduler started by hand, SLURM scripts; toy jobs leave traces."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import toy_work

import boneabm.sweep.cluster as cluster
from boneabm.errors import BoneabmError, InputError
from boneabm.sweep.cluster import ClusterOptions, SlurmOptions, run_jobs, slurm_script
from boneabm.sweep.jobs import Job, Outcome
from boneabm.sweep.slurm import lifetime_s, walltime_s
from boneabm.sweep.worker import introduce

REFERENCE = Path(toy_work.__file__).parent


@pytest.fixture(autouse=True)
def _workers_see_toys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(REFERENCE))


def ended(jobs: list[Job], options: ClusterOptions, stop: Callable[[], bool] = lambda: False) -> dict[str, Outcome]:
    """Outcomes by name; none is told twice."""
    pytest.importorskip("distributed")
    outcomes: list[Outcome] = []
    run_jobs(jobs, toy_work.toy_work, options, on_outcome=outcomes.append, stop=stop, say=lambda line: None)
    assert len({outcome.name for outcome in outcomes}) == len(outcomes)
    return {outcome.name: outcome for outcome in outcomes}


def until(condition: Callable[[], bool], within_s: float = 20.0) -> float:
    """Seconds until a condition holds."""
    began_s = time.monotonic()
    while not condition():
        assert time.monotonic() - began_s < within_s, "waited too long"
        time.sleep(0.02)
    return time.monotonic() - began_s


def alive(process: int) -> bool:
    """Whether a process runs (one that has ended but was not waited for does not)."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


# Local cluster


@pytest.mark.slow
def test_deaths_failures_and_order_on_local_workers(tmp_path: Path) -> None:
    """Two deaths are forgiven, three are not, neighbors of the dying end well, a job waits for the one it is after."""
    jobs = [
        toy_work.job(tmp_path, "late", "", after="long"),
        toy_work.job(tmp_path, "long", "days 10 0.05"),
        toy_work.job(tmp_path, "dies-twice", "die 2"),
        toy_work.job(tmp_path, "dies-always", "die 99"),
        toy_work.job(tmp_path, "orphan", "environment", after="dies-always"),
        toy_work.job(tmp_path, "fails", "fail"),
        toy_work.job(tmp_path, "after-failure", "", after="fails"),
        toy_work.job(tmp_path, "after-nobody", "", after="made-long-ago"),
    ]
    outcomes = ended(jobs, ClusterOptions(workers=2))
    by_name = {job.name: job for job in jobs}
    wrong = {name: outcome.status for name, outcome in outcomes.items() if outcome.status != "finished"}
    assert wrong == {"dies-always": "lost", "fails": "failed"}
    assert set(outcomes) == set(by_name)
    assert toy_work.count(by_name["dies-twice"], "begin") == 3
    assert toy_work.count(by_name["dies-always"], "begin") >= 3
    assert toy_work.count(by_name["long"], "day") == 10
    assert toy_work.notes(by_name["late"], "begin")[0][1] >= toy_work.notes(by_name["long"], "end")[-1][1]
    assert "boneabm sweep resume" in outcomes["dies-always"].text
    environment = (tmp_path / "orphan.log").read_text()
    for library in ("NUMBA", "OMP", "OPENBLAS", "MKL", "NUMEXPR"):
        assert f"{library}_NUM_THREADS=1 " in environment


def test_stop_lets_running_jobs_write_and_begins_no_other(tmp_path: Path) -> None:
    jobs = [toy_work.job(tmp_path, f"job-{number}", "days 1000 0.05") for number in range(5)]
    before = dict(os.environ)
    outcomes = ended(jobs, ClusterOptions(workers=2), stop=lambda: toy_work.count(jobs[1], "day") >= 3)
    assert {name: outcome.status for name, outcome in outcomes.items()} == {"job-0": "stopped", "job-1": "stopped"}
    assert [toy_work.count(job, "stop") for job in jobs] == [1, 1, 0, 0, 0]
    assert dict(os.environ) == before


CLIENT = """
import sys, toy_work
from boneabm.sweep.cluster import ClusterOptions, run_jobs
if __name__ == "__main__":
    jobs = [toy_work.job(sys.argv[1], name, "days 1000 0.1") for name in "ab"]
    options = ClusterOptions(workers=2)
    run_jobs(jobs, toy_work.toy_work, options, on_outcome=print, stop=lambda: False, say=print)
"""


def test_local_workers_die_with_their_client(tmp_path: Path) -> None:
    """No process is left behind when the client is killed without a chance to clean up."""
    pytest.importorskip("distributed")
    script = tmp_path / "client.py"
    script.write_text(CLIENT)
    client = subprocess.Popen([sys.executable, str(script), str(tmp_path)], stderr=subprocess.DEVNULL)
    jobs = [toy_work.job(tmp_path, name) for name in "ab"]
    until(lambda: all(toy_work.count(job, "day") > 0 for job in jobs))
    workers = {toy_work.notes(job, "begin")[0][0] for job in jobs}
    assert len(workers) == 2
    client.kill()
    client.wait()
    assert until(lambda: not any(alive(worker) for worker in workers)) < 5


# A scheduler and workers started by hand


class Hand:
    """A scheduler and two workers as separate processes on loopback, as the documentation starts them."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{port}"
        self.folder = folder
        self.scheduler = self.start("dask_scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard")
        self.workers = [self.start("dask_worker", self.address, "--nthreads", "1") for _ in range(2)]

    def start(self, what: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a process of Dask; its messages go to a file."""
        command = [sys.executable, "-m", f"distributed.cli.{what}", *arguments]
        with (self.folder / f"{what}.txt").open("ab") as messages:
            return subprocess.Popen(command, stdout=messages, stderr=messages, cwd=self.folder)

    def close(self) -> None:
        """End everything that was started."""
        for process in [*self.workers, self.scheduler]:
            process.terminate()
        for process in [*self.workers, self.scheduler]:
            process.wait(30)


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hand]:
    """A cluster started by hand."""
    pytest.importorskip("distributed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(REFERENCE))
        hand = Hand(tmp_path_factory.mktemp("dask"))
    yield hand
    hand.close()


def test_same_jobs_twice_on_a_running_scheduler(by_hand: Hand, tmp_path: Path) -> None:
    """A scheduler that lives on gives no stale results to the next session."""
    jobs = [toy_work.job(tmp_path, f"job-{number}", "fail" if number == 3 else "") for number in range(6)]
    for session in (1, 2):
        outcomes = ended(jobs, ClusterOptions(scheduler=by_hand.address))
        assert [outcomes[job.name].status for job in jobs].count("finished") == 5
        assert [toy_work.count(job, "begin") for job in jobs] == [session] * 6


def test_stop_on_a_running_scheduler(by_hand: Hand, tmp_path: Path) -> None:
    job = toy_work.job(tmp_path, "job", "days 1000 0.05")
    outcomes = ended([job], ClusterOptions(scheduler=by_hand.address), stop=lambda: toy_work.count(job, "day") > 2)
    assert outcomes["job"].status == "stopped"
    assert toy_work.count(job, "stop") == 1


@pytest.mark.parametrize("to_nanny", [False, True], ids=["worker", "nanny"])
def test_sigterm_to_a_worker_saves_its_job_which_goes_on_elsewhere(
    by_hand: Hand, tmp_path: Path, to_nanny: bool
) -> None:
    """The day is finished and noted before the process ends; no day is done twice."""
    job = toy_work.job(tmp_path, "job", "days 10 0.3")

    def terminate() -> None:
        until(lambda: toy_work.count(job, "day") > 1)
        worker = toy_work.notes(job, "begin")[0][0]
        parent = int(Path(f"/proc/{worker}/stat").read_text().rsplit(")", 1)[1].split()[1])
        os.kill(parent if to_nanny else worker, signal.SIGTERM)

    killer = threading.Thread(target=terminate)
    killer.start()
    outcomes = ended([job], ClusterOptions(scheduler=by_hand.address))
    killer.join()
    begun, stopped = toy_work.notes(job, "begin"), toy_work.notes(job, "stop")
    assert outcomes["job"].status == "finished"
    assert [process for process, _ in stopped] == [begun[0][0]]
    assert begun[1][0] != begun[0][0]
    assert toy_work.count(job, "day") == 10


def test_folder_that_workers_do_not_see_is_refused(by_hand: Hand, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"not seen from the worker at tcp://127.*share"):
        ended([toy_work.job(tmp_path / "elsewhere", "job")], ClusterOptions(scheduler=by_hand.address))


def test_scheduler_that_dies_is_noticed(by_hand: Hand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Last test with this cluster: the error says how to go on, and comes soon."""
    monkeypatch.setattr(cluster, "CONNECT_S", 2.0)
    job = toy_work.job(tmp_path, "job", "days 20 0.2")
    died: list[float] = []

    def kill() -> None:
        until(lambda: toy_work.count(job, "day") > 1)
        by_hand.scheduler.kill()
        died.append(time.monotonic())

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(BoneabmError, match=f"boneabm sweep resume {tmp_path}"):
        ended([job], ClusterOptions(scheduler=by_hand.address))
    assert time.monotonic() - died[0] < 15
    killer.join()


def test_nobody_at_the_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "CONNECT_S", 0.5)
    for address in ("tcp://127.0.0.1:9", "nonsense://here"):
        with pytest.raises(InputError, match=r"No Dask scheduler answers at .* dask worker"):
            ended([toy_work.job(tmp_path, "job")], ClusterOptions(scheduler=address))


def test_scheduler_without_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(cluster, "FIRST_WORKER_S", 0.5)
    with (
        distributed.LocalCluster(n_workers=0, host="127.0.0.1", dashboard_address="127.0.0.1:0") as empty,
        pytest.raises(InputError, match=r"No worker has joined.*dask worker tcp"),
    ):
        ended([toy_work.job(tmp_path, "job")], ClusterOptions(scheduler=empty.scheduler_address))


def test_worker_with_another_version_is_named(tmp_path: Path) -> None:
    worker = SimpleNamespace(address="tcp://10.0.0.7:1234", nanny=None)
    listening = threading.Thread(target=lambda: answers.append(introduce(str(tmp_path), "0.0.1", worker)))
    answers: list[str] = []
    listening.start()
    listening.join()
    assert "tcp://10.0.0.7:1234" in answers[0]
    assert "0.0.1" in answers[0]


# Without Dask


def test_without_dask_the_module_loads_and_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"pip install 'boneabm\[sweep\]'.*--in-process"):
        run_jobs(
            [toy_work.job(tmp_path, "job")],
            toy_work.toy_work,
            ClusterOptions(),
            on_outcome=print,
            stop=lambda: False,
            say=print,
        )
    loaded = "import sys, boneabm.sweep.cluster; print({'dask', 'distributed', 'dask_jobqueue'} & set(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", loaded], capture_output=True, encoding="utf-8")
    assert answer.stdout.strip() == "set()"


def test_contradicting_options(tmp_path: Path) -> None:
    both = ClusterOptions(scheduler="tcp://127.0.0.1:8786", slurm=SlurmOptions())
    for options, told in ((both, "exclude each other"), (ClusterOptions(workers=0), "at least one worker")):
        with pytest.raises(InputError, match=told):
            ended([toy_work.job(tmp_path, "job")], options)


# SLURM


def test_submission_script(tmp_path: Path) -> None:
    """Valid for bash, asks for what was asked, one thread, and the worker leaves before SLURM ends it."""
    pytest.importorskip("dask_jobqueue")
    script = slurm_script(
        SlurmOptions(
            partition="long",
            account="bone",
            walltime="8 h",
            memory="4 GB",
            directives=("--qos=night",),
            prologue=("module load gcc",),
            interface="ib0",
        )
    )
    lines = script.splitlines()
    for wanted in ("-p long", "-A bone", "-t 08:00:00", "--qos=night", "--cpus-per-task=1", "-n 1"):
        assert f"#SBATCH {wanted}" in lines
    command = next(line for line in lines if "distributed.cli.dask_worker" in line).split()
    assert float(command[command.index("--lifetime") + 1].rstrip("s")) == lifetime_s("8 h")[0]
    assert command[command.index("--interface") + 1] == "ib0"
    assert command[command.index("--nthreads") + 1] == "1"
    assert lines.index("module load gcc") < lines.index("export NUMBA_NUM_THREADS=1") < len(lines) - 1
    path = tmp_path / "job.sh"
    path.write_text(script)
    assert subprocess.run(["bash", "-n", str(path)]).returncode == 0


@pytest.mark.parametrize("walltime", ["10 min", "01:00:00", "8 h", "2-00:00:00"])
def test_workers_leave_before_the_walltime(walltime: str) -> None:
    lifetime, spread = lifetime_s(walltime)
    assert lifetime > spread
    assert lifetime + spread + 120 <= walltime_s(walltime)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (SlurmOptions(walltime="8 hours"), "cannot be read"),
        (SlurmOptions(walltime="00:05:00"), "at least"),
        (SlurmOptions(memory="4"), "unit"),
        (SlurmOptions(workers=0), "at least one worker"),
        (SlurmOptions(directives=("qos=long",)), "--qos=long"),
    ],
)
def test_bad_slurm_options(options: SlurmOptions, told: str) -> None:
    with pytest.raises(InputError, match=told):
        slurm_script(options)


def test_slurm_is_looked_for_where_jobs_are_submitted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("dask_jobqueue")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="no sbatch here"):
        ended([toy_work.job(tmp_path, "job")], ClusterOptions(slurm=SlurmOptions()))


def test_jobs_on_workers_that_a_queue_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """sbatch and scancel are played by scripts that start and end the submitted job on this machine."""
    pytest.importorskip("dask_jobqueue")
    queue = tmp_path / "queue"
    queue.mkdir()
    refuse = 'if [ "$1" = --test-only ]; then ! grep -q -- "-p closed" "$2"; exit; fi\n'
    submit = (
        refuse
        + f'script=$(mktemp -p {queue}); cp "$1" $script; setsid bash $script > $script.out 2>&1 &\necho job $!\n'
    )
    cancel = f'for job in "$@"; do echo $job >> {queue}/canceled; kill -- -$job; done\n'
    for name, text in (("sbatch", submit), ("scancel", cancel)):
        (queue / name).write_text(f"#!/bin/bash\n{text}")
        (queue / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{queue}:{os.environ['PATH']}")
    jobs = [toy_work.job(tmp_path, f"job-{number}", "environment") for number in range(4)]
    with pytest.raises(InputError, match=r"does not accept(.|\n)*-p closed"):
        ended(jobs, ClusterOptions(slurm=SlurmOptions(partition="closed")))
    slurm = SlurmOptions(workers=1, walltime="10 min", memory="1 GB", interface="lo")
    outcomes = ended(jobs, ClusterOptions(slurm=slurm))
    assert [outcomes[job.name].status for job in jobs] == ["finished"] * 4
    assert "NUMBA_NUM_THREADS=1" in (tmp_path / "job-0.log").read_text()
    worker = toy_work.notes(jobs[0], "begin")[0][0]
    until(lambda: not alive(worker))
    assert (queue / "canceled").exists()
