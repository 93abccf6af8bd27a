"""Daily stimulus of many loads at once from stored energy forms, without another look at the strain field."""

from __future__ import annotations

import numpy as np

from . import kernel

POINTS = 4096
"""Points per block of work."""
NEUTRAL = np.float32(-1.0)
"""Marks voxels whose load is unknown; they are left at their set point."""


@kernel
def mixed_power(first, last, forms, weights, doses, exponent, points, out):
    """(sum_j D_j e_j^m)^(1/m) with e_j^2 = sum_f w_jf form_f, blocks of POINTS points.

    forms : (F, P) float32; weights : (J, F) float64; doses : (J,) float64; points : (P,) flat index into out (float32)
    """
    total, square = np.empty(POINTS), np.empty(POINTS)
    for block in range(first, last):
        start = block * POINTS
        n = min(POINTS, points.size - start)
        total[:n] = 0.0
        for j in range(doses.size):
            square[:n] = 0.0
            for f in range(forms.shape[0]):
                weight, form = weights[j, f], forms[f, start : start + n]
                if weight != 0.0:
                    for i in range(n):
                        square[i] += weight * form[i]
            dose = doses[j]
            if exponent == 4.0:
                for i in range(n):
                    total[i] += dose * square[i] * square[i]
            else:
                for i in range(n):
                    total[i] += dose * max(square[i], 0.0) ** (0.5 * exponent)
        if exponent == 4.0:
            for i in range(n):
                out[points[start + i]] = np.sqrt(np.sqrt(total[i]))
        else:
            for i in range(n):
                out[points[start + i]] = total[i] ** (1.0 / exponent)


@kernel
def mark_neutral(first, last, mask, out):
    """NEUTRAL where neither the voxel nor a 26-neighbor was solved, planes first..last-1; other voxels stay."""
    nz, ny, nx = mask.shape
    for z in range(first, last):
        for y in range(ny):
            for x in range(nx):
                near = mask[z, y, x]
                for a in range(max(z - 1, 0), min(z + 2, nz)):
                    for b in range(max(y - 1, 0), min(y + 2, ny)):
                        for c in range(max(x - 1, 0), min(x + 2, nx)):
                            near |= mask[a, b, c]
                if not near:
                    out[z, y, x] = NEUTRAL


@kernel
def scaled(first, last, field, factor, out):
    """out = field x factor, 1 where the field is NEUTRAL; planes first..last-1."""
    for z in range(first, last):
        for y in range(field.shape[1]):
            for x in range(field.shape[2]):
                value = field[z, y, x]
                out[z, y, x] = value * factor if value >= 0 else np.float32(1.0)
