"""Exercise in the validation suite: arms against controls, bands over four numbers, interactions with menopause."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from fortnights import fortnight

from boneabm.build import build
from boneabm.build_loads import make_program
from boneabm.explain_loads import relative
from boneabm.io.checkpoint import state_sha256
from boneabm.loading import WeeklyProgram
from boneabm.origin import restored
from boneabm.parameters import ParameterSet
from boneabm.scenario import Scenario
from boneabm.scenario_text import read_toml
from boneabm.sweep.folder import PlannedRun
from boneabm.validation.exercise_bands import ENDS, NAMED, OWN_CONTROL, arm_of, control_of
from boneabm.validation.experiments import Experiment, chosen
from boneabm.validation.experiments_exercise import BEGIN_D, EFOPS_D, HALF_YEAR_LATER, JUMPED_D, TRAINED_D, UP_D
from boneabm.validation.measures import difference, highest, less, lowest
from boneabm.validation.suite import Sizing, plan_sweep
from boneabm.validation.table import interval_of, rows_of
from boneabm.validation.targets import read_targets

TINY = {"kind": "generated", "size": "0.6 mm", "voxel": "30 um", "bv_tv": 0.3, "tb_th": "130 um", "seed": 1}
ONE_BONE = Sizing(bones=1)
CONTROL_OF = {
    "hirit": "control", "walking": "control", "efops": "efops_control", "jumps": "jumps_control",
    "heel_bed_rest": "heel_control", "spine_bed_rest": "spine_control",
    "flight": "flight_control", "flight_exercise": "flight_control",
}  # fmt: skip
EXPERIMENTS = {e.name: e for e in chosen(["exercise", "exercise-bands", "exercise-and-menopause"], fast=False)}


class Told:
    """A finished run that tells a DXA-like change by day, vBMD as that over 0.62, and one stimulus on all days."""

    low_confidence_drugs = ()

    def __init__(self, dxa_percent: dict[float, float], stimulus: float = 1.0) -> None:
        self.dxa, self.columns = dxa_percent, {"psi_memory": stimulus}

    def biopsy(self, name: str, day: float) -> float:
        assert name == "DXA_change_percent"
        return self.dxa.get(day, 0.0 if day == 0 else math.nan)

    def change_percent(self, name: str, first_d: float, last_d: float) -> float:
        assert (name, first_d) == ("mineral_g_per_cm3", BEGIN_D)
        return self.dxa[last_d] / 0.62

    def mean(self, name: str, first_d: float, last_d: float) -> float:
        assert first_d < last_d
        return self.columns[name]


def planned(sweep: str, tmp_path: Path) -> dict[str, PlannedRun]:
    """Runs of one bone of a sweep by arm."""
    return {run.arm: run for run in plan_sweep(sweep, tmp_path, ONE_BONE).plan}


def scenarios(sweep: str, tmp_path: Path) -> dict[str, Scenario]:
    """The same as scenarios."""
    return {arm: Scenario.from_toml(run.scenario) for arm, run in planned(sweep, tmp_path).items()}


def program_of(scenario: Scenario) -> WeeklyProgram:
    """What a scenario does in a week."""
    program = make_program(scenario, ParameterSet.load().override(scenario.parameters))
    assert isinstance(program, WeeklyProgram)
    return program


def means(experiment: Experiment, arms: dict[str, list[Told]]) -> dict[str, float]:
    """Means over bones by quantity; every quantity must have a value."""
    found = {q.name: interval_of(q, arms) for q in experiment.quantities}  # type: ignore[arg-type]
    assert all(math.isfinite(x) for one in found.values() for x in (one.estimate, one.low, one.high)), found
    assert len(rows_of(experiment, arms, read_targets())) >= len(found)  # type: ignore[arg-type]
    return {name: one.estimate for name, one in found.items()}


def two_bones(change: float, *days: float, stimulus: float = 1.0) -> list[Told]:
    """Two runs whose changes scatter by 0.2 around a mean, the same way in every arm."""
    return [Told(dict.fromkeys(days, change + noise), stimulus) for noise in (-0.2, 0.2)]


def test_quantities_of_exercise_are_paired_with_the_control_of_the_same_subject() -> None:
    """Known changes of every arm give the table that they must, without scatter from the bones."""
    ends = (TRAINED_D, EFOPS_D, JUMPED_D, UP_D, HALF_YEAR_LATER)
    changes = dict.fromkeys({*CONTROL_OF, *CONTROL_OF.values()}, 0.0)
    changes |= {"control": -1.2, "hirit": 2.8, "walking": -1.0, "efops_control": -2.0, "efops": 0.0, "jumps": 0.5}
    changes |= {"heel_bed_rest": -8.0, "spine_bed_rest": -4.0, "flight": -6.2, "flight_exercise": -1.55}
    gain = ParameterSet.load()["osteocyte.gain"].value
    felt = {"hirit": 1.0 + 0.5 / gain}
    arms = {arm: two_bones(change, *ends, stimulus=felt.get(arm, 1.0)) for arm, change in changes.items()}
    for run in arms["heel_bed_rest"]:
        run.dxa[HALF_YEAR_LATER] += 6.0
    found = means(EXPERIMENTS["exercise"], arms)
    assert found["HiRIT"] == pytest.approx(2.8)
    assert found["HiRIT: control"] == pytest.approx(-1.2)
    assert found["HiRIT: against control"] == pytest.approx(4.0)
    assert found["EFOPS-like over HiRIT"] == pytest.approx(0.5)
    assert found["walking over HiRIT"] == pytest.approx(0.05)
    assert found["bed rest, heel: regained"] == pytest.approx(75.0)
    assert found["flight: vBMD per month"] == pytest.approx(-10.0 / (150 / 30.4))
    assert found["flight: kept by exercise"] == pytest.approx(75.0)
    assert found["HiRIT: stimulus"] == pytest.approx(1.0 + 0.5 / gain)
    assert found["walking: stimulus"] == pytest.approx(1.0)
    assert difference(lambda run: run.biopsy("DXA_change_percent", TRAINED_D), "hirit", "control")(  # type: ignore[arg-type]
        arms  # type: ignore[arg-type]
    ).std() == pytest.approx(0.0)


def test_interactions_are_differences_of_differences() -> None:
    """Effects of 4 and 3 points in two states are an interaction of -1 point, whatever the bones do untrained."""
    changes = {"none": 0.0, "hirit": 4.0, "jumps": 1.0, "hip_none": 0.0, "hip_jumps": 2.0}
    shift, weaker = {"pre": 0.0, "post": -2.0, "post_e2": 1.0}, {"pre": 1.0, "post": 0.75, "post_e2": 0.8}
    arms = {
        f"{state}_{what}": two_bones(shift[state] + weaker[state] * change, TRAINED_D, JUMPED_D)
        for state in shift for what, change in changes.items()
    }  # fmt: skip
    found = means(EXPERIMENTS["exercise and menopause"], arms)
    assert found["HiRIT before menopause"] == pytest.approx(4.0)
    assert found["HiRIT after menopause, estradiol"] == pytest.approx(3.2)
    assert found["HiRIT: post - pre"] == pytest.approx(-1.0)
    assert found["HiRIT: estradiol - post"] == pytest.approx(0.2)
    assert found["jumps: post - pre"] == pytest.approx(-0.25)
    assert found["jumps at the hip: post - pre"] == pytest.approx(-0.5)
    assert found["none after menopause"] == pytest.approx(-2.0)
    assert found["estradiol alone"] == pytest.approx(3.0)


def test_the_band_goes_from_the_lowest_to_the_highest_mean() -> None:
    """Both ends of four numbers and the model as it is; an end with its own control is compared with that."""
    arms = {"control": two_bones(-1.0, TRAINED_D), "hirit": two_bones(3.0, TRAINED_D)}
    arms |= {arm_of(name, end): two_bones(3.0, TRAINED_D) for name in NAMED.values() for end in ENDS}
    arms |= {control_of(name, end): two_bones(-2.0, TRAINED_D) for name in OWN_CONTROL for end in ENDS}
    arms[arm_of("loading.lever_scale", "high")] = two_bones(6.0, TRAINED_D)
    arms[arm_of("activity_walking.spine_peak_bw", "high")] = two_bones(0.5, TRAINED_D)
    found = means(EXPERIMENTS["exercise bands"], arms)
    assert found["low stimulus exponent"] == pytest.approx(5.0)
    assert found["low landing force"] == pytest.approx(4.0)
    assert found["lowest of the band"] == pytest.approx(1.5)
    assert found["highest of the band"] == pytest.approx(7.0)
    assert found["width of the band"] == pytest.approx(5.5)


def test_lowest_highest_and_less_leave_out_what_has_no_value() -> None:
    """A quantity without any value is nan only where all are."""
    low, high = (lambda arms: np.array([1.0, math.nan])), (lambda arms: np.array([3.0, 2.0]))
    assert lowest(high, low)({})[0] == 1.0
    np.testing.assert_array_equal(highest(high, low)({}), [3.0, 2.0])
    np.testing.assert_array_equal(less(high, low)({}), [2.0, math.nan])


@pytest.mark.parametrize(("sweep", "runs"), [("exercise", 14), ("exercise_bands", 12), ("exercise_menopause", 15)])
def test_every_program_begins_a_week_after_its_control(sweep: str, runs: int, tmp_path: Path) -> None:
    """Arms differ from their control in rows that start on day 7 (a Monday) and in nothing that the burn-in sees."""
    found = scenarios(sweep, tmp_path)
    assert len(found) == runs
    begun = [row.start_d for one in found.values() for row in (*one.activity, *one.condition)]
    assert set(begun) == {BEGIN_D}
    assert BEGIN_D % 7 == 0
    keys = {arm: run.burn_in for arm, run in planned(sweep, tmp_path).items()}
    if sweep == "exercise":
        assert all(keys[arm] == keys[control] for arm, control in CONTROL_OF.items())
        assert len(set(keys.values())) == 6
    if sweep == "exercise_menopause":
        assert len(set(keys.values())) == 4
        assert keys["post_none"] == keys["post_e2_hirit"] != keys["pre_none"]


def test_programs_stand_in_the_order_of_what_they_are_worth(tmp_path: Path) -> None:
    """First fortnight of psi/psi*: as docs/loading.md tells of the scenarios that the arms are taken from."""
    worth = {arm: fortnight(program_of(one), BEGIN_D) for arm, one in scenarios("exercise", tmp_path).items()}
    assert all(worth[control] == pytest.approx(1.0) for control in CONTROL_OF.values())
    assert 1.0 < worth["walking"] < worth["efops"] < worth["hirit"]
    assert worth["heel_bed_rest"] < 0.1
    assert worth["flight"] == pytest.approx(0.15)
    assert worth["flight"] < 0.8 < worth["flight_exercise"]


def test_ends_of_the_band_are_those_of_the_data_and_leave_the_control_as_it_is(tmp_path: Path) -> None:
    """One number at a time at both ends of its range; without training psi/psi* stays 1, so one control serves."""
    known, found = ParameterSet.load(), scenarios("exercise_bands", tmp_path)
    untrained = program_of(found["control"])
    for name in NAMED.values():
        for end, value in zip(ENDS, (known[name].low, known[name].high), strict=True):
            one = found[arm_of(name, end)]
            assert one.parameters == {name: value}
            assert one.activity == found["hirit"].activity
            same = found[control_of(name, end)]
            assert same.parameters == ({name: value} if name in OWN_CONTROL else {})
            program = program_of(one)
            assert all(relative(program, day) == pytest.approx(1.0, abs=1e-9) for day in range(BEGIN_D))
            if name in ("activity_drop_landing.spine_peak_bw", "loading.lever_scale"):
                assert program.habitual() == untrained.habitual()
    worth = {arm: fortnight(program_of(one), BEGIN_D) for arm, one in found.items()}
    for name, sign in (("loading.lever_scale", 1), ("activity_drop_landing.spine_peak_bw", 1),
                       ("activity_walking.spine_peak_bw", -1)):  # fmt: skip
        ends = [worth[arm_of(name, end)] for end in ENDS[::sign]]
        assert ends[0] < worth["hirit"] < ends[1]


@pytest.mark.parametrize("sweep", ["exercise", "exercise_menopause"])
def test_arms_are_their_controls_bit_for_bit_until_the_program_begins(sweep: str, tmp_path: Path) -> None:
    """From the same burned-in bone: equal states on day 6, another stimulus on day 7 or 8."""
    runs, burned, states, felt = planned(sweep, tmp_path), {}, {}, {}
    for arm, run in runs.items():
        tables = read_toml(run.scenario, arm)
        tables["bone"], tables["simulation"]["burn_in"] = TINY, "3 d"
        scenario = Scenario.from_dict(tables)
        if run.burn_in not in burned:
            first, _ = build(scenario)
            while first.day < 0:
                first.step()
            burned[run.burn_in] = {name: array.copy() for name, array in first.state.arrays().items()}
        arrays = {name: array.copy() for name, array in burned[run.burn_in].items()}
        simulation = restored(scenario, arrays, "memory")
        while simulation.day < BEGIN_D - 1:
            simulation.step()
        states[arm] = state_sha256(simulation.state.arrays())
        felt[arm] = []
        for _ in range(2):
            simulation.step()
            felt[arm].append(float(simulation.state.strain.psi.mean()))
    controls = CONTROL_OF if sweep == "exercise" else {
        f"{state}_{what}": f"{state}_{none}" for state in ("pre", "post", "post_e2")
        for what, none in (("hirit", "none"), ("jumps", "none"), ("hip_jumps", "hip_none"))
    }  # fmt: skip
    for arm, control in controls.items():
        assert states[arm] == states[control], arm
        assert felt[arm] != felt[control], arm
