"""The fifteen laws of loading, and what known programs are worth, in wide bands: many forces are assumed."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from fortnights import fortnight

from boneabm.analysis.observe import series_row
from boneabm.build import build
from boneabm.build_loads import HABIT, HABIT_KINDS, chain_parameters, make_program, weekly_program
from boneabm.explain_loads import head_start, relative
from boneabm.io.checkpoint import state_sha256
from boneabm.kernels import sensing
from boneabm.lattice.generate import BlockSpec, generate
from boneabm.loading import Routine, WeeklyProgram, relative_day, site_of, stepping
from boneabm.loading.cycles import LOOK_BACK_D, bout, effective_cycles, frequency_gain, recovered
from boneabm.loading.library import ForceCycle
from boneabm.loading.recorded import count
from boneabm.mechanics import EnergyForms, MicroFE
from boneabm.morphometry import mean_thickness
from boneabm.origin import restored
from boneabm.parameters import ParameterSet
from boneabm.remodeling import TissueParameters
from boneabm.remodeling.formation import local_balance
from boneabm.remodeling.modeling import modeling_drive
from boneabm.remodeling.stimulus import MixedStimulus
from boneabm.scenario import Scenario

P = ParameterSet.load()
OSTEOCYTE = TissueParameters.of(P).osteocyte
CHAIN = chain_parameters(P)
ONE_RM = {"squat": "45 kg", "deadlift": "55 kg", "press": "16 kg"}
SMALL = {"kind": "generated", "size": "0.72 mm", "voxel": "30 um", "bv_tv": 0.25, "tb_th": "120 um", "seed": 3}
LIFTS = [{"kind": k, "sets": 5, "reps": 5, "load": "85 %1RM", "days": ["Tue", "Fri"]} for k in ONE_RM]
LANDINGS = {"kind": "drop_landing", "cycles": 25, "days": ["Tue", "Fri"]}
BRISK = {"kind": "brisk_walking", "steps": 5000, "bouts": 2, "days": ["Mon", "Tue", "Wed", "Thu", "Fri"]}
JUMPS = {"kind": "two_leg_jump", "cycles": 50, "days": ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]}
EFOPS = [
    {"kind": "running", "duration": "20 min", "days": ["Mon", "Thu"]},
    {"kind": "two_leg_jump", "cycles": 60, "days": ["Mon", "Thu"]},
    {"kind": "squat", "sets": 2, "reps": 12, "load": "75 %1RM", "days": ["Mon", "Thu"]},
    {"kind": "bend", "cycles": 40, "days": ["Wed", "Sat"]},
]
VIBRATION = {"kind": "vibration", "acceleration": 0.3, "frequency": "30 Hz", "duration": "20 min", "harness": 1.0}


def scenario(rows=(), conditions=(), **other) -> Scenario:
    """A woman of 65 kg, her spine, the habit of the library."""
    loading = {"site": other.pop("site", "L3"), "one_rm": ONE_RM}
    tables = {"title": "t", "bone": SMALL, "subject": {"weight": other.pop("mass", "65 kg")}, "loading": loading}
    return Scenario.from_dict({**tables, "activity": list(rows), "condition": list(conditions), **other})


def program(rows=(), conditions=(), **other) -> WeeklyProgram:
    """The same as a program."""
    made = make_program(scenario(rows, conditions, **other), P)
    assert isinstance(made, WeeklyProgram)
    return made


def signals(psi, days, memory=1.0, set_point=0.0, gain=1.0, **changes):
    """S of an osteocyte by day under psi(day), from a memory and a set point, by the rule of the kernel."""
    rates = sensing.osteocyte_rates(OSTEOCYTE._replace(**changes))
    found = np.empty(days)
    for day in range(days):
        memory, set_point, found[day] = sensing.osteocyte_signal.py_func(psi(day), memory, set_point, gain, rates)
    return found


@pytest.fixture(scope="module")
def solved() -> MicroFE:
    """An irregular small bone, all six unit cases solved tightly."""
    mask = np.ones((10, 9, 8), bool)
    mask[2:8, 2:6, 2:6] = False
    mask[3:5, :3, 3:6] = False
    fe = MicroFE(20.0, 0.3, "affine", 1e-8)
    fe.update(np.where(mask, 12000.0, 0.0))
    fe.solve()
    return fe


def test_law_1_the_forms_give_the_field_of_a_direct_solve_of_the_combined_load(solved: MicroFE) -> None:
    stress = (1.3, 0.4, -0.2, 0.1, 0.05, -0.15)
    forms, weights = EnergyForms(solved).of([stress])
    combined = np.sqrt((weights[0] @ forms.astype(np.float64)).clip(0))
    direct = MicroFE(20.0, 0.3, "affine", 1e-8)
    amplitudes = solved.macro_strain(stress)
    strain = np.einsum("k,kij->ij", amplitudes, solved.boundary.strains)
    direct.boundary = direct.boundary._replace(strains=strain[np.newaxis] / np.abs(strain).max())
    direct.update(np.where(solved.mask, 12000.0, 0.0))
    direct.solve()
    expected = direct.effective_strain([np.abs(strain).max()]).reshape(-1)[EnergyForms(solved).points]
    assert np.abs(combined - expected).max() < 1e-5 * expected.max()


def test_law_1_a_mixed_week_costs_no_solve(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lifts, jumps and a row of another direction: solves happen only where bone moved, none for a day of the week."""
    counted = []
    solve = MicroFE.solve
    monkeypatch.setattr(MicroFE, "solve", lambda self, *a: (counted.append(1), solve(self, *a))[1])
    side = {"kind": "cycles", "peak_stress": "0.4 MPa", "cycles": 20, "direction": [0.2, 1, 0.5], "days": ["Wed"]}
    simulation, _ = build(scenario([*LIFTS, LANDINGS, JUMPS, side], simulation={"burn_in": "0 d"}))
    assert len(counted) == 1
    psi = []
    for day in range(14):
        simulation.cases = tuple((c.stress_mpa, c.cycles_per_d) for c in simulation.program.day(day))
        simulation.update_stimulus()
        psi.append(float(np.median(simulation.state.strain.psi[simulation.state.strain.fe.mask])))
    assert len(counted) == 1
    assert len({round(value, 6) for value in psi}) > 3


