"""Osteoclasts and osteoblasts: how fast a cell works and where it wants to go. Intents only; the day settles them."""

from __future__ import annotations

import math

import numpy as np

from . import kernel, rule
from .diffusion_binding import free_ligand_rule, occupancy_rule
from .random import SETTLE, bits, uniform

WAITING, FAST, SLOW, SEARCHING = 0, 1, 2, 3
"""Modes of an osteoclast: preosteoclast on its way, multinucleated, mononuclear, looking for a patch."""
NOWHERE = -1


@rule
def rank_occupancy(rankl, opg, b):
    """RANK occupancy by free RANKL, 0..1; rankl, opg : totals in source units; b : Binding."""
    free = free_ligand_rule(rankl * b.rankl_pm, opg * b.opg_pm, b.k_opg, b.drug_pm, b.k_drug)
    return occupancy_rule(free, b.k_rank)


@kernel
def occupancy_at(first, last, block, voxel, shape, rankl, opg, b, out):
    """RANK occupancy at the listed voxels, `block` of them per block.

    rankl, opg : (Z, Y, X) totals in source units; b : Binding
    """
    _, ny, nx = shape
    for i in range(first * block, min(last * block, voxel.size)):
        v = voxel[i]
        z, y, x = v // (ny * nx), (v // nx) % ny, v % nx
        out[i] = rank_occupancy(np.float64(rankl[z, y, x]), np.float64(opg[z, y, x]), b)


@kernel
def ratio_at(first, last, block, voxel, shape, above, below, least, out):
    """above / max(below, least) at the listed voxels, `block` of them per block; above, below : (Z, Y, X) float32."""
    _, ny, nx = shape
    for i in range(first * block, min(last * block, voxel.size)):
        v = voxel[i]
        z, y, x = v // (ny * nx), (v // nx) % ny, v % nx
        out[i] = np.float64(above[z, y, x]) / max(np.float64(below[z, y, x]), least)


@kernel
def activation_hits(first, last, block, seed, stream, day, rate, voxel, area_um2, drive, bmu, out_hit):
    """Which quiescent surface voxels start a site today.

    p = rate x area x drive (RANK occupancy, or what drives modeling), rate in 1/(um2 d) per unit of it; one Philox draw
    per voxel and day of the stream
    """
    for row in range(first * block, min(last * block, voxel.size)):
        v = voxel[row]
        p = rate * area_um2[row] * drive[row]
        out_hit[row] = p > 0.0 and bmu[v] == -1 and uniform(seed, stream, day, v) < p


@rule
def support(occupancy_ratio, p):
    """Share of full erosion that the local free RANKL allows: rises from 0 to 1 between two ratios to the reference."""
    return min(max((occupancy_ratio - p.support_low) / (p.support_high - p.support_low), 0.0), 1.0)


@rule
def erosion_um(mode, depth_um, nuclei, supported, life_factor, activity, p):
    """Advance of the floor under one osteoclast today and whether its fast phase ends, (um, bool).

    fast: rate x nuclei / mean nuclei x activity, until depth = fast_depth x life factor x max(support, least)
    slow: rate x support x activity
    """
    if mode == SLOW:
        return p.slow_rate_um_per_d * supported * activity, False
    limit = p.fast_depth_um * life_factor * max(supported, p.support_least)
    advance = min(p.fast_rate_um_per_d * nuclei / p.nuclei * activity, max(limit - depth_um, 0.0))
    return advance, depth_um + advance >= limit - 1e-3


@rule
def patch_score(occupancy, distance_um, noise, p):
    """Preference for the next patch: RANKL, the distance of an adjoining patch, chance (Gumbel)."""
    radius = math.sqrt(p.patch_area_um2 / math.pi)
    pull = p.rankl_pull * math.log(occupancy + 1e-9)
    return pull - abs(distance_um - 1.8 * radius) / radius - p.wander * math.log(-math.log(noise + 1e-12) + 1e-12)


