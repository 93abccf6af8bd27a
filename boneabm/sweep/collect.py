"""Tables of a sweep: one row per planned run, one row per group and outcome, what is missing, and daily series.

Runs are read one at a time and only their outcomes are kept, so memory does not grow with the length of the series.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from boneabm.errors import InputError, nearest
from boneabm.sweep.contrasts import contrast_table
from boneabm.sweep.folder import PlannedRun, SweepFolder
from boneabm.sweep.groups import Groups
from boneabm.sweep.outcomes import COLUMNS, NAN, OUTCOMES, RunTables
from boneabm.sweep.tables import Table, columns_of, pyarrow_or_error, series_file, write_table

FORMATS = ("csv", "parquet")
FACTS = ("days", "wall_s", "state_sha256", "began_utc", "ended_utc")


def _code_book(wished_percent: float) -> dict[str, Table]:
    """Tables that say what outcomes and columns mean."""
    outcomes = [{"outcome": o.name, "unit": o.unit, "meaning": o.meaning} for o in OUTCOMES]
    percent = f"{wished_percent:g}"
    columns = [
        {"table": table, "column": name.format(percent=percent), "meaning": meaning.format(percent=percent)}
        for table, names in COLUMNS.items()
        for name, meaning in names.items()
    ]
    return {"outcomes": columns_of(outcomes), "columns": columns_of(columns)}


@dataclass(frozen=True)
class Collected:
    """Tables of a sweep as columns by name (None where empty), and the files that hold them.

    runs     : one row per planned run: design, outcomes, paired differences from the reference arm
    summary  : one row per group and outcome: arm and levels, over its runs; arm pooled over levels, over one mean per
               combination of levels
    variance : split between geometries and seeds per arm and outcome; no columns where geometry is no factor
    contrasts: one row per contrast of the sweep file, levels and outcome; no columns where there are none
    missing  : one row per run that gave no outcomes, and why
    formulas : contrasts by name, in words
    """

    title: str
    reference: str
    arms: tuple[str, ...]
    factors: tuple[str, ...]
    level: float
    runs: Table
    summary: Table
    variance: Table
    contrasts: Table
    missing: Table
    formulas: dict[str, str]
    files: dict[str, Path]

    def combinations(self) -> int:
        """Number of combinations of factor levels, 1 without factors."""
        return len(set(zip(*(self.runs[key] for key in self.factors), strict=True))) if self.factors else 1


def collect(
    sweep: SweepFolder,
    out: Path | None = None,
    table_format: str | None = None,
    level: float = 0.95,
    series: bool = False,
    geometry: str | None = None,
    wished_percent: float = 10.0,
) -> Collected:
    """Write the tables of a sweep, finished or not, and give them back; `outcomes` and `columns` say what they mean.

    A table without columns (variance where geometry is no factor, contrasts where there are none) has no file.

    out            : folder of the tables, `tables` in the sweep folder by default
    table_format   : "csv" (default) or "parquet" (needs pyarrow)
    level          : coverage of all intervals, 0..1
    series         : also one long table of the daily series of all finished runs
    geometry       : factor whose levels are different bones; variance is split between them and the seeds; by
                     default the first of bone.seed, bone.image and bone.crop that is a factor
    wished_percent : half width of the interval of a mean, % of the mean, for the required number of replicates
    """
    form = _known_format(table_format)
    folder = Path(out) if out is not None else sweep.path / "tables"
    folder.mkdir(parents=True, exist_ok=True)
    with series_file(folder / f"series.{form}" if series else None) as add_series:
        found = gather(sweep, level, geometry, wished_percent, add_series)
    names = ("runs", "summary", "variance", "contrasts", "missing")
    tables = {name: getattr(found, name) for name in names}
    written = {name: table for name, table in (tables | _code_book(wished_percent)).items() if table}
    files = {name: folder / f"{name}.{form}" for name in (*written, *(["series"] if series else []))}
    for name, table in written.items():
        write_table(files[name], table)
    return replace(found, files=files)


def _nothing(run: PlannedRun, tables: RunTables) -> None:
    """Keep no series."""


def gather(
    sweep: SweepFolder,
    level: float = 0.95,
    geometry: str | None = None,
    wished_percent: float = 10.0,
    add_series: Callable[[PlannedRun, RunTables], None] = _nothing,
) -> Collected:
    """The tables of a sweep, finished or not, without files; arguments as of `collect`.

    add_series : is given every finished run with its tables
    """
    plan = sweep.plan()
    _check_factor(geometry, plan)
    rows, values = _read_runs(sweep, plan, add_series)
    groups = Groups(plan, values, sweep.reference_arm(), level, wished_percent)
    contrasts = sweep.contrasts()
    tables = {
        "runs": _runs_table(plan, rows, groups),
        "summary": groups.summary(),
        "variance": groups.variance(geometry or groups.geometry()),
        "contrasts": contrast_table(groups, contrasts),
        "missing": _missing_table(rows, plan, groups),
    }
    formulas = {name: str(one) for name, one in contrasts.items()}
    title, reference = sweep.title(), groups.reference
    return Collected(title, reference, groups.arms, groups.factors, level, **tables, formulas=formulas, files={})


def _known_format(table_format: str | None) -> str:
    form = table_format or "csv"
    if form not in FORMATS:
        raise InputError(f'table format "{form}" is not known. {nearest(form, FORMATS)}')
    if form == "parquet":
        pyarrow_or_error()
    return form


def _check_factor(geometry: str | None, plan: Sequence[PlannedRun]) -> None:
    factors = {key for run in plan for key in run.factors}
    if geometry is not None and geometry not in factors:
        known = nearest(geometry, factors) if factors else "It has no factors."
        raise InputError(f'geometry "{geometry}" is no factor of this sweep. {known}')


def _read_runs(
    sweep: SweepFolder, plan: Sequence[PlannedRun], add_series: Callable[[PlannedRun, RunTables], None]
) -> tuple[list[dict[str, Any]], np.ndarray]:
    """Facts per planned run, and their outcomes, (runs, OUTCOMES) float64, nan where a run gave none."""
    values = np.full((len(plan), len(OUTCOMES)), NAN)
    rows: list[dict[str, Any]] = []
    for at, run in enumerate(plan):
        rows.append(_facts(sweep, run))
        if rows[at]["status"] != "finished":
            continue
        try:
            tables = sweep.tables(run.run_id)
            found = np.array([outcome.of(tables) for outcome in OUTCOMES])
            values[at] = np.where(np.isfinite(found), found, NAN)
            add_series(run, tables)
        except InputError as error:
            values[at] = NAN
            rows[at] |= {"status": "damaged", "error": _first_line(error)}
    return rows, values


def _facts(sweep: SweepFolder, run: PlannedRun) -> dict[str, Any]:
    """Status, error and what result.json tells about a run."""
    status = sweep.status(run.run_id)
    result = (sweep.result(run.run_id) or {}) if status == "finished" else {}
    failure = (sweep.failure(run.run_id) or {}) if status == "failed" else {}
    facts = {name: result.get(name) for name in FACTS}
    lineage = json.dumps(result["lineage"]) if result.get("lineage") else None
    warnings, weak = ("; ".join(result.get(name) or ()) or None for name in ("warnings", "low_confidence"))
    error = _first_line(failure.get("error", "")) or None
    return {"status": status, "error": error, **facts, "warnings": warnings, "low_confidence": weak, "lineage": lineage}


def _first_line(text: object) -> str:
    return (str(text).strip().splitlines() or [""])[0]


def _runs_table(plan: Sequence[PlannedRun], rows: Sequence[Mapping[str, Any]], groups: Groups) -> Table:
    table: Table = {"run_id": [run.run_id for run in plan]}
    table |= {name: [row[name] for row in rows] for name in ("status", "error")}
    table["arm"] = [run.arm for run in plan]
    table |= groups.design
    table |= {"replicate": [run.replicate for run in plan], "seed": [run.seed for run in plan]}
    table |= {name: [row[name] for row in rows] for name in (*FACTS, "warnings", "low_confidence", "lineage")}
    table |= {outcome.name: groups.values[:, k].tolist() for k, outcome in enumerate(OUTCOMES)}
    if groups.compares:
        names = (f"{outcome.name}_minus_{groups.reference}" for outcome in OUTCOMES)
        table |= {name: groups.differences[:, k].tolist() for k, name in enumerate(names)}
    return table


def _missing_table(rows: Sequence[Mapping[str, Any]], plan: Sequence[PlannedRun], groups: Groups) -> Table:
    absent = [at for at, row in enumerate(rows) if row["status"] != "finished"]
    table: Table = {name: [getattr(plan[at], name) for at in absent] for name in ("run_id", "arm")}
    table |= {name: [column[at] for at in absent] for name, column in groups.design.items()}
    table["replicate"] = [plan[at].replicate for at in absent]
    return table | {name: [rows[at][name] for at in absent] for name in ("status", "error")}
