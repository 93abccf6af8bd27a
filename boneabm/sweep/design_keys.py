"""Keys of a sweep file: paths into a scenario such as "bone.bv_tv", which of them clash, and changes laid by them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from boneabm.scenario_text import flatten

_KEY = re.compile(r"[A-Za-z_]\w*(\[\d+\]\.\w+|(\.\w+)*)", re.ASCII)
_ROW = re.compile(r"(\w+)\[(\d+)\]\.(\w+)", re.ASCII)
_SEED = "simulation.seed"


def flat_ranges(given: Any) -> Any:
    """Ranges by dotted key, however they are nested; a table with `low` or `high` is a range."""
    return dict(_leaves(given, "")) if isinstance(given, Mapping) else given


def _leaves(table: Mapping[str, Any], prefix: str) -> list[tuple[str, Any]]:
    flat: list[tuple[str, Any]] = []
    for key, value in table.items():
        nested = isinstance(value, Mapping) and not {"low", "high"} & value.keys()
        flat += _leaves(value, f"{prefix}{key}.") if nested else [(prefix + key, value)]
    return flat


def key_problems(tables: Mapping[str, Any]) -> list[str]:
    """Keys of a sweep file that are none, that belong to the replicates, or that two places change."""
    problems: list[str] = []
    before: list[tuple[str, str]] = []
    for place, key in _places(tables):
        clash = next((one for one in before if _clash(one, (place, key))), None)
        if not _KEY.fullmatch(key):
            told = 'not the path of a key. Examples: "bone.bv_tv", "parameters.osteoclast.team", "state[0].level".'
            problems.append(f"{place}.{key}: {told}")
        elif _overlap(key, _SEED):
            told = "belongs to the replicates. Write `replicates = 5` and `seed = 1` at the top of the file"
            problems.append(f'{place}.{key}: {told}; other bones of the same kind are levels of "bone.seed".')
        elif clash:
            there = ".".join(clash)
            problems.append(f"{place}.{key}: {there} changes it too. Keep one of them, so that its value is clear.")
        before.append((place, key))
    return problems


def _places(tables: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Every key that the file changes, with the place where it does: ("zip[0]", "subject.age")."""
    arms, sample = tables.get("arms"), tables.get("sample")
    named = {"scenario": tables.get("scenario"), "factors": tables.get("factors")}
    named |= {f"zip[{index}]": columns for index, columns in enumerate(_listed(tables.get("zip")))}
    named |= {f"list[{index}]": row for index, row in enumerate(_listed(tables.get("list")))}
    named |= {f"arms.{name}": changes for name, changes in arms.items()} if isinstance(arms, Mapping) else {}
    found = [(place, key) for place, table in named.items() if isinstance(table, Mapping) for key, _ in flatten(table)]
    ranges = flat_ranges(sample.get("ranges")) if isinstance(sample, Mapping) else None
    return found + [("sample.ranges", key) for key in (ranges if isinstance(ranges, Mapping) else ())]


def _listed(given: Any) -> list[Any]:
    return given if isinstance(given, list) else []


def _clash(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Whether two keys may not stand together: arms are alternatives, and so are the rows of a list.

    All else may replace a value of [scenario].
    """
    (place, key), (place_2, key_2) = one, other
    alternatives = place != place_2 and all(p.startswith("arms.") for p in (place, place_2))
    alternatives |= place != place_2 and all(p.startswith("list[") for p in (place, place_2))
    replaces = place != place_2 and "scenario" in (place, place_2) and key == key_2
    return not alternatives and not replaces and _overlap(key, key_2)


def _overlap(key: str, other: str) -> bool:
    return key == other or key.startswith(f"{other}.") or other.startswith(f"{key}.")


def names_row(key: str) -> bool:
    """Whether a key goes into a row of a list of tables: "state[0].level"."""
    return _ROW.fullmatch(key) is not None


def has_row(key: str, *tables: Mapping[str, Any]) -> bool:
    """Whether the row that a key goes into is written in the first of these tables that has its list."""
    name, index, _ = _parts(key)
    rows = next((table[name] for table in tables if name in table), None)
    return isinstance(rows, list) and index < len(rows) and all(isinstance(row, Mapping) for row in rows)


def lay(changes: Iterable[tuple[str, Any]], base: Mapping[str, Any]) -> dict[str, Any]:
    """Nested tables of changes by dotted key, later ones over earlier ones, those of rows last.

    A row that the changes do not write themselves is taken from the base, with all rows of its list.
    """
    tables: dict[str, Any] = {}
    written = list(changes)
    for key, value in written:
        if not names_row(key):
            _put(tables, key, value)
    for key, value in written:
        if names_row(key):
            name, index, part = _parts(key)
            rows = [dict(row) for row in (tables if name in tables else base)[name]]
            rows[index][part] = value
            tables[name] = rows
    return tables


def _parts(key: str) -> tuple[str, int, str]:
    name, index, part = _ROW.fullmatch(key).groups()  # type: ignore[union-attr]
    return name, int(index), part


def _put(tables: dict[str, Any], key: str, value: Any) -> None:
    """Set one value by its dotted key; names of parameters stay dotted."""
    *path, last = key.split(".", 1) if key.startswith("parameters.") else key.split(".")
    for part in path:
        tables = tables.setdefault(part, {})
    tables[last] = value
