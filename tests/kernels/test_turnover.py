"""Turnover kernels against plain twins on random blocks, and the conservation of integer amounts."""

from __future__ import annotations

import numpy as np
import pytest
from turnover_plain import (
    MINERAL_UNIT,
    UNIT,
    amounts,
    claim_plain,
    floor_plain,
    grow_plain,
    mineralize_plain,
    partial_above_plain,
    random_block,
    remove_plain,
    settle_plain,
    sink_plain,
    totals_plain,
)

from boneabm.kernels import blocks, turnover
from boneabm.lattice import Surface, VoxelLattice

SHAPE = (5, 6, 7)
PLANE = 6 * 7
H_UM = 20.0
RATES = (12.0, 0.7, 1 / 1095, 1.2)  # lag d, primary fraction, rate 1/d, full g/cm3
SOLID = ("matrix", "osteoid", "mineral")


def empty_book(shape=SHAPE):
    return np.zeros((3, shape[0], 2), np.int64)


def sums(block, shape=SHAPE):
    """Totals of the block by the kernel."""
    return sums_and_bad(block, shape)[0]


def sums_and_bad(block, shape=SHAPE):
    """Totals of the block and impossible voxels per plane."""
    out, bad = empty_book(shape), np.empty(shape[0], np.int64)
    arrays = tuple(block[name] for name in SOLID)
    blocks.launch(turnover.plane_sums, shape[0], *arrays, shape[1] * shape[2], out, bad)
    return out, bad


def body(block, plane=PLANE):
    return (*(block[name] for name in SOLID), block["osteoid_day"], plane)


def random_layers(block, seed, share=0.6, columns=9):
    """Layers on a random part of the filled voxels; quarter micrometers, so float32 holds them exactly."""
    rng = np.random.default_rng(seed)
    voxel = rng.permutation(np.flatnonzero(block["matrix"] > 0))
    voxel = voxel[: int(share * voxel.size)].astype(np.int32)
    column = rng.integers(0, columns, voxel.size).astype(np.int32)
    top = (np.floor(rng.random(voxel.size) * 160) / 4 - 10).astype(np.float32)
    thick = (np.floor(rng.random(voxel.size) * 79 + 1) / 4).astype(np.float32)
    return voxel, column, top, thick


def random_levels(seed, columns=9):
    return (np.floor(np.random.default_rng(seed).random(columns) * 240) / 4 - 10).astype(np.float32)


def settle(block, layers, level, book, day=3, phase=None):
    moved = np.zeros((level.size, 2), np.int64)
    phase = np.full(level.size, turnover.SLOW, np.uint8) if phase is None else phase
    turnover.settle_layers(day, H_UM, layers, (level, phase), body(block), book, moved)
    return moved


def mineralize(block, day, book, rates=RATES, shape=SHAPE):
    arrays = tuple(block[name] for name in (*SOLID, "born_day", "osteoid_day"))
    blocks.launch(turnover.mineralize, shape[0], day, rates, arrays, shape[1] * shape[2], book)


def slab(thick_um, spacing_um, size_um=420.0, top_um=120.0):
    """Lattice and surface of a flat plate across the block, its upper face at low z."""
    n, a, b = (round(um / spacing_um) for um in (size_um, top_um, top_um + thick_um))
    mask = np.zeros((n, n, n), bool)
    mask[a:b] = True
    lattice = VoxelLattice.from_mask(mask, spacing_um)
    surface = Surface(lattice.shape)
    surface.update(lattice, surface.area_scale(lattice))
    return lattice, surface


def claim(lattice, surface, center, quota_um2, reach_um=75.0, site=0, layers=None):
    """Rows, normals, raw areas and depths of a claim; layers : (layer_of, before_um) of a pit."""
    layer_of, thick = layers or (np.full(lattice.bmu.size, -1, np.int32), np.empty(0, np.float32))
    out = tuple(np.empty(n, t) for n, t in ((4096, "i4"), ((4096, 3), "f4"), (4096, "f4"), (4096, "f4")))
    block = (lattice.matrix.reshape(-1), lattice.bmu.reshape(-1), layer_of, thick)
    geometry = (quota_um2, reach_um, lattice.spacing_um, lattice.shape)
    count = turnover.claim_patch(center, site, *geometry, surface.row, block, out)
    return tuple(array[:count] for array in out)


