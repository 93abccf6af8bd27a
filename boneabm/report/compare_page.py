"""`boneabm compare`: one HTML file with arms against each other: paired differences, courses, pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from boneabm.analysis import ensemble
from boneabm.analysis.doubts import union
from boneabm.report.arms import Arms, Member, read_arms
from boneabm.report.doubts import told_doubts
from boneabm.report.page import note, number, page, picture, table, wary
from boneabm.report.plots import png
from boneabm.report.run_page import Draw, Shot, html_path, picture_size, put_page
from boneabm.report.sections import escaped, side_by_side
from boneabm.scenario import Scenario
from boneabm.scenario_text import flatten
from boneabm.sweep.collect import Collected, gather
from boneabm.sweep.plots import draw as draw_courses
from boneabm.sweep.plots import read_curves
from boneabm.sweep.report import KNOWN, READ_AS, REPORTED, differences, means

SAME_IN_ALL = ("title", "question", "expected", "source", "simulation.seed")
MOST_SETTINGS, LONGEST_SETTING = 40, 200


def write_comparison(paths: Sequence[Path], out: Path, draw: Draw | None, level: float = 0.95) -> Path:
    """Write the comparison of arms; the path of the HTML file.

    paths : run folders, folders of runs, or sweeps; the first arm is the reference
    draw  : draws the bone; None leaves the pictures out
    level : coverage of all intervals, 0..1
    Raises InputError for fewer than two arms, runs without a common day, a level outside 0..1, or where matplotlib is
    not installed.
    """
    path = html_path(out)
    ensemble.mean_interval([0.0, 1.0], level)
    arms = read_arms(paths)
    put_page(path, comparison(arms, draw, level))
    return path


def comparison(arms: Arms, draw: Draw | None, level: float = 0.95) -> str:
    """HTML of the comparison."""
    found = gather(arms, level)
    parts = [
        f"<h1>{escape(arms.title())}</h1>",
        _question(arms),
        _told(arms),
        _doubts(arms),
        _design(arms),
        _settings(arms),
        differences(found) or "",
        _pairs_needed(arms),
        _unpaired(arms, found),
        _courses(arms, found),
        _pictures(arms, draw),
        means(found),
        _runs(arms),
    ]
    return page(arms.title(), parts)


def _question(arms: Arms) -> str:
    asked = [m.record.scenario.question for m in arms.members if m.record.scenario and m.record.scenario.question]
    return "".join(f'<p class="question">{escape(text)}</p>' for text in list(dict.fromkeys(asked))[:3])


def _told(arms: Arms) -> str:
    """What differs and should not, and what is left out."""
    if not arms.told:
        return f"<p>All runs have days {arms.first} to {arms.last}, one block size and the same bones in every arm.</p>"
    return wary("What limits this comparison", arms.told)


def _doubts(arms: Arms) -> str:
    """What the runs of each arm rest on; arms that say the same stand together."""
    said: dict[tuple[str, ...], list[str]] = {}
    for arm in arms.arms:
        said.setdefault(tuple(union(told_doubts(member.record) for member in arms.of(arm))), []).append(arm)
    lines = [f"{', '.join(names)}: {line}" for lines, names in said.items() for line in lines]
    return wary("Low confidence: directions, not sizes", lines)


def _design(arms: Arms) -> str:
    rows = []
    for arm in arms.arms:
        own = arms.of(arm)
        seeds = [str(member.seed) for member in own if member.seed >= 0]
        titles = list(dict.fromkeys(member.record.title for member in own))
        rows.append([
            escape(arm) + (" (reference)" if arm == arms.arms[0] else ""), escape("; ".join(titles[:3])), str(len(own)),
            escape(", ".join(seeds[:10]) + (" …" if len(seeds) > 10 else "")) or "–",
            str(len({member.bone for member in own})), str(len(arms.pairs(arm))) if arm != arms.arms[0] else "",
        ])  # fmt: skip
    head = ["arm", "title", "runs", "seeds", "bones", "pairs with the reference"]
    told = "Runs of one bone and one seed are pairs: they share their random numbers and differ by treatment alone."
    return "<h2>Arms</h2>" + table(head, rows, "words") + note(f"Days {arms.first} to {arms.last}. {told}")


def _settings(arms: Arms) -> str:
    """Keys of the scenarios that differ between the arms, by the first run of each."""
    texts = [_flat(arms.of(arm)[0].record.scenario) for arm in arms.arms]
    keys = [key for key in dict.fromkeys(key for text in texts for key in text) if key not in SAME_IN_ALL]
    other = [key for key in keys if len({text.get(key) for text in texts}) > 1]
    rows = [[key, *(text.get(key, "–") for text in texts)] for key in other]
    if not rows:
        return "<h2>What the arms prescribe</h2><p>The same: their scenarios differ in titles and seeds at most.</p>"
    shown = [[escaped(cell[:LONGEST_SETTING]) for cell in row] for row in rows[:MOST_SETTINGS]]
    left = note(f"and {len(rows) - MOST_SETTINGS} more") if len(rows) > MOST_SETTINGS else ""
    return "<h2>What the arms prescribe</h2>" + table(["", *map(escape, arms.arms)], shown, "words") + left


def _flat(scenario: Scenario | None) -> dict[str, str]:
    """Dotted keys of a scenario with their values as text; rows of lists are numbered."""
    if scenario is None:
        return {}
    tables = scenario.model_dump(by_alias=True, exclude_none=True, mode="json")
    lists = {key: rows for key, rows in tables.items() if isinstance(rows, list)}
    listed = {f"{key}.{at}": row for key, rows in lists.items() for at, row in enumerate(rows, 1)}
    plain = {key: value for key, value in tables.items() if not isinstance(value, list)}
    return {key: _setting(value) for key, value in flatten({**plain, **listed})}


def _setting(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _pairs_needed(arms: Arms) -> str:
    few = [arm for arm in arms.arms[1:] if len(arms.pairs(arm)) == 1]
    if not few:
        return ""
    return note(
        f"{escape(', '.join(few))}: one pair has no interval. Run more seeds of each arm, or a sweep: one difference "
        "may be chance."
    )


def _unpaired(arms: Arms, found: Collected) -> str:
    """Differences of arms that share no bone and seed with the reference, by Welch's t."""
    parts = []
    values = {name: np.array(found.runs[name], dtype=float) for name in REPORTED}
    of = np.array(found.runs["arm"])
    for arm in arms.arms[1:]:
        if arms.pairs(arm):
            continue
        treated, reference = of == arm, of == arms.arms[0]
        rows = [_welch_row(name, values[name][treated], values[name][reference], found.level) for name in REPORTED]
        title = f"{arm} minus {arms.arms[0]}, not paired"
        parts += [f"<h3>{escape(title)}</h3>", table(["outcome", "difference", "interval", "p"], rows)]
    if not parts:
        return ""
    told = "Difference of the means with Welch's t interval; arms with one run have none."
    return "<h2>Differences without pairs</h2>" + "".join(parts) + note(told)


