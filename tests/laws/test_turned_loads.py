"""Loads that are turned about y: tensors, signs, the same bone under the same load, stops and restarts."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from small_bone import scenario

from boneabm.build import assemble, build, make_program
from boneabm.errors import InputError
from boneabm.explain import explain
from boneabm.identity import burn_in_key
from boneabm.io.checkpoint import state_sha256
from boneabm.io.series import read_table
from boneabm.lattice import VoxelLattice
from boneabm.loading import Activity, Condition, LoadCase, LoadParameters, Program, turned, turned_stress
from boneabm.mechanics import MicroFE
from boneabm.mechanics.anisotropy import PAIRS, rotated, stiffest_tilt_deg, youngs_at_tilt
from boneabm.mechanics.hexahedron import isotropic_stiffness
from boneabm.morphometry.fabric import Fabric
from boneabm.parameters import ParameterSet
from boneabm.remodeling.mechanostat import daily_stimulus
from boneabm.run import resume_run, run_scenario
from boneabm.scenario import Scenario
from boneabm.validation.suite import Sizing, plan_sweep

STRESS = (0.6, 0.2, 0.1)
MODULUS_MPA, POISSON = 1000.0, 0.3
TILTS = (-90.0, -37.0, 0.0, 12.5, 30.0, 45.0, 90.0)


def turn(tilt_deg: float) -> np.ndarray:
    """Rotation about y that takes z to z cos + x sin, for vectors z, y, x."""
    cos, sin = math.cos(math.radians(tilt_deg)), math.sin(math.radians(tilt_deg))
    return np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]])


def tensor(components: Any, shear: float = 1.0) -> np.ndarray:
    """Symmetric tensor of zz, yy, xx, zy, zx, yx; shear = 0.5 for engineering strains."""
    made = np.zeros((3, 3))
    for number, (i, j) in enumerate(PAIRS):
        made[i, j] = made[j, i] = components[number] * (1.0 if i == j else shear)
    return made


def solved(modulus: np.ndarray, tolerance: float = 1e-8) -> MicroFE:
    fe = MicroFE(20.0, POISSON, "affine", tolerance)
    fe.update(modulus)
    fe.solve()
    return fe


@pytest.fixture(scope="module")
def porous() -> np.ndarray:
    """Moduli (16, 16, 16) of a bone with holes, not symmetric in anything."""
    draw = np.random.default_rng(4).random((4, 4, 4)).repeat(4, 0).repeat(4, 1).repeat(4, 2)
    return np.where(draw > 0.35, 200.0 + 1000.0 * draw, 0.0).astype(np.float32)


@pytest.mark.parametrize("tilt_deg", TILTS)
def test_the_turned_stress_is_the_rotated_tensor(tilt_deg: float) -> None:
    """sigma' = R diag(sigma) R^T, written zz, yy, xx, zy, zx, yx; the principal stresses stay."""
    expected = turn(tilt_deg) @ np.diag(STRESS) @ turn(tilt_deg).T
    made = tensor(turned_stress(STRESS, tilt_deg))
    np.testing.assert_allclose(made, expected, atol=1e-15)
    np.testing.assert_allclose(np.linalg.eigvalsh(made), sorted(STRESS), atol=1e-15)


def test_without_tilt_the_stress_is_exactly_what_was_given() -> None:
    """No rounding and no shear, so the habitual arm of an experiment carries the default loads."""
    assert turned_stress(STRESS, 0.0) == (0.6, 0.2, 0.1, 0.0, 0.0, 0.0)


def test_the_load_along_z_points_toward_positive_x() -> None:
    """The direction of the largest stress is z cos(30 deg) + x sin(30 deg)."""
    _, vectors = np.linalg.eigh(tensor(turned_stress((0.6, 0.0, 0.0), 30.0)))
    main = vectors[:, 2] * np.sign(vectors[0, 2])
    np.testing.assert_allclose(main, [math.cos(math.pi / 6), 0, 0.5], atol=1e-12)


@pytest.mark.parametrize("tilt_deg", TILTS)
def test_a_uniform_block_feels_a_turned_load_as_the_same_load(tilt_deg: float) -> None:
    """Isotropic solid: energy is uniform and that of the load as it was; the strain tensor is the turned one."""
    fe = solved(np.full((9, 10, 11), MODULUS_MPA), 1e-9)
    straight, tilted = (fe.macro_strain(turned_stress(STRESS, tilt)) for tilt in (0.0, tilt_deg))
    np.testing.assert_allclose(straight[3:], 0, atol=1e-9)
    lateral = POISSON * (sum(STRESS) - np.array(STRESS))
    np.testing.assert_allclose(straight[:3], (np.array(STRESS) - lateral) / MODULUS_MPA, rtol=1e-5)
    expected = turn(tilt_deg) @ tensor(straight, 0.5) @ turn(tilt_deg).T
    np.testing.assert_allclose(tensor(tilted, 0.5), expected, atol=1e-9)
    energy = 0.5 * sum(s * e for s, e in zip(STRESS, straight[:3], strict=True))
    np.testing.assert_allclose(fe.energy_density(tilted), energy, rtol=1e-4)


