"""Connected pieces of a mask, by joining runs of voxels along x.

A row is all voxels with the same (z, y), numbered z Y + y; runs are numbered in z, y, x order. Runs of neighboring
rows that overlap (or lie at most `reach` voxels apart) are joined; every piece is named by its first run.
"""

from __future__ import annotations

import numpy as np

from . import kernel


@kernel
def count_runs(first, last, mask, row_count):
    """row_count[row] = number of runs in the rows of planes first..last-1; mask (Z, Y, X) uint8."""
    _, height, width = mask.shape
    for row in range(first * height, last * height):
        voxels = mask[row // height, row % height]
        count = np.int64(voxels[0] != 0)
        for x in range(np.uint64(1), np.uint64(width)):
            count += (voxels[x] != 0) & (voxels[x - np.uint64(1)] == 0)
        row_count[row] = count


@kernel
def fill_runs(first, last, mask, row_start, begin, end):
    """Write where the runs of planes first..last-1 begin and end (the voxel after the last one) along x."""
    _, height, width = mask.shape
    for row in range(first * height, last * height):
        voxels = mask[row // height, row % height]
        run, x = row_start[row], 0
        while run < row_start[row + 1]:
            while voxels[x] == 0:
                x += 1
            begin[run] = x
            while x < width and voxels[x] != 0:
                x += 1
            end[run] = x
            run += 1


@kernel
def root(parent, run):
    """First run of the piece; halves the path on the way."""
    while parent[run] != run:
        parent[run] = parent[parent[run]]
        run = parent[run]
    return run


@kernel
def join_rows(row, other, reach, row_start, begin, end, parent):
    """Join the runs of two rows that touch."""
    a, b = row_start[row], row_start[other]
    while a < row_start[row + 1] and b < row_start[other + 1]:
        if begin[a] < end[b] + reach and begin[b] < end[a] + reach:
            one, two = root(parent, a), root(parent, b)
            parent[max(one, two)] = min(one, two)
        if end[a] < end[b]:
            a += 1
        else:
            b += 1


@kernel
def join_runs(shape, by_faces, row_start, begin, end, parent):
    """Join all runs that touch by faces, or by faces, edges and corners; parent leads to the first run."""
    depth, height, _ = shape
    parent[:] = np.arange(parent.size)
    reach = 0 if by_faces else 1
    for z in range(depth):
        for y in range(height):
            row = z * height + y
            if y > 0:
                join_rows(row, row - 1, reach, row_start, begin, end, parent)
            if z > 0:
                for other in range(max(y - reach, 0), min(y + reach, height - 1) + 1):
                    join_rows(row, (z - 1) * height + other, reach, row_start, begin, end, parent)


@kernel
def largest_root(begin, end, parent):
    """Make `parent` the first run of each piece; returns that of the largest (of equals the first) and the count."""
    voxels = np.zeros(parent.size, np.int64)
    pieces = 0
    for run in range(parent.size):
        parent[run] = root(parent, run)
        pieces += parent[run] == run
        voxels[parent[run]] += end[run] - begin[run]
    return voxels.argmax(), pieces


@kernel
def clear_others(first, last, keep, row_start, begin, end, parent, mask):
    """mask = 0 on all runs of planes first..last-1 that are not of the piece `keep`."""
    height = mask.shape[1]
    for row in range(first * height, last * height):
        for run in range(row_start[row], row_start[row + 1]):
            if parent[run] != keep:
                mask[row // height, row % height, begin[run] : end[run]] = 0


@kernel
def hold(shape, row_start, begin, end, parent, out_held):
    """Make `parent` the first run of each piece and mark the first runs of the largest piece and of those on a face.

    out_held : (runs,) uint8
    """
    depth, height, width = shape
    keep, _ = largest_root(begin, end, parent)
    out_held[:] = 0
    out_held[keep] = 1
    for row in range(depth * height):
        z, y = row // height, row % height
        edge = z == 0 or z == depth - 1 or y == 0 or y == height - 1
        for run in range(row_start[row], row_start[row + 1]):
            if edge or begin[run] == 0 or end[run] == width:
                out_held[parent[run]] = 1


@kernel
def list_loose(width, row_start, begin, end, parent, held, out_voxel, out_piece):
    """Flat voxels of all runs of pieces that are not held, and the first run of their piece; returns how many."""
    n = 0
    for row in range(row_start.size - 1):
        for run in range(row_start[row], row_start[row + 1]):
            if held[parent[run]] == 0:
                for x in range(begin[run], end[run]):
                    out_voxel[n], out_piece[n] = row * width + x, parent[run]
                    n += 1
    return n


@kernel
def dust(first, last, matrix, bmu, out_dust):
    """Voxels 0 < f < 0.5 of no open site with no bone voxel (f >= 0.5) among their 26 neighbors; planes first..last-1.

    matrix, bmu, out_dust : (Z, Y, X) float32, int32, uint8
    """
    nz, ny, nx = matrix.shape
    for z in range(first, last):
        for y in range(ny):
            for x in range(nx):
                out_dust[z, y, x] = 0
                if matrix[z, y, x] <= 0 or matrix[z, y, x] >= 0.5 or bmu[z, y, x] != -1:
                    continue
                out_dust[z, y, x] = 1
                for a in range(max(z - 1, 0), min(z + 2, nz)):
                    for b in range(max(y - 1, 0), min(y + 2, ny)):
                        for c in range(max(x - 1, 0), min(x + 2, nx)):
                            if matrix[a, b, c] >= 0.5:
                                out_dust[z, y, x] = 0
