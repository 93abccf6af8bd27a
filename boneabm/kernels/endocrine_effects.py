"""The effect table as arithmetic: drivers in, logarithms of what cells feel and of set points out."""

from __future__ import annotations

import math

from . import kernel, rule
from .endocrine_axes import saturation
from .endocrine_layout import (
    ANAB,
    BP,
    DEFICIT,
    DRIVERS,
    LIN,
    LNE,
    LOG1P,
    RATIO,
    SAT12,
)

TESTOSTERONE, CORTISOL = DRIVERS.index("testosterone"), DRIVERS.index("cortisol")
MOST, MOST_TESTOSTERONE, MOST_CORTISOL = 10.0, 2.0, 20.0


@rule
def fill_drivers(y, u, p, level, x):
    """Drivers of the effect table from states, inputs and levels, in their own units."""
    x.e2, x.testosterone, x.progesterone = level.estrogen, level.testosterone_ng_per_dl, level.progesterone
    x.fsh, x.igf1, x.igf1_excess = y.fsh, y.igf1, y.igf1 / level.igf1_expected
    x.cortisol, x.il6, x.ros = max(0.3, y.cortisol), y.il6, y.ros
    x.tnf = 1.0 + (y.tnf - 1.0) * (1.0 - u.tnf_block) if y.tnf > 1.0 else y.tnf
    block = saturation(y.atenolol, p.atenolol_half_mg)
    x.sns_beta1, x.sns_beta2 = level.sympathetic * (1.0 - block), level.sympathetic
    x.pth_cat, x.pth_trough, x.pth_ana = y.pth_cat, y.trough / y.trough_mean, y.pth_ana * y.reserve
    x.sclerostin, x.wnt_counter = y.sclerostin, y.wnt
    x.antisclerostin = level.romosozumab_mg_per_l / p.shadow_romosozumab_mg_per_l
    x.bp_surface, x.magnesium, x.leptin = y.bp_surface, y.magnesium, u.leptin_index
    x.insulin_resistance, x.glycation, x.matrix_nutrition = u.insulin_resistance, y.glycation, y.matrix
    x.vitamin_d, x.calcium_intake, x.vitamin_k2 = y.d25, level.calcium_intake_mg, y.k2
    x.age_over_30 = max(0.0, u.age_y - 30.0)
    x.male_age_over_30 = x.age_over_30 * u.male
    x.antioxidant_index, x.omega3_index, x.sleep_index = u.antioxidant_index, u.omega3_index, u.sleep_index


@rule
def log_term(form, value, reference, highest, p):
    """g(driver) of a row of the effect table; ratios act between 0.1 and `highest`."""
    if form == RATIO:
        return math.log(min(max(value / reference, 0.1), highest))
    if form in (LNE, DEFICIT):
        return math.log(min(max(value / reference, 0.01), 1.0))
    if form == LOG1P:
        return math.log(1.0 + max(value, 0.0))
    if form == BP:
        return math.log(1.0 + p.shadow_bisphosphonate_gain * saturation(value, p.shadow_bisphosphonate_half_mg))
    if form in (LIN, ANAB):
        return value
    half = 12.0 if form == SAT12 else 150.0
    return math.log(max(saturation(value, half), 1e-3) / saturation(reference, half))


@kernel
def log_targets(drivers, reference, p, rows, exponents, terms, targets):
    """ln target = sum over rows of exponent x g(driver); the pulsed row is ln(1 + exponent x driver).

    drivers, reference : (DRIVERS,) today and in the reference subject at balance
    rows      : (R, 4) int64: driver, form, target, first row with the same driver and form
    exponents : (R,)
    terms     : (R,) scratch
    targets   : (TARGETS,) overwritten
    """
    targets[:] = 0.0
    for k in range(exponents.size):
        driver, form, target, same = rows[k, 0], rows[k, 1], rows[k, 2], rows[k, 3]
        if same == k:
            highest = MOST_TESTOSTERONE if driver == TESTOSTERONE else MOST_CORTISOL if driver == CORTISOL else MOST
            terms[k] = log_term(form, drivers[driver], reference[driver], highest, p)
        if form == ANAB:
            targets[target] += math.log(1.0 + exponents[k] * max(terms[same], 0.0))
        else:
            targets[target] += exponents[k] * terms[same]