def test_a_right_angle_exchanges_the_loads_along_z_and_x(porous: np.ndarray) -> None:
    """On any bone, the stimulus of (a, b, c) turned by 90 degrees is that of (c, b, a)."""
    fe = solved(porous)
    felt = [
        daily_stimulus(fe, [(turned_stress(stress, tilt), 100.0)], 4.0)
        for stress, tilt in (((0.6, 0.2, 0.1), 90.0), ((0.6, 0.2, 0.1), -90.0), ((0.1, 0.2, 0.6), 0.0))
    ]
    np.testing.assert_allclose(felt[0], felt[2], rtol=1e-4)
    np.testing.assert_allclose(felt[1], felt[2], rtol=1e-4)


def test_a_mirrored_bone_under_the_mirrored_load_feels_the_mirrored_stimulus(porous: np.ndarray) -> None:
    """x to -x takes a tilt of 30 to one of -30 degrees; it is felt elsewhere than 30 degrees on the same bone."""
    there, back = solved(porous), solved(porous[:, :, ::-1])
    felt = [
        daily_stimulus(fe, [(turned_stress(STRESS, tilt), 100.0)], 4.0)
        for fe, tilt in ((there, 30.0), (back, -30.0), (back, 30.0))
    ]
    np.testing.assert_allclose(felt[1][:, :, ::-1], felt[0], rtol=2e-3)
    assert np.abs(felt[2][:, :, ::-1] - felt[0]).max() > 0.05 * felt[0].max()


@pytest.mark.parametrize("sign", [1, -1])
def test_oblique_plates_are_stiffest_along_themselves_and_least_strained_by_that_load(sign: int) -> None:
    """Plates (with y) that lean from z toward x by 26.6 degrees: the direction of growing indices is the sign."""
    z, _, x = np.indices((24, 24, 24))
    bone = (x - sign * z / 2) % 12 < 5
    fe = solved(np.where(bone, MODULUS_MPA, 1.0))
    lean = sign * math.degrees(math.atan(0.5))
    assert stiffest_tilt_deg(fe.stiffness_mpa) == pytest.approx(lean, abs=6)
    along, across = (
        fe.energy_density(fe.macro_strain(turned_stress((0.6, 0.0, 0.0), tilt))).mean() for tilt in (lean, -lean)
    )
    assert across > 1.5 * along
    youngs = youngs_at_tilt(fe.stiffness_mpa, [lean, -lean])
    np.testing.assert_allclose(0.18 / youngs, [along, across], rtol=1e-3)


def test_the_modulus_in_the_plane_is_that_of_the_rotated_stiffness() -> None:
    """1 / S'_zz of the stiffness seen in a frame whose first axis is that direction."""
    stiffness = isotropic_stiffness(MODULUS_MPA, POISSON)
    np.testing.assert_allclose(youngs_at_tilt(stiffness, TILTS), MODULUS_MPA, rtol=1e-12)
    stiffness[0, 0] *= 1.5
    stiffness[3, 3] *= 0.8
    seen = rotated(stiffness, turn(40.0))  # rows are e_z', e_y', e_x' of a solid turned by -40 degrees
    for tilt in TILTS:
        along_z = 1 / np.linalg.inv(rotated(seen, turn(tilt).T))[0, 0]
        assert youngs_at_tilt(seen, tilt) == pytest.approx(along_z, rel=1e-12)
    assert stiffest_tilt_deg(stiffness) == pytest.approx(0, abs=1e-9)
    assert abs(stiffest_tilt_deg(seen)) == pytest.approx(40, abs=0.06)


@pytest.mark.parametrize("tilt_deg", TILTS)
def test_the_tilt_of_a_fabric_is_that_of_its_axes(tilt_deg: float) -> None:
    """Also where the longest axis of all is y; a line has no sign, so 90 and -90 degrees are the same."""
    for mil_um in ((300.0, 200.0, 100.0), (250.0, 400.0, 120.0)):
        order = np.argsort(mil_um)[::-1]
        found = Fabric(np.array(mil_um)[order], turn(tilt_deg).T[order]).tilt_deg
        assert (found - tilt_deg + 90) % 180 - 90 == pytest.approx(0, abs=1e-9)


