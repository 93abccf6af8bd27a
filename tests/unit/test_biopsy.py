"""Parts of the virtual biopsy on plain arrays: labels, fates of the surface, classification by the signal."""

from __future__ import annotations

import numpy as np
import pytest

from boneabm.analysis import biopsies, biopsy, bmdd, mechanoregulation
from boneabm.analysis.mechanoregulation import FORMATION, LEVELS, QUIESCENCE, RESORPTION, SurfaceRecord
from boneabm.analysis.observation import ObservationParameters
from boneabm.parameters import ParameterSet
from boneabm.scenario import Scenario

P = ParameterSet.load().section("observation", ObservationParameters)


def front(levels, forming=True):
    """Fronts of columns 0, 1, ... of 100 um2 each."""
    n = len(levels)
    return biopsy.FrontRecord(
        np.arange(n), np.array(levels, np.float32), np.full(n, 100.0, np.float32), np.full(n, forming, np.uint8)
    )


def test_label_days_count_back_from_the_biopsy():
    """3-14-3, biopsy 7 d after the last day, lag 12 d: the bone of the labels was laid 39, 36, 22 and 19 d before."""
    assert P.front_days(12.0) == (39, 36, 22, 19)
    assert P.label_interval_d == 17


def test_double_and_single_labels():
    """Column 0 carries both labels, 1 the first, 2 the second, 3 stood still: MS = (100 + 200 / 2) / 1000 = 20 %."""
    first = biopsy.take_up(front([50, 50, 50, 50]), front([48, 48, 50, 50]), 0.3)
    second = biopsy.take_up(front([37, 40, 50, 50]), front([35, 40, 48, 50]), 0.3)
    found = biopsy.label_indices(first, second, 17.0, 1000.0)
    assert found.ms_bs_percent == pytest.approx(20.0)
    assert found.mar_um_per_d == pytest.approx(13 / 17)
    assert found.bfr_bs_um_per_y == pytest.approx(0.2 * 13 / 17 * 365)


def test_erosion_is_no_label():
    """A floor that sinks, or that rises outside formation, takes up nothing; without labels formation is 0."""
    none = biopsy.take_up(front([50, 50]), front([52, 50]), 0.3)
    assert none.key.size == 0
    assert biopsy.take_up(front([50], False), front([40], False), 0.3).key.size == 0
    assert biopsy.take_up(front([50]), front([50]), 0.0).key.size == 0
    found = biopsy.label_indices(none, none, 17.0, 1000.0)
    assert (found.ms_bs_percent, found.bfr_bs_um_per_y) == (0.0, 0.0)
    assert np.isnan(found.mar_um_per_d)


def test_walls_weigh_sites_by_area():
    """Two sites, one with half a floor; a site that closed before and other events do not count."""
    events = {
        "day": np.array([5, 20, 30, 30]),
        "event": np.array(["site_closed", "site_closed", "site_closed", "perforation"]),
        "area_um2": np.array([9e9, 100.0, 300.0, 300.0]), "floor_share": np.array([1.0, 1.0, 0.5, 0.5]),
        "wall_um": np.array([1.0, 60.0, 40.0, 40.0]), "erosion_depth_um": np.array([1.0, 50.0, 58.0, 58.0]),
        "eroded_um3": np.array([1.0, 5000.0, 15000.0, 15000.0]),
    }  # fmt: skip
    found = biopsy.closed_walls(events, 10)
    assert found.wall_um == pytest.approx((60 * 100 + 40 * 150) / 250)
    assert found.erosion_depth_um == pytest.approx((50 * 100 + 58 * 300) / 400)
    assert found.balance_um == pytest.approx(found.wall_um - 50.0)
    assert np.isnan(biopsy.closed_walls(events, 40)).all()


def test_markers_are_relative_to_the_first_days():
    """Mean of the last three days over the mean of the first three; 1 where there are no more."""
    series = {"resorbed_um3": np.array([1.0, 2.0, 3.0, 6.0, 6.0]), "formed_um3": np.zeros(5)}
    found = biopsies.markers(series, 3)
    assert found["CTX_relative"] == pytest.approx(5.0 / 2.0)
    assert np.isnan(found["P1NP_relative"])
    assert biopsies.markers({name: x[:2] + 1.0 for name, x in series.items()}, 3)["CTX_relative"] == 1.0


def test_calcium_of_pure_mineral_and_of_none():
    """Hydroxyapatite holds 39.89 wt% Ca, unmineralized bone none; rising between."""
    c = np.linspace(0.0, P.hydroxyapatite_g_per_cm3, 50)
    calcium = bmdd.calcium_percent(c, P)
    assert calcium[0] == 0
    assert calcium[-1] == pytest.approx(39.89)
    assert (np.diff(calcium) > 0).all()


def surface(signal, voxel=None, filled=0.5):
    """A surface with this signal, 400 um2 each."""
    n = len(signal)
    voxel = np.arange(n) if voxel is None else voxel
    signal = np.asarray(signal, np.float32)
    return SurfaceRecord(voxel.astype(np.int32), np.full(n, 400, np.float32), signal, np.full(n, filled, np.float32))


