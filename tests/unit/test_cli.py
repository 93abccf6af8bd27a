"""Commands: what reaches the simulation, what is printed where, exit codes."""

from __future__ import annotations

import errno
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from rich.console import Console

from boneabm import run as runs
from boneabm.cli_report import Reporter, duration, fraction, split
from boneabm.errors import SolverError
from boneabm.io.volumes import VolumeWriter
from boneabm.scenario import Scenario

Command = Callable[..., Any]


def result_of(path: Path, **changes: Any) -> runs.RunResult:
    facts: dict[str, Any] = {"days": 3, "wall_s": 1.25, "state_sha256": "ab" * 32, "picture_day": 2}
    facts |= {"bv_tv_first": 0.15, "bv_tv_last": 0.149, "phase_s": {"mechanics": 1.0, "fields": 0.2}}
    return runs.RunResult(path, **(facts | changes))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    """What `run` and `resume` asked for; the simulation itself is replaced by a report of three days."""
    seen: dict[str, Any] = {}

    def started(scenario: Scenario, **options: Any) -> runs.RunResult:
        seen.update(scenario=scenario, **options)
        for day in range(1, 4):
            options["report"](runs.Progress("run", day, 0, 3, float(day), {"mechanics": 3.0, "fields": 1.0}))
        return result_of(options["out"] or tmp_path / "run", warnings=["a small block"])

    def resumed(run: Path, **options: Any) -> runs.RunResult:
        seen.update(run=run, **options)
        return result_of(run, finished_before=True)

    monkeypatch.setattr(runs, "run_scenario", started)
    monkeypatch.setattr(runs, "resume_run", resumed)
    return seen


def test_run_hands_scenario_and_options_to_the_simulation(
    command: Command, asked: dict[str, Any], tmp_path: Path
) -> None:
    options = ("--out", tmp_path / "a", "--days", 3, "--seed", 9, "--threads", 2, "--replace")
    answer = command("run", "menopause", *options)
    assert answer.code == 0
    assert asked["scenario"] == Scenario.load("menopause").with_options(days=3, seed=9)
    assert (asked["out"], asked["threads"], asked["replace"]) == (tmp_path / "a", 2, True)
    assert answer.out.splitlines()[-1] == f"run: {tmp_path / 'a'}"


def test_json_is_the_last_line_of_standard_output_and_progress_is_not_in_it(
    command: Command, asked: dict[str, Any]
) -> None:
    answer = command("run", "menopause", "--json")
    record = json.loads(answer.out.splitlines()[-1])
    assert {"run", "days", "wall_s", "state_sha256", "bv_tv_first", "bv_tv_last", "mechanics_s"} <= set(record)
    assert not any(isinstance(value, (dict, list)) for value in record.values())
    assert len(answer.out.splitlines()) == 1
    assert "run: day 3 of 3, 100 %, 3 s (mechanics 75 %, fields 25 %)" in answer.err
    assert "warning: a small block" in answer.err


def test_quiet_shows_no_progress(command: Command, asked: dict[str, Any]) -> None:
    assert "day" not in command("run", "menopause", "--quiet").err


def test_resume_of_a_finished_run_says_so_and_succeeds(command: Command, asked: dict[str, Any], tmp_path: Path) -> None:
    answer = command("resume", tmp_path / "a")
    assert answer.code == 0
    assert asked["run"] == tmp_path / "a"
    assert "finished already" in answer.out


def test_a_picture_is_drawn_on_a_day_with_open_sites_and_named_last(
    command: Command, asked: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: dict[str, Any] = {}

    def draw(run: Path, **options: Any) -> Path:
        drawn.update(options)
        return run / "mineral_day2.png"

    monkeypatch.setattr("boneviz.render.render", draw)
    answer = command("run", "menopause", "--out", tmp_path / "a", "--picture")
    assert drawn == {"field": "mineral", "day": 2}
    last = answer.out.splitlines()[-2:]
    assert last == [f"run: {tmp_path / 'a'}", f"picture: {tmp_path / 'a' / 'mineral_day2.png'}"]


def test_ctrl_c_ends_with_130_and_says_how_to_continue(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(scenario: Scenario, **options: Any) -> None:
        raise runs.Interrupted("Stopped. Continue with: boneabm resume runs/a")

    monkeypatch.setattr(runs, "run_scenario", interrupted)
    answer = command("run", "menopause")
    assert answer.code == 130
    assert "boneabm resume runs/a" in answer.err


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (KeyboardInterrupt(), 130, "Stopped."),
        (SolverError("no convergence on day 3"), 2, "no convergence on day 3"),
        (OSError(errno.ENOSPC, "No space left on device", "runs/a"), 2, "The disk is full"),
        (PermissionError(errno.EACCES, "Permission denied", "/root/a"), 2, "/root/a: Permission denied"),
    ],
)
def test_what_a_user_can_act_on_is_a_message(
    command: Command, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, text: str
) -> None:
    def fail(scenario: Scenario, **options: Any) -> None:
        raise error

    monkeypatch.setattr(runs, "run_scenario", fail)
    answer = command("run", "menopause")
    assert answer.code == code
    assert text in answer.err
    assert "Traceback" not in answer.err


