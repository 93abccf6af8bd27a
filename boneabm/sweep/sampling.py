"""Levels of a sweep: what can be one, which are equal, and plans that fill ranges of them evenly."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

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
