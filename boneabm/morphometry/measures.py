"""The standard measures of a block of trabecular bone, all at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..lattice.components import largest_component
from .surface import bone_surface_mm2
from .thickness import thickness_statistics
from .topology import connectivity_density


@dataclass(frozen=True)
class Measures:
    """Bone morphometry in the symbols of the ASBMR (Bouxsein et al., J Bone Miner Res 25:1468, 2010).

    bv_tv                    : bone volume over total volume, 0..1
    tb_th_um, tb_th_sd_um    : trabecular thickness, mean and standard deviation over bone voxels, um
    tb_sp_um, tb_sp_sd_um    : trabecular separation, mean and standard deviation over marrow voxels, um
    tb_n_per_mm              : trabecular number 1000 / (Tb.Th + Tb.Sp), 1/mm (not the mid-axis measure)
    conn_d_per_mm3           : connectivity density of the largest piece, corrected for cut faces, 1/mm3
    bs_mm2, bv_mm3, tv_mm3   : bone surface without cut faces, bone volume, total volume
    """

    bv_tv: float
    tb_th_um: float
    tb_th_sd_um: float
    tb_sp_um: float
    tb_sp_sd_um: float
    tb_n_per_mm: float
    conn_d_per_mm3: float
    bs_mm2: float
    bv_mm3: float
    tv_mm3: float


def measure(mask: NDArray[np.bool_], spacing_um: float) -> Measures:
    """Standard morphometry of a bone mask.

    mask       : (Z, Y, X) bool, True is bone; bone without marrow or marrow without bone gives nan or inf
    spacing_um : voxel edge, um, > 0

    Raises ValueError for an empty box or a spacing that is not positive.
    """
    mask = np.asarray(mask, np.bool_)
    if mask.ndim != 3 or mask.size == 0 or not spacing_um > 0:
        raise ValueError(f"measure needs a 3-D mask and a spacing > 0 um, got shape {mask.shape} and {spacing_um} um")
    voxel_mm3 = (spacing_um * 1e-3) ** 3
    tb_th_um, tb_th_sd_um = thickness_statistics(mask, spacing_um)
    tb_sp_um, tb_sp_sd_um = thickness_statistics(~mask, spacing_um)
    return Measures(
        bv_tv=float(mask.mean(dtype=np.float64)),
        tb_th_um=tb_th_um,
        tb_th_sd_um=tb_th_sd_um,
        tb_sp_um=tb_sp_um,
        tb_sp_sd_um=tb_sp_sd_um,
        tb_n_per_mm=1000.0 / (tb_th_um + tb_sp_um),
        conn_d_per_mm3=connectivity_density(largest_component(mask, 26), spacing_um),
        bs_mm2=bone_surface_mm2(mask, spacing_um),
        bv_mm3=int(mask.sum()) * voxel_mm3,
        tv_mm3=mask.size * voxel_mm3,
    )
