"""Tables, pictures and report of a sweep, on runs whose every number is known by formula."""

from __future__ import annotations

import base64
import csv
import html
import re
import sys
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pytest
from fake_sweep import bv_tv, own, series, write_sweep

from boneabm.analysis import ensemble
from boneabm.errors import InputError
from boneabm.sweep.collect import Collected, collect
from boneabm.sweep.folder import Contrast, PlannedRun, SweepFolder
from boneabm.sweep.groups import Groups, factor_columns
from boneabm.sweep.outcomes import OUTCOMES
from boneabm.sweep.plots import COURSES, draw, levels_text, read_curves, write_plots
from boneabm.sweep.report import number, write_report
from boneabm.sweep.tables import table_rows


@pytest.fixture(autouse=True)
def _no_warnings() -> object:
    """Nothing in this file may warn."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def row(found: Collected, arm: str, outcome: str, **levels: object) -> dict[str, object]:
    """The one row of the summary of an arm (at these levels) and outcome that is not pooled."""
    rows = table_rows(found.summary)
    wanted = {"arm": arm, "outcome": outcome, "pooled": False, **levels}
    (one,) = [r for r in rows if wanted.items() <= r.items()]
    return one


def test_outcomes_of_a_run_are_those_of_its_series(tmp_path: Path) -> None:
    """Every kind of outcome against numbers worked out from the formula of the series."""
    runs = collect(write_sweep(tmp_path / "s", days=365)).runs
    at = [arm == "ovx" and replicate == 2 for arm, replicate in zip(runs["arm"], runs["replicate"], strict=True)].index(
        True
    )
    expected = series(1, 2, 365)
    first, last = bv_tv(1, 2, 0), bv_tv(1, 2, 365)
    hand = {
        "bv_tv_first": first,
        "bv_tv_last": last,
        "bv_tv_change_percent": 100 * (last - first) / first,
        "bv_tv_change_percent_per_y": 100 * (last - first) / first,
        "mineral_change_percent": 100 * (last - first) / first,
        "stiffness_zz_change_percent": 100 * ((last / first) ** 2 - 1),
        "stiffness_yy_last_mpa": 700 * (last / 0.2) ** 2,
        "balance_um3": expected["formed_um3"].sum() - expected["resorbed_um3"].sum(),
        "ac_f_mean_per_y": expected["Ac.f_per_y"].mean(),
        "osteoclasts_mean": expected["osteoclasts"].mean(),
        "opened_sites": 183.0,
        "wall_mean_um": 45.0,
        "perforations": 1.0,
        "breakages": 0.0,
        "mar_median_um_per_d": 1.0,
    }
    for name, value in hand.items():
        assert runs[name][at] == pytest.approx(value, rel=1e-12), name


def test_every_finished_run_says_what_of_low_confidence_it_rests_on(tmp_path: Path) -> None:
    """As in result.json, in the table and in its file; nothing for a run without outcomes."""
    sweep = write_sweep(tmp_path / "s", unfinished={("ovx", 1): "failed"})
    found = collect(sweep)
    runs = table_rows(found.runs)
    for row in runs:
        told = (sweep.result(row["run_id"]) or {}).get("low_confidence")
        assert row["low_confidence"] == ("; ".join(told) if told else None)
    assert any("m_rankl x1.2" in str(row["low_confidence"]) for row in runs)
    assert "low_confidence" in found.files["runs"].read_text(encoding="utf-8").splitlines()[0].split(",")


def test_differences_are_paired_by_replicate_and_levels(tmp_path: Path) -> None:
    """Geometry and seed cancel in treated minus reference; what is left is the formula of the treatment."""
    factors = [{"bone.seed": 0}, {"bone.seed": 1}]
    found = collect(write_sweep(tmp_path / "s", ("control", "ovx", "more"), factors, replicates=4, days=73))
    runs = found.runs
    for at, arm in enumerate(runs["arm"]):
        difference = runs["bv_tv_last_minus_control"][at]
        if arm == "control":
            assert np.isnan(difference)
            continue
        factor = {"ovx": 1, "more": 2}[arm]
        expected = -factor * (0.01 + 0.002 * own(runs["replicate"][at])) * 73 / 365
        assert difference == pytest.approx(expected, abs=1e-15)
    one = row(found, "more", "bv_tv_last", **{"bone.seed": 1})
    own_part = np.array([own(replicate) for replicate in range(4)])
    assert one["pairs"] == 4
    assert one["difference"] == pytest.approx(-2 * 0.01 * 73 / 365)
    assert one["difference_sd"] == pytest.approx(2 * 0.002 * own_part.std(ddof=1) * 73 / 365)
    half = 3.182446305284263 * one["difference_sd"] / 2
    assert one["difference_low"] == pytest.approx(one["difference"] - half)
    assert one["difference_high"] == pytest.approx(one["difference"] + half)


FACTORIAL = {"a by b": Contrast(("both", "none"), ("a", "b")), "all of a": Contrast(("a",), ("none",))}


def test_contrasts_are_sums_of_arms_of_one_replicate(tmp_path: Path) -> None:
    """Bone and seed cancel; what is left are the formulas of four arms. A replicate without one of them is left out."""
    arms, lost = ("none", "both", "a", "b"), {("b", 1): "failed"}
    sweep = write_sweep(tmp_path / "s", arms, replicates=5, days=73, unfinished=lost, contrasts=FACTORIAL)
    found = collect(sweep)
    one, other = (r for r in table_rows(found.contrasts) if r["outcome"] == "bv_tv_last")
    each = np.array([(2 + 3 - 1) * (0.01 + 0.002 * own(replicate)) * 73 / 365 for replicate in (0, 2, 3, 4)])
    half = 3.182446305284263 * each.std(ddof=1) / 2
    assert (one["contrast"], one["n"]) == ("a by b", 4)
    assert one["value"] == pytest.approx(each.mean(), abs=1e-15)
    assert (one["low"], one["high"]) == pytest.approx((each.mean() - half, each.mean() + half))
    assert (other["contrast"], other["n"], other["value"]) == (
        "all of a", 5, pytest.approx(row(found, "a", "bv_tv_last")["difference"], abs=1e-15),
    )  # fmt: skip
    text = html.unescape(write_report(sweep).read_text(encoding="utf-8"))
    assert "<h3>a by b</h3><p><code>both + none - a - b</code></p>" in text


def test_contrasts_over_levels_count_one_mean_per_combination(tmp_path: Path) -> None:
    """Three bones, four seeds each: one row per bone, then their three means; without arms or runs there is nothing."""
    bones = [{"bone.seed": bone} for bone in range(3)]
    arms = ("none", "both", "a", "b")
    found = collect(write_sweep(tmp_path / "s", arms, bones, contrasts=FACTORIAL))
    rows = [r for r in table_rows(found.contrasts) if r["outcome"] == "bv_tv_last" and r["contrast"] == "a by b"]
    assert [(r["bone.seed"], r["pooled"], r["n"]) for r in rows] == [
        (0, False, 4), (1, False, 4), (2, False, 4), (None, True, 3),
    ]  # fmt: skip
    assert rows[-1]["value"] == pytest.approx(np.mean([r["value"] for r in rows[:3]]))
    everything = {(arm, replicate): "missing" for arm in arms for replicate in range(4)}
    none = write_sweep(tmp_path / "n", arms, unfinished=everything, contrasts=FACTORIAL)
    assert {r["n"] for r in table_rows(collect(none).contrasts)} == {0}
    assert write_report(none).exists()
    assert not collect(write_sweep(tmp_path / "p", arms)).contrasts


def test_means_with_intervals_over_seeds(tmp_path: Path) -> None:
    """Mean, sd and Student interval of the reference arm by hand."""
    one = row(collect(write_sweep(tmp_path / "s", replicates=5), level=0.9), "control", "bv_tv_first")
    values = np.array([bv_tv(0, replicate, 0) for replicate in range(5)])
    half = 2.131846786326649 * values.std(ddof=1) / np.sqrt(5)
    assert (one["n"], one["pairs"]) == (5, 0)
    assert one["mean"] == pytest.approx(values.mean())
    assert (one["low"], one["high"]) == pytest.approx((values.mean() - half, values.mean() + half))
    assert one["replicates_for_10_percent"] == 2
    assert (one["runs"], one["sd_within"]) == (5, pytest.approx(one["sd"]))


def grouped(values: np.ndarray, arms: tuple[str, ...] = ("",), bones: int = 3) -> Groups:
    """Groups of runs with the same values, (runs,) or (runs, OUTCOMES), ordered by arm, bone and seed."""
    seeds = len(values) // (len(arms) * bones)
    names = [(arm, bone, seed) for arm in arms for bone in range(bones) for seed in range(seeds)]
    plan = [
        PlannedRun(f"{at:016x}", arm, {"bone.image": f"{bone}.tif"}, seed, seed, "", "")
        for at, (arm, bone, seed) in enumerate(names)
    ]
    columns = values if values.ndim == 2 else np.repeat(values[:, None], len(OUTCOMES), axis=1)
    return Groups(plan, columns, arms[0], 0.95, 10.0)


def pooled_rows(groups: Groups, arm: str = "") -> list[dict[str, object]]:
    """Rows of an arm over all levels, one per outcome."""
    return [r for r in table_rows(groups.summary()) if r["pooled"] and r["arm"] == arm]


def test_pooled_rows_count_one_mean_per_combination_of_levels() -> None:
    """By hand: means of unequal numbers of seeds in three bones; scatter over seeds from within the bones."""
    nan = np.nan
    bones = [np.array([1.0, 2.0, 3.0]), np.array([5.0, nan, 7.0]), np.array([9.0, nan, nan])]
    effect = [np.array([1.0, 1.2, 1.4]), np.array([2.0, 2.0, 2.6]), np.array([0.1, 0.2, 0.3])]
    treated = [bone + d for bone, d in zip(bones, effect, strict=True)]
    one = pooled_rows(grouped(np.concatenate([*bones, *treated]), ("c", "t")), "t")[0]
    means = np.array([2.0 + 1.2, 6.0 + 2.3, 9.1])
    half = 4.302652729911275 * means.std(ddof=1) / np.sqrt(3)
    assert (one["runs"], one["n"], one["pairs"]) == (6, 3, 3)
    assert (one["mean"], one["low"], one["high"]) == pytest.approx(
        (means.mean(), means.mean() - half, means.mean() + half)
    )
    assert one["sd_within"] ** 2 == pytest.approx((2 * 1.2**2 + 2.6**2 / 2) / 3)
    assert one["replicates_for_10_percent"] == ensemble.required_replicates(one["sd_within"], 0.1 * means.mean())
    by_bone = ensemble.paired_difference(means, [2.0, 6.0, 9.0])
    assert (one["difference"], one["difference_low"]) == pytest.approx((1.2, by_bone.difference.low))
    for name in ("d_z", "p_value", "correlation"):
        assert one[name] == pytest.approx(getattr(by_bone, name)), name
    within = (0.08 + 0.18) / 3
    assert one["difference_sd_within"] == pytest.approx(within**0.5)
    each = (2 * 1.2**2 + 2.6**2 / 2) / 3 + (2.0 + 2.0) / 3
    assert one["variance_ratio"] == pytest.approx(within / each)
    pairs = ensemble.required_replicates_for_difference(within**0.5, 1.2, power=0.8)
    assert one["pairs_for_80_percent_power"] == pairs


def test_one_combination_has_no_pooled_interval_and_says_why() -> None:
    """Many seeds in the only bone that is finished yet say nothing of other bones."""
    values = np.concatenate([np.arange(10.0), np.full(20, np.nan)])
    one = pooled_rows(grouped(values))[0]
    assert (one["n"], one["runs"], one["mean"]) == (1, 10, 4.5)
    assert np.isnan([one["low"], one["high"], one["sd"]]).all()
    assert one["method"] == "none: Student's t needs two values, n = 1 (combinations)"
    assert one["replicates_for_10_percent"] is not None


def test_pooled_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """Three bones that differ ten times as much as seeds: means and differences are covered 95 times in 100.

    Runs taken alike would be covered 57 times. 10 x 36 experiments: standard error 1.1 percentage points.
    """
    random = np.random.default_rng(11)
    held = []

    def bones_and_seeds() -> np.ndarray:
        bones = random.normal(100, 1, (3, len(OUTCOMES)))
        return np.repeat(bones, 4, axis=0) + random.normal(0, 0.1, (12, len(OUTCOMES)))

    for _ in range(10):
        control, effect = bones_and_seeds(), bones_and_seeds()
        for one in pooled_rows(grouped(np.concatenate([control, control + effect]), ("c", "t")), "t"):
            held.append((one["low"] <= 200 <= one["high"], one["difference_low"] <= 100 <= one["difference_high"]))
    assert np.mean(held, axis=0) == pytest.approx([0.95, 0.95], abs=0.03)


def test_replicates_needed_do_not_count_what_levels_do() -> None:
    """Doubling the level from bone to bone changes the mean, not the number of seeds that each bone needs."""
    seeds = np.tile([-0.1, 0.0, 0.1], 3)
    apart = pooled_rows(grouped(np.repeat([1.0, 2.0, 4.0], 3) + seeds))[0]
    alike = pooled_rows(grouped(np.full(9, 7 / 3) + seeds))[0]
    assert apart["replicates_for_10_percent"] == alike["replicates_for_10_percent"] < 10
    assert apart["sd"] > 1 > alike["sd"]


def test_the_geometry_is_found_or_named() -> None:
    """Bones are told by bone.seed, bone.image or bone.crop; an image per bone is split from the seeds."""
    groups = grouped(np.random.default_rng(0).normal(size=9))
    assert groups.geometry() == "bone.image"
    assert set(groups.variance(groups.geometry())["geometries"]) == {3}
    plan = [PlannedRun("0" * 16, "", {"bone.crop": 1, "bone.seed": 1}, 0, 0, "", "")]
    assert Groups(plan, np.zeros((1, len(OUTCOMES))), "", 0.95, 10.0).geometry() == "bone.seed"


def test_a_missing_partner_leaves_the_difference_empty(tmp_path: Path) -> None:
    """A failed reference run takes its pair out, not its treated run; the missing table says why."""
    unfinished = {("control", 1): "failed", ("ovx", 2): "partial", ("ovx", 3): "missing"}
    found = collect(write_sweep(tmp_path / "s", replicates=5, unfinished=unfinished))
    by_key = dict(zip(zip(found.runs["arm"], found.runs["replicate"], strict=True), range(10), strict=True))
    assert found.runs["status"][by_key["control", 1]] == "failed"
    assert np.isfinite(found.runs["bv_tv_last"][by_key["ovx", 1]])
    assert np.isnan(found.runs["bv_tv_last_minus_control"][by_key["ovx", 1]])
    one = row(found, "ovx", "bv_tv_last")
    assert (one["n"], one["pairs"]) == (3, 2)
    assert found.missing["status"] == ["failed", "partial", "missing"]
    assert found.missing["error"] == ["no bone left <at day 3>", None, None]


def test_a_damaged_series_is_named_and_stops_nothing(tmp_path: Path) -> None:
    """A finished run whose table cannot be read counts as damaged."""
    sweep = write_sweep(tmp_path / "s")
    broken = sweep.run_path(sweep.plan()[1].run_id) / "series.csv"
    broken.write_text("day,BV/TV\n0,0.2\n1\n", encoding="utf-8")
    found = collect(sweep, series=True)
    assert found.missing["status"] == ["damaged"]
    assert str(broken) in found.missing["error"][0]
    assert found.runs["status"].count("finished") == 7


def test_one_replicate_has_estimates_without_intervals(tmp_path: Path) -> None:
    """One seed: means and differences, empty bounds, no warning."""
    one = row(collect(write_sweep(tmp_path / "s", replicates=1)), "ovx", "bv_tv_last")
    assert one["mean"] == pytest.approx(bv_tv(1, 0, 30))
    assert one["difference"] == pytest.approx(bv_tv(1, 0, 30) - bv_tv(0, 0, 30))
    assert all(np.isnan(one[name]) for name in ("low", "high", "sd", "difference_low", "bootstrap_high", "d_z"))


def test_runs_of_one_day_have_no_rates(tmp_path: Path) -> None:
    """A series of a single row has first values and no change per year."""
    runs = collect(write_sweep(tmp_path / "s", days=0)).runs
    assert runs["bv_tv_change_percent"] == [0.0] * 8
    assert np.isnan(runs["bv_tv_change_percent_per_y"]).all()


def test_without_arms_there_are_no_differences(tmp_path: Path) -> None:
    """A sweep over factors alone: means per level and pooled, no column of differences."""
    found = collect(write_sweep(tmp_path / "s", ("",), [{"bone.bv_tv": 0.1}, {"bone.bv_tv": 0.2}], replicates=3))
    assert not [name for name in [*found.runs, *found.summary] if "minus" in name or "difference" in name]
    assert len(found.summary["pooled"]) == 3 * len(OUTCOMES)
    assert (found.summary["n"][-1], found.summary["runs"][-1]) == (2, 6)
    assert found.variance == {}
    assert sorted(found.files) == ["columns", "missing", "outcomes", "runs", "summary"]


def test_an_unfinished_sweep_is_a_table_that_says_so(tmp_path: Path) -> None:
    """Nothing finished: every run is in the table of what is missing."""
    unfinished = {(arm, replicate): "missing" for arm in ("control", "ovx") for replicate in range(2)}
    found = collect(write_sweep(tmp_path / "s", replicates=2, unfinished=unfinished), series=True)
    assert found.missing["status"] == ["missing"] * 4
    assert set(found.summary["n"]) == {0}
    assert found.files["series"].read_text(encoding="utf-8").startswith("run_id,arm,replicate,day,BV/TV,")
    assert found.files["series"].read_text(encoding="utf-8").count("\n") == 1
    empty = collect(write_sweep(tmp_path / "none", replicates=0))
    assert empty.runs["run_id"] == []


def test_a_folder_that_is_no_sweep_is_refused(tmp_path: Path) -> None:
    """The error names the folder and the fix; a wrong format names the known ones."""
    with pytest.raises(InputError, match="not a sweep"):
        collect(SweepFolder(tmp_path))
    with pytest.raises(InputError, match="Known: csv, parquet"):
        collect(write_sweep(tmp_path / "s"), table_format="xlsx")
    with pytest.raises(InputError, match=r'Known: bone.seed. Did you mean "bone.seed"'):
        collect(write_sweep(tmp_path / "t", factors=[{"bone.seed": 1}]), geometry="bone.seeds")


def test_missing_libraries_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pyarrow Parquet is refused with the fix; without matplotlib the report says so and has all else."""
    sweep = write_sweep(tmp_path / "s", days=3)
    for name in ("pyarrow", "matplotlib"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InputError, match=r"pip install 'boneabm\[sweep\]'"):
        collect(sweep, table_format="parquet")
    text = write_report(sweep).read_text(encoding="utf-8")
    assert "Plots need matplotlib" in text
    assert "Outcomes by arm" in text


