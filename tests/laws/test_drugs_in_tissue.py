"""Romosozumab and bisphosphonates in the lattice: binding, books, survival of osteoclasts, checkpoints."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_bone import block, slab, start_site

from boneabm.analysis.observe import series_row, volume_arrays
from boneabm.endocrine import Modulators
from boneabm.io.checkpoint import state_sha256
from boneabm.remodeling import bisphosphonate, formation, modeling
from boneabm.remodeling.resorption import patch_around
from boneabm.scenario import FIELDS

NONE = Modulators()
ANTIBODY = Modulators(antiscl_pm=8e4)


@pytest.fixture(scope="module")
def still():
    return slab()


def test_antibody_leaves_a_share_of_sclerostin_free(still):
    """1 / (1 + A / K_D), exactly 1 without antibody."""
    signals = still.state.signals
    f = signals.fields
    exact = 1.0 / (1.0 + f.k_sclerostin_romosozumab_per_pm * f.antibody_bone_share * 8e4)
    assert signals.free_sclerostin_share(NONE) == 1.0
    assert signals.free_sclerostin_share(ANTIBODY) == pytest.approx(exact, rel=1e-12)


def test_the_drive_of_modeling_goes_beyond_one_only_with_antibody(still):
    """At most frequency x antibody_drive, 1.2 of the surface a year, while nothing counters the antibody."""
    p = still.rules.modeling
    strong = np.array([1.0, 0.5, 1e-6])
    np.testing.assert_allclose(modeling.modeling_drive(strong, p), [0.0, np.log(2) - p.onset, 1.0])
    np.testing.assert_allclose(modeling.modeling_drive(strong, p, 0.0)[-1], p.antibody_drive)
    assert p.frequency_per_y * p.antibody_drive == pytest.approx(1.2)


def test_counter_regulation_takes_back_what_antibody_does_to_formation(still):
    """Walls and starts of modeling: at counter 1 as without antibody, at 1/2 halfway; without antibody no matter."""
    tissue, signals, rules = still.tissue, still.state.signals, still.rules
    voxel, free = tissue.surface.voxel, signals.free_sclerostin_share(ANTIBODY)
    sclerostin = signals.sclerostin_per_cell(voxel)
    own, full = (modeling.modeling_drive(sclerostin * share, rules.modeling, share) for share in (1.0, free))
    assert (full > own).all()
    for m, share in ((NONE, 0.0), (ANTIBODY, 1.0)):
        for counter in (0.0, 0.5, 1.0):
            felt = replace(m, wnt_counter=counter)
            expected = own + share * (1.0 - counter) * (full - own)
            np.testing.assert_allclose(modeling.felt_drive(signals, voxel, felt, rules.modeling), expected, rtol=1e-12)
            balance = formation.felt_balance(signals, voxel, felt, rules.osteoblast)
            alone, bound = (formation.local_balance(sclerostin * f, rules.osteoblast) for f in (1.0, free))
            np.testing.assert_allclose(balance, alone + share * (1.0 - counter) * (bound - alone), rtol=1e-12)


def test_antibody_takes_rankl_from_osteocytes_only(still):
    """Sources of RANKL fall by antibody_rankl_loss x bound share in osteocytes and not at all on the surface."""
    tissue, signals = still.tissue, still.state.signals
    signals.secrete(tissue, NONE, 0)
    before = signals.sources.copy()
    signals.secrete(tissue, ANTIBODY, 0)
    kept = 1.0 - signals.p.antibody_rankl_loss * (1.0 - signals.free_sclerostin_share(ANTIBODY))
    lining = signals.lining_per_um2 * tissue.surface.total_um2
    found, whole = (sources[0].sum(dtype=np.float64) - lining for sources in (signals.sources, before))
    assert found / whole == pytest.approx(kept, rel=1e-3)
    assert np.array_equal(before[1:], signals.sources[1:])


def test_drug_binds_to_mineralized_surface_by_its_area():
    """0.5 fg per um2, less where osteoid covers the mineral."""
    tissue, p = slab().tissue, slab().rules.bisphosphonate
    voxel = tissue.surface.voxel
    tissue.flat("osteoid")[voxel[0]] = tissue.flat("matrix")[voxel[0]]
    bisphosphonate.deposit(tissue, 0.0, p)
    assert tissue.drug is None
    bisphosphonate.deposit(tissue, 0.5, p)
    assert tissue.drug is not None
    assert tissue.drug.on[voxel[0]] == 0
    np.testing.assert_allclose(tissue.drug.on[voxel[1:]], 500.0 * tissue.surface.area_um2[1:], atol=0.51)
    assert tissue.drug.counts["deposited"] == tissue.drug.total_ag
    for _ in range(100):
        bisphosphonate.deposit(tissue, 0.0, p)
    left = tissue.drug.total_ag / tissue.drug.counts["deposited"]
    assert left == pytest.approx(np.exp(-100 * p.loss_per_d), abs=0.01)
    assert tissue.drug.missing_ag == 0


def test_half_of_the_osteoclasts_live_at_the_half_density():
    """Share of survivors = 1 / (1 + density / half) over many keys; all live without drug."""
    simulation = slab()
    tissue, p = simulation.tissue, simulation.rules.osteoclast
    patch = patch_around(tissue, 0, int(tissue.surface.voxel[50]), 2e4, 100.0)
    assert patch.row.size > 30
    assert all(bisphosphonate.survives(tissue, patch, 1, 0, key, p) for key in range(20))
    for times in (1.0, 4.0):
        tissue.drug = None
        bisphosphonate.deposit(tissue, times * p.bisphosphonate_half_fg_per_um2, simulation.rules.bisphosphonate)
        lived = np.mean([bisphosphonate.survives(tissue, patch, 1, 0, key, p) for key in range(2000)])
        assert lived == pytest.approx(1.0 / (1.0 + times), abs=0.03)


def dosed(days, uptake=0.03, seed=1):
    """A slab with sites and a little drug every tenth day; books of drug checked every day."""
    simulation = slab(seed=seed)
    for day in range(days):
        if day % 40 == 0:
            start_site(simulation)
        simulation.state.modulators = Modulators(bp_uptake=uptake if day % 10 == 0 else 0.0)
        simulation.step()
        if simulation.tissue.drug is not None:
            assert simulation.tissue.drug.missing_ag == 0
            assert simulation.tissue.drug.on.min() >= 0
            assert simulation.tissue.drug.inside.min() >= 0
    return simulation


def test_drug_is_buried_swallowed_and_never_lost_from_the_books():
    """Sites erode, set drug free and refill: deposited = on + inside + waiting + desorbed + washed on every day."""
    simulation = dosed(150)
    drug, tissue = simulation.tissue.drug, simulation.tissue
    assert drug.counts["swallowed"] > 0
    assert drug.counts["washed"] > 0
    assert drug.inside.sum() > 0
    assert not drug.on[(tissue.flat("matrix") == 0)].any()
    assert not drug.inside[(tissue.flat("matrix") == 0)].any()


def test_swallowed_drug_shortens_the_life_of_an_osteoclast():
    """What is left of its life x 1 / (1 + dose per area / half)."""
    simulation = slab()
    start_site(simulation)
    while not simulation.tissue.columns.n:
        simulation.step()
    tissue, p = simulation.tissue, simulation.rules.osteoclast
    bisphosphonate.deposit(tissue, 1e-9, simulation.rules.bisphosphonate)
    owner = int(tissue.columns["owner"][0])
    row = tissue.osteoclasts.find(owner)
    own = tissue.columns["owner"] == owner
    area = float(tissue.columns["area_um2"][own].sum())
    day, life = simulation.day, float(tissue.osteoclasts["life_d"][row])
    left = life - (day - float(tissue.osteoclasts["arrival_day"][row]))
    dose_ag = np.array([round(1000 * area * p.bisphosphonate_half_fg_per_um2)])
    bisphosphonate.swallow(tissue, tissue.columns["root"][own][:1], dose_ag, day, p)
    assert life - float(tissue.osteoclasts["life_d"][row]) == pytest.approx(0.5 * left, rel=1e-3)


def test_drug_holds_erosion_back_and_bone_without_it_has_no_memory_for_it():
    """At forty times the half density a site resorbs less than a tenth; without drug no array for it is stored."""
    resorbed = []
    for uptake in (0.0, 3.0):
        simulation = slab()
        start_site(simulation)
        simulation.state.modulators = Modulators(bp_uptake=uptake)
        total = 0
        for _ in range(60):
            simulation.step()
            simulation.state.modulators = NONE
            total += simulation.tissue.today.resorbed
        resorbed.append(total)
        assert ("drug/on" in simulation.tissue.arrays()) == (uptake > 0)
    assert resorbed[1] < 0.1 * resorbed[0]


def test_a_restored_block_with_drug_goes_on_bit_for_bit():
    """Sixty days, a checkpoint into a new block, twenty more days in both: the same digest, drug included."""
    straight, other = dosed(60), slab(seed=1)
    tissue = {name: array.copy() for name, array in straight.tissue.arrays().items()}
    other.tissue.restore(tissue)
    other.state.signals.restore(straight.state.signals.arrays())
    other.state.day = straight.state.day
    other.reset_ledger()
    for simulation in (straight, other):
        simulation.state.modulators = NONE
        for _ in range(20):
            simulation.step()
    assert "drug/on" in other.tissue.arrays()
    assert state_sha256(other.tissue.arrays()) == state_sha256(straight.tissue.arrays())


def test_levels_can_be_written_as_fields_and_columns():
    """Every new field has the shape of the block and the level of the body; what bone makes of testosterone is felt."""
    local = {"body.local_estradiol_pg_per_ml_per_ng_per_dl": 0.01}
    doses = [
        {"drug": "alendronate", "route": "iv", "amt": "10 mg", "time": "1 d"},
        {"drug": "romosozumab", "amt": "210 mg", "time": "1 d"},
        {"drug": "denosumab", "amt": "60 mg", "time": "1 d"},
    ]
    simulation = block(simulation={"burn_in": "0 d"}, parameters=local, dose=doses)
    for _ in range(2):
        simulation.step()
    names = [name for name in FIELDS if name not in ("sed_mpa", "effective_strain")]
    fields = volume_arrays(simulation, names)
    assert {array.shape for array in fields.values()} == {simulation.tissue.lattice.shape}
    row, m = series_row(simulation), simulation.state.modulators
    felt = row["estradiol_pg_per_ml"] + 0.01 * row["testosterone_ng_per_dl"]
    assert fields["estradiol_pg_per_ml"].max() == pytest.approx(felt, rel=1e-6)
    share = simulation.rules.fields.antibody_bone_share
    assert fields["romosozumab_pm"].max() == pytest.approx(share * m.antiscl_pm, rel=1e-6)
    assert fields["denosumab_pm"].max() == pytest.approx(m.den_pm, rel=1e-6)
    assert fields["sclerostin_free_pm"].max() < 0.01 * fields["sclerostin_pm"].max()
    assert fields["bisphosphonate_fg"].sum(dtype=float) == pytest.approx(1e3 * row["bisphosphonate_pg"], rel=1e-5)
    assert row["bisphosphonate_pg"] > 0
