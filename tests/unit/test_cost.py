"""Estimates before a run, against runs that were measured once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from boneabm.cost import Cost, cost_of, shape_of
from boneabm.parameters import ParameterSet
from boneabm.scenario import Scenario
from boneabm.sweep.design import read_design
from boneabm.sweep.estimate import estimate
from boneabm.sweep.folder import SweepFolder
from boneabm.sweep.plan import make_plan

TIME_FACTOR = 1.6
MEMORY_FACTOR = 1.25
DISK_FACTOR = 1.25

# Measured on one thread of a shared 2-core Intel Xeon with other work on it (2026-11-21, Python 3.11, numba 0.68):
# boneabm run SCENARIO --threads 1 --json, each twice, the shorter. Generated bone of 20 um, BV/TV 0.15, 51 y at final
# period, 190 d of burn-in, volumes on the first and the last day.
# edge in voxels: (days, wall_s of the days, peak MB of a process that also makes the burned-in state, checkpoint MB)
MEASURED_BLOCKS = {
    64: (120, 7.53, 395, 16.3),
    80: (60, 10.39, 459, 31.9),
    100: (40, 11.97, 541, 62.2),
    150: (35, 34.67, 1054, 209.2),
    200: (35, 87.81, 2071, 495.7),
}
# The same for packaged scenarios: wall_s of the days, MB of the run folder.
MEASURED_SCENARIOS = {"menopause": (60.8, 82.6)}
# Processor time of boneabm sweep example_sweep --in-process, 18 runs and 12 burn-ins, and MB of its folder.
MEASURED_SWEEP_S, MEASURED_SWEEP_MB = 54.8, 69.8


def block(edge: int, days: int, **output: Any) -> Scenario:
    shape = {"size": f"{20 * edge} um", "voxel": "20 um", "bv_tv": 0.15, "tb_th": "160 um"}
    bone = {"kind": "generated", "plates": 0.2, "seed": 7, **shape}
    written = {"volumes_every": "1000 d", "agents_every": "1000 d", "checkpoint_every": "1000 d", **output}
    tables = {"title": "block", "bone": bone, "simulation": {"days": days}, "output": written}
    return Scenario.from_dict(tables)


def cost(scenario: Scenario) -> Cost:
    found = cost_of(scenario, ParameterSet.load())
    assert found is not None
    return found


def within(factor: float, estimated: float, measured: float) -> bool:
    return 1 / factor <= estimated / measured <= factor


@pytest.mark.parametrize("edge", MEASURED_BLOCKS)
def test_estimates_are_near_measured_blocks(edge: int) -> None:
    """Time within a factor of 1.6, memory and size of a state within 1.25."""
    days, run_s, peak_mb, state_mb = MEASURED_BLOCKS[edge]
    told = cost(block(edge, days))
    assert within(TIME_FACTOR, told.run_s, run_s), told
    assert within(MEMORY_FACTOR, told.memory_mb, peak_mb), told
    assert within(DISK_FACTOR, told.state_mb, state_mb), told


@pytest.mark.parametrize("name", MEASURED_SCENARIOS)
def test_estimates_are_near_measured_scenarios(name: str) -> None:
    """Time within a factor of 1.6, disk within 1.25."""
    run_s, disk_mb = MEASURED_SCENARIOS[name]
    told = cost(Scenario.load(name))
    assert within(TIME_FACTOR, told.run_s, run_s), told
    assert within(DISK_FACTOR, told.disk_mb, disk_mb), told


def test_the_dry_run_of_the_example_sweep_is_near_what_it_took(tmp_path: Path) -> None:
    """Time of runs and burn-ins that they share, on one processor and on four; disk with the burned-in states."""
    _, plan = make_plan(read_design("example_sweep"))
    told = estimate(SweepFolder(tmp_path / "none"), plan, workers=4)
    assert (told.runs, told.burn_ins, told.finished, told.measured) == (18, 12, 0, False)
    assert told.cpu_h is not None
    assert told.disk_gb is not None
    assert within(TIME_FACTOR, 3600 * told.cpu_h, MEASURED_SWEEP_S)
    assert told.wall_h == pytest.approx(told.cpu_h / 4)
    assert within(DISK_FACTOR, 1000 * told.disk_gb, MEASURED_SWEEP_MB)


def test_what_is_written_costs_time_and_disk() -> None:
    """A volume costs about two days' work and its bytes; the last state goes with keep_state = false."""
    plain, volumes = cost(block(80, 60)), cost(block(80, 60, volumes_every="1 d"))
    assert volumes.run_s - plain.run_s == pytest.approx(59 * 80**3 * 4.8e-7)
    assert volumes.disk_mb - plain.disk_mb == pytest.approx(59 * 80**3 * 7e-6)
    assert plain.disk_mb - cost(block(80, 60, keep_state=False)).disk_mb == pytest.approx(plain.state_mb)
    assert cost(block(80, 60, keep_checkpoints=[10, 20])).disk_mb - plain.disk_mb == pytest.approx(2 * plain.state_mb)


def test_units_and_counts() -> None:
    """512000 voxels of 20 um at BV/TV 0.15 are 0.6144 mm3 of bone; osteocytes follow their density."""
    told, density = cost(block(80, 60)), ParameterSet.load()["osteocyte.density_per_mm3"].value
    assert told.voxels == 512_000
    assert told.bone_mm3 == pytest.approx(0.6144)
    assert told.osteocytes == pytest.approx(0.6144 * density)
    assert cost(block(80, 120)).burn_in_s == told.burn_in_s


def image(folder: Path, **bone: str) -> Scenario:
    (folder / "sample.tif").write_bytes(b"")
    tables = {"kind": "image", "image": str(folder / "sample.tif"), "voxel_size": "19.5 um", **bone}
    return Scenario.from_dict({"title": "image", "bone": tables})


def test_an_image_has_a_cost_once_its_crop_is_known(tmp_path: Path) -> None:
    whole, part = image(tmp_path), image(tmp_path, crop="0:100,10:60,0:20")
    assert shape_of(whole) is None
    assert cost_of(whole, ParameterSet.load()) is None
    assert shape_of(part) == (100, 50, 20)
    assert cost(part).voxels == 100_000


def test_six_unit_cases_double_the_time_of_the_days_only() -> None:
    """A tilted load costs a second as much time per day; burn-in, memory and disk are estimated as without."""
    rows = [{"name": "walk", "stress": ["0.6 MPa", "0.2 MPa", "0.2 MPa"], "cycles": 1000, "tilt": "30 deg"}]
    straight = block(64, 1000)
    tables = straight.model_dump(by_alias=True, exclude_none=True)
    tilted = Scenario.from_dict({**tables, "activity": rows})
    assert cost(tilted).run_s == pytest.approx(2 * cost(straight).run_s, rel=0.1)
    assert cost(tilted)._replace(run_s=0.0) == cost(straight)._replace(run_s=0.0)
