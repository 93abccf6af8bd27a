"""The table of a validation: each quantity with its target, its simulated mean and interval, and a verdict."""

from __future__ import annotations

import csv
import math
import warnings
from collections import UserDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from boneabm.analysis.ensemble import Interval, mean_interval
from boneabm.identity import model_version
from boneabm.io.hdf import in_place
from boneabm.sweep.folder import put_text
from boneabm.validation.experiments import Experiment
from boneabm.validation.finished import Arms, FinishedRun
from boneabm.validation.measures import Quantity
from boneabm.validation.suite import Planned, arms_of
from boneabm.validation.targets import Constants, Target, constants, read_targets

Verdict = Literal["pass", "warn", "fail", "-", "not measured"]
VERDICTS: tuple[Verdict, ...] = ("pass", "warn", "fail", "not measured")
TOLD = ("id", "low", "high", "basis", "source", "url", "confidence", "note")
NO_VALUE = "no finished run tells it"


@dataclass(frozen=True)
class Row:
    """One line of the table; `target` is None where a quantity is shown beside the tests.

    low_confidence : drugs of low confidence that are given in the arms it is measured on
    """

    experiment: str
    quantity: Quantity
    target: Target | None
    interval: Interval
    low_confidence: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """pass: mean inside the band; warn: outside, its interval touches the band; fail: neither; "-": no target."""
        return verdict_of(self.interval, self.target)

    @property
    def sure(self) -> bool:
        """Whether the whole interval lies inside the band; a pass without it may be luck."""
        return (
            self.target is not None and self.target.low <= self.interval.low and self.interval.high <= self.target.high
        )

    def facts(self) -> dict[str, Any]:
        """As written into validation.csv."""
        target, found = self.target, self.interval
        told: dict[str, Any] = dict.fromkeys(TOLD, "")
        if target is not None:
            told = {name: getattr(target, name) for name in TOLD}
            told |= {name: "" for name in ("low", "high") if math.isinf(told[name])}
        values = {"mean": found.estimate, "interval_low": found.low, "interval_high": found.high, "n": found.n}
        head = {"experiment": self.experiment, "quantity": self.quantity.name, "unit": self.quantity.unit}
        last = {"low_confidence": ", ".join(self.low_confidence), "how": self.quantity.meaning}
        return {**head, **values, **told, "verdict": self.verdict, "sure": self.sure, **last}


def verdict_of(interval: Interval, target: Target | None) -> Verdict:
    """Verdict on a mean and its interval against a band."""
    if math.isnan(interval.estimate):
        return "not measured" if target is not None else "-"
    if target is None:
        return "-"
    if target.low <= interval.estimate <= target.high:
        return "pass"
    touches = interval.low <= target.high and interval.high >= target.low
    return "warn" if touches else "fail"


def rows_of(experiment: Experiment, arms: Arms, targets: Iterable[Target]) -> list[Row]:
    """Rows of an experiment, one per quantity and target."""
    own = [target for target in targets if target.experiment == experiment.name]
    rows = []
    for quantity in experiment.quantities:
        read = _Read(arms)
        interval, weak = interval_of(quantity, read), read.low_confidence()
        meant: list[Target | None] = [target for target in own if target.quantity == quantity.name]
        rows += [Row(experiment.name, quantity, target, interval, weak) for target in meant or [None]]
    return rows


class _Read(UserDict[str, Sequence[FinishedRun]]):
    """Arms that remember which of them were looked at."""

    def __init__(self, arms: Arms) -> None:
        super().__init__(arms)
        self.seen: set[str] = set()

    def __getitem__(self, arm: str) -> Sequence[FinishedRun]:
        self.seen.add(arm)
        return self.data[arm]

    def low_confidence(self) -> tuple[str, ...]:
        """Drugs of low confidence in those arms; all bones of an arm are given the same."""
        given = (run.low_confidence_drugs for arm in self.seen for run in self.data[arm][:1])
        return tuple(sorted({drug for drugs in given for drug in drugs}))