@pytest.mark.parametrize("moved_on", [(), (5, 6, 11)])
def test_law_1_days_solve_only_where_enough_bone_moved(monkeypatch, moved_on: tuple[int, ...]) -> None:
    """Two mixed weeks, day by day: a solve on each day before which more bone than the threshold moved, else none."""
    counted, psi = [], []
    solve = MicroFE.solve
    side = {"kind": "cycles", "peak_stress": "0.4 MPa", "cycles": 20, "direction": [0.2, 1, 0.5], "days": ["Wed"]}
    simulation, _ = build(scenario([*LIFTS, LANDINGS, JUMPS, side], simulation={"burn_in": "0 d"}))
    monkeypatch.setattr(MicroFE, "solve", lambda self, *a: (counted.append(simulation.day), solve(self, *a))[1])
    strain, threshold = simulation.state.strain, simulation.settings.resolve_fraction
    for day in range(1, 15):
        assert strain.moved < threshold * simulation.ledger.matrix_total
        if day in moved_on:
            strain.moved = round(1.01 * threshold * simulation.ledger.matrix_total)
        simulation.step()
        psi.append(float(np.median(strain.psi[strain.fe.mask])))
    assert counted == list(moved_on)
    assert len({round(value, 6) for value in psi}) > 3


def test_law_2_limits_of_saturation() -> None:
    """Carter and Beaupre for n0 -> infinity: (n range^m)^(1/m); osteogenic index range ln(1 + n) for n0 = m = 1."""
    assert bout(1.0, 360, 1e12)[0] == pytest.approx(360, rel=1e-6)
    site = site_of(P, "L3", 65)
    routine = Routine("r", (ForceCycle(2.0, 0.0, 1.0),), 360, (12.0,), ((1.0, 0.0, 0.0),), habitual=True)
    for n0, m, expected in ((1e12, 4, (360 * 0.78**4) ** 0.25), (1.0, 1, 0.78 * math.log(361))):
        chain = CHAIN._replace(cycle_saturation=n0, exponent=m)
        (case,) = WeeklyProgram([routine], [], site, chain).habitual()
        assert case.cycles_per_d ** (1 / m) == pytest.approx(expected, rel=1e-2 if m == 1 else 1e-6)


