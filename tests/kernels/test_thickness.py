"""Local thickness: exact against brute force, the same for any number of threads."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from thickness_plain import local_thickness_plain, squared_distance_plain

from boneabm.kernels import blocks
from boneabm.kernels.thickness import FAR, KINDS, cover_table
from boneabm.morphometry import local_thickness, mean_thickness
from boneabm.morphometry.thickness import squared_distance


def blobs(shape, seed, share=0.5):
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), 1.2)
    return noise > np.quantile(noise, 1 - share)


@pytest.mark.parametrize("shape", [(9, 11, 13), (1, 12, 12), (14, 1, 9), (12, 10, 1), (1, 1, 7)])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_squared_distance_equals_brute_force(shape, seed):
    mask = blobs(shape, seed, share=0.8)
    np.testing.assert_array_equal(squared_distance(mask), squared_distance_plain(mask))


def test_squared_distance_equals_scipy_on_a_larger_block():
    mask = blobs((40, 50, 60), seed=4, share=0.9)
    np.testing.assert_array_equal(squared_distance(mask), np.rint(ndimage.distance_transform_edt(mask) ** 2))


def test_squared_distance_without_background_is_far_everywhere():
    assert squared_distance(np.ones((3, 4, 5), bool)).min() >= FAR


@pytest.mark.parametrize("shape", [(10, 11, 12), (1, 15, 15), (16, 16, 16)])
@pytest.mark.parametrize("share", [0.3, 0.7, 0.95])
def test_local_thickness_equals_painting_every_ball(shape, share):
    mask = blobs(shape, seed=7, share=share)
    np.testing.assert_array_equal(local_thickness(mask, 20.0), local_thickness_plain(mask, 20.0))


def test_cover_table_equals_its_definition():
    table = cover_table(40)
    places = np.moveaxis(np.indices((15, 15, 15)) - 7, 0, -1).reshape(-1, 3)
    r2 = (places**2).sum(axis=1)
    assert len(KINDS) == 9
    for kind, step in enumerate(KINDS):
        moved = ((places + step) ** 2).sum(axis=1)
        np.testing.assert_array_equal(table[kind, 1:], [moved[r2 < ball].max() for ball in range(1, 41)])


def test_threads_change_no_bit():
    mask = blobs((30, 31, 32), seed=9, share=0.8)
    before = blocks.get_threads()
    results = []
    for threads in (1, 2, 3):
        blocks.set_threads(threads)
        results.append(local_thickness(mask, 19.5))
    blocks.set_threads(before)
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


def test_empty_and_full_masks():
    empty, full = np.zeros((4, 5, 6), bool), np.ones((4, 5, 6), bool)
    assert not local_thickness(empty, 20.0).any()
    assert np.isinf(local_thickness(full, 20.0)).all()
    assert np.isnan(mean_thickness(empty, 20.0))
    assert np.isinf(mean_thickness(full, 20.0))


def test_input_is_not_changed_and_views_are_accepted():
    mask = blobs((12, 12, 12), seed=5)
    view = mask[::2, :, ::-1]
    copy = mask.copy()
    np.testing.assert_array_equal(local_thickness(view, 1.0), local_thickness(np.ascontiguousarray(view), 1.0))
    np.testing.assert_array_equal(mask, copy)
