"""Micro-FE by the book: supports found by loops, one assembled matrix, a direct solver. For small bones only."""

import numpy as np
from scipy.sparse.linalg import spsolve
from voxel_fe_plain import assemble_plain, energy_density_plain, number_nodes_plain

NORMAL = ((0, 0), (1, 1), (2, 2))
SHEAR = ((0, 1), (0, 2), (1, 2))


def strain_plain(case):
    """Displacement gradient (3, 3) of a unit case, compression positive."""
    i, j = (NORMAL + SHEAR)[case]
    strain = np.zeros((3, 3))
    strain[i, j] -= 0.5
    strain[j, i] -= 0.5
    return strain


def supports_plain(mask, boundary):
    """Which displacements (3, Z+1, Y+1, X+1) the boundary prescribes, single pins against rigid motion left out."""
    held = np.zeros((3, *np.add(mask.shape, 1)), bool)
    for axis in range(3):
        for end in (0, -1):
            face = np.moveaxis(held, axis + 1, 1)[:, end]
            if boundary == "affine":
                face[:] = True
            elif boundary == "rollers":
                face[axis] = True
            elif axis == 0:
                face[:] |= boundary == "clamped" or (boundary == "bottom-clamped" and end == 0)
                face[0] = True
    return held


class PlainFE:
    """All of a boundary value problem of a small bone; modulus (Z, Y, X), MPa, 0 = void, in one part."""

    def __init__(self, modulus, boundary, poisson=0.3):
        self.modulus, self.boundary, self.poisson = np.asarray(modulus, float), boundary, poisson
        index, self.nodes = number_nodes_plain(self.modulus)
        self.position = np.argwhere(index >= 0)
        self.matrix = assemble_plain(self.modulus, poisson)
        held = supports_plain(self.modulus > 0, boundary)[:, index >= 0]
        self.held = held.ravel()

    def start(self, case):
        """Homogeneous strain at the supports, zero elsewhere, (3 nodes,) in voxel edges."""
        affine = strain_plain(case) @ self.position.T
        return np.where(self.held, affine.ravel(), 0.0)

    def solution(self, case):
        """Displacement (3, nodes) of a unit case by a direct solver; only for supports that hold every rigid motion."""
        u = self.start(case)
        free = ~self.held
        u[free] = spsolve(self.matrix[free][:, free].tocsc(), -(self.matrix @ u)[free])
        return u.reshape(3, -1)

    def energy(self, displacement):
        """Mean strain energy density of every voxel."""
        return energy_density_plain(self.modulus, self.poisson, displacement)

    def residual(self, displacement, case):
        """Norm of the forces on free degrees of freedom over the norm of the load, and the largest miss of a support.

        The load is what the supports alone put on the free ones; where they hold every node, on the supports.
        displacement : (3, nodes) in voxel edges
        """
        start = self.start(case)
        load, free = self.matrix @ start, ~self.held
        scale = max(np.linalg.norm(load[free]), 1e-3 * np.linalg.norm(load))
        forces = (self.matrix @ displacement.ravel())[free]
        miss = np.abs(displacement.ravel() - start)[self.held].max(initial=0)
        return np.linalg.norm(forces) / scale, miss
