"""Law: to Mesa, cells in columns behave as plain Mesa agents do; every result is compared with real Mesa agents."""

from __future__ import annotations

import copy
import gc
import operator
import pickle
import subprocess
import sys
import weakref
from collections.abc import Set

import mesa
import numpy as np
import pytest

from boneabm.cells.compat import AgentSet, GroupBy, seeding
from boneabm.cells.model import CellModel
from boneabm.cells.population import Population
from boneabm.cells.sets import CellSet, UnionSet
from boneabm.cells.views import Cell, Column
from boneabm.errors import RemovedAgentError
from boneabm.kernels import kernel, rule

FIELD = np.linspace(0.0, 2.0, 50)


@rule
def remember(memory, age_d, field):
    return 0.8 * memory + 0.2 * field, age_d + 1


@kernel
def remember_all(alive, voxel, memory, age_d, field):
    for row in range(len(alive)):
        if alive[row]:
            memory[row], age_d[row] = remember(memory[row], age_d[row], field[voxel[row]])


@kernel
def remember_rows(rows, voxel, memory, age_d, field):
    for row in rows:
        memory[row], age_d[row] = remember(memory[row], age_d[row], field[voxel[row]])


def step_population(population: Population) -> None:
    remember_all(*(population[name] for name in ("alive", "voxel", "memory", "age_d")), FIELD)


def step_rows(population: Population, rows: np.ndarray) -> None:
    remember_rows(rows, *(population[name] for name in ("voxel", "memory", "age_d")), FIELD)


class Behavior:
    """What both kinds of agent do, so that a difference can only come from the sets."""

    def step(self):
        self.memory, self.age_d = remember(self.memory, self.age_d, FIELD[self.voxel])

    def grow(self, days, factor=1):
        self.age_d += days * factor

    def draw(self):
        self.memory = self.random.random()

    def doubled(self):
        return 2 * self.memory

    @property
    def old(self):
        return self.age_d > 4

    def die_if_old(self):
        if self.old:
            self.remove()


class PlainCell(Behavior, mesa.Agent):
    def __init__(self, model, voxel=0, memory=0.0, age_d=0):
        super().__init__(model)
        self.voxel, self.memory, self.age_d = voxel, memory, age_d


class PlainOther(PlainCell):
    """A second type."""


class RowCell(Behavior, Cell):
    voxel = Column("i4", 0)
    memory = Column("f8", 0.0)
    age_d = Column("i8", 0)


class RowOther(RowCell):
    """A second type."""


class Ghost(mesa.Agent):
    """A plain agent beside the cells."""

    def __init__(self, model, age_d=3):
        super().__init__(model)
        self.age_d = age_d


def populate(model: mesa.Model, kind: type, other: type) -> mesa.Model:
    values = np.random.default_rng(1)
    for make in (kind, other, kind):
        for _ in range(7):
            make(model, voxel=int(values.integers(50)), memory=float(values.random()), age_d=int(values.integers(8)))
    return model


@pytest.fixture
def plain():
    return populate(mesa.Model(**seeding(5, None)), PlainCell, PlainOther)


@pytest.fixture
def ours():
    return populate(CellModel(seed=5), RowCell, RowOther)


def seen(result):
    """A result in words both sides share: numbers of agents in place of agents, names in place of types."""
    if isinstance(result, mesa.Agent):
        return result.unique_id
    if isinstance(result, GroupBy):
        return [(seen(key), seen(group)) for key, group in result]
    if isinstance(result, dict):
        return [(seen(key), seen(value)) for key, value in result.items()]
    if isinstance(result, Set | list | tuple):
        return [seen(item) for item in result]
    if isinstance(result, type):
        return result.__name__.replace("Plain", "").replace("Row", "")
    return result


def is_other(agent):
    return type(agent).__name__.endswith("Other")


