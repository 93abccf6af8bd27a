"""Thin bone to the surfaces and lines that run through its middle, and give every voxel to a plate or a rod.

A neighborhood of 27 voxels is an integer: bit 9 k + 3 j + i is the voxel (z + k - 1, y + j - 1, x + i - 1). Beyond the
faces of the box lies its mirror image, so bone that is cut by a face goes on, and a plate of which the box holds half
keeps its middle. Bone is joined by 26 neighbors, marrow by 6.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from . import kernel, rule

ROD, PLATE = 1, 2
CENTER = 13


def _bits(chosen: set[tuple[int, ...]]) -> int:
    """Integer of a set of voxels given as steps -1..1."""
    return sum(1 << (9 * step[0] + 3 * step[1] + step[2] + CENTER) for step in chosen)


STEPS: set[tuple[int, ...]] = set(product((-1, 0, 1), repeat=3))
NOT_LOW = [np.int64(_bits({s for s in STEPS if s[axis] > -1})) for axis in range(3)]
NOT_HIGH = [np.int64(_bits({s for s in STEPS if s[axis] < 1})) for axis in range(3)]
N26 = np.int64(_bits(STEPS - {(0, 0, 0)}))
N18 = np.int64(_bits({s for s in STEPS if 1 <= sum(map(abs, s)) <= 2}))
N6 = np.int64(_bits({s for s in STEPS if sum(map(abs, s)) == 1}))
LOW_Z, LOW_Y, LOW_X = NOT_LOW
HIGH_Z, HIGH_Y, HIGH_X = NOT_HIGH


@rule
def _grow_26(bits):
    """A set of voxels and all their 26 neighbors within the 27."""
    bits = bits | (bits & HIGH_X) << 1 | (bits & LOW_X) >> 1
    bits = bits | (bits & HIGH_Y) << 3 | (bits & LOW_Y) >> 3
    return bits | (bits & HIGH_Z) << 9 | (bits & LOW_Z) >> 9


@rule
def _grow_6(bits):
    """A set of voxels and all their face neighbors within the 27."""
    along_x = (bits & HIGH_X) << 1 | (bits & LOW_X) >> 1
    along_y = (bits & HIGH_Y) << 3 | (bits & LOW_Y) >> 3
    return bits | along_x | along_y | (bits & HIGH_Z) << 9 | (bits & LOW_Z) >> 9


@rule
def bone_parts(bits):
    """Number of parts that the bone neighbors of a voxel form, joined by 26 neighbors."""
    rest, parts = bits & N26, 0
    while rest:
        part, before = rest & -rest, np.int64(0)
        while part != before:
            before = part
            part = _grow_26(part) & rest
        rest &= ~part
        parts += 1
    return parts


@rule
def marrow_parts(bits):
    """Number of parts of marrow that touch a voxel by a face, joined by 6 neighbors within the 18 nearest."""
    rest, parts = ~bits & N18, 0
    while rest & N6:
        start = rest & N6
        part, before = start & -start, np.int64(0)
        while part != before:
            before = part
            part = _grow_6(part) & rest
        rest &= ~part
        parts += 1
    return parts


@rule
def _mirrored(n, size):
    """A place at most one beyond the ends of a row, brought back inside by mirroring about the last voxel."""
    inside = -n if n < 0 else 2 * size - 2 - n if n >= size else n
    return min(max(inside, 0), size - 1)


@rule
def neighborhood(bone, z, y, x):
    """The 27 voxels around a voxel as an integer; bone (Z, Y, X) bool."""
    planes, rows, columns = bone.shape
    bits = np.int64(0)
    for k in range(3):
        below = _mirrored(z + k - 1, planes)
        for j in range(3):
            row = bone[below, _mirrored(y + j - 1, rows)]
            shift = 9 * k + 3 * j
            if row[_mirrored(x - 1, columns)]:
                bits |= np.int64(1) << shift
            if row[x]:
                bits |= np.int64(1) << (shift + 1)
            if row[_mirrored(x + 1, columns)]:
                bits |= np.int64(1) << (shift + 2)
    return bits


@kernel
def thin(voxels, may_stay, bone, out_kind):
    """Remove voxels whose removal joins or splits nothing, outermost first, except those in the middle of bone.

    A voxel stays for good if it separates marrow from marrow (PLATE) or bone from bone (ROD) when it is reached, and
    if it may. What is left has the topology of the bone.

    voxels   : (N, 4) int32, z, y, x, key: all bone voxels in the order in which they are tried
    may_stay : (Z, Y, X) bool, voxels that lie in the middle of bone
    bone     : (Z, Y, X) bool, thinned in place
    out_kind : (Z, Y, X) uint8, zeros before: ROD or PLATE in what is left
    Source: isthmuses, Raynal & Couprie, Lect Notes Comput Sci 6607:175 (2011); order by distance, Pudney,
    Comput Vis Image Underst 72:404 (1998).
    """
    rest = np.arange(voxels.shape[0])
    count, changed = rest.size, True
    while changed:
        changed, kept = False, 0
        for n in range(count):
            z, y, x = voxels[rest[n], 0], voxels[rest[n], 1], voxels[rest[n], 2]
            bits = neighborhood(bone, z, y, x)
            marrow = marrow_parts(bits)
            parts = bone_parts(bits) if marrow > 0 else 0
            if marrow == 1 and parts == 1:
                bone[z, y, x] = False
                changed = True
            elif may_stay[z, y, x] and (marrow > 1 or parts > 1):
                out_kind[z, y, x] = PLATE if marrow > 1 else ROD
            else:
                rest[kept] = rest[n]
                kept += 1
        count = kept
    for n in range(count):
        z, y, x = voxels[rest[n], 0], voxels[rest[n], 1], voxels[rest[n], 2]
        out_kind[z, y, x] = PLATE if marrow_parts(neighborhood(bone, z, y, x)) > 1 else ROD


@kernel
def spread_kinds(voxels, bone, kind):
    """Give every bone voxel the kind of the middle voxels that it is reached from first, step by step.

    In each step an open voxel with known neighbors (26) takes the kind that more of them have, plates where equal.

    voxels : (N, 4) int32, all bone voxels      bone : (Z, Y, X) bool
    kind   : (Z, Y, X) uint8, ROD, PLATE or 0, filled in place; bone without any middle voxel stays 0
    """
    planes, rows, columns = kind.shape
    rest = np.empty(voxels.shape[0], np.int64)
    found = np.empty(voxels.shape[0], np.uint8)
    count = 0
    for n in range(voxels.shape[0]):
        if kind[voxels[n, 0], voxels[n, 1], voxels[n, 2]] == 0:
            rest[count] = n
            count += 1
    changed = True
    while changed and count > 0:
        changed = False
        for n in range(count):
            z, y, x = voxels[rest[n], 0], voxels[rest[n], 1], voxels[rest[n], 2]
            plates, rods = 0, 0
            for k in range(max(z - 1, 0), min(z + 2, planes)):
                for j in range(max(y - 1, 0), min(y + 2, rows)):
                    for i in range(max(x - 1, 0), min(x + 2, columns)):
                        plates += kind[k, j, i] == PLATE
                        rods += kind[k, j, i] == ROD
            found[n] = 0 if plates + rods == 0 else PLATE if plates >= rods else ROD
        kept = 0
        for n in range(count):
            if found[n]:
                kind[voxels[rest[n], 0], voxels[rest[n], 1], voxels[rest[n], 2]] = found[n]
                changed = True
            else:
                rest[kept] = rest[n]
                kept += 1
        count = kept
