"""Bisphosphonate in the lattice: bound to exposed surface, buried under new bone, set free and swallowed by resorption.

Amounts are whole attograms (1e-18 g) of alendronate equivalents per voxel, so the books close exactly:

    deposited = on surface + inside + waiting + desorbed + washed away

A block without the drug has no arrays for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..kernels import random
from .parameters import BisphosphonateParameters, OsteoclastParameters

if TYPE_CHECKING:
    from .resorption import Patch
    from .tissue import Tissue

AG_PER_FG = 1000.0
COUNTS = ("deposited", "waiting", "desorbed", "washed", "swallowed")


class SurfaceDrug:
    """Drug on and in the bone of a block.

    on, inside : (Z*Y*X,) int32, ag per voxel: on its exposed surface, and within its matrix
    counts     : ag since the first dose: taken from blood; set free and about to bind again; gone from the surface into
                 blood; set free and gone into blood; swallowed by osteoclasts (part of what was set free)
    """

    def __init__(self, voxels: int) -> None:
        self.on, self.inside = np.zeros(voxels, np.int32), np.zeros(voxels, np.int32)
        self.counts = dict.fromkeys(COUNTS, 0)

    @property
    def total_ag(self) -> int:
        """Drug on and in the bone of the block, ag."""
        return int(self.on.sum(dtype=np.int64)) + int(self.inside.sum(dtype=np.int64))

    @property
    def booked_ag(self) -> int:
        """The same from the books, without a look at the voxels."""
        c = self.counts
        return c["deposited"] - c["waiting"] - c["desorbed"] - c["washed"]

    @property
    def missing_ag(self) -> int:
        """What the books lack, ag: 0 by law."""
        return self.booked_ag - self.total_ag

    def arrays(self) -> dict[str, np.ndarray]:
        """State for the checkpoint."""
        counts = np.array([self.counts[name] for name in COUNTS], np.int64)
        return {"drug/on": self.on, "drug/inside": self.inside, "drug/counts": counts}

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray]) -> SurfaceDrug | None:
        """Drug of a checkpoint, None where there is none."""
        if "drug/on" not in arrays:
            return None
        drug = cls(arrays["drug/on"].size)
        drug.on[:], drug.inside[:] = arrays["drug/on"], arrays["drug/inside"]
        drug.counts = dict(zip(COUNTS, arrays["drug/counts"].tolist(), strict=True))
        return drug


def deposit(tissue: Tissue, uptake_fg_per_um2: float, p: BisphosphonateParameters) -> None:
    """A day of the drug on the surface: what new bone covered is buried, some desorbs, some binds from blood.

    Drug binds to mineral, so each surface voxel takes its share by area x (1 - osteoid / matrix). What resorption set
    free and what binds again goes to the exposed surface of the whole block.

    uptake_fg_per_um2 : bound today per exposed surface of the skeleton (the same number as mg/m2)
    """
    if tissue.drug is None:
        if uptake_fg_per_um2 <= 0.0:
            return
        tissue.drug = SurfaceDrug(tissue.layer_of.size)
    drug, surface = tissue.drug, tissue.surface
    held = np.flatnonzero(drug.on != 0)
    covered = surface.row[held] < 0
    bury(drug, held[covered])
    bare = held[~covered]
    lost = np.rint(drug.on[bare] * -np.expm1(-p.loss_per_d)).astype(np.int32)
    drug.on[bare] -= lost
    drug.counts["desorbed"] += int(lost.sum(dtype=np.int64))
    voxel = surface.voxel
    area = surface.area_um2 * (1.0 - tissue.flat("osteoid")[voxel] / tissue.flat("matrix")[voxel]).astype(np.float64)
    bound = np.rint(uptake_fg_per_um2 * AG_PER_FG * area).astype(np.int64)
    again = np.floor(drug.counts["waiting"] * area / max(area.sum(), 1e-9)).astype(np.int64)
    drug.on[voxel] += (bound + again).astype(np.int32)
    drug.counts["deposited"] += int(bound.sum())
    drug.counts["waiting"] -= int(again.sum())


def bury(drug: SurfaceDrug, voxels: np.ndarray) -> None:
    """What is on the surface of voxels comes to lie inside them."""
    drug.inside[voxels] += drug.on[voxels]
    drug.on[voxels] = 0


def survives(tissue: Tissue, patch: Patch, seed: int, day: int, key: int, p: OsteoclastParameters) -> bool:
    """Whether an osteoclast lives through sealing onto a patch: chance 1 / (1 + density / half).

    The acid of its first day sets free what is on its patch. One that dies leaves surface and drug as they were.
    """
    if tissue.drug is None:
        return True
    on = float(tissue.drug.on[tissue.surface.voxel[patch.row]].sum(dtype=np.int64)) / AG_PER_FG
    density = on / max(patch.total_um2, 1e-9)
    return float(random.uniform(seed, random.DRUG, day, np.uint64(key))) < spared(density, p)


def spared(density_fg_per_um2: float, p: OsteoclastParameters) -> float:
    """1 / (1 + density / half), for drug per eroded area: the one exposure-response of all bisphosphonates."""
    return 1.0 / (1.0 + density_fg_per_um2 / p.bisphosphonate_half_fg_per_um2)


def follow(
    tissue: Tissue, before: np.ndarray | None, day: int, p: BisphosphonateParameters, cells: OsteoclastParameters
) -> None:
    """What the turnover of a day did to the drug.

    Erosion of a voxel sets free all that is on its surface and of what is inside as much as of its matrix; new bone
    buries what is on the surface. before : matrix (Z, Y, X) at dawn, None without drug
    """
    drug = tissue.drug
    if drug is None or before is None:
        return
    old, new = before.reshape(-1), tissue.flat("matrix")
    voxel = np.flatnonzero(old != new)
    less = new[voxel] < old[voxel]
    bury(drug, voxel[~less])
    eroded = voxel[less]
    share = 1.0 - new[eroded].astype(np.float64) / old[eroded]
    within = np.rint(drug.inside[eroded] * share).astype(np.int32)
    freed = within.astype(np.int64) + drug.on[eroded]
    drug.inside[eroded] -= within
    drug.on[eroded] = 0
    total = int(freed.sum())
    drug.counts["waiting"] += round(total * p.rebound_share)
    drug.counts["washed"] += total - round(total * p.rebound_share)
    swallow(tissue, eroded, freed, day, cells)


def swallow(tissue: Tissue, voxels: np.ndarray, freed: np.ndarray, day: int, p: OsteoclastParameters) -> None:
    """Osteoclasts take up what they set free; what is left of their life is cut to 1 / (1 + dose per area / half)."""
    assert tissue.drug is not None
    columns, cells = tissue.columns, tissue.osteoclasts
    claimed = (tissue.layer_of[voxels] >= 0) & (freed > 0)
    layer, freed = tissue.layer_of[voxels[claimed]], freed[claimed]
    owner = cells.rows_of(columns["owner"][tissue.layers["column"][layer]])
    taken = owner >= 0
    tissue.drug.counts["swallowed"] += int(freed[taken].sum())
    rows, at = np.unique(owner[taken], return_inverse=True)
    dose_fg = np.bincount(at, freed[taken] / AG_PER_FG)
    of = cells.rows_of(columns["owner"])
    area = np.bincount(of[of >= 0], columns["area_um2"][of >= 0].astype(np.float64), minlength=cells.n)[rows]
    age = day - cells["arrival_day"][rows]
    left = np.maximum(cells["life_d"][rows] - age, 0.0)
    half = p.bisphosphonate_half_fg_per_um2
    cells["life_d"][rows] = age + left / (1.0 + dose_fg / np.maximum(area, 1e-9) / half)
