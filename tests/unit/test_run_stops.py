"""A run whose strain field does not converge: one message, a folder that can be read, a checkpoint to go on from."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from small_bone import scenario

from boneabm.engine import Simulation
from boneabm.errors import SolverError
from boneabm.io.checkpoint import read_checkpoint
from boneabm.io.runfolder import RunFolder
from boneabm.io.series import read_table
from boneabm.io.volumes import VolumeReader
from boneabm.run import resume_run, run_scenario
from boneabm.scenario import Scenario

FAILS_ON = 6


@pytest.fixture
def small() -> Scenario:
    """Ten days that solve the strain field every day."""
    parameters = {"mechanics.resolve_days": 1, "mechanics.tolerance": 1e-6}
    output = {"checkpoint_every": "4 d", "volumes_every": "2 d", "agents_every": "5 d"}
    return scenario(parameters=parameters, output=output, simulation={"burn_in": "0 d"})


@pytest.fixture
def stubborn(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """From one day on the solver is allowed no iteration."""
    return solve_in_vain(monkeypatch, FAILS_ON)


def solve_in_vain(monkeypatch: pytest.MonkeyPatch, first_day: int) -> pytest.MonkeyPatch:
    solve = Simulation.solve_strain

    def solve_without_iterations(simulation: Simulation) -> None:
        if simulation.day >= first_day:
            simulation.state.strain.fe.max_iterations = 0
        solve(simulation)

    monkeypatch.setattr(Simulation, "solve_strain", solve_without_iterations)
    return monkeypatch


def test_a_run_that_does_not_converge_stops_and_can_be_resumed(
    small: Scenario, stubborn: pytest.MonkeyPatch, command: Callable[..., Any], tmp_path: Path
) -> None:
    """Exit code 2, one message; series and volumes up to the day before; resumed, the run ends in the same bits."""
    file, folder = tmp_path / "small.toml", tmp_path / "run"
    file.write_text(small.resolved_toml(), encoding="utf-8")
    answer = command("run", file, "--out", folder, "--quiet")
    assert answer.code == 2
    assert answer.err.startswith(f"Day {FAILS_ON} cannot be simulated. Micro-FE did not converge")
    assert answer.err.count("\n") == 1
    assert f"Day 4 is safe. Once the cause is gone, continue with: boneabm resume {folder}" in answer.err

    run = RunFolder.open(folder)
    last = run.read_log()[-1]
    assert (last["event"], last["day"]) == ("stopped", FAILS_ON)
    assert all(residual > 1e-6 for residual in last["residuals"])
    assert len(last["residuals"]) == 1
    assert read_checkpoint(run.checkpoint)[1]["day"] == 4
    assert list(read_table(run.series)["day"]) == list(range(1, FAILS_ON))
    assert VolumeReader(run.volumes).days == [2, 4]

    again = command("resume", folder, "--quiet")
    assert again.code == 2
    assert again.err.startswith(f"Day {FAILS_ON} cannot be simulated.")
    stubborn.undo()
    assert command("resume", folder, "--quiet").code == 0
    whole = run_scenario(small, out=tmp_path / "whole")
    assert resume_run(folder).state_sha256 == whole.state_sha256
    assert run.series.read_bytes() == (tmp_path / "whole" / "series.csv").read_bytes()


def test_the_error_of_a_stopped_run_carries_the_residuals(
    small: Scenario, stubborn: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(SolverError, match="Day 4 is safe") as failure:
        run_scenario(small, out=tmp_path / "run")
    logged = json.loads((tmp_path / "run" / "log.jsonl").read_text().splitlines()[-1])
    assert failure.value.residuals == logged["residuals"]


def test_a_bone_that_cannot_be_solved_at_the_start_leaves_no_folder(
    small: Scenario,
    monkeypatch: pytest.MonkeyPatch,
    command: Callable[..., Any],
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    monkeypatch.setenv("BONEABM_BURN_INS", str(tmp_path_factory.mktemp("empty")))
    solve_in_vain(monkeypatch, 0)
    file = tmp_path / "small.toml"
    file.write_text(small.resolved_toml(), encoding="utf-8")
    answer = command("run", file, "--out", tmp_path / "run", "--quiet")
    assert answer.code == 2
    assert answer.err.startswith("Micro-FE did not converge")
    assert [path.name for path in tmp_path.iterdir()] == ["small.toml"]
