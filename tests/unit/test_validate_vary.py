"""`validate --vary`: what is read, run and told when one constant takes several values."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from boneabm.analysis.ensemble import Interval, mean_interval
from boneabm.cli_validate import validate as command
from boneabm.errors import InputError
from boneabm.identity import model_version
from boneabm.parameters import ParameterSet
from boneabm.validation.experiments import EXPERIMENTS, Experiment
from boneabm.validation.suite import Sizing, plan_sweep
from boneabm.validation.table import Row, Validation
from boneabm.validation.targets import constants, fits, read_targets
from boneabm.validation.vary import Varied, aim, crossing, experiments_of, read_varied, responses

BALANCE = "osteoblast.balance"


def validation(experiment: Experiment, mean: float) -> Validation:
    """A validation in which every quantity with a target has this mean over two bones."""
    targets = {target.quantity: target for target in read_targets() if target.experiment == experiment.name}
    interval: Interval = mean_interval([mean - 0.1, mean + 0.1])
    rows = [Row(experiment.name, one, targets.get(one.name), interval) for one in experiment.quantities]
    return Validation(rows, [], constants(), model_version())


def test_values_are_sorted_and_each_once() -> None:
    """A list of values in any order."""
    assert read_varied(f"{BALANCE}=1.25, 1.15,1.2,1.2") == Varied(BALANCE, (1.15, 1.2, 1.25))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("osteoblast.balance", "section.name=value,value"),
        ("", "section.name=value,value"),
        ("=1,2", "section.name=value,value"),
        ("osteoblast.balance=1.2000001,1.2000002", "six digits"),
        ("osteoblast.balance=1.2", "two or more values"),
        ("osteoblast.balance=1.2,much", "two or more values"),
        ("osteoblast.balanse=1.1,1.2", "osteoblast.balance"),
        ("osteoblast.balance=1.2,120", "0.9"),
    ],
)
def test_what_cannot_be_run_is_refused(text: str, told: str) -> None:
    """The form, the closest name or the allowed range is told."""
    with pytest.raises(InputError, match=told):
        read_varied(text)


def test_experiments_are_those_the_constant_was_fitted_in() -> None:
    """Without names the experiment of fitted.csv; with names those; for other numbers names are asked for."""
    assert [one.name for one in experiments_of(Varied(BALANCE, (1.0, 1.1)), [])] == ["reference"]
    assert [one.name for one in experiments_of(Varied(BALANCE, (1.0, 1.1)), ["load-turned"])] == ["load turned"]
    with pytest.raises(InputError, match="name the experiments"):
        experiments_of(Varied("mineral.secondary_rate_per_d", (0.0009, 0.001)), [])
    with pytest.raises(InputError, match='"sensitivity" has no targets'):
        experiments_of(Varied(BALANCE, (1.0, 1.1)), ["reference", "sensitivity"])


def test_every_fit_of_the_tissue_can_be_repeated() -> None:
    """What is listed with an experiment is a parameter that a sweep can change and a quantity that is measured."""
    known = ParameterSet.load()
    quantities = {(one.name, quantity.name) for one in EXPERIMENTS for quantity in one.quantities}
    listed = [fit for fit in fits().values() if fit.experiment]
    assert len(listed) > 10
    for fit in listed:
        assert (fit.experiment, fit.quantity) in quantities
        assert known.problems({fit.name: known[fit.name].value}) == {}


def test_runs_of_a_value_have_that_value(tmp_path: Path) -> None:
    """The sweep of one value is the suite's with that parameter, in a folder of its own."""
    varied = Varied(BALANCE, (1.15, 1.25))
    assert varied.sizing(1.25, 2) == Sizing(2, {f"parameters.{BALANCE}": 1.25})
    folders = {varied.folder(tmp_path, value) for value in varied.values}
    assert len(folders) == 2
    plan = plan_sweep("reference", tmp_path, varied.sizing(1.25, 2)).plan
    assert len(plan) == 2
    assert all(f'"{BALANCE}" = 1.25' in run.scenario for run in plan)


@pytest.mark.parametrize(
    ("y", "level", "expected"),
    [
        ([0, 1, 2], 1.5, 2.5), ([2, 1, 0], 0.5, 2.5), ([0, 1, 0], 0.5, 1.5), ([0, 1, 2], 3, None), ([0, 0, 1], 0, 1),
    ],
)
def test_crossing_lies_on_straight_lines(y: Sequence[float], level: float, expected: float | None) -> None:
    """The first crossing, rising or falling or at a value that meets it; nan outside."""
    found = crossing([1, 2, 3], y, level)
    assert math.isnan(found) if expected is None else found == pytest.approx(expected)


def test_the_fitted_quantity_comes_first_and_is_met_in_the_middle_of_its_band() -> None:
    """BV/TV change, band -5 to 5, of -4, 0 and 4 is met at the second value; one-sided bands at their bound."""
    varied = Varied(BALANCE, (1.1, 1.2, 1.3))
    (experiment,) = experiments_of(varied, [])
    found = {value: validation(experiment, mean) for value, mean in zip(varied.values, (-4, 0, 4), strict=True)}
    first, *others = responses(varied, found)
    assert (first.rows[0].quantity.name, first.fitted) == ("BV/TV change", True)
    assert first.met_at() == pytest.approx(1.2)
    assert first.means == pytest.approx((-4, 0, 4))
    assert not any(one.fitted for one in others)
    assert all(one.rows[0].target is not None for one in others)
    bands = {target.quantity: aim(target) for target in read_targets()}
    assert (bands["BV/TV change"], bands["slowdown"], bands["Tb.N change"]) == (0, 2, 0)


def test_command_runs_every_value_and_writes_a_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One folder of runs per value, a line per target with its means, a tidy table, JSON."""
    ran: list[tuple[Path, Any]] = []
    monkeypatch.setattr(
        "boneabm.validation.suite.run_suite",
        lambda experiments, folder, runner, sizing: ran.append((folder, sizing)) or {},
    )
    monkeypatch.setattr(
        "boneabm.validation.table.validate", lambda experiments, sweeps: validation(experiments[0], -6.0 + 4 * len(ran))
    )
    command(vary=f"{BALANCE}=1.15,1.2,1.25", out=tmp_path, seeds=2, in_process=True)
    assert [sizing.changes[f"parameters.{BALANCE}"] for _, sizing in ran] == [1.15, 1.2, 1.25]
    assert len({folder for folder, _ in ran}) == 3
    told = capsys.readouterr().out
    assert "BV/TV change, % *" in told
    assert "-2, 2" in told
    assert "1.18" in told
    with (tmp_path / f"vary-{BALANCE}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["value"] for row in rows[:3]] == ["1.15", "1.2", "1.25"]
    assert [float(row["mean"]) for row in rows[:3]] == pytest.approx([-2, 2, 6])
    ran.clear()
    command(vary=f"{BALANCE}=1.15,1.2,1.25", out=tmp_path, in_process=True, as_json=True)
    first = json.loads(capsys.readouterr().out.splitlines()[-1])["rows"][0]
    assert first["met_at"] == pytest.approx(1.175)
    assert first["means"]["1.25"] == pytest.approx(6)
