"""Tables of a sweep: one row per planned run, one row per group and outcome, what is missing, and daily series.

Runs are read one at a time and only their outcomes are kept, so memory does not grow with the length of the series.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from boneabm.analysis import ensemble
from boneabm.errors import InputError, nearest
from boneabm.io.hdf import rename_into_place
from boneabm.io.schema import SERIES_FIRST, SERIES_FURTHER
from boneabm.io.series import read_table
from boneabm.sweep.folder import PlannedRun, SweepFolder
from boneabm.units import DAYS_PER_YEAR, DIMENSIONS, quantity

Table = dict[str, list[Any]]
FORMATS = ("csv", "parquet")
FACTS = ("days", "wall_s", "state_sha256", "began_utc", "ended_utc")
GEOMETRY = "bone.seed"
NAN = float("nan")
ROW_GROUP = 32768
"""Rows per group of a Parquet file of daily series: short runs together, for readers are slow on many small groups."""


class RunTables:
    """Daily series and events of one finished run, by column."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.series = read_table(path / "series.csv")

    @cached_property
    def events(self) -> dict[str, np.ndarray]:
        """Columns of events.csv, none where the run kept no events."""
        path = self.path / "events.csv"
        return read_table(path) if path.exists() else {}

    def column(self, name: str) -> np.ndarray:
        """A column of the series, (days,) float64; empty where the run does not have it."""
        values = self.series.get(name, np.empty(0))
        if values.dtype.kind != "f":
            raise InputError(f"{self.path / 'series.csv'}: column {name} holds text. Restore a copy, or run again.")
        return values

    def years(self) -> float:
        """Time from the first to the last row, y of 365 d; nan for fewer than two rows."""
        day = self.column("day")
        return float(day[-1] - day[0]) / DAYS_PER_YEAR if day.size > 1 else NAN

    def closed(self, name: str) -> np.ndarray:
        """A column of events.csv at the sites that closed during the run."""
        if "event" not in self.events or name not in self.events:
            return np.empty(0)
        return self.events[name][self.events["event"].astype(str) == "site_closed"].astype(float)


@dataclass(frozen=True)
class Outcome:
    """One number of a finished run: name with its unit, unit, how it is computed, and its meaning in one sentence."""

    name: str
    unit: str
    of: Callable[[RunTables], float]
    meaning: str


def _first(name: str) -> Callable[[RunTables], float]:
    return lambda run: float(run.column(name)[0]) if run.column(name).size else NAN


def _last(name: str) -> Callable[[RunTables], float]:
    return lambda run: float(run.column(name)[-1]) if run.column(name).size else NAN


def _mean(name: str) -> Callable[[RunTables], float]:
    return lambda run: float(run.column(name).mean()) if run.column(name).size else NAN


def _median(name: str) -> Callable[[RunTables], float]:
    return lambda run: float(np.median(run.column(name))) if run.column(name).size else NAN


def _sum(name: str) -> Callable[[RunTables], float]:
    return lambda run: float(run.column(name).sum()) if run.column(name).size else NAN


def _change(name: str) -> Callable[[RunTables], float]:
    """100 (last / first - 1), nan where the first value is 0."""
    first, last = _first(name), _last(name)
    return lambda run: 100.0 * (last(run) / first(run) - 1.0) if first(run) else NAN


def _change_per_year(name: str) -> Callable[[RunTables], float]:
    return lambda run: _change(name)(run) / run.years()


def _balance(run: RunTables) -> float:
    return _sum("formed_um3")(run) - _sum("resorbed_um3")(run)


def _closed_mean(name: str) -> Callable[[RunTables], float]:
    return lambda run: float(np.nanmean(run.closed(name))) if np.isfinite(run.closed(name)).any() else NAN


def _count(event: str) -> Callable[[RunTables], float]:
    return lambda run: float((run.events["event"].astype(str) == event).sum()) if "event" in run.events else NAN


