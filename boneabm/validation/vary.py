"""One constant at several values, and what its targets come to: how constants of the tissue were fitted."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from boneabm.errors import InputError
from boneabm.parameters import ParameterSet
from boneabm.validation.experiments import Experiment, chosen
from boneabm.validation.suite import Sizing
from boneabm.validation.table import Row, Validation, write_facts
from boneabm.validation.targets import Fit, Target, fits, read_targets

FORM = '"section.name=value,value,...", such as "osteoblast.balance=1.15,1.2,1.25"'


@dataclass(frozen=True)
class Varied:
    """A parameter and the values it is run with, in rising order."""

    name: str
    values: tuple[float, ...]

    def sizing(self, value: float, bones: int | None) -> Sizing:
        """How the suite is run with one of the values."""
        return Sizing(bones, {f"parameters.{self.name}": value})

    def folder(self, out: Path, value: float) -> Path:
        """Where the runs of one value lie."""
        return out / "vary" / f"{self.name}={value:g}"


def read_varied(text: str) -> Varied:
    """Parameter and values of a command line; InputError where they cannot be run."""
    name, _, listed = (part.strip() for part in text.partition("="))
    try:
        values = tuple(sorted({float(value) for value in listed.split(",") if value.strip()}))
    except ValueError:
        values = ()
    if not name or len(values) < 2 or len({f"{value:g}" for value in values}) < len(values):
        raise InputError(f'--vary "{text}" needs a parameter and two or more values, six digits each. Write {FORM}.')
    known = ParameterSet.load()
    for value in values:
        known.override({name: value})
    return Varied(name, values)


def experiments_of(varied: Varied, names: list[str]) -> tuple[Experiment, ...]:
    """Experiments by name; without names the one whose figure the parameter was fitted to.

    Raises InputError where there is none, or for one without targets.
    """
    fit = fits().get(varied.name)
    if not names and (fit is None or not fit.experiment):
        told = "was not fitted in an experiment of the suite"
        raise InputError(f"{varied.name} {told}: name the experiments whose targets are to be seen.")
    fitted_in = [fit.experiment.replace(" ", "-")] if fit else []
    experiments = chosen(names or fitted_in, fast=False)
    measured = {target.experiment for target in read_targets()}
    for one in experiments:
        if one.name not in measured:
            raise InputError(f'"{one.name}" has no targets that could follow {varied.name}. Name other experiments.')
    return experiments


@dataclass(frozen=True)
class Response:
    """What a quantity comes to at each value of a parameter.

    rows   : one per value, in the order of the values
    fitted : whether the parameter was set to this quantity
    """

    rows: tuple[Row, ...]
    values: tuple[float, ...]
    fitted: bool

    @property
    def means(self) -> tuple[float, ...]:
        """Mean over bones at every value."""
        return tuple(row.interval.estimate for row in self.rows)

    def met_at(self) -> float:
        """Value at which the mean meets the middle of its band, on straight lines between the values; nan if nowhere.

        Where a band is open on one side its bound is met.
        """
        target = self.rows[0].target
        return math.nan if target is None else crossing(self.values, self.means, aim(target))


def aim(target: Target) -> float:
    """Middle of a band, or its one bound."""
    if math.isinf(target.low):
        return target.high
    return target.low if math.isinf(target.high) else (target.low + target.high) / 2


def crossing(x: Sequence[float], y: Sequence[float], level: float) -> float:
    """First x at which straight lines through (x, y) reach a level; nan where they do not."""
    for (left, low), (right, high) in itertools.pairwise(zip(x, y, strict=True)):
        if low == level:
            return left
        if min(low, high) <= level <= max(low, high):
            return left + (right - left) * (level - low) / (high - low)
    return math.nan


def responses(varied: Varied, found: Mapping[float, Validation]) -> list[Response]:
    """Every quantity that has a target, at the values that were run; the fitted one first."""
    fit = fits().get(varied.name, Fit(varied.name, "", "", "", ""))
    values = tuple(found)
    together = zip(*(one.rows for one in found.values()), strict=True)
    listed = [
        Response(rows, values, (rows[0].experiment, rows[0].quantity.name) == (fit.experiment, fit.quantity))
        for rows in together
        if rows[0].target is not None
    ]
    return sorted(listed, key=lambda one: not one.fitted)


def write_responses(varied: Varied, listed: Sequence[Response], folder: Path) -> Path:
    """Write vary-NAME.csv: one row per quantity and value, with all columns of validation.csv; its path."""
    folder.mkdir(parents=True, exist_ok=True)
    table = folder / f"vary-{varied.name}.csv"
    facts = [
        {"parameter": varied.name, "value": value, "fitted_to": one.fitted, "met_at": one.met_at(), **row.facts()}
        for one in listed
        for value, row in zip(one.values, one.rows, strict=True)
    ]
    write_facts(table, facts)
    return table
