"""Mesa model whose agents are cells in columns, with plain Mesa agents beside them where a user adds some."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .compat import Agent, Model, forget_model, seeding
from .population import IdCounter, Population
from .sets import CellSet, UnionSet
from .views import Cell


class CellModel(Model):
    """Base of models with cell populations; for users it is a Mesa model.

    seed          : of Mesa's own generators `model.random` and `model.rng`
    lattice_shape : voxels (z, y, x), needed for `agent.pos`
    ids           : counter of agent numbers, taken over from a checkpoint
    """

    def __init__(
        self,
        *args: Any,
        seed: Any = None,
        rng: Any = None,
        lattice_shape: tuple[int, int, int] | None = None,
        ids: IdCounter | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **seeding(seed, rng), **kwargs)
        self.ids = IdCounter() if ids is None else ids
        self.lattice_shape = lattice_shape
        self.populations: dict[type[Cell], Population] = {}
        self.plain_agents: dict[int, Agent] = {}
        self._everyone = UnionSet(self)

    @property
    def agents(self) -> UnionSet:
        """Every living agent of every kind, in order of birth."""
        return self._everyone

    @agents.setter
    def agents(self, agents: Any) -> None:
        raise AttributeError("model.agents lists the agents of the model and cannot be set; use another name.")

    @staticmethod
    def cells(population: Population, ids: NDArray[np.int64]) -> CellSet:
        """Set of the cells of a population with these numbers."""
        return CellSet(population, ids)

    def population(self, kind: type[Cell]) -> Population:
        """Columns of one kind of cell; an empty population is made for a kind not yet there."""
        if kind not in self.populations:
            self.register_population(kind, Population(kind, self.ids))
        return self.populations[kind]

    def register_population(self, kind: type[Cell], population: Population) -> None:
        """Make a population part of the model; it must use the model's counter of agent numbers."""
        held = self.populations.get(kind, population)
        if population.kind is not kind or population.ids is not self.ids:
            raise InputError(f"This population is not of {kind.__name__}, or does not count with model.ids.")
        if held is not population and held.n:
            raise InputError(f"The model has {held.n} {kind.__name__} already; their population cannot be replaced.")
        population.model = self
        self.populations[kind] = population
        self._agents_by_type[kind] = CellSet(population)

    def register_agent(self, agent: Agent) -> None:
        """Take in a plain Mesa agent (its constructor calls this); cells are in their population from the start."""
        if isinstance(agent, Cell):
            if agent not in self.agents:
                raise InputError(f"{agent!r} lives in another model or is dead; make a new one with its constructor.")
            return
        if agent not in self.agents:
            super().register_agent(agent)
            agent.unique_id = self.ids.take(1)
            forget_model(self)
            self.plain_agents[agent.unique_id] = agent

    def deregister_agent(self, agent: Agent) -> None:
        """Remove an agent from the model; KeyError if it is not there."""
        if agent not in self.agents:
            raise KeyError(agent)
        if isinstance(agent, Cell):
            agent._population.kill(agent._population.row_of(agent))
            return
        super().deregister_agent(agent)
        del self.plain_agents[agent.unique_id]

    def remove_all_agents(self) -> None:
        """Remove every agent; `remove` is called on each agent of kinds that have their own."""
        super().remove_all_agents()
        for kind, population in self.populations.items():
            if kind.remove is Cell.remove:
                population.kill(slice(None))
            else:
                CellSet(population).do("remove")
