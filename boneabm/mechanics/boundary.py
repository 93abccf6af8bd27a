"""Boundary conditions: unit load cases and the degrees of freedom that they prescribe.

Every case is a unit macro strain; the prescribed displacements are those of the homogeneous strain field at the fixed
degrees of freedom. Compression is positive, so that positive amplitudes compress.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from boneabm.errors import InputError, nearest

from .mesh import VoxelMesh


class Boundary(NamedTuple):
    """Unit cases of a boundary condition.

    strains : (cases, 3, 3) displacement gradients in z, y, x
    """

    name: str
    strains: NDArray[np.float64]

    def loaded(self, spans: tuple[bool, bool, bool]) -> list[bool]:
        """Which cases put load on a part that touches both faces along these axes."""
        cases = len(self.strains)
        return [any(spans)] * cases if self.name == "affine" else list(spans[:cases])


def _strain(i: int, j: int) -> NDArray[np.float64]:
    strain = np.zeros((3, 3))
    strain[i, j] -= 0.5
    strain[j, i] -= 0.5
    return strain


_NORMAL = ((0, 0), (1, 1), (2, 2))
_PAIRS = {
    "rollers": _NORMAL,
    "frictionless": _NORMAL[:1],
    "bottom-clamped": _NORMAL[:1],
    "clamped": _NORMAL[:1],
    "affine": (*_NORMAL, (0, 1), (0, 2), (1, 2)),
}


def make_boundary(name: str) -> Boundary:
    """Unit cases of a boundary condition by name.

    rollers        : compression along z, y, x; normal displacement prescribed on all six faces, tangential free
    frictionless   : compression along z; both ends free to slide, sides free
    bottom-clamped : compression along z; bottom glued, top free to slide
    clamped        : compression along z; both ends glued
    affine         : zz, yy, xx, zy, zx, yx (engineering shear); linear displacement on all six faces

    Raises InputError for any other name.
    """
    if name not in _PAIRS:
        raise InputError(f'boundary: "{name}" is not a known boundary condition. {nearest(name, _PAIRS)}')
    pairs = _PAIRS[name]
    return Boundary(name, np.array([_strain(i, j) for i, j in pairs]))


def touched_axes(mask: NDArray[np.bool_]) -> tuple[bool, bool, bool]:
    """Whether the part touches both faces of the volume along z, y, x."""
    ends = [mask.take(0, axis).any() and mask.take(-1, axis).any() for axis in range(3)]
    return bool(ends[0]), bool(ends[1]), bool(ends[2])


def fixed_degrees(boundary: Boundary, mesh: VoxelMesh) -> NDArray[np.uint32]:
    """Flat places (component * size + node) of the prescribed displacements, sorted.

    Single displacements are added where the part could still move as a rigid body; they carry no force.
    """
    index = mesh.dense_index()
    all_three: tuple[int, ...] = (0, 1, 2)
    faces: list[tuple[int, int, tuple[int, ...]]]
    if boundary.name == "rollers":
        faces = [(axis, end, (axis,)) for axis in range(3) for end in (0, -1)]
    elif boundary.name == "affine":
        faces = [(axis, end, all_three) for axis in range(3) for end in (0, -1)]
    else:
        bottom = (0,) if boundary.name == "frictionless" else all_three
        faces = [(0, 0, bottom), (0, -1, all_three if boundary.name == "clamped" else (0,))]
    places: list[NDArray[np.int64]] = []
    for axis, end, components in faces:
        face: NDArray[np.int64] = np.moveaxis(index, axis, 0)[end].astype(np.int64)
        places += [component * mesh.size + face[face >= 0] for component in components]
    return _pin_rigid_motion(mesh, np.unique(np.concatenate(places)).astype(np.uint32))


def _rigid_motion(mesh: VoxelMesh, places: NDArray[np.uint32]) -> NDArray[np.float64]:
    """Rows (places, 6): displacement of each place under three translations and three rotations about the center."""
    component, position = mesh.locate(places)
    position = position / max(mesh.shape) - 0.5
    rows = np.zeros((len(places), 6))
    rows[np.arange(len(places)), component] = 1
    for rotation, (i, j) in enumerate(((0, 1), (0, 2), (1, 2)), start=3):
        rows[:, rotation] = np.where(component == i, position[:, j], np.where(component == j, -position[:, i], 0))
    return rows


def _pin_rigid_motion(mesh: VoxelMesh, fixed: NDArray[np.uint32]) -> NDArray[np.uint32]:
    rows = _rigid_motion(mesh, fixed)
    gram = rows.T @ rows
    if np.linalg.matrix_rank(gram, tol=1e-9, hermitian=True) == 6:
        return fixed
    position = mesh.coordinates(np.arange(mesh.nodes))
    extreme = np.unique(np.concatenate([position.argmin(axis=0), position.argmax(axis=0)]))
    candidates = np.concatenate([component * mesh.size + extreme for component in range(3)]).astype(np.uint32)
    motion = _rigid_motion(mesh, candidates)
    while np.linalg.matrix_rank(gram, tol=1e-9, hermitian=True) < 6:
        values, vectors = np.linalg.eigh(gram)
        best = int(np.linalg.norm(motion @ vectors[:, values < 1e-9], axis=1).argmax())
        gram += np.outer(motion[best], motion[best])
        fixed = np.union1d(fixed, candidates[best : best + 1])
    return fixed


def prescribed_displacements(
    boundary: Boundary, mesh: VoxelMesh, amplitudes: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """What a combined load prescribes: node positions (n, 3), component (n,) and displacement (n,) in voxel edges.

    amplitudes : (cases,) macro strain of each unit case, compression positive; positions and components are z, y, x
    """
    fixed = fixed_degrees(boundary, mesh)
    strain = np.einsum("k,kij->ij", amplitudes, boundary.strains)
    component, position = mesh.locate(fixed)
    return position, component, prescribed_values(mesh, fixed, strain)


def prescribed_values(
    mesh: VoxelMesh, fixed: NDArray[np.uint32], strain: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Displacements (voxel edges) of a homogeneous strain field at the fixed degrees of freedom."""
    component, position = mesh.locate(fixed)
    return np.einsum("ni,ni->n", strain[component], position)
