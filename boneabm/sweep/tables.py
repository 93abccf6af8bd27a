"""Tables as files: CSV or Parquet, complete under their name or not at all; daily series run by run."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from boneabm.errors import InputError, install
from boneabm.io.hdf import in_place
from boneabm.io.schema import SERIES_FIRST, SERIES_FURTHER
from boneabm.sweep.folder import PlannedRun
from boneabm.sweep.outcomes import NAN, RunTables

Table = dict[str, list[Any]]
ROW_GROUP = 32768
"""Rows per group of a Parquet file of daily series: short runs together, for readers are slow on many small groups."""


def pyarrow_or_error() -> Any:
    """pyarrow with its Parquet module; InputError where it is not installed."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        told = f"Parquet tables need pyarrow. Install it: {install('sweep')}, or write CSV tables."
        raise InputError(told) from None
    return pyarrow


def columns_of(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Table of rows that all have the same names."""
    return {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}


def table_rows(table: Table) -> list[dict[str, Any]]:
    """Rows of a table, each by name of the column."""
    return [dict(zip(table, values, strict=True)) for values in zip(*table.values(), strict=True)]


TEXTS = {
    "run_id", "status", "error", "arm", "state_sha256", "began_utc", "ended_utc", "warnings", "low_confidence",
    "lineage", "outcome", "unit", "meaning", "of",
}  # fmt: skip


def write_table(path: Path, table: Table) -> None:
    """Write a table as CSV or Parquet, by the ending of the path: complete under its name, or not at all."""
    with in_place(path) as temporary:
        if path.suffix == ".parquet":
            arrow = pyarrow_or_error()
            columns = {name: _arrow_column(arrow, name, values) for name, values in table.items()}
            arrow.parquet.write_table(arrow.table(columns), temporary)
        else:
            _write_csv(temporary, table)


def _write_csv(path: Path, table: Table) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(table)
        writer.writerows([cell_text(value) for value in row] for row in zip(*table.values(), strict=True))


def cell_text(value: Any) -> str:
    """A value as it stands in a CSV file: the same bits when read back, nothing for None and nan."""
    if value is None or value != value:
        return ""
    return repr(value) if isinstance(value, float) else str(value)


def _arrow_column(arrow: Any, name: str, values: Sequence[Any]) -> Any:
    """Typed column: text, true or false, whole numbers, else float64; None and nan are null."""
    kinds = {type(value) for value in values if value is not None}
    kind = arrow.float64()
    if str in kinds or (name in TEXTS and not kinds):
        kind = arrow.string()
    elif kinds == {bool}:
        kind = arrow.bool_()
    elif kinds == {int}:
        kind = arrow.int64()
    return arrow.array([None if value != value else value for value in values], kind)


SERIES_COLUMNS = (*SERIES_FIRST, *SERIES_FURTHER)


@contextmanager
def series_file(path: Path | None) -> Iterator[Callable[[PlannedRun, RunTables], None]]:
    """Give a function that appends the daily series of a run to one long table; without a path it does nothing."""
    if path is None:
        yield lambda run, tables: None
        return
    with in_place(path) as temporary, _SERIES_WRITERS[path.suffix](temporary) as write:

        def add(run: PlannedRun, tables: RunTables) -> None:
            days = tables.column("day").astype(int)
            further = {name: tables.column(name) for name in SERIES_COLUMNS[1:]}
            write(run, {"day": days} | {name: x if x.size else np.full(days.size, NAN) for name, x in further.items()})

        yield add


WriteSeries = Callable[[PlannedRun, Mapping[str, np.ndarray]], None]


@contextmanager
def _csv_series(path: Path) -> Iterator[WriteSeries]:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("run_id", "arm", "replicate", *SERIES_COLUMNS))

        def write(run: PlannedRun, columns: Mapping[str, np.ndarray]) -> None:
            rows = zip(*(x.tolist() for x in columns.values()), strict=True)
            writer.writerows([run.run_id, run.arm, run.replicate, *map(cell_text, row)] for row in rows)

        yield write


@contextmanager
def _parquet_series(path: Path) -> Iterator[WriteSeries]:
    arrow = pyarrow_or_error()
    kinds = {"run_id": arrow.string(), "arm": arrow.string(), "replicate": arrow.int64(), "day": arrow.int64()}
    schema = arrow.schema([*kinds.items(), *((name, arrow.float64()) for name in SERIES_COLUMNS[1:])])
    waiting: list[Any] = []
    with arrow.parquet.ParquetWriter(path, schema) as writer:

        def write(run: PlannedRun, columns: Mapping[str, np.ndarray]) -> None:
            own = (arrow.repeat(value, columns["day"].size) for value in (run.run_id, run.arm, run.replicate))
            arrays = [*own, *(arrow.array(x, from_pandas=True) for x in columns.values())]
            waiting.append(arrow.table(arrays, schema=schema))
            if sum(table.num_rows for table in waiting) >= ROW_GROUP:
                flush()

        def flush() -> None:
            writer.write_table(arrow.concat_tables([schema.empty_table(), *waiting]))
            waiting.clear()

        yield write
        flush()


_SERIES_WRITERS = {".csv": _csv_series, ".parquet": _parquet_series}