def test_law_3_splitting_never_lowers_and_spacing_raises_effective_cycles() -> None:
    def day(*hours: float, cycles: float = 360.0) -> float:
        return effective_cycles((True,), hours, cycles / len(hours), 1.0, 6.0)

    whole = day(8)
    assert whole < day(8, 8.01) < day(8, 10) < day(8, 14) < day(8, 20) < 2 * math.log1p(180)
    assert whole < day(8, 14) < day(8, 12, 16, 20)
    first, s = bout(1.0, 100, 1.0)
    second, _ = bout(s, 100, 1.0)
    assert first + second == pytest.approx(bout(1.0, 200, 1.0)[0], rel=1e-12)


def test_law_3_exchanging_two_equal_bouts_changes_nothing() -> None:
    """Two rows that are equal but for their clock times: which is done in the morning does not matter, on no day."""
    hops, more = {"kind": "hopping", "cycles": 100}, {**JUMPS, "cycles": 60}
    first = program([{**hops, "time": "8:00"}, {**hops, "time": "14:00"}, more, *LIFTS])
    second = program([*reversed(LIFTS), more, {**hops, "time": "14:00"}, {**hops, "time": "8:00"}])
    for day in range(16):
        ours, theirs = (dict(made.day(day)) for made in (first, second))
        assert ours.keys() == theirs.keys()
        assert all(dose == pytest.approx(theirs[way], rel=1e-12) for way, dose in ours.items())
    assert first.day(0)[0].cycles_per_d > program([hops, more, *LIFTS]).day(0)[0].cycles_per_d


def test_law_3_forgetting_after_a_fortnight_loses_nothing() -> None:
    """Sixty days of history give the same effective cycles as the fourteen that are looked at."""
    hours, s, last, n = (8.0, 13.0, 20.0), 1.0, 0.0, 0.0
    for day in range(60):
        n = 0.0
        for hour in hours:
            s, last = recovered(s, 24 * day + hour - last, 8.0), 24 * day + hour
            more, s = bout(s, 500, 1.0)
            n += more
    assert effective_cycles((True,) * (LOOK_BACK_D + 1), hours, 500, 1.0, 8.0) == pytest.approx(n, rel=1e-15)


def lifted(force, time_s, bouts: int = 1) -> float:
    """Dose psi^m of a day of this recorded force in BW."""
    found = count(time_s.tolist(), force.tolist())
    classes = [[one.span, one.cycles, one.hz, one.peak] for one in found]
    row = {"kind": "recorded", "counted": classes, "counted_in": "BW", "bouts": bouts}
    return program([row], loading={"habitual": "rows"}).habitual()[0].cycles_per_d


@pytest.mark.parametrize("bouts", [1, 4])
@pytest.mark.parametrize("hold_s", [0.0, 3.0])
def test_ripple_on_a_recorded_lift_takes_nothing_from_it(bouts: int, hold_s: float) -> None:
    """Lifts of 4 BW at 0.4 Hz with ripple of 10 Hz: what the dose gains is what the ranges gain, (1 + ripple)^4."""
    time_s = np.arange(0, 27.5001, 0.005)
    phase = np.minimum(time_s % (2.5 + hold_s), 2.5)
    clean = 2.5 - 2 * np.cos(2 * np.pi * 0.4 * phase)
    plain = lifted(clean, time_s, bouts)
    for ripple in (0.01, 0.03, 0.06):
        dose = lifted(clean + 2 * ripple * np.sin(2 * np.pi * 10 * time_s + 0.4), time_s, bouts) / plain
        assert 1 <= dose <= 1.1 * (1 + ripple) ** 4
        assert dose / (1 + ripple) ** 4 >= 0.9


def test_a_pause_before_a_landing_does_not_slow_it() -> None:
    """Ramps of 50 ms after 5 s of standing are as fast as without; a sine counts with its own frequency."""
    (quick,) = count([0, 0.05, 0.1], [1, 3, 1])
    (paused,) = count([0, 5, 5.05, 5.1], [1, 1, 3, 1])
    assert paused.hz == pytest.approx(quick.hz, rel=1e-9)
    assert paused.peak == 3


