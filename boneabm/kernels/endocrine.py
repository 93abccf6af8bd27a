"""The body in time: rates of change of all states, days by Runge-Kutta between doses, balance without doses."""

from __future__ import annotations

import math

import numpy as np

from . import kernel, rule
from .endocrine_axes import (
    aromatase,
    calcitriol_target,
    calcium_and_pth,
    cortisol_target,
    cycling,
    d25_target,
    estradiol,
    fsh_target,
    igf1_expected,
    igf1_target,
    lh_target,
    prednisone_units,
    saturation,
    testosterone,
)
from .endocrine_drugs import change_drug_slots
from .endocrine_effects import fill_drivers, log_targets
from .endocrine_layout import LEVELS, STATES
from .endocrine_pth import change_receptor, infused
from .endocrine_shadow import change_shadow, turnover

SUBSTEPS = 14
SETTLE_STEPS = 4000
SETTLE_SHARE = 0.2
N, SEEN = len(STATES), len(LEVELS)
SIMPSON = (1.0 / 6.0, 0.0, 4.0 / 6.0, 1.0 / 6.0)
"""Weights of the four looks of a Runge-Kutta step in means over time; the second and the third are at its middle."""


@rule
def fill_levels(y, u, rate, p, level):
    """Algebraic levels that need no turnover: sex steroids, drugs, intake, tone."""
    level.testosterone_ng_per_dl = testosterone(y, u, rate, p)
    level.e2_pg_per_ml = estradiol(y, u, rate, p, level.testosterone_ng_per_dl)
    local = p.local_estradiol_pg_per_ml_per_ng_per_dl * level.testosterone_ng_per_dl * aromatase(y, p)
    level.e2_felt_pg_per_ml = level.e2_pg_per_ml + local
    felt = max(level.e2_felt_pg_per_ml, p.estradiol_least_pg_per_ml)
    level.estrogen = saturation(felt, p.estradiol_half_pg_per_ml)
    level.igf1_expected = igf1_expected(u, p)
    level.denosumab_mg_per_l = y.den_central / p.denosumab_central_l + u.den_pm / p.denosumab_pm_per_mg_per_l
    level.romosozumab_mg_per_l = y.rom_central / p.romosozumab_central_l
    level.progesterone = u.progesterone_index + p.progesterone_per_mg * p.progesterone_per_d * y.progesterone
    past = 0.0 if u.male > 0.5 else 1.0 - cycling(u, p)
    level.sympathetic = u.sympathetic_index * (1.0 + (p.sympathetic_menopause - 1.0) * past)
    level.calcium_intake_mg = u.calcium_mg + p.calcium_gut_per_d * y.calcium_gut


@rule
def change_slow_states(y, u, p, level, t, dy):
    """Rates of immune states, nutrition and sclerostin; each relaxes to its set point of the effect table."""
    fat = u.body_fat / p.body_fat_reference_share
    base = u.inflammation_index * math.exp(p.inflammation_age_per_y * max(0.0, u.age_y - 35.0))
    base *= 1.0 - p.fat_tnf_share + p.fat_tnf_share * fat
    if base > 1.0:
        base = 1.0 + (base - 1.0) / (1.0 + p.glucocorticoid_relief * prednisone_units(y, p))
    dy.tnf = p.cytokine_rate_per_d * (base * math.exp(t.tnf) - y.tnf)
    il6 = base * (1.0 - p.fat_il6_share + p.fat_il6_share * fat)
    dy.il6 = p.cytokine_rate_per_d * (il6 * math.exp(t.il6) - y.il6)
    ros = math.exp(p.oxidation_age_per_y * max(0.0, u.age_y - 35.0))
    ros *= 1.0 - p.oxidation_tnf_share + p.oxidation_tnf_share * y.tnf
    dy.ros = p.cytokine_rate_per_d * (ros * math.exp(t.ros) - y.ros)
    dy.sclerostin = p.sclerostin_rate_per_d * (math.exp(t.sclerostin) - y.sclerostin)
    vitamin_k2 = p.k2_least + p.k2_span * saturation(u.vitamin_k2_ug, p.k2_half_ug_per_d)
    dy.k2 = p.k2_rate_per_d * (vitamin_k2 - y.k2)
    protein = min(1.1, 1.0 - p.matrix_protein_slope + p.matrix_protein_slope * u.protein_g_per_kg)
    zinc = min(1.05, 1.0 - p.matrix_zinc_slope + p.matrix_zinc_slope * u.zinc_mg / p.zinc_intake_mg_per_d)
    dy.matrix = p.matrix_rate_per_d * (protein * zinc - y.matrix)
    stress = u.insulin_resistance * (0.6 + 0.4 * y.ros)
    dy.glycation = p.glycation_rate_per_d * (stress - y.glycation * math.sqrt(max(0.1, level.resorption)))


