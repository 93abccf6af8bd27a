"""Area of the bone surface by marching cubes on a binary volume.

With vertices amid voxel edges the triangles of a 2x2x2 neighborhood have one area per state, so the area of a volume
is a count of the 256 states times a table. Bit 4 k + 2 j + i of a state is the voxel (z + k, y + j, x + i).
"""

from __future__ import annotations

from itertools import permutations, product

import numpy as np

from . import kernel

TRIANGLE = 3**0.5 / 8
BAND = 0.5**0.5

CLASS_AREA = {
    0b00000000: 0.0,
    0b00000001: TRIANGLE,
    0b00000011: BAND,
    0b00000110: 6 * TRIANGLE,
    0b00000111: 0.5 + 3 * TRIANGLE,
    0b00001111: 1.0,
    0b00010110: 1.0 + 0.5 + 3 * TRIANGLE,
    0b00010111: 6 * TRIANGLE,
    0b00011000: 2 * TRIANGLE,
    0b00011001: 1.9508410775698224,
    0b00011011: 1.573132184970986,
    0b00011110: 0.5 + 4 * TRIANGLE,
    0b00011111: 0.5 + 3 * TRIANGLE,
    0b00111100: 2 * BAND,
    0b00111101: 2.6097597001677135,
    0b00111111: BAND,
    0b01101001: 4 * TRIANGLE,
    0b01101011: 3 * TRIANGLE,
    0b01101111: 2 * TRIANGLE,
    0b01111110: 2 * TRIANGLE,
    0b01111111: TRIANGLE,
    0b11111111: 0.0,
}
"""Area in voxel faces of the 22 classes of states, each named by its smallest member.

Triangulation of Lewiner et al., J Graph Tools 8:1 (2003): bone corners join across a face of the cube where they are
diagonal, which agrees with bone connected by 26 neighbors.
"""


def _turned(state: int, axes: tuple[int, ...], flips: tuple[int, ...]) -> int:
    """State after a permutation of the axes and mirroring."""
    turned = 0
    for corner in product((0, 1), repeat=3):
        k, j, i = (corner[axis] ^ flip for axis, flip in zip(axes, flips, strict=True))
        turned |= (state >> (4 * corner[0] + 2 * corner[1] + corner[2]) & 1) << (4 * k + 2 * j + i)
    return turned


def _state_area(state: int) -> float:
    """Area of a state in voxel faces: that of its class under the 48 symmetries of the cube."""
    symmetries = product(permutations(range(3)), product((0, 1), repeat=3))
    return CLASS_AREA[min(_turned(state, axes, flips) for axes, flips in symmetries)]


STATE_AREA = np.array([_state_area(state) for state in range(256)])


@kernel
def count_states(first, last, volume, out_counts):
    """Count the 2x2x2 states of a volume (block z holds the neighborhoods between the planes z and z + 1).

    volume     : (Z, Y, X) bool or uint8, 0 or 1
    out_counts : (Z - 1, 256) int64, overwritten
    """
    rows, columns = volume.shape[1:]
    for z in range(first, last):
        counts = out_counts[z]
        counts[:] = 0
        for y in range(rows - 1):
            below, above = volume[z, y : y + 2], volume[z + 1, y : y + 2]
            before = below[0, 0] | below[1, 0] << 2 | above[0, 0] << 4 | above[1, 0] << 6
            for x in range(1, columns):
                after = below[0, x] | below[1, x] << 2 | above[0, x] << 4 | above[1, x] << 6
                counts[before | after << 1] += 1
                before = after
