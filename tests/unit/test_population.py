"""Populations and handles: numbers are never reused, rows stay sorted, a handle always means its own cell."""

from __future__ import annotations

import numpy as np
import pytest

from boneabm.cells.model import CellModel
from boneabm.cells.population import LAST_ID, IdCounter, Population
from boneabm.cells.views import Cell, Column
from boneabm.errors import InputError, RemovedAgentError


class Dot(Cell):
    voxel = Column("i4", 0)
    weight = Column("f4", 1.5)
    stage = Column("u1", 0)
    scale = 3.0

    def area(self):
        return self.weight * self.scale


class Speck(Dot):
    """A kind with one more column and a constructor of its own."""

    birth_day = Column("i4", -1)

    def __init__(self, model, day, weight=2.0):
        super().__init__(model, birth_day=day)
        self.weight = weight


class Homeless(Cell):
    """A kind without a place."""


@pytest.fixture
def model():
    return CellModel(seed=1, lattice_shape=(4, 5, 6))


def test_numbers_are_consecutive_across_kinds_and_never_reused(model):
    first = model.population(Dot).create(3)
    second = model.population(Speck).create(2)
    model.population(Dot).kill(slice(None))
    model.population(Dot).compact()
    third = model.population(Dot).create(1)
    assert [*first, *second, *third] == [1, 2, 3, 4, 5, 6]
    assert model.ids.following == 7


def test_the_counter_ends_with_an_error():
    ids = IdCounter(LAST_ID)
    assert ids.take(1) == LAST_ID
    with pytest.raises(OverflowError):
        ids.take(1)


def test_columns_are_those_of_the_kind_and_its_bases(model):
    population = model.population(Speck)
    assert list(population) == ["unique_id", "alive", "key", "voxel", "weight", "stage", "birth_day"]
    assert [population[name].dtype.str[1:] for name in population] == ["i8", "u1", "u8", "i4", "f4", "u1", "i4"]


def test_lookup_agrees_with_a_search_through_any_history():
    """find and rows_of equal a plain search after random births, deaths and compactions."""
    draws = np.random.default_rng(3)
    population = Population(Dot, IdCounter())
    for turn in range(30):
        population.create(int(draws.integers(40)), key=0)
        population.kill(draws.random(population.n) < 0.2)
        if turn % 4 == 3:
            population.compact()
        living = {int(population["unique_id"][row]): row for row in np.flatnonzero(population["alive"]).tolist()}
        asked = np.arange(-2, population.ids.following + 3)
        expected = [living.get(number, -1) for number in asked.tolist()]
        assert [population.find(number) for number in asked.tolist()] == expected
        assert population.rows_of(asked).tolist() == expected
        assert population.alive_rows().tolist() == sorted(living.values())
        assert population.count_alive() == len(living)
        assert np.all(np.diff(population["unique_id"]) > 0)
    assert len(living) > 50


def test_rows_move_only_when_compacted_and_handles_follow(model):
    population = model.population(Dot)
    population.create(6, weight=np.arange(6.0))
    handles = [population.handle(row) for row in range(6)]
    epoch = population.epoch
    population.kill([0, 3])
    assert (population.n, population.epoch) == (6, epoch)
    population.compact()
    assert (population.n, population.epoch) == (4, epoch + 1)
    population.compact()
    assert population.epoch == epoch + 1
    assert [handle.alive for handle in handles] == [False, True, True, False, True, True]
    assert [handle.weight for handle in handles if handle.alive] == [1.0, 2.0, 4.0, 5.0]
    assert [population.row_of(handle) for handle in handles if handle.alive] == [0, 1, 2, 3]


def test_a_handle_of_a_dead_cell_never_reads_another_row(model):
    population = model.population(Dot)
    population.create(3)
    dead = population.handle(1)
    population.kill(1)
    for _ in range(2):
        with pytest.raises(RemovedAgentError, match="Dot 2 has been removed"):
            _ = dead.weight
        with pytest.raises(RemovedAgentError):
            dead.weight = 1.0
        population.compact()
        population.create(3)


def test_agents_read_and_write_their_row_as_python_numbers(model):
    dot = Dot(model, voxel=3, weight=0.25)
    dot.weight += 1
    dot.stage = 2
    assert (type(dot.weight), type(dot.voxel), dot.weight, dot.area()) == (float, int, 1.25, 3.75)
    assert model.population(Dot)["stage"].tolist() == [2]
    assert model.agents[0] is dot


