"""Mean course and spread of many daily series, read one at a time; memory does not grow with the number of runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from ..errors import InputError


def finite_values(values: ArrayLike) -> np.ndarray:
    """One row of numbers as float64, nan allowed; ValueError for another shape or infinite values."""
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1:
        raise ValueError(f"One row of values is needed, not an array of shape {x.shape}.")
    if np.isinf(x).any():
        raise ValueError(f"Value {int(np.isinf(x).argmax())} is infinite; use nan for a run without a value.")
    return x


def check_share(name: str, value: float) -> None:
    """InputError unless a level or power that a user typed lies between 0 and 1."""
    if not 0 < value < 1:
        raise InputError(f"{name} = {value:g} is not between 0 and 1 (exclusive). Usual: level = 0.95, power = 0.8.")


def t_quantile(level: float, df: ArrayLike) -> np.ndarray:
    """Two-sided quantile of Student's t, P(|T| <= t) = level; nan where df is not above 0."""
    return stats.t.ppf(0.5 + 0.5 * level, df)


@dataclass
class Band:
    """Mean, sd and range per day over the series added so far, by Welford's updates for a further value x.

    n <- n + 1, delta = x - mean, mean <- mean + delta / n, squares <- squares + delta^2 (n - 1) / n

    count            : (D,) int64, n, series with a value on that day; shorter series and nan leave a day uncounted
    mean             : (D,) float64, unit of the series; nan on days without a value
    squares          : (D,) float64, sum of squared deviations from the mean
    minimum, maximum : (D,) float64; nan on days without a value

    All series begin on the same day and have one value per day. D is the longest length seen. Sums depend on the
    order of series in the last bits: add runs in one fixed order where equal bits matter.
    Sources: Welford 1962, doi 10.1080/00401706.1962.10490022; for merge, Chan, Golub and LeVeque 1983,
    doi 10.1080/00031305.1983.10483115.
    """

    count: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    mean: np.ndarray = field(default_factory=lambda: np.zeros(0))
    squares: np.ndarray = field(default_factory=lambda: np.zeros(0))
    minimum: np.ndarray = field(default_factory=lambda: np.zeros(0))
    maximum: np.ndarray = field(default_factory=lambda: np.zeros(0))

    def add(self, values: ArrayLike) -> None:
        """Take in the series of one run, (D,) one value per day, nan = no value; ValueError for infinite values."""
        x = finite_values(values)
        known = ~np.isnan(x)
        self.merge(Band(known.astype(np.int64), x, np.where(known, 0.0, np.nan), x, x))

    def merge(self, other: Band) -> None:
        """Take in all series of another band, as if they had been added here; the other is left as it is.

        With n = n_1 + n_2 and delta = mean_2 - mean_1:
        mean = mean_1 + delta n_2 / n, squares = squares_1 + squares_2 + delta^2 n_1 n_2 / n.
        """
        self._lengthen(other.count.size)
        here = slice(0, other.count.size)
        n_1, n_2 = self.count[here], other.count
        mean_1, squares_1 = np.where(n_1 > 0, self.mean[here], 0.0), np.where(n_1 > 0, self.squares[here], 0.0)
        delta = np.where(n_2 > 0, other.mean, mean_1) - mean_1
        share = n_2 / np.maximum(n_1 + n_2, 1)
        seen = n_1 + n_2 > 0
        squares = squares_1 + np.where(n_2 > 0, other.squares, 0.0) + delta**2 * n_1 * share
        self.mean[here] = np.where(seen, mean_1 + delta * share, np.nan)
        self.squares[here] = np.where(seen, squares, np.nan)
        self.minimum[here] = np.fmin(self.minimum[here], other.minimum)
        self.maximum[here] = np.fmax(self.maximum[here], other.maximum)
        self.count[here] += n_2

    @property
    def sd(self) -> np.ndarray:
        """(D,) float64, sample sd sqrt(squares / (count - 1)); nan on days with fewer than two values."""
        return np.sqrt(np.where(self.count > 1, self.squares, np.nan) / np.maximum(self.count - 1, 1))

    def interval(self, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper bound of the mean per day, (D,) each: mean -+ t_{count-1} sd / sqrt(count).

        level : 0 < level < 1, InputError otherwise. Bounds are nan on days with fewer than two values. They hold day
        by day, not for the whole course at once.
        """
        check_share("level", level)
        half = t_quantile(level, self.count - 1) * self.sd / np.sqrt(np.maximum(self.count, 1))
        return self.mean - half, self.mean + half

    def _lengthen(self, days: int) -> None:
        """Room for `days` days; new ones have no value yet."""
        more = (0, max(days - self.count.size, 0))
        self.count = np.pad(self.count, more)
        for name in ("mean", "squares", "minimum", "maximum"):
            setattr(self, name, np.pad(getattr(self, name), more, constant_values=np.nan))


def band(series: Iterable[ArrayLike]) -> Band:
    """Band of many daily series, taken one at a time from any iterable (a generator that reads files, for example)."""
    result = Band()
    for values in series:
        result.add(values)
    return result
