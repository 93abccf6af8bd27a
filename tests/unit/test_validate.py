"""The validation suite: its targets, its measures on runs made by hand, its table, and a small real piece of it."""

from __future__ import annotations

import csv
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import label

from boneabm.analysis.ensemble import Interval
from boneabm.build import make_bone
from boneabm.errors import InputError
from boneabm.morphometry.fabric import mil_fabric
from boneabm.parameters import ParameterSet
from boneabm.scenario import Scenario
from boneabm.scenario_text import read_toml
from boneabm.sweep.session import run_in_process, run_missing
from boneabm.sweep.work import work
from boneabm.validation import bookkeeping
from boneabm.validation.experiments import EXPERIMENTS, chosen
from boneabm.validation.finished import FinishedRun
from boneabm.validation.measures import Quantity, difference, each, ratio
from boneabm.validation.sensitivity import LISTED, arm_of, arms
from boneabm.validation.suite import Planned, Sizing, drop_burn_ins, plan_sweep, run_suite, sweep_text, sweeps_of
from boneabm.validation.table import (
    Row,
    Validation,
    cells,
    interval_of,
    page_text,
    rows_of,
    validate,
    verdict_of,
    weak_lines,
    write_validation,
)
from boneabm.validation.targets import DATA, FITS, Target, constants, read_targets, refuse_unknown

YEARS = 2
DAYS = 365 * YEARS
EDGE_UM = 1000.0


def target(low: float, high: float) -> Target:
    """A target with this band."""
    return Target("T", "e", "q", low, high, "um", "prediction", "a paper", "", "high", "", "")


def write_table(path: Path, columns: dict[str, object]) -> None:
    """A table of a run."""
    rows = zip(*(np.broadcast_to(values, len(columns["day"])) for values in columns.values()), strict=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([list(columns), *([str(value) for value in row] for row in rows)])


def made_run(folder: Path, *, bv_tv: float = 0.2, sites_per_y: int = 20, depth_um: float = 50.0, wall_um: float = 45.0,
             extra: dict[str, object] | None = None) -> FinishedRun:  # fmt: skip
    """A run of two years whose sites all have the same area, depth and wall, and whose books close exactly."""
    folder.mkdir(parents=True)
    text = (DATA / "adult_block.toml").read_text(encoding="utf-8").replace("1.28 mm", "1 mm")
    (folder / "scenario.toml").write_text(text, encoding="utf-8")
    area = 80_000.0
    day = np.arange(DAYS + 1.0)
    closed = np.linspace(1, DAYS, sites_per_y * YEARS).round()
    eroded, formed = (np.bincount(closed.astype(int), minlength=day.size) * area * um for um in (depth_um, wall_um))
    bone_um3 = bv_tv * EDGE_UM**3 + np.cumsum(formed - eroded)
    surface_um2 = 4e6
    series = {"day": day, "BV/TV": bone_um3 / EDGE_UM**3, "BS/BV_per_mm": 1e3 * surface_um2 / bone_um3}
    series |= {"resorbed_um3": eroded, "formed_um3": formed, "fragments_um3": 0.0}
    series |= {"Ac.f_per_y": sites_per_y * area / surface_um2, "apposition_um_per_d": 0.6, **(extra or {})}
    write_table(folder / "series.csv", series)
    site = {"day": closed, "event": "site_closed", "site": np.arange(closed.size), "opened_day": closed - 150}
    site |= {"formation_day": closed - 100, "area_um2": area, "floor_share": 1.0, "wall_um": wall_um}
    site |= {"erosion_depth_um": depth_um, "volume_um3": (wall_um - depth_um) * area}
    write_table(folder / "events.csv", site)
    return FinishedRun(folder)


def test_targets_and_quantities_belong_together() -> None:
    """Every target is measured by a quantity of its experiment in the same unit, or says why it is not simulated."""
    known = {(e.name, q.name): q for e in EXPERIMENTS for q in e.quantities}
    targets = read_targets()
    for one in targets:
        if one.not_simulated:
            assert (one.experiment, one.quantity) == ("", "")
            continue
        assert (one.experiment, one.quantity) in known, one.id
        assert known[one.experiment, one.quantity].unit == one.unit, one.id
        assert one.basis, one.id
        assert math.isfinite(one.low) or math.isfinite(one.high), one.id
    assert sum(bool(one.not_simulated) for one in targets) >= 5
    assert len(known) == sum(len(e.quantities) for e in EXPERIMENTS)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("A,e,q,2,1,um,input,x,,high,,", "above high"),
        ("A,e,q,1,2,um,guess,x,,high,,", "basis"),
        ("A,e,q,1,2,um,input,,,high,,", "no source"),
        ("A,e,,1,2,um,input,x,,high,,", "needs either"),
        ("A,e,q,one,2,um,input,x,,high,,", "not a table"),
    ],
)
def test_bad_targets_are_refused(tmp_path: Path, row: str, told: str) -> None:
    """A target that cannot be is told by file and id."""
    header = (DATA / "targets.csv").read_text(encoding="utf-8").splitlines()[0]
    file = tmp_path / "targets.csv"
    file.write_text(f"{header}\n{row}\n", encoding="utf-8")
    with pytest.raises(InputError, match=told):
        read_targets(file)


