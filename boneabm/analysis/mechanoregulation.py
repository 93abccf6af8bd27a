"""Mechanoregulation: do formation and resorption on the bone surface follow the local mechanical signal?"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..remodeling import Tissue

RESORPTION, QUIESCENCE, FORMATION = 0, 1, 2
"""What became of a piece of surface."""
BINS = 10
LEVELS = 100
"""Levels of the signal among which the two thresholds of the classification are sought."""
SHIFTS = 200
SEED = 20


class SurfaceRecord(NamedTuple):
    """The bone surface on one day, as much of it as is needed to see later what became of it.

    voxel : (N,) int32, flat index; area_um2 : (N,) float32
    signal: (N,) float32, daily stimulus psi relative to the habitual one, mean over bone within 3x3x3 voxels
    filled: (N,) float32, mean matrix fraction within 3x3x3 voxels
    """

    voxel: NDArray[np.int32]
    area_um2: NDArray[np.float32]
    signal: NDArray[np.float32]
    filled: NDArray[np.float32]


class Odds(NamedTuple):
    """Share of the surface with a signal within low..high that formed, stayed or was resorbed; each (BINS,)."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    formation: NDArray[np.float64]
    quiescence: NDArray[np.float64]
    resorption: NDArray[np.float64]


def surface_record(tissue: Tissue, psi: NDArray[np.float32]) -> SurfaceRecord:
    """Record the surface of today; psi : (Z, Y, X) float32."""
    voxel = tissue.surface.voxel
    bone = tissue.lattice.bone.astype(np.float32)
    around = near_mean(bone).reshape(-1)[voxel]
    signal = near_mean(psi * bone).reshape(-1)[voxel] / around
    filled = near_mean(tissue.lattice.matrix).reshape(-1)[voxel]
    return SurfaceRecord(voxel.copy(), tissue.surface.area_um2.copy(), signal, filled)


def near_mean(field: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean over 3x3x3 voxels; beyond the block its faces repeat."""
    return np.asarray(ndimage.uniform_filter(field, 3, mode="nearest"))


def fates(
    before: SurfaceRecord, matrix: NDArray[np.float32], spacing_um: float, change_um: float
) -> NDArray[np.int64]:
    """What became of recorded surface: FORMATION where it rose by at least `change_um`, RESORPTION where it sank.

    depth = 3 h (mean matrix within 3x3x3 voxels now - then): exact on flat surface for up to one voxel

    matrix : (Z, Y, X) float32, now; returns (N,) of RESORPTION, QUIESCENCE, FORMATION
    """
    now = near_mean(matrix).reshape(-1)[before.voxel]
    rise_um = 3.0 * spacing_um * (now - before.filled)
    return QUIESCENCE + (rise_um >= change_um).astype(np.int64) - (rise_um <= -change_um).astype(np.int64)


def odds_by_signal(before: SurfaceRecord, fate: NDArray[np.int64]) -> Odds:
    """Conditional probabilities of the three fates in bins of the signal, each bin a tenth of the surface.

    Source: Schulte et al., PLoS ONE 8:e62172 (2013); Christen et al., Nat Commun 5:4855 (2014).
    """
    order, share = _by_signal(before)
    place = np.minimum((share * BINS).astype(np.int64), BINS - 1)
    area = before.area_um2[order].astype(np.float64)
    signal = before.signal[order].astype(np.float64)
    whole = np.bincount(place, weights=area, minlength=BINS)
    parts = [np.bincount(place, weights=area * (fate[order] == kind), minlength=BINS) for kind in range(3)]
    first = np.searchsorted(place, np.arange(BINS))
    low = signal[np.minimum(first, signal.size - 1)]
    high = np.append(low[1:], signal[-1])
    with np.errstate(invalid="ignore"):
        resorption, quiescence, formation = (part / whole for part in parts)
    return Odds(low, high, formation, quiescence, resorption)


def _by_signal(before: SurfaceRecord) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Order of the surface by signal, and the share of the area that comes before each piece in it, 0..1."""
    order = np.argsort(before.signal, kind="stable")
    area = before.area_um2[order].astype(np.float64)
    return order, (np.cumsum(area) - 0.5 * area) / area.sum()


def classification(before: SurfaceRecord, fate: NDArray[np.int64], shape: tuple[int, ...]) -> tuple[float, float]:
    """Correct classification rate of the fates by the signal alone, and the 95th percentile of its null.

    CCR = max over thresholds a <= b of the mean of: resorbed area below a, quiescent area between a and b, formed area
    above b, each as a share of its class; chance gives about 1/3.
    Null: the fates are moved along a curve through space (Morton order) by SHIFTS random distances, so that patches
    stay patches; moving single voxels would make the null too narrow.

    shape : of the block. Returns (nan, nan) where one of the fates is missing.
    Source: Tourolle et al., PLoS Comput Biol 16:e1007697 (2020) for the rate; shifts instead of free permutation ours.
    """
    if np.unique(fate).size < 3:
        return float("nan"), float("nan")
    order, share = _by_signal(before)
    level = np.empty(order.size, np.int64)
    level[order] = np.minimum((share * LEVELS).astype(np.int64), LEVELS - 1)
    curve = morton_order(before.voxel, shape)
    area, level, kinds = before.area_um2[curve].astype(np.float64), level[curve], fate[curve]
    random = np.random.Generator(np.random.Philox(SEED))
    shifts = random.integers(1, kinds.size, SHIFTS)
    null = [correct_rate(level, np.roll(kinds, shift), area) for shift in shifts]
    return correct_rate(level, kinds, area), float(np.percentile(null, 95))


def correct_rate(level: NDArray[np.int64], kinds: NDArray[np.int64], area: NDArray[np.float64]) -> float:
    """Best mean of the three class rates over all pairs of thresholds; level : (N,) 0..LEVELS-1."""
    counts = np.bincount(kinds * LEVELS + level, weights=area, minlength=3 * LEVELS).reshape(3, LEVELS)
    below = np.zeros((3, LEVELS + 1))
    below[:, 1:] = np.cumsum(counts, axis=1) / counts.sum(axis=1, keepdims=True)
    low, high = below[:, :, None], below[:, None, :]
    rate = low[RESORPTION] + (high[QUIESCENCE] - low[QUIESCENCE]) + (1.0 - high[FORMATION])
    return float(rate[np.triu_indices(LEVELS + 1)].max() / 3.0)


def morton_order(voxel: NDArray[np.int32], shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Order of voxels along the Morton curve: neighbors on the curve are neighbors in space."""
    key = np.zeros(voxel.size, np.int64)
    for axis, place in enumerate(np.unravel_index(voxel, shape)):
        for bit in range(max(shape).bit_length()):
            key |= ((place >> bit) & 1) << (3 * bit + 2 - axis)
    return np.argsort(key, kind="stable")
