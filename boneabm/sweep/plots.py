"""Pictures of a sweep: courses by arm with bands over seeds, paired differences over time, intervals of differences."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from boneabm.analysis.ensemble import Band
from boneabm.errors import InputError, install
from boneabm.report.page import printable
from boneabm.sweep.collect import Collected
from boneabm.sweep.folder import PlannedRun, SweepFolder
from boneabm.sweep.groups import level_text
from boneabm.sweep.outcomes import OUTCOMES, RunTables
from boneabm.sweep.tables import table_rows
from boneabm.units import DAYS_PER_YEAR

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's palette, told apart with any color vision."""
MOST_LEVELS = 6
"""Combinations of factor levels beyond which pictures show all levels together."""
RUNNING_D = 28
WIDTH_IN, DPI, LEGEND_LETTERS, LONGEST_LABEL = 10.0, 120, 130, 90
STYLE = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.alpha": 0.25}
MAIN = {
    "bv_tv_change_percent": "BV/TV, change",
    "stiffness_zz_change_percent": "Stiffness along z, change",
    "mineral_change_percent": "Trabecular vBMD, change",
    "ac_f_mean_per_y": "Activation frequency, mean",
    "osteoclasts_mean": "Osteoclasts, mean",
    "perforations": "Perforations",
}
"""Titles of the outcomes in the picture of differences."""


@dataclass(frozen=True)
class Course:
    """A daily quantity of the pictures: title, what the axis shows and its unit, how a run gives it, (days,)."""

    title: str
    shows: str
    unit: str
    of: Callable[[RunTables], np.ndarray]


def _relative(name: str) -> Callable[[RunTables], np.ndarray]:
    """100 (x / x_0 - 1), nan where the first value is 0."""

    def change(run: RunTables) -> np.ndarray:
        x = run.column(name)
        return 100.0 * (x / x[0] - 1.0) if x.size and x[0] else np.full(x.size, np.nan)

    return change