@pytest.mark.parametrize(
    ("mean", "low", "high", "verdict"),
    [
        (1.5, 0.0, 3.0, "pass"),
        (2.5, 1.9, 3.1, "warn"),
        (2.5, 2.1, 2.9, "fail"),
        (0.5, 0.1, 1.0, "warn"),
        (2.5, math.nan, math.nan, "fail"),
        (math.nan, math.nan, math.nan, "not measured"),
    ],
)
def test_verdicts(mean: float, low: float, high: float, verdict: str) -> None:
    """pass: mean inside 1..2; warn: only the interval touches; fail: neither."""
    assert verdict_of(Interval(mean, low, high, 0.95, 8, ""), target(1.0, 2.0)) == verdict


def test_a_pass_is_sure_only_where_the_whole_interval_passes() -> None:
    """pass* where the interval leaves the band, or where one bone gives none."""
    quantity = Quantity("q", "um", lambda arms: np.empty(0), "")
    marks = {}
    for low, high in ((1.2, 1.8), (0.8, 2.2), (math.nan, math.nan)):
        row = Row("e", quantity, target(1.0, 2.0), Interval(1.5, low, high, 0.95, 2, ""))
        marks[low] = cells(row)[3]
    assert list(marks.values()) == ["pass", "pass*", "pass*"]


def test_one_sided_bands() -> None:
    """An empty bound is no bound."""
    above = Interval(5.0, 4.0, 6.0, 0.95, 8, "")
    assert verdict_of(above, target(0.0, math.inf)) == "pass"
    assert verdict_of(above, target(-math.inf, 0.0)) == "fail"
    assert target(0.0, math.inf).band() == "at least 0"
    assert target(-math.inf, 0.0).band() == "at most 0"


def test_ratio_is_that_of_the_means(tmp_path: Path) -> None:
    """mean(a) / mean(b), not the mean of a / b; equal ratios have no scatter."""
    runs = [made_run(tmp_path / str(n), sites_per_y=n) for n in (10, 20, 30)]
    tops, bottoms = iter((1.0, 4.0, 10.0)), iter((10.0, 20.0, 30.0))
    values = ratio(lambda run: next(tops), lambda run: next(bottoms))({"": runs})
    assert values.mean() == pytest.approx(15 / 60)
    same = ratio(lambda run: 2 * run.years(), lambda run: run.years())({"": runs})
    np.testing.assert_allclose(same, 2.0)
    one_lacking = ratio(lambda run: math.nan if run is runs[0] else 3.0, lambda run: 1.0)({"": runs})
    assert np.isnan(one_lacking[0])
    np.testing.assert_allclose(one_lacking[1:], 3.0)


def test_paired_difference_is_bone_by_bone(tmp_path: Path) -> None:
    """Bones differ much, the arms by 5 um each: the difference has no scatter."""
    control = [made_run(tmp_path / f"c{n}", wall_um=40.0 + n) for n in (0, 10)]
    treated = [made_run(tmp_path / f"t{n}", wall_um=45.0 + n) for n in (0, 10)]
    wall = bookkeeping.wall_um((0.0, DAYS))
    np.testing.assert_allclose(difference(wall, "t", "c")({"t": treated, "c": control}), 5.0)


