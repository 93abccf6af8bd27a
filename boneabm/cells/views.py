"""Mesa agents as handles on the rows of a population, made when asked for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import DTypeLike

from ..errors import InputError, nearest
from .compat import Agent

if TYPE_CHECKING:
    from .model import CellModel
    from .population import Population
    from .sets import CellSet

RESERVED = ("unique_id", "alive", "model", "pos", "random", "rng")


class Column:
    """Declares a column of a cell kind; on an agent it reads and writes the cell's value as a Python number.

    dtype   : numpy type, fixed width
    default : value of cells for which none is given
    """

    def __init__(self, dtype: DTypeLike, default: Any = 0) -> None:
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.default = default
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, cell: Cell | None, owner: type) -> Any:
        if cell is None:
            return self
        population = cell._population
        return population._columns[self.name].item(population.row_of(cell))

    def __set__(self, cell: Cell, value: Any) -> None:
        population = cell._population
        population._columns[self.name][population.row_of(cell)] = self.checked(value)

    def checked(self, value: Any) -> Any:
        """The value, if the column can hold it: one number, a whole one for a column of whole numbers."""
        if type(value) is float and self.dtype.kind == "f":
            return value
        if np.ndim(value) != 0:
            raise InputError(f'Column "{self.name}" holds one number per cell, got one of shape {np.shape(value)}.')
        if self.dtype.kind in "iub" and value != int(value):
            raise InputError(f'Column "{self.name}" holds whole numbers ({self.dtype}), got {value!r}.')
        return value


class Cell(Agent):
    """A Mesa agent that is a handle on one row of a `Population`; subclasses list their columns as class attributes.

    The handle holds no state of its own: every declared column reads and writes the row. Other attributes cannot be
    set, because a handle is dropped when nobody holds it and would take them with it.

    >>> class Osteocyte(Cell):
    ...     voxel = Column("i4", 0)
    """

    _population: Population
    _row: int
    _epoch: int
    _unique_id: int
    _columns: ClassVar[dict[str, Column]] = {}

    key = Column(np.uint64, 0)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        bases = (vars(base) for base in reversed(cls.__mro__))
        cls._columns = {name: c for names in bases for name, c in names.items() if isinstance(c, Column)}
        for name in RESERVED:
            if name in cls._columns:
                raise InputError(f'{cls.__name__}.{name}: every cell has "{name}" already; rename the column.')

    def __init__(self, model: CellModel, **values: Any) -> None:
        population = model.population(type(self))
        row = population.append(1, **values).start
        population.adopt(self, row)

    @classmethod
    def columns(cls) -> dict[str, tuple[np.dtype[Any], Any]]:
        """Columns of this kind: name -> (numpy type, default)."""
        return {name: (column.dtype, column.default) for name, column in cls._columns.items()}

    @classmethod
    def create_agents(cls, model: CellModel, n: int, *args: Any, **kwargs: Any) -> CellSet:  # type: ignore[override]
        """Add n cells and return them as a set; each value is one for all or a sequence of length n, as in Mesa."""
        population = model.population(cls)
        if cls.__init__ is Cell.__init__ and not args:
            return model.cells(population, population.create(n, **kwargs))
        per_cell = zip(*(_repeated(value, n) for value in (*args, *kwargs.values())), strict=True)
        rows = list(per_cell) if args or kwargs else [()] * n
        cells = [cls(model, *row[: len(args)], **dict(zip(kwargs, row[len(args) :], strict=True))) for row in rows]
        return model.cells(population, np.array([cell.unique_id for cell in cells], np.int64))

    @classmethod
    def _of_row(cls, population: Population, unique_id: int, row: int) -> Self:
        cell = object.__new__(cls)
        cell._bind(population, unique_id, row)
        return cell

    def _bind(self, population: Population, unique_id: int, row: int) -> None:
        place = self.__dict__
        place["_population"] = population
        place["_unique_id"] = unique_id
        place["_row"] = row
        place["_epoch"] = population.epoch

    def __setattr__(self, name: str, value: Any) -> None:
        column = self._columns.get(name)
        if column is not None:
            return column.__set__(self, value)
        if not hasattr(getattr(type(self), name, None), "__set__"):
            raise AttributeError(
                f'{type(self).__name__} has no column "{name}": declare it in the class as {name} = Column("f4", 0.0). '
                f"{nearest(name, self._columns)}"
            )
        object.__setattr__(self, name, value)

    def __reduce__(self) -> tuple[Any, ...]:
        return _handle_of, (self._population, self._unique_id)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._unique_id}{'' if self.alive else ', removed'}>"

    @property
    def unique_id(self) -> int:  # type: ignore[override]
        """Number of the cell, never used for another one."""
        return self._unique_id

    @property
    def model(self) -> Any:  # type: ignore[override]
        """The model the cell lives in."""
        return self._population.model

    @property
    def alive(self) -> bool:
        """Whether the cell lives; the only value a handle of a dead cell still has beside `unique_id` and `model`."""
        return self._population.find(self._unique_id) >= 0

    @property
    def pos(self) -> tuple[int, int, int] | None:  # type: ignore[override]
        """Position (z, y, x) in voxels, None for kinds without a column `voxel`."""
        if "voxel" not in self._columns:
            return None
        z, y, x = np.unravel_index(self.voxel, self._population.lattice_shape())  # type: ignore[attr-defined]
        return int(z), int(y), int(x)

    @pos.setter
    def pos(self, place: tuple[int, int, int]) -> None:
        if "voxel" not in self._columns:
            raise InputError(f'{type(self).__name__} has no place on the lattice: it has no column "voxel".')
        shape = self._population.lattice_shape()
        if len(place) != 3 or any(not 0 <= p < size for p, size in zip(place, shape, strict=True)):
            raise InputError(f"Position {place} (z, y, x) lies outside the lattice of {shape} voxels.")
        self.voxel = int(np.ravel_multi_index(tuple(place), shape))

    def remove(self) -> None:
        """Remove the cell from the model; doing so twice is allowed, as in Mesa."""
        row = self._population.find(self._unique_id)
        if row >= 0:
            self._population.kill(row)


def _handle_of(population: Population, unique_id: int) -> Cell:
    row = population.find(unique_id)
    if row >= 0:
        return population.handle(row)
    dead = population.kind._of_row(population, unique_id, row)
    dead.__dict__["_epoch"] = -1
    return dead


def _repeated(value: Any, n: int) -> Iterable[Any]:
    return value if isinstance(value, (list, tuple, np.ndarray)) and len(value) == n else [value] * n
