"""Coarse meshes of the multigrid cycle: they carry the right modulus and glue nothing together."""

import numpy as np
import pytest
from coarsening_plain import coarse_nodes_plain
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from voxel_fe_plain import coarsen_plain, porous_block

from boneabm.kernels import multigrid
from boneabm.mechanics.coarsening import SOFTENING, Coarsening
from boneabm.mechanics.mesh import VoxelMesh

BONES = {
    "porous": porous_block((13, 12, 15), 0.3, 3),
    "ragged": np.random.default_rng(5).random((11, 14, 9)) < 0.25,
    "solid": np.ones((6, 5, 9), bool),
    "one voxel": np.ones((1, 1, 1), bool),
    "long": np.random.default_rng(6).random((3, 4, 40)) < 0.5,
}


@pytest.fixture(params=BONES)
def modulus(request):
    mask = BONES[request.param]
    return np.where(mask, np.random.default_rng(0).uniform(0.5, 2, mask.shape), 0).astype(np.float32)


def meshes(modulus, depth=3):
    """The finest mesh and the coarsenings below it."""
    mesh, steps = VoxelMesh(modulus), []
    for _ in range(depth):
        steps.append(Coarsening(mesh))
        mesh = steps[-1].coarse
    return steps


def cell_places(mesh):
    """Position z, y, x in its sheet of every cell."""
    segment, place = np.nonzero(np.arange(8) < mesh.segment_length[:, None])
    z, y, x = np.unravel_index(mesh.segment_voxel[segment] + place, mesh.shape)
    return np.stack([z % mesh.frame[0], y, x], axis=1)


def parts(mesh):
    """Number of parts of a mesh, joined by common nodes."""
    corners, _ = mesh.element_nodes()
    cells = np.repeat(np.arange(len(corners)), 8)
    shape = (len(corners), mesh.size)
    graph = coo_matrix((np.ones(corners.size), (cells, corners.ravel())), shape).tocsr()
    return connected_components(graph @ graph.T)[0]


def test_copies_and_nodes_are_those_of_the_plain_twin(modulus):
    """Two corners of coarse cells are one node here exactly where they are one in the twin, on every level."""
    for step in meshes(modulus):
        fine, coarse = step.fine, step.coarse
        names = coarse_nodes_plain(cell_places(fine).tolist(), fine.element_nodes()[0].tolist())
        z, y, x = np.unravel_index(step.target, coarse.shape)
        shifts = np.array([(c >> 2, (c >> 1) & 1, c & 1) for c in range(8)])
        index = coarse.dense_index()[z[:, None] + shifts[:, 0], y[:, None] + shifts[:, 1], x[:, None] + shifts[:, 2]]
        found = coarse.master()[index].ravel().tolist()
        expected = [name for cell in names for name in cell]
        pairs = set(zip(found, expected, strict=True))
        assert len(pairs) == len(set(found)) == len(set(expected))


def test_every_level_has_the_parts_of_the_bone(modulus):
    steps = meshes(modulus)
    assert {parts(step.coarse) for step in steps} == {parts(steps[0].fine)}


def test_plates_that_nearly_touch_stay_apart():
    """Two plates with a gap of one voxel share a coarse cell from the first level on, but no node on any."""
    modulus = np.ones((16, 16, 16), np.float32)
    modulus[7] = 0
    steps = meshes(modulus)
    assert [parts(step.coarse) for step in steps] == [2, 2, 2]
    assert steps[0].coarse.sheets == 2


def test_coarse_modulus_is_the_softened_mean_of_eight_children(modulus):
    step = Coarsening(VoxelMesh(modulus))
    depth = step.coarse.frame[0]
    sheets = np.pad(step.moduli(), [(0, 1), (0, 0), (0, 0)]).reshape(-1, depth, *step.coarse.shape[1:])
    np.testing.assert_allclose(sheets.sum(axis=0)[:-1], SOFTENING * coarsen_plain(modulus), rtol=1e-6)
    np.testing.assert_array_equal(step.coarse.bone, step.moduli() > 0)


def test_linear_fields_are_interpolated_exactly_and_restriction_is_the_transpose(modulus):
    rng = np.random.default_rng(3)
    for step in meshes(modulus):
        fine, coarse = step.fine, step.coarse
        slope = rng.standard_normal((3, 3))
        values, up = np.zeros((3, coarse.size), np.float32), np.zeros((3, fine.size), np.float32)
        values[:, : coarse.nodes] = slope @ (2 * coarse.coordinates(np.arange(coarse.nodes)).T)
        rows = (fine.frame[:2], fine.row_start, fine.node_x, step.sheet, coarse.frame[:2])
        multigrid.prolong(0, fine.planes, np.float32(1), values, *rows, coarse.dense_index(), up)
        expected = slope @ fine.coordinates(np.arange(fine.nodes)).T
        np.testing.assert_allclose(up[:, : fine.nodes], expected, atol=1e-4)

        load, down = rng.standard_normal(up.shape).astype(np.float32), np.zeros_like(values)
        load[:, fine.nodes :] = 0
        zero = np.zeros_like(load)
        multigrid.restrict(0, coarse.frame[0], load, zero, *rows, coarse.row_start, coarse.dense_index(), down)
        work, scale = float((up * load).sum(dtype="f8")), float(np.abs(up * load).sum())
        assert float((values * down).sum(dtype="f8")) == pytest.approx(work, abs=1e-5 * scale)


def test_coarse_nodes_that_move_a_fixed_one_are_fixed_on_all_their_sheets():
    """Those on which restriction puts load from the fixed nodes; on many sheets and more than 255 planes too."""
    strands = np.zeros((600, 9, 9), np.float32)
    strands[:, ::2, ::2] = strands[300] = 1
    for step in meshes(np.where(BONES["ragged"], np.float32(1), np.float32(0))) + meshes(strands):
        fine, coarse = step.fine, step.coarse
        bottom = np.flatnonzero(fine.coordinates(np.arange(fine.nodes))[:, 0] == 0)
        load, down = np.zeros((3, fine.size), np.float32), np.zeros((3, coarse.size), np.float32)
        load[1, bottom] = 1
        rows = (fine.frame[:2], fine.row_start, fine.node_x, step.sheet, coarse.frame[:2])
        zero = np.zeros_like(load)
        multigrid.restrict(0, coarse.frame[0], load, zero, *rows, coarse.row_start, coarse.dense_index(), down)
        coarse.fold_ties(down)
        coarse.sync_ties(down)
        held = step.parents_of((fine.size + bottom).astype(np.uint32))
        np.testing.assert_array_equal(held, np.flatnonzero(down))
        assert len(held)


def test_new_moduli_reach_every_level(modulus):
    """Refilling gives the bits of a new coarsening."""
    other = (modulus * np.random.default_rng(9).uniform(0.8, 1.2, modulus.shape)).astype(np.float32)
    step, fresh = Coarsening(VoxelMesh(modulus)), Coarsening(VoxelMesh(other))
    step.fine.fill(other)
    np.testing.assert_array_equal(step.moduli(), fresh.moduli())
