"""A table of typed columns with spare capacity: the memory of a cell population."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..errors import InputError, nearest

MIN_CHUNK = 1024
"""Smallest number of rows a table grows by."""

GROWTH_DIVISOR = 8
"""A full table grows by an eighth of its rows: never more than 12.5 % spare capacity beyond `MIN_CHUNK` rows."""


class Table:
    """Rows of typed columns; the live rows are the first `n`, behind them lies spare capacity.

    A full table grows by max(rows asked for, n / 8, 1024) rows, one column after the other, so growing needs the memory
    of one column on top (1e7 rows of 49 B: at most 551 MB held). Spare rows are not touched: they take no real memory.

    columns : name -> (numpy type, default value)

    >>> table = Table({"age_d": ("f4", 0.0)})
    >>> table.append(3, age_d=[1, 2, 3])
    slice(0, 3, None)
    >>> table["age_d"].tolist()
    [1.0, 2.0, 3.0]
    """

    def __init__(self, columns: Mapping[str, tuple[DTypeLike, Any]]) -> None:
        self.n = 0
        self._defaults = {name: default for name, (_, default) in columns.items()}
        self._columns: dict[str, NDArray[Any]] = {name: np.empty(0, dtype) for name, (dtype, _) in columns.items()}

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Writable view (n,) of one column; take it afresh after rows were appended or moved."""
        if name not in self._columns:
            self._check_names([name])
        return self._columns[name][: self.n]

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    @property
    def capacity(self) -> int:
        """Rows that fit without growing."""
        return len(next(iter(self._columns.values()))) if self._columns else 0

    @property
    def nbytes(self) -> int:
        """Bytes held by all columns, spare capacity included."""
        return sum(column.nbytes for column in self._columns.values())

    def append(self, count: int, **values: Any) -> slice:
        """Add `count` rows and return where they lie.

        values : column -> scalar or array (count,); columns not named take their default.
        """
        self._check_names(values)
        if count < 0:
            raise InputError(f"The number of rows to add must not be negative, got {count}.")
        self._reserve(self.n + count)
        new = slice(self.n, self.n + count)
        for name, column in self._columns.items():
            column[new] = values.get(name, self._defaults[name])
        self.n += count
        return new

    def keep(self, mask: NDArray[np.bool_]) -> None:
        """Keep the rows where mask (n,) is true, in their order; the capacity stays."""
        rows = np.flatnonzero(mask)
        for column in self._columns.values():
            column[: rows.size] = column[rows]
        self.n = int(rows.size)

    def clear(self) -> None:
        """Remove every row."""
        self.n = 0

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Live rows of every column, as views (for checkpoints)."""
        return {name: self[name] for name in self._columns}

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Replace all rows by these columns, which must be those of `arrays()`, all of one length."""
        if set(arrays) != set(self._columns):
            raise InputError(f"Columns {sorted(arrays)} do not fit this table, which has {sorted(self._columns)}.")
        lengths = {len(array) for array in arrays.values()}
        if len(lengths) > 1:
            raise InputError(f"All columns must have one length, got {sorted(lengths)}.")
        self.n = 0
        Table.append(self, lengths.pop() if lengths else 0, **arrays)

    def _check_names(self, names: Iterable[str]) -> None:
        for name in names:
            if name not in self._columns:
                raise InputError(f'There is no column "{name}". {nearest(name, self._columns)}')

    def _reserve(self, rows: int) -> None:
        if rows <= self.capacity:
            return
        capacity = max(rows, self.n + max(self.n // GROWTH_DIVISOR, MIN_CHUNK))
        for name, old in self._columns.items():
            grown = np.empty(capacity, old.dtype)
            grown[: self.n] = old[: self.n]
            self._columns[name] = grown
