"""Figures of the docs site, drawn by the code itself when the site is built."""

from __future__ import annotations

import csv
import io
from collections import Counter
from pathlib import Path

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from boneabm.build import make_body
from boneabm.endocrine.curves import follow
from boneabm.parameters import ParameterSet
from boneabm.scenario import Scenario

LEVELS = (
    ("estradiol, pg/mL", "e2_pg_per_ml"),
    ("FSH, IU/L", "fsh"),
    ("RANKL production (1: reference)", "m_rankl"),
)
CONFIDENCE = {"high": "#5b3a8c", "medium": "#a78bc9", "low": "#e69f00"}
DAYS = 1460


def hormones() -> str:
    """Three levels of the body model in a woman whose final period is on day 730."""
    scenario = Scenario.load("menopause")
    subject = scenario.subject.model_copy(update={"age_y": 49.0})
    body = make_body(scenario.model_copy(update={"subject": subject}), ParameterSet.load())
    body.settle(-1)
    course = follow(body, 0, DAYS)
    figure, axes = plt.subplots(1, len(LEVELS), figsize=(9.6, 2.6), constrained_layout=True)
    for axis, (label, name) in zip(axes, LEVELS, strict=True):
        axis.plot([day / 365 - 2 for day in range(DAYS)], course.of(name)[:DAYS], color=CONFIDENCE["high"])
        axis.axvline(0, color="0.7", linewidth=0.8)
        axis.set_title(label, fontsize="medium")
        axis.set(xlabel="years from the final period", ylim=(0, None))
    return _svg(figure)


def confidence() -> str:
    """How many parameters of every section are of high, medium and low confidence."""
    rows = [(row["section"].partition("_")[0], row["confidence"]) for row in ParameterSet.load().rows()]
    sections = list(dict.fromkeys(section for section, _ in rows))
    counts = Counter(rows)
    figure, axis = plt.subplots(figsize=(9, 3), constrained_layout=True)
    below = [0] * len(sections)
    for name, color in CONFIDENCE.items():
        heights = [counts[section, name] for section in sections]
        axis.bar(sections, heights, bottom=below, color=color, label=name)
        below = [one + other for one, other in zip(below, heights, strict=True)]
    axis.tick_params(axis="x", rotation=60)
    axis.set_ylabel("parameters")
    axis.legend(title="confidence", frameon=False)
    return _svg(figure)


def validation() -> str:
    """Means and intervals of the last suite (validation.csv) against their target bands, each laid on 0..1."""
    with (Path(__file__).parent / "validation.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["low"] and row["high"]]
    figure, axis = plt.subplots(figsize=(9, 0.27 * len(rows) + 1), constrained_layout=True)
    first, last = -2, 3
    axis.axvspan(0, 1, color="#e5dff0")
    for place, row in enumerate(rows):
        low, high = float(row["low"]), float(row["high"])
        mean, begin, end = ((float(row[k]) - low) / (high - low) for k in ("mean", "interval_low", "interval_high"))
        color = CONFIDENCE["low"] if row["verdict"] in ("fail", "warn") else CONFIDENCE["high"]
        axis.plot((begin, end), (place, place), color=color, linewidth=1.5)
        shown, marker = min(max(mean, first), last), "<" if mean < first else ">" if mean > last else "o"
        axis.plot(shown, place, marker, color=color, clip_on=False)
    axis.set_yticks(range(len(rows)), [f"{row['experiment']}: {row['quantity']} ({row['basis']})" for row in rows])
    axis.set(xlabel="target band from 0 to 1\norange: mean outside; arrow: beyond", xlim=(first, last))
    axis.set_ylim(len(rows) - 0.3, -0.7)
    return _svg(figure)


FIGURES = {
    "figures/hormones.svg": hormones,
    "figures/confidence.svg": confidence,
    "figures/validation.svg": validation,
}
"""Place of each figure in the site, and what draws it."""


def _svg(figure: Figure) -> str:
    text = io.StringIO()
    with plt.rc_context({"svg.hashsalt": "boneabm"}):
        figure.savefig(text, format="svg", metadata={"Date": None})
    plt.close(figure)
    return text.getvalue()
