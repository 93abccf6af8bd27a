"""Formation: released matrix recruits osteoblasts, they refill the cavity, then die, line it or are buried."""

from __future__ import annotations

import numpy as np

from ..endocrine import Modulators
from ..kernels import formation, motion, random, turnover
from ..kernels.sensing import lacuna_height
from .mechanostat import at_rest
from .parameters import OsteoblastParameters, OsteocyteParameters
from .signaling import Signals
from .tissue import NEVER, Tissue

LEAST_EXCESS = 1e-3
"""What a site lays beyond its room before it grows above its surface, voxels."""


def intend(tissue: Tissue, rows: np.ndarray, m: Modulators, p: OsteoblastParameters) -> None:
    """What the listed osteoblasts intend to lay today, from the state as it is."""
    cells = (tissue.osteoblasts["voxel"], tissue.osteoblasts["deposit_um3"])
    motion.osteoblast_intents(rows, cells, remaining_share(tissue), tissue.column_of_root, m.m_ob_act, p)


def remaining_share(tissue: Tissue) -> np.ndarray:
    """Volume left to fill over the volume released, of the site of every column, where bone is laid; (C,)."""
    columns, layers = tissue.columns, tissue.layers
    site, builds, room = tissue.site_rows(columns["site"]), building(tissue), np.zeros(columns.n, np.int64)
    cavity = tuple(layers[name] for name in ("voxel", "column", "before_um"))
    formation.room_of(tissue.lattice.spacing_um, cavity, tissue.flat("matrix"), room)
    released = np.bincount(site, np.where(builds, columns["released"], 0), tissue.sites.n)
    return (np.bincount(site, np.where(builds, room, 0), tissue.sites.n) / np.maximum(released, turnover.SCALE))[site]


def building(tissue: Tissue) -> np.ndarray:
    """Columns that osteoblasts build on, (C,) bool."""
    return (tissue.columns["phase"] == turnover.FORMATION) & (tissue.columns["floor"] == turnover.FLOOR)


def layer_stack(tissue: Tissue) -> tuple[np.ndarray, ...]:
    """(voxel, column, top_um, thick_um) of the layers."""
    return tuple(tissue.layers[name] for name in ("voxel", "column", "top_um", "thick_um"))


def settle(tissue: Tissue, day: int, p: OsteoblastParameters) -> None:
    """Settle what osteoblasts lay, then let the matrix of every layer follow its column."""
    if tissue.osteoblasts.n:
        place_deposits(tissue, p)
    columns = tissue.columns
    moved = np.zeros((columns.n, 2), np.int64)
    flat = tuple(tissue.flat(name) for name in ("matrix", "osteoid", "mineral", "osteoid_day"))
    body = ((*flat, tissue.plane_size), tissue.book, moved)
    shafts = (columns["level_um"], columns["phase"])
    turnover.settle_layers(day, tissue.lattice.spacing_um, layer_stack(tissue), shafts, *body)
    book_moved(tissue, moved)


def place_deposits(tissue: Tissue, p: OsteoblastParameters) -> None:
    """Lay what the osteoblasts of every site intend today, and what its layers have not taken yet (voxels)."""
    cells, pending = tissue.osteoblasts, tissue.sites["pending"]
    deposit_um3 = cells["deposit_um3"].astype(np.float64)
    laid_um3 = np.bincount(tissue.site_rows(cells["site"]), deposit_um3, tissue.sites.n)
    cells["laid_um3"][:] += cells["deposit_um3"]
    tissue.today.apposition_um += float(deposit_um3.sum()) / p.footprint_um2
    tissue.today.working += cells.n
    pending[:] = lay(tissue, pending + laid_um3 / tissue.lattice.voxel_um3)


def lay(tissue: Tissue, laid: np.ndarray) -> np.ndarray:
    """Raise the floors of sites by what they lay, (S,) voxels: in their cavity, then above it.

    Returns what found no room, less than 0 where layers took more. The matrix follows when layers are settled.
    """
    grow_roofs(tissue)
    rest = raise_floors(tissue, laid, False)
    crowded = rest > LEAST_EXCESS
    if crowded.any():
        rest = np.where(crowded, raise_floors(tissue, np.where(crowded, laid, 0.0), True), rest)
    return rest


def raise_floors(tissue: Tissue, laid: np.ndarray, beyond: bool) -> np.ndarray:
    """Raise the floors of sites until they hold what is laid; `beyond` the smooth surface or not. What is left over."""
    columns, lattice = tissue.columns, tissue.lattice
    who = (tissue.site_rows(columns["site"]), building(tissue))
    body = (layer_stack(tissue), tissue.flat("matrix"), columns["level_um"])
    return formation.raise_floors(lattice.spacing_um, beyond, laid, *who, *body)