def test_quantities_have_a_column_of_numbers_with_the_unit() -> None:
    """One unit: as written. Several: the internal one. Plain numbers, texts and mixtures stay as they are."""
    one = factor_columns([{"labs.pth": "38 pg/mL"}, {}, {"labs.pth": "76 pg/mL"}])
    assert one == {"labs.pth": ["38 pg/mL", None, "76 pg/mL"], "labs.pth_pg_per_ml": [38.0, None, 76.0]}
    assert factor_columns([{"subject.age": "51 y"}])["subject.age_y"] == [51.0]
    assert factor_columns([{"bone.size": "1 mm"}, {"bone.size": "800 um"}])["bone.size_um"] == [1000.0, 800.0]
    assert factor_columns([{"a": 0.1}, {"a": 2}]) == {"a": [0.1, 2]}
    assert factor_columns([{"a": "x"}, {"a": "y"}]) == {"a": ["x", "y"]}
    assert factor_columns([{"a": 365}, {"a": "1 y"}, {"a": [1, 2]}]) == {"a": ["365", "1 y", "[1, 2]"]}


@pytest.mark.parametrize("table_format", ["csv", "parquet"])
def test_tables_open_in_pandas_with_their_types(tmp_path: Path, table_format: str) -> None:
    """Numbers are numbers, text is text, and the values are those of the tables, bit for bit."""
    pandas = pytest.importorskip("pandas")
    if table_format == "parquet":
        pytest.importorskip("pyarrow")
    factors = [{"bone.seed": seed, "labs.pth": level} for seed in (0, 1) for level in ("38 pg/mL", "76 pg/mL")]
    sweep = write_sweep(tmp_path / "s", factors=factors, unfinished={("ovx", 1): "failed"}, days=10)
    found = collect(sweep, tmp_path / "t", table_format, series=True)
    read = {"csv": pandas.read_csv, "parquet": pandas.read_parquet}[table_format]
    frames = {name: read(path) for name, path in found.files.items()}
    runs = frames["runs"]
    kinds = {name: runs[name].dtype.kind for name in ("bone.seed", "labs.pth_pg_per_ml", "replicate", "seed")}
    assert kinds == {"bone.seed": "i", "labs.pth_pg_per_ml": "f", "replicate": "i", "seed": "i"}
    assert all(runs[outcome.name].dtype.kind == "f" for outcome in OUTCOMES)
    np.testing.assert_array_equal(runs["bv_tv_last"], found.runs["bv_tv_last"])
    assert runs["run_id"].tolist() == found.runs["run_id"]
    assert frames["summary"]["pooled"].dtype == bool
    assert frames["outcomes"]["outcome"].tolist() == [outcome.name for outcome in OUTCOMES]
    daily = frames["series"].merge(runs[["run_id", "bone.seed"]], on="run_id")
    assert len(daily) == 11 * 28
    assert daily["day"].dtype.kind == "i"
    last = daily[(daily.arm == "ovx") & (daily.replicate == 2) & (daily.day == 10) & (daily["bone.seed"] == 1)]
    assert last["BV/TV"].tolist() == [bv_tv(1, 2, 10, 1)] * 2
    assert not list((tmp_path / "t").glob(".*"))


