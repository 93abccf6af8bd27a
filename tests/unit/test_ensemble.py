"""Ensembles: intervals hold the truth as often as they say, textbook data give textbook numbers, nothing crashes.

Simulated shares have a standard error sqrt(p (1 - p) / trials); tolerances are four of them unless a cause is written.
"""

from __future__ import annotations

import itertools
import tracemalloc
import warnings
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from scipy import stats

from boneabm.analysis.ensemble import (
    Band,
    Interval,
    band,
    mean_interval,
    paired_difference,
    required_replicates,
    required_replicates_for_difference,
    unpaired_difference,
    variance_split,
)
from boneabm.errors import InputError

NAN = float("nan")
SLEEP_1 = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
SLEEP_2 = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
"""Extra hours of sleep of ten patients under two drugs (Student 1908; data set `sleep` of R)."""
DYESTUFF = np.array([
    [1545, 1440, 1440, 1520, 1580], [1540, 1555, 1490, 1560, 1495], [1595, 1550, 1605, 1510, 1560],
    [1445, 1440, 1595, 1465, 1545], [1595, 1630, 1515, 1635, 1625], [1520, 1455, 1450, 1480, 1445],
])  # fmt: skip
"""Yield of dyestuff, g, six batches of five (Davies and Goldsmith 1972, table 6.3; `Dyestuff` of lme4)."""
JUDGES = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]])
"""Six targets rated four times (Shrout and Fleiss 1979, table 2)."""


