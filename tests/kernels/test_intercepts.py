"""Test lines: counts against linear interpolation by scipy, the same for any threads and any turn of the lattice."""

from __future__ import annotations

import numpy as np
import pytest
from intercepts_plain import count_intercepts_plain
from mesh_plain import states_plain
from scipy import ndimage

from boneabm.kernels import blocks
from boneabm.kernels.intercepts import count_intercepts
from boneabm.morphometry.fabric import symmetric_directions


def blobs(shape, seed, share=0.4):
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), 1.5)
    return noise > np.quantile(noise, 1 - share)


def counted(mask, directions, pitch=2.0, step=0.5):
    counts = np.empty((len(directions), 3), np.int64)
    state = states_plain(mask).astype(np.uint8)
    blocks.launch(count_intercepts, len(directions), state, directions, pitch, step, counts)
    return counts


@pytest.mark.parametrize("shape", [(16, 16, 16), (9, 20, 14)])
@pytest.mark.parametrize(("pitch", "step"), [(2.0, 0.5), (3.0, 1.0)])
def test_counts_equal_interpolation_by_scipy(shape, pitch, step):
    mask, directions = blobs(shape, 1), symmetric_directions()[::40]
    expected = [count_intercepts_plain(mask, direction, pitch, step) for direction in directions]
    np.testing.assert_array_equal(counted(mask, directions, pitch, step), expected)


def test_directions_are_unit_vectors_over_half_a_sphere_without_doubles():
    directions = symmetric_directions()
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1)
    both = np.concatenate([directions, -directions])
    assert len(np.unique(both.round(9), axis=0)) == len(both)
    np.testing.assert_allclose(directions.T @ directions / len(directions), np.eye(3) / 3, atol=1e-12)
    assert len(directions) >= 120


def test_turning_the_bone_turns_the_counts():
    mask, directions = blobs((14, 14, 14), 2), symmetric_directions()
    turned = np.sort(counted(mask.transpose(1, 2, 0)[::-1], directions), axis=0)
    np.testing.assert_array_equal(turned, np.sort(counted(mask, directions), axis=0))


def test_threads_change_no_bit():
    mask, before, results = blobs((15, 16, 17), 3), blocks.get_threads(), []
    for threads in (1, 2, 3):
        blocks.set_threads(threads)
        results.append(counted(mask, symmetric_directions()))
    blocks.set_threads(before)
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])
