"""Stiffness operator of a voxel mesh of 8-node hexahedra, without a matrix.

Only bone is stored. Nodes are numbered in z, y, x order, so the four node rows around a run of consecutive bone
voxels are contiguous in memory: a run is four node numbers and a length (`voxel_fe_mesh`). Runs are handled in
batches of at most `BATCH` columns; a column is one x position of a run, and the last column of a run has modulus 0.

Sum/difference transform. Number the corners of the unit voxel by signs (s_x, s_y, s_z) = +-1 and let u_m be the sum
over the corners of u times the product of the signs that occur in m: u_x is the sum over the right corners minus the
sum over the left ones, u_xy takes the sign s_x s_y, and so on. The inverse is u(s) = 1/8 sum_m u_m s^m, so inside the
voxel, with xi, eta, zeta in -1..1,

    u = 1/8 (u_1 + u_x xi + u_y eta + ... + u_xy xi eta + ... + u_xyz xi eta zeta),   d/dx = 2 d/dxi.

These monomials are orthogonal over the voxel (mean squares 1, 1/3, 1/9), hence most products in the strain energy
1/2 int (lambda tr(e)^2 + 2 mu e:e) vanish. What is left, for E = 1 and edge 1:

    u_x, v_y, w_z          diagonal (lambda + 2 mu)/16    off diagonal lambda/16      normal, normal_cross
    (u_y, v_x) etc.        all four entries mu/16                                     shear
    (u_xz, v_yz) etc.      diagonal (lambda + 3 mu)/48    off diagonal lambda/48      bend, bend_cross
    u_yz, v_xz, w_xy       diagonal mu/24                 off diagonal mu/48          twist, twist_cross
    u_xyz, v_xyz, w_xyz    diagonal (lambda + 4 mu)/144                               warp

45 numbers differ from zero instead of 576, and 2 x 2 x 2 Gauss points integrate every term exactly. The transposed
transform brings the 21 forces back to nodes; neighbors in a run share a face, so their parts are added in the buffer.

Threads. The mesh is cut into slabs of at least two voxel layers. All even slabs are handled first (`apply_even`),
then all odd ones (`apply_odd`): a node plane between two slabs always receives the even slab first, whatever the number
of threads. Displacements are (3, nodes), components in z, y, x order.
Idea of the even/odd order and of element-by-element voxel products: Arbenz et al. 2008 (doi 10.1002/nme.2146).
"""

from __future__ import annotations

import numpy as np
from numba import njit

SOLVER_MATH = {"nnan", "ninf", "nsz", "contract", "arcp"}  # nothing that reorders sums
BATCH = 128
_PAD = 16
_WIDTH = BATCH + 2 * _PAD

solver_kernel = njit(cache=True, nogil=True, fastmath=SOLVER_MATH)
_inlined = njit(inline="always")

# Rows of the work buffer, as unsigned offsets: signed indices would keep the loops from being vectorized.
BUFFER = 34 * _WIDTH
FIRST = np.uint64(_PAD)
ONE = np.uint64(1)
_OFFSETS = tuple(np.uint64(row * _WIDTH) for row in range(34))
# displacement, plain and transformed in y and z
U, U_Y, U_Z, U_YZ, V, V_Y, V_Z, V_YZ, W, W_Y, W_Z, W_YZ = _OFFSETS[:12]
# forces of the transformed displacements
FU_X, FU_Y, FU_Z, FU_YZ, FU_XY, FU_XZ, FU_XYZ = _OFFSETS[12:19]
FV_X, FV_Y, FV_Z, FV_YZ, FV_XY, FV_XZ, FV_XYZ = _OFFSETS[19:26]
FW_X, FW_Y, FW_Z, FW_YZ, FW_XY, FW_XZ, FW_XYZ = _OFFSETS[26:33]
MODULUS = _OFFSETS[33]


@solver_kernel
def batch_end(run_length, run, last_run):
    """First run after the batch that starts at `run`: as many runs as fit in BATCH columns."""
    columns = 0
    while run < last_run and columns + run_length[run] + 1 <= BATCH:
        columns += run_length[run] + 1
        run += 1
    return run


