"""Plain twins of the steady screened diffusion: a sparse matrix, face by face, and binding by bisection."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import spsolve


def operator_plain(matrix, spacing_um, lambda_marrow_um, lambda_bone_um):
    """Sparse A of A c = s: c - div(lambda^2 grad c) by finite volumes, harmonic face means, no flux at the box."""
    fraction = np.rint(np.asarray(matrix, float) * 255) / 255
    squared = ((1 - fraction) * lambda_marrow_um**2 + fraction * lambda_bone_um**2) / spacing_um**2
    number = np.arange(squared.size).reshape(squared.shape)
    result = sparse.identity(squared.size, format="csr")
    for axis in range(3):
        a, b = np.take(number, range(number.shape[axis] - 1), axis), np.take(number, range(1, number.shape[axis]), axis)
        ga, gb = squared.ravel()[a.ravel()], squared.ravel()[b.ravel()]
        mean = np.divide(2 * ga * gb, ga + gb, out=np.zeros_like(ga), where=ga + gb > 0)
        rows = np.concatenate([a.ravel(), b.ravel(), a.ravel(), b.ravel()])
        columns = np.concatenate([a.ravel(), b.ravel(), b.ravel(), a.ravel()])
        values = np.concatenate([mean, mean, -mean, -mean])
        result = result + sparse.csr_matrix((values, (rows, columns)), shape=result.shape)
    return result


def solve_plain(matrix, spacing_um, lambda_marrow_um, lambda_bone_um, source):
    """Steady total for one source, by a direct sparse solve."""
    operator = operator_plain(matrix, spacing_um, lambda_marrow_um, lambda_bone_um)
    return spsolve(operator.tocsc(), np.asarray(source, float).ravel()).reshape(source.shape)


def free_ligand_plain(ligand_total, decoy_total, k_decoy, drug_free=0.0, k_drug=0.0):
    """Free ligand by bisection of the balance  R + k_drug D R + k R O / (1 + k R) = L."""
    low, high = 0.0, ligand_total
    for _ in range(200):
        middle = 0.5 * (low + high)
        bound = k_drug * drug_free * middle + decoy_total * k_decoy * middle / (1 + k_decoy * middle)
        low, high = (middle, high) if middle + bound < ligand_total else (low, middle)
    return 0.5 * (low + high)
