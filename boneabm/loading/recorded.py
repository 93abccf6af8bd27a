"""Recorded forces: ranges, cycles and equivalent frequencies by rainflow counting (ASTM E1049-85)."""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import rainflow

from boneabm.errors import InputError

from .cycles import PASSAGE, equivalent_hz

LEAST_SHARE = 0.05
"""Ranges below this share of the largest are left out: at m = 4 a cycle of them is worth 6e-6 of one of the largest."""
DIGITS = 2
COLUMNS = {"force_n": "N", "force_bw": "BW", "stress_mpa": "MPa"}
"""Columns of a record beside time_s, and their units."""


class Counted(NamedTuple):
    """A class of recorded cycles: range, number, equivalent frequency in Hz, peak; forces in the unit of the record."""

    span: float
    cycles: float
    hz: float
    peak: float


def count(time_s: Sequence[float], force: Sequence[float]) -> tuple[Counted, ...]:
    """Classes of cycles of a record, largest first: ranges that agree to two digits, with mean range and frequency.

    Raises InputError where times do not rise, numbers are missing or nothing changes.
    """
    if len(time_s) != len(force) or len(force) < 3:
        raise InputError("a record needs at least three rows of time in s and force.")
    if not all(map(math.isfinite, (*time_s, *force))) or any(b <= a for a, b in pairwise(time_s)):
        raise InputError("times must be numbers that rise from row to row, forces must be numbers.")
    times, forces = np.asarray(time_s, float), np.asarray(force, float)
    found: dict[float, list[Counted]] = defaultdict(list)
    for span, mean, cycles, first, last in rainflow.extract_cycles(force):
        if span > 0:
            hz = equivalent_hz(_passage_s(times[first : last + 1], forces[first : last + 1]))
            found[_rounded(span, DIGITS)].append(Counted(span, cycles, hz, abs(mean) + span / 2))
    if not found:
        raise InputError("the recorded force never changes.")
    spans = sorted((s for s in found if s >= LEAST_SHARE * max(found)), reverse=True)
    return tuple(_class(found[span]) for span in spans)


def _class(cycles: list[Counted]) -> Counted:
    number = sum(one.cycles for one in cycles)
    span = sum(one.cycles * one.span for one in cycles) / number
    hz = sum(one.cycles * one.hz for one in cycles) / number
    return Counted(_rounded(span, 6), number, hz, max(one.peak for one in cycles))


def _passage_s(time_s: np.ndarray, force: np.ndarray) -> float:
    """Time of the last passage from 10 to 90 % of the range between two turning points, the first and last row."""
    share = (force - force[0]) / (force[-1] - force[0])
    left = int(np.flatnonzero(share <= PASSAGE[0])[-1])
    there = left + int(np.flatnonzero(share[left:] >= PASSAGE[1])[0])
    begin = np.interp(PASSAGE[0], share[left : left + 2], time_s[left : left + 2])
    return float(np.interp(PASSAGE[1], share[there - 1 : there + 1], time_s[there - 1 : there + 1]) - begin)


def _rounded(span: float, digits: int) -> float:
    return float(f"{span:.{digits}g}")


def read_record(folder: Path, given: object) -> tuple[tuple[Counted, ...], str]:
    """Classes of cycles of a recorded history, and the unit of their ranges.

    The file has a header and two columns: time_s, and force_n, force_bw or stress_mpa, the force at the bone's site.
    Raises InputError where it is missing, or is no such table.
    """
    if not isinstance(given, str):
        raise InputError(f'{given!r} is not a file. Example: history = "gait.csv".')
    path = (folder / Path(given).expanduser()).resolve()
    if not path.is_file():
        raise InputError(f"no file {path}. A relative path counts from the folder of the scenario file.")
    try:
        time_s, force, unit = _table(path.read_text(encoding="utf-8-sig").splitlines())
        return count(time_s, force), unit
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text file in UTF-8.") from None
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _table(lines: list[str]) -> tuple[list[float], list[float], str]:
    """Times, forces and their unit of the lines of a file."""
    if lines and ";" in lines[0]:
        raise InputError("has semicolons between its columns. Write commas between them, and points in numbers.")
    rows = csv.DictReader(lines, skipinitialspace=True)
    header = [name.strip() for name in rows.fieldnames or ()]
    columns = [name for name in COLUMNS if name in header]
    if "time_s" not in header or not columns:
        raise InputError(f"needs a header line with time_s and one of {', '.join(COLUMNS)}.")
    if len(columns) > 1:
        raise InputError(f"has columns {' and '.join(columns)}, of which one is counted. Remove the others.")
    rows.fieldnames = header
    found = [_numbers(rows.line_num, (row["time_s"], row[columns[0]])) for row in rows]
    return [time_s for time_s, _ in found], [force for _, force in found], COLUMNS[columns[0]]


def _numbers(line: int, texts: tuple[str | None, str | None]) -> tuple[float, float]:
    try:
        return float(texts[0] or ""), float(texts[1] or "")
    except ValueError:
        raise InputError(f"line {line}: {texts[0]!r} and {texts[1]!r} are not two numbers.") from None