def test_variance_is_split_between_geometries_and_seeds(tmp_path: Path) -> None:
    """Geometry is most of the scatter of BV/TV, and none of the scatter of the paired difference."""
    factors = [{"bone.seed": seed} for seed in range(3)]
    rows = table_rows(collect(write_sweep(tmp_path / "s", factors=factors, replicates=5)).variance)
    last = {r["of"]: r for r in rows if r["arm"] == "ovx" and r["outcome"] == "bv_tv_last"}
    values = np.array([bv_tv(1, replicate, 30) for replicate in range(5)])
    seeds = values.var(ddof=1)
    assert last["value"]["variance_seeds"] == pytest.approx(seeds)
    assert last["value"]["variance_geometries"] == pytest.approx(1e-4 - seeds / 5)
    assert last["minus_control"]["variance_geometries"] == pytest.approx(0, abs=1e-12)
    assert (last["value"]["n"], last["value"]["geometries"]) == (15, 3)


def test_the_code_book_explains_every_column(tmp_path: Path) -> None:
    """Every column of summary and variance but arm, levels and outcome has its meaning, and no other has."""
    found = collect(write_sweep(tmp_path / "s", factors=[{"bone.seed": seed} for seed in range(2)]), wished_percent=5.0)
    with found.files["columns"].open(encoding="utf-8") as file:
        told = {(line["table"], line["column"]): line["meaning"] for line in csv.DictReader(file)}
    common = {"arm", "bone.seed", "outcome", "unit"}
    for table, columns in (("summary", found.summary), ("variance", found.variance)):
        assert {name for owner, name in told if owner == table} == set(columns) - common
    assert "+- 5 % of the mean" in told["summary", "replicates_for_5_percent"]