def interval_of(quantity: Quantity, arms: Arms) -> Interval:
    """Mean over bones with its 95 % interval; values that are not finite are left out."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        values = np.asarray(quantity.of(arms), np.float64)
    return mean_interval(np.where(np.isfinite(values), values, np.nan))


@dataclass(frozen=True)
class Validation:
    """Everything that one validation found."""

    rows: list[Row]
    not_simulated: list[Target]
    constants: Constants
    version: str

    def count(self, verdict: Verdict) -> int:
        """Number of rows with this verdict."""
        return sum(row.verdict == verdict for row in self.rows)

    def summary(self) -> str:
        """One line: how many passed, and so on."""
        told = [f"{self.count(verdict)} {verdict}" for verdict in VERDICTS]
        return ", ".join([*told, f"{len(self.not_simulated)} targets not simulated yet"])


def validate(experiments: Sequence[Experiment], sweeps: Mapping[str, Planned]) -> Validation:
    """Measure experiments on their finished runs and compare them with the targets."""
    targets = read_targets()
    rows = [row for experiment in experiments for row in rows_of(experiment, arms_of(experiment, sweeps), targets)]
    return Validation(rows, [t for t in targets if t.not_simulated], constants(), model_version())


def write_validation(found: Validation, folder: Path) -> tuple[Path, Path]:
    """Write validation.csv and validation.md into a folder; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    table, page = folder / "validation.csv", folder / "validation.md"
    write_facts(table, [row.facts() for row in found.rows])
    put_text(page, page_text(found))
    return table, page


def write_facts(table: Path, facts: Sequence[Mapping[str, Any]]) -> None:
    """Write records that have the same keys as a CSV file."""
    with in_place(table) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(facts[0]) if facts else ["experiment"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(facts)


HEADER = ("quantity", "target", "simulated mean (95 % interval), n", "verdict", "basis", "source of the target")
LEGEND = """Verdict: **pass** mean inside the target band (pass*: its interval leaves the band, more bones are needed
to be sure); **warn** mean outside, but its 95 % interval touches the band; **fail** neither; - shown
without a target. The interval is Student's t over bones (one seed each): it speaks of these generated
bones, not of persons. Basis: *input*, the model is given this number or numbers that fix it; *fitted*, a
constant was set to reach it; *prediction*, nothing was set to reach it; *identity*, it holds by counting
or fails."""


def page_text(found: Validation) -> str:
    """validation.md: one table per experiment, what is not simulated, constants and version."""
    parts = ["# Validation", f"Model version {found.version}. {found.summary()}.", LEGEND]
    for name in dict.fromkeys(row.experiment for row in found.rows):
        parts += [f"## {name}", _table([row for row in found.rows if row.experiment == name])]
        parts += weak_lines(row for row in found.rows if row.experiment == name)
        parts += ["How measured: " + "; ".join(_meanings(found.rows, name)) + "."]
    parts += ["## Not simulated yet", _not_simulated(found.not_simulated)]
    parts += ["## Constants", found.constants.sentence()]
    return "\n\n".join(parts) + "\n"


def weak_lines(rows: Iterable[Row]) -> list[str]:
    """One sentence with the rows that rest on drugs of low confidence; none where there are none."""
    weak = [row for row in rows if row.low_confidence]
    named = dict.fromkeys(f"{row.quantity.name} ({', '.join(row.low_confidence)})" for row in weak)
    return [f"Of low confidence, by the drugs that are given: {'; '.join(named)}."] if named else []


def _meanings(rows: Iterable[Row], experiment: str) -> list[str]:
    return list(dict.fromkeys(f"{r.quantity.name}: {r.quantity.meaning}" for r in rows if r.experiment == experiment))


def _table(rows: Iterable[Row]) -> str:
    lines = [HEADER, ("---",) * len(HEADER), *(cells(row) for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def cells(row: Row) -> tuple[str, ...]:
    """A row in words, in the order of HEADER."""
    target, unit = row.target, row.quantity.unit
    name = f"{row.quantity.name}, {unit}" if unit else row.quantity.name
    if target is None:
        return name, "-", value_text(row.interval), "-", "-", "-"
    told = "; ".join(text for text in (f"{target.id}: {target.source}", target.note) if text)
    verdict = f"{row.verdict}*" if row.verdict == "pass" and not row.sure else row.verdict
    return name, target.band(), value_text(row.interval), verdict, target.basis, told


def value_text(interval: Interval) -> str:
    """Mean, interval and number of bones: "0.126 (0.11 to 0.142), 8"."""
    if math.isnan(interval.estimate):
        return NO_VALUE
    if math.isnan(interval.low):
        return f"{interval.estimate:.3g} (no interval), {interval.n}"
    return f"{interval.estimate:.3g} ({interval.low:.3g} to {interval.high:.3g}), {interval.n}"


def _not_simulated(targets: Iterable[Target]) -> str:
    return "\n".join(f"- {t.id} ({t.note}; {t.source}): {t.not_simulated}." for t in targets)
