"""Quantities of disuse, of no load, and of loads that change places."""

from __future__ import annotations

import numpy as np

from boneabm.validation.finished import FinishedRun
from boneabm.validation.measures import OfArms, OfRun, Quantity, difference, each, quotient

BEGIN_D, END_D, LAST_D = 0, 119, 849
HALF_YEAR_LATER = END_D + 182
MONTH_D = 30.4
FIVE_Y = 5 * 365


def _change(name: str, last_d: float) -> OfRun:
    return lambda run: run.change_percent(name, BEGIN_D, last_d)


def _against_habitual(name: str, last_d: float, arm: str = "bed_rest") -> OfArms:
    return difference(_change(name, last_d), arm, "habitual")


def _biopsy_against(name: str, last_d: float) -> OfArms:
    return difference(lambda run: run.biopsy(name, last_d) - run.biopsy(name, 0), "bed_rest", "habitual")


def _regained(last_d: float) -> OfArms:
    """Share of the bone lost in disuse (against the control) that is back on a day, %."""

    left = quotient(_against_habitual("BV/TV", last_d), _against_habitual("BV/TV", END_D))
    return lambda arms: 100.0 * (1.0 - left(arms))


def _events(kind: str) -> OfRun:
    def of(run: FinishedRun) -> float:
        if "event" not in run.events:
            return 0.0
        return float((run.events["event"].astype(str) == kind).sum())

    return of


DISUSE = (
    Quantity("BV/TV after 17 weeks", "%", _against_habitual("BV/TV", END_D), "against the habitual arm, paired"),
    Quantity("vBMD after 17 weeks", "%", _against_habitual("mineral_g_per_cm3", END_D), "against the habitual arm"),
    Quantity("DXA-like after 17 weeks", "%", _biopsy_against("DXA_change_percent", END_D), "against the habitual arm"),
    Quantity("regained after 6 months", "% of loss", _regained(HALF_YEAR_LATER), "BV/TV, against the habitual arm"),
    Quantity("regained after 2 years", "% of loss", _regained(LAST_D), "BV/TV, against the habitual arm"),
    Quantity("extra cuts and holes", "",
             difference(lambda run: _events("breakage")(run) + _events("perforation")(run), "bed_rest", "habitual"),
             "breakages and perforations more than in the habitual arm, per block of 2.1 mm3"),
    Quantity("stiffness after 2 years", "%", _against_habitual("stiffness_zz_mpa", LAST_D), "against the habitual arm"),
    Quantity("no load: BV/TV after 28 months", "%", _against_habitual("BV/TV", LAST_D, "no_load"),
             "against the habitual arm"),
    Quantity("no load: vBMD per month", "%/month",
             lambda arms: _against_habitual("mineral_g_per_cm3", BEGIN_D + 150, "no_load")(arms) / (150 / MONTH_D),
             "first five months, against the habitual arm"),
)  # fmt: skip


def _turned(run: FinishedRun) -> float:
    """How far ln(stiffness x / stiffness z) went from its start toward the opposite of its start, %."""
    first, last = (np.log(run.at("stiffness_xx_mpa", day) / run.at("stiffness_zz_mpa", day)) for day in (0, FIVE_Y))
    return float(100.0 * (last - first) / (-2.0 * first))


LOAD_EXCHANGE = (
    Quantity("stiffness along the new load", "%",
             difference(lambda run: run.change_percent("stiffness_xx_mpa", 0, FIVE_Y), "exchanged", "habitual"),
             "along x, five years, against the habitual arm"),
    Quantity("stiffness along the old load", "%",
             difference(lambda run: run.change_percent("stiffness_zz_mpa", 0, FIVE_Y), "exchanged", "habitual"),
             "along z, five years, against the habitual arm"),
    Quantity("anisotropy turned", "%", each(_turned, "exchanged"),
             "ln(stiffness x / z): 0 as it was, 50 equal, 100 x and z have changed places"),
    Quantity("fabric angle", "degrees",
             difference(lambda run: run.biopsy("fabric_angle_deg", FIVE_Y), "exchanged", "habitual"),
             "principal direction against z, against the habitual arm"),
    Quantity("BV/TV change", "%",
             difference(lambda run: run.change_percent("BV/TV", 0, FIVE_Y), "exchanged", "habitual"),
             "five years, against the habitual arm"),
)  # fmt: skip