OPERATIONS = {
    "len": len,
    "iter": list,
    "reversed": lambda s: list(reversed(s)),
    "item": lambda s: [s[0], s[-1], s[3]],
    "slice": lambda s: [s[2:9:3], s[::-1], s[30:]],
    "contains": lambda s: [agent in s for agent in s] + [None in s, "agent" in s],
    "index": lambda s: [(t := s.select(lambda a: True)).index(t[4]), t.count(t[4])],
    "select all": lambda s: s.select(),
    "select filter": lambda s: s.select(lambda a: a.memory > 0.4),
    "select filter, at most": lambda s: s.select(lambda a: a.memory > 0.4, at_most=3),
    "select number": lambda s: s.select(at_most=5),
    "select number 2.5": lambda s: s.select(at_most=2.5),
    "select fraction": lambda s: s.select(at_most=0.45),
    "select none": lambda s: s.select(lambda a: False),
    "select inplace": lambda s: s.select().select(lambda a: a.old, inplace=True),
    "select of select": lambda s: s.select(lambda a: a.voxel > 9).select(is_other, at_most=0.9),
    "get": lambda s: s.get("memory"),
    "get number": lambda s: s.get("unique_id"),
    "get property": lambda s: s.get("old"),
    "get several": lambda s: s.get(["age_d", "memory", "old"]),
    "get no names": lambda s: s.get([]),
    "get default": lambda s: s.get("absent", handle_missing="default", default_value=-1),
    "get several default": lambda s: s.get(["age_d", "absent"], "default"),
    "agg sum": lambda s: s.agg("memory", sum),
    "agg numpy": lambda s: [s.agg("memory", np.mean), s.agg("age_d", np.sum), s.agg("voxel", np.std)],
    "agg several": lambda s: s.agg("age_d", [min, max, np.median, len]),
    "agg property": lambda s: s.agg("old", sum),
    "set": lambda s: s.set("age_d", 3).get("age_d"),
    "map name": lambda s: s.map("doubled"),
    "map function": lambda s: s.map(lambda a, k: a.age_d * k, k=3),
    "do name": lambda s: s.do("grow", 2, factor=3).get("age_d"),
    "do function": lambda s: s.do(lambda a: a.grow(1)).get("age_d"),
    "do step": lambda s: s.do("step").do("step").get(["memory", "age_d"]),
    "do on some": lambda s: (s.select(is_other).do("step"), s.get("memory"))[1],
    "do and die": lambda s: [s.do("die_if_old").map("doubled"), len(s)],
    "shuffle": lambda s: s.shuffle(),
    "shuffle twice": lambda s: [s.shuffle(), s.shuffle().select(at_most=4).shuffle(inplace=True)],
    "shuffle_do draws": lambda s: s.shuffle_do("draw").get("memory"),
    "shuffle_do function": lambda s: s.shuffle_do(lambda a: a.draw()).get("memory"),
    "sort name": lambda s: s.sort("memory"),
    "sort ties": lambda s: [s.sort("age_d"), s.sort("age_d", ascending=True)],
    "sort function": lambda s: s.sort(lambda a: -a.memory, ascending=True),
    "sort dotted": lambda s: s.sort("model.steps"),
    "sort inplace": lambda s: s.select().sort("memory", inplace=True),
    "groupby column": lambda s: s.groupby("age_d"),
    "groupby float": lambda s: s.groupby("memory"),
    "groupby property": lambda s: s.groupby("old"),
    "groupby function": lambda s: s.groupby(lambda a: a.voxel % 3),
    "groupby type": lambda s: s.groupby(type),
    "groupby list": lambda s: s.groupby("age_d", result_type="list"),
    "groupby count": lambda s: [s.groupby("age_d").count(), len(s.groupby("age_d"))],
    "groupby agg": lambda s: [s.groupby("age_d").agg("memory", sum), s.groupby("old", "list").agg("memory", sum)],
    "groupby map": lambda s: s.groupby("old").map(lambda g: g.agg("memory", max)),
    "groupby map name": lambda s: s.groupby("old").map("get", "voxel"),
    "groupby do": lambda s: (s.groupby("old").do("do", "step"), s.get("memory"))[1],
    "union": lambda s: s.select(lambda a: a.old) | s.select(lambda a: a.memory > 0.5),
    "intersection": lambda s: s.select(lambda a: a.old) & s.select(lambda a: a.memory > 0.5),
    "difference": lambda s: s - s.select(lambda a: a.old),
    "symmetric difference": lambda s: s.select(lambda a: a.old) ^ s.select(lambda a: a.memory > 0.5),
    "comparison": lambda s: [s == s.shuffle(), s <= s.select(at_most=3), s >= s.select(at_most=3), s.isdisjoint([])],
    "in-place union": lambda s: operator.ior(s.select(at_most=3), s.select(lambda a: a.old)),
    "add": lambda s: [(t := s.select(at_most=2)).add(s[5]), t.add(s[0]), t],
    "remove": lambda s: [(t := s.select()).remove(s[5]), t.discard(s[5]), t, len(s)],
    "pop": lambda s: [(t := s.select()).pop(), t],
    "clear": lambda s: [(t := s.select()).clear(), t, len(s)],
    "remove one from the model": lambda s: [(s[4]).remove(), s, len(s)],
    "remove some from the model": lambda s: [s.select(lambda a: a.old).do("remove").agg("age_d", len), s.get("age_d")],
    "copy": lambda s: copy.copy(s),
    "pickle": lambda s: pickle.loads(pickle.dumps(s.select(at_most=4))).get(["unique_id", "memory"]),
    "deepcopy": lambda s: copy.deepcopy(s.select(at_most=4)).do("step").get("memory"),
}


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
@pytest.mark.parametrize("part", ["all", "one kind", "subset"])
def test_a_set_answers_as_a_set_of_mesa(operation, part, plain, ours):
    """Same operation on the same population, all agents, one kind or a shuffled subset: the same result."""
    take = {
        "all": lambda model: model.agents,
        "one kind": lambda model: model.agents_by_type[model.agent_types[0]],
        "subset": lambda model: model.agents.select(lambda a: a.voxel > 12).shuffle(),
    }[part]
    expected = seen(operation(take(plain)))
    result = operation(take(ours))
    gc.collect()
    assert seen(result) == expected
    assert ours.agents.get(["unique_id", "age_d", "memory"]) == plain.agents.get(["unique_id", "age_d", "memory"])


