"""The diffusion kernels against a sparse matrix and against simple counting."""

from __future__ import annotations

import numpy as np
import pytest
from diffusion_plain import free_ligand_plain, operator_plain, solve_plain

from boneabm.fields.binding import free_ligand, free_ligand_array, occupancy
from boneabm.fields.cytokine import CytokineField
from boneabm.fields.grid import coarse_grid, conductance_table, fine_grid, set_conductances
from boneabm.fields.two_grid import ConjugateGradients, TwoGrid, chebyshev_steps, padded, relative_residual
from boneabm.kernels import blocks, diffusion, diffusion_cg

SHAPE = (7, 10, 5)
LENGTHS_UM = (20.0, 75.0, 30.0)  # spacing, lambda in marrow, lambda in bone


def noise(seed, shape=SHAPE):
    return np.random.default_rng(seed).random(shape, np.float32)


def grids(shape=SHAPE, seed=1):
    both = TwoGrid(shape)
    fraction = np.rint(noise(seed, shape) * 255).astype(np.uint8)
    set_conductances(both.fine, both.coarse, fraction, *conductance_table(*LENGTHS_UM))
    both.corrector.refresh()
    return both, fraction / 255


def inside(array):
    whole = padded(array.shape)
    whole[1:-1, 1:-1, 1:-1] = array
    return whole


def test_the_operator_is_the_sparse_matrix():
    """A c of the kernel equals the assembled matrix times c, for an odd box and random matrix."""
    both, matrix = grids()
    c, product, sums = noise(2), np.empty(SHAPE, np.float32), np.empty(SHAPE[0])
    blocks.launch(
        diffusion_cg.apply_operator, SHAPE[0], inside(c), *both.fine.arguments, product, sums
    )
    expected = operator_plain(matrix, *LENGTHS_UM) @ c.ravel().astype(float)
    np.testing.assert_allclose(product.ravel(), expected, rtol=1e-4, atol=1e-4 * abs(expected).max())
    np.testing.assert_allclose(sums.sum(), expected @ c.ravel(), rtol=1e-4)


def test_the_inverse_diagonal_belongs_to_the_operator():
    """The stored diagonal is that of the sparse matrix."""
    both, matrix = grids()
    expected = operator_plain(matrix, *LENGTHS_UM).diagonal()
    np.testing.assert_allclose(1 / ConjugateGradients(both.fine).inverse.ravel(), expected, rtol=1e-4)


def test_the_coarse_residual_is_the_sum_over_the_children():
    """Restriction of s - A c equals summing blocks of 2 x 2 x 2 voxels, shorter at odd ends."""
    both, matrix = grids()
    c, source = noise(3), noise(4)
    out = np.empty(both.coarse.shape, np.float32)
    blocks.launch(diffusion.residual_to_coarse, out.shape[0], inside(c), source, *both.fine.arguments, out)
    rest = source - (operator_plain(matrix, *LENGTHS_UM) @ c.ravel()).reshape(SHAPE)
    for axis in range(3):
        rest = np.add.reduceat(rest, range(0, SHAPE[axis], 2), axis)
    np.testing.assert_allclose(out, rest, rtol=1e-3, atol=1e-4 * abs(rest).max())


def test_coarse_conductance_is_the_face_half_way_over_the_distance():
    """In a uniform lattice a coarse face carries four fine lines over two voxels: twice the fine conductance."""
    fine, coarse = fine_grid((8, 8, 7)), coarse_grid((8, 8, 7))
    table, unit = conductance_table(20.0, 80.0, 80.0)
    set_conductances(fine, coarse, np.zeros((8, 8, 7), np.uint8), table, unit)
    np.testing.assert_allclose(coarse.face_z[1:-1, :, :-1], 2 * 16, rtol=1e-6)
    np.testing.assert_allclose(coarse.face_z[1:-1, :, -1], 16, rtol=1e-6)
    np.testing.assert_allclose(coarse.face_x[:, :, 1:-2], 2 * 16, rtol=1e-6)
    np.testing.assert_allclose(coarse.face_x[:, :, -2], 4 * 16 / 1.5, rtol=1e-6)
    assert not coarse.face_x[:, :, [0, -1]].any()


