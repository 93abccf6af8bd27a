"""Counter-based random numbers: Philox4x32-10 as a function of (seed, stream, day, key).

No generator object exists: the same four numbers give the same draw for any thread count, restart point or order of
cells. Streams are named, so adding a draw to one process shifts no other.
Salmon et al. 2011, Parallel random numbers: as easy as 1, 2, 3 (doi 10.1145/2063384.2063405).
"""

from __future__ import annotations

import math

import numpy as np

from . import kernel, rule

ACTIVATION, TEAM, SETTLE, PRIORITY, OSTEOBLAST, FATE, OSTEOCYTE, GEOMETRY, TISSUE_AGE = range(9)
ARRIVAL, MODELING, DOSE, DRUG = range(9, 13)

_LOW = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)
_MULTIPLY_0, _MULTIPLY_1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL_0, _WEYL_1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_TO_UNIT = 1.0 / 9007199254740992.0


@rule
def philox(c0, c1, c2, c3, k0, k1):
    """Ten rounds of Philox4x32 on counter (c0..c3) and key (k0, k1), all uint64 holding 32 bits; four such numbers."""
    for _ in range(10):
        p0 = c0 * _MULTIPLY_0
        p1 = c2 * _MULTIPLY_1
        c0, c1, c2, c3 = (p1 >> _SHIFT) ^ c1 ^ k0, p1 & _LOW, (p0 >> _SHIFT) ^ c3 ^ k1, p0 & _LOW
        k0 = (k0 + _WEYL_0) & _LOW
        k1 = (k1 + _WEYL_1) & _LOW
    return c0, c1, c2, c3


@rule
def bits(seed, stream, day, key):
    """Four 32-bit words (as uint64) for (seed, stream, day, key); day may be negative."""
    k, s = np.uint64(key), np.uint64(seed)
    return philox(k & _LOW, k >> _SHIFT, np.uint64(day) & _LOW, np.uint64(stream), s & _LOW, s >> _SHIFT)


@rule
def uniform2(seed, stream, day, key):
    """Two independent numbers in [0, 1) with 53 random bits each."""
    a, b, c, d = bits(seed, stream, day, key)
    u = np.float64((a << np.uint64(21)) ^ (b >> np.uint64(11))) * _TO_UNIT
    v = np.float64((c << np.uint64(21)) ^ (d >> np.uint64(11))) * _TO_UNIT
    return u, v


@rule
def uniform(seed, stream, day, key):
    """One number in [0, 1)."""
    return uniform2(seed, stream, day, key)[0]


@rule
def normal(seed, stream, day, key):
    """One standard normal number (Box-Muller)."""
    u, v = uniform2(seed, stream, day, key)
    return math.sqrt(-2.0 * math.log(1.0 - u)) * math.cos(2.0 * math.pi * v)


@rule
def cell_key(voxel, day, ordinal):
    """Random key of a cell: a hash of birth voxel, birth day and its ordinal among the cells born there that day."""
    a, b, _, _ = philox(
        np.uint64(voxel) & _LOW, np.uint64(voxel) >> _SHIFT, np.uint64(day) & _LOW, np.uint64(ordinal),
        np.uint64(0x243F6A88), np.uint64(0x85A308D3),
    )
    return (a << _SHIFT) | b


@kernel
def uniform_array(seed, stream, day, keys, out):
    """One number in [0, 1) per key; keys : (N,) integers, out : (N,) float64."""
    for i in range(keys.size):
        out[i] = uniform(seed, stream, day, keys[i])


@kernel
def normal_array(seed, stream, day, keys, out):
    """One standard normal number per key; keys : (N,) integers, out : (N,) float64."""
    for i in range(keys.size):
        out[i] = normal(seed, stream, day, keys[i])


@kernel
def cell_keys(voxels, day, ordinals, out):
    """Random keys of cells born on one day; voxels, ordinals : (N,) integers, out : (N,) uint64."""
    for i in range(voxels.size):
        out[i] = cell_key(voxels[i], day, ordinals[i])
