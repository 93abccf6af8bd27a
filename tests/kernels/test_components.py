"""Largest connected piece, against a flood fill in plain Python."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from components_plain import largest_component_plain

from boneabm.morphometry import largest_component


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
