"""All cells of one kind as columns, one row per cell, sorted by `unique_id`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, RemovedAgentError
from ..kernels import random
from .table import Table

if TYPE_CHECKING:
    from .model import CellModel
    from .views import Cell

LAST_ID = 2**63 - 1


class IdCounter:
    """Counter of cell numbers: 63 bits, shared by all populations, never reused, saved in checkpoints."""

    def __init__(self, following: int = 1) -> None:
        self.following = following

    def take(self, count: int) -> int:
        """Reserve `count` consecutive numbers and return the first of them."""
        if count < 0 or self.following + count - 1 > LAST_ID:
            raise OverflowError(f"cannot take {count} cell numbers after {self.following - 1}")
        first = self.following
        self.following += count
        return first


class Population(Table):
    """Cells of one kind: the columns unique_id (int64), alive (uint8), key (uint64) and those the kind declares.

    Dead cells keep their row, with alive = 0, until `compact`, the only moment rows move; each move raises `epoch`.

    kind : Cell subclass whose `Column`s name the other columns
    ids  : counter shared by all populations of a simulation
    bulk : method name -> function(population) that does for all living cells what the method does for one
    bulk_rows : method name -> function(population, rows) that does it for some rows, (m,) int64
    """

    def __init__(self, kind: type[Cell], ids: IdCounter) -> None:
        super().__init__({"unique_id": (np.int64, 0), "alive": (np.uint8, 1), **kind.columns()})
        self.kind = kind
        self.ids = ids
        self.model: CellModel | None = None
        self.epoch = 0
        self.bulk: dict[str, Callable[[Population], Any]] = {}
        self.bulk_rows: dict[str, Callable[[Population, NDArray[np.int64]], Any]] = {}
        self._handles: dict[int, ref[Cell]] = {}

    def append(self, count: int, *, key: Any = None, **values: Any) -> slice:
        """Add `count` living cells with fresh numbers and return their rows; see `create`."""
        for name in ("unique_id", "alive"):
            if name in values:
                raise InputError(f"{self.kind.__name__}.{name} is given by the population and cannot be chosen.")
        self._check_names(values)
        first = self.ids.take(count)
        unique_id = np.arange(first, first + count, dtype=np.int64)
        return super().append(count, unique_id=unique_id, key=made_keys(unique_id) if key is None else key, **values)

    def create(self, count: int, *, key: Any = None, **values: Any) -> NDArray[np.int64]:
        """Add `count` living cells and return their unique_id, (count,) int64.

        key    : random key of each cell, scalar or (count,) uint64, as `random.cell_key` gives it; without it a hash
                 of unique_id, which is not shared between the arms of a trial
        values : column -> scalar or array (count,)
        """
        rows = self.append(count, key=key, **values)
        return self["unique_id"][rows].copy()

    def kill(self, rows: Any) -> None:
        """Mark these rows (one index, an index array, a mask or a slice) dead; they move at the next `compact`."""
        self["alive"][rows] = 0

    def compact(self) -> None:
        """Drop the rows of dead cells, the others keep their order."""
        alive = self["alive"] != 0
        if not alive.all():
            self.keep(alive)

    def keep(self, mask: NDArray[np.bool_]) -> None:
        """Keep the rows where mask (n,) is true, in their order."""
        self.epoch += 1
        super().keep(mask)

    def clear(self) -> None:
        """Remove every row."""
        self.epoch += 1
        super().clear()

    def restore(self, arrays: Any) -> None:
        """Replace all rows by these columns (of `arrays()`); unique_id must increase."""
        if np.any(np.diff(arrays.get("unique_id", ())) <= 0):
            raise InputError(f"unique_id of {self.kind.__name__} must increase from row to row.")
        self.epoch += 1
        super().restore(arrays)

    def count_alive(self) -> int:
        """Number of living cells."""
        return int(np.count_nonzero(self["alive"]))

    def alive_rows(self) -> NDArray[np.int64]:
        """Rows of the living cells, increasing."""
        return np.flatnonzero(self["alive"])

    def rows_of(self, unique_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Row of each cell, -1 where it is dead or not of this kind."""
        unique_id, alive = self["unique_id"], self["alive"]
        if self.n == 0:
            return np.full(len(unique_ids), -1, np.int64)
        rows = np.searchsorted(unique_id, unique_ids)
        rows[rows == self.n] = 0
        return np.where((unique_id[rows] == unique_ids) & (alive[rows] != 0), rows, -1)

    def find(self, unique_id: int) -> int:
        """Row of a living cell by binary search, -1 if there is none."""
        row = int(np.searchsorted(self["unique_id"], unique_id))
        found = row < self.n and self["unique_id"][row] == unique_id and self["alive"][row]
        return row if found else -1

    def row_of(self, handle: Cell) -> int:
        """Row of a handle's cell; RemovedAgentError if the cell is dead."""
        row = handle._row
        if handle._epoch == self.epoch and self._columns["alive"].item(row):
            return row
        row = self.find(handle.unique_id)
        if row < 0:
            raise RemovedAgentError(
                f"{self.kind.__name__} {handle.unique_id} has been removed; its values are gone. "
                "Ask `agent.alive` before you use an agent kept from an earlier day."
            )
        handle._bind(self, handle.unique_id, row)
        return row

    def handle(self, row: int) -> Cell:
        """Mesa agent of a row; made when asked for, the same object while anyone holds it."""
        unique_id = self._columns["unique_id"].item(row)
        known = self._handles.get(unique_id)
        handle = None if known is None else known()
        if handle is None:
            handle = self.kind._of_row(self, unique_id, row)
            self._remember(handle, unique_id)
        return handle

    def adopt(self, handle: Cell, row: int) -> None:
        """Make a newly constructed agent the handle of this row."""
        unique_id = int(self["unique_id"][row])
        handle._bind(self, unique_id, row)
        self._remember(handle, unique_id)

    def _remember(self, handle: Cell, unique_id: int) -> None:
        self._handles[unique_id] = ref(handle, partial(self._handles.pop, unique_id))

    def lattice_shape(self) -> tuple[int, int, int]:
        """Voxels (z, y, x) of the lattice of the model."""
        shape = None if self.model is None else self.model.lattice_shape
        if shape is None:
            raise InputError("Positions need a lattice: give CellModel(lattice_shape=(z, y, x)).")
        return shape

    def __getstate__(self) -> dict[str, Any]:
        state = {name: value for name, value in vars(self).items() if name != "_handles"}
        return state | {"_columns": {name: column[: self.n] for name, column in self._columns.items()}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._handles = {}


def made_keys(unique_ids: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Random keys of cells made by hand: a hash of unique_id, (m,) uint64."""
    keys = (random.cell_key(number, -1, 0xFFFFFFFF) for number in unique_ids.tolist())
    return np.fromiter(keys, np.uint64, len(unique_ids))
