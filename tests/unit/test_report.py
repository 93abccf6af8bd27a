"""The report of runs and the comparison of arms: what they say and what they refuse; no pictures of bone."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bare_run import HOSTILE, bare_run, line, scenario_text, text_of

from boneabm.analysis.doubts import doubts
from boneabm.errors import InputError
from boneabm.io.volumes import VolumeWriter
from boneabm.parameters import ParameterSet
from boneabm.report.arms import read_arms
from boneabm.report.compare_page import comparison, write_comparison
from boneabm.report.doubts import confidence
from boneabm.report.figures import key_figures
from boneabm.report.record import labels, read_records
from boneabm.report.run_page import run_page, write_run_report
from boneabm.report.stimulus_plot import stimulus_and_bone
from boneabm.report.timeline import lanes_of
from boneabm.scenario import Scenario

pytest.importorskip("matplotlib", reason="matplotlib is part of the extra report")
Command = Callable[..., Any]


def test_key_figures_are_first_last_and_change(tmp_path: Path) -> None:
    record = read_records([bare_run(tmp_path / "a", line(0.2, -0.01))])[0]
    found = {figure.quantity.column: figure for figure in key_figures(record)}
    assert found["BV/TV"].first == pytest.approx(20.0)
    assert found["BV/TV"].last == pytest.approx(19.0)
    assert found["BV/TV"].change == pytest.approx(-5.0)
    assert (found["BV/TV"].first_day, found["BV/TV"].last_day) == (0, 10)
    assert "resorbed_um3" not in found, "turnover needs the volume of the block"


def test_hostile_texts_stay_text(tmp_path: Path) -> None:
    texts = dict.fromkeys(("title", "question", "expected", "source"), HOSTILE)
    place = bare_run(tmp_path / "a<b>&'$x$", line(0.2), scenario_text(**texts))
    page = write_run_report([place, bare_run(tmp_path / "b", line(0.2))], tmp_path / "r.html", None).read_text("utf-8")
    assert "<script>alert" not in page
    assert "<img src=http" not in page
    assert "<b>stairs" not in page
    assert "&lt;script&gt;alert" in page


def test_what_cannot_be_read_is_told_and_left_out(tmp_path: Path) -> None:
    place = bare_run(tmp_path / "a", line(0.2))
    (place / "series.csv").write_text("day,BV/TV\n0,0.2\n1,0.2,7\n", encoding="utf-8")
    (place / "run.vtkhdf").write_bytes(b"nothing")
    (place / "scenario.toml").write_text("[[[", encoding="utf-8")
    said = text_of(write_run_report([place], tmp_path / "a.html", None).read_text(encoding="utf-8"))
    assert "series.csv cannot be read" in said
    assert "run.vtkhdf cannot be read" in said
    assert "scenario.toml cannot be read" in said
    assert "No day is written yet." in said


def test_lanes_of_the_timeline(tmp_path: Path) -> None:
    place = bare_run(tmp_path / "a", line(0.2), scenario_text(100))
    lanes = {lane.name: lane for lane in lanes_of(read_records([place])[0])}
    assert lanes["denosumab"].ticks_d == (20.0,)
    assert lanes["final menstrual period"].ticks_d == (0.0,)
    assert [(s.first_d, s.end_d, s.words) for s in lanes["disuse"].spans] == [(30.0, 60.0, "loads × 0.5")]
    assert lanes["subject"].spans[0].end_d == 100.0


LIFTS = (
    '[loading]\nsite = "L3"\none_rm = { squat = "45 kg" }\n[[activity]]\nkind = "squat"\nsets = 5\nreps = 5\n'
    'load = "85 %1RM"\ndays = ["Tue", "Fri"]\nstart = "14 d"\n'
)


def lifting(place: Path, days: int) -> Path:
    """A run of twice-weekly lifts with the columns of the stimulus."""
    rows = {day: (*row, 1.8 if day % 7 in (1, 4) else 1.0, 1.4) for day, row in line(0.2, days=days).items()}
    head, _, tail = scenario_text(days - 1).partition("[[activity]]")
    text = head + "[parameters]" + tail.partition("[parameters]")[2] + LIFTS
    return bare_run(place, rows, text, more=("psi_day", "psi_memory"))


def test_a_row_that_bed_rest_stops_is_not_drawn_through_it(tmp_path: Path) -> None:
    """Cut out of the row without a harness; the one that is pulled down goes on, and so does what is done lying."""
    rest = '[[condition]]\nkind = "bed_rest"\nstart = "30 d"\nuntil = "60 d"\n'
    held = '[[activity]]\nname = "held"\nkind = "hopping"\ncycles = 50\nharness = 0.7\n'
    head, _, tail = scenario_text(100).partition("[[activity]]")
    parameters = "[parameters]" + tail.partition("[parameters]")[2]
    head = head.partition("[[condition]]")[0]
    place = bare_run(tmp_path / "a", line(0.2, days=101), head + parameters + LIFTS + held + rest)
    lanes = {lane.name: [span[:2] for span in lane.spans] for lane in lanes_of(read_records([place])[0])}
    assert lanes["squat"] == [(14, 30), (60, 100)]
    assert lanes["held"] == [(0, 100)]


def test_low_confidence_is_what_the_run_told_at_its_end_else_what_it_would_tell(tmp_path: Path) -> None:
    """One source: analysis/doubts; a finished run has recorded its lines, another gets them worked out."""
    text = scenario_text(10).replace('"denosumab"', '"ipamorelin"').replace('"60 mg"', '"0.3 mg"')
    going = bare_run(tmp_path / "a", line(0.2), text, finished=False)
    done = bare_run(tmp_path / "b", line(0.2), text, finished=False)
    with (done / "log.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"event": "finished", "day": 10, "wall_s": 1.0, "doubts": ["drugs of low confidence: <b>"]}\n')
    pages = [confidence(record) for record in read_records([going, done])]
    lines = doubts(Scenario.from_toml(text), ParameterSet.load()).lines()
    assert "drugs of low confidence: ipamorelin" in lines
    assert all(f"<li>{escape(words)}</li>" in pages[0] for words in lines)
    assert "<ul><li>drugs of low confidence: &lt;b&gt;</li></ul>" in pages[1]
    assert all("the drug ipamorelin" in page for page in pages)


@pytest.mark.parametrize("days", [61, 800])
def test_stimulus_and_bone_are_drawn_over_the_lanes_of_loading(tmp_path: Path, days: int) -> None:
    """Dots of days, or the range of weeks where days are many; runs without the columns have no such picture."""
    with_columns, without = lifting(tmp_path / "a", days), bare_run(tmp_path / "b", line(0.2), scenario_text(10))
    record, older = read_records([with_columns, without])
    lanes = {lane.name: lane.spans[0].words for lane in lanes_of(record) if lane.kind == "load"}
    assert lanes["site"] == "L3, habit: community adult; 1RM squat 45 kg"
    assert lanes["squat"] == "days Tue Fri, sets 5, reps 5, load 85.0 %1RM"
    drawn = stimulus_and_bone(record)
    assert drawn is not None
    assert drawn.startswith(b"<?xml")
    assert stimulus_and_bone(older) is None
    pages = [run_page([one], [[]]) for one in (record, older)]
    assert ["Stimulus and bone" in page for page in pages] == [True, False]


def test_many_runs_have_a_table_and_a_section_each(tmp_path: Path) -> None:
    places = [bare_run(tmp_path / name / "run", line(0.2, -0.01 * at)) for at, name in enumerate(("x", "y"))]
    page = run_page(records := read_records(places), [[], []])
    assert [record.label for record in records] == ["x/run", "y/run"]
    assert page.count('<section class="run"') == 2
    assert re.search(r"bone volume fraction BV/TV, % 20 → 20 \(\+0.0 %\) 20 → 19(.0)? \(−5.0 %\)", text_of(page))


def test_names_of_runs_tell_them_apart(tmp_path: Path) -> None:
    assert labels([Path("/a/x"), Path("/a/y")]) == ["x", "y"]
    assert labels([Path("/a/x"), Path("/b/x")]) == ["a/x", "b/x"]
    (tmp_path / "0b90a6db").mkdir()
    (tmp_path / "placebo").symlink_to(tmp_path / "0b90a6db")
    assert labels([tmp_path / "placebo"]) == ["placebo"]
    assert len(set(labels([Path("/a/x")] * 2))) == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("report", "nowhere", "--out", "r.html"), "no such folder"),
        (("report", ".", "--out", "r.html"), "not a run folder"),
        (("report", ".", "--out", "r.pdf"), "ends with .html"),
        (("compare", "nowhere", ".", "--out", "r.html"), "no such folder"),
    ],
)
def test_what_cannot_be_reported_is_refused(command: Command, tmp_path: Path, words: Any, told: str) -> None:
    answer = command(*(str(tmp_path) if word == "." else word for word in words))
    assert answer.code == 2
    assert told in answer.err


def test_without_matplotlib_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    place = bare_run(tmp_path / "a", line(0.2), scenario_text())
    with pytest.raises(InputError, match=r"boneabm\[report\]"):
        write_run_report([place], tmp_path / "r.html", None)
    assert not (tmp_path / "r.html").exists()


def group(place: Path, changes: list[float], seed: int = 1, **bone: str) -> Path:
    """A folder of finished runs of seeds seed, seed + 1, ... whose BV/TV changes by these amounts."""
    place.mkdir()
    for at, change in enumerate(changes):
        text = scenario_text(10).replace("seed = 3", f"seed = {seed + at}")
        for old, new in bone.items():
            text = text.replace(old, new)
        bare_run(place / f"run{at}", line(0.2, change), text)
    return place


def test_pairs_give_the_difference_and_its_interval(tmp_path: Path) -> None:
    arms = [group(tmp_path / "control", [0.0, -0.002, 0.002]), group(tmp_path / "ovx", [-0.01, -0.014, -0.006])]
    found = read_arms(arms)
    assert found.told == []
    assert len(found.pairs("ovx")) == 3
    said = text_of(comparison(found, None))
    assert "ovx minus control (3 pairs)" in said
    # changes of BV/TV in percentage points: -5, -6, -4: mean -5, half width t(0.975, 2) / sqrt(3) = 2.484
    assert "change of BV/TV over the run, percentage points −5.00 [−7.48, −2.52]" in said
    assert "All runs have days 0 to 10" in said


def test_a_comparison_names_what_of_low_confidence_its_arms_rest_on(tmp_path: Path) -> None:
    """One list per arm; runs of an arm are taken together."""
    told = {"a": ["x1.20"], "b": ["x1.30", "x1.50"]}
    for arm, factors in told.items():
        for at, factor in enumerate(factors):
            place = bare_run(tmp_path / arm / str(at), line(0.2), scenario_text(10), finished=False)
            weak = f"moved by more than 10 % because of rows of low confidence: m_rankl {factor}"
            with (place / "log.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps({"event": "finished", "day": 10, "wall_s": 1.0, "doubts": [weak]}) + "\n")
    said = text_of(comparison(read_arms([tmp_path / "a", tmp_path / "b"]), None))
    assert "a: moved by more than 10 % because of rows of low confidence: m_rankl x1.20" in said
    assert "b: moved by more than 10 % because of rows of low confidence: m_rankl x1.30 to x1.50" in said


def test_one_pair_says_that_it_has_no_interval(tmp_path: Path) -> None:
    a = bare_run(tmp_path / "a", line(0.2), scenario_text(10))
    b = bare_run(tmp_path / "b", line(0.2, -0.02), scenario_text(10))
    said = text_of(comparison(read_arms([a, b]), None))
    assert "b minus a (1 pair)" in said
    assert "one pair has no interval" in said


def test_other_seeds_are_compared_without_pairs(tmp_path: Path) -> None:
    arms = [group(tmp_path / "a", [0.0, -0.002]), group(tmp_path / "b", [-0.01, -0.014], seed=11)]
    said = text_of(comparison(read_arms(arms), None))
    assert "b shares no bone and seed with a" in said
    assert "b minus a, not paired" in said
    assert "change of BV/TV over the run, percentage points −5.50" in said


def test_what_differs_is_told_and_the_rest_compared(tmp_path: Path) -> None:
    a = group(tmp_path / "a", [0.0, 0.0])
    b = group(tmp_path / "b", [-0.01, -0.01], **{'size = "0.96 mm"': 'size = "0.96 mm"\nseed = 8'})
    short = bare_run(tmp_path / "short", line(0.2, days=6), scenario_text(10), finished=False)
    found = read_arms([a, b, short])
    said = text_of(comparison(found, None))
    assert found.last == 5
    assert "Runs differ in length: all are compared up to day 5, the last of short (seed 3)." in said
    assert "Arms differ in their bones" in said
    assert "short (seed 3) is not finished." in said


def test_blocks_of_unequal_size_lose_what_grows_with_them(tmp_path: Path) -> None:
    places = []
    for name, edge in (("a", 16), ("b", 20)):
        place = bare_run(tmp_path / name, line(0.2, -0.01), scenario_text(10))
        volumes = VolumeWriter(place / "run.vtkhdf", (edge,) * 3, 20.0, ["matrix"])
        volumes.append(0, {"matrix": np.ones((edge,) * 3, "f4")})
        places.append(place)
    found = read_arms(places)
    said = text_of(comparison(found, None))
    assert "Blocks differ (16 × 16 × 16 voxels of 20 µm; 20 × 20 × 20 voxels of 20 µm)" in said
    run = found.tables("1")
    assert run.column("osteoclasts").size == 0
    assert run.column("BV/TV").size == 11


def test_a_sweep_gives_its_arms(tmp_path: Path) -> None:
    from fake_sweep import write_sweep

    sweep = write_sweep(tmp_path / "trial", days=30, unfinished={("ovx", 3): "failed"})
    for item in sweep.runs.iterdir():
        (item / "log.jsonl").write_text('{"event": "created"}\n', encoding="utf-8")
    found = read_arms([sweep.path])
    assert found.arms == ["trial/control", "trial/ovx"]
    assert found.told[0] == "trial: 1 of 8 runs are not finished and left out."


def test_runs_without_a_common_day_or_a_second_arm_are_refused(tmp_path: Path) -> None:
    early = bare_run(tmp_path / "early", line(0.2, days=4))
    late = bare_run(tmp_path / "late", {day + 9: row for day, row in line(0.2, days=4).items()})
    with pytest.raises(InputError, match="no day in common: early has days 0 to 3, late has days 9 to 12"):
        read_arms([early, late])
    with pytest.raises(InputError, match="takes 2 to 7 arms, given 1"):
        read_arms([early])


def test_hostile_names_of_arms_stay_text(tmp_path: Path) -> None:
    places = [bare_run(tmp_path / name, line(0.2), scenario_text(10, title=HOSTILE)) for name in ("a<b>$x", "_<i>&$_{")]
    page = write_comparison(places, tmp_path / "c.html", None).read_text(encoding="utf-8")
    assert "<script" not in page
    assert "<i>&$" not in page
    assert "a&lt;b&gt;$x" in page