def grow_roofs(tissue: Tissue) -> None:
    """Let columns whose floor comes near the surface continue above it."""
    layers, columns = tissue.layers, tissue.columns
    most = 4 * layers.n + 1024
    new = tuple(np.empty(most, kind) for kind in (np.int32, np.int32, np.float32, np.float32, np.float32))
    stack = tuple(layers[name] for name in ("voxel", "column", "top_um", "thick_um", "before_um"))
    names = ("level_um", "phase", "floor", "site", "root")
    shafts = (*(columns[name] for name in names), tissue.normals(), tissue.column_of_root)
    geometry = (tissue.lattice.spacing_um, tissue.lattice.shape)
    faces = (tissue.surface.row, tissue.surface.normal)
    maps = (tissue.flat("matrix"), tissue.flat("bmu"), tissue.layer_of, tissue.tried)
    count = formation.grow_roofs(*geometry, stack, shafts, faces, maps, new)
    voxel, column, top, whole, before = (array[:count] for array in new)
    layers.append(count, voxel=voxel, column=column, top_um=top, thick_um=whole, before_um=before)


def book_moved(tissue: Tissue, moved: np.ndarray) -> None:
    """Add what every column lost and gained to its site and to the day; moved : (C, 2) int64."""
    tissue.columns["released"][:] += moved[:, 0]
    rows = tissue.site_rows(tissue.columns["site"])
    np.add.at(tissue.sites["resorbed"], rows, moved[:, 0])
    np.add.at(tissue.sites["formed"], rows, moved[:, 1])
    tissue.today.resorbed += int(moved[:, 0].sum())
    tissue.today.formed += int(moved[:, 1].sum())


def recruit(
    tissue: Tissue, signals: Signals, seed: int, day: int, m: Modulators, p: OsteoblastParameters, reversal_d: float
) -> None:
    """Columns whose reversal is over get osteoblasts where there is a floor to build on."""
    columns = tissue.columns
    ready = (columns["phase"] == turnover.REVERSAL) & (day - columns["phase_day"] >= reversal_d)
    rows = np.flatnonzero(ready)
    if rows.size == 0:
        return
    columns["phase"][rows], columns["phase_day"][rows] = turnover.FORMATION, day
    wall_um = wall_to_lay(tissue, rows, signals, m, p)
    find_floors(tissue, rows, wall_um)
    sites = tissue.site_rows(np.unique(columns["site"][rows]))
    first = tissue.sites["formation_day"]
    first[sites] = np.where(first[sites] == NEVER, day, first[sites])
    built = columns["floor"][rows] == turnover.FLOOR
    add_osteoblasts(tissue, rows[built], wall_um[built], seed, day, m, p)


def find_floors(tissue: Tissue, rows: np.ndarray, wall_um: np.ndarray) -> None:
    """Look for solid bone within the thickness that will be laid in each column; without, nothing can be built."""
    columns, lattice = tissue.columns, tissue.lattice
    shafts = (columns["root"], columns["end_um"] - tissue.centers_um(), tissue.normals())
    geometry = (lattice.spacing_um, lattice.shape)
    own = tissue.layers["column"]
    left = tissue.layers["top_um"] >= columns["end_um"][own] - 0.5 * lattice.spacing_um
    layers = (left & (columns["phase"][own] >= turnover.REVERSAL), tissue.layer_of)
    turnover.find_floors(
        rows, *geometry, shafts, wall_um.astype(np.float32), layers, tissue.flat("matrix"), columns["floor"]
    )


def wall_to_lay(
    tissue: Tissue, rows: np.ndarray, signals: Signals, m: Modulators, p: OsteoblastParameters
) -> np.ndarray:
    """Thickness that osteoblasts will lay in columns, um: local balance x depth x m_ob_life."""
    columns = tissue.columns
    depth_um = columns["end_um"][rows] - columns["start_um"][rows]
    floor = below(tissue, rows, columns["end_um"][rows])
    return felt_balance(signals, floor, m, p) * depth_um * m.m_ob_life


def felt_balance(signals: Signals, voxels: np.ndarray, m: Modulators, p: OsteoblastParameters) -> np.ndarray:
    """Local balance at flat voxels; of what antibody adds to it, counter-regulation takes back `wnt_counter`."""
    sclerostin = signals.sclerostin_per_cell(voxels)
    own = local_balance(sclerostin, p)
    under_antibody = local_balance(sclerostin * signals.free_sclerostin_share(m), p)
    return own + (1.0 - m.wnt_counter) * (under_antibody - own)


def local_balance(sclerostin_ratio: np.ndarray, p: OsteoblastParameters) -> np.ndarray:
    """Formed over released volume: balance x (1 - slope ln(sclerostin / reference)), within its limits."""
    local = 1.0 - p.sclerostin_slope * np.log(np.maximum(sclerostin_ratio, 1e-3))
    return p.balance * np.clip(local, p.balance_low, p.balance_high)


def add_osteoblasts(
    tissue: Tissue, rows: np.ndarray, wall_um: np.ndarray, seed: int, day: int, m: Modulators, p: OsteoblastParameters
) -> None:
    """Osteoblasts for columns with a floor; TGF-b of the matrix that was released sets how long they work.

    number = area / footprint x m_ob_prolif (rounded by chance)
    life   = wall x (volume released by the site / area x depth of the site) / mean rate
    """
    life_d = wall_um * released_share(tissue, rows) / p.mean_rate_um_per_d
    create_osteoblasts(tissue, rows, life_d, seed, day, m, p)