@rule
def change_axes(y, u, p, level, t, dy):
    """Rates of LH, FSH, IGF-1, cortisol and the mineral states."""
    e2 = level.e2_pg_per_ml
    dy.lh = p.lh_rate_per_d * (lh_target(y, u, p, e2, level.testosterone_ng_per_dl) - y.lh)
    dy.fsh = p.fsh_rate_per_d * (fsh_target(u, p, e2) - y.fsh)
    dy.igf1 = p.igf1_rate_per_d * (igf1_target(y, u, p) - y.igf1)
    dy.cortisol = p.cortisol_rate_per_d * (cortisol_target(y, u, p, math.exp(t.cortisol)) - y.cortisol)
    dy.d25 = p.d25_rate_per_d * (d25_target(y, u, p) - y.d25)
    dy.calcitriol = p.calcitriol_rate_per_d * (calcitriol_target(y, u, p, level.pth_pg_per_ml) - y.calcitriol)
    gland = 1.0 + p.gland_gain * (1.0 - min(1.5, y.calcitriol / p.calcitriol_pmol_per_l))
    dy.gland = p.gland_rate_per_d * (gland - y.gland)
    eaten = min(1.15, u.magnesium_mg / p.magnesium_intake_mg_per_d)
    serum = p.magnesium_mmol_per_l * (1.0 - p.magnesium_slope + p.magnesium_slope * eaten) * u.pin_magnesium
    dy.magnesium = p.magnesium_rate_per_d * (serum - y.magnesium)


@kernel
def look(y, u, rate, p, table, level, drivers, x, targets, t):
    """Levels, drivers and targets of a state: what blood carries and what cells feel of it.

    y, u, rate, p  : records of state, inputs, infusions, parameters
    table          : reference drivers, rows, exponents, scratch of the effect table
    level          : record, overwritten
    drivers, x     : the same memory as array and as record, overwritten; targets, t likewise
    """
    reference, rows, exponents, terms = table
    fill_levels(y, u, rate, p, level)
    fill_drivers(y, u, p, level, x)
    log_targets(drivers, reference, p, rows, exponents, terms, targets)
    level.resorption, level.formation = turnover(y, p, t)
    full = p.estradiol_before_pg_per_ml
    estrogen = min(1.0, level.estrogen / saturation(full, p.estradiol_half_pg_per_ml))
    flux = p.bone_calcium_mmol_per_d * p.bone_calcium_share * (level.resorption - level.formation)
    level.calcium_mmol_per_l, level.pth_pg_per_ml = calcium_and_pth(y, u, p, estrogen, level.calcium_intake_mg, flux)


@kernel
def rates_of_change(y, u, rate, p, table, level, drivers, x, targets, t, dy):
    """d state / dt (per day) of every state but the receptor of PTH, which moves once a day; overwrites dy."""
    look(y, u, rate, p, table, level, drivers, x, targets, t)
    change_axes(y, u, p, level, t, dy)
    change_slow_states(y, u, p, level, t, dy)
    change_drug_slots(y, p, level.resorption, dy)
    change_shadow(y, p, level, t, dy)
    dy.reserve = p.reserve_refill_per_d * (1.0 - y.reserve) - p.reserve_use_per_d * y.pth_ana * y.reserve
    dy.receptor = dy.pth_cat = dy.pth_ana = dy.trough = dy.trough_mean = 0.0


@rule
def add_look(weight, seen, targets, total):
    """total += weight x (levels, targets)."""
    for i in range(SEEN):
        total[i] += weight * seen[i]
    for i in range(targets.size):
        total[SEEN + i] += weight * targets[i]


@kernel
def runge_kutta(length, u, rate, p, table, seen, level, drivers, x, targets, t, steps, records, total):
    """Classic fourth-order steps over a stretch of a day without doses; steps[0] is the state, the rest scratch.

    total : (LEVELS + TARGETS,) gets the integral of levels and targets over the stretch, Simpson's rule in each step
    """
    count = max(1, math.ceil(length * SUBSTEPS - 1e-9))
    h = length / count
    for _ in range(count):
        rates_of_change(records[0], u, rate, p, table, level, drivers, x, targets, t, records[2])
        add_look(h * SIMPSON[0], seen, targets, total)
        for stage in range(3):
            share = h if stage == 2 else 0.5 * h
            for i in range(N):
                steps[1, i] = steps[0, i] + share * steps[2 + stage, i]
            rates_of_change(records[1], u, rate, p, table, level, drivers, x, targets, t, records[3 + stage])
            add_look(h * SIMPSON[1 + stage], seen, targets, total)
        for i in range(N):
            steps[0, i] += h / 6.0 * (steps[2, i] + 2.0 * steps[3, i] + 2.0 * steps[4, i] + steps[5, i])


