"""Plain twins of kernels/stimulus.py."""

from __future__ import annotations

import numpy as np


def mixed_power(forms, weights, doses, exponent):
    """(sum_j D_j (sum_f w_jf form_f)^(m/2))^(1/m) of every point."""
    squares = weights @ forms.astype(np.float64)
    return (doses @ squares.clip(0) ** (exponent / 2)) ** (1 / exponent)


def far_from(mask):
    """Voxels that are not in the mask and have none of it among their 26 neighbors."""
    wide = np.pad(mask, 1)
    near = np.zeros_like(mask)
    for z in range(3):
        for y in range(3):
            for x in range(3):
                near |= wide[z : z + mask.shape[0], y : y + mask.shape[1], x : x + mask.shape[2]]
    return ~near
