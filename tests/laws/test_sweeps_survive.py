"""Sweeps end in the same results however they are run, stopped or killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_sweep import ARMS, call, words, write_sweep

from boneabm.io.runfolder import RunFolder
from boneabm.sweep.folder import RESULT, SweepFolder

pytest.importorskip("distributed", reason="workers need Dask: pip install 'boneabm[sweep]'")
pytestmark = pytest.mark.slow
FACTORS = '[factors]\n"bone.seed" = [3, 4]\n'


@pytest.fixture(scope="module")
def sweep_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight runs: two arms, two bones, two replicates."""
    return write_sweep(tmp_path_factory.mktemp("sweep"), FACTORS + ARMS)


@pytest.fixture(scope="module")
def digest(sweep_file: Path) -> str:
    """Digest of the sweep run in one process, without Dask."""
    done = call(sweep_file, "--out", sweep_file.parent / "alone", "--in-process")
    assert (done["planned"], done["finished"], done["failed"]) == (8, 8, 0)
    return str(done["digest"])


def finished(out: Path) -> dict[str, float]:
    """When each finished run was put in place."""
    return {path.parent.name: path.stat().st_mtime for path in out.glob(f"runs/*/{RESULT}")}


def wait_for(out: Path, runs: int, process: subprocess.Popen) -> None:
    """Until so many runs have finished; fails when the sweep ended before."""
    began_s = time.monotonic()
    while len(finished(out)) < runs:
        assert process.poll() is None, "the sweep ended by itself"
        assert time.monotonic() - began_s < 300
        time.sleep(0.02)


def start(sweep_file: Path, out: Path) -> subprocess.Popen:
    asked = words(sweep_file, "--out", out, "--workers", 2)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": "utf-8"}
    return subprocess.Popen(asked, start_new_session=True, **pipes)


def test_a_killed_sweep_runs_only_what_is_missing_and_ends_alike(sweep_file, digest, tmp_path):
    """SIGKILL to client, scheduler and workers: finished runs stay, begun ones go on, the digest is the same."""
    out = tmp_path / "sweep"
    process = start(sweep_file, out)
    wait_for(out, 3, process)
    time.sleep(0.3)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    before = finished(out)
    begun = [path for path in (out / "runs").iterdir() if (path / "checkpoint.h5").exists() and path.name not in before]
    assert call(out, "--workers", 2)["digest"] == digest
    after = finished(out)
    assert len(after) == 8
    assert all(after[name] == moment for name, moment in before.items())
    assert all(RunFolder(path).read_log("resumed") for path in begun)


def test_sigterm_leaves_checkpoints_and_says_how_to_go_on(sweep_file, digest, tmp_path):
    """One SIGTERM to the client: exit code 130, begun runs are logged as interrupted, no process is left."""
    out = tmp_path / "sweep"
    process = start(sweep_file, out)
    wait_for(out, 3, process)
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=120)
    assert process.returncode == 130, told
    assert f"boneabm sweep resume {out}" in told
    assert "Traceback" not in told
    assert group_is_gone(process.pid)
    begun = [path for path in (out / "runs").iterdir() if path.name not in finished(out)]
    assert all(RunFolder(path).read_log()[-1]["event"] in ("interrupted", "created") for path in begun)
    assert call(out, "--in-process")["digest"] == digest


def group_is_gone(group: int, within_s: float = 20.0) -> bool:
    """Whether every process of a group ends (and is reaped) in time."""
    until_s = time.monotonic() + within_s
    while time.monotonic() < until_s:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


def test_one_ctrl_c_stops_a_sweep_in_one_process(sweep_file, tmp_path):
    """Without Dask the signal goes to the run at work; the sweep stops with it."""
    out = tmp_path / "sweep"
    asked = words(sweep_file, "--out", out, "--in-process")
    process = subprocess.Popen(asked, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8")
    wait_for(out, 1, process)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert len(finished(out)) <= 2


@pytest.fixture
def scheduler() -> Iterator[str]:
    """A Dask scheduler and two workers, each a process of its own, as the documentation says."""
    cli = [sys.executable, "-m", "dask"]
    address = f"tcp://127.0.0.1:{free_port()}"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    port = address.rpartition(":")[2]
    asked = [["scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard"]]
    asked += 2 * [["worker", address, "--nthreads", "1", "--host", "127.0.0.1", "--no-dashboard"]]
    processes = [subprocess.Popen([*cli, *each], **quiet) for each in asked]
    yield address
    for process in reversed(processes):
        process.terminate()
    for process in processes:
        process.wait(timeout=60)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_cluster_of_separate_processes_ends_alike(sweep_file, digest, tmp_path, scheduler):
    """Scheduler and workers on loopback, started on their own, give the same digest."""
    assert call(sweep_file, "--out", tmp_path / "sweep", "--scheduler", scheduler)["digest"] == digest


def test_arms_are_paired(sweep_file, digest):
    """Both arms of a replicate are equal until PTH rises on day 3, and begin with the same burned-in state."""
    sweep = SweepFolder(sweep_file.parent / "alone")
    rows = {(run.factors["bone.seed"], run.replicate, run.arm): run for run in sweep.plan()}
    for bone in (3, 4):
        for replicate in (0, 1):
            pair = [rows[bone, replicate, arm] for arm in ("control", "pth")]
            series = [(sweep.run_path(run.run_id) / "series.csv").read_text().splitlines() for run in pair]
            assert series[0][:4] == series[1][:4]
            assert series[0][4] != series[1][4]
            lineages = [(sweep.result(run.run_id) or {})["lineage"] for run in pair]
            assert lineages[0] == lineages[1]
    assert len(list(sweep.burn_ins.iterdir())) == 4
