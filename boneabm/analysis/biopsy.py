"""Virtual biopsy: histomorphometry of the simulated bone in the words of the ASBMR nomenclature.

Areas are measured in three dimensions, so no section is cut and no obliquity corrected.
Source of symbols and definitions: Dempster et al., J Bone Miner Res 28:2 (2013).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from ..kernels.turnover import FLOOR, FORMATION
from ..remodeling import Tissue
from ..units import DAYS_PER_YEAR

NAN = float("nan")


class FrontRecord(NamedTuple):
    """Where the formation front of every open column is at the end of a day.

    key      : (C,) int64, site and root voxel of the column in one number, ascending
    level_um : (C,) float32, depth of the front below the original surface, um
    area_um2 : (C,) float32; forming : (C,) uint8, 1 in the formation phase on a floor
    """

    key: NDArray[np.int64]
    level_um: NDArray[np.float32]
    area_um2: NDArray[np.float32]
    forming: NDArray[np.uint8]


class Label(NamedTuple):
    """Columns that took up one course of tetracycline: key (ascending), area, depth of the middle of the label, um."""

    key: NDArray[np.int64]
    area_um2: NDArray[np.float64]
    depth_um: NDArray[np.float64]


class Labels(NamedTuple):
    """Dynamic indices from a double label: MS/BS in percent, MAR in um/d, BFR/BS in um3/um2/y."""

    ms_bs_percent: float = NAN
    mar_um_per_d: float = NAN
    bfr_bs_um_per_y: float = NAN


class Walls(NamedTuple):
    """Means over closed sites, um: wall thickness W.Th, erosion depth E.De, and their difference, the balance."""

    wall_um: float = NAN
    erosion_depth_um: float = NAN
    balance_um: float = NAN


def front_record(tissue: Tissue) -> FrontRecord:
    """Record the formation fronts of today."""
    columns = tissue.columns
    key = columns["site"].astype(np.int64) * tissue.lattice.matrix.size + columns["root"]
    forming = (columns["phase"] == FORMATION) & (columns["floor"] == FLOOR)
    order = np.argsort(key)
    columns_of = (columns["level_um"], columns["area_um2"], forming.astype(np.uint8))
    return FrontRecord(key[order], *(column[order] for column in columns_of))


def take_up(begin: FrontRecord, end: FrontRecord, least_um: float) -> Label:
    """Label of a course: columns whose front moved by at least `least_um` while it was given.

    begin, end : fronts one mineralization lag before the course began and ended; what was laid then mineralizes now
    """
    _, a, b = np.intersect1d(begin.key, end.key, assume_unique=True, return_indices=True)
    moved = begin.level_um[a].astype(np.float64) - end.level_um[b]
    seen = (end.forming[b] == 1) & (moved > 0) & (moved >= least_um)
    a, b = a[seen], b[seen]
    middle = 0.5 * (begin.level_um[a].astype(np.float64) + end.level_um[b])
    return Label(end.key[b], end.area_um2[b].astype(np.float64), middle)


def label_indices(first: Label, second: Label, interval_d: float, bone_surface_um2: float) -> Labels:
    """Mineralizing surface, mineral apposition rate and bone formation rate from a double label.

    MS/BS = (dLS + sLS / 2) / BS, MAR = distance of the labels / interval (mean over dLS), BFR/BS = MS/BS x MAR

    interval_d : days between the middles of the two courses
    MAR is nan where no surface carries both labels; without any label MS/BS and BFR/BS are 0.
    """
    both, a, b = np.intersect1d(first.key, second.key, assume_unique=True, return_indices=True)
    double = float(second.area_um2[b].sum())
    single = float(first.area_um2.sum() - first.area_um2[a].sum()) + float(second.area_um2.sum()) - double
    share = (double + 0.5 * single) / bone_surface_um2 if bone_surface_um2 > 0 else NAN
    if both.size == 0:
        return Labels(100.0 * share, NAN, 0.0 if share == 0 else NAN)
    distance = first.depth_um[a] - second.depth_um[b]
    rate = float((distance * second.area_um2[b]).sum()) / double / interval_d
    return Labels(100.0 * share, rate, share * rate * DAYS_PER_YEAR)


def eroded_um2(tissue: Tissue) -> float:
    """Eroded surface ES: claimed surface in resorption or reversal, um2 of the surface before erosion."""
    columns = tissue.columns
    return float(columns["area_um2"][columns["phase"] < FORMATION].sum(dtype=np.float64))


def osteoid_cover(tissue: Tissue, least_um: float) -> tuple[float, float]:
    """Osteoid surface OS, um2, and mean thickness of its seam O.Th, um (nan without osteoid).

    The osteoid of a column covers the area of the column, other osteoid that of the nearest surface voxel (or its
    column); seams thinner than `least_um` are not seen. O.Th = osteoid volume / OS.
    """
    by_column, by_surface = osteoid_um3(tissue)
    volume = np.concatenate([by_column, by_surface])
    area = np.concatenate([tissue.columns["area_um2"], tissue.surface.area_um2]).astype(np.float64)
    seen = (volume > 0) & (volume >= least_um * area)
    covered = float(area[seen].sum())
    return covered, float(volume[seen].sum()) / covered if covered else NAN


def osteoid_um3(tissue: Tissue) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Osteoid volume, um3, by column (C,) and by surface voxel outside columns (N,)."""
    layers, surface, columns = tissue.layers, tissue.surface, tissue.columns
    osteoid = tissue.flat("osteoid")
    held = osteoid[layers["voxel"]].astype(np.float64)
    by_column = np.zeros(columns.n)
    np.add.at(by_column, layers["column"], held)
    by_surface = np.zeros(surface.voxel.size)
    free = np.flatnonzero((osteoid > 0) & (tissue.layer_of < 0))
    if free.size and surface.voxel.size:
        shape = tissue.lattice.shape
        tree = KDTree(np.stack(np.unravel_index(surface.voxel, shape), axis=1))
        near = tree.query(np.stack(np.unravel_index(free, shape), axis=1))[1]
        row = tissue.layer_of[surface.voxel[near]]
        claimed = row >= 0
        np.add.at(by_column, layers["column"][row[claimed]], osteoid[free[claimed]])
        np.add.at(by_surface, near[~claimed], osteoid[free[~claimed]])
    return by_column * tissue.lattice.voxel_um3, by_surface * tissue.lattice.voxel_um3


