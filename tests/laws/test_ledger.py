"""Nothing appears or vanishes: the ledger closes exactly every day, and names the voxel where it does not."""

from __future__ import annotations

import numpy as np
import pytest
from small_bone import block

from boneabm.engine.ledger import lattice_totals
from boneabm.errors import LedgerError
from boneabm.kernels.turnover import SCALE

BUSY = {"parameters": {"activation.frequency_per_y": 0.16}, "simulation": {"burn_in": "60 d"}}


def test_volumes_of_all_days_add_up_to_the_change_of_the_bone():
    """Bone before + formed - resorbed - dissolved of every day = bone after, as integers."""
    simulation = block(**BUSY)
    before = lattice_totals(simulation.tissue)[0][0, :, 0].sum()
    moved = 0
    for _ in range(90):
        simulation.step()
        today = simulation.tissue.today
        moved += today.formed - today.resorbed - today.dissolved
    after = lattice_totals(simulation.tissue)[0][0, :, 0].sum()
    assert simulation.tissue.next_site > 0
    assert after - before == moved
    assert after / SCALE == pytest.approx(simulation.tissue.lattice.matrix.sum(dtype=np.float64), rel=1e-12)


@pytest.mark.parametrize(("name", "word"), [("matrix", "matrix"), ("osteoid", "osteoid"), ("mineral", "mineral")])
def test_a_change_without_entry_is_found_and_located(name, word):
    """A rule that writes to the lattice behind the ledger's back stops the run with day, quantity and voxel."""
    simulation = block()
    z, y, x = (int(i) for i in np.argwhere(simulation.tissue.lattice.matrix == 1)[1234])

    def forge(sim):
        getattr(sim.tissue.lattice, name)[z, y, x] = 0.25

    rules = list(simulation.day_rules)
    rules.insert(-2, rules[0]._replace(name="forge", run=forge))
    simulation.day_rules = tuple(rules)
    with pytest.raises(LedgerError, match=rf"Day -19: {word} .*\({z}, {y}, {x}\)"):
        simulation.step()


def test_an_impossible_voxel_stops_the_run():
    """More osteoid than matrix is refused even where it was booked."""
    simulation = block()
    z, y, x = (int(i) for i in np.argwhere(simulation.tissue.lattice.matrix == 0)[99])
    simulation.tissue.lattice.osteoid[z, y, x] = 0.5
    simulation.reset_ledger()
    with pytest.raises(LedgerError, match="impossible voxel"):
        simulation.step()
