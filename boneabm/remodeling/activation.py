"""Activation: quiescent surface starts remodeling sites, and teams of preosteoclasts arrive."""

from __future__ import annotations

import numpy as np

from ..kernels import motion, random
from ..kernels.blocks import launch
from ..kernels.surface import BLOCK
from .parameters import ActivationParameters, OsteoclastParameters
from .tissue import Tissue


def activation_rate(pool: float, reference_occupancy: float, p: ActivationParameters) -> float:
    """Chance per um2, day and unit RANK occupancy that quiescent surface starts a site.

    rate = Ac.f / 365 x pool / (site area x quiescent share x reference occupancy)
    """
    return p.frequency_per_y / 365.0 * pool / (p.site_area_um2 * p.quiescent_fraction * reference_occupancy)


def refill_pool(pool: float, activity: float, p: ActivationParameters) -> float:
    """Preosteoclasts after a day, relative to the reference: dP/dt = k_loss (1 + u) - k_loss P - k_loss u activity.

    u : reference use relative to loss; activity : expected use relative to the reference (pool x occupancy ratio).
    While RANKL is blocked the pool rises toward 1 + u.
    """
    supply = 1.0 + p.pool_use_share
    return max(pool + p.pool_loss_per_d * (supply - pool - p.pool_use_share * activity), 0.0)


def starting_voxels(
    tissue: Tissue, rate: float, drive: np.ndarray, seed: int, stream: int, day: int
) -> list[int]:
    """Quiescent surface voxels that start a site today: p = rate x area x drive, drawn from a random stream."""
    surface = tissue.surface
    hit = np.zeros(surface.voxel.size, np.bool_)
    arrays = (surface.voxel, surface.area_um2, drive, tissue.flat("bmu"))
    blocks = -(-surface.voxel.size // BLOCK)
    launch(motion.activation_hits, blocks, BLOCK, seed, stream, day, rate, *arrays, hit)
    starting: list[int] = surface.voxel[hit].tolist()
    return starting


def activate(
    tissue: Tissue,
    occupancy: np.ndarray,
    reference_occupancy: float,
    seed: int,
    day: int,
    p: ActivationParameters,
    cells: OsteoclastParameters,
    life_factor: float,
) -> None:
    """Open today's sites and let waiting preosteoclasts whose day has come search for a patch."""
    surface = tissue.surface
    rate = activation_rate(tissue.pool, reference_occupancy, p)
    for voxel in starting_voxels(tissue, rate, occupancy, seed, random.ACTIVATION, day):
        open_site(tissue, voxel, seed, day, p, cells, life_factor)
    if occupancy.size:
        weight = surface.area_um2.astype(np.float64)
        tissue.today.occupancy = float((occupancy * weight).sum() / weight.sum())
        use = tissue.pool * tissue.today.occupancy / reference_occupancy
        tissue.pool = refill_pool(tissue.pool, use, p)
    modes, due = tissue.osteoclasts["mode"], tissue.osteoclasts["arrival_day"] <= day
    modes[(modes == motion.WAITING) & due] = motion.SEARCHING


def open_site(
    tissue: Tissue, voxel: int, seed: int, day: int, p: ActivationParameters, cells: OsteoclastParameters, life: float
) -> None:
    """Start a remodeling site at a surface voxel: draw its area quota and recruit its team."""
    quota = 1.0 + p.site_area_spread * random.normal(seed, random.TEAM, day, voxel)
    number = tissue.next_site
    tissue.next_site += 1
    tissue.today.opened += 1
    area = p.site_area_um2 * min(max(quota, 0.25), 2.0)
    tissue.sites.append(1, site=number, voxel=voxel, opened_day=day, quota_um2=area)
    team = max(round(cells.team), 1)
    keys = np.empty(team, np.uint64)
    random.cell_keys(np.full(team, voxel), day, np.arange(team), keys)
    arrival = np.empty(team)
    random.uniform_array(seed, random.ARRIVAL, day, keys, arrival)
    arrival[0] = 0.0
    recruit(tissue, keys, seed, day, cells, life, voxel=voxel, site=number, arrival_day=day + arrival * cells.arrival_d)


def recruit(
    tissue: Tissue, keys: np.ndarray, seed: int, day: int, p: OsteoclastParameters, life: float, **values: object
) -> np.ndarray:
    """Add osteoclasts with drawn life (14 +- 2.3 d within 7-21, times the life factor) and nuclei; their ids."""
    span, nuclei = np.empty(keys.size), np.empty(keys.size)
    random.normal_array(seed, random.TEAM, day, keys, span)
    random.normal_array(seed, random.FATE, day, keys, nuclei)
    life_d = np.clip(p.life_d + p.life_spread_d * span, 7.0, 21.0) * life
    count = np.maximum(p.nuclei + p.nuclei_spread * nuclei, 2.0)
    return tissue.osteoclasts.create(keys.size, key=keys, **{"life_d": life_d, "nuclei": count, **values})