def test_operations_cover_the_public_methods_of_mesa():
    """Every public name of Mesa's AgentSet is defined in our classes: none works on weak references unnoticed."""
    of_mesa = [vars(base) for base in AgentSet.__mro__ if base.__module__.startswith("mesa")]
    public = {name for names in of_mesa for name in names if not name.startswith("_")}
    missing = {name for name in public if getattr(UnionSet, name) is getattr(AgentSet, name)}
    assert not missing
    assert {"select", "agg", "groupby", "do", "shuffle_do", "map", "sort"} <= public


def test_mixed_sets_keep_the_order_of_birth(plain, ours):
    """model.agents lists all kinds by age, however kinds were interleaved; types are listed as in Mesa."""
    assert seen(ours.agent_types) == seen(plain.agent_types)
    assert seen(ours.agents_by_type) == seen(plain.agents_by_type)
    for kinds in ((PlainOther, RowOther), (PlainCell, RowCell), (mesa.Agent, mesa.Agent)):
        assert seen(plain.agents.select(agent_type=kinds[0])) == seen(ours.agents.select(agent_type=kinds[1]))
    assert ours.agents.select(agent_type=str).to_list() == []


def collected(model, kind, other):
    """Three steps with reporters of all sorts."""
    collector = mesa.DataCollector(
        model_reporters={"n": lambda m: len(m.agents), "memory": lambda m: m.agents.agg("memory", sum), "s": "steps"},
        agent_reporters={"memory": "memory", "old": lambda a: a.old},
        agenttype_reporters={kind: {"age": "age_d"}, other: {"twice": lambda a: a.doubled()}, Ghost: {"age": "age_d"}},
    )
    for _ in range(3):
        collector.collect(model)
        model.agents.shuffle_do("step")
        model.agents.select(lambda a: a.age_d > 8).do("remove")
        gc.collect()
        model.step()
    return [
        collector.get_model_vars_dataframe(),
        collector.get_agent_vars_dataframe(),
        *(collector.get_agenttype_vars_dataframe(each) for each in (kind, other, Ghost)),
    ]


