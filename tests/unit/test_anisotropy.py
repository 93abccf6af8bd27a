"""Laws of the anisotropy of an apparent stiffness: what is isotropic is, and rotated axes come back."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from boneabm.errors import InputError
from boneabm.mechanics import MicroFE
from boneabm.mechanics.anisotropy import anisotropy, dilatational_modulus, rotated, stiffness_matrix, stiffness_tensor
from boneabm.mechanics.hexahedron import isotropic_stiffness

YOUNGS = np.array([900.0, 500.0, 300.0])
SHEAR = np.array([250.0, 180.0, 120.0])
POISSON = np.array([0.32, 0.28, 0.25])


def orthotropic() -> np.ndarray:
    """Stiffness with Young's moduli 900, 500, 300 MPa along z, y, x."""
    compliance = np.diag(np.concatenate([1 / YOUNGS, 1 / SHEAR]))
    for (i, j), ratio in zip(((0, 1), (0, 2), (1, 2)), POISSON, strict=True):
        compliance[i, j] = compliance[j, i] = -ratio / YOUNGS[i]
    return np.linalg.inv(compliance)


def test_an_isotropic_stiffness_has_ratio_one_in_every_frame() -> None:
    stiffness = isotropic_stiffness(18000.0, 0.3)
    for turn in Rotation.random(5, rng=1).as_matrix():
        found = anisotropy(rotated(stiffness, turn))
        assert found.ratio == pytest.approx(1, abs=1e-12)
        np.testing.assert_allclose(found.youngs_mpa, 18000, rtol=1e-12)
        np.testing.assert_allclose(found.shear_mpa, 18000 / 2.6, rtol=1e-12)
        np.testing.assert_allclose(found.poisson, 0.3, rtol=1e-11)
        assert found.not_orthotropic < 1e-14


@pytest.mark.parametrize("seed", range(5))
def test_a_rotated_orthotropic_stiffness_gives_its_axes_and_constants_back(seed: int) -> None:
    turn = Rotation.random(rng=seed).as_matrix()
    found = anisotropy(rotated(orthotropic(), turn.T))
    np.testing.assert_allclose(np.abs(found.directions @ turn.T), np.eye(3), atol=1e-10)
    np.testing.assert_allclose(found.youngs_mpa, YOUNGS, rtol=1e-11)
    np.testing.assert_allclose(found.shear_mpa, SHEAR, rtol=1e-11)
    np.testing.assert_allclose(found.poisson, POISSON, rtol=1e-10)
    assert found.ratio == pytest.approx(3)
    assert found.not_orthotropic < 1e-12


def test_directions_are_unit_vectors_at_right_angles_that_point_up() -> None:
    directions = anisotropy(rotated(orthotropic(), Rotation.random(rng=9).as_matrix())).directions
    np.testing.assert_allclose(directions @ directions.T, np.eye(3), atol=1e-14)
    assert (directions[range(3), np.abs(directions).argmax(axis=1)] > 0).all()


def test_a_turn_by_a_right_angle_swaps_entries() -> None:
    swap = np.array([[0.0, 1, 0], [1, 0, 0], [0, 0, 1]])
    order = [1, 0, 2, 3, 5, 4]
    np.testing.assert_allclose(rotated(orthotropic(), swap), orthotropic()[np.ix_(order, order)], atol=1e-12)


def test_turning_there_and_back_changes_nothing_and_the_bulk_modulus_never() -> None:
    turn = Rotation.random(rng=3).as_matrix()
    there = rotated(orthotropic(), turn)
    np.testing.assert_allclose(rotated(there, turn.T), orthotropic(), rtol=1e-11, atol=1e-10)
    bulk = np.trace(dilatational_modulus(orthotropic()))
    assert np.trace(dilatational_modulus(there)) == pytest.approx(bulk, rel=1e-12)


def test_matrix_and_tensor_are_the_same_numbers() -> None:
    np.testing.assert_array_equal(stiffness_matrix(stiffness_tensor(orthotropic())), orthotropic())


def test_a_solid_that_is_not_orthotropic_is_told() -> None:
    stiffness = orthotropic()
    stiffness[0, 5] = stiffness[5, 0] = 100
    assert anisotropy(stiffness).not_orthotropic > 0.01


def test_a_layered_block_is_softest_across_its_layers() -> None:
    """Layers along y: Reuss mean across them, more along them, the same along both."""
    modulus = np.empty((16, 16, 16), np.float32)
    modulus[:, 0::2], modulus[:, 1::2] = 3000, 1000
    solver = MicroFE(10.0, poisson=0.0, boundary="affine", tolerance=1e-8)
    solver.update(modulus)
    solver.solve()
    found = anisotropy(solver.stiffness_mpa)
    np.testing.assert_allclose(np.abs(found.directions[2]), [0, 1, 0], atol=1e-3)
    assert found.youngs_mpa[2] == pytest.approx(1500, rel=0.05)
    np.testing.assert_allclose(found.youngs_mpa[:2], 2000, rtol=1e-3)
    assert found.ratio == pytest.approx(4 / 3, rel=0.05)


@pytest.mark.parametrize(
    ("matrix", "told"),
    [(np.eye(3), "(6, 6)"), (np.full((6, 6), np.nan), "finite"), (-np.eye(6), "positive definite"),
     (np.eye(6) + np.eye(6, k=1), "symmetric")],
)  # fmt: skip
def test_what_is_no_stiffness_is_refused(matrix: np.ndarray, told: str) -> None:
    with pytest.raises(InputError, match=told.replace("(", r"\(").replace(")", r"\)")):
        anisotropy(matrix)
