"""Measured levels: each pins one free parameter, so that the settled body has the level of this person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from ..errors import InputError
from .physiology import Physiology
from .subject import Life, Subject

ROUNDS = 200
CLOSE = 1e-9
FURTHEST = 1e3


class Lab(NamedTuple):
    """A measured level: its key in [labs], the pinned input, whether that is a factor, and how both are read."""

    key: str
    pin: str
    factor: bool
    measured: Callable[[Subject], float | None]
    level: Callable[[Physiology], float]


def _state(name: str) -> Callable[[Physiology], float]:
    return lambda body: float(body.y[name])


def _level(name: str) -> Callable[[Physiology], float]:
    return lambda body: float(body.level[name])


LABS = (
    Lab("25OHD", "pin_d25", False, lambda who: who.d25_nmol_per_l, _state("d25")),
    Lab("estradiol", "pin_estradiol", True, lambda who: who.estradiol_pg_per_ml, _level("e2_pg_per_ml")),
    Lab("igf1", "pin_igf1", True, lambda who: who.igf1_ng_per_ml, _state("igf1")),
    Lab("magnesium", "pin_magnesium", True, lambda who: who.magnesium_mmol_per_l, _state("magnesium")),
    Lab("pth", "pin_pth", True, lambda who: who.pth_pg_per_ml, _level("pth_pg_per_ml")),
    Lab("testosterone", "pin_testosterone", True, lambda who: who.testosterone_ng_per_dl,
        _level("testosterone_ng_per_dl")),
)  # fmt: skip
PINS = tuple(lab.pin for lab in LABS)


def pin(body: Physiology, life: Life, day: int) -> dict[str, float]:
    """Values of the pinned inputs at which the settled body has every measured level.

    Repeats: settle, then move each pin by what its level lacks. Raises InputError naming a level that is out of reach.
    """
    values = {lab.pin: 1.0 if lab.factor else 0.0 for lab in LABS}
    wanted = [(lab, level) for lab in LABS if (level := lab.measured(life.subject)) is not None]
    for _ in range(ROUNDS if wanted else 0):
        body.settle(replace(life, pins=values).inputs(day))
        errors = {lab.key: abs(lab.level(body) / level - 1.0) for lab, level in wanted}
        if max(errors.values()) < CLOSE:
            return values
        for lab, level in wanted:
            values[lab.pin] = _moved(lab, values[lab.pin], level, lab.level(body))
    if wanted:
        raise _unreachable(max(errors, key=lambda key: errors[key]))
    return values


def _moved(lab: Lab, value: float, wanted: float, found: float) -> float:
    if not lab.factor:
        return value + wanted - found
    if found <= 0.0 or not 1.0 / FURTHEST < value * wanted / found < FURTHEST:
        raise _unreachable(lab.key)
    return value * wanted / found


def _unreachable(key: str) -> InputError:
    return InputError(
        f"labs.{key}: the body cannot be brought to this level together with everything else. "
        "Check its unit, or leave it out."
    )
