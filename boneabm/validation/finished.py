"""One finished run as validation reads it: daily series, closed sites and virtual biopsies over windows of days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from boneabm.analysis.doubts import doubted_drugs
from boneabm.io.series import read_table
from boneabm.scenario import GeneratedBone, Scenario
from boneabm.sweep.outcomes import NAN, RunTables
from boneabm.units import DAYS_PER_YEAR

BIOPSY, FATES = "biopsy.csv", "mechanoregulation.csv"
NEAR_D = 31


class FinishedRun(RunTables):
    """Tables of one finished run; a quantity that its files do not hold is nan."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.day = self.column("day")

    @cached_property
    def biopsies(self) -> dict[str, np.ndarray]:
        """Columns of biopsy.csv, none where the run took no biopsies."""
        file = self.path / BIOPSY
        return read_table(file) if file.exists() else {}

    @cached_property
    def scenario(self) -> Scenario:
        """The resolved scenario."""
        file = self.path / "scenario.toml"
        return Scenario.from_toml(file.read_text(encoding="utf-8"), str(file))

    @cached_property
    def low_confidence_drugs(self) -> tuple[str, ...]:
        """Drugs that are given, of which too little is known in this person."""
        return tuple(doubted_drugs(self.scenario))

    @cached_property
    def tissue_um3(self) -> float:
        """Volume of the generated block, um3; nan for an image."""
        bone = self.scenario.bone
        return float(np.prod(bone.size_um)) if isinstance(bone, GeneratedBone) else NAN

    def at(self, name: str, day: float) -> float:
        """A column of the series on this day; nan where the run has no such day."""
        values, row = self.column(name), int(np.searchsorted(self.day, day))
        return float(values[row]) if row < values.size and self.day[row] == day else NAN

    def rows(self, name: str, first_d: float, last_d: float) -> np.ndarray:
        """A column of the series on the days first_d < day <= last_d."""
        values = self.column(name)
        return values[(self.day > first_d) & (self.day <= last_d)] if values.size else values

    def mean(self, name: str, first_d: float, last_d: float) -> float:
        """Mean of a column of the series over first_d < day <= last_d."""
        rows = self.rows(name, first_d, last_d)
        return float(rows.mean()) if rows.size else NAN

    def change_percent(self, name: str, first_d: float, last_d: float) -> float:
        """100 (value on last_d / value on first_d - 1)."""
        first = self.at(name, first_d)
        return 100.0 * (self.at(name, last_d) / first - 1.0) if first else NAN

    def sites(self, first_d: float, last_d: float, event: str = "site_closed") -> dict[str, np.ndarray]:
        """Records of the sites that closed on first_d < day <= last_d, by column."""
        day = self.closed("day", event)
        names = [] if not day.size else [n for n in self.events if self.events[n].dtype.kind == "f"]
        chosen = (day > first_d) & (day <= last_d)
        return {name: self.closed(name, event)[chosen] for name in names}

    def biopsy(self, name: str, day: float) -> float:
        """A column of the biopsy nearest to this day, nan where none was taken within a month of it."""
        days = self.biopsies.get("day", np.empty(0))
        if not days.size or name not in self.biopsies:
            return NAN
        row = int(np.argmin(np.abs(days - day)))
        return float(self.biopsies[name][row]) if abs(days[row] - day) <= NEAR_D else NAN

    def biopsy_mean(self, name: str, first_d: float, last_d: float) -> float:
        """Mean over the biopsies of first_d < day <= last_d that have a value."""
        days = self.biopsies.get("day", np.empty(0))
        values = self.biopsies.get(name, np.full(days.size, NAN))[(days > first_d) & (days <= last_d)]
        values = values[np.isfinite(values)] if values.dtype.kind == "f" else values[:0]
        return float(values.mean()) if values.size else NAN

    def biopsy_difference(self, name: str, first_d: float, last_d: float) -> float:
        """What a column of the biopsies has gained between two days, in its unit."""
        return self.biopsy(name, last_d) - self.biopsy(name, first_d)

    def fates(self, name: str) -> np.ndarray:
        """A column of mechanoregulation.csv by bin of the signal, mean over biopsies; empty where there are none."""
        file = self.path / FATES
        table = read_table(file) if file.exists() else {}
        if not table or not table["day"].size:
            return np.empty(0)
        return table[name].reshape(np.unique(table["day"]).size, -1).mean(axis=0)


Arms = Mapping[str, Sequence[FinishedRun]]
"""Finished runs by arm; entry i of every arm has the same bone and the same random numbers."""


def years(first_d: float, last_d: float) -> float:
    """Length of a window, y of 365 d."""
    return (last_d - first_d) / DAYS_PER_YEAR
