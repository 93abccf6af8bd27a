"""What loading does to bone over time: relative stimulus, bone volume, and below them what is done."""

from __future__ import annotations

from typing import Any

import numpy as np

from boneabm.report.plots import (
    INK,
    OTHER,
    STYLE,
    WIDTH_IN,
    draw_lane,
    mark_times,
    svg,
    thinned,
    time_unit,
    wide_enough,
)
from boneabm.report.record import Record, column
from boneabm.report.timeline import lanes_of
from boneabm.sweep.plots import matplotlib_or_error, plain

WEEK_D, MOST_DOTS, MOST_LOADS = 7, 400, 12
DAY, REMEMBERED = "#56B4E9", OTHER


def stimulus_and_bone(record: Record) -> bytes | None:
    """Stimulus over set point, BV/TV and the lanes of loading under one time axis; None where it is not recorded."""
    if not (np.isfinite(column(record.series, "psi_day")).any() and column(record.series, "BV/TV").size):
        return None
    lanes = [lane for lane in lanes_of(record) if lane.kind == "load"][:MOST_LOADS]
    matplotlib = matplotlib_or_error()
    low = 0.35 + 0.27 * max(len(lanes), 1)
    with matplotlib.rc_context(STYLE):
        figure = matplotlib.figure.Figure(figsize=(WIDTH_IN, 4.2 + low), layout="constrained")
        top, middle, below = figure.subplots(3, 1, sharex=True, height_ratios=(2.3, 1.7, low))
        per_day, unit = time_unit(record.planned_days)
        whole = per_day * max(record.planned_days, 1)
        _stimulus(top, record, per_day)
        _bone(middle, record, per_day)
        for row, lane in enumerate(lanes):
            draw_lane(below, row, lane, per_day, whole)
        below.set_yticks(range(len(lanes)), [plain(lane.name) for lane in lanes])
        below.set_ylim(max(len(lanes), 1) - 0.4, -0.6)
        below.grid(visible=False)
        below.spines["left"].set_visible(False)
        below.tick_params(axis="y", length=0)
        below.set_xlim(0, whole)
        below.set_xlabel(f"time, {unit}")
    return svg(figure)


def _stimulus(axes: Any, record: Record, per_day: float) -> None:
    """Dots of the days, or where they are many the range of each week; what osteocytes remember as a line."""
    days, of_day = column(record.series, "day"), column(record.series, "psi_day")
    if days.size > MOST_DOTS:
        starts = np.arange(0, days.size, WEEK_D)
        spans = np.minimum.reduceat(of_day, starts), np.maximum.reduceat(of_day, starts)
        told = "days, least to most of a week"
        axes.fill_between(per_day * days[starts], *spans, step="post", color=DAY, alpha=0.45, linewidth=0, label=told)
    else:
        axes.plot(per_day * days, of_day, "o", color=DAY, markersize=3, label="day")
    known = thinned(remembered := column(record.series, "psi_memory"))
    axes.plot(per_day * days[known], remembered[known], color=REMEMBERED, linewidth=1.6, label="remembered")
    axes.axhline(1, color="0.4", linewidth=0.8, zorder=1)
    axes.set_title("stimulus over set point psi/psi*, median osteocyte", loc="left", fontweight="bold")
    wide_enough(axes)
    mark_times(axes, record, per_day)
    axes.legend(frameon=False, fontsize=7.5, loc="best")


def _bone(axes: Any, record: Record, per_day: float) -> None:
    known = thinned(bv_tv := 100.0 * column(record.series, "BV/TV"))
    axes.plot(per_day * column(record.series, "day")[known], bv_tv[known], color=INK, linewidth=1.3)
    axes.set_title("BV/TV, %", loc="left", fontweight="bold")
    wide_enough(axes)
    mark_times(axes, record, per_day)
