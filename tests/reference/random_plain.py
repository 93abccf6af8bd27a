"""Plain twin of the random numbers: Philox4x32-10 with Python's own integers."""

from __future__ import annotations

import math

WORD = 0xFFFFFFFF


def philox_plain(counter, key):
    """Ten rounds of Philox4x32 on four counter words and two key words (Salmon 2011, section 4.2)."""
    c, k = list(counter), list(key)
    for _ in range(10):
        high0, low0 = divmod(0xD2511F53 * c[0], 1 << 32)
        high1, low1 = divmod(0xCD9E8D57 * c[2], 1 << 32)
        c = [high1 ^ c[1] ^ k[0], low1, high0 ^ c[3] ^ k[1], low0]
        k = [(k[0] + 0x9E3779B9) & WORD, (k[1] + 0xBB67AE85) & WORD]
    return tuple(c)


def halves(number):
    """Low and high word of a 64-bit number."""
    return number & WORD, number >> 32 & WORD


def bits_plain(seed, stream, day, key):
    return philox_plain((*halves(key), day & WORD, stream), halves(seed))


def uniform2_plain(seed, stream, day, key):
    """Two numbers in [0, 1): 53 bits, the high word first."""
    a, b, c, d = bits_plain(seed, stream, day, key)
    return ((a << 21) ^ (b >> 11)) / 2**53, ((c << 21) ^ (d >> 11)) / 2**53


def normal_plain(seed, stream, day, key):
    u, v = uniform2_plain(seed, stream, day, key)
    return math.sqrt(-2 * math.log(1 - u)) * math.cos(2 * math.pi * v)


def cell_key_plain(voxel, day, ordinal):
    a, b, _, _ = philox_plain((*halves(voxel), day & WORD, ordinal), (0x243F6A88, 0x85A308D3))
    return a << 32 | b