@pytest.fixture(autouse=True)
def no_warnings() -> Iterator[None]:
    """No statistic warns, whatever it is given."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def labels(table: np.ndarray) -> np.ndarray:
    """Row number of each entry of a table, flat."""
    return np.repeat(np.arange(table.shape[0]), table.shape[1])


def coverage(interval: Callable[[np.random.Generator], Interval], truth: float, trials: int) -> float:
    """Share of simulated experiments whose interval holds the truth."""
    draws = np.random.default_rng(4)
    made = [interval(draws) for _ in range(trials)]
    return sum(i.low <= truth <= i.high for i in made) / trials


def four_errors(share: float, trials: int) -> float:
    return 4 * (share * (1 - share) / trials) ** 0.5


# One arm


def test_mean_interval_holds_the_mean_as_often_as_it_says():
    for n, level in ((3, 0.9), (8, 0.95)):
        share = coverage(lambda draws, n=n, level=level: mean_interval(draws.normal(2.0, 3.0, n), level), 2.0, 3000)
        assert share == pytest.approx(level, abs=four_errors(level, 3000))


def test_mean_interval_agrees_with_scipy():
    made = mean_interval(SLEEP_2, 0.9)
    low, high = stats.t.interval(0.9, 9, np.mean(SLEEP_2), stats.sem(SLEEP_2))
    assert (made.estimate, made.low, made.high) == pytest.approx((np.mean(SLEEP_2), low, high), rel=1e-12)
    assert (made.level, made.n, made.method) == (0.9, 10, "Student's t")


def test_nan_is_dropped_and_not_counted():
    assert mean_interval([1.0, NAN, 2.0, 4.0, NAN]) == mean_interval([1.0, 2.0, 4.0])


def test_one_value_has_a_mean_and_no_interval_and_says_so():
    made = mean_interval([3.0])
    assert (made.estimate, made.n) == (3.0, 1)
    assert np.isnan([made.low, made.high]).all()
    assert "needs two values, n = 1" in made.method


def test_no_value_gives_nan():
    made = mean_interval([NAN, NAN])
    assert np.isnan([made.estimate, made.low, made.high]).all()
    assert made.n == 0


def test_equal_values_have_an_interval_without_width():
    made = mean_interval([0.1] * 3)
    assert made.low == made.estimate == made.high == pytest.approx(0.1)


# Two arms, paired


def test_paired_sleep_data():
    """t = 4.0621, df = 9, p = 0.002833, interval 0.7001142..2.4598858 (R, t.test(paired = TRUE))."""
    made = paired_difference(SLEEP_2, SLEEP_1)
    assert made.difference.estimate == pytest.approx(1.58)
    assert (made.difference.low, made.difference.high) == pytest.approx((0.7001142, 2.4598858), abs=1e-7)
    assert made.p_value == pytest.approx(0.002833, abs=5e-7)
    assert made.difference.estimate / (made.sd / 10**0.5) == pytest.approx(4.0621, abs=5e-5)
    assert made.n == 10
    assert made.dropped == 0


def test_paired_difference_agrees_with_scipy_and_numpy():
    draws = np.random.default_rng(1)
    control = draws.normal(10, 2, 30)
    treated = control + draws.normal(0.3, 1, 30)
    made, test = paired_difference(treated, control, 0.99), stats.ttest_rel(treated, control)
    assert made.p_value == pytest.approx(test.pvalue, rel=1e-10)
    low, high = test.confidence_interval(0.99)
    assert (made.difference.low, made.difference.high) == pytest.approx((low, high), rel=1e-10)
    assert made.correlation == pytest.approx(stats.pearsonr(treated, control).statistic)
    variances = treated.var(ddof=1), control.var(ddof=1)
    assert made.variance_ratio == pytest.approx((treated - control).var(ddof=1) / sum(variances))
    assert made.d_av == pytest.approx(2 * (treated - control).mean() / sum(v**0.5 for v in variances))


def test_swapped_arms_change_the_sign_only():
    one, two = paired_difference(SLEEP_2, SLEEP_1), paired_difference(SLEEP_1, SLEEP_2)
    assert two.difference.low == pytest.approx(-one.difference.high)
    assert (two.d_z, two.d_av, two.p_value) == pytest.approx((-one.d_z, -one.d_av, one.p_value))


def test_common_random_numbers_save_one_minus_the_correlation():
    """Equal variances and correlation rho give var(d) / (var + var) = 1 - rho, up to 4 errors sqrt(2 / n)."""
    draws, n, rho = np.random.default_rng(2), 2000, 0.9
    shared = draws.normal(size=n) * rho**0.5
    arms = [shared + draws.normal(size=n) * (1 - rho) ** 0.5 for _ in range(2)]
    made = paired_difference(*arms, resamples=100)
    assert made.variance_ratio == pytest.approx(1 - rho, rel=4 * (2 / n) ** 0.5)
    assert made.correlation == pytest.approx(rho, abs=4 * (1 - rho**2) / n**0.5)


def test_hedges_correction_takes_the_bias_out_of_small_ensembles():
    """Mean of d_z over many ensembles of four pairs is the true effect, 1; uncorrected it would be 1.38."""
    draws, trials = np.random.default_rng(3), 3000
    d_z = [paired_difference(draws.normal(1.0, 1.0, 4), np.zeros(4)).d_z for _ in range(trials)]
    assert np.mean(d_z) == pytest.approx(1.0, abs=4 * np.std(d_z) / trials**0.5)


def test_percentile_bootstrap_is_the_exhaustive_bootstrap():
    """Five pairs: quantiles of the means of all 5^5 resamples; three errors of a drawn quantile are about 0.05 sd."""
    d = np.array([0.3, 1.9, 2.2, 3.1, 4.6])
    all_means = [np.mean(resample) for resample in itertools.product(d, repeat=5)]
    made = paired_difference(d, np.zeros(5), 0.9).bootstrap
    assert "percentile" in made.method
    assert (made.low, made.high) == pytest.approx(tuple(np.quantile(all_means, [0.05, 0.95])), abs=0.05 * d.std())


def test_bca_bootstrap_holds_the_mean_of_skewed_differences():
    """Exponential differences, n = 25: BCa is known to cover less than its level there, hence 0.05 to the low side."""
    trials = 300
    share = coverage(
        lambda draws: paired_difference(draws.exponential(1, 25), np.zeros(25), resamples=500).bootstrap, 1.0, trials
    )
    assert 0.95 - 0.05 - four_errors(0.92, trials) < share < 0.95 + four_errors(0.95, trials)


def test_bca_leans_towards_the_long_tail():
    d = np.random.default_rng(5).exponential(1, 25)
    made = paired_difference(d, np.zeros(25)).bootstrap
    assert "BCa" in made.method
    assert made.high - made.estimate > 1.1 * (made.estimate - made.low)


def test_bootstrap_is_determined_by_its_seed():
    one, same, other = (paired_difference(SLEEP_2, SLEEP_1, seed=seed) for seed in (7, 7, 8))
    assert one == same
    assert one.bootstrap != other.bootstrap
    assert one.difference == other.difference


@pytest.mark.parametrize("offset", [0.0, 0.1, 1e6])
def test_equal_differences_have_no_spread_and_no_test(offset):
    """To rounding: x + 0.1 - x is not 0.1 in every pair."""
    control = np.random.default_rng(6).normal(1.0, 0.3, 12)
    made = paired_difference(control + offset, control)
    assert made.sd == made.variance_ratio == 0.0
    assert made.difference.low == made.difference.high == made.bootstrap.low == pytest.approx(offset, rel=1e-12)
    assert np.isnan([made.d_z, made.p_value]).all()


def test_arms_that_do_not_vary_have_no_correlation():
    made = paired_difference([2.0] * 5, [1.0] * 5)
    assert np.isnan([made.correlation, made.variance_ratio, made.d_av]).all()


def test_tiny_spread_on_a_large_mean_is_resampled_without_loss():
    d = np.where(np.arange(50) % 7 == 0, 1e-12, 0.0)
    small, large = (paired_difference(d + shift, np.zeros(50)) for shift in (0.0, 1.0))
    assert large.bootstrap.high - 1.0 == pytest.approx(small.bootstrap.high, rel=1e-3)


def test_pairs_with_a_missing_side_are_dropped_and_named():
    treated, control = [*SLEEP_2, NAN, 1.0], [*SLEEP_1, 2.0, NAN]
    made, complete = paired_difference(treated, control), paired_difference(SLEEP_2, SLEEP_1)
    assert (made.n, made.dropped) == (10, 2)
    assert (made.difference, made.bootstrap) == (complete.difference, complete.bootstrap)


@pytest.mark.parametrize("n", [0, 1, 2, 4])
def test_few_pairs_give_nan_and_say_why(n):
    made = paired_difference(SLEEP_2[:n], SLEEP_1[:n])
    assert np.isnan(made.difference.low) == (n < 2)
    assert np.isnan(made.d_z) == (n < 3)
    assert np.isnan(made.bootstrap.low)
    assert made.bootstrap.method == f"none: bootstrap needs 5 pairs, n = {n}"


# Two arms, unpaired


def test_unpaired_sleep_data():
    """Welch: df = 17.776, p = 0.07939, interval -0.2054832..3.3654832 (R, t.test)."""
    made = unpaired_difference(SLEEP_2, SLEEP_1)
    assert (made.difference.low, made.difference.high) == pytest.approx((-0.2054832, 3.3654832), abs=1e-7)
    assert (made.df, made.p_value) == pytest.approx((17.776, 0.07939), rel=1e-4)


def test_unpaired_difference_agrees_with_scipy_for_unequal_arms():
    treated, control = np.random.default_rng(7).normal(1, 3, 9), np.random.default_rng(8).normal(0, 1, 25)
    made, test = unpaired_difference([*treated, NAN], control), stats.ttest_ind(treated, control, equal_var=False)
    assert (made.n_treated, made.n_control) == (9, 25)
    assert (made.df, made.p_value) == pytest.approx((test.df, test.pvalue), rel=1e-10)
    assert (made.difference.low, made.difference.high) == pytest.approx(tuple(test.confidence_interval()), rel=1e-10)


def test_pairing_is_worth_its_correlation():
    """The same arms: paired interval narrower than Welch's by about sqrt(variance ratio)."""
    draws = np.random.default_rng(9)
    control = draws.normal(size=200)
    treated = control + 0.2 * draws.normal(size=200)
    paired, unpaired = paired_difference(treated, control, resamples=100), unpaired_difference(treated, control)
    widths = [i.high - i.low for i in (paired.difference, unpaired.difference)]
    assert widths[0] / widths[1] == pytest.approx(paired.variance_ratio**0.5, rel=0.01)


