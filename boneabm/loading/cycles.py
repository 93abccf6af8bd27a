"""What a number of cycles is worth: saturation within a bout, recovery between bouts, equivalent frequency."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache

LOOK_BACK_D = 14
"""Days after which an earlier bout is forgotten to the last digit: exp(-14 d / 8 h) = 6e-19."""
HOURS_PER_DAY = 24.0


def frequency_gain(hz: float, static_hz: float) -> float:
    """Weight of a cycle by its equivalent frequency, g = max(0, ln(f / f0) / ln(1 / f0)); 1 at 1 Hz, static load 0.

    hz : f; static_hz : f0 below 1 Hz, the frequency at which a cycle counts nothing
    """
    return max(0.0, math.log(hz / static_hz) / -math.log(static_hz)) if hz > 0 else 0.0


PASSAGE = (0.1, 0.9)
"""Shares of a range between which its passage is timed: neither pauses at its ends nor ripple on it count."""


def equivalent_hz(passage_s: float) -> float:
    """Frequency of the sine that needs this time from 10 to 90 % of its range: f = 2 arcsin(0.8) / (2 pi t)."""
    return math.asin(PASSAGE[1] - PASSAGE[0]) / (math.pi * passage_s)


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
    past: tuple[bool, ...],
    hours: tuple[float, ...],
    cycles: float,
    saturation: float,
    recovery_h: float,
    tiring: float | None = None,
) -> float:
    """Effective cycles of the last of these days; a function of the days alone, so nothing of it is kept in a run.

    past   : whether the activity was done on each of the last LOOK_BACK_D days and on the day itself
    hours  : clock times of the bouts of a day, rising; cycles : of each bout
    tiring : cycles of each bout after which its cells are as tired; None: all of them
    The sensitivity before the first of these days is 1. What was before them changes it by less than 1e-18.
    """
    sensitivity, last_h, effective = 1.0, 0.0, 0.0
    for day, done in enumerate(past):
        effective = 0.0
        for hour in hours if done else ():
            now_h = HOURS_PER_DAY * day + hour
            sensitivity, last_h = recovered(sensitivity, now_h - last_h, recovery_h), now_h
            counted, after = bout(sensitivity, cycles, saturation)
            sensitivity = after if tiring is None else bout(sensitivity, tiring, saturation)[1]
            effective += counted
    return effective


def worth_of_classes(
    shares: Sequence[float], worths: Sequence[float], exponent: float, effective: Callable[[float, float | None], float]
) -> list[float]:
    """Effective cycles of each class of a bout: those that are worth most act first, so no ripple takes from them.

    shares    : of the cycles; worths : of one cycle, g x range
    effective : effective cycles of the first (share) of a bout that tires cells as (share; None: all) of it
    N_k = N(c_k) - N(c_(k-1)), c_k the share of the classes down to k. A class tires cells as fewer cycles of the first
    would that are worth as much: sum of share (worth / first worth)^m.
    """
    if len(shares) < 2:
        return [effective(1.0, None) for _ in shares]
    order = sorted(range(len(shares)), key=lambda k: -worths[k])
    first = worths[order[0]]
    tiring = sum(s * (w / first) ** exponent for s, w in zip(shares, worths, strict=True)) if first > 0 else None
    found, done, counted = [0.0] * len(shares), 0.0, 0.0
    for k in order:
        done += shares[k]
        upto = effective(done, tiring)
        found[k], counted = upto - counted, upto
    return found
