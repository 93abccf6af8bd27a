"""MicroFE on odd, thin, sparse and broken bones, and its errors."""

import numpy as np
import pytest
from voxel_fe_plain import porous_block

from boneabm.errors import InputError, SolverError
from boneabm.lattice.components import largest_component
from boneabm.mechanics.boundary import make_boundary, touched_axes
from boneabm.mechanics.material import Material, voxel_modulus
from boneabm.mechanics.micro_fe import UNLOADED_STIFFNESS_MPA, MicroFE

MODULUS_MPA = 12_000.0


def solve(mask, **options):
    solver = MicroFE(15.0, **options)
    solver.update(np.where(mask, MODULUS_MPA, 0))
    solver.solve()
    return solver


def lattice(shape, pitch, width):
    """Regular frame of struts along all axes."""
    near = np.stack([index % pitch < width for index in np.indices(shape)])
    return near.sum(axis=0) >= 2


def block_with_neck():
    mask = np.zeros((20, 16, 16), bool)
    mask[:9] = mask[11:] = True
    mask[9:11, 8, 8] = True
    return mask


def spurs():
    mask = lattice((24, 24, 24), 12, 4)
    mask[6, 6:12, 6] = True
    mask[2, 2, 4:10] = True
    mask[2:9, 8, 8] = mask[2, 2:9, 8] = True
    return mask


BONES = {
    "odd": porous_block((25, 31, 17), 0.4, 1),
    "sparse": lattice((42, 41, 43), 20, 2),
    "single-voxel struts": lattice((21, 23, 22), 10, 1),
    "neck": block_with_neck(),
    "spurs": spurs(),
    "full": np.ones((17, 12, 9), bool),
    "plate": np.ones((1, 20, 20), bool),
    "upright plate": np.ones((20, 1, 20), bool),
    "rod": np.ones((40, 1, 1), bool),
    "one voxel": np.ones((1, 1, 1), bool),
    "nearly broken": porous_block((30, 30, 30), 0.22, 2),
}


@pytest.mark.parametrize("boundary", ["rollers", "bottom-clamped", "clamped", "affine"])
@pytest.mark.parametrize("name", BONES)
def test_every_bone_is_solved(name, boundary):
    solver = solve(BONES[name], boundary=boundary)
    assert max(solver.iterations) <= 100
    assert np.isfinite(solver.stiffness_mpa).all()
    strain = solver.effective_strain(solver.macro_strain(np.full(solver.cases, 0.5)))
    assert np.isfinite(strain).all()
    assert (strain[~solver.mask] == 0).all()


def test_part_that_spans_one_axis_carries_load_along_it_only():
    """A column in the middle touches no side: it may slide freely there, and side loads find nothing."""
    mask = np.zeros((20, 15, 15), bool)
    mask[:, 5:10, 4:9] = True
    solver = solve(mask, tolerance=1e-8)
    assert solver.spans == (True, False, False)
    expected = np.diag([MODULUS_MPA * 25 / 225, UNLOADED_STIFFNESS_MPA, UNLOADED_STIFFNESS_MPA])
    np.testing.assert_allclose(solver.stiffness_mpa, expected, rtol=1e-6, atol=1e-6)
    assert (solver.energy_density([0, 1, 0]) == 0).all()
    np.testing.assert_allclose(solver.energy_density([0.01, 0, 0])[mask], 0.5 * MODULUS_MPA * 1e-4, rtol=1e-4)


def test_part_that_touches_nothing_has_no_field():
    mask = np.zeros((12, 12, 12), bool)
    mask[4:8, 4:8, 4:8] = True
    solver = solve(mask)
    assert solver.spans == (False, False, False)
    assert solver.iterations == [0, 0, 0]
    assert (solver.energy_density([1, 1, 1]) == 0).all()


def test_part_on_one_face_is_not_stretched_by_it():
    """A block that stands on the lower z face carries nothing, whatever the boundary."""
    mask = np.zeros((14, 12, 12), bool)
    mask[:5, 3:9, 4:8] = True
    for boundary in ("rollers", "bottom-clamped", "clamped", "affine"):
        solver = solve(mask, boundary=boundary)
        assert (solver.energy_density(np.ones(solver.cases)) == 0).all()


def test_bone_that_breaks_and_heals():
    """Warm start through a state without any path for the load."""
    whole = lattice((24, 20, 20), 8, 3)
    broken = whole.copy()
    broken[12] = False
    solver = solve(whole)
    before = solver.stiffness_mpa
    for mask in (broken, whole):
        solver.update(np.where(mask, MODULUS_MPA, 0))
        solver.solve()
    np.testing.assert_allclose(solver.stiffness_mpa, before, rtol=1e-4)


def test_strong_contrast_of_moduli():
    rng = np.random.default_rng(0)
    modulus = np.where(BONES["odd"], 12_000 * 10 ** rng.uniform(-3, 0, BONES["odd"].shape), 0)
    solver = MicroFE(15.0)
    solver.update(modulus)
    solver.solve()
    assert max(solver.iterations) <= 80


def test_only_the_largest_part_is_solved():
    mask = np.zeros((10, 10, 10), bool)
    mask[:, :4] = True
    mask[:, 6:9, 6:9] = True
    solver = solve(mask)
    assert solver.mask.sum() == 400
    assert not solver.mask[:, 5:].any()
    np.testing.assert_array_equal(solver.mask, largest_component(mask))


def test_displacement_scales_with_the_voxel_edge():
    mask = BONES["odd"]
    first, second = solve(mask), MicroFE(30.0)
    second.restore(first.state_arrays())
    np.testing.assert_allclose(second.displacement_um, 2 * first.displacement_um, rtol=1e-6)
    top_node = -1  # the last node lies on the upper z face, which moves by the height
    assert first.displacement_um[0, 0, top_node] == pytest.approx(-25 * 15.0)


