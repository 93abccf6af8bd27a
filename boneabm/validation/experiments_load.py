"""Quantities of disuse, of no load, and of loads that are turned."""

from __future__ import annotations

from boneabm.validation.finished import FinishedRun
from boneabm.validation.measures import OfArms, OfRun, Quantity, difference, each, quotient, ratio

BEGIN_D, END_D, LAST_D = 0, 119, 849
HALF_YEAR_LATER = END_D + 182
MONTH_D = 30.4
TILT_DEG = 30.0
SIX_Y = 6 * 365


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


def _followed(name: str, day: float) -> OfArms:
    """How far a direction of the turned arm went from that of the habitual arm, bone by bone, % of the tilt.

    Directions are lines, so the difference is taken within -90..90 degrees.
    """
    apart = difference(lambda run: run.biopsy(name, day), "turned", "habitual")
    return lambda arms: 100.0 * ((apart(arms) + 90.0) % 180.0 - 90.0) / TILT_DEG


def _modulus(name: str, last_d: float) -> OfArms:
    def of(run: FinishedRun) -> float:
        return run.biopsy(name, last_d)

    return ratio(of, of, "turned", "habitual")


LOAD_TURNED = (
    Quantity("fabric turned", "%", _followed("fabric_tilt_deg", SIX_Y),
             "longest mean intercept length in the z-x plane after six years, less the habitual arm, share of 30 deg"),
    Quantity("stiffest direction turned", "%", _followed("stiff_tilt_deg", SIX_Y),
             "largest Young's modulus in the z-x plane after six years, less the habitual arm, share of 30 deg"),
    Quantity("fabric turned, two years", "%", _followed("fabric_tilt_deg", 2 * 365), "the same after two years"),
    Quantity("stiffest turned, two years", "%", _followed("stiff_tilt_deg", 2 * 365), "the same after two years"),
    Quantity("modulus along the new load", "", _modulus("youngs_30_mpa", SIX_Y),
             "Young's modulus 30 deg from z after six years over that of the habitual arm"),
    Quantity("modulus along the old load", "", _modulus("youngs_z_mpa", SIX_Y),
             "Young's modulus along z after six years over that of the habitual arm"),
    Quantity("DA at the start", "", each(lambda run: run.biopsy("DA", 0), "habitual"),
             "degree of anisotropy on day 0: without a direction nothing can turn"),
    Quantity("fabric against z, habitual", "degrees",
             each(lambda run: run.biopsy("fabric_tilt_deg", SIX_Y), "habitual"),
             "longest mean intercept length in the z-x plane of the habitual arm after six years"),
    Quantity("stiffest against z, habitual", "degrees",
             each(lambda run: run.biopsy("stiff_tilt_deg", SIX_Y), "habitual"),
             "largest Young's modulus in the z-x plane of the habitual arm after six years"),
    Quantity("BV/TV change", "%", difference(lambda run: run.change_percent("BV/TV", 0, SIX_Y), "turned", "habitual"),
             "six years, against the habitual arm"),
)  # fmt: skip
