"""Laws of the cytokine fields: balance, reciprocity, exact profiles, following days, threads, restart."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.ndimage import binary_dilation, gaussian_filter

from boneabm.errors import InputError
from boneabm.fields.binding import free_ligand, free_ligand_array
from boneabm.fields.cytokine import CytokineField
from boneabm.fields.two_grid import ConjugateGradients
from boneabm.kernels import blocks

SPECIES = ("rankl", "opg", "sclerostin")


def blobs(shape, seed=0, share=0.25, grain=4.0):
    """Random smooth bone of the given share, with partly filled voxels at its surface."""
    smooth = gaussian_filter(np.random.default_rng(seed).standard_normal(shape), grain, mode="nearest")
    solid = smooth > np.quantile(smooth, 1 - share)
    return np.clip(gaussian_filter(solid.astype(np.float32), 0.6), 0, 1)


def point_sources(matrix, seed, count=1):
    """Sources in some bone voxels on a weak background, (count, Z, Y, X)."""
    rng = np.random.default_rng(seed)
    points = (rng.random((count, *matrix.shape)) < 0.1) & (matrix > 0.5)
    return (50 * points + 0.1).astype(np.float32)


def converged(field, index, source):
    """The same discrete problem solved by conjugate gradients on the fine grid to 1e-6."""
    solver = ConjugateGradients(field._two_grid.fine)
    solver.residual[:] = source
    solver.solve(2000, 1e-6)
    return solver.solution


def relative_error(value, expected):
    return np.linalg.norm(value - expected) / np.linalg.norm(expected)


def built(matrix, lengths=(19.5, 75.0, 50.0), species=("rankl",)):
    field = CytokineField(matrix.shape, *lengths, species)
    field.set_geometry(matrix)
    return field


def solve_well(field, sources):
    """Far below the tolerance of a cold solve, for comparison with exact answers."""
    field.solve(sources)
    for index, _ in itertools.product(range(len(field.species)), range(10)):
        field._cycle(index, 12)


def test_uniform_source_gives_uniform_field():
    """c = s everywhere, whatever the bone, when production is uniform."""
    field = built(blobs((21, 18, 24)))
    field.solve(np.full((1, 21, 18, 24), 3.5, np.float32))
    np.testing.assert_allclose(field.total("rankl"), 3.5, rtol=1e-4)


@pytest.mark.parametrize("lengths", [(19.5, 75.0, 50.0), (19.5, 75.0, 0.0), (10.0, 100.0, 100.0), (40.0, 50.0, 50.0)])
def test_decay_equals_production(lengths):
    """Sum of c equals sum of s after a cold solve and after warm days, to 1e-4."""
    matrix = blobs((32, 27, 30))
    field = built(matrix, lengths)
    sources = point_sources(matrix, 1)
    field.solve(sources)
    assert field.residual("rankl") <= 1e-3
    assert field.mass_balance("rankl", sources[0]) == pytest.approx(1, abs=1e-4)
    for seed in range(2, 5):
        sources = sources + 0.2 * point_sources(matrix, seed)
        assert field.advance(sources) == ["rankl"]
        assert field.mass_balance("rankl", sources[0]) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("length_per_voxel", [3.0, 10.0])
def test_plane_source_decays_as_a_cosh(axis, length_per_voxel):
    """A source on the face of a uniform box: c = A cosh((L - x) / lambda), exact for the discrete lattice too.

    On the lattice the decay per voxel q solves g (q + 1/q - 2) = 1 with g = (lambda / h)^2, and the no-flux faces
    lie half a voxel outside the outermost centers: c[i] ~ cosh(k (n - i - 1/2)), k = -ln q; sum(c) = sum(s).
    """
    shape = [8, 8, 8]
    shape[axis] = count = 41
    source = np.zeros(shape, np.float32)
    np.moveaxis(source, axis, 0)[0] = 100
    field = CytokineField(tuple(shape), 10.0, 10 * length_per_voxel, 10 * length_per_voxel, ("rankl",))
    solve_well(field, source[None])
    rate = math.acosh(1 + 1 / (2 * length_per_voxel**2))
    profile = np.cosh(rate * (count - np.arange(count) - 0.5))
    expected = 100 * profile / profile.sum()
    found = np.moveaxis(field.total("rankl"), axis, 0)
    assert rate == pytest.approx(1 / length_per_voxel, rel=0.01)
    np.testing.assert_allclose(found, np.broadcast_to(expected[:, None, None], found.shape), 1e-3, 1e-4 * expected[0])


def test_two_layers_join_with_equal_flux():
    """Bone beside marrow, source at the bone end: cosh decay with the rate of each layer, joined by the harmonic face.

    In marrow c = B cosh(k_m (n - i - 1/2)). In bone the recurrence g_b (c[i-1] - c[i]) = c[i] + flux to i + 1 is
    followed back from the interface; the amplitude follows from sum(c) = sum(s).
    """
    count, border = 40, 20
    g_bone, g_marrow = (60 / 20) ** 2, (120 / 20) ** 2
    g_face = 2 * g_bone * g_marrow / (g_bone + g_marrow)
    rate = math.acosh(1 + 1 / (2 * g_marrow))
    c = np.empty(count)
    c[border:] = np.cosh(rate * (count - np.arange(border, count) - 0.5))
    flux = c[border:].sum()
    c[border - 1] = c[border] + flux / g_face
    for i in range(border - 2, -1, -1):
        flux += c[i + 1]
        c[i] = c[i + 1] + flux / g_bone
    matrix = np.zeros((count, 6, 7), np.float32)
    matrix[:border] = 1
    source = np.zeros_like(matrix)
    source[0] = 10
    field = built(matrix, (20.0, 120.0, 60.0))
    solve_well(field, source[None])
    expected = 10 * c / c.sum()
    for row in itertools.product(range(6), range(7)):
        np.testing.assert_allclose(field.total("rankl")[:, row[0], row[1]], expected, 1e-3, 1e-4 * expected[0])


def test_response_is_symmetric():
    """A unit source at a heard at b equals one at b heard at a, in bone and marrow of different lambda."""
    matrix = blobs((21, 22, 23), seed=3)
    field = built(matrix, (20.0, 75.0, 30.0), ("a", "b"))
    a, b = np.argwhere(matrix > 0.9)[5], np.argwhere(matrix < 0.1)[900]
    sources = np.zeros((2, *matrix.shape), np.float32)
    sources[0][tuple(a)] = sources[1][tuple(b)] = 1000
    solve_well(field, sources)
    heard_at_b, heard_at_a = field.total("a")[tuple(b)], field.total("b")[tuple(a)]
    assert heard_at_b == pytest.approx(heard_at_a, rel=1e-4)


@pytest.mark.parametrize("drug_pm", [0.0, 5.0, 2000.0])
def test_binding_is_at_equilibrium(drug_pm):
    """Free + on decoy + on drug = total to 1e-10, from traces of ligand to a thousandfold excess."""
    for ligand, decoy, k in itertools.product((1e-6, 0.1, 30.0, 1e6), (0.0, 1.0, 1000.0), (1e-3, 1.0, 50.0)):
        free = free_ligand(ligand, decoy, k, drug_pm, 0.333)
        parts = free + 0.333 * drug_pm * free + decoy * k * free / (1 + k * free)
        assert abs(parts - ligand) <= 1e-10 * ligand
        assert 0 < free <= ligand


def test_drug_alone_divides_the_ligand():
    """Without decoy the free ligand is L / (1 + k_drug drug): sclerostin under romosozumab."""
    assert free_ligand(50.0, 0.0, 0.0, 30.0, 0.1) == pytest.approx(12.5)
    assert free_ligand(-1e-3, 100.0, 1e-3) == 0


def moving_sites(matrix, days, seed):
    """Sources of a remodeling scenario: osteocytes, lining cells and sites that live 40 days, (Z, Y, X) per day."""
    rng = np.random.default_rng(seed)
    surface = (matrix < 0.5) & binary_dilation(matrix >= 0.5)
    base = 10 * ((rng.random(matrix.shape) < 0.15) & (matrix > 0.5)) + 0.3 * surface
    places, births = np.argwhere(surface), rng.integers(-40, days, 25)
    centers = places[rng.integers(len(places), size=births.size)]
    where = np.indices(matrix.shape).transpose(1, 2, 3, 0)
    balls = [((where - center) ** 2).sum(-1) <= 4 for center in centers]
    for day in range(days):
        source = base.copy()
        for ball, birth in zip(balls, births, strict=True):
            source += 15 * ball * max(0.0, math.sin(math.pi * (day - birth) / 40)) ** 2 * (day < birth + 40)
        yield source.astype(np.float32)


@pytest.mark.parametrize("lengths", [(19.5, 75.0, 50.0), (10.0, 100.0, 100.0)])
def test_warm_days_follow_the_converged_field(lengths):
    """Over 12 days of moving sources the surface stays within 2 % (L2) of a converged solution, updated or not.

    The field follows once its sources have moved by 5 %, which diffusion smooths to less than half at the surface.
    """
    matrix = blobs((48, 45, 50), seed=5)
    surface = (matrix < 0.5) & binary_dilation(matrix >= 0.5)
    field = built(matrix, lengths)
    days = moving_sites(matrix, 13, seed=6)
    field.solve(next(days)[None])
    updates, errors = 0, []
    for day, source in enumerate(days):
        updated = field.advance(source[None])
        updates += len(updated)
        if day % 2:
            expected = converged(field, 0, source)
            errors.append(relative_error(field.total("rankl")[surface], expected[surface]))
    assert 4 <= updates < 12
    assert max(errors) <= 0.02


def test_systemic_change_is_followed_exactly():
    """When all sources grow by 10 % the field grows by 10 %, and stays as near to the solution as it was (0.1 %)."""
    matrix = blobs((30, 30, 30), seed=7)
    field, sources = built(matrix), point_sources(matrix, 8)
    field.solve(sources)
    field.advance(1.1 * sources)
    assert relative_error(field.total("rankl"), converged(field, 0, 1.1 * sources[0])) <= 0.001


def test_species_wait_until_their_sources_have_moved():
    """A species is updated once its pattern since the last update, not since yesterday, has moved by 5 %.

    Growth of all its sources alike needs no update: the field is scaled.
    """
    matrix = blobs((20, 20, 20), seed=9)
    field, sources = built(matrix, species=SPECIES), point_sources(matrix, 10, 3)
    field.solve(sources)
    before = field.total("sclerostin").copy()
    pattern = np.where(np.arange(20) < 10, np.float32(1), np.float32(-1))
    growth = np.array([0.08, 0.02, 0.0], np.float32)[:, None, None, None] * pattern
    found = [field.advance(sources * (1 + day * growth)) for day in range(1, 5)]
    assert found == [["rankl"], ["rankl"], ["rankl", "opg"], ["rankl"]]
    opg = field.total("opg").copy()
    latest = sources * (1 + np.array([4, 3, 4], np.float32)[:, None, None, None] * growth)
    assert field.advance(latest * np.array([1, 1.01, 1], np.float32)[:, None, None, None]) == []
    np.testing.assert_allclose(field.total("opg"), 1.01 * opg, rtol=1e-3)
    np.testing.assert_array_equal(field.total("sclerostin"), before)


def test_a_silent_species_stays_zero_until_it_speaks():
    """No source, no field; the first source is a large change and is followed."""
    field = built(blobs((12, 12, 12)), species=("rankl",))
    silent = np.zeros((1, 12, 12, 12), np.float32)
    field.solve(silent)
    assert field.advance(silent) == []
    assert not field.total("rankl").any()
    speaking = silent + np.float32(1)
    assert field.advance(speaking) == ["rankl"]
    np.testing.assert_allclose(field.total("rankl"), 1, rtol=0.01)


def test_every_thirtieth_day_repairs_a_stale_field():
    """A field whose residual exceeds 1 % gets another cycle at the 30th call although its sources rest."""
    matrix = blobs((16, 16, 16), seed=11)
    field, sources = built(matrix), point_sources(matrix, 12)
    field.solve(sources)
    field.total("rankl")[4:8] *= 1.5
    stale = field.residual("rankl")
    assert [field.advance(sources) for _ in range(29)] == [[]] * 29
    assert field.advance(sources) == ["rankl"]
    assert field.residual("rankl") < 0.5 * stale


def three_days(field, matrix):
    """Totals after days with small, large and geometry changes."""
    sources = point_sources(matrix, 20, len(field.species))
    field.solve(sources)
    field.advance(1.05 * sources)
    field.set_geometry(np.roll(matrix, 1, axis=0))
    field.advance(1.06 * sources)
    field.advance(1.5 * sources)
    return field.state_arrays()["totals"]


def test_threads_change_no_bit():
    """One and two threads give the same fields, binding included, bit for bit."""
    matrix = blobs((25, 20, 23), seed=13)
    threads = blocks.get_threads()
    results = []
    try:
        for count in (1, 2, 3):
            blocks.set_threads(count)
            totals = three_days(built(matrix, species=SPECIES), matrix)
            results.append((totals, free_ligand_array(totals[0], totals[1], 1e-3, 5.0, 0.333)))
    finally:
        blocks.set_threads(threads)
    for totals, free in results[1:]:
        np.testing.assert_array_equal(totals, results[0][0])
        np.testing.assert_array_equal(free, results[0][1])


def test_restored_field_continues_bit_for_bit():
    """Saved between any two days, also just after a change of geometry, a field goes on as if never saved."""
    matrix = blobs((20, 21, 22), seed=14)
    sources = point_sources(matrix, 15, 3)
    field, twin = (built(matrix, species=SPECIES) for _ in range(2))
    for each in (field, twin):
        each.solve(sources)
    for day in range(1, 34):
        if day == 12:
            field.set_geometry(np.roll(matrix, 1, axis=1))
        if day in (3, 12, 30):
            twin = CytokineField(field.shape, 19.5, 75.0, 50.0, SPECIES)
            twin.restore(field.state_arrays())
        today = (sources * np.float32(1.013) ** day).astype(np.float32)
        assert field.advance(today) == twin.advance(today)
        for name in SPECIES:
            np.testing.assert_array_equal(field.total(name), twin.total(name))


def test_geometry_change_is_the_share_of_matrix_that_moved():
    """Zero for the same matrix, the moved amount over the built amount otherwise; infinite from nothing."""
    matrix = np.zeros((10, 10, 10), np.float32)
    matrix[:5] = 1
    field = CytokineField(matrix.shape, 20.0, 75.0, 50.0, ("rankl",))
    assert field.geometry_change(np.zeros_like(matrix)) == 0
    assert math.isinf(field.geometry_change(matrix))
    field.set_geometry(matrix)
    assert field.geometry_change(matrix) == 0
    moved = matrix.copy()
    moved[4, 0, :], moved[5, 0, :] = 0, 0.4
    assert field.geometry_change(moved) == pytest.approx((10 + 4) / 500)


def test_new_geometry_is_followed_the_same_day():
    """After bone moved every species gets three cycles and lands within 1 % of the converged field."""
    matrix = blobs((30, 31, 32), seed=16)
    field, sources = built(matrix), point_sources(matrix, 17)
    field.solve(sources)
    field.set_geometry(blobs((30, 31, 32), seed=16, share=0.22))
    assert field.advance(sources) == ["rankl"]
    assert field.advance(sources) == []
    assert relative_error(field.total("rankl"), converged(field, 0, sources[0])) <= 0.01


def test_memory_stays_below_45_bytes_per_voxel():
    """Three species with their working arrays, at a size where borders weigh little."""
    field = CytokineField((96, 96, 96), 20.0, 75.0, 50.0, SPECIES)
    assert field.nbytes() <= 45 * 96**3


def small_field():
    return CytokineField((9, 9, 9), 20.0, 75.0, 50.0, SPECIES)


@pytest.mark.parametrize(
    ("what", "call"),
    [
        ("shape", lambda: CytokineField((3, 9, 9), 20.0, 75.0, 50.0, SPECIES)),
        ("spacing_um", lambda: CytokineField((9, 9, 9), 0.0, 75.0, 50.0, SPECIES)),
        ("lengths", lambda: CytokineField((9, 9, 9), 20.0, 0.0, 0.0, SPECIES)),
        ("species", lambda: CytokineField((9, 9, 9), 20.0, 75.0, 50.0, ("opg", "opg"))),
        ("Did you mean", lambda: small_field().total("rank")),
        ("outside 0..1", lambda: small_field().set_geometry(np.full((9, 9, 9), 2))),
        ("needed", lambda: small_field().advance(np.zeros((2, 9, 9, 9)))),
        ("not finite", lambda: small_field().solve(np.full((3, 9, 9, 9), np.nan))),
        ("lacks", lambda: small_field().restore({})),
        ("differ", lambda: free_ligand_array(np.zeros((2, 2, 2)), np.zeros((2, 2, 3)), 1.0)),
    ],
)
def test_wrong_input_is_named(what, call):
    """Errors say what is wrong."""
    with pytest.raises(InputError, match=what):
        call()
