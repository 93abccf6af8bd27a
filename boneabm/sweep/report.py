"""The report of a sweep: one HTML file that stands alone, to be read, printed and passed on."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from boneabm.analysis.doubts import union
from boneabm.errors import InputError
from boneabm.io.provenance import provenance
from boneabm.report.page import folded, number, page, picture, table, wary
from boneabm.scenario_text import read_toml
from boneabm.sweep.collect import Collected, collect
from boneabm.sweep.folder import SweepFolder, put_text
from boneabm.sweep.groups import PAIRS_NEEDED, POWER, level_text
from boneabm.sweep.outcomes import OUTCOMES
from boneabm.sweep.plots import MOST_LEVELS, row_label, write_plots
from boneabm.sweep.tables import table_rows

REPORTED = (
    "bv_tv_first", "bv_tv_last", "bv_tv_change_percent", "mineral_change_percent", "stiffness_zz_change_percent",
    "bs_bv_change_percent", "ac_f_mean_per_y", "resorbed_um3", "formed_um3", "balance_um3", "osteoclasts_mean",
    "osteoblasts_mean", "open_sites_mean", "erosion_depth_mean_um", "wall_mean_um", "perforations", "breakages",
)  # fmt: skip
"""Outcomes of the report; the tables hold all."""
JUDGED = "bv_tv_change_percent"
"""Outcome by which the report tells what common random numbers save."""
SPLIT = ("bv_tv_last", JUDGED, "stiffness_zz_change_percent", "ac_f_mean_per_y")
"""Outcomes whose variance the report splits between geometries and seeds."""
MOST_ROWS, MOST_REPLICATES = 40, 10_000
KNOWN = {outcome.name: outcome for outcome in OUTCOMES}
READ_AS = {"um3": (1e-6, "10⁶ µm³"), "um": (1.0, "µm"), "um/d": (1.0, "µm/d"), "g/cm3": (1.0, "g/cm³")}
"""Units in which the report shows values: factor and name."""


def write_report(sweep: SweepFolder, out: Path | None = None, level: float = 0.95) -> Path:
    """Write the report of a sweep, finished or not, with its tables and pictures; the path of the HTML file.

    out   : HTML file, `report.html` in the sweep folder by default; tables and plots go to the sweep folder
    level : coverage of all intervals, 0..1
    """
    path = Path(out) if out is not None else sweep.path / "report.html"
    found = collect(sweep, level=level)
    path.parent.mkdir(parents=True, exist_ok=True)
    put_text(path, _page(sweep, found, path))
    return path


def _page(sweep: SweepFolder, found: Collected, path: Path) -> str:
    question = _question(sweep)
    parts = [
        f"<h1>{escape(found.title)}</h1>",
        f'<p class="question">{escape(question)}</p>' if question else "",
        _progress(found),
        _warnings(sweep, found),
        _design(found),
        means(found),
        differences(found),
        _contrasts(found),
        _pictures(sweep, found),
        _variance(found),
        _required(found),
        _provenance(sweep, found),
        _pandas(found, path),
    ]
    return page(found.title, parts)


def _question(sweep: SweepFolder) -> str:
    """Question of the sweep file, else of the base scenario."""
    for file in (sweep.sweep_file, sweep.base_file):
        question = read_toml(file.read_text(encoding="utf-8"), str(file)).get("question") if file.exists() else ""
        if question:
            return str(question)
    return ""


def _interval(row: Mapping[str, Any], middle: str, low: str, high: str) -> str:
    return " ".join(part for part in (number(_read(row, middle)), _bounds(row, low, high)) if part)


def _bounds(row: Mapping[str, Any], low: str, high: str) -> str:
    """[low, high], nothing where they are not known."""
    if row[low] is None or row[low] != row[low]:
        return ""
    return f'<span class="interval">[{number(_read(row, low))}, {number(_read(row, high))}]</span>'


def _read(row: Mapping[str, Any], name: str) -> float | None:
    """Value in the unit in which the report shows it."""
    value, factor = row[name], 1.0 if name.startswith("share") else READ_AS.get(row["unit"], (1.0, ""))[0]
    return None if value is None else factor * value


def _progress(found: Collected) -> str:
    """How much is done; a red box where anything is not."""
    statuses = found.runs["status"]
    total, done = len(statuses), statuses.count("finished")
    if done == total:
        return f"<p>All {total} runs are finished.</p>"
    counts = [f"{statuses.count(s)} {s}" for s in dict.fromkeys(found.missing["status"])]
    rows = [
        [escape(row["arm"]), escape(_levels(row, found)), str(row["replicate"]), row["status"],
         escape(row["error"] or ""), f"<code>{row['run_id']}</code>"]
        for row in table_rows(found.missing)[:MOST_ROWS]
    ]  # fmt: skip
    more = f"<p>and {total - done - MOST_ROWS} more, see {found.files['missing'].name}.</p>"
    return (
        f'<div class="wrong"><p><strong>{done} of {total} runs are finished; {", ".join(counts)}.</strong> '
        "Everything below is of the finished runs alone.</p>"
        + table(["arm", "levels", "replicate", "status", "why", "run"], rows, "words")
        + (more if total - done > MOST_ROWS else "")
        + "</div>"
    )


def _warnings(sweep: SweepFolder, found: Collected) -> str:
    """What runs warned of, and how many of them; what of low confidence any finished run rests on."""
    told = [text for text in found.runs["warnings"] if text]
    weak = union((sweep.result(run) or {}).get("low_confidence", []) for run in found.runs["run_id"])
    kinds = list(dict.fromkeys(told))
    warned = wary(f"{len(told)} runs warn:", [f"{text} ({told.count(text)} runs)" for text in kinds[:MOST_ROWS]])
    return warned + wary("Low confidence in some or all runs: directions, not sizes", weak)


def _levels(row: Mapping[str, Any], found: Collected) -> str:
    return ", ".join(f"{key} = {level_text(row[key])}" for key in found.factors if row.get(key) is not None)


def _design(found: Collected) -> str:
    """Arms, factors with their levels, replicates."""
    arms = [arm + (" (reference)" if arm == found.reference and len(found.arms) > 1 else "") for arm in found.arms]
    rows = [["arms", escape(", ".join(arms))]] if any(found.arms) else []
    for key in found.factors:
        levels = dict.fromkeys(level_text(level) for level in found.runs[key] if level is not None)
        shown = ", ".join(list(levels)[:12]) + (f", ... ({len(levels)} levels)" if len(levels) > 12 else "")
        rows.append([f"factor <code>{escape(key)}</code>", escape(shown)])
    days = sorted({day for day in found.runs["days"] if day is not None})
    rows.append(["replicates (seeds)", str(len(set(found.runs["replicate"])))])
    rows.append(["runs", str(len(found.runs["run_id"]))])
    rows.append(["days per run", " to ".join(str(day) for day in dict.fromkeys((days[0], days[-1]))) if days else "–"])
    shared = "A replicate has the same seed in every arm, so arms differ by treatment alone and are compared in pairs."
    note = f'<p class="note">{shared}</p>' if len(found.arms) > 1 else ""
    return "<h2>Design</h2>" + table([], rows, "words") + note


def _shown(found: Collected) -> list[dict[str, Any]]:
    """Rows of the summary that the report shows: all levels together first, then a few combinations one by one."""
    rows = [row for row in table_rows(found.summary) if row["outcome"] in REPORTED]
    if found.combinations() > MOST_LEVELS:
        rows = [row for row in rows if row["pooled"]]
    return sorted(rows, key=lambda row: (not row["pooled"], REPORTED.index(row["outcome"])))


def _by_levels(found: Collected) -> dict[str, list[dict[str, Any]]]:
    """Shown rows of the summary by combination of levels."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in _shown(found):
        groups.setdefault(row_label({**row, "arm": ""}, found) if found.factors else "", []).append(row)
    return groups