def test_identities_hold_on_exact_books(tmp_path: Path) -> None:
    """Sites of known area and depth: Ac.f x depth x BS/BV gives the counted turnover and loss."""
    run, window = made_run(tmp_path / "run"), (0.0, float(DAYS))
    assert bookkeeping.ledger_error(run) < 1e-12
    booked = bookkeeping.booked(bookkeeping.erosion_depth_um, window)(run)
    assert booked == pytest.approx(bookkeeping.counted_turnover(window)(run), rel=2e-3)
    booked = bookkeeping.booked(bookkeeping.deficit_um, window)(run)
    assert booked == pytest.approx(bookkeeping.counted_loss(window)(run), rel=2e-3)
    assert bookkeeping.balance_um(window)(run) == pytest.approx(-5.0)
    assert bookkeeping.duration_d("opened_day", "formation_day", window)(run) == pytest.approx(50.0)


def test_what_modeling_adds_is_no_gain_of_remodeling(tmp_path: Path) -> None:
    """Bone formed without resorption hides a loss of the sites; their identity counts it back."""
    added, window = 5e6, (0.0, float(DAYS))
    formed = made_run(tmp_path / "alone").column("formed_um3")
    formed[100] += added
    run = made_run(tmp_path / "run", extra={"formed_um3": formed})
    events = tmp_path / "run" / "events.csv"
    row = dict.fromkeys(events.read_text().splitlines()[0].split(","), "0")
    row |= {"day": "100", "event": "modeling_closed", "volume_um3": str(added)}
    events.write_text(events.read_text() + ",".join(row.values()) + "\n")
    run = FinishedRun(run.path)
    booked = bookkeeping.booked(bookkeeping.deficit_um, window)(run)
    assert booked == pytest.approx(bookkeeping.counted_loss(window)(run), rel=2e-3)


def test_net_loss_is_split_into_what_closed_sites_took_and_open_ones_hold(tmp_path: Path) -> None:
    """40 sites that closed took 5 um of 80 000 um2 each; twenty more that are still open hold 50 um each."""
    area_um2, window = 80_000.0, (0.0, float(DAYS))
    run = made_run(tmp_path / "run")
    dug = run.column("resorbed_um3").copy()
    dug[-1] += 20 * 50.0 * area_um2
    run = made_run(tmp_path / "open", extra={"resorbed_um3": dug})
    per_year = 1.0 / (run.mean("BV/TV", *window) * EDGE_UM**3) / YEARS
    taken, held = 40 * 5.0 * area_um2 * per_year, 20 * 50.0 * area_um2 * per_year
    assert bookkeeping.taken_by_sites(window)(run) == pytest.approx(taken)
    assert bookkeeping.given_by_modeling(window)(run) == 0.0
    assert bookkeeping.held_by_open_sites(window)(run) == pytest.approx(held)
    assert bookkeeping.net_loss(window)(run) == pytest.approx(taken + held)


def test_remodeling_space_is_what_open_sites_lack(tmp_path: Path) -> None:
    """Ac.f x missing depth of a site x BS/BV, 20 sites a year of 80 000 um2 in 0.2 mm3 of bone."""
    run, window = made_run(tmp_path / "run"), (0.0, float(DAYS))
    exact = 20 * 80_000 * bookkeeping.missing_depth_um_y(window)(run) / (0.2 * 1e9)
    assert bookkeeping.space_booked(0.0, window)(run) == pytest.approx(exact)


def test_books_that_do_not_close_are_seen(tmp_path: Path) -> None:
    """A volume that was booked twice shows in the ledger error."""
    wrong = np.zeros(DAYS + 1)
    wrong[100] = 2e6
    assert bookkeeping.ledger_error(made_run(tmp_path / "run", extra={"fragments_um3": wrong})) == pytest.approx(0.01)


def test_missing_depth_of_a_site() -> None:
    """Void time x mean missing depth of the published site, about 145 d and 28 um, within 10 %."""

    class Published:
        def sites(self, *window: float) -> dict[str, np.ndarray]:
            one = np.ones(1)
            return {"wall_um": 57 * one, "erosion_depth_um": 57 * one, "area_um2": one, "floor_share": one}

        def rows(self, *words: object) -> np.ndarray:
            return np.array([0.63])

    assert bookkeeping.missing_depth_um_y((0, 1))(Published()) * 365 == pytest.approx(145 * 28.5, rel=0.1)  # type: ignore[arg-type]


