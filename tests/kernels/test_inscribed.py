"""Dealing and painting of inscribed balls: against sorting and brute force, over many cubes, for any threads."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from boneabm.kernels import blocks
from boneabm.kernels.inscribed import CUBE, deal_balls, list_balls
from boneabm.morphometry import local_thickness
from boneabm.morphometry.thickness import inscribed_balls, refined, squared_distance


def blobs(shape, seed, share=0.5, sigma=1.2):
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), sigma)
    return noise > np.quantile(noise, 1 - share)


def by_distance_maps(mask):
    """A voxel is at least 2 r thick where the voxels with distance >= r are nearer than r."""
    r2 = np.rint(ndimage.distance_transform_edt(mask) ** 2)
    thickness = np.zeros(mask.shape)
    for radius2 in np.unique(r2[mask]):
        thickness[np.rint(ndimage.distance_transform_edt(r2 < radius2) ** 2) < radius2] = 2 * np.sqrt(radius2)
    return thickness.astype(np.float32)


def test_balls_are_listed_largest_first_in_stable_order():
    mask = blobs((9, 10, 11), 1)
    d2 = squared_distance(mask)
    centers, r2 = np.argwhere(mask), d2[mask]
    order = np.argsort(-r2, kind="stable")
    np.testing.assert_array_equal(list_balls(d2, mask, int(d2.max())), np.column_stack([centers, r2])[order])


@pytest.mark.parametrize("shape", [(40, 70, 33), (CUBE, CUBE, CUBE), (1, 65, 2), (3, 3, 97)])
@pytest.mark.parametrize("sigma", [1.2, 5.0])
def test_thickness_over_many_cubes_equals_distance_maps(shape, sigma):
    """Fine and coarse bone; coarse bone has balls that hold whole cubes, so lists end early."""
    mask = blobs(shape, 2, share=0.7, sigma=sigma)
    np.testing.assert_array_equal(local_thickness(mask, 1.0), by_distance_maps(mask))


def test_every_cube_is_dealt_the_balls_that_reach_it_up_to_the_first_that_holds_it():
    mask = blobs((40, 50, 60), 3, share=0.95, sigma=6)
    balls = inscribed_balls(squared_distance(mask))
    start, numbers = deal_balls(balls, mask.shape)
    corners = np.argwhere(np.ones([-(-n // CUBE) for n in mask.shape])) * CUBE
    for cube, first in enumerate(corners):
        last = np.minimum(first + CUBE, mask.shape) - 1
        near = np.maximum(np.maximum(first - balls[:, :3], balls[:, :3] - last), 0)
        far = np.maximum(balls[:, :3] - first, last - balls[:, :3])
        reaching = np.flatnonzero((near**2).sum(axis=1) < balls[:, 3])
        holding = np.flatnonzero((far[reaching] ** 2).sum(axis=1) < balls[reaching, 3])
        expected = reaching[: holding[0] + 1] if holding.size else reaching
        np.testing.assert_array_equal(numbers[start[cube] : start[cube + 1]], expected)


def test_threads_change_no_bit():
    mask = blobs((70, 40, 50), 4, share=0.8)
    before = blocks.get_threads()
    results = []
    for threads in (1, 2, 5):
        blocks.set_threads(threads)
        results.append(local_thickness(mask, 19.5))
    blocks.set_threads(before)
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_refining_equals_linear_interpolation_and_mirrors_bone_and_marrow(factor):
    mask = np.random.default_rng(5).random((7, 8, 9)) < 0.4
    fine = refined(mask, factor)
    at = [(np.arange(n * factor) + 0.5) / factor - 0.5 for n in mask.shape]
    values = ndimage.map_coordinates(mask.astype(float), np.meshgrid(*at, indexing="ij"), order=1, mode="nearest")
    same = mask.repeat(factor, 0).repeat(factor, 1).repeat(factor, 2)
    expected = np.where(abs(values - 0.5) > 1e-9, values > 0.5, same)
    for voxel in np.argwhere(np.ones(mask.shape)):
        parts = tuple(slice(factor * n, factor * (n + 1)) for n in voxel)
        if (expected[parts] != same[parts]).all():
            expected[parts] = same[parts]
    np.testing.assert_array_equal(fine, expected)
    np.testing.assert_array_equal(refined(~mask, factor), ~fine)


def test_a_lone_voxel_does_not_vanish_when_it_is_refined():
    mask = np.zeros((5, 5, 5), bool)
    mask[2, 2, 2] = True
    for body in (mask, ~mask):
        assert (local_thickness(body, 1.0, upsample=2)[body] > 0).all()
        assert refined(body, 2).sum() == 8 * body.sum()
