"""Tables: rows come and go, values stay with their row, memory stays within its bound."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from boneabm.cells.table import GROWTH_DIVISOR, MIN_CHUNK, Table
from boneabm.errors import InputError

COLUMNS = {"number": ("i8", -1), "age_d": ("f4", 0.5), "kind": ("u1", 2)}


def test_append_takes_scalars_arrays_and_defaults():
    table = Table(COLUMNS)
    assert table.append(2, number=[4, 5]) == slice(0, 2)
    assert table.append(1, age_d=3.0, kind=7) == slice(2, 3)
    assert {name: column.tolist() for name, column in table.arrays().items()} == {
        "number": [4, 5, -1], "age_d": [0.5, 0.5, 3.0], "kind": [2, 2, 7],
    }
    assert [table[name].dtype.str[1:] for name in table] == ["i8", "f4", "u1"]


def test_columns_are_writable_views():
    table = Table(COLUMNS)
    table.append(3)
    table["age_d"][1] = 9
    assert table["age_d"].tolist() == [0.5, 9.0, 0.5]


def test_any_history_of_appending_and_keeping_equals_plain_lists():
    """Random appends, removals and clears leave what the same operations leave on a plain list of rows."""
    draws = np.random.default_rng(0)
    table, twin = Table(COLUMNS), []
    for turn in range(200):
        numbers = draws.integers(1000, size=draws.integers(200))
        table.append(numbers.size, number=numbers, kind=turn % 5)
        twin += [(number, turn % 5) for number in numbers.tolist()]
        if turn % 3 == 0:
            mask = draws.random(table.n) < 0.6
            table.keep(mask)
            twin = [row for row, kept in zip(twin, mask, strict=True) if kept]
        if turn == 120:
            table.clear()
            twin = []
        assert list(zip(table["number"].tolist(), table["kind"].tolist(), strict=True)) == twin
    assert table.n == len(twin) > 200


def test_spare_capacity_is_bounded():
    """Whatever the order of growth, a table holds at most 12.5 % or one chunk more rows than it ever had."""
    table = Table(COLUMNS)
    for count in (1, 5000, 1, 700, 1, 40_000, 3):
        table.append(count)
        assert table.n <= table.capacity <= max(table.n + MIN_CHUNK, table.n * (1 + 1 / GROWTH_DIVISOR))
    assert table.nbytes == table.capacity * 13


def test_growing_needs_the_memory_of_one_column_on_top():
    table = Table(dict.fromkeys("abcdefgh", ("f8", 0.0)))
    table.append(100_000)
    tracemalloc.start()
    table.append(1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak <= table.nbytes + 100_000
    assert peak < 1.15 * 8 * 8 * 100_000


def test_ten_million_osteocytes_fit_in_600_megabytes():
    """The bound of the growth rule for 49 bytes per row, from the sizes alone."""
    bytes_per_row, rows = 49, 10_000_000
    assert (rows + rows / GROWTH_DIVISOR) * bytes_per_row <= 600e6


def test_restore_gives_back_the_rows_and_owns_them():
    table, other = Table(COLUMNS), Table(COLUMNS)
    table.append(5, number=np.arange(5))
    saved = {name: column.copy() for name, column in table.arrays().items()}
    other.append(9)
    other.restore(table.arrays())
    table["number"][:] = 0
    assert all(np.array_equal(other[name], saved[name]) for name in saved)


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (lambda t: t["ages_d"], 'Did you mean "age_d"'),
        (lambda t: t.append(1, numbr=3), 'Did you mean "number"'),
        (lambda t: t.append(-1), "must not be negative"),
        (lambda t: t.restore({"number": np.zeros(2)}), "do not fit"),
        (lambda t: t.restore({"number": np.zeros(2), "age_d": np.zeros(3), "kind": np.zeros(2)}), "one length"),
    ],
)
def test_mistakes_are_named(mistake, message):
    table = Table(COLUMNS)
    table.append(2)
    with pytest.raises(InputError, match=message):
        mistake(table)
    assert table.n == 2