def _of_classes(*classes: ForceCycle) -> list:
    site = site_of(P, "L3", 65)
    routine = Routine("r", classes, 40, (8.0, 17.0), ((1.0, 0.0, 0.0),), habitual=True)
    return WeeklyProgram([routine], [], site, CHAIN).habit(0)


def test_a_class_split_in_two_of_equal_range_changes_nothing() -> None:
    (whole,) = _of_classes(ForceCycle(2.0, 0.5, 1.5))
    for share in (0.1, 0.5):
        parts = _of_classes(ForceCycle(2.0, 0.5, 1.5, 0.0, share), ForceCycle(2.0, 0.5, 1.5, 0.0, 1 - share))
        assert sum(part.dose for part in parts) == pytest.approx(whole.dose, rel=1e-12)


def test_splitting_a_bout_of_several_classes_never_lowers_the_dose() -> None:
    """Ripple tires cells as little as it is worth, so the second half of a bout still counts as in one bout."""
    classes = (ForceCycle(0.2, 0.0, 8.0, 0.0, 0.96), ForceCycle(2.0, 0.0, 0.4, 0.0, 0.04))
    site, worth = site_of(P, "L3", 65), []
    for hours in ((17.0,), (17.0, 17.01), (8.0, 17.0)):
        routine = Routine("r", classes, 1000 / len(hours), hours, ((1.0, 0.0, 0.0),), habitual=True)
        worth.append(WeeklyProgram([routine], [], site, CHAIN).habitual()[0].cycles_per_d)
    assert worth == sorted(worth)


def test_more_cycles_of_any_class_never_lower_the_dose() -> None:
    """Also where the smaller ranges are quicker, or the larger ones too slow to count."""
    site, worth = site_of(P, "L3", 65), []
    for more in (0, 10, 100, 1000):
        small = ForceCycle(0.8, 0.0, 8.0, 0.0, more / (more + 20))
        slow = ForceCycle(3.0, 0.0, 0.005, 0.0, 10 / (more + 20))
        large = ForceCycle(2.0, 0.0, 0.4, 0.0, 10 / (more + 20))
        routine = Routine("r", (small, slow, large), 20.0 + more, (17.0,), ((1.0, 0.0, 0.0),), habitual=True)
        worth.append(WeeklyProgram([routine], [], site, CHAIN).habitual()[0].cycles_per_d)
    assert worth == sorted(worth)
    assert worth[0] == pytest.approx(sum(s.dose for s in _of_one_bout()), rel=1e-12)


def _of_one_bout() -> list:
    routine = Routine("r", (ForceCycle(2.0, 0.0, 0.4),), 10, (17.0,), ((1.0, 0.0, 0.0),), habitual=True)
    return WeeklyProgram([routine], [], site_of(P, "L3", 65), CHAIN).habit(0)


def test_law_4_a_static_load_is_nothing() -> None:
    assert frequency_gain(0.0, 0.01) == frequency_gain(0.01, 0.01) == frequency_gain(1e-4, 0.01) == 0
    assert [frequency_gain(1.0, f0) for f0 in (0.01, 0.135)] == pytest.approx([1, 1])
    standing = program([{"kind": "standing", "duration": "8 h"}, {"kind": "sitting", "duration": "8 h"}])
    assert relative(standing, 3) == 1


def test_law_5_frequencies_and_strain_rates_of_rodents() -> None:
    """+15, +21, +24 % at 2, 5, 10 Hz; strain rates 0.018, 0.030, 0.100 /s at 4000 ueps: 1 : 1.13 : 1.74 observed."""
    f0 = P["loading.static_hz_rodent"].value
    gains = np.array([frequency_gain(hz, f0) for hz in (2, 5, 10)])
    np.testing.assert_allclose(gains / gains[2], np.array([15, 21, 24]) / 24, atol=0.1)
    rates = np.array([frequency_gain(rate / (math.pi * 0.004), f0) for rate in (0.018, 0.030, 0.100)])
    np.testing.assert_allclose(rates / rates[0], [1, 1.13, 1.74], atol=0.1)


