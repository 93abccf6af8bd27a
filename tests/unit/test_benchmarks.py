"""The benchmarks of micro-FE and of the fields run on a tiny block and their figures agree with each other."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from boneabm.kernels import blocks

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
EDGE = 18


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The benchmark as a module, as it sees itself when it is run from the command line."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("micro_fe")


def block() -> np.ndarray:
    """A block with three holes through it, so that it has an inner surface and reaches all faces."""
    mask = np.ones((EDGE,) * 3, np.bool_)
    hole = slice(EDGE // 3, 2 * EDGE // 3)
    mask[hole, hole] = mask[:, hole, hole] = mask[hole, :, hole] = False
    return mask


def test_every_figure_of_a_bone_is_measured(benchmark, capsys):
    """A tiny block goes through all measurements: floor, memory, accuracy, warm updates, load cases."""
    report, bandwidth = benchmark.Report(), benchmark.Bandwidth(elements=100_000)
    bandwidth.measure()
    bandwidth.tell(report)
    benchmark.measure_bone(report, bandwidth, "block", block(), False, 1)
    report.close()
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])["block"]
    assert figures["dof"] > 3 * EDGE**3 / 2
    assert figures["net_peak_mb"] > 0
    assert figures["solve_over_floor"] == pytest.approx(figures["solve_s"] / figures["floor_s"])
    assert figures["sed_l2_error"] < 1e-4
    assert figures["flips_p95_error"] <= 5e-3
    assert 0 <= figures["moduli_iterations"] <= figures["iterations"]
    assert figures[f"operator_fp32_{blocks.get_threads()}_mdof_per_s"] > 0


def test_three_load_cases_do_three_times_the_work_of_one_at_most(benchmark):
    """Cases between rollers share a setup; iterations of the first one are those it needs alone."""
    report = benchmark.Report(only_json=True)
    benchmark.measure_cases(report, "block", block(), 1)
    figures = report.figures["load cases, block"]
    assert figures["one_iterations"] < figures["three_iterations"] <= 3 * figures["one_iterations"] + 3
    assert figures["case_over_one"] == pytest.approx(figures["three_s"] / 3 / figures["one_s"])


def test_peers_find_the_same_stiffness(benchmark):
    """Jacobi-CG, and PyAMG where it is installed, end at the apparent modulus of our solver."""
    report = benchmark.Report(only_json=True)
    benchmark.measure_peers(report, "block", block(), ["jacobi", "pyamg"])
    moduli = [value for key, value in report.figures["peers, block"].items() if key.startswith("e_app")]
    assert len(moduli) >= 2
    assert moduli == pytest.approx([moduli[0]] * len(moduli), rel=1e-5)


def test_a_mirrored_bone_is_symmetric(benchmark):
    """Mirroring doubles every edge and multiplies the bone by 8; each octant is the bone."""
    bones = importlib.import_module("bones")
    mask = block()
    twice = bones.mirrored(mask)
    assert twice.shape == (2 * EDGE,) * 3
    assert twice.sum() == 8 * mask.sum()
    assert np.array_equal(twice, twice[::-1, ::-1, ::-1])


def test_flips_change_the_share_of_the_surface_that_they_say(benchmark):
    """Half of the flipped voxels leave, half come, all at the surface; what comes loose is gone."""
    bones = importlib.import_module("bones")
    mask = block()
    changed = bones.flipped(mask, 0.1)
    removed, added = mask & ~changed, changed & ~mask
    assert removed.sum() >= added.sum() > 0
    assert removed.sum() < 0.1 * mask.sum()


def test_fields_in_remodeling_bone_are_followed(benchmark):
    """A day of the benchmark moves every field; in remodeling bone none is off by more than 5 % at the surface."""
    fields = importlib.import_module("fields")
    assert "24^3" in fields.measure(24)
    found = fields.follow(48, 11)
    assert set(found) == {"rankl", "opg", "sclerostin", "osteocytes"}
    for mean, largest, updates in found.values():
        assert 0 < mean <= largest < 0.05
        assert 0 < updates <= 1
