"""Young's modulus of bone tissue from its matrix, osteoid and mineral."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from boneabm.errors import InputError
from boneabm.kernels import blocks, voxel_fe_material

ASH_CONSTANT_G_PER_CM3 = 0.47


class Material(NamedTuple):
    """Constants of the elastic law.

    reference_modulus_mpa : modulus of full mineralized bone at the reference mineral, 10 000-15 000 MPa
    density_exponent      : power of the mineralized volume fraction, 1-2
    ash_exponent          : power of the ash fraction, 2.74
    reference_mineral_g_per_cm3 : mineral of the tissue at which the reference modulus holds, 1.15 g HA/cm3
    poisson               : Poisson's ratio
    floor_fraction        : smallest modulus of a bone voxel as a fraction of the reference modulus
    """

    reference_modulus_mpa: float = 12_000.0
    density_exponent: float = 1.0
    ash_exponent: float = 2.74
    reference_mineral_g_per_cm3: float = 1.15
    poisson: float = 0.3
    floor_fraction: float = 1e-3


def ash_fraction(mineral_g_per_cm3: float) -> float:
    """Ash fraction of tissue with a mineral concentration c in g HA/cm3: c / (c + 0.47)."""
    return mineral_g_per_cm3 / (mineral_g_per_cm3 + ASH_CONSTANT_G_PER_CM3)


def voxel_modulus(
    matrix: NDArray[np.float32], osteoid: NDArray[np.float32], mineral: NDArray[np.float32], material: Material
) -> NDArray[np.float32]:
    """Young's modulus of every voxel, MPa, 0 in marrow.

    E = E_ref (f - o)^p (alpha / alpha_ref)^a on voxels with f >= 0.5, at least floor_fraction E_ref, with the ash
    fraction alpha = c / (c + 0.47) of the mineralized tissue, c = M / (f - o). Osteoid carries nothing.

    matrix f, osteoid o : (Z, Y, X) volume fractions; mineral M : (Z, Y, X) g HA per cm3 of voxel
    Raises InputError when the shapes differ. Law: Martinez-Reina et al. 2008 (ash exponent), with an absolute scale.
    """
    if not matrix.shape == osteoid.shape == mineral.shape:
        shapes = f"{matrix.shape}, {osteoid.shape}, {mineral.shape}"
        raise InputError(f"voxel_modulus: matrix, osteoid and mineral must have one shape, got {shapes}.")
    modulus = np.empty(matrix.shape, np.float32)
    reference = material.reference_modulus_mpa
    blocks.launch(
        voxel_fe_material.voxel_modulus, matrix.shape[0], matrix, osteoid, mineral, reference,
        material.density_exponent, material.ash_exponent, ash_fraction(material.reference_mineral_g_per_cm3),
        material.floor_fraction * reference, modulus,
    )  # fmt: skip
    return modulus