@rule
def next_patch(here, seed, day, key, spacing_um, shape, surface_row, bmu, rankl, opg, b, p):
    """Quiescent surface voxel that an osteoclast at `here` prefers, or NOWHERE."""
    nz, ny, nx = shape
    z0, y0, x0 = here // (ny * nx), (here // nx) % ny, here % nx
    k = int(p.reach_um / spacing_um) + 1
    best, place = -1e9, NOWHERE
    for z in range(max(0, z0 - k), min(nz, z0 + k + 1)):
        for y in range(max(0, y0 - k), min(ny, y0 + k + 1)):
            for x in range(max(0, x0 - k), min(nx, x0 + k + 1)):
                v = (z * ny + y) * nx + x
                if surface_row[v] < 0 or bmu[v] >= 0:
                    continue
                distance = spacing_um * math.sqrt(float((z - z0) ** 2 + (y - y0) ** 2 + (x - x0) ** 2))
                if distance > p.reach_um:
                    continue
                occupied = rank_occupancy(np.float64(rankl[z, y, x]), np.float64(opg[z, y, x]), b)
                noise = uniform(seed, SETTLE, day, key ^ (np.uint64(v) << np.uint64(20)))
                score = patch_score(occupied, distance, noise, p)
                if score > best:
                    best, place = score, v
    return place


@rule
def front_occupancy(col, shape, spacing_um, columns, rankl, opg, b):
    """RANK occupancy at the floor of a column."""
    _, below, root, normal = columns
    nz, ny, nx = shape
    v = root[col]
    t = max(below[col] / spacing_um, 0.0)
    z = min(max(int(np.rint(v // (ny * nx) + normal[col, 0] * t)), 0), nz - 1)
    y = min(max(int(np.rint((v // nx) % ny + normal[col, 1] * t)), 0), ny - 1)
    x = min(max(int(np.rint(v % nx + normal[col, 2] * t)), 0), nx - 1)
    return rank_occupancy(np.float64(rankl[z, y, x]), np.float64(opg[z, y, x]), b)


@kernel
def osteoclast_intents(rows, seed, day, spacing_um, shape, cells, columns, column_of_root, surface_row, bmu, air, p):
    """What the listed osteoclasts intend today: how deep to erode their patch, or which patch to move to.

    cells   : (voxel, key, nuclei, mode, advance_um, leaves, wish), the last three are written
    columns : (depth_um eroded, um of the floor below the center of the root, root, normal) of the open columns
    air     : (rankl, opg totals, Binding, reference occupancy, life factor, activity)
    """
    voxel, key, nuclei, mode, advance, leaves, wish = cells
    rankl, opg, b, reference, life_factor, activity = air
    for row in rows:
        advance[row], leaves[row], wish[row] = 0.0, 0, NOWHERE
        if mode[row] == SEARCHING:
            here = np.int64(voxel[row])
            place = (surface_row, bmu, rankl, opg, b, p)
            wish[row] = next_patch(here, seed, day, key[row], spacing_um, shape, *place)
        elif mode[row] != WAITING:
            col = column_of_root[voxel[row]]
            if col < 0:
                continue
            ratio = front_occupancy(col, shape, spacing_um, columns, rankl, opg, b) / reference
            depth, done = erosion_um(
                mode[row],
                np.float64(columns[0][col]),
                np.float64(nuclei[row]),
                support(ratio, p),
                life_factor,
                activity,
                p,
            )
            advance[row] = depth
            leaves[row] = done


@rule
def apposition_um3(remaining, activity, p):
    """Osteoid that one osteoblast lays today, um3: footprint x rate, the rate falls as the cavity of its site closes.

    rate = open x (closing + (1 - closing) q), q = volume left to fill / volume released, of the columns of the site
    """
    q = min(max(remaining, 0.0), 1.0)
    return p.footprint_um2 * p.open_rate_um_per_d * (p.closing_fraction + (1.0 - p.closing_fraction) * q) * activity


@kernel
def osteoblast_intents(rows, cells, remaining, column_of_root, activity, p):
    """What the listed osteoblasts intend to lay today; cells : (voxel, deposit_um3); remaining : (C,) of the site."""
    voxel, deposit = cells
    for row in rows:
        col = column_of_root[voxel[row]]
        deposit[row] = 0.0
        if col >= 0:
            deposit[row] = apposition_um3(np.float64(remaining[col]), activity, p)


@kernel
def priorities(seed, stream, day, key, out):
    """Philox priority of cells that want the same place; the smallest wins; out : (N,) uint64."""
    for i in range(key.size):
        a, b, _, _ = bits(seed, stream, day, key[i])
        out[i] = (a << np.uint64(32)) | b