def test_windows_and_biopsies(tmp_path: Path) -> None:
    """Days count from after the first bound; a biopsy serves days within a month of it; absent files give nan."""
    run = made_run(tmp_path / "run", extra={"m_rankl": np.arange(DAYS + 1.0)})
    assert run.at("m_rankl", 100) == 100
    assert math.isnan(run.at("m_rankl", DAYS + 1))
    assert run.mean("m_rankl", 10, 12) == 11.5
    assert run.change_percent("m_rankl", 100, 150) == pytest.approx(50)
    assert math.isnan(run.mean("no such column", 0, 10))
    assert math.isnan(run.biopsy("CCR", 0))
    write_table(run.path / "biopsy.csv", {"day": np.array([0.0, 365.0, 730.0]), "CCR": np.array([0.4, 0.5, 0.6])})
    run = FinishedRun(run.path)
    assert run.biopsy("CCR", 380) == 0.5
    assert math.isnan(run.biopsy("CCR", 500))
    assert math.isnan(run.biopsy("Tb.N_per_mm", 365))
    assert run.biopsy_mean("CCR", 0, 730) == pytest.approx(0.55)


def test_fates_by_signal(tmp_path: Path) -> None:
    """Profiles by signal are means over biopsies, pooled over bones: ranks, and high bins over low ones."""
    runs = [made_run(tmp_path / name) for name in "abc"]
    share = np.array([0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07])
    days = np.repeat([365.0, 730.0], 7)
    for run, noise in zip(runs[:2], (0.02, -0.02), strict=True):
        uneven = share + noise * (np.arange(7) % 2)
        fates = {"day": days, "p_formation": np.tile(uneven, 2), "p_resorption": np.tile(share[::-1], 2)}
        write_table(run.path / "mechanoregulation.csv", fates)
    flat = [made_run(tmp_path / name) for name in "def"]
    for run, rate in zip(runs + flat, (0.6, 0.7, np.nan, 0.5, 0.4, np.nan), strict=True):
        biopsies = {"day": np.array([0.0, 365.0]), "CCR": np.array([np.nan, rate]), "CCR_null95": np.full(2, 0.4)}
        write_table(run.path / "biopsy.csv", biopsies)
    arms = {"reference/": runs, "deaf/": flat}
    row = {q.name: q.of(arms) for e in chosen(["mechanoregulation"], fast=False) for q in e.quantities}
    np.testing.assert_allclose(row["CCR - null"], [0.2, 0.3, np.nan])
    np.testing.assert_allclose(row["deaf osteocytes: CCR - null"], [0.1, 0.0, np.nan], atol=1e-12)
    np.testing.assert_allclose(row["CCR that osteocytes add"], [0.1, 0.3, np.nan])
    assert np.isnan(row["formation against signal"][2])
    assert np.nanmean(row["formation against signal"]) == pytest.approx(1)
    assert np.nanmean(row["resorption against signal"]) == pytest.approx(-1)
    assert np.nanmean(row["formation, high over low signal"]) == pytest.approx(3)
    np.testing.assert_allclose(row["resorption, high over low signal"][:2], 1 / 3)


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda e: e.name)
def test_every_experiment_can_be_planned_and_survives_runs_that_tell_nothing(experiment, tmp_path: Path) -> None:
    """Its sweeps plan into the arms that its quantities read; short runs without biopsies give no value, no error."""
    planned = {name: plan_sweep(name, tmp_path, Sizing(bones=1)).plan for name in experiment.sweeps}
    names = {f"{s}/{r.arm}" if len(planned) > 1 else r.arm for s, plan in planned.items() for r in plan}
    run = made_run(tmp_path / "run", extra={"stiffness_zz_mpa": 100.0, "stiffness_xx_mpa": 90.0})
    (run.path / "log.jsonl").write_text('{"event": "origin", "bone": {}}\n', encoding="utf-8")
    rows = rows_of(experiment, {name: [run, run] for name in names}, read_targets())
    assert len(rows) >= len(experiment.quantities)
    assert all(row.interval.n in (0, 2) for row in rows)


