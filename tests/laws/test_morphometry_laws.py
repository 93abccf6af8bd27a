"""Laws of bone morphometry: bodies of known measures, sums over parts, scaling, symmetry."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from boneabm.morphometry import (
    bone_surface_mm2,
    connectivity_density,
    euler_characteristic,
    local_thickness,
    mean_thickness,
    measure,
)
from boneabm.morphometry.topology import corrected_euler_characteristic

SPACING_UM = 20.0


def blobs(seed=1, shape=(24, 25, 26), share=0.35):
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), 2)
    return noise > np.quantile(noise, 1 - share)


def radius_voxels(shape, axes):
    """Distance of every voxel from the middle of the box in the plane (or space) of the given axes."""
    places = np.indices(shape)
    return np.sqrt(sum((places[axis] - (shape[axis] - 1) / 2) ** 2 for axis in axes))


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("voxels", [1, 2, 3, 6, 9, 10])
def test_a_plate_is_as_thick_as_it_is(axis, voxels):
    """Exact for an even number of voxels, one voxel more for an odd one, the same at every place."""
    plate = np.zeros((24, 24, 24), bool)
    plate[6 : 6 + voxels] = True
    plate = np.moveaxis(plate, 0, axis)
    expected = 2 * np.ceil(voxels / 2) * SPACING_UM
    np.testing.assert_array_equal(local_thickness(plate, SPACING_UM)[plate], expected)


@pytest.mark.parametrize("radius", [4.0, 6.5, 9.0])
def test_a_ball_and_a_rod_have_their_diameter(radius):
    """Within half a voxel edge on either side of the surface."""
    shape = (27, 27, 27)
    for axes in [(0, 1, 2), (1, 2), (0, 2)]:
        body = radius_voxels(shape, axes) < radius
        assert local_thickness(body, SPACING_UM).max() == pytest.approx(2 * radius * SPACING_UM, abs=SPACING_UM)
        assert mean_thickness(body, SPACING_UM) == pytest.approx(2 * radius * SPACING_UM, abs=SPACING_UM)


@pytest.mark.parametrize(("bone", "marrow"), [(4, 8), (6, 18), (2, 2)])
def test_parallel_plates_have_their_thickness_spacing_and_number(bone, marrow):
    period = bone + marrow
    layers = np.concatenate([np.ones(bone, bool), np.tile(np.arange(period) >= marrow, 4)])
    layers = layers[bone // 2 : -bone // 2]
    mask = np.broadcast_to(layers, (20, 20, layers.size)).copy()
    result = measure(mask, SPACING_UM)
    assert result.tb_sp_um == marrow * SPACING_UM
    assert result.tb_sp_sd_um == 0
    assert result.tb_th_um == bone * SPACING_UM
    assert result.tb_n_per_mm == pytest.approx(1000 / (period * SPACING_UM))
    assert result.bv_tv == pytest.approx(bone / period)
    assert result.bs_mm2 == pytest.approx(8 * (19 * SPACING_UM * 1e-3) ** 2)


def test_faces_of_the_box_are_no_borders():
    """A plate cut in half by the box face is measured as the whole plate."""
    mask = np.zeros((20, 20, 20), bool)
    mask[:4] = True
    np.testing.assert_array_equal(local_thickness(mask, SPACING_UM)[:4], 8 * SPACING_UM)


def test_no_place_is_thinner_than_its_own_ball_and_more_bone_never_thins_it():
    mask = blobs()
    thickness = local_thickness(mask, 1.0)
    assert (thickness >= 2 * ndimage.distance_transform_edt(mask) - 1e-5).all()
    grown = ndimage.binary_dilation(mask)
    assert (local_thickness(grown, 1.0) >= thickness).all()


def test_local_thickness_follows_its_definition_by_distance_maps():
    """A voxel is at least 2 r thick where the voxels with distance >= r are nearer than r."""
    mask = blobs(seed=4, share=0.6)
    r2 = np.rint(ndimage.distance_transform_edt(mask) ** 2)
    expected = np.zeros(mask.shape)
    for radius2 in np.unique(r2[mask]):
        expected[np.rint(ndimage.distance_transform_edt(r2 < radius2) ** 2) < radius2] = 2 * np.sqrt(radius2)
    np.testing.assert_array_equal(local_thickness(mask, 1.0), expected.astype(np.float32))


@pytest.mark.parametrize("axes", [(1, 2, 0), (2, 1, 0)])
def test_turning_and_mirroring_a_bone_changes_no_measure(axes):
    mask = blobs(seed=2)
    turned = mask.transpose(axes)[::-1, :, ::-1]
    np.testing.assert_allclose(list(vars(measure(turned, 20)).values()), list(vars(measure(mask, 20)).values()), 1e-9)


def test_measures_scale_with_the_voxel():
    small, large = vars(measure(blobs(seed=3), 10.0)), vars(measure(blobs(seed=3), 20.0))
    powers = {"bv_tv": 0, "tb_n_per_mm": -1, "conn_d_per_mm3": -3, "bs_mm2": 2, "bv_mm3": 3, "tv_mm3": 3}
    powers |= {"bs_bv_per_mm": -1, "bs_tv_per_mm": -1}
    for name, value in small.items():
        assert large[name] == pytest.approx(value * 2.0 ** powers.get(name, 1)), name


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_surface_and_euler_number_of_a_whole_are_those_of_its_parts(axis):
    """Two parts that share one plane of voxels: BS adds up; chi adds up less that of the shared plane."""
    mask = np.moveaxis(blobs(seed=5), axis, 0)
    first, second, shared = mask[:11], mask[10:], mask[10:11]
    parts = bone_surface_mm2(first, 20) + bone_surface_mm2(second, 20)
    assert bone_surface_mm2(mask, 20) == pytest.approx(parts, rel=1e-12)
    parts = euler_characteristic(first) + euler_characteristic(second) - euler_characteristic(shared)
    assert euler_characteristic(mask) == parts
    parts = corrected_euler_characteristic(first) + corrected_euler_characteristic(second)
    assert corrected_euler_characteristic(mask) == parts


def test_euler_number_counts_pieces_less_tunnels_plus_cavities():
    """A ball has chi 1, a hollow ball 2, a torus 0, a double torus -1."""
    radius = radius_voxels((25, 25, 25), (0, 1, 2))
    assert euler_characteristic(radius < 10) == 1
    assert euler_characteristic((radius < 10) & (radius > 5)) == 2
    ring = np.hypot(radius_voxels((25, 25, 25), (1, 2)) - 8, np.indices((25, 25, 25))[0] - 12) < 3
    assert euler_characteristic(ring) == 0
    bridge = np.zeros_like(ring)
    bridge[11:14, 11:14, 4:21] = True
    assert euler_characteristic(ring | bridge) == -1


@pytest.mark.parametrize("holes", [0, 1, 4])
def test_every_hole_drilled_through_an_inner_plate_is_one_connection(holes):
    plate = np.zeros((10, 20, 20), bool)
    plate[4:6, 2:18, 2:18] = True
    for hole in range(holes):
        plate[4:6, 4 + 3 * hole, 4:7] = False
    volume_mm3 = plate.size * 0.02**3
    assert connectivity_density(plate, 20.0) == pytest.approx(holes / volume_mm3)


@pytest.mark.parametrize("radius", [8.0, 12.0])
def test_marching_cubes_on_voxels_overestimate_the_area_of_a_ball_by_less_than_a_tenth(radius):
    ball = radius_voxels((29, 29, 29), (0, 1, 2)) < radius
    area = bone_surface_mm2(ball, 1000.0) / (4 * np.pi * radius**2)
    assert 1.0 < area < 1.1


def test_volumes_and_fraction_agree():
    mask = blobs(seed=6)
    result = measure(mask, SPACING_UM)
    assert result.bv_mm3 / result.tv_mm3 == pytest.approx(result.bv_tv)
    assert result.bv_mm3 == pytest.approx(mask.sum() * 8e-6)


@pytest.mark.parametrize(("mask", "spacing_um"), [(np.ones((4, 4)), 20), (np.ones((0, 4, 4)), 20), (np.eye(3), 0)])
def test_impossible_input_is_refused(mask, spacing_um):
    with pytest.raises(ValueError, match="measure needs a 3-D mask"):
        measure(mask, spacing_um)


@pytest.mark.parametrize("bone", [False, True])
def test_blocks_of_one_phase_are_measured_without_warning(bone):
    result = measure(np.full((4, 5, 6), bone), SPACING_UM)
    assert result.bv_tv == float(bone)
    assert np.isnan(result.tb_sp_um if bone else result.tb_th_um)
    assert np.isinf(result.tb_th_um if bone else result.tb_sp_um)
    assert result.bs_mm2 == 0