OUTCOMES = (
    Outcome("bv_tv_first", "", _first("BV/TV"), "bone volume fraction on the first day"),
    Outcome("bv_tv_last", "", _last("BV/TV"), "bone volume fraction on the last day"),
    Outcome("bv_tv_change_percent", "%", _change("BV/TV"), "change of BV/TV over the run"),
    Outcome("bv_tv_change_percent_per_y", "%/y", _change_per_year("BV/TV"), "change of BV/TV per year of 365 d"),
    Outcome("bs_bv_last_per_mm", "1/mm", _last("BS/BV_per_mm"), "bone surface per bone volume on the last day"),
    Outcome("bs_bv_change_percent", "%", _change("BS/BV_per_mm"), "change of BS/BV over the run"),
    Outcome("mineral_first_g_per_cm3", "g/cm3", _first("mineral_g_per_cm3"), "trabecular vBMD on the first day"),
    Outcome("mineral_last_g_per_cm3", "g/cm3", _last("mineral_g_per_cm3"), "trabecular vBMD on the last day"),
    Outcome("mineral_change_percent", "%", _change("mineral_g_per_cm3"), "change of trabecular vBMD over the run"),
    Outcome("ac_f_mean_per_y", "1/y", _mean("Ac.f_per_y"), "activation frequency (trailing 365 d), mean over the run"),
    Outcome("ac_f_last_per_y", "1/y", _last("Ac.f_per_y"), "activation frequency (trailing 365 d) on the last day"),
    Outcome("opened_sites", "", _sum("opened_sites"), "remodeling sites activated during the run"),
    Outcome("resorbed_um3", "um3", _sum("resorbed_um3"), "bone resorbed during the run"),
    Outcome("formed_um3", "um3", _sum("formed_um3"), "bone formed during the run"),
    Outcome("balance_um3", "um3", _balance, "bone formed less bone resorbed during the run"),
    Outcome("fragments_um3", "um3", _sum("fragments_um3"), "bone lost as loose fragments during the run"),
    Outcome("osteoclasts_mean", "", _mean("osteoclasts"), "osteoclasts, mean over the run"),
    Outcome("osteoblasts_mean", "", _mean("osteoblasts"), "osteoblasts, mean over the run"),
    Outcome("osteocytes_last", "", _last("osteocytes"), "osteocytes on the last day"),
    Outcome("open_sites_mean", "", _mean("open_sites"), "open remodeling sites, mean over the run"),
    Outcome("mar_median_um_per_d", "um/d", _median("apposition_um_per_d"), "apposition rate (MAR), median over days"),
    Outcome("occupancy_median", "", _median("occupancy"), "RANK occupancy at the bone surface, median over days"),
    Outcome("signal_median", "", _median("signal_median"), "osteocyte signal, median over cells and days"),
    Outcome("erosion_depth_mean_um", "um", _closed_mean("erosion_depth_um"), "erosion depth (E.De) of closed sites"),
    Outcome("wall_mean_um", "um", _closed_mean("wall_um"), "wall thickness (W.Th) of closed sites"),
    Outcome("perforations", "", _count("perforation"), "perforated plates during the run"),
    Outcome("breakages", "", _count("breakage"), "cut struts during the run"),
    Outcome("stiffness_zz_first_mpa", "MPa", _first("stiffness_zz_mpa"), "apparent stiffness along z, first day"),
    Outcome("stiffness_zz_last_mpa", "MPa", _last("stiffness_zz_mpa"), "apparent stiffness along z, last day"),
    Outcome("stiffness_zz_change_percent", "%", _change("stiffness_zz_mpa"), "change of apparent stiffness along z"),
    Outcome("stiffness_yy_first_mpa", "MPa", _first("stiffness_yy_mpa"), "apparent stiffness along y, first day"),
    Outcome("stiffness_yy_last_mpa", "MPa", _last("stiffness_yy_mpa"), "apparent stiffness along y, last day"),
    Outcome("stiffness_yy_change_percent", "%", _change("stiffness_yy_mpa"), "change of apparent stiffness along y"),
    Outcome("stiffness_xx_first_mpa", "MPa", _first("stiffness_xx_mpa"), "apparent stiffness along x, first day"),
    Outcome("stiffness_xx_last_mpa", "MPa", _last("stiffness_xx_mpa"), "apparent stiffness along x, last day"),
    Outcome("stiffness_xx_change_percent", "%", _change("stiffness_xx_mpa"), "change of apparent stiffness along x"),
)


def _outcomes_table() -> Table:
    columns = ("outcome", "unit", "meaning")
    return _columns([dict(zip(columns, (o.name, o.unit, o.meaning), strict=True)) for o in OUTCOMES])


def outcome_help() -> str:
    """One line per outcome: name and meaning, for headers and --help."""
    return "\n".join(f"{outcome.name}: {outcome.meaning}" for outcome in OUTCOMES)


