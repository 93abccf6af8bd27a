"""Branches: arms share a burned-in state and random numbers; a branch goes on exactly where its parent was."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from small_bone import scenario

from boneabm.errors import InputError
from boneabm.identity import burn_in_key, run_identity
from boneabm.io.checkpoint import read_checkpoint, read_checkpoint_meta
from boneabm.io.runfolder import RunFolder
from boneabm.io.series import read_table
from boneabm.io.volumes import VolumeReader
from boneabm.origin import prune, restored
from boneabm.run import resume_run, run_scenario
from boneabm.scenario import Scenario

OFTEN = {"activation.frequency_per_y": 0.16}
DAYS = {"days": 12, "seed": 17, "burn_in": "15 d"}
OUTPUT = {"checkpoint_every": "4 d", "volumes_every": "4 d", "agents_every": "4 d", "keep_checkpoints": ["5 d"]}
PTH = [{"kind": "pth", "level": "200 pg/mL", "start": "6 d"}]


def arm(**tables):
    return scenario(parameters=OFTEN, simulation=DAYS, output=OUTPUT, **tables)


@pytest.fixture(scope="module")
def parent(tmp_path_factory) -> Path:
    """A run of twelve days that keeps its state of day 5; with its own folder of burned-in states beside it."""
    place = tmp_path_factory.mktemp("parent")
    return run_scenario(arm(), out=place / "run", cache=place / "burn-in").path


def branch_file(folder: Path, text: str) -> Path:
    file = folder / "branch.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_arms_are_equal_until_the_first_treated_day(tmp_path, parent):
    """PTH from day 6: the state of day 5 and the series until then are equal bit for bit, later ones are not."""
    treated = run_scenario(arm(state=PTH), out=tmp_path / "pth", cache=parent.parent / "burn-in").path
    kept = [read_checkpoint_meta(RunFolder(path).kept_checkpoint(5))["state_sha256"] for path in (parent, treated)]
    assert kept[0] == kept[1]
    ends = [read_checkpoint_meta(RunFolder(path).checkpoint)["state_sha256"] for path in (parent, treated)]
    assert ends[0] != ends[1]
    series = [(path / "series.csv").read_text().splitlines() for path in (parent, treated)]
    assert series[0][:7] == series[1][:7]
    assert series[0][7].startswith("6,")
    assert series[0][7] != series[1][7]


def test_arms_share_one_burn_in_and_all_outputs_name_it(tmp_path, parent):
    """One folder of burned-in state serves both; checkpoint, volumes, cells and log carry the same lineage."""
    cache = parent.parent / "burn-in"
    key = burn_in_key(arm())
    assert burn_in_key(arm(state=PTH)) == burn_in_key(arm(title="another")) == key
    treated = run_scenario(arm(state=PTH), out=tmp_path / "pth", cache=cache).path
    assert [path.name for path in cache.iterdir()] == [key]
    burned_in = read_checkpoint_meta(cache / key / "checkpoint.h5")
    assert burned_in["day"] == -1
    for path in (parent, treated):
        lineage = json.loads(str(read_checkpoint_meta(path / "checkpoint.h5")["lineage"]))
        step = {"kind": "burn-in", "key": key, "day": -1, "state_sha256": burned_in["state_sha256"]}
        assert lineage == [step]
        meta = VolumeReader(path / "run.vtkhdf").meta
        assert json.loads(meta["lineage"]) == lineage
        assert meta["low_confidence"] == "; ".join(RunFolder.open(path).read_log("finished")[0]["doubts"])
        assert RunFolder.open(path).read_log("origin")[0]["lineage"] == lineage


def test_a_stored_burn_in_changes_no_bit(tmp_path, parent):
    """The same scenario with an empty folder of burned-in states ends in the same state."""
    alone = run_scenario(arm(), out=tmp_path / "alone", cache=tmp_path / "empty")
    assert alone.state_sha256 == read_checkpoint_meta(parent / "checkpoint.h5")["state_sha256"]
    assert (alone.path / "series.csv").read_bytes() == (parent / "series.csv").read_bytes()


def test_a_branch_without_change_ends_like_its_parent(tmp_path, parent):
    """From the kept state of day 5: same final bits, same later rows; its scenario and lineage name the parent."""
    branch = Scenario.load(branch_file(tmp_path, f'branch_from = "{parent}:5"\n'))
    result = run_scenario(branch, out=tmp_path / "branch")
    assert result.state_sha256 == read_checkpoint_meta(parent / "checkpoint.h5")["state_sha256"]
    rows = (parent / "series.csv").read_text().splitlines()
    assert (result.path / "series.csv").read_text().splitlines()[1:] == rows[7:]
    assert Scenario.load(result.path / "scenario.toml") == branch
    lineage = json.loads(str(read_checkpoint_meta(result.path / "checkpoint.h5")["lineage"]))
    assert [(step["kind"], step["day"]) for step in lineage] == [("burn-in", -1), ("branch", 5)]
    assert lineage[1]["run"] == str(parent)


def test_a_branch_may_last_longer_and_have_other_drugs_numbers_and_seed(tmp_path, parent):
    """What is not given is inherited; a relative run counts from the scenario file; the latest day is the default."""
    text = 'branch_from = "run"\n[simulation]\ndays = 16\nseed = 6\n[parameters]\n"osteocyte.gain" = 3.0\n'
    file = branch_file(parent.parent, text)
    branch = Scenario.load(file)
    assert branch.parameters == {**OFTEN, "osteocyte.gain": 3.0}
    assert branch.title == "small, branch"
    result = run_scenario(branch, out=tmp_path / "longer")
    assert read_table(result.path / "series.csv")["day"].tolist() == [13, 14, 15, 16]
    arrays, _ = read_checkpoint(result.path / "checkpoint.h5")
    assert arrays["clock"].tolist() == [6, 16, -15]
    assert f'branch_from = "{parent}:12"' in (result.path / "scenario.toml").read_text()
    assert np.all(np.diff(read_table(result.path / "series.csv")["BV/TV"]) != 0)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('branch_from = "nowhere:5"', "not a run folder"),
        ("branch_from = 5", "is not a run"),
        ('branch_from = "run:7"', r"no checkpoint of day 7. Days that are there: 5, 12\. .*keep_checkpoints = \[7\]"),
        ('branch_from = "run"', "days: 12 is not after day 12"),
        ('branch_from = "run:5"\n[bone]\nvoxel = "10 um"', "bone: is not that of the run it branches from"),
        ('branch_from = "run:5"\n[simulation]\nburn_in = "3 d"', "burn_in: is not that of the run"),
        ('branch_from = "run:5"\n[simulaton]\ndays = 3', "simulaton"),
    ],
)
def test_a_branch_that_cannot_start_is_refused(tmp_path, parent, text, told):
    """What is wrong, where, what is there; nothing is left behind."""
    with pytest.raises(InputError, match=told):
        run_scenario(Scenario.load(branch_file(parent.parent, text)), out=tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


HABIT = {"name": "walk", "stress": ["0.6 MPa", "0.2 MPa", "0.1 MPa"], "cycles": 1000}
TWICE = '[[activity]]\nname = "loaded"\nstress = ["1.2 MPa", "0.4 MPa", "0.2 MPa"]\ncycles = 1000\n'


@pytest.fixture(scope="module")
def losing(tmp_path_factory) -> tuple[Path, Path]:
    """A run whose open sites erode bone for 14 days, and the same run stopped on day 12 and resumed."""
    place = tmp_path_factory.mktemp("losing")
    days = {"days": 14, "seed": 17, "burn_in": "20 d"}
    output = {"checkpoint_every": "5 d", "keep_checkpoints": ["8 d"]}
    planned = scenario(parameters=OFTEN, simulation=days, output=output, activity=[HABIT])
    whole = run_scenario(planned, out=place / "run", cache=place / "burn-in").path

    def stop(progress):
        if progress.day == 12:
            raise RuntimeError("stopped by the test")

    with pytest.raises(RuntimeError, match="stopped"):
        run_scenario(planned, out=place / "part", cache=place / "burn-in", report=stop)
    assert 0 < read_checkpoint_meta(place / "part" / "checkpoint.h5")["day"] < 12
    return whole, resume_run(place / "part").path


def stored(file: Path) -> float:
    """Habitual stimulus in a checkpoint."""
    arrays, _ = read_checkpoint(file)
    return float(arrays["strain/reference"][0])


@pytest.mark.parametrize("day", [8, 14])
def test_a_branch_with_another_load_keeps_the_habit_of_its_parent(tmp_path, losing, day):
    """The habitual stimulus is fixed before day 0: no bit of it changes on resume, nor in a branch after bone was lost.

    So a branch under twice the load feels twice as much.
    """
    parent, resumed = losing
    (burned_in,) = (parent.parent / "burn-in").glob("*/checkpoint.h5")
    habit = stored(burned_in)
    volume = read_table(parent / "series.csv")["BV/TV"]
    assert volume[day] < volume[0]
    text = f'branch_from = "{parent}:{day}"\n[simulation]\ndays = {day + 1}\n{TWICE}'
    branch = run_scenario(Scenario.load(branch_file(tmp_path, text)), out=tmp_path / "branch").path
    files = [RunFolder(parent).kept_checkpoint(8), *(path / "checkpoint.h5" for path in (parent, resumed, branch))]
    assert [stored(file) for file in files] == [habit] * 4
    felt = []
    for path in (parent, branch):
        arrays, _ = read_checkpoint(path / "checkpoint.h5")
        simulation = restored(Scenario.load(path / "scenario.toml"), arrays, str(path))
        assert simulation.state.strain.reference == habit
        felt.append(np.median(simulation.state.strain.psi.reshape(-1)[simulation.tissue.osteocytes["voxel"]]))
    assert felt[1] == pytest.approx(2.0 * felt[0], rel=0.02)


def test_a_finished_run_needs_no_state(tmp_path):
    """With keep_state = false the last state is gone, the run is still finished, and cannot be branched."""
    small = scenario(simulation={"days": 2, "burn_in": "0 d"}, output={"keep_state": False})
    made = run_scenario(small, out=tmp_path / "run", cache=tmp_path / "cache")
    assert not (made.path / "checkpoint.h5").exists()
    again = resume_run(made.path)
    assert again.finished_before
    assert (again.state_sha256, again.bv_tv_last, again.wall_s) == (made.state_sha256, made.bv_tv_last, made.wall_s)
    with pytest.raises(InputError, match="was told not to keep its last state"):
        run_scenario(Scenario.from_dict({"branch_from": str(made.path), "simulation": {"days": 4}}))


def test_identity_follows_content(parent):
    """Seed, drug and parent state make another run; title, and where the parent lies, do not."""
    plain = run_identity(arm())
    assert run_identity(arm(title="another")) == plain
    others = [arm(state=PTH), scenario(simulation={**DAYS, "seed": 6}, parameters=OFTEN, output=OUTPUT)]
    assert len({plain, *map(run_identity, others)}) == 3
    moved = parent.parent / "moved"
    shutil.copytree(parent, moved)
    branches = [Scenario.from_dict({"branch_from": f"{path}:5"}) for path in (parent, moved)]
    assert run_identity(branches[0]) == run_identity(branches[1])
    shutil.rmtree(moved)


def test_a_burn_in_of_no_days_does_not_know_day_0(tmp_path):
    """Without a burn-in, a drug that begins on day 0 is not yet in the state that arms share."""
    tables = {"simulation": {"days": 2, "burn_in": "0 d"}}
    state = [{"kind": "pth", "level": "300 pg/mL", "start": "0 d"}]
    plain, treated = scenario(**tables), scenario(**tables, state=state)
    assert burn_in_key(plain) == burn_in_key(treated)
    alone = run_scenario(treated, out=tmp_path / "alone", cache=tmp_path / "empty").state_sha256
    run_scenario(plain, out=tmp_path / "plain", cache=tmp_path / "shared")
    assert run_scenario(treated, out=tmp_path / "treated", cache=tmp_path / "shared").state_sha256 == alone


def test_a_branch_knows_its_day_from_the_file(tmp_path, parent):
    """A parent killed between its checkpoint and the line of the log: the day of the file counts."""
    copy = tmp_path / "copy"
    shutil.copytree(parent, copy)
    lines = (copy / "log.jsonl").read_text().splitlines()
    last = max(at for at, line in enumerate(lines) if '"checkpoint"' in line)
    (copy / "log.jsonl").write_text("\n".join(lines[:last]) + "\n")
    with pytest.raises(InputError, match="no checkpoint of day 8"):
        run_scenario(Scenario.from_dict({"branch_from": f"{copy}:8"}), out=tmp_path / "run")
    branch = Scenario.from_dict({"branch_from": str(copy), "simulation": {"days": 14}})
    made = run_scenario(branch, out=tmp_path / "run")
    assert read_table(made.path / "series.csv")["day"].tolist() == [13, 14]


def test_a_damaged_burn_in_is_made_again(tmp_path, parent):
    """A file cut short in the cache costs time, not the run."""
    cache = tmp_path / "cache"
    shutil.copytree(parent.parent / "burn-in", cache)
    (file,) = cache.glob("*/checkpoint.h5")
    file.write_bytes(file.read_bytes()[:5000])
    again = run_scenario(arm(), out=tmp_path / "run", cache=cache)
    assert again.state_sha256 == read_checkpoint_meta(parent / "checkpoint.h5")["state_sha256"]


def test_the_cache_is_kept_small(tmp_path, parent):
    """What was used last stays, what is being written stays, the rest goes."""
    (source,) = (parent.parent / "burn-in").iterdir()
    for number, name in enumerate(("old", "busy", "new")):
        shutil.copytree(source, tmp_path / name)
        os.utime(tmp_path / name / "checkpoint.h5", (number, number))
    size = (source / "checkpoint.h5").stat().st_size
    with RunFolder(tmp_path / "busy").writing():
        prune(tmp_path, 1.5 * size)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["busy", "new"]
