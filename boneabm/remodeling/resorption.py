"""Resorption: osteoclasts claim patches, erode them in two phases, move on, and are replaced while a patch is open."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..endocrine import Modulators
from ..kernels import motion, random, turnover
from . import bisphosphonate
from .activation import recruit
from .parameters import OsteoclastParameters
from .signaling import Signals
from .tissue import Tissue

MOST_PATCH_VOXELS = 4096
MONONUCLEAR = 1.0
SUCCESSOR = 1000
"""Ordinal from which successors of osteoclasts are numbered within their birth voxel and day."""


def intend(
    tissue: Tissue, rows: np.ndarray, signals: Signals, seed: int, day: int, m: Modulators, p: OsteoclastParameters
) -> None:
    """What the listed osteoclasts intend today, from the state as it is."""
    names = ("voxel", "key", "nuclei", "mode", "advance_um", "leaves", "wish")
    cells = tuple(tissue.osteoclasts[name] for name in names)
    level, root = tissue.columns["level_um"], tissue.columns["root"]
    columns = (patch_depth_um(tissue), level - tissue.centers_um(), root, tissue.normals())
    field, reference = signals.field, signals.fields.reference_occupancy
    air = (field.total("rankl"), field.total("opg"), signals.binding(m), reference, m.m_oc_life, m.m_oc_act)
    maps = (tissue.column_of_root, tissue.surface.row, tissue.flat("bmu"))
    lattice = (tissue.lattice.spacing_um, tissue.lattice.shape)
    motion.osteoclast_intents(rows, seed, day, *lattice, cells, columns, *maps, air, p)


def patch_depth_um(tissue: Tissue) -> np.ndarray:
    """Mean depth of the patch (columns with one owner) of every column, (C,) float32."""
    columns = tissue.columns
    _, patch = np.unique(columns["owner"], return_inverse=True)
    area = columns["area_um2"].astype(np.float64)
    sums = np.bincount(patch, area * (columns["level_um"] - columns["start_um"]))
    return (sums / np.maximum(np.bincount(patch, area), 1e-9))[patch].astype(np.float32)


def settle(tissue: Tissue, seed: int, day: int, p: OsteoclastParameters, life: float) -> None:
    """Settle the intents of osteoclasts: movers claim patches, the floor under the others sinks, phases end."""
    claim_patches(tissue, seed, day, p)
    erode(tissue, seed, day, p, life)
    grow_fronts(tissue)
    end_phases(tissue, day, p)


def claim_patches(tissue: Tissue, seed: int, day: int, p: OsteoclastParameters) -> None:
    """Searching osteoclasts take their patch in the order of a random priority; no room left means death."""
    cells = tissue.osteoclasts
    movers = np.flatnonzero((cells["mode"] == motion.SEARCHING) & (cells["alive"] != 0))
    order = np.empty(movers.size, np.uint64)
    motion.priorities(seed, random.PRIORITY, day, cells["key"][movers], order)
    for row in movers[np.argsort(order, kind="stable")].tolist():
        site = int(tissue.site_rows(cells["site"][row]))
        claimed = tissue.sites["claimed_um2"][site]
        left = tissue.sites["quota_um2"][site] - claimed
        target = int(tissue.sites["voxel"][site]) if claimed == 0 else int(cells["wish"][row])
        if target < 0 or left < 0.5 * p.patch_area_um2:
            cells.kill(row)
        elif tissue.surface.row[target] >= 0 and tissue.flat("bmu")[target] == -1:
            claim_patch(tissue, row, site, target, min(p.patch_area_um2, left), seed, day, p)
        elif claimed == 0:
            cells.kill(row)


def claim_patch(
    tissue: Tissue, row: int, site: int, target: int, area_um2: float, seed: int, day: int, p: OsteoclastParameters
) -> None:
    """An osteoclast settles: quiescent surface of the same side around the target becomes columns of its site.

    Bisphosphonate on that surface may kill it first.
    """
    number, owner = int(tissue.sites["site"][site]), int(tissue.osteoclasts["unique_id"][row])
    patch = patch_around(tissue, number, target, area_um2, p.reach_um)
    key = int(tissue.osteoclasts["key"][row])
    if patch.row.size == 0 or not bisphosphonate.survives(tissue, patch, seed, day, key, p):
        tissue.osteoclasts.kill(row)
        return
    open_columns(tissue, patch, number, owner, day)
    tissue.sites["claimed_um2"][site] += patch.total_um2
    tissue.today.claimed_um2 += patch.total_um2
    cells, place = tissue.osteoclasts, tissue.surface.voxel[patch.row[0]]
    cells["voxel"][row], cells["mode"][row] = place, motion.FAST
    waiting = (cells["site"] == number) & (cells["mode"] == motion.WAITING)
    cells["voxel"][waiting] = place


@dataclass(frozen=True)
class Patch:
    """Surface that a site claims, as it was before the site began to erode.

    row      : (N,) int32, rows of the surface        normal  : (N, 3) float32, inward
    area_um2 : (N,) float32                           depth_um : (N,) float32, of voxel centers below the smooth surface
    """

    row: np.ndarray
    normal: np.ndarray
    area_um2: np.ndarray
    depth_um: np.ndarray

    @property
    def total_um2(self) -> float:
        """Area of the patch, um2."""
        return float(self.area_um2.sum(dtype=np.float64))


def patch_around(tissue: Tissue, number: int, target: int, area_um2: float, reach_um: float) -> Patch:
    """Quiescent surface of one side around a voxel, up to an area, for the site of this number."""
    lattice, n = tissue.lattice, MOST_PATCH_VOXELS
    out = (np.empty(n, np.int32), np.empty((n, 3), np.float32), np.empty(n, np.float32), np.empty(n, np.float32))
    block = (tissue.flat("matrix"), tissue.flat("bmu"), tissue.layer_of, tissue.layers["before_um"])
    geometry = (reach_um, lattice.spacing_um, lattice.shape)
    quota_um2 = area_um2 / tissue.area_scale
    count = turnover.claim_patch(target, number, quota_um2, *geometry, tissue.surface.row, block, out)
    row, normal, area, depth = (array[:count] for array in out)
    return Patch(row, normal, area * np.float32(tissue.area_scale), depth)


def open_columns(tissue: Tissue, patch: Patch, number: int, owner: int, day: int) -> np.ndarray:
    """Make columns of the surface voxels of a patch, with the partial matrix above them; rows of the columns."""
    lattice, bmu, n = tissue.lattice, tissue.flat("bmu"), patch.row.size
    roots = tissue.surface.voxel[patch.row]
    out = (np.empty(6 * n, np.int32), np.empty(6 * n, np.int64), np.empty(6 * n, np.float32))
    found = turnover.partial_above(roots, lattice.spacing_um, lattice.shape, tissue.flat("matrix"), bmu, *out)
    above, under, thick = out[0][:found], out[1][:found], out[2][:found]
    own = tissue.flat("matrix")[roots] * np.float32(lattice.spacing_um)
    top = patch.depth_um + np.float32(0.5 * lattice.spacing_um) - own
    start = top.copy()
    np.minimum.at(start, under, top[under] - thick)
    first = tissue.columns.n
    axes = {f"normal_{axis}": patch.normal[:, i] for i, axis in enumerate("zyx")}
    tissue.columns.append(
        n, root=roots, site=number, owner=owner, area_um2=patch.area_um2, level_um=start, start_um=start,
        phase=turnover.FAST, phase_day=day, **axes,
    )  # fmt: skip
    columns = np.arange(first, first + n)
    add_layers(tissue, roots, columns, top, own)
    add_layers(tissue, above, columns[under], top[under] - thick, thick)
    bmu[roots], bmu[above] = number, number
    tissue.column_of_root[roots] = columns
    return columns


def add_layers(tissue: Tissue, voxel: np.ndarray, column: np.ndarray, top: np.ndarray, thick: np.ndarray) -> None:
    """Append voxels to the columns they belong to."""
    rows = tissue.layers.append(voxel.size, voxel=voxel, column=column, top_um=top, thick_um=thick, before_um=thick)
    tissue.layer_of[voxel] = np.arange(rows.start, rows.stop, dtype=np.int32)


def erode(tissue: Tissue, seed: int, day: int, p: OsteoclastParameters, life: float) -> None:
    """The floor of every patch sinks by what its osteoclast intends; patches without one get a mononuclear successor.

    A multinucleated osteoclast that has reached its depth searches on; the slow phase of its patch begins.
    """
    columns, cells = tissue.columns, tissue.osteoclasts
    open_rows = np.flatnonzero(columns["phase"] <= turnover.SLOW)
    owners = cells.rows_of(columns["owner"][open_rows])
    kept = owners >= 0
    sink_patches(tissue, open_rows[kept], owners[kept])
    leaving = kept.copy()
    leaving[kept] = cells["leaves"][owners[kept]] != 0
    cells["mode"][owners[leaving]] = motion.SEARCHING
    vacant = open_rows[leaving | ~kept]
    fast = vacant[columns["phase"][vacant] == turnover.FAST]
    columns["phase"][fast], columns["phase_day"][fast] = turnover.SLOW, day
    replace_owners(tissue, vacant, seed, day, p, life)


def sink_patches(tissue: Tissue, rows: np.ndarray, owners: np.ndarray) -> None:
    """Lower the floors of the listed columns by what their osteoclasts (rows of the population) intend."""
    level, area = tissue.columns["level_um"], tissue.columns["area_um2"]
    order = np.lexsort((level[rows], owners))
    sorted_rows, sorted_owners = rows[order], owners[order]
    floors = level[sorted_rows]
    amount = tissue.osteoclasts["advance_um"][sorted_owners].astype(np.float64)
    turnover.sink_floors(sorted_owners, amount, area[sorted_rows], floors)
    level[sorted_rows] = floors


def replace_owners(
    tissue: Tissue, vacant: np.ndarray, seed: int, day: int, p: OsteoclastParameters, life: float
) -> None:
    """Recruit one mononuclear osteoclast for every patch (columns that shared an owner) without one."""
    columns = tissue.columns
    gone, first, patch = np.unique(columns["owner"][vacant], return_index=True, return_inverse=True)
    if gone.size == 0:
        return
    voxels = columns["root"][vacant[first]]
    keys = np.empty(gone.size, np.uint64)
    random.cell_keys(voxels, day, np.full(gone.size, SUCCESSOR), keys)
    place = {"voxel": voxels, "site": columns["site"][vacant[first]], "arrival_day": day}
    who = {"mode": motion.SLOW, "nuclei": MONONUCLEAR}
    columns["owner"][vacant] = recruit(tissue, keys, seed, day, p, life, **place, **who)[patch]


def grow_fronts(tissue: Tissue) -> None:
    """Columns that dug through their last layer reach into the matrix below."""
    layers, columns = tissue.layers, tissue.columns
    room = 4 * layers.n + 1024
    new = (np.empty(room, np.int32), np.empty(room, np.int32), np.empty(room, np.float32), np.empty(room, np.float32))
    stack = tuple(layers[name] for name in ("voxel", "column", "top_um", "thick_um", "before_um"))
    names = ("level_um", "phase", "site", "root")
    shafts = (*(columns[name] for name in names), tissue.normals(), tissue.column_of_root)
    geometry = (tissue.lattice.spacing_um, tissue.lattice.shape)
    faces = (tissue.surface.row, tissue.surface.normal)
    maps = (tissue.flat("matrix"), tissue.flat("bmu"), tissue.layer_of, tissue.tried)
    count = turnover.grow_front(*geometry, stack, shafts, faces, maps, new)
    voxel, column, top, thick = (array[:count] for array in new)
    layers.append(count, voxel=voxel, column=column, top_um=top, thick_um=thick, before_um=thick)


def end_phases(tissue: Tissue, day: int, p: OsteoclastParameters) -> None:
    """The slow phase ends after its time: its cavity depth is final and its osteoclast dies."""
    columns, cells = tissue.columns, tissue.osteoclasts
    done = (columns["phase"] == turnover.SLOW) & (day - columns["phase_day"] >= p.slow_d)
    if done.any():
        columns["end_um"][done] = columns["level_um"][done]
        columns["phase"][done], columns["phase_day"][done] = turnover.REVERSAL, day
        rows = cells.rows_of(np.unique(columns["owner"][done]))
        cells.kill(rows[rows >= 0])


def age_osteoclasts(tissue: Tissue, day: int) -> None:
    """Osteoclasts older than their life die; the dead leave the table."""
    cells = tissue.osteoclasts
    cells.kill((cells["mode"] != motion.WAITING) & (day - cells["arrival_day"] >= cells["life_d"]))
    cells.compact()