def test_unpaired_arms_without_spread_or_values():
    constant, single = unpaired_difference([2.0, 2.0], [1.0, 1.0, 1.0]), unpaired_difference([2.0], [1.0, 3.0])
    assert constant.difference.low == constant.difference.high == 1.0
    assert np.isnan(constant.p_value)
    assert np.isnan([single.difference.low, single.p_value]).all()
    assert "in each arm" in single.difference.method


# Seeds and geometries


def test_variance_split_of_the_dyestuff_data():
    """Batches 1764.05, rest 2451.25, F = 4.598, p = 0.0044 (lme4, REML equals ANOVA here; R, aov)."""
    made = variance_split(DYESTUFF.ravel(), labels(DYESTUFF))
    assert (made.between, made.within) == pytest.approx((1764.05, 2451.25), abs=5e-3)
    assert made.icc.estimate == pytest.approx(1764.05 / (1764.05 + 2451.25), rel=1e-5)
    assert (made.n, made.groups, made.n0) == (30, 6, 5.0)
    assert (made.f, made.p_value) == pytest.approx(tuple(stats.f_oneway(*DYESTUFF)), rel=1e-10)
    assert not made.between_negative


def test_intraclass_correlation_of_the_judges():
    """ICC(1,1) = 0.17, F = 1.79, p = 0.165, interval -0.133..0.723 (R, psych::ICC); low is reported as 0."""
    made = variance_split(JUDGES.ravel(), labels(JUDGES))
    assert made.icc.estimate == pytest.approx(0.166, abs=5e-4)
    assert (made.icc.low, made.icc.high) == pytest.approx((0.0, 0.723), abs=5e-4)
    assert made.p_value == pytest.approx(0.165, abs=5e-4)
    assert made.icc.method == "exact F"


