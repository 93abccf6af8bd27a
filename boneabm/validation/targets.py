"""Published figures that experiments are compared with, and the constants that were fitted to such figures."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from boneabm.endocrine.effects import effect_table
from boneabm.errors import InputError
from boneabm.parameters import ParameterSet

DATA = Path(str(resources.files("boneabm"))) / "data" / "validation"
TARGETS = DATA / "targets.csv"
FITS = DATA / "fitted.csv"
"""What constants were set to: name, target, figure; experiment and quantity where the suite measures it."""
BASES = ("input", "fitted", "prediction", "identity", "")
FITTED = re.compile(r"\b(fitted|calibrated|normalized|fit to|set so that)\b", re.IGNORECASE)
"""A constant counts as fitted when its source or note says so with one of these words."""


@dataclass(frozen=True)
class Target:
    """What a quantity of an experiment should come to.

    id            : as in the project's list of targets
    experiment, quantity : names in the suite; both "" where the target is not simulated
    low, high     : accepted band, unit of the quantity; -inf or inf where it is open on one side
    basis         : "input" (the model is given this number, or numbers that fix it), "fitted" (a constant was set to
                    reach it), "prediction" (nothing was set to reach it), "identity" (holds by counting, or fails)
    not_simulated : why it is not tested; "" where it is
    """

    id: str
    experiment: str
    quantity: str
    low: float
    high: float
    unit: str
    basis: str
    source: str
    url: str
    confidence: str
    note: str
    not_simulated: str

    def band(self) -> str:
        """The band in words: "0.1 to 0.16", "at least 2", "at most 0"."""
        if math.isinf(self.low) and math.isinf(self.high):
            return "-"
        if math.isinf(self.high):
            return f"at least {self.low:g}"
        return f"at most {self.high:g}" if math.isinf(self.low) else f"{self.low:g} to {self.high:g}"


def read_targets(path: Path = TARGETS) -> tuple[Target, ...]:
    """Every row of a file of targets, those not simulated too.

    Raises InputError for a missing column, a band upside down, an unknown basis or a row without source.
    """
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    try:
        targets = tuple(_target(row) for row in rows)
    except (KeyError, ValueError) as error:
        raise InputError(f"{path}: not a table of targets ({error}).") from None
    wrong = [f"{path}, {t.id}: {problem}" for t in targets for problem in _problems(t)]
    if wrong:
        raise InputError("\n".join(wrong))
    return targets


def _target(row: dict[str, str]) -> Target:
    low, high = float(row["low"] or -math.inf), float(row["high"] or math.inf)
    texts = ("unit", "basis", "source", "url", "confidence", "note", "not_simulated")
    return Target(row["id"], row["experiment"], row["quantity"], low, high, *(row[name] for name in texts))


def _problems(target: Target) -> Iterable[str]:
    if not target.low <= target.high:
        yield f"low, {target.low:g}, is above high, {target.high:g}."
    if target.basis not in BASES:
        yield f'basis "{target.basis}". Allowed: {", ".join(BASES[:-1])}.'
    if not target.source:
        yield 'no source. Name the paper, or write "design criterion".'
    if bool(target.quantity) == bool(target.not_simulated):
        yield "needs either a quantity or the reason why it is not simulated."


@dataclass(frozen=True)
class Constants:
    """Numbers of the model by where they come from; fitted and assumed ones by name.

    targets : what fitted ones were set to, by name, where fitted.csv says it
    """

    total: int
    fitted: tuple[str, ...]
    assumed: tuple[str, ...]
    fitted_effects: tuple[str, ...]
    effects: int
    targets: Mapping[str, str]

    def count(self) -> str:
        """The count in words."""
        return (
            f"Of {self.total} parameters {len(self.fitted)} are fitted and {len(self.assumed)} assumed, of "
            f"{self.effects} effects of hormones {len(self.fitted_effects)} are fitted"
        )

    def sentence(self) -> str:
        """The count in words, and every fitted constant by name."""
        told = (f"{n} ({self.targets[n]})" if n in self.targets else n for n in (*self.fitted, *self.fitted_effects))
        names = ", ".join(told) or "none"
        return f"{self.count()}, by their own source and note or to a target in brackets. Fitted: {names}."


def constants() -> Constants:
    """Count the constants of the model; fitted is what says so in its own source or note, or what fitted.csv lists."""
    known, table = ParameterSet.load(), effect_table()
    targets = {fit.name: fit.target for fit in fits().values()}
    rows = known.rows()
    numbers = {f"{row['section']}.{row['name']}": f"{row['source']} {row['note']}" for row in rows}
    words = [(f"{effect.driver} -> {effect.target}", f"{effect.source} {effect.note}") for effect in table]
    fitted = tuple(name for name, text in numbers.items() if FITTED.search(text) or name in targets)
    effects = tuple(name for name, text in words if FITTED.search(text) or name in targets)
    assumed = tuple(p.dotted for p in known.assumed() if p.dotted not in fitted)
    refuse_unknown(set(targets) - {*fitted, *effects})
    return Constants(len(rows), fitted, assumed, effects, len(table), targets)


@dataclass(frozen=True)
class Fit:
    """What a constant was set to: a target, its figure in words, and the quantity of the suite ("" where none)."""

    name: str
    target: str
    figure: str
    experiment: str
    quantity: str


def fits(path: Path = FITS) -> dict[str, Fit]:
    """What constants were set to, by name."""
    with path.open(encoding="utf-8", newline="") as file:
        return {row["name"]: Fit(**row) for row in csv.DictReader(file)}


def refuse_unknown(names: set[str]) -> None:
    """Raise InputError for listed names that are none of the model."""
    if names:
        told = f"{FITS}: no such number: {', '.join(sorted(names))}."
        raise InputError(f'{told} Write "section.name" or "driver -> target", as in the data.')
