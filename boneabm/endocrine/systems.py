"""Systems of the body: how each enters a scenario, which drivers carry it, what it moves and in which direction."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources

from ..errors import InputError
from ..kernels.endocrine_layout import DRIVERS, INPUTS, STATES
from .effects import CONFIDENCE

FILE = "data/systems.csv"
SEXES = ("", "female", "male")


@dataclass(frozen=True)
class System:
    """A system, the scenario keys and drugs by which it enters, its drivers, and the signs of a change.

    own  : the drivers, inputs and states that no other system moves, or that it is about: off reference, it is in use
    only : the sex that has it, "" for both
    """

    system: str
    enters_by: str
    drivers: tuple[str, ...]
    own: tuple[str, ...]
    only: str
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
    drivers, own = tuple(row["drivers"].split()), tuple(row["own"].split())
    if not row["source"] or row["confidence"] not in CONFIDENCE or not set(drivers) <= set(DRIVERS):
        raise InputError(f"{FILE}, {row['system']}: needs a source, a confidence and known drivers.")
    if not own or not set(own) <= {*DRIVERS, *INPUTS, *STATES} or row["only"] not in SEXES:
        raise InputError(f"{FILE}, {row['system']}: own: drivers, inputs or states; only: female, male or nothing.")
    moves = {word[:-1]: word[-1] for word in row["moves"].split()}
    told = (row["change"], moves, row["confidence"], row["source"])
    return System(row["system"], row["enters_by"], drivers, own, row["only"], *told)
