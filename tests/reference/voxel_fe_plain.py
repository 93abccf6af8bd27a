"""Plain twins of the voxel finite element kernels: Gauss points, assembled matrices, loops over voxels."""

from itertools import product

import numpy as np
from scipy.sparse import coo_matrix

CORNERS = list(product((0, 1), repeat=3))  # z, y, x; corner number 4 z + 2 y + x


def strain_displacement(point):
    """B (6, 24) at a point of the unit voxel; strains zz, yy, xx, yz, zx, yx; dof 3 corner + component (z, y, x)."""
    b = np.zeros((6, 24))
    for corner, sides in enumerate(CORNERS):
        shape = [p if side else 1 - p for side, p in zip(sides, point, strict=True)]
        slope = [1 if side else -1 for side in sides]
        gradient = [slope[i] * np.prod([shape[j] for j in range(3) if j != i]) for i in range(3)]
        for i in range(3):
            b[i, 3 * corner + i] = gradient[i]
        for row, (i, j) in enumerate(((0, 1), (0, 2), (1, 2)), start=3):
            b[row, 3 * corner + i] = gradient[j]
            b[row, 3 * corner + j] = gradient[i]
    return b


def elasticity(poisson):
    """Isotropic stiffness (6, 6) for E = 1."""
    compliance = np.eye(6) * (1 + poisson)
    compliance[3:, 3:] *= 2
    compliance[:3, :3] -= poisson
    return np.linalg.inv(compliance)


def element_stiffness_plain(poisson):
    gauss = (0.5 - np.sqrt(1 / 12), 0.5 + np.sqrt(1 / 12))
    b = [strain_displacement(point) for point in product(gauss, repeat=3)]
    return sum(m.T @ elasticity(poisson) @ m for m in b) / 8


def number_nodes_plain(modulus):
    """Node numbers (Z+1, Y+1, X+1) of all nodes of voxels with modulus > 0, -1 elsewhere; and their count."""
    used = np.zeros(np.add(modulus.shape, 1), bool)
    for voxel in np.argwhere(modulus > 0):
        for corner in CORNERS:
            used[tuple(voxel + corner)] = True
    index = np.full(used.shape, -1)
    index[used] = np.arange(used.sum())
    return index, int(used.sum())


def voxel_degrees(modulus):
    """Voxels (n, 3) in z, y, x order and their degrees of freedom (n, 24), component * nodes + node."""
    index, nodes = number_nodes_plain(modulus)
    voxels = np.argwhere(modulus > 0)
    corners = np.array([[index[tuple(voxel + corner)] for corner in CORNERS] for voxel in voxels])
    return voxels, (corners[:, :, None] + nodes * np.arange(3)).reshape(len(voxels), 24)


def assemble_plain(modulus, poisson):
    """Global stiffness (3 nodes, 3 nodes), no supports."""
    voxels, degrees = voxel_degrees(modulus)
    moduli = modulus[tuple(voxels.T)].astype(np.float64)
    values = moduli[:, None, None] * element_stiffness_plain(poisson)
    rows, columns = np.repeat(degrees, 24, axis=1), np.tile(degrees, 24)
    size = 3 * number_nodes_plain(modulus)[1]
    return coo_matrix((values.ravel(), (rows.ravel(), columns.ravel())), shape=(size, size)).tocsr()


def energy_density_plain(modulus, poisson, displacement):
    """Mean strain energy density of every voxel, (Z, Y, X); displacement (3, nodes) in voxel edges."""
    voxels, degrees = voxel_degrees(modulus)
    u = displacement.ravel()[degrees]
    out = np.zeros(modulus.shape)
    out[tuple(voxels.T)] = 0.5 * np.einsum("vi,ij,vj->v", u, element_stiffness_plain(poisson), u)
    return out * modulus


def coarsen_plain(modulus):
    padded = np.pad(modulus, [(0, size % 2) for size in modulus.shape])
    z, y, x = np.array(padded.shape) // 2
    return padded.reshape(z, 2, y, 2, x, 2).mean(axis=(1, 3, 5))


def warm_start_plain(old_index, old_field, new_index):
    """Old values where the node existed, else the mean of the neighbors that existed (NaN where there is none)."""
    dense = np.full((old_field.shape[0], 3, *old_index.shape), np.nan)
    both = (old_index >= 0) & (new_index >= 0)
    dense[:, :, both] = old_field[:, :, old_index[both]]
    padded = np.pad(dense, [(0, 0), (0, 0)] + [(1, 1)] * 3, constant_values=np.nan)
    out = np.full((*old_field.shape[:2], new_index.max() + 1), np.nan)
    for z, y, x in np.argwhere(new_index >= 0):
        block = padded[:, :, z : z + 3, y : y + 3, x : x + 3]
        known = dense[:, :, z, y, x]
        if np.isnan(known).any() and not np.isnan(block).all():
            known = np.nanmean(block, axis=(2, 3, 4))
        out[:, :, new_index[z, y, x]] = known
    return out


def voxel_modulus_plain(matrix, osteoid, mineral, reference_mpa, p, ash_power, reference_mineral, floor):
    """E = E_ref (f - o)^p (alpha / alpha_ref)^a on f >= 0.5."""
    mineralized = np.maximum(matrix - osteoid, 0)
    concentration = np.where(mineralized > 1e-3, mineral / np.maximum(mineralized, 1e-3), 0)
    ash = concentration / (concentration + 0.47)
    ratio = ash / (reference_mineral / (reference_mineral + 0.47))
    modulus = np.maximum(reference_mpa * mineralized**p * ratio**ash_power, floor * reference_mpa)
    return np.where(matrix >= 0.5, modulus, 0)


def porous_block(shape, fraction, seed):
    """Random connected-looking porous volume with about this solid fraction: smoothed noise above a quantile."""
    from scipy.ndimage import gaussian_filter

    noise = gaussian_filter(np.random.default_rng(seed).standard_normal(shape), 1.7, mode="nearest")
    return noise > np.quantile(noise, 1 - fraction)
