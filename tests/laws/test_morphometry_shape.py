"""Laws of shape measures: plates, rods and balls of known thickness, index and direction, also off the axes."""

from __future__ import annotations

import numpy as np
import pytest
from phantoms import DIRECTIONS, ball, plate, plates, rod
from scipy import ndimage

from boneabm.morphometry import (
    density_of_gray,
    density_of_run,
    local_thickness,
    mean_thickness,
    measure,
    measure_fully,
    mil_fabric,
    plates_and_rods,
    structure_model_index,
)
from boneabm.morphometry.fabric import fabric

EDGE = 48


def blobs(seed=1, shape=(24, 25, 26), share=0.35):
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), 2)
    return noise > np.quantile(noise, 1 - share)


def unit(direction):
    return np.array(direction, float) / np.linalg.norm(direction)


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("voxels", [4.0, 5.0, 7.0, 9.5])
def test_plates_and_rods_of_any_direction_are_as_thick_as_they_are_within_a_voxel(direction, voxels):
    """The mean over all voxels. The worst is a diagonal plate of 9.5 voxels (13 lattice planes), 1.14 too thick."""
    worst = 1.15 if (direction, voxels) == ((0, 1, 1), 9.5) else 1.0
    assert mean_thickness(plate(EDGE, direction, voxels), 1.0) == pytest.approx(voxels, abs=worst + 1e-5)
    assert mean_thickness(rod(EDGE, direction, voxels / 2), 1.0) == pytest.approx(voxels, abs=1.0)


@pytest.mark.parametrize("radius", [4.0, 6.5, 9.0, 15.0])
def test_a_ball_off_the_lattice_has_its_diameter(radius):
    """The largest inscribed ball within a voxel; the mean is up to 1.2 lower: voxels at the rim are in small ones."""
    body = ball(EDGE, radius)
    thickness = local_thickness(body, 1.0)
    assert thickness.max() == pytest.approx(2 * radius, abs=1.0)
    assert -1.2 < thickness[body].mean() - 2 * radius < 0


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("voxels", [4.0, 5.0, 7.0])
def test_refined_plates_are_within_half_a_voxel_and_rods_within_one(direction, voxels):
    body = plate(EDGE, direction, voxels)
    assert local_thickness(body, 1.0, upsample=2)[body].mean() == pytest.approx(voxels, abs=0.5)
    if direction != (1, 0, 0):
        body = rod(EDGE, direction, voxels / 2)
        assert local_thickness(body, 1.0, upsample=2)[body].mean() == pytest.approx(voxels, abs=1.0)


@pytest.mark.parametrize("voxels", [3, 4, 5, 6])
def test_refining_takes_the_bias_of_odd_plates_away(voxels):
    body = np.zeros((24, 24, 24), bool)
    body[6 : 6 + voxels] = True
    np.testing.assert_array_equal(local_thickness(body, 20.0, upsample=2)[body], 20.0 * voxels)
    result = measure(body, 20.0, upsample=2)
    assert (result.tb_th_um, result.tb_th_sd_um) == (20.0 * voxels, 0)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_smi_of_plates_rods_and_balls(direction):
    """0, 3 and 4 in theory. A plate has it; steps of voxels take a tenth of that of rods and balls."""
    assert structure_model_index(plate(EDGE, direction, 7.0)) == pytest.approx(0, abs=0.05)
    assert structure_model_index(rod(EDGE, direction, 6.0)) == pytest.approx(2.65, abs=0.15)
    assert structure_model_index(ball(EDGE, 15.0)) == pytest.approx(3.51, abs=0.05)


def test_smi_turns_its_sign_where_bone_and_marrow_are_swapped():
    """dS/dr of the marrow is that of the bone with the other sign, so SMI / volume is."""
    body = ball(EDGE, 12.0)
    bone, marrow = structure_model_index(body) / body.sum(), structure_model_index(~body) / (~body).sum()
    assert marrow == pytest.approx(-bone, rel=0.05)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_plates_are_plates_and_rods_are_rods(direction):
    assert plates_and_rods(plate(EDGE, direction, 6.0)).plate_fraction == pytest.approx(1.0, abs=0.02)
    assert plates_and_rods(rod(EDGE, direction, 4.0)).rod_fraction == pytest.approx(1.0, abs=0.02)


def test_a_plate_on_columns_is_plate_where_it_is_plate():
    """A plate of 8 voxels on four long columns: fractions are the shares of volume, up to the roots of the columns."""
    body = np.zeros((60, 41, 41), bool)
    body[26:34] = True
    for y in (10, 30):
        for x in (10, 30):
            body[:, y - 3 : y + 4, x - 3 : x + 4] = True
    parts = plates_and_rods(body)
    share = 8 * 41 * 41 / body.sum()
    assert parts.plate_fraction == pytest.approx(share, abs=0.05)
    assert parts.plate_fraction + parts.rod_fraction == pytest.approx(1)
    assert (parts.kind[30] == 2).mean() > 0.95
    assert (parts.kind[5][body[5]] == 1).all()


def test_the_middle_of_a_plate_is_one_voxel_thick_also_where_a_face_of_the_box_halves_it():
    body = np.zeros((30, 20, 20), bool)
    body[10:16] = True
    assert ((plates_and_rods(body).middle > 0).sum(axis=0) == 1).all()
    halved = np.zeros((30, 20, 20), bool)
    halved[:4] = True
    assert (plates_and_rods(halved).middle[0] == 2).all()


