"""Quantities of the reference adult, the books, mechanoregulation, stiffness, voxel size and the fast part."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy import stats

from boneabm.sweep.outcomes import NAN
from boneabm.validation import bookkeeping as books
from boneabm.validation.finished import Arms, FinishedRun
from boneabm.validation.measures import OfArms, OfRun, Quantity, difference, each, percent_over, pooled, ratio

YEAR_D = 365
END_D = 10 * YEAR_D
ADULT = (0.0, float(END_D))
AFTER = (7.0 * YEAR_D, 15.0 * YEAR_D)
FIVE_Y = (0.0, 5.0 * YEAR_D)
HALF_YEAR = (0.0, 180.0)
MAR_MEANING = "mean rate of the osteoblasts of a day, median over days that had any"


def _ac_f(run: FinishedRun) -> float:
    return run.mean("Ac.f_per_y", YEAR_D, END_D)


def _drift(name: str) -> OfRun:
    """Change of a biopsy column from the first to the last biopsy of ten years, %."""

    def of(run: FinishedRun) -> float:
        first = run.biopsy(name, 0)
        return 100.0 * (run.biopsy(name, END_D) / first - 1.0) if first else NAN

    return of


def _biopsy(name: str, window: books.Window = ADULT) -> OfRun:
    return lambda run: run.biopsy_mean(name, *window)


def _labeled_ac_f(run: FinishedRun) -> float:
    """BFR/BS / W.Th with means over biopsies: in a small block many of them meet no labeled site at all."""
    labeled = 0.01 * run.biopsy_mean("MS/BS_percent", *ADULT)
    return labeled * run.biopsy_mean("MAR_um_per_d", *ADULT) * YEAR_D / books.wall_um(ADULT)(run)


REFERENCE = (
    Quantity("BV/TV change", "%", each(lambda run: run.change_percent("BV/TV", 0, END_D)), "day 0 to ten years"),
    Quantity("Ac.f", "1/y", each(_ac_f), "claimed surface over bone surface, years 1-10"),
    Quantity("Ac.f (biopsy)", "1/y", each(_labeled_ac_f), "MS/BS x MAR / W.Th, means over yearly virtual biopsies"),
    Quantity("W.Th", "um", each(books.wall_um(ADULT)), "all sites that closed, by area with a floor"),
    Quantity("W.Th (biopsy)", "um", each(_biopsy("W.Th_um")), "virtual biopsies"),
    Quantity("E.De", "um", each(books.erosion_depth_um(ADULT)), "all sites that closed, by area"),
    Quantity("MAR", "um/d", each(books.mar_um_per_d(ADULT)), MAR_MEANING),
    Quantity("MAR (biopsy)", "um/d", each(_biopsy("MAR_um_per_d")), "distance of double labels in virtual biopsies"),
    Quantity("BMU balance", "um", each(books.balance_um(ADULT)), "W.Th - E.De"),
    Quantity("ES/BS", "%", each(_biopsy("ES/BS_percent")), "virtual biopsies"),
    Quantity("OS/BS", "%", each(_biopsy("OS/BS_percent")), "virtual biopsies"),
    Quantity("MS/BS", "%", each(_biopsy("MS/BS_percent")), "double plus half the single labeled surface"),
    Quantity("CaMean drift", "%", each(_drift("CaMean_wt_percent")), "first to last biopsy"),
    Quantity("CaPeak drift", "%", each(_drift("CaPeak_wt_percent")), "first to last biopsy"),
    Quantity("CaWidth drift", "%", each(_drift("CaWidth_wt_percent")), "first to last biopsy"),
    Quantity("CaMean", "wt%", each(_biopsy("CaMean_wt_percent")), "virtual qBEI"),
    Quantity("CaPeak", "wt%", each(_biopsy("CaPeak_wt_percent")), "virtual qBEI"),
    Quantity("CaWidth", "wt%", each(_biopsy("CaWidth_wt_percent")), "virtual qBEI"),
    Quantity(
        "stiffness change", "%", each(lambda run: run.change_percent("stiffness_zz_mpa", 0, END_D)),
        "apparent stiffness along z, day 0 to ten years",
    ),
    Quantity("Tb.N change", "%", each(_drift("Tb.N_per_mm")), "first to last biopsy"),
    Quantity("Conn.D change", "1/mm3",
             each(lambda run: run.biopsy_difference("Conn.D_per_mm3", 0, END_D)), "first to last biopsy"),
)  # fmt: skip

BOOKS = (
    Quantity(
        "loss identity", "",
        ratio(books.booked(books.deficit_um, AFTER), books.counted_loss(AFTER), "menopause/menopause"),
        "Ac.f x BMU deficit x BS/BV over counted loss and what modeling added, years 2-10 after the final period",
    ),
    Quantity(
        "loss identity, closed sites", "",
        ratio(books.booked(books.deficit_um, AFTER), books.taken_by_sites(AFTER), "menopause/menopause"),
        "the same over what the sites that closed took: without the change of the remodeling space",
    ),
    Quantity(
        "turnover identity", "",
        ratio(books.booked(books.erosion_depth_um, ADULT), books.counted_turnover(ADULT), "reference/"),
        "Ac.f x E.De x BS/BV over counted resorption, ten years of the reference adult",
    ),
    Quantity(
        "turnover identity after menopause", "",
        ratio(books.booked(books.erosion_depth_um, AFTER), books.counted_turnover(AFTER), "menopause/menopause"),
        "the same, years 2-10 after the final period",
    ),
    Quantity("ledger error", "of BV", each(books.ledger_error, "reference/"), "largest over all days of ten years"),
)  # fmt: skip

OUTER_BINS = 3


def _fates(name: str) -> Callable[[FinishedRun], np.ndarray]:
    return lambda run: run.fates(name)


def _rank_correlation(share: np.ndarray) -> float:
    """Spearman's correlation of a probability with the bin of the signal, -1..1."""
    return float(stats.spearmanr(np.arange(share.size), share).statistic) if np.ptp(share) else NAN


