"""Errors that a user can act on: what is wrong, where, what is allowed, how to fix it."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


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


def nearest(word: str, known: Iterable[str]) -> str:
    """Sentence with the known words and the closest one, for error texts.

    >>> nearest("estradol", ["estradiol", "pth"])
    'Known: estradiol, pth. Did you mean "estradiol"?'
    """
    words = sorted(known)
    close = get_close_matches(word, words, n=1, cutoff=0.5)
    hint = f' Did you mean "{close[0]}"?' if close else ""
    return f"Known: {', '.join(words)}.{hint}"
