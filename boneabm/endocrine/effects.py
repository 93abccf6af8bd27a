"""The effect table: how drivers in the blood move the modulators that cells feel, as sign-constrained data."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np

from ..errors import InputError, nearest
from ..kernels.endocrine_layout import DRIVERS, FELT, FORMS, TARGETS

FELT_BY = ("cells", "body", "shadow")
CONFIDENCE = ("high", "medium", "low")
FILE = "data/effects.csv"
SHADOW = {
    "m_rankl": "shadow_rankl",
    "m_opg": "shadow_opg",
    "m_oc_life": "shadow_oc_life",
    "m_ob_prolif": "shadow_ob_prolif",
}


@dataclass(frozen=True)
class Effect:
    """One row: ln target gets exponent x g(driver); g is named by its form.

    felt_by : cells (a modulator), body (the set point of a slow state) or shadow (the mean-field bone only, because
              the tissue has its own path)
    """

    driver: str
    target: str
    exponent: float
    low: float
    high: float
    sign: str
    form: str
    felt_by: str
    source: str
    confidence: str
    note: str

    @property
    def summed_into(self) -> str:
        """Name of the sum this row belongs to."""
        return SHADOW[self.target] if self.felt_by == "shadow" else self.target


@cache
def effect_table() -> tuple[Effect, ...]:
    """Every row of data/effects.csv, checked: names, form, source given, exponent inside its range and of its sign."""
    text = resources.files("boneabm.data").joinpath("effects.csv").read_text(encoding="utf-8")
    return read_effects(text, FILE)


def read_effects(text: str, where: str) -> tuple[Effect, ...]:
    """Rows of an effect table as text; InputError names the row and what is wrong with it."""
    effects = []
    for number, row in enumerate(csv.DictReader(text.splitlines()), 2):
        words = {name: (row.get(name) or "").strip() for name in Effect.__dataclass_fields__}
        line = f"{where}, line {number}"
        try:
            numbers = {name: float(words[name]) for name in ("exponent", "low", "high")}
        except ValueError:
            raise InputError(f"{line}: exponent, low and high must be numbers.") from None
        effect = Effect(**{**words, **numbers})  # type: ignore[arg-type]
        check(effect, where)
        effects.append(effect)
    return tuple(effects)


def check(effect: Effect, where: str = FILE) -> None:
    """Refuse a row with unknown names, without a source, outside its range or against its sign."""
    told = f"{where}, {effect.driver} -> {effect.target}"
    known = {"driver": DRIVERS, "form": FORMS, "felt_by": FELT_BY, "confidence": CONFIDENCE}
    known["target"] = {"cells": FELT, "shadow": tuple(SHADOW)}.get(effect.felt_by, TARGETS)
    for name, allowed in known.items():
        if getattr(effect, name) not in allowed:
            raise InputError(f'{told}: {name} "{getattr(effect, name)}". {nearest(getattr(effect, name), allowed)}')
    if not effect.source:
        raise InputError(f'{told}: source is missing; name the paper or write "assumed".')
    if not effect.low <= effect.exponent <= effect.high:
        raise InputError(f"{told}: exponent {effect.exponent:g} is outside {effect.low:g}..{effect.high:g}.")
    signs = {"+": effect.exponent >= 0, "-": effect.exponent <= 0, "0": effect.exponent == 0}
    if not signs.get(effect.sign, False):
        raise InputError(f'{told}: exponent {effect.exponent:g} contradicts its sign "{effect.sign}" (+, - or 0).')


def as_arrays(effects: tuple[Effect, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Rows (R, 4) of driver, form, target, first row with the same driver and form; and exponents (R,)."""
    first: dict[tuple[str, str], int] = {}
    rows = [
        (
            DRIVERS.index(effect.driver),
            FORMS.index(effect.form),
            TARGETS.index(effect.summed_into),
            first.setdefault((effect.driver, effect.form), number),
        )
        for number, effect in enumerate(effects)
    ]
    return np.array(rows, np.int64).reshape(-1, 4), np.array([effect.exponent for effect in effects])
