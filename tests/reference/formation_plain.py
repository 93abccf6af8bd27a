"""Plain twins of the formation kernels: what a site lays as Python numbers, layer by layer."""

from __future__ import annotations

from scipy import optimize
from turnover_plain import AROUND, UNIT, before_plain, depth_below, nearest_plain, neighbors

FORMATION, FLOOR = 4, 1


def room_plain(layers, matrix, spacing_um):
    """{column: room in 2^-24 voxel}; layers : list of [voxel, column, thick]."""
    found = {}
    for v, c, thick in layers:
        holds = round(min(thick / spacing_um, 1) * UNIT) - round(float(matrix[v]) * UNIT)
        found[c] = found.get(c, 0) + max(holds, 0)
    return found


def held_plain(levels, layers, matrix, spacing_um):
    """Voxels that the layers of columns take beyond their matrix at these levels."""
    fits = [min(max(top + thick - levels[c], 0.0), thick) / spacing_um for _, c, top, thick in layers]
    return sum(max(f - float(matrix[layer[0]]), 0.0) for f, layer in zip(fits, layers, strict=True))


def raise_plain(spacing_um, beyond, laid, sites, builds, layers, matrix, levels):
    """(levels, what is left over): every floor of a site sinks as 1 / (1 / (d - zero) + s), s by root finding."""
    levels, rest = list(levels), list(laid)
    for site in range(len(laid)):
        columns = [c for c in range(len(levels)) if sites[c] == site and builds[c]]
        own = [layer for layer in layers if layer[1] in columns]
        if laid[site] <= 0 or not own:
            continue
        zero = min([0.0, *(layer[2] for layer in own)]) if beyond else 0.0

        def pushed(s, columns=columns, zero=zero):
            return {c: zero + 1 / (1 / (levels[c] - zero) + s) if levels[c] > zero else levels[c] for c in columns}

        def missing(s, site=site, own=own, pushed=pushed):
            return laid[site] - held_plain(pushed(s), own, matrix, spacing_um)

        s = 0.0 if missing(0.0) <= 0 else 1e6
        if missing(0.0) > 0 >= missing(1e6):
            s = optimize.brentq(missing, 0.0, 1e6, xtol=1e-14, rtol=1e-14)
        rest[site] = missing(s)
        for c, level in pushed(s).items():
            levels[c] = level
    return levels, rest


def roofs_plain(spacing_um, shape, layers, columns, surface, matrix, bmu):
    """Layers after partial ones near the floor have grown, and the new ones above.

    layers  : list of [voxel, column, top, thick, before]
    columns : list of dicts with level, phase, floor, site, root, normal
    """
    layers, new, bmu, tried = [list(layer) for layer in layers], [], bmu.copy(), {}
    row_of = {layer[0]: row for row, layer in enumerate(layers)}
    for layer in layers:
        v, c, top, thick, _ = layer
        column = columns[c]
        builds = (column["phase"], column["floor"]) == (FORMATION, FLOOR)
        if not builds or column["level"] > top + 1.5 * spacing_um:
            continue
        if thick < spacing_um - 1e-3:
            layer[2], layer[3] = top - (spacing_um - thick), spacing_um
            continue
        for w, _ in neighbors(v, shape, AROUND):
            if matrix[w] >= 1 or bmu[w] >= 0 or tried.get(w) == column["site"]:
                continue
            tried[w] = column["site"]
            before = before_plain(matrix, bmu, {entry[0]: entry[4] for entry in layers}, column["site"], spacing_um)
            i = nearest_plain(w, c, shape, columns, surface, before, bmu, above=True)
            if i is None or (columns[i]["phase"], columns[i]["floor"]) != (FORMATION, FLOOR):
                continue
            head = layers[row_of[columns[i]["root"]]]
            along, _ = depth_below(w, columns[i]["root"], columns[i]["normal"], shape)
            depth = head[2] + head[3] + (along - 1) * spacing_um
            new.append([w, i, depth, spacing_um, matrix[w] * spacing_um])
            bmu[w] = column["site"]
    return layers, new
