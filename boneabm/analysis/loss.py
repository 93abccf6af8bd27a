"""How bone was lost: thinning, perforation of plates, breakage of rods, loose fragments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..remodeling import Tissue


class SiteRecord(NamedTuple):
    """Open sites on one day: number (S,) int64, volume formed less resorbed until then, um3 (S,) float64."""

    site: NDArray[np.int64]
    balance_um3: NDArray[np.float64]


class LossSplit(NamedTuple):
    """Bone lost since the first day, um3; gains are negative; the four parts add up to the total loss."""

    thinning_um3: float
    perforation_um3: float
    breakage_um3: float
    fragments_um3: float


def site_record(tissue: Tissue) -> SiteRecord:
    """Record what the open sites of today have turned over so far."""
    sites = tissue.sites
    balance = [tissue.volume_um3(float(amount)) for amount in sites["formed"] - sites["resorbed"]]
    return SiteRecord(sites["site"].astype(np.int64), np.array(balance, np.float64))


def loss_split(
    events: Mapping[str, NDArray], first_day: int, start: SiteRecord, loss_um3: float, fragments_um3: float
) -> LossSplit:
    """Attribute the loss of bone since the first day to what became of the sites.

    perforation : eroded less formed volume of all sites that closed with a new hole, whole sites
    breakage    : the same of all sites that closed with a cut strut or a new piece, but without a new hole
    fragments   : volume of loose fragments that were removed
    thinning    : everything else: sites that closed and left the shape as it was, and sites that are still open

    What a site had turned over before the end of the first day does not count.

    events       : columns of events.csv; start : open sites at the end of the first day
    loss_um3     : bone volume at the end of the first day less that of now; fragments_um3 : of the days after it
    """
    kind = events["event"].astype(str)
    later = events["day"] > first_day
    holed = later & (kind == "perforation")
    cut = later & (kind == "breakage") & ~np.isin(events["site"], events["site"][holed])
    perforation, breakage = (_lost(events, chosen, start) for chosen in (holed, cut))
    thinning = loss_um3 - perforation - breakage - fragments_um3
    return LossSplit(thinning, perforation, breakage, fragments_um3)


def _lost(events: Mapping[str, NDArray], chosen: NDArray[np.bool_], start: SiteRecord) -> float:
    """Volume lost at the chosen sites since the first day, um3."""
    if not chosen.any():
        return 0.0
    before = start.balance_um3[np.isin(start.site, events["site"][chosen])]
    return float(before.sum() - events["volume_um3"][chosen].astype(np.float64).sum())
