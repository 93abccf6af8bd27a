"""Cells of a run over time: temporal VTKHDF PolyData, one vertex per cell, one scalar column per property."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np

from boneabm.errors import InputError
from boneabm.io import hdf
from boneabm.io.schema import AGENT_COLUMNS, columns_named

TOPOLOGY = ("Vertices", "Lines", "Polygons", "Strips")
ROWS = 4096


class AgentWriter:
    """Append snapshots of all cells to a temporal VTKHDF file; an existing file is continued.

    columns: names of `schema.AGENT_COLUMNS`, all of them by default
    meta   : provenance, written once when the file is created
    """

    def __init__(
        self,
        path: Path | str,
        columns: Sequence[str] = tuple(AGENT_COLUMNS),
        meta: Mapping[str, str | int | float] | None = None,
    ) -> None:
        self.path = Path(path)
        self.columns = columns_named(AGENT_COLUMNS, columns, str(self.path))
        if self.path.exists():
            self._check_same()
        else:
            self._create(meta or {})

    @property
    def days(self) -> list[int]:
        """Days of the snapshots in the file."""
        return AgentReader(self.path).days

    def append(self, day: int, points_um: np.ndarray, columns: Mapping[str, np.ndarray]) -> None:
        """Add the cells of a day; they are on the disk on return.

        points_um: (N, 3), um, in the order x, y, z; columns: one array of length N per column.
        Raises InputError for missing columns, wrong lengths or types, or a day that is not after the last one.
        """
        points = np.asarray(points_um, "f4").reshape(-1, 3)
        ready = self._ready(columns, len(points))
        with hdf.opened(self.path, "r+") as file:
            root = file["VTKHDF"]
            days = _days(root)
            hdf.check_next_day(self.path, days, int(day))
            _put_cells(root, len(days), points, ready)
            hdf.put_rows(root["Steps/Values"], len(days), [float(day)])
            root["Steps"].attrs.modify("NSteps", np.int64(len(days) + 1))

    def truncate_after(self, day: int) -> None:
        """Forget every snapshot later than this day, as a resumed run will write them again."""
        with hdf.opened(self.path, "r+") as file:
            root = file["VTKHDF"]
            keep = sum(known <= day for known in _days(root))
            root["Steps"].attrs.modify("NSteps", np.int64(keep))
            _cut(root, keep)

    def _ready(self, columns: Mapping[str, np.ndarray], count: int) -> dict[str, np.ndarray]:
        if set(columns) != set(self.columns):
            raise InputError(f"{self.path}: given {sorted(columns)}, the file was opened with {sorted(self.columns)}.")
        ready = {name: hdf.as_column(columns[name], column, str(self.path)) for name, column in self.columns.items()}
        for name, values in ready.items():
            if values.shape != (count,):
                raise InputError(f"{self.path}: {name} has shape {values.shape}, there are {count} cells.")
        return ready

    def _create(self, meta: Mapping[str, str | int | float]) -> None:
        temporary = self.path.with_name(self.path.name + ".new")
        with hdf.opened(temporary, "w") as file:
            hdf.write_meta(file, meta)
            root = file.create_group("VTKHDF")
            hdf.mark_type(root, "PolyData")
            hdf.growing(root, "NumberOfPoints", "i8")
            hdf.growing(root, "Points", "f4", 3, ROWS)
            for kind in TOPOLOGY:
                group = root.create_group(kind)
                for name in ("NumberOfCells", "NumberOfConnectivityIds", "Offsets", "Connectivity"):
                    hdf.growing(group, name, "i8", rows=ROWS)
            self._create_steps(root)
        hdf.rename_into_place(temporary, self.path)

    def _create_steps(self, root: h5py.Group) -> None:
        steps, data = root.create_group("Steps"), root.create_group("PointData")
        steps.attrs["NSteps"] = np.int64(0)
        hdf.growing(steps, "Values", "f8")
        for name in ("PartOffsets", "NumberOfParts", "PointOffsets"):
            hdf.growing(steps, name, "i8")
        for name in ("CellOffsets", "ConnectivityIdOffsets"):
            hdf.growing(steps, name, "i8", len(TOPOLOGY))
        offsets = steps.create_group("PointDataOffsets")
        for name, column in self.columns.items():
            hdf.describe(hdf.growing(data, name, column.dtype, rows=ROWS), column)
            hdf.growing(offsets, name, "i8")

    def _check_same(self) -> None:
        found = AgentReader(self.path).columns
        if set(found) != set(self.columns):
            raise InputError(f"{self.path} holds {found}; asked to append {list(self.columns)}. Choose another folder.")


class AgentReader:
    """Read the cells of a day from the agent file of a run, also while the run goes on.

    days, columns and meta describe the file at the moment of opening. InputError for a missing or damaged file.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        hdf.read(self.path, "cell", self._describe)

    def _describe(self, file: h5py.File) -> None:
        root = file["VTKHDF"]
        self.days = _days(root)
        self.columns = list(root["PointData"])
        self.meta = hdf.read_meta(file)
        self._edges = _edges(root, len(self.days))

    def read(self, day: int | None = None, index: int | None = None) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Points (N, 3) in um as x, y, z, and the columns, of a day or of a position in `days` (default: last)."""
        if not self.days:
            raise InputError(f"{self.path}: no snapshot yet.")
        at = hdf.index_of_day(self.path, self.days, day) if day is not None else -1 if index is None else index
        at %= len(self.days)
        rows = slice(int(self._edges[at]), int(self._edges[at + 1]))

        def take(file: h5py.File) -> tuple[np.ndarray, dict[str, np.ndarray]]:
            root = file["VTKHDF"]
            return root["Points"][rows], {name: root["PointData"][name][rows] for name in self.columns}

        return hdf.read(self.path, "cell", take)


def _days(root: h5py.Group) -> list[int]:
    steps = root["Steps"]
    return [round(value) for value in steps["Values"][: int(steps.attrs["NSteps"])]]


def _edges(root: h5py.Group, steps: int) -> np.ndarray:
    """First row of every step and, last, the number of rows in use."""
    return np.concatenate([[0], np.cumsum(root["NumberOfPoints"][:steps])])


def _put_cells(root: h5py.Group, step: int, points: np.ndarray, columns: Mapping[str, np.ndarray]) -> None:
    first, count = int(_edges(root, step)[-1]), len(points)
    hdf.put_rows(root["NumberOfPoints"], step, [count])
    hdf.put_rows(root["Points"], first, points)
    steps = root["Steps"]
    for name, values in columns.items():
        hdf.put_rows(root["PointData"][name], first, values)
        hdf.put_rows(steps["PointDataOffsets"][name], step, [first])
    for kind in TOPOLOGY:
        cells = count if kind == "Vertices" else 0
        hdf.put_rows(root[kind]["NumberOfCells"], step, [cells])
        hdf.put_rows(root[kind]["NumberOfConnectivityIds"], step, [cells])
        hdf.put_rows(root[kind]["Connectivity"], first if cells else 0, np.arange(cells))
        hdf.put_rows(root[kind]["Offsets"], step + (first if kind == "Vertices" else 0), np.arange(cells + 1))
    hdf.put_rows(steps["PartOffsets"], step, [step])
    hdf.put_rows(steps["NumberOfParts"], step, [1])
    hdf.put_rows(steps["PointOffsets"], step, [first])
    hdf.put_rows(steps["CellOffsets"], step, [[first, 0, 0, 0]])
    hdf.put_rows(steps["ConnectivityIdOffsets"], step, [[first, 0, 0, 0]])


def _cut(root: h5py.Group, keep: int) -> None:
    """Shorten every dataset to its first `keep` steps."""
    rows = int(_edges(root, keep)[-1])
    steps = root["Steps"]
    short = [root["NumberOfPoints"], *steps["PointDataOffsets"].values()]
    short += [item for item in steps.values() if isinstance(item, h5py.Dataset)]
    long = [root["Points"], *root["PointData"].values(), root["Vertices/Connectivity"]]
    for kind in TOPOLOGY:
        short += [root[kind]["NumberOfCells"], root[kind]["NumberOfConnectivityIds"]]
        root[kind]["Offsets"].resize(keep + (rows if kind == "Vertices" else 0), axis=0)
    for datasets, length in ((short, keep), (long, rows)):
        for dataset in datasets:
            dataset.resize(length, axis=0)