def create_osteoblasts(
    tissue: Tissue, rows: np.ndarray, life_d: np.ndarray, seed: int, day: int, m: Modulators, p: OsteoblastParameters
) -> None:
    """Osteoblasts for the listed columns, area / footprint x m_ob_prolif, with their spread of life.

    Fractions of an osteoblast are carried on from column to column in the order of claiming, so that neighbors together
    have as many as their area asks for.
    """
    columns = tissue.columns
    roots = columns["root"][rows]
    wanted = np.cumsum(columns["area_um2"][rows].astype(np.float64)) / p.footprint_um2 * m.m_ob_prolif
    offset = random.uniform(seed, random.OSTEOBLAST, day, int(roots[0])) if rows.size else 0.0
    whole = np.floor(wanted + offset).astype(np.int64)
    count = whole - np.concatenate([[0], whole[:-1]])
    voxels = np.repeat(roots, count)
    ordinal = np.arange(voxels.size) - np.repeat(np.cumsum(count) - count, count)
    keys, spread = np.empty(voxels.size, np.uint64), np.empty(voxels.size)
    random.cell_keys(voxels, day, ordinal, keys)
    random.normal_array(seed, random.OSTEOBLAST, day, keys, spread)
    span = np.repeat(life_d, count) * np.maximum(1.0 + p.life_spread * spread, 0.2)
    site = np.repeat(columns["site"][rows], count)
    tissue.osteoblasts.create(voxels.size, key=keys, voxel=voxels, site=site, birth_day=day, life_d=span)


def released_share(tissue: Tissue, rows: np.ndarray) -> np.ndarray:
    """Volume that the site of each column released over the area x depth of its eroded columns, about 1."""
    columns = tissue.columns
    eroded = np.flatnonzero(columns["phase"] >= turnover.REVERSAL)
    number, site = np.unique(columns["site"][eroded], return_inverse=True)
    depth_um = columns["end_um"][eroded] - columns["start_um"][eroded]
    asked = np.bincount(site, columns["area_um2"][eroded] * depth_um)
    released = np.bincount(site, columns["released"][eroded]) / turnover.SCALE * tissue.lattice.voxel_um3
    return (released / np.maximum(asked, 1e-9))[np.searchsorted(number, columns["site"][rows])]


def age_osteoblasts(
    tissue: Tissue, psi: np.ndarray, seed: int, day: int, p: OsteoblastParameters, cells: OsteocyteParameters
) -> None:
    """Osteoblasts at the end of their life die, line the surface, or are buried as osteocytes at the local density."""
    old = tissue.osteoblasts
    ended = np.flatnonzero(day - old["birth_day"] >= old["life_d"])
    if ended.size:
        u = np.empty(ended.size)
        random.uniform_array(seed, random.FATE, day, old["key"][ended], u)
        wanted = cells.density_per_mm3 * old["laid_um3"][ended] * 1e-9
        buried = ended[(u >= p.death_fraction) & (u < p.death_fraction + wanted)]
        bury(tissue, buried, psi, seed, day, cells)
        old.kill(ended)
        old.compact()


def bury(tissue: Tissue, rows: np.ndarray, psi: np.ndarray, seed: int, day: int, p: OsteocyteParameters) -> None:
    """Turn osteoblasts into osteocytes somewhere in the matrix of their column, adapted to what they feel there."""
    keys = tissue.osteoblasts["key"][rows]
    column = tissue.column_of_root[tissue.osteoblasts["voxel"][rows]]
    u = np.empty(rows.size)
    random.uniform_array(seed, random.OSTEOCYTE, day, keys, u)
    depth_um = tissue.columns["start_um"][column] + u * (tissue.columns["end_um"] - tissue.columns["start_um"])[column]
    voxel = below(tissue, column, depth_um)
    inside = tissue.flat("matrix")[voxel] > np.array([lacuna_height(key) for key in keys])
    voxel, keys = voxel[inside], keys[inside]
    felt = psi.reshape(-1)[voxel].astype(np.float64)
    memory, set_point = at_rest(felt, p)
    tissue.osteocytes.create(voxel.size, key=keys, voxel=voxel, birth_day=day, memory=memory, set_point=set_point)


def below(tissue: Tissue, columns: np.ndarray, depth_um: np.ndarray) -> np.ndarray:
    """Flat voxels at a depth (as levels are) in columns, along their inward normals, no higher than their roots."""
    shape = tissue.lattice.shape
    depth_um = depth_um - tissue.centers_um()[columns]
    root = np.stack(np.unravel_index(tissue.columns["root"][columns], shape), axis=1)
    step = tissue.normals()[columns] * (np.maximum(depth_um, 0.0) / tissue.lattice.spacing_um)[:, None]
    place = np.clip(np.rint(root + step).astype(np.int64), 0, np.array(shape) - 1)
    return np.ravel_multi_index(tuple(place.T), shape)
