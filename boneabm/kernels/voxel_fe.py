"""Stiffness operator of a voxel mesh of 8-node hexahedra, without a matrix.

Only bone is stored. Nodes are numbered in z, y, x order, so the four node rows around a run of consecutive bone
voxels are contiguous in memory. Runs are cut into segments of at most SEGMENT_VOXELS voxels: a segment is four node
numbers and LANES columns, a column is one x position, and every column without a voxel (the last one always) has
modulus 0. A segment reads LANES nodes of each row, whatever its length: the surplus meets modulus 0, so it adds 0.

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

45 numbers differ from zero instead of 576, and 2 x 2 x 2 Gauss points integrate every term exactly.

Back to nodes. With f_m the force of u_m, a node of the left face (s_x = -1) gets f_y - f_xy where one of the right
face gets f_y + f_xy, likewise for z and yz, and -f_x against +f_x. Both are kept per column; a node row adds the left
face of its own column to the right face of the column before. Sums and differences in y and z spread the result over
the four rows.

Threads. The mesh is cut into slabs of voxel layers (`mechanics.mesh`). All even slabs are handled first, then all odd
ones: a node plane between two slabs always receives the even slab first, whatever the number of threads.
Displacements are (3, size), components in z, y, x order; size is the number of nodes and at least LANES zeros.
Idea of the even/odd order and of element-by-element voxel products: Arbenz et al. 2008 (doi 10.1002/nme.2146).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from .lanes import LANES, add_lanes, copy_lanes

SOLVER_MATH = {"nnan", "ninf", "nsz", "contract", "arcp"}  # nothing that reorders sums
SEGMENT_VOXELS = LANES - 1
BATCH = 16  # segments handled together, so that the loops below are long and the buffer stays in the first cache
_PAD = 16
_WIDTH = BATCH * LANES + 2 * _PAD

solver_kernel = njit(cache=True, nogil=True, fastmath=SOLVER_MATH)
_inlined = njit(inline="always")

# Rows of the work buffer, as unsigned offsets: signed indices would keep the loops from being vectorized.
BUFFER = 33 * _WIDTH
ONE, STEP = np.uint64(1), np.uint64(LANES)
_OFFSETS = tuple(np.uint64(row * _WIDTH + _PAD) for row in range(33))
# displacement: four node rows of a component, then its sums and differences in y and z
U, U_Y, U_Z, U_YZ, V, V_Y, V_Z, V_YZ, W, W_Y, W_Z, W_YZ = _OFFSETS[:12]
ROW_Y, ROW_Z, ROW_YZ = U_Y - U, U_Z - U, U_YZ - U
# forces of a component: f_x, then f_y -+ f_xy, f_z -+ f_xz, f_yz -+ f_xyz on the left and right face
FU_X, FU_YL, FU_YR, FU_ZL, FU_ZR, FU_YZL, FU_YZR = _OFFSETS[12:19]
FV_X, FV_YL, FV_YR, FV_ZL, FV_ZR, FV_YZL, FV_YZR = _OFFSETS[19:26]
FW_X, FW_YL, FW_YR, FW_ZL, FW_ZR, FW_YZL, FW_YZR = _OFFSETS[26:33]


@solver_kernel
def gather(x, y, z, nodes, segment, end, buffer):
    """Transformed displacements in y and z of the segments `segment`..`end` - 1; returns the number of columns."""
    column = np.uint64(0)
    for s in range(segment, end):
        n0, n1, n2, n3 = np.uint64(nodes[s, 0]), np.uint64(nodes[s, 1]), np.uint64(nodes[s, 2]), np.uint64(nodes[s, 3])
        copy_lanes(buffer, U + column, x, n0)
        copy_lanes(buffer, U_Y + column, x, n1)
        copy_lanes(buffer, U_Z + column, x, n2)
        copy_lanes(buffer, U_YZ + column, x, n3)
        copy_lanes(buffer, V + column, y, n0)
        copy_lanes(buffer, V_Y + column, y, n1)
        copy_lanes(buffer, V_Z + column, y, n2)
        copy_lanes(buffer, V_YZ + column, y, n3)
        copy_lanes(buffer, W + column, z, n0)
        copy_lanes(buffer, W_Y + column, z, n1)
        copy_lanes(buffer, W_Z + column, z, n2)
        copy_lanes(buffer, W_YZ + column, z, n3)
        column += STEP
    _transform_rows(buffer, column, U)
    _transform_rows(buffer, column, V)
    _transform_rows(buffer, column, W)
    return column


@_inlined
def _transform_rows(buffer, columns, row):
    """Sums and differences in y and z of the four node rows of one component, in place."""
    for q in range(row, row + columns):
        a, b, c, d = buffer[q], buffer[ROW_Y + q], buffer[ROW_Z + q], buffer[ROW_YZ + q]
        low, low_y, high, high_y = a + b, b - a, c + d, d - c
        buffer[q], buffer[ROW_Y + q] = low + high, low_y + high_y
        buffer[ROW_Z + q], buffer[ROW_YZ + q] = high - low, high_y - low_y


@solver_kernel
def forces_normal(b, columns, modulus, first, normal, normal_cross, bend, bend_cross):
    """Forces of u_x, v_y, w_z and of v_xy, w_xz."""
    for q in range(columns):
        p, e = q + ONE, modulus[first + q]
        u_x, v_y, w_z = b[U + p] - b[U + q], b[V_Y + p] + b[V_Y + q], b[W_Z + p] + b[W_Z + q]
        v_xy, w_xz = b[V_Y + p] - b[V_Y + q], b[W_Z + p] - b[W_Z + q]
        f_y, f_xy = e * (normal * v_y + normal_cross * (u_x + w_z)), e * (bend * v_xy + bend_cross * w_xz)
        f_z, f_xz = e * (normal * w_z + normal_cross * (u_x + v_y)), e * (bend * w_xz + bend_cross * v_xy)
        b[FU_X + q] = e * (normal * u_x + normal_cross * (v_y + w_z))
        b[FV_YL + q], b[FV_YR + q] = f_y - f_xy, f_y + f_xy
        b[FW_ZL + q], b[FW_ZR + q] = f_z - f_xz, f_z + f_xz


@_inlined
def _shear_and_bend(
    b, columns, modulus, first, shear, bend, bend_cross, warp, u, v, w, f_v, f_left, f_right, f_w_left, f_w_right
):  # fmt: skip
    """Forces of a shear (row u of x with the plain row v), of bending (u with w), and of the trilinear row w."""
    for q in range(columns):
        p, e = q + ONE, modulus[first + q]
        sheared = shear * e * (b[u + p] + b[u + q] + (b[v + p] - b[v + q]))
        bent, other = b[u + p] - b[u + q], b[w + p] + b[w + q]
        f_u, f_w = e * (bend * bent + bend_cross * other), e * (bend * other + bend_cross * bent)
        f_xyz = e * warp * (b[w + p] - b[w + q])
        b[f_v + q] = sheared
        b[f_left + q], b[f_right + q] = sheared - f_u, sheared + f_u
        b[f_w_left + q], b[f_w_right + q] = f_w - f_xyz, f_w + f_xyz


@solver_kernel
def forces_along_x(b, columns, modulus, first, shear, bend, bend_cross, warp):
    """Forces of the shears zx and yx, and of u_xz with v_yz, u_xy with w_yz, v_xyz, w_xyz."""
    _shear_and_bend(b, columns, modulus, first, shear, bend, bend_cross, warp,
                    U_Z, W, V_YZ, FW_X, FU_ZL, FU_ZR, FV_YZL, FV_YZR)  # fmt: skip
    _shear_and_bend(b, columns, modulus, first, shear, bend, bend_cross, warp,
                    U_Y, V, W_YZ, FV_X, FU_YL, FU_YR, FW_YZL, FW_YZR)  # fmt: skip


@solver_kernel
def forces_across_x(b, columns, modulus, first, shear, twist, twist_cross, warp):
    """Forces of the shear yz, of the twists u_yz, v_xz, w_xy, and of u_xyz."""
    for q in range(columns):
        p, e = q + ONE, modulus[first + q]
        yz = shear * e * (b[V_Z + p] + b[V_Z + q] + (b[W_Y + p] + b[W_Y + q]))
        u_yz, v_xz, w_xy = b[U_YZ + p] + b[U_YZ + q], b[V_Z + p] - b[V_Z + q], b[W_Y + p] - b[W_Y + q]
        f_u, f_v = e * (twist * u_yz + twist_cross * (v_xz + w_xy)), e * (twist * v_xz + twist_cross * (u_yz + w_xy))
        f_w, f_xyz = e * (twist * w_xy + twist_cross * (u_yz + v_xz)), e * warp * (b[U_YZ + p] - b[U_YZ + q])
        b[FU_YZL + q], b[FU_YZR + q] = f_u - f_xyz, f_u + f_xyz
        b[FV_ZL + q], b[FV_ZR + q] = yz - f_v, yz + f_v
        b[FW_YL + q], b[FW_YR + q] = yz - f_w, yz + f_w


@_inlined
def _back(buffer, columns, out, x, y_l, y_r, z_l, z_r, yz_l, yz_r):
    """Nodal forces of one component on its four node rows; q - 1 is the column on the left."""
    for q in range(columns):
        m = q - ONE
        plain, in_y = buffer[x + m] - buffer[x + q], buffer[y_l + q] + buffer[y_r + m]
        in_z, in_yz = buffer[z_l + q] + buffer[z_r + m], buffer[yz_l + q] + buffer[yz_r + m]
        low, low_y, high, high_y = plain - in_z, in_y - in_yz, plain + in_z, in_y + in_yz
        buffer[out + q], buffer[out + ROW_Y + q] = low - low_y, low + low_y
        buffer[out + ROW_Z + q], buffer[out + ROW_YZ + q] = high - high_y, high + high_y


@solver_kernel
def back_transform(buffer, columns):
    """Nodal forces of the three components from the forces of the transformed displacements."""
    _back(buffer, columns, U, FU_X, FU_YL, FU_YR, FU_ZL, FU_ZR, FU_YZL, FU_YZR)
    _back(buffer, columns, V, FV_X, FV_YL, FV_YR, FV_ZL, FV_ZR, FV_YZL, FV_YZR)
    _back(buffer, columns, W, FW_X, FW_YL, FW_YR, FW_ZL, FW_ZR, FW_YZL, FW_YZR)


@solver_kernel
def scatter(x, y, z, nodes, segment, end, buffer):
    """Add the nodal forces of the buffer to the nodes of segments `segment`..`end` - 1."""
    column = np.uint64(0)
    for s in range(segment, end):
        n0, n1, n2, n3 = np.uint64(nodes[s, 0]), np.uint64(nodes[s, 1]), np.uint64(nodes[s, 2]), np.uint64(nodes[s, 3])
        add_lanes(x, n0, buffer, U + column)
        add_lanes(x, n1, buffer, U_Y + column)
        add_lanes(x, n2, buffer, U_Z + column)
        add_lanes(x, n3, buffer, U_YZ + column)
        add_lanes(y, n0, buffer, V + column)
        add_lanes(y, n1, buffer, V_Y + column)
        add_lanes(y, n2, buffer, V_Z + column)
        add_lanes(y, n3, buffer, V_YZ + column)
        add_lanes(z, n0, buffer, W + column)
        add_lanes(z, n1, buffer, W_Y + column)
        add_lanes(z, n2, buffer, W_Z + column)
        add_lanes(z, n3, buffer, W_YZ + column)
        column += STEP


@solver_kernel
def apply_segments(segment, last, x, y, buffer, nodes, modulus, numbers):
    """Add K x of the segments `segment`..`last` - 1 to y; `numbers` as in `apply`."""
    normal, normal_cross, shear, bend, bend_cross, twist, twist_cross, warp = numbers
    x_z, x_y, x_x = x[0], x[1], x[2]
    y_z, y_y, y_x = y[0], y[1], y[2]
    first = np.uint64(segment) * STEP
    while segment < last:
        end = min(segment + BATCH, last)
        columns = gather(x_x, x_y, x_z, nodes, segment, end, buffer)
        forces_normal(buffer, columns, modulus, first, normal, normal_cross, bend, bend_cross)
        forces_along_x(buffer, columns, modulus, first, shear, bend, bend_cross, warp)
        forces_across_x(buffer, columns, modulus, first, shear, twist, twist_cross, warp)
        back_transform(buffer, columns)
        scatter(y_x, y_y, y_z, nodes, segment, end, buffer)
        segment, first = end, first + columns


@solver_kernel
def apply(first, last, parity, x, y, nodes, modulus, slab_segment, slab_node, numbers):
    """y = K x on every second slab (block i is slab 2 i + parity); clears and fills the nodes that the slab touches.

    parity       : 0 first, then 1 on the same y
    x, y         : (3, size) float32 or float64
    nodes        : (segments, 4) uint32, first node of the rows (z, y), (z, y + 1), (z + 1, y), (z + 1, y + 1)
    modulus      : (segments * LANES,) float32, MPa times voxel edge, 0 where a column has no voxel
    slab_segment : (slabs + 1,) first segment of each slab
    slab_node    : (slabs, 2) range of nodes that the slab clears
    numbers      : tuple of eight stiffness numbers in the type of x (`mechanics.hexahedron`)
    """
    buffer = np.zeros(BUFFER, x.dtype)
    for block in range(first, last):
        slab = 2 * block + parity
        y[:, slab_node[slab, 0] : slab_node[slab, 1]] = 0
        apply_segments(slab_segment[slab], slab_segment[slab + 1], x, y, buffer, nodes, modulus, numbers)
