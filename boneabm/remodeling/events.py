"""Events: the record of every remodeling site when it closes, and what it did to the shape of the bone."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ..kernels import turnover
from ..kernels.topology import euler_number
from .tissue import NEVER, Tissue

SMOOTHING_VOXELS = 0.7
TOUCHING = ndimage.generate_binary_structure(3, 3)


def open_site_numbers(tissue: Tissue) -> np.ndarray:
    """Numbers of sites that still have an osteoclast, an osteoblast or a column before formation."""
    columns = tissue.columns
    busy = columns["site"][columns["phase"] < turnover.FORMATION]
    return np.unique(np.concatenate([busy, tissue.osteoclasts["site"], tissue.osteoblasts["site"]]))


def close_sites(tissue: Tissue, day: int) -> None:
    """Close the sites where nobody works any more: record them, release their voxels, drop their rows."""
    oldest = tissue.sites["opened_day"].min(initial=day)
    tissue.dissolved.keep(tissue.dissolved["day"] >= oldest)
    closing = np.setdiff1d(tissue.sites["site"], open_site_numbers(tissue))
    if closing.size == 0:
        return
    for number in closing.tolist():
        record_site(tissue, number, day)
    layers, columns = tissue.layers, tissue.columns
    gone = np.isin(columns["site"], closing)
    stale = gone[layers["column"]]
    tissue.flat("bmu")[layers["voxel"][stale]] = -1
    kept = np.cumsum(~gone) - 1
    layers.keep(~stale)
    layers["column"][:] = kept[layers["column"]]
    columns.keep(~gone)
    tissue.sites.keep(~np.isin(tissue.sites["site"], closing))
    tissue.remap()


def record_site(tissue: Tissue, number: int, day: int) -> None:
    """Append the record of a closing site, and a perforation or breakage where it changed the Euler number."""
    columns = tissue.columns
    rows = np.flatnonzero(columns["site"] == number)
    site = int(tissue.site_rows(np.array(number)))
    if rows.size == 0:
        return
    modeling = tissue.sites["modeling"][site] != 0
    area = columns["area_um2"][rows].astype(np.float64)
    depth = columns["end_um"][rows] - columns["start_um"][rows]
    solid = columns["floor"][rows] == turnover.FLOOR
    opened = int(tissue.sites["opened_day"][site])
    holes, pieces, place, cut = shape_change(tissue, rows, opened)
    first = int(tissue.sites["formation_day"][site])
    resorbed, formed = (tissue.volume_um3(int(tissue.sites[name][site])) for name in ("resorbed", "formed"))
    entry: dict[str, float | int | str] = {
        "day": day, "event": "modeling_closed" if modeling else "site_closed", "site": number, **place,
        "volume_um3": formed - resorbed,
        "opened_day": opened, "formation_day": "" if first == NEVER else first,
        "area_um2": float(area.sum()), "eroded_um3": resorbed, "formed_um3": formed,
        "erosion_depth_um": float((area * depth).sum() / area.sum()),
        "wall_um": formed / float(area[solid].sum()) if solid.any() else 0.0,
        "floor_share": float(area[solid].sum() / area.sum()), "euler_change": pieces - holes,
    }  # fmt: skip
    tissue.today.events.append(entry)
    for kind, happened in (("perforation", holes > 0), ("breakage", holes < 0 or pieces > 0)):
        if happened:
            tissue.today.events.append({**entry, **cut, "event": kind})


def shape_change(
    tissue: Tissue, rows: np.ndarray, opened_day: int
) -> tuple[int, int, dict[str, float], dict[str, float]]:
    """New holes and new pieces of bone in the box around a site, the center of the box, and that of the bone that went.

    Euler number = pieces - holes (+ closed cavities, which erosion from outside cannot make). Before: every layer as
    full as when it was claimed, and what dissolved beside it since then as it was. The bone is smoothed first, so that
    a voxel not quite filled is not a hole.
    """
    layers, lattice = tissue.layers, tissue.lattice
    own = np.flatnonzero(np.isin(layers["column"], rows) & (layers["before_um"] > 0))
    where = np.stack(np.unravel_index(layers["voxel"][own], lattice.shape), axis=1)
    low = np.maximum(where.min(axis=0) - 3, 0)
    high = np.minimum(where.max(axis=0) + 4, lattice.shape)
    after = lattice.matrix[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    before, at = dissolved_beside(tissue, where - low, after.shape, low, opened_day), tuple((where - low).T)
    before[at] = np.maximum(before[at], layers["before_um"][own] / np.float32(lattice.spacing_um))
    before = np.maximum(before, after)
    was, now = (ndimage.gaussian_filter(part, SMOOTHING_VOXELS, mode="nearest") >= 0.5 for part in (before, after))
    (pieces_before, euler_before), (pieces_after, euler_after) = topology(was), topology(now)
    pieces = pieces_after - pieces_before
    center, gone = 0.5 * (low + high), np.argwhere(was & ~now)
    cut = low + gone.mean(axis=0) + 0.5 if gone.size else center
    return pieces - (euler_after - euler_before), pieces, place_um(tissue, center), place_um(tissue, cut)


def dissolved_beside(
    tissue: Tissue, own: np.ndarray, shape: tuple[int, ...], low: np.ndarray, opened_day: int
) -> np.ndarray:
    """Matrix that loose voxels had before they dissolved, where these hang together with the layers of a site.

    own : (N, 3) layers in the box of this shape whose first voxel is `low`; what another site has cut off is left out
    """
    gone = np.flatnonzero(tissue.dissolved["day"] >= opened_day)
    where = np.stack(np.unravel_index(tissue.dissolved["voxel"][gone], tissue.lattice.shape), axis=1) - low
    inside = ((where >= 0) & (where < shape)).all(axis=1)
    before, touched = np.zeros(shape, np.float32), np.zeros(shape, np.bool_)
    before[tuple(where[inside].T)] = tissue.dissolved["matrix"][gone[inside]]
    touched[tuple(own.T)] = True
    pieces = ndimage.label(touched | (before > 0), TOUCHING)[0]
    return np.where(np.isin(pieces, np.unique(pieces[touched])), before, np.float32(0.0))


def place_um(tissue: Tissue, voxels: np.ndarray) -> dict[str, float]:
    """Place in voxels as columns of events."""
    z, y, x = (voxels * tissue.lattice.spacing_um).round(1).tolist()
    return {"z_um": z, "y_um": y, "x_um": x}


def topology(bone: np.ndarray) -> tuple[int, int]:
    """Number of 26-connected pieces and Euler number."""
    return int(ndimage.label(bone, TOUCHING)[1]), int(euler_number(bone))
