"""Key figures of a run: first and last value of what a clinic or a laboratory would ask for, with units."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from boneabm.report.record import Record, Table, column
from boneabm.units import DAYS_PER_YEAR

WINDOW_D = 30
"""Days over which turnover is averaged at the start and at the end."""


class Quantity(NamedTuple):
    """A row of the key figures: name, unit, column and factor to that unit.

    change : "%" of the first value, or "" where the value itself is a change or a ratio already
    """

    name: str
    unit: str
    column: str
    factor: float = 1.0
    change: str = "%"


class Figure(NamedTuple):
    """First and last value of a quantity and their days; nan where not known."""

    quantity: Quantity
    first: float
    last: float
    first_day: int
    last_day: int

    @property
    def change(self) -> float:
        """Change in % of the first value; nan where that is 0 or the quantity has none."""
        known = self.quantity.change == "%" and self.first and self.last_day > self.first_day
        return 100.0 * (self.last / self.first - 1.0) if known else float("nan")


FROM_BIOPSIES = (
    Quantity("trabecular thickness Tb.Th", "µm", "Tb.Th_um"),
    Quantity("trabecular separation Tb.Sp", "µm", "Tb.Sp_um"),
    Quantity("trabecular number Tb.N", "1/mm", "Tb.N_per_mm"),
    Quantity("connectivity density Conn.D", "1/mm³", "Conn.D_per_mm3"),
    Quantity("degree of anisotropy DA", "", "DA"),
    Quantity("resorption marker (CTX-like), relative to the first 30 d", "", "CTX_relative", 1.0, ""),
    Quantity("formation marker (P1NP-like), relative to the first 30 d", "", "P1NP_relative", 1.0, ""),
    Quantity("BMD change as DXA would see it (assumed factor)", "%", "DXA_change_percent", 1.0, ""),
)
FROM_SERIES = (
    Quantity("bone volume fraction BV/TV", "%", "BV/TV", 100.0),
    Quantity("bone surface BS/BV", "1/mm", "BS/BV_per_mm"),
    Quantity("trabecular vBMD (hydroxyapatite)", "mg/cm³", "mineral_g_per_cm3", 1000.0),
    Quantity("apparent stiffness along z", "MPa", "stiffness_zz_mpa"),
    Quantity("activation frequency Ac.f, trailing year", "1/y", "Ac.f_per_y"),
    Quantity("open remodeling sites", "", "open_sites"),
    Quantity("osteoclasts at work", "", "osteoclasts"),
    Quantity("osteoblasts", "", "osteoblasts"),
    Quantity("osteocytes", "", "osteocytes"),
    Quantity("serum estradiol", "pg/mL", "estradiol_pg_per_ml"),
    Quantity("serum PTH", "pg/mL", "pth_pg_per_ml"),
)
TURNOVER = (("bone resorption", "resorbed_um3"), ("bone formation", "formed_um3"))
COMMON = ("BV/TV", "Tb.Th_um", "stiffness_zz_mpa", "resorbed_um3", "formed_um3", "Ac.f_per_y", "Conn.D_per_mm3")
"""Columns of the table of several runs."""


def key_figures(record: Record) -> list[Figure]:
    """First and last values, those of the series, of turnover and of the biopsies; rows without numbers left out."""
    found = [_ends(record.series, one) for one in FROM_SERIES[:1]]
    found += [_ends(record.biopsy, one) for one in FROM_BIOPSIES[:5]]
    found += [_ends(record.series, one) for one in FROM_SERIES[1:5]]
    found += [_turnover(record, name, column_name) for name, column_name in TURNOVER]
    found += [_ends(record.biopsy, one) for one in FROM_BIOPSIES[5:]]
    found += [_ends(record.series, one) for one in FROM_SERIES[5:]]
    return [figure for figure in found if figure is not None]


def _ends(table: Table, quantity: Quantity) -> Figure | None:
    """First and last known value of a column."""
    values, days = quantity.factor * column(table, quantity.column), column(table, "day")
    known = np.flatnonzero(np.isfinite(values))
    if not known.size:
        return None
    first, last = known[0], known[-1]
    return Figure(quantity, float(values[first]), float(values[last]), int(days[first]), int(days[last]))


def _turnover(record: Record, name: str, column_name: str) -> Figure | None:
    rate, days = turnover_percent_per_y(record, column_name), column(record.series, "day")
    window = min(WINDOW_D, rate.size // 2)
    if not window:
        return None
    quantity = Quantity(f"{name}, mean of the first and last {window} d", "% of BV per year", column_name)
    return Figure(quantity, float(rate[:window].mean()), float(rate[-window:].mean()), int(days[0]), int(days[-1]))


def turnover_percent_per_y(record: Record, name: str) -> np.ndarray:
    """Volume resorbed or formed each day, percent of the bone volume of that day per year, (days,)."""
    volume_um3, bv_tv = column(record.series, name), column(record.series, "BV/TV")
    if not volume_um3.size or not bv_tv.size or not np.isfinite(record.tissue_mm3):
        return np.empty(0)
    bone_um3 = bv_tv * record.tissue_mm3 * 1e9
    return 100.0 * DAYS_PER_YEAR * volume_um3 / np.maximum(bone_um3, 1e-9)