def test_fabric_of_plates_and_rods_finds_their_direction():
    """A plate's shortest intercept is across it, a rod's longest along it; MIL of crossed plates is known."""
    across = mil_fabric(plates(64, (1, 2, 3), 6.0, 16.0), 20.0)
    assert abs(across.directions[2] @ unit((1, 2, 3))) > 0.99
    assert across.da > 0.8
    along = mil_fabric(rod(64, (5, 1, 2), 5.0), 20.0)
    assert abs(along.directions[0] @ unit((5, 1, 2))) > 0.95
    assert mil_fabric(blobs(shape=(64, 64, 64)), 20.0).da < 0.1


def test_shortest_intercept_of_plates_is_their_thickness():
    mask = np.zeros((60, 60, 60), bool)
    for start in range(3, 60, 10):
        mask[start : start + 4] = True
    assert mil_fabric(mask, 20.0).mil_um[2] == pytest.approx(4 * 20.0, rel=0.05)


def test_stretched_noise_has_the_fabric_of_its_surface():
    """Test lines agree with the integral over the surface of the smooth field that the mask was cut from."""
    noise = ndimage.gaussian_filter(np.random.default_rng(3).normal(size=(72, 72, 72)), (6, 3, 3))
    mask = noise > np.quantile(noise, 0.7)
    by_lines = mil_fabric(mask, 1.0)
    smooth = ndimage.gaussian_filter(mask.astype(float), 1.5)
    gradient = np.stack(np.gradient(smooth), axis=-1).reshape(-1, 3)
    size = np.linalg.norm(gradient, axis=1)
    by_surface = fabric(gradient[size > 1e-6] / size[size > 1e-6, None], size[size > 1e-6], float(mask.sum()))
    assert abs(by_lines.directions[0, 0]) > 0.98
    assert by_lines.da == pytest.approx(by_surface.da, abs=0.06)
    assert by_lines.da < by_surface.da
    np.testing.assert_allclose(np.linalg.eigvalsh(by_lines.tensor_um)[::-1], by_lines.mil_um)


@pytest.mark.parametrize(("thickness", "period"), [(4.0, 16.0), (5.0, 17.0), (6.0, 13.0)])
@pytest.mark.parametrize("direction", DIRECTIONS[1:])
def test_direct_number_of_parallel_plates_is_one_over_their_period(direction, thickness, period):
    """Within 1.4 voxels of the period: the middles are one voxel thick themselves."""
    result = measure_fully(plates(64, direction, thickness, period), 20.0)[1]
    assert 1000 / (result.tb_n_direct_per_mm * 20.0) == pytest.approx(period, abs=1.4)


def test_turning_and_mirroring_a_bone_changes_no_shape_measure():
    """All but the order in which the middle is found, which moves plate fraction and direct number a little."""
    mask = blobs(seed=2, shape=(30, 31, 32))
    turned = np.ascontiguousarray(mask.transpose(1, 2, 0)[::-1, :, ::-1])
    before, after = vars(measure_fully(mask, 20.0)[1]), vars(measure_fully(turned, 20.0)[1])
    for name in ("smi", "da", "mil1_um", "mil2_um", "mil3_um"):
        assert after[name] == pytest.approx(before[name], rel=1e-9), name
    assert after["tb_n_direct_per_mm"] == pytest.approx(before["tb_n_direct_per_mm"], rel=0.05)
    assert after["plate_fraction"] == pytest.approx(before["plate_fraction"], abs=0.05)
    for first, second in (("z", "y"), ("y", "x"), ("x", "z")):
        assert after[f"fabric_{second * 2}_um"] == pytest.approx(
            before[f"fabric_{'zyx'[('zyx'.index(second) + 1) % 3] * 2}_um"], rel=1e-9
        ), first


def test_full_measures_repeat_the_standard_ones_and_maps_average_to_them():
    mask = blobs(seed=3)
    standard, shape, maps = measure_fully(mask, 20.0)
    assert standard == measure(mask, 20.0)
    assert maps.thickness_um[mask].mean(dtype=float) == pytest.approx(standard.tb_th_um)
    assert maps.separation_um[~mask].mean(dtype=float) == pytest.approx(standard.tb_sp_um)
    assert (maps.element[mask] == 2).mean() == pytest.approx(shape.plate_fraction)
    assert not maps.element[~mask].any()


@pytest.mark.parametrize("fill", [False, True])
def test_empty_and_full_blocks_have_no_shape(fill):
    standard, shape, _ = measure_fully(np.full((6, 6, 6), fill), 20.0)
    assert standard.bv_tv == fill
    assert np.isnan([shape.smi, shape.da, shape.plate_fraction]).all()


def test_densities_of_gray_values_leave_the_rim_out_and_those_of_runs_do_not():
    mask = np.zeros((12, 12, 12), bool)
    mask[3:9, 3:9, 3:9] = True
    density = np.where(mask, 0.8, 0.1)
    density[4:8, 4:8, 4:8] = 1.1
    result = density_of_gray(density, mask)
    assert result.tmd_g_per_cm3 == pytest.approx(1.1)
    assert result.vbmd_g_per_cm3 == pytest.approx((64 * 1.1 + 152 * 0.8 + 1512 * 0.1) / 1728)
    matrix = np.where(mask, 0.5, 0.0)
    result = density_of_run(1.2 * matrix, matrix)
    assert result.tmd_g_per_cm3 == pytest.approx(1.2)
    assert result.vbmd_g_per_cm3 == pytest.approx(1.2 * 0.5 * 216 / 1728)
    assert np.isnan(density_of_run(np.zeros((2, 2, 2)), np.zeros((2, 2, 2))).tmd_g_per_cm3)
