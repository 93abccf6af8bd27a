"""Which inscribed ball is the largest around a voxel: balls sorted by radius, dealt to cubes, cubes halved three times.

Lengths are in voxels. A cube keeps the balls that reach one of its mask voxels, largest first, and drops all that
follow the first ball that holds it whole: no voxel of it needs them. Cubes of 32 are halved to 16, 8 and 4, each
shrunk to its mask voxels; in those of 4 the balls are painted until no voxel is open. Every voxel gets the maximum
over all balls, so neither the cubes nor the threads can change the result.
"""

from __future__ import annotations

import numpy as np

from . import kernel, rule

CUBE = 32
"""Edge of the cubes that balls are dealt to, voxels; one cube is one block of `paint_cubes`."""
HALVINGS = 3
"""Times a cube is halved before its balls are painted."""


@kernel
def list_balls(d2, ridge, largest_r2):
    """Centers and squared radii of the ridge voxels, largest first, equal ones in z, y, x order.

    d2    : (Z, Y, X) int32, voxel^2        ridge : (Z, Y, X) bool
    Returns (N, 4) int32: z, y, x, squared radius.
    """
    planes, rows, columns = d2.shape
    place = np.zeros(largest_r2 + 2, np.int64)
    for z in range(planes):
        for y in range(rows):
            for x in range(columns):
                if ridge[z, y, x]:
                    place[largest_r2 - d2[z, y, x] + 1] += 1
    for n in range(1, largest_r2 + 2):
        place[n] += place[n - 1]
    balls = np.empty((place[largest_r2 + 1], 4), np.int32)
    for z in range(planes):
        for y in range(rows):
            for x in range(columns):
                if ridge[z, y, x]:
                    r2 = d2[z, y, x]
                    n = place[largest_r2 - r2]
                    place[largest_r2 - r2] += 1
                    balls[n, 0], balls[n, 1], balls[n, 2], balls[n, 3] = z, y, x, r2
    return balls


@rule
def _near(c, first, last):
    """Distance along one axis from c to the nearest of the voxels first..last."""
    return max(0, first - c, c - last)


@rule
def _far(c, first, last):
    """Distance along one axis from c to the farthest of the voxels first..last."""
    return max(c - first, last - c)


