"""Plain twins of what osteoclasts and osteoblasts intend: the formulas of the docstrings, one cell at a time."""

from __future__ import annotations

import math

import numpy as np
from diffusion_plain import free_ligand_plain
from random_plain import uniform2_plain

ACTIVATION, SETTLE = 0, 2
WAITING, FAST, SLOW, SEARCHING = range(4)


def occupancy_plain(rankl, opg, b):
    """RANK occupancy by free RANKL: bisection of the binding balance, then k R / (1 + k R)."""
    free = free_ligand_plain(float(rankl) * b.rankl_pm, float(opg) * b.opg_pm, b.k_opg, b.drug_pm, b.k_drug)
    return b.k_rank * free / (1 + b.k_rank * free)


def support_plain(ratio, p):
    return float(np.interp(ratio, [p.support_low, p.support_high], [0, 1]))


def erosion_plain(mode, level_um, nuclei, supported, life_factor, activity, p):
    """(um today, whether the fast phase ends)."""
    if mode == SLOW:
        return p.slow_rate_um_per_d * supported * activity, False
    limit = p.fast_depth_um * life_factor * max(supported, p.support_least)
    room = max(limit - level_um, 0)
    wanted = p.fast_rate_um_per_d * activity * nuclei / p.nuclei
    return min(wanted, room), level_um + min(wanted, room) >= limit - 1e-3


def apposition_plain(remaining, activity, p):
    """um3 today: the rate falls linearly from open to closing as the cavity of the site fills."""
    q = float(np.clip(remaining, 0, 1))
    rate = p.open_rate_um_per_d * (q + p.closing_fraction * (1 - q))
    return rate * p.footprint_um2 * activity


def score_plain(occupancy, distance_um, noise, p):
    radius = math.sqrt(p.patch_area_um2 / math.pi)
    gumbel = -math.log(-math.log(noise + 1e-12) + 1e-12)
    return p.rankl_pull * math.log(occupancy + 1e-9) - abs(distance_um / radius - 1.8) + p.wander * gumbel


def next_patch_plain(here, seed, day, key, spacing_um, shape, surface_row, bmu, rankl, opg, b, p):
    """Best quiescent surface voxel within reach, or -1."""
    at = np.array(np.unravel_index(here, shape))
    scores = {}
    for v in np.flatnonzero((surface_row >= 0) & (bmu < 0)).tolist():
        distance = spacing_um * float(np.linalg.norm(np.array(np.unravel_index(v, shape)) - at))
        if distance <= p.reach_um:
            noise = uniform2_plain(seed, SETTLE, day, int(key) ^ (v << 20))[0]
            occupied = occupancy_plain(rankl.reshape(-1)[v], opg.reshape(-1)[v], b)
            scores[v] = score_plain(occupied, distance, noise, p)
    return max(scores, key=scores.get) if scores else -1


def front_plain(below_um, root, normal, spacing_um, shape):
    """Index (z, y, x) of the voxel at the floor of a column, kept inside the block."""
    t = max(below_um / spacing_um, 0)
    place = np.rint(np.array(np.unravel_index(root, shape)) + np.asarray(normal, float) * t).astype(int)
    return tuple(np.clip(place, 0, np.array(shape) - 1))


def hit_plain(seed, day, rate, voxel, area_um2, occupancy, bmu):
    """Which surface voxels open a site: p = rate area occupancy, one draw per voxel and day."""
    return [
        bool(bmu[v] == -1 and uniform2_plain(seed, ACTIVATION, day, v)[0] < rate * a * o)
        for v, a, o in zip(voxel.tolist(), area_um2.tolist(), occupancy.tolist(), strict=True)
    ]