@solver_kernel
def gather(x, y, z, run_nodes, run_length, run, end, buffer):
    """Copy the 3 x 4 node rows of runs `run`..`end` - 1 to the buffer; returns the number of columns."""
    column = FIRST
    for r in range(run, end):
        count = np.uint64(run_length[r]) + ONE
        n0, n1 = np.uint64(run_nodes[r, 0]), np.uint64(run_nodes[r, 1])
        n2, n3 = np.uint64(run_nodes[r, 2]), np.uint64(run_nodes[r, 3])
        for j in range(count):
            q = column + j
            buffer[q], buffer[U_Y + q] = x[n0 + j], x[n1 + j]
            buffer[U_Z + q], buffer[U_YZ + q] = x[n2 + j], x[n3 + j]
        for j in range(count):
            q = column + j
            buffer[V + q], buffer[V_Y + q] = y[n0 + j], y[n1 + j]
            buffer[V_Z + q], buffer[V_YZ + q] = y[n2 + j], y[n3 + j]
        for j in range(count):
            q = column + j
            buffer[W + q], buffer[W_Y + q] = z[n0 + j], z[n1 + j]
            buffer[W_Z + q], buffer[W_YZ + q] = z[n2 + j], z[n3 + j]
        column += count
    return column - FIRST


@solver_kernel
def transform_rows(buffer, columns):
    """Sums and differences in y and z of one component (the first four rows of `buffer`), in place."""
    for q in range(FIRST, FIRST + columns):
        a, b, c, d = buffer[q], buffer[U_Y + q], buffer[U_Z + q], buffer[U_YZ + q]
        low, low_y, high, high_y = a + b, b - a, c + d, d - c
        buffer[q], buffer[U_Y + q] = low + high, low_y + high_y
        buffer[U_Z + q], buffer[U_YZ + q] = high - low, high_y - low_y


@solver_kernel
def forces_linear(buffer, columns, normal, normal_cross, shear):
    """Forces of the linear displacements (constant strain) of every column."""
    for q in range(FIRST, FIRST + columns):
        p, e = q + ONE, buffer[MODULUS + q]
        u_x, v_y, w_z = buffer[p] - buffer[q], buffer[V_Y + p] + buffer[V_Y + q], buffer[W_Z + p] + buffer[W_Z + q]
        buffer[FU_X + q] = e * (normal * u_x + normal_cross * (v_y + w_z))
        buffer[FV_Y + q] = e * (normal * v_y + normal_cross * (u_x + w_z))
        buffer[FW_Z + q] = e * (normal * w_z + normal_cross * (u_x + v_y))
    for q in range(FIRST, FIRST + columns):
        p, e = q + ONE, shear * buffer[MODULUS + q]
        xy = e * (buffer[U_Y + p] + buffer[U_Y + q] + (buffer[V + p] - buffer[V + q]))
        xz = e * (buffer[U_Z + p] + buffer[U_Z + q] + (buffer[W + p] - buffer[W + q]))
        yz = e * (buffer[V_Z + p] + buffer[V_Z + q] + (buffer[W_Y + p] + buffer[W_Y + q]))
        buffer[FU_Y + q], buffer[FV_X + q] = xy, xy
        buffer[FU_Z + q], buffer[FW_X + q] = xz, xz
        buffer[FV_Z + q], buffer[FW_Y + q] = yz, yz