@kernel
def look_at(inputs, parameters, table, work):
    """Levels, drivers and targets of the state as it is; arrays as in `advance_day`, held rates as they stand."""
    _, levels, drivers, x, targets, t, _, records, _, rate, _ = work
    look(records[0], inputs[0], rate[0], parameters[0], table, levels[0], drivers, x[0], targets, t[0])


@kernel
def advance_day(day, inputs, parameters, table, events, pumps, work):
    """One day, from `day` to `day + 1`: receptor, then states between doses, each dose at its exact time.

    Levels and targets come in as the means of the day before (at rest: as they are), of which the receptor takes its
    PTH, and go out as the means of this day: cells feel a day, not the hour at which a drug happens to be lowest.

    inputs, parameters : records (1,)
    table  : reference drivers, rows, exponents, scratch of the effect table
    events : times (d, sorted), slots (index of a state, -1 where only an infusion starts or stops), amounts
    pumps  : for estradiol, testosterone, teriparatide: (starts, stops, rates); then (times, amounts) of injections
    work   : levels, drivers, targets and rates, each as array and as record (1,); state and scratch of the steps
             (6, STATES) as array and as records (6,), the state first; sums of the day (LEVELS + TARGETS,)
    """
    seen, levels, drivers, xs, targets, ts, steps, records, rates, rate, total = work
    u, p, level, x, t = inputs[0], parameters[0], levels[0], xs[0], ts[0]
    times, slots, amounts = events
    estradiol_pump, testosterone_pump, teriparatide_pump, injections = pumps
    own = level.pth_pg_per_ml if u.pth_pg_per_ml <= 0.0 else u.pth_pg_per_ml
    change_receptor(records[0], own / p.pth_g_per_mmol, day, u, p, teriparatide_pump, injections)
    total[:] = 0.0
    now, k = day, np.searchsorted(times, day)
    while now < day + 1.0:
        while k < times.size and times[k] <= now:
            if slots[k] >= 0:
                steps[0, slots[k]] += amounts[k]
            k += 1
        until = min(day + 1.0, times[k]) if k < times.size else day + 1.0
        middle = 0.5 * (now + until)
        rates[0], rates[1] = infused(middle, *estradiol_pump), infused(middle, *testosterone_pump)
        runge_kutta(until - now, u, rate[0], p, table, seen, level, drivers, x, targets, t, steps, records, total)
        now = until
    seen[:], targets[:] = total[:SEEN], total[SEEN:]


@kernel
def settle(own_reference, pace, inputs, parameters, table, work):
    """Move every state to balance without drugs: y += share x dy / pace; receptor at rest; returns steps taken.

    own_reference : whether the drivers of this very state are the reference (the reference subject)
    pace          : (STATES,) relaxation rate of a state, 0 where it is left alone
    Returns -1 where no balance was found.
    """
    _, levels, drivers, xs, targets, ts, steps, records, rates, rate, _ = work
    u, p, level, x, t = inputs[0], parameters[0], levels[0], xs[0], ts[0]
    reference = table[0]
    rates[:] = 0.0
    for taken in range(SETTLE_STEPS):
        y, dy = records[0], records[2]
        if own_reference:
            look(y, u, rate[0], p, table, level, drivers, x, targets, t)
            reference[:] = drivers
        rates_of_change(y, u, rate[0], p, table, level, drivers, x, targets, t, dy)
        change = 0.0
        for i in range(N):
            if pace[i] > 0.0:
                step = SETTLE_SHARE * steps[2, i] / pace[i]
                steps[0, i] += step
                change = max(change, abs(step) / (1e-3 + abs(steps[0, i])))
        occupancy = saturation(level.pth_pg_per_ml / p.pth_g_per_mmol, p.pth_half_pmol_per_l)
        change = max(change, abs(occupancy - y.receptor))
        y.receptor = y.pth_cat = y.trough = y.trough_mean = occupancy
        y.pth_ana = 0.0
        if change < 1e-14 and taken > 10:
            return taken
    return -1


@kernel
def rates_at(inputs, parameters, table, work):
    """d state / dt of the state as it is, into the third row of `steps`; for solvers outside."""
    _, levels, drivers, x, targets, t, _, records, _, rate, _ = work
    u, p = inputs[0], parameters[0]
    rates_of_change(records[0], u, rate[0], p, table, levels[0], drivers, x[0], targets, t[0], records[2])