@dataclass(frozen=True)
class Collected:
    """Tables of a sweep as columns by name (None where empty), and the files that hold them.

    runs     : one row per planned run: design, outcomes, paired differences from the reference arm
    summary  : one row per group (arm and levels, or arm pooled over levels) and outcome
    variance : split between geometries and seeds per arm and outcome; no columns where geometry is no factor
    missing  : one row per run that gave no outcomes, and why
    """

    title: str
    reference: str
    arms: tuple[str, ...]
    factors: tuple[str, ...]
    level: float
    runs: Table
    summary: Table
    variance: Table
    missing: Table
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
    geometry: str = GEOMETRY,
    wished_percent: float = 10.0,
) -> Collected:
    """Write the tables of a sweep, finished or not, and give them back; `outcomes` says what their columns mean.

    A table without columns (the variance, where geometry is no factor) has no file.

    out            : folder of the tables, `tables` in the sweep folder by default
    table_format   : "csv" (default) or "parquet" (needs pyarrow)
    level          : coverage of all intervals, 0..1
    series         : also one long table of the daily series of all finished runs
    geometry       : factor whose levels are different bones; variance is split between them and the seeds
    wished_percent : half width of the interval of a mean, % of the mean, for the required number of replicates
    """
    form = _known_format(table_format)
    folder = Path(out) if out is not None else sweep.path / "tables"
    folder.mkdir(parents=True, exist_ok=True)
    plan = sweep.plan()
    with _series_file(folder / f"series.{form}" if series else None) as add_series:
        rows, values = _read_runs(sweep, plan, add_series)
    groups = _Groups(plan, values, sweep.reference_arm(), level, wished_percent)
    tables = {
        "runs": _runs_table(plan, rows, groups),
        "summary": groups.summary(),
        "variance": groups.variance(geometry),
        "missing": _missing_table(rows, plan, groups),
    }
    written = {name: table for name, table in (tables | {"outcomes": _outcomes_table()}).items() if table}
    files = {name: folder / f"{name}.{form}" for name in (*written, *(["series"] if series else []))}
    for name, table in written.items():
        write_table(files[name], table)
    return Collected(sweep.title(), groups.reference, groups.arms, groups.factors, level, **tables, files=files)


def _known_format(table_format: str | None) -> str:
    form = table_format or "csv"
    if form not in FORMATS:
        raise InputError(f'table format "{form}" is not known. {nearest(form, FORMATS)}')
    if form == "parquet":
        _pyarrow()
    return form


def _pyarrow() -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        told = "Parquet tables need pyarrow. Install it with: pip install 'boneabm[sweep]', or write CSV tables."
        raise InputError(told) from None
    return pyarrow


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
            tables = RunTables(sweep.run_path(run.run_id))
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
    warnings = "; ".join(result.get("warnings") or ()) or None
    error = _first_line(failure.get("error", "")) or None
    return {"status": status, "error": error, **facts, "warnings": warnings, "lineage": lineage}


def _first_line(text: object) -> str:
    return (str(text).strip().splitlines() or [""])[0]


def _runs_table(plan: Sequence[PlannedRun], rows: Sequence[Mapping[str, Any]], groups: _Groups) -> Table:
    table: Table = {"run_id": [run.run_id for run in plan]}
    table |= {name: [row[name] for row in rows] for name in ("status", "error")}
    table["arm"] = [run.arm for run in plan]
    table |= groups.design
    table |= {"replicate": [run.replicate for run in plan], "seed": [run.seed for run in plan]}
    table |= {name: [row[name] for row in rows] for name in (*FACTS, "warnings", "lineage")}
    table |= {outcome.name: groups.values[:, k].tolist() for k, outcome in enumerate(OUTCOMES)}
    if groups.compares:
        names = (f"{outcome.name}_minus_{groups.reference}" for outcome in OUTCOMES)
        table |= {name: groups.differences[:, k].tolist() for k, name in enumerate(names)}
    return table


def _missing_table(rows: Sequence[Mapping[str, Any]], plan: Sequence[PlannedRun], groups: _Groups) -> Table:
    absent = [at for at, row in enumerate(rows) if row["status"] != "finished"]
    table: Table = {name: [getattr(plan[at], name) for at in absent] for name in ("run_id", "arm")}
    table |= {name: [column[at] for at in absent] for name, column in groups.design.items()}
    table["replicate"] = [plan[at].replicate for at in absent]
    return table | {name: [rows[at][name] for at in absent] for name in ("status", "error")}


def factor_columns(levels: Sequence[Mapping[str, Any]]) -> Table:
    """Columns of a design: every factor as written, and in numbers where all its levels are quantities.

    levels : factor levels of each row, by dotted key
    The column of numbers carries the unit in its name ("labs.pth_pg_per_ml"): the unit as written where all levels
    share one, else the internal unit of the dimension.
    """
    table: Table = {}
    for key in dict.fromkeys(key for row in levels for key in row):
        given = [row.get(key) for row in levels]
        kinds = {type(value) for value in given if value is not None}
        plain = kinds <= {int, float} or kinds == {bool} or kinds == {str}
        table[key] = given if plain else [None if v is None else level_text(v) for v in given]
        if kinds == {str}:
            table |= _numbers(key, given)
    return table


