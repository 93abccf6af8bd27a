"""Model parameters: every number with its range, unit, source and confidence, and the changes a scenario makes.

The files hold one table [section.name] per parameter; a name ends in its unit where it has one:

    [osteoclast.fast_rate_um_per_d]
    value = 3.0
    low = 1.0
    high = 6.0
    unit = "um/d"
    source = "assumed"
    confidence = "low"
    note = "optional"

or, in a .csv file, one row per parameter with these names as columns.
"""

from __future__ import annotations

import csv
import io
import math
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, get_type_hints

from boneabm.errors import InputError, nearest

Section = TypeVar("Section", bound=tuple[Any, ...])

CONFIDENCE = ("high", "medium", "low")
ASSUMED = "assumed"
FILES = ("parameters.toml", "endocrine.toml", "loading.csv")
"""Packaged parameters: those of the tissue, those of the body, sites and activities."""

_NUMBERS = ("value", "low", "high")
_TEXTS = ("unit", "source", "confidence")


@dataclass(frozen=True)
class Parameter:
    """One number of the model: value within low..high, unit, where it comes from and how far to trust it."""

    section: str
    name: str
    value: float
    low: float
    high: float
    unit: str
    source: str
    confidence: str
    note: str = ""

    @property
    def dotted(self) -> str:
        """Name by which a scenario overrides it, `section.name`."""
        return f"{self.section}.{self.name}"


class Change(NamedTuple):
    """A parameter that a scenario changed: dotted name, value in the file, value used, unit."""

    name: str
    default: float
    value: float
    unit: str


class ParameterSet:
    """All parameters of a run; immutable, `override` gives a changed copy that remembers the original values."""

    def __init__(self, parameters: Mapping[str, Parameter], defaults: Mapping[str, Parameter] | None = None) -> None:
        self._parameters = dict(parameters)
        self._defaults = dict(defaults or parameters)

    @classmethod
    def load(cls, path: Path | str | None = None) -> ParameterSet:
        """Read and check a parameter file, the packaged one by default.

        Raises InputError listing every missing field, unknown field and value outside its own range.
        """
        if path is None:
            return cls(_packaged())
        return cls(_read(Path(path).read_text(encoding="utf-8"), str(path)))

    def __getitem__(self, dotted: str) -> Parameter:
        """Parameter by its dotted name; an unknown name is an InputError with the closest known one."""
        if dotted not in self._parameters:
            raise InputError(self._unknown(dotted))
        return self._parameters[dotted]

    def __len__(self) -> int:
        return len(self._parameters)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ParameterSet) and self._parameters == other._parameters

    __hash__ = None  # type: ignore[assignment]

    def problems(self, changes: Mapping[str, object]) -> dict[str, str]:
        """What is wrong with these overrides: a sentence per dotted name, empty when all are usable."""
        found = {name: self._problem(name, value) for name, value in changes.items()}
        return {name: problem for name, problem in found.items() if problem}

    def override(self, changes: Mapping[str, float]) -> ParameterSet:
        """Copy with some values replaced, each within its low..high.

        changes : dotted name -> value, for example {"osteoclast.fast_rate_um_per_d": 3.0}
        Raises InputError naming every unknown name, wrong type and value out of range.
        """
        wrong = self.problems(changes)
        if wrong:
            raise InputError("\n".join(f"parameters.{name}: {problem}" for name, problem in wrong.items()))
        changed = {name: replace(self._parameters[name], value=float(value)) for name, value in changes.items()}
        return ParameterSet({**self._parameters, **changed}, self._defaults)

    def section(self, name: str, cls: type[Section]) -> Section:
        """Values of one section as an instance of a NamedTuple whose fields are exactly the section's names.

        Fields annotated int get whole numbers, all others floats. Raises InputError on a missing or extra name.
        """
        values = {p.name: p.value for p in self._parameters.values() if p.section == name}
        fields = {field: kind for field, kind in get_type_hints(cls).items() if not field.startswith("_")}
        if not values:
            raise InputError(f'no parameters in section "{name}". {nearest(name, self.sections())}')
        missing, extra = sorted(set(fields) - set(values)), sorted(set(values) - set(fields))
        if missing or extra:
            raise InputError(
                f"parameters of [{name}] do not fit {cls.__name__}: "
                f"missing {', '.join(missing) or 'none'}; not known there {', '.join(extra) or 'none'}."
            )
        return cls(**{field: _as_kind(f"{name}.{field}", values[field], kind) for field, kind in fields.items()})

    def values(self, section: str) -> dict[str, float]:
        """Names and values of a section, whatever names it has; empty where there is no such section."""
        return {p.name: p.value for p in self._parameters.values() if p.section == section}

    def sections(self) -> tuple[str, ...]:
        """Section names in the order of the file."""
        return tuple(dict.fromkeys(p.section for p in self._parameters.values()))

    def changed(self) -> tuple[Change, ...]:
        """Parameters whose value differs from the file, in the order of the file."""
        return tuple(
            Change(name, self._defaults[name].value, p.value, p.unit)
            for name, p in self._parameters.items()
            if p.value != self._defaults[name].value
        )

    def assumed(self) -> tuple[Parameter, ...]:
        """Parameters whose source is "assumed": nobody has measured them for us yet."""
        return tuple(p for p in self._parameters.values() if p.source == ASSUMED)

    def rows(self) -> list[dict[str, Any]]:
        """One dictionary per parameter, in the order of the file, as written into every run."""
        return [asdict(p) for p in self._parameters.values()]

    def _unknown(self, name: str) -> str:
        section = name.partition(".")[0]
        near = [known for known in self._parameters if known.startswith(section + ".")] or self.sections()
        return f"not a known parameter. {nearest(name, near)}"

    def _problem(self, name: str, value: object) -> str:
        if name not in self._parameters:
            return self._unknown(name)
        known = self._parameters[name]
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return f"{value!r} is not a number. Allowed: {known.low:g} to {known.high:g} {known.unit}, without unit."
        if not known.low <= value <= known.high:
            return (
                f"{value:g} is outside the range of this parameter, {known.low:g} to {known.high:g} {known.unit} "
                f"(default {known.value:g}, source: {known.source})."
            )
        return ""


