"""Pictures of one run as SVG: the time axis of what is done, and what happened, panel by panel."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from boneabm.loading.weekly import BODY
from boneabm.report.figures import WINDOW_D, turnover_percent_per_y
from boneabm.report.record import Record, column
from boneabm.report.timeline import Lane, lanes_of
from boneabm.sweep.plots import DPI, matplotlib_or_error, plain
from boneabm.units import DAYS_PER_YEAR

WIDTH_IN, ROW_IN, COLUMNS, MOST_LANES = 10.4, 1.75, 3, 24
RESORBED, FORMED, OTHER, INK = "#5e3c99", "#e66101", "#0072B2", "#222222"
"""Purple takes bone away, orange builds it, as in all pictures of boneabm; all told apart with any color vision."""
REDUCED = ("disuse", *(kind.replace("_", " ") for kind in BODY))
"""Lanes of conditions that take loads away."""
LANE_COLORS = {"subject": "#d8d5cd", "load": "#9ecae1", "drug": "#f0c36d", "look": "#666666"}
SMALLEST_SPAN, MOST_POINTS = 0.02, 800
STYLE = {
    "font.size": 8.5, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.alpha": 0.25,
    "axes.titlesize": 8.5, "svg.hashsalt": "boneabm", "axes.formatter.useoffset": False,
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One line of a panel: its name in the panel, color, and how a run gives days and values."""

    name: str
    color: str
    of: Callable[[Record], tuple[np.ndarray, np.ndarray]]
    marker: str = ""


def _daily(name: str, factor: float = 1.0) -> Callable[[Record], tuple[np.ndarray, np.ndarray]]:
    return lambda record: (column(record.series, "day"), factor * column(record.series, name))


def _biopsies(name: str) -> Callable[[Record], tuple[np.ndarray, np.ndarray]]:
    return lambda record: (column(record.biopsy, "day"), column(record.biopsy, name))


def _turnover(name: str) -> Callable[[Record], tuple[np.ndarray, np.ndarray]]:
    return lambda record: (column(record.series, "day"), trailing(turnover_percent_per_y(record, name), WINDOW_D))


PANELS: tuple[tuple[str, tuple[Line, ...]], ...] = (
    ("BV/TV, %", (Line("", INK, _daily("BV/TV", 100.0)),)),
    (
        f"bone turned over, % of BV per year ({WINDOW_D} d mean)",
        (Line("resorbed", RESORBED, _turnover("resorbed_um3")), Line("formed", FORMED, _turnover("formed_um3"))),
    ),
    ("activation frequency Ac.f, 1/y (trailing year)", (Line("", INK, _daily("Ac.f_per_y")),)),
    ("osteoclasts at work, number", (Line("", RESORBED, _daily("osteoclasts")),)),
    ("osteoblasts, number", (Line("", FORMED, _daily("osteoblasts")),)),
    ("apparent stiffness along z, MPa", (Line("", INK, _daily("stiffness_zz_mpa")),)),
    ("serum estradiol, pg/mL", (Line("", OTHER, _daily("estradiol_pg_per_ml")),)),
    ("serum PTH, pg/mL", (Line("", OTHER, _daily("pth_pg_per_ml")),)),
    ("trabecular vBMD, mg/cm³ hydroxyapatite", (Line("", INK, _daily("mineral_g_per_cm3", 1000.0)),)),
    ("Tb.Th, µm (biopsies)", (Line("", INK, _biopsies("Tb.Th_um"), "o"),)),
    (
        "share of bone surface, % (biopsies)",
        (
            Line("eroded ES/BS", RESORBED, _biopsies("ES/BS_percent"), "o"),
            Line("osteoid OS/BS", FORMED, _biopsies("OS/BS_percent"), "s"),
            Line("mineralizing MS/BS", OTHER, _biopsies("MS/BS_percent"), "^"),
        ),
    ),
    (
        "bone lost, % of BV at first (biopsies)",
        (
            Line("thinning", INK, _biopsies("loss_thinning_percent"), "o"),
            Line("perforation", RESORBED, _biopsies("loss_perforation_percent"), "s"),
            Line("breakage", OTHER, _biopsies("loss_breakage_percent"), "^"),
            Line("fragments", FORMED, _biopsies("loss_fragments_percent"), "D"),
        ),
    ),
)


def trailing(values: np.ndarray, days: int) -> np.ndarray:
    """Mean over so many trailing rows, fewer at the start."""
    if values.size == 0:
        return values
    total = np.concatenate([[0.0], np.cumsum(values)])
    last = np.arange(1, values.size + 1)
    first = np.maximum(last - days, 0)
    mean: np.ndarray = (total[last] - total[first]) / (last - first)
    return mean


def svg(figure: Any) -> bytes:
    """The figure as SVG with letters as shapes, so that it looks the same everywhere; same bytes for equal figures."""
    return _saved(figure, format="svg", metadata={"Date": None, "Creator": None})


def png(figure: Any) -> bytes:
    """The figure as PNG, 1200 pixels wide: bands of many days are smaller so than as shapes."""
    return _saved(figure, format="png", dpi=DPI)


def _saved(figure: Any, **how: Any) -> bytes:
    out = io.BytesIO()
    with matplotlib_or_error().rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing", category=UserWarning)
        figure.savefig(out, **how)
    return out.getvalue()


