"""Quantities of removed ovaries, blocked RANKL and dead osteocytes, each against the same bone left alone."""

from __future__ import annotations

from boneabm.validation.bookkeeping import space_booked
from boneabm.validation.finished import FinishedRun
from boneabm.validation.measures import OfArms, OfRun, Quantity, difference, each, percent_over, quotient, ratio

BEGIN_D, FOUR_MONTHS, ONE_Y, TWO_Y = 30, 150, 395, 760
BLOCKED = (90, 395)
AFTER_BLOCK = (395, 760)
WEEKS = (30, 120)
REFILLED_D = 330


def _lost(last_d: float) -> OfRun:
    """BV/TV lost since the begin, %."""
    return lambda run: -run.change_percent("BV/TV", BEGIN_D, last_d)


def _extra_loss(arm: str, last_d: float, reference: str = "untouched") -> OfArms:
    return difference(_lost(last_d), arm, reference)


def _refilled(run: FinishedRun) -> float:
    """What bone gains while nothing new is eroded and the open sites are filled, over the bone."""
    return 0.01 * run.change_percent("BV/TV", BEGIN_D, REFILLED_D)


def _resorbed(arm: str, window: tuple[int, int]) -> OfArms:
    """Resorbed volume of a window over that of the same bone left alone."""

    def of(run: FinishedRun) -> float:
        return run.mean("resorbed_um3", *window)

    return ratio(of, of, arm, "untouched")


INTERVENTIONS = (
    Quantity("oophorectomy: loss", "%", _extra_loss("oophorectomy", TWO_Y), "BV/TV lost in two years"),
    Quantity("oophorectomy: loss over natural menopause", "%", _extra_loss("oophorectomy", TWO_Y, "natural"),
             "BV/TV lost in two years, less that after a final period on the same day"),
    Quantity("oophorectomy: resorption in 90 d", "fold", _resorbed("oophorectomy", WEEKS), "against no operation"),
    Quantity("blockade: resorption", "%", percent_over(_resorbed("blockade", BLOCKED)),
             "from two months on, against no antibody"),
    Quantity("blockade: resorption in the year after", "fold", _resorbed("blockade", AFTER_BLOCK),
             "against no antibody: above 1 is a rebound, from the pool of precursors alone"),
    Quantity("remodeling space identity", "",
             ratio(space_booked(BEGIN_D, (BEGIN_D, TWO_Y)), _refilled, "untouched", "blockade"),
             "Ac.f x void time x mean missing depth x BS/BV without antibody over what ten months of it refill"),
    Quantity("remodeling space", "% of BV", each(lambda run: 100.0 * _refilled(run), "blockade"), "as refilled"),
    Quantity("ablation: loss", "%", _extra_loss("ablated", FOUR_MONTHS),
             "BV/TV lost in four months, against living osteocytes; in the source after 40 days, of mice"),
    Quantity("ablation: loss in a year", "%", _extra_loss("ablated", ONE_Y), "the same after a year"),
    Quantity("ablation: response to unloading", "",
             quotient(_extra_loss("ablated_unloaded", ONE_Y, "ablated"), _extra_loss("unloaded", ONE_Y)),
             "loss by unloading without four fifths of the osteocytes over the loss with them"),
)  # fmt: skip