def test_unbalanced_split_by_hand():
    """Groups 1 2 3 | 5 7 | 9: means 2, 6, 9, grand mean 4.5, squares within 2 + 2 + 0 over 6 - 3."""
    made = variance_split([1, 5, 2, 9, 7, 3], ["a", "b", "a", "c", "b", "a"], level=0.4)
    ms_between, n0 = (3 * 2.5**2 + 2 * 1.5**2 + 4.5**2) / 2, (6 - 14 / 6) / 2
    assert made.within == pytest.approx(4 / 3)
    assert made.n0 == pytest.approx(n0)
    assert made.between == pytest.approx((ms_between - 4 / 3) / n0)
    assert (made.f, made.p_value) == pytest.approx(tuple(stats.f_oneway([1, 2, 3], [5, 7], [9])))
    n_h = 3 / (1 / 3 + 1 / 2 + 1)
    above_one = n_h * np.var([2, 6, 9], ddof=1) / (4 / 3) / stats.f.isf([0.3, 0.7], 2, 3) - 1
    assert (made.icc.low, made.icc.high) == pytest.approx(tuple(above_one / (above_one + n_h)))


@pytest.mark.parametrize(("sizes", "allowed"), [((5,) * 8, 0.0), ((2, 3, 4, 5, 6, 7, 8, 9), 0.015)])
def test_components_are_unbiased_and_the_correlation_is_covered(sizes, allowed):
    """Variances 1 and 1, hence 0.5; the unbalanced interval is an approximation, which may miss its level by 0.015."""
    trials, group = 1500, np.repeat(np.arange(8), sizes)
    draws = np.random.default_rng(10)
    made = [variance_split(draws.normal(size=8)[group] + draws.normal(size=group.size), group) for _ in range(trials)]
    for component in ("between", "within"):
        values = [getattr(m, component) for m in made]
        assert np.mean(values) == pytest.approx(1.0, abs=4 * np.std(values) / trials**0.5 + 0.01)
    share = sum(m.icc.low <= 0.5 <= m.icc.high for m in made) / trials
    assert share == pytest.approx(0.95, abs=allowed + four_errors(0.95, trials))


def test_geometries_that_differ_less_than_seeds_are_reported_as_zero():
    made = variance_split([1.0, 3.0, 2.0, 1.0, 3.0, 2.0], [0, 0, 0, 1, 1, 1])
    assert made.between == made.icc.estimate == made.icc.low == 0.0
    assert made.between_negative


def test_split_without_scatter_within_geometries():
    made = variance_split([0.1] * 3 + [0.2] * 3, [0, 0, 0, 1, 1, 1])
    assert made.within == 0.0
    assert made.between == pytest.approx(0.005)
    assert (made.icc.low, made.icc.estimate, made.icc.high) == (1.0, 1.0, 1.0)
    assert np.isnan([made.f, made.p_value]).all()


@pytest.mark.parametrize(
    ("values", "group", "known"),
    [
        ([], [], ()), ([1.0, NAN], [1, 1], ()), ([1.0, 2.0, 4.0], [1, 1, 1], ("within",)),
        ([1.0, 2.0], [1, 2], ()), ([0.1] * 4, [1, 1, 2, 2], ("within", "between")),
    ],
)  # fmt: skip
def test_designs_that_cannot_be_split_give_nan(values, group, known):
    made = variance_split(values, group)
    assert {name for name in ("within", "between") if not np.isnan(getattr(made, name))} == set(known)
    assert np.isnan([made.icc.estimate, made.icc.low, made.f, made.p_value]).all()
    assert made.icc.method.startswith("none")


