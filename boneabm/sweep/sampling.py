"""Levels of a sweep: what can be one, which are equal, and plans that fill ranges of them evenly.

The readers are called by pydantic; they refuse with a finished sentence.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from boneabm.scenario_fields import refuse
from boneabm.scenario_text import flatten

DIGITS = 6


def shares(method: str, points: int, dimensions: int, seed: int) -> np.ndarray:
    """Points of a sampling plan in the unit cube, (points, dimensions), each share in [0, 1).

    sobol           : scrambled Sobol sequence; more points of one seed keep the earlier ones, bit for bit. Best
                      spread at 2, 4, 8, 16 ... points.
    latin-hypercube : one point in each of `points` equal slices of every dimension; another number of points is
                      another plan, because the slices are.
    Another number of dimensions is another plan in both. Source: scipy.stats.qmc.
    """
    from scipy.stats import qmc  # here, because it takes most of a second to import

    generator = np.random.default_rng(seed)
    if method == "sobol":
        power = math.ceil(math.log2(points))
        return np.asarray(qmc.Sobol(dimensions, seed=generator).random_base2(power)[:points])
    return np.asarray(qmc.LatinHypercube(dimensions, seed=generator).random(points))


def level_between(share: float, low: float, high: float, log: bool, whole: bool) -> float | int:
    """Level at a share of a range, with six digits, never outside the range.

    low + share (high - low), or low (high / low)^share where `log`; where `whole`, every whole number from low to
    high has the same part of the share (of the logarithmic axis where `log`).
    """
    end = high + 1 if whole else high
    value = low * (end / low) ** share if log else low + share * (end - low)
    rounded = math.floor(value) if whole else float(f"{value:.{DIGITS}g}")
    kept = min(max(rounded, low), high)
    return int(kept) if whole else float(kept)


def is_level(given: Any) -> bool:
    """Whether a value can be a level: a number, a text, true or false, or a list of these."""
    if isinstance(given, list):
        return bool(given) and all(is_level(one) for one in given)
    return isinstance(given, (bool, int, str)) or (isinstance(given, float) and math.isfinite(given))


def twice(levels: Iterable[Any]) -> tuple[int, int] | None:
    """Positions of the first two equal levels, None where all differ; 1 and 1.0 are equal, 1 and true are not."""
    seen: dict[Any, int] = {}
    for index, level in enumerate(levels):
        first = seen.setdefault(_mark(level), index)
        if first != index:
            return first, index
    return None


def _mark(level: Any) -> Any:
    if isinstance(level, list):
        return tuple(_mark(one) for one in level)
    return (isinstance(level, bool), level.strip() if isinstance(level, str) else level)


def as_written(given: Any) -> str:
    """A value as it stands in the file, cut after 60 characters."""
    text = json.dumps(given, default=str, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."


def read_levels(given: Any) -> list[Any]:
    """A list of levels."""
    if not isinstance(given, list):
        written = as_written(given)
        refuse(f"{written} is not a list of levels. Write [{written}], or [scenario] for a value that all runs have.")
    if not given:
        refuse("has no levels. Write at least one, or remove the key.")
    for level in given:
        if not is_level(level):
            refuse(f"{as_written(level)} is not a level: a number, a text with a unit, true or false. Tables: as arms.")
    return given


def read_distinct(given: Any) -> list[Any]:
    """A list of levels, each once."""
    pair = twice(read_levels(given))
    if pair:
        refuse(
            f"level {as_written(given[pair[1]])} stands twice. To repeat runs with other random numbers: replicates."
        )
    return list(given)


def read_changes(given: Any) -> dict[str, Any]:
    """Changes by dotted key, however they are nested."""
    if not isinstance(given, Mapping):
        refuse(f'{as_written(given)} is not a table of changes. Write lines such as "subject.age" = "60 y" below it.')
    return dict(flatten(given))


def read_row(given: Any) -> dict[str, Any]:
    """One point of a list: a level for every key."""
    row = read_changes(given)
    for key, level in row.items():
        if not is_level(level):
            refuse(f"{as_written(level)} is not a level: a number, a text with a unit, true or false.", key)
    return row


def read_columns(given: Any) -> dict[str, Any]:
    """Levels by dotted key, however they are nested."""
    if not isinstance(given, Mapping):
        refuse(f'{as_written(given)} is not a table. Write lines such as "bone.bv_tv" = [0.12, 0.20] below it.')
    return dict(flatten(given))


def equally_long(columns: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """The columns of one [[zip]], of equal length, no row twice."""
    lengths = {key: len(levels) for key, levels in columns.items()}
    if not lengths:
        refuse("has no columns. Write at least one key with a list of levels, or remove it.")
    if len(set(lengths.values())) > 1:
        told = ", ".join(f'"{key}" {length}' for key, length in lengths.items())
        refuse(f"columns of one [[zip]] need equally many levels; these have: {told}.")
    pair = twice(list(row) for row in zip(*columns.values(), strict=True))
    if pair:
        refuse(f"rows {pair[0] + 1} and {pair[1] + 1} are equal. Remove one; to repeat runs: replicates.")
    return columns


def same_keys(rows: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
    """The rows of a list, all with the same keys, none twice."""
    for number, row in enumerate(rows, start=1):
        odd = sorted(row.keys() ^ rows[0].keys())
        if odd or not row:
            told = f'only one of rows 1 and {number} has "{odd[0]}"' if odd else "row 1 is empty"
            refuse(f"every row names the same keys; {told}.")
    pair = twice([row[key] for key in rows[0]] for row in rows)
    if pair:
        refuse(f"rows {pair[0] + 1} and {pair[1] + 1} are equal. Remove one; to repeat runs: replicates.")
    return rows
