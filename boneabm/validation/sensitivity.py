"""One parameter at a time by -20 and +20 %: which numbers decide how much bone is lost in ten years.

Screening all assumed numbers at this length would take days; the list is a judgment, made before any run, of the
numbers that stand directly in loss = Ac.f x deficit x BS/BV, in the estrogen and load feedbacks on its factors, and in
what decides between a refilled and a perforated site.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from boneabm.parameters import ParameterSet
from boneabm.validation.finished import Arms, FinishedRun
from boneabm.validation.measures import OfArms, Quantity, each

TEN_Y_D = 3650
STEP = 0.2
REFERENCE = "reference"
LISTED = (
    "activation.frequency_per_y",
    "activation.pool_use_share",
    "osteoclast.fast_depth_um",
    "osteoclast.slow_d",
    "osteoblast.balance",
    "osteoblast.sclerostin_slope",
    "osteocyte.gain",
    "signaling.rankl_slope",
    "fields.reference_occupancy",
    "body.estradiol_half_pg_per_ml",
)


def arm_of(parameter: str, sign: str) -> str:
    """Name of the arm that moves a parameter: "osteoclast-slow_d-minus"."""
    return f"{parameter.replace('.', '-')}-{sign}"


def arms() -> dict[str, dict[str, Any]]:
    """Arms of the sweep: every listed parameter at 80 and 120 % of its value, or at the end of its allowed range."""
    known, made = ParameterSet.load(), {}
    for name in LISTED:
        p = known[name]
        for sign, factor in (("minus", 1.0 - STEP), ("plus", 1.0 + STEP)):
            made[arm_of(name, sign)] = {f"parameters.{name}": min(max(p.value * factor, p.low), p.high)}
    return made


def with_arms(tables: Mapping[str, Any]) -> dict[str, Any]:
    """Tables of the sensitivity sweep with all its arms."""
    return {**tables, "arms": {**tables["arms"], **arms()}}


def _loss(run: FinishedRun) -> float:
    return -run.change_percent("BV/TV", 0, TEN_Y_D)


def _effect(name: str, sign: str) -> OfArms:
    """Loss in an arm less that of the reference, in % of BV."""

    def values(runs: Arms) -> np.ndarray:
        return each(_loss, arm_of(name, sign))(runs) - each(_loss, REFERENCE)(runs)

    return values


MEANING = "change of the ten-year loss, paired; the value stops at the end of its allowed range where that is nearer"

SENSITIVITY = (
    Quantity("loss", "% of BV", each(_loss, REFERENCE), "BV/TV lost in ten years, from 2 y before the final period"),
    *(
        Quantity(f"{name} {'-' if sign == 'minus' else '+'}20 %", "% of BV", _effect(name, sign), MEANING)
        for name in LISTED
        for sign in ("minus", "plus")
    ),
)
