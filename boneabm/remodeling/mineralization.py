"""Mineralization: osteoid hardens after its lag, then mineral is added for years."""

from __future__ import annotations

import numpy as np
from scipy import ndimage, special

from ..endocrine import Modulators
from ..kernels import random, turnover
from ..kernels.blocks import launch
from ..lattice import MINERAL_QUANTUM
from .parameters import MineralParameters
from .tissue import Tissue

OLDEST_Y = 45.0


def mineralize(tissue: Tissue, day: int, m: Modulators, p: MineralParameters) -> None:
    """One day of primary and secondary mineralization on the whole lattice."""
    rates = (p.lag_d / m.m_min_rate, p.primary_fraction, p.secondary_rate_per_d * m.m_min_rate)
    names = ("matrix", "osteoid", "mineral", "born_day", "osteoid_day")
    arrays = tuple(tissue.flat(name) for name in names)
    body = (arrays, tissue.plane_size, tissue.book)
    launch(turnover.mineralize, tissue.lattice.shape[0], day, (*rates, p.full_g_per_cm3 * m.m_min_max), *body)


def age_at_start(tissue: Tissue, seed: int, p: MineralParameters) -> None:
    """Give bone its tissue age and mineral: ages exponential with the mean age, alike within packets.

    Mineral after age a: c_full (1 - (1 - primary) exp(-k a)), in proportion to the matrix of the voxel.
    """
    lattice = tissue.lattice
    noise = np.empty(lattice.matrix.size)
    random.normal_array(seed, random.TISSUE_AGE, 0, np.arange(noise.size), noise)
    smooth = ndimage.gaussian_filter(noise.reshape(lattice.shape), p.packet_um / lattice.spacing_um)
    rank = special.ndtr(smooth / max(smooth.std(), 1e-12))
    mean_d = p.mean_age_y * 365.0
    age_d = np.minimum(-mean_d * np.log1p(-np.minimum(rank, 1.0 - 1e-9)), OLDEST_Y * 365.0)
    bone = lattice.matrix > 0
    full = p.full_g_per_cm3 * (1.0 - (1.0 - p.primary_fraction) * np.exp(-p.secondary_rate_per_d * age_d))
    mineral = np.rint(full * lattice.matrix / MINERAL_QUANTUM) * MINERAL_QUANTUM
    lattice.mineral[...] = np.where(bone, mineral, 0.0)
    lattice.born_day[...] = np.where(bone, -age_d, 0.0)