def test_one_row_of_faces_for_all_gives_the_same_bits():
    """Where bone and marrow conduct alike, a cycle and a combination equal those with all faces written out."""
    short, full = TwoGrid(SHAPE, alike=True), TwoGrid(SHAPE)
    table = conductance_table(20.0, 75.0, 75.0)
    source, fields = noise(5), [inside(noise(6)), inside(noise(6))]
    for both, c in zip((short, full), fields, strict=True):
        set_conductances(both.fine, both.coarse, np.zeros(SHAPE, np.uint8), *table)
        both.corrector.refresh()
        both.cycle(c, source, 4)
        both.combine(c, source)
    assert [grid.alike for grid in (short.fine, short.coarse, full.fine)] == [True, False, False]
    assert short.fine.nbytes() < full.fine.nbytes() / 2
    for one, other in zip(short.coarse.faces, full.coarse.faces, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(fields[0], fields[1])
    assert relative_residual(short.fine, fields[0], source) < 0.5


def test_prolongation_keeps_a_linear_profile():
    """A coarse profile that is linear along z stays linear between the outermost coarse centers."""
    coarse = np.empty((5, 3, 4), np.float32)
    coarse[:] = np.arange(5, dtype=np.float32)[:, None, None]
    c = padded((9, 6, 7))
    blocks.launch(diffusion.add_prolonged, 9, coarse, c)
    np.testing.assert_allclose(c[2:-1, 3, 3], (np.arange(1, 9) - 0.5) / 2, rtol=1e-6)
    assert not c[0].any()
    assert not c[:, :, -1].any()


def test_a_smoothing_step_is_the_formula():
    """previous <- c + momentum (c - previous) + step D^-1 (s - A c)."""
    both, matrix = grids()
    c, old, source = noise(5), noise(6), noise(7)
    step, momentum = chebyshev_steps(0.25, 2.0, 2)[1]
    out = inside(old)
    blocks.launch(diffusion.smooth, SHAPE[0], inside(c), source, *both.fine.arguments, step, momentum, out)
    operator = operator_plain(matrix, *LENGTHS_UM)
    rest = (source.ravel() - operator @ c.ravel()) / operator.diagonal()
    expected = c + momentum * (c - old) + step * rest.reshape(SHAPE)
    np.testing.assert_allclose(out[1:-1, 1:-1, 1:-1], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("shape", [(7, 10, 5), (4, 4, 4), (9, 4, 13)])
def test_a_converged_field_is_the_direct_sparse_solution(shape):
    """Many cycles end at the solution of the assembled matrix, to 1e-4."""
    matrix, source = np.rint(noise(8, shape) * 255).astype(np.float32) / 255, noise(9, shape)
    field = CytokineField(shape, *LENGTHS_UM, ("rankl",))
    field.set_geometry(matrix)
    field.solve(source[None])
    for _ in range(15):
        field._cycle(0, 10)
    expected = solve_plain(matrix, *LENGTHS_UM, source)
    assert np.linalg.norm(field.total("rankl") - expected) <= 1e-4 * np.linalg.norm(expected)


def test_conjugate_gradients_solve_the_same_system():
    """The single-grid solver ends at the direct solution as well and says how many iterations it took."""
    both, matrix = grids()
    solver, source = ConjugateGradients(both.fine), noise(10)
    solver.residual[:] = source
    iterations = solver.solve(200, 1e-6)
    expected = solve_plain(matrix, *LENGTHS_UM, source)
    assert 5 < iterations < 60
    np.testing.assert_allclose(solver.solution, expected, rtol=1e-4)


def test_matrix_fraction_is_kept_in_steps_of_one_in_255():
    """Quantization rounds to the nearest step and keeps 0 and 1 exactly."""
    matrix = noise(11)
    matrix[0, 0, :2] = 0, 1
    field = CytokineField(SHAPE, *LENGTHS_UM, ("rankl",))
    field.set_geometry(matrix)
    np.testing.assert_array_equal(field.fraction, np.floor(matrix.astype(float) * 255 + 0.5))


@pytest.mark.parametrize("drug", [0.0, 40.0])
def test_free_ligand_is_the_root_that_bisection_finds(drug):
    """Scalar and array binding agree with bisection of the balance over seven decades of ligand."""
    ligand = np.logspace(-4, 3, 36).astype(np.float32).reshape(4, 3, 3)
    decoy = (1000 * noise(12, (4, 3, 3))).astype(np.float32)
    free = free_ligand_array(ligand, decoy, 1e-3, drug, 0.333)
    for voxel in np.ndindex(ligand.shape):
        total, around = float(ligand[voxel]), float(decoy[voxel])
        expected = free_ligand_plain(total, around, 1e-3, drug, 0.333)
        assert free_ligand(total, around, 1e-3, drug, 0.333) == pytest.approx(expected, rel=1e-9)
        assert free[voxel] == pytest.approx(expected, rel=1e-6)


def test_occupancy_is_the_share_of_receptors():
    """k R / (1 + k R): one half where k R = 1."""
    assert occupancy(1 / 0.034, 0.034) == pytest.approx(0.5)
    assert occupancy(0.0, 0.034) == 0
