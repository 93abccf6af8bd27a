"""Sensing: what an osteocyte makes of the strain it feels, and what it sends out."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from . import kernel, rule
from .random import FATE, uniform

BLOCK = 8192
"""Osteocytes per block of work."""
LEAST_STIMULUS = 0.05
"""Smallest relative stimulus that the set point can adapt to."""
LOG_LEAST_STIMULUS = math.log(LEAST_STIMULUS)
NO_MEMORY = -700.0
"""ln psi_bar of a cell that never felt anything."""


class OsteocyteRates(NamedTuple):
    """Parameters of an osteocyte as daily shares, worked out once instead of per cell, and the body's shift of psi*."""

    exponent: float
    memory_share: float
    adaptation_share: float
    own_history_share: float
    dead_zone: float
    signal_max: float
    death_per_d: float
    disuse_death: float
    set_point_shift: float


def osteocyte_rates(p: Any, set_point_shift: float = 0.0) -> OsteocyteRates:
    """Daily shares 1 - exp(-1/tau) and hazard 1/life of an osteocyte; p : OsteocyteParameters.

    set_point_shift : ln of the factor by which the body raises the set points that cells read, 0 in the reference
    """
    shares = (-math.expm1(-1.0 / p.memory_d), -math.expm1(-1.0 / p.adaptation_d))
    limits = (p.own_history_share, p.dead_zone, p.signal_max)
    return OsteocyteRates(p.stimulus_exponent, *shares, *limits, 1.0 / p.life_d, p.disuse_death, set_point_shift)


@rule
def osteocyte_signal(psi, memory, set_point, gain, r):
    """One day of an osteocyte: memory, set point and signal.

    L    += (psi^m - L) (1 - exp(-1/tau_m)),  psi_bar = L^(1/m)
    ln psi* += (kappa ln psi_bar - ln psi*) (1 - exp(-1/tau_a))      (the site's habitual psi is 1)
    S     = 1 + gain (psi_bar / (psi* exp(shift)) - 1), limited to 0..S_max, zero slope inside the dead zone

    psi : relative daily stimulus; memory : L; set_point : ln psi*; r : OsteocyteRates; returns (L, ln psi*, S)
    """
    m = r.exponent
    power = (psi * psi) ** 2 if m == 4.0 else psi**m
    memory += (power - memory) * r.memory_share
    log_mean = math.log(memory) / m if memory > 0.0 else NO_MEMORY
    set_point += (r.own_history_share * max(log_mean, LOG_LEAST_STIMULUS) - set_point) * r.adaptation_share
    excess = math.exp(log_mean - set_point - r.set_point_shift) - 1.0
    if abs(excess) <= r.dead_zone:
        excess = 0.0
    else:
        excess -= math.copysign(r.dead_zone, excess)
    return memory, set_point, min(max(1.0 + gain * excess, 0.0), r.signal_max)


@rule
def osteocyte_hazard(signal, survival, r):
    """Chance to die today: (1 + disuse (1 - S)+) / (life x survival)."""
    return (1.0 + r.disuse_death * max(1.0 - signal, 0.0)) * r.death_per_d / survival


@rule
def lacuna_height(key):
    """Fixed height of a lacuna within its voxel, 0..1, from the random key: it is opened when matrix falls below it."""
    return np.float64(np.uint64(key) >> np.uint64(40)) / 16777216.0


@kernel
def sense(first, last, rows, seed, day, gain, survival, r, cells, psi, matrix):
    """Osteocyte rule for the listed rows, blocks of BLOCK.

    rows  : (N,) int64, rows of the population
    cells : (voxel, key, memory, set_point, signal, fate), changed in place; fate 1 = dies, 2 = freed by resorption
    psi, matrix : flat (Z*Y*X,) float32
    """
    voxel, key, memory, set_point, signal, fate = cells
    for i in range(first * BLOCK, min(last * BLOCK, rows.size)):
        row = rows[i]
        v = voxel[row]
        memory[row], set_point[row], signal[row] = osteocyte_signal(
            np.float64(psi[v]), np.float64(memory[row]), np.float64(set_point[row]), gain, r
        )
        fate[row] = 0
        if matrix[v] < lacuna_height(key[row]):
            fate[row] = 2
        elif uniform(seed, FATE, day, key[row]) < osteocyte_hazard(np.float64(signal[row]), survival, r):
            fate[row] = 1


@rule
def secretion(signal, p):
    """RANKL, OPG, sclerostin relative to a cell at its set point: exp(-a (S-1)), exp(b (S-1)), exp(-c (S-1))."""
    d = signal - 1.0
    return math.exp(-p.rankl_slope * d), math.exp(p.opg_slope * d), math.exp(-p.sclerostin_slope * d)


@kernel
def osteocyte_sources(voxel, signal, share, p, out_rankl, out_opg, out_sclerostin):
    """Add what osteocytes secrete; share : (RANKL, OPG, sclerostin) of one at its set point; out_* : flat float32."""
    for row in range(voxel.size):
        v = voxel[row]
        rankl, opg, sclerostin = secretion(np.float64(signal[row]), p)
        out_rankl[v] += share[0] * rankl
        out_opg[v] += share[1] * opg
        out_sclerostin[v] += share[2] * sclerostin


@kernel
def surface_sources(voxel, area_um2, per_um2, out_rankl, out_opg):
    """Add what lining and stromal cells secrete in proportion to surface area; per_um2 : (RANKL, OPG)."""
    for row in range(voxel.size):
        out_rankl[voxel[row]] += per_um2[0] * area_um2[row]
        out_opg[voxel[row]] += per_um2[1] * area_um2[row]


@kernel
def add_at(voxel, amount, out):
    """out[voxel] += amount for every listed voxel."""
    for v in voxel:
        out[v] += amount


@kernel
def any_near(mask, z, y, out_near):
    """out_near[x + 1] = whether a voxel at x of the rows (z, y) and around it is true; out_near : (X + 2,) bool."""
    nz, ny, nx = mask.shape
    near = out_near[1 : nx + 1]
    near[:] = False
    for a in range(max(z - 1, 0), min(z + 2, nz)):
        for b in range(max(y - 1, 0), min(y + 2, ny)):
            row = mask[a, b]
            for x in range(np.uint64(nx)):
                near[x] |= row[x]


@kernel
def fill_outside(first, last, mask, psi, out_psi):
    """Stimulus where none was solved: mean of the solved 26-neighbors, 1 (neutral) without any; z planes first..last-1.

    Bone outside the solved part hangs on a cut face: what it carries is unknown, so it is left at its set point.
    """
    nz, ny, nx = mask.shape
    near = np.zeros(nx + 2, np.bool_)
    for z in range(first, last):
        for y in range(ny):
            any_near(mask, z, y, near)
            for x in range(nx):
                if mask[z, y, x]:
                    out_psi[z, y, x] = psi[z, y, x]
                    continue
                if not (near[x] or near[x + 1] or near[x + 2]):
                    out_psi[z, y, x] = 1.0
                    continue
                total, n = 0.0, 0
                for a in range(max(z - 1, 0), min(z + 2, nz)):
                    for b in range(max(y - 1, 0), min(y + 2, ny)):
                        for c in range(max(x - 1, 0), min(x + 2, nx)):
                            if mask[a, b, c]:
                                total += psi[a, b, c]
                                n += 1
                out_psi[z, y, x] = total / n
