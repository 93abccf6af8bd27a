"""Contrasts of a sweep: sums of arms less sums of arms, such as the interaction of two treatments, run by run.

    [contrasts.lifting_by_menopause]                effect of lifting after menopause less that before it
    plus = ["post_hirit", "pre_none"]
    minus = ["post_none", "pre_hirit"]

c_i = sum of the arms in plus - sum of the arms in minus, in every replicate and combination of levels in which all of
them have a value. Arms share their random numbers, so c_i is paired, and its t interval is that of the contrast.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from boneabm.analysis import ensemble
from boneabm.errors import nearest
from boneabm.scenario_fields import refuse
from boneabm.sweep.folder import Contrast
from boneabm.sweep.groups import Groups
from boneabm.sweep.outcomes import OUTCOMES
from boneabm.sweep.tables import Table, columns_of

EXAMPLE = '{ plus = ["post_hirit", "pre_none"], minus = ["post_none", "pre_hirit"] }'


def read_contrast(given: Any) -> Contrast:
    """A contrast as written in a sweep file: two lists of names of arms."""
    if not isinstance(given, Mapping) or given.keys() != {"plus", "minus"} or not all(map(_is_names, given.values())):
        refuse(f"must be two lists of arms, plus and minus. Example: {EXAMPLE}")
    return Contrast(tuple(given["plus"]), tuple(given["minus"]))


def _is_names(given: Any) -> bool:
    return isinstance(given, list) and bool(given) and all(isinstance(name, str) for name in given)


def contrast_problems(contrasts: Mapping[str, Contrast], arms: Sequence[str]) -> list[str]:
    """What is wrong with the contrasts of a sweep file that has these arms."""
    return [f"contrasts.{name}: {text}" for name, one in contrasts.items() for text in _wrong(one, arms)]


def _wrong(one: Contrast, arms: Sequence[str]) -> list[str]:
    known = "This sweep has no arms."
    problems = [
        f'"{name}" is not an arm. {nearest(name, arms) if arms else known}'
        for name in (*one.plus, *one.minus) if name not in arms
    ]  # fmt: skip
    if len(one.plus) != len(one.minus):
        told = f"plus has {len(one.plus)} arms and minus {len(one.minus)}"
        problems.append(f"{told}. Name as many on both sides, else what all arms share does not cancel.")
    both = [name for name in dict.fromkeys(one.plus) if name in one.minus]
    return problems + [f'"{name}" stands in plus and in minus, and so for nothing. Remove it.' for name in both]


def contrast_table(groups: Groups, contrasts: Mapping[str, Contrast]) -> Table:
    """One row per contrast, combination of levels and outcome, then over all levels where there are several."""
    rows: list[dict[str, Any]] = []
    for name, contrast in contrasts.items():
        cells = [cell for cell in groups.by_levels() if groups.plan[cell[0]].arm == contrast.plus[0]]
        chosen = [([cell], False) for cell in cells] + ([(cells, True)] if len(cells) > 1 else [])
        for own, pooled in chosen:
            sides = [_sides(groups, contrast, cell) for cell in own]
            label = {"contrast": name, **groups.labels(own[0], pooled), "pooled": pooled}
            del label["arm"]
            for k, outcome in enumerate(OUTCOMES):
                head = {**label, "outcome": outcome.name, "unit": outcome.unit}
                rows.append({**head, **_difference([side[:, :, k] for side in sides], pooled, groups.level)})
    return columns_of(rows)


def _sides(groups: Groups, contrast: Contrast, cell: Sequence[int]) -> np.ndarray:
    """Sums of the arms in plus and in minus at the levels and replicates of a cell, (2, replicates, OUTCOMES)."""
    runs = [(groups.levels[k], groups.plan[k].replicate) for k in cell]
    return np.array([
        [groups.values[[groups.at[arm, *run] for arm in arms]].sum(axis=0) for run in runs]
        for arms in (contrast.plus, contrast.minus)
    ])  # fmt: skip


def _difference(sides: Sequence[np.ndarray], pooled: bool, level: float) -> dict[str, Any]:
    """Mean with its interval over replicates, or over one mean per combination of levels."""
    known = [side[:, ~np.isnan(side).any(axis=0)] for side in sides]
    parts = [side.mean(axis=1, keepdims=True) if pooled else side for side in known if side.size]
    plus, minus = np.concatenate(parts, axis=1) if parts else np.empty((2, 0))
    found = ensemble.paired_difference(plus, minus, level)
    value = found.difference
    return {"n": found.n, "value": value.estimate, "low": value.low, "high": value.high, "p_value": found.p_value}