def therapy_run(folder: Path, days: int, slope: float) -> FinishedRun:
    """A run as long as its arm whose density changes by `slope` % a year, with biopsies on the usual days."""
    made_run(folder, extra={"m_rankl": 1.0})
    day = np.arange(days + 1.0)
    series = {"day": day, "BV/TV": 0.2, "BS/BV_per_mm": 20.0, "Ac.f_per_y": 0.2 * (1 + slope / 100)}
    series |= {"mineral_g_per_cm3": 0.2 * (1 + slope / 100 * np.maximum(day - 30, 0) / 365)}
    write_table(folder / "series.csv", series | {"resorbed_um3": 1e4 * (1 + slope / 100), "formed_um3": 2e4})
    biopsies = np.unique([*range(0, days + 1, 365), days])
    write_table(folder / "biopsy.csv", {"day": biopsies, "CaMean_wt_percent": 23.0 * (1 + slope / 1000)})
    return FinishedRun(folder)


def test_every_quantity_of_therapies_lies_inside_the_runs_of_its_arms(tmp_path: Path) -> None:
    """Runs as long as the sweeps ask for, with known changes: every quantity has a value, those by hand exactly."""
    (experiment,), arms = chosen(["therapies"], fast=False), {}
    for sweep in experiment.sweeps:
        for run in plan_sweep(sweep, tmp_path, Sizing(bones=1)).plan:
            days, slope = Scenario.from_toml(run.scenario).simulation.days, 10.0 * ("untreated" not in run.arm)
            arms[f"{sweep}/{run.arm}"] = [therapy_run(tmp_path / sweep / run.arm, days, slope)]
    found = {quantity.name: float(quantity.of(arms)[0]) for quantity in experiment.quantities}
    assert [name for name, value in found.items() if not math.isfinite(value)] == []
    k = ParameterSet.load()["observation.dxa_factor"].value
    by_hand = {"teriparatide: DXA-like in 21 months": 10 * k * 630 / 365, "denosumab: DXA-like in two years": 20 * k,
               "denosumab: CTX-like at one month": 10.0, "alendronate: Ac.f in the second year": 10.0,
               "zoledronate: CaMean after 23 months": 1.0, "testosterone: vBMD in a year": 10.0,
               "teriparatide: P1NP-like at 28 d": 0.0, "patch stopped: CTX-like at three weeks": 0.0,
               "prednisone: vBMD in 20 weeks": 0.0, "progesterone over estrogen alone": 0.0}  # fmt: skip
    assert {name: found[name] for name in by_hand} == pytest.approx(by_hand, abs=1e-9)


def test_rows_name_the_drugs_of_low_confidence_they_rest_on(tmp_path: Path) -> None:
    """By the drugs of the arms that a quantity reads; other rows of the experiment name none."""
    (experiment,), arms = chosen(["therapies"], fast=False), {}
    for sweep in experiment.sweeps:
        for run in plan_sweep(sweep, tmp_path, Sizing(bones=1)).plan:
            made = therapy_run(tmp_path / sweep / run.arm, Scenario.from_toml(run.scenario).simulation.days, 1.0)
            (made.path / "scenario.toml").write_text(run.scenario, encoding="utf-8")
            arms[f"{sweep}/{run.arm}"] = [made]
    rows = rows_of(experiment, arms, read_targets())
    named = {row.quantity.name: row.low_confidence for row in rows if row.low_confidence}
    assert named["risedronate: Ac.f in the second year"] == ("risedronate",)
    assert named["progesterone over estrogen alone"] == ("progesterone",)
    assert named["growth hormone: DXA-like in two years"] == ("somatropin",)
    assert {"atenolol", "calcium"} <= {drug for drugs in named.values() for drug in drugs}
    assert not any(name.startswith(("alendronate", "denosumab", "teriparatide", "oral estrogen")) for name in named)
    page = page_text(Validation(rows, [], constants(), "version"))
    assert "risedronate: Ac.f in the second year (risedronate)" in page.partition("Of low confidence")[2]
    assert next(row for row in rows if row.low_confidence).facts()["low_confidence"]
    (line,) = weak_lines(rows)
    assert line in page
    assert weak_lines([row for row in rows if not row.low_confidence]) == []


