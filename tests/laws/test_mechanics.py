"""Laws of the micro finite elements: exact solutions, balance of energy and force, determinism, the real sample."""

import numpy as np
import pytest
from voxel_fe_plain import porous_block

from boneabm.kernels import blocks
from boneabm.lattice.components import largest_component
from boneabm.mechanics.boundary import fixed_degrees, make_boundary
from boneabm.mechanics.hexahedron import isotropic_stiffness
from boneabm.mechanics.micro_fe import MicroFE

MODULUS_MPA = 18_000.0
OTSU_THRESHOLD = 80.92566


def solved(modulus, warm=False, **options):
    solver = MicroFE(19.5, **options)
    solver.update(modulus)
    solver.solve(warm)
    return solver


def bone(shape=(25, 31, 17), fraction=0.35, seed=3):
    """Porous block with a different modulus in every voxel, MPa."""
    mask = porous_block(shape, fraction, seed)
    return np.where(mask, np.random.default_rng(seed).uniform(6_000, 18_000, shape), 0).astype(np.float32)


def random_changes(modulus, fraction, seed=0):
    """Remove and add this fraction of the surface voxels."""
    rng = np.random.default_rng(seed)
    solid = np.pad(modulus > 0, 1, mode="edge")
    near = sum(np.roll(solid, step, axis)[1:-1, 1:-1, 1:-1].astype(int) for axis in range(3) for step in (-1, 1))
    inside = modulus > 0
    surface = (inside & (near < 6)) | (~inside & (near > 0))
    flip = surface & (rng.random(modulus.shape) < fraction)
    return np.where(flip, np.where(inside, 0, 12_000), modulus).astype(np.float32)


@pytest.fixture(scope="module")
def porous():
    return solved(bone(), tolerance=1e-7)


def test_patch_test_homogeneous_block_has_the_stiffness_of_its_material():
    """Linear displacement on all faces of a homogeneous block: apparent stiffness = isotropic C, uniform energy."""
    solver = solved(np.full((11, 9, 10), MODULUS_MPA), boundary="affine", tolerance=1e-9, poisson=0.3)
    expected = isotropic_stiffness(MODULUS_MPA, 0.3)
    np.testing.assert_allclose(solver.stiffness_mpa, expected, atol=1e-6 * MODULUS_MPA)
    for case in range(6):
        np.testing.assert_allclose(solver.energy_density(np.eye(6)[case]), expected[case, case] / 2, rtol=1e-4)


def test_patch_test_from_the_field_of_another_bone():
    """The same from a wrong start: the solver finds the linear field, it is not only handed it."""
    homogeneous = np.full((10, 12, 9), MODULUS_MPA)
    uneven = homogeneous * np.random.default_rng(0).uniform(0.2, 1, homogeneous.shape)
    solver = solved(uneven, boundary="affine", tolerance=1e-9)
    solver.update(homogeneous)
    solver.solve()
    assert min(solver.iterations) > 0
    np.testing.assert_allclose(solver.stiffness_mpa, isotropic_stiffness(MODULUS_MPA, 0.3), atol=1e-6 * MODULUS_MPA)


def test_uniform_bar_without_lateral_strain_has_strain_stress_over_modulus():
    """nu = 0: apparent modulus is E, the effective strain is everywhere sigma / E."""
    for boundary in ("bottom-clamped", "clamped", "rollers"):
        solver = solved(np.full((20, 6, 5), MODULUS_MPA), boundary=boundary, poisson=0.0, tolerance=1e-9)
        stress = np.eye(solver.cases)[0] * 9.0
        amplitudes = solver.macro_strain(stress)
        assert amplitudes[0] == pytest.approx(9.0 / MODULUS_MPA, rel=1e-9)
        np.testing.assert_allclose(solver.effective_strain(amplitudes), 9.0 / MODULUS_MPA, rtol=1e-4)


def test_full_block_between_rollers_is_confined_compression():
    solver = solved(np.full((9, 12, 17), MODULUS_MPA), tolerance=1e-9)
    np.testing.assert_allclose(solver.stiffness_mpa, isotropic_stiffness(MODULUS_MPA, 0.3)[:3, :3], rtol=1e-7)


