"""How finished runs become numbers: one value per bone, whose mean and interval the table shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from boneabm.sweep.outcomes import NAN
from boneabm.validation.finished import Arms, FinishedRun

OfRun = Callable[[FinishedRun], float]
OfArms = Callable[[Arms], np.ndarray]


@dataclass(frozen=True)
class Quantity:
    """One measured quantity of an experiment.

    name     : as in the targets
    of       : values, one per bone (seed), nan where a run does not tell
    meaning  : how it is measured, in one sentence
    """

    name: str
    unit: str
    of: OfArms
    meaning: str


def each(of: OfRun, arm: str = "") -> OfArms:
    """Value of every run of an arm."""
    return lambda arms: np.array([of(run) for run in arms[arm]])


def difference(of: OfRun, arm: str, reference: str) -> OfArms:
    """Value in an arm less that in the reference arm, bone by bone."""
    return less(each(of, arm), each(of, reference))


def less(of: OfArms, other: OfArms) -> OfArms:
    """One quantity less another, bone by bone: an interaction where both are differences."""
    return lambda arms: of(arms) - other(arms)


def lowest(*ofs: OfArms) -> OfArms:
    """Values of the quantity whose mean over bones is lowest; its interval is that of this quantity alone."""
    return lambda arms: min((of(arms) for of in ofs), key=_mean)


def highest(*ofs: OfArms) -> OfArms:
    """Values of the quantity whose mean over bones is highest; its interval is that of this quantity alone."""
    return lambda arms: max((of(arms) for of in ofs), key=_mean)


def _mean(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else NAN


def ratio(top: OfRun, bottom: OfRun, arm: str = "", bottom_arm: str | None = None) -> OfArms:
    """Ratio of two means over bones; the lower one from `bottom_arm` where that is another arm."""
    return quotient(each(top, arm), each(bottom, arm if bottom_arm is None else bottom_arm))


def quotient(top: OfArms, bottom: OfArms) -> OfArms:
    """Ratio of two means over bones, as values whose mean is the ratio and whose scatter is that of the ratio.

    R = mean(a) / mean(b), value_i = R + (a_i - R b_i) / mean(b). Means of ratios would be biased where b_i scatters, as
    counts of few sites do. Source: Cochran, Sampling Techniques, 1977, ch. 6.
    """

    def values(arms: Arms) -> np.ndarray:
        a, b = top(arms), bottom(arms)
        known = np.isfinite(a) & np.isfinite(b)
        mean = float(b[known].mean()) if known.any() else 0.0
        whole = float(a[known].mean()) / mean if mean else NAN
        return np.where(known, whole + (a - whole * b) / (mean or NAN), NAN)

    return values


def pooled(statistic: Callable[[np.ndarray], float], of: Callable[[FinishedRun], np.ndarray], arm: str = "") -> OfArms:
    """A statistic of the mean profile of all bones, as values whose scatter is that of the jackknife over bones.

    value_i = T + (n - 1) (mean(T without one bone) - T without bone i); runs without a profile give nan
    Source: Tukey's jackknife, Efron and Tibshirani, An Introduction to the Bootstrap, 1993, ch. 11.
    """

    def values(arms: Arms) -> np.ndarray:
        profiles = [of(run) for run in arms[arm]]
        known = np.array([profile.size > 0 for profile in profiles], bool)
        found = np.full(known.size, NAN)
        if known.any():
            found[known] = _jackknife(statistic, np.array([p for p in profiles if p.size]))
        return found

    return values


def _jackknife(statistic: Callable[[np.ndarray], float], profiles: np.ndarray) -> np.ndarray:
    whole, n = statistic(profiles.mean(axis=0)), len(profiles)
    if n == 1:
        return np.array([whole])
    without = np.array([statistic(np.delete(profiles, i, axis=0).mean(axis=0)) for i in range(n)])
    return whole + (n - 1) * (without.mean() - without)


def percent_over(of: OfArms) -> OfArms:
    """A ratio as a change: 100 (ratio - 1)."""
    return lambda arms: 100.0 * (of(arms) - 1.0)


def weighted(values: np.ndarray, weights: np.ndarray) -> float:
    """Mean of values by weight, those without a number left out; nan without weight."""
    known = np.isfinite(values) & np.isfinite(weights)
    total = float(weights[known].sum())
    return float((values[known] * weights[known]).sum()) / total if total else NAN
