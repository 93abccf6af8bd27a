"""A small run folder with volumes, cells and series, made without a simulation, to be looked at."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from boneabm.io.agents import AgentWriter
from boneabm.io.runfolder import RunFolder
from boneabm.io.schema import AGENT_COLUMNS
from boneabm.io.series import SeriesWriter
from boneabm.io.volumes import VolumeReader, VolumeWriter

SPACING_UM = 20.0
FIELDS = ("matrix", "mineral", "bmu", "born_day", "rankl_free_pm")
SERIES = ("day", "BV/TV", "osteoclasts", "osteoblasts", "osteocytes", "resorbed_um3", "formed_um3")


def gyroid(edge: int = 32, shift: float = 0.0) -> np.ndarray:
    """A network of plates and rods with about a third of bone; less of it with a larger shift."""
    z, y, x = np.indices((edge,) * 3) * (2 * np.pi * 2 / edge)
    height = np.sin(x) * np.cos(y) + np.sin(y) * np.cos(z) + np.sin(z) * np.cos(x)
    return np.clip(0.5 + 2 * (height - 0.5 - shift), 0, 1).astype("f4")


def volumes(day: int, edge: int) -> dict[str, np.ndarray]:
    """Bone that thins with the days and is open at its bottom."""
    matrix = gyroid(edge, min(0.004 * day, 0.6))
    bmu = np.full(matrix.shape, -1, "i4")
    bmu[: edge // 4] = 3
    old = -100 - 100 * np.indices(matrix.shape)[0].astype("f4")
    return {"matrix": matrix, "mineral": matrix * 1.1, "bmu": bmu, "born_day": old, "rankl_free_pm": matrix + old}


class Writing:
    """A run being written, a day at a time."""

    def __init__(self, folder: RunFolder, edge: int) -> None:
        self.edge = edge
        self.volumes = VolumeWriter(folder.volumes, (edge,) * 3, SPACING_UM, list(FIELDS))
        self.agents = AgentWriter(folder.agents)
        self.series = SeriesWriter(folder.series, SERIES)

    def day(self, day: int) -> None:
        """Write everything of a day."""
        columns = {name: np.zeros(6, column.dtype) for name, column in AGENT_COLUMNS.items()}
        columns["type"] = np.array([1, 1, 2, 2, 2, 3], "u1")
        columns["site"] = np.array([3, 3, 3, 3, 3, -1], "i4")
        length = self.edge * SPACING_UM
        points = np.column_stack([np.linspace(20, length - 40, 6), np.full(6, 5.0), np.full(6, length / 2)])
        self.volumes.append(day, volumes(day, self.edge))
        self.agents.append(day, points, columns)
        values = (day, 0.3 - 1e-4 * day, 2, 3, 1, 1e5, 9e4)
        self.series.append(dict(zip(SERIES, values, strict=True)))


def make_run(place: Path, days: tuple[int, ...], edge: int = 32) -> Writing:
    """A run folder in its place, with these days; not finished, so that it can go on."""
    with RunFolder.create(place) as folder:
        for day in days:
            Writing(folder, edge).day(day)
        folder.commit()
    return Writing(RunFolder(place), edge)


def make_killed_run(place: Path, patience_s: float) -> None:
    """Leave a run folder of at least four stored days whose writer was killed in the middle of its work."""
    writer = subprocess.Popen([sys.executable, __file__, str(place)])
    until = time.monotonic() + patience_s
    while not (place.exists() and len(VolumeReader(place / "run.vtkhdf").days) > 3):
        assert time.monotonic() < until
        time.sleep(0.05)
    writer.kill()
    writer.wait()


def main() -> None:
    """Write day after day until killed."""
    writing = make_run(Path(sys.argv[1]), (0,), 24)
    for day in range(10, 100000, 10):
        writing.day(day)
        time.sleep(0.001)


if __name__ == "__main__":
    main()
