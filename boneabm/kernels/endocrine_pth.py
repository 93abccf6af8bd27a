"""Pulse against level: what the PTH receptor makes of a day of PTH, with and without injected teriparatide."""

from __future__ import annotations

import math

from . import kernel, rule
from .endocrine_axes import saturation
from .endocrine_drugs import teriparatide_clearance, teriparatide_pulse

POINTS = 288
HOURS = 24.0


@rule
def steady_pmol_per_l(ug_per_d, u, p):
    """Teriparatide in blood under a constant infusion, pmol/L."""
    return p.teriparatide_share * ug_per_d * p.teriparatide_pmol_per_ug / (HOURS * teriparatide_clearance(u, p))


@rule
def infused(time, starts, stops, rates):
    """Sum of the infusions that run at a time."""
    total = 0.0
    for k in range(rates.size):
        if starts[k] <= time < stops[k]:
            total += rates[k]
    return total


@kernel
def receptor_day(adapted, own, day, u, p, pump, doses):
    """One day of the receptor: adaptation at its end, mean adaptation, mean square of the pulses, least occupancy.

    a = P / (P + K), ds/dt = (a - s) / tau; the pulse signal is the mean of max(0, a - s)^2. A day without an injection
    has none, by definition: levels and infusions, however high, are not pulses.

    adapted : s at the start of the day
    own     : endogenous PTH, pmol/L
    pump    : starts, stops (d) and rates (ug/d) of teriparatide infusions
    doses   : times (d) and amounts (ug) of teriparatide injections, sorted
    """
    starts, stops, rates = pump
    times, amounts = doses
    first = 0
    while first < times.size and times[first] <= day - 1.0:
        first += 1
    last = first
    while last < times.size and times[last] < day + 1.0:
        last += 1
    held = infused(day + 0.5, starts, stops, rates)
    if last == first and held == infused(day, starts, stops, rates) == infused(day + 0.999, starts, stops, rates):
        a = saturation(own + steady_pmol_per_l(held, u, p), p.pth_half_pmol_per_l)
        fade = math.exp(-HOURS / p.pth_adaptation_h)
        mean = a + (adapted - a) * (1.0 - fade) * p.pth_adaptation_h / HOURS
        return a + (adapted - a) * fade, mean, 0.0, a
    step = HOURS / POINTS
    fade = math.exp(-step / p.pth_adaptation_h)
    total, square, least = 0.0, 0.0, 1.0
    for i in range(POINTS):
        time = day + (i + 0.5) / POINTS
        level = own + steady_pmol_per_l(infused(time, starts, stops, rates), u, p)
        for j in range(first, last):
            level += teriparatide_pulse((time - times[j]) * HOURS, amounts[j], u, p)
        a = saturation(level, p.pth_half_pmol_per_l)
        adapted = a + (adapted - a) * fade
        total += adapted
        least = min(least, a)
        if last > first:
            square += max(0.0, a - adapted) ** 2
    return adapted, total / POINTS, square / POINTS, least


@kernel
def change_receptor(y, own, day, u, p, pump, doses):
    """Advance receptor, pulsed and constant signal (smoothed), and the daily least occupancy over its slow mean."""
    y.receptor, mean, square, least = receptor_day(y.receptor, own, day, u, p, pump, doses)
    share = 1.0 - math.exp(-p.pth_smoothing_per_d)
    y.pth_cat += (mean - y.pth_cat) * share
    y.pth_ana += (square / p.anabolic_scale - y.pth_ana) * share
    y.trough = least
    y.trough_mean += (least - y.trough_mean) * (1.0 - math.exp(-1.0 / p.trough_d))
