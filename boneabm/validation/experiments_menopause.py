"""Quantities of menopause: a run from five years before to ten years after the final period (day 1825)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from boneabm.validation import bookkeeping as books
from boneabm.validation.finished import Arms, FinishedRun, years
from boneabm.validation.measures import OfArms, OfRun, Quantity, difference, each, percent_over, quotient, ratio

YEAR_D, HALF_YEAR_D = 365, 182
ARM, CONTROL = "menopause", "premenopausal"
FINAL_D = 5 * YEAR_D


def after(final_y: float) -> float:
    """Day of the run so many years after the final period."""
    return FINAL_D + final_y * YEAR_D


START, END = after(-5), after(10)
TEN_YEARS = (START, after(5))
FASTEST = (after(-1), after(2))
LATE = (after(3), END)
BEFORE = (START, after(-2))
EARLY_AFTER = (after(1), after(3))


def _per_year(name: str, window: books.Window) -> OfRun:
    """Fall of a column of the series, % of its first value per year."""
    return lambda run: -run.change_percent(name, *window) / years(*window)


def _dxa_change(window: books.Window) -> OfRun:
    """DXA-like change between two biopsies, % of the first."""
    name = "DXA_change_percent"

    def of(run: FinishedRun) -> float:
        first, last = (1.0 + 0.01 * run.biopsy(name, day) for day in window)
        return 100.0 * (last / first - 1.0)

    return of


def _biopsy_change(name: str, window: books.Window = (START, END)) -> OfRun:
    return lambda run: 100.0 * (run.biopsy(name, window[1]) / run.biopsy(name, window[0]) - 1.0)


def _whole_change(name: str) -> OfRun:
    """Change of a column of the series from five years before to ten years after the final period, %."""
    return lambda run: run.change_percent(name, START, END)


def _lost(mechanism: str) -> OfRun:
    return lambda run: run.biopsy(f"loss_{mechanism}_percent", END) - run.biopsy(f"loss_{mechanism}_percent", START)


def _all_lost(run: FinishedRun) -> float:
    return sum(_lost(name)(run) for name in ("thinning", "perforation", "breakage", "fragments"))


def _share(mechanism: str) -> OfArms:
    top: Callable[[FinishedRun], float] = lambda run: 100.0 * _lost(mechanism)(run)  # noqa: E731
    return ratio(top, _all_lost, ARM)


def _size(of: OfArms) -> OfArms:
    """Values turned so that their mean is not negative; the size of every single value would be too large."""

    def values(arms: Arms) -> np.ndarray:
        found = of(arms)
        return -found if np.nansum(found) < 0 else found

    return values


def _ac_f_before(run: FinishedRun) -> float:
    """Ac.f of the years 5 to 3 before the final period: means over the 365 d before two days a year apart."""
    return 0.5 * (run.at("Ac.f_per_y", after(-4)) + run.at("Ac.f_per_y", after(-3)))


def _resorbed_per_day(window: books.Window) -> OfRun:
    return lambda run: run.mean("resorbed_um3", *window)


def _late_over_early(of: Callable[[books.Window], OfRun]) -> OfArms:
    return ratio(of(LATE), of(FASTEST), ARM)


def _mean(name: str) -> Callable[[books.Window], OfRun]:
    return lambda window: lambda run: run.mean(name, *window)


def _percent(of: OfRun) -> OfRun:
    return lambda run: 100.0 * of(run)


BALANCE = (
    ("net loss", books.net_loss, "resorbed less formed bone, of the bone there is"),
    ("taken by closed sites", books.taken_by_sites, "what remodeling sites that closed left missing"),
    ("given by modeling", books.given_by_modeling, "what modeling sites that closed had added"),
    ("held by open sites", books.held_by_open_sites, "net loss + given by modeling - taken by closed sites"),
)
MENOPAUSE = (
    Quantity("RANKL per cell", "fold",
             ratio(lambda run: run.at("m_rankl", after(2)), lambda run: run.at("m_rankl", START), ARM),
             "modulator of RANKL production, 2 y after over 5 y before the final period"),
    Quantity("Ac.f rise", "%",
             percent_over(ratio(lambda run: run.at("Ac.f_per_y", after(1) + HALF_YEAR_D), _ac_f_before, ARM)),
             "mean of the year around 12 months after the final period over years 5 to 3 before it"),
    Quantity("Ac.f before", "1/y", each(_ac_f_before, ARM), "years 5 to 3 before the final period"),
    Quantity("BMU balance before", "um", each(books.balance_um(BEFORE), ARM), "W.Th - E.De, sites closed before -2 y"),
    Quantity("BMU balance change", "um",
             each(lambda run: books.balance_um(EARLY_AFTER)(run) - books.balance_um(BEFORE)(run), ARM),
             "W.Th - E.De, sites closed 1 to 3 y after less those closed 5 to 2 y before"),
    Quantity("E.De change", "um",
             each(lambda run: books.erosion_depth_um(EARLY_AFTER)(run) - books.erosion_depth_um(BEFORE)(run), ARM),
             "same sites"),
    Quantity("W.Th change", "um",
             each(lambda run: books.wall_um(EARLY_AFTER)(run) - books.wall_um(BEFORE)(run), ARM), "same sites"),
    Quantity("BV/TV change", "%", each(lambda run: run.change_percent("BV/TV", *TEN_YEARS), ARM), "-5 to +5 y"),
    Quantity("BV/TV change against control", "%",
             difference(lambda run: run.change_percent("BV/TV", *TEN_YEARS), ARM, CONTROL), "-5 to +5 y, paired"),
    Quantity("vBMD change", "%", each(lambda run: run.change_percent("mineral_g_per_cm3", *TEN_YEARS), ARM),
             "trabecular mineral per tissue volume, -5 to +5 y"),
    Quantity("DXA-like change, ten years", "%", each(_dxa_change(TEN_YEARS), ARM), "k x vBMD change, -5 to +5 y"),
    Quantity("DXA-like change, transmenopause", "%", each(_dxa_change(FASTEST), ARM), "-1 to +2 y"),
    Quantity("slowdown", "",
             ratio(_per_year("mineral_g_per_cm3", FASTEST), _per_year("mineral_g_per_cm3", LATE), ARM),
             "vBMD loss per year, -1 to +2 y over +3 to +10 y"),
    Quantity("late loss", "%/y", each(_per_year("mineral_g_per_cm3", LATE), ARM), "vBMD, +3 to +10 y"),
    Quantity("slowdown: Ac.f late over early", "", _late_over_early(_mean("Ac.f_per_y")),
             "+3 to +10 y over -1 to +2 y"),
    Quantity("slowdown: deficit late over early", "", _late_over_early(books.deficit_um),
             "bone a site removes for good per area; same windows"),
    Quantity("slowdown: BS/BV late over early", "", _late_over_early(_mean("BS/BV_per_mm")), "same windows"),
    Quantity("slowdown: occupancy late over early", "", _late_over_early(_mean("occupancy")), "same windows"),
    Quantity("slowdown: signal late over early", "", _late_over_early(_mean("signal_median")),
             "median osteocyte signal; same windows"),
    *(Quantity(f"{name}, {when}", "%/y", each(_percent(of(window)), ARM), meaning)
      for when, window in (("-1 to +2 y", FASTEST), ("+3 to +10 y", LATE)) for name, of, meaning in BALANCE),
    Quantity("Tb.N change", "%", each(_biopsy_change("Tb.N_per_mm"), ARM), "-5 to +10 y"),
    Quantity("Tb.Sp change", "%", each(_biopsy_change("Tb.Sp_um"), ARM), "-5 to +10 y"),
    Quantity("Tb.Th change", "%", each(_biopsy_change("Tb.Th_um"), ARM), "-5 to +10 y"),
    *(Quantity(f"Conn.D change{told}", "1/mm3",
               each(lambda run: run.biopsy_difference("Conn.D_per_mm3", START, END), arm), "-5 to +10 y")
      for told, arm in (("", ARM), (", control", CONTROL))),
    Quantity("Tb.Th over Tb.N effect", "",
             _size(ratio(_biopsy_change("Tb.Th_um"), _biopsy_change("Tb.N_per_mm"), ARM)),
             "size of the mean change of Tb.Th over that of Tb.N"),
    *(Quantity(f"loss by {name}", "% of loss", _share(name), "-5 to +10 y, lost volume by what removed it")
      for name in ("thinning", "perforation", "breakage", "fragments")),
    Quantity("stiffness over mass", "",
             ratio(_whole_change("stiffness_zz_mpa"), _whole_change("BV/TV"), ARM),
             "relative fall of the apparent modulus along z over that of BV/TV, -5 to +10 y"),
    Quantity("stiffness over mass, against control", "",
             quotient(difference(_whole_change("stiffness_zz_mpa"), ARM, CONTROL),
                      difference(_whole_change("BV/TV"), ARM, CONTROL)),
             "the same, less the control: generated bone stiffens in both arms, as it adapts to its load"),
    Quantity("CTX-like rise", "%",
             percent_over(ratio(_resorbed_per_day((after(0), after(1))), _resorbed_per_day((START, after(-3))), ARM)),
             "bone resorbed per day, first year after the final period over years 5 to 3 before it"),
)  # fmt: skip