def test_resizing_changes_bones_and_scenarios(tmp_path: Path) -> None:
    """Number of bones and changes of all scenarios reach every run; runs that stay the same keep their names."""
    plan = plan_sweep("disuse", tmp_path, Sizing(bones=3, changes={"simulation.days": 5})).plan
    assert len(plan) == 9
    scenarios = [Scenario.from_toml(run.scenario) for run in plan]
    assert {s.simulation.days for s in scenarios} == {5}
    assert [len(s.condition) for s in scenarios[:3]] == [0, 1, 1]
    more = plan_sweep("disuse", tmp_path, Sizing(bones=4, changes={"simulation.days": 5})).plan
    assert {run.run_id for run in plan} < {run.run_id for run in more}


def test_turned_loads_are_the_default_habit() -> None:
    """The stresses written out in load_turned are those of the parameters, so both arms adapt to the same load."""
    p = ParameterSet.load()
    axial, lateral = p["load.axial_mpa"].value, p["load.axial_mpa"].value * p["load.lateral_fraction"].value
    text = sweep_text("load_turned")
    for stress in (f'"{axial:g} MPa", "0 MPa", "0 MPa"', f'"0 MPa", "{lateral:g} MPa", "0 MPa"'):
        assert stress in text
    assert f"cycles = {p['load.cycles_per_d'].value:g}" in text


def test_turned_bones_have_a_direction_and_reach_all_faces() -> None:
    """The bones of load_turned are the first eight seeds that keep the rule at the top of the file."""
    listed = list(read_toml(sweep_text("load_turned"), "")["factors"]["bone.seed"])
    block = read_toml((DATA / "adult_block.toml").read_text(encoding="utf-8"), "")["bone"]
    kept = []
    for seed in range(1, listed[-1] + 1):
        tables = {"title": "bone", "bone": {**block, "stretch": 2.0, "seed": seed}, "subject": {"sex": "female"}}
        mask, _ = make_bone(Scenario.from_dict(tables))
        mil = mil_fabric(mask > 0.5, 20.0)
        leaning_deg = math.degrees(math.acos(min(1.0, abs(mil.directions[0][0]))))
        pieces, _ = label(mask > 0.5)
        largest = pieces == np.bincount(pieces.ravel())[1:].argmax() + 1
        reaches = all(np.moveaxis(largest, axis, 0)[[0, -1]].any(axis=(1, 2)).all() for axis in range(3))
        if mil.anisotropy >= 1.4 and leaning_deg <= 20.0 and reaches:
            kept.append(seed)
    assert kept == listed


def test_sensitivity_moves_one_parameter_at_a_time() -> None:
    """Twenty arms, each with one number by 20 % or to the end of its range."""
    known, made = ParameterSet.load(), arms()
    assert len(made) == 2 * len(LISTED)
    for name in LISTED:
        for sign, factor in (("minus", 0.8), ("plus", 1.2)):
            ((key, value),) = made[arm_of(name, sign)].items()
            assert key == f"parameters.{name}"
            assert value in (pytest.approx(factor * known[name].value), known[name].low, known[name].high)
            assert value != known[name].value


def test_fitted_constants_are_counted_by_their_own_words_or_by_name() -> None:
    """What says fitted, calibrated, normalized, fit to or set so that of itself counts, and what fitted.csv lists."""
    found = constants()
    listed = {"pth_ana -> m_ob_prolif", "sns_beta1 -> m_rankl", "tnf -> m_rankl", "e2 -> sclerostin"}
    listed |= {"age_over_30 -> sclerostin_blood", "cortisol -> m_ob_act", "insulin_resistance -> m_rankl"}
    assert listed | {"insulin_resistance -> m_ob_prolif", "e2 -> m_oc_life"} <= set(found.fitted_effects)
    assert {"drug.atenolol_half_mg", "drug.romosozumab_central_l"} <= set(found.fitted)
    assert "drug.atenolol_half_mg (SNS-01)" in found.sentence()
    assert "osteoblast.balance" in found.fitted
    assert "material.reference_modulus_mpa" in found.assumed
    assert not set(found.fitted) & set(found.assumed)
    assert f"{len(found.fitted)} are fitted" in found.sentence()
    numbers, rows = f"{len(found.fitted)} of {found.total}", f"{len(found.fitted_effects)} of {found.effects}"
    for page in ("validation.md", "body.md"):
        text = (Path(__file__).parents[2] / "docs" / page).read_text(encoding="utf-8")
        assert re.search(f"{numbers} parameters(,| and) {rows} effect", text), page


