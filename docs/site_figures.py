"""Figures of the docs site, drawn by the code itself when the site is built."""

from __future__ import annotations

import io
from collections import Counter

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
    rows = ParameterSet.load().rows()
    sections = list(dict.fromkeys(row["section"] for row in rows))
    counts = Counter((row["section"], row["confidence"]) for row in rows)
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


FIGURES = {"figures/hormones.svg": hormones, "figures/confidence.svg": confidence}
"""Place of each figure in the site, and what draws it."""


def _svg(figure: Figure) -> str:
    text = io.StringIO()
    with plt.rc_context({"svg.hashsalt": "boneabm"}):
        figure.savefig(text, format="svg", metadata={"Date": None})
    plt.close(figure)
    return text.getvalue()
