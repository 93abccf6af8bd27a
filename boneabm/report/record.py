"""What a run folder tells, read without complaint about what is missing: unfinished, killed and foreign runs too."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from boneabm.errors import InputError
from boneabm.io.checkpoint import read_checkpoint_meta
from boneabm.io.runfolder import RunFolder
from boneabm.io.series import read_table
from boneabm.io.volumes import VolumeReader
from boneabm.report.page import printable
from boneabm.scenario import Scenario

Table = dict[str, np.ndarray]
Found = TypeVar("Found")


@dataclass(frozen=True)
class Record:
    """A run as far as it can be read.

    label    : how the page calls it
    scenario : None where there is none, or where this version cannot read it
    series, events, biopsy : columns by name, of day 0 and later; empty where there are no rows
    volumes  : None where nothing is stored
    log      : lines of log.jsonl
    problems : what could not be read, in words
    """

    path: Path
    label: str
    scenario: Scenario | None
    series: Table
    events: Table
    biopsy: Table
    volumes: VolumeReader | None
    log: list[dict[str, Any]]
    problems: tuple[str, ...]

    @property
    def title(self) -> str:
        """Title of the scenario, else the name of the folder."""
        return self.scenario.title if self.scenario else self.label

    @property
    def finished(self) -> bool:
        """Whether the run has reached its last day."""
        told = [line["event"] for line in self.log if line.get("event") in ("finished", "resumed")]
        return told[-1:] == ["finished"]

    @property
    def stored_days(self) -> list[int]:
        """Days of which there are volumes."""
        return self.volumes.days if self.volumes else []

    @property
    def last_day(self) -> int:
        """Last day that is written."""
        days = column(self.series, "day")
        return int(days[-1]) if days.size else max(self.stored_days, default=0)

    @property
    def planned_days(self) -> int:
        """Days that the scenario asks for, else those that are there."""
        return self.scenario.simulation.days if self.scenario else self.last_day

    @property
    def tissue_mm3(self) -> float:
        """Volume of the block, nan where no volumes are stored."""
        if self.volumes is None:
            return float("nan")
        return float(np.prod(self.volumes.shape)) * (self.volumes.spacing_um / 1000) ** 3

    def told(self, event: str) -> dict[str, Any]:
        """The last line of the log with this event, empty where there is none."""
        lines = [line for line in self.log if line.get("event") == event]
        return lines[-1] if lines else {}

    def checkpoint(self) -> Mapping[str, Any]:
        """What the last checkpoint says about itself; empty where there is none."""
        try:
            return read_checkpoint_meta(RunFolder(self.path).checkpoint)
        except (InputError, OSError, KeyError):
            return {}


def read_records(runs: Sequence[Path]) -> list[Record]:
    """The records of these folders, each by a name of its own; InputError where one is no run."""
    folders = [RunFolder.open(run) for run in runs]
    names = labels([folder.path for folder in folders])
    return [read_record(folder, label) for folder, label in zip(folders, names, strict=True)]


def labels(paths: Sequence[Path]) -> list[str]:
    """Names of folders: as much of the end of each path as tells them apart, numbered where that is not enough.

    A link has its own name: whoever made one for an arm named the arm.
    """
    parts = [Path(os.path.abspath(path)).parts for path in paths]
    for depth in (1, 2, 3):
        names = [printable("/".join(part[-depth:])) for part in parts]
        if len(set(names)) == len(names):
            return names
    return [f"{name} ({number})" for number, name in enumerate(names, 1)]


def read_record(folder: RunFolder, label: str) -> Record:
    """Read what is there of a run; what cannot be read is told and left out."""
    problems: list[str] = []

    def attempt(file: Path, read: Callable[[], Found], otherwise: Found) -> Found:
        if not file.exists():
            problems.append(f"{file.name} is not there")
            return otherwise
        try:
            return read()
        except (InputError, OSError, UnicodeDecodeError) as error:
            problems.append(f"{file.name} cannot be read: {printable(str(error), 400)}")
            return otherwise

    empty: Table = {}
    series = attempt(folder.series, lambda: _table(folder.series), empty)
    events = attempt(folder.events, lambda: _table(folder.events), empty)
    biopsy = attempt(folder.biopsy, lambda: _table(folder.biopsy), empty)
    volumes = attempt(folder.volumes, lambda: VolumeReader(folder.volumes), None)
    scenario = attempt(folder.scenario, lambda: _scenario(folder), None)
    days = column(series, "day")
    if days.size:
        events, biopsy = _until(events, days[-1]), _until(biopsy, days[-1])
    log = folder.read_log()
    return Record(folder.path, label, scenario, series, events, biopsy, volumes, log, tuple(problems))


def _scenario(folder: RunFolder) -> Scenario:
    text = folder.scenario.read_text(encoding="utf-8")
    return Scenario.from_toml(text, folder.scenario.name, folder.path)


def _table(file: Path) -> Table:
    """Rows of day 0 and later; an unfinished last row is left out."""
    table = read_table(file)
    keep = table["day"] >= 0 if table["day"].dtype.kind == "f" else np.zeros(0, bool)
    return {name: values[keep] for name, values in table.items()} if keep.any() else {}


def _until(table: Table, day: float) -> Table:
    """Rows up to a day: a killed run may have written one table further than another."""
    keep = table["day"] <= day if table else np.zeros(0, bool)
    return {name: values[keep] for name, values in table.items()} if keep.any() else {}


def column(table: Table, name: str) -> np.ndarray:
    """Numbers of a column, (rows,) float64; empty where it is absent or holds text."""
    values = table.get(name, np.empty(0))
    return values if values.dtype.kind == "f" else np.empty(0)