def timeline(record: Record) -> bytes:
    """Time axis of what is done to the person and the bone."""
    lanes = lanes_of(record)[:MOST_LANES]
    matplotlib = matplotlib_or_error()
    with matplotlib.rc_context({**STYLE, "axes.spines.left": False, "axes.grid": False}):
        size = (WIDTH_IN, 0.75 + 0.27 * max(len(lanes), 1))
        figure = matplotlib.figure.Figure(figsize=size, layout="constrained")
        axes = figure.subplots()
        per_day, unit = time_unit(record.planned_days)
        for row, lane in enumerate(lanes):
            draw_lane(axes, row, lane, per_day, per_day * max(record.planned_days, 1))
        axes.set_yticks(range(len(lanes)), [plain(lane.name) for lane in lanes])
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(max(len(lanes), 1) - 0.4, -0.6)
        axes.set_xlim(0, per_day * max(record.planned_days, 1) * 1.005)
        axes.set_xlabel(f"time, {unit}")
        if not record.finished:
            axes.axvline(per_day * record.last_day, color="#b00020", linewidth=1.4)
            axes.set_title("red line: last day that is written", loc="right", color="#b00020")
    return svg(figure)


def draw_lane(axes: Any, row: int, lane: Lane, per_day: float, whole: float) -> None:
    """A row of a time axis that ends at `whole`: bars with their words, triangles at moments."""
    color = LANE_COLORS[lane.kind]
    for span in lane.spans:
        first, wide = per_day * span.first_d, per_day * (span.end_d - span.first_d)
        axes.barh(row, wide, left=first, height=0.66, color=color, linewidth=0)
        late = first > 0.6 * whole
        place, side = (first + wide, "right") if late else (first, "left")
        axes.annotate(
            plain(span.words), (place, row), (-4 if late else 4, 0), textcoords="offset points", ha=side, va="center"
        )
    if lane.ticks_d:
        days = per_day * np.array(lane.ticks_d)
        axes.plot(days, np.full(days.size, row), "v", color=INK, markersize=5, clip_on=False)
    if lane.ticks_d and lane.words:
        late = per_day * lane.ticks_d[-1] > 0.6 * whole
        place, side = (lane.ticks_d[0], "right") if late else (lane.ticks_d[-1], "left")
        shift = (-7 if late else 7, 0)
        axes.annotate(
            plain(lane.words), (per_day * place, row), shift, textcoords="offset points", ha=side, va="center"
        )


def courses(record: Record) -> bytes | None:
    """Panels of what is recorded over time; None where nothing is."""
    panels = [(title, [line for line in lines if _known(line, record)]) for title, lines in PANELS]
    panels = [(title, lines) for title, lines in panels if lines]
    if not panels:
        return None
    matplotlib = matplotlib_or_error()
    rows = -(-len(panels) // COLUMNS)
    with matplotlib.rc_context(STYLE):
        figure = matplotlib.figure.Figure(figsize=(WIDTH_IN, ROW_IN * rows + 0.2), layout="constrained")
        grid = figure.subplots(rows, COLUMNS, squeeze=False).flat
        for axes, (title, lines) in zip(grid, panels, strict=False):
            _panel(axes, title, lines, record)
        for axes in list(figure.axes)[len(panels) :]:
            axes.remove()
    return svg(figure)


def _known(line: Line, record: Record) -> bool:
    days, values = line.of(record)
    return days.size == values.size and bool(np.isfinite(values).any())


def _panel(axes: Any, title: str, lines: Sequence[Line], record: Record) -> None:
    per_day, unit = time_unit(record.planned_days)
    for line in lines:
        days, values = line.of(record)
        known = thinned(values)
        axes.plot(
            per_day * days[known], values[known], color=line.color, linewidth=1.3, label=line.name,
            marker=line.marker, markersize=3.5,
        )  # fmt: skip
    axes.set_title(title, loc="left", fontweight="bold")
    axes.set_xlim(0, per_day * max(record.planned_days, 1))
    axes.set_xlabel(f"time, {unit}", fontsize=7.5)
    wide_enough(axes)
    mark_times(axes, record, per_day)
    if any(line.name for line in lines):
        axes.legend(frameon=False, fontsize=7, handlelength=1.2, borderaxespad=0.1)


def thinned(values: np.ndarray) -> np.ndarray:
    """Rows of known values, not many more than MOST_POINTS of them."""
    known = np.flatnonzero(np.isfinite(values))
    return known[:: max(1, known.size // MOST_POINTS)]


def wide_enough(axes: Any) -> None:
    """Widen the value axis to at least 2 % of its values, so that noise of a constant does not fill the panel."""
    low, high = axes.get_ylim()
    least = SMALLEST_SPAN * max(abs(low), abs(high))
    if high - low < least:
        middle = 0.5 * (low + high)
        low, high = middle - 0.5 * least, middle + 0.5 * least
    axes.set_ylim(0.0 if 0 <= low < 0.3 * high or (low < 0 <= axes.dataLim.y0) else low, high)


def mark_times(axes: Any, record: Record, per_day: float) -> None:
    """Gray bands while loads are reduced, dotted lines where a drug is given or begins."""
    for lane in lanes_of(record):
        if lane.name in REDUCED:
            for span in lane.spans:
                axes.axvspan(per_day * span.first_d, per_day * span.end_d, color="0.5", alpha=0.15, linewidth=0)
        if lane.kind == "drug":
            begins = [span.first_d for span in lane.spans if span.first_d > 0]
            for day in (*begins, *lane.ticks_d[:12]):
                axes.axvline(per_day * day, color="0.35", linewidth=0.8, linestyle=":")


def time_unit(days: int) -> tuple[float, str]:
    """Factor from days and name of the unit of time axes: years beyond two of them."""
    return (1 / DAYS_PER_YEAR, "years") if days > 2 * DAYS_PER_YEAR else (1.0, "days")
