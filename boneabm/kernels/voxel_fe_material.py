"""Young's modulus of voxels from matrix, osteoid and mineral."""

from __future__ import annotations

from . import kernel


@kernel
def voxel_modulus(
    first, last, matrix, osteoid, mineral, reference_mpa, density_exponent, ash_exponent, reference_ash, floor_mpa, out
):
    """E = E_ref (f - o)^p (alpha / alpha_ref)^a on bone (f >= 0.5), at least the floor; 0 elsewhere.

    alpha = c / (c + 0.47) is the ash fraction, c = M / (f - o) the mineral of the mineralized tissue, g HA/cm3.
    matrix, osteoid, mineral, out : (Z, Y, X) float32, planes first..last-1
    """
    _, height, width = matrix.shape
    for z in range(first, last):
        for y in range(height):
            for x in range(width):
                out[z, y, x] = 0
                if matrix[z, y, x] < 0.5:
                    continue
                mineralized = matrix[z, y, x] - osteoid[z, y, x]
                modulus = 0.0
                if mineralized > 1e-3 and mineral[z, y, x] > 0:
                    ash = mineral[z, y, x] / (mineral[z, y, x] + 0.47 * mineralized)
                    modulus = reference_mpa * mineralized**density_exponent * (ash / reference_ash) ** ash_exponent
                out[z, y, x] = max(modulus, floor_mpa)
