"""Histomorphometry of closed sites, and the identities that tie it to what the lattice gained and lost.

An identity compares a product of histomorphometric means with a volume that was counted voxel by voxel; nothing can be
fitted to make it hold.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from boneabm.parameters import ParameterSet
from boneabm.sweep.outcomes import NAN, median_positive
from boneabm.units import DAYS_PER_YEAR
from boneabm.validation.finished import FinishedRun, years
from boneabm.validation.measures import OfRun, weighted

Window = tuple[float, float]


def wall_um(window: Window) -> OfRun:
    """W.Th: volume formed by the sites that closed over their area with a floor to build on."""

    def of(run: FinishedRun) -> float:
        sites = run.sites(*window)
        return weighted(sites["wall_um"], sites["area_um2"] * sites["floor_share"]) if sites else NAN

    return of


def erosion_depth_um(window: Window) -> OfRun:
    """E.De: mean depth of the cavities of the sites that closed, by area."""

    def of(run: FinishedRun) -> float:
        sites = run.sites(*window)
        return weighted(sites["erosion_depth_um"], sites["area_um2"]) if sites else NAN

    return of


def balance_um(window: Window) -> OfRun:
    """BMU balance as studies of biopsies give it, W.Th - E.De; `balance_um` of biopsy.csv is of volumes instead."""
    return lambda run: wall_um(window)(run) - erosion_depth_um(window)(run)


def deficit_um(window: Window) -> OfRun:
    """Bone that a site removes for good per claimed area, (eroded - formed) / area; without a floor too."""

    def of(run: FinishedRun) -> float:
        sites = run.sites(*window)
        area = sites["area_um2"].sum() if sites else 0.0
        return float(-sites["volume_um3"].sum() / area) if area else NAN

    return of


def duration_d(start: str, end: str, window: Window) -> OfRun:
    """Mean time between two days of the record of a site, d."""

    def of(run: FinishedRun) -> float:
        sites = run.sites(*window)
        times = sites[end] - sites[start] if sites else np.empty(0)
        times = times[np.isfinite(times)]
        return float(times.mean()) if times.size else NAN

    return of


def per_bone_and_year(amount_um3: Callable[[FinishedRun], float], window: Window) -> OfRun:
    """A volume of a window, um3, per bone volume and year."""

    def of(run: FinishedRun) -> float:
        bone_um3 = run.mean("BV/TV", *window) * run.tissue_um3
        return amount_um3(run) / bone_um3 / years(*window)

    return of


def _closed_um3(window: Window, event: str) -> Callable[[FinishedRun], float]:
    """Volume that the sites of a kind that closed have added to the bone, um3."""
    return lambda run: float(run.sites(*window, event).get("volume_um3", np.empty(0)).sum())


def net_loss(window: Window) -> OfRun:
    """Bone resorbed less bone formed per bone and year, voxel by voxel; loose fragments are not counted."""

    def moved_um3(run: FinishedRun) -> float:
        return float(run.rows("resorbed_um3", *window).sum() - run.rows("formed_um3", *window).sum())

    return per_bone_and_year(moved_um3, window)


def given_by_modeling(window: Window) -> OfRun:
    """Bone that modeling added per bone and year, when its sites closed."""
    return per_bone_and_year(_closed_um3(window, "modeling_closed"), window)


def taken_by_sites(window: Window) -> OfRun:
    """Bone that remodeling sites that closed have taken for good, per bone and year."""
    taken = per_bone_and_year(_closed_um3(window, "site_closed"), window)
    return lambda run: -taken(run)


def held_by_open_sites(window: Window) -> OfRun:
    """Growth of the remodeling space per bone and year: the net loss that no closed site accounts for."""
    net, given, taken = net_loss(window), given_by_modeling(window), taken_by_sites(window)
    return lambda run: net(run) + given(run) - taken(run)


def counted_loss(window: Window) -> OfRun:
    """Bone that remodeling took per bone and year: the net loss and what modeling added meanwhile."""
    net, given = net_loss(window), given_by_modeling(window)
    return lambda run: net(run) + given(run)


def counted_turnover(window: Window) -> OfRun:
    """Bone resorbed per bone volume and year, voxel by voxel."""
    return per_bone_and_year(lambda run: float(run.rows("resorbed_um3", *window).sum()), window)


def activated_per_um_and_year(window: Window) -> OfRun:
    """Ac.f x BS/BV, 1/(um y): Ac.f is a mean over the last 365 d, so the window begins a year late."""
    first, last = min(window[0] + DAYS_PER_YEAR, window[1] - 1), window[1]

    def of(run: FinishedRun) -> float:
        return run.mean("Ac.f_per_y", first, last) * 1e-3 * run.mean("BS/BV_per_mm", *window)

    return of


def booked(depth_um: Callable[[Window], OfRun], window: Window) -> OfRun:
    """Ac.f x depth x BS/BV, 1/y, with a depth taken from the sites that closed."""
    return lambda run: activated_per_um_and_year(window)(run) * depth_um(window)(run)


def mar_um_per_d(window: Window) -> OfRun:
    """Apposition rate, mean over the osteoblasts of a day, median over days that had any, um/d."""
    return lambda run: median_positive(run.rows("apposition_um_per_d", *window))


def missing_depth_um_y(window: Window) -> OfRun:
    """Missing depth of a site, summed over its void time, um y: void time x mean missing depth.

    Erosion: a fast phase down to its depth, then a slow one to E.De, then reversal at E.De; formation over
    W.Th / MAR with the mean open share 1 / ln(1/c) - c / (1 - c) of an apposition rate that falls to c.
    """
    p = ParameterSet.load()
    fast_um, fast_d = p["osteoclast.fast_depth_um"].value, 0.0
    fast_d = fast_um / p["osteoclast.fast_rate_um_per_d"].value
    slow_d, reversal_d = p["osteoclast.slow_d"].value, p["osteoclast.reversal_d"].value
    c = p["osteoblast.closing_fraction"].value
    open_share = 1.0 / math.log(1.0 / c) - c / (1.0 - c)

    def of(run: FinishedRun) -> float:
        depth, wall = erosion_depth_um(window)(run), wall_um(window)(run)
        formation_d = wall / mar_um_per_d(window)(run)
        eroding = 0.5 * fast_um * fast_d + 0.5 * (fast_um + depth) * slow_d + depth * reversal_d
        return (eroding + open_share * depth * formation_d) / DAYS_PER_YEAR

    return of


def space_booked(day: float, window: Window) -> OfRun:
    """Remodeling space on a day: Ac.f of the last year x void time x mean missing depth of the window x BS/BV."""
    today = (day - 1, day)
    return lambda run: activated_per_um_and_year(today)(run) * missing_depth_um_y(window)(run)


def ledger_error(run: FinishedRun) -> float:
    """Largest difference between the bone of the block and what the books say since the first day, over the bone.

    |(BV - BV_0) - sum(formed - resorbed - fragments)| / BV_0
    """
    bone = run.column("BV/TV") * run.tissue_um3
    moved = run.column("formed_um3") - run.column("resorbed_um3") - run.column("fragments_um3")
    return float(np.abs(bone[1:] - bone[0] - np.cumsum(moved[1:])).max() / bone[0])