@kernel
def _visit(balls, shape, closed, place, out_list):
    """Offer every ball to the cubes it reaches; `place` counts the balls of every cube on from its value."""
    across, along = -(-shape[1] // CUBE), -(-shape[2] // CUBE)
    for n in range(balls.shape[0]):
        z, y, x, r2 = balls[n]
        reach = int(np.sqrt(r2))
        for k in range(max(0, z - reach) // CUBE, min(shape[0] - 1, z + reach) // CUBE + 1):
            z_last = min(k * CUBE + CUBE, shape[0]) - 1
            near_z, far_z = _near(z, k * CUBE, z_last) ** 2, _far(z, k * CUBE, z_last) ** 2
            for j in range(max(0, y - reach) // CUBE, min(shape[1] - 1, y + reach) // CUBE + 1):
                y_last = min(j * CUBE + CUBE, shape[1]) - 1
                near_y, far_y = near_z + _near(y, j * CUBE, y_last) ** 2, far_z + _far(y, j * CUBE, y_last) ** 2
                for i in range(max(0, x - reach) // CUBE, min(shape[2] - 1, x + reach) // CUBE + 1):
                    cube = (k * across + j) * along + i
                    x_last = min(i * CUBE + CUBE, shape[2]) - 1
                    if closed[cube] or near_y + _near(x, i * CUBE, x_last) ** 2 >= r2:
                        continue
                    if out_list.size:
                        out_list[place[cube]] = n
                    place[cube] += 1
                    closed[cube] = far_y + _far(x, i * CUBE, x_last) ** 2 < r2


@kernel
def deal_balls(balls, shape):
    """The balls that each cube of the box needs.

    balls : (N, 4) int32, from `list_balls`      shape : (3,) voxels
    Returns start (cubes + 1,) int64 and numbers int32: cube c needs balls[numbers[start[c] : start[c + 1]]], largest
    first; cubes are counted along x, then y, then z.
    """
    cubes = (-(-shape[0] // CUBE)) * (-(-shape[1] // CUBE)) * (-(-shape[2] // CUBE))
    start = np.zeros(cubes + 1, np.int64)
    _visit(balls, shape, np.zeros(cubes, np.bool_), start[1:], np.empty(0, np.int32))
    start[1:] = np.cumsum(start[1:])
    numbers = np.empty(start[cubes], np.int32)
    _visit(balls, shape, np.zeros(cubes, np.bool_), start[:-1].copy(), numbers)
    return start, numbers


@kernel
def _choose(source, count, first, last, out):
    """Copy the balls that reach the box first..last, up to the first one that holds it whole; returns how many."""
    z_first, y_first, x_first = first
    z_last, y_last, x_last = last
    kept = 0
    for n in range(count):
        z, y, x, r2 = source[n, 0], source[n, 1], source[n, 2], source[n, 3]
        if _near(z, z_first, z_last) ** 2 + _near(y, y_first, y_last) ** 2 + _near(x, x_first, x_last) ** 2 >= r2:
            continue
        out[kept, 0], out[kept, 1], out[kept, 2], out[kept, 3] = z, y, x, r2
        kept += 1
        if _far(z, z_first, z_last) ** 2 + _far(y, y_first, y_last) ** 2 + _far(x, x_first, x_last) ** 2 < r2:
            break
    return kept


@kernel
def _shrink(d2, first, last):
    """The smallest box around the mask voxels of a box; its last lies before its first where there is none."""
    z_first, y_first, x_first = last[0] + 1, last[1] + 1, last[2] + 1
    z_last, y_last, x_last = first[0] - 1, first[1] - 1, first[2] - 1
    for z in range(first[0], last[0] + 1):
        for y in range(first[1], last[1] + 1):
            row = d2[z, y]
            left, right = first[2], last[2]
            while left <= right and row[left] == 0:
                left += 1
            if left > right:
                continue
            while row[right] == 0:
                right -= 1
            z_first, z_last = min(z_first, z), max(z_last, z)
            y_first, y_last = min(y_first, y), max(y_last, y)
            x_first, x_last = min(x_first, left), max(x_last, right)
    return (z_first, y_first, x_first), (z_last, y_last, x_last)


@kernel
def _open_leaf(first, last, d2, best, spot):
    """List the mask voxels of a small box: places relative to its corner and an empty best; returns how many."""
    count = 0
    for z in range(first[0], last[0] + 1):
        for y in range(first[1], last[1] + 1):
            for x in range(first[2], last[2] + 1):
                if d2[z, y, x] > 0:
                    best[count] = 0
                    spot[0, count], spot[1, count], spot[2, count] = z - first[0], y - first[1], x - first[2]
                    count += 1
    return count


@kernel
def _raise(dz, dy, dx, r2, spot, best, count):
    """Raise the best squared radius of the listed voxels that the ball holds; returns the smallest best."""
    least = r2
    for n in range(count):
        away = (spot[0, n] - dz) ** 2 + (spot[1, n] - dy) ** 2 + (spot[2, n] - dx) ** 2
        best[n] = max(best[n], r2 if away < r2 else np.int32(0))
        least = min(least, best[n])
    return least


@kernel
def _paint_leaf(balls, count, first, last, d2, spot, best, out_diameter):
    """Give every mask voxel of a small box the diameter of the first ball that holds it."""
    voxels = _open_leaf(first, last, d2, best, spot)
    z_first, y_first, x_first = first
    z_last, y_last, x_last = last
    corner_z, corner_y, corner_x = np.int32(z_first), np.int32(y_first), np.int32(x_first)
    for n in range(count):
        z, y, x, r2 = balls[n, 0], balls[n, 1], balls[n, 2], balls[n, 3]
        if _near(z, z_first, z_last) ** 2 + _near(y, y_first, y_last) ** 2 + _near(x, x_first, x_last) ** 2 >= r2:
            continue
        if _raise(z - corner_z, y - corner_y, x - corner_x, r2, spot, best, voxels) > 0:
            break
    for n in range(voxels):
        place = (first[0] + spot[0, n], first[1] + spot[1, n], first[2] + spot[2, n])
        out_diameter[place] = np.float32(2.0 * np.sqrt(best[n]))


@kernel
def _enter(leaf, lists, counts, corners, d2, spot, best, out_diameter):
    """Go on to the next leaf of a cube in z-order: refresh the lists of the boxes that it enters, and paint it."""
    shape = d2.shape
    for level in range(HALVINGS):
        below = 8 ** (HALVINGS - 1 - level)
        if leaf % below:
            continue
        part, size = leaf // below % 8, CUBE >> (level + 1)
        z = corners[level, 0] + size * (part >> 2)
        y = corners[level, 1] + size * (part >> 1 & 1)
        x = corners[level, 2] + size * (part & 1)
        corners[level + 1, 0], corners[level + 1, 1], corners[level + 1, 2] = z, y, x
        counts[level + 1] = 0
        if counts[level] == 0 or z >= shape[0] or y >= shape[1] or x >= shape[2]:
            continue
        whole = (min(z + size, shape[0]) - 1, min(y + size, shape[1]) - 1, min(x + size, shape[2]) - 1)
        first, last = _shrink(d2, (z, y, x), whole)
        if last[0] < first[0]:
            continue
        if level == HALVINGS - 1:
            _paint_leaf(lists[level], counts[level], first, last, d2, spot, best, out_diameter)
        else:
            counts[level + 1] = _choose(lists[level], counts[level], first, last, lists[level + 1])


@kernel
def paint_cubes(first, last, balls, start, numbers, d2, out_diameter):
    """Paint the largest inscribed ball around every voxel of the mask (blocks are cubes of edge CUBE).

    A ball holds the voxels with |p - center|^2 < r2; its diameter is 2 sqrt(r2).

    balls, start, numbers : from `list_balls` and `deal_balls`
    d2                    : (Z, Y, X) int32, > 0 in the mask
    out_diameter          : (Z, Y, X) float32, voxels, zeros before
    """
    across, along = -(-d2.shape[1] // CUBE), -(-d2.shape[2] // CUBE)
    counts, corners = np.zeros(HALVINGS + 1, np.int64), np.zeros((HALVINGS + 1, 3), np.int64)
    spot, best = np.zeros((3, 64), np.int32), np.zeros(64, np.int32)
    for cube in range(first, last):
        counts[0] = start[cube + 1] - start[cube]
        lists = np.empty((HALVINGS, counts[0], 4), np.int32)
        for n in range(counts[0]):
            lists[0, n] = balls[numbers[start[cube] + n]]
        corners[0, 0], corners[0, 1] = cube // (across * along) * CUBE, cube // along % across * CUBE
        corners[0, 2] = cube % along * CUBE
        for leaf in range(8**HALVINGS):
            _enter(leaf, lists, counts, corners, d2, spot, best, out_diameter)
