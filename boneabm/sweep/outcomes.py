"""What one finished run came to: a visible list of numbers computed from its series and events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from boneabm.errors import InputError
from boneabm.io.series import read_table
from boneabm.units import DAYS_PER_YEAR

NAN = float("nan")


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

    def closed(self, name: str, event: str = "site_closed") -> np.ndarray:
        """A column of events.csv at the sites that closed during the run; `modeling_closed` are those of modeling."""
        if "event" not in self.events or name not in self.events:
            return np.empty(0)
        return self.events[name][self.events["event"].astype(str) == event].astype(float)


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


def median_positive(values: NDArray[np.float64]) -> float:
    """Median of what is above 0, such as a rate of cells on the days that had any; nan without such days."""
    return float(np.median(values[values > 0.0])) if (values > 0.0).any() else NAN


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
    Outcome(
        "mar_median_um_per_d",
        "um/d",
        lambda run: median_positive(run.column("apposition_um_per_d")),
        "apposition rate (MAR), median over days with osteoblasts",
    ),
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


COMBINATIONS = "where pooled, one mean per combination of levels"
SUMMARY_COLUMNS = {
    "pooled": "over all levels of the arm: one mean per combination of levels is one value, so that n, intervals, d_z, "
    "p_value and correlation speak of combinations (bones, levels), not of runs; combinations count as independent, "
    "so what a seed, or a bone in several of them, does to all alike is not in the interval",
    "runs": "runs with a value",
    "n": "values of the mean: runs, where pooled combinations of levels",
    "mean": f"mean over runs, {COMBINATIONS}",
    "low": "lower bound of the interval of the mean, Student's t over n values; empty for one value",
    "high": "upper bound of the interval of the mean",
    "sd": "standard deviation of the n values",
    "sd_within": "standard deviation over seeds at the same levels, pooled over combinations",
    "method": "how the interval was made, or why there is none",
    "replicates_for_{percent}_percent": "replicates per combination of levels with which the interval of its mean is "
    "+- {percent} % of the mean, from sd_within",
    "pairs": "values of the difference: pairs of runs, where pooled combinations of levels",
    "difference": f"mean of treated minus reference run of the same levels and replicate, {COMBINATIONS}",
    "difference_low": "lower bound of the interval of the difference, Student's t; empty for one value",
    "difference_high": "upper bound of the interval of the difference",
    "bootstrap_low": "lower bound from resampled pairs, where pooled resampled combinations; empty below 5",
    "bootstrap_high": "upper bound from resampled pairs",
    "difference_sd": "standard deviation of the differences, where pooled of their means per combination",
    "difference_sd_within": "standard deviation of the difference over seeds at the same levels",
    "d_z": "difference over difference_sd, corrected for few values (Hedges)",
    "p_value": "paired t test of no difference, where pooled over combinations; not corrected for many outcomes",
    "correlation": "Pearson's, between the arms over pairs, where pooled over the means of combinations",
    "variance_ratio": "variance of the difference over the sum of the variances of both arms, over seeds at the same "
    "levels: 1 where common random numbers save nothing",
    "pairs_for_80_percent_power": "pairs per combination of levels with which a paired t test finds the difference "
    "found here with a probability of 80 %, from difference_sd_within",
}
VARIANCE_COLUMNS = {
    "of": "the outcome itself, or its paired difference from the reference arm",
    "n": "runs with a value",
    "geometries": "bones with a value",
    "variance_geometries": "variance between bones, unit squared, 0 where the estimate is below 0",
    "variance_seeds": "variance between seeds in one bone, unit squared",
    "share_geometries": "share of the variance between bones, 0..1",
    "share_low": "lower bound of the share",
    "share_high": "upper bound of the share",
    "p_value": "F test of no variance between bones",
}
CONTRAST_COLUMNS = {
    "contrast": "name in the sweep file",
    "n": "replicates in which all arms of the contrast have a value, where pooled combinations of levels",
    "value": f"sum of the arms in plus less sum of those in minus, mean over replicates, {COMBINATIONS}",
    "low": "lower bound of the interval of the value, Student's t over n values; empty for one value",
    "high": "upper bound of the interval of the value",
    "p_value": "paired t test of a value of 0; not corrected for many outcomes",
}
COLUMNS = {"summary": SUMMARY_COLUMNS, "variance": VARIANCE_COLUMNS, "contrasts": CONTRAST_COLUMNS}
"""What the columns of tables mean; {percent} stands for the wished half width."""


def outcome_help() -> str:
    """One line per outcome: name and meaning, for headers and --help."""
    return "\n".join(f"{outcome.name}: {outcome.meaning}" for outcome in OUTCOMES)
