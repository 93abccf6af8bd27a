"""Membership in the agent sets of `sets`: numbers of agents, where they live, and handles made on the way."""

from __future__ import annotations

import operator
from collections.abc import Collection, Iterator, Mapping
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .compat import Agent, AgentSet
from .views import Cell

if TYPE_CHECKING:
    from .population import Population

Ids = NDArray[np.int64]


class Members(NamedTuple):
    """Living members of a set in their order: number, index of the population (len(populations): plain agent), row."""

    ids: Ids
    owner: NDArray[np.int8]
    rows: Ids

    def take(self, which: Any) -> Members:
        """Those members, by mask, index array or slice."""
        return Members(self.ids[which], self.owner[which], self.rows[which])


class MemberSet(AgentSet):
    """Agents by number: what is in the set, in which order, where its values lie.

    ids : numbers of the members in order; None for a live set, which always holds every living agent of its source
    """

    def __init__(self, ids: Ids | None, random: Random) -> None:
        self.random = random
        self._ids = ids
        self._lookup: set[int] | None = None

    # -- what a source of agents must answer ---------------------------------------------------------------------

    def _populations(self) -> list[Population]:
        raise NotImplementedError

    def _plain_agents(self) -> Mapping[int, Agent]:
        raise NotImplementedError

    def _subset(self, ids: Ids) -> Self:
        raise NotImplementedError

    # -- members -------------------------------------------------------------------------------------------------

    def _members(self) -> Members:
        return self._everyone() if self._ids is None else self._living(self._ids)

    def _everyone(self, but: Collection[Population] = ()) -> Members:
        parts = []
        for owner, population in enumerate(self._populations()):
            rows = np.empty(0, np.int64) if population in but else population.alive_rows()
            parts.append(Members(population["unique_id"][rows], np.full(rows.size, owner, np.int8), rows))
        if len(parts) == 1 and not self._plain_agents():
            return parts[0]
        plain = np.fromiter(self._plain_agents(), np.int64)
        parts.append(Members(plain, np.full(plain.size, len(parts), np.int8), np.zeros(plain.size, np.int64)))
        together = Members(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
        return together.take(np.argsort(together.ids, kind="stable"))

    def _living(self, ids: Ids) -> Members:
        owner, rows = np.full(ids.size, -1, np.int8), np.zeros(ids.size, np.int64)
        for index, population in enumerate(self._populations()):
            found = population.rows_of(ids)
            owner[found >= 0] = index
            rows[found >= 0] = found[found >= 0]
        plain = self._plain_agents()
        for position in np.flatnonzero(owner < 0) if plain else ():
            if int(ids[position]) in plain:
                owner[position] = len(self._populations())
        return Members(ids, owner, rows).take(owner >= 0)

    def _agents_of(self, members: Members) -> Iterator[Agent]:
        populations, plain = self._populations(), self._plain_agents()
        epochs = [population.epoch for population in populations]
        for unique_id, owner, row in zip(*(column.tolist() for column in members), strict=True):
            if owner == len(populations):
                if unique_id in plain:
                    yield plain[unique_id]
                continue
            population = populations[owner]
            if population.epoch != epochs[owner]:
                row = population.find(unique_id)
            if row >= 0 and population._columns["alive"].item(row):
                yield population.handle(row)

    def _gather(self, name: str, members: Members) -> NDArray[Any] | None:
        if name == "unique_id" or members.ids.size == 0:
            return members.ids
        populations = self._populations()
        present = np.flatnonzero(np.bincount(members.owner)).tolist()
        if present[-1] == len(populations) or any(name not in populations[owner].kind._columns for owner in present):
            return None
        dtypes = {populations[owner][name].dtype for owner in present}
        if len(dtypes) > 1:
            return None
        values = np.empty(members.ids.size, dtypes.pop())
        for owner in present:
            mine = slice(None) if len(present) == 1 else members.owner == owner
            values[mine] = populations[owner][name][members.rows[mine]]
        return values

    def column(self, name: str) -> NDArray[Any]:
        """Values of one column of all members, in the order of the set, as an array."""
        values = self._gather(name, self._members())
        if values is None:
            raise InputError(f'Not every agent of this set has the column "{name}" (of one type); use `get`.')
        return values

    def to_list(self) -> list[Agent]:
        """All members as a list of agents."""
        return list(self)

    @property
    def _agents(self) -> dict[Agent, None]:
        return dict.fromkeys(self)

    def __len__(self) -> int:
        if self._ids is None:
            return sum(population.count_alive() for population in self._populations()) + len(self._plain_agents())
        return int(self._members().ids.size)

    def __iter__(self) -> Iterator[Agent]:
        return self._agents_of(self._members())

    def __reversed__(self) -> Iterator[Agent]:
        return self._agents_of(self._members().take(slice(None, None, -1)))

    def __contains__(self, agent: object) -> bool:
        if not self._knows(agent):
            return False
        if self._ids is not None and self._lookup is None:
            self._lookup = set(self._ids.tolist())
        return self._lookup is None or agent.unique_id in self._lookup  # type: ignore[attr-defined]

    def __getitem__(self, item: int | slice) -> Any:
        members = self._members()
        if isinstance(item, slice):
            return list(self._agents_of(members.take(item)))
        return next(self._agents_of(members.take([operator.index(item)])))

    def index(self, value: Any, start: int = 0, stop: int | None = None) -> int:
        """Position of an agent; ValueError if it is not between start and stop."""
        ids = self._members().ids.tolist()
        if value not in self:
            raise ValueError(f"{value!r} is not in the set")
        return ids.index(value.unique_id, start, len(ids) if stop is None else stop)

    def count(self, value: Any) -> int:
        """1 if the agent is in the set, else 0."""
        return int(value in self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self)} agents>"

    def _knows(self, agent: object) -> bool:
        if isinstance(agent, Cell):
            return agent.alive and any(agent._population is population for population in self._populations())
        return isinstance(agent, Agent) and self._plain_agents().get(agent.unique_id) is agent

    # -- changing the set ----------------------------------------------------------------------------------------

    def _result(self, ids: Ids, inplace: bool) -> Self:
        if not inplace:
            return self._subset(ids)
        self._replace(ids)
        return self

    def _replace(self, ids: Ids) -> None:
        if self._ids is None:
            refuse("this set always holds every living agent, in order of birth; change a copy: agents.select()")
        self._ids, self._lookup = ids, None

    def add(self, agent: Any) -> None:
        """Add an agent at the end, if it is not in the set."""
        if agent in self:
            return
        if not self._knows(agent):
            refuse(f"{agent!r} is dead or not of the kind or model of this set; join sets with | instead")
        self._replace(np.append(self._members().ids, agent.unique_id))

    def discard(self, agent: Any) -> None:
        """Take an agent out of the set (not out of the model), if it is in the set."""
        if agent in self:
            ids = self._members().ids
            self._replace(ids[ids != agent.unique_id])

    def remove(self, agent: Any) -> None:
        """Take an agent out of the set (not out of the model); KeyError if it is not in the set."""
        if agent not in self:
            raise KeyError(agent)
        self.discard(agent)

    def copy(self) -> Self:
        """A set of the agents living now, free to change."""
        return self._subset(self._members().ids.copy())

    def __copy__(self) -> Self:
        return self.copy()

    def __getstate__(self) -> dict[str, Any]:
        return dict(vars(self))

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


def refuse(reason: str) -> NoReturn:
    """Say why a method of Mesa's sets is not available here."""
    raise NotImplementedError(f"Not possible on a set of cells: {reason}.")