def test_layers_in_series_have_the_harmonic_mean():
    """nu = 0, layers across the load: 1/E = mean of 1/E_layer."""
    layers = np.array([1.0, 0.25, 3.0, 0.5, 0.5, 2.0, 1.0, 1.0, 0.125, 4.0, 1.0]) * 1000
    modulus = np.broadcast_to(layers[:, None, None], (len(layers), 5, 4))
    solver = solved(modulus, boundary="bottom-clamped", poisson=0.0, tolerance=1e-10)
    assert solver.stiffness_mpa[0, 0] == pytest.approx(1 / np.mean(1 / layers), rel=1e-9)


def test_slender_cantilever_of_frames_bends_as_a_beam():
    """An S of two columns joined by a beam is softer than a column: bending dominates, and finer voxels agree."""
    coarse = np.zeros((12, 2, 12), np.float32)
    coarse[:6, :, :2] = coarse[6:, :, 10:] = 1000
    coarse[5:7] = 1000
    fine = coarse.repeat(3, 0).repeat(3, 1).repeat(3, 2)
    modulus = [solved(m, boundary="clamped", tolerance=1e-8).stiffness_mpa[0, 0] for m in (coarse, fine)]
    assert modulus[1] < modulus[0] < 0.5 * 1000 * 2 / 12
    assert modulus[1] == pytest.approx(modulus[0], rel=0.3)


def test_energy_of_the_voxels_is_the_work_of_the_macro_stress(porous):
    """sum U V_voxel = 1/2 stress : strain V for any combination of the unit cases."""
    for amplitudes in np.random.default_rng(0).uniform(-0.01, 0.01, (4, 3)):
        energy = porous.energy_density(amplitudes).mean(dtype=np.float64)
        stress = porous.stiffness_mpa @ amplitudes
        assert energy == pytest.approx(0.5 * stress @ amplitudes, rel=1e-6)


def test_energy_and_effective_strain_agree(porous):
    amplitudes = [0.01, -0.002, 0.003]
    strain, energy = porous.effective_strain(amplitudes), porous.energy_density(amplitudes)
    modulus = np.where(porous.mask, bone(), 0)
    np.testing.assert_allclose(0.5 * modulus * strain**2, energy, rtol=1e-5)
    assert (energy[porous.mask] > 0).all()


def face_forces(solver, case):
    """Mean normal stress on the upper z, y and x face, from the nodal reactions."""
    field = solver._fields[case].astype(np.float64)
    forces = np.empty_like(field)
    solver._solver.operator.forces(field, forces)
    index = solver._solver.mesh.dense_index()
    areas = solver.mask.size / np.array(solver.mask.shape)
    ends = [np.moveaxis(index, axis, 0)[-1] for axis in range(3)]
    return np.array([-forces[axis, end[end >= 0]].sum() / areas[axis] for axis, end in enumerate(ends)])


def test_stiffness_is_symmetric_and_equals_the_face_forces(porous):
    by_forces = np.array([face_forces(porous, case) for case in range(3)]).T
    np.testing.assert_allclose(by_forces, porous.stiffness_mpa, rtol=1e-5, atol=1e-5 * porous.stiffness_mpa.max())
    np.testing.assert_allclose(by_forces, by_forces.T, rtol=1e-4)
    assert np.linalg.eigvalsh(porous.stiffness_mpa).min() > 0


def test_prescribed_stress_is_found_again_as_force(porous):
    stress = np.array([0.5, 0.2, 0.1])
    amplitudes = porous.macro_strain(stress)
    found = sum(a * face_forces(porous, case) for case, a in enumerate(amplitudes))
    np.testing.assert_allclose(found, stress, rtol=1e-4)


def test_unloaded_nodes_are_in_balance(porous):
    """No force on nodes that are neither on a face nor pinned."""
    mesh = porous._solver.mesh
    fixed = fixed_degrees(make_boundary("rollers"), mesh)
    forces = np.empty((3, mesh.size))
    porous._solver.operator.forces(porous._fields[0].astype(np.float64), forces)
    scale = np.abs(forces).max()
    forces.reshape(-1)[fixed] = 0
    assert np.abs(forces).max() < 1e-4 * scale


