"""Sweep files: every form as points, what an addition must not change, and errors that say how to go on."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from boneabm.errors import InputError
from boneabm.scenario import Scenario
from boneabm.scenario_text import find_scenario, merge_tables, read_toml
from boneabm.sweep.design import LAST_SEED, Design, Point, design_from_text, find_base, read_design
from boneabm.sweep.plan import make_plan
from boneabm.sweep.sampling import level_between, shares, twice

HEAD = 'title = "t"\nbase = "menopause"\n'
HERE = Path(".")

GRID = '[factors]\n"bone.bv_tv" = [0.12, 0.20]\n"labs.pth" = ["30 pg/mL", "60 pg/mL"]\n'
ZIP = '[[zip]]\n"subject.age" = ["50 y", "60 y"]\n"subject.final_period" = ["51 y", "49 y"]\n'
ARMS = (
    "[arms.control]\n[arms.blocked]\nsubject.aging = false\n"
    '[[arms.blocked.state]]\nkind = "rankl_antibody"\nfree = "120 pM"\n'
)
SAMPLE = '[sample]\nmethod = "{method}"\npoints = {points}\n[sample.ranges]\n{ranges}\n'
TWO_RANGES = (
    '"bone.bv_tv" = {low = 0.1, high = 0.3}\n"labs.pth" = {low = "20 pg/mL", high = "200 pg/mL", scale = "log"}'
)


def design(text: str, head: str = HEAD, folder: Path = HERE) -> Design:
    """Design of a sweep file with the usual title and base."""
    return design_from_text(head + text, "my.toml", folder)


def refused(text: str, head: str = HEAD, folder: Path = HERE) -> str:
    """What is said about a sweep file that cannot be used; every line names the file."""
    with pytest.raises(InputError) as error:
        design(text, head, folder)
    assert all(line.startswith(("my.toml, ", "...", "  ")) for line in str(error.value).splitlines())
    return str(error.value)


def resolved(point: Point, base: str = "menopause") -> Scenario:
    """The scenario that a point stands for."""
    tables = read_toml(find_scenario(base).read_text(encoding="utf-8"), base)
    return Scenario.from_dict(merge_tables(tables, point.changes))


def by_name(made: Design) -> dict[Any, tuple[int, dict[str, Any]]]:
    """Seed and changes of every point, by arm, levels (in any order) and replicate."""
    return {(p.arm, tuple(sorted(p.factors.items())), p.replicate): (p.seed, p.changes) for p in made.points}


def sample(method: str = "sobol", points: int = 8, ranges: str = TWO_RANGES) -> Design:
    """A sweep that only samples."""
    return design(SAMPLE.format(method=method, points=points, ranges=ranges))


# Forms


def test_a_sweep_of_nothing_is_one_run_of_its_base() -> None:
    made = design("")
    assert (made.title, made.base, made.base_folder, made.arms, made.reference_arm) == ("t", "menopause", HERE, (), "")
    assert made.points == (Point("", {}, 0, 1, {"simulation": {"seed": 1}}),)
    assert resolved(made.points[0]) == Scenario.load("menopause")


def test_texts_and_numbers_of_the_head_are_kept() -> None:
    head = HEAD + 'question = "q"\nexpected = "e"\nsource = "s"\nreplicates = 2\nseed = 5\nreference_arm = "blocked"\n'
    made = design(ARMS, head)
    assert (made.question, made.expected, made.source) == ("q", "e", "s")
    assert (made.replicates, made.seed, made.arms, made.reference_arm) == (2, 5, ("control", "blocked"), "blocked")
    assert design(ARMS).reference_arm == "control"


def test_factors_are_every_combination_the_last_key_fastest() -> None:
    levels = [tuple(p.factors.values()) for p in design(GRID).points]
    assert levels == [(0.12, "30 pg/mL"), (0.12, "60 pg/mL"), (0.2, "30 pg/mL"), (0.2, "60 pg/mL")]
    assert list(design(GRID).points[0].factors) == ["bone.bv_tv", "labs.pth"]


def test_columns_of_a_zip_move_together_and_several_zips_are_crossed() -> None:
    points = design(ZIP + '[[zip]]\n"bone.seed" = [1, 2, 3]\n').points
    assert [tuple(p.factors.values()) for p in points][:4] == [
        ("50 y", "51 y", 1), ("50 y", "51 y", 2), ("50 y", "51 y", 3), ("60 y", "49 y", 1),
    ]  # fmt: skip
    assert len(points) == 6


def test_a_list_is_its_rows_written_as_tables_or_in_one_line() -> None:
    long = design(
        '[[list]]\nbone.bv_tv = 0.1\nbone.size = "1 mm"\n[[list]]\n"bone.size" = "2 mm"\n"bone.bv_tv" = 0.2\n'
    )
    short = design('list = [{"bone.bv_tv" = 0.1, bone.size = "1 mm"}, {bone.bv_tv = 0.2, bone.size = "2 mm"}]\n')
    assert by_name(long) == by_name(short)
    assert [p.factors for p in long.points][1] == {"bone.bv_tv": 0.2, "bone.size": "2 mm"}


def test_everything_is_crossed_replicates_slowest_arms_fastest() -> None:
    text = GRID + ZIP + '[[list]]\n"bone.seed" = 1\n[[list]]\n"bone.seed" = 2\n'
    text += SAMPLE.format(method="sobol", points=3, ranges='"bone.holes" = {low = 0.1, high = 0.2}') + ARMS
    points = design(text, HEAD + "replicates = 2\n").points
    assert len(points) == 4 * 2 * 2 * 3 * 2 * 2
    assert len({(p.arm, tuple(p.factors.items()), p.replicate) for p in points}) == len(points)
    assert [p.arm for p in points[:4]] == ["control", "blocked", "control", "blocked"]
    assert [p.replicate for p in points] == [0] * 96 + [1] * 96
    assert list(points[0].factors) == [
        "bone.bv_tv", "labs.pth", "subject.age", "subject.final_period", "bone.seed", "bone.holes",
    ]  # fmt: skip
    assert points[1].factors == points[0].factors
    assert points[2].factors["bone.holes"] != points[0].factors["bone.holes"]


def test_an_assumed_final_period_of_the_base_is_not_that_of_an_arm(tmp_path: Path) -> None:
    """A man or a younger woman made of an old one has none; another old woman has the usual one."""
    base = 'title = "b"\n[bone]\nkind = "generated"\nsize = "0.96 mm"\n[subject]\nage = "62 y"\n'
    (tmp_path / "base.toml").write_text(base, encoding="utf-8")
    arms = '[arms.old]\n[arms.man]\nsubject.sex = "male"\n[arms.young]\nsubject.age = "40 y"\n'
    made = design(arms, 'title = "t"\nbase = "base.toml"\n', tmp_path)
    _, plan = make_plan(made)
    found = {run.arm: Scenario.from_toml(run.scenario).subject.final_period_y for run in plan}
    assert found == {"old": 51.0, "man": None, "young": None}


def test_changes_resolve_to_the_scenario_that_is_meant() -> None:
    made = design('[scenario]\nsimulation.days = "30 d"\n"subject.age" = "40 y"\n' + GRID + ARMS)
    one = resolved(made.points[-1])
    assert (one.simulation.days, one.subject.age_y, one.labs.pth_pg_per_ml, one.subject.aging) == (30, 40, 60, False)
    assert [row.free_pm for row in one.state] == [120]
    assert resolved(made.points[0]).state == ()
    assert one.bone.seed == 7  # type: ignore[union-attr]


def test_factors_and_arms_replace_values_of_the_scenario_section() -> None:
    common = '[scenario]\nbone.bv_tv = 0.3\nstate = [{kind = "pth", level = "60 pg/mL"}]\n'
    first, last = design(common + '[factors]\n"bone.bv_tv" = [0.1]\n' + ARMS).points
    assert resolved(first).bone.bv_tv == 0.1  # type: ignore[union-attr]
    assert [resolved(p).state[0].kind for p in (first, last)] == ["pth", "rankl_antibody"]


@pytest.mark.parametrize(
    "key", ['"parameters.osteoclast.team"', "parameters.osteoclast.team", 'parameters."osteoclast.team"']
)
def test_numbers_of_the_model_are_changed_by_their_names(key: str) -> None:
    base = find_scenario("adult").read_text(encoding="utf-8")
    for table in ("[parameters]\n", "[parameters.osteoclast]\nteam = 6\n", '[parameters]\n"osteoclast.team" = 6\n'):
        tables = read_toml(f"{base}\n{table}", "adult")
        points = design(f"[factors]\n{key} = [8, 9]\n").points
        numbers = [Scenario.from_dict(merge_tables(tables, p.changes)).parameters for p in points]
        assert numbers == [{"osteoclast.team": 8.0}, {"osteoclast.team": 9.0}]


def test_a_level_may_be_a_list() -> None:
    sizes = '[["1 mm", "1 mm", "2 mm"], ["1 mm", "2 mm", "1 mm"]]'
    points = design(f'[scenario]\nbone.voxel = "20 um"\n[factors]\n"bone.size" = {sizes}\n').points
    assert [resolved(p).bone.shape for p in points] == [(50, 50, 100), (50, 100, 50)]  # type: ignore[union-attr]


def test_a_key_into_a_row_changes_that_row_of_the_base() -> None:
    head = 'title = "t"\nbase = "disuse"\n'
    points = design('[factors]\n"condition[0].load_factor" = [0.2, 0.6]\n', head).points
    rows = [resolved(p, "disuse").condition for p in points]
    assert [(row.load_factor, row.start_d, row.until_d) for (row,) in rows] == [(0.2, 30, 149), (0.6, 30, 149)]


def test_a_key_into_a_row_changes_the_rows_of_its_arm_and_leaves_the_others() -> None:
    rows = '[[arms.{0}.state]]\nkind = "pth"\nlevel = "40 pg/mL"\nuntil = "{1} d"\n'
    rows += '[[arms.{0}.state]]\nkind = "pth"\nlevel = "50 pg/mL"\nstart = "{1} d"\n'
    text = '[factors]\n"state[1].level" = ["80 pg/mL", "90 pg/mL"]\n' + rows.format("a", 10) + rows.format("b", 20)
    points = design(text).points
    levels = [[row.level_pg_per_ml for row in resolved(p).state] for p in points]
    assert levels == [[40, 80], [40, 80], [40, 90], [40, 90]]
    assert [resolved(p).state[1].start_d for p in points] == [10, 20, 10, 20]


# Additions and order


def test_the_seed_is_that_of_the_sweep_plus_the_replicate_everywhere() -> None:
    points = design(GRID + ARMS, HEAD + "replicates = 3\nseed = 40\n").points
    assert {(p.replicate, p.seed) for p in points} == {(0, 40), (1, 41), (2, 42)}
    assert all(p.changes["simulation"]["seed"] == p.seed for p in points)
    assert Counter(p.seed for p in points) == {40: 8, 41: 8, 42: 8}


@pytest.mark.parametrize(
    "more",
    [
        GRID.replace("[0.12, 0.20]", "[0.05, 0.12, 0.16, 0.20]") + ARMS,
        GRID + '[arms.first]\nsubject.age = "30 y"\n' + ARMS,
        '[factors]\n"labs.pth" = ["60 pg/mL", "30 pg/mL"]\n"bone.bv_tv" = [0.20, 0.12]\n' + ARMS,
    ],
    ids=["levels", "arms", "reordered"],
)
def test_more_levels_arms_or_another_order_leave_every_run_as_it_was(more: str) -> None:
    old, new = by_name(design(GRID + ARMS, HEAD + "replicates = 2\n")), by_name(design(more, HEAD + "replicates = 4\n"))
    assert len(old) == 16
    assert len(new) >= 32
    assert {name: new[name] for name in old} == old


def test_a_longer_sobol_sample_keeps_its_first_points() -> None:
    long = [p.factors for p in sample(points=64).points]
    for points in (1, 5, 8, 33):
        assert [p.factors for p in sample(points=points).points] == long[:points]


def test_a_sample_does_not_depend_on_the_order_of_its_ranges() -> None:
    lines = TWO_RANGES.splitlines()
    turned = sample(ranges="\n".join(reversed(lines)))
    assert by_name(turned) == by_name(sample())
    assert list(turned.points[0].factors) == ["labs.pth", "bone.bv_tv"]


# Samples


@pytest.mark.parametrize("method", ["sobol", "latin-hypercube"])
def test_a_sample_has_one_point_in_every_slice_of_every_range(method: str) -> None:
    plan = np.sort(np.floor(shares(method, 16, 3, seed=4) * 16), axis=0)
    np.testing.assert_array_equal(plan, np.repeat(np.arange(16.0)[:, None], 3, axis=1))
    np.testing.assert_array_equal(shares(method, 16, 3, seed=4), shares(method, 16, 3, seed=4))
    assert (shares(method, 16, 3, seed=5) != shares(method, 16, 3, seed=4)).any()


def test_sampled_levels_stay_in_their_range_with_its_unit_and_on_its_scale() -> None:
    points = [p.factors for p in sample(points=32).points]
    fractions = np.array([p["bone.bv_tv"] for p in points])
    texts = [p["labs.pth"].split(" ") for p in points]
    assert {unit for _, unit in texts} == {"pg/mL"}
    numbers = np.array([float(number) for number, _ in texts])
    assert 0.1 <= fractions.min() < 0.11
    assert 0.29 < fractions.max() <= 0.3
    assert fractions.mean() == pytest.approx(0.2, abs=0.002)
    assert numbers.min() >= 20
    assert numbers.max() <= 200
    assert np.log(numbers).mean() == pytest.approx(np.log(20 * 200) / 2, abs=0.03)
    assert all(resolved(p).labs.pth_pg_per_ml for p in sample(points=4).points)


def test_whole_levels_are_whole_and_equally_likely() -> None:
    ranges = '"bone.seed" = {low = 1, high = 4, whole = true}\n"bone.holes" = {low = 0.1, high = 0.9}'
    seeds = [p.factors["bone.seed"] for p in sample(points=64, ranges=ranges).points]
    assert all(type(seed) is int for seed in seeds)
    assert Counter(seeds) == {1: 16, 2: 16, 3: 16, 4: 16}
    days = sample(points=4, ranges='"simulation.days" = {low = "10 d", high = "13 d", whole = true}')
    assert {p.factors["simulation.days"] for p in days.points} == {"10 d", "11 d", "12 d", "13 d"}


def test_levels_of_a_range_reach_both_ends_and_no_further() -> None:
    assert level_between(0.0, 0.5, 2.0, True, False) == 0.5
    assert level_between(0.5, 0.5, 2.0, True, False) == 1.0
    assert level_between(1.0, 1 / 3, 2 / 3, False, False) == 2 / 3
    assert level_between(0.0, 1 / 3, 2 / 3, False, False) == 1 / 3
    assert [level_between(s, 1, 7, True, True) for s in (0, 0.34, 0.999999)] == [1, 2, 7]


# Errors


def test_all_problems_of_a_file_come_at_once() -> None:
    told = refused(
        '[factors]\n"bone.bv_tv" = 0.1\n"simulation.seed" = [1, 2]\n[arms.a]\nbone.bv_tv = 0.2\n[extra]\n',
        'replicates = 0\nreference_arm = "b"\n',
    )
    for line in (
        "my.toml, title: missing",
        'my.toml, base: missing. Write base = "menopause"',
        "my.toml, replicates: 0 must be a whole number, 1 to 100000.",
        "my.toml, factors.bone.bv_tv: 0.1 is not a list of levels. Write [0.1]",
        "my.toml, factors.simulation.seed: belongs to the replicates. Write `replicates = 5`",
        "my.toml, arms.a.bone.bv_tv: factors.bone.bv_tv changes it too. Keep one of them",
        "my.toml, extra: not a known key. Known: arms, base,",
        'my.toml, reference_arm: "b" is not an arm. Known: a.',
    ):
        assert line in told
    assert len(told.splitlines()) == 8


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[factor]\n", "factor: not a known key. Known: arms, base, contrasts, expected, factors, list, question"),
        ("[factor]\n", 'Did you mean "factors"?'),
        ("[bone]\nseed = 3\n", "bone: not a known key."),
        ("[bone]\nseed = 3\n", "It belongs in [scenario]."),
        ("days = 3\n", "It belongs in [scenario.simulation]."),
        ("seed = -1\n", "seed: -1 must be a whole number, 0 to"),
        ("replicates = 1.5\n", "replicates: 1.5 must be a whole number, 1 to 100000."),
        (f"replicates = 2\nseed = {LAST_SEED}\n", f"seed: with 2 replicates, at most {LAST_SEED - 1}."),
        (ARMS + '[contrasts]\nx = ["blocked"]\n', "contrasts.x: must be two lists of arms, plus and minus. Example: {"),
        (ARMS + '[contrasts.x]\nplus = ["blocked"]\nminus = "control"\n', "contrasts.x: must be two lists of arms"),
        (ARMS + '[contrasts.x]\nplus = ["blockd"]\nminus = ["control"]\n', 'contrasts.x: "blockd" is not an arm.'),
        (ARMS + '[contrasts.x]\nplus = ["blocked"]\nminus = ["control", "control"]\n', "plus has 1 arms and minus 2."),
        (ARMS + '[contrasts.x]\nplus = ["blocked"]\nminus = ["blocked"]\n', '"blocked" stands in plus and in minus'),
        ('[contrasts.x]\nplus = ["a"]\nminus = ["b"]\n', 'contrasts.x: "a" is not an arm. This sweep has no arms.'),
        ('reference_arm = "a"\n', "This sweep has no arms: remove it, or write [arms.control]."),
        ('reference_arm = "contrl"\n' + ARMS, '"contrl" is not an arm. Known: blocked, control. Did you mean'),
        ("scenario = 3\n", "scenario: 3 is not a table of changes."),
        ("factors = 3\n", 'factors: 3 is not a table. Write lines such as "bone.bv_tv" = [0.12, 0.20] below it.'),
        ('[factors]\n"bone.bv_tv" = []\n', "factors.bone.bv_tv: has no levels. Write at least one"),
        ('[factors]\n"bone.bv_tv" = [nan]\n', "factors.bone.bv_tv: NaN is not a level: a number, a text with a unit"),
        ('[factors]\nstate = [{kind = "pth"}]\n', "is not a level: a number, a text with a unit, true or false."),
        ('[factors]\n"bone.bv_tv" = [0.1, 0.10]\n', "level 0.1 stands twice. To repeat runs with other random numbers"),
        ('[factors]\n"bone.seed" = [1, 1.0]\n', "level 1.0 stands twice."),
        ('[factors]\n"bone bv_tv" = [1]\n', 'factors.bone bv_tv: not the path of a key. Examples: "bone.bv_tv"'),
        ('[factors]\n"state[0]" = [1]\n', "factors.state[0]: not the path of a key."),
        ('[factors]\n"bone.bv_tv" = [1]\nbone.bv_tv = [2]\n', "factors.bone.bv_tv: factors.bone.bv_tv changes it too."),
        ('[factors]\n"bone.bv_tv" = [1]\n[scenario]\nbone = 3\n', "factors.bone.bv_tv: scenario.bone changes it too."),
        (GRID + '[[zip]]\n"labs.pth" = ["1 pM"]\n', "zip[0].labs.pth: factors.labs.pth changes it too."),
        (ZIP + '[[list]]\nsubject.age = "3 y"\n', "list[0].subject.age: zip[0].subject.age changes it too."),
        (ZIP + ZIP, "zip[1].subject.age: zip[0].subject.age changes it too."),
        (
            GRID + SAMPLE.format(method="sobol", points=2, ranges="bone.bv_tv = {low = 1, high = 2}"),
            "sample.ranges.bone.bv_tv: factors.bone.bv_tv changes it too.",
        ),
        ("[scenario]\nsimulation.seed = 3\n", "scenario.simulation.seed: belongs to the replicates."),
        ("[arms.a]\nsimulation = 3\n", "arms.a.simulation: belongs to the replicates."),
        ('[zip]\n"bone.seed" = [1]\n', "zip: must be a list of tables. Write [[zip]], with double brackets."),
        ("zip = [3]\n", "zip[0]: 3 is not a table."),
        ("[[zip]]\n", "zip[0]: has no columns."),
        (
            '[[zip]]\n"subject.age" = ["50 y"]\n"bone.seed" = [1, 2]\n',
            'zip[0]: columns of one [[zip]] need equally many levels; these have: "subject.age" 1, "bone.seed" 2.',
        ),
        ('[[zip]]\n"bone.seed" = [1, 2, 1]\n"bone.bv_tv" = [1, 2, 1]\n', "zip[0]: rows 1 and 3 are equal. Remove one"),
        ('[list]\n"bone.seed" = 1\n', "list: must be a list of tables. Write [[list]], with double brackets."),
        ("[[list]]\n", "list: every row names the same keys; row 1 is empty."),
        (
            '[[list]]\n"bone.seed" = 1\n[[list]]\n"bone.holes" = 1\n',
            'list: every row names the same keys; only one of rows 1 and 2 has "bone.holes".',
        ),
        ('[[list]]\n"bone.seed" = 1\n[[list]]\n"bone.seed" = 1\n', "list: rows 1 and 2 are equal."),
        ('[[list]]\n"bone.seed" = inf\n', "list[0].bone.seed: Infinity is not a level"),
        ("[arms]\n", "arms: holds no arm. Write [arms.control] and its changes below, or remove it."),
        ("arms = 3\n", "arms: 3 is not a table. Write a section [arms] with single brackets"),
        ("[arms]\na = 3\n", "arms.a: 3 is not a table of changes."),
        ('[arms."a b"]\n', 'arms: "a b" cannot be the name of an arm. Allowed: letters, digits, _ and -.'),
        ("[arms.a]\n[arms.b]\n", "arms.b: makes the same changes as arms.a, so its runs are the same. Remove one."),
        ('[[factors]]\n"a" = 1\n', "factors: [{"),
    ],
)
def test_a_sweep_file_that_cannot_be_used_is_told_what_and_how(text: str, told: str) -> None:
    assert told in refused(text)


@pytest.mark.parametrize(
    ("ranges", "told"),
    [
        ("", 'sample.ranges: holds no range. Write "bone.bv_tv" = { low = 0.1, high = 0.2 } below it.'),
        ('"bone.bv_tv" = 0.1', "sample.ranges.bone.bv_tv: 0.1 is not a range. Write { low = 0.1, high = 0.2 }."),
        ('"bone.bv_tv" = {low = 0.1}', "sample.ranges.bone.bv_tv.high: missing"),
        (
            '"bone.bv_tv" = {low = 0.1, high = 0.2, scal = "log"}',
            'sample.ranges.bone.bv_tv.scal: not a known key. Known: high, low, scale, whole. Did you mean "scale"?',
        ),
        ('"bone.bv_tv" = {low = 0.1, high = 0.2, scale = "ln"}', "\"ln\" is not allowed. Allowed: 'linear' or 'log'."),
        ('"bone.bv_tv" = {low = 0.2, high = 0.1}', "low, 0.2, must be smaller than high, 0.1."),
        ('"bone.bv_tv" = {low = 0, high = 1, scale = "log"}', "low, 0, must be more than 0"),
        ('"bone.bv_tv" = {low = true, high = 1}', "bv_tv.low: true must be a number, or a text with a unit such as"),
        ('"bone.bv_tv" = {low = "3", high = 1}', 'bv_tv.low: "3" must be a number, or a text with a unit such as'),
        (
            '"labs.pth" = {low = "1 pM", high = "20 pg/mL"}',
            "low is in pM and high in pg/mL. Write both in the same",
        ),
        (
            '"labs.pth" = {low = 1, high = "20 pg/mL"}',
            "low is in no unit and high in pg/mL. Write both in the same unit.",
        ),
        ('"bone.seed" = {low = 0.5, high = 3, whole = true}', "must be whole numbers where whole = true."),
        ('"bone.seed" = {low = 1, high = 3, whole = true}', "are equal. Use fewer points or a wider range."),
    ],
)
def test_a_range_that_cannot_be_sampled_is_told_what_and_how(ranges: str, told: str) -> None:
    assert told in refused(SAMPLE.format(method="sobol", points=8, ranges=ranges))


def test_a_sample_names_its_method_and_a_possible_number_of_points() -> None:
    ranges = '"bone.bv_tv" = {low = 0.1, high = 0.2}'
    told = refused(SAMPLE.format(method="random", points=0, ranges=ranges))
    assert "sample.method: \"random\" is not allowed. Allowed: 'sobol' or 'latin-hypercube'." in told
    assert "sample.points: 0 must be a whole number, 1 to 100000." in told
    assert "sample.size: not a known key. Known: method, points, ranges, seed." in refused("[sample]\nsize = 3\n")


def test_more_runs_than_a_hundred_thousand_are_refused_with_their_sum() -> None:
    text = f'[factors]\n"bone.seed" = {list(range(100))}\n' + ARMS
    assert len(design(text, HEAD + "replicates = 5\n").points) == 1000
    told = refused(text, HEAD + "replicates = 501\n")
    assert "sweep: 100200 runs are more than 100000: 100 (bone.seed) x 2 (arms) x 501 (replicates)." in told


def test_a_row_that_an_arm_lacks_is_named() -> None:
    told = refused('[factors]\n"state[0].level" = ["80 pg/mL", "90 pg/mL"]\n' + ARMS)
    assert told == (
        'my.toml, state[0].level: arm "control", [scenario] and the base have no such row. '
        "Write all rows of the list as [[arms.control.state]] or [[scenario.state]], or make each level an arm."
    )
    told = refused('[factors]\n"state[0].level" = ["80 pg/mL"]\n')
    assert told.startswith("my.toml, state[0].level: base and [scenario] have no such row.")


def test_a_base_is_a_file_beside_the_sweep_or_a_packaged_scenario(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "menopause").write_text("", encoding="utf-8")
    assert find_base("sub/menopause", tmp_path) == tmp_path / "sub" / "menopause"
    assert find_base("menopause", tmp_path) == find_scenario("menopause")
    with pytest.raises(InputError, match=r'my.toml, base: "menopaus.toml" is no file.*Did you mean "menopause"\?'):
        find_base("menopaus.toml", tmp_path, "my.toml")
    row = '[factors]\n"state[0].level" = ["80 pg/mL"]\n'
    assert 'my.toml, base: "x" is no file' in refused(row, 'title = "t"\nbase = "x"\n', tmp_path)


def test_a_syntax_error_names_its_line() -> None:
    assert refused("[factors]\nbone = = 3\n").startswith("my.toml, line 4: not valid TOML")


def test_levels_are_equal_as_numbers_not_as_truth_values() -> None:
    assert twice([1, True, "1", [1, 2]]) is None
    assert twice(["30 d", 2, [1, 2.0], [1.0, 2]]) == (2, 3)


# Finding files


def test_a_sweep_is_read_from_a_file_or_by_the_bare_name_of_a_packaged_one(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(HEAD + GRID, encoding="utf-8")
    assert read_design(file).base_folder == tmp_path
    assert len(read_design(str(file)).points) == 4
    file.write_bytes(b"title = '\xff'")
    with pytest.raises(InputError, match="not a text file in UTF-8"):
        read_design(file)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (
            "example_swep",
            "Known: example_sweep, exercise_menopause_sweep, mouse_tail_frequency_sweep. "
            'Did you mean "example_sweep"?',
        ),
        ("menopause", "menopause is one scenario, not a sweep. Run it with: boneabm run menopause"),
        (".", "is a folder. Give a sweep file"),
    ],
)
def test_a_sweep_that_is_not_there_is_told_what_there_is(source: str, told: str) -> None:
    with pytest.raises(InputError) as error:
        read_design(source)
    assert told in str(error.value)


def test_the_packaged_example_is_eighteen_short_runs() -> None:
    made = read_design("example_sweep")
    assert all((made.title, made.question, made.expected, made.source))
    assert Counter(p.arm for p in made.points) == {"before": 6, "after": 6, "pth": 6}
    scenarios = [resolved(p, made.base) for p in made.points]
    assert len({scenario.resolved_toml() for scenario in scenarios}) == 18
    assert {(s.simulation.days, s.output.volumes_every_d, s.bone.spacing_um) for s in scenarios} == {(90, 90, 25.0)}
    before, after, pth = scenarios[:3]
    assert pth.model_copy(update={"state": (), "simulation": before.simulation}) == before
    assert after.subject.final_period_y == 49
