"""Runs of a sweep in groups of arm and levels: means, paired differences, split of the variance."""

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
        return columns_of(rows)

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
        return columns_of(rows)

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
