"""Local thickness: the diameter of the largest inscribed ball (Tb.Th on bone, Tb.Sp on marrow)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..kernels import blocks
from ..kernels import thickness as kernels


def squared_distance(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Exact squared Euclidean distance (voxel^2) from every voxel to the nearest background voxel.

    The faces of the box are not background. A mask without background gives `kernels.thickness.FAR` or more.

    mask : (Z, Y, X) bool
    """
    mask = np.ascontiguousarray(mask, np.bool_)
    in_planes = np.empty(mask.shape, np.int32)
    d2 = np.empty(mask.shape, np.int32)
    blocks.launch(kernels.distance_in_planes, mask.shape[0], mask, in_planes)
    blocks.launch(kernels.distance_across_planes, mask.shape[0], in_planes, d2)
    return d2


def inscribed_balls(d2: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Centers (N, 3) and squared radii (N,) of the inscribed balls that no neighbor covers, largest first.

    d2 : (Z, Y, X) int32, voxel^2, finite, from `squared_distance`
    """
    ridge = np.empty(d2.shape, np.bool_)
    blocks.launch(kernels.find_ridge, d2.shape[0], d2, kernels.cover_table(int(d2.max())), ridge)
    centers = np.argwhere(ridge).astype(np.int32)
    r2 = d2[ridge]
    order = np.argsort(-r2, kind="stable")
    return centers[order], r2[order]


def local_thickness(mask: NDArray[np.bool_], spacing_um: float) -> NDArray[np.float32]:
    """Diameter of the largest ball that lies in the mask and holds the voxel.

    thickness(p) = 2 max {r(c) : |p - c| < r(c)}, r(c) the distance from voxel c to the nearest background voxel

    mask       : (Z, Y, X) bool; the faces of the box are not borders, balls may reach beyond them
    spacing_um : voxel edge, um, > 0

    Returns (Z, Y, X) float32, um; 0 outside the mask, infinite if the mask fills the box. Distances go to the centers
    of background voxels: a plate of an even number of voxels is exact, one of an odd number comes out one voxel more.
    Source: Hildebrand & Ruegsegger, J Microsc 185:67 (1997).
    """
    mask = np.asarray(mask, np.bool_)
    if mask.all():
        return np.full(mask.shape, np.inf, np.float32)
    d2 = squared_distance(mask)
    centers, r2 = inscribed_balls(d2)
    diameter = np.empty(mask.shape, np.float32)
    blocks.launch(kernels.paint_balls, mask.shape[0], centers, r2, kernels.half_chords(int(d2.max())), diameter)
    diameter *= np.float32(spacing_um)
    return diameter


def mean_thickness(mask: NDArray[np.bool_], spacing_um: float) -> float:
    """Mean over the mask of the local thickness, um; nan for an empty mask, infinite for a full one."""
    return thickness_statistics(mask, spacing_um)[0]


def thickness_statistics(mask: NDArray[np.bool_], spacing_um: float) -> tuple[float, float]:
    """Mean and standard deviation over the mask of the local thickness, um; (nan, nan) for an empty mask."""
    mask = np.asarray(mask, np.bool_)
    if not mask.any():
        return float("nan"), float("nan")
    if mask.all():
        return float("inf"), float("nan")
    values = local_thickness(mask, spacing_um)[mask]
    return float(values.mean(dtype=np.float64)), float(values.std(dtype=np.float64))
