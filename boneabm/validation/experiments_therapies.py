"""Quantities of hormones and drugs: women after menopause, women soon after it, men; treatment begins on day 30.

Arms are named "SWEEP/ARM". What a trial told against placebo is measured against the same bone left alone, what it told
against baseline against day 30 of the same run.
"""

from __future__ import annotations

from functools import cache

from boneabm.parameters import ParameterSet
from boneabm.sweep.outcomes import NAN
from boneabm.validation.finished import FinishedRun
from boneabm.validation.measures import OfArms, OfRun, Quantity, difference, each, percent_over, ratio

SWEEPS = ("therapies_women", "therapies_early", "therapies_men")
WOMEN, EARLY, MEN = (f"{name}/" for name in SWEEPS)
BEGIN_D = 30
ONE_Y, TWO_Y = BEGIN_D + 365, BEGIN_D + 730
TERIPARATIDE_END_D, DENOSUMAB_END_D, OFF_D = BEGIN_D + 630, TWO_Y, 180
BIOPSY_D = 730
SECOND_Y = (ONE_Y, TWO_Y)
SECOND_HALF_Y = (BEGIN_D + 185, ONE_Y)
RESORBED, FORMED, MINERAL = "resorbed_um3", "formed_um3", "mineral_g_per_cm3"

Window = tuple[int, int]


@cache
def _dxa_factor() -> float:
    return ParameterSet.load()["observation.dxa_factor"].value


def _density(last_d: int, first_d: int = BEGIN_D) -> OfRun:
    """Change of trabecular vBMD, %."""
    return lambda run: run.change_percent(MINERAL, first_d, last_d)


def dxa(last_d: int, first_d: int = BEGIN_D) -> OfRun:
    """DXA-like change, %: the one factor of the observation model x the change of vBMD."""
    return lambda run: _dxa_factor() * run.change_percent(MINERAL, first_d, last_d)


def _per_day(column: str, window: Window) -> OfRun:
    return lambda run: run.mean(column, *window)


def _per_surface(column: str, window: Window) -> OfRun:
    """A volume per day over bone surface, relative: x BV / BS."""

    def of(run: FinishedRun) -> float:
        surface = run.mean("BS/BV_per_mm", *window) * run.mean("BV/TV", *window)
        return run.mean(column, *window) / surface if surface else NAN

    return of


def _over_control(of: OfRun, arm: str, control: str) -> OfArms:
    """Change against the control, %: mean over bones over mean over bones."""
    return percent_over(ratio(of, of, arm, control))


def marker(column: str, window: Window, arm: str, control: str = WOMEN + "untreated") -> OfArms:
    """Change of a volume per day against the control, %."""
    return _over_control(_per_day(column, window), arm, control)


def _ac_f(day: int) -> OfRun:
    return lambda run: run.at("Ac.f_per_y", day)


def _calcium(run: FinishedRun) -> float:
    return run.biopsy("CaMean_wt_percent", BIOPSY_D)


def _women(of: OfRun, arm: str) -> OfArms:
    return difference(of, WOMEN + arm, WOMEN + "untreated")


def _after(days: int, length_d: int) -> Window:
    """The last days of a stretch that ends so many days after the treatment began."""
    return BEGIN_D + days - length_d, BEGIN_D + days


ANABOLIC = (
    Quantity("teriparatide: DXA-like in 21 months", "%", _women(dxa(TERIPARATIDE_END_D), "teriparatide"),
             "k x vBMD change, less untreated"),
    Quantity("teriparatide: bone formation rate at 40 d", "%",
             _over_control(_per_surface(FORMED, _after(40, 20)), WOMEN + "teriparatide", WOMEN + "untreated"),
             "formed volume per bone surface, days 21-40, over untreated"),
    Quantity("teriparatide: P1NP-like at 28 d", "%", marker(FORMED, _after(28, 14), WOMEN + "teriparatide"),
             "formed volume, days 15-28, over untreated"),
    Quantity("teriparatide: CTX-like at 28 d", "%", marker(RESORBED, _after(28, 14), WOMEN + "teriparatide"),
             "resorbed volume, days 15-28, over untreated; published: rises later and less than formation"),
    Quantity("teriparatide stopped: DXA-like in half a year", "%",
             _women(dxa(TERIPARATIDE_END_D + OFF_D, TERIPARATIDE_END_D), "teriparatide"),
             "k x vBMD change from the last dose on, less untreated"),
    Quantity("romosozumab: DXA-like in a year", "%", _women(dxa(ONE_Y), "romosozumab"),
             "k x vBMD change, less untreated"),
    Quantity("romosozumab: P1NP-like, months 2-3", "%", marker(FORMED, _after(91, 60), WOMEN + "romosozumab"),
             "formed volume, days 32-91, over untreated"),
    Quantity("romosozumab: P1NP-like, months 10-12", "%", marker(FORMED, _after(365, 90), WOMEN + "romosozumab"),
             "formed volume, last 90 days of the year, over untreated"),
    Quantity("romosozumab: CTX-like, months 10-12", "%", marker(RESORBED, _after(365, 90), WOMEN + "romosozumab"),
             "resorbed volume, last 90 days of the year, over untreated"),
)  # fmt: skip