def test_conditions_scale_every_component() -> None:
    """Disuse takes its share of the shear as of the rest."""
    activity = turned(Activity("walk", LoadCase(STRESS, 100.0)), 30.0)
    (case,) = Program([activity], [Condition(0.4, 0, 10)]).day(3)
    assert case.stress_mpa == pytest.approx([0.4 * s for s in turned_stress(STRESS, 30.0)], rel=1e-12)
    assert case.stress_mpa[4] != 0


WALK = {"name": "walk", "stress": ["0.6 MPa", "0.2 MPa", "0.1 MPa"], "cycles": 1000}
OFTEN = {"activation.frequency_per_y": 0.16}


def tilting(**tables: Any) -> Scenario:
    """A bone of 0.6 mm whose load turns on day 4."""
    rows = [{**WALK, "until": "4 d"}, {**WALK, "name": "turned", "tilt": "30 deg", "start": "4 d"}]
    return small(activity=rows, **tables)


def small(**tables: Any) -> Scenario:
    simulation = {"days": 8, "burn_in": "12 d", **tables.pop("simulation", {})}
    return scenario(bone={"size": "0.6 mm"}, parameters=OFTEN, simulation=simulation, **tables)


def digest(simulation: Any) -> str:
    return state_sha256(simulation.state.arrays())


def test_arms_are_the_same_bone_until_the_load_turns() -> None:
    """With the same boundary: one burned-in state, equal bits until the day before, other stimulus from then on."""
    straight = small(activity=[WALK], simulation={"boundary": "affine"})
    assert burn_in_key(straight) == burn_in_key(tilting())
    assert burn_in_key(straight) != burn_in_key(small(activity=[WALK]))
    arms = [build(one)[0] for one in (straight, tilting())]
    assert [arm.state.strain.fe.cases for arm in arms] == [6, 6]
    while arms[0].day < 3:
        for arm in arms:
            arm.step()
    assert digest(arms[0]) == digest(arms[1])
    for arm in arms:
        arm.step()
    felt = [arm.state.strain.psi for arm in arms]
    assert np.abs(felt[0] - felt[1]).max() > 0.1
    assert arms[1].state.strain.reference == arms[0].state.strain.reference


@pytest.mark.parametrize("stop_day", [-3, 2, 6])
def test_a_state_put_into_a_fresh_simulation_ends_in_the_same_bits(stop_day: int) -> None:
    """Before and after the turn; the checkpoint holds six stresses and the cycles of every case."""
    straight = build(tilting())[0]
    saved: dict[str, np.ndarray] = {}
    while straight.day < 8:
        straight.step()
        if straight.day == stop_day:
            saved = {name: array.copy() for name, array in straight.state.arrays().items()}
    assert saved["strain/loads"].shape == (1, 7)
    again = assemble(tilting(), VoxelLattice.from_mask(np.zeros(straight.tissue.lattice.shape, bool), 20.0))
    again.restore(saved)
    while again.day < 8:
        again.step()
    assert digest(again) == digest(straight)


