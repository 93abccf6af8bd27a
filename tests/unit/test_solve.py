"""One bone solved alone: analytic bars, energy, axes, strength, the `solve` command and its files."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from boneabm.cli_solve import UNITS, table
from boneabm.errors import InputError
from boneabm.io.volumes import VolumeWriter
from boneabm.kernels.blocks import get_threads, set_threads
from boneabm.lattice.components import largest_component
from boneabm.mechanics.hexahedron import isotropic_stiffness
from boneabm.parameters import ParameterSet
from boneabm.solve import BOUNDARIES, FailureParameters, Load, SolveOptions, estimate_failure, solve_bone

Command = Callable[..., Any]
BAR = np.ones((10, 6, 5), bool)


@pytest.fixture(autouse=True)
def _threads_as_before() -> Any:
    before = get_threads()
    yield
    set_threads(before)


def porous(seed: int = 2, shape: tuple[int, int, int] = (12, 10, 14)) -> np.ndarray:
    """Bone with holes, whose largest part spans all axes."""
    return largest_component(np.random.default_rng(seed).random(shape) < 0.7)


@pytest.mark.parametrize("poisson", [0.0, 0.3, 0.45])
@pytest.mark.parametrize("axis", ["z", "y", "x"])
def test_a_bar_between_sliding_platens_has_the_modulus_of_its_material(poisson: float, axis: str) -> None:
    """Stress over strain is E exactly, the strain is uniform and the sides move freely."""
    options = SolveOptions(7000, poisson, "frictionless", axis, tolerance=1e-10, strain=0.004)
    result = solve_bone(BAR, 20, options)
    assert result.apparent_modulus_mpa == pytest.approx(7000, rel=1e-9)
    np.testing.assert_allclose(result.effective_strain, 0.004, rtol=1e-5)
    np.testing.assert_allclose(result.sed_mpa, 0.5 * 7000 * 0.004**2, rtol=1e-5)
    assert result.stress_mpa == pytest.approx(28, rel=1e-9)


def test_layers_in_series_share_the_stress_and_columns_in_parallel_the_strain() -> None:
    """1/E is the mean of 1/E_i across layers (no Poisson effect); E is the mean of E_i along columns of equal nu."""
    layers = np.full((8, 4, 4), 1000.0)
    layers[4:] = 4000
    series = solve_bone(layers, 20, SolveOptions(poisson=0.0, boundary="frictionless", tolerance=1e-10))
    assert series.apparent_modulus_mpa == pytest.approx(1600, rel=1e-8)
    columns = layers.transpose(1, 0, 2)
    parallel = solve_bone(columns, 20, SolveOptions(poisson=0.3, boundary="frictionless", tolerance=1e-10))
    assert parallel.apparent_modulus_mpa == pytest.approx(2500, rel=1e-8)


def test_the_more_is_glued_the_stiffer_the_bone() -> None:
    """Constraints only add: both platens glued >= one >= none; all three below the mean of the material."""
    moduli = [solve_bone(porous(), 20, SolveOptions(boundary=name)).apparent_modulus_mpa for name in BOUNDARIES[:3]]
    assert 18000 * porous().mean() > moduli[0] > moduli[1] > moduli[2] > 0


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_the_energy_in_the_bone_is_half_stress_times_strain(boundary: str) -> None:
    result = solve_bone(porous(), 20, SolveOptions(boundary=boundary, tolerance=1e-8))
    assert result.sed_mpa.mean(dtype=np.float64) == pytest.approx(0.5 * result.stress_mpa * result.strain, rel=1e-5)
    assert result.strain == pytest.approx(0.01)
    bone = result.mask
    np.testing.assert_allclose(result.effective_strain[bone], np.sqrt(2 * result.sed_mpa[bone] / 18000), rtol=1e-4)
    assert not result.sed_mpa[~bone].any()


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("axis", ["y", "x"])
def test_another_axis_is_the_same_as_a_turned_bone(boundary: str, axis: str) -> None:
    bone, turn = porous(), {"y": (1, 0, 2), "x": (2, 0, 1)}[axis]
    found = solve_bone(bone, 20, SolveOptions(boundary=boundary, axis=axis, tolerance=1e-9))
    turned = solve_bone(bone.transpose(turn), 20, SolveOptions(boundary=boundary, tolerance=1e-9))
    assert found.apparent_modulus_mpa == pytest.approx(turned.apparent_modulus_mpa, rel=1e-6)
    assert found.failure == pytest.approx(turned.failure, rel=1e-5)
    assert found.sed_mpa.shape == bone.shape
    np.testing.assert_allclose(found.sed_mpa.transpose(turn), turned.sed_mpa, rtol=1e-3, atol=1e-7)


def test_six_strains_give_the_stiffness_of_the_material_and_no_anisotropy() -> None:
    result = solve_bone(BAR, 20, SolveOptions(5000, 0.2, "affine", tolerance=1e-10))
    np.testing.assert_allclose(result.stiffness_mpa, isotropic_stiffness(5000, 0.2), rtol=1e-8, atol=1e-4)
    flat = result.flat()
    assert len([name for name in flat if name.startswith("stiffness_")]) == 21
    assert flat["stiffness_zy_zy_mpa"] == pytest.approx(5000 / 2.4, rel=1e-8)
    assert flat["degree_of_anisotropy"] == pytest.approx(1, abs=1e-6)
    assert flat["apparent_modulus_mpa"] == pytest.approx(5000, rel=1e-6)
    assert flat["youngs_1_mpa"] == pytest.approx(5000, rel=1e-6)


def test_plates_along_x_are_softest_across() -> None:
    """A lattice of plates normal to x with thin bridges: the soft direction is x, and it is found."""
    bone = np.zeros((16, 16, 16), bool)
    bone[:, :, ::4] = bone[:, :, 1::4] = True
    bone[::5, ::5] = True
    found = solve_bone(bone, 20, SolveOptions(boundary="affine")).anisotropy
    assert found is not None
    np.testing.assert_allclose(np.abs(found.directions[2]), [0, 0, 1], atol=0.05)
    assert found.ratio > 2


def test_a_stress_is_a_load_too_and_strength_hangs_on_neither() -> None:
    by_strain = solve_bone(porous(), 20, SolveOptions(strain=0.01))
    by_stress = solve_bone(porous(), 20, SolveOptions(stress_mpa=2.0))
    assert by_stress.stress_mpa == 2.0
    assert by_stress.strain == pytest.approx(2.0 / by_strain.apparent_modulus_mpa)
    scale = (by_stress.strain / by_strain.strain) ** 2
    np.testing.assert_allclose(by_stress.sed_mpa, scale * by_strain.sed_mpa, rtol=1e-4)
    assert by_stress.failure == pytest.approx(by_strain.failure, rel=1e-5)


def test_a_bar_fails_where_all_of_it_reaches_the_critical_strain() -> None:
    """Uniform strain: failure at 7000 microstrain, force = E x strain x face."""
    failure = solve_bone(BAR, 20, SolveOptions(1000, boundary="frictionless", axis="y")).failure
    assert failure.strain == pytest.approx(0.007, rel=1e-5)
    assert failure.stress_mpa == pytest.approx(7, rel=1e-5)
    assert failure.load_n == pytest.approx(7 * 10 * 5 * 0.02**2, rel=1e-5)


def test_failure_is_when_the_given_share_of_the_bone_is_above_the_given_strain() -> None:
    strains = np.linspace(0, 0.01, 1001)
    load = Load(np.ones(1), strain=0.01, stress_mpa=5.0)
    failure = estimate_failure(strains, load, face_mm2=4.0, criterion=FailureParameters(0.1, 0.0045))
    assert failure == pytest.approx((10.0, 2.5, 0.005))
    scaled = strains * failure.strain / load.strain
    assert np.mean(scaled > 0.0045 * (1 + 1e-9)) == pytest.approx(0.1, abs=1e-3)
    assert math.isinf(estimate_failure(np.zeros(10), load, 4.0, FailureParameters(0.1, 0.0045)).load_n)


def test_the_criterion_is_a_parameter_with_a_source() -> None:
    parameters = ParameterSet.load()
    assert parameters.section("failure", FailureParameters) == (0.02, 0.007)
    assert "Pistoia" in parameters["failure.bone_share"].source
    weaker = parameters.override({"failure.effective_strain": 0.0035})
    options = SolveOptions(boundary="frictionless")
    assert solve_bone(BAR, 20, options, parameters=weaker).failure.strain == pytest.approx(0.0035, rel=1e-5)


def test_threads_change_no_bit() -> None:
    one, two = (solve_bone(porous(), 20, SolveOptions(boundary="affine"), threads=threads) for threads in (1, 2))
    assert one.stiffness_mpa.tobytes() == two.stiffness_mpa.tobytes()
    assert one.sed_mpa.tobytes() == two.sed_mpa.tobytes()
    assert (one.threads, two.threads) == (1, 2)


def test_whole_numbers_are_neither_mask_nor_moduli() -> None:
    with pytest.raises(InputError, match=r"volume of uint8 .* mask \(volume > 0\)"):
        solve_bone(np.ones((4, 4, 4), np.uint8), 20)


def test_bone_that_does_not_span_the_axis_is_refused_with_a_way_out() -> None:
    bone = np.zeros((8, 8, 8), bool)
    bone[:, 2:5, :6] = True
    with pytest.raises(InputError, match=r"axis x: .* It does span z: choose --axis z"):
        solve_bone(bone, 20, SolveOptions(axis="x"))
    bone[0] = False
    with pytest.raises(InputError, match="It spans no other axis either"):
        solve_bone(bone, 20, SolveOptions(boundary="affine"))


def test_what_carries_no_load_is_told() -> None:
    bone = np.zeros((8, 8, 8), bool)
    bone[:, :3, :5] = bone[2:5, 6:, 6:] = True
    result = solve_bone(bone, 20, SolveOptions(boundary="affine"))
    assert result.flat()["voxels"] == 8 * 3 * 5
    assert any("9.1 % of the bone is not joined" in text for text in result.warnings)
    assert any("does not span y, x" in text for text in result.warnings)


@pytest.mark.parametrize("bone", [np.ones((3, 3), bool), np.zeros((3, 3, 3), bool), -np.ones((3, 3, 3))])
def test_what_is_no_bone_is_refused(bone: np.ndarray) -> None:
    with pytest.raises(InputError):
        solve_bone(bone, 20)


BAD_OPTIONS: dict[str, Any] = {
    "boundary": "clampd", "axis": "w", "modulus_mpa": -1.0, "poisson": 0.5, "tolerance": 0.0, "strain": 0.0,
    "stress_mpa": -1.0,
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_OPTIONS)
def test_an_impossible_option_is_refused_by_name(name: str) -> None:
    with pytest.raises(InputError, match=name):
        SolveOptions(**{name: BAD_OPTIONS[name]})


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """Image of a porous block with a smaller piece beside it."""
    bone = np.zeros((12, 12, 16), bool)
    bone[:, :10, :14] = porous(shape=(12, 10, 14))
    bone[4:8, 11:, 15:] = True
    path = tmp_path / "bone.tif"
    tifffile.imwrite(path, bone * np.uint8(200), photometric="minisblack")
    return path


IMAGE = ("--voxel-size", "20 um", "--sigma", 0, "--threshold", 100)


def test_json_is_flat_and_holds_settings_and_results(command: Command, image: Path) -> None:
    answer = command("solve", image, *IMAGE, "--crop", "0:12,0:10,0:14", "--json", "--threads", 1)
    assert answer.code == 0, answer.err
    assert len(answer.out.splitlines()) == 1
    record = json.loads(answer.out, parse_constant=pytest.fail)
    assert not any(isinstance(value, (dict, list)) for value in record.values())
    expected = solve_bone(porous(shape=(12, 10, 14)), 20)
    assert record["apparent_modulus_mpa"] == expected.apparent_modulus_mpa
    assert record["crop"] == "0:12,0:10,0:14"
    names = set(expected.flat()) | {"image", "sha256", "threshold", "filter", "largest_component"}
    assert names <= set(record)
    assert "solving" in answer.err
    assert answer.err.count("\n") == 4


def test_quiet_says_nothing_but_warnings(command: Command, image: Path) -> None:
    answer = command("solve", image, *IMAGE, "--quiet", "--voxel-size", "150 um", "--crop", "0:12,0:12,0:16")
    assert [line.partition(":")[0] for line in answer.err.splitlines()] == ["warning"]
    assert "outside the usual 5 to 100 um" in answer.err


def test_volume_lost_by_the_largest_part_is_told(command: Command, tmp_path: Path) -> None:
    gray = np.zeros((8, 8, 8), np.uint8)
    gray[:, :4, :] = gray[:3, 6:, :] = 200
    tifffile.imwrite(tmp_path / "two.tif", gray, photometric="minisblack")
    expected = "% of the bone is not part of its largest piece and is left out"
    assert f"warning: 15.8 {expected}" in command("solve", tmp_path / "two.tif", *IMAGE).err
    assert "15.8 % of the bone is not joined" in command("solve", tmp_path / "two.tif", *IMAGE, "--all-parts").err


def test_every_number_of_the_table_has_a_unit(command: Command, image: Path) -> None:
    answer = command("solve", image, *IMAGE, "--boundary", "affine", "--crop", "0:12,0:10,0:14")
    assert answer.code == 0, answer.err
    rows = dict(line.split(None, 1) for line in answer.out.splitlines())
    assert rows["apparent_modulus_mpa"].endswith(" MPa")
    assert rows["failure_load_n"].endswith(" N")
    assert rows["boundary"] == "affine"
    for name, text in rows.items():
        if text.split()[0].replace(".", "").replace("e-", "").isdigit() and name != "sha256":
            assert text.split(None, 1)[1] in UNITS.values(), name


def test_the_table_knows_the_unit_of_every_result() -> None:
    flat = solve_bone(BAR, 20, SolveOptions(boundary="affine")).flat()
    assert len(table(flat)) == len(flat)


def test_a_run_folder_is_solved_as_its_last_step(command: Command, tmp_path: Path) -> None:
    writer = VolumeWriter(tmp_path / "run.vtkhdf", (8, 8, 8), 20.0, ["matrix"])
    writer.append(0, {"matrix": np.ones((8, 8, 8), np.float32)})
    matrix = np.zeros((8, 8, 8), np.float32)
    matrix[:, :4] = 0.9
    writer.append(30, {"matrix": matrix})
    answer = command("solve", tmp_path, "--modulus", "10 GPa", "--boundary", "frictionless", "--json", "--quiet")
    record = json.loads(answer.out)
    assert record["apparent_modulus_mpa"] == pytest.approx(5000)
    assert (record["day"], record["spacing_um"]) == (30, 20)
    assert "is for images" in command("solve", tmp_path, "--sigma", 1).err


def test_the_strain_field_is_an_image_that_vtk_reads(command: Command, image: Path, tmp_path: Path) -> None:
    out = tmp_path / "field.vtkhdf"
    answer = command("solve", image, *IMAGE, "--crop", "0:12,0:10,0:14", "--out", out, "--json", "--axis", "x")
    assert json.loads(answer.out)["out"] == str(out)
    reader = vtk.vtkHDFReader()
    reader.SetFileName(str(out))
    reader.Update()
    data = reader.GetOutput()
    assert data.GetDimensions() == (15, 11, 13)
    assert data.GetSpacing() == (20, 20, 20)
    result = solve_bone(porous(shape=(12, 10, 14)), 20, SolveOptions(axis="x"))
    for name, expected in (("sed_mpa", result.sed_mpa), ("effective_strain", result.effective_strain),
                           ("mask", result.mask)):  # fmt: skip
        found = vtk_to_numpy(data.GetCellData().GetArray(name)).reshape(12, 10, 14)
        np.testing.assert_array_equal(found, expected)


def test_files_of_an_earlier_solve_are_replaced_only_on_request(command: Command, image: Path, tmp_path: Path) -> None:
    words = ("solve", image, *IMAGE, "--out", tmp_path / "a.vtkhdf", "--parosol", tmp_path / "a.h5", "--json")
    assert command(*words).code == 0
    before = (tmp_path / "a.h5").read_bytes()
    refused = command(*words)
    assert refused.code == 2
    assert "--replace" in refused.err
    assert (tmp_path / "a.h5").read_bytes() == before
    assert command(*words, "--replace", "--strain", "2%").code == 0
    assert (tmp_path / "a.h5").read_bytes() != before


def test_a_file_that_is_something_else_is_never_replaced(command: Command, image: Path, tmp_path: Path) -> None:
    VolumeWriter(tmp_path / "run2.vtkhdf", (4, 4, 4), 20.0, ["matrix"])
    (tmp_path / "notes.h5").write_text("mine", encoding="utf-8")
    for option, name in (("--out", "run2.vtkhdf"), ("--parosol", "notes.h5")):
        before = (tmp_path / name).read_bytes()
        answer = command("solve", image, *IMAGE, option, tmp_path / name, "--replace")
        assert answer.code == 2
        assert "never replaced" in answer.err
        assert (tmp_path / name).read_bytes() == before


def test_an_error_leaves_no_file(command: Command, image: Path, tmp_path: Path) -> None:
    """A solve that fails, and a file that cannot be finished, leave the folder as it was."""
    before = sorted(tmp_path.iterdir())
    words = ("solve", image, *IMAGE, "--crop", "0:12,0:12,0:16", "--axis", "x", "--out", tmp_path / "a.vtkhdf")
    assert "axis x" in command(*words).err
    answer = command("solve", image, *IMAGE, "--poisson", -0.1, "--parosol", tmp_path / "a.h5")
    assert "ParOSol needs" in answer.err
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.slow
def test_the_crop_of_the_real_sample_has_the_reference_modulus(command: Command, real_sample: Path) -> None:
    """976.147 MPa by ParOSol, PyAMG, PETSc and CalculiX: base glued, top free sideways, 18 GPa, nu 0.3."""
    answer = command("solve", real_sample, "--voxel-size", "19.5 um", "--crop", "0:100,0:100,0:100", "--json")
    record = json.loads(answer.out)
    assert record["voxels"] == 202494
    assert record["apparent_modulus_mpa"] == pytest.approx(976.147, rel=1e-6)
    assert record["relative_residual"] <= 1e-6
