"""Bones that benchmarks solve: generated, real, mirrored, and slightly changed ones."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, binary_erosion

from boneabm.io.microct import Segmentation, read_bone
from boneabm.lattice.components import largest_component
from boneabm.lattice.generate import BlockSpec, first_cell_um, generate

Mask = NDArray[np.bool_]

SPACING_UM = 19.5
BV_TV, TB_TH_UM = 0.194, 256.7  # of the real sample
SMALLEST_EDGE = 72  # voxels; smaller blocks hold less than one cell of the network and are cut from this one
DEFAULT_SAMPLE = Path(__file__).resolve().parents[2] / "shared" / "data" / "lhdl_200.tif"


def generated(edge: int, seed: int = 1) -> Mask:
    """Generated block of edge^3 voxels with the BV/TV and about the trabeculae of the real sample, in one piece."""
    made = max(edge, SMALLEST_EDGE)
    spec = BlockSpec((made, made, made), SPACING_UM, BV_TV, TB_TH_UM, seed)
    spec = BlockSpec((made, made, made), SPACING_UM, BV_TV, TB_TH_UM, seed, cell_um=first_cell_um(spec))
    mask, _ = generate(spec, lambda _: 1.0)
    return corner(mask, edge)


def corner(mask: Mask, edge: int) -> Mask:
    """Largest piece of the corner of edge^3 voxels at the origin."""
    return largest_component(mask[:edge, :edge, :edge])


def sample_path(given: Path | None = None) -> Path | None:
    """The real sample: as given, from BONEABM_SAMPLE, or at its usual place; None where there is none."""
    path = given or Path(os.environ.get("BONEABM_SAMPLE", DEFAULT_SAMPLE))
    return path if given or path.exists() else None


def real(path: Path) -> Mask:
    """The real sample as `boneabm solve --sigma 1 --threshold otsu` reads it."""
    return read_bone(path, SPACING_UM, Segmentation(sigma_voxels=1.0))[0]


def mirrored(mask: Mask) -> Mask:
    """Bone of twice the edge: the mask and its mirror image along every axis."""
    for axis in range(3):
        mask = np.concatenate([mask, np.flip(mask, axis)], axis)
    return mask


def flipped(mask: Mask, share: float, seed: int = 1) -> Mask:
    """The bone after this share of its surface voxels was removed or, as many, added; largest piece."""
    rng = np.random.default_rng(seed)
    surface = np.flatnonzero(mask & ~binary_erosion(mask, border_value=True))
    beside = np.flatnonzero(binary_dilation(mask) & ~mask)
    count = round(share * surface.size / 2)
    changed = mask.copy()
    changed.ravel()[rng.choice(surface, count, replace=False)] = False
    changed.ravel()[rng.choice(beside, count, replace=False)] = True
    return largest_component(changed)