def test_data_collector_sees_the_same(plain, ours):
    """Model, agent and agent-type reporters give equal tables."""
    expected = collected(plain, PlainCell, PlainOther)
    for ours_frame, frame in zip(collected(ours, RowCell, RowOther), expected, strict=True):
        assert ours_frame.equals(frame)
    assert len(expected[1]) > 40


class PlainRun(mesa.Model):
    """Module-level model, as batch_run needs it."""

    def __init__(self, cells=3, start=None, rng=None):
        super().__init__(**seeding(start, None))
        self.fill(PlainCell, cells)

    def fill(self, kind, cells):
        kind.create_agents(self, cells, voxel=list(range(cells)), memory=0.5)
        self.datacollector = mesa.DataCollector({"n": lambda m: len(m.agents)}, {"memory": "memory", "voxel": "voxel"})

    def step(self):
        self.agents.shuffle_do("draw")
        self.agents.do("step")
        self.datacollector.collect(self)


class RowRun(PlainRun, CellModel):
    def fill(self, kind, cells):
        super().fill(RowCell, cells)


def test_batch_run_gives_the_same_rows():
    """mesa.batch_run over parameters and seeds returns equal results for both."""
    settings = {
        "parameters": {"cells": [2, 5], "start": [1, 2]}, "max_steps": 3, "data_collection_period": 1,
        "number_processes": 1, "display_progress": False,
    }
    expected = mesa.batch_run(PlainRun, **settings)
    assert mesa.batch_run(RowRun, **settings) == expected
    assert len(expected) >= 2 * (2 + 5) * 3


def test_bulk_step_is_the_step_of_each_cell_bit_for_bit(ours):
    """The kernel on a full population, on rows and cell by cell in any order leave the same bits."""
    twins = [copy.deepcopy(ours) for _ in range(3)]
    for model in (ours, *twins):
        model.agents_by_type[RowCell][3].remove()
    for kind in (RowCell, RowOther):
        ours.population(kind).bulk["step"] = step_population
        twins[0].population(kind).bulk_rows["step"] = step_rows
    for _ in range(5):
        ours.agents.do("step")
        twins[0].agents.shuffle_do("step")
        twins[1].agents.shuffle_do("step")
        for agent in twins[2].agents:
            agent.step()
    state = [model.population(RowCell).arrays() for model in (ours, *twins)]
    for name in state[0]:
        assert all(np.array_equal(arrays[name], state[0][name]) for arrays in state)
    assert ours.agents.get("memory") == twins[2].agents.get("memory")


def test_bulk_is_used_where_it_may_and_only_there(ours):
    """All cells: bulk; some: rows; with arguments, or without a registered kernel: cell by cell."""
    used = []
    population = ours.population(RowCell)
    cells = ours.agents_by_type[RowCell]
    population.bulk["step"] = lambda p: used.append("all")
    for agents in (cells, ours.agents, cells.shuffle()):
        agents.do("step")
    assert used == ["all"] * 3
    ages = cells.get("age_d")
    cells.select(at_most=2).do("step")
    assert cells.get("age_d") == [age + (i < 2) for i, age in enumerate(ages)]
    population.bulk_rows["step"] = lambda p, rows: used.append(rows.tolist())
    cells.select(at_most=2).shuffle_do("step")
    assert used[-1] == [0, 1]
    population.bulk["grow"] = lambda p: used.append("never")
    cells.do("grow", 1)
    assert "never" not in used


def test_where_selects_by_columns(ours):
    """The fast test on columns selects what the test on agents selects."""
    for agents in (ours.agents, ours.agents_by_type[RowOther], ours.agents.shuffle()):
        fast = agents.select(where=lambda c: (c["memory"] > 0.4) & (c["age_d"] < 6), at_most=4)
        assert seen(fast) == seen(agents.select(lambda a: a.memory > 0.4 and a.age_d < 6, at_most=4))
        np.testing.assert_array_equal(agents.column("voxel"), agents.get("voxel"))