def level_text(level: Any) -> str:
    """A factor level as one text."""
    return level if isinstance(level, str) else json.dumps(level, sort_keys=True)


def _numbers(key: str, given: Sequence[str | None]) -> Table:
    """Column of numbers of a factor whose levels are quantities, else no column."""
    texts = {text for text in given if text is not None}
    for dimension, (factors, _) in DIMENSIONS.items():
        try:
            inside = {text: quantity(text, dimension) for text in texts}
        except InputError:
            continue
        units = {text.split()[-1] for text in texts}
        unit = units.pop() if len(units) == 1 else ""
        factor = factors.get(unit, 1.0)
        name = (unit if unit in factors else DIMENSIONS[dimension].unit).replace("/", "_per_").lower()
        return {f"{key}_{name}": [None if text is None else inside[text] / factor for text in given]}
    return {}


class _Groups:
    """Runs of a plan by arm and levels, paired with the run of the reference arm at the same levels and replicate."""

    def __init__(
        self, plan: Sequence[PlannedRun], values: np.ndarray, reference: str, level: float, wished_percent: float
    ) -> None:
        self.plan, self.values, self.level, self.wished_percent = plan, values, level, wished_percent
        self.arms = tuple(dict.fromkeys(run.arm for run in plan))
        self.factors = tuple(dict.fromkeys(key for run in plan for key in run.factors))
        self.reference = reference if reference in self.arms else ""
        self.compares = self.reference in self.arms and len(self.arms) > 1
        self.design = factor_columns([run.factors for run in plan])
        self.partner = self._partners()
        paired = np.where(self.partner[:, None] >= 0, values[self.partner], NAN) if plan else values
        self.differences = values - paired

    def _partners(self) -> np.ndarray:
        """Index of the reference run of every run, -1 in the reference arm and where there is none, (runs,) int64."""
        keys = [(level_text(run.factors), run.replicate) for run in self.plan]
        own = {key: at for at, key in enumerate(keys) if self.plan[at].arm == self.reference}
        treated = [self.compares and run.arm != self.reference for run in self.plan]
        return np.array([own.get(key, -1) if is_treated else -1 for key, is_treated in zip(keys, treated, strict=True)])

    def by_levels(self, without: str = "") -> list[list[int]]:
        """Indices of the runs of each arm and combination of levels, in the order of the plan."""
        found: dict[tuple[str, str], list[int]] = {}
        for at, run in enumerate(self.plan):
            levels = {key: value for key, value in run.factors.items() if key != without}
            found.setdefault((run.arm, level_text(levels)), []).append(at)
        return list(found.values())

    def by_arm(self) -> list[list[int]]:
        """Indices of the runs of each arm."""
        return [[at for at, run in enumerate(self.plan) if run.arm == arm] for arm in self.arms]

    def summary(self) -> Table:
        """Mean, scatter and paired difference of every outcome, per arm and levels, then per arm over all levels."""
        groups = [(group, False) for group in self.by_levels()]
        if len(groups) > len(self.arms):
            groups += [(group, True) for group in self.by_arm()]
        rows: list[dict[str, Any]] = []
        for group, pooled in groups:
            label = {**self._labels(group, pooled), "pooled": pooled}
            for k, outcome in enumerate(OUTCOMES):
                difference = self._difference(group, k) if self.compares else {}
                name = {**label, "outcome": outcome.name, "unit": outcome.unit}
                rows.append({**name, **self._mean(group, k), **difference})
        return _columns(rows)

    def _labels(self, group: Sequence[int], pooled: bool, without: str = "") -> dict[str, Any]:
        """Arm and levels of a group; no levels where it is pooled over them."""
        hidden = factor_columns([{k: v for k, v in run.factors.items() if k == without} for run in self.plan])
        names = {name: column[group[0]] for name, column in self.design.items() if name not in hidden}
        return {"arm": self.plan[group[0]].arm} | {name: None if pooled else level for name, level in names.items()}

    def _mean(self, group: Sequence[int], k: int) -> dict[str, Any]:
        values = self.values[group, k]
        interval = ensemble.mean_interval(values, self.level)
        sd = float(np.nanstd(values, ddof=1)) if interval.n > 1 else NAN
        wished = f"replicates_for_{self.wished_percent:g}_percent"
        half_width = abs(interval.estimate) * self.wished_percent / 100
        return {
            "n": interval.n, "mean": interval.estimate, "low": interval.low, "high": interval.high, "sd": sd,
            wished: _required(sd, half_width, self.level),
        }  # fmt: skip

    def _difference(self, group: Sequence[int], k: int) -> dict[str, Any]:
        """Treated minus reference; all empty in the reference arm."""
        pairs = [at for at in group if self.partner[at] >= 0]
        found = ensemble.paired_difference(self.values[pairs, k], self.values[self.partner[pairs], k], self.level)
        mean, bootstrap = found.difference, found.bootstrap
        return {
            "pairs": found.n, "difference": mean.estimate, "difference_low": mean.low, "difference_high": mean.high,
            "bootstrap_low": bootstrap.low, "bootstrap_high": bootstrap.high, "difference_sd": found.sd,
            "d_z": found.d_z, "p_value": found.p_value, "correlation": found.correlation,
            "variance_ratio": found.variance_ratio,
            "pairs_to_tell_from_0": _required(found.sd, abs(mean.estimate), self.level),
        }  # fmt: skip

    def variance(self, geometry: str) -> Table:
        """Split of the variance between geometries and seeds, of every outcome and of its paired difference."""
        if geometry not in self.factors:
            return {}
        rows: list[dict[str, Any]] = []
        for group in self.by_levels(without=geometry):
            label = self._labels(group, False, geometry)
            bones = [level_text(self.plan[at].factors.get(geometry)) for at in group]
            for k, outcome in enumerate(OUTCOMES):
                name = {**label, "outcome": outcome.name, "unit": outcome.unit}
                rows.append({**name, "of": "value", **self._split(self.values[group, k], bones)})
                if self.compares and label["arm"] != self.reference:
                    of = f"minus_{self.reference}"
                    rows.append({**name, "of": of, **self._split(self.differences[group, k], bones)})
        return _columns(rows)

    def _split(self, values: np.ndarray, bones: Sequence[str]) -> dict[str, Any]:
        found = ensemble.variance_split(values, bones, self.level)
        return {
            "n": found.n, "geometries": found.groups, "variance_geometries": found.between,
            "variance_seeds": found.within, "share_geometries": found.icc.estimate,
            "share_low": found.icc.low, "share_high": found.icc.high, "p_value": found.p_value,
        }  # fmt: skip


