"""Voxel finite element kernels against assembled matrices and plain loops."""

import numpy as np
import pytest
from voxel_fe_plain import (
    assemble_plain,
    element_stiffness_plain,
    energy_density_plain,
    number_nodes_plain,
    porous_block,
    voxel_modulus_plain,
    warm_start_plain,
)

from boneabm.kernels import blocks, voxel_fe_energy, voxel_fe_mesh
from boneabm.kernels.lanes import LANES
from boneabm.mechanics.hexahedron import corner_stiffness, element_stiffness, isotropic_stiffness, stiffness_numbers
from boneabm.mechanics.hierarchy import Hierarchy, Operator, total
from boneabm.mechanics.material import Material, voxel_modulus
from boneabm.mechanics.mesh import VoxelMesh, slab_edges

NO_SUPPORT = np.empty(0, np.uint32)
SHAPES = [(1, 1, 1), (2, 3, 4), (13, 11, 17), (8, 5, 3), (3, 2, 300)]  # the last one is solid: runs are split


def random_modulus(shape, seed=0, fraction=0.6):
    rng = np.random.default_rng(seed)
    modulus = np.where(rng.random(shape) < fraction, rng.uniform(0.1, 2.0, shape), 0).astype(np.float32)
    modulus.flat[0] = 1
    return modulus


def random_vector(mesh, seed):
    """Values (3, size) of all nodes; the padding after the last node is 0."""
    vector = np.random.default_rng(seed).standard_normal((3, mesh.size))
    vector[:, mesh.nodes :] = 0
    return vector


@pytest.fixture(params=SHAPES, ids=str)
def modulus(request):
    return random_modulus(request.param, fraction=1.0 if request.param[-1] == 300 else 0.6)


def test_voxel_stiffness_equals_gauss_quadrature():
    for poisson in (-0.2, 0.0, 0.3, 0.45):
        plain = element_stiffness_plain(poisson)
        np.testing.assert_allclose(element_stiffness(poisson), plain, atol=1e-14)
        np.testing.assert_allclose(np.diag(plain), corner_stiffness(poisson), rtol=1e-13)


def test_transformed_stiffness_has_45_entries():
    """Sums and differences over corners leave 45 of 576 entries, which are the eight numbers."""
    sign = np.array([[(-1.0) ** (mode & ~corner).bit_count() for corner in range(8)] for mode in range(8)])
    transform = np.kron(sign, np.eye(3))
    modal = transform @ element_stiffness_plain(0.3) @ transform.T / 64
    filled = np.abs(modal) > 1e-14
    assert filled.sum() == 45
    found = np.unique(np.round(modal[filled], 12))
    np.testing.assert_allclose(found, np.unique(np.round(stiffness_numbers(0.3), 12)))


def test_isotropic_stiffness_inverts_hooke():
    compliance = np.linalg.inv(isotropic_stiffness(10.0, 0.3))
    np.testing.assert_allclose(compliance[0, :3], [0.1, -0.03, -0.03], rtol=1e-12)
    assert compliance[4, 4] == pytest.approx(2 * 1.3 / 10)


def test_nodes_are_numbered_in_z_y_x_order(modulus):
    mesh = VoxelMesh(modulus)
    index, nodes = number_nodes_plain(modulus)
    assert mesh.nodes == nodes
    np.testing.assert_array_equal(mesh.dense_index(), index)
    np.testing.assert_array_equal(mesh.coordinates(np.arange(nodes)), np.argwhere(index >= 0))


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 2e-6)])
def test_operator_equals_assembled_matrix(modulus, dtype, tolerance):
    mesh = VoxelMesh(modulus)
    x = random_vector(mesh, 1).astype(dtype)
    y = np.full_like(x, np.nan)
    Operator(mesh, 0.3, NO_SUPPORT).forces(x, y)
    expected = assemble_plain(modulus, 0.3) @ x[:, : mesh.nodes].ravel().astype(np.float64)
    np.testing.assert_allclose(y[:, : mesh.nodes].ravel(), expected, atol=tolerance * np.abs(expected).max())
    assert not y[:, mesh.nodes :].any()


def test_fixed_degrees_of_freedom_carry_no_residual(modulus):
    mesh = VoxelMesh(modulus)
    places = np.arange(3 * mesh.size).reshape(3, -1)[:, : mesh.nodes].ravel()
    x, y = random_vector(mesh, 1), random_vector(mesh, 2)
    Operator(mesh, 0.3, places[::5].astype(np.uint32)).apply(x, y)
    expected = assemble_plain(modulus, 0.3) @ x.ravel()[places]
    expected[::5] = 0
    np.testing.assert_allclose(y.ravel()[places], expected, atol=1e-12 * max(np.abs(expected).max(), 1))


def test_node_diagonal_equals_assembled_diagonal(modulus):
    mesh = VoxelMesh(modulus, edge=2.0)
    diagonal = assemble_plain(2 * modulus, 0.3).diagonal().reshape(3, -1)
    for component in diagonal:
        np.testing.assert_allclose(corner_stiffness(0.3) * mesh.corner_modulus()[: mesh.nodes], component, rtol=1e-6)


def test_energy_equals_voxel_by_voxel_energy(modulus):
    mesh = VoxelMesh(modulus)
    field = random_vector(mesh, 2)
    energy = np.zeros(modulus.shape, np.float32)
    voxel_fe_energy.unit_energy(
        0, mesh.slabs, field, mesh.segment_nodes, mesh.segment_length, mesh.segment_voxel, mesh.slab_segment,
        stiffness_numbers(0.3), energy.reshape(-1),
    )  # fmt: skip
    voxel_fe_energy.energy_density(0, modulus.shape[0], modulus, energy)
    np.testing.assert_allclose(energy, energy_density_plain(modulus, 0.3, field[:, : mesh.nodes]), rtol=1e-5, atol=1e-7)


