"""Random numbers: published answers, a plain twin, uniformity, and independence of streams, days and keys."""

from __future__ import annotations

import numpy as np
import pytest
from random_plain import bits_plain, cell_key_plain, normal_plain, philox_plain, uniform2_plain
from scipy import stats

from boneabm.kernels import random

PUBLISHED = {
    "zero": ((0, 0, 0, 0, 0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    "ones": ((0xFFFFFFFF,) * 6, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    "pi": (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344, 0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
}
CASES = [(0, 0, 0, 0), (1, 3, 40, 12345), (2**64 - 1, 9, 3650, 2**63 + 7), (7, 5, -1, 99), (2**40 + 5, 1, -3650, 2**35)]


def draws(seed=5, stream=random.TEAM, day=10, keys=None):
    keys = np.arange(100_000) if keys is None else keys
    out = np.empty(keys.size)
    random.uniform_array(seed, stream, day, keys, out)
    return out


def unlikely_chance(counts):
    """p value of a chi-square test that all cells of a table are equally likely."""
    return stats.chisquare(counts.ravel()).pvalue


@pytest.mark.parametrize("case", PUBLISHED)
def test_philox_gives_the_published_answers(case):
    """Known-answer vectors of Random123 (kat_vectors, philox4x32 10), by the kernel and by the twin."""
    given, expected = PUBLISHED[case]
    assert tuple(int(word) for word in random.philox(*map(np.uint64, given))) == expected
    assert philox_plain(given[:4], given[4:]) == expected


@pytest.mark.parametrize("case", CASES)
def test_draws_equal_the_plain_twin(case):
    """Bits and numbers for large seeds, large keys and negative days are those of plain integer arithmetic."""
    seed, stream, day, key = case
    numbers = (np.uint64(seed), stream, day, np.uint64(key))
    assert tuple(int(word) for word in random.bits(*numbers)) == bits_plain(*case)
    assert random.uniform2(*numbers) == uniform2_plain(*case)
    assert random.uniform(*numbers) == uniform2_plain(*case)[0]
    assert random.normal(*numbers) == pytest.approx(normal_plain(*case), rel=1e-12)


def test_cell_keys_equal_the_plain_twin_and_do_not_collide():
    """A key is a hash of voxel, day and ordinal: 60 000 neighbors in all three give 60 000 keys."""
    voxels, ordinals = np.repeat(np.arange(1000, 2000), 20), np.tile(np.arange(20), 1000)
    keys = np.empty((3, voxels.size), np.uint64)
    for day in range(3):
        random.cell_keys(voxels, day - 1, ordinals, keys[day])
    assert np.unique(keys).size == keys.size
    for row in (0, 7, 19_999):
        assert int(keys[0, row]) == cell_key_plain(int(voxels[row]), -1, int(ordinals[row]))


def test_numbers_are_uniform():
    """100 000 draws of consecutive keys fill 64 bins evenly and stay in [0, 1)."""
    u = draws()
    assert u.min() >= 0
    assert u.max() < 1
    assert unlikely_chance(np.histogram(u, 64, (0, 1))[0]) > 0.001
    assert stats.kstest(u, "uniform").pvalue > 0.001


@pytest.mark.parametrize(
    "other",
    [{"seed": 6}, {"stream": random.SETTLE}, {"day": 11}, {"day": -10}, {"keys": np.arange(1, 100_001)}],
    ids=["seed", "stream", "day", "negative day", "key"],
)
def test_neighbors_in_any_argument_are_independent(other):
    """Pairs of draws that differ by one step in one argument fill a 12 x 12 table evenly and are not correlated."""
    first, second = draws(), draws(**other)
    table = np.histogram2d(first, second, 12, [[0, 1], [0, 1]])[0]
    assert unlikely_chance(table) > 0.001
    assert abs(np.corrcoef(first, second)[0, 1]) < 4 / np.sqrt(first.size)


def test_both_numbers_of_a_draw_are_independent():
    """The two halves of one Philox block fill a table evenly."""
    pairs = np.array([random.uniform2(3, 1, 7, key) for key in range(20_000)])
    assert unlikely_chance(np.histogram2d(*pairs.T, 8, [[0, 1], [0, 1]])[0]) > 0.001


def test_normal_numbers_are_standard_normal():
    """100 000 Box-Muller draws pass a Kolmogorov-Smirnov test."""
    keys = np.arange(100_000)
    out = np.empty(keys.size)
    random.normal_array(5, random.FATE, -3, keys, out)
    assert stats.kstest(out, "norm").pvalue > 0.001


def test_a_draw_does_not_depend_on_what_else_is_drawn():
    """Any subset of keys in any order gets the same numbers."""
    chosen = np.random.default_rng(1).permutation(100_000)[:500]
    np.testing.assert_array_equal(draws(keys=chosen), draws()[chosen])


def test_streams_have_distinct_numbers():
    """No two processes share a stream."""
    names = [name for name in vars(random) if name.isupper() and not name.startswith("_")]
    assert len({getattr(random, name) for name in names}) == len(names)
