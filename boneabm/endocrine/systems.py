"""Systems of the body: how each enters a scenario, which drivers carry it, what it moves and in which direction."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources

from ..errors import InputError
from ..kernels.endocrine_layout import DRIVERS
from .effects import CONFIDENCE

FILE = "data/systems.csv"


@dataclass(frozen=True)
class System:
    """A system, the scenario keys and drugs by which it enters, its drivers, and the signs of a change."""

    system: str
    enters_by: str
    drivers: tuple[str, ...]
    change: str
    moves: dict[str, str]
    confidence: str
    source: str


@cache
def systems() -> tuple[System, ...]:
    """Every row of data/systems.csv; InputError on a missing source or an unknown driver."""
    text = resources.files("boneabm.data").joinpath("systems.csv").read_text(encoding="utf-8")
    return tuple(_system(row) for row in csv.DictReader(text.splitlines()))


def _system(row: dict[str, str]) -> System:
    drivers = tuple(row["drivers"].split())
    if not row["source"] or row["confidence"] not in CONFIDENCE or not set(drivers) <= set(DRIVERS):
        raise InputError(f"{FILE}, {row['system']}: needs a source, a confidence and known drivers.")
    moves = {word[:-1]: word[-1] for word in row["moves"].split()}
    return System(row["system"], row["enters_by"], drivers, row["change"], moves, row["confidence"], row["source"])
