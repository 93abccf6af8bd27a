"""A sweep folder written by formula instead of simulated, so that tests of tables and reports know every number."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from boneabm.analysis.doubts import HEADS
from boneabm.io.schema import EVENT_COLUMNS, SERIES_FIRST, SERIES_FURTHER
from boneabm.sweep.folder import Contrast, PlannedRun, SweepFolder, plan_text

COLUMNS = (*SERIES_FIRST, *SERIES_FURTHER)


def shared(replicate: int) -> float:
    """What a seed does in every arm, -1..1."""
    return (7 * replicate % 5 - 2) / 2


def own(replicate: int) -> float:
    """What a seed does to the effect of the treatment, -1..1."""
    return (3 * replicate % 4 - 1.5) / 1.5


def bv_tv(arm: int, replicate: int, day: Any, geometry: int = 0) -> Any:
    """BV/TV of arm 0, 1, ...: level and drift of the geometry and the seed, less a loss in proportion to the arm."""
    common = 0.2 + 0.01 * (geometry % 3) + 0.004 * shared(replicate) * (1 + day / 365)
    return common - arm * (0.01 + 0.002 * own(replicate)) * day / 365


def series(arm: int, replicate: int, days: int, geometry: int = 0) -> dict[str, np.ndarray]:
    """Every column of series.csv."""
    day = np.arange(days + 1)
    wave = np.sin(day / 20 + replicate)
    bone = bv_tv(arm, replicate, day, geometry)
    counts = {"osteoclasts": 50 + 10 * arm, "osteoblasts": 400 + 20 * arm, "osteocytes": 7000, "open_sites": 8 + arm}
    values = {name: np.full(days + 1, 1.0) for name in COLUMNS}
    values |= {name: np.round(n + 0.05 * n * wave).astype(int) for name, n in counts.items()}
    values |= {"day": day, "BV/TV": bone, "BV/TV_binary": bone, "BS/BV_per_mm": 14 + 0.001 * arm * day}
    values |= {"mineral_g_per_cm3": 1.1 * bone, "opened_sites": day % 2}
    values |= {"resorbed_um3": 1e5 * (1 + 0.2 * arm) * (1 + 0.1 * wave), "formed_um3": 1e5 * (1 + 0.1 * wave)}
    values |= {"Ac.f_per_y": 0.15 + 0.05 * arm * np.minimum(day / 365, 1) + 0.01 * shared(replicate)}
    values |= {f"stiffness_{axis}_mpa": k * (bone / 0.2) ** 2 for axis, k in (("zz", 900), ("yy", 700), ("xx", 650))}
    return values


def write_series(path: Path, columns: Mapping[str, np.ndarray]) -> None:
    """series.csv as a run writes it."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*(values.tolist() for values in columns.values()), strict=True))


def write_events(path: Path, arm: int) -> None:
    """events.csv with two closed sites of wall 40 and 50 um, and as many perforations as the number of the arm."""
    row = dict.fromkeys(EVENT_COLUMNS, "")
    site = {**row, "event": "site_closed", "erosion_depth_um": 45.0}
    closed = [{**site, "day": 5 + i, "wall_um": 40.0 + 10 * i} for i in (0, 1)]
    holes = [{**row, "day": 7, "event": "perforation"} for _ in range(arm)]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(EVENT_COLUMNS), lineterminator="\n")
        writer.writeheader()
        writer.writerows(closed + holes)


def run_id(arm: str, factors: Mapping[str, Any], replicate: int) -> str:
    """16 hexadecimal digits."""
    return hashlib.sha256(f"{arm} {dict(factors)} {replicate}".encode()).hexdigest()[:16]


def write_sweep(
    path: Path,
    arms: Sequence[str] = ("control", "ovx"),
    factors: Sequence[Mapping[str, Any]] = ({},),
    replicates: int = 4,
    days: int = 30,
    unfinished: Mapping[tuple[str, int], str] | None = None,
    title: str = "Loss of bone without estradiol",
    contrasts: Mapping[str, Contrast] | None = None,
) -> SweepFolder:
    """Sweep with every run finished, except those named in `unfinished`.

    arms       : the first one is the reference; ("",) for a sweep without arms
    factors    : one dictionary of levels per point of the design; "bone.seed" shifts BV/TV
    unfinished : "failed", "partial" or "missing" by (arm, replicate)
    """
    sweep = SweepFolder(path)
    for folder in (sweep.runs, sweep.failed):
        folder.mkdir(parents=True)
    plan = []
    for levels in factors:
        for number, arm in enumerate(arms):
            for replicate in range(replicates):
                run = _planned(arm, levels, replicate)
                plan.append(run)
                _write_run(sweep, run, number, days, (unfinished or {}).get((arm, replicate), "finished"))
    sweep.plan_file.write_text(plan_text(title, arms[0] if arms else "", plan, "version", contrasts), encoding="utf-8")
    return sweep


def _planned(arm: str, levels: Mapping[str, Any], replicate: int) -> PlannedRun:
    name = run_id(arm, levels, replicate)
    return PlannedRun(name, arm, dict(levels), replicate, 1000 + replicate, "b0b0", f'title = "{arm}"\n')


def _write_run(sweep: SweepFolder, run: PlannedRun, arm: int, days: int, status: str) -> None:
    path = sweep.run_path(run.run_id)
    if status == "failed":
        record = {"run_id": run.run_id, "error": "no bone left <at day 3>\nsecond line", "traceback": "..."}
        (sweep.failed / f"{run.run_id}.json").write_text(json.dumps(record), encoding="utf-8")
    if status in ("failed", "missing"):
        return
    path.mkdir()
    if status == "finished":
        columns = series(arm, run.replicate, days, run.factors.get("bone.seed", 0))
        write_series(path / "series.csv", columns)
        write_events(path / "events.csv", arm)
        (path / "result.json").write_text(json.dumps(_result(run, days, columns["BV/TV"])), encoding="utf-8")


def _result(run: PlannedRun, days: int, bone: np.ndarray) -> dict[str, Any]:
    digest = hashlib.sha256(run.run_id.encode()).hexdigest()
    return {
        "run_id": run.run_id, "days": days, "first_day": 0, "seed": run.seed, "state_sha256": digest,
        "tables_sha256": digest[::-1], "bv_tv_first": float(bone[0]), "bv_tv_last": float(bone[-1]), "wall_s": 1.5,
        "peak_mb": 300.0, "began_utc": f"2026-01-0{1 + run.replicate % 9}T10:00:00Z",
        "ended_utc": f"2026-01-0{1 + run.replicate % 9}T10:00:02Z", "attempts": 1,
        "lineage": [{"kind": "burn-in", "day": 0, "digest": "d1" * 32, "key": run.burn_in}],
        "warnings": ["the box is small"] if run.replicate == 0 else [],
        "low_confidence": [f"{HEADS[2]}: m_rankl x1.{20 + run.replicate}"],
    }  # fmt: skip