@solver_kernel
def forces_bilinear(buffer, columns, bend, bend_cross, warp):
    """Forces of bending (u_xz with v_yz, u_xy with w_yz, v_xy with w_xz) and of the trilinear displacements."""
    for q in range(FIRST, FIRST + columns):
        p, e = q + ONE, buffer[MODULUS + q]
        u_xz, v_yz = buffer[U_Z + p] - buffer[U_Z + q], buffer[V_YZ + p] + buffer[V_YZ + q]
        u_xy, w_yz = buffer[U_Y + p] - buffer[U_Y + q], buffer[W_YZ + p] + buffer[W_YZ + q]
        buffer[FU_XZ + q] = e * (bend * u_xz + bend_cross * v_yz)
        buffer[FV_YZ + q] = e * (bend * v_yz + bend_cross * u_xz)
        buffer[FU_XY + q] = e * (bend * u_xy + bend_cross * w_yz)
        buffer[FW_YZ + q] = e * (bend * w_yz + bend_cross * u_xy)
    for q in range(FIRST, FIRST + columns):
        p, e = q + ONE, buffer[MODULUS + q]
        v_xy, w_xz = buffer[V_Y + p] - buffer[V_Y + q], buffer[W_Z + p] - buffer[W_Z + q]
        buffer[FV_XY + q] = e * (bend * v_xy + bend_cross * w_xz)
        buffer[FW_XZ + q] = e * (bend * w_xz + bend_cross * v_xy)
        buffer[FU_XYZ + q] = e * warp * (buffer[U_YZ + p] - buffer[U_YZ + q])
        buffer[FV_XYZ + q] = e * warp * (buffer[V_YZ + p] - buffer[V_YZ + q])
        buffer[FW_XYZ + q] = e * warp * (buffer[W_YZ + p] - buffer[W_YZ + q])


@solver_kernel
def forces_twist(buffer, columns, twist, twist_cross):
    """Forces of the twists u_yz, v_xz and w_xy."""
    for q in range(FIRST, FIRST + columns):
        p, e = q + ONE, buffer[MODULUS + q]
        u_yz, v_xz = buffer[U_YZ + p] + buffer[U_YZ + q], buffer[V_Z + p] - buffer[V_Z + q]
        w_xy = buffer[W_Y + p] - buffer[W_Y + q]
        buffer[FU_YZ + q] = e * (twist * u_yz + twist_cross * (v_xz + w_xy))
        buffer[FV_XZ + q] = e * (twist * v_xz + twist_cross * (u_yz + w_xy))
        buffer[FW_XY + q] = e * (twist * w_xy + twist_cross * (u_yz + v_xz))


@_inlined
def _back(buffer, columns, out, x, y, z, yz, xy, xz, xyz):
    """Transform the forces of one component back to its four node rows; q - 1 is the voxel on the left."""
    for q in range(FIRST, FIRST + columns):
        m = q - ONE
        plain = buffer[x + m] - buffer[x + q]
        in_y = buffer[y + q] + buffer[y + m] + (buffer[xy + m] - buffer[xy + q])
        in_z = buffer[z + q] + buffer[z + m] + (buffer[xz + m] - buffer[xz + q])
        in_yz = buffer[yz + q] + buffer[yz + m] + (buffer[xyz + m] - buffer[xyz + q])
        low, low_y, high, high_y = plain - in_z, in_y - in_yz, plain + in_z, in_y + in_yz
        buffer[out + q], buffer[out + U_Y + q] = low - low_y, low + low_y
        buffer[out + U_Z + q], buffer[out + U_YZ + q] = high - high_y, high + high_y


@solver_kernel
def back_transform(buffer, columns):
    """Nodal forces of the three components from the forces of the transformed displacements."""
    _back(buffer, columns, U, FU_X, FU_Y, FU_Z, FU_YZ, FU_XY, FU_XZ, FU_XYZ)
    _back(buffer, columns, V, FV_X, FV_Y, FV_Z, FV_YZ, FV_XY, FV_XZ, FV_XYZ)
    _back(buffer, columns, W, FW_X, FW_Y, FW_Z, FW_YZ, FW_XY, FW_XZ, FW_XYZ)


@_inlined
def _add_row(out, node, buffer, offset, count):
    for j in range(count):
        out[node + j] += buffer[offset + j]


