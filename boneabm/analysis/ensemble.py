"""Statistics of ensembles: intervals over seeds, differences between arms, seeds against geometries, how many runs.

A run is one number (or one daily series) of one arm, geometry and replicate. NaN means that a run has no value: it is
left out and never counted in n. Infinite values are refused (ValueError). What cannot be known is nan, without warning.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from ..errors import InputError
from .band import Band, band, check_share, finite_values, t_quantile

__all__ = [
    "Band", "Interval", "PairedDifference", "UnpairedDifference", "VarianceSplit", "band", "mean_interval",
    "paired_difference", "required_replicates", "required_replicates_for_difference", "unpaired_difference",
    "variance_split",
]  # fmt: skip

ROUNDING = 8 * np.finfo(np.float64).eps
"""Values that differ by less than this times the largest magnitude count as equal."""
FEWEST_FOR_PERCENTILE = 5
"""Pairs below which nothing is resampled: four values have 35 different resamples, too few for a tail of 1 in 40."""
FEWEST_FOR_BCA = 10
"""Pairs below which skewness and bias of the mean are too uncertain to correct for; the percentile interval is used."""
FEWEST_RESAMPLES = 100
BATCH_VALUES = 10**6
"""Resampled values held at once, 8 MB; changes no result."""
MOST_REPLICATES = 2**30
"""A larger required number is reported as impossible."""


@dataclass(frozen=True)
class Interval:
    """An estimate with its confidence interval.

    estimate : the estimated quantity, in its own unit
    low, high : bounds, low <= estimate <= high as a rule; nan where n is too small, `method` then says so
    level    : 0..1, share of repeated experiments whose interval holds the truth, if the method's assumptions do
    n        : values used (pairs in a paired comparison, values of all groups in a variance split)
    method   : how the bounds were made, in words
    """

    estimate: float
    low: float
    high: float
    level: float
    n: int
    method: str


@dataclass(frozen=True)
class PairedDifference:
    """Treated minus control, run by run, for arms that share their random numbers. d_i = treated_i - control_i.

    n, dropped     : complete pairs; pairs left out because one side is nan
    difference     : mean of d with the t interval, mean(d) +- t_{n-1} sd(d) / sqrt(n)
    bootstrap      : mean of d with an interval from resampled pairs (Efron 1987, doi 10.2307/2289144)
    sd             : sd of d, >= 0, unit of the values
    correlation    : -1..1, Pearson's, between the arms over the replicates; nan where an arm does not vary
    variance_ratio : var(d) / (var(treated) + var(control)), >= 0; 1: common random numbers save nothing, 0.1: a tenth
                     of the runs gives the interval that independent seeds would give (Law, Simulation Modeling and
                     Analysis, ch. 11)
    d_z            : J mean(d) / sd(d), J = Gamma(f/2) / (sqrt(f/2) Gamma((f-1)/2)), f = n - 1 (Hedges 1981,
                     doi 10.3102/10769986006002107); from n = 3
    d_av           : mean(d) / ((sd(treated) + sd(control)) / 2), not corrected (Lakens 2013,
                     doi 10.3389/fpsyg.2013.00863)
    p_value        : 0..1, two-sided paired t test of mean(d) = 0

    Where all d are equal (to rounding) sd is 0, both intervals have no width, and d_z and p_value are nan: without
    spread there is no test.
    """

    n: int
    dropped: int
    difference: Interval
    bootstrap: Interval
    sd: float
    correlation: float
    variance_ratio: float
    d_z: float
    d_av: float
    p_value: float


@dataclass(frozen=True)
class UnpairedDifference:
    """Treated minus control for arms with unrelated seeds, variances may differ (Welch 1947, doi 10.2307/2332510).

    n_treated, n_control : values used
    difference : difference of the means +- t_f sqrt(v_t + v_c), v = var / n of an arm
    df         : f = (v_t + v_c)^2 / (v_t^2 / (n_t - 1) + v_c^2 / (n_c - 1))
    d_av       : difference / ((sd(treated) + sd(control)) / 2), as in PairedDifference
    p_value    : 0..1, two-sided; nan where neither arm varies
    """

    n_treated: int
    n_control: int
    difference: Interval
    df: float
    d_av: float
    p_value: float


@dataclass(frozen=True)
class VarianceSplit:
    """Where the scatter comes from: one-way random effects, y_ij = mu + geometry_i + seed_ij.

    n, groups        : values and geometries used
    n0               : (N - sum n_i^2 / N) / (a - 1), values per geometry; the common n_i in a balanced design
    between          : (MSB - MSW) / n0, variance between geometries, >= 0, unit squared
    within           : MSW, variance between seeds in one geometry, >= 0, unit squared
    between_negative : the estimate of `between` came out below 0 and is reported as 0: geometries differ no more than
                       seeds make them differ
    icc              : between / (between + within), 0..1, correlation of two seeds in one geometry, with its interval
    f, p_value       : MSB / MSW and the F test of between = 0

    With one geometry or with one seed in each, the parts that cannot be told apart are nan, as is F without scatter
    between seeds.
    Source: Searle, Casella and McCulloch, Variance Components, 1992, ch. 3.
    """

    n: int
    groups: int
    n0: float
    between: float
    within: float
    between_negative: bool
    icc: Interval
    f: float
    p_value: float


def mean_interval(values: ArrayLike, level: float = 0.95) -> Interval:
    """Mean of a quantity over replicates with Student's t interval, mean +- t_{n-1} sd / sqrt(n).

    values : (R,) one per run, any unit; nan = no value
    level  : 0 < level < 1

    One value gives nan bounds and says so in `method`, none a nan estimate. InputError for the level, ValueError for
    values that are not one row of finite numbers.
    """
    check_share("level", level)
    x = _known(values)
    return _t_interval(_mean(x), _sd(x) / np.sqrt(max(x.size, 1)), x.size - 1, level, x.size)


def paired_difference(
    treated: ArrayLike, control: ArrayLike, level: float = 0.95, resamples: int = 9999, seed: int = 0
) -> PairedDifference:
    """Compare two arms pair by pair: entry i of both comes from the same replicate (seed) and geometry.

    treated, control : (R,) one per pair, same unit; a pair with a nan is dropped
    level            : 0 < level < 1
    resamples        : >= 100, bootstrap samples of the pairs; BCa from 10 pairs, percentile from 5, none below
    seed             : >= 0, of the bootstrap: equal input gives equal bounds

    Pairs count as independent. With several geometries the interval therefore speaks of more seeds in these
    geometries; for a statement on geometries at large give one mean per geometry. InputError for the level, ValueError
    for arms of unequal length, infinite values or too few resamples.
    """
    check_share("level", level)
    t, c = finite_values(treated), finite_values(control)
    if t.size != c.size:
        raise ValueError(f"Paired arms need equal length: treated has {t.size} values, control {c.size}.")
    if resamples < FEWEST_RESAMPLES:
        raise ValueError(f"resamples is {resamples}; at least {FEWEST_RESAMPLES} are needed.")
    complete = ~(np.isnan(t) | np.isnan(c))
    t, c = t[complete], c[complete]
    d, scale = t - c, _scale(np.concatenate((t, c)))
    n, mean, sd = d.size, _mean(d), _sd(d, scale)
    return PairedDifference(
        n=n,
        dropped=complete.size - n,
        difference=_t_interval(mean, sd / np.sqrt(max(n, 1)), n - 1, level, n),
        bootstrap=_bootstrap(d, mean, sd, level, resamples, seed),
        sd=sd,
        correlation=_correlation(t, c),
        variance_ratio=_ratio(sd**2, _sd(t) ** 2 + _sd(c) ** 2),
        d_z=_hedges_correction(n - 1) * _ratio(mean, sd),
        d_av=_ratio(mean, 0.5 * (_sd(t) + _sd(c))),
        p_value=_two_sided(_ratio(mean, sd) * np.sqrt(n), n - 1),
    )


def unpaired_difference(treated: ArrayLike, control: ArrayLike, level: float = 0.95) -> UnpairedDifference:
    """Compare two arms that share no seeds, by Welch's t.

    treated, control : (R,), (S,) one per run, same unit; nan = no value
    level            : 0 < level < 1

    An arm with fewer than two values gives nan bounds. InputError for the level, ValueError for infinite values.
    """
    check_share("level", level)
    t, c = _known(treated), _known(control)
    mean = _mean(t) - _mean(c)
    v_t, v_c = (_sd(x) ** 2 / max(x.size, 1) for x in (t, c))
    error = float(np.sqrt(v_t + v_c))
    df = _ratio((v_t + v_c) ** 2, v_t**2 / max(t.size - 1, 1) + v_c**2 / max(c.size - 1, 1))
    interval = _t_interval(mean, error, df, level, t.size + c.size, "Welch's t")
    d_av = _ratio(mean, 0.5 * (_sd(t) + _sd(c)))
    return UnpairedDifference(t.size, c.size, interval, df, d_av, _two_sided(_ratio(mean, error), df))


def variance_split(values: ArrayLike, group: ArrayLike, level: float = 0.95) -> VarianceSplit:
    """Split the variance of an ensemble into geometries and seeds (one-way random effects, designs may be unbalanced).

    values : (R,) one per run, any unit; nan = no value
    group  : (R,) label of the geometry of each run (names or numbers)
    level  : 0 < level < 1, of the interval of the intraclass correlation

    That interval is Thomas and Hultquist's (1978, doi 10.1214/aos/1176344202): geometries weigh the same and the
    harmonic mean n_h of their sizes stands for n,
        (F* / q - 1) / (F* / q + n_h - 1), F* = n_h var(geometry means) / MSW, q = quantiles of F(a - 1, N - a),
    which is the exact F interval in a balanced design and a close approximation otherwise (it may cover too much where
    sizes are very unequal and the correlation is near 0). Bounds below 0 are reported as 0.

    InputError for the level, ValueError for arrays of unequal length or infinite values.
    """
    check_share("level", level)
    y, labels = finite_values(values), np.asarray(group)
    if labels.shape != y.shape:
        raise ValueError(f"Each value needs its group: {y.size} values, groups of shape {labels.shape}.")
    y, labels = y[~np.isnan(y)], labels[~np.isnan(y)]
    index = np.unique(labels, return_inverse=True)[1].reshape(-1)
    sizes = np.bincount(index)
    means = np.bincount(index, weights=y) / sizes
    n, a, scale = y.size, sizes.size, _scale(y)
    residuals, shifts = _without_rounding(y - means[index], scale), _without_rounding(means - _mean(y), scale)
    within = _ratio(float(residuals @ residuals), n - a)
    ms_between = _ratio(float(sizes @ shifts**2), max(a - 1, 0))
    n0 = _ratio(n - float(sizes @ sizes) / max(n, 1), max(a - 1, 0))
    estimate = _ratio(ms_between - within, n0)
    between = float(np.maximum(estimate, 0.0))
    icc = _ratio(between, between + within)
    f = _ratio(ms_between, within)
    return VarianceSplit(
        n=n,
        groups=a,
        n0=n0,
        between=between,
        within=within,
        between_negative=estimate < 0,
        icc=_icc_interval(icc, means, sizes, within, level),
        f=f,
        p_value=float(stats.f.sf(f, a - 1, n - a)),
    )


def required_replicates(sd: float, half_width: float, level: float = 0.95) -> int:
    """Replicates for a wished interval: the smallest n >= 2 with t_{n-1} sd / sqrt(n) <= half_width.

    sd         : >= 0, of the quantity over seeds (of the paired difference where arms are compared)
    half_width : > 0, wished half width of the interval, unit of sd
    level      : 0 < level < 1

    InputError for a half width or level that cannot be met, ValueError for sd.
    """
    check_share("level", level)
    _check_wish(sd, "half_width", half_width)
    return _smallest(lambda n: t_quantile(level, n - 1) * sd <= half_width * np.sqrt(n), "half_width", half_width)


def required_replicates_for_difference(
    sd: float, smallest_effect: float, power: float = 0.8, level: float = 0.95
) -> int:
    """Pairs with which a paired t test finds the smallest difference that matters, with the wished probability.

    Smallest n >= 2 with P(|T| > t_{n-1}) >= power, T noncentral t with n - 1 degrees of freedom and noncentrality
    sqrt(n) smallest_effect / sd; computed for T^2, which is noncentral F with 1 and n - 1 degrees of freedom.

    sd              : >= 0, of the paired differences
    smallest_effect : > 0, mean difference to be found, unit of sd
    power, level    : 0..1, exclusive; 1 - level is the risk of finding what is not there

    Source: Cohen, Statistical Power Analysis, 1988, ch. 2. InputError for a wish that cannot be met, ValueError for sd.
    """
    check_share("level", level)
    check_share("power", power)
    _check_wish(sd, "smallest_effect", smallest_effect)

    def enough(n: int) -> bool:
        threshold = float(t_quantile(level, n - 1)) ** 2
        return sd == 0 or bool(stats.ncf.sf(threshold, 1, n - 1, n * (smallest_effect / sd) ** 2) >= power)

    return _smallest(enough, "smallest_effect", smallest_effect)


def _smallest(enough: Callable[[int], bool], name: str, value: float) -> int:
    """Smallest n >= 2 that is enough, where every larger n is too: doubling, then halving the bracket."""
    low, high = 1, 2
    while not enough(high):
        low, high = high, 2 * high
        if high > MOST_REPLICATES:
            raise InputError(f"{name} = {value:g} would need more than {MOST_REPLICATES:.2g} runs; give a larger one.")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _check_wish(sd: float, name: str, value: float) -> None:
    if not 0 <= sd < np.inf:
        raise ValueError(f"sd = {sd} is not a finite number >= 0.")
    if not 0 < value < np.inf:
        raise InputError(f"{name} = {value:g} cannot be met by any number of runs; give a number above 0.")


def _known(values: ArrayLike) -> np.ndarray:
    """Values without nan."""
    x = finite_values(values)
    return x[~np.isnan(x)]


def _mean(x: np.ndarray) -> float:
    return float(x.mean()) if x.size else np.nan


def _scale(x: np.ndarray) -> float:
    """Largest magnitude; differences below ROUNDING times this are rounding."""
    return float(np.abs(x).max(initial=0.0))


def _without_rounding(deviations: np.ndarray, scale: float) -> np.ndarray:
    return np.where(np.abs(deviations) <= ROUNDING * scale, 0.0, deviations)


def _sd(x: np.ndarray, scale: float | None = None) -> float:
    """Sample sd (n - 1); nan below two values, exactly 0 where all are equal but for rounding."""
    if x.size < 2:
        return np.nan
    return 0.0 if np.ptp(x) <= ROUNDING * (_scale(x) if scale is None else scale) else float(x.std(ddof=1))


def _ratio(above: float, below: float) -> float:
    """Quotient; nan where the denominator is 0 or unknown."""
    return above / below if below else np.nan


def _correlation(t: np.ndarray, c: np.ndarray) -> float:
    varies = t.size > 1 and _sd(t) > 0 and _sd(c) > 0
    return float(np.corrcoef(t, c)[0, 1]) if varies else np.nan


def _hedges_correction(df: int) -> float:
    """J(f), about 1 - 3 / (4 f - 1); nan below two degrees of freedom, where d_z has no mean."""
    if df < 2:
        return np.nan
    return float(np.exp(special.gammaln(df / 2) - special.gammaln((df - 1) / 2)) / np.sqrt(df / 2))


def _two_sided(t: float, df: float) -> float:
    """Two-sided p value of a t statistic."""
    return float(2 * stats.t.sf(abs(t), df))


def _t_interval(mean: float, error: float, df: float, level: float, n: int, method: str = "Student's t") -> Interval:
    """mean +- t_df error; no width without scatter, nan without degrees of freedom."""
    half = 0.0 if error == 0 else float(t_quantile(level, df) * error)
    if np.isnan(half):
        method = f"none: {method} needs two values" + (" in each arm" if method == "Welch's t" else "") + f", n = {n}"
    return Interval(mean, mean - half, mean + half, level, n, method)


def _bootstrap(d: np.ndarray, mean: float, sd: float, level: float, resamples: int, seed: int) -> Interval:
    """Interval of the mean of d from resampled deviations, which a large mean does not round away."""
    n = d.size
    if n < FEWEST_FOR_PERCENTILE:
        reason = f"none: bootstrap needs {FEWEST_FOR_PERCENTILE} pairs, n = {n}"
        return Interval(mean, np.nan, np.nan, level, n, reason)
    if sd == 0:
        return Interval(mean, mean, mean, level, n, "all differences are equal")
    method = "BCa" if n >= FEWEST_FOR_BCA else "percentile"
    result = stats.bootstrap(
        (d - mean,), np.mean, n_resamples=resamples, batch=max(1, BATCH_VALUES // n),
        confidence_level=level, method=method, random_state=np.random.default_rng(seed),
    )  # fmt: skip
    low, high = (mean + float(bound) for bound in result.confidence_interval)
    return Interval(mean, low, high, level, n, f"bootstrap of pairs, {method}, {resamples} resamples")


def _icc_interval(icc: float, means: np.ndarray, sizes: np.ndarray, within: float, level: float) -> Interval:
    """Thomas and Hultquist's interval of the intraclass correlation, exact where all sizes are equal."""
    n, a = int(sizes.sum()), sizes.size
    if np.isnan(icc):
        return Interval(icc, np.nan, np.nan, level, n, "none: needs scatter, two groups, and two values in one of them")
    if within == 0:
        return Interval(icc, icc, icc, level, n, "no scatter within groups")
    n_h = a / float((1.0 / sizes).sum())
    f = n_h * float(means.var(ddof=1)) / within
    tails = stats.f.ppf([0.5 + 0.5 * level, 0.5 - 0.5 * level], a - 1, n - a)
    low, high = np.maximum((f / tails - 1) / (f / tails + n_h - 1), 0.0)
    exact = "exact F" if sizes.min() == sizes.max() else "F with harmonic mean of sizes (Thomas and Hultquist)"
    return Interval(icc, float(low), float(high), level, n, exact)