def test_same_bits_for_one_and_two_threads():
    """A mesh that is large enough to be shared between threads."""
    modulus = bone((50, 40, 44), 0.4, seed=9)
    before = blocks.get_threads()
    results = []
    for threads in (1, 2):
        blocks.set_threads(threads)
        solver = solved(modulus)
        solver.update(random_changes(modulus, 0.01))
        solver.solve()
        results.append((solver.stiffness_mpa, solver.energy_density([1e-3, 2e-3, 0]), solver.state_arrays()))
    blocks.set_threads(before)
    np.testing.assert_array_equal(results[0][0], results[1][0])
    np.testing.assert_array_equal(results[0][1], results[1][1])
    np.testing.assert_array_equal(results[0][2]["displacement"], results[1][2]["displacement"])


@pytest.mark.parametrize("boundary", ["rollers", "bottom-clamped"])
def test_restored_solver_goes_on_with_the_same_bits(boundary):
    first = solved(bone(), boundary=boundary)
    saved = {name: array.copy() for name, array in first.state_arrays().items()}
    second = MicroFE(19.5, boundary=boundary)
    second.restore(saved)
    stress = np.full(first.cases, 0.3)
    for solver in (first, second):
        solver.loads = solver.energy_density(solver.macro_strain(stress))
    np.testing.assert_array_equal(first.loads, second.loads)
    changed = random_changes(bone(), 0.02)
    for solver in (first, second):
        solver.update(changed)
        solver.solve(warm=True)
    assert first.iterations == second.iterations
    for name, array in first.state_arrays().items():
        np.testing.assert_array_equal(array, second.state_arrays()[name])


def test_restored_solver_can_solve_at_once():
    first, second = solved(bone()), MicroFE(19.5)
    second.restore(first.state_arrays())
    second.solve()
    assert max(second.iterations) <= 1
    np.testing.assert_allclose(second.stiffness_mpa, first.stiffness_mpa, rtol=1e-5)


def test_warm_start_finds_the_cold_solution_sooner():
    """0.5 % of the surface voxels flipped: same result to the tolerance, fewer iterations."""
    modulus = bone((40, 36, 44), 0.35, seed=4)
    warm = solved(modulus, tolerance=1e-6)
    changed = random_changes(modulus, 0.005)
    warm.update(changed)
    warm.solve()
    cold = solved(changed, tolerance=1e-6)
    assert sum(warm.iterations) < 0.7 * sum(cold.iterations)
    np.testing.assert_allclose(warm.stiffness_mpa, cold.stiffness_mpa, rtol=1e-5)
    amplitudes = cold.macro_strain([0.5, 0.2, 0.2])
    difference = warm.energy_density(amplitudes) - cold.energy_density(amplitudes)
    assert np.linalg.norm(difference) < 1e-3 * np.linalg.norm(cold.energy_density(amplitudes))


def test_stiffer_bone_is_never_softer():
    """Adding bone or modulus raises every eigenvalue of the apparent stiffness."""
    soft = bone()
    low = np.linalg.eigvalsh(solved(soft, tolerance=1e-7).stiffness_mpa)
    high = np.linalg.eigvalsh(solved(np.where(soft > 0, 1.2 * soft, 0), tolerance=1e-7).stiffness_mpa)
    np.testing.assert_allclose(high, 1.2 * low, rtol=1e-5)


@pytest.mark.slow
def test_apparent_modulus_of_the_real_sample(real_sample):
    """E_app of the 100^3 crop, base glued, top free to slide: 976.147 MPa by four independent solvers."""
    import tifffile
    from scipy.ndimage import gaussian_filter

    gray = tifffile.imread(real_sample).astype(float)
    whole = largest_component(gaussian_filter(gray, 1, mode="nearest") > OTSU_THRESHOLD)
    crop = largest_component(whole[:100, :100, :100].copy())
    assert crop.mean() == pytest.approx(0.202494, abs=1e-6)
    solver = solved(np.where(crop, MODULUS_MPA, 0), boundary="bottom-clamped", tolerance=1e-6)
    assert solver.stiffness_mpa[0, 0] == pytest.approx(976.147, rel=1e-5)
    assert solver.iterations[0] <= 45
