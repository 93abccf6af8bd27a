"""The standard measures of a block of trabecular bone, all at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..lattice.components import largest_component
from .elements import plates_and_rods
from .fabric import mil_fabric
from .model_index import structure_model_index
from .surface import bone_surface_mm2
from .thickness import local_thickness, mean_and_deviation
from .topology import connectivity_density


@dataclass(frozen=True)
class Measures:
    """Bone morphometry in the symbols of the ASBMR (Bouxsein et al., J Bone Miner Res 25:1468, 2010).

    bv_tv                        : bone volume over total volume, 0..1
    tb_th_um, tb_th_sd_um        : trabecular thickness, mean and standard deviation over bone voxels, um
    tb_sp_um, tb_sp_sd_um        : trabecular separation, mean and standard deviation over marrow voxels, um
    tb_n_per_mm                  : trabecular number 1000 / (Tb.Th + Tb.Sp), 1/mm (not the mid-axis measure)
    conn_d_per_mm3               : connectivity density of the largest piece, corrected for cut faces, 1/mm3
    bs_mm2, bv_mm3, tv_mm3       : bone surface without cut faces, bone volume, total volume
    bs_bv_per_mm, bs_tv_per_mm   : bone surface per bone volume and per total volume, 1/mm
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
    bs_bv_per_mm: float
    bs_tv_per_mm: float


@dataclass(frozen=True)
class Shape:
    """Shape and direction of trabeculae.

    tb_n_direct_per_mm           : trabecular number, 1000 over the mean distance of the middles of bone, 1/mm
    smi                          : structure model index (its bias: see `structure_model_index`)
    da                           : degree of anisotropy 1 - shortest / longest mean intercept length, 0..1
    mil1_um, mil2_um, mil3_um    : mean intercept lengths along the axes of the fabric ellipsoid, um, longest first
    mil1_z, mil1_y, mil1_x       : unit vector of the longest
    fabric_zz_um .. fabric_yx_um : fabric tensor M^-1/2, um
    plate_fraction, rod_fraction : shares of bone volume in plates and in rods, 0..1
    """

    tb_n_direct_per_mm: float
    smi: float
    da: float
    mil1_um: float
    mil2_um: float
    mil3_um: float
    mil1_z: float
    mil1_y: float
    mil1_x: float
    fabric_zz_um: float
    fabric_yy_um: float
    fabric_xx_um: float
    fabric_zy_um: float
    fabric_zx_um: float
    fabric_yx_um: float
    plate_fraction: float
    rod_fraction: float


class Maps(NamedTuple):
    """Measures voxel by voxel, each (Z, Y, X).

    thickness_um  : float32, local thickness of bone, 0 in marrow
    separation_um : float32, local thickness of marrow, 0 in bone
    element       : uint8, 0 marrow, 1 rod, 2 plate
    """

    thickness_um: NDArray[np.float32]
    separation_um: NDArray[np.float32]
    element: NDArray[np.uint8]


def measure(mask: NDArray[np.bool_], spacing_um: float, upsample: int = 1) -> Measures:
    """Standard morphometry of a bone mask.

    mask       : (Z, Y, X) bool, True is bone; bone without marrow or marrow without bone gives nan or inf
    spacing_um : voxel edge, um, > 0
    upsample   : voxels are cut into upsample^3 for Tb.Th, Tb.Sp and Tb.N, >= 1

    Raises ValueError for an empty box, a spacing that is not positive or an `upsample` below 1.
    """
    mask = _checked(mask, spacing_um, upsample)
    thickness, separation = (local_thickness(phase, spacing_um, upsample) for phase in (mask, ~mask))
    return _measures(mask, spacing_um, thickness, separation)


def measure_fully(mask: NDArray[np.bool_], spacing_um: float, upsample: int = 1) -> tuple[Measures, Shape, Maps]:
    """Everything that `measure` gives, shape and direction of trabeculae, and the maps behind it.

    Arguments and errors as for `measure`; slower, as lines are sent through the bone and its middle is found.
    """
    mask = _checked(mask, spacing_um, upsample)
    thickness, separation = (local_thickness(phase, spacing_um, upsample) for phase in (mask, ~mask))
    elements = plates_and_rods(mask, thickness if upsample == 1 else None)
    shape = _shape(mask, spacing_um, elements.middle > 0, (elements.plate_fraction, elements.rod_fraction), upsample)
    maps = Maps(thickness, separation, elements.kind)
    return _measures(mask, spacing_um, thickness, separation), shape, maps


def _checked(mask: NDArray[np.bool_], spacing_um: float, upsample: int) -> NDArray[np.bool_]:
    mask = np.asarray(mask, np.bool_)
    if mask.ndim != 3 or mask.size == 0 or not spacing_um > 0:
        raise ValueError(f"measure needs a 3-D mask and a spacing > 0 um, got shape {mask.shape} and {spacing_um} um")
    if upsample < 1:
        raise ValueError(f"upsample must be at least 1, got {upsample}")
    return mask


def _measures(
    mask: NDArray[np.bool_], spacing_um: float, thickness: NDArray[np.float32], separation: NDArray[np.float32]
) -> Measures:
    voxel_mm3 = (spacing_um * 1e-3) ** 3
    tb_th_um, tb_th_sd_um = mean_and_deviation(thickness, mask)
    tb_sp_um, tb_sp_sd_um = mean_and_deviation(separation, ~mask)
    bs_mm2, bv_mm3, tv_mm3 = bone_surface_mm2(mask, spacing_um), int(mask.sum()) * voxel_mm3, mask.size * voxel_mm3
    return Measures(
        bv_tv=float(mask.mean(dtype=np.float64)),
        tb_th_um=tb_th_um,
        tb_th_sd_um=tb_th_sd_um,
        tb_sp_um=tb_sp_um,
        tb_sp_sd_um=tb_sp_sd_um,
        tb_n_per_mm=1000.0 / (tb_th_um + tb_sp_um),
        conn_d_per_mm3=connectivity_density(largest_component(mask, 26), spacing_um),
        bs_mm2=bs_mm2,
        bv_mm3=bv_mm3,
        tv_mm3=tv_mm3,
        bs_bv_per_mm=bs_mm2 / bv_mm3 if bv_mm3 > 0 else float("nan"),
        bs_tv_per_mm=bs_mm2 / tv_mm3,
    )


def _shape(
    mask: NDArray[np.bool_],
    spacing_um: float,
    middle: NDArray[np.bool_],
    fractions: tuple[float, float],
    upsample: int,
) -> Shape:
    axes = mil_fabric(mask, spacing_um)
    tensor = axes.tensor_um
    between = local_thickness(~middle, spacing_um, upsample)
    return Shape(
        tb_n_direct_per_mm=1000.0 / mean_and_deviation(between, ~middle)[0],
        smi=structure_model_index(mask),
        da=axes.da,
        **{f"mil{n + 1}_um": float(axes.mil_um[n]) for n in range(3)},
        **{f"mil1_{name}": float(axes.directions[0, n]) for n, name in enumerate("zyx")},
        **{f"fabric_{name}_um": float(tensor["zyx".index(name[0]), "zyx".index(name[1])]) for name in FABRIC_PARTS},
        plate_fraction=fractions[0],
        rod_fraction=fractions[1],
    )


FABRIC_PARTS = ("zz", "yy", "xx", "zy", "zx", "yx")
