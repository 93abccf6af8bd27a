"""Principal directions and anisotropy of an apparent stiffness.

Stiffness matrices (6, 6) act on strains zz, yy, xx, zy, zx, yx with engineering shear.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from boneabm.errors import InputError

PAIRS = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))
NAMES = ("zz", "yy", "xx", "zy", "zx", "yx")
SYMMETRY_LIMIT = 1e-3  # relative asymmetry above which a matrix is no stiffness


class Anisotropy(NamedTuple):
    """Elastic constants in the frame of the dilatational modulus tensor, stiffest direction first.

    directions    : (3, 3) unit vectors in z, y, x, one per row
    youngs_mpa    : (3,) Young's moduli along them, descending
    shear_mpa     : (3,) shear moduli of the directions 1-2, 1-3, 2-3
    poisson       : (3,) ratios -strain_j / strain_i under stress along i, for 1-2, 1-3, 2-3
    ratio         : largest Young's modulus over the smallest, degree of anisotropy, >= 1
    not_orthotropic : norm of the stiffness terms that an orthotropic solid lacks over the norm of all, 0..1
    """

    directions: NDArray[np.float64]
    youngs_mpa: NDArray[np.float64]
    shear_mpa: NDArray[np.float64]
    poisson: NDArray[np.float64]
    ratio: float
    not_orthotropic: float


def stiffness_tensor(stiffness_mpa: ArrayLike) -> NDArray[np.float64]:
    """Stiffness (3, 3, 3, 3) of a matrix (6, 6)."""
    matrix = np.asarray(stiffness_mpa, np.float64)
    tensor = np.empty((3, 3, 3, 3))
    for row, (i, j) in enumerate(PAIRS):
        for column, (k, m) in enumerate(PAIRS):
            tensor[[i, j, i, j], [j, i, j, i], [k, k, m, m], [m, m, k, k]] = matrix[row, column]
    return tensor


def stiffness_matrix(tensor: NDArray[np.float64]) -> NDArray[np.float64]:
    """Stiffness (6, 6) of a tensor (3, 3, 3, 3)."""
    return np.array([[tensor[i, j, k, m] for k, m in PAIRS] for i, j in PAIRS])


def rotated(stiffness_mpa: ArrayLike, directions: ArrayLike) -> NDArray[np.float64]:
    """Stiffness (6, 6) seen in a frame whose axes are the rows of `directions` (3, 3).

    C'_abcd = r_ai r_bj r_ck r_dm C_ijkm
    """
    rows = np.asarray(directions, np.float64)
    tensor = stiffness_tensor(stiffness_mpa)
    return stiffness_matrix(np.einsum("ai,bj,ck,dm,ijkm->abcd", rows, rows, rows, rows, tensor, optimize=True))


def dilatational_modulus(stiffness_mpa: ArrayLike) -> NDArray[np.float64]:
    """Stress (3, 3) under a unit strain in all directions, d_ij = C_ijkk, MPa."""
    return np.asarray(np.einsum("ijkk->ij", stiffness_tensor(stiffness_mpa)))


def anisotropy(stiffness_mpa: ArrayLike) -> Anisotropy:
    """Young's moduli along the principal directions of a stiffness, and their ratio.

    The normals of the symmetry planes of an orthotropic solid are eigenvectors of d_ij = C_ijkk. Where two eigenvalues
    are equal (transverse isotropy) any two directions in that plane serve; where all are (isotropy), any three.

    stiffness_mpa : (6, 6), symmetric, positive definite
    Raises InputError for any other matrix.
    Source: Cowin, Mehrabadi, Q J Mech Appl Math 40:451 (1987).
    """
    matrix = _checked(stiffness_mpa)
    _, vectors = np.linalg.eigh(dilatational_modulus(matrix))
    order = np.argsort(-_youngs(rotated(matrix, vectors.T)), kind="stable")
    directions = _pointing_up(vectors.T[order])
    local = rotated(matrix, directions)
    compliance = np.linalg.inv(local)
    youngs = _youngs(local)
    first, second = [0, 0, 1], [1, 2, 2]
    return Anisotropy(
        directions=directions,
        youngs_mpa=youngs,
        shear_mpa=1 / np.diag(compliance)[3:],
        poisson=-compliance[first, second] * youngs[first],
        ratio=float(youngs[0] / youngs[2]),
        not_orthotropic=_not_orthotropic(local),
    )


TILTS_PER_DEG = 10


def youngs_at_tilt(stiffness_mpa: ArrayLike, tilt_deg: ArrayLike) -> NDArray[np.float64]:
    """Young's modulus along directions of the z-x plane, by their angle from z toward x, MPa.

    1 / E(n) = n_i n_j S_ijkl n_k n_l, the strain along n under a unit stress along n and none in other directions

    stiffness_mpa : (6, 6), symmetric, positive definite; InputError for any other matrix
    """
    angle = np.radians(np.asarray(tilt_deg, np.float64))
    zero = np.zeros_like(angle)
    stress = np.stack([np.cos(angle) ** 2, zero, np.sin(angle) ** 2, zero, np.cos(angle) * np.sin(angle), zero], -1)
    compliance = np.linalg.inv(_checked(stiffness_mpa))
    return np.asarray(1 / np.einsum("...i,ij,...j->...", stress, compliance, stress))


def stiffest_tilt_deg(stiffness_mpa: ArrayLike) -> float:
    """Angle from z toward x of the largest Young's modulus in the z-x plane, -90..90 degrees, by tenths."""
    tilts = np.arange(-90 * TILTS_PER_DEG + 1, 90 * TILTS_PER_DEG + 1) / TILTS_PER_DEG
    return float(tilts[np.argmax(youngs_at_tilt(stiffness_mpa, tilts))])


def _checked(stiffness_mpa: ArrayLike) -> NDArray[np.float64]:
    matrix = np.asarray(stiffness_mpa, np.float64)
    if matrix.shape != (6, 6) or not np.isfinite(matrix).all():
        raise InputError(f"anisotropy: a finite (6, 6) stiffness is needed, got shape {matrix.shape}.")
    asymmetry = np.abs(matrix - matrix.T).max() / np.abs(matrix).max()
    matrix = (matrix + matrix.T) / 2
    smallest = np.linalg.eigvalsh(matrix)[0]
    if asymmetry > SYMMETRY_LIMIT or not smallest > 0:
        raise InputError(
            f"anisotropy: the stiffness must be symmetric and positive definite; relative asymmetry {asymmetry:.1e}, "
            f"smallest eigenvalue {smallest:.3g} MPa. Does the bone span the volume along all three axes?"
        )
    return matrix


def _youngs(stiffness: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 / np.diag(np.linalg.inv(stiffness))[:3])


def _pointing_up(directions: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same directions, each with its largest part positive: v and -v are one direction."""
    largest = np.abs(directions).argmax(axis=1)
    return directions * np.sign(directions[range(3), largest])[:, None]


def _not_orthotropic(stiffness: NDArray[np.float64]) -> float:
    weight = np.sqrt(np.outer([1, 1, 1, 2, 2, 2], [1, 1, 1, 2, 2, 2]))  # norm of the tensor, not of the matrix
    orthotropic = np.diag(np.ones(6))
    orthotropic[:3, :3] = 1
    return float(np.linalg.norm(stiffness * weight * (1 - orthotropic)) / np.linalg.norm(stiffness * weight))