def test_output_array_is_used():
    solver = solve(BONES["odd"])
    out = np.full(solver.mask.shape, np.nan, np.float32)
    assert solver.energy_density([1, 0, 0], out) is out
    np.testing.assert_array_equal(out, solver.energy_density([1, 0, 0]))
    with pytest.raises(InputError, match="contiguous"):
        solver.energy_density([1, 0, 0], out[:, :, ::-1])


@pytest.mark.parametrize(
    ("modulus", "text"),
    [
        (np.zeros((4, 4, 4)), "no bone"),
        (np.ones((4, 4)), r"\(Z, Y, X\)"),
        (np.full((4, 4, 4), np.nan), "finite"),
        (-np.ones((4, 4, 4)), ">= 0"),
    ],
)
def test_unusable_modulus_is_refused(modulus, text):
    with pytest.raises(InputError, match=text):
        MicroFE(15.0).update(modulus)


def test_errors_say_what_to_do():
    with pytest.raises(InputError, match='Did you mean "rollers"'):
        make_boundary("roller")
    with pytest.raises(InputError, match="allowed"):
        MicroFE(0.0)
    with pytest.raises(InputError, match="update"):
        MicroFE(15.0).solve()
    solver = MicroFE(15.0)
    solver.update(np.ones((3, 3, 3)))
    with pytest.raises(SolverError, match="solve"):
        solver.energy_density([1, 0, 0])
    solver.solve()
    with pytest.raises(InputError, match="amplitudes"):
        solver.energy_density([1, 0])
    with pytest.raises(InputError, match="one shape"):
        voxel_modulus(*(np.ones((2, 2, n), np.float32) for n in (1, 2, 3)), Material())


def test_state_of_another_boundary_or_with_gaps_is_refused():
    arrays = solve(BONES["odd"]).state_arrays()
    with pytest.raises(InputError, match="displacement"):
        MicroFE(15.0, boundary="clamped").restore(arrays)
    del arrays["mask"]
    with pytest.raises(InputError, match="missing mask"):
        MicroFE(15.0).restore(arrays)


def test_too_few_iterations_raise_with_the_residuals():
    solver = MicroFE(15.0, tolerance=1e-9, max_iterations=3)
    solver.update(np.where(BONES["odd"], MODULUS_MPA, 0))
    with pytest.raises(SolverError, match="did not converge") as failure:
        solver.solve()
    assert len(failure.value.residuals) == 4
    with pytest.raises(SolverError, match="not solved"):
        solver.state_arrays()


def test_not_a_number_inside_the_solver_raises(monkeypatch):
    solver = MicroFE(15.0)
    solver.update(np.where(BONES["odd"], MODULUS_MPA, 0))
    hierarchy = solver._solver.hierarchy
    monkeypatch.setattr(hierarchy, "cycle", lambda: np.full(hierarchy.levels[0].x.shape, np.nan, np.float32))
    with pytest.raises(SolverError, match="did not converge"):
        solver.solve()


def test_failed_solve_keeps_the_last_field_for_the_next_try():
    solver = solve(BONES["odd"])
    good = solver.stiffness_mpa
    solver.tolerance, solver.max_iterations = 1e-12, 1
    with pytest.raises(SolverError):
        solver.solve()
    solver.tolerance, solver.max_iterations = 1e-5, 200
    solver.solve()
    assert max(solver.iterations) <= 1
    np.testing.assert_allclose(solver.stiffness_mpa, good, rtol=1e-5)


def test_touched_axes():
    mask = np.zeros((3, 4, 5), bool)
    mask[:, 1, 2] = True
    assert touched_axes(mask) == (True, False, False)


@pytest.mark.parametrize(
    ("shape", "boundary", "poisson"),
    [((128, 2, 2), "bottom-clamped", 0.3), ((256, 2, 2), "bottom-clamped", 0.3), ((256, 1, 1), "frictionless", 0.3),
     ((520, 3, 4), "bottom-clamped", 0.3), ((12, 11, 13), "clamped", 0.45), ((12, 11, 13), "clamped", 0.49)],
)  # fmt: skip
def test_slender_and_nearly_incompressible_bones_are_solved(shape, boundary, poisson):
    """The softened cycle is not positive definite on some of these; it then goes on with a slower, careful mode."""
    solver = MicroFE(20.0, poisson, boundary, tolerance=1e-6)
    solver.update(np.full(shape, 1000.0))
    solver.solve()
    assert max(solver.iterations) <= 100


def test_failed_solve_leaves_nothing_behind():
    """After a failure the solver gives the bits of a fresh one."""
    modulus = np.where(BONES["odd"], MODULUS_MPA, 0)
    failing, fresh = MicroFE(15.0, max_iterations=2), MicroFE(15.0)
    failing.update(modulus)
    with pytest.raises(SolverError):
        failing.solve()
    failing.max_iterations = 200
    for solver in (failing, fresh):
        solver.update(modulus)
        solver.solve()
    np.testing.assert_array_equal(failing.displacement_um, fresh.displacement_um)
    assert failing.residuals == fresh.residuals


def test_refused_state_leaves_no_solution():
    solver = MicroFE(15.0)
    solver.update(np.where(BONES["odd"], MODULUS_MPA, 0))
    solver.solve()
    state = solver.state_arrays()
    for name, wrong in (("displacement", state["displacement"][:, :, 1:]), ("mask", state["mask"][1:])):
        with pytest.raises(InputError, match=name):
            solver.restore(state | {name: wrong})
    solver.restore(state)
    solver.energy_density([1, 1, 1])