@solver_kernel
def scatter(out_x, out_y, out_z, run_nodes, run_length, run, end, buffer):
    """Add the nodal forces of the buffer to the nodes of runs `run`..`end` - 1."""
    column = FIRST
    for r in range(run, end):
        count = np.uint64(run_length[r]) + ONE
        n0, n1 = np.uint64(run_nodes[r, 0]), np.uint64(run_nodes[r, 1])
        n2, n3 = np.uint64(run_nodes[r, 2]), np.uint64(run_nodes[r, 3])
        _add_row(out_x, n0, buffer, U + column, count)
        _add_row(out_x, n1, buffer, U_Y + column, count)
        _add_row(out_x, n2, buffer, U_Z + column, count)
        _add_row(out_x, n3, buffer, U_YZ + column, count)
        _add_row(out_y, n0, buffer, V + column, count)
        _add_row(out_y, n1, buffer, V_Y + column, count)
        _add_row(out_y, n2, buffer, V_Z + column, count)
        _add_row(out_y, n3, buffer, V_YZ + column, count)
        _add_row(out_z, n0, buffer, W + column, count)
        _add_row(out_z, n1, buffer, W_Y + column, count)
        _add_row(out_z, n2, buffer, W_Z + column, count)
        _add_row(out_z, n3, buffer, W_YZ + column, count)
        column += count


@solver_kernel
def apply_slab(slab, x, y, buffer, run_nodes, run_length, modulus, slab_run, slab_column, numbers):
    """Add K x of one slab to y; `numbers` are the eight stiffness numbers in the type of x."""
    normal, normal_cross, shear, bend, bend_cross, twist, twist_cross, warp = numbers
    x_z, x_y, x_x = x[0], x[1], x[2]
    y_z, y_y, y_x = y[0], y[1], y[2]
    run, column = slab_run[slab], np.uint64(slab_column[slab])
    while run < slab_run[slab + 1]:
        end = batch_end(run_length, run, slab_run[slab + 1])
        columns = gather(x_x, x_y, x_z, run_nodes, run_length, run, end, buffer)
        for j in range(columns):
            buffer[MODULUS + FIRST + j] = modulus[column + j]
        transform_rows(buffer, columns)
        transform_rows(buffer[V:], columns)
        transform_rows(buffer[W:], columns)
        forces_linear(buffer, columns, normal, normal_cross, shear)
        forces_bilinear(buffer, columns, bend, bend_cross, warp)
        forces_twist(buffer, columns, twist, twist_cross)
        back_transform(buffer, columns)
        scatter(y_x, y_y, y_z, run_nodes, run_length, run, end, buffer)
        run, column = end, column + columns


@solver_kernel
def apply_even(first, last, x, y, run_nodes, run_length, modulus, slab_run, slab_column, slab_node, numbers):
    """y = K x on slabs 0, 2, 4, ...: block i is slab 2 i; clears and fills the nodes that the slab touches.

    x, y        : (3, nodes) float32 or float64; run_nodes (runs, 4) uint32; run_length (runs,) int32
    modulus     : (columns,) float32, MPa times voxel edge; the last column of a run is 0
    slab_run, slab_column : (slabs + 1,) first run and first column of each slab
    slab_node   : (slabs, 2) range of nodes that the slab clears
    numbers     : tuple of eight stiffness numbers in the type of x (`mechanics.hexahedron`)
    """
    buffer = np.zeros(BUFFER, x.dtype)
    for block in range(first, last):
        slab = 2 * block
        y[:, slab_node[slab, 0] : slab_node[slab, 1]] = 0
        apply_slab(slab, x, y, buffer, run_nodes, run_length, modulus, slab_run, slab_column, numbers)


@solver_kernel
def apply_odd(first, last, x, y, run_nodes, run_length, modulus, slab_run, slab_column, slab_node, numbers):
    """y = K x on slabs 1, 3, 5, ...: block i is slab 2 i + 1; arguments as in `apply_even`, which must run first."""
    buffer = np.zeros(BUFFER, x.dtype)
    for block in range(first, last):
        slab = 2 * block + 1
        y[:, slab_node[slab, 0] : slab_node[slab, 1]] = 0
        apply_slab(slab, x, y, buffer, run_nodes, run_length, modulus, slab_run, slab_column, numbers)