def means(found: Collected) -> str:
    """Means with intervals: arms side by side, one table per combination of levels."""
    if "finished" not in found.runs["status"]:
        return "<h2>Outcomes by arm</h2><p>No run is finished yet.</p>"
    parts: list[str] = []
    for title, rows in _by_levels(found).items():
        cells = {(row["outcome"], row["arm"]): _interval(row, "mean", "low", "high") for row in rows}
        n = {row["arm"]: _counted(row) for row in rows if row["outcome"] == REPORTED[0]}
        head = ["outcome", *(f"{escape(arm or 'all runs')} ({n.get(arm, 'n = 0')})" for arm in found.arms)]
        body = [[_named(name), *(cells.get((name, arm), "–") for arm in found.arms)] for name in REPORTED]
        parts.append(folded(title, table(head, body), first=not parts))
    if found.combinations() > MOST_LEVELS:
        parts.append(_level_table(found))
    note = f"Mean over runs [{100 * found.level:g} % interval, Student's t]."
    if found.combinations() > 1:
        note += (
            " All levels together: every combination of levels counts as one value, the mean over its runs, and the "
            "interval speaks of combinations (bones, doses) such as these; more seeds do not narrow it beyond their "
            "scatter. Combinations count as independent: what a seed, or a bone that stands in several of them, does "
            "to all alike is not in the interval."
        )
    return "<h2>Outcomes by arm</h2>" + "".join(parts) + f'<p class="note">{note}</p>'


