"""Law: osteoid mineralizes 12 days after it was laid, then gains mineral for years; nothing is lost on the way."""

from __future__ import annotations

import numpy as np
import pytest

from boneabm.kernels import blocks, turnover
from boneabm.parameters import ParameterSet
from boneabm.remodeling.parameters import MineralParameters

P = ParameterSet.load().section("mineral", MineralParameters)
H_UM = 20.0


class Voxels:
    """A row of voxels that are filled from empty, with the book of everything that happens to them."""

    def __init__(self, fractions=(0.0,)):
        n = len(fractions)
        self.matrix = np.array(fractions, np.float32)
        self.osteoid, self.mineral, self.born_day, self.osteoid_day = (np.zeros(n, np.float32) for _ in range(4))
        self.book = np.zeros((3, 1, 2), np.int64)
        self.start = self.sums()
        layers = (np.arange(n, dtype=np.int32), np.arange(n, dtype=np.int32))
        self.layers = (*layers, np.zeros(n, np.float32), np.full(n, H_UM, np.float32))

    def sums(self):
        out, bad = np.zeros((3, 1, 2), np.int64), np.zeros(1, np.int64)
        blocks.launch(turnover.plane_sums, 1, self.matrix, self.osteoid, self.mineral, self.matrix.size, out, bad)
        assert bad[0] == 0
        return out

    def lay(self, day, fraction):
        """Raise or lower the matrix of every voxel to a fraction."""
        body = (self.matrix, self.osteoid, self.mineral, self.osteoid_day, self.matrix.size)
        level = np.full(self.matrix.size, H_UM * (1 - fraction), np.float32)
        moved = np.zeros((self.matrix.size, 2), np.int64)
        columns = (level, np.full(level.size, turnover.SLOW, np.uint8))
        turnover.settle_layers(day, H_UM, self.layers, columns, body, self.book, moved)

    def mineralize(self, day):
        rates = (P.lag_d, P.primary_fraction, P.secondary_rate_per_d, P.full_g_per_cm3)
        lattice = (self.matrix, self.osteoid, self.mineral, self.born_day, self.osteoid_day)
        blocks.launch(turnover.mineralize, 1, day, rates, lattice, self.matrix.size, self.book)


def osteoid_history(laying_days, total=0.8, days=150, first=0):
    """Osteoid at the end of every day of a voxel that is laid evenly over `laying_days`."""
    voxel, history = Voxels(), []
    for day in range(days):
        voxel.lay(first + day, total * min((day + 1) / laying_days, 1))
        voxel.mineralize(first + day)
        history.append(float(voxel.osteoid[0]))
    return np.array(history)


@pytest.mark.parametrize("first", [0, -190])
@pytest.mark.parametrize("laying_days", [1, 5, 20, 40, 80])
def test_mean_lag_is_twelve_days(laying_days, first):
    """Mean time as osteoid = sum of osteoid over days / osteoid laid (Little's law): 12 d within 10 %.

    Measured: 13.0 d for a pulse or 5 d of laying, 12.8 d for 20 d, 12.6 d for 40 and 80 d; also before day 0.
    """
    lag = osteoid_history(laying_days, first=first).sum() / 0.8
    assert lag == pytest.approx(P.lag_d, rel=0.1)


def test_steady_laying_keeps_a_steady_seam():
    """While osteoid is laid at a constant rate its amount is rate x lag, within 10 % over the last month."""
    seam = osteoid_history(80)[50:80]
    np.testing.assert_allclose(seam, 0.8 / 80 * P.lag_d, rtol=0.1)


def test_all_osteoid_becomes_mineralized_in_the_end():
    """Nothing stays soft for ever: exactly 0 after half a year."""
    assert osteoid_history(20, days=200)[-1] == 0


def test_entering_osteoid_brings_primary_mineral():
    """On the first days mineral is 70 % of full per mineralized fraction, plus at most what a week adds."""
    voxel = Voxels()
    voxel.lay(0, 0.8)
    for day in range(10):
        voxel.mineralize(day)
    hard = float(voxel.matrix[0] - voxel.osteoid[0])
    concentration = float(voxel.mineral[0]) / hard
    primary = P.primary_fraction * P.full_g_per_cm3
    assert primary < concentration < primary + 7 * P.secondary_rate_per_d * (P.full_g_per_cm3 - primary)


def test_mineral_approaches_full_at_its_rate():
    """M(t) = c_full f - (c_full f - M0) exp(-k t) over ten years, for full and partial voxels; never above c_full f."""
    voxel = Voxels((1.0, 0.5, 0.25, 0.0))
    start = np.array([0.84, 0.42, 0.0, 0.0])
    voxel.mineral[:] = start
    full = P.full_g_per_cm3 * voxel.matrix.astype(float)
    for day in range(3650):
        voxel.mineralize(day)
        if day in (0, 364, 1094, 3649):
            expected = full - (full - start) * np.exp(-P.secondary_rate_per_d * (day + 1))
            np.testing.assert_allclose(voxel.mineral, expected, atol=5e-5)
    assert (voxel.mineral <= full + 1e-6).all()


def test_the_birthday_of_bone_is_the_day_it_was_laid():
    """Volume-weighted day of formation after all osteoid has hardened: the middle of the laying, within 1.5 d."""
    voxel = Voxels()
    for day in range(150):
        voxel.lay(100 + day, 0.8 * min((day + 1) / 20, 1))
        voxel.mineralize(100 + day)
    assert voxel.born_day[0] == pytest.approx(100 + 9.5, abs=1.5)


def test_less_mineral_than_there_is_never_forms():
    """A lower full mineral (a modulator below 1) takes nothing away: mineral never falls without resorption."""
    voxel = Voxels((1.0,))
    voxel.mineral[:] = 1.5
    voxel.mineralize(0)
    assert voxel.mineral[0] == 1.5


def test_the_book_holds_every_amount_through_laying_erosion_and_mineralization():
    """Integer sums of matrix, osteoid and mineral equal start plus book on each of 400 days; osteoid within matrix."""
    voxel, rng = Voxels((0.3, 1.0, 0.0, 0.7)), np.random.default_rng(1)
    for day in range(400):
        voxel.lay(day, rng.random() if day % 10 == 0 else float(voxel.matrix[0]))
        voxel.mineralize(day)
        np.testing.assert_array_equal(voxel.sums(), voxel.start + voxel.book)
        assert (voxel.osteoid <= voxel.matrix).all()
        assert voxel.mineral.max() <= P.full_g_per_cm3
    assert voxel.sums()[1].sum() > 0
    assert voxel.sums()[2].sum() > 0