def test_slabs_have_at_least_two_planes_and_cover_all():
    rng = np.random.default_rng(0)
    for depth in (1, 2, 3, 5, 64, 65, 200):
        for voxels in (np.ones(depth, int), rng.integers(0, 2, depth), np.eye(1, depth, depth - 1, dtype=int)[0]):
            start = np.concatenate([[0], np.cumsum(rng.integers(0, 30, depth + 1))])
            edges = slab_edges(voxels, start)
            assert edges[0] == 0
            assert edges[-1] == depth
            assert len(edges) == 2 or np.diff(edges).min() >= 2
            assert len(edges) == 2 or (start[edges[1:]] - start[edges[:-1] + 1]).min() >= LANES


def test_multigrid_cycle_is_symmetric_and_contracts():
    """a . M b = b . M a, and I - M K shrinks an error in the energy norm."""
    modulus = np.where(porous_block((20, 17, 22), 0.4, 5), np.float32(1), np.float32(0))
    mesh = VoxelMesh(modulus)
    index = mesh.dense_index()
    bottom = index[0][index[0] >= 0].astype(np.int64)
    fixed = np.concatenate([component * mesh.size + bottom for component in range(3)]).astype(np.uint32)
    a, b = random_vector(mesh, 4), random_vector(mesh, 5)
    a.reshape(-1)[fixed] = b.reshape(-1)[fixed] = 0
    hierarchy = Hierarchy(mesh, 0.3, np.union1d(fixed, _loose(modulus, mesh)).astype(np.uint32))
    hierarchy.operator.clear_fixed(a)
    hierarchy.operator.clear_fixed(b)
    ma, mb = cycle_on(hierarchy, a), cycle_on(hierarchy, b)
    assert (a * mb).sum() == pytest.approx((b * ma).sum(), rel=1e-3)
    error, product = a.copy(), np.empty_like(a)
    hierarchy.operator.apply(error, product)
    before = (error * product).sum()
    error -= cycle_on(hierarchy, product)
    hierarchy.operator.apply(error, product)
    assert (error * product).sum() < 0.5 * before


def cycle_on(hierarchy, load):
    hierarchy.levels[0].load[:] = load
    return hierarchy.cycle().astype(np.float64)


def _loose(modulus, mesh):
    """Degrees of freedom of the parts that do not reach the bottom plane."""
    from scipy.ndimage import label

    labels, _ = label(modulus > 0)
    held = np.isin(labels, np.unique(labels[0][labels[0] > 0]))
    inside = number_nodes_plain(np.where(held, modulus, 0))[0] >= 0
    nodes = mesh.dense_index()[~inside]
    nodes = nodes[nodes >= 0].astype(np.int64)
    return np.concatenate([component * mesh.size + nodes for component in range(3)])


def test_scalar_product_has_the_same_bits_for_any_thread_count():
    mesh = VoxelMesh(np.ones((40, 30, 32), np.float32))
    a, b = np.random.default_rng(0).standard_normal((2, 3, mesh.size))
    before = blocks.get_threads()
    found = []
    for threads in (1, 2, 3):
        blocks.set_threads(threads)
        found.append(total(mesh, a, b))
    blocks.set_threads(before)
    assert found[0] == found[1] == found[2]
    assert found[0] == pytest.approx((a * b).sum(), rel=1e-10)


def test_warm_start_keeps_old_nodes_and_averages_neighbors_of_new_ones():
    rng = np.random.default_rng(8)
    before = random_modulus((9, 7, 8), seed=1, fraction=0.3)
    after = np.where(rng.random(before.shape) < 0.1, 1 - np.sign(before), before).astype(np.float32)
    old, new = VoxelMesh(before), VoxelMesh(after)
    old_field = rng.standard_normal((2, 3, old.nodes)).astype(np.float32)
    field, known = np.empty((2, 3, new.nodes), np.float32), np.empty(new.nodes, np.uint8)
    rows = (old.row_start, old.node_x, old_field, new.row_start, new.node_x, field, known)
    voxel_fe_mesh.carry_over(0, new.planes, new.height, *rows)
    index = new.dense_index()
    voxel_fe_mesh.fill_from_neighbors(0, new.planes, 1, new.row_start, new.node_x, index, field, known)
    expected = warm_start_plain(old.dense_index(), old_field, index)
    reached = ~np.isnan(expected[0, 0])
    np.testing.assert_array_equal(known != 255, reached)
    np.testing.assert_allclose(field[:, :, reached], expected[:, :, reached], rtol=1e-5, atol=1e-6)


def test_modulus_follows_the_material_law():
    rng = np.random.default_rng(6)
    matrix = rng.random((6, 5, 7)).astype(np.float32)
    osteoid = (matrix * rng.choice([0, 0.3, 1], matrix.shape)).astype(np.float32)
    mineral = ((matrix - osteoid) * rng.uniform(0, 1.2, matrix.shape)).astype(np.float32)
    found = voxel_modulus(matrix, osteoid, mineral, Material(12_000.0, 1.5, 2.74, 1.15, 0.3, 1e-3))
    expected = voxel_modulus_plain(matrix, osteoid, mineral, 12_000.0, 1.5, 2.74, 1.15, 1e-3)
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    assert found.dtype == np.float32


def test_full_mineralized_bone_has_the_reference_modulus():
    full, none = np.ones((2, 2, 2), np.float32), np.zeros((2, 2, 2), np.float32)
    np.testing.assert_allclose(voxel_modulus(full, none, 1.15 * full, Material()), 12_000.0, rtol=1e-6)
    np.testing.assert_allclose(voxel_modulus(full, full, none, Material()), 12.0, rtol=1e-6)
