"""Binding of a ligand by a soluble decoy receptor and a drug, at equilibrium in every voxel."""

from __future__ import annotations

import math

import numpy as np

from . import kernel, rule


@rule
def free_ligand_rule(ligand_total_pm, decoy_total_pm, k_decoy_per_pm, drug_free_pm, k_drug_per_pm):
    """Free ligand R: positive root of k a R^2 + (a + k (O - L)) R - L = 0 with a = 1 + k_drug drug.

    Written so that no digits cancel, neither for small ligand nor where ligand exceeds the decoy.
    """
    ligand = max(ligand_total_pm, 0.0)
    a = 1.0 + k_drug_per_pm * drug_free_pm
    half = 0.5 * (a + k_decoy_per_pm * (decoy_total_pm - ligand))
    root = math.sqrt(half * half + k_decoy_per_pm * a * ligand)
    if half >= 0.0:
        return ligand / (half + root)
    return (root - half) / (k_decoy_per_pm * a)


@rule
def occupancy_rule(free_pm, k_per_pm):
    """Share of receptors that hold a ligand: k R / (1 + k R)."""
    return k_per_pm * free_pm / (1.0 + k_per_pm * free_pm)


@kernel
def free_ligand_planes(first, last, ligand, decoy, k_decoy_per_pm, drug_free_pm, k_drug_per_pm, out_free):
    """Free ligand in every voxel of the z planes first..last-1; all (Z, Y, X) float32 in pM, out_free overwritten."""
    for z in range(first, last):
        for y in range(ligand.shape[1]):
            for x in range(ligand.shape[2]):
                out_free[z, y, x] = np.float32(
                    free_ligand_rule(ligand[z, y, x], decoy[z, y, x], k_decoy_per_pm, drug_free_pm, k_drug_per_pm)
                )
