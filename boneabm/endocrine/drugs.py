"""Drugs as data: where a dose of which route goes, and how far its kinetics can be trusted."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from ..errors import InputError, nearest
from ..kernels.endocrine_layout import RATES, STATES
from ..parameters import ParameterSet
from ..units import DIMENSIONS, quantity
from .effects import CONFIDENCE

FILE = "data/drugs.toml"
PULSE = "teriparatide"
ORAL_BISPHOSPHONATE = "bisphosphonate_oral_share"
_TEXTS = ("form", "source", "confidence", "note")


@dataclass(frozen=True)
class Route:
    """Where an amount goes: a slot of the body (or a held rate), times parameters of [drug] and a unit scale."""

    slot: str
    dimension: str
    factors: tuple[str, ...] = ()
    scale: float = 1.0

    def amount(self, given: str) -> float:
        """Amount in the internal unit of the dimension; InputError on a wrong or missing unit."""
        return quantity(given, self.dimension)

    def reaching(self, amount: float, parameters: ParameterSet, male: bool) -> float:
        """What of an amount reaches the slot."""
        for name in self.factors:
            sexed = f"bisphosphonate_oral_{'male' if male else 'female'}_share"
            amount *= parameters[f"drug.{sexed if name == ORAL_BISPHOSPHONATE else name}"].value
        return amount * self.scale


@dataclass(frozen=True)
class Drug:
    """A drug: its form of kinetics, source, confidence, and its routes as doses and as held rates."""

    name: str
    form: str
    source: str
    confidence: str
    note: str
    routes: Mapping[str, Route]
    infusions: Mapping[str, Route]

    def route(self, name: str, infusion: bool = False) -> Route:
        """Route of this name; InputError lists those that exist, and says where a drug is given the other way."""
        known = self.infusions if infusion else self.routes
        if name in known:
            return known[name]
        other = self.routes if infusion else self.infusions
        table = "[[dose]]" if infusion else "[[infusion]]"
        elsewhere = f" {self.name} by {' or '.join(other)} is written as {table}." if other else ""
        told = (
            f'"{name}" is not a route of {self.name} here. {nearest(name, known)}'
            if known
            else (f"{self.name} is not given {'at a held rate' if infusion else 'in doses'}.")
        )
        raise InputError(told + elsewhere)


@cache
def drug_table() -> dict[str, Drug]:
    """Every drug of data/drugs.toml by name, checked."""
    text = resources.files("boneabm.data").joinpath("drugs.toml").read_text(encoding="utf-8")
    return read_drugs(text, FILE)


def find_drug(name: str) -> Drug:
    """Drug of this name; InputError with all known names and the closest."""
    if name not in drug_table():
        raise InputError(f'"{name}" is not a known drug. {nearest(name, drug_table())}')
    return drug_table()[name]


def read_drugs(text: str, where: str) -> dict[str, Drug]:
    """Drugs of a TOML text; InputError names the drug and the field that is wrong or missing."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{where}: not valid TOML: {error}") from None
    return {name: _drug(name, table, f"{where}, {name}") for name, table in tables.items()}


def _drug(name: str, table: dict[str, Any], where: str) -> Drug:
    for key in _TEXTS:
        if not str(table.get(key, "")).strip():
            raise InputError(f'{where}: {key} is missing; for a source name the paper or write "assumed".')
    if table["confidence"] not in CONFIDENCE:
        raise InputError(f'{where}: confidence "{table["confidence"]}". {nearest(table["confidence"], CONFIDENCE)}')
    routes = {key: _route(row, f"{where}, routes.{key}", STATES) for key, row in table.get("routes", {}).items()}
    held = {key: _route(row, f"{where}, infusions.{key}", RATES) for key, row in table.get("infusions", {}).items()}
    form, source, confidence, note = (str(table[key]) for key in _TEXTS)
    return Drug(name, form, source, confidence, note, routes, held)


def _route(row: Mapping[str, Any], where: str, slots: tuple[str, ...]) -> Route:
    slot = str(row.get("slot", row.get("rate", "")))
    if slot not in (*slots, PULSE):
        raise InputError(f'{where}: "{slot}" is not a slot. {nearest(slot, slots)}')
    dimension = str(row.get("dimension"))
    if dimension not in DIMENSIONS:
        raise InputError(f'{where}: dimension "{dimension}". {nearest(dimension, DIMENSIONS)}')
    factors = tuple(row.get("factors", ()))
    for name in factors:
        if name != ORAL_BISPHOSPHONATE:
            ParameterSet.load()[f"drug.{name}"]
    return Route(slot, dimension, factors, float(row.get("scale", 1.0)))
