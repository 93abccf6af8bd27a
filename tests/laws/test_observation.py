"""Laws of the virtual biopsy: what labels, surfaces, mineral, fabric and loss say agrees with what was simulated."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from small_bone import scenario, slab, start_site

from boneabm.analysis import biopsy, bmdd, loss
from boneabm.analysis.observation import ObservationParameters
from boneabm.build import make_bone
from boneabm.io.runfolder import RunFolder
from boneabm.io.series import read_table
from boneabm.kernels.turnover import FORMATION
from boneabm.lattice import Surface, VoxelLattice
from boneabm.morphometry.fabric import fabric
from boneabm.parameters import ParameterSet
from boneabm.run import Interrupted, resume_run, run_scenario

P = ParameterSet.load().section("observation", ObservationParameters)


@dataclass
class History:
    """One site on a flat plate, watched every day from opening until its osteoid is gone."""

    simulation: Any
    record: dict[str, Any] = field(default_factory=dict)
    fronts: list[biopsy.FrontRecord] = field(default_factory=list)
    eroded: list[float] = field(default_factory=list)
    osteoid: list[tuple[float, float]] = field(default_factory=list)
    counted: list[tuple[float, float]] = field(default_factory=list)
    laid_um: float = 0.0
    worked_d: float = 0.0

    def watch(self) -> None:
        """Simulate a day and look."""
        simulation = self.simulation
        simulation.step()
        tissue, today = simulation.tissue, simulation.tissue.today
        self.record |= next((e for e in today.events if e["event"] == "site_closed"), {})
        self.fronts.append(biopsy.front_record(tissue))
        self.eroded.append(biopsy.eroded_um2(tissue))
        self.osteoid.append(biopsy.osteoid_cover(tissue, P.least_osteoid_um))
        claimed = float(tissue.sites["claimed_um2"].sum())
        forming = tissue.columns["phase"] == FORMATION
        self.counted.append((claimed, float(tissue.columns["area_um2"][forming].sum(dtype=float))))
        self.laid_um += today.apposition_um
        self.worked_d += today.working


@pytest.fixture(scope="module")
def history() -> History:
    """A site on a thick plate."""
    seen = History(slab())
    start_site(seen.simulation)
    while seen.simulation.tissue.sites.n:
        seen.watch()
    for _ in range(40):
        seen.watch()
    return seen


def labels_on_every_day(history: History) -> list[tuple[float, float, float]]:
    """(mineralizing surface um2, MAR, their product) of biopsies on every day on which they are possible."""
    ahead = P.front_days(0.0)
    empty = biopsy.FrontRecord(*(np.empty(0, t) for t in (np.int64, np.float32, np.float32, np.uint8)))
    fronts = [empty] * ahead[0] + history.fronts + [empty] * ahead[0]
    found = []
    for day in range(ahead[0], len(fronts)):
        a, b, c, d = (fronts[day - before] for before in ahead)
        first, second = biopsy.take_up(a, b, P.least_label_um), biopsy.take_up(c, d, P.least_label_um)
        found.append(biopsy.label_indices(first, second, P.label_interval_d, 100.0))
    return [(label.ms_bs_percent, label.mar_um_per_d, label.bfr_bs_um_per_y / 365.0 * 100.0) for label in found]


def test_apposition_rate_from_labels_is_that_of_the_osteoblasts(history):
    """MAR from double labels, mean over all biopsy days, within 13 % of the mean rate of all osteoblasts at work.

    A site is filled evenly, so all of it closes slowly at once, and the double labels of that time count by their area:
    measured 11 % below the mean rate (before sites were leveled as a whole, within 10 %).
    """
    labels = np.array(labels_on_every_day(history))
    rated = np.isfinite(labels[:, 1])
    mean = np.average(labels[rated, 1], weights=labels[rated, 0])
    assert mean == pytest.approx(history.laid_um / history.worked_d, rel=0.13)
    assert mean == pytest.approx(history.simulation.rules.osteoblast.mean_rate_um_per_d, rel=0.12)


def test_apposition_slows_down_while_the_site_closes(history):
    """MAR of the first biopsies that see double labels is above that of the last ones."""
    rates = [rate for _, rate, _ in labels_on_every_day(history) if np.isfinite(rate)]
    assert np.mean(rates[:15]) > 1.15 * np.mean(rates[-15:])


def test_labels_conserve_area(history):
    """Double and half of single labels, summed over all biopsy days = area x days that form, within 3 %."""
    seen = sum(area for area, _, _ in labels_on_every_day(history))
    days = 0.0
    for begin, end in zip(history.fronts, history.fronts[P.label_d :], strict=False):
        days += float(biopsy.take_up(begin, end, P.least_label_um).area_um2.sum())
    assert seen == pytest.approx(days, rel=0.03)


def test_activation_frequency_from_labels_is_the_counted_one(history):
    """BFR / W.Th over all biopsy days comes to the area of the one site that was activated, within 15 %."""
    formed = sum(rate for _, speed, rate in labels_on_every_day(history) if np.isfinite(speed))
    events = {name: np.array([value]) for name, value in history.record.items()}
    walls = biopsy.closed_walls(events, -1)
    assert formed / walls.wall_um == pytest.approx(history.record["area_um2"], rel=0.15)


def test_eroded_and_forming_surface_are_the_claimed_surface(history):
    """On every day ES + surface in formation = all that was claimed; all of it eroded at first, none at the end."""
    claimed, forming = np.array(history.counted).T
    np.testing.assert_allclose(np.array(history.eroded) + forming, claimed, rtol=1e-5)
    assert history.eroded[20] == pytest.approx(claimed[20], rel=1e-6)
    assert history.eroded[-1] == 0


def test_osteoid_surface_is_the_forming_surface(history):
    """While the whole site forms OS is its area within 8 %, its seam MAR x lag within 20 %; 40 d later none is left."""
    claimed, forming = np.array(history.counted).T
    whole = np.flatnonzero(np.isclose(forming, claimed, rtol=1e-5) & (claimed > 0))
    middle = whole[: whole.size // 2]
    area, seam = np.array(history.osteoid)[middle[10:]].T
    assert area.mean() == pytest.approx(claimed[middle].mean(), rel=0.08)
    assert seam.mean() == pytest.approx(12 * history.simulation.rules.osteoblast.mean_rate_um_per_d, rel=0.20)
    assert history.osteoid[-1][0] == 0


def test_no_osteoid_is_overlooked():
    """Osteoid of columns and of surface voxels adds up to the osteoid of the lattice."""
    simulation = slab()
    start_site(simulation)
    for _ in range(110):
        simulation.step()
    parts = biopsy.osteoid_um3(simulation.tissue)
    lattice = simulation.tissue.lattice
    whole = float(lattice.osteoid.sum(dtype=float)) * lattice.voxel_um3
    assert whole > 0
    assert sum(float(part.sum()) for part in parts) == pytest.approx(whole, rel=1e-9)


def test_balanced_sites_have_no_balance(history):
    """Formed = eroded volume within 4 %, so the balance is within 4 % of the wall; W.Th near the eroded depth."""
    events = {name: np.array([value]) for name, value in history.record.items()}
    walls = biopsy.closed_walls(events, -1)
    assert abs(walls.balance_um) <= 0.04 * walls.wall_um
    assert walls.wall_um == pytest.approx(walls.erosion_depth_um, rel=0.10)


@pytest.mark.parametrize("begun_d", [0, 10])
def test_loss_by_perforation_is_what_the_perforating_site_lost(begun_d):
    """A wide site through a thin plate: all loss after the first day is perforation and fragments, none is thinning."""
    simulation = slab(thick_um=40.0, edge_um=1200.0)
    rules = simulation.rules
    always = rules.osteoclast._replace(support_low=-1.0, support_high=0.0, team=28)
    wide = rules.activation._replace(site_area_um2=1.6e5, site_area_spread=0.0)
    simulation.rules = replace(rules, osteoclast=always, activation=wide)
    start_site(simulation)
    for _ in range(begun_d):
        simulation.step()
    split, whole = split_after(simulation)
    assert split.perforation_um3 > 0
    assert sum(split) == pytest.approx(whole)
    assert split.thinning_um3 == pytest.approx(0.0, abs=1e-6 * whole)
    assert split.perforation_um3 + split.fragments_um3 == pytest.approx(whole, rel=1e-6)


def test_loss_at_sound_sites_is_thinning():
    """A site that refills less than it erodes thins the plate by the difference; nothing else is lost."""
    simulation = slab()
    weak = simulation.rules.osteoblast._replace(balance=0.8)
    simulation.rules = replace(simulation.rules, osteoblast=weak)
    start_site(simulation)
    split, whole = split_after(simulation)
    assert whole > 0
    assert split == pytest.approx((whole, 0.0, 0.0, 0.0), abs=1e-6 * whole)


def split_after(simulation):
    """Run until all sites have closed; (loss split since now, loss by the lattice)."""
    tissue = simulation.tissue
    start, before, first_day = loss.site_record(tissue), tissue.lattice.bv_tv, simulation.day
    dissolved, seen = 0.0, []
    while tissue.sites.n:
        simulation.step()
        dissolved += tissue.volume_um3(simulation.tissue.today.dissolved)
        seen += simulation.tissue.today.events
    names = ("day", "event", "site", "volume_um3")
    events = {name: np.array([event.get(name, np.nan) for event in seen]) for name in names}
    whole = (before - tissue.lattice.bv_tv) * tissue.lattice.matrix.size * tissue.lattice.voxel_um3
    return loss.loss_split(events, first_day, start, whole, dissolved), whole


def test_calcium_of_known_bone_is_exact():
    """Two kinds of bone: the mean is weighted by mineralized volume, the peak is the more frequent kind."""
    matrix = np.full((4, 4, 4), 0.8, np.float32)
    osteoid = np.zeros_like(matrix)
    osteoid[0] = 0.3
    concentration = np.full(matrix.shape, 1.15)
    concentration[0] = 0.84
    mineral = (concentration * (matrix - osteoid)).astype(np.float32)
    found = bmdd.mineral_distribution(matrix, osteoid, mineral, P)
    low, high = bmdd.calcium_percent(np.array([0.84, 1.15]), P)
    assert found.mean == pytest.approx((16 * 0.5 * low + 48 * 0.8 * high) / (16 * 0.5 + 48 * 0.8), rel=1e-6)
    assert found.peak == pytest.approx(high, rel=1e-6)
    assert found.width == pytest.approx(P.bin_wt_percent)


def test_width_of_a_normal_distribution_of_calcium():
    """Full width at half maximum of a Gaussian is 2.355 standard deviations, within 5 %."""
    calcium = np.random.default_rng(1).normal(20.0, 1.0, 400_000)
    c = np.linspace(0.5, 1.5, 2000)
    concentration = np.interp(calcium, bmdd.calcium_percent(c, P), c)
    ones = np.ones(calcium.size)
    found = bmdd.mineral_distribution(ones, np.zeros(calcium.size), concentration, P)
    assert found.width == pytest.approx(2.355, rel=0.05)
    assert (found.mean, found.peak) == (pytest.approx(20.0, abs=0.01), pytest.approx(20.0, abs=0.25))


def fabric_of(mask, spacing_um=20.0):
    lattice = VoxelLattice.from_mask(mask, spacing_um)
    surface = Surface(lattice.shape)
    surface.update(lattice, 1.0)
    return fabric(surface.normal, surface.area_um2, mask.sum() * lattice.voxel_um3)


def turned(angle_deg, edge=60):
    """Coordinates (along, across, x) of a block turned by an angle from z toward y, voxels."""
    z, y, x = np.indices((edge, edge, edge)) - edge / 2
    a = np.radians(angle_deg)
    return np.cos(a) * z + np.sin(a) * y, np.cos(a) * y - np.sin(a) * z, x


@pytest.mark.parametrize("angle_deg", [0, 10, 25, 45, 70])
def test_fabric_finds_the_angle_of_bars(angle_deg):
    """Bars turned from z: the main direction within 3 degrees, DA above 2."""
    _, across, x = turned(angle_deg)
    found = fabric_of((across % 20 < 9) & (x % 20 < 9))
    assert found.angle_deg == pytest.approx(angle_deg, abs=3.0)
    assert found.anisotropy > 2


@pytest.mark.parametrize("angle_deg", [0, 15, 30, 45, 80])
def test_fabric_finds_the_angle_of_plates(angle_deg):
    """A stack of plates turned from z: the shortest axis is their normal within 3 degrees."""
    along, _, _ = turned(angle_deg)
    found = fabric_of(along % 16 < 7)
    normal = found.directions[2]
    assert np.degrees(np.arccos(abs(normal[0]))) == pytest.approx(angle_deg, abs=3.0)
    assert found.anisotropy > 3


def test_intercepts_of_plates_are_their_thickness():
    """Through plates of 160 um a line along the normal runs 160 um (fit of 1/MIL^2 = cos^2, within 15 %)."""
    mask = np.zeros((64, 40, 40), bool)
    for first in range(4, 64, 16):
        mask[first : first + 8] = True
    assert fabric_of(mask).mil_um[2] == pytest.approx(160.0, rel=0.15)


def test_intercepts_are_those_of_lines_through_real_shapes():
    """Generated bone: MIL along z, y, x counted on lines of voxels, relative to each other, within 8 %."""
    mask, _ = make_bone(scenario())
    mil_um, directions = fabric_of(mask)
    fitted = 1.0 / np.sqrt(np.einsum("ka,k->a", directions**2, mil_um**-2))
    crossed = [int((np.diff(mask.astype(int), axis=axis) != 0).sum()) for axis in range(3)]
    counted = 2.0 * mask.sum() / np.array(crossed) * 20.0
    assert np.ptp(counted) / counted.mean() > 0.1
    np.testing.assert_allclose(fitted / fitted.mean(), counted / counted.mean(), rtol=0.08)


def test_round_bone_has_no_direction():
    """Spheres: DA below 1.06."""
    z, y, x = ((np.indices((60, 60, 60)) + 0.5) % 20) - 10
    assert fabric_of(z * z + y * y + x * x < 64).anisotropy < 1.06


QUICK_LABELS = {
    "observation.label_d": 1, "observation.label_gap_d": 7, "observation.label_wait_d": 5, "mineral.lag_d": 8,
}  # fmt: skip


def test_a_resumed_run_takes_the_same_biopsies(tmp_path):
    """Stopped on day 15 between label days and biopsy, resumed: both tables equal byte by byte; few records stay."""
    output = {"biopsy_every": "24 d", "checkpoint_every": "7 d"}
    bone = scenario(parameters=QUICK_LABELS, simulation={"days": 26, "burn_in": "50 d"}, output=output)
    whole = run_scenario(bone, out=tmp_path / "whole", cache=tmp_path / "burn-in").path
    days = iter(range(27))
    with pytest.raises(Interrupted):
        run_scenario(bone, out=tmp_path / "parts", cache=tmp_path / "burn-in", stop=lambda: next(days) == 15)
    resume_run(tmp_path / "parts", cache=tmp_path / "burn-in")
    for name in ("biopsy.csv", "mechanoregulation.csv"):
        assert (whole / name).read_bytes() == (tmp_path / "parts" / name).read_bytes()
    table = read_table(whole / "biopsy.csv")
    assert table["day"].tolist() == [0, 24, 26]
    assert np.isnan(table["MS/BS_percent"]).tolist() == [True, False, False]
    lost = sum(table[f"loss_{part}_percent"] for part in ("thinning", "perforation", "breakage", "fragments"))
    change = 100.0 * (table["BV/TV"] / table["BV/TV"][0] - 1.0)
    np.testing.assert_allclose(lost, -change, atol=1e-9)
    assert RunFolder(whole).record_days() == [0, 26]
    odds = read_table(whole / "mechanoregulation.csv")
    total = odds["p_formation"] + odds["p_quiescence"] + odds["p_resorption"]
    np.testing.assert_allclose(total, 1.0)