@pytest.mark.parametrize("weekdays", ["all", ["Mon", "Wed", "Sat"]])
def test_law_6_the_habit_keeps_the_signal_at_one_for_ten_years(weekdays) -> None:
    """Also where the habit itself has weekdays: the fortnight norm is what the cells are adapted to."""
    rows = [{"kind": "walking", "steps": 7000, "bouts": 6}, {"kind": "light_lift", "cycles": 30, "days": weekdays}]
    habit = program(rows, loading={"habitual": "rows"})
    found = signals(lambda day: relative(habit, day), 3650)
    assert np.median(found) == pytest.approx(1, abs=0.01)
    if weekdays == "all":
        np.testing.assert_allclose(found, 1, atol=1e-9)


@pytest.mark.parametrize("weekdays", [None, ["Mon", "Wed", "Sat"]])
def test_law_6_the_habit_of_the_library_and_a_weekly_row_keep_the_signal_at_one(weekdays) -> None:
    """The library's habit written as rows is that habit; with a weekly row of its own it is a habit as well."""
    numbers = P.values(HABIT)
    amounts = {k: ("steps" if k in stepping() else "cycles", numbers[f"{k}_per_d"]) for k in HABIT_KINDS}
    rows = [{"kind": k, key: n, "bouts": int(numbers[f"{k}_bouts"])} for k, (key, n) in amounts.items()]
    library = program(rows, loading={"habitual": "rows"})
    assert dict(library.habitual()) == pytest.approx(dict(program().habitual()), rel=1e-12)
    weekly = [{"kind": "light_lift", "cycles": 30, "days": weekdays}] if weekdays else []
    habit = program([*rows, *weekly], loading={"habitual": "rows"})
    assert (habit.habitual()[0].cycles_per_d > 1.1 * library.habitual()[0].cycles_per_d) is bool(weekly)
    found = signals(lambda day: relative(habit, day), 3650, gain=OSTEOCYTE.gain)
    assert np.median(found) == pytest.approx(1, abs=0.01)
    if not weekly:
        np.testing.assert_allclose(found, 1, atol=1e-9)


@pytest.mark.parametrize("kappa", [0.2, 0.3, 0.5, 0.8])
def test_law_7_a_lasting_step_starts_at_x_and_ends_at_x_to_1_minus_kappa(kappa: float) -> None:
    x, tau = 1.5, OSTEOCYTE.adaptation_d
    found = signals(lambda day: x, 4000, own_history_share=kappa, memory_d=0.02)
    assert found[0] == pytest.approx(x, rel=0.01)
    assert found[-1] == pytest.approx(x ** (1 - kappa), rel=1e-4)
    half = round(0.69 * tau)
    assert np.log(found[half]) == pytest.approx(np.log(x) * (1 - kappa / 2), rel=0.01)


@pytest.mark.parametrize("gain", [1.0, OSTEOCYTE.gain])
def test_law_8_two_training_days_a_week_ripple_less_than_a_tenth(gain: float) -> None:
    """At a gain of 1, and at that of the model, which ripples more."""
    week = (1.0, 1.91, 1.0, 1.0, 1.91, 1.0, 1.0)
    found = signals(lambda day: week[day % 7], 210, gain=gain)[-7:]
    assert np.ptp(found) / found.mean() < 0.10
    assert found.min() > 1.15  # a rest day is no disuse


def test_law_9_partial_weight_bearing_is_monotone_and_linear_in_the_signal() -> None:
    """psi/psi* is the share of weight, the signal falls in proportion. BV/TV itself needs runs over seeds.

    Four months: the norm of order 4 forgets a former load slowly.
    """
    shares = (1.0, 0.7, 0.4, 0.2)
    found = []
    for share in shares:
        made = program([], [{"kind": "partial_gravity", "gravity": share}])
        assert relative(made, 5) == pytest.approx(share, rel=1e-12)
        found.append(signals(lambda day, x=share: x, 120)[-1])
    slopes = np.diff(found) / np.diff(shares)
    assert (np.diff(found) < 0).all()
    assert slopes.max() / slopes.min() < 1.35


def test_law_10_vibration_is_nothing_when_ambulant_and_protects_in_bed_rest() -> None:
    rest = [{"kind": "bed_rest"}]
    ambulant = relative(program([VIBRATION]), 20)
    alone, shaken = relative(program([], rest), 20), relative(program([VIBRATION], rest), 20)
    assert 1 < ambulant < 1.001
    assert alone == pytest.approx(0.14, abs=0.03)
    assert shaken == pytest.approx(0.23, abs=0.03)


