"""The effect table: how drivers in the blood move the modulators that cells feel, as sign-constrained data."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from ..errors import InputError

FORMS = ("lne", "ratio", "lin")


@dataclass(frozen=True)
class Effect:
    """One row: ln target gets exponent x g(driver); g = ln e, ln ratio (0.1-10) or the driver itself."""

    driver: str
    target: str
    exponent: float
    low: float
    high: float
    sign: str
    form: str
    source: str
    confidence: str
    note: str

    def log_change(self, drivers: Mapping[str, float]) -> float:
        """Contribution of this row to ln(target)."""
        value = drivers[self.driver]
        return self.exponent * (value if self.form == "lin" else math.log(min(max(value, 0.1), 10.0)))


@cache
def effect_table() -> tuple[Effect, ...]:
    """Every row of data/effects.csv, checked: known form, source given, exponent inside its range and of its sign."""
    text = resources.files("boneabm.data").joinpath("effects.csv").read_text(encoding="utf-8")
    rows = []
    for row in csv.DictReader(text.splitlines()):
        exponent, low, high = (float(row[name]) for name in ("exponent", "low", "high"))
        sign, form, source, confidence, note = (row[n] for n in ("sign", "form", "source", "confidence", "note"))
        effect = Effect(row["driver"], row["target"], exponent, low, high, sign, form, source, confidence, note)
        _check(effect)
        rows.append(effect)
    return tuple(rows)


def _check(effect: Effect) -> None:
    where = f"data/effects.csv, {effect.driver} -> {effect.target}"
    if effect.form not in FORMS or not effect.source:
        raise InputError(f"{where}: needs a form out of {', '.join(FORMS)} and a source.")
    if not effect.low <= effect.exponent <= effect.high:
        raise InputError(f"{where}: exponent {effect.exponent} is outside {effect.low}..{effect.high}.")
    if effect.exponent * (1 if effect.sign == "+" else -1) < 0:
        raise InputError(f"{where}: exponent {effect.exponent} contradicts its sign {effect.sign}.")


def log_sum(target: str, drivers: Mapping[str, float]) -> float:
    """ln(target) = sum over the rows of this target."""
    return sum(effect.log_change(drivers) for effect in effect_table() if effect.target == target)