def _as_kind(name: str, value: float, kind: type) -> float | int:
    if kind is not int:
        return float(value)
    if value != int(value):
        raise InputError(f"parameters.{name}: {value:g} must be a whole number.")
    return int(value)


@cache
def _packaged() -> dict[str, Parameter]:
    found: dict[str, Parameter] = {}
    for name in FILES:
        file = resources.files("boneabm") / "data" / name
        found |= _read(file.read_text(encoding="utf-8"), f"boneabm/data/{name}")
    return found


def _read(text: str, where: str) -> dict[str, Parameter]:
    try:
        tables = _table_rows(text) if where.endswith(".csv") else tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{where}: not valid TOML: {error}") from None
    rows = [(s, n, row) for s, names in tables.items() if isinstance(names, dict) for n, row in names.items()]
    problems = [f"{where}, {s}.{n}: {problem}" for s, n, row in rows for problem in _row_problems(row)]
    loose = [section for section, names in tables.items() if not isinstance(names, dict)]
    problems += [f"{where}, {section}: expected a table [section.name]." for section in loose]
    if problems:
        raise InputError("\n".join(problems))
    return {f"{s}.{n}": _parameter(s, n, row) for s, n, row in rows}


def _table_rows(text: str) -> dict[str, Any]:
    """Sections of a table with the columns section, name and those of a parameter; what is no number stays text."""
    sections: dict[str, Any] = {}
    for row in csv.DictReader(io.StringIO(text)):
        section, name = row.pop("section"), row.pop("name")
        sections.setdefault(section, {})[name] = {k: _number(v) if k in _NUMBERS else v for k, v in row.items()}
    return sections


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _parameter(section: str, name: str, row: dict[str, Any]) -> Parameter:
    value, low, high = (float(row[field]) for field in _NUMBERS)
    unit, source, confidence = (str(row[field]) for field in _TEXTS)
    return Parameter(section, name, value, low, high, unit, source, confidence, str(row.get("note", "")))


def _row_problems(row: object) -> list[str]:
    if not isinstance(row, dict):
        return [f"expected a table with {', '.join(_NUMBERS + _TEXTS)}."]
    known = (*_NUMBERS, *_TEXTS, "note")
    problems = [f"{field} is missing." for field in _NUMBERS + _TEXTS if field not in row]
    problems += [f'"{field}" is not a known field. {nearest(field, known)}' for field in row if field not in known]
    problems += [f"{f} = {row[f]!r} is not a number." for f in _NUMBERS if f in row and not _is_number(row[f])]
    problems += [f"{f} = {row[f]!r} is not a text." for f in (*_TEXTS, "note") if not isinstance(row.get(f, ""), str)]
    if problems:
        return problems
    if row["confidence"] not in CONFIDENCE:
        problems.append(f'confidence "{row["confidence"]}". Allowed: {", ".join(CONFIDENCE)}.')
    if not row["source"].strip():
        problems.append(f'source is empty; name the paper or write "{ASSUMED}".')
    if not row["low"] <= row["value"] <= row["high"]:
        problems.append(f"value {row['value']:g} is outside low..high, {row['low']:g} to {row['high']:g}.")
    return problems


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
