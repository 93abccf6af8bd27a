"""Errors that a user can act on: what is wrong, where, what is allowed, how to fix it."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

SPELLINGS = {
    "ug": ("mcg", "microgram", "micrograms"),
    "mg": ("milligram", "milligrams", "mgs"),
    "g": ("gram", "grams"),
    "ng": ("nanogram", "nanograms"),
    "kg": ("kgs", "kilo", "kilos", "kilogram", "kilograms"),
    "lb": ("lbs", "pound", "pounds"),
    "iu": ("iu.", "i.u.", "ie", "ui"),
    "um": ("micron", "microns", "micrometer", "micrometers"),
    "d": ("day", "days", "24h"),
    "h": ("hr", "hrs", "hour", "hours"),
    "min": ("mins", "minute", "minutes"),
    "s": ("sec", "secs", "second", "seconds"),
    "wk": ("w", "wks", "week", "weeks"),
    "mo": ("mos", "mth", "mths", "month", "months"),
    "y": ("yr", "yrs", "year", "years"),
    "deg": ("degree", "degrees", "\u00b0"),
    "l": ("liter", "liters", "litre", "litres"),
    "%": ("percent", "pct"),
}
"""Other ways to write a unit, in small letters: all of exactly its size."""
_MEANT = {other: unit for unit, others in SPELLINGS.items() for other in others}


class BoneabmError(Exception):
    """Base of every error that the command line shows without a traceback (exit code 2)."""


class InputError(BoneabmError):
    """A scenario, image or option that cannot be used; the text names file, key, allowed values and the fix."""


class LedgerError(BoneabmError):
    """Matrix or mineral appeared or vanished without an entry; names day, quantity and voxel."""


class SolverError(BoneabmError):
    """An iterative solve did not converge; carries the residual history."""

    def __init__(self, message: str, residuals: Iterable[float] = ()) -> None:
        super().__init__(message)
        self.residuals = list(residuals)


class RemovedAgentError(BoneabmError, ReferenceError):
    """A handle was used after its cell had died or been removed."""


def install(extra: str) -> str:
    """Command that adds an extra to the installation that runs now, whether or not its environment is activated."""
    return f"{shlex.quote(sys.executable)} -m pip install 'boneabm[{extra}]'"


def nearest(word: str, known: Iterable[str]) -> str:
    """Sentence with the known words and the closest one, for error texts.

    Units come with their factors: of them only another spelling of the same unit is proposed, never one that looks
    alike ("mcg" is "ug", not "mg").

    >>> nearest("estradol", ["estradiol", "pth"])
    'Known: estradiol, pth. Did you mean "estradiol"?'
    >>> nearest("mcg", {"mg": 1.0, "ug": 1e-3})
    'Known: mg, ug. Did you mean "ug"?'
    """
    words = sorted(known)
    close = _same_unit(word, words) if _has_sizes(known) else get_close_matches(word, words, n=1, cutoff=0.5)
    hint = f' Did you mean "{close[0]}"?' if close else ""
    return f"Known: {', '.join(words)}.{hint}"


def _has_sizes(known: Iterable[str]) -> bool:
    return isinstance(known, Mapping) and all(isinstance(size, float) for size in known.values())


def _same_unit(word: str, units: list[str]) -> list[str]:
    """The unit that another spelling means, or one without its day ("ug" for "ug/d"); none where two would do."""
    plain = _plain(word)
    found = [unit for unit in units if _plain(unit) in (plain, f"{plain}/d") and not _other_prefix(word, unit)]
    return found if len({_plain(unit) for unit in found}) == 1 else []


def _plain(unit: str) -> str:
    """A unit in small letters, parts in their usual spelling: "MCG/day" is "ug/d"."""
    small = unit.replace("\u00b5", "u").replace("\u03bc", "u").lower().replace(" per ", "/")
    return "/".join(_MEANT.get(part, part) for part in re.sub(r"\s", "", small).split("/"))


def _other_prefix(word: str, unit: str) -> bool:
    """Whether two units differ as milli and mega do: "mPa" is not "MPa"."""
    return word[1:] == unit[1:] and {word[:1], unit[:1]} == {"m", "M"}
