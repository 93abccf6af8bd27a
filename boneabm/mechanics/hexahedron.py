"""Stiffness of the 8-node hexahedral voxel, exactly integrated (see the derivation in `kernels.voxel_fe`)."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray


def stiffness_numbers(poisson: float) -> tuple[float, ...]:
    """The eight numbers of the transformed voxel stiffness for E = 1 and edge 1.

    normal (lambda + 2 mu)/16, normal_cross lambda/16, shear mu/16, bend (lambda + 3 mu)/48, bend_cross lambda/48,
    twist mu/24, twist_cross mu/48, warp (lambda + 4 mu)/144; poisson in -1..0.5, both ends excluded.
    """
    first = poisson / ((1 + poisson) * (1 - 2 * poisson))
    shear = 1 / (2 * (1 + poisson))
    return (
        (first + 2 * shear) / 16, first / 16, shear / 16, (first + 3 * shear) / 48, first / 48,
        shear / 24, shear / 48, (first + 4 * shear) / 144,
    )  # fmt: skip


def corner_stiffness(poisson: float) -> float:
    """Diagonal entry of the voxel stiffness, the same for all 24 degrees of freedom (E = 1, edge 1)."""
    normal, _, shear, bend, _, twist, _, warp = stiffness_numbers(poisson)
    return normal + 2 * shear + 2 * bend + twist + warp


def smoothing_bound(poisson: float) -> float:
    """Upper bound of the eigenvalues of D^-1 K for any bone and any moduli, D the diagonal of K.

    x . K x = sum over voxels of x_e . K_e x_e <= largest(K_e) / d_e  sum over voxels of d_e |x_e|^2 = bound x . D x,
    with the diagonal entry d_e of the voxel stiffness K_e
    """
    return float(np.linalg.eigvalsh(element_stiffness(poisson))[-1]) / corner_stiffness(poisson)


def element_stiffness(poisson: float) -> NDArray[np.float64]:
    """Voxel stiffness (24, 24), E = 1, edge 1; row 3 corner + component, corner 4 z + 2 y + x, components z, y, x."""
    normal, normal_cross, shear, bend, bend_cross, twist, twist_cross, warp = stiffness_numbers(poisson)
    modal = np.zeros((8, 3, 8, 3))
    axes = (4, 2, 1)
    for i, j in product(range(3), range(3)):
        a, b = axes[i], axes[j]
        modal[a, i, b, j] = normal if i == j else normal_cross
        modal[7 - a, i, 7 - b, j] = twist if i == j else twist_cross
        if i != j:
            c = 7 - a - b
            modal[b, i, b, i] = modal[b, i, a, j] = shear
            modal[a | c, i, a | c, i] = bend
            modal[a | c, i, b | c, j] = bend_cross
    modal[7, range(3), 7, range(3)] = warp
    sign = np.array([[(-1.0) ** (mode & ~corner).bit_count() for corner in range(8)] for mode in range(8)])
    return np.einsum("ma,minj,nb->aibj", sign, modal, sign).reshape(24, 24)


def isotropic_stiffness(modulus_mpa: float, poisson: float) -> NDArray[np.float64]:
    """Stiffness (6, 6), MPa, of an isotropic solid for strains zz, yy, xx, yz, zx, yx (engineering shear)."""
    shear = modulus_mpa / (2 * (1 + poisson))
    stiffness = np.diag([2 * shear] * 3 + [shear] * 3)
    stiffness[:3, :3] += modulus_mpa * poisson / ((1 + poisson) * (1 - 2 * poisson))
    return stiffness