def test_law_11_twice_the_mass_on_twice_the_area_is_the_same_field() -> None:
    heavy = {"loading": {"site": "L3", "area": "2000 mm2"}}
    assert program(mass="130 kg", **heavy).habitual() == program().habitual()


def test_law_12_a_restart_in_a_training_week_gives_the_same_bits() -> None:
    one = scenario([*LIFTS, LANDINGS, JUMPS], simulation={"burn_in": "0 d", "days": 9})
    straight, _ = build(one)
    while straight.day < 2:
        straight.step()
    again = restored(one, {k: v.copy() for k, v in straight.state.arrays().items()}, "memory")
    np.testing.assert_array_equal(again.state.strain.psi, straight.state.strain.psi)
    for simulation in (straight, again):
        while simulation.day < 6:
            simulation.step()
    assert state_sha256(straight.state.arrays()) == state_sha256(again.state.arrays())


@pytest.mark.parametrize(("bv_tv", "seed"), [(0.16, 1), (0.22, 2), (0.28, 5)])
def test_law_13_median_strain_is_97_microstrain_per_mpa_over_bv_tv(bv_tv: float, seed: int) -> None:
    """Under a compression along z; published for real bone within 5 %, here within 20 % on generated blocks."""
    spec = BlockSpec((32, 32, 32), 30.0, bv_tv, 120.0, seed=seed, stretch=1.2)
    mask, _ = generate(spec, lambda bone: mean_thickness(bone, 1.0))
    fe = MicroFE(30.0, 0.3, "rollers", 1e-5)
    fe.update(np.where(mask, 12000.0, 0.0))
    fe.solve()
    strain = fe.effective_strain(fe.macro_strain((1.0, 0.0, 0.0)))[fe.mask]
    assert np.median(strain) * 1e6 * mask.mean() == pytest.approx(97, rel=0.20)


@pytest.mark.parametrize("kappa", [0.0, 0.3, 0.8])
def test_law_14_more_strained_cells_call_for_more_formation(kappa: float) -> None:
    """In the long run S = (psi/psi_site)^(1 - kappa) rises with psi, sclerostin falls: mechanoregulation stays.

    Refilling rises with it, and modeling from its onset on, each up to its limit.
    """
    rules = TissueParameters.of(P)
    ends = [signals(lambda day, x=x: x, 3000, own_history_share=kappa)[-1] for x in (0.5, 0.8, 1.0, 1.25, 1.6)]
    sclerostin = np.array([sensing.secretion.py_func(s, rules.signaling)[2] for s in ends])
    assert (np.diff(ends) > 0).all()
    assert (np.diff(sclerostin) < 0).all()
    refilled = local_balance(sclerostin, rules.osteoblast)
    assert (np.diff(refilled) > 0).all()
    assert refilled[2] == pytest.approx(rules.osteoblast.balance, rel=1e-6), "at the set point"
    assert (np.diff(modeling_drive(sclerostin, rules.modeling)) >= 0).all()
    assert (modeling_drive(sclerostin, rules.modeling)[:3] == 0).all(), "none at and below the set point"
    beyond = math.exp(-rules.modeling.onset) * sclerostin**0.5
    assert (np.diff(modeling_drive(beyond, rules.modeling)[2:]) > 0).all(), "from the onset on"


def test_law_15_keeping_a_gain_needs_less_than_winning_it() -> None:
    """After years at x the cells are at rest at x^kappa: dose above the habit 10-35 % of what it was (rats 11-18 %)."""
    x, m, kappa = 1.5, OSTEOCYTE.stimulus_exponent, OSTEOCYTE.own_history_share
    kept = x**kappa
    assert signals(lambda day: x if day < 2000 else kept, 2100)[-1] >= 1 - 1e-2
    share = (kept**m - 1) / (x**m - 1)
    assert 0.10 < share < 0.35


def _field_of(cases):
    return tuple((case.stress_mpa, case.cycles_per_d) for case in cases)


