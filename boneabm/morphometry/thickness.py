"""Local thickness: the diameter of the largest inscribed ball (Tb.Th on bone, Tb.Sp on marrow)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..kernels import blocks
from ..kernels import thickness as kernels
from ..kernels.inscribed import deal_balls, list_balls, paint_cubes


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


def inscribed_balls(d2: NDArray[np.int32]) -> NDArray[np.int32]:
    """Inscribed balls that no neighbor's ball covers, largest first: (N, 4) z, y, x, squared radius in voxels.

    d2 : (Z, Y, X) int32, voxel^2, finite, from `squared_distance`
    """
    largest = int(d2.max())
    ridge = np.empty(d2.shape, np.bool_)
    blocks.launch(kernels.find_ridge, d2.shape[0], d2, kernels.cover_table(largest), ridge)
    return list_balls(d2, ridge, largest)


def local_thickness(mask: NDArray[np.bool_], spacing_um: float, upsample: int = 1) -> NDArray[np.float32]:
    """Diameter of the largest ball that lies in the mask and holds the voxel.

    thickness(p) = 2 max {r(c) : |p - c| < r(c)}, r(c) the distance from voxel c to the nearest background voxel

    mask       : (Z, Y, X) bool; the faces of the box are not borders, balls may reach beyond them
    spacing_um : voxel edge, um, > 0
    upsample   : the mask is first made finer by this factor (`refined`), >= 1; the mean over the parts is returned

    Returns (Z, Y, X) float32, um; 0 outside the mask, infinite if the mask fills the box. Distances go to the centers
    of background voxels: a plate of an even number of voxels is exact, one of an odd number comes out one voxel more.
    With an even `upsample` all numbers are even. Source: Hildebrand & Ruegsegger, J Microsc 185:67 (1997).
    """
    mask = np.asarray(mask, np.bool_)
    if mask.all():
        return np.full(mask.shape, np.inf, np.float32)
    diameter = _diameters(refined(mask, upsample))
    diameter *= np.float32(spacing_um / upsample)
    if upsample == 1:
        return diameter
    return np.where(mask, _part_means(diameter, upsample), np.float32(0))


def _diameters(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Local thickness in voxels of a mask that does not fill its box."""
    d2 = squared_distance(mask)
    balls = inscribed_balls(d2)
    start, numbers = deal_balls(balls, mask.shape)
    diameter = np.zeros(mask.shape, np.float32)
    blocks.launch(paint_cubes, start.size - 1, balls, start, numbers, d2, diameter)
    return diameter


def refined(mask: NDArray[np.bool_], factor: int) -> NDArray[np.bool_]:
    """The mask on a lattice finer by a factor: interpolated linearly between voxel centers, bone above one half.

    A point at exactly one half is what its voxel is, and a voxel that would vanish (a lone one) stays whole, so the
    refined marrow is what the refined bone leaves. Flat faces stay where they are, steps are planed.
    mask : (Z, Y, X) bool; returns (Z, Y, X) times the factor.
    """
    if factor == 1:
        return mask
    share = np.where(mask, 1, -1).astype(np.int16)
    for axis in range(3):
        before = np.concatenate([share.take([0], axis), share], axis).take(range(share.shape[axis]), axis)
        after = np.concatenate([share, share.take([-1], axis)], axis).take(range(1, share.shape[axis] + 1), axis)
        parts = []
        for part in range(factor):
            off = 2 * part + 1 - factor
            parts.append((2 * factor - abs(off)) * share + abs(off) * (before if off < 0 else after))
        shape = [length * (factor if a == axis else 1) for a, length in enumerate(share.shape)]
        share = np.stack(parts, axis + 1).reshape(shape)
    same = _repeated(mask, factor)
    fine = (share > 0) | ((share == 0) & same)
    lost = ~(fine == same).reshape([n for length in mask.shape for n in (length, factor)]).any(axis=(1, 3, 5))
    return np.where(_repeated(lost, factor), same, fine)


def _repeated(mask: NDArray[np.bool_], factor: int) -> NDArray[np.bool_]:
    """Every voxel cut into factor^3 equal ones."""
    return mask.repeat(factor, 0).repeat(factor, 1).repeat(factor, 2)


def _part_means(fine: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Mean over the parts of each voxel that are in the mask, 0 where none is."""
    shape = [part for length in fine.shape for part in (length // factor, factor)]
    parts = fine.reshape(shape)
    total, count = parts.sum(axis=(1, 3, 5), dtype=np.float64), np.count_nonzero(parts, axis=(1, 3, 5))
    means: NDArray[np.float32] = (total / np.maximum(count, 1)).astype(np.float32)
    return means


def mean_thickness(mask: NDArray[np.bool_], spacing_um: float) -> float:
    """Mean over the mask of the local thickness, um; nan for an empty mask, infinite for a full one."""
    mask = np.asarray(mask, np.bool_)
    return mean_and_deviation(local_thickness(mask, spacing_um), mask)[0]


def mean_and_deviation(thickness_um: NDArray[np.float32], mask: NDArray[np.bool_]) -> tuple[float, float]:
    """Mean and standard deviation over the mask of a map of local thickness, um; (nan, nan) for an empty mask."""
    values = thickness_um[mask]
    if values.size == 0:
        return float("nan"), float("nan")
    if np.isinf(values[0]):
        return float("inf"), float("nan")
    return float(values.mean(dtype=np.float64)), float(values.std(dtype=np.float64))
