"""Sections of the report of a run: each takes a record and gives HTML, with a word where nothing is known."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import numpy as np

from boneabm.io.schema import BIOPSY_COLUMNS
from boneabm.report import plots
from boneabm.report.figures import Figure, key_figures
from boneabm.report.page import folded, note, number, picture, table
from boneabm.report.record import Record, column
from boneabm.report.stimulus_plot import stimulus_and_bone
from boneabm.report.timeline import lanes_of, person, rows_in_words
from boneabm.scenario import GeneratedBone, ImageBone
from boneabm.units import DAYS_PER_YEAR

MOST_BIOPSIES, MOST_WARNINGS = 8, 20
NOT_SHOWN = ("day", "CCR", "CCR_null95")
AFFINE_ONLY = ("stiff_tilt_deg", "youngs_z_mpa", "youngs_30_mpa")
"""Rows that are left out where another boundary of the strain solve leaves them empty."""
UNIT_IN_NAME = re.compile(r"(_um|_g|_wt)?_(per_\w+|percent|mpa|deg|um)$")
UNITS = {"um": "µm", "um/d": "µm/d", "um/y": "µm/y", "g/cm3": "g/cm³", "1/mm3": "1/mm³", "deg": "°", "um3": "µm³"}


def escaped(text: object) -> str:
    """Text of a file or a person as HTML."""
    return escape(str(text))


def question(record: Record) -> str:
    """Question, expected direction and source of the scenario."""
    if record.scenario is None:
        return ""
    s = record.scenario
    asked = f'<p class="question">{escaped(s.question)}</p>' if s.question else ""
    told = [f"{name}: {escaped(text)}" for name, text in (("Expected", s.expected), ("Source", s.source)) if text]
    return asked + "".join(note(text) for text in told)


def status(record: Record) -> str:
    """Whether the run is finished; a red box where it is not, a yellow one with warnings."""
    if record.finished:
        told = f"<p>Finished: {record.last_day} days.</p>"
    else:
        planned = f" of {record.planned_days}" if record.scenario else ""
        told = (
            f'<div class="wrong"><p><strong>Not finished: day {record.last_day}{planned}.</strong> It goes on, was '
            "stopped, or was killed. Everything below is of the days that are written. "
            f"Go on with: <code>boneabm resume {escaped(str(record.path))}</code></p></div>"
        )
    warned = [*record.told("origin").get("bone", {}).get("warnings", []), *record.problems][:MOST_WARNINGS]
    if not warned:
        return told
    items = "".join(f"<li>{escaped(text)}</li>" for text in warned)
    return f'{told}<div class="wary"><ul>{items}</ul></div>'


def timeline(record: Record) -> str:
    """The drawn time axis, and the same in words."""
    lanes = lanes_of(record)
    if record.scenario is None or not lanes:
        return "<h2>Timeline</h2><p>No scenario is stored with this run.</p>"
    drawn = picture(plots.timeline(record), "svg+xml", "", "time axis of subject, loads and drugs")
    rows = [[escaped(cell) for cell in row] for row in rows_in_words(lanes)]
    words = folded("The timeline in words", table(["what", "days", "how much"], rows, "words"))
    more = len(lanes) - plots.MOST_LANES
    left = note(f"{more} more rows are listed below and not drawn.") if more > 0 else ""
    return "<h2>Timeline</h2>" + drawn + left + words


def bone_and_person(record: Record) -> str:
    """What was simulated: person, labs, bone, block."""
    rows = []
    if record.scenario is not None:
        s = record.scenario
        final = f", final menstrual period at {s.subject.final_period_y:g} y" if s.subject.final_period_y else ""
        rows.append(["subject", escaped(person(s) + final)])
        labs = s.labs.model_dump(by_alias=True, exclude_none=True)
        rows += [["pinned by measurement", escaped(", ".join(f"{k} {v}" for k, v in labs.items()))]] if labs else []
        rows += [["bone", escaped(_bone(s.bone))]] if s.branch_from is None else _parent(s.branch_from)
    if record.volumes is not None:
        shape, spacing = record.volumes.shape, record.volumes.spacing_um
        edges = " × ".join(f"{edge * spacing / 1000:g}" for edge in shape)
        rows.append(["block", f"{edges} mm (z, y, x) = {number(record.tissue_mm3)} mm³ of {spacing:g} µm voxels"])
    return table([], rows, "words") if rows else ""


def _parent(branch: tuple[Any, int | None]) -> list[list[str]]:
    run, day = branch
    return [["bone", escaped(f"that of run {run}" + ("" if day is None else f", day {day}"))]]


def _bone(bone: GeneratedBone | ImageBone) -> str:
    if isinstance(bone, GeneratedBone):
        return f"generated network, BV/TV {bone.bv_tv:g}, Tb.Th {bone.tb_th_um:g} µm asked for, seed {bone.seed}"
    return f"image {bone.image.name}, threshold {bone.threshold}"


def figures(record: Record) -> str:
    """Key figures with units."""
    found = key_figures(record)
    if not found:
        return "<h2>Key figures</h2><p>No day is written yet.</p>"
    rows = [figure_row(figure, record) for figure in found]
    told = (
        "First and last value; days in gray where they are not the first and last day of the run. Markers are the "
        "simulated volume resorbed and formed per day; they are no concentrations. Values "
        "of one block scatter with its seed: a change is an effect only against a control of the same seed "
        "(<code>boneabm compare</code>)."
    )
    return "<h2>Key figures</h2>" + table(["", "unit", "first", "last", "change"], rows, "") + note(told)


def figure_row(figure: Figure, record: Record) -> list[str]:
    """Cells of a key figure: name, unit, first, last, change."""
    q = figure.quantity
    days = column(record.series, "day")
    ends = (int(days[0]), int(days[-1])) if days.size else (0, record.last_day)
    first = number(figure.first) + _day(figure.first_day, ends[0])
    return [escape(q.name), q.unit, first, number(figure.last) + _day(figure.last_day, ends[1]), percent(figure.change)]


def _day(day: int, usual: int) -> str:
    return "" if day == usual else f' <span class="interval">(day {day})</span>'


def percent(change: float) -> str:
    """A change with its sign; as a factor where it is more than threefold."""
    if math.isnan(change):
        return "–"
    return f"× {number(1 + change / 100)}" if change > 200 else f"{change:+.1f} %".replace("-", "−")


def stimulus(record: Record) -> str:
    """What loading does to osteocytes and bone over time."""
    drawn = stimulus_and_bone(record)
    if drawn is None:
        return ""
    told = (
        "psi/psi* = 1: osteocytes feel what they are adapted to. Two hard days a week lift what cells remember "
        "more than the mean; bone that is lost raises the strain of what is left, and set points follow slowly."
    )
    seen = "stimulus and bone volume over time, and what loads the bone"
    return "<h2>Stimulus and bone</h2>" + picture(drawn, "svg+xml", "", seen) + note(told)


def courses(record: Record) -> str:
    """Plots over time."""
    drawn = plots.courses(record)
    if drawn is None:
        return "<h2>Course</h2><p>No day is written yet.</p>"
    told = "Dotted lines: a drug is given or begins. Gray bands: reduced loads."
    if record.biopsy:
        told += " Panels with symbols have one value per virtual biopsy."
    return "<h2>Course</h2>" + picture(drawn, "svg+xml", "", "plots over time") + note(told)


def pictures(record: Record, drawn: Sequence[tuple[str, bytes]]) -> str:
    """Renders of the bone, side by side."""
    if not drawn:
        told = "No volumes are stored." if not record.stored_days else "Written without pictures of the bone."
        return f"<h2>The bone</h2><p>{told}</p>"
    told = (
        "One camera and one color scale. Purple spheres are osteoclasts, orange ones osteoblasts. In the picture of "
        "the change, orange voxels became bone and purple ones were lost since the first stored day; bone that was "
        "resorbed and refilled in between does not show."
    )
    return "<h2>The bone</h2>" + side_by_side(drawn) + note(told)


def side_by_side(drawn: Sequence[tuple[str, bytes]]) -> str:
    """Pictures by caption, two in a row; a word where there was no bone to draw."""
    figures = [picture(data, "jpeg", name) if data else f"<p>{escape(name)}: no bone</p>" for name, data in drawn]
    return '<div class="row">' + "".join(figures) + "</div>"


EVENTS = (
    ("site_closed", "remodeling sites closed"),
    ("modeling_closed", "modeling sites closed (formation without resorption)"),
    ("perforation", "perforations (a new hole)"),
    ("breakage", "breakages (a cut strut)"),
    ("fragment", "loose fragments removed"),
)


def events(record: Record) -> str:
    """How many sites closed, what they left, what broke."""
    kinds = record.events.get("event", np.empty(0, str)).astype(str)
    if not record.series:
        return ""
    years = max((record.last_day + 1) / DAYS_PER_YEAR, 1e-9)
    rows = []
    for kind, name in EVENTS:
        chosen = kinds == kind
        rate = chosen.sum() / years / record.tissue_mm3
        volume = column(record.events, "volume_um3")
        total = float(np.nansum(volume[chosen])) * 1e-6 if volume.size == chosen.size else math.nan
        rows.append([name, str(int(chosen.sum())), number(rate), number(total)])
    head = ["", "number", "per mm³ and year", "bone gained, 10⁻³ mm³"]
    told = "Perforations and breakages are counted at sites that closed; a site may count in several rows."
    return "<h2>Events</h2>" + table(head, rows) + _closed(record, kinds == "site_closed") + note(told)


def _closed(record: Record, chosen: np.ndarray) -> str:
    """What closed remodeling sites were like."""
    if not chosen.any():
        return "<p>No remodeling site closed in these days; sites last 145 to 190 days.</p>"
    told = []
    opened, day = (column(record.events, name) for name in ("opened_day", "day"))
    lasted = (day - opened)[chosen] if opened.size == day.size == chosen.size else np.empty(0)
    for values, name, unit in (
        (_chosen(record, "erosion_depth_um", chosen), "erosion depth E.De", "µm"),
        (_chosen(record, "wall_um", chosen), "wall thickness W.Th", "µm"),
        (lasted, "duration", "d"),
    ):
        known = values[np.isfinite(values)]
        if known.size:
            low, middle, high = np.percentile(known, (25, 50, 75))
            told.append(f"{name} {number(middle)} {unit} ({number(low)} to {number(high)})")
    return f"<p>Closed remodeling sites, median (quartiles): {'; '.join(told)}.</p>" if told else ""


def _chosen(record: Record, name: str, chosen: np.ndarray) -> np.ndarray:
    values = column(record.events, name)
    return values[chosen] if values.size == chosen.size else np.empty(0)


def histomorphometry(record: Record) -> str:
    """Virtual biopsies, one column each."""
    days = column(record.biopsy, "day")
    if not days.size:
        return "<h2>Histomorphometry</h2><p>No biopsy is written.</p>"
    shown = np.unique(np.linspace(0, days.size - 1, min(days.size, MOST_BIOPSIES)).round().astype(int))
    rows = []
    for name in record.biopsy:
        values = column(record.biopsy, name)
        if name not in NOT_SHOWN and values.size and (np.isfinite(values).any() or name not in AFFINE_ONLY):
            rows.append([*_named(name), *(number(float(values[at])) for at in shown)])
    head = ["", "unit", *(f"day&nbsp;{days[at]:.0f}" for at in shown)]
    left = f"{len(shown)} of {days.size} biopsies are shown, all are in biopsy.csv. " if days.size > len(shown) else ""
    told = (
        "Virtual biopsies of the whole block in three dimensions, ASBMR symbols. A dash: not known, such as labels "
        "that would have been given before day 0, or walls where no site closed. A block of 1 to 4 mm³ holds few open "
        "sites, so that the dynamic figures of one biopsy scatter."
    )
    return "<h2>Histomorphometry</h2>" + table(head, rows) + note(left + told)


def _named(name: str) -> tuple[str, str]:
    """Symbol with its meaning, and unit, of a column of biopsies."""
    known = BIOPSY_COLUMNS.get(name)
    if known is None:
        return escaped(name), ""
    symbol = UNIT_IN_NAME.sub("", name)
    meaning = f' <span class="interval">{escape(known.meaning)}</span>' if len(known.meaning) < 70 else ""
    return f"{escape(symbol.replace('_', ' '))}{meaning}", UNITS.get(known.unit, known.unit)


def listing(rows: Iterable[Sequence[object]], head: Sequence[str]) -> str:
    """A table of plain texts."""
    return table([escape(name) for name in head], [[escaped(cell) for cell in row] for row in rows], "words")
