"""How much of what cells feel rests on effect rows, systems and drugs of low confidence."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from ..kernels.endocrine_layout import DRIVER_TYPE, DRIVERS, STATE_TYPE
from .body import FACTORS, Body
from .curves import Course
from .drugs import find_drug
from .effects import effect_table
from .subject import Life
from .systems import System, systems

MARKED = 0.10
IN_USE = 0.05
"""A system is in use where something of its own is this far from the reference."""


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


def weak_systems(body: Body, course: Course) -> list[str]:
    """Systems of low confidence that are in use on some day of the course of this body.

    In use: something of its own is 5 % from the reference and a row of the effect table that is not 0 carries it.
    """
    weak = [row for row in systems() if row.confidence == "low" and row.only in ("", body.subject.sex)]
    return [row.system for row in weak if any(_carried(name, row) and _off(name, body, course) for name in row.own)]


def _carried(name: str, system: System) -> bool:
    """Whether a row that is not 0 carries it, or, where it is no driver, one of the drivers of its system."""
    drivers = (name,) if name in DRIVERS else system.drivers
    return any(effect.driver in drivers and effect.exponent for effect in effect_table())


def _off(name: str, body: Body, course: Course) -> bool:
    """Whether a driver, an input or a state is 5 % from the reference on some day; above it only where that acts."""
    references = (
        (course.drivers, body.physiology.table[0].view(DRIVER_TYPE)),
        (course.inputs, Life(body.subject.reference()).inputs(0.0)),
        (course.states, body.reference.view(STATE_TYPE)),
    )
    values, reference = next((days[name], at[name][0]) for days, at in references if name in (days.dtype.names or ()))
    change = values - reference
    if {effect.form for effect in effect_table() if effect.driver == name} == {"deficit"}:
        change = np.minimum(change, 0.0)
    return bool(np.abs(change).max() > IN_USE * max(abs(reference), 1e-9))
