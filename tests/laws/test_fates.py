"""Laws of what becomes of bone and cells: loose pieces dissolve, osteoblasts end as the parameters and TGF-b say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_bone import quiet_bone, run_until_closed, slab, start_site

from boneabm.engine.day import Rule
from boneabm.kernels.turnover import FLOOR, FORMATION, SCALE
from boneabm.remodeling import formation
from boneabm.remodeling.resorption import open_columns, patch_around

SPACING_UM = 20.0
PIECES = ((slice(22, 26), slice(8, 12), slice(14, 18)), (slice(23, 25), slice(20, 22), slice(4, 9)))
"""Two boxes of voxels in marrow: 4 x 4 x 4, and 2 x 2 x 5."""


def test_a_loose_piece_is_one_event_and_dissolves_over_days():
    """Event with day, volume and center at the next search, none at later ones; another piece has its own event.

    A tenth of every voxel leaves per day; what leaves is what the pieces were, and books close every day.
    """
    mask = np.zeros((30, 30, 30), bool)
    mask[4:14] = True
    body = np.flatnonzero(mask)
    mask[PIECES[0]] = True
    simulation = quiet_bone(mask, SPACING_UM)
    tissue, rules = simulation.tissue, simulation.rules
    often = rules.fragments._replace(check_d=2)
    assert often.removal_per_d == 0.1
    simulation.rules = replace(rules, fragments=often)
    seen, left, removed = [], [], 0
    while simulation.day < 16:
        if simulation.day == 3:
            tissue.lattice.matrix[PIECES[1]] = 1.0
            simulation.reset_ledger()
        simulation.step()
        seen += tissue.today.events
        removed += tissue.today.dissolved
        left.append([float(tissue.lattice.matrix[piece].mean()) for piece in PIECES])
    assert [(e["event"], e["day"]) for e in seen] == [("fragment", 2), ("fragment", 4)]
    voxels = [64, 20]
    for event, piece in zip(seen, PIECES, strict=True):
        center = [0.5 * (axis.start + axis.stop) * SPACING_UM for axis in piece]
        assert [event["z_um"], event["y_um"], event["x_um"]] == center
    volumes = [event["volume_um3"] for event in seen]
    assert volumes == [count * SPACING_UM**3 for count in voxels]
    first, second = np.array(left).T
    np.testing.assert_allclose(first[1:12], np.linspace(1.0, 0.0, 11), atol=1e-6)
    np.testing.assert_allclose(second[3:14], np.linspace(1.0, 0.0, 11), atol=1e-6)
    assert left[-1] == [0.0, 0.0]
    assert removed == sum(voxels) * SCALE
    assert (tissue.flat("matrix")[body] == 1.0).all()
    assert tissue.dissolved.n == 0


def test_a_loose_piece_beside_a_site_is_neither_its_hole_nor_its_cut():
    """What dissolves within the box of a site but hangs on nothing of it changes no shape there; no row of it stays."""
    alone, beside = slab(), slab()
    _, y, x = beside.tissue.lattice.shape
    top = int(np.argwhere(beside.tissue.lattice.bone[:, y // 2, x // 2]).max())
    beside.tissue.lattice.matrix[top + 3, y // 2 - 2 : y // 2 + 2, x // 2 + 8 : x // 2 + 11] = 1.0
    beside.reset_ledger()
    ends = []
    for simulation in (alone, beside):
        start_site(simulation)
        ends.append(run_until_closed(simulation))
    assert [e["event"] for e in ends[0]] == ["site_closed"]
    assert sorted(e["event"] for e in ends[1]) == ["fragment", "site_closed"]
    assert [e["euler_change"] for e in ends[1] if e["event"] == "site_closed"] == [0]
    simulation.step()
    assert beside.tissue.dissolved.n == 0


def ended(laid_share, psi=1.0, count=20000):
    """A slab with a refilled site of 50 um whose osteoblasts have all ended on day 100, not before.

    laid_share : osteocytes per osteoblast that the density asks for in what each has laid
    """
    simulation = slab()
    tissue, rules = simulation.tissue, simulation.rules
    tissue.osteocytes.clear()
    simulation.state.strain.psi[...] = psi
    number = start_site(simulation)
    start = int(tissue.sites["voxel"][0])
    columns = open_columns(tissue, patch_around(tissue, number, start, 8e4, 400.0), number, -1, 0)
    tissue.columns["phase"][columns], tissue.columns["floor"][columns] = FORMATION, FLOOR
    tissue.columns["end_um"][columns] = 50.0
    laid_um3 = laid_share / rules.osteocyte.density_per_mm3 * 1e9
    roots = np.resize(tissue.columns["root"][columns], count)
    tissue.osteoblasts.create(count, voxel=roots, site=number, birth_day=0, life_d=100.0, laid_um3=laid_um3)
    for day in (99, 100):
        assert tissue.osteoblasts.n == count
        fate = (tissue, simulation.state.strain.psi, 1, day, rules.osteoblast, rules.osteocyte)
        formation.age_osteoblasts(*fate)
    return simulation


def assert_share(found, count, share):
    """A count of independent draws is its share within four standard deviations."""
    assert abs(found - count * share) <= 4.0 * np.sqrt(count * share * (1.0 - share))


@pytest.mark.parametrize(("laid_share", "buried"), [(0.28, 0.28), (0.05, 0.05), (1.0, 0.4)])
def test_osteoblasts_die_line_or_are_buried_in_their_shares(laid_share, buried):
    """None stays after its life. Buried: density x laid volume; 60 % die, so that never more than 40 % are buried.

    The dead and those that line the surface (the rest) are not kept.
    """
    simulation = ended(laid_share)
    assert simulation.rules.osteoblast.death_fraction == 0.6
    assert simulation.tissue.osteoblasts.n == 0
    assert_share(simulation.tissue.osteocytes.n, 20000, buried)


def test_buried_osteoblasts_lie_anywhere_in_the_new_bone_at_rest_under_its_strain():
    """Depth even over the 50 um of the refilled cavity; memory and set point of what is felt there, a stimulus of 2."""
    simulation = ended(0.28, psi=2.0)
    tissue, p = simulation.tissue, simulation.rules.osteocyte
    cells, shape = tissue.osteocytes, tissue.lattice.shape
    z, y, x = np.unravel_index(cells["voxel"], shape)
    top = np.unravel_index(tissue.sites["voxel"][0], shape)[0]
    depth = top - z
    for voxels, share in enumerate((0.4, 0.4, 0.2)):
        assert_share((depth == voxels).sum(), cells.n, share)
    assert set(zip(y, x, strict=True)) <= set(zip(*np.unravel_index(tissue.columns["root"], shape)[1:], strict=True))
    assert (cells["birth_day"] == 100).all()
    np.testing.assert_allclose(cells["memory"], 2.0**p.stimulus_exponent, rtol=1e-6)
    np.testing.assert_allclose(cells["set_point"], p.own_history_share * np.log(2.0), rtol=1e-6)


def test_a_site_leaves_as_many_osteocytes_as_its_new_bone_asks_for():
    """Osteocytes born with a wide site: density x formed volume within 20 %, four deviations of so many draws."""
    simulation = slab(edge_um=1200.0)
    wide = simulation.rules.activation._replace(site_area_um2=4e5, site_area_spread=0.0)
    team = simulation.rules.osteoclast._replace(team=70)
    simulation.rules = replace(simulation.rules, activation=wide, osteoclast=team)
    start_site(simulation)
    record = run_until_closed(simulation)[-1]
    born = int((simulation.tissue.osteocytes["birth_day"] > 0).sum())
    asked = simulation.rules.osteocyte.density_per_mm3 * record["formed_um3"] * 1e-9
    assert asked > 200
    assert born == pytest.approx(asked, rel=0.20)


def refilled(released=1.0):
    """(lives of its first osteoblasts, record) of a site that tells osteoblasts only a share of what it released."""
    simulation = slab()
    columns = simulation.tissue.columns
    lives, kept = [], []

    def understate(sim):
        kept.append(columns["released"].copy())
        columns["released"][:] = kept[-1] * released

    def restate(sim):
        columns["released"][:] = kept[-1]
        if not lives and sim.tissue.osteoblasts.n:
            lives.extend(sim.tissue.osteoblasts["life_d"].tolist())

    at = [rule.name for rule in simulation.day_rules].index("lives")
    words = "only while osteoblasts are recruited"
    around = (Rule("understate", words, understate), simulation.day_rules[at], Rule("restate", words, restate))
    simulation.day_rules = (*simulation.day_rules[:at], *around, *simulation.day_rules[at + 1 :])
    start_site(simulation)
    record = run_until_closed(simulation)[-1]
    return np.array(lives), record


def test_released_matrix_sets_how_long_osteoblasts_work_and_what_they_lay():
    """Half the released volume: the same osteoblasts live half as long, and the wall is 56 % of what it was.

    Not half, because apposition slows from 1 to c as a cavity closes: (1 - sqrt(c)) / (1 - c) of it in half the time.
    """
    (lives, record), (halved, half) = refilled(), refilled(0.5)
    assert lives.size > 10
    np.testing.assert_allclose(halved, 0.5 * lives, rtol=1e-5)
    assert half["eroded_um3"] == record["eroded_um3"]
    closing = slab().rules.osteoblast.closing_fraction
    share = (1.0 - np.sqrt(closing)) / (1.0 - closing)
    assert half["wall_um"] == pytest.approx(share * record["wall_um"], rel=0.06)
    assert half["formed_um3"] == pytest.approx(share * record["formed_um3"], rel=0.06)


def test_a_site_on_flat_bone_releases_what_lies_below_its_area():
    """Volume over area x depth is 1 within 10 %, so that osteoblasts live as long as their wall takes."""
    simulation = slab()
    start_site(simulation)
    while simulation.tissue.osteoblasts.n == 0:
        simulation.step()
    share = formation.released_share(simulation.tissue, np.arange(simulation.tissue.columns.n))
    np.testing.assert_allclose(share, 1.0, atol=0.10)
