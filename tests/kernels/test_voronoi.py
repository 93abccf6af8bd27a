"""Kernels of the generated network against brute force, and the laws of their random numbers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from voronoi_plain import network_distances_plain, wave_sum_plain

from boneabm.kernels import voronoi
from boneabm.lattice import noise
from boneabm.lattice.generate import _search_offsets

JITTER = 0.75
SHAPE, SPACING, ORIGIN = (5, 6, 7), 90.0, -40.0
CELL = np.array([260.0, 230.0, 230.0])


def fields(seed):
    rng = np.random.default_rng(seed)
    shift = rng.normal(0, 30, (3, *SHAPE)).astype(np.float32)
    log_thickness = rng.normal(0, 0.15, SHAPE).astype(np.float32)
    return shift, log_thickness, rng.normal(-20, 40, SHAPE).astype(np.float32)


@pytest.mark.parametrize(("seed", "plates"), [(1, 0.0), (2, 0.3), (3, 0.8)])
def test_rod_and_plate_distance_equals_brute_force(seed, plates):
    shift, log_thickness, gap = fields(seed)
    low = np.full(3, -4)
    points = np.empty((11, 11, 11, 3))
    voronoi.place_seeds(0, 11, seed, JITTER, low, points)
    look = np.array([plates, 0.6, 0.3, 100.0, 1.3])
    rods, both = np.empty(SHAPE, np.float32), np.empty(SHAPE, np.float32)
    voronoi.rod_plate_distance(
        0, SHAPE[0], seed, SPACING, ORIGIN, CELL, points, low, _search_offsets(),
        shift, log_thickness, gap, look, rods, both,
    )  # fmt: skip
    for voxel in np.ndindex(SHAPE):
        place = (np.array(voxel) + 0.5) * SPACING + ORIGIN + shift[(slice(None), *voxel)]
        expected = network_distances_plain(place, CELL, seed, JITTER, log_thickness[voxel], gap[voxel], look)
        np.testing.assert_allclose((rods[voxel], both[voxel]), expected, rtol=2e-4, atol=2e-3)


def test_seed_points_stay_in_their_cell_and_do_not_depend_on_the_box():
    """Each seed lies within jitter / 2 of its cell's center, and a box elsewhere sees the same seeds."""
    low = np.array([-3, -2, 5])
    points, part = np.empty((6, 5, 4, 3)), np.empty((2, 2, 2, 3))
    voronoi.place_seeds(0, 6, 7, JITTER, low, points)
    voronoi.place_seeds(0, 2, 7, JITTER, low + 2, part)
    centers = np.stack(np.meshgrid(*(np.arange(n) + a for n, a in zip((6, 5, 4), low, strict=True)), indexing="ij"), -1)
    assert np.abs(points - centers - 0.5).max() <= JITTER / 2
    assert (points - centers).std() == pytest.approx(JITTER / np.sqrt(12), rel=0.1)
    np.testing.assert_array_equal(part, points[2:4, 2:4, 2:4])


def test_a_face_has_one_number_seen_from_both_sides():
    numbers = []
    for step in [(0, 0, 1), (0, 1, -1), (2, -1, 0), (-1, 2, 1)]:
        here, there = (3, -4, 5), (3 + step[0], -4 + step[1], 5 + step[2])
        assert voronoi.face_number(9, *here, *there) == voronoi.face_number(9, *there, *here)
        numbers.append(voronoi.face_number(9, *here, *there))
    assert len(set(numbers)) == 4


def test_wave_sum_equals_einsum():
    rng = np.random.default_rng(0)
    factors = [np.exp(1j * rng.uniform(0, 6, (30, n))) for n in (3, 4, 5)]
    out = np.empty((3, 4, 5))
    voronoi.sum_waves(0, 3, *factors, out)
    np.testing.assert_allclose(out, wave_sum_plain(*factors), atol=1e-12)


def test_spline_equals_scipy():
    coarse = np.random.default_rng(1).normal(size=(7, 8, 9))
    coordinates = [np.linspace(1.0, n - 2.01, 2 * n) for n in coarse.shape]
    expected = ndimage.map_coordinates(coarse, np.meshgrid(*coordinates, indexing="ij"), order=3, mode="mirror")
    np.testing.assert_allclose(noise.spline_up(coarse, coordinates), expected, atol=1e-5)


def test_noise_has_mean_zero_unit_variance_and_its_wavelength():
    """Mean 0, variance 1; the mean squared slope is the mean of |k|^2 / 3, |k| = 2 pi / wavelength * exp(0.25 normal).

    Central differences over 2 h see slopes smaller by sin(k h) / (k h), here 0.94.
    """
    fields = [noise.smooth_noise((60, 60, 60), 10.0, 100.0, seed, 3) for seed in range(6)]
    assert np.mean(fields) == pytest.approx(0.0, abs=0.03)
    assert np.mean(np.square(fields)) == pytest.approx(1.0, abs=0.06)
    slopes = np.gradient(np.array(fields), 10.0, axis=(1, 2, 3))
    k = 2 * np.pi / 100.0 * np.exp(0.25 * np.random.default_rng(0).normal(size=10000))
    expected = np.mean((np.sin(k * 10.0) / 10.0) ** 2) / 3
    assert np.mean(np.square(slopes)) == pytest.approx(expected, rel=0.08)


def test_noise_depends_on_place_only():
    """The same seed gives the same field on a shifted, finer grid; another seed or stream gives an unrelated one."""
    whole = noise.smooth_noise((20, 20, 20), 30.0, 260.0, 5, 2)
    part = noise.smooth_noise((6, 6, 6), 30.0, 260.0, 5, 2, origin_um=150.0)
    finer = noise.smooth_noise((60, 60, 60), 10.0, 260.0, 5, 2)
    np.testing.assert_allclose(part, whole[5:11, 5:11, 5:11], atol=0.02)
    np.testing.assert_allclose(finer[1::3, 1::3, 1::3], whole, atol=1e-5)
    for seed, stream in ((6, 2), (5, 1)):
        other = noise.smooth_noise((20, 20, 20), 30.0, 260.0, seed, stream)
        assert abs(np.corrcoef(whole.ravel(), other.ravel())[0, 1]) < 0.4