def _required(sd: float, half_width: float, level: float) -> int | None:
    """Replicates for a wished half width; None where nothing is known or no number is enough."""
    if not (np.isfinite(sd) and half_width > 0):
        return None
    try:
        return ensemble.required_replicates(sd, half_width, level)
    except InputError:
        return None


def _columns(rows: Sequence[Mapping[str, Any]]) -> Table:
    return {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}


def table_rows(table: Table) -> list[dict[str, Any]]:
    """Rows of a table, each by name of the column."""
    return [dict(zip(table, values, strict=True)) for values in zip(*table.values(), strict=True)]


TEXTS = {
    "run_id", "status", "error", "arm", "state_sha256", "began_utc", "ended_utc", "warnings", "lineage", "outcome",
    "unit", "meaning", "of",
}  # fmt: skip


def write_table(path: Path, table: Table) -> None:
    """Write a table as CSV or Parquet, by the ending of the path: complete under its name, or not at all."""
    with in_place(path) as temporary:
        if path.suffix == ".parquet":
            arrow = _pyarrow()
            columns = {name: _arrow_column(arrow, name, values) for name, values in table.items()}
            arrow.parquet.write_table(arrow.table(columns), temporary)
        else:
            _write_csv(temporary, table)


def _write_csv(path: Path, table: Table) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(table)
        writer.writerows([_cell(value) for value in row] for row in zip(*table.values(), strict=True))


def _cell(value: Any) -> str:
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


@contextmanager
def in_place(path: Path) -> Iterator[Path]:
    """Temporary path that takes the name `path` at the end of the block, and vanishes on an error."""
    temporary = path.with_name(f".{path.name}.new")
    try:
        yield temporary
        rename_into_place(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


SERIES_COLUMNS = (*SERIES_FIRST, *SERIES_FURTHER)


@contextmanager
def _series_file(path: Path | None) -> Iterator[Callable[[PlannedRun, RunTables], None]]:
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
            writer.writerows([run.run_id, run.arm, run.replicate, *map(_cell, row)] for row in rows)

        yield write


@contextmanager
def _parquet_series(path: Path) -> Iterator[WriteSeries]:
    arrow = _pyarrow()
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
