"""Strain energy density of voxels from nodal displacements, as the exact mean over each voxel.

With the sum/difference transform of `voxel_fe` the energy of a voxel is a short quadratic form, for E = 1:

    U = 1/2 [normal (u_x^2 + v_y^2 + w_z^2) + 2 normal_cross (u_x v_y + u_x w_z + v_y w_z)
             + shear ((u_y + v_x)^2 + (u_z + w_x)^2 + (v_z + w_y)^2) + bend, twist and warp terms alike]
"""

from __future__ import annotations

import numpy as np

from .multigrid import CHUNKS
from .voxel_fe import (
    BATCH,
    BUFFER,
    FU_X,
    ONE,
    STEP,
    U_Y,
    U_YZ,
    U_Z,
    V_Y,
    V_YZ,
    V_Z,
    W_Y,
    W_YZ,
    W_Z,
    U,
    V,
    W,
    gather,
    solver_kernel,
)

ENERGY = FU_X  # row of the buffer that is free once the displacements are transformed


@solver_kernel
def voxel_energy(b, columns, numbers):
    """Energy for E = 1 of every column, written to the row ENERGY of the buffer."""
    normal, normal_cross, shear, bend, bend_cross, twist, twist_cross, warp = numbers
    for q in range(columns):
        p = q + ONE
        u_x, v_y, w_z = b[U + p] - b[U + q], b[V_Y + p] + b[V_Y + q], b[W_Z + p] + b[W_Z + q]
        xy = b[U_Y + p] + b[U_Y + q] + b[V + p] - b[V + q]
        xz = b[U_Z + p] + b[U_Z + q] + b[W + p] - b[W + q]
        yz = b[V_Z + p] + b[V_Z + q] + b[W_Y + p] + b[W_Y + q]
        energy = normal * (u_x * u_x + v_y * v_y + w_z * w_z) + shear * (xy * xy + xz * xz + yz * yz)
        b[ENERGY + q] = 0.5 * energy + normal_cross * (u_x * v_y + u_x * w_z + v_y * w_z)
    for q in range(columns):
        p = q + ONE
        u_xz, v_yz = b[U_Z + p] - b[U_Z + q], b[V_YZ + p] + b[V_YZ + q]
        u_xy, w_yz = b[U_Y + p] - b[U_Y + q], b[W_YZ + p] + b[W_YZ + q]
        v_xy, w_xz = b[V_Y + p] - b[V_Y + q], b[W_Z + p] - b[W_Z + q]
        squares = u_xz * u_xz + v_yz * v_yz + u_xy * u_xy + w_yz * w_yz + v_xy * v_xy + w_xz * w_xz
        b[ENERGY + q] += 0.5 * bend * squares + bend_cross * (u_xz * v_yz + u_xy * w_yz + v_xy * w_xz)
    for q in range(columns):
        p = q + ONE
        u_yz, v_xz, w_xy = b[U_YZ + p] + b[U_YZ + q], b[V_Z + p] - b[V_Z + q], b[W_Y + p] - b[W_Y + q]
        u_xyz, v_xyz, w_xyz = b[U_YZ + p] - b[U_YZ + q], b[V_YZ + p] - b[V_YZ + q], b[W_YZ + p] - b[W_YZ + q]
        twists = 0.5 * twist * (u_yz * u_yz + v_xz * v_xz + w_xy * w_xy)
        warps = 0.5 * warp * (u_xyz * u_xyz + v_xyz * v_xyz + w_xyz * w_xyz)
        b[ENERGY + q] += twists + twist_cross * (u_yz * v_xz + u_yz * w_xy + v_xz * w_xy) + warps


@solver_kernel
def unit_energy(first, last, field, nodes, length, voxel, slab_segment, numbers, out):
    """Energy density divided by Young's modulus (squared strain) of the voxels of slabs first..last-1.

    field : (3, size) float64, displacement in voxel edges; out : (voxels,) float32, other voxels are not touched
    """
    buffer = np.zeros(BUFFER)
    z, y, x = field[0], field[1], field[2]
    for slab in range(first, last):
        segment, last_segment = slab_segment[slab], slab_segment[slab + 1]
        while segment < last_segment:
            end = min(segment + BATCH, last_segment)
            columns = gather(x, y, z, nodes, segment, end, buffer)
            voxel_energy(buffer, columns, numbers)
            column = ENERGY
            for s in range(segment, end):
                for j in range(length[s]):
                    out[voxel[s] + np.int64(j)] = buffer[column + np.uint64(j)]
                column += STEP
            segment = end


@solver_kernel
def energy_density(first, last, modulus, squared_strain):
    """squared_strain *= modulus, planes first..last-1; MPa."""
    for z in range(first, last):
        squared_strain[z] *= modulus[z]


@solver_kernel
def effective_strain(first, last, squared_strain):
    """sqrt(2 U / E) in place of U / E, planes first..last-1."""
    for z in range(first, last):
        squared_strain[z] = np.sqrt(np.float32(2.0) * np.maximum(squared_strain[z], np.float32(0.0)))


@solver_kernel
def combine(first, last, fields, amplitudes, out):
    """out = sum over cases of amplitude times field, chunks first..last-1 of CHUNKS; flat arrays."""
    size = out.size
    for chunk in range(first, last):
        low, high = chunk * size // CHUNKS, (chunk + 1) * size // CHUNKS
        out[low:high] = 0
        for case in range(fields.shape[0]):
            for i in range(low, high):
                out[i] += amplitudes[case] * fields[case, i]