def test_position_is_the_voxel_as_z_y_x(model):
    dot = Dot(model, voxel=2 * 30 + 3 * 6 + 4)
    assert dot.pos == (2, 3, 4)
    dot.pos = (1, 0, 5)
    assert (dot.voxel, dot.pos) == (35, (1, 0, 5))
    assert Homeless(model).pos is None
    with pytest.raises(InputError, match="outside the lattice"):
        dot.pos = (4, 0, 0)
    with pytest.raises(InputError, match='no column "voxel"'):
        Homeless(model).pos = (0, 0, 0)
    with pytest.raises(InputError, match="lattice_shape"):
        _ = Dot(CellModel()).pos


def test_create_agents_takes_one_value_or_one_each_as_mesa_does(model):
    dots = Dot.create_agents(model, 3, voxel=[7, 8, 9], weight=2.0)
    specks = Speck.create_agents(model, 2, [30, 31], weight=(0.5, 4.0))
    assert dots.get(["unique_id", "voxel", "weight"]) == [[1, 7, 2.0], [2, 8, 2.0], [3, 9, 2.0]]
    assert specks.get(["unique_id", "birth_day", "weight"]) == [[4, 30, 0.5], [5, 31, 4.0]]
    assert len(Speck.create_agents(model, 2, day=1)) == 2
    assert len(Dot.create_agents(model, 0)) == 0


def test_keys_are_those_given_or_differ_from_cell_to_cell(model):
    population = model.population(Dot)
    population.create(3, key=np.array([5, 2**64 - 1, 7], np.uint64))
    assert [agent.key for agent in model.agents] == [5, 2**64 - 1, 7]
    population.create(1000)
    assert len(np.unique(population["key"])) == 1003


@pytest.mark.parametrize(
    ("mistake", "error", "message"),
    [
        (lambda m, d: setattr(d, "wieght", 1.0), AttributeError, "wieght = Column"),
        (lambda m, d: setattr(d, "scale", 1.0), AttributeError, "no column"),
        (lambda m, d: setattr(d, "stage", 1.5), InputError, "whole numbers"),
        (lambda m, d: setattr(d, "stage", -1), OverflowError, None),
        (lambda m, d: setattr(d, "weight", [1.0, 2.0]), InputError, "one number per cell"),
        (lambda m, d: m.agents.set("weight", [1.0]), InputError, "one number per cell"),
        (lambda m, d: Dot(m, volume=1), InputError, "volume"),
        (lambda m, d: Dot(m, unique_id=1), InputError, "cannot be chosen"),
        (lambda m, d: m.register_population(Speck, Population(Dot, m.ids)), InputError, "not of Speck"),
        (lambda m, d: m.register_population(Dot, Population(Dot, IdCounter())), InputError, "model.ids"),
        (lambda m, d: m.register_population(Dot, Population(Dot, m.ids)), InputError, "cannot be replaced"),
        (lambda m, d: m.register_agent(Dot(CellModel())), InputError, "another model"),
        (lambda m, d: type("Bad", (Cell,), {"pos": Column("i4")}), InputError, "rename"),
    ],
)
def test_mistakes_are_named(mistake, error, message, model):
    dot = Dot(model)
    with pytest.raises(error, match=message):
        mistake(model, dot)
    assert model.agents.get("weight") == [1.5]


def test_a_checkpoint_brings_back_cells_and_counter(model):
    """Columns and counter saved and restored into a fresh model continue with the same numbers."""
    population = model.population(Dot)
    population.create(4, weight=np.arange(4.0), key=1)
    population.kill(2)
    saved, following = {name: column.copy() for name, column in population.arrays().items()}, model.ids.following
    other = CellModel(ids=IdCounter(following))
    other.population(Dot).restore(saved)
    assert other.agents.get(["unique_id", "weight"]) == model.agents.get(["unique_id", "weight"])
    assert Dot(other).unique_id == Dot(model).unique_id == 5
    with pytest.raises(InputError, match="must increase"):
        other.population(Dot).restore(saved | {"unique_id": np.array([2, 1, 3, 4])})