def _welch_row(name: str, treated: np.ndarray, reference: np.ndarray, level: float) -> list[str]:
    outcome = KNOWN[name]
    factor, unit = READ_AS.get(outcome.unit, (1.0, outcome.unit))
    welch = ensemble.unpaired_difference(treated, reference, level)
    d = welch.difference
    bounds = "–" if d.low != d.low else f"[{number(factor * d.low)}, {number(factor * d.high)}]"
    unit = unit.replace("%", "percentage points")
    name = escape(outcome.meaning + (f", {unit}" if unit else ""))
    return [name, number(factor * d.estimate), bounds, number(welch.p_value)]


def _courses(arms: Arms, found: Collected) -> str:
    """Courses of all arms in one set of axes, and of the paired differences."""
    figures: Mapping[str, Any] = draw_courses(read_curves(arms, found), found)
    drawn = [picture(png(figure), "png", caption) for caption, figure in figures.items()]
    told = note(f"Day 0 of the axes is day {arms.first} of the runs.") if arms.first else ""
    return "<h2>Courses</h2>" + "".join(drawn) + told


def _pictures(arms: Arms, draw: Draw | None) -> str:
    """The same day of one member of each arm side by side, then what was formed and resorbed in each."""
    shown = _shown(arms)
    if draw is None or not shown:
        why = "Written without pictures of the bone." if draw is None else "No volumes are stored in all arms."
        return f"<h2>The bone</h2><p>{why}</p>"
    wished = [(f"{named(member)}, day {last}", (member.record.path, last, None)) for member, _, last in shown]
    changed = [
        (f"{named(member)}, change from day {first} to day {last}", (member.record.path, last, first))
        for member, first, last in shown
        if first < last
    ]
    shots: list[tuple[str, Shot]] = [*wished, *changed]
    jpegs = draw([shot for _, shot in shots], picture_size(len(shots)))
    drawn = list(zip([name for name, _ in shots], jpegs, strict=True))
    told = "One camera and one color range for all. Change: formed orange, resorbed purple, quiescent gray, by voxels."
    if len({member.block for member, _, _ in shown}) > 1:
        told = "Blocks of unequal size have their own cameras; the color range is one. " + told.partition(". ")[2]
    parts = [side_by_side(drawn[: len(wished)]), side_by_side(drawn[len(wished) :])]
    return f"<h2>The bone</h2>{''.join(parts)}" + note(told)


def named(member: Member) -> str:
    """Arm and seed as text."""
    return f"{member.arm}, seed {member.seed}" if member.seed >= 0 else member.arm


def _shown(arms: Arms) -> list[tuple[Member, int, int]]:
    """One member of each arm with its first and last stored day: of one bone and seed where there are such."""
    chosen = [arms.of(arm)[0] for arm in arms.arms]
    for reference in arms.of(arms.arms[0]):
        pairs = [[own for first, own in arms.pairs(arm) if first is reference] for arm in arms.arms[1:]]
        if all(pairs):
            chosen = [reference, *(own[0] for own in pairs)]
            break
    days = [{d for d in member.record.stored_days if arms.first <= d <= arms.last} for member in chosen]
    if not all(days):
        return []
    common = set.intersection(*days)
    return [(member, min(common or own), max(common or own)) for member, own in zip(chosen, days, strict=True)]


def _runs(arms: Arms) -> str:
    """Every run with what it came from."""
    rows = []
    for member in arms.members:
        meta = member.record.volumes.meta if member.record.volumes else {}
        state = str(member.record.told("finished").get("state_sha256", ""))[:16]
        rows.append([
            escape(member.arm), f"<code>{escape(member.record.label)}</code>", str(member.seed),
            escape(str(meta.get("model_version", "–"))), f"<code>{escape(state) or '–'}</code>",
            "finished" if member.record.finished else "not finished",
        ])  # fmt: skip
    head = ["arm", "run", "seed", "version of the model", "hash of the last state", "status"]
    return "<h2>Provenance</h2>" + table(head, rows, "words")
