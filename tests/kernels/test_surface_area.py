"""Bone surface: table against scikit-image's marching cubes, cut faces left out."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import ndimage

from boneabm.kernels import blocks
from boneabm.kernels.surface_area import STATE_AREA, count_states
from boneabm.morphometry import bone_surface_mm2

measure = pytest.importorskip("skimage.measure", reason="compares with scikit-image's marching cubes")


def marching_cubes_area(volume):
    vertices, faces, _, _ = measure.marching_cubes(volume.astype(np.float32), 0.5, method="lewiner")
    corners = vertices.astype(float)[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return np.linalg.norm(normals, axis=1).sum() / 2


def blobs(seed, shape=(14, 15, 16), sigma=0.8):
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), sigma)
    return noise > np.quantile(noise, 0.6)


def test_every_state_has_the_area_of_scikit_image():
    boxes = [np.array([state >> bit & 1 for bit in range(8)]).reshape(2, 2, 2) for state in range(1, 255)]
    np.testing.assert_allclose(STATE_AREA[1:255], [marching_cubes_area(box) for box in boxes], rtol=1e-12)
    assert STATE_AREA[0] == STATE_AREA[255] == 0


@pytest.mark.parametrize("sigma", [0.0, 0.8, 2.0])
def test_area_equals_scikit_image_without_cut_faces(sigma):
    volume = blobs(1, sigma=sigma)
    assert bone_surface_mm2(volume, 1000.0) == pytest.approx(marching_cubes_area(volume), rel=1e-9)


def test_states_are_counted_as_in_a_plain_loop():
    volume = blobs(2, (5, 6, 7))
    counts = np.empty((4, 256), np.int64)
    count_states(0, 4, volume.view(np.uint8), counts)
    expected = np.zeros_like(counts)
    for z, y, x in product(range(4), range(5), range(6)):
        bits = volume[z : z + 2, y : y + 2, x : x + 2].ravel()
        expected[z, sum(int(bit) << n for n, bit in enumerate(bits))] += 1
    np.testing.assert_array_equal(counts, expected)


def test_threads_change_no_bit():
    volume = blobs(3, (20, 21, 22))
    before = blocks.get_threads()
    areas = set()
    for threads in (1, 2, 3):
        blocks.set_threads(threads)
        areas.add(bone_surface_mm2(volume, 19.5))
    blocks.set_threads(before)
    assert len(areas) == 1


def test_a_single_plane_has_no_surface_between_planes():
    assert bone_surface_mm2(np.ones((1, 4, 4), bool), 20.0) == 0.0
