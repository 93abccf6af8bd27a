"""Bone mineralization density distribution (BMDD) as quantitative backscattered electron imaging would show it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .observation import ObservationParameters

LEAST_FRACTION = 1e-3
"""Mineralized fraction of a voxel below which it has no mineral concentration."""


class MineralDistribution(NamedTuple):
    """Weight percent calcium of mineralized bone: mean over volume, most frequent value, full width at half maximum."""

    mean: float
    peak: float
    width: float


def calcium_percent(mineral_g_per_cm3: NDArray[np.floating], p: ObservationParameters) -> NDArray[np.float64]:
    """Weight percent Ca of bone with c g hydroxyapatite per cm3 of mineralized matrix.

    wt% Ca = 100 w_Ca c / (c + (1 - c / rho_HA) rho_soft): mineral takes its own volume, the rest is soft

    rho_soft is collagen with what fills the place of water in the embedded section; 1.15 g/cm3 give 23.2 wt%.
    Source: volume mixing, densities of section [observation].
    """
    c = np.asarray(mineral_g_per_cm3, np.float64)
    mass = c + (1.0 - c / p.hydroxyapatite_g_per_cm3) * p.soft_g_per_cm3
    return 100.0 * p.calcium_share * c / mass


def mineral_distribution(
    matrix: NDArray[np.floating],
    osteoid: NDArray[np.floating],
    mineral: NDArray[np.floating],
    p: ObservationParameters,
) -> MineralDistribution:
    """CaMean, CaPeak and CaWidth of all mineralized bone of a block; nan where there is none.

    c = M / (f - o) in every voxel, weighted by its mineralized volume f - o, in bins of `p.bin_wt_percent`

    matrix, osteoid : volume fractions f and o, 0..1; mineral : M, g HA per cm3 of voxel; arrays of one shape
    CaPeak is the mean of the fullest bin; the width is interpolated between centers of bins.
    Source: Roschger et al., Bone 23:319 (1998) and 42:456 (2008).
    """
    hard = (matrix - osteoid).astype(np.float64).ravel()
    kept = hard > LEAST_FRACTION
    weight = hard[kept]
    if weight.size == 0:
        return MineralDistribution(np.nan, np.nan, np.nan)
    calcium = calcium_percent(mineral.ravel()[kept] / weight, p)
    place = np.floor(calcium / p.bin_wt_percent).astype(np.int64) + 1
    counts = np.bincount(place, weights=weight, minlength=int(place.max()) + 2)
    fullest = int(counts.argmax())
    inside = place == fullest
    peak = float((calcium[inside] * weight[inside]).sum() / weight[inside].sum())
    return MineralDistribution(
        float((calcium * weight).sum() / weight.sum()), peak, half_width(counts, fullest) * p.bin_wt_percent
    )


def half_width(counts: NDArray[Any], fullest: int) -> float:
    """Full width at half maximum of a histogram, in bins; its first and last bin are empty."""
    half = 0.5 * counts[fullest]
    low = fullest - int(np.argmax(counts[fullest::-1] < half))
    high = fullest + int(np.argmax(counts[fullest:] < half))
    left = low + (half - counts[low]) / (counts[low + 1] - counts[low])
    right = high - (half - counts[high]) / (counts[high - 1] - counts[high])
    return float(right - left)