# How many


def test_required_replicates_are_enough_and_one_less_is_not():
    for ratio, level in itertools.product((0.05, 0.3, 1.0, 2.0), (0.8, 0.95, 0.999)):
        n = required_replicates(2.0, 2.0 * ratio, level)
        widths = [stats.t.ppf((1 + level) / 2, m - 1) / m**0.5 for m in (n, n - 1) if m > 1]
        assert widths[0] <= ratio
        assert all(width > ratio for width in widths[1:])


def test_required_replicates_grow_with_precision_and_level():
    by_width = [required_replicates(1.0, w) for w in (5.0, 1.0, 0.5, 0.2, 0.1, 0.01)]
    by_level = [required_replicates(1.0, 0.3, level) for level in (0.5, 0.8, 0.9, 0.95, 0.99)]
    assert by_width == sorted(by_width)
    assert by_level == sorted(set(by_level))
    assert required_replicates(0.0, 0.1) == 2


def test_many_required_replicates_follow_the_normal_law():
    """n = z^2 (sd / w)^2 + (z^2 + 1) / 2, from the expansion of t_{n-1} around the normal quantile z, rounded up."""
    z = stats.norm.ppf(0.975)
    assert 0 <= required_replicates(1.0, 0.01) - (z / 0.01) ** 2 - (z**2 + 1) / 2 < 1


@pytest.mark.parametrize(("effect", "power", "n"), [(0.2, 0.8, 199), (0.5, 0.8, 34), (0.8, 0.8, 15), (0.5, 0.95, 54)])
def test_required_pairs_are_those_of_gpower(effect, power, n):
    """G*Power 3.1, t tests, difference between two dependent means, two tails, alpha = 0.05."""
    assert required_replicates_for_difference(2.0, 2.0 * effect, power) == n


def test_required_pairs_find_the_effect_as_often_as_promised():
    """Wished power 0.8; n is a whole number, so the true power may lie above by what one pair brings (0.03 here)."""
    n, trials = required_replicates_for_difference(1.0, 0.8), 4000
    d = np.random.default_rng(11).normal(0.8, 1.0, (trials, n))
    found = float((stats.ttest_1samp(d, 0.0, axis=1).pvalue < 0.05).mean())
    assert 0.8 - four_errors(0.8, trials) < found < 0.83 + four_errors(0.8, trials)


def test_required_pairs_at_the_ends():
    assert required_replicates_for_difference(0.0, 0.1) == 2
    assert required_replicates_for_difference(1.0, 0.01) == pytest.approx((1.959964 + 0.841621) ** 2 / 0.01**2, abs=3)


@pytest.mark.parametrize("required", [required_replicates, required_replicates_for_difference])
def test_impossible_wishes_are_refused(required):
    for wish in (0.0, -1.0, NAN, float("inf")):
        with pytest.raises(InputError, match="give a number above 0"):
            required(1.0, wish)
    with pytest.raises(InputError, match=r"would need more than 1\.1e\+09 runs"):
        required(1.0, 1e-9)
    for sd in (-1.0, NAN, float("inf")):
        with pytest.raises(ValueError, match="sd = "):
            required(sd, 1.0)


# Daily bands


def daily(runs: int, days: int, seed: int = 12) -> np.ndarray:
    """Random courses around a drift, (runs, days)."""
    return np.linspace(0.2, 0.15, days) + 0.01 * np.random.default_rng(seed).normal(size=(runs, days)).cumsum(axis=1)


def assert_equal_bands(one: Band, two: Band) -> None:
    np.testing.assert_array_equal(one.count, two.count)
    for name in ("mean", "sd", "minimum", "maximum"):
        np.testing.assert_allclose(getattr(one, name), getattr(two, name), rtol=1e-10, atol=1e-14)