def _high_over_low(share: np.ndarray) -> float:
    low = float(share[:OUTER_BINS].mean())
    return float(share[-OUTER_BINS:].mean()) / low if low else NAN


ADULTS, DEAF = "reference/", "deaf/"


def _above_null(run: FinishedRun) -> float:
    return _biopsy("CCR")(run) - _biopsy("CCR_null95")(run)


MECHANOREGULATION = (
    Quantity("CCR", "", each(_biopsy("CCR"), ADULTS),
             "correct classification rate of formed, quiescent and resorbed surface"),
    Quantity("CCR - null", "", each(_above_null, ADULTS), "CCR less the 95th percentile of its permutation null"),
    Quantity("formation against signal", "", pooled(_rank_correlation, _fates("p_formation"), ADULTS),
             "rank correlation of the probability of formation, bones and years pooled, with ten bins of the signal; "
             "1 where it rises strictly"),
    Quantity("resorption against signal", "", pooled(_rank_correlation, _fates("p_resorption"), ADULTS),
             "the same for resorption; -1 where it falls strictly"),
    Quantity("formation, high over low signal", "", pooled(_high_over_low, _fates("p_formation"), ADULTS),
             "probability in the three highest of ten bins over that in the three lowest"),
    Quantity("resorption, high over low signal", "", pooled(_high_over_low, _fates("p_resorption"), ADULTS),
             "the same for resorption"),
    Quantity("deaf osteocytes: CCR - null", "", each(_above_null, DEAF), "with an eighth of the gain of osteocytes"),
    Quantity("CCR that osteocytes add", "", difference(_biopsy("CCR"), ADULTS, DEAF),
             "CCR less that with an eighth of the gain of osteocytes, bone by bone"),
    Quantity("deaf osteocytes: formation, high over low signal", "",
             pooled(_high_over_low, _fates("p_formation"), DEAF), "with an eighth of the gain of osteocytes"),
    Quantity("deaf osteocytes: resorption, high over low signal", "",
             pooled(_high_over_low, _fates("p_resorption"), DEAF), "the same for resorption"),
)  # fmt: skip


def _exponents(arms: Arms) -> np.ndarray:
    """Slope of ln stiffness against ln BV/TV over the bones of one seed."""
    runs = zip(*arms.values(), strict=True)
    return np.array([_slope(bones) for bones in runs])


def _slope(bones: Sequence[FinishedRun]) -> float:
    density, stiffness = (np.array([run.column(name)[0] for run in bones]) for name in ("BV/TV", "stiffness_zz_mpa"))
    known = (density > 0) & (stiffness > 0)
    if known.sum() < 2:
        return NAN
    return float(np.polyfit(np.log(density[known]), np.log(stiffness[known]), 1)[0])


STIFFNESS = (
    Quantity("stiffness-density exponent", "", _exponents, "four bones of BV/TV 0.10-0.28 per seed, along z"),
)  # fmt: skip


def _loss(run: FinishedRun) -> float:
    return -run.change_percent("BV/TV", *FIVE_Y)


def _same(of: OfRun, arm: str, reference: str) -> OfArms:
    """Mean of a quantity in one arm over that in another."""
    return ratio(of, of, arm, reference)


VOXELS = (
    Quantity("loss, 10 over 20 um", "", _same(_loss, "um10", "um20"), "BV/TV lost in five years"),
    Quantity("Ac.f, 10 over 20 um", "",
             _same(lambda run: run.mean("Ac.f_per_y", YEAR_D, FIVE_Y[1]), "um10", "um20"), "years 1-5"),
    Quantity("W.Th, 10 over 20 um", "", _same(books.wall_um(FIVE_Y), "um10", "um20"), "sites that closed"),
)  # fmt: skip

FAST = (
    Quantity("ledger error", "of BV", each(books.ledger_error, "after"), "largest over all days"),
    Quantity("MAR", "um/d", each(books.mar_um_per_d(HALF_YEAR), "before"), MAR_MEANING),
    Quantity("MAR (biopsy)", "um/d", each(lambda run: run.biopsy("MAR_um_per_d", HALF_YEAR[1]), "before"),
             "distance of double labels on the last day"),
    Quantity("erosion and reversal", "d", each(books.duration_d("opened_day", "formation_day", HALF_YEAR), "before"),
             "from activation to the first osteoblasts of a site"),
    Quantity("E.De", "um", each(books.erosion_depth_um(HALF_YEAR), "before"), "sites that closed, by area"),
    Quantity("RANKL per cell", "fold", _same(lambda run: run.mean("m_rankl", *HALF_YEAR), "after", "before"),
             "modulator of RANKL production after over before the final period"),
    Quantity("rise of RANK occupancy", "",
             difference(lambda run: run.mean("occupancy", *HALF_YEAR), "after", "before"),
             "mean over the bone surface, after less before the final period"),
    Quantity("rise of osteoclast number", "%",
             percent_over(_same(lambda run: run.mean("osteoclasts", *HALF_YEAR), "after", "before")),
             "after over before the final period"),
)  # fmt: skip
