"""Mesa agent sets over cell numbers.

Mesa's own `AgentSet` keeps weak references, and the handles of cells live only while somebody holds them, so a plain
set of handles would come out empty. These sets keep the numbers of the cells instead. Order, arguments and results are
those of Mesa 3.3.1. One difference: a removed agent leaves every set at once, not when Python frees it.
"""

from __future__ import annotations

import math
import operator
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from random import Random
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .compat import Agent, AgentSet, GroupBy
from .members import Ids, Members, MemberSet, refuse

if TYPE_CHECKING:
    from .model import CellModel
    from .population import Population


class IdSet(MemberSet):
    """What can be asked of and done with agents by number."""

    # -- asking --------------------------------------------------------------------------------------------------

    def get(self, attr_names: Any, handle_missing: str = "error", default_value: Any = None) -> list[Any]:
        """Values of one attribute, or rows of several, of every member; missing ones raise or take a default."""
        if handle_missing not in ("error", "default"):
            raise ValueError(
                f"Unknown handle_missing option: {handle_missing}, should be one of 'error' or 'default'"
            )
        default = (default_value,) if handle_missing == "default" else ()
        members = self._members()
        if isinstance(attr_names, str):
            return self._values(attr_names, members, default)
        columns = [self._values(name, members, default) for name in attr_names]
        return [list(row) for row in zip(*columns, strict=True)] if columns else [[] for _ in members.ids]

    def _values(self, name: str, members: Members, default: tuple[Any, ...] = ()) -> list[Any]:
        values = self._gather(name, members)
        if values is not None:
            return values.tolist()
        return [getattr(agent, name, *default) for agent in self._agents_of(members)]

    def agg(self, attribute: str, func: Any) -> Any:
        """One function, or a list of them, of the list of all values; functions of numpy get an array of 64 bits."""
        members = self._members()
        values = self._gather(attribute, members)
        as_list = self._values(attribute, members) if values is None else None
        wide = None if values is None else widened(values)

        def applied(function: Callable[[Any], Any]) -> Any:
            nonlocal as_list
            if wide is not None and is_of_numpy(function):
                return function(wide)
            if as_list is None:
                as_list = values.tolist()  # type: ignore[union-attr]
            return function(as_list)

        return applied(func) if callable(func) else [applied(function) for function in func]

    def select(
        self,
        filter_func: Callable[[Any], bool] | None = None,
        at_most: int | float = math.inf,
        inplace: bool = False,
        agent_type: Any = None,
        where: Callable[[Mapping[str, NDArray[Any]]], NDArray[np.bool_]] | None = None,
    ) -> Self:
        """The first members, at most a number or a fraction (0..1), of a type and for which the tests hold.

        where : columns -> mask (n,), the fast test: `osteocytes.select(where=lambda c: c["age_d"] > 30)`
        """
        if filter_func is None and agent_type is None and where is None and at_most == math.inf:
            return self if inplace else self.copy()
        if isinstance(at_most, float) and at_most <= 1.0:
            at_most = int(len(self) * at_most)
        members = self._members()
        if agent_type is not None:
            members = members.take(self._of_type(members, agent_type))
        if where is not None:
            members = members.take(np.asarray(where(Columns(self, members)), bool))
        last = members.ids.size if at_most == math.inf else max(0, math.ceil(at_most))
        ids = members.ids[:last] if filter_func is None else self._first_passing(filter_func, members, last)
        return self._result(ids, inplace)

    def _first_passing(self, passes: Callable[[Any], bool], members: Members, last: int) -> Ids:
        kept: list[int] = []
        for agent in self._agents_of(members):
            if len(kept) >= last:
                break
            if passes(agent):
                kept.append(agent.unique_id)
        return np.array(kept, np.int64)

    def _of_type(self, members: Members, agent_type: Any) -> NDArray[np.bool_]:
        populations, plain = self._populations(), self._plain_agents()
        fits = np.array([issubclass(population.kind, agent_type) for population in populations] + [False])
        mask = fits[members.owner]
        for position in np.flatnonzero(members.owner == len(populations)):
            mask[position] = isinstance(plain[int(members.ids[position])], agent_type)
        return mask

    def _keyed(self, by: Any, members: Members) -> tuple[Ids, Any]:
        values = self._gather(by, members) if isinstance(by, str) else None
        if values is not None:
            return members.ids, values
        key = operator.attrgetter(by) if isinstance(by, str) else by
        pairs = [(agent.unique_id, key(agent)) for agent in self._agents_of(members)]
        return np.array([unique_id for unique_id, _ in pairs], np.int64), [value for _, value in pairs]

    def sort(self, key: Any, ascending: bool = False, inplace: bool = False) -> Self:
        """Members in the order of an attribute or function, descending unless told otherwise; equals keep order."""
        ids, keys = self._keyed(key, self._members())
        order = order_by_value if isinstance(keys, np.ndarray) else order_by_key
        return self._result(ids[order(keys, ascending)], inplace)

    def groupby(self, by: Any, result_type: str = "agentset") -> CellGroupBy:
        """Groups of members with one value of an attribute or function, as sets or (result_type="list") as lists."""
        ids, keys = self._keyed(by, self._members())
        positions = positions_by_value(keys) if isinstance(keys, np.ndarray) else positions_by_key(keys)
        groups = {key: self._subset(ids[where]) for key, where in positions.items()}
        return CellGroupBy(groups if result_type == "agentset" else {key: list(g) for key, g in groups.items()})

    # -- doing ---------------------------------------------------------------------------------------------------

    def do(self, method: Any, *args: Any, **kwargs: Any) -> Self:
        """Call a method (by name) or function for every member, all at once where a population can do it in bulk."""
        members = self._after_bulk(method, args, kwargs)
        for agent in self._agents_of(members):
            call(method, agent, args, kwargs)
        return self

    def shuffle_do(self, method: Any, *args: Any, **kwargs: Any) -> Self:
        """As `do`, in random order; what is done in bulk does not depend on the order and draws nothing."""
        members = self._after_bulk(method, args, kwargs)
        for agent in self._agents_of(members.take(self._shuffled(members))):
            call(method, agent, args, kwargs)
        return self

    def map(self, method: Any, *args: Any, **kwargs: Any) -> list[Any]:
        """What a method (by name) or function returns for every member."""
        return [call(method, agent, args, kwargs) for agent in self]

    def set(self, attr_name: str, value: Any) -> Self:
        """Give an attribute of every member one value."""
        members = self._members()
        for owner, population in enumerate(self._populations()):
            column = population.kind._columns.get(attr_name)
            if column is not None and np.any(members.owner == owner):
                population[attr_name][members.rows[members.owner == owner]] = column.checked(value)
                members = members.take(members.owner != owner)
        for agent in self._agents_of(members):
            setattr(agent, attr_name, value)
        return self

    def shuffle(self, inplace: bool = False) -> Self:
        """Members in random order, with the random numbers Mesa would draw."""
        members = self._members()
        return self._result(members.ids[self._shuffled(members)], inplace)

    def _shuffled(self, members: Members) -> Ids:
        order = list(range(members.ids.size))
        self.random.shuffle(order)
        return np.array(order, np.int64)

    def _after_bulk(self, method: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Members:
        if not isinstance(method, str) or args or kwargs:
            return self._members()
        if self._ids is None:
            return self._after_bulk_of_all(method)
        members = self._members()
        for owner, population in enumerate(self._populations()):
            rows = members.rows[members.owner == owner]
            if rows.size and rows.size == population.count_alive() and method in population.bulk:
                population.bulk[method](population)
            elif rows.size and method in population.bulk_rows:
                population.bulk_rows[method](population, rows)
            else:
                continue
            members = members.take(members.owner != owner)
        return self._living(members.ids)

    def _after_bulk_of_all(self, method: str) -> Members:
        in_bulk = [population for population in self._populations() if method in population.bulk]
        ids = self._everyone(but=in_bulk).ids
        for population in in_bulk:
            population.bulk[method](population)
        return self._living(ids)

    def _from_iterable(self, agents: Iterable[Agent]) -> IdSet:  # type: ignore[override]
        unique = list(dict.fromkeys(agents))
        ids = np.array([agent.unique_id for agent in unique], np.int64)
        if all(self._knows(agent) for agent in unique):
            return self._subset(ids)
        model = next(iter(unique)).model
        union = UnionSet(model, ids)
        if not all(union._knows(agent) for agent in unique):
            refuse("agents of several models, or removed ones, cannot be joined in one set")
        return union

    def __ror__(self, other: Iterable[Agent]) -> IdSet:
        return self._from_iterable(agent for agents in (other, self) for agent in agents)


class CellSet(IdSet):
    """Cells of one kind: all living ones (ids None) or those numbered, in that order."""

    def __init__(self, population: Population, ids: Ids | None = None, random: Random | None = None) -> None:
        self.population = population
        if random is None:
            random = Random() if population.model is None else population.model.random
        super().__init__(ids, random)

    def _populations(self) -> list[Population]:
        return [self.population]

    def _plain_agents(self) -> Mapping[int, Agent]:
        return {}

    def _subset(self, ids: Ids) -> CellSet:  # type: ignore[override]
        return CellSet(self.population, ids, self.random)


class UnionSet(IdSet):
    """Agents of all kinds of one model, cells and plain Mesa agents, in order of birth unless numbered otherwise."""

    def __init__(self, model: CellModel, ids: Ids | None = None, random: Random | None = None) -> None:
        self.model = model
        super().__init__(ids, model.random if random is None else random)

    def _populations(self) -> list[Population]:
        return list(self.model.populations.values())

    def _plain_agents(self) -> Mapping[int, Agent]:
        return self.model.plain_agents

    def _subset(self, ids: Ids) -> UnionSet:  # type: ignore[override]
        return UnionSet(self.model, ids, self.random)


class CellGroupBy(GroupBy):
    """Mesa's GroupBy, taking the values of a group from its columns."""

    def agg(self, attr_name: str, func: Callable[[Any], Any]) -> dict[Any, Any]:
        """Function of the list of all values of each group."""
        return {
            key: func(group.get(attr_name) if isinstance(group, AgentSet) else [getattr(a, attr_name) for a in group])
            for key, group in self.groups.items()
        }


class Columns(Mapping[str, NDArray[Any]]):
    """Columns of the members of a set, gathered when asked for."""

    def __init__(self, agents: IdSet, members: Members) -> None:
        self._set, self._of = agents, members

    def __getitem__(self, name: str) -> NDArray[Any]:
        values = self._set._gather(name, self._of)
        if values is None:
            raise InputError(f'Not every agent of this set has the column "{name}" (of one type).')
        return values

    def __iter__(self) -> Iterator[str]:
        names = [list(population) for population in self._set._populations()]
        return (name for name in names[0] if all(name in other for other in names)) if names else iter(())

    def __len__(self) -> int:
        return sum(1 for _ in self)


def widened(values: NDArray[Any]) -> NDArray[Any]:
    """The array numpy makes of a list of these numbers."""
    if values.dtype.kind == "f":
        return values.astype(np.float64, copy=False)
    whole = values.dtype.kind in "iu" and np.can_cast(values.dtype, np.int64)
    return values.astype(np.int64, copy=False) if whole else values


def is_of_numpy(function: Any) -> bool:
    """Whether a function comes from numpy and takes arrays."""
    return isinstance(function, np.ufunc) or (getattr(function, "__module__", None) or "").startswith("numpy")


def call(method: Any, agent: Agent, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call a method (by name) of an agent or a function with the agent first."""
    return getattr(agent, method)(*args, **kwargs) if isinstance(method, str) else method(agent, *args, **kwargs)


def order_by_key(keys: list[Any], ascending: bool) -> Ids:
    """Positions in the order of their keys, equals in their old order."""
    return np.array(sorted(range(len(keys)), key=keys.__getitem__, reverse=not ascending), np.int64)


def order_by_value(keys: NDArray[Any], ascending: bool) -> Ids:
    """As `order_by_key` for an array of numbers."""
    if ascending:
        return np.argsort(keys, kind="stable")
    return len(keys) - 1 - np.argsort(keys[::-1], kind="stable")[::-1]


def positions_by_key(keys: list[Any]) -> dict[Any, Ids]:
    """Positions of each key, keys in order of first appearance."""
    groups: defaultdict[Any, list[int]] = defaultdict(list)
    for position, key in enumerate(keys):
        groups[key].append(position)
    return {key: np.array(positions, np.int64) for key, positions in groups.items()}


def positions_by_value(keys: NDArray[Any]) -> dict[Any, Ids]:
    """As `positions_by_key` for an array of numbers."""
    values, first, group, counts = np.unique(
        keys, return_index=True, return_inverse=True, return_counts=True, equal_nan=False
    )
    parts = np.split(np.argsort(group, kind="stable"), np.cumsum(counts)[:-1])
    return {values[g].item(): parts[g] for g in np.argsort(first)}