def test_band_is_that_of_the_stacked_series():
    runs = daily(40, 90)
    made = band(iter(runs))
    np.testing.assert_allclose(made.mean, runs.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(made.sd, runs.std(axis=0, ddof=1), rtol=1e-10)
    np.testing.assert_array_equal(made.minimum, runs.min(axis=0))
    np.testing.assert_array_equal(made.maximum, runs.max(axis=0))
    assert (made.count == 40).all()


def test_band_interval_is_the_mean_interval_of_each_day():
    runs = daily(7, 5)
    days = [mean_interval(day, 0.9) for day in runs.T]
    low, high = band(runs).interval(0.9)
    np.testing.assert_allclose(low, [day.low for day in days], rtol=1e-10)
    np.testing.assert_allclose(high, [day.high for day in days], rtol=1e-10)


def test_band_counts_each_day_alone():
    """Shorter series and nan leave a day uncounted, whatever comes first."""
    runs = daily(30, 20)
    lengths = np.random.default_rng(13).integers(0, 21, 30)
    runs[np.random.default_rng(14).random(runs.shape) < 0.2] = NAN
    made = band(run[:length] for run, length in zip(runs, lengths, strict=True))
    for day in range(made.count.size):
        values = runs[lengths > day, day]
        values = values[~np.isnan(values)]
        assert made.count[day] == values.size
        if values.size > 1:
            assert (made.mean[day], made.sd[day]) == pytest.approx((values.mean(), values.std(ddof=1)))
            assert (made.minimum[day], made.maximum[day]) == (values.min(), values.max())


def test_days_with_one_or_no_value():
    made = band([[1.0, 2.0, NAN], [3.0]])
    assert made.count.tolist() == [2, 1, 0]
    np.testing.assert_array_equal(made.mean, [2.0, 2.0, NAN])
    np.testing.assert_array_equal(made.maximum, [3.0, 2.0, NAN])
    np.testing.assert_array_equal(np.isnan(made.sd), [False, True, True])
    low, high = made.interval()
    np.testing.assert_array_equal(np.isnan(low), [False, True, True])
    np.testing.assert_array_equal(np.isnan(high), [False, True, True])


@pytest.mark.parametrize("cut", [0, 1, 13, 25])
def test_merged_bands_equal_one_band(cut):
    runs = [run[:length] for run, length in zip(daily(25, 30), [30, 12, 0, 30, 7] * 5, strict=True)]
    first, second = band(runs[:cut]), band(runs[cut:])
    before = second.mean.copy()
    first.merge(second)
    assert_equal_bands(first, band(runs))
    np.testing.assert_array_equal(second.mean, before)


def test_band_keeps_small_scatter_on_a_large_value():
    """sd 1 on 1e8: squares of sums would lose all digits; error of the mean's rounding allows 1e-6."""
    noise = np.random.default_rng(15).normal(size=(200, 3))
    np.testing.assert_allclose(band(noise + 1e8).sd, noise.std(axis=0, ddof=1), rtol=1e-6)


def test_memory_of_a_band_does_not_grow_with_runs():
    def peak(runs: int) -> int:
        tracemalloc.start()
        band(np.full(2000, float(run)) for run in range(runs))
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    peak(2)
    assert peak(200) < 1.1 * peak(20)


def test_no_series_give_an_empty_band():
    made = band([])
    assert made.count.size == made.sd.size == made.interval()[0].size == 0


# Wrong use


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0, NAN])
def test_a_level_outside_0_to_1_is_refused(level):
    for use in (
        lambda: mean_interval(SLEEP_1, level), lambda: paired_difference(SLEEP_1, SLEEP_2, level),
        lambda: unpaired_difference(SLEEP_1, SLEEP_2, level), lambda: variance_split(SLEEP_1, SLEEP_2, level),
        lambda: required_replicates(1.0, 1.0, level), lambda: required_replicates_for_difference(1.0, 1.0, 0.8, level),
        lambda: band([SLEEP_1]).interval(level),
    ):  # fmt: skip
        with pytest.raises(InputError, match=r"level = .* not between 0 and 1"):
            use()


def test_a_power_outside_0_to_1_is_refused():
    with pytest.raises(InputError, match="power = 80 is not between 0 and 1"):
        required_replicates_for_difference(1.0, 1.0, 80)


@pytest.mark.parametrize(
    ("use", "text"),
    [
        (lambda: paired_difference([1, 2], [1]), "treated has 2 values, control 1"),
        (lambda: paired_difference([1, 2], [1, 2], resamples=10), "at least 100"),
        (lambda: variance_split([1, 2], [1]), "Each value needs its group"),
        (lambda: mean_interval([1.0, float("inf")]), "Value 1 is infinite"),
        (lambda: mean_interval([[1.0, 2.0]]), r"not an array of shape \(1, 2\)"),
        (lambda: band([[1.0, -float("inf")]]), "Value 1 is infinite"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(use, text):
    with pytest.raises(ValueError, match=text):
        use()
