"""Euler number: known bodies, against counted cells and against scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit
from topology_plain import euler_number_plain

from boneabm.kernels.topology import EULER_EIGHTHS, euler_number
from boneabm.morphometry import connectivity_density, euler_characteristic
from boneabm.morphometry.topology import corrected_euler_characteristic


def torus(turns):
    """Square ring of `turns` holes in a row."""
    body = np.ones((3, 5, 4 * turns + 1), bool)
    for turn in range(turns):
        body[:, 2, 4 * turn + 2] = False
    return np.pad(body, 1)


def hollow():
    body = np.zeros((7, 7, 7), bool)
    body[1:6, 1:6, 1:6] = True
    body[3, 3, 3] = False
    return body


KNOWN = {
    "empty": (np.zeros((4, 4, 4), bool), 0),
    "voxel": (np.ones((1, 1, 1), bool), 1),
    "block": (np.ones((3, 4, 5), bool), 1),
    "one hole": (torus(1), 0),
    "three holes": (torus(3), -2),
    "hollow": (hollow(), 2),
    "two pieces": (np.array([[[1, 0, 1]]], bool), 2),
    "corner contact": (np.eye(2, dtype=bool)[:, None] & np.eye(2, dtype=bool)[None], 1),
}


@pytest.mark.parametrize(("body", "number"), KNOWN.values(), ids=KNOWN)
def test_known_bodies(body, number):
    assert euler_characteristic(body) == number


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.95])
@pytest.mark.parametrize("shape", [(6, 7, 8), (1, 5, 5), (9, 1, 1), (3, 3, 3)])
def test_equals_counted_cells(share, shape):
    volume = np.random.default_rng(5).random(shape) < share
    assert euler_number(volume) == euler_number_plain(volume)


@pytest.mark.parametrize("share", [0.1, 0.4, 0.8])
def test_equals_scikit_image_with_26_neighbors(share):
    measure = pytest.importorskip("skimage.measure")
    volume = np.random.default_rng(6).random((20, 21, 22)) < share
    assert euler_characteristic(volume) == measure.euler_number(volume, connectivity=3)


def test_every_state_of_the_table_equals_its_box():
    for state in range(256):
        box = np.array([state >> bit & 1 for bit in range(8)], np.uint8).reshape(2, 2, 2)
        assert euler_number(box) == euler_number_plain(box)
    assert EULER_EIGHTHS[0] == EULER_EIGHTHS[255] == 0


def test_serves_other_kernels_on_small_views():
    @njit
    def change(volume, z, y, x):
        box = volume[z - 1 : z + 2, y - 1 : y + 2, x - 1 : x + 2]
        before = euler_number(box)
        volume[z, y, x] = 0
        return euler_number(box) - before

    plate = np.zeros((5, 5, 5), np.uint8)
    plate[2] = 1
    assert change(plate, 2, 2, 2) == -1
    assert plate.sum() == 24


@pytest.mark.parametrize("axes", [(1, 2, 0), (2, 1, 0)])
def test_orientation_does_not_matter(axes):
    volume = np.random.default_rng(8).random((7, 8, 9)) < 0.4
    assert euler_characteristic(volume) == euler_characteristic(volume.transpose(axes))
    assert euler_characteristic(volume) == euler_characteristic(volume[::-1, :, ::-1])


@pytest.mark.parametrize(("rods", "corrected"), [((1, 0, 0), 0.0), ((1, 1, 1), -2.0)])
def test_cut_rods_have_no_ends(rods, corrected):
    """A straight rod through the block adds nothing, a crossing of three rods through it adds -2."""
    volume = np.zeros((9, 9, 9), bool)
    for axis, there in enumerate(rods):
        place = [slice(4, 5)] * 3
        place[axis] = slice(None)
        volume[tuple(place)] |= bool(there)
    assert corrected_euler_characteristic(volume) == corrected
    assert connectivity_density(volume, 1000.0) == pytest.approx((1 - corrected) / 729)


def test_correction_of_blocks_inside_and_of_a_full_box():
    inside = np.zeros((6, 6, 6), bool)
    inside[2:4, 2:4, 2:4] = True
    assert corrected_euler_characteristic(inside) == 1.0
    assert corrected_euler_characteristic(np.ones((6, 6, 6), bool)) == 1 - 6 / 2 + 12 / 4 - 8 / 8


def test_corrected_numbers_of_a_tiled_lattice_do_not_depend_on_the_number_of_cells():
    """The repeating lattice of rods has the corrected number -2 per cell, whatever the block."""
    cell = np.zeros((8, 8, 8), bool)
    cell[4, 4, :] = cell[4, :, 4] = cell[:, 4, 4] = True
    for cells in (1, 2, 3):
        assert corrected_euler_characteristic(np.tile(cell, (cells,) * 3)) == -2 * cells**3