def test_a_mistake_of_the_program_keeps_its_traceback(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(scenario: Scenario, **options: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(runs, "run_scenario", fail)
    with pytest.raises(ZeroDivisionError):
        command("run", "menopause")


def test_explain_names_the_phases_of_the_day_in_order(command: Command) -> None:
    out = command("explain", "disuse").out
    phases = out.split("Each day\n")[1].split("\n")
    assert [line.split()[0] for line in phases if line[2:3].strip()][:3] == ["endocrine", "loading", "mechanics"]


def test_the_schema_is_json(command: Command) -> None:
    assert json.loads(command("explain", "--schema").out)["anyOf"][0]["required"] == ["title", "bone"]


@pytest.fixture
def slab(tmp_path: Path) -> Path:
    """Image of a bone plate, 8 of 32 voxels thick, at 20 um."""
    gray = np.zeros((32, 32, 32), np.uint8)
    gray[12:20] = 200
    path = tmp_path / "slab.tif"
    tifffile.imwrite(path, gray, photometric="minisblack")
    return path


def test_measure_of_a_plate_gives_its_share_and_surface(command: Command, slab: Path) -> None:
    answer = command("measure", slab, "--voxel-size", "20 um", "--sigma", 0, "--threshold", 100, "--json")
    record = json.loads(answer.out.splitlines()[-1])
    assert record["bv_tv"] == pytest.approx(0.25)
    assert record["tb_th_um"] == pytest.approx(160, rel=0.15)
    assert record["bs_mm2"] == pytest.approx(2 * 0.64**2, rel=0.1)
    assert {"tb_sp_um", "tb_n_per_mm", "conn_d_per_mm3"} <= set(record)
    assert record["threshold"] == 100


def test_measure_of_a_run_takes_its_last_step(command: Command, tmp_path: Path) -> None:
    writer = VolumeWriter(tmp_path / "run.vtkhdf", (16, 16, 16), 20.0, ["matrix"])
    matrix = np.zeros((16, 16, 16), np.float32)
    for day, thickness in ((0, 8), (30, 4)):
        matrix[:] = 0
        matrix[:thickness] = 0.9
        writer.append(day, {"matrix": matrix})
    record = json.loads(command("measure", tmp_path, "--json").out.splitlines()[-1])
    assert record["bv_tv"] == pytest.approx(0.25)
    assert record["day"] == 30


def test_a_block_without_bone_has_null_where_json_knows_no_nan(command: Command, tmp_path: Path) -> None:
    writer = VolumeWriter(tmp_path / "run.vtkhdf", (16, 16, 16), 20.0, ["matrix"])
    writer.append(0, {"matrix": np.zeros((16, 16, 16), np.float32)})
    record = json.loads(command("measure", tmp_path, "--json").out.splitlines()[-1], parse_constant=pytest.fail)
    assert record["bv_tv"] == 0
    assert record["tb_th_um"] in (None, 0)


def test_help_answers_at_once_without_loading_the_numerics() -> None:
    code = (
        "import sys\nsys.argv = ['boneabm', '--help']\nfrom boneabm.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print(sorted({'numba', 'vtk', 'mesa', 'h5py', 'pydantic'} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert answer.stdout.splitlines()[-1] == "[]"
    assert all(name in answer.stdout for name in ("run", "resume", "explain", "measure", "render"))


def test_a_plain_terminal_gets_a_line_every_tenth() -> None:
    text = io.StringIO()
    with Reporter(quiet=False, console=Console(file=text, force_terminal=False, width=200)) as report:
        for day in range(366):
            report(runs.Progress("run", day, 0, 365, 0.1 * day, {"mechanics": 1.0}))
    lines = text.getvalue().splitlines()
    assert len(lines) == 11
    assert lines[-1] == "run: day 365 of 365, 100 %, 36 s (mechanics 100 %)"


def test_a_real_terminal_gets_a_bar_with_day_percent_and_costs() -> None:
    text = io.StringIO()
    with Reporter(quiet=False, console=Console(file=text, force_terminal=True, width=120)) as report:
        report(runs.Progress("run", 73, 0, 365, 10.0, {"mechanics": 3.0, "fields": 1.0}))
    assert "day 73 of 365, 20 %, 10 s" in text.getvalue()
    assert "mechanics 75 %" in text.getvalue()


def test_shares_and_durations_in_words() -> None:
    assert split({"a": 1, "b": 2, "c": 3, "d": 4}) == "d 40 %, c 30 %, b 20 %"
    assert split({}) == split({"a": 0.0}) == ""
    assert [duration(s) for s in (0.4, 59.4, 60, 200, 7500)] == ["0 s", "59 s", "1 min 0 s", "3 min 20 s", "2 h 5 min"]
    assert [fraction(day, -10, 30) for day in (-10, 0, 30, 31)] == [0, 0.25, 1, 1]
    assert fraction(5, 5, 5) == 1