def test_the_list_of_fitted_constants_names_figures_and_only_numbers_that_exist() -> None:
    """Each row says what the number was set to; a name that is no number is refused."""
    with FITS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len({row["name"] for row in rows})
    known = {(target.id, target.experiment, target.quantity): target.basis for target in read_targets()}
    for row in rows:
        assert row["figure"]
        if row["experiment"]:
            measured = (row["target"], row["experiment"], row["quantity"])
            assert known[measured] in ("fitted", "input"), f"{measured}: a number was set to it"
        else:
            assert re.fullmatch(r"[A-Z0-9]+-\d+", row["target"])
    with pytest.raises(InputError, match=r"fitted.csv: no such number: osteoblast.balanse"):
        refuse_unknown({"osteoblast.balanse"})


def test_suite_names() -> None:
    """The full suite has no expensive experiment; a wrong name is told with the closest one."""
    assert {e.part for e in chosen([], fast=False)} == {"full"}
    assert {e.part for e in chosen([], fast=True)} == {"fast"}
    assert [e.name for e in chosen(["load-turned", "voxels"], fast=False)] == ["load turned", "voxels"]
    with pytest.raises(InputError, match="menopause"):
        chosen(["menopaus"], fast=False)
    assert sweeps_of(EXPERIMENTS).count("reference") == 1


def test_intervals_leave_out_what_has_no_value() -> None:
    """Infinite and missing values never count."""
    quantity = Quantity("q", "", lambda arms: np.array([1.0, math.nan, 3.0, math.inf]), "")
    interval = interval_of(quantity, {})
    assert (interval.estimate, interval.n) == (2.0, 2)
    assert each(lambda run: 1.0)({"": []}).size == 0


def test_a_small_real_piece_runs_resumes_and_writes_its_table(tmp_path: Path) -> None:
    """The fast experiment on blocks of 0.6 mm for 25 days: exact books, a table; a second call runs nothing."""
    small = Sizing(bones=2, changes={"bone.size": "0.6 mm", "bone.bv_tv": 0.3, "bone.tb_th": "130 um",
                                     "simulation.days": 25, "simulation.burn_in": "20 d"})  # fmt: skip
    experiments, done = chosen([], fast=True), []

    def run(planned: Planned) -> bool:
        on = {"stop": lambda: False, "on_start": lambda tally: None, "on_outcome": lambda outcome: done.append(outcome)}
        run_missing(planned.sweep, run_in_process(work), prepare=planned.write, **on)
        return True

    found = validate(experiments, run_suite(experiments, tmp_path, run, small))
    assert [outcome.status for outcome in done] == ["finished"] * 4
    rows = {row.quantity.name: row for row in found.rows}
    assert rows["ledger error"].verdict == "pass"
    assert rows["RANKL per cell"].interval.estimate > 1.5
    assert rows["rise of RANK occupancy"].interval.low > 0
    assert all(row.interval.n in (0, 1, 2) for row in found.rows)
    again = run_suite(experiments, tmp_path, run, small)
    assert len(done) == 4
    drop_burn_ins(again["fast"])
    assert not again["fast"].sweep.burn_ins.exists()
    assert [cells(row) for row in validate(experiments, again).rows] == [cells(row) for row in found.rows]
    table, page = write_validation(found, tmp_path)
    with table.open(encoding="utf-8", newline="") as file:
        written = list(csv.DictReader(file))
    assert [row["quantity"] for row in written] == [row.quantity.name for row in found.rows]
    assert float(written[0]["mean"]) == found.rows[0].interval.estimate
    text = page.read_text(encoding="utf-8")
    assert found.version in text
    assert all(one.id in text for one in found.not_simulated)


def test_command_lists_the_suite(capsys: pytest.CaptureFixture[str]) -> None:
    """--list names every experiment with its runs and what is not simulated, without running anything."""
    from boneabm.cli_validate import validate as command

    command(list_all=True, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in told["experiments"]] == [e.name.replace(" ", "-") for e in EXPERIMENTS]
    assert all(one["runs"] > 0 for one in told["experiments"])
    assert "AGE-01" in told["not_simulated"]
