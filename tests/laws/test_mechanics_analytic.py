"""Micro-FE against closed forms: beams and frames in bending, strut lattices, bounds, symmetry, superposition.

Voxels without extra bending modes are too stiff in bending; the error falls with the square of the voxel edge. Every
bending test therefore splits each voxel 1, 2 and 3 times and asks three things: stiffness falls with every refinement,
the error of order h^2 is seen, and the limit (Richardson, from the two finest) is what theory says.
"""

import numpy as np
import pytest
from micro_fe_plain import PlainFE
from voxel_fe_plain import porous_block

from boneabm.mechanics.hexahedron import isotropic_stiffness
from boneabm.mechanics.micro_fe import MicroFE

MODULUS_MPA = 1000.0
SHEAR_COEFFICIENT = 5 / 6  # of a rectangular section for poisson = 0


def solved(modulus, **options):
    solver = MicroFE(1.0, **{"tolerance": 1e-8, **options})
    solver.update(modulus)
    solver.solve()
    return solver


def split(modulus, times):
    """Every voxel cut into times^3 voxels."""
    return modulus.repeat(times, 0).repeat(times, 1).repeat(times, 2)


def richardson(values):
    """Limit of h -> 0 from voxels split twice and three times, error of order h^2."""
    return (9 * values[2] - 4 * values[1]) / 5


def assert_converges_as_h2(values):
    """Values of 1, 2 and 3 times split voxels fall, and their errors go as 1 : 1/4 : 1/9 within a fifth."""
    assert values[0] > values[1] > values[2]
    assert (values[0] - values[1]) / (values[1] - values[2]) == pytest.approx((1 - 1 / 4) / (1 / 4 - 1 / 9), rel=0.2)


def beam_shear(width, length, poisson):
    """12 E I / (L^2 (1 + phi)), phi = 12 E I / (k G A L^2): glued beam under a sideways shift, per cross-section."""
    inertia, area = width**4 / 12, width**2
    coefficient = 10 * (1 + poisson) / (12 + 11 * poisson)
    phi = 24 * (1 + poisson) * inertia / (coefficient * area * length**2)
    return 12 * MODULUS_MPA * inertia / (length**2 * (1 + phi))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_slender_beam_with_glued_ends_bends_as_timoshenko_says(axis):
    """A square beam from face to face, touching no side, under affine shear: both ends shift without turning.

    Affine shear moves both ends as one rigid section each: up to a rotation of the whole, they shift by gamma L
    sideways and do not turn. So C = 12 E I / (L^2 A_box (1 + phi)); poisson = 0, so that
    glued ends squeeze nothing. Both directions of bending are equal; the limit is met to 1e-3.
    """
    length, width = 20, 2
    shape = np.roll([length, width + 2, width + 4], axis)
    modulus = np.zeros(shape, np.float32)
    inside = np.roll(np.array([slice(None), slice(1, 1 + width), slice(2, 2 + width)], dtype=object), axis)
    modulus[tuple(inside)] = MODULUS_MPA
    shears = [3 + place for place, pair in enumerate([(0, 1), (0, 2), (1, 2)]) if axis in pair]
    theory = beam_shear(width, length, 0.0) / ((width + 2) * (width + 4))
    found = []
    for times in (1, 2, 3):
        stiffness = solved(split(modulus, times), boundary="affine", poisson=0.0).stiffness_mpa
        assert stiffness[shears[0], shears[0]] == pytest.approx(stiffness[shears[1], shears[1]], rel=1e-5)
        found.append(stiffness[shears[0], shears[0]] / theory)
    assert_converges_as_h2(found)
    assert richardson(found) == pytest.approx(1, abs=1e-3)


def test_glued_ends_squeeze_a_beam_with_lateral_strain_less_the_longer_it_is():
    """poisson = 0.3: glued ends hinder lateral strain over about one width, an excess that goes as width / length."""
    excess = []
    for length in (20, 40):
        modulus = np.zeros((length, 4, 4), np.float32)
        modulus[:, 1:3, 1:3] = MODULUS_MPA
        fields = [solved(split(modulus, times), boundary="affine") for times in (1, 2, 3)]
        values = [field.stiffness_mpa[4, 4] * 16 / beam_shear(2, length, 0.3) for field in fields]
        assert_converges_as_h2(values)
        excess.append(richardson(values) - 1)
    assert 0 < excess[0] < 0.02
    assert excess[1] == pytest.approx(excess[0] / 2, rel=0.1)