def test_a_stopped_run_continues_to_the_same_files(tmp_path: Path) -> None:
    """Stopped after the turn and resumed: same state, same series, same biopsies, whose angles are numbers."""
    planned = tilting(output={"checkpoint_every": "3 d"})
    whole = run_scenario(planned, out=tmp_path / "whole")

    def stop(progress: Any) -> None:
        if progress.day == 7:
            raise RuntimeError("stopped by the test")

    with pytest.raises(RuntimeError, match="stopped"):
        run_scenario(planned, out=tmp_path / "part", report=stop)
    assert resume_run(tmp_path / "part").state_sha256 == whole.state_sha256
    for name in ("series.csv", "biopsy.csv"):
        assert (tmp_path / "part" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    biopsies = read_table(tmp_path / "whole" / "biopsy.csv")
    for name in ("fabric_tilt_deg", "stiff_tilt_deg"):
        assert (np.abs(biopsies[name]) <= 90).all()
    series = read_table(tmp_path / "whole" / "series.csv")
    assert (biopsies["youngs_z_mpa"] > 0).all()
    assert (biopsies["youngs_z_mpa"] < series["stiffness_zz_mpa"][[0, -1]]).all()


def test_without_shear_nothing_changes() -> None:
    """Rollers, three cases and four columns of loads; directions of stiffness are not known."""
    simulation = build(small(activity=[WALK]))[0]
    assert simulation.state.strain.fe.boundary.name == "rollers"
    assert simulation.state.arrays()["strain/loads"].shape == (1, 4)
    assert simulation.cases == (((0.6, 0.2, 0.1), 1000.0),)


def test_the_boundary_follows_the_loads_unless_chosen() -> None:
    """A tilt at any time asks for shear; rollers with a tilt are refused, with the name of the activity."""
    assert tilting().boundary == "affine"
    assert small(activity=[{**WALK, "tilt": "0 deg"}]).boundary == "rollers"
    assert small(simulation={"boundary": "affine"}).boundary == "affine"
    assert Scenario.from_toml(tilting().resolved_toml()) == tilting()
    with pytest.raises(InputError, match=r'simulation.boundary: "rollers".*"turned".*boundary = "affine"'):
        tilting(simulation={"boundary": "rollers"})


@pytest.mark.parametrize(
    ("tilt", "told"),
    [
        (30, "missing unit"),
        ("30", "deg, rad"),
        ("91 deg", "-90 deg to 90 deg"),
        ("30 grad", '"grad" is not a unit of angle'),
        ("30 °", "is not a unit of angle"),
    ],
)
def test_a_tilt_that_is_no_angle_is_refused(tilt: Any, told: str) -> None:
    with pytest.raises(InputError, match=rf"activity\[0\].tilt: .*{told}"):
        small(activity=[{**WALK, "tilt": tilt}])


def test_explain_tells_tilt_and_boundary() -> None:
    told = explain(tilting(), ParameterSet.load(), [])
    assert "turned 30 deg from z toward x" in told
    assert 'boundary "affine"' in told
    assert 'boundary "rollers"' in explain(small(), ParameterSet.load(), [])


def test_a_branch_keeps_the_boundary_of_its_parent(tmp_path: Path) -> None:
    """A parent without shear has no unit cases for it; one with shear goes on under turned loads."""
    file = tmp_path / "branch.toml"
    rows = '[[activity]]\nname = "turned"\nstress = ["0.6 MPa", "0.2 MPa", "0.1 MPa"]\ncycles = 1000\ntilt = "30 deg"\n'
    for boundary in ("rollers", "affine"):
        run_scenario(small(simulation={"boundary": boundary, "days": 2}), out=tmp_path / boundary)
    file.write_text(f'branch_from = "rollers"\n[simulation]\ndays = 3\n{rows}', encoding="utf-8")
    with pytest.raises(InputError, match="boundary"):
        Scenario.load(file)
    file.write_text(f'branch_from = "affine"\n[simulation]\ndays = 3\n{rows}', encoding="utf-8")
    result = run_scenario(Scenario.load(file), out=tmp_path / "on")
    assert read_table(result.path / "series.csv")["day"].tolist() == [3]


def test_bone_that_does_not_reach_all_faces_cannot_carry_six_stresses(tmp_path: Path) -> None:
    """A plate in the middle of an image is refused before anything is simulated."""
    image = np.zeros((20, 20, 20), np.uint8)
    image[8:12] = 200
    tifffile.imwrite(tmp_path / "plate.tif", image)
    bone = {"kind": "image", "image": str(tmp_path / "plate.tif"), "voxel_size": "20 um", "sigma": 0, "threshold": 100}
    tables = {"title": "plate", "bone": bone, "activity": [{**WALK, "tilt": "30 deg"}]}
    with pytest.raises(InputError, match=r'"affine".*both faces along z'):
        build(Scenario.from_dict(tables))


def test_the_experiment_turns_the_default_habit_of_one_burned_in_bone(tmp_path: Path) -> None:
    """Both arms begin with the same state and loads; from day 1 every load of one arm is turned by 30 degrees."""
    arms = {run.arm: Scenario.from_toml(run.scenario) for run in plan_sweep("load_turned", tmp_path, Sizing(1)).plan}
    assert burn_in_key(arms["habitual"]) == burn_in_key(arms["turned"])
    known = ParameterSet.load()
    straight, tilted = (make_program(arms[name], known) for name in ("habitual", "turned"))
    assert tilted.day(0) == straight.day(0) == straight.day(1)
    p = known.section("load", LoadParameters)
    side = p.axial_mpa * p.lateral_fraction
    expected = [turned_stress(s, 30.0) for s in ((p.axial_mpa, 0.0, 0.0), (0.0, side, 0.0), (0.0, 0.0, side))]
    for case, stress in zip(tilted.day(1), expected, strict=True):
        assert case.stress_mpa == pytest.approx(stress, abs=1e-15)
        assert case.cycles_per_d == p.cycles_per_d
    packaged = make_program(Scenario.load("load_turned"), known)
    assert packaged.day(0) == tilted.day(0)
    assert packaged.day(365) == tilted.day(1)


def test_more_bones_follow_those_of_the_list(tmp_path: Path) -> None:
    """Fewer bones are the first chosen ones, so bones that were picked for their direction stay picked."""
    seeds = [
        list(dict.fromkeys(Scenario.from_toml(run.scenario).bone.seed for run in plan.plan))
        for plan in (plan_sweep("load_turned", tmp_path, Sizing(bones)) for bones in (3, 10))
    ]
    assert seeds == [[3, 4, 7], [3, 4, 7, 8, 9, 10, 12, 16, 17, 18]]
