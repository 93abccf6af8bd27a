"""Mineral density of bone tissue (TMD) and of the whole volume (vBMD)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

PEEL_VOXELS = 1
"""Layers of surface voxels that gray values of tissue leave out; their gray value is part marrow."""


class Density(NamedTuple):
    """tmd, vbmd : hydroxyapatite per volume of bone tissue and per total volume, g/cm3; nan where there is none."""

    tmd_g_per_cm3: float
    vbmd_g_per_cm3: float


def density_of_gray(density_g_per_cm3: NDArray[np.floating], mask: NDArray[np.bool_]) -> Density:
    """TMD and vBMD of a calibrated image.

    TMD is the mean over bone without its PEEL_VOXELS outermost layers (all of it where none is left), vBMD the mean
    over the box. density_g_per_cm3, mask : (Z, Y, X). Source: Bouxsein et al., J Bone Miner Res 25:1468 (2010).
    """
    from scipy.ndimage import binary_erosion, generate_binary_structure

    inner = binary_erosion(mask, generate_binary_structure(3, 3), PEEL_VOXELS, border_value=True)
    tissue = density_g_per_cm3[inner if inner.any() else mask]
    tmd = float(tissue.mean(dtype=np.float64)) if tissue.size else float("nan")
    return Density(tmd, float(density_g_per_cm3.mean(dtype=np.float64)))


def density_of_run(mineral_g_per_cm3: NDArray[np.floating], matrix: NDArray[np.floating]) -> Density:
    """TMD and vBMD of a simulated block; no voxel is left out, since a run knows its partial volumes.

    TMD = sum of mineral / sum of matrix, vBMD = mean of mineral over the box

    mineral_g_per_cm3 : (Z, Y, X) hydroxyapatite per voxel volume      matrix : (Z, Y, X) bone matrix, 0..1
    """
    mineral, bone = float(mineral_g_per_cm3.sum(dtype=np.float64)), float(matrix.sum(dtype=np.float64))
    return Density(mineral / bone if bone > 0 else float("nan"), mineral / mineral_g_per_cm3.size)