ANTIRESORPTIVE = (
    Quantity("alendronate: Ac.f in the second year", "%",
             _over_control(_ac_f(TWO_Y), WOMEN + "alendronate", WOMEN + "untreated"),
             "claimed surface over bone surface, mean of the second year, over untreated"),
    Quantity("alendronate: formed volume in the second year", "%",
             marker(FORMED, SECOND_Y, WOMEN + "alendronate"), "over untreated"),
    Quantity("alendronate: DXA-like in two years", "%", _women(dxa(TWO_Y), "alendronate"),
             "k x vBMD change, less untreated"),
    Quantity("risedronate: Ac.f in the second year", "%",
             _over_control(_ac_f(TWO_Y), WOMEN + "risedronate", WOMEN + "untreated"),
             "claimed surface over bone surface, mean of the second year, over untreated"),
    Quantity("zoledronate: CaMean after 23 months", "%",
             _over_control(_calcium, WOMEN + "zoledronate", WOMEN + "untreated"), "virtual qBEI, over untreated"),
    Quantity("denosumab: DXA-like in two years", "%", each(dxa(TWO_Y), WOMEN + "denosumab"), "k x vBMD change"),
    Quantity("denosumab: CTX-like at one month", "%", marker(RESORBED, _after(30, 14), WOMEN + "denosumab"),
             "resorbed volume, days 17-30 after the first dose, over untreated"),
    Quantity("denosumab stopped: CTX-like in half a year", "%",
             marker(RESORBED, (DENOSUMAB_END_D, DENOSUMAB_END_D + OFF_D), WOMEN + "denosumab"),
             "resorbed volume, months 7-12 after the last dose, over untreated: above 0 is an overshoot"),
    Quantity("denosumab stopped: DXA-like in half a year", "%",
             _women(dxa(DENOSUMAB_END_D + OFF_D, DENOSUMAB_END_D), "denosumab"),
             "k x vBMD change, months 7-12 after the last dose, less untreated"),
)  # fmt: skip

OTHER = (
    Quantity("anastrozole: DXA-like in two years", "%", each(dxa(TWO_Y), WOMEN + "anastrozole"), "k x vBMD change"),
    Quantity("anastrozole: CTX-like", "%", marker(RESORBED, _after(185, 120), WOMEN + "anastrozole"),
             "resorbed volume, months 3-6, over untreated"),
    Quantity("atenolol: CTX-like at 20 weeks", "%", marker(RESORBED, _after(140, 60), WOMEN + "atenolol"),
             "resorbed volume, days 81-140, over untreated"),
    Quantity("ibutamoren: P1NP-like at a year", "%", marker(FORMED, SECOND_HALF_Y, WOMEN + "ibutamoren"),
             "formed volume, second half of the year, over untreated; published: osteocalcin"),
    Quantity("ibutamoren: CTX-like at a year", "%", marker(RESORBED, SECOND_HALF_Y, WOMEN + "ibutamoren"),
             "resorbed volume, second half of the year, over untreated; published: urinary NTx"),
    Quantity("hyperparathyroidism: DXA-like in two years", "%", _women(dxa(TWO_Y), "hyperparathyroidism"),
             "k x vBMD change, less untreated"),
    Quantity("calcium: DXA-like in a year", "%",
             difference(dxa(ONE_Y), WOMEN + "calcium", WOMEN + "little_calcium"),
             "k x vBMD change, less the same woman without supplement"),
)  # fmt: skip

ESTROGEN = (
    Quantity("oral estrogen: DXA-like in two years", "%", each(dxa(TWO_Y), EARLY + "oral"), "k x vBMD change"),
    Quantity("oral estrogen: DXA-like in a year, against untreated", "%",
             difference(dxa(ONE_Y), EARLY + "oral", EARLY + "untreated"), "k x vBMD change, less untreated"),
    Quantity("patch: DXA-like in a year", "%", each(dxa(ONE_Y), EARLY + "patch"), "k x vBMD change"),
    Quantity("patch: DXA-like in a year, against untreated", "%",
             difference(dxa(ONE_Y), EARLY + "patch", EARLY + "untreated"), "k x vBMD change, less untreated"),
    Quantity("progesterone over estrogen alone", "%/y",
             difference(dxa(ONE_Y), EARLY + "progesterone", EARLY + "oral"), "DXA-like change in a year"),
    Quantity("patch stopped: CTX-like at three weeks", "%",
             percent_over(ratio(_per_day(RESORBED, (ONE_Y + 7, ONE_Y + 21)),
                                _per_day(RESORBED, (ONE_Y - 90, ONE_Y)), EARLY + "patch")),
             "resorbed volume, days 8-21 after the patch, over the last 90 days with it"),
    Quantity("patch stopped: CTX-like in the third month", "%",
             percent_over(ratio(_per_day(RESORBED, (ONE_Y + 60, ONE_Y + 90)),
                                _per_day(RESORBED, (ONE_Y - 90, ONE_Y)), EARLY + "patch")),
             "resorbed volume, days 61-90 after the patch, over the last 90 days with it"),
    Quantity("arthritis around menopause: vBMD per year", "%/y", each(_density(ONE_Y), EARLY + "arthritis"),
             "first year from the final period on"),
    Quantity("prednisone: vBMD in 20 weeks", "%",
             difference(_density(BEGIN_D + 140), EARLY + "arthritis_prednisone", EARLY + "arthritis"),
             "less the same woman without prednisone"),
)  # fmt: skip

OF_MEN = (
    Quantity("testosterone: vBMD in a year", "%", difference(_density(ONE_Y), MEN + "testosterone", MEN + "untreated"),
             "less untreated"),
    Quantity("androgen deprivation: DXA-like in a year", "%", each(dxa(ONE_Y), MEN + "deprivation"),
             "k x vBMD change"),
    Quantity("growth hormone: DXA-like in two years", "%", each(dxa(TWO_Y), MEN + "growth_hormone"),
             "k x vBMD change"),
)  # fmt: skip

THERAPIES = (*ANABOLIC, *ANTIRESORPTIVE, *OTHER, *ESTROGEN, *OF_MEN)
