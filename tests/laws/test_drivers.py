"""Body and load reach the cells: the sign of each driver in the coupled tissue."""

from __future__ import annotations

import numpy as np
import pytest
from small_bone import block, scenario

from boneabm.build import bone_lost
from boneabm.endocrine import Modulators
from boneabm.engine.day import Rule
from boneabm.parameters import ParameterSet

STILL = {"burn_in": "0 d"}
REFERENCE = ParameterSet.load()["fields.reference_occupancy"].value
KAPPA = ParameterSet.load()["osteocyte.own_history_share"].value


def after(days: int = 40, **tables):
    """(mean RANK occupancy, median signal, mean sclerostin per osteocyte) on the surface after some days."""
    simulation = block(simulation=STILL, **tables)
    for _ in range(days):
        simulation.step()
    tissue, signals = simulation.tissue, simulation.state.signals
    sclerostin = float(np.mean(signals.sclerostin_per_cell(tissue.surface.voxel)))
    return tissue.today.occupancy, float(np.median(tissue.osteocytes["signal"])), sclerostin


@pytest.fixture(scope="module")
def reference():
    """The reference adult: a subject of 30 y who does not age."""
    return after(subject={"age": "30 y", "aging": False})


def test_the_reference_adult_stays_where_it_was_put(reference):
    """Occupancy at its reference and signal 1 within 3 % after forty days.

    The mean of sclerostin per osteocyte lies above 1, because exp(-slope (S - 1)) is convex and S is spread.
    """
    assert reference[:2] == pytest.approx((REFERENCE, 1.0), rel=0.03)
    assert 1.0 < reference[2] < 2.0


def test_bone_that_was_lost_is_felt_from_the_first_day():
    """A quarter of the bone gone: the median osteocyte feels 4/3 of what it is adapted to, after burn-in too."""
    for burn_in in ("0 d", "1 d"):
        simulation = block(subject={"bone_lost": "25 %"}, simulation={"burn_in": burn_in})
        while simulation.day < 0:
            simulation.step()
        felt = simulation.tissue.osteocytes["memory"] ** (1.0 / simulation.rules.osteocyte.stimulus_exponent)
        assert np.median(felt) == pytest.approx(4.0 / 3.0, rel=1e-3)
        signal = 1.0 + simulation.rules.osteocyte.gain * ((4.0 / 3.0) ** (1.0 - KAPPA) - 1.0)
        assert np.median(simulation.tissue.osteocytes["signal"]) == pytest.approx(signal, rel=0.01)


def test_what_lost_bone_feels_counts_from_the_fields_of_the_reference_adult(reference):
    """Fields are scaled on bone at its set points, so a bone that feels more than them starts with less drive."""
    occupancy, signal, sclerostin = after(2, subject={"age": "30 y", "aging": False, "bone_lost": "25 %"})
    assert occupancy < 0.9 * reference[0]
    assert signal > 1.2
    assert sclerostin < 0.9 * reference[2]


def test_the_loss_before_the_run_is_stated_or_follows_from_the_final_period():
    """whole (1 - exp(-t / tau)) after it; nothing before it, in men, or where 0 % is stated."""
    p = ParameterSet.load()
    whole, tau_y = p["history.bone_lost"].value, p["history.bone_lost_tau_y"].value
    lost = {
        "65 y": whole * (1.0 - np.exp(-15.0 / tau_y)),
        "50 y": 0.0,
        "45 y": 0.0,
    }
    for age, share in lost.items():
        assert bone_lost(scenario(subject={"age": age, "final_period": "50 y"}).subject, p) == pytest.approx(share)
    stated = {"age": "65 y", "final_period": "50 y", "bone_lost": "0 %"}
    assert bone_lost(scenario(subject=stated).subject, p) == 0.0
    assert bone_lost(scenario(subject={"sex": "male", "age": "80 y"}).subject, p) == 0.0


def test_estrogen_loss_raises_osteoclast_drive(reference):
    """Estradiol of 11 pg/mL: RANK occupancy up by half to double (activation +55-120 %), sclerostin up."""
    occupancy, _, sclerostin = after(subject={"age": "30 y", "aging": False}, labs={"estradiol": "11 pg/mL"})
    assert 1.5 < occupancy / reference[0] < 2.2
    assert sclerostin > 1.1 * reference[2]


def test_high_pth_raises_osteoclast_drive_and_lowers_sclerostin(reference):
    """PTH of 95 pg/mL all day, as in hyperparathyroidism."""
    occupancy, _, sclerostin = after(subject={"age": "30 y", "aging": False}, labs={"pth": "95 pg/mL"})
    assert occupancy > 1.1 * reference[0]
    assert sclerostin < reference[2]


