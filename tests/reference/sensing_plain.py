"""Plain twins of sensing: one osteocyte as Python numbers, the neighbors of unsolved voxels by slices."""

from __future__ import annotations

import math

import numpy as np
from random_plain import uniform2_plain

FATE = 5


def signal_plain(psi, memory, set_point, gain, p, shift=0.0):
    """(L, ln psi*, S) after one day."""
    memory = psi**p.stimulus_exponent + (memory - psi**p.stimulus_exponent) * math.exp(-1 / p.memory_d)
    mean = memory ** (1 / p.stimulus_exponent)
    goal = p.own_history_share * math.log(max(mean, 0.05))
    set_point = goal + (set_point - goal) * math.exp(-1 / p.adaptation_d)
    excess = mean / (math.exp(set_point) * math.exp(shift)) - 1
    beyond = max(abs(excess) - p.dead_zone, 0) * (1 if excess > 0 else -1)
    return memory, set_point, float(np.clip(1 + gain * beyond, 0, p.signal_max))


def hazard_plain(signal, survival, p):
    return (1 + p.disuse_death * max(1 - signal, 0)) / p.life_d / survival


def fate_plain(seed, day, key, signal, matrix, survival, p):
    """2 = freed by resorption, 1 = dies, 0 = lives."""
    if matrix < (key >> 40) / 2**24:
        return 2
    return int(uniform2_plain(seed, FATE, day, key)[0] < hazard_plain(signal, survival, p))


def secretion_plain(signal, p):
    """RANKL, OPG, sclerostin relative to a cell at its set point."""
    slopes = (-p.rankl_slope, p.opg_slope, -p.sclerostin_slope)
    return tuple(math.exp(slope * (signal - 1)) for slope in slopes)


def fill_outside_plain(mask, psi):
    """Mean of the solved voxels among the 27 around an unsolved one, 1 without any."""
    out = np.where(mask, psi, 1).astype(float)
    for z, y, x in np.argwhere(~mask):
        near = np.s_[max(z - 1, 0) : z + 2, max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2]
        if mask[near].any():
            out[z, y, x] = psi[near][mask[near]].mean(dtype=float)
    return out
