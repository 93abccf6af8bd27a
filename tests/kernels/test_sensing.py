"""Osteocytes: what they make of a load history, how long they live, what they send, and that order changes nothing."""

from __future__ import annotations

import numpy as np
import pytest
from sensing_plain import fate_plain, fill_outside_plain, hazard_plain, secretion_plain, signal_plain

from boneabm.kernels import blocks, sensing
from boneabm.parameters import ParameterSet
from boneabm.remodeling.parameters import OsteocyteParameters, SignalingParameters

P = ParameterSet.load().section("osteocyte", OsteocyteParameters)
SIGNALING = ParameterSet.load().section("signaling", SignalingParameters)
NEVER_ADAPTS = P._replace(adaptation_d=1e12)


def history(stimuli, p=P, gain=1.0):
    """Signal on every day of a series of relative stimuli, for an osteocyte that was at rest at 1."""
    memory, set_point, signals = 1.0, 0.0, []
    for psi in stimuli:
        rates = sensing.osteocyte_rates(p)
        memory, set_point, signal = sensing.osteocyte_signal(float(psi), memory, set_point, gain, rates)
        signals.append(signal)
    return np.array(signals)


def cells(n, seed=1, voxels=500):
    rng = np.random.default_rng(seed)
    return {
        "voxel": rng.integers(0, voxels, n).astype(np.int32),
        "key": rng.integers(0, 2**63, n).astype(np.uint64) * np.uint64(2),
        "memory": (2 * rng.random(n)).astype(np.float32),
        "set_point": rng.normal(0, 0.3, n).astype(np.float32),
        "signal": np.ones(n, np.float32),
        "fate": np.full(n, 7, np.uint8),
    }


