"""Tables of a run as plain CSV: one row per day (`series.csv`) and one row per event (`events.csv`).

Numbers are written with the digits that give back the same bits, so equal runs give equal bytes.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from boneabm.errors import InputError, nearest
from boneabm.io import hdf
from boneabm.io.schema import EVENT_COLUMNS


class _Table:
    """A CSV file with a fixed header and `day` as its first column; rows are only ever appended."""

    def __init__(self, path: Path | str, columns: Sequence[str]) -> None:
        self.path, self.columns = Path(path), list(columns)
        if not self.columns or self.columns[0] != "day":
            raise InputError(f'{self.path}: the first column must be "day", given {self.columns[:1]}.')
        if not self.path.exists():
            self._replace([self.columns])
            return
        header = _rows(self.path)[0]
        if header != self.columns:
            raise InputError(f"{self.path}: columns {header}, asked to append {self.columns}. Choose another folder.")

    def truncate_after(self, day: int) -> None:
        """Forget every row later than this day, and a last row that a killed writer left unfinished."""
        header, *rows = _rows(self.path)
        self._replace([header, *(row for row in rows if float(row[0]) <= day)])

    def sync(self) -> None:
        """Return only when every row is on the disk (call it before a checkpoint)."""
        hdf.sync_file(self.path)

    def _replace(self, rows: Iterable[Sequence[Any]]) -> None:
        temporary = self.path.with_name(self.path.name + ".new")
        temporary.write_text(_text(rows), encoding="utf-8", newline="")
        hdf.rename_into_place(temporary, self.path)

    def _append(self, rows: Iterable[Sequence[Any]]) -> None:
        with self.path.open("a", encoding="utf-8", newline="") as file:
            file.write(_text(rows))

    def _unknown(self, row: Mapping[str, Any]) -> str:
        extra = [name for name in row if name not in self.columns]
        return f"{extra[0]!r} is not a column. {nearest(extra[0], self.columns)}" if extra else ""


class SeriesWriter(_Table):
    """Append one row per day to `series.csv`; an existing file with the same columns is continued.

    columns: ordered names, `day` first (`schema.SERIES_FIRST`, then any further quantities)
    """

    def append(self, row: Mapping[str, Any]) -> None:
        """Add the row of a day; InputError where its names are not exactly the columns of the file."""
        missing = [name for name in self.columns if name not in row]
        wrong = self._unknown(row) or (f"{missing} missing from the row." if missing else "")
        if wrong:
            raise InputError(f"{self.path}: {wrong}")
        self._append([[row[name] for name in self.columns]])


class EventWriter(_Table):
    """Append events to `events.csv`; a column that an event does not name stays empty."""

    def __init__(self, path: Path | str, columns: Sequence[str] = tuple(EVENT_COLUMNS)) -> None:
        super().__init__(path, columns)

    def append(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Add events in the given order; InputError for a name that is no column or an event without a day."""
        rows = []
        for event in events:
            wrong = self._unknown(event) or ("" if "day" in event else "an event needs a day.")
            if wrong:
                raise InputError(f"{self.path}: {wrong}")
            rows.append([event.get(name, "") for name in self.columns])
        if rows:
            self._append(rows)


def read_table(path: Path | str) -> dict[str, np.ndarray]:
    """Columns of `series.csv` or `events.csv` by name: float64 where every cell is a number or empty, else text."""
    header, *rows = _rows(Path(path))
    return {name: _column([row[at] for row in rows]) for at, name in enumerate(header)}


def _column(cells: list[str]) -> np.ndarray:
    try:
        return np.array([float(cell) if cell else np.nan for cell in cells])
    except ValueError:
        return np.array(cells)


def _rows(path: Path) -> list[list[str]]:
    """All finished rows, header first; an unfinished last line is left out."""
    if not path.exists():
        raise InputError(f"{path}: no such file. Give a table of a run folder.")
    text = path.read_bytes().decode("utf-8", errors="replace")
    rows = list(csv.reader(io.StringIO(text[: text.rfind("\n") + 1], newline="")))
    if not rows or rows[0][:1] != ["day"]:
        raise InputError(f'{path}: not a table of a run, its first column must be "day".')
    width = len(rows[0])
    broken = next((line for line, row in enumerate(rows, 1) if len(row) != width), None)
    if broken:
        raise InputError(f"{path}, line {broken}: not {width} columns as in the header. Restore a copy, or run again.")
    return rows


def _text(rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: Any) -> str:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool):
        value = int(value)
    return repr(value) if isinstance(value, float) else str(value).replace("\r", " ").replace("\n", " ")
