"""Runs of a sweep in groups of arm and levels: means, paired differences, split of the variance.

A group of one combination of factor levels counts its runs, which differ in their seed alone. A group pooled over
levels or bones counts one mean per combination: runs at one combination resemble each other, so many seeds in three
bones are three values, not many.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from boneabm.analysis import ensemble
from boneabm.errors import InputError
from boneabm.sweep.folder import PlannedRun
from boneabm.sweep.outcomes import NAN, OUTCOMES
from boneabm.sweep.tables import Table, columns_of
from boneabm.units import DIMENSIONS, quantity

POWER = 0.8
"""Wished probability of finding a difference that is there."""
PAIRS_NEEDED = f"pairs_for_{100 * POWER:g}_percent_power"
GEOMETRIES = ("bone.seed", "bone.image", "bone.crop")
"""Factors whose levels are different bones."""
LARGE_EFFECT = 1e6
"""Standard deviations beyond which two pairs are enough for any power."""
Parts = list[np.ndarray]
"""Known values of each combination of levels, (n_i,) float64."""


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


class Groups:
    """Runs of a plan by arm and levels, paired with the run of the reference arm at the same levels and replicate.

    at : index of a run by its arm, levels as text and replicate
    """

    def __init__(
        self, plan: Sequence[PlannedRun], values: np.ndarray, reference: str, level: float, wished_percent: float
    ) -> None:
        self.plan, self.values, self.level, self.wished_percent = plan, values, level, wished_percent
        self.arms = tuple(dict.fromkeys(run.arm for run in plan))
        self.factors = tuple(dict.fromkeys(key for run in plan for key in run.factors))
        self.reference = reference if reference in self.arms else ""
        self.compares = self.reference in self.arms and len(self.arms) > 1
        self.design = factor_columns([run.factors for run in plan])
        self.levels = [level_text(run.factors) for run in plan]
        self.at = {(r.arm, levels, r.replicate): k for k, (r, levels) in enumerate(zip(plan, self.levels, strict=True))}
        self.partner = self._partners()
        paired = np.where(self.partner[:, None] >= 0, values[self.partner], NAN) if plan else values
        self.differences = values - paired

    def _partners(self) -> np.ndarray:
        """Index of the reference run of every run, -1 in the reference arm and where there is none, (runs,) int64."""
        own = [self.at.get((self.reference, self.levels[k], run.replicate), -1) for k, run in enumerate(self.plan)]
        treated = [self.compares and run.arm != self.reference for run in self.plan]
        return np.where(treated, own, -1)

    def by_levels(self, without: str = "") -> list[list[int]]:
        """Indices of the runs of each arm and combination of levels, in the order of the plan."""
        found: dict[tuple[str, str], list[int]] = {}
        for at, run in enumerate(self.plan):
            levels = {key: value for key, value in run.factors.items() if key != without}
            found.setdefault((run.arm, level_text(levels)), []).append(at)
        return list(found.values())

    def geometry(self) -> str:
        """The factor whose levels are different bones, "" where there is none."""
        return next((key for key in GEOMETRIES if key in self.factors), "")

    def summary(self) -> Table:
        """Mean, scatter and paired difference of every outcome, per arm and levels, then per arm over all levels."""
        cells = self.by_levels()
        groups = [([cell], False) for cell in cells]
        if len(cells) > len(self.arms):
            groups += [([cell for cell in cells if self.plan[cell[0]].arm == arm], True) for arm in self.arms]
        rows: list[dict[str, Any]] = []
        for own, pooled in groups:
            label = {**self.labels(own[0], pooled), "pooled": pooled}
            for k, outcome in enumerate(OUTCOMES):
                difference = self._difference(own, pooled, k) if self.compares else {}
                name = {**label, "outcome": outcome.name, "unit": outcome.unit}
                rows.append({**name, **self._mean(own, pooled, k), **difference})
        return columns_of(rows)

    def labels(self, group: Sequence[int], pooled: bool, without: str = "") -> dict[str, Any]:
        """Arm and levels of a group; no levels where it is pooled over them."""
        hidden = factor_columns([{k: v for k, v in run.factors.items() if k == without} for run in self.plan])
        names = {name: column[group[0]] for name, column in self.design.items() if name not in hidden}
        return {"arm": self.plan[group[0]].arm} | {name: None if pooled else level for name, level in names.items()}

    def _mean(self, cells: Sequence[Sequence[int]], pooled: bool, k: int) -> dict[str, Any]:
        """Mean over runs, or over the means of combinations of levels where they are pooled."""
        parts = _known([self.values[cell, k] for cell in cells])
        values = _counted(parts, pooled)
        interval, within = ensemble.mean_interval(values, self.level), _variance_within(parts) ** 0.5
        wished = f"replicates_for_{self.wished_percent:g}_percent"
        half_width = abs(interval.estimate) * self.wished_percent / 100
        return {
            "runs": sum(part.size for part in parts), "n": interval.n, "mean": interval.estimate,
            "low": interval.low, "high": interval.high, "sd": float(values.std(ddof=1)) if interval.n > 1 else NAN,
            "sd_within": within, "method": interval.method + (" (combinations)" if pooled else ""),
            wished: _required(within, half_width, self.level),
        }  # fmt: skip

    def _difference(self, cells: Sequence[Sequence[int]], pooled: bool, k: int) -> dict[str, Any]:
        """Treated minus reference; all empty in the reference arm."""
        sides = [self._sides(cell, k) for cell in cells]
        treated, reference = (_known([side[arm] for side in sides]) for arm in (0, 1))
        found = ensemble.paired_difference(_counted(treated, pooled), _counted(reference, pooled), self.level)
        mean, bootstrap = found.difference, found.bootstrap
        each = _variance_within(treated) + _variance_within(reference)
        differences = [t - r for t, r in zip(treated, reference, strict=True)]
        within = _variance_within(differences, of=[*treated, *reference])
        return {
            "pairs": found.n, "difference": mean.estimate, "difference_low": mean.low, "difference_high": mean.high,
            "bootstrap_low": bootstrap.low, "bootstrap_high": bootstrap.high, "difference_sd": found.sd,
            "difference_sd_within": within**0.5, "d_z": found.d_z, "p_value": found.p_value,
            "correlation": found.correlation, "variance_ratio": within / each if each else NAN,
            PAIRS_NEEDED: _required_pairs(within**0.5, abs(mean.estimate), self.level),
        }  # fmt: skip

    def _sides(self, cell: Sequence[int], k: int) -> np.ndarray:
        """Outcome of the treated run and of its partner, (2, pairs) float64, where both are known."""
        treated = np.array([at for at in cell if self.partner[at] >= 0], dtype=int)
        sides = np.stack([self.values[treated, k], self.values[self.partner[treated], k]])
        return sides[:, ~np.isnan(sides).any(axis=0)]

    def variance(self, geometry: str) -> Table:
        """Split of the variance between geometries and seeds, of every outcome and of its paired difference."""
        if geometry not in self.factors:
            return {}
        rows: list[dict[str, Any]] = []
        for group in self.by_levels(without=geometry):
            label = self.labels(group, False, geometry)
            bones = [level_text(self.plan[at].factors.get(geometry)) for at in group]
            for k, outcome in enumerate(OUTCOMES):
                name = {**label, "outcome": outcome.name, "unit": outcome.unit}
                rows.append({**name, "of": "value", **self._split(self.values[group, k], bones)})
                if self.compares and label["arm"] != self.reference:
                    of = f"minus_{self.reference}"
                    rows.append({**name, "of": of, **self._split(self.differences[group, k], bones)})
        return columns_of(rows)

    def _split(self, values: np.ndarray, bones: Sequence[str]) -> dict[str, Any]:
        found = ensemble.variance_split(values, bones, self.level)
        return {
            "n": found.n, "geometries": found.groups, "variance_geometries": found.between,
            "variance_seeds": found.within, "share_geometries": found.icc.estimate,
            "share_low": found.icc.low, "share_high": found.icc.high, "p_value": found.p_value,
        }  # fmt: skip


def _known(parts: Parts) -> Parts:
    """Values without nan, and without combinations that have none."""
    known = [part[~np.isnan(part)] for part in parts]
    return [part for part in known if part.size]


def _counted(parts: Parts, pooled: bool) -> np.ndarray:
    """What a group counts: its values, or one mean per combination of levels where they are pooled."""
    if pooled:
        return np.array([part.mean() for part in parts])
    return np.concatenate([*parts, np.empty(0)])


def _variance_within(parts: Parts, of: Parts | None = None) -> float:
    """Variance about the mean of the own combination, sum_i sum_j (x_ij - mean_i)^2 / sum_i (n_i - 1).

    of : values whose largest magnitude tells what is rounding, `parts` by default
    nan where no combination has two values.
    """
    freedom = sum(part.size - 1 for part in parts)
    if freedom == 0:
        return NAN
    deviations = np.concatenate([part - part.mean() for part in parts])
    scale = max(float(np.abs(part).max()) for part in (of or parts))
    deviations[np.abs(deviations) <= ensemble.ROUNDING * scale] = 0.0
    return float(deviations @ deviations) / freedom


def _required(sd: float, half_width: float, level: float) -> int | None:
    """Replicates for a wished half width; None where nothing is known or no number is enough."""
    if not (np.isfinite(sd) and half_width > 0):
        return None
    try:
        return ensemble.required_replicates(sd, half_width, level)
    except InputError:
        return None


def _required_pairs(sd: float, difference: float, level: float) -> int | None:
    """Pairs that find a difference with the probability POWER; None where nothing is known or no number is enough."""
    if not (np.isfinite(sd) and difference > 0):
        return None
    effect = min(difference, LARGE_EFFECT * sd) if sd > 0 else difference
    try:
        return ensemble.required_replicates_for_difference(sd, effect, POWER, level)
    except InputError:
        return None
