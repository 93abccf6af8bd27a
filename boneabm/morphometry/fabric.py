"""Fabric: how far a line runs within bone, by direction (mean intercept length, MIL)."""

from __future__ import annotations

import math
from itertools import permutations, product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..kernels import blocks
from ..kernels.intercepts import count_intercepts
from ..kernels.mesh_tables import list_states

DIRECTIONS = 200
LINE_PITCH, LINE_STEP = 4.0, 0.5  # voxels: distance of test lines, and of the points along them
LEAST_SHARE = 1e-6
"""Smallest eigenvalue of the fit relative to the largest: endless bars and plates get MIL 1000 times the shortest."""


class Fabric(NamedTuple):
    """Axes of the ellipsoid fitted to the mean intercept length, longest first.

    mil_um     : (3,) mean intercept lengths along the axes, um, descending
    directions : (3, 3) unit vectors (z, y, x), one per row
    """

    mil_um: NDArray[np.float64]
    directions: NDArray[np.float64]

    @property
    def anisotropy(self) -> float:
        """Degree of anisotropy DA, longest over shortest mean intercept length, >= 1."""
        return float(self.mil_um[0] / self.mil_um[2])

    @property
    def da(self) -> float:
        """Degree of anisotropy DA as 1 - shortest / longest mean intercept length, 0 (isotropic) to 1."""
        return float(1.0 - self.mil_um[2] / self.mil_um[0])

    @property
    def tensor_um(self) -> NDArray[np.float64]:
        """Fabric tensor H = M^-1/2, (3, 3) in z, y, x, um: its eigenvalues are the mean intercept lengths."""
        return (self.directions.T * self.mil_um) @ self.directions

    @property
    def angle_deg(self) -> float:
        """Angle of the main direction against z, 0..90 degrees."""
        return math.degrees(math.acos(min(abs(float(self.directions[0, 0])), 1.0)))

    @property
    def tilt_deg(self) -> float:
        """Angle from z toward x of the longest mean intercept length within the z-x plane, -90..90 degrees.

        The section of the ellipsoid u.M.u = 1 with that plane: tan(2 tilt) = -2 M_zx / (M_xx - M_zz), up to the choice
        of the longer axis.
        """
        if not np.isfinite(self.mil_um).all():
            return math.nan
        m = (self.directions.T / self.mil_um**2) @ self.directions
        return math.degrees(0.5 * math.atan2(-2.0 * m[0, 2], m[2, 2] - m[0, 0]))


def fabric(normal: NDArray[np.floating], area_um2: NDArray[np.floating], bone_um3: float) -> Fabric:
    """Fabric ellipsoid of bone from its surface.

    A line of direction u meets the surface sum |n.u| dA / V times per length, so within bone it runs
    MIL(u) = 2 BV / sum |n.u| dA; the tensor M is the least-squares fit of 1 / MIL(u)^2 = u.M.u over a half sphere.

    normal   : (N, 3) unit vectors of surface elements, cut faces left out; area_um2 : (N,) their areas, um2
    bone_um3 : bone volume BV, um3
    Returns nan throughout where there is no surface. Parallel plates have two equal longest axes.
    Source: Harrigan & Mann, J Mater Sci 19:761 (1984); intercepts by surface integral: Underwood (1970).
    """
    if area_um2.size == 0 or bone_um3 <= 0:
        return Fabric(np.full(3, np.nan), np.full((3, 3), np.nan))
    lines = half_sphere(DIRECTIONS)
    area = area_um2.astype(np.float64)
    crossed = np.array([float((np.abs(normal @ line) * area).sum()) for line in lines])
    return _ellipsoid(lines, crossed / (2.0 * bone_um3))


def _ellipsoid(lines: NDArray[np.float64], per_um: NDArray[np.float64]) -> Fabric:
    """Ellipsoid through the inverse mean intercept lengths (N,), 1/um, of lines (N, 3) by least squares."""
    z, y, x = lines.T
    terms = np.stack([z * z, y * y, x * x, 2 * z * y, 2 * z * x, 2 * y * x], axis=1)
    m = np.linalg.lstsq(terms, per_um**2, rcond=None)[0]
    values, vectors = np.linalg.eigh(np.array([[m[0], m[3], m[4]], [m[3], m[1], m[5]], [m[4], m[5], m[2]]]))
    return Fabric(1.0 / np.sqrt(np.maximum(values, LEAST_SHARE * values[2])), vectors.T)


def mil_fabric(mask: NDArray[np.bool_], spacing_um: float) -> Fabric:
    """Fabric ellipsoid of a bone mask by test lines (mean intercept length, MIL).

    MIL(u) = 2 x length in bone / crossings of the surface over all lines of direction u; then as `fabric`.

    mask       : (Z, Y, X) bool, at least 2 voxels along every axis, else nan throughout
    spacing_um : voxel edge, um, > 0

    The surface is that of the mask interpolated linearly between voxel centers, at one half; lines are LINE_PITCH
    voxels apart, points on them LINE_STEP. Steps between voxels count as surface, so DA is low (docs/morphometry.md).
    Returns nan throughout where no line meets the surface. Source: Harrigan & Mann, J Mater Sci 19:761 (1984).
    """
    none = Fabric(np.full(3, np.nan), np.full((3, 3), np.nan))
    volume = np.ascontiguousarray(mask, np.bool_).view(np.uint8)
    if min(volume.shape) < 2:
        return none
    state = np.empty([length - 1 for length in volume.shape], np.uint8)
    blocks.launch(list_states, state.shape[0], volume, state)
    lines = symmetric_directions()
    counts = np.empty((len(lines), 3), np.int64)
    blocks.launch(count_intercepts, len(lines), state, lines, LINE_PITCH, LINE_STEP, counts)
    if not counts[:, [0, 2]].any(axis=0).all():
        return none
    length_um = np.maximum(counts[:, 0], 1) * LINE_STEP * spacing_um
    return _ellipsoid(lines, counts[:, 2] / (2.0 * length_um))


def symmetric_directions() -> NDArray[np.float64]:
    """Unit vectors (N, 3) over half a sphere that turning and mirroring of the lattice maps onto each other.

    The part of `half_sphere` with z > y > x > 0, with all permutations and signs; opposite ones count once.
    """
    spread = half_sphere(DIRECTIONS)
    first = spread[(spread[:, 0] > spread[:, 1]) & (spread[:, 1] > spread[:, 2]) & (spread[:, 2] > 0)]
    images = [
        first[:, axes] * np.array([1, *signs])
        for axes in permutations(range(3))
        for signs in product((1, -1), repeat=2)
    ]
    return np.ascontiguousarray(np.concatenate(images))


def half_sphere(count: int) -> NDArray[np.float64]:
    """Unit vectors (count, 3) spread evenly over half a sphere, a Fibonacci spiral."""
    number = np.arange(count) + 0.5
    height = number / count
    turn = math.pi * (1.0 + math.sqrt(5.0)) * number
    radius = np.sqrt(1.0 - height * height)
    return np.stack([height, radius * np.cos(turn), radius * np.sin(turn)], axis=1)