def sense(population, psi, matrix, rows=None, p=P, seed=3, day=12, survival=1.0):
    rows = np.arange(population["voxel"].size) if rows is None else rows
    arrays = tuple(population.values())
    launched = -(-rows.size // sensing.BLOCK)
    rates = sensing.osteocyte_rates(p)
    blocks.launch(sensing.sense, launched, rows, seed, day, 1.0, survival, rates, arrays, psi, matrix)
    return population


def bone(voxels=500, seed=2):
    """Flat stimulus and matrix, a quarter of the voxels partly resorbed."""
    rng = np.random.default_rng(seed)
    matrix = np.where(rng.random(voxels) < 0.25, rng.random(voxels), 1)
    return (2 * rng.random(voxels)).astype(np.float32), matrix.astype(np.float32)


# the signal of one osteocyte


def test_one_day_equals_the_plain_twin():
    """Memory, set point and signal for low, habitual and high stimuli, with and without a dead zone."""
    for p in (P, P._replace(dead_zone=0.1, stimulus_exponent=5.0)):
        for psi in (0.0, 0.4, 1.0, 1.06, 3.0):
            for memory, set_point in ((1.0, 0.0), (0.2, -0.4), (5.0, 0.3)):
                case = (psi, memory, set_point, 0.8)
                fast = sensing.osteocyte_signal(*case, sensing.osteocyte_rates(p))
                assert fast == pytest.approx(signal_plain(*case, p), rel=1e-12, abs=1e-12)


def test_a_shift_of_set_points_lowers_the_signal_and_zero_changes_no_bit():
    """S = 1 + gain (psi_bar / (psi* e^s) - 1); memory and the stored set point do not know of the shift."""
    for psi, memory, set_point in ((0.4, 0.2, -0.4), (1.0, 1.0, 0.0), (1.7, 5.0, 0.3)):
        case = (psi, memory, set_point, 0.8)
        rates = [sensing.osteocyte_rates(P, *shift) for shift in ((), (0.0,), (0.2,), (-0.2,))]
        plain, none, up, down = (sensing.osteocyte_signal(*case, one) for one in rates)
        assert none == plain
        assert up[:2] == down[:2] == plain[:2]
        assert up[2] < plain[2] < down[2]
        assert up[2] == pytest.approx(signal_plain(*case, P, 0.2)[2], rel=1e-12)
        felt = (plain[2] - 1) / 0.8 + 1
        assert up[2] == pytest.approx(1 + 0.8 * (felt * np.exp(-0.2) - 1), rel=1e-12)


def test_the_habitual_stimulus_gives_the_neutral_signal():
    """psi = 1 for ten years: S = 1 on every day."""
    np.testing.assert_allclose(history(np.ones(3650)), 1, atol=1e-12)


@pytest.mark.parametrize("step", [0.6, 0.8, 1.3, 1.8])
def test_a_step_starts_at_its_size_and_ends_at_its_own_share(step):
    """S = x after the memory has filled; after many adaptation times S = x^(1 - kappa)."""
    stimuli = np.full(20 * 280, step)
    assert history(stimuli, NEVER_ADAPTS)[400] == pytest.approx(step, rel=0.01)
    adapted = history(stimuli)
    assert adapted[-1] == pytest.approx(step ** (1 - P.own_history_share), rel=0.01)
    peak = adapted[np.argmax(abs(adapted - 1))]
    assert abs(peak - 1) > 0.8 * abs(step - 1)


def test_memory_is_quick_upward_and_slow_downward():
    """The norm of order 4 hears strong days: 63 % of a doubled stimulus in < 10 d, of a lost one in memory x order."""
    up = np.argmax(history(np.full(400, 2.0), NEVER_ADAPTS) > 1 + 0.632)
    down = np.argmax(history(np.zeros(400), NEVER_ADAPTS) < 1 - 0.632)
    assert up < 10
    assert down == pytest.approx(P.memory_d * P.stimulus_exponent, abs=2)


@pytest.mark.parametrize("days", [30, 3650])
def test_no_load_gives_no_anabolic_signal(days):
    """Without load the signal never exceeds 1, however long it adapts, and goes to 0 for gain 1."""
    signals = history(np.zeros(days))
    assert signals.max() <= 1
    assert (np.diff(signals[:30]) < 0).all()
    if days > 1000:
        assert signals[-1] == pytest.approx(0, abs=1e-6)


def test_inside_the_dead_zone_nothing_changes():
    """Excess below its half width gives S = 1; beyond it the signal starts at 1 and loses the width."""
    p = NEVER_ADAPTS._replace(dead_zone=0.1)
    np.testing.assert_array_equal(history(np.full(300, 1.09), p), 1)
    np.testing.assert_array_equal(history(np.full(300, 0.92), p), 1)
    assert history(np.full(300, 1.5), p)[-1] == pytest.approx(1.4, rel=1e-3)
    assert history(np.full(900, 0.5), p)[-1] == pytest.approx(0.6, rel=1e-3)


@pytest.mark.parametrize(("week", "gain"), [((1, 1, 0, 0, 0, 0, 0), 1.0), ((1, 0, 0, 1, 0, 0, 0), P.gain)])
def test_two_loaded_days_a_week_are_felt_as_a_steady_load(week, gain):
    """The signal ripples by less than 10 % within a week; two days in a row at the default gain of 1.5 by 14 %."""
    stimuli = np.tile(np.array(week) * 3.5**0.25, 60)
    last = history(stimuli, NEVER_ADAPTS, gain)[-14:]
    assert last.mean() == pytest.approx(1, abs=0.05)
    assert np.ptp(last) < 0.1 * last.mean()


def test_the_signal_is_limited_and_scales_with_the_gain():
    """0 <= S <= S_max; half the gain gives half the excess."""
    assert history(np.full(300, 50.0), NEVER_ADAPTS)[-1] == P.signal_max
    full, half = (history(np.full(300, 1.5), NEVER_ADAPTS, gain)[-1] for gain in (1.0, 0.5))
    assert half - 1 == pytest.approx((full - 1) / 2)
    assert history(np.zeros(300), NEVER_ADAPTS, 3.0).min() == 0


# life and death


@pytest.mark.parametrize(("memory", "factor"), [(1.0, 1.0), (0.5**4, 2.0), (0.0, 3.0)])
def test_deaths_follow_the_hazard(memory, factor):
    """Mean life 25 y at S = 1; disuse multiplies the hazard by 1 + 2 (1 - S): 30 000 cells, 4 standard deviations."""
    n, p = 30_000, P._replace(life_d=100.0, adaptation_d=1e12)
    population = cells(n, voxels=1)
    population["memory"][:], population["set_point"][:] = memory, 0
    psi = np.full(1, memory**0.25, np.float32)
    sense(population, psi, np.ones(1, np.float32), p=p)
    expected = n * factor / 100
    assert abs((population["fate"] == 1).sum() - expected) < 4 * np.sqrt(expected)


def test_mean_life_is_the_inverse_hazard():
    """Ten thousand osteocytes with a life of 40 d x survival 1.5 live 60 d on average."""
    population, p = cells(10_000, voxels=1), P._replace(life_d=40.0)
    population["memory"][:], population["set_point"][:] = 1, 0
    living, days = np.arange(10_000), 0
    for day in range(800):
        sense(population, np.ones(1, np.float32), np.ones(1, np.float32), living, p, day=day, survival=1.5)
        days += living.size
        living = living[population["fate"][living] == 0]
    assert living.size == 0
    assert days / 10_000 == pytest.approx(60, rel=0.04)


def test_hazard_and_height_equal_their_formulas():
    """(1 + disuse (1 - S)+) / (life x survival); the height is the upper 24 bits of the key."""
    for signal in (0.0, 0.7, 1.0, 2.0):
        fast = sensing.osteocyte_hazard(signal, 0.8, sensing.osteocyte_rates(P))
        assert fast == pytest.approx(hazard_plain(signal, 0.8, P))
    assert sensing.lacuna_height(np.uint64(0)) == 0
    assert sensing.lacuna_height(np.uint64(2**63)) == 0.5
    assert sensing.lacuna_height(np.uint64(2**64 - 1)) == 1 - 2.0**-24


@pytest.mark.parametrize("fraction", [0.0, 0.3, 0.9, 1.0])
def test_resorption_opens_lacunae_in_proportion(fraction):
    """In a voxel resorbed to fraction f a share 1 - f of the lacunae is opened, always the same ones."""
    population, p = cells(20_000, voxels=1), P._replace(life_d=1e9)
    freed = sense(population, np.ones(1, np.float32), np.full(1, fraction, np.float32), p=p)["fate"] == 2
    assert freed.mean() == pytest.approx(1 - fraction, abs=0.012)
    again = sense(population, np.ones(1, np.float32), np.full(1, fraction, np.float32), p=p, day=99)["fate"] == 2
    np.testing.assert_array_equal(freed, again)


# the bulk rule


def test_the_bulk_rule_equals_the_plain_twin():
    """Memory, set point and signal to float32, fates exactly, for 2000 cells in intact and eroded bone."""
    psi, matrix = bone()
    p = P._replace(life_d=20.0)
    before = cells(2000)
    after = sense({name: a.copy() for name, a in before.items()}, psi, matrix, p=p)
    for row in range(2000):
        v = before["voxel"][row]
        start = (float(before["memory"][row]), float(before["set_point"][row]))
        expected = signal_plain(float(psi[v]), *start, 1.0, p)
        own = [after[name][row] for name in ("memory", "set_point", "signal")]
        np.testing.assert_allclose(own, expected, rtol=1e-6, atol=1e-6)
        fate = fate_plain(3, 12, int(before["key"][row]), float(after["signal"][row]), matrix[v], 1.0, p)
        assert after["fate"][row] == fate
    assert set(after["fate"]) == {0, 1, 2}


def test_order_and_threads_change_no_bit():
    """All rows at once, reversed, in two calls, and with three threads."""
    psi, matrix = bone()
    n = 3 * sensing.BLOCK + 100
    expected = sense(cells(n), psi, matrix)
    backward = sense(cells(n), psi, matrix, np.arange(n)[::-1])
    parts = sense(sense(cells(n), psi, matrix, np.arange(900, n)), psi, matrix, np.arange(900))
    threads = blocks.get_threads()
    try:
        blocks.set_threads(3)
        threaded = sense(cells(n), psi, matrix)
    finally:
        blocks.set_threads(threads)
    for other in (backward, parts, threaded):
        for name, array in expected.items():
            assert array.tobytes() == other[name].tobytes(), name


# what is sent out


def test_sources_add_up_cell_by_cell():
    """RANKL, OPG and sclerostin of 300 osteocytes in 40 voxels equal the sum of the plain secretion."""
    rng = np.random.default_rng(4)
    voxel, signal = rng.integers(0, 40, 300).astype(np.int32), (3 * rng.random(300)).astype(np.float32)
    share, out = (0.7, 0.9, 1.3), [np.zeros(40, np.float32) for _ in range(3)]
    sensing.osteocyte_sources(voxel, signal, share, SIGNALING, *out)
    for i in range(3):
        each = [share[i] * secretion_plain(float(s), SIGNALING)[i] for s in signal]
        np.testing.assert_allclose(out[i], np.bincount(voxel, each, 40), rtol=1e-5)


def test_underload_raises_rankl_and_sclerostin_and_lowers_opg():
    """Signs of secretion about the neutral signal, where each is exactly 1."""
    assert sensing.secretion(1.0, SIGNALING) == (1, 1, 1)
    rankl, opg, sclerostin = sensing.secretion(0.5, SIGNALING)
    assert rankl > 1 > opg
    assert sclerostin > 1


def test_lining_and_dying_cells_add_to_the_sources():
    """Lining: per area; dying neighborhoods: a fixed amount each, also twice in the same voxel."""
    voxel, area = np.array([1, 3], np.int32), np.array([400, 500], np.float32)
    rankl, opg = np.ones(5, np.float32), np.zeros(5, np.float32)
    sensing.surface_sources(voxel, area, (0.01, 0.02), rankl, opg)
    sensing.add_at(np.array([3, 3, 0], np.int32), np.float32(2.5), rankl)
    np.testing.assert_allclose(rankl, [3.5, 5, 1, 11, 1], rtol=1e-6)
    np.testing.assert_allclose(opg, [0, 8, 0, 10, 0], rtol=1e-6)


def test_unsolved_voxels_take_the_mean_of_their_neighbors():
    """Sparse masks against the plain twin; solved voxels keep their value, lonely ones are neutral; any threads."""
    rng = np.random.default_rng(6)
    mask, psi = rng.random((9, 8, 10)) < 0.06, rng.random((9, 8, 10), np.float32)
    out, threads = np.empty((3, *mask.shape), np.float32), blocks.get_threads()
    try:
        for count in (1, 2, 3):
            blocks.set_threads(count)
            blocks.launch(sensing.fill_outside, 9, mask, psi, out[count - 1])
    finally:
        blocks.set_threads(threads)
    np.testing.assert_allclose(out[0], fill_outside_plain(mask, psi), rtol=1e-6)
    np.testing.assert_array_equal(out[0], out[1])
    np.testing.assert_array_equal(out[0], out[2])
    assert (out[0] == 1).any()
