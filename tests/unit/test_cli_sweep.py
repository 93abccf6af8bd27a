"""`boneabm sweep`: what is planned, what failed, what is told, exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from small_sweep import ARMS, BASE, write_sweep

from boneabm.sweep.design import read_design
from boneabm.sweep.folder import SweepFolder
from boneabm.sweep.plan import make_plan
from boneabm.sweep.session import only_session

Command = Callable[..., Any]
QUICK = BASE.replace("days = 12", "days = 2").replace('"8 d"', '"0 d"')
ROWS = "".join(f'[[list]]\n"bone.seed" = {seed}\n"bone.size" = "0.6 mm"\n' for seed in range(17))
BAD = "".join(f'[[list]]\n"bone.seed" = {seed}\n"bone.size" = "0.34 mm"\n' for seed in range(3))


def identities(folder: Path, text: str, replicates: int = 2) -> dict[str, str]:
    """Identity of each run by its label."""
    _, plan = make_plan(read_design(write_sweep(folder, text, replicates, QUICK)))
    return {run.label(): run.run_id for run in plan}


def test_three_bad_runs_of_twenty_are_named_and_the_rest_finishes(tmp_path: Path, command: Command) -> None:
    """Blocks too small to be made fail; seventeen runs finish; exit code 1; a second start tries nothing again."""
    file, out = write_sweep(tmp_path, ROWS + BAD, 1, QUICK), tmp_path / "sweep"
    answer = command("sweep", file, "--out", out, "--in-process", "--quiet")
    assert answer.code == 1
    assert "planned    20" in answer.out
    assert "finished   17" in answer.out
    sweep = SweepFolder(out)
    bad = [run for run in sweep.plan() if run.factors["bone.size"] == "0.34 mm"]
    assert len(bad) == 3
    for run in bad:
        assert f"failed: {run.run_id} (bone.seed = {run.factors['bone.seed']}, bone.size = 0.34 mm" in answer.err
        record = sweep.failure(run.run_id)
        assert record is not None
        assert "InputError" in record["traceback"]
        assert not sweep.run_path(run.run_id).exists()
    assert answer.out.rstrip().splitlines()[-1].startswith("digest")
    again = command("sweep", "resume", out, "--in-process", "--json")
    facts = json.loads(again.out)
    assert (again.code, facts["finished"], facts["failed"]) == (1, 17, 3)
    assert facts["failed_runs"].split() == [run.run_id for run in bad]


def test_adding_levels_arms_and_replicates_changes_no_old_run(tmp_path: Path) -> None:
    """Identities of old runs stay when levels, arms and replicates are added and factors change places."""
    old = identities(tmp_path, '[factors]\n"bone.seed" = [1]\n"labs.igf1" = ["130 ng/mL"]\n[arms.control]\n', 1)
    text = '[factors]\n"labs.igf1" = ["160 ng/mL", "130 ng/mL"]\n"bone.seed" = [2, 1]\n' + ARMS
    new = identities(tmp_path, text, 3)
    assert len(old) == 1
    assert len(new) == 24
    assert set(old.values()) <= set(new.values())
    assert len(set(new.values())) == 24


def test_runs_that_cannot_be_are_all_named_before_anything_runs(tmp_path: Path, command: Command) -> None:
    """A level outside its range is refused with its run; no folder is made."""
    file = write_sweep(tmp_path, '[factors]\n"bone.bv_tv" = [0.2, 0.9, 1.5]\n', 1, QUICK)
    answer = command("sweep", file, "--out", tmp_path / "sweep", "--in-process")
    assert answer.code == 2
    assert "bone.bv_tv = 0.9" in answer.err
    assert "bone.bv_tv = 1.5" in answer.err
    assert "0.03 to 0.6" in answer.err
    assert not (tmp_path / "sweep").exists()


def test_dry_run_tells_the_cost_and_runs_nothing(tmp_path: Path, command: Command) -> None:
    file = write_sweep(tmp_path, ARMS, 3, QUICK)
    answer = command("sweep", file, "--out", tmp_path / "sweep", "--dry-run", "--workers", 2)
    assert answer.code == 0
    assert answer.out.startswith("6 runs (0 of them finished, 0 failed), 3 burn-ins")
    assert "on 2 workers" in answer.out
    assert not (tmp_path / "sweep").exists()
    facts = json.loads(command("sweep", file, "--dry-run", "--json").out)
    assert facts["runs"] == 6
    assert facts["cpu_h"] > 0


def test_the_submission_script_is_shown_without_a_cluster(tmp_path: Path, command: Command) -> None:
    pytest.importorskip("dask_jobqueue")
    file = write_sweep(tmp_path, ARMS, 1, QUICK)
    options = (
        "--slurm",
        "--partition",
        "short",
        "--walltime",
        "90 min",
        "--memory",
        "2 GB",
        "--directive",
        "--qos=low",
    )
    script = command("sweep", file, "--dry-run", *options).out
    for line in ("#SBATCH -p short", "#SBATCH -t 01:30:00", "#SBATCH --qos=low", "export OMP_NUM_THREADS=1"):
        assert line in script
    answer = command("sweep", file, "--dry-run", "--slurm", "--walltime", "soon")
    assert (answer.code, "walltime" in answer.err) == (2, True)


def test_status_collect_and_report_of_a_finished_sweep(tmp_path: Path, command: Command) -> None:
    """The way of a newcomer: run, look, tables, report."""
    out = tmp_path / "sweep"
    ran = command("sweep", write_sweep(tmp_path, ARMS, 2, QUICK), "--out", out, "--in-process")
    assert ran.code == 0
    assert "sweep: 4 of 4 runs" in ran.err
    told = json.loads(command("sweep", "status", out, "--json").out)
    assert (told["planned"], told["finished"], told["partial"], told["missing"]) == (4, 4, 0, 0)
    assert told["digest"] == SweepFolder(out).digest()
    tables = json.loads(command("sweep", "collect", out, "--json").out)
    runs = Path(tables["runs"]).read_text(encoding="utf-8").splitlines()
    assert len(runs) == 5
    assert runs[0].startswith("run_id,status,")
    again = command("sweep", out, "--in-process")
    assert (again.code, "finished   4" in again.out) == (0, True)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("status", "nowhere"), "not a sweep"),
        (("nowhere.toml",), "no such sweep file"),
        (("menopause",), "one scenario, not a sweep"),
        (("example_sweep", "--scheduler", "nonsense", "--out", "x"), "Write it as tcp://HOST:PORT"),
        (("example_sweep", "--slurm", "--scheduler", "tcp://127.0.0.1:1", "--out", "x"), "exclude each other"),
    ],
)
def test_what_cannot_be_is_told(
    words: tuple[str, ...], told: str, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = command("sweep", *words)
    assert answer.code == 2
    assert told in answer.err


def test_one_session_at_a_time_and_one_version_of_the_model(tmp_path: Path, command: Command) -> None:
    out = tmp_path / "sweep"
    file = write_sweep(tmp_path, ARMS, 1, QUICK)
    sweep = SweepFolder(out)
    assert command("sweep", file, "--out", out, "--in-process").code == 0
    plan = sweep.plan_file.read_text()
    write_sweep(tmp_path, ARMS, 2, QUICK)
    with only_session(sweep):
        answer = command("sweep", file, "--out", out, "--in-process")
    assert (answer.code, "another process is running this sweep" in answer.err) == (2, True)
    assert sweep.plan_file.read_text() == plan
    sweep.plan_file.write_text(json.dumps(json.loads(plan) | {"model_version": "older"}))
    answer = command("sweep", "resume", out, "--in-process")
    assert (answer.code, "another version of the model" in answer.err) == (2, True)


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path, command: Command) -> None:
    """Neither a folder of other files nor the sweep of another title takes a plan; nothing in them changes."""
    file, out = write_sweep(tmp_path, ARMS, 1, QUICK), tmp_path / "thesis"
    out.mkdir()
    (out / "plan.json").write_text('{"chapters": 5}')
    answer = command("sweep", file, "--out", out, "--in-process")
    assert (answer.code, "not the plan of a sweep" in answer.err) == (2, True)
    (out / "plan.json").rename(out / "chapters.json")
    answer = command("sweep", file, "--out", out, "--in-process")
    assert (answer.code, "exists and is no sweep" in answer.err) == (2, True)
    other = tmp_path / "other"
    assert command("sweep", file, "--out", other, "--in-process").code == 0
    file.write_text(file.read_text().replace("small sweep", "another sweep"))
    answer = command("sweep", file, "--out", other, "--in-process")
    assert (answer.code, 'holds the sweep "small sweep"' in answer.err) == (2, True)


def test_one_run_cannot_stand_for_two_points(tmp_path: Path, command: Command) -> None:
    """Equal levels written differently would be counted twice; a typo for all runs is told once."""
    file = write_sweep(tmp_path, '[factors]\n"subject.age" = ["35 y", "35.0 y"]\n', 1, QUICK)
    answer = command("sweep", file, "--dry-run")
    assert (answer.code, "are the same run" in answer.err) == (2, True)
    file = write_sweep(tmp_path, '[scenario]\nbone.voxl = "20 um"\n' + ARMS, 5, QUICK)
    answer = command("sweep", file, "--dry-run")
    assert answer.code == 2
    assert answer.err.count("bone.voxl") == 1
    assert "and 7 more runs" in answer.err
    file = write_sweep(tmp_path, '[scenario]\nbranch_from = "runs/x"\n', 1, QUICK)
    assert "belongs into the base" in command("sweep", file, "--dry-run").err


def test_failures_of_the_machine_are_tried_again_by_themselves(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk, also as HDF5 tells it, fails a run only until the next start; so does a burn-in that hit it."""
    file, out = write_sweep(tmp_path, ARMS, 1, QUICK.replace('"0 d"', '"3 d"')), tmp_path / "sweep"

    def full(*_: object, **__: object) -> None:
        raise RuntimeError("file write failed: time = now, errno = 28, error message = 'No space left on device'")

    with monkeypatch.context() as disk:
        disk.setattr("boneabm.recording.write_checkpoint", full)
        answer = command("sweep", file, "--out", out, "--in-process", "--json")
    assert (answer.code, json.loads(answer.out)["failed"]) == (1, 2)
    answer = command("sweep", "resume", out, "--in-process", "--json")
    assert (answer.code, json.loads(answer.out)["finished"]) == (0, 2)


def test_what_a_power_cut_leaves_is_read(tmp_path: Path, command: Command) -> None:
    """Half a result.json, a burn-in folder without a log, a run without its origin: the sweep still finishes."""
    file, out = write_sweep(tmp_path, ARMS, 1, QUICK.replace('"0 d"', '"3 d"')), tmp_path / "sweep"
    digest = json.loads(command("sweep", file, "--out", out, "--in-process", "--json").out)["digest"]
    sweep = SweepFolder(out)
    first, second = (sweep.run_path(run.run_id) for run in sweep.plan())
    (first / "result.json").write_text('{"run_id": "')
    (second / "result.json").unlink()
    (second / "checkpoint.h5").unlink()
    log = (second / "log.jsonl").read_text().splitlines()
    (second / "log.jsonl").write_text(log[0] + "\n")
    for folder in sweep.burn_ins.iterdir():
        (folder / "log.jsonl").write_bytes(bytes(100))
    assert json.loads(command("sweep", "status", out, "--json").out)["partial"] == 2
    answer = command("sweep", "resume", out, "--in-process", "--json")
    assert answer.code == 0, answer.err
    assert json.loads(answer.out)["digest"] == digest