def _running_mean(name: str, scale: float = 1.0) -> Callable[[RunTables], np.ndarray]:
    """Mean over RUNNING_D days around each day, a tenth of the run where it is shorter than ten times that."""

    def smooth(run: RunTables) -> np.ndarray:
        x = scale * run.column(name)
        width = max(1, min(RUNNING_D, x.size // 10))
        sums = np.concatenate(([0.0], np.cumsum(x)))
        first = np.arange(x.size) - width // 2
        low, end = np.maximum(first, 0), np.minimum(first + width, x.size)
        return (sums[end] - sums[low]) / np.maximum(end - low, 1)

    return smooth


COURSES = (
    Course("BV/TV", "change from the first day, ", "%", _relative("BV/TV")),
    Course("Stiffness along z", "change from the first day, ", "%", _relative("stiffness_zz_mpa")),
    Course("Stimulus of osteocytes", "as osteocytes remember it, ", "psi/psi*", lambda run: run.column("psi_memory")),
    Course("Activation frequency", "trailing year, ", "1/y", lambda run: run.column("Ac.f_per_y")),
    Course("Resorption", "", "10⁶ µm³/d", _running_mean("resorbed_um3", 1e-6)),
    Course("Formation", "", "10⁶ µm³/d", _running_mean("formed_um3", 1e-6)),
    Course("Osteoclasts", "", "number", _running_mean("osteoclasts")),
    Course("Osteoblasts", "", "number", _running_mean("osteoblasts")),
)
UPPER = 4
"""Courses of the upper row of panels."""


Bands = list[Band]
"""One band per course."""


class Curves(NamedTuple):
    """Bands of COURSES.

    arms        : of the runs, by arm and combination of levels; empty beyond MOST_LEVELS combinations
    differences : of treated minus reference run, same levels and replicate; likewise
    together    : by arm; over the mean courses of the combinations of levels, over runs where there is only one
    differences_together : likewise
    """

    arms: dict[tuple[str, str], Bands]
    differences: dict[tuple[str, str], Bands]
    together: dict[str, Bands]
    differences_together: dict[str, Bands]


def read_curves(sweep: SweepFolder, found: Collected) -> Curves:
    """Bands over the daily series of all finished runs, read one combination of levels and pair of arms at a time."""
    plan = sweep.plan()
    finished = [run for run, status in zip(plan, found.runs["status"], strict=True) if status == "finished"]
    combinations = found.combinations()
    curves = Curves({}, {}, {}, {})
    for levels, runs in _grouped(finished, lambda run: levels_text(run.factors)).items():
        arms, differences = _combination(sweep, runs, found)
        for own, kept, together in (
            (arms, curves.arms, curves.together),
            (differences, curves.differences, curves.differences_together),
        ):
            if combinations <= MOST_LEVELS:
                kept |= {(arm, levels): bands for arm, bands in own.items()}
            for arm, bands in own.items():
                if combinations > 1:
                    _add(together, arm, [band.mean for band in bands])
                else:
                    together[arm] = bands
    return curves


Key = TypeVar("Key", bound=Hashable)


def _grouped(runs: Sequence[PlannedRun], key: Callable[[PlannedRun], Key]) -> dict[Key, list[PlannedRun]]:
    groups: dict[Key, list[PlannedRun]] = {}
    for run in runs:
        groups.setdefault(key(run), []).append(run)
    return groups


def _combination(
    sweep: SweepFolder, runs: Sequence[PlannedRun], found: Collected
) -> tuple[dict[str, Bands], dict[str, Bands]]:
    """Bands over the runs at one combination of levels, and over their paired differences, by arm."""
    arms: dict[str, Bands] = {}
    differences: dict[str, Bands] = {}
    for pair in _grouped(runs, lambda run: run.replicate).values():
        courses = {run.arm: _courses(sweep.tables(run.run_id)) for run in pair}
        reference = courses.get(found.reference) if len(found.arms) > 1 else None
        for arm, values in courses.items():
            _add(arms, arm, values)
            if reference is not None and arm != found.reference:
                _add(differences, arm, _minus(values, reference))
    return arms, differences


def _courses(run: RunTables) -> list[np.ndarray]:
    values = [course.of(run) for course in COURSES]
    return [np.where(np.isfinite(x), x, np.nan) for x in values]


def _minus(treated: Sequence[np.ndarray], reference: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Differences over the days that both runs have."""
    days = [min(t.size, r.size) for t, r in zip(treated, reference, strict=True)]
    return [t[:n] - r[:n] for t, r, n in zip(treated, reference, days, strict=True)]


def _add(bands: dict[str, Bands], arm: str, values: Sequence[np.ndarray]) -> None:
    for band, x in zip(bands.setdefault(arm, [Band() for _ in COURSES]), values, strict=True):
        band.add(x)


def levels_text(factors: Mapping[str, Any]) -> str:
    """Factor levels in words: "bone.seed = 1, labs.pth = 38 pg/mL"."""
    return ", ".join(f"{key} = {level_text(level)}" for key, level in factors.items())


def write_plots(sweep: SweepFolder, found: Collected, out: Path, svg: bool = False) -> dict[str, Path]:
    """Write the pictures of a sweep as PNG, 1200 pixels wide, and as SVG where wished; their paths by caption.

    found : what `collect` gave for the same sweep
    InputError where matplotlib is not installed; no pictures where no run is finished.
    """
    figures = draw(read_curves(sweep, found), found)
    out.mkdir(parents=True, exist_ok=True)
    paths = {}
    for number, (caption, figure) in enumerate(figures.items(), 1):
        words = re.sub(r"[^a-z0-9.]+", "-", caption.lower()).strip("-")
        paths[caption] = out / f"{number}-{words[:80]}.png"
        figure.savefig(paths[caption], dpi=DPI)
        if svg:
            figure.savefig(paths[caption].with_suffix(".svg"))
    return paths


def draw(curves: Curves, found: Collected) -> dict[str, Any]:
    """Figures by caption: courses, paired differences over time, intervals of the differences of main outcomes."""
    matplotlib = matplotlib_or_error()
    with matplotlib.rc_context(STYLE):
        figures = dict(_course_figures(curves.arms, curves.together, found))
        if curves.differences_together:
            figures |= _course_figures(curves.differences, curves.differences_together, found, found.reference)
            figures["Paired differences of the main outcomes"] = _forest(found)
    return figures


def matplotlib_or_error() -> Any:
    """The module matplotlib with its figures, drawn to memory without a window; InputError where it is missing."""
    try:
        import matplotlib
        import matplotlib.figure
    except ImportError:
        raise InputError(f"Plots need matplotlib. Install it: {install('report')}.") from None
    return matplotlib


def plain(text: str) -> str:
    """Text that matplotlib draws as it is: one line, no mathematics, not hidden, not longer than fits."""
    line = printable(text, LONGEST_LABEL).replace("$", r"\$")
    return f" {line}" if line.startswith("_") else line


class Line(NamedTuple):
    """One line of a figure of courses: label, color and a band per course."""

    label: str
    color: str
    bands: Bands


def _course_figures(
    by_levels: Mapping[tuple[str, str], Bands],
    together: Mapping[str, Bands],
    found: Collected,
    reference: str | None = None,
) -> Iterator[tuple[str, Any]]:
    """A figure of all levels together; with several arms and few combinations of levels also one for each."""
    levels = list(dict.fromkeys(level for _, level in by_levels))
    arms = [arm for arm in found.arms if arm in together]
    what = "Course of the runs" if reference is None else "Paired differences over time"
    minus = "" if reference is None else f" minus {reference}"
    of = "runs" if reference is None else "pairs"
    if len(found.arms) == 1 and len(levels) > 1:
        lines = [Line(level, COLORS[at], by_levels[arms[0], level]) for at, level in enumerate(levels)]
        yield f"{what}, by level", _course_figure(lines, found.level, minus, of)
        return
    color = {arm: COLORS[at % len(COLORS)] for at, arm in enumerate(found.arms)}
    several = found.combinations() > 1
    if together:
        lines = [Line(arm + minus, color[arm], together[arm]) for arm in arms]
        figure = _course_figure(lines, found.level, minus, "combinations" if several else of)
        yield what + (", all levels together" if several else ""), figure
    for level in levels if len(levels) > 1 else ():
        own = [Line(arm + minus, color[arm], by_levels[arm, level]) for arm in arms if (arm, level) in by_levels]
        yield f"{what}, {level}", _course_figure(own, found.level, minus, of)


def _course_figure(lines: Sequence[Line], level: float, minus: str, of: str) -> Any:
    """One panel per course: mean line, band of the mean day by day.

    of : what the bands count, "runs", "pairs" or "combinations" (of levels, by their mean course)
    """
    figure = matplotlib_or_error().figure.Figure(figsize=(WIDTH_IN, 0.62 * WIDTH_IN), layout="constrained")
    for number, (axes, course) in enumerate(zip(figure.subplots(2, UPPER, sharex=True).flat, COURSES, strict=True)):
        _course_panel(axes, number, lines, level)
        axes.set_title(course.title, loc="left", fontweight="bold")
        axes.set_ylabel(f"difference, {_difference_unit(course.unit)}" if minus else course.shows + course.unit)
        if minus:
            axes.axhline(0, color="0.4", linewidth=0.8, zorder=1)
        if number >= UPPER:
            axes.set_xlabel("time, years" if _in_years(lines) else "time, days")
    handles = figure.axes[0].get_lines()[: len(lines)]
    counted = " combinations" if of == "combinations" else ""
    labels = [plain(f"{line.label or 'all runs'} ({_n(line.bands)}{counted})") for line in lines]
    columns = max(1, LEGEND_LETTERS // (6 + max(map(len, labels))))
    figure.legend(handles, labels, loc="outside upper left", ncols=columns, frameon=False)
    figure.supxlabel(_course_note(level, minus, of), x=0.99, ha="right", fontsize=7.5, color="0.35")
    return figure


def _course_note(level: float, minus: str, of: str) -> str:
    apart = f"combinations of levels, one mean over {'pairs' if minus else 'runs'} each" if of == "combinations" else of
    return (
        f"Line: mean over {apart}. Band: {100 * level:g} % interval of the {'paired difference' if minus else 'mean'}, "
        f"day by day.\nLower row: running mean over {RUNNING_D} days, a tenth of the run at most."
    )


def _course_panel(axes: Any, number: int, lines: Sequence[Line], level: float) -> None:
    per_day = 1 / DAYS_PER_YEAR if _in_years(lines) else 1.0
    for at, line in enumerate(lines):
        band = line.bands[number]
        time = per_day * np.arange(band.count.size)
        style = ("-", "--", ":")[at // len(COLORS) % 3]
        axes.plot(time, band.mean, color=line.color, linestyle=style, linewidth=1.6, zorder=3)
        axes.fill_between(time, *band.interval(level), color=line.color, alpha=0.2, linewidth=0, zorder=2)


def _in_years(lines: Sequence[Line]) -> bool:
    return max(band.count.size for line in lines for band in line.bands) > 2 * DAYS_PER_YEAR


def _difference_unit(unit: str) -> str:
    return unit.replace("%", "percentage points", 1) if unit.startswith("%") else unit


def _n(bands: Sequence[Band]) -> str:
    """Number of runs, pairs or combinations in words, as a range where runs differ in length."""
    counts = [int(n) for n in bands[0].count]
    few, many = min(counts, default=0), max(counts, default=0)
    return f"n = {many}" if few == many else f"n = {few} to {many}"


def _forest(found: Collected) -> Any:
    """One panel per main outcome: difference from the reference arm with its interval, one row per arm and levels."""
    rows = [row for row in table_rows(found.summary) if row["arm"] != found.reference and row["outcome"] in MAIN]
    if found.combinations() > MOST_LEVELS:
        rows = [row for row in rows if row["pooled"]]
    rows.sort(key=lambda row: found.arms.index(row["arm"]))
    labels = list(dict.fromkeys(row_label(row, found) for row in rows))
    size = (WIDTH_IN, max(3.6, 2 * (1.1 + 0.25 * len(labels))))
    figure = matplotlib_or_error().figure.Figure(figsize=size, layout="constrained")
    units = {outcome.name: outcome.unit for outcome in OUTCOMES}
    for axes, (name, title) in zip(figure.subplots(2, 3, sharey=True).flat, MAIN.items(), strict=True):
        for row in rows:
            if row["outcome"] == name:
                _forest_row(axes, labels.index(row_label(row, found)), row, found)
        axes.axvline(0, color="0.4", linewidth=0.8, zorder=1)
        axes.set_title(title, loc="left", fontweight="bold")
        axes.set_xlabel(f"difference, {_difference_unit(units[name]) or 'number'}")
        axes.set_yticks(range(len(labels)), [plain(label) for label in labels])
        axes.set_ylim(len(labels) - 0.5, -0.5)
    note = plain(f"Point: mean of an arm minus {found.reference}, paired. Line: its {100 * found.level:g} % interval.")
    if any(row["pooled"] for row in rows):
        note += " Diamond: over combinations of levels, one mean difference each."
    figure.supxlabel(note, x=0.99, ha="right", fontsize=7.5, color="0.35")
    return figure


def _forest_row(axes: Any, place: int, row: Mapping[str, Any], found: Collected) -> None:
    """Point with its interval; a diamond where all levels are together."""
    color = COLORS[found.arms.index(row["arm"]) % len(COLORS)]
    axes.plot([row["difference_low"], row["difference_high"]], [place, place], color=color, linewidth=2, zorder=2)
    axes.plot(row["difference"], place, "D" if row["pooled"] else "o", color=color, markersize=6, zorder=3)


def row_label(row: Mapping[str, Any], found: Collected) -> str:
    """Arm and levels of a row of the summary, in words."""
    levels = levels_text({key: row[key] for key in found.factors if row[key] is not None})
    return ", ".join(part for part in (row["arm"], "all levels" if row["pooled"] else levels) if part) or "all runs"
