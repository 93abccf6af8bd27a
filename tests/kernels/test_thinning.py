"""Thinning: parts of neighborhoods and the whole procedure against plain twins, topology kept."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from thinning_plain import bone_parts_plain, marrow_parts_plain, spread_plain, thin_plain

from boneabm.kernels.inscribed import list_balls
from boneabm.kernels.thinning import bone_parts, marrow_parts, neighborhood, spread_kinds, thin
from boneabm.morphometry import euler_characteristic
from boneabm.morphometry.thickness import squared_distance


def blobs(shape, seed, share=0.4, sigma=1.5):
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), sigma)
    return noise > np.quantile(noise, 1 - share)


def ordered(mask):
    d2 = squared_distance(mask)
    return np.ascontiguousarray(list_balls(d2, mask, int(d2.max()))[::-1])


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8, 0.95])
def test_parts_of_a_neighborhood_equal_labeling(share):
    random = np.random.default_rng(1)
    for _ in range(300):
        around = random.random((3, 3, 3)) < share
        bits = neighborhood(around, 1, 1, 1)
        assert bits == sum(1 << n for n in np.flatnonzero(around))
        assert bone_parts(bits) == bone_parts_plain(around)
        assert marrow_parts(bits) == marrow_parts_plain(around)


def test_beyond_the_faces_lies_the_mirror_image():
    mask = np.random.default_rng(2).random((4, 5, 6)) < 0.5
    padded = np.pad(mask, 1, mode="reflect")
    for z, y, x in np.argwhere(np.ones(mask.shape)):
        expected = sum(1 << n for n in np.flatnonzero(padded[z : z + 3, y : y + 3, x : x + 3]))
        assert neighborhood(mask, z, y, x) == expected
    flat = np.ones((1, 1, 3), bool)
    assert bin(neighborhood(flat, 0, 0, 1)).count("1") == 27


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("stay", [0.0, 0.6, 1.0])
def test_thinning_equals_its_plain_twin(seed, stay):
    mask = blobs((9, 10, 11), seed)
    may_stay = np.random.default_rng(seed).random(mask.shape) < stay
    bone, kind = mask.copy(), np.zeros(mask.shape, np.uint8)
    thin(ordered(mask), may_stay, bone, kind)
    expected_bone, expected_kind = thin_plain(ordered(mask), may_stay, mask)
    np.testing.assert_array_equal(bone, expected_bone)
    np.testing.assert_array_equal(kind, expected_kind)
    np.testing.assert_array_equal(kind > 0, bone)


@pytest.mark.parametrize("stay", [False, True])
def test_thinning_keeps_pieces_tunnels_and_cavities(stay):
    mask = np.pad(blobs((24, 24, 24), 3), 2)
    bone, kind = mask.copy(), np.zeros(mask.shape, np.uint8)
    thin(ordered(mask), np.full(mask.shape, stay), bone, kind)
    assert euler_characteristic(bone) == euler_characteristic(mask)
    whole = np.ones((3, 3, 3))
    assert ndimage.label(bone, whole)[1] == ndimage.label(mask, whole)[1]
    assert ndimage.label(~bone)[1] == ndimage.label(~mask)[1]
    assert bone.sum() < 0.35 * mask.sum()


def test_spreading_equals_its_plain_twin():
    mask = blobs((10, 11, 12), 4)
    seeds = (np.random.default_rng(4).random(mask.shape) < 0.05) & mask
    kind = np.where(seeds, np.random.default_rng(5).integers(1, 3, mask.shape), 0).astype(np.uint8)
    expected = spread_plain(mask, kind)
    spread_kinds(ordered(mask), mask, kind)
    np.testing.assert_array_equal(kind, expected)