def test_disuse_lowers_the_signal_and_raises_drive_and_sclerostin(reference):
    """Loads times 0.4: osteocytes feel it, call osteoclasts and hold osteoblasts back; more load does the opposite."""
    subject = {"age": "30 y", "aging": False}
    row = [{"kind": "disuse", "load_factor": 0.4, "start": "1 d"}]
    occupancy, signal, sclerostin = after(subject=subject, condition=row)
    assert signal < 0.75
    assert occupancy > 1.1 * reference[0]
    assert sclerostin > 1.1 * reference[2]
    more = [
        {"name": "habit", "stress": ["0.6 MPa", "0.2 MPa", "0.2 MPa"], "cycles": 1000},
        {"name": "jumps", "stress": ["1.2 MPa", "0.4 MPa", "0.4 MPa"], "cycles": 1000, "start": "1 d"},
    ]
    occupancy, signal, sclerostin = after(subject=subject, activity=more)
    assert signal > 1.3
    assert occupancy < 0.9 * reference[0]
    assert sclerostin < 0.9 * reference[2]


def test_blocked_rankl_opens_no_site_and_the_pool_of_precursors_grows():
    """Antibody in excess: occupancy near 0, no new sites; after it more precursors wait than before."""
    row = [{"kind": "rankl_antibody", "free": "2000 pM", "start": "1 d", "until": "60 d"}]
    simulation = block(simulation=STILL, parameters={"activation.frequency_per_y": 0.16}, state=row)
    opened, occupancy = 0, 1.0
    while simulation.day < 59:
        simulation.step()
        if simulation.day > 1:
            opened += simulation.tissue.today.opened
            occupancy = simulation.tissue.today.occupancy
    assert opened == 0
    assert occupancy < 0.02
    share = simulation.rules.activation.pool_use_share
    assert 1 + 0.35 * share < simulation.tissue.pool < 1 + share


def test_a_dose_of_denosumab_is_felt_as_its_kinetics_say():
    """60 mg on day 2: nothing before, free drug in nM within days, occupancy near 0, new sites none."""
    row = [{"drug": "denosumab", "amt": "60 mg", "time": "2 d"}]
    simulation = block(simulation=STILL, dose=row)
    levels, occupancy = [], []
    for _ in range(12):
        simulation.step()
        levels.append(simulation.state.modulators.den_pm)
        occupancy.append(simulation.tissue.today.occupancy)
    assert levels[0] == 0 < levels[1]
    assert 30_000 < levels[-1] < 60_000
    assert occupancy[-1] < 0.02 < 0.75 * REFERENCE < occupancy[0]


def test_ablation_kills_its_share_of_osteocytes_and_raises_rankl():
    """Four of five osteocytes die on day 5; their neighborhoods call osteoclasts for two weeks."""
    row = [{"kind": "osteocyte_ablation", "share": 0.8, "start": "5 d"}]
    simulation = block(simulation=STILL, condition=row)
    counts, occupancy = [], []
    for _ in range(8):
        simulation.step()
        counts.append(simulation.tissue.osteocytes.n)
        occupancy.append(simulation.tissue.today.occupancy)
    assert counts[4] / counts[3] == pytest.approx(0.2, abs=0.01)
    assert occupancy[6] > 1.3 * occupancy[3]


def test_sclerostin_per_osteocyte_does_not_hang_on_how_many_there_are():
    """At the set point it is 1 in thick and thin bone within 1 %, and the factor of a hormone everywhere."""
    simulation = block(simulation=STILL, subject={"age": "30 y", "aging": False})
    tissue, state = simulation.tissue, simulation.state
    tissue.osteocytes["signal"][:] = 1.0
    for factor in (1.0, 1.5):
        state.signals.secrete(tissue, Modulators(m_sclerostin=factor), 0)
        state.signals.field.solve(state.signals.sources)
        ratio = state.signals.sclerostin_per_cell(tissue.surface.voxel)
        np.testing.assert_allclose(ratio, factor, rtol=0.01)


def test_the_habit_is_fixed_on_the_bone_whose_sites_are_open():
    """Open sites change what bone feels: its habitual stimulus is fixed anew on day -1 and never after."""
    simulation = block(parameters={"activation.frequency_per_y": 0.16}, simulation={"burn_in": "30 d"})
    solid, medians = simulation.state.strain.reference, []

    def felt_by(sim):
        return sim.state.strain.psi.reshape(-1)[sim.tissue.osteocytes["voxel"]].astype(float)

    def median(sim):
        return np.median(felt_by(sim)[sim.state.strain.fe.mask.reshape(-1)[sim.tissue.osteocytes["voxel"]]])

    words = "the median of cells in bone that carries load, before any osteocyte dies"
    probe = Rule("probe", words, lambda sim: medians.append(median(sim)))
    at = [rule.name for rule in simulation.day_rules].index("mechanics") + 1
    simulation.day_rules = (*simulation.day_rules[:at], probe, *simulation.day_rules[at:])
    while simulation.day < -1:
        simulation.step()
        told = simulation.state.strain.reference
        assert (told == solid) == (simulation.day < -1)
    assert medians[-1] == pytest.approx(1.0, abs=1e-6)
    cells, felt = simulation.tissue.osteocytes, felt_by(simulation)
    remembered = cells["memory"] ** (1.0 / simulation.rules.osteocyte.stimulus_exponent)
    np.testing.assert_allclose(remembered, felt, rtol=1e-4)
    for _ in range(3):
        simulation.step()
    assert simulation.state.strain.reference == told
