"""What a number of cycles is worth: saturation within a bout, recovery between bouts, equivalent frequency."""

from __future__ import annotations

import math
from functools import cache

LOOK_BACK_D = 14
"""Days after which an earlier bout is forgotten to the last digit: exp(-14 d / 8 h) = 6e-19."""
HOURS_PER_DAY = 24.0


def frequency_gain(hz: float, static_hz: float) -> float:
    """Weight of a cycle by its equivalent frequency, g = max(0, ln(f / f0) / ln(1 / f0)); 1 at 1 Hz, static load 0.

    hz : f; static_hz : f0 below 1 Hz, the frequency at which a cycle counts nothing
    """
    return max(0.0, math.log(hz / static_hz) / -math.log(static_hz)) if hz > 0 else 0.0


def equivalent_hz(rate_max: float, span: float) -> float:
    """Frequency of the sine with this largest rate (per s) and range: f = rate / (pi range)."""
    return rate_max / (math.pi * span)


def bout(sensitivity: float, cycles: float, saturation: float) -> tuple[float, float]:
    """Effective cycles N of a bout of n, and the sensitivity s after it.

    N = n0 ln(1 + s n / n0), s <- s / (1 + s n / n0); n0 = 1: osteogenic index ln(1 + n); n0 -> infinity: N = n
    """
    used = sensitivity * cycles / saturation
    return saturation * math.log1p(used), sensitivity / (1.0 + used)


def recovered(sensitivity: float, hours: float, recovery_h: float) -> float:
    """Sensitivity after a rest: s <- 1 - (1 - s) exp(-t / tau)."""
    return 1.0 - (1.0 - sensitivity) * math.exp(-hours / recovery_h)


@cache
def effective_cycles(
    past: tuple[bool, ...], hours: tuple[float, ...], cycles: float, saturation: float, recovery_h: float
) -> float:
    """Effective cycles of the last of these days; a function of the days alone, so nothing of it is kept in a run.

    past  : whether the activity was done on each of the last LOOK_BACK_D days and on the day itself
    hours : clock times of the bouts of a day, rising; cycles : of each bout
    The sensitivity before the first of these days is 1. What was before them changes it by less than 1e-18.
    """
    sensitivity, last_h, effective = 1.0, 0.0, 0.0
    for day, done in enumerate(past):
        effective = 0.0
        for hour in hours if done else ():
            now_h = HOURS_PER_DAY * day + hour
            sensitivity, last_h = recovered(sensitivity, now_h - last_h, recovery_h), now_h
            counted, sensitivity = bout(sensitivity, cycles, saturation)
            effective += counted
    return effective
