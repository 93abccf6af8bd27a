"""How much of what cells feel rests on effect rows, systems and drugs of low confidence."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from ..kernels.endocrine_layout import DRIVERS
from .body import FACTORS, Body
from .curves import Course
from .drugs import find_drug
from .effects import effect_table
from .systems import systems

MARKED = 0.10
IN_USE = 0.05
"""A system is in use where its own driver is this far from the reference."""


def forget_low(body: Body) -> None:
    """Take every effect row of low confidence out of a body, those on set points too; settle it afterwards."""
    exponents = body.physiology.table[2]
    for k, effect in enumerate(effect_table()):
        if effect.confidence == "low":
            exponents[k] = 0.0


def moved_by_low(whole: Course, without: Course) -> dict[str, float]:
    """Factor by which rows of low confidence move each modulator on the day they do most, where that is over 10 %.

    whole, without : courses of the same days, of a body and of the same body after `forget_low`
    """
    found = {}
    for name in (*FACTORS, "setpoint_shift"):
        log = _log(whole, name) - _log(without, name)
        most = float(log[np.abs(log).argmax()])
        if abs(most) > math.log(1 + MARKED):
            found[name] = math.exp(most)
    return found


def _log(course: Course, name: str) -> np.ndarray:
    """ln of a modulator on every day; the shift of set points is one already."""
    logs: np.ndarray = course.of(name) if name == "setpoint_shift" else np.log(course.of(name))
    return logs


def weak_drugs(names: Iterable[str]) -> list[str]:
    """Those of some drugs of which kinetics, or what they do to bone, are of low confidence, each once."""
    return sorted({name for name in names if find_drug(name).confidence == "low"})


def weak_systems(body: Body) -> list[str]:
    """Systems of low confidence that are in use: the first of their drivers is 5 % from the reference at the last look.

    Adiposity has no driver of its own (TNF is its first) and is named where TNF is off for another reason.
    """
    now, reference = body.physiology.drivers, body.physiology.table[0]
    off = np.abs(now - reference) > IN_USE * np.maximum(np.abs(reference), 1e-9)
    moved = {name for name, is_off in zip(DRIVERS, off, strict=True) if is_off}
    weak = [row for row in systems() if row.confidence == "low" and row.drivers]
    return [row.system for row in weak if row.drivers[0] in moved]
