"""The simulation is a Mesa model: agents, sets, DataCollector and batch_run behave as Mesa users expect."""

from __future__ import annotations

import gc

import mesa
import numpy as np
import pytest
from small_bone import block, scenario

from boneabm.build import model
from boneabm.cells import Osteoblast, Osteoclast, Osteocyte


@pytest.fixture(scope="module")
def simulation():
    """A quick block with all three kinds of cells at work."""
    made = block(parameters={"activation.frequency_per_y": 0.16}, simulation={"burn_in": "0 d"})
    while made.tissue.osteoblasts.n == 0:
        made.step()
        assert made.day < 400
    return made


def test_it_is_a_mesa_model(simulation):
    """`step()` is one day and Mesa counts it."""
    assert isinstance(simulation, mesa.Model)
    day, steps = simulation.day, simulation.steps
    simulation.step()
    assert (simulation.day, simulation.steps) == (day + 1, steps + 1)


def test_sets_see_every_cell(simulation):
    """Counts, mixed sets, attribute access and grouping agree with the columns, also after garbage collection."""
    gc.collect()
    tissue = simulation.tissue
    by_type = simulation.agents_by_type
    assert len(by_type[Osteocyte]) == tissue.osteocytes.n
    assert len(simulation.agents) == tissue.osteocytes.n + tissue.osteoclasts.n + tissue.osteoblasts.n
    assert set(simulation.agent_types) == {Osteocyte, Osteoclast, Osteoblast}
    calm = by_type[Osteocyte].select(lambda cell: cell.signal > 1.0)
    assert len(calm) == (tissue.osteocytes["signal"] > 1.0).sum()
    assert by_type[Osteocyte].agg("signal", np.mean) == pytest.approx(tissue.osteocytes["signal"].mean(), rel=1e-5)
    groups = by_type[Osteoblast].groupby("site").count()
    assert sum(groups.values()) == tissue.osteoblasts.n
    cell = next(iter(by_type[Osteoblast]))
    z, y, x = cell.pos
    assert tissue.column_of_root[np.ravel_multi_index((z, y, x), tissue.lattice.shape)] >= 0


def test_data_collector(simulation):
    """Model and agent reporters work as on any Mesa model."""
    collector = mesa.DataCollector(
        model_reporters={"BV/TV": lambda m: m.tissue.lattice.bv_tv},
        agenttype_reporters={Osteoclast: {"mode": "mode", "site": "site"}},
    )
    collector.collect(simulation)
    frame = collector.get_model_vars_dataframe()
    assert frame["BV/TV"].iloc[0] == simulation.tissue.lattice.bv_tv
    assert len(collector.get_agenttype_vars_dataframe(Osteoclast)) == simulation.tissue.osteoclasts.n


def test_batch_run():
    """mesa.batch_run drives boneabm.model by keywords and collects a row per run."""
    from mesa.batchrunner import batch_run

    small = scenario(simulation={"burn_in": "2 d"})
    settings = {"scenario": [small], "seed": [1, 2]}
    rows = batch_run(model, parameters=settings, number_processes=1, max_steps=3, display_progress=False)
    assert [row["seed"] for row in rows] == [1, 2]
    assert all(row["day"] >= 3 for row in rows)
    assert all(row["osteocytes"] > 1000 for row in rows)


def test_a_cell_can_be_removed(simulation):
    """Removing an osteoclast by hand leaves a patch that gets a successor; the run goes on and the ledger closes."""
    tissue = simulation.tissue
    for _ in range(400):
        digging = [cell for cell in simulation.agents_by_type[Osteoclast] if cell.mode in (1, 2)]
        if digging:
            break
        simulation.step()
    count = len(simulation.agents)
    number = digging[0].unique_id
    patch = tissue.columns["root"][tissue.columns["owner"] == number].copy()
    digging[0].remove()
    assert not digging[0].alive
    assert len(simulation.agents) == count - 1
    simulation.step()
    columns = tissue.column_of_root[patch]
    busy = columns[tissue.columns["phase"][columns] <= 2]
    assert (tissue.osteoclasts.rows_of(tissue.columns["owner"][busy]) >= 0).all()
    assert (tissue.columns["owner"][busy] != number).all()