def test_bar_between_frictionless_platens_is_under_uniaxial_stress():
    """Free to widen everywhere: C = E A_bar / A_box and U = E e^2 / 2 in every voxel, whatever Poisson's ratio."""
    modulus = np.zeros((11, 9, 12), np.float32)
    modulus[:, 2:6, 3:10] = MODULUS_MPA
    for poisson in (0.0, 0.3, 0.45):
        solver = solved(modulus, boundary="frictionless", poisson=poisson)
        assert solver.stiffness_mpa[0, 0] == pytest.approx(MODULUS_MPA * 28 / 108, rel=1e-6)
        np.testing.assert_allclose(solver.energy_density([1])[modulus > 0], MODULUS_MPA / 2, rtol=1e-4)


def crank(height, arm, width):
    """Two columns of this height between center lines, side by side, joined by an arm at half the height."""
    modulus = np.zeros((2 * height, width, arm + width), np.float32)
    modulus[: height + width // 2, :, :width] = modulus[height - width // 2 :, :, arm:] = MODULUS_MPA
    modulus[height - width // 2 : height + width // 2] = MODULUS_MPA
    return modulus


def crank_force(height, arm, width):
    """Force per shortening of the crank between glued platens, by center lines (Castigliano).

    Half a turn about the center maps the crank on itself, so the middle of the arm carries no moment, only the force F
    and a thrust X along the arm. With d = arm/2, h = height, s along the arm and t down the column:
    M = F s in the arm, F d + X t in the column, and the middle does not move sideways: dU/dX = 0.
    Thin: X = -3/2 F d/h and F/shortening = E I / (2 d^2 (d/3 + h/4)); here with shear and axial strain.
    """
    bend, stretch = MODULUS_MPA * width**4 / 12, MODULUS_MPA * width**2
    shear = SHEAR_COEFFICIENT * stretch / 2
    d, h = arm / 2, height
    own = d**3 / (3 * bend) + d**2 * h / bend + d / shear + h / stretch
    cross = d * h**2 / (2 * bend)
    thrust = h**3 / (3 * bend) + d / stretch + h / shear
    return 1 / (2 * (own - cross**2 / thrust))


def test_crank_between_glued_platens_springs_as_a_frame():
    """Corners stiffer than center lines: an excess of order width / height that halves in a frame of twice the size."""
    excess = []
    for height, arm in ((16, 24), (32, 48)):
        values = []
        for times in (1, 2, 3):
            solver = solved(split(crank(height, arm, 2), times), boundary="clamped", poisson=0.0)
            area = 2 * (arm + 2)
            values.append(solver.stiffness_mpa[0, 0] * area / (2 * height) / crank_force(height, arm, 2))
        assert_converges_as_h2(values)
        excess.append(richardson(values) - 1)
    assert 0 < excess[1] < 0.05
    assert excess[1] < 0.55 * excess[0]


def cubic_cell(pitch, width):
    """Three square struts through the center of a cube; mirrored at its faces it is the cubic strut lattice."""
    first = (pitch - width) // 2
    inside = [(index >= first) & (index < first + width) for index in np.indices((pitch,) * 3)]
    return np.where(np.sum(inside, axis=0) >= 2, MODULUS_MPA, 0).astype(np.float32)


def test_strut_lattice_along_its_axes_is_as_stiff_as_its_struts():
    """E* = E (a/L)^2 of the struts along the load, raised by joints that at most are rigid: 1/(1 - a/L).

    Rollers are mirror planes, so one cell is the endless lattice; both bounds hold for any voxel size. The share of
    the joints falls as a/L; refinement lets the joint bulge and falls towards a limit inside the bounds.
    """
    excess = []
    for pitch in (8, 16, 32):
        stiffness = [solved(split(cubic_cell(pitch, 2), n), poisson=0.0).stiffness_mpa for n in (1, 2, 3)]
        np.testing.assert_allclose(np.diag(stiffness[0]), stiffness[0][0, 0], rtol=1e-6)
        ratio = np.array([matrix[0, 0] for matrix in stiffness]) / (MODULUS_MPA * (2 / pitch) ** 2)
        assert 1 < ratio[2] < ratio[1] < ratio[0] < 1 / (1 - 2 / pitch)
        excess.append(ratio[2] - 1)
    assert np.array(excess[1:]) == pytest.approx(np.array(excess[:-1]) / 2, rel=0.05)


def strut_shear_energy(pitch, length, width=2):
    """Bending energy of four struts of a cell under unit shear with glued ends, per E: see the test below."""
    inertia, shift, turn = width**4 / 12, pitch / 4, 0.5
    phi = 24 * inertia / (SHEAR_COEFFICIENT * width**2 * length**2)
    work = 12 * shift**2 + 12 * shift * turn * length + (4 + phi) * turn**2 * length**2
    return 4 * MODULUS_MPA * inertia * work / (2 * length**3 * (1 + phi))


def test_strut_lattice_in_shear_bends_its_struts():
    """Unit affine shear zx of one cell: four half struts, fixed in the joint, shifted by L/4 and turned back by 1/2.

    U = E I / (2 l^3 (1 + phi)) (12 w^2 + 12 w t l + (4 + phi) t^2 l^2), w = L/4, t = 1/2, half strut l = L/2: the thin
    limit is 14 E I / L for four struts, 14/3 of the energy of an endless lattice (G = 6 E I / L^4, Gibson & Ashby's
    bending term), because glued ends turn against the bending. Between a joint that ends at the center line, l = L/2,
    and a rigid one, l = (L - a)/2, whatever the joint is. Struts along y only warp at their glued ends: left out.
    """
    excess = []
    for pitch in (16, 32):
        values = []
        for times in (1, 2, 3):
            solver = solved(split(cubic_cell(pitch, 2), times), boundary="affine", poisson=0.0)
            energy = solver.energy_density(np.eye(6)[4])
            first = (pitch // 2 - 1) * times
            bent = energy[:, first : first + 2 * times].sum(dtype=np.float64) / times**3
            values.append(bent / strut_shear_energy(pitch, pitch / 2))
        assert_converges_as_h2(values)
        rigid = strut_shear_energy(pitch, pitch / 2 - 1) / strut_shear_energy(pitch, pitch / 2)
        assert 1 < richardson(values) < rigid
        excess.append(richardson(values) - 1)
    assert excess[1] < 0.5 * excess[0]


def necks(blocks=5, block=3):
    """Cubes in a row along x joined by single voxels, on a foot at the left and under a head at the right."""
    pitch = block + 1
    modulus = np.zeros((3 * block, block, blocks * pitch - 1), np.float32)
    for number in range(blocks):
        modulus[block : 2 * block, :, number * pitch : number * pitch + block] = MODULUS_MPA
    modulus[block + 1, 1, :] = MODULUS_MPA
    modulus[:block, :, :block] = modulus[2 * block :, :, -block:] = MODULUS_MPA
    return modulus


def test_cantilever_of_one_voxel_necks_is_solved_as_by_a_direct_solver():
    """Blocks joined by single voxels carry the load from foot to head; forces balance, field and energy agree."""
    modulus = necks()
    solver, plain = solved(modulus, boundary="clamped"), PlainFE(modulus, "clamped")
    assert max(solver.iterations) <= 60
    exact = plain.solution(0)
    np.testing.assert_allclose(solver.displacement_um[0], exact, atol=1e-6 * np.abs(exact).max())
    energy = plain.energy(exact)
    np.testing.assert_allclose(solver.energy_density([1]), energy, rtol=1e-3, atol=1e-5 * energy.max())
    assert solver.stiffness_mpa[0, 0] == pytest.approx(2 * energy.sum() / modulus.size, rel=1e-5)
    residual, miss = plain.residual(solver.displacement_um[0].astype(float), 0)
    assert residual < 1e-4
    assert miss < 1e-6


def test_hanging_arm_of_one_voxel_necks_carries_nothing():
    """Without its head the cantilever hangs on the foot, which alone is pressed."""
    modulus = necks()
    modulus[6:, :, :3] = MODULUS_MPA
    modulus[6:, :, -3:] = 0
    solver = solved(modulus, boundary="bottom-clamped", poisson=0.0)
    energy = solver.energy_density([1])
    assert energy[:, :, :3].max() == pytest.approx(MODULUS_MPA / 2, rel=0.5)
    assert np.isfinite(energy).all()
    assert energy[:, :, 8:].max() < 1e-6 * energy.max()


@pytest.mark.parametrize("seed", [1, 2])
def test_random_composite_lies_between_reuss_and_voigt(seed):
    """Affine boundary: C_Voigt - C is positive in every direction, so is C - C_Reuss where there is no void."""
    rng = np.random.default_rng(seed)
    factor = 10 ** rng.uniform(-2, 0, (9, 12, 10))
    stiffness = solved(MODULUS_MPA * factor, boundary="affine").stiffness_mpa
    unit = isotropic_stiffness(MODULUS_MPA, 0.3)
    assert np.linalg.eigvalsh(factor.mean() * unit - stiffness).min() > 0
    assert np.linalg.eigvalsh(stiffness - unit / np.mean(1 / factor)).min() > 0


def test_random_bone_lies_below_voigt_and_hashin_shtrikman():
    """Any bone: 0 < C < BV/TV C_bone (affine). Rollers are mirrors, so hydrostatic strain obeys Hashin-Shtrikman:

    K* <= 4 G K f / (4 G + 3 K (1 - f)) for bone of bulk modulus K and shear modulus G with fraction f in void
    (Hashin & Shtrikman 1963, doi 10.1016/0022-5096(63)90060-7).
    """
    for fraction, seed in ((0.25, 4), (0.5, 5), (0.9, 6)):
        mask = solved(np.where(porous_block((18, 16, 20), fraction, seed), MODULUS_MPA, 0)).mask
        bone = np.where(mask, MODULUS_MPA, 0)
        stiffness = solved(bone, boundary="affine").stiffness_mpa
        unit = isotropic_stiffness(MODULUS_MPA, 0.3)
        assert np.linalg.eigvalsh(stiffness).min() > 0
        assert np.linalg.eigvalsh(mask.mean() * unit - stiffness).min() > 0
        bulk, shear, f = MODULUS_MPA / (3 * 0.4), MODULUS_MPA / 2.6, mask.mean()
        limit = 4 * shear * bulk * f / (4 * shear + 3 * bulk * (1 - f))
        assert 0 < solved(bone).stiffness_mpa.sum() / 9 < limit


TURNS = {
    "mirror z": ((0, 1, 2), (0,)),
    "mirror y and x": ((0, 1, 2), (1, 2)),
    "quarter turn about z": ((0, 2, 1), (2,)),
    "cyclic": ((1, 2, 0), ()),
    "transposed and turned over": ((2, 1, 0), (0, 1, 2)),
}


@pytest.fixture(scope="module")
def uneven():
    """Porous block with a different modulus in every voxel, odd sizes."""
    mask = porous_block((13, 18, 15), 0.45, 8)
    return np.where(mask, np.random.default_rng(8).uniform(200, 1000, mask.shape), 0).astype(np.float32)


@pytest.fixture(scope="module")
def uneven_stiffness(uneven):
    return solved(uneven, boundary="affine").stiffness_mpa


@pytest.mark.parametrize("name", TURNS)
def test_turned_bone_has_the_turned_stiffness(name, uneven, uneven_stiffness):
    """Axes permuted and mirrored: the same numbers in other places, shear couplings with the sign of the mirrors."""
    order, mirrored = TURNS[name]
    turned = np.flip(uneven.transpose(order), mirrored)
    pairs = [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)]
    old = [pairs.index(tuple(sorted((order[i], order[j])))) for i, j in pairs]
    sign = np.array([(-1) ** ((i in mirrored) + (j in mirrored)) for i, j in pairs])
    expected = np.outer(sign, sign) * uneven_stiffness[np.ix_(old, old)]
    found = solved(np.ascontiguousarray(turned), boundary="affine").stiffness_mpa
    np.testing.assert_allclose(found, expected, atol=1e-6 * uneven_stiffness.max())


@pytest.mark.parametrize("boundary", ["rollers", "affine", "clamped"])
def test_no_load_gives_no_strain(boundary, uneven):
    solver = solved(uneven, boundary=boundary)
    nothing = np.zeros(solver.cases)
    assert (solver.macro_strain(nothing) == 0).all()
    assert (solver.energy_density(nothing) == 0).all()
    assert (solver.effective_strain(nothing) == 0).all()


def test_combined_cases_are_the_solution_of_the_combined_load(uneven):
    """One direct solution with all six strains at once has the energy that the unit cases combine to."""
    solver = solved(uneven, boundary="affine")
    amplitudes = np.array([0.01, -0.004, 0.006, 0.003, -0.008, 0.005])
    plain = PlainFE(np.where(solver.mask, uneven, 0), "affine")
    plain.start = lambda case: sum(a * PlainFE.start(plain, k) for k, a in enumerate(amplitudes))
    energy = plain.energy(plain.solution(None))
    np.testing.assert_allclose(solver.energy_density(amplitudes), energy, rtol=1e-3, atol=1e-4 * energy.max())
    assert energy.mean() == pytest.approx(0.5 * amplitudes @ solver.stiffness_mpa @ amplitudes, rel=1e-5)


def test_energy_is_a_quadratic_form_in_every_voxel(uneven):
    """U(a + b) + U(a - b) = 2 U(a) + 2 U(b) and U(-2 a) = 4 U(a), voxel by voxel."""
    solver = solved(uneven)
    a, b = np.array([0.01, 0.002, -0.004]), np.array([-0.003, 0.006, 0.005])
    energy = {name: solver.energy_density(v).astype(float) for name, v in
              {"a": a, "b": b, "sum": a + b, "difference": a - b, "double": -2 * a}.items()}  # fmt: skip
    scale = 1e-6 * energy["a"].max()
    np.testing.assert_allclose(
        energy["sum"] + energy["difference"], 2 * energy["a"] + 2 * energy["b"], rtol=1e-4, atol=scale
    )
    np.testing.assert_allclose(energy["double"], 4 * energy["a"], rtol=1e-5, atol=scale)
