"""Drugs as data: where a dose of which route goes, what its kinetics use, and how far it can be trusted."""

from __future__ import annotations

import csv
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
NAMES = "drug_names.csv"
PULSE = "teriparatide"
ORAL_BISPHOSPHONATE = "bisphosphonate_oral_share"
_TEXTS = ("form", "source", "confidence", "note", "most_source")


@dataclass(frozen=True)
class Route:
    """Where an amount goes: a slot of the body (or a held rate), times parameters of [drug] and a unit scale.

    most : largest amount that is read, with its unit
    uses : every parameter of [drug] that kinetics by this route use
    also : other names of the route
    """

    slot: str
    dimension: str
    most: str
    factors: tuple[str, ...] = ()
    scale: float = 1.0
    uses: tuple[str, ...] = ()
    also: tuple[str, ...] = ()

    def amount(self, given: str) -> float:
        """Amount in the internal unit of the dimension; InputError on a wrong or missing unit, or where impossible."""
        value = quantity(given, self.dimension)
        if not 0.0 < value <= quantity(self.most, self.dimension):
            none = " Leave the row out to give none." if value == 0.0 else ""
            raise InputError(f"{given} is outside the possible range, more than 0 to {self.most}.{none}")
        return value

    def reaching(self, amount: float, parameters: ParameterSet, male: bool) -> float:
        """What of an amount reaches the slot."""
        for name in self.factors:
            sexed = f"bisphosphonate_oral_{'male' if male else 'female'}_share"
            amount *= parameters[f"drug.{sexed if name == ORAL_BISPHOSPHONATE else name}"].value
        return amount * self.scale


@dataclass(frozen=True)
class Drug:
    """A drug: its form of kinetics, source, confidence in them and in what it does, routes as doses and held rates."""

    name: str
    form: str
    source: str
    confidence: str
    note: str
    most_source: str
    routes: Mapping[str, Route]
    infusions: Mapping[str, Route]

    def named(self, given: str | None, infusion: bool = False) -> str:
        """Name of the route that is meant: the only one where none is given, "" where that does not tell it."""
        known = self.infusions if infusion else self.routes
        if given is None:
            return next(iter(known)) if len(known) == 1 else ""
        return next((name for name, row in known.items() if given in row.also), given)

    def route(self, name: str, infusion: bool = False) -> Route:
        """Route of this name; InputError lists those that exist, and says where a drug is given the other way."""
        known = self.infusions if infusion else self.routes
        if name in known:
            return known[name]
        other = self.routes if infusion else self.infusions
        table = "[[dose]]" if infusion else "[[infusion]]"
        there = " or ".join(f"{way} ({', '.join(row.also)})" if row.also else way for way, row in other.items())
        elsewhere = f" {self.name} by {there} is written as {table}." if other else ""
        if not known:
            told = f"{self.name} is not given {'at a held rate' if infusion else 'in doses'}."
        elif name:
            ways = [way for key, row in known.items() for way in (key, *row.also)]
            told = f'"{name}" is not a route of {self.name} here. {nearest(name, ways)}'
        else:
            told = f'missing: {self.name} has several. {nearest("", known)} Example: route = "{min(known)}".'
        raise InputError(told + elsewhere)


@cache
def drug_table() -> dict[str, Drug]:
    """Every drug of data/drugs.toml by name, checked."""
    text = resources.files("boneabm.data").joinpath("drugs.toml").read_text(encoding="utf-8")
    return read_drugs(text, FILE)


def find_drug(name: str) -> Drug:
    """Drug of this name; InputError with all known names and what a brand or common name means, else the closest."""
    if name not in drug_table():
        meant = _meant(name)
        raise InputError(f'"{name}" is not a known drug. {meant}{nearest("" if meant else name, drug_table())}')
    return drug_table()[name]


def _meant(name: str) -> str:
    """What a brand, a common name or a drug that is not here is called here; nothing where nobody knows."""
    drug, note = other_names().get(name.strip().lower(), ("", ""))
    told = f'Write drug = "{drug}"' + (f" ({note})" if note else "") if drug else note[:1].upper() + note[1:]
    return f"{told}. " if told else ""


@cache
def other_names() -> dict[str, tuple[str, str]]:
    """Brands, common names and drugs that are not here: the drug to write ("": none) and a note, by small letters."""
    text = resources.files("boneabm.data").joinpath(NAMES).read_text(encoding="utf-8")
    return {row["name"]: (row["drug"], row["note"]) for row in csv.DictReader(text.splitlines())}


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
    own = tuple(table.get("parameters", ()))
    ways = (("routes", STATES), ("infusions", RATES))
    routes, held = (
        {key: _route(row, f"{where}, {group}.{key}", slots, own) for key, row in table.get(group, {}).items()}
        for group, slots in ways
    )
    form, source, confidence, note, most_source = (str(table[key]) for key in _TEXTS)
    return Drug(name, form, source, confidence, note, most_source, routes, held)


def _route(row: Mapping[str, Any], where: str, slots: tuple[str, ...], own: tuple[str, ...]) -> Route:
    slot = str(row.get("slot", row.get("rate", "")))
    if slot not in (*slots, PULSE):
        raise InputError(f'{where}: "{slot}" is not a slot. {nearest(slot, slots)}')
    dimension = str(row.get("dimension"))
    if dimension not in DIMENSIONS:
        raise InputError(f'{where}: dimension "{dimension}". {nearest(dimension, DIMENSIONS)}')
    factors, most = tuple(row.get("factors", ())), str(row.get("most", ""))
    quantity(most, dimension)
    sexed = {ORAL_BISPHOSPHONATE: ("bisphosphonate_oral_female_share", "bisphosphonate_oral_male_share")}
    uses = (*(one for name in factors for one in sexed.get(name, (name,))), *row.get("parameters", ()), *own)
    for name in uses:
        ParameterSet.load()[f"drug.{name}"]
    return Route(slot, dimension, most, factors, float(row.get("scale", 1.0)), uses, tuple(row.get("also", ())))