def closed_walls(events: Mapping[str, NDArray], after_day: int) -> Walls:
    """Walls of the sites that closed after a day.

    W.Th = formed volume / area with a floor; E.De = mean cavity depth; both weighted by area
    balance = W.Th - E'.De with E'.De = eroded volume x floor share / area with a floor = eroded volume / area

    Cavities on curved or tilted surface do not hold area x depth, so the balance compares volumes over the same area.
    Sites without a floor have no wall. events : columns of events.csv; nan where no site closed.
    """
    closed = (events["event"].astype(str) == "site_closed") & (events["day"] > after_day)
    names = ("area_um2", "floor_share", "wall_um", "erosion_depth_um", "eroded_um3")
    area, floor, wall, depth, eroded = (events[name][closed].astype(np.float64) for name in names)
    solid = area * floor
    if not solid.sum() > 0:
        return Walls()
    w_th = float((wall * solid).sum() / solid.sum())
    e_de = float((depth * area).sum() / area.sum())
    return Walls(w_th, e_de, w_th - float((eroded / area * solid).sum() / solid.sum()))


def activation_frequency(labels: Labels, walls: Walls) -> float:
    """Activation frequency Ac.f = BFR/BS / W.Th, 1/y."""
    return labels.bfr_bs_um_per_y / walls.wall_um
