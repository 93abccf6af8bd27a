"""The morphometry benchmark: figures of a tiny block, missing peers, and who counts as exact."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from boneabm.morphometry import local_thickness, measure

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The benchmark as a module, as it sees itself when it is run from the command line."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("morphometry")


def block() -> np.ndarray:
    mask = np.zeros((20, 20, 20), np.bool_)
    mask[6:12] = True
    mask[:, 8:11, 8:11] = True
    return mask


def test_all_figures_of_a_block_are_there(benchmark: ModuleType) -> None:
    report = benchmark.Report(only_json=True)
    maps = benchmark.measure_ours(report, "block", block(), 1)
    figures = report.figures["ours"]
    assert figures["tb_th_um"] == measure(block(), benchmark.SPACING_UM).tb_th_um
    assert figures["smi_s"] > 0 < figures["everything_s"]
    np.testing.assert_array_equal(maps["bone"], local_thickness(block(), 1.0))
    benchmark.measure_steps(report, block())
    assert report.figures["steps, bone"]["balls"] > 0
    benchmark.measure_threads(report, block(), 1)
    assert report.figures["threads"]["equal_bits"] == 1


def test_a_missing_peer_is_told_as_missing(benchmark: ModuleType) -> None:
    """The last line of its error is the reason."""
    report = benchmark.Report(only_json=True)
    facts, diameter = benchmark.ask_peer(sys.executable, "no such peer", block(), 60.0)
    assert "KeyError" in facts["missing"]
    assert diameter is None
    total, _ = benchmark.measure_peer(report, "no such peer", {"bone": block()}, {}, sys.executable, 60.0)
    assert total == float("inf")


def test_only_exact_peers_count_for_the_goal(benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """One peer is exact and slow, one fast and 1 % off, one is stopped."""
    mask = block()
    ours = {"bone": local_thickness(mask, 1.0), "marrow": local_thickness(~mask, 1.0)}

    def ask(python: str, name: str, voxels: np.ndarray, limit_s: float) -> tuple[dict[str, Any], np.ndarray | None]:
        right = local_thickness(voxels, 1.0)
        answers: dict[str, tuple[dict[str, Any], np.ndarray | None]] = {
            "exact": ({"seconds": 5.0, "cpu_seconds": 8.0, "version": "1"}, right),
            "rough": ({"seconds": 1.0, "cpu_seconds": 1.0, "version": "1"}, right * np.float32(1.01)),
            "slow": ({"stopped": "after 60 s"}, None),
        }
        return answers[name]

    monkeypatch.setattr(benchmark, "ask_peer", ask)
    monkeypatch.setattr(benchmark, "PEERS", {name: (name, "thickness") for name in ("exact", "rough", "slow")})
    report = benchmark.Report(only_json=True)
    report.figures["ours"] = {"bone_s": 0.25, "marrow_s": 0.75, "thickness_cpu_s": 2.0}
    benchmark.measure_peers(report, mask, ours, "python", 60.0)
    assert report.figures["ratio"] == {"fastest_exact_over_ours": 10.0}
    assert report.figures["rough"]["ratio"] == 2.0
    assert report.figures["slow"] == {"stopped": "after 60 s", "ratio": 120.0, "cpu_ratio": 60.0}
    assert report.figures["exact"]["cpu_ratio"] == 8.0
