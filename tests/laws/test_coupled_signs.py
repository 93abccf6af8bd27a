"""Drivers of the body move the coupled tissue in their direction: resorbed and formed volume of paired arms."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))
signs = importlib.import_module("coupled_signs")

SEEDS, EDGE, DAYS = (1, 2), 40, 60
BY_NAME = {driver.name: driver for driver in signs.DRIVERS}


@pytest.fixture(scope="module")
def arms():
    return signs.Arms(EDGE, DAYS)


def change(arms, name):
    """Mean paired difference (resorbed, formed, balance) of a driver, % of bone volume."""
    pairs = [arms.pair(BY_NAME[name], seed) for seed in SEEDS]
    return np.mean([[100 * (getattr(b, key) - getattr(a, key)) for key in ("resorbed", "formed", "balance")]
                    for a, b in pairs], axis=0)  # fmt: skip


@pytest.mark.slow
def test_estrogen_loss_raises_resorption_and_costs_bone(arms):
    resorbed, _, balance = change(arms, "estrogen loss (oophorectomy)")
    assert resorbed > 0.5
    assert balance < -0.5


@pytest.mark.slow
def test_the_same_teriparatide_builds_in_pulses_and_not_from_a_pump(arms):
    """20 ug a day: more formed than resorbed in pulses; at a held rate more resorbed, and nothing that builds.

    Held PTH raises activation by an eighth: in two small blocks and 60 days that is less than a site, so that the sign
    of its balance is the business of benchmarks/coupled_signs.py, with more seeds and days.
    """
    pulsed, infused = change(arms, "teriparatide injected daily"), change(arms, "teriparatide infused")
    assert pulsed[1] > 1.0
    assert pulsed[2] > 0.5
    assert infused[0] > 0.02
    assert infused[2] < 0.01 * pulsed[2]


@pytest.mark.slow
def test_drugs_that_hold_resorption_back_and_romosozumab_that_builds(arms):
    """Denosumab and alendronate lower resorbed volume; romosozumab raises formed volume, more than resorption."""
    assert change(arms, "denosumab")[0] < -2.0
    assert change(arms, "alendronate")[0] < -1.0
    romosozumab = change(arms, "romosozumab")
    assert romosozumab[1] > 2.0
    assert romosozumab[2] > 2.0


def test_a_direction_is_open_unless_its_interval_excludes_zero():
    """Paired t interval: three clear gains are right for + and wrong for -, scattered ones are open."""
    assert signs.verdict([1.0, 1.1, 0.9], "+") == "right"
    assert signs.verdict([1.0, 1.1, 0.9], "-") == "wrong"
    assert signs.verdict([1.0, -1.1, 0.2], "+") == "open"
    assert signs.verdict([1.0], "+") == "open"
    assert signs.verdict([1.0, 1.1], "") == ""
