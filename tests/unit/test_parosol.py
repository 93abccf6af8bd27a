"""Input of ParOSol: layout, units and boundary nodes, read back and compared with the voxels they belong to."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import h5py
import numpy as np
import pytest

from boneabm.errors import InputError
from boneabm.io.parosol import LONGEST_VOXELS, check_parosol, write_parosol
from boneabm.lattice.components import largest_component
from boneabm.solve import SolveOptions, SolveResult, solve_bone

BONE = largest_component(np.random.default_rng(5).random((7, 5, 6)) < 0.75)
SPACING_UM = 30.0


def written(path: Path, result: SolveResult) -> tuple[dict[str, np.ndarray], dict[tuple[int, ...], float]]:
    """Datasets of the file, and prescribed displacements in mm by (z, y, x, direction)."""
    write_parosol(path, result.modulus_mpa, result.spacing_um, result.options.poisson, *result.prescribed())
    with h5py.File(path) as file:
        data = {name: item[()] for name, item in file["Image_Data"].items()}
    places = [tuple(int(i) for i in row) for row in data["Fixed_Displacement_Coordinates"]]
    return data, dict(zip(places, data["Fixed_Displacement_Values"].tolist(), strict=True))


def bone_nodes(mask: np.ndarray) -> set[tuple[int, int, int]]:
    """Corners of all bone voxels, counted one by one."""
    return {(z + i, y + j, x + k) for z, y, x in np.argwhere(mask).tolist() for i, j, k in product((0, 1), repeat=3)}


def test_names_types_and_units_are_those_of_parosol(tmp_path: Path) -> None:
    moduli = BONE * np.random.default_rng(1).uniform(5000, 20000, BONE.shape)
    data, fixed = written(tmp_path / "a.h5", solve_bone(moduli, SPACING_UM, SolveOptions(poisson=0.25)))
    assert {name: values.dtype.str for name, values in data.items()} == {
        "Image": "<f4", "Voxelsize": "<f8", "Poisons_ratio": "<f8",
        "Fixed_Displacement_Coordinates": "<u2", "Fixed_Displacement_Values": "<f4",
    }  # fmt: skip
    np.testing.assert_allclose(data["Image"], moduli / 1000, rtol=1e-6)
    assert data["Image"].shape == BONE.shape
    assert data["Voxelsize"] == pytest.approx(0.03)
    assert data["Poisons_ratio"] == 0.25
    assert data["Fixed_Displacement_Coordinates"].shape == (len(fixed), 4)
    assert data["Fixed_Displacement_Values"].shape == (len(fixed),)


@pytest.mark.parametrize("boundary", ["clamped", "bottom-clamped", "frictionless"])
@pytest.mark.parametrize("axis", ["z", "y", "x"])
def test_the_nodes_of_both_ends_are_prescribed_and_no_others(tmp_path: Path, boundary: str, axis: str) -> None:
    """The last plane moves by -strain x length along the axis; what is glued does not move; rigid pins aside."""
    result = solve_bone(BONE, SPACING_UM, SolveOptions(boundary=boundary, axis=axis, strain=0.02))
    _, fixed = written(tmp_path / "a.h5", result)
    number = "zyx".index(axis)
    along, across = 2 - number, [2 - other for other in range(3) if other != number]
    nodes, length = bone_nodes(BONE), BONE.shape[number]
    first = {node for node in nodes if node[number] == 0}
    last = {node for node in nodes if node[number] == length}
    expected = {(*node, along): 0.0 for node in first} | {(*node, along): -0.02 * length * 0.03 for node in last}
    glued = {"clamped": first | last, "bottom-clamped": first, "frictionless": set()}[boundary]
    expected |= {(*node, direction): 0.0 for node in glued for direction in across}
    pins = {place: value for place, value in fixed.items() if place not in expected}
    assert len(pins) == (3 if boundary == "frictionless" else 0)
    assert not any(pins.values())
    assert {place[:3] for place in pins} <= nodes
    assert {place: fixed[place] for place in expected} == pytest.approx(expected, abs=1e-9)


def test_affine_strains_are_combined_to_the_load_that_is_told(tmp_path: Path) -> None:
    """Displacements are linear in the place, with the stated strain along the axis and the faces all prescribed."""
    result = solve_bone(BONE, SPACING_UM, SolveOptions(boundary="affine", axis="y", strain=0.01))
    _, fixed = written(tmp_path / "a.h5", result)
    on_face = {n for n in bone_nodes(BONE) if any(n[i] in (0, BONE.shape[i]) for i in range(3))}
    assert {place[:3] for place in fixed} == on_face
    assert len(fixed) == 3 * len(on_face)
    places = np.array([place[:3] for place in fixed if place[3] == 1]) * 0.03
    values = np.array([value for place, value in fixed.items() if place[3] == 1])
    gradient, *_ = np.linalg.lstsq(places, values, rcond=None)
    np.testing.assert_allclose(places @ gradient, values, atol=1e-9)
    assert gradient[1] == pytest.approx(-0.01, rel=1e-5)


def test_what_parosol_cannot_take_is_refused_and_leaves_no_file(tmp_path: Path) -> None:
    nothing = np.zeros((0, 3)), np.zeros(0), np.zeros(0)
    with pytest.raises(InputError, match="Poisson"):
        check_parosol(tmp_path / "a.h5", replace=False, poisson=-0.1)
    long = np.broadcast_to(np.float32(1), (LONGEST_VOXELS + 1, 1, 1))
    with pytest.raises(InputError, match="at most"):
        write_parosol(tmp_path / "a.h5", long, 20, 0.3, *nothing)
    assert not list(tmp_path.iterdir())
