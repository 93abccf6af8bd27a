"""Growth of the surface: tables against the whole mesh, moved; areas against marching cubes."""

from __future__ import annotations

import numpy as np
import pytest
from mesh_plain import area_growth_plain, area_vectors, mesh_plain, states_plain
from scipy import ndimage

from boneabm.kernels import blocks
from boneabm.kernels.mesh_tables import MESH_AREA, _polygons, area_growth, list_states
from boneabm.kernels.surface_area import STATE_AREA
from boneabm.morphometry import structure_model_index


def blobs(shape, seed, share=0.4, sigma=1.5):
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), sigma)
    return noise > np.quantile(noise, 1 - share)


def grown(mask):
    volume = np.ascontiguousarray(mask).view(np.uint8)
    state = np.empty([n - 1 for n in mask.shape], np.uint8)
    blocks.launch(list_states, len(state), volume, state)
    growth = np.empty(len(volume))
    blocks.launch(area_growth, len(volume), volume, state, growth)
    return state, growth


@pytest.mark.parametrize("shape", [(2, 2, 2), (5, 7, 9), (2, 8, 3)])
def test_states_equal_shifted_sums(shape):
    mask = np.random.default_rng(1).random(shape) < 0.5
    np.testing.assert_array_equal(grown(mask)[0], states_plain(mask))


@pytest.mark.parametrize("seed", [1, 2])
def test_growth_equals_that_of_the_moved_mesh(seed):
    mask = blobs((12, 13, 14), seed)
    assert grown(mask)[1].sum() == pytest.approx(area_growth_plain(mask.view(np.uint8)), rel=1e-5)


def test_the_mesh_is_closed_where_bone_touches_no_face():
    """Area vectors of a closed surface cancel, whatever the states in it."""
    mask = np.pad(np.random.default_rng(3).random((6, 6, 6)) < 0.5, 1)
    vertices, triangles, weights = mesh_plain(mask.view(np.uint8))
    np.testing.assert_allclose((area_vectors(vertices, triangles) * weights[:, None]).sum(axis=0), 0, atol=1e-9)
    volume = float(weights @ np.einsum("ij,ij->i", area_vectors(vertices, triangles), vertices[triangles[:, 0]])) / 3
    assert 0 < volume < mask.sum()


def test_every_crossed_edge_is_a_vertex_of_one_polygon():
    for state in range(256):
        edges = [edge for loop in _polygons(state) for edge in loop]
        assert len(edges) == len(set(edges))
        assert all(len(loop) >= 3 for loop in _polygons(state))


def test_areas_agree_with_marching_cubes_on_bone():
    """States with diagonal corners differ in their triangles; surface as smooth as that of bone has few of them."""
    counts = np.bincount(grown(blobs((40, 40, 40), 4, sigma=4))[0].ravel(), minlength=256)
    assert counts @ MESH_AREA == pytest.approx(counts @ STATE_AREA, rel=1e-3)


def test_smi_is_that_of_scikit_image_and_vertex_normals():
    """An independent mesh (Lewiner), its vertices moved along area-weighted normals."""
    measure = pytest.importorskip("skimage.measure")
    mask = blobs((40, 40, 40), 5, sigma=3)
    vertices, triangles, _, _ = measure.marching_cubes(mask.astype(np.float32), 0.5, allow_degenerate=False)
    vectors = area_vectors(vertices.astype(float), triangles)
    normals = np.zeros(vertices.shape)
    for corner in range(3):
        np.add.at(normals, triangles[:, corner], vectors)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    areas = [
        np.linalg.norm(area_vectors(vertices + way * 1e-3 * normals, triangles), axis=1).sum() for way in (1, -1, 0)
    ]
    expected = abs(6 * mask.sum() * (areas[0] - areas[1]) / 2e-3 / areas[2] ** 2)
    assert abs(structure_model_index(mask)) == pytest.approx(expected, rel=0.02)


def test_threads_change_no_bit():
    mask = blobs((20, 21, 22), 6)
    before = blocks.get_threads()
    sums = []
    for threads in (1, 2, 3):
        blocks.set_threads(threads)
        sums.append(grown(mask)[1])
    blocks.set_threads(before)
    np.testing.assert_array_equal(sums[0], sums[1])
    np.testing.assert_array_equal(sums[0], sums[2])
