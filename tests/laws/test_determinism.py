"""Thread count, stops, restarts and the order of agents change no bit."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_bone import block, scenario

from boneabm.build import assemble
from boneabm.errors import InputError
from boneabm.identity import burn_in_key
from boneabm.io.agents import AgentReader
from boneabm.io.checkpoint import read_checkpoint, state_sha256
from boneabm.io.runfolder import RunFolder
from boneabm.io.volumes import VolumeReader
from boneabm.kernels.blocks import set_threads
from boneabm.lattice import VoxelLattice
from boneabm.origin import default_cache
from boneabm.run import resume_run, run_scenario
from boneabm.scenario import Scenario

BUSY: dict[str, dict[str, Any]] = {
    "parameters": {"activation.frequency_per_y": 0.16}, "simulation": {"burn_in": "30 d"}
}  # fmt: skip
DAYS = 40


def digest(simulation) -> str:
    return state_sha256(simulation.state.arrays())


@pytest.fixture(scope="module")
def straight():
    """Digest of a run that never stopped, on one thread."""
    set_threads(1)
    simulation = block(**BUSY)
    while simulation.day < DAYS:
        simulation.step()
    assert simulation.tissue.sites.n > 0
    return digest(simulation)


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_change_no_bit(straight, threads):
    """The state after 70 days is the same for 1, 2 and 3 threads."""
    set_threads(threads)
    simulation = block(**BUSY)
    while simulation.day < DAYS:
        simulation.step()
    set_threads(1)
    assert digest(simulation) == straight


@pytest.mark.parametrize("stop_day", [-30, -7, 0, 13, 31])
def test_resume_equals_no_stop(straight, stop_day):
    """A state saved on any day and put into a fresh simulation ends in the same bits."""
    simulation = block(**BUSY)
    while simulation.day < stop_day:
        simulation.step()
    saved = {name: array.copy() for name, array in simulation.state.arrays().items()}
    empty = VoxelLattice.from_mask(np.zeros(simulation.tissue.lattice.shape, bool), 20.0)
    again = assemble(scenario(**BUSY), empty)
    again.restore(saved)
    assert digest(again) == digest(simulation)
    while again.day < DAYS:
        again.step()
    assert digest(again) == straight


def test_cells_one_by_one_in_any_order_equal_the_bulk_rule():
    """agent.step() on every cell in a shuffled order leaves the same columns as the bulk kernel, bit for bit."""
    simulation = block(**BUSY)
    for _ in range(45):
        simulation.step()
    tissue = simulation.tissue
    assert tissue.osteoclasts.n > 0
    for cells in tissue.populations.values():
        kind = cells.kind
        start = {name: array.copy() for name, array in cells.arrays().items()}
        simulation.agents_by_type[kind].do("step")
        bulk = {name: array.copy() for name, array in cells.arrays().items()}
        for name, array in start.items():
            cells[name][:] = array
        order = list(simulation.agents_by_type[kind])[:400]
        random.Random(1).shuffle(order)
        for cell in order:
            cell.step()
        rows = [cells.row_of(cell) for cell in order]
        for name, array in cells.arrays().items():
            np.testing.assert_array_equal(array[rows], bulk[name][rows], err_msg=f"{kind.__name__}.{name}")


def test_a_stopped_run_continues_to_the_same_files(tmp_path):
    """Two folders, one stopped by an error in the middle and resumed: same digest, same series, same events."""
    small = scenario(**BUSY, output={"checkpoint_every": "5 d", "volumes_every": "5 d", "agents_every": "5 d"})
    whole = run_scenario(small, out=tmp_path / "whole")

    def stop(progress):
        if progress.day == 8:
            raise RuntimeError("stopped by the test")

    with pytest.raises(RuntimeError, match="stopped"):
        run_scenario(small, out=tmp_path / "part", report=stop)
    resumed = resume_run(tmp_path / "part")
    assert resumed.state_sha256 == whole.state_sha256
    assert resumed.bv_tv_first == whole.bv_tv_first
    for name in ("series.csv", "events.csv"):
        assert (tmp_path / "part" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    for name in ("run.vtkhdf", "agents.vtkhdf"):
        reader = VolumeReader if name.startswith("run") else AgentReader
        assert reader(tmp_path / "part" / name).days == reader(tmp_path / "whole" / name).days
    again = resume_run(tmp_path / "part")
    assert again.finished_before
    assert again.state_sha256 == whole.state_sha256


def test_a_run_has_one_writer(tmp_path):
    """A second process that resumes a run while it is being written is refused, and nothing is lost."""
    small = scenario(simulation={"days": 4, "seed": 1})
    refused = []

    def second(progress):
        if progress.day == 2:
            with pytest.raises(InputError, match="another process"):
                resume_run(tmp_path / "run")
            refused.append(progress.day)

    first = run_scenario(small, out=tmp_path / "run", report=second)
    assert refused == [2]
    assert resume_run(tmp_path / "run").state_sha256 == first.state_sha256


def test_resume_refuses_other_parameters(tmp_path):
    """A checkpoint is not continued with numbers it was not made with."""
    run_scenario(scenario(simulation={"days": 2, "seed": 1}), out=tmp_path / "run")
    file = tmp_path / "run" / "scenario.toml"
    file.write_text(scenario(parameters={"osteocyte.gain": 2.0}).resolved_toml(), encoding="utf-8")
    with pytest.raises(InputError, match="other parameters"):
        resume_run(tmp_path / "run")


@pytest.mark.slow
def test_a_killed_run_continues_to_the_same_state(tmp_path):
    """SIGKILL at a random moment: every announced snapshot is readable, and the resumed run ends in the same bits."""
    output = {"checkpoint_every": "3 d", "volumes_every": "2 d", "agents_every": "4 d"}
    small = scenario(**BUSY, output=output)
    file = tmp_path / "small.toml"
    file.write_text(small.resolved_toml(), encoding="utf-8")
    whole = run_scenario(small, out=tmp_path / "whole").state_sha256
    for trial, delay_s in enumerate((0.6, 1.1)):
        folder = tmp_path / f"killed{trial}"
        words = [sys.executable, "-m", "boneabm", "run", str(file), "--out", str(folder), "--quiet"]
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for((folder / "checkpoint.h5").exists, process)
        time.sleep(delay_s)
        process.send_signal(signal.SIGKILL)
        process.wait()
        days = RunFolder.open(folder).announced("snapshot")
        stored = VolumeReader(folder / "run.vtkhdf")
        assert set(days) <= set(stored.days)
        for day in days:
            assert stored.read("matrix", day=day).max() == 1.0
        assert resume_run(folder).state_sha256 == whole


def wait_for(found: Callable[[], bool], process: subprocess.Popen) -> None:
    """Until something is there; fails when the run that makes it has ended without it."""
    for _ in range(2400):
        if found():
            return
        assert process.poll() is None, "the run ended before"
        time.sleep(0.05)
    raise AssertionError("it never came")


def simulates(folder: Path) -> bool:
    """Whether a second checkpoint is announced, so that days are being simulated."""
    log = folder / "log.jsonl"
    return log.exists() and log.read_text().count('"checkpoint"') > 1


@pytest.mark.parametrize("stage", ["burn-in", "run"])
def test_ctrl_c_writes_a_checkpoint(tmp_path, stage):
    """SIGINT ends the day, saves it, and says how to go on; exit code 130. A burn-in goes on where it was stopped."""
    file, long = tmp_path / "long.toml", stage == "burn-in"
    times = {"days": 3000, "seed": 1, "burn_in": "2000 d" if long else "30 d"}
    often = {"checkpoint_every": "5 d"}
    long_run = scenario(parameters=BUSY["parameters"], simulation=times, output=often)
    file.write_text(long_run.resolved_toml(), encoding="utf-8")
    out = tmp_path / "run"
    folder = default_cache() / burn_in_key(Scenario.load(file)) if long else out
    if long:
        shutil.rmtree(folder, ignore_errors=True)  # of an earlier test run: its days would be taken for today's
    words = [sys.executable, "-m", "boneabm", "run", str(file), "--out", str(out), "--json"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": "utf-8"}
    process = subprocess.Popen(words, env=dict(os.environ), **pipes)
    wait_for(lambda: simulates(folder), process)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    assert "boneabm resume" in errors
    assert "Traceback" not in errors
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert lines[-1]["event"] == "interrupted"
    assert read_checkpoint(folder / "checkpoint.h5")[1]["day"] == lines[-1]["day"]
