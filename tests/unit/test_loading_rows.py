"""Rows of loading in scenarios: what they mean, what is refused and with which words, and what explain tells."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from boneabm.build_loads import make_program
from boneabm.errors import InputError
from boneabm.explain import explain
from boneabm.loading import Program, WeeklyProgram
from boneabm.loading.recorded import count
from boneabm.parameters import ParameterSet
from boneabm.scenario import Scenario

P = ParameterSet.load()
HEAD = 'title = "t"\n[bone]\nkind = "generated"\n'
SITE = '[loading]\nsite = "L3"\n'
ONE_RM = 'one_rm = { squat = "45 kg" }\n'
PLAIN = '[[activity]]\nname = "walk"\nstress = ["0.6 MPa", "0.2 MPa", "0.1 MPa"]\ncycles = 1000\n'
COUNTED = 'kind = "recorded"; counted = [[1.0, 10, 1.0]]; counted_in = "BW"'
SHAKE = 'kind = "vibration"; acceleration = 0.3; frequency = "30 Hz"; duration = "5 min"'


def read(text: str, folder: Path | str = ".") -> Scenario:
    scenario = Scenario.from_toml(HEAD + text, folder=folder)
    assert Scenario.from_toml(scenario.resolved_toml()) == scenario
    return scenario


def weekly(text: str, folder: Path | str = ".") -> WeeklyProgram:
    program = make_program(read(text, folder), P)
    assert isinstance(program, WeeklyProgram)
    return program


def told(text: str) -> str:
    return explain(read(text), P, [("endocrine", "hormones advance")])


def row(text: str) -> str:
    return "[[activity]]\n" + text.replace("; ", "\n") + "\n"


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        (SITE + row('kind = "squat"; reps = 5; load = "85 %1RM"'), "loading.one_rm", 'missing "squat"'),
        (SITE + 'one_rm = { sqat = "45 kg" }\n', "loading.one_rm", 'Did you mean "squat"?'),
        (row('kind = "sqaut"; reps = 5'), "activity[0].kind", 'Did you mean "squat"?'),
        (row('kind = "walking"; steps = 5000; days = ["Tues."]'), "activity[0].days", 'Did you mean "Tue"?'),
        (row('kind = "squat"; reps = 5; load = "-20 kg"'), "activity[0].load", "outside the possible range"),
        (row('kind = "squat"; reps = 5; load = "-85 %1RM"'), "activity[0].load", "outside the possible range"),
        (row('kind = "squat"; reps = 5; load = "heavy"'), "activity[0].load", "85 %1RM"),
        (row('kind = "squat"; reps = 5'), "activity[0].load", "needs a bar"),
        (row('kind = "walking"; steps = 5; load = "40 kg"'), "activity[0].load", "only for lifts"),
        (row('kind = "walking"'), "activity[0].kind", "steps = 5000"),
        (row('kind = "walking"; steps = 500; cycles = 5'), "activity[0].steps", "Keep one"),
        (row('kind = "bend"; steps = 500'), "activity[0].steps", "Give cycles"),
        (row('kind = "bend"; duration = "5 min"'), "activity[0].duration", "frequency"),
        (row('kind = "vibration"; duration = "5 min"'), "activity[0].kind", "acceleration"),
        (row('kind = "cycles"; cycles = 5'), "activity[0].peak_stress", "missing"),
        (row('kind = "cycles"; cycles = 5; peak_stress = "-1 MPa"'), "activity[0].peak_stress", "outside"),
        (row('kind = "walking"; steps = 5; time = "25:00"'), "activity[0].time", "time of day"),
        (row('kind = "recorded"'), "activity[0].kind", "history"),
        (row('kind = "recorded"; history = "none.csv"'), "activity[0].history", "no file"),
        (row(f'{COUNTED}; frequency = "2 Hz"'), "activity[0].frequency", "own rates"),
        (row(f'{COUNTED}; peak_stress = "1 MPa"'), "activity[0].peak_stress", 'or write kind = "cycles"'),
        (row(f'{SHAKE}; peak_stress = "1 MPa"'), "activity[0].peak_stress", "follows from its acceleration"),
        (row('kind = "squat"; reps = 5; load = "40 kg"; peak_stress = "1 MPa"'), "activity[0].load", "Keep `load`"),
        ('[loading]\nsite = "L33"\n', "loading.site", 'Did you mean "L3"?'),
        ('[loading]\nhabitual = "comunity_adult"\n', "loading.habitual", 'Did you mean "community_adult"?'),
        ('[loading]\nsite = "distal_radius"\n' + row('kind = "running"; steps = 9'), "activity[0].kind", "peak_stress"),
        ('[[condition]]\nkind = "bed_rest"\n', "condition[0].kind", "[loading]"),
        (SITE + '[[condition]]\nkind = "paralysis"\ngravity = 0.3\n', "condition[0].gravity", "is not for"),
        (SITE + '[[condition]]\nkind = "bed_rest"\nresidual = 0.3\n', "condition[0].residual", "is not for"),
        (PLAIN + 'harness = 0.7\n', "activity[0].harness", "rows of a kind"),
        (row('kind = "recorded"; counted = [[inf, 10, 1.0]]; counted_in = "N"'), "activity[0].counted", "above 0"),
    ],
)  # fmt: skip
def test_bad_rows_are_told_with_place_and_fix(text: str, where: str, words: str) -> None:
    with pytest.raises(InputError) as error:
        read(text)
    assert f"{where}: " in str(error.value)
    assert words in str(error.value)


def test_conditions_of_the_whole_body_may_not_overlap() -> None:
    two = '[[condition]]\nkind = "bed_rest"\nuntil = "{} d"\n'
    two += '[[condition]]\nkind = "partial_gravity"\ngravity = 0.4\nstart = "20 d"\n'
    assert len(read(SITE + two.format(20)).condition) == 2
    with pytest.raises(InputError, match=r"condition: rows \[0\] and \[1\] overlap"):
        read(SITE + two.format(21))


def test_plain_rows_alone_make_the_plain_program() -> None:
    program = make_program(read(PLAIN), P)
    assert isinstance(program, Program)
    assert program.habitual() == (((0.6, 0.2, 0.1), 1000.0),)
    assert isinstance(make_program(read(""), P), Program)


def test_a_plain_row_in_a_week_is_one_bout_a_day_at_1_hz() -> None:
    program = weekly('[loading]\nhabitual = "rows"\n' + PLAIN)
    ((direction, dose),) = program.habitual()
    np.testing.assert_allclose(direction, (1, 1 / 3, 1 / 6))
    (session,) = program.habit(0)
    assert (session.hz, session.cycles) == (1, 1000)
    assert session.effective_cycles == pytest.approx(math.log1p(1000 * (1 - math.exp(-4))), rel=1e-3)
    assert dose == pytest.approx(session.effective_cycles * 0.6**4)


def test_weekdays_start_until_and_clock() -> None:
    when = 'time = "7:30"; spacing = "2 h"; days = ["Wed", "Sun"]; start = "7 d"; until = "21 d"'
    program = weekly(SITE + row(f'kind = "bend"; cycles = 60; bouts = 3; {when}'))
    done = [day for day in range(30) if any(not s.routine.habitual for s in program.sessions(day))]
    assert done == [9, 13, 16, 20]
    assert program.routines[-1].hours == (7.5, 9.5, 11.5)
    assert program.routines[-1].cycles == 20


def test_strength_and_progression_raise_the_bar_up_to_the_1rm() -> None:
    lift = row('kind = "squat"; reps = 5; load = "80 %1RM"; progression = "1 %/wk"; start = "2 wk"')
    program = weekly(SITE + ONE_RM + lift)
    p = program.p
    bars = [program.routines[-1].bar.body_weights(d, 0.01 / 7, 65, p) * 65 for d in (0, 70, 10_000)]
    assert bars[0] == pytest.approx(36)
    assert bars[1] == pytest.approx(36 * 1.1 * (1 + 0.3 * (1 - math.exp(-70 / 60))))
    assert bars[2] == pytest.approx(45 * 1.3)


@pytest.mark.parametrize(
    ("kind", "rest"),
    [("bed_rest", False), ("microgravity", False), ("paralysis", True), ("immobilization", True)],
)  # fmt: skip
def test_what_conditions_leave(kind: str, rest: bool) -> None:
    run = 'kind = "running"; duration = "20 min"'
    text = SITE + row(f'{run}; name = "free"') + row(f'{run}; name = "pulled"; harness = 0.7')
    text += f'[[condition]]\nkind = "{kind}"\n'
    spans = {s.routine.name: s.span_mpa for s in weekly(text).sessions(3)}
    full = 1.8 * 0.39
    assert ("free" in spans) is rest
    assert spans["pulled"] == pytest.approx(0.7 * full)
    if rest:
        assert spans["free"] == pytest.approx(0.4 * full)


def test_disuse_scales_a_week_as_it_scales_plain_rows() -> None:
    program = weekly(SITE + '[[condition]]\nkind = "disuse"\nload_factor = 0.5\nstart = "5 d"\n')
    (before, after) = (program.day(d)[0].cycles_per_d for d in (4, 5))
    assert after == pytest.approx(before / 16, rel=1e-12)


def test_a_leg_counts_every_second_step() -> None:
    walk = row('kind = "walking"; steps = 4000')
    spine, leg = (weekly(f'[loading]\nsite = "{site}"\n' + walk) for site in ("L3", "calcaneus"))
    assert [p.sessions(0)[-1].cycles for p in (spine, leg)] == [4000, 2000]


def test_a_recorded_force_is_counted_by_rainflow(tmp_path: Path) -> None:
    """Ten sines of 2 Hz between 0 and 1000 N: ten cycles of 1000 N at 2 Hz, whatever the library calls them."""
    time_s = np.arange(0, 5.0001, 0.005)
    force = 500 - 500 * np.cos(2 * np.pi * 2 * time_s)
    (tmp_path / "gait.csv").write_text(
        "time_s,force_n\n" + "".join(f"{t:.4f},{f:.6f}\n" for t, f in zip(time_s, force, strict=True)), encoding="utf-8"
    )
    (one,) = count(time_s.tolist(), force.tolist())
    assert (one.span, one.cycles) == (1000, 10)
    assert one.hz == pytest.approx(2, rel=0.01)
    text = SITE + row('kind = "recorded"; history = "gait.csv"; cycles = 100; days = ["Mon"]')
    (session,) = (s for s in weekly(text, tmp_path).sessions(0) if not s.routine.habitual)
    assert session.span_mpa == pytest.approx(1000 / (65 * 9.81) * 0.39)
    assert session.cycles == 1000
    sets = text.replace("cycles = 100", "sets = 3\nreps = 5")
    assert [s.cycles for s in weekly(sets, tmp_path).sessions(0) if not s.routine.habitual] == [150]


@pytest.mark.parametrize("text", ["time_s,force_n\n0,1\n0,2\n1,3\n", "time_s,kraft\n0,1\n", "time_s,force_n\n0,a\n",
                                  "time_s,force_n\n0,1\n1,1\n2,1\n"])  # fmt: skip
def test_a_bad_record_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"activity\[0\].history: .*bad.csv: "):
        read(SITE + row('kind = "recorded"; history = "bad.csv"'), tmp_path)


def test_explain_tells_the_week() -> None:
    text = told(SITE + ONE_RM + row('kind = "squat"; sets = 5; reps = 5; load = "85 %1RM"; days = ["Tue", "Fri"]'))
    assert "habit, \"community_adult\": psi/psi* = 1; shares of its psi^m: walking 42%" in text
    assert "Mon Wed Thu Sat Sun: psi/psi* 1.00; habit only" in text
    assert "squat 1.46 MPa, range 1.27, 0.4 Hz, 25 cycles count 3.26" in " ".join(text.split())
    assert "WARNING" not in text


def test_explain_warns_of_yield_and_of_a_habit_of_walking_alone() -> None:
    heavy = SITE + 'one_rm = { deadlift = "160 kg" }\n' + row('kind = "deadlift"; reps = 3; load = "95 %1RM"')
    assert "WARNING: deadlift strains the core by" in told(heavy)
    walk = row('kind = "walking"; steps = 7000; bouts = 6')
    rows = '[loading]\nhabitual = "rows"\n'
    assert "WARNING: only walking makes the habit" in told(rows + walk)
    assert "WARNING" not in told(rows + walk + row('kind = "light_lift"; cycles = 8'))


def test_a_habit_that_is_nothing_is_refused() -> None:
    rows = '[loading]\nhabitual = "rows"\n'
    later = row('kind = "bend"; cycles = 9; start = "9 d"')
    for habit in ("", row('kind = "standing"; duration = "8 h"')):
        with pytest.raises(InputError, match="no row holds on day 0"):
            weekly(rows + habit + later)


def test_every_number_of_the_library_has_a_source() -> None:
    rows = [p for p in P.rows() if p["section"].startswith(("loading", "site_", "activity_", "habit_", "condition_"))]
    assert len(rows) > 200
    assert all(p["source"] and p["low"] <= p["value"] <= p["high"] for p in rows)


def test_a_branch_keeps_site_and_kind_of_program() -> None:
    """The habit that the bone is adapted to is set once; exercise and the 1RM may be new."""
    parent, plain = read(SITE), read(PLAIN)
    trained = read(SITE + ONE_RM + row('kind = "squat"; reps = 5; load = "85 %1RM"'))
    assert trained._differences(parent) == []
    for other in (plain, read('[loading]\nsite = "calcaneus"\n')):
        (problem,) = other._differences(parent)
        assert problem.startswith("loading: ")


def test_a_number_of_the_library_can_be_changed_by_a_scenario() -> None:
    jump = SITE + row('kind = "two_leg_jump"; cycles = 50')
    stronger = read(jump + '[parameters]\n"activity_two_leg_jump.spine_peak_bw" = 4.0\n')
    program = make_program(stronger, P.override(stronger.parameters))
    assert program.sessions(0)[-1].span_mpa == pytest.approx(3.5 * 0.39)


def test_bouts_that_run_past_midnight_are_refused() -> None:
    text = SITE + row('kind = "two_leg_jump"; cycles = 50; bouts = 5; time = "8:00"; spacing = "8 h"')
    with pytest.raises(InputError, match="after midnight"):
        weekly(text)


@pytest.mark.parametrize("what", ['kind = "walking"; steps = 5000', 'kind = "squat"; reps = 5; load = "40 kg"'])
def test_a_program_that_fades_ends_at_the_habit(what: str) -> None:
    """Minus 20 % a week: each month is worth less than the one before, after five weeks nothing is left of it."""
    program = weekly(SITE + row(f'{what}; start = "1 d"; progression = "-20 %/wk"'))
    worth = [sum(case.cycles_per_d for case in program.day(day)) for day in (1, 15, 29, 50, 400)]
    assert worth == sorted(worth, reverse=True)
    assert worth[0] > worth[3]
    if "walking" in what:
        assert worth[4] == pytest.approx(sum(case.cycles_per_d for case in program.habitual()), rel=1e-6)


def test_more_changes_than_are_shown_are_counted() -> None:
    days = [(20 * k + 10, 20 * k + 20) for k in range(5)]
    blocks = "".join(row(f'kind = "hopping"; cycles = 50; start = "{a} d"; until = "{b} d"') for a, b in days)
    assert "more changes, the last on day 100" in told(SITE + blocks + '[simulation]\ndays = 200\n')
