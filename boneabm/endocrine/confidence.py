"""How much of what cells feel rests on effect rows of low confidence."""

from __future__ import annotations

import math

from ..kernels.endocrine_layout import ANAB, FELT
from .body import Body
from .effects import effect_table

MARKED = 0.10


def low_confidence_factors(body: Body) -> dict[str, float]:
    """Factor by which low-confidence rows move each modulator, with levels and states of the last look.

    Only rows that act on the modulator itself count, not those on set points of states before it.
    """
    _, rows, exponents, terms = body.physiology.table
    sums = dict.fromkeys(FELT, 0.0)
    for k, effect in enumerate(effect_table()):
        if effect.felt_by == "cells" and effect.confidence == "low":
            term, form = terms[rows[k, 3]], rows[k, 1]
            sums[effect.target] += math.log(1 + exponents[k] * max(term, 0)) if form == ANAB else exponents[k] * term
    return {name: math.exp(value) for name, value in sums.items()}


def marked(body: Body) -> dict[str, float]:
    """Modulators that low-confidence rows move by more than 10 %, with the factor."""
    return {name: f for name, f in low_confidence_factors(body).items() if abs(math.log(f)) > math.log(1 + MARKED)}
