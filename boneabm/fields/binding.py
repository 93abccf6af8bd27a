"""Free ligand beside a decoy receptor and a drug: RANKL with OPG and denosumab, sclerostin with romosozumab.

Units are pM and 1/pM throughout. For sclerostin with romosozumab alone take a decoy of 0.
"""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from ..kernels import blocks
from ..kernels.diffusion_binding import free_ligand_planes, free_ligand_rule, occupancy_rule


def free_ligand(
    ligand_total: float,
    decoy_total: float,
    k_decoy_per_pm: float,
    drug_free_pm: float = 0.0,
    k_drug_per_pm: float = 0.0,
) -> float:
    """Free ligand at binding equilibrium with a decoy (total given) and a drug (free level given), pM.

    Positive root R of  k a R^2 + (a + k (O - L)) R - L = 0,  a = 1 + k_drug drug, for ligand total L and decoy total
    O. A negative ligand total, which a field may show by its tolerance, counts as none.

    ligand_total, decoy_total : pM, >= 0
    k_decoy_per_pm            : affinity for the decoy, 1/pM, >= 0 (RANKL-OPG 1e-3)
    drug_free_pm              : free drug, pM, >= 0
    k_drug_per_pm             : affinity for the drug, 1/pM, >= 0 (RANKL-denosumab 0.333)
    """
    return free_ligand_rule(ligand_total, decoy_total, k_decoy_per_pm, drug_free_pm, k_drug_per_pm)


def free_ligand_array(
    ligand_total: np.ndarray,
    decoy_total: np.ndarray,
    k_decoy_per_pm: float,
    drug_free_pm: float = 0.0,
    k_drug_per_pm: float = 0.0,
    out_free: np.ndarray | None = None,
) -> np.ndarray:
    """`free_ligand` in every voxel: (Z, Y, X) float32, pM; written to `out_free` where given.

    Raises InputError where the arrays differ in shape.
    """
    if out_free is None:
        out_free = np.empty(ligand_total.shape, np.float32)
    if not ligand_total.shape == decoy_total.shape == out_free.shape:
        raise InputError(
            f"free ligand: ligand {ligand_total.shape}, decoy {decoy_total.shape} and result {out_free.shape} differ."
        )
    constants = (float(k_decoy_per_pm), float(drug_free_pm), float(k_drug_per_pm))
    blocks.launch(free_ligand_planes, ligand_total.shape[0], ligand_total, decoy_total, *constants, out_free)
    return out_free


def occupancy(free: float, k_rank: float) -> float:
    """Share of receptors that hold a ligand, k R / (1 + k R), 0..1.

    free : free ligand R, pM, >= 0; k_rank : affinity of the receptor, 1/pM (RANKL-RANK 0.034)
    """
    return occupancy_rule(free, k_rank)