def _peaks_mb(sweep: SweepFolder) -> np.ndarray:
    """Peak memory of the tables, and of the curves beyond what the tables keep."""
    tracemalloc.start()
    try:
        found = collect(sweep)
        kept, tables = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        read_curves(sweep, found)
        return np.array([tables, tracemalloc.get_traced_memory()[1] - kept]) / 1e6
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_number_of_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From 20 to 200 runs in two arms peaks grow by the rows of the tables, 1.6 and 0.1 MB, not by the series.

    Series would take 1.2 MB more. The buffer of the bootstrap is bounded; it is bounded lower here, so that it is full
    with few runs already.
    """
    monkeypatch.setattr(ensemble, "BATCH_VALUES", 10**5)
    few, many = (_peaks_mb(write_sweep(tmp_path / str(n), replicates=n, days=30)) for n in (10, 100))
    assert (many - few < (2.2, 0.6)).all()


def test_curves_are_means_of_runs_and_of_pairs(tmp_path: Path) -> None:
    """Bands of BV/TV in % and of its difference against the formula, by level and arm, then over levels."""
    factors = [{"bone.seed": 0}, {"bone.seed": 1}]
    sweep = write_sweep(tmp_path / "s", factors=factors, replicates=5, days=50, unfinished={("control", 1): "failed"})
    curves = read_curves(sweep, collect(sweep))
    day = np.arange(51)

    def percent(arm: int, replicate: int, bone: int = 1) -> np.ndarray:
        return 100 * (bv_tv(arm, replicate, day, bone) / bv_tv(arm, replicate, 0, bone) - 1)

    band = curves.arms["ovx", "bone.seed = 1"][0]
    assert band.count.tolist() == [5] * 51
    np.testing.assert_allclose(band.mean, np.mean([percent(1, r) for r in range(5)], axis=0), atol=1e-12)
    difference = curves.differences["ovx", "bone.seed = 1"][0]
    assert difference.count.tolist() == [4] * 51
    expected = np.mean([percent(1, r) - percent(0, r) for r in (0, 2, 3, 4)], axis=0)
    np.testing.assert_allclose(difference.mean, expected, atol=1e-12)
    assert set(curves.arms) == {(arm, f"bone.seed = {seed}") for arm in ("control", "ovx") for seed in (0, 1)}
    means = np.array([np.mean([percent(1, r, bone) for r in range(5)], axis=0) for bone in (0, 1)])
    together = curves.together["ovx"][0]
    assert together.count.tolist() == curves.differences_together["ovx"][0].count.tolist() == [2] * 51
    np.testing.assert_allclose(together.mean, means.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(together.sd, means.std(axis=0, ddof=1), atol=1e-12)


def test_running_means_keep_a_constant_and_a_sum(tmp_path: Path) -> None:
    """Smoothing leaves the mean of formation where it is far from the ends, and never leaves the range of the data."""
    sweep = write_sweep(tmp_path / "s", ("",), replicates=1, days=399)
    band = read_curves(sweep, collect(sweep)).arms["", ""][[course.title for course in COURSES].index("Formation")]
    raw = 1e-6 * series(0, 0, 399)["formed_um3"]
    assert band.mean[100] == pytest.approx(raw[86:114].mean())
    assert raw.min() <= band.mean.min() <= band.mean.max() <= raw.max()


def test_few_levels_have_pictures_and_many_are_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Captions and legends of the figures; SVG where wished."""
    pytest.importorskip("matplotlib")
    monkeypatch.setattr("boneabm.sweep.plots.DPI", 20)
    few = write_sweep(tmp_path / "few", factors=[{"bone.seed": s} for s in range(2)], replicates=2, days=5)
    found = collect(few)
    figures = draw(read_curves(few, found), found)
    assert len(figures) == 3 + 3 + 1
    together = figures["Course of the runs, all levels together"]
    assert "ovx (n = 2 combinations)" in [text.get_text() for text in together.legends[0].get_texts()]
    assert "one mean over runs each" in together.get_supxlabel()
    assert "(n = 2)" in figures["Course of the runs, bone.seed = 1"].legends[0].get_texts()[0].get_text()
    assert "Diamond: over combinations" in figures["Paired differences of the main outcomes"].get_supxlabel()
    many = write_sweep(tmp_path / "many", ("",), [{"bone.seed": s} for s in range(7)], replicates=1, days=5)
    (one,) = write_plots(many, collect(many), tmp_path / "q", svg=True).values()
    assert one.with_suffix(".svg").read_bytes().startswith(b"<?xml")


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> tuple[SweepFolder, str]:
    """A sweep with one failed run, and its report with pictures."""
    pytest.importorskip("matplotlib")
    path = tmp_path_factory.mktemp("reported") / "s"
    sweep = write_sweep(
        path, ("control", "ovx <b>"), days=20, title="A & <b>B</b>", unfinished={("ovx <b>", 1): "failed"}
    )
    sweep.sweep_file.write_text('question = "Is 1 < 2?"\n', encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return sweep, write_report(sweep).read_text(encoding="utf-8")


@pytest.fixture
def _no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports without pictures, which take most of their time."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)


def test_pictures_are_png_1200_pixels_wide(reported: tuple[SweepFolder, str]) -> None:
    """Files of the folder plots: courses, paired differences over time, intervals of differences."""
    paths = sorted((reported[0].path / "plots").iterdir())
    assert [path.name[:8] for path in paths] == ["1-course", "2-paired", "3-paired"]
    for path in paths:
        head = path.read_bytes()[:24]
        assert head[1:4] == b"PNG"
        assert int.from_bytes(head[16:20], "big") == 1200


def test_the_report_stands_alone_and_tells_what_is_missing(reported: tuple[SweepFolder, str]) -> None:
    """Title, failure and pictures are inside; text is escaped; nothing is loaded from elsewhere."""
    sweep, text = reported
    assert "A &amp; &lt;b&gt;B&lt;/b&gt;" in text
    assert "<b>" not in text
    assert "Is 1 &lt; 2?" in text
    assert "7 of 8 runs are finished; 1 failed." in text
    assert "no bone left &lt;at day 3&gt;" in text
    pictures = re.findall(r'src="data:image/png;base64,([^"]+)"', text)
    assert len(pictures) == 3
    assert all(base64.b64decode(picture)[1:4] == b"PNG" for picture in pictures)
    assert not re.search(r'(src|href)="(?!data:)', text)
    assert sweep.digest() in text
    assert "the box is small (2 runs)" in text
    assert "because of rows of low confidence: m_rankl x1.20 to x1.23" in text


@pytest.mark.usefixtures("_no_pictures")
def test_the_report_says_what_is_pooled_and_what_is_needed(tmp_path: Path) -> None:
    """Pooled columns count combinations, the note says so, and pairs needed are told with their power."""
    factors = [{"bone.seed": seed} for seed in range(3)]
    sweep = write_sweep(tmp_path / "s", factors=factors, replicates=4, days=100)
    text = html.unescape(write_report(sweep).read_text(encoding="utf-8"))
    assert "ovx (n = 3 combinations, 12 runs)" in text
    assert "every combination of levels counts as one value" in text
    assert "ovx minus control (3 combinations of levels)" in text
    assert "difference, power 80 %: ovx" in text
    rows = [r for r in table_rows(collect(sweep).summary) if r["pooled"] and r["outcome"] == "bv_tv_last"]
    needed = [*(r["replicates_for_10_percent"] for r in rows), rows[1]["pairs_for_80_percent_power"]]
    assert "".join(f"<td>{n}</td>" for n in needed) in text


@pytest.mark.usefixtures("_no_pictures")
def test_the_report_says_what_common_random_numbers_save(tmp_path: Path) -> None:
    """The percentage of the sentence is that of the variance ratio in the summary."""
    sweep = write_sweep(tmp_path / "s", replicates=6, days=100)
    ratio = row(collect(sweep), "ovx", "bv_tv_change_percent")["variance_ratio"]
    text = html.unescape(write_report(sweep, tmp_path / "elsewhere" / "r.html").read_text(encoding="utf-8"))
    assert f"by {100 * (1 - ratio):.0f} %: with independent seeds" in text
    assert 'pandas.read_csv("../s/tables/runs.csv"' in text


def test_pictures_of_one_replicate_have_lines_without_bands(tmp_path: Path) -> None:
    """No interval is no reason for a warning or for no picture."""
    pytest.importorskip("matplotlib")
    sweep = write_sweep(tmp_path / "s", replicates=1, days=3)
    found = collect(sweep)
    figures = draw(read_curves(sweep, found), found)
    assert len(figures) == 3
    for at in (0, 2):
        list(figures.values())[at].savefig(tmp_path / f"{at}.png", dpi=20)


@pytest.mark.usefixtures("_no_pictures")
@pytest.mark.parametrize("replicates", [0, 1, 2])
@pytest.mark.parametrize("arms", [("",), ("control", "ovx")])
def test_a_report_of_little_or_nothing(tmp_path: Path, arms: tuple[str, ...], replicates: int) -> None:
    """No run, one replicate, no arms: a report without intervals, no warning."""
    text = write_report(write_sweep(tmp_path / "s", arms, replicates=replicates, days=3)).read_text(encoding="utf-8")
    assert ("No run is finished yet." in text) == (replicates == 0)
    assert not re.search(r"\bnan\b", re.sub(r'base64,[^"]+', "", text))


@pytest.mark.usefixtures("_no_pictures")
def test_many_levels_are_told_one_by_one(tmp_path: Path) -> None:
    """More combinations than pictures can show: one row each, and the mean of the level stands in it."""
    factors = [{"bone.seed": 0, "bone.plates": n / 10} for n in range(8)]
    sweep = write_sweep(tmp_path / "s", factors=factors, replicates=2, days=4)
    text = write_report(sweep).read_text(encoding="utf-8")
    assert len(re.findall(r"<td>ovx, bone.seed = 0, bone.plates = 0\.\d</td><td>2</td>", text)) == 8
    assert f"<td>{number((bv_tv(1, 0, 4) + bv_tv(1, 1, 4)) / 2)} <span" in text


def test_numbers_are_written_to_be_read() -> None:
    """Three digits, whole numbers whole, powers of ten where needed, a dash where there is none."""
    shown = {0.2: "0.200", -2.366: "−2.37", 50.0: "50", 12345.6: "12346", 1.2345e6: "1.23\u00a0·\u00a010⁶"}
    assert {value: number(value) for value in shown} == shown
    assert number(-2e-5) == "−2.00\u00a0·\u00a010⁻⁵"
    assert number(None) == number(float("nan")) == "–"
    assert levels_text({"bone.seed": 1, "labs.pth": "38 pg/mL"}) == "bone.seed = 1, labs.pth = 38 pg/mL"
