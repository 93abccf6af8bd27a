"""Connected pieces, against a flood fill in plain Python and against scipy."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from components_plain import largest_component_plain
from scipy import ndimage

from boneabm.kernels import blocks, pieces
from boneabm.lattice.components import loose_pieces
from boneabm.morphometry import largest_component

TOUCHING = ndimage.generate_binary_structure(3, 3)


@pytest.mark.parametrize("connectivity", [6, 26])
@pytest.mark.parametrize("seed", range(5))
def test_equals_flood_fill(connectivity, seed):
    mask = np.random.default_rng(seed).random((7, 8, 9)) < (0.3 if connectivity == 6 else 0.12)
    np.testing.assert_array_equal(largest_component(mask, connectivity), largest_component_plain(mask, connectivity))


@pytest.mark.parametrize(("step", "joined"), [((0, 0, 1), (6, 26)), ((0, 1, 1), (26,)), ((1, 1, 1), (26,))])
def test_two_voxels_are_joined_by_face_edge_or_corner(step, joined):
    mask = np.zeros((2, 2, 2), bool)
    mask[0, 0, 0] = mask[step] = True
    for connectivity in (6, 26):
        assert largest_component(mask, connectivity).sum() == (2 if connectivity in joined else 1)


def test_of_equal_pieces_the_first_in_scan_order_is_kept():
    mask = np.zeros((1, 1, 7), bool)
    mask[0, 0, [1, 2, 4, 5]] = True
    assert list(np.flatnonzero(largest_component(mask))) == [1, 2]


def test_empty_mask_gives_empty_mask_and_full_mask_itself():
    assert not largest_component(np.zeros((3, 3, 3), bool)).any()
    assert largest_component(np.ones((3, 3, 3), bool)).all()


def test_other_connectivity_is_refused():
    with pytest.raises(ValueError, match="6 or 26, got 18"):
        largest_component(np.ones((2, 2, 2), bool), 18)


def test_corner_chain_is_one_piece_only_with_26():
    mask = np.zeros((5, 5, 5), bool)
    for i, j, k in product(range(5), repeat=3):
        mask[i, j, k] = i == j == k
    assert largest_component(mask, 26).sum() == 5
    assert largest_component(mask, 6).sum() == 1


def loose_by_scipy(mask):
    """Labels of the pieces that are neither the largest nor on a face, 0 elsewhere."""
    labels, count = ndimage.label(mask, TOUCHING)
    held = {0, np.bincount(labels.ravel())[1:].argmax() + 1} if count else {0}
    for axis in range(3):
        held |= set(np.unique(np.take(labels, [0, -1], axis=axis)).tolist())
    return np.where(np.isin(labels, list(held)), 0, labels)


@pytest.mark.parametrize("density", [0.0, 0.02, 0.06, 0.12, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_loose_pieces_equal_those_of_scipy(seed, density):
    """The same voxels in the same order, parted into the same pieces in the same order."""
    mask = np.random.default_rng(seed).random((15, 16, 17)) < density
    expected = loose_by_scipy(mask)
    voxel, piece = loose_pieces(mask)
    np.testing.assert_array_equal(voxel, np.flatnonzero(expected))
    own = expected.reshape(-1)[voxel]
    pairs = set(zip(piece.tolist(), own.tolist(), strict=True))
    assert len(pairs) == len(set(piece.tolist())) == len(set(own.tolist()))
    first = [voxel[piece == number][0] for number in np.unique(piece)]
    assert first == sorted(first)


@pytest.mark.parametrize("seed", range(3))
def test_dust_is_partial_matrix_without_a_bone_neighbor(seed):
    """Against a dilation of the bone; matrix of open sites is no dust."""
    rng = np.random.default_rng(seed)
    matrix = (rng.random((9, 10, 11)) * (rng.random((9, 10, 11)) < 0.1)).astype(np.float32)
    bmu = np.where(rng.random(matrix.shape) < 0.3, 5, -1).astype(np.int32)
    dust = np.empty(matrix.shape, np.uint8)
    blocks.launch(pieces.dust, 9, matrix, bmu, dust)
    bone = matrix >= 0.5
    expected = (matrix > 0) & ~bone & (bmu == -1) & ~ndimage.binary_dilation(bone, TOUCHING)
    np.testing.assert_array_equal(dust != 0, expected)
    assert expected.any()
