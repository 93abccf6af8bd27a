"""Bone surface against geometry that is known (ball, tilted plane) and against whole-array numpy."""

from __future__ import annotations

import numpy as np
import pytest
from surface_plain import gradient_area_plain, normals_plain, surface_plain

from boneabm.kernels import blocks, surface
from boneabm.lattice import Surface, VoxelLattice

SPACING_UM = 20.0


def places(voxels, shape):
    """Indices (z, y, x) of flat voxels, (N, 3)."""
    return np.stack(np.unravel_index(voxels, shape), axis=1)


def listed(matrix, spacing_um=SPACING_UM, scaled=True):
    """Surface of a block with the common area factor in place."""
    mask = np.asarray(matrix)
    lattice = VoxelLattice.from_mask(mask > 0, spacing_um)
    lattice.matrix[:] = mask
    result = Surface(lattice.shape)
    result.update(lattice, result.area_scale(lattice) if scaled else 1.0)
    return result


def ball(radius, size, inside=True):
    """Voxels whose center is within `radius` of the center of a cube, or all others."""
    z, y, x = np.indices((size,) * 3) - (size - 1) / 2
    return (z * z + y * y + x * x <= radius * radius) == inside


def half_space(slope_y, slope_x, size=40):
    """Bone below the plane z = middle + slope_y y + slope_x x."""
    z, y, x = np.indices((size,) * 3) - (size - 1) / 2
    return z <= slope_y * y + slope_x * x


def noise(seed=1, shape=(7, 9, 8)):
    return np.random.default_rng(seed).random(shape, np.float32)


@pytest.mark.parametrize("radius", [8, 12.3, 16])
@pytest.mark.parametrize("inside", [True, False])
def test_area_of_a_ball(radius, inside):
    """4 pi r^2 within 4 %, for a ball of bone and for a spherical pore."""
    area = listed(ball(radius, 40, inside)).total_um2
    assert area == pytest.approx(4 * np.pi * (radius * SPACING_UM) ** 2, rel=0.04)


@pytest.mark.parametrize(("slope_y", "slope_x"), [(0, 0), (0.2, 0), (0.5, 0), (0.9, 0), (0.3, 0.4), (0.45, 0.45)])
def test_area_of_a_tilted_plane(slope_y, slope_x):
    """Area of a plane through the block = base x sqrt(1 + slopes^2), within 3 %."""
    area = listed(half_space(slope_y, slope_x)).total_um2
    assert area == pytest.approx((40 * SPACING_UM) ** 2 * np.sqrt(1 + slope_y**2 + slope_x**2), rel=0.03)


def test_area_does_not_depend_on_the_voxel():
    """The same ball of 200 um radius at 10, 20 and 25 um has the same area within 3 %."""
    areas = [listed(ball(200 / h, int(600 / h)), h).total_um2 for h in (10.0, 20.0, 25.0)]
    np.testing.assert_allclose(areas, 4 * np.pi * 200**2, rtol=0.03)


def test_normals_of_a_ball_point_to_its_center():
    """Every inward normal is within 15 degrees of the radius, and 5 degrees on average."""
    result = listed(ball(14, 36))
    inward = (35 / 2) - places(result.voxel, (36,) * 3)
    cosine = (inward * result.normal).sum(axis=1) / np.linalg.norm(inward, axis=1)
    degrees = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    assert degrees.max() < 15
    assert degrees.mean() < 5


def test_normals_of_a_tilted_plane_are_its_normal():
    """Away from the faces of the block the mean normal is that of the plane, within 3 degrees (measured: 2.1)."""
    result = listed(half_space(0.5, 0.25))
    where = places(result.voxel, (40,) * 3)
    middle = ((where > 3) & (where < 36)).all(axis=1)
    mean = result.normal[middle].mean(axis=0, dtype=float)
    expected = np.array([-1, 0.5, 0.25])
    cosine = mean @ expected / np.linalg.norm(mean) / np.linalg.norm(expected)
    assert np.degrees(np.arccos(cosine)) < 3


def test_cut_faces_are_no_surface():
    """A block full of bone has no surface; a slab that fills the block sideways has its two faces only."""
    assert listed(np.ones((6, 7, 8))).voxel.size == 0
    assert listed(np.ones((6, 7, 8))).total_um2 == 0
    slab = np.zeros((18, 7, 8))
    slab[4:14] = 1
    result = listed(slab)
    assert set(places(result.voxel, slab.shape)[:, 0]) == {4, 13}
    assert result.total_um2 == pytest.approx(2 * 7 * 8 * SPACING_UM**2, rel=1e-3)


@pytest.mark.parametrize(("thick", "share"), [(3, 0.852), (4, 0.977), (5, 0.994)])
def test_smoothing_takes_some_area_from_thin_plates(thick, share):
    """The smoothed fraction of a thin plate does not reach 1 inside: measured share of its true area."""
    plate = np.zeros((16, 6, 6))
    plate[5 : 5 + thick] = 1
    assert listed(plate).total_um2 == pytest.approx(share * 2 * 36 * SPACING_UM**2, rel=0.01)


def test_a_block_without_bone_has_no_surface():
    """No bone: empty lists and an area factor of one."""
    assert listed(np.zeros((4, 4, 4))).voxel.size == 0


def test_the_list_is_the_plain_list_in_z_y_x_order():
    """Surface voxels of noise equal the plain twin, ascending; rows lead back to them."""
    matrix = noise()
    result = listed(matrix)
    np.testing.assert_array_equal(result.voxel, surface_plain(matrix))
    np.testing.assert_array_equal(result.row[result.voxel], np.arange(result.voxel.size))
    assert (result.row >= 0).sum() == result.voxel.size


def test_an_update_forgets_the_old_surface():
    """After bone moved, rows of voxels that are no longer surface are -1."""
    lattice = VoxelLattice.from_mask(noise(1) > 0.4, SPACING_UM)
    result = Surface(lattice.shape)
    result.update(lattice, 1.0)
    lattice.matrix[:] = noise(2)
    result.update(lattice, 1.0)
    np.testing.assert_array_equal(np.flatnonzero(result.row >= 0), surface_plain(lattice.matrix))


def test_normals_and_areas_equal_the_plain_twin():
    """Unit gradient of the 3x3x3 sum; h^2 over its largest component, at most sqrt(3) h^2."""
    matrix = noise(3)
    result = listed(matrix, scaled=False)
    expected = normals_plain(matrix).reshape(-1, 3)[result.voxel]
    np.testing.assert_allclose(result.normal, expected, atol=1e-5)
    largest = np.maximum(abs(expected).max(axis=1), 0.577)
    np.testing.assert_allclose(result.area_um2, SPACING_UM**2 / largest, rtol=1e-5)


def test_gradient_area_equals_the_plain_twin():
    """Coarea sum per plane, at the faces of the block as well."""
    matrix = noise(4)
    planes = np.empty(matrix.shape[0])
    blocks.launch(surface.gradient_area, matrix.shape[0], matrix, SPACING_UM, planes)
    np.testing.assert_allclose(planes, gradient_area_plain(matrix, SPACING_UM), rtol=1e-5)


def test_threads_change_no_bit_of_the_surface():
    """Lists, normals and areas with one and with two threads."""
    one, threads = listed(noise(5, (30, 30, 30))), blocks.get_threads()
    try:
        blocks.set_threads(2)
        two = listed(noise(5, (30, 30, 30)))
    finally:
        blocks.set_threads(threads)
    for name in ("voxel", "normal", "area_um2", "row"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