def test_the_stimulus_of_a_library_day_is_one_number_times_a_field(solved: MicroFE) -> None:
    """Every voxel feels a training day psi/psi* times as much as a habitual one: all directions are equal."""
    made = weekly_program(scenario([*LIFTS]), scenario().week, P)
    habit = [((*s[:3], 0.0, 0.0, 0.0), d) for s, d in _field_of(made.habitual())]
    day = [((*s[:3], 0.0, 0.0, 0.0), d) for s, d in _field_of(made.day(1))]
    mixed = MixedStimulus(solved, 4.0)
    ratio = mixed.raw(day)[solved.mask] / mixed.raw(habit)[solved.mask]
    np.testing.assert_allclose(ratio, relative(made, 1), rtol=1e-5)


TABLE = [
    ("brisk walking", [BRISK], 0, (1.01, 1.12), (1.01, 1.09)),
    ("HiRIT", [*LIFTS, LANDINGS], 1, (1.4, 2.5), (1.16, 1.93)),
    ("HiRIT without landings", LIFTS, 1, (1.4, 2.5), (1.16, 1.93)),
    ("EFOPS-like", EFOPS, 0, (1.15, 1.9), (1.06, 1.57)),
    ("jumps", [JUMPS], 0, (1.0, 1.7), (1.0, 1.65)),
]


@pytest.mark.parametrize(("name", "rows", "weekday", "day_band", "mean_band"), TABLE, ids=[row[0] for row in TABLE])
def test_known_programs_are_worth_what_was_expected(name, rows, weekday, day_band, mean_band) -> None:
    """psi/psi* on a training day and over the first fortnight, within the 5-95 % bands of the exploratory draws."""
    made = program(rows)
    assert day_band[0] <= relative(made, weekday) <= day_band[1], name
    assert mean_band[0] <= fortnight(made, 0) <= mean_band[1], name


def test_trials_order_the_programs() -> None:
    """Walking is below a quarter of HiRIT, the EFOPS mix between a quarter and all of it."""
    walking, mix, lifts = (fortnight(program(r), 0) - 1 for r in ([BRISK], EFOPS, [*LIFTS, LANDINGS]))
    assert walking < lifts / 4 < mix < lifts


def test_training_days_add_up_inside_the_power() -> None:
    """One training day of 1.91 on 1, 2, 3, 5, 7 days a week: 1.29, 1.46, 1.58, 1.77, 1.91."""
    names = ["Mon", "Thu", "Sat", "Tue", "Fri", "Wed", "Sun"]
    for days, expected in ((1, 1.29), (2, 1.46), (3, 1.58), (5, 1.77), (7, 1.91)):
        row = {"kind": "cycles", "peak_stress": "2.008 MPa", "frequency": "1 Hz", "cycles": 25, "days": names[:days]}
        trained = program([row])
        x = relative(trained, 0)
        assert x == pytest.approx(1.91, abs=0.005)
        assert fortnight(trained, 0) == pytest.approx(((days * x**4 + 7 - days) / 7) ** 0.25, rel=2e-3)
        assert fortnight(trained, 0) == pytest.approx(expected, abs=0.006)
    week = program([{**LIFTS[1], "days": ["Mon", "Wed", "Fri"]}])
    daily = [relative(week, d) ** 4 for d in range(14)]
    assert fortnight(week, 0) == pytest.approx((sum(daily) / 14) ** 0.25, rel=1e-12)


def test_the_barbell_rule_returns_the_published_range() -> None:
    """With s = 1 a squat with bars of 0.8 and 1.6 body weights loads L3 with 6.0 and 10.0 BW (Cappozzo 1985)."""
    known = P.override({"loading.lever_scale": 1.0})
    site, chain = site_of(known, "L3", 65), chain_parameters(known)
    lifted = [dataclasses.replace(_squat(known, bar), habitual=True) for bar in (0.8, 1.6)]
    found = [WeeklyProgram([squat], [], site, chain).habit(0)[0].peak_mpa / site.mpa_per_bw for squat in lifted]
    np.testing.assert_allclose(found, [6.0, 10.0], atol=0.3)


def _squat(parameters: ParameterSet, bar: float) -> Routine:
    rows = [{"kind": "squat", "reps": 5, "load": f"{65 * bar} kg"}]
    one = scenario(rows, loading={"site": "L3"})
    assert one.week is not None
    return weekly_program(one, one.week, parameters).routines[-1]