# amounts


def test_plane_sums_equal_the_plain_totals():
    """Integer totals and first moments per plane, for matrix, osteoid and mineral."""
    block = random_block(1)
    np.testing.assert_array_equal(sums(block), totals_plain(block, SHAPE))


@pytest.mark.parametrize(
    ("name", "value"), [("matrix", 1.5), ("matrix", -0.5), ("osteoid", -0.5), ("osteoid", 2.0), ("mineral", -0.1)]
)
def test_impossible_voxels_are_counted_where_they_are(name, value):
    """More than a voxel holds, less than nothing, more osteoid than matrix: each is one bad voxel of its plane."""
    block = random_block(1)
    assert not sums_and_bad(block)[1].any()
    v = int(np.flatnonzero(block["matrix"] > 0)[-1])
    block[name][v] = value
    expected = np.zeros(SHAPE[0], np.int64)
    expected[v // PLANE] = 1
    np.testing.assert_array_equal(sums_and_bad(block)[1], expected)


@pytest.mark.parametrize("seed", range(5))
def test_layers_follow_their_columns_like_the_plain_twin(seed):
    """Matrix, osteoid, mineral and what every column lost and gained are the same integers; days to 1e-5 d."""
    block, level = random_block(seed), random_levels(seed)
    layers, phase = random_layers(block, seed), np.random.default_rng(seed).integers(1, 5, level.size).astype(np.uint8)
    own, days = amounts(block), block["osteoid_day"].copy()
    stack = list(zip(*(a.tolist() for a in layers), strict=True))
    expected = settle_plain(own, days, stack, level.tolist(), phase.tolist(), 3, H_UM)
    moved = settle(block, layers, level, empty_book(), phase=phase)
    assert amounts(block) == own
    np.testing.assert_array_equal(moved, list(expected.values()))
    np.testing.assert_allclose(block["osteoid_day"], days, atol=1e-5)


@pytest.mark.parametrize("removal", [0.1, 0.7, 2.0])
def test_dissolving_takes_osteoid_and_mineral_in_proportion(removal):
    """Loose voxels lose a fixed fraction, never more than is there; their composition stays."""
    block, book = random_block(2), empty_book()
    before, own = sums(block), amounts(block)
    voxels = np.flatnonzero(block["matrix"] > 0)[::2].astype(np.int32)
    old = {name: block[name].copy() for name in SOLID}
    expected = 0
    for v in voxels:
        expected += remove_plain(own, v, round(max(float(block["matrix"][v]) - removal, 0.0) * UNIT))
    taken = turnover.dissolve(voxels, removal, *(block[name] for name in SOLID), PLANE, book)
    assert taken == expected
    assert amounts(block) == own
    np.testing.assert_array_equal(sums(block), before + book)
    assert (block["osteoid"] <= block["matrix"]).all()
    for name in ("osteoid", "mineral"):
        share = block["matrix"][voxels] / old["matrix"][voxels]
        np.testing.assert_allclose(block[name][voxels], old[name][voxels] * share, atol=2.0**-23)


@pytest.mark.parametrize("day", [0, 4, 30])
def test_mineralization_equals_the_plain_twin(day):
    """Osteoid that leaves, mineral and both days, for fresh, old and mixed voxels; amounts to one unit."""
    block, book = random_block(3), empty_book()
    before = sums(block)
    twin = {name: array.copy() for name, array in block.items()}
    mineralize_plain(twin, day, *RATES)
    mineralize(block, day, book)
    np.testing.assert_array_equal(block["osteoid"], twin["osteoid"])
    np.testing.assert_allclose(block["mineral"], twin["mineral"], rtol=0, atol=1 / MINERAL_UNIT)
    for name in ("born_day", "osteoid_day"):
        np.testing.assert_allclose(block[name], twin[name], rtol=1e-6, atol=1e-5)
    np.testing.assert_array_equal(sums(block), before + book)


def test_threads_change_no_bit_of_mineralization():
    """One and two threads over 40 planes give the same arrays and the same book."""
    shape, threads, results = (40, 12, 13), blocks.get_threads(), []
    try:
        for count in (1, 2):
            blocks.set_threads(count)
            block, book = random_block(4, shape), empty_book(shape)
            mineralize(block, 25, book, shape=shape)
            results.append((*(array.tobytes() for array in block.values()), book.tobytes()))
    finally:
        blocks.set_threads(threads)
    assert results[0] == results[1]


@pytest.mark.parametrize("seed", range(8))
def test_any_sequence_of_operations_conserves_matrix_osteoid_and_mineral(seed):
    """Totals and moments change by exactly what the book says, as integers, for 60 operations in random order.

    Fractions stay within 0..1, osteoid within matrix, and resorbed minus formed of the columns is what left.
    """
    rng = np.random.default_rng(seed)
    block, book = random_block(seed), empty_book()
    start, layers, level = sums(block), random_layers(block, seed), random_levels(seed)
    net = 0
    for day in range(60):
        match rng.choice(["erode", "form", "dissolve", "mineralize"]):
            case "erode" | "form" as kind:
                level += (5 if kind == "erode" else -5) * rng.random(level.size, np.float32)
                moved = settle(block, layers, level, book, day)
                net += int(moved[:, 1].sum() - moved[:, 0].sum())
            case "dissolve":
                free = np.setdiff1d(np.flatnonzero(block["matrix"] > 0), layers[0])[:20].astype(np.int32)
                net -= turnover.dissolve(free, 0.05, *(block[name] for name in SOLID), PLANE, book)
            case "mineralize":
                mineralize(block, day, book)
        np.testing.assert_array_equal(sums(block), start + book)
    assert net == book[0, :, 0].sum()
    for name in ("matrix", "osteoid"):
        assert 0 <= block[name].min() <= block[name].max() <= 1
    assert (block["osteoid"] <= block["matrix"]).all()
    assert block["mineral"].min() >= 0


def test_an_eroded_and_refilled_column_returns_to_its_old_matrix():
    """Level down and back to where it was: every layer holds the same integer amount of matrix again."""
    block, book = random_block(6), empty_book()
    layers, level = random_layers(block, 6), np.full(9, -10, np.float32)
    settle(block, layers, level, book)
    before = block["matrix"].copy()
    for step in np.linspace(0, 47, 30):
        settle(block, layers, level + np.float32(step), book)
    settle(block, layers, level, book)
    np.testing.assert_array_equal(block["matrix"], before)


# claims


@pytest.mark.parametrize("spacing_um", [10.0, 15.0, 20.0, 30.0])
def test_a_claim_has_the_area_of_its_quota(spacing_um):
    """On a flat slab the claimed area misses its quota by at most half a voxel, and by < 3 % averaged over quotas."""
    lattice, surface = slab(180.0, spacing_um)
    n = lattice.shape[0]
    center = (round(120 / spacing_um) * n + n // 2) * n + n // 2
    quotas = np.linspace(2400.0, 3600.0, 41)
    areas = np.array([claim(lattice, surface, center, quota)[2].sum() for quota in quotas])
    assert abs(areas - quotas).max() <= 0.51 * spacing_um**2
    assert areas.mean() == pytest.approx(quotas.mean(), rel=0.03)
    assert claim(lattice, surface, center, 3000.0)[2].sum() == pytest.approx(3000, rel=0.101)


@pytest.mark.parametrize("spacing_um", [10.0, 20.0])
@pytest.mark.parametrize("pit", [False, True])
def test_claims_equal_the_plain_twin(pit, spacing_um):
    """Rows in the same order, normals, areas and depths, on a noisy surface with a part already claimed and a pit."""
    rng = np.random.default_rng(1)
    lattice = VoxelLattice.from_mask(np.indices((12, 12, 12))[0] + rng.integers(0, 3, (12, 12, 12)) > 6, spacing_um)
    matrix, bmu = lattice.matrix.reshape(-1), lattice.bmu.reshape(-1)
    layer_of, thick, dug = np.full(bmu.size, -1, np.int32), np.empty(0, np.float32), np.empty(0, int)
    if pit:
        z, y, x = np.indices(lattice.shape)
        dug = np.flatnonzero((matrix == 1) & ((z < 9) & (abs(y - 6) < 3) & (abs(x - 5) < 3)).reshape(-1))
        thick = rng.uniform(0.6, 1.0, dug.size).astype(np.float32) * np.float32(spacing_um)
        layer_of[dug], matrix[dug], bmu[dug] = np.arange(dug.size), 0, 3
    surface = Surface(lattice.shape)
    surface.update(lattice, 1.0)
    bmu[surface.voxel[::5]] = 4
    held = dict(zip(dug.tolist(), thick.tolist(), strict=True))
    found, quota_um2 = 0, 12.5 * spacing_um**2
    for center in surface.voxel[1:200:23].tolist():
        got = claim(lattice, surface, center, quota_um2, site=3, layers=(layer_of, thick))
        place = (3, quota_um2, 75.0, spacing_um, lattice.shape)
        expected = claim_plain(center, *place, surface.row, matrix, bmu, held)
        assert got[0].tolist() == [row for row, *_ in expected]
        for i, array in enumerate(got[1:], start=1):
            np.testing.assert_allclose(array, [e[i] for e in expected], rtol=1e-5, atol=1e-5)
        found += len(expected)
    assert found > 40


def test_the_walls_of_its_own_pit_are_no_surface_of_a_site():
    """A square pit of two voxels in a slab: a claim around it takes the plane of the old face, as if unbroken."""
    lattice, surface = slab(180.0, H_UM)
    whole = claim(lattice, surface, int(surface.voxel[200]), 9000.0)
    normals, n = {tuple(row) for row in whole[1].tolist()}, lattice.shape[0]
    pit = np.zeros(lattice.shape, bool)
    pit[6:8, 8:11, 8:11] = True
    lattice.matrix[pit], lattice.bmu[pit] = 0, 0
    surface.update(lattice, 1.0)
    layer_of, thick = np.full(pit.size, -1, np.int32), np.full(pit.sum(), H_UM, np.float32)
    layer_of[np.flatnonzero(pit)] = np.arange(pit.sum())
    wall = (7 * n + 9) * n + 11
    assert surface.row[wall] >= 0
    rows, normal, area, depth = claim(lattice, surface, wall, 9000.0, layers=(layer_of, thick))
    assert rows.size > 10
    assert set((surface.voxel[rows] // n**2).tolist()) == {6}
    assert {tuple(row) for row in normal.tolist()} == normals == {(1.0, 0.0, 0.0)}
    np.testing.assert_array_equal(depth, np.float32(0.5 * H_UM))
    np.testing.assert_array_equal(area, np.float32(H_UM**2))


def test_a_claim_stays_on_its_side_of_a_thin_plate():
    """A plate of 40 um: a claim on the upper face takes nothing of the lower face, though it is within reach."""
    lattice, surface = slab(40.0, H_UM)
    rows, *_ = claim(lattice, surface, int(surface.voxel[200]), 30_000.0)
    planes = surface.voxel[rows] // lattice.shape[1] ** 2
    assert set(planes.tolist()) == {6}


def test_a_claim_takes_no_open_surface():
    """Voxels of another site are left out, even when the quota is not met."""
    lattice, surface = slab(180.0, H_UM)
    lattice.bmu[:, :, ::2] = 9
    center = next(v for v in surface.voxel.tolist() if lattice.bmu.reshape(-1)[v] == -1)
    rows, _, area, _ = claim(lattice, surface, center, 9000.0)
    assert (lattice.bmu.reshape(-1)[surface.voxel[rows]] == -1).all()
    assert area.sum() < 9000


def test_partial_matrix_above_a_patch_equals_the_plain_twin():
    """Each unclaimed partial voxel is found once, under its first root, with f h as thickness."""
    block = random_block(7)
    matrix, bmu = block["matrix"], block["bmu"]
    bmu[::11] = 3
    roots = np.flatnonzero((matrix >= 0.5) & (bmu == -1))[:30].astype(np.int32)
    expected = partial_above_plain(roots, SHAPE, matrix, bmu)
    room = 6 * roots.size
    out = (np.empty(room, np.int32), np.empty(room, np.int64), np.empty(room, np.float32))
    n = turnover.partial_above(roots, H_UM, SHAPE, matrix, bmu, *out)
    assert sorted(zip(out[0][:n].tolist(), out[1][:n].tolist(), strict=True)) == sorted(expected)
    np.testing.assert_allclose(out[2][:n], matrix[out[0][:n]] * H_UM, rtol=1e-6)
    assert n > 5


# fronts and floors


def random_front(seed):
    """A block with two sites, random columns whose layers lie in its upper half, and random normals."""
    rng = np.random.default_rng(seed)
    block, columns = random_block(seed), 12
    voxel = rng.permutation(np.flatnonzero(block["matrix"] > 0))[:40].astype(np.int32)
    column = np.arange(40, dtype=np.int32) % columns
    site = rng.integers(0, 2, columns).astype(np.int32)
    block["bmu"][voxel] = site[column]
    top = np.where(np.arange(40) < columns, 0, np.floor(rng.random(40) * 120) / 4).astype(np.float32)
    normal = rng.normal(size=(columns, 3))
    normal = (normal / np.linalg.norm(normal, axis=1, keepdims=True)).astype(np.float32)
    phase = rng.integers(1, 5, columns).astype(np.uint8)
    before = (block["matrix"][voxel] * np.float32(H_UM)).astype(np.float32)
    layers = (voxel, column, top, before, before.copy())
    return block, layers, (random_levels(seed, columns), phase, site, voxel[:columns].copy(), normal)


@pytest.mark.parametrize("seed", range(8))
def test_a_front_grows_like_the_plain_twin(seed):
    """The same new layers, and the same layers moved to a nearer column of their own site."""
    block, layers, columns = random_front(seed)
    layer_of, column_of_root = (np.full(block["matrix"].size, -1, np.int32) for _ in range(2))
    layer_of[layers[0]] = np.arange(layers[0].size)
    column_of_root[columns[3]] = np.arange(columns[3].size)
    rng = np.random.default_rng(seed)
    bone = np.flatnonzero((block["matrix"] >= 0.5) & (rng.random(block["matrix"].size) < 0.3))
    row_of = np.full(block["matrix"].size, -1, np.int32)
    row_of[bone] = np.arange(bone.size)
    normal = rng.normal(size=(bone.size, 3)).astype(np.float32)
    surface = dict(zip(bone.tolist(), normal.astype(float), strict=True))
    names = ("level", "phase", "site", "root", "normal")
    dicts = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    plain = [list(row) for row in zip(*(a.tolist() for a in layers), strict=True)]
    after, fresh = grow_plain(H_UM, SHAPE, plain, dicts, surface, block["matrix"], block["bmu"])
    new = (np.empty(500, np.int32), np.empty(500, np.int32), np.empty(500, np.float32), np.empty(500, np.float32))
    tried = np.full(layer_of.size, -1, np.int32)
    maps = (block["matrix"], block["bmu"], layer_of, tried)
    n = turnover.grow_front(H_UM, SHAPE, layers, (*columns, column_of_root), (row_of, normal), maps, new)
    assert n == len(fresh) > 0
    assert (tried == -1).all()
    np.testing.assert_allclose(np.stack([a[:n] for a in new], axis=1), fresh, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(np.stack(layers, axis=1), after, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(layer_of[new[0][:n]], np.arange(n) + 40)
    np.testing.assert_array_equal(block["bmu"][new[0][:n]], columns[2][new[1][:n]])


@pytest.mark.parametrize("seed", range(5))
def test_floors_sink_like_the_plain_twin(seed):
    """Every patch loses area x amount, its highest columns first, to 1e-3 um; deeper ones wait for the others."""
    rng = np.random.default_rng(seed)
    owner, level = rng.integers(0, 5, 40), (rng.random(40) * 20 - 5).astype(np.float32)
    amount, area = (rng.random(5) * 6)[owner], (300 + 200 * rng.random(40)).astype(np.float32)
    amount[owner == 0] = 0
    order = np.lexsort((level, owner))
    after = level[order]
    turnover.sink_floors(owner[order], amount[order], area[order], after)
    expected = sink_plain(*(a[order].tolist() for a in (owner, amount, area, level)))
    np.testing.assert_allclose(after, expected, atol=1e-3)
    lost = np.bincount(owner[order], area[order] * (after - level[order]).astype(float), 5)
    np.testing.assert_allclose(lost, np.bincount(owner, amount * area, 5), rtol=1e-4, atol=0.1)


def drilled(radius_um):
    """Plate of one voxel layer with a round hole, one column through each voxel of it: (matrix, columns, radii)."""
    shape = (9, 25, 25)
    matrix = np.zeros(shape, np.float32)
    y, x = np.mgrid[:25, :25] - 12
    radius = np.hypot(y, x) * H_UM
    matrix[4] = radius > radius_um
    inside = np.argwhere(radius <= radius_um)
    root = np.array([(2 * 25 + y) * 25 + x for y, x in inside], np.int32)
    normal = np.tile(np.array([1, 0, 0], np.float32), (root.size, 1))
    return matrix, (root, np.full(root.size, 2.0 * H_UM, np.float32), normal), radius[radius <= radius_um]


def nobody(matrix):
    """Layers of a block without any."""
    return np.empty(0, bool), np.full(matrix.size, -1, np.int32)


@pytest.mark.parametrize("reach_um", [40.0, 60.0, 90.0])
def test_a_hole_closes_from_its_rim_by_the_thickness_that_is_laid(reach_um):
    """Of a hole of 150 um radius what lies within the laid thickness of the rim has a floor, within a voxel."""
    matrix, columns, radius_um = drilled(150.0)
    out = np.zeros(columns[0].size, np.uint8)
    reach = np.full(columns[0].size, reach_um, np.float32)
    around = (nobody(matrix), matrix.reshape(-1))
    turnover.find_floors(np.arange(out.size), H_UM, matrix.shape, columns, reach, *around, out)
    assert (out[radius_um > 150.0 - reach_um + H_UM] == turnover.FLOOR).all()
    assert (out[radius_um < 150.0 - reach_um - H_UM] == turnover.NO_FLOOR).all()


def test_a_pin_hole_closes():
    """A hole narrower than the laid thickness is refilled whole."""
    matrix, columns, _ = drilled(45.0)
    out = np.zeros(columns[0].size, np.uint8)
    reach = np.full(columns[0].size, 50.0, np.float32)
    around = (nobody(matrix), matrix.reshape(-1))
    turnover.find_floors(np.arange(out.size), H_UM, matrix.shape, columns, reach, *around, out)
    assert set(out) == {turnover.FLOOR}


def test_bone_goes_on_beyond_a_cut_face():
    """A column whose bottom lies beyond the face of the block has a floor: the trabecula continues outside."""
    matrix, out = np.zeros(125, np.float32), np.zeros(1, np.uint8)
    columns = (np.array([2 * 25 + 12], np.int32), np.full(1, 70, np.float32), np.array([[1, 0, 0]], np.float32))
    turnover.find_floors(np.arange(1), H_UM, (5, 5, 5), columns, np.ones(1, np.float32), nobody(matrix), matrix, out)
    assert out[0] == turnover.FLOOR


@pytest.mark.parametrize("seed", range(4))
def test_floors_equal_the_plain_twin(seed):
    """Floor of every column of random sites, in bone of which a tenth is left, some of it eroded or new."""
    block, _, (level, _, _, root, normal) = random_front(seed)
    rng = np.random.default_rng(seed)
    block["matrix"][rng.random(block["matrix"].size) < 0.9] = 0
    end, floor = np.maximum(level, 0), np.zeros(12, np.uint8)
    reach = (rng.random(12) * 40).astype(np.float32)
    left, layer_of = rng.random(60) < 0.5, nobody(block["matrix"])[1]
    owned = rng.permutation(block["matrix"].size)[:60]
    layer_of[owned] = np.arange(60)
    columns, layers = (root, end, normal), (left, layer_of)
    turnover.find_floors(np.arange(12), H_UM, SHAPE, columns, reach, layers, block["matrix"], floor)
    solid = block["matrix"].copy()
    solid[owned[~left]] = 0
    one = [floor_plain(root[c], end[c], normal[c], reach[c], H_UM, SHAPE, solid) for c in range(12)]
    np.testing.assert_array_equal(floor == turnover.FLOOR, one)
    assert 0 < np.sum(one) < 12
