"""Time plots of a run as one small SVG: bone, cells, hormones, turnover; their days are linked to the picture."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from boneabm.errors import InputError
from boneabm.io.series import read_table

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 340, 96, 46, 8, 21, 12
TRAILING_D = 30
INK, GRID = "#333", "#dfe3e6"
COLORS = ("#5e3c99", "#e66101", "#0072b2")
Table = dict[str, np.ndarray]


@dataclass(frozen=True)
class Panel:
    """One plot: title with unit, and its lines as column, name and factor; `trailing` days are averaged."""

    title: str
    lines: tuple[tuple[str, str, float], ...]
    trailing: int = 1
    colors: tuple[str, ...] = field(default=COLORS)


PANELS = (
    Panel("BV/TV", (("BV/TV", "", 1.0),), colors=(INK,)),
    Panel("osteoclasts at work", (("osteoclasts", "", 1.0),)),
    Panel("osteoblasts", (("osteoblasts", "", 1.0),), colors=(COLORS[1],)),
    Panel("osteocytes", (("osteocytes", "", 1.0),), colors=(COLORS[2],)),
    Panel(
        "bone turned over, 10\u207b\u00b3 mm\u00b3/d (mean of 30 d)",
        (("resorbed_um3", "resorbed (CTX)", 1e-6), ("formed_um3", "formed (P1NP)", 1e-6)),
        TRAILING_D,
    ),
    Panel("estradiol, pg/ml", (("estradiol_pg_per_ml", "", 1.0),), colors=(COLORS[2],)),
    Panel("PTH, pg/ml", (("pth_pg_per_ml", "", 1.0),), colors=(COLORS[2],)),
)


def read_series(path: Path) -> Table:
    """Rows of `series.csv` from day 0 on; empty where there are none yet."""
    try:
        table = read_table(path)
    except InputError:
        return {}
    keep = table["day"] >= 0
    return {name: values[keep] for name, values in table.items()} if keep.any() else {}


def span_of(table: Table) -> tuple[float, float]:
    """First and last day of the plots, never equal."""
    first, last = (float(table["day"][0]), float(table["day"][-1])) if table else (0.0, 1.0)
    return first, max(last, first + 1)


def time_plots(table: Table) -> str:
    """The plots of the columns that are there, one below the other, as SVG."""
    panels = [panel for panel in PANELS if table and all(name in table for name, _, _ in panel.lines)]
    span = span_of(table)
    body = "".join(_panel(panel, table, span, row * HEIGHT) for row, panel in enumerate(panels))
    height = max(len(panels), 1) * HEIGHT + 14
    days = _days(span, len(panels) * HEIGHT) if panels else _text(LEFT, 30, "no day written yet")
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="100%"'
    return f'{head} font-family="sans-serif" font-size="10" style="pointer-events:none">{body}{days}</svg>'


def _panel(panel: Panel, table: Table, span: tuple[float, float], top: float) -> str:
    days = table["day"]
    lines = [smoothed(table[name] * factor, panel.trailing) for name, _, factor in panel.lines]
    low, high = _limits(lines)
    floor, ceiling = top + HEIGHT - BOTTOM, top + TOP
    parts = [_text(LEFT, top + 13, panel.title, weight="bold")]
    for value in round_values(low, high, 4):
        y = floor - (value - low) / (high - low) * (floor - ceiling)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="{GRID}"/>')
        parts.append(_text(LEFT - 4, y + 3, f"{value:.6g}", anchor="end"))
    x = LEFT + (days - span[0]) / (span[1] - span[0]) * (WIDTH - LEFT - RIGHT)
    for row, ((_, name, _), values) in enumerate(zip(panel.lines, lines, strict=True)):
        parts.append(_line(x, floor - (values - low) / (high - low) * (floor - ceiling), panel.colors[row]))
        if name:
            parts.append(_text(WIDTH - RIGHT, top + 13 + 11 * row, name, anchor="end", color=panel.colors[row]))
    return "".join(parts)


def smoothed(values: np.ndarray, days: int) -> np.ndarray:
    """Mean over so many trailing rows, fewer at the start."""
    if days == 1:
        return values
    total = np.concatenate([[0.0], np.cumsum(values)])
    last = np.arange(1, len(values) + 1)
    first = np.maximum(last - days, 0)
    mean: np.ndarray = (total[last] - total[first]) / (last - first)
    return mean


def _limits(lines: list[np.ndarray]) -> tuple[float, float]:
    values = np.concatenate(lines)
    values = values[np.isfinite(values)]
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    margin = max(high - low, 0.02 * abs(high), 1e-9) * 0.08
    return (0.0 if 0 <= low < 0.3 * high else low - margin), high + margin


def _line(x: np.ndarray, y: np.ndarray, color: str, most: int = 700) -> str:
    step = max(1, len(x) // most)
    known = [at for at in range(0, len(x), step) if np.isfinite(y[at])]
    points = " ".join(f"{x[at]:.1f},{y[at]:.1f}" for at in known)
    return f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="1.4"/>'


def _days(span: tuple[float, float], y: float) -> str:
    parts = []
    for day in round_values(*span, 6):
        x = LEFT + (day - span[0]) / (span[1] - span[0]) * (WIDTH - LEFT - RIGHT)
        parts.append(_text(x, y, f"{day:g}", anchor="middle" if x < WIDTH - 20 else "end"))
    return "".join(parts) + _text(LEFT - 8, y, "day", anchor="end")


def round_values(low: float, high: float, most: int) -> list[float]:
    """At most so many round numbers from low to high, at equal steps of 1, 2 or 5 times a power of ten.

    >>> round_values(0.0, 120.0, 6)
    [0.0, 50.0, 100.0]
    """
    power = 10.0 ** np.floor(np.log10((high - low) / most))
    for step in (power, 2 * power, 5 * power, 10 * power, 20 * power):
        first, last = int(np.ceil(low / step - 1e-9)), int(np.floor(high / step + 1e-9))
        if last - first < most:
            break
    return [float(f"{at * step:.12g}") for at in range(first, last + 1)]


def _text(x: float, y: float, words: str, anchor: str = "start", color: str = INK, weight: str = "normal") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{color}" font-weight="{weight}">{words}</text>'