def test_mass_cancels_but_for_the_bar() -> None:
    """Walking feels the same relative to the habit in light and heavy people; a bar of 40 kg does not."""
    light, heavy = (relative(program([BRISK], mass=m), 0) for m in ("50 kg", "90 kg"))
    assert light == pytest.approx(heavy, rel=1e-12)
    bar = {"kind": "deadlift", "reps": 10, "load": "40 kg"}
    light, heavy = (relative(program([bar], mass=m), 0) for m in ("50 kg", "90 kg"))
    assert light > heavy


def test_relative_day_is_exact_for_equal_directions() -> None:
    made = program(LIFTS)
    ours, theirs = made.day(1), made.habitual()
    dose = ours[0].cycles_per_d / theirs[0].cycles_per_d
    assert relative_day(ours, theirs, 4.0, 0.3) == pytest.approx(dose**0.25, rel=1e-12)


def test_the_series_tells_stimulus_over_set_point_of_the_median_osteocyte():
    """Habit: 1 within the noise of turnover; a training day: that of `explain`; what cells remember between them."""
    rows = [row | {"days": ["Wed"]} for row in LIFTS]
    chosen = scenario(rows, simulation={"days": 2, "seed": 1, "burn_in": "0 d"})
    simulation, _ = build(chosen)
    told = []
    for _ in range(2):
        simulation.step()
        told.append(series_row(simulation))
    cells, psi = simulation.tissue.osteocytes, simulation.state.strain.psi.reshape(-1)
    plain = np.median(psi[cells["voxel"]] / np.exp(cells["set_point"].astype(float)))
    assert told[1]["psi_day"] == pytest.approx(plain, rel=1e-6)
    assert told[0]["psi_day"] == pytest.approx(1, abs=0.02)
    assert told[1]["psi_day"] == pytest.approx(relative(make_program(chosen, P), 2), rel=0.02)
    assert told[0]["psi_memory"] < told[1]["psi_memory"] < told[1]["psi_day"]
    signal = 1 + OSTEOCYTE.gain * (told[1]["psi_memory"] - 1)
    assert told[1]["signal_median"] == pytest.approx(signal, rel=0.02), "no estrogen lost"


def test_explain_prints_the_psi_that_a_run_feels_after_a_loss_of_bone():
    """Without the noise of a burn-in: 22 % lost are psi/psi* 1.19 in the habit, in explain as in the first day."""
    chosen = scenario(subject={"weight": "65 kg", "bone_lost": "22 %"}, simulation={"days": 1, "burn_in": "0 d"})
    simulation, _ = build(chosen)
    simulation.step()
    assert head_start(chosen.subject, P) == pytest.approx((1 / 0.78) ** 0.7, rel=1e-9)
    assert series_row(simulation)["psi_day"] == pytest.approx(head_start(chosen.subject, P), rel=0.02)


def test_osteocytes_feel_the_shift_of_set_points_that_the_body_makes():
    """All signals of a block fall by the factor exp(-0.2) about 1 - gain; memory and stored set points do not move."""
    simulation, _ = build(scenario(simulation={"days": 2, "seed": 1, "burn_in": "0 d"}))
    simulation.day_rules = tuple(rule for rule in simulation.day_rules if rule.name in ("loading", "sensing"))
    simulation.state.modulators = dataclasses.replace(simulation.state.modulators, mech_gain=1.0)
    cells, found = simulation.tissue.osteocytes, []
    kept = {name: cells[name].copy() for name in ("memory", "set_point", "fate")}
    for shift in (0.0, 0.2):
        for name, values in kept.items():
            cells[name][:] = values
        simulation.state.day = 0
        simulation.state.modulators = dataclasses.replace(simulation.state.modulators, setpoint_shift=shift)
        simulation.step()
        row = series_row(simulation)
        found.append((cells["signal"].astype(float), cells["memory"].copy(), cells["set_point"].copy(), row["psi_day"]))
    (plain, *same, psi), (shifted, *still, less) = found
    inside = (shifted > 0) & (plain < OSTEOCYTE.signal_max)
    rest = 1 - OSTEOCYTE.gain
    np.testing.assert_allclose(shifted[inside] - rest, (plain[inside] - rest) * math.exp(-0.2), rtol=1e-5)
    assert all(np.array_equal(a, b) for a, b in zip(same, still, strict=True))
    assert less == pytest.approx(psi * math.exp(-0.2), rel=1e-5)