def test_agents_outlive_compaction_and_garbage_collection(ours):
    """A set, a held agent and a lookup mean the same cells before and after rows moved."""
    old = ours.agents.select(lambda a: a.age_d > 4)
    held, expected = old[-1], seen(old)[1:]
    values = (held.unique_id, held.memory)
    old[0].remove()
    ours.agents[0].remove()
    for population in ours.populations.values():
        population.compact()
    gc.collect()
    assert seen(old) == expected
    assert (held.unique_id, held.memory) == values
    assert old[-1] is held


def test_plain_agents_live_beside_cells(ours):
    """Registered plain agents share counter, order and removal with the cells."""
    ghost = Ghost(ours)
    cell = RowCell(ours, age_d=3)
    assert (ghost.unique_id, cell.unique_id) == (22, 23)
    assert ours.agents[-2:] == [ghost, cell]
    assert seen(ours.agents.sort("age_d").select(lambda a: a.age_d == 3))[-2:] == [22, 23]
    assert seen(ours.agents.select(agent_type=Ghost)) == [22]
    assert ours.agents.get("memory", "default", None)[-2] is None
    assert ours.agents.groupby(type).count()[Ghost] == 1
    assert seen(AgentSet([ghost]) | ours.agents_by_type[RowCell].select(at_most=2)) == [22, 1, 2]
    ours.agents.set("age_d", 9)
    assert (ghost.age_d, cell.age_d) == (9, 9)
    ours.deregister_agent(ghost)
    ours.deregister_agent(cell)
    assert seen(ours.agents) == list(range(1, 22))
    with pytest.raises(KeyError):
        ours.deregister_agent(cell)
    Ghost(ours)
    ours.remove_all_agents()
    assert len(ours.agents) == 0
    assert list(ours.agents) == []


def test_dead_agents_say_so(ours):
    """Values of a removed cell raise a named error; identity, model and a second removal do not."""
    agent = ours.agents[2]
    agent.remove()
    agent.remove()
    assert (agent.unique_id, agent.alive, agent in ours.agents, agent.model) == (3, False, False, ours)
    with pytest.raises(RemovedAgentError, match="RowCell 3 has been removed"):
        _ = agent.memory
    with pytest.raises(RemovedAgentError):
        agent.step()


def test_live_sets_refuse_to_change(ours):
    """What would have no effect on the model's own sets is refused with the reason, never ignored."""
    for change in ("shuffle", "sort", "select"):
        arguments = {"shuffle": (), "sort": ("age_d",), "select": (is_other,)}[change]
        with pytest.raises(NotImplementedError, match="change a copy"):
            getattr(ours.agents, change)(*arguments, inplace=True)
    with pytest.raises(NotImplementedError, match="not of the kind"):
        CellSet(ours.population(RowCell), np.array([1])).add(ours.agents_by_type[RowOther][0])
    with pytest.raises(AttributeError, match="cannot be set"):
        ours.agents = []
    with pytest.raises(AttributeError):
        ours.agents.get("absent")
    with pytest.raises(ValueError, match="handle_missing"):
        ours.agents.get("memory", handle_missing="skip")


def test_a_model_can_be_pickled(ours):
    """A copy by pickle goes on as the original does."""
    twin = pickle.loads(pickle.dumps(ours))
    for model in (ours, twin):
        model.agents.shuffle_do("draw")
        RowCell(model, memory=0.1)
    assert twin.agents.get(["unique_id", "memory"]) == ours.agents.get(["unique_id", "memory"])
    agent = pickle.loads(pickle.dumps(ours.agents[4]))
    assert (agent.memory, agent in agent.model.agents) == (ours.agents[4].memory, True)


def test_models_are_freed():
    """Nothing in Mesa's class-level tables keeps a finished model with its cells and plain agents alive."""
    model = populate(CellModel(seed=1), RowCell, RowOther)
    Ghost(model)
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None


def test_importing_mesa_leaves_multiprocessing_alone():
    """Mesa sets the start method of processes to spawn on import; boneabm puts it back."""
    code = "import multiprocessing as m, boneabm.cells.model; print(m.get_start_method(allow_none=True))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert out.stdout.strip() == "None"
