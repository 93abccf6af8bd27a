"""Test lines through a mask: how long they run in bone and how often they cross its surface."""

from __future__ import annotations

import numpy as np

from . import kernel

FAR = 1e9
EDGE = 1e-6
"""Lines end this little before the last voxel center, so that every point has a neighborhood; voxels."""


@kernel
def _clip(origin, direction, size, enter, leave):
    """Part of a line that lies between 0 and `size` along one axis."""
    if abs(direction) < 1e-12:
        return (enter, leave) if 0 <= origin <= size else (0.0, -1.0)
    a, b = -origin / direction, (size - origin) / direction
    return max(enter, min(a, b)), min(leave, max(a, b))


@kernel
def _is_bone(state, z, y, x):
    """True if the mask, interpolated linearly between the eight voxel centers around a point, is above one half."""
    k, j, i = int(z), int(y), int(x)
    s = state[k, j, i]
    if s == 0 or s == 255:
        return s == 255
    z, y, x = z - k, y - j, x - i
    front = (1 - y) * ((1 - x) * (s & 1) + x * (s >> 1 & 1)) + y * ((1 - x) * (s >> 2 & 1) + x * (s >> 3 & 1))
    back = (1 - y) * ((1 - x) * (s >> 4 & 1) + x * (s >> 5 & 1)) + y * ((1 - x) * (s >> 6 & 1) + x * (s >> 7 & 1))
    return (1 - z) * front + z * back > 0.5


@kernel
def _line(state, origin_z, origin_y, origin_x, along, step):
    """Points of one line in bone, all its points, and its crossings; places count from the first voxel center."""
    planes, rows, columns = state.shape
    enter, leave = _clip(origin_z, along[0], planes - EDGE, -FAR, FAR)
    enter, leave = _clip(origin_y, along[1], rows - EDGE, enter, leave)
    enter, leave = _clip(origin_x, along[2], columns - EDGE, enter, leave)
    inside, crossings, before = 0, 0, False
    start = int(np.ceil(enter / step))
    stop = max(start, int(np.floor(leave / step)) + 1)
    for n in range(start, stop):
        t = n * step
        bone = _is_bone(state, origin_z + t * along[0], origin_y + t * along[1], origin_x + t * along[2])
        crossings += n > start and bone != before
        inside += bone
        before = bone
    return inside, stop - start, crossings


@kernel
def count_intercepts(first, last, state, directions, pitch, step, out_counts):
    """Send parallel lines through a mask (blocks are directions).

    A line is a row of points `step` apart; lines lie on a square grid of this pitch that is centered in the box.

    state       : (Z - 1, Y - 1, X - 1) uint8, 2x2x2 neighborhoods, from `mesh_tables.list_states`
    directions  : (N, 3) float64, unit vectors (z, y, x) with unequal components
    pitch, step : voxels, > 0
    out_counts  : (N, 3) int64, overwritten: points in bone, all points, crossings of the surface
    """
    z, y, x = state.shape[0] / 2, state.shape[1] / 2, state.shape[2] / 2
    reach = int(np.sqrt(z * z + y * y + x * x) / pitch) + 1
    for n in range(first, last):
        along = directions[n]
        axis = np.zeros(3)
        axis[np.argmin(np.abs(along))] = 1
        side = np.cross(along, axis)
        side *= pitch / np.sqrt((side**2).sum())
        up = np.cross(along, side)
        out_counts[n] = 0
        for a in range(-reach, reach):
            for b in range(-reach, reach):
                p, q = a + 0.5, b + 0.5
                origin = z + p * side[0] + q * up[0], y + p * side[1] + q * up[1], x + p * side[2] + q * up[2]
                inside, points, crossings = _line(state, origin[0], origin[1], origin[2], along, step)
                out_counts[n, 0] += inside
                out_counts[n, 1] += points
                out_counts[n, 2] += crossings
