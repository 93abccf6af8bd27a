"""Law: whatever was announced is readable after the writer is killed at any moment, by VTK and by our readers."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from boneabm.io import journal
from boneabm.io.agents import AgentReader, AgentWriter
from boneabm.io.checkpoint import read_checkpoint
from boneabm.io.runfolder import RunFolder
from boneabm.io.series import read_table
from boneabm.io.volumes import VolumeReader, VolumeWriter

TRIALS = 15
SIZE = 40
CELLS = 700
WRITER = """
import sys
import numpy as np
from boneabm.io.agents import AgentWriter
from boneabm.io.checkpoint import write_checkpoint
from boneabm.io.runfolder import RunFolder
from boneabm.io.series import SeriesWriter
from boneabm.io.volumes import VolumeWriter

run, size = RunFolder.open(sys.argv[1]), int(sys.argv[2])
last = max(run.announced("checkpoint"), default=-1)
run.log("resumed", day=last)
volumes = VolumeWriter(run.volumes, (size, size, size), 20.0, ["matrix", "bmu"])
agents = AgentWriter(run.agents, ["unique_id"])
series = SeriesWriter(run.series, ["day", "BV/TV"])
for writer in (volumes, agents, series):
    writer.truncate_after(last)
noise = np.random.default_rng(1).random((size, size, size), "f4")
print("ready", flush=True)
for day in range(last + 1, 10_000):
    series.append({"day": day, "BV/TV": day / 7})
    volumes.append(day, {"matrix": noise + day, "bmu": np.full(noise.shape, day // 3, "i4")})
    agents.append(day, np.full((100 + day, 3), day), {"unique_id": np.arange(100 + day)})
    run.announce("snapshot", day, run.volumes)
    write_checkpoint(run.checkpoint, {"matrix": noise + day}, {"day": day})
    run.announce("checkpoint", day, run.checkpoint)
"""


def write_and_kill(folder: Path, seconds: float) -> None:
    command = [sys.executable, "-c", WRITER, str(folder), str(SIZE)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)


def vtk_reader(path: Path) -> vtk.vtkHDFReader:
    reader = vtk.vtkHDFReader()
    reader.SetFileName(str(path))
    reader.UpdateInformation()
    return reader


def check_announced(run: RunFolder) -> int:
    """Read every announced snapshot with both readers; number of them."""
    days = run.announced("snapshot")
    volumes, agents = VolumeReader(run.volumes), AgentReader(run.agents)
    assert volumes.days[: len(days)] == agents.days[: len(days)] == days
    journal.recover(run.agents)  # as the next writer does: between two pages of a change plain VTK reads no cells
    noise = np.random.default_rng(1).random((SIZE, SIZE, SIZE), "f4")
    images, points = vtk_reader(run.volumes), vtk_reader(run.agents)
    for step, day in enumerate(days):
        np.testing.assert_array_equal(volumes.read("matrix", day), noise + day)
        assert (volumes.read("bmu", day) == day // 3).all()
        assert len(agents.read(day)[0]) == 100 + day
        images.SetStep(step)
        images.Update()
        read = images.GetOutputDataObject(0).GetCellData().GetArray("matrix")
        np.testing.assert_array_equal(vtk_to_numpy(read).reshape(noise.shape), noise + day)
        points.SetStep(step)
        points.Update()
        assert points.GetOutputDataObject(0).GetNumberOfPoints() == 100 + day
    return len(days)


def check_checkpoint(run: RunFolder) -> None:
    announced = run.announced("checkpoint")
    if announced:
        arrays, meta = read_checkpoint(run.checkpoint)
        assert meta["day"] in (announced[-1], announced[-1] + 1)
        noise = np.random.default_rng(1).random((SIZE, SIZE, SIZE), "f4")
        np.testing.assert_array_equal(arrays["matrix"], noise + meta["day"])


def test_a_killed_writer_loses_nothing_that_was_announced(tmp_path):
    """One run is killed and resumed many times; days are neither lost nor doubled."""
    with RunFolder.create(tmp_path / "run") as run:
        run.commit()
    moments = np.random.default_rng(2).uniform(0.0, 0.25, TRIALS)
    count = 0
    for seconds in moments:
        write_and_kill(run.path, seconds)
        count = check_announced(run)
        check_checkpoint(run)
    assert count >= 3
    days = read_table(run.series)["day"]
    np.testing.assert_array_equal(days, np.arange(len(days)))


def test_a_run_is_read_whole_while_it_is_written(tmp_path):
    """Readers of a writer that commits without a pause: no false alarm of damage, no mixture of two states."""
    script = Path(__file__).parents[1] / "reference" / "view_run.py"
    run = RunFolder(tmp_path / "run")
    with subprocess.Popen([sys.executable, script, str(run.path)]) as process:
        try:
            until = time.monotonic() + 60
            while not run.path.exists():
                assert time.monotonic() < until
                time.sleep(0.01)
            for _ in range(150):
                volumes, agents = VolumeReader(run.volumes), AgentReader(run.agents)
                assert volumes.days == list(range(0, 10 * len(volumes.days), 10))
                assert np.isfinite(volumes.read("matrix")).all()
                assert len(agents.read()[0]) == 6
        finally:
            process.kill()


def die_at_call(stop: int) -> None:
    """Let this process die at its stop-th call that changes the disk, without any clean-up."""
    calls = iter(range(stop))

    def counted(real):
        def call(*args):
            if next(calls, None) is None:
                os._exit(9)
            return real(*args)

        return call

    for name in ("pwrite", "replace", "ftruncate", "unlink"):
        setattr(journal.os, name, counted(getattr(os, name)))


def dies_at_call(stop: int, append: Callable[[], None]) -> bool:
    """Append in a child process that dies at one system call; whether it came that far."""
    child = os.fork()
    if child == 0:
        die_at_call(stop)
        append()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_snapshot_is_there_or_not_whichever_system_call_was_the_last(tmp_path):
    """Kill at every single call that changes the disk; the file holds all of the new snapshot or nothing of it."""
    noise, base = np.random.default_rng(4).random((6, 70, 70), "f4"), tmp_path / "base.vtkhdf"
    for day in (0, 1):
        append_volume(base, day, noise)
    days_left = []
    for stop in range(200):
        path = tmp_path / f"{stop}.vtkhdf"
        shutil.copy(base, path)
        if not dies_at_call(stop, lambda path=path: append_volume(path, 2, noise)):
            break
        days_left.append(check_days(path, noise))
    assert set(days_left) == {2, 3}
    assert days_left == sorted(days_left)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_cells_are_there_or_not_whichever_system_call_was_the_last(tmp_path):
    """The same with blocks of rows, which change in place: HDF5 opens the file always, and reads it once resumed."""
    base = tmp_path / "base.vtkhdf"
    for day in (0, 1):
        append_cells(base, day)
    days_left = []
    for stop in range(200):
        path = tmp_path / f"{stop}.vtkhdf"
        shutil.copy(base, path)
        if not dies_at_call(stop, lambda path=path: append_cells(path, 2)):
            break
        h5py.File(path, "r", locking=False).close()
        days_left.append(len(AgentReader(path).days))
        assert cell_counts(path) == [CELLS + day for day in AgentReader(path).days]
        append_cells(path, 9)
        points = vtk_reader(path)
        for step, day in enumerate(AgentReader(path).days):
            points.SetStep(step)
            points.Update()
            assert points.GetOutputDataObject(0).GetNumberOfPoints() == CELLS + day
    assert set(days_left) == {2, 3}
    assert days_left == sorted(days_left)


def append_volume(path: Path, day: int, noise: np.ndarray) -> None:
    VolumeWriter(path, noise.shape, 20.0, ["matrix"]).append(day, {"matrix": noise + day})


def append_cells(path: Path, day: int) -> None:
    AgentWriter(path, ["unique_id"]).append(day, np.full((CELLS + day, 3), day), {"unique_id": np.arange(CELLS + day)})


def cell_counts(path: Path) -> list[int]:
    agents = AgentReader(path)
    return [len(agents.read(day)[0]) for day in agents.days]


def assert_vtk_reads(path: Path, noise: np.ndarray, days: tuple[int, ...]) -> None:
    """Plain VTK, which knows no journal, reads the announced days."""
    images = vtk_reader(path)
    for step, day in enumerate(days):
        images.SetStep(step)
        images.Update()
        read = images.GetOutputDataObject(0).GetCellData().GetArray("matrix")
        np.testing.assert_array_equal(vtk_to_numpy(read).reshape(noise.shape), noise + day)


def check_days(path: Path, noise: np.ndarray) -> int:
    """Days of a file cut short, before and after the next writer came; every one must be whole."""
    before = VolumeReader(path)
    assert_vtk_reads(path, noise, (0, 1))
    journal.recover(path)
    for day in before.days:
        np.testing.assert_array_equal(before.read("matrix", day), noise + day)
    append_volume(path, 9, noise)
    for day in (*before.days, 9):
        np.testing.assert_array_equal(VolumeReader(path).read("matrix", day), noise + day)
    return len(before.days)