@pytest.mark.parametrize("moved_um", [-16.0, -11.0, 0.0, 4.0, 12.0, 18.0])
def test_fates_of_flat_surface(moved_um):
    """A flat surface that rose or sank by at least 10 um formed or was resorbed, at voxels of 20 um."""
    matrix = np.zeros((9, 9, 9), np.float32)
    matrix[:4], matrix[4] = 1.0, 0.6
    voxel = np.ravel_multi_index((4, 4, 4), matrix.shape) + np.arange(1)
    filled = mechanoregulation.near_mean(matrix).reshape(-1)[voxel[0]]
    level = 4.6 + moved_um / 20.0
    now = np.broadcast_to(np.clip(level - np.arange(9), 0, 1)[:, None, None], matrix.shape).astype(np.float32)
    fate = mechanoregulation.fates(surface([1.0], voxel, filled), now, 20.0, 10.0)
    assert fate[0] == QUIESCENCE + (moved_um >= 10) - (moved_um <= -10)


def test_odds_add_up_and_follow_the_signal():
    """Formation above, resorption below: odds rise and fall with the signal and add up to 1 in each of ten bins."""
    random = np.random.default_rng(3)
    signal = random.lognormal(size=5000)
    draw = random.random(5000)
    rank = np.argsort(np.argsort(signal)) / 5000
    fate = np.where(draw < 0.3 * rank, FORMATION, np.where(draw > 1 - 0.3 * (1 - rank), RESORPTION, QUIESCENCE))
    odds = mechanoregulation.odds_by_signal(surface(signal), fate)
    np.testing.assert_allclose(odds.formation + odds.quiescence + odds.resorption, 1.0)
    assert odds.formation[-1] > odds.formation[5] > odds.formation[0]
    assert odds.resorption[-1] < odds.resorption[5] < odds.resorption[0]
    np.testing.assert_array_equal(odds.low[1:], odds.high[:-1])


def classes(rank, noise):
    """Fates that follow the rank of a signal, 0..1, as far as the noise lets them."""
    value = rank + noise
    return np.where(value < 0.2, RESORPTION, np.where(value > 0.8, FORMATION, QUIESCENCE))


def test_classification_knows_order_from_chance():
    """Fates set by the signal are all classified; patches that ignore it stay below the null."""
    shape = (20, 20, 20)
    random = np.random.default_rng(5)
    signal = random.random(8000)
    before = surface(signal, np.arange(8000))
    rate, null = mechanoregulation.classification(before, classes(signal, 0.0), shape)
    assert rate == pytest.approx(1.0, abs=0.02)
    assert null < 0.5
    patches = np.repeat(np.repeat(np.repeat(random.random((4, 4, 4)), 5, 0), 5, 1), 5, 2).ravel()
    smooth = np.indices(shape)[0].ravel() + 0.01 * random.random(8000)
    rate, null = mechanoregulation.classification(surface(smooth), classes(patches, 0.0), shape)
    assert rate < null
    assert null > 1 / 3


def test_classification_needs_all_three_fates():
    """Nothing formed: no rate."""
    fate = np.array([RESORPTION, QUIESCENCE, QUIESCENCE])
    assert np.isnan(mechanoregulation.classification(surface([1, 2, 3]), fate, (3, 3, 3))).all()


def test_rate_equals_that_of_all_pairs_of_thresholds():
    """The rate from cumulative sums is the best of every pair of thresholds tried one by one."""
    random = np.random.default_rng(7)
    level, kinds = random.integers(0, LEVELS, 300), random.integers(0, 3, 300)
    area = random.random(300)
    share = [area * (kinds == kind) / area[kinds == kind].sum() for kind in range(3)]
    best = 0.0
    for low in range(LEVELS + 1):
        for high in range(low, LEVELS + 1):
            inside = (level >= low) & (level < high)
            rates = (share[RESORPTION][level < low], share[QUIESCENCE][inside], share[FORMATION][level >= high])
            best = max(best, sum(float(rate.sum()) for rate in rates) / 3)
    assert mechanoregulation.correct_rate(level, kinds, area) == pytest.approx(best)


def test_the_curve_through_space_visits_every_voxel_once():
    """Eight voxels of a cube come before all others, and the order is a permutation."""
    order = mechanoregulation.morton_order(np.arange(64, dtype=np.int32), (4, 4, 4))
    assert sorted(order) == list(range(64))
    first = np.stack(np.unravel_index(order[:8], (4, 4, 4)), axis=1)
    assert first.max() == 1


def test_a_scenario_says_how_often():
    """Once a year unless told otherwise; a bare number is refused."""
    assert Scenario.from_dict({"title": "t", "bone": BONE}).output.biopsy_every_d == 365
    often = Scenario.from_dict({"title": "t", "bone": BONE, "output": {"biopsy_every": "6 mo"}})
    assert often.output.biopsy_every_d == 183
    assert Scenario.from_toml(often.resolved_toml()) == often


BONE = {"kind": "generated", "size": "0.8 mm", "voxel": "20 um", "bv_tv": 0.2, "tb_th": "130 um"}