def _counted(row: Mapping[str, Any]) -> str:
    """What the mean of a row counts, in words."""
    return f"n = {row['n']}" + (f" combinations, {row['runs']} runs" if row["pooled"] else "")


def _level_table(found: Collected) -> str:
    """Few outcomes of many combinations of levels, one row each."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in table_rows(found.summary):
        if row["outcome"] in SPLIT and not row["pooled"]:
            groups.setdefault(row_label(row, found), []).append(row)
    compares = "pairs" in found.summary
    head = ["levels", "n", *(_named(name) for name in SPLIT)]
    head += [f"{_named(JUDGED, difference=True)}, minus {escape(found.reference)}"] if compares else []
    body = []
    for label, rows in list(groups.items())[:MOST_ROWS]:
        judged = [row for row in rows if row["outcome"] == JUDGED and compares]
        cells = [_interval(row, "mean", "low", "high") for row in rows]
        cells += [_interval(row, "difference", "difference_low", "difference_high") for row in judged]
        body.append([escape(label), str(rows[0]["n"]), *cells])
    left = f"<p>and {len(groups) - MOST_ROWS} more, see {found.files['summary'].name}.</p>"
    return "<h3>By levels</h3>" + table(head, body) + (left if len(groups) > MOST_ROWS else "")


def _named(name: str, difference: bool = False) -> str:
    """Meaning and unit of an outcome; the difference of two percentages is in percentage points."""
    outcome = KNOWN[name]
    unit = READ_AS.get(outcome.unit, (1.0, outcome.unit))[1]
    if difference:
        unit = unit.replace("%", "percentage points")
    return escape(outcome.meaning + (f", {unit}" if unit else ""))


def differences(found: Collected) -> str:
    """Paired differences from the reference arm, with effect sizes and what common random numbers save."""
    parts: list[str] = []
    for title, rows in _by_levels(found).items():
        paired = [row for row in rows if row.get("pairs")]
        if paired:
            parts.append(folded(title, _difference_tables(paired, found), first=not parts))
    if not parts:
        return ""
    return f"<h2>Differences from {escape(found.reference)}</h2>" + "".join(parts) + _difference_note(found)


def _difference_tables(paired: Sequence[Mapping[str, Any]], found: Collected) -> str:
    """One table per treated arm."""
    head = ["outcome", "difference", "bootstrap interval", "d<sub>z</sub>", "p", "correlation", "variance ratio"]
    parts = []
    for arm in found.arms:
        own = [row for row in paired if row["arm"] == arm]
        if own:
            count = max(row["pairs"] for row in own)
            counted = "combinations of levels" if own[0]["pooled"] else "pair" if count == 1 else "pairs"
            title = f"{arm} minus {found.reference} ({count} {counted})"
            parts += [f"<h4>{escape(title)}</h4>", table(head, [_difference_cells(row) for row in own])]
            parts += [f"<p>{_saving(row)}</p>" for row in own if row["outcome"] == JUDGED]
    return "".join(parts)


def _difference_note(found: Collected) -> str:
    pooled = (
        "All levels together: one mean difference per combination of levels is one value of the difference, its "
        "intervals, d<sub>z</sub>, p and correlation; the variance ratio is of seeds at the same levels. "
    )
    return (
        f'<p class="note">Treated minus reference run of the same replicate and levels, mean [{100 * found.level:g} % '
        "interval, Student's t]; the bootstrap interval resamples pairs. d<sub>z</sub>: mean difference over its "
        "standard deviation, corrected for few pairs. p: paired t test, not corrected for the number of outcomes. "
        "Variance ratio: variance of the difference over the sum of the variances of both arms. A change in % is "
        f"compared in percentage points. {pooled if found.combinations() > 1 else ''}At one combination of levels the "
        "intervals speak of more seeds in the same bone, not of other bones.</p>"
    )


def _difference_cells(row: Mapping[str, Any]) -> list[str]:
    return [
        _named(row["outcome"], difference=True), _interval(row, "difference", "difference_low", "difference_high"),
        _bounds(row, "bootstrap_low", "bootstrap_high") or "–", number(row["d_z"]),
        _p_value(row), number(row["correlation"]), number(row["variance_ratio"]),
    ]  # fmt: skip


def _contrasts(found: Collected) -> str:
    """Every contrast of the sweep file, over all levels where there are several."""
    rows = [row for row in table_rows(found.contrasts) if row["outcome"] in REPORTED]
    several = any(row["pooled"] for row in rows)
    parts = []
    for name, formula in found.formulas.items():
        own = sorted((r for r in rows if r["contrast"] == name and r["pooled"] == several), key=_place)
        cells = [
            [_named(r["outcome"], difference=True), _interval(r, "value", "low", "high"), str(r["n"]), _p_value(r)]
            for r in own
        ]
        parts.append(f"<h3>{escape(name)}</h3><p><code>{escape(formula)}</code></p>")
        parts.append(table(["outcome", "value", "n", "p"], cells) if cells else "<p>No run is finished yet.</p>")
    of = "one mean per combination of levels" if several else "replicates of which all these arms are finished"
    note = f'<p class="note">Mean over {of} [{100 * found.level:g} % interval, Student\'s t].</p>'
    return "<h2>Contrasts</h2>" + "".join(parts) + note if parts else ""


def _place(row: Mapping[str, Any]) -> int:
    return REPORTED.index(row["outcome"])


def _p_value(row: Mapping[str, Any]) -> str:
    return "&lt;&nbsp;0.001" if row["p_value"] < 1e-3 else number(row["p_value"])


def _saving(row: Mapping[str, Any]) -> str:
    """What common random numbers save, in words."""
    ratio, of = row["variance_ratio"], f"the variance of the difference in the {KNOWN[row['outcome']].meaning}"
    if ratio != ratio:
        return f"What common random numbers save cannot be told: {of} needs two pairs that are not all alike."
    if ratio == 0:
        return f"Common random numbers remove {of} altogether: it is the same in all pairs."
    if abs(ratio - 1) < 0.05:
        return f"Common random numbers make no difference here: {of} is what independent seeds would give."
    if ratio > 1:
        return f"Common random numbers do not help here: they raise {of} by {100 * (ratio - 1):.0f} %."
    return (
        f"Common random numbers reduce {of} by {100 * (1 - ratio):.0f} %: with independent seeds the same interval "
        f"would take {number(1 / ratio)} times as many runs."
    )


def _pictures(sweep: SweepFolder, found: Collected) -> str:
    try:
        paths = write_plots(sweep, found, sweep.path / "plots")
    except InputError as error:
        return f'<h2>Pictures</h2><p class="note">{escape(str(error))}</p>'
    figures = {caption: picture(path.read_bytes(), "png", caption) for caption, path in paths.items()}
    of_levels = [caption for caption in figures if " = " in caption]
    parts = [figure for caption, figure in figures.items() if caption not in of_levels]
    parts += [folded(caption, figures[caption], first=False) for caption in of_levels]
    return "<h2>Pictures</h2>" + "\n".join(parts) if parts else ""


def _variance(found: Collected) -> str:
    """Where the scatter comes from, where bones are a factor."""
    rows = [row for row in table_rows(found.variance) if row["outcome"] in SPLIT]
    rows = [row for row in rows if row["share_geometries"] == row["share_geometries"]][:MOST_ROWS]
    if not rows:
        return ""
    cells = [
        [escape(str(row["arm"]) or "all runs"), escape(_levels(row, found)), _named(row["outcome"]),
         escape(row["of"].replace("_", " ")), number(row["variance_geometries"]), number(row["variance_seeds"]),
         _interval(row, "share_geometries", "share_low", "share_high")]
        for row in rows
    ]  # fmt: skip
    head = ["arm", "levels", "outcome", "of", "variance between geometries", "between seeds", "share of geometries"]
    note = (
        "The share of geometries is the correlation of two seeds in one bone: near 1 more bones are worth more than "
        "more seeds, near 0 the reverse. All rows are in the table variance."
    )
    return "<h2>Geometries and seeds</h2>" + table(head, cells) + f'<p class="note">{note}</p>'


def _required(found: Collected) -> str:
    """How many replicates the next sweep needs."""
    rows = {(row["outcome"], row["arm"]): row for row in next(iter(_by_levels(found).values()), [])}
    wished = next((name for name in found.summary if name.startswith("replicates_for_")), "")
    if not any(row["runs"] > row["n"] or (row["n"] > 1 and not row["pooled"]) for row in rows.values()):
        return ""
    percent = wished.removeprefix("replicates_for_").removesuffix("_percent")
    treated = [arm for arm in found.arms if arm != found.reference and "pairs" in found.summary]
    columns = [(arm, wished, f"mean ±{percent} %: {arm or 'all runs'}") for arm in found.arms]
    columns += [(arm, PAIRS_NEEDED, f"difference, power {100 * POWER:g} %: {arm}") for arm in treated]
    cells = [
        [_named(name), *(_count(rows[name, arm][column]) if (name, arm) in rows else "–" for arm, column, _ in columns)]
        for name in REPORTED
    ]
    note = (
        "Estimated from the scatter over seeds at the same levels in this sweep, for one combination of levels. Mean: "
        f"replicates with which its {100 * found.level:g} % interval is ±{percent} % of the mean. Difference: pairs "
        f"with which a paired t test finds the difference found here with a probability of {100 * POWER:g} %. Below "
        "about 5 replicates the scatter itself is poorly known. More replicates make a combination better known; only "
        "more combinations (bones, levels) tell more about others."
    )
    rows_of = table(["outcome", *(escape(head) for _, _, head in columns)], cells)
    return "<h2>How many replicates are needed</h2>" + rows_of + f'<p class="note">{note}</p>'


def _count(needed: int | None) -> str:
    return f"&gt; {MOST_REPLICATES}" if needed is not None and needed > MOST_REPLICATES else number(needed)


def _provenance(sweep: SweepFolder, found: Collected) -> str:
    facts = provenance(command=())
    times = [time for name in ("began_utc", "ended_utc") for time in found.runs[name] if time]
    spent_s = sum(wall or 0.0 for wall in found.runs["wall_s"])
    spent = f"{number(spent_s / 3600)} hours" if spent_s >= 3600 else f"{number(spent_s)} s"
    versions = [f"{key.removeprefix('version_')} {text}" for key, text in facts.items() if key.startswith("version_")]
    rows = [
        ["sweep", f"<code>{escape(sweep.path.name)}</code>"],
        ["digest of all finished runs", f"<code>{sweep.digest()}</code>"],
        ["runs", f"{escape(min(times, default='–'))} to {escape(max(times, default='–'))}, {spent} of computing"],
        ["version of the model", escape(sweep.model_version()) or "–"],
        ["began from", "<br>".join(_origins(found)) or "their own first day"],
        ["this report", escape(f"{', '.join(versions)}, {facts['platform']}")],
    ]
    return "<h2>Provenance</h2>" + table([], rows, "words")


def _origins(found: Collected) -> list[str]:
    """First states of the runs, and how many runs began from each."""
    texts = [text for text in found.runs["lineage"] if text]
    words = [f"{_origin(text)} ({texts.count(text)} runs)" for text in dict.fromkeys(texts)]
    return words[:10] + ([f"and {len(words) - 10} more, see the table runs"] if len(words) > 10 else [])


def _origin(text: str) -> str:
    steps = [step if isinstance(step, dict) else {"kind": step} for step in json.loads(text)]
    named = [f"{step.get('kind', '')} {step.get('key') or step.get('run') or ''}".strip() for step in steps]
    days = [f", day {step['day']}" if "day" in step else "" for step in steps]
    return escape(", then ".join(name + day for name, day in zip(named, days, strict=True)))


def _pandas(found: Collected, path: Path) -> str:
    runs = Path(os.path.relpath(found.files["runs"], path.parent)).as_posix()
    lines = (
        "import pandas",
        f'runs = pandas.read_csv("{runs}", dtype={{"run_id": str, "arm": str}})',
        f'print(runs.groupby("arm")["{JUDGED}"].describe())',
    )
    others = ", ".join(file.name for file in found.files.values())
    return (
        "<h2>The numbers behind it</h2>"
        f"<p>Tables beside the sweep: {escape(others)}; pictures in the folder plots.</p>"
        f"<pre><code>{escape(chr(10).join(lines))}</code></pre>"
    )
