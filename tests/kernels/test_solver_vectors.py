"""Vector kernels of the solver against one line of numpy each, and that they are compiled to vector instructions."""

import platform
import re

import numpy as np
import pytest
from numba import njit

from boneabm.kernels import multigrid, voxel_fe, voxel_fe_sheets
from boneabm.kernels.lanes import LANES, add_lanes, copy_lanes

CHUNKS = multigrid.CHUNKS


@njit
def move(target, source, place, add):
    if add:
        add_lanes(target, np.uint64(place), source, np.uint64(place + 1))
    else:
        copy_lanes(target, np.uint64(place), source, np.uint64(place + 1))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("add", [False, True])
def test_lanes_move_eight_numbers_from_any_place(dtype, add):
    for place in (0, 3, 8):
        target, source = np.random.default_rng(place).random((2, 40)).astype(dtype)
        expected = target.copy()
        moved = source[place + 1 : place + 1 + LANES]
        expected[place : place + LANES] = expected[place : place + LANES] + moved if add else moved
        move(target, source, place, add)
        np.testing.assert_array_equal(target, expected)


def test_updates_of_conjugate_gradients():
    rng = np.random.default_rng(1)
    direction, product, x, residual = rng.random((4, 999)).astype(np.float32)
    before = x.copy(), residual.copy()
    multigrid.advance(0, CHUNKS, np.float32(0.3), direction, product, x, residual)
    np.testing.assert_allclose(x, before[0] + np.float32(0.3) * direction, rtol=1e-6)
    np.testing.assert_allclose(residual, before[1] - np.float32(0.3) * product, rtol=1e-5, atol=1e-7)
    old = direction.copy()
    multigrid.redirect(0, CHUNKS, np.float32(0.7), x, direction)
    np.testing.assert_allclose(direction, x + np.float32(0.7) * old, rtol=1e-6)
    solution = rng.random(999)
    expected = solution + direction
    multigrid.collect(0, CHUNKS, direction, solution)
    np.testing.assert_array_equal(solution, expected)
    assert not direction.any()
    multigrid.negate(0, CHUNKS, solution, x)
    np.testing.assert_array_equal(x, -solution.astype(np.float32))


def test_chebyshev_steps():
    inverse, load, x, step, product = np.random.default_rng(2).random((5, 3, 700)).astype(np.float32)
    multigrid.smooth_first(0, CHUNKS, inverse[0], np.float32(0.4), load, x, step)
    np.testing.assert_allclose(x, np.float32(0.4) * inverse[0] * load, rtol=1e-6)
    np.testing.assert_array_equal(x, step)
    before = x.copy()
    multigrid.smooth_next(0, CHUNKS, inverse[0], np.float32(0.2), np.float32(0.4), load, product, x, step)
    expected = 0.2 * before.astype(float) + 0.4 * inverse[0] * (load - product).astype(float)
    np.testing.assert_allclose(step, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(x, before + expected, rtol=1e-5, atol=1e-6)


def test_clear_and_ties():
    vector = np.random.default_rng(3).random((3, 50)).astype(np.float32)
    cleared = vector.copy()
    places = np.array([0, 51, 149], np.uint32)
    multigrid.clear_at(0, CHUNKS, cleared, places)
    assert not cleared.ravel()[places].any()
    np.testing.assert_array_equal(np.delete(cleared.ravel(), places), np.delete(vector.ravel(), places))
    alias, master = np.array([7, 9, 11], np.int32), np.array([2, 2, 5], np.int32)
    folded = vector.copy()
    voxel_fe_sheets.fold_ties(alias, master, folded)
    np.testing.assert_allclose(folded[:, 2], vector[:, 2] + vector[:, 7] + vector[:, 9], rtol=1e-6)
    assert not folded[:, alias].any()
    voxel_fe_sheets.sync_ties(alias, master, folded)
    np.testing.assert_array_equal(folded[:, alias], folded[:, master])


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="reads x86-64 assembly")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_operator_works_on_vectors(dtype):
    """Every arithmetic loop of the operator has packed instructions: a change that loses them costs a factor of 3."""
    suffix = "ps" if dtype is np.float32 else "pd"
    numbers = tuple(dtype(0.1) for _ in range(8))
    normal = numbers[:4]
    buffer, modulus = np.zeros(voxel_fe.BUFFER, dtype), np.zeros(64, np.float32)
    stages = {
        "forces_normal": (buffer, np.uint64(8), modulus, np.uint64(0), *normal),
        "forces_along_x": (buffer, np.uint64(8), modulus, np.uint64(0), *normal),
        "forces_across_x": (buffer, np.uint64(8), modulus, np.uint64(0), *normal),
        "back_transform": (buffer, np.uint64(8)),
    }
    for name, arguments in stages.items():
        fresh = njit(fastmath=voxel_fe.SOLVER_MATH)(getattr(voxel_fe, name).py_func)
        fresh(*arguments)
        (code,) = fresh.inspect_asm().values()
        packed = len(re.findall(rf"\tv?(?:add|sub|mul|fm\w+){suffix}\b", code))
        assert packed >= 12, f"{name}: {packed} packed instructions"
