"""Hormone axes: estradiol, testosterone, LH, FSH, IGF-1, cortisol, calcium and PTH; records in, numbers out."""

from __future__ import annotations

import math

from . import rule


@rule
def saturation(x, half):
    """h(x) = x / (x + half), 0 below 0."""
    return x / (x + half) if x > 0.0 else 0.0


@rule
def logistic(x, center, width):
    """1 / (1 + exp(-(x - center) / width))."""
    return 1.0 / (1.0 + math.exp(-min(max((x - center) / width, -500.0), 500.0)))


@rule
def aromatase(y, p):
    """Share of aromatase that still works under an inhibitor: 1 - most A / (A + half)."""
    return 1.0 - p.anastrozole_most * saturation(y.anastrozole, p.anastrozole_half_mg)


@rule
def testosterone(y, u, rate, p):
    """Testosterone, ng/dL: men T_ref G h(LH) / h(LH_ref), women a slow line of ovaries and adrenals; plus drug.

    G = gonad capacity x age x adiposity
    """
    drug = testosterone_of_drugs(y, rate, p)
    if u.male < 0.5:
        line = max(0.5, 1.0 - p.testosterone_female_age_per_y * max(0.0, u.age_y - 30.0))
        glands = 1.0 - p.testosterone_ovarian_share + p.testosterone_ovarian_share * ovaries(u)
        return p.testosterone_female_ng_per_dl * line * glands * u.pin_testosterone + drug
    driven = saturation(y.lh, p.testosterone_lh_half_iu_per_l)
    driven /= saturation(p.lh_male_iu_per_l, p.testosterone_lh_half_iu_per_l)
    return p.testosterone_male_ng_per_dl * male_gonads(u, p) * driven + drug


@rule
def testosterone_of_drugs(y, rate, p):
    """Absorbed testosterone over its clearance, ng/dL."""
    absorbed_mg = p.testosterone_transit_per_d * y.t_transit + p.gel_per_d * y.t_gel + 1e-3 * rate.testosterone
    return 1e5 * absorbed_mg / p.testosterone_clearance_l_per_d


@rule
def ovaries(u):
    """Ovaries that are left and work, 0..1."""
    return u.ovaries * min(1.0, u.gonad_index)


@rule
def male_gonads(u, p):
    """Capacity of the testes: given share x age line (not below 0.2) x loss by body fat above 25 %."""
    age = max(0.2, 1.0 - p.testosterone_age_per_y * max(0.0, u.age_y - 30.0))
    fat = max(0.2, 1.0 - p.testosterone_fat_loss * max(0.0, u.body_fat - 0.25))
    return age * fat * u.gonad_index * u.pin_testosterone


@rule
def cycling(u, p):
    """Share of premenopausal ovarian function: logistic fall around the final period, times ovaries that work."""
    return logistic(p.transition_shift_y - u.years_after_period, 0.0, p.transition_width_y) * ovaries(u)


@rule
def ovarian_reserve(u, p):
    """Follicles left, as FSH sees them: falls before estradiol does."""
    return logistic(p.ovarian_reserve_shift_y - u.years_after_period, 0.0, p.ovarian_reserve_width_y) * ovaries(u)


@rule
def estradiol(y, u, rate, p, testosterone_ng_per_dl):
    """Estradiol in blood, pg/mL: glands, aromatization of what is not blocked, and absorbed drug over clearance.

    Ovaries need LH, up to what they get before menopause. Testosterone given to a woman is aromatized as in a man.
    """
    free = aromatase(y, p)
    fat = p.aromatization_lean_share + (1.0 - p.aromatization_lean_share) * u.body_fat / p.body_fat_reference_share
    if u.male > 0.5:
        made = p.aromatization_pg_per_ml_per_ng_per_dl * testosterone_ng_per_dl * fat + p.estradiol_adrenal_pg_per_ml
        own = made * (p.aromatase_unreached_share + (1.0 - p.aromatase_unreached_share) * free)
    else:
        given = p.aromatization_pg_per_ml_per_ng_per_dl * testosterone_of_drugs(y, rate, p)
        rest = (p.estradiol_after_pg_per_ml + given) * fat
        rest *= p.aromatase_spared_share + (1.0 - p.aromatase_spared_share) * free
        driven = saturation(y.lh, p.estradiol_lh_half_iu_per_l)
        driven /= saturation(p.lh_female_iu_per_l, p.estradiol_lh_half_iu_per_l)
        own = (p.estradiol_before_pg_per_ml - p.estradiol_after_pg_per_ml) * cycling(u, p) * min(1.0, driven) + rest
    own *= u.pin_estradiol
    absorbed_ug = 1e3 * (oral_estradiol(y, p) + p.gel_per_d * y.e2_gel) + rate.estradiol
    return own + 1e3 * absorbed_ug / p.estradiol_clearance_l_per_d


@rule
def oral_estradiol(y, p):
    """Oral estradiol that reaches the blood, mg/d."""
    return p.oral_estradiol_per_d * p.oral_estradiol_share * y.e2_oral


@rule
def lh_target(y, u, p, estradiol_pg_per_ml, testosterone_ng_per_dl):
    """Set point of LH, IU/L: men LHmax / (1 + g^n), g by testosterone and estradiol; women by reserve and estradiol."""
    drug = p.gonadorelin_lh_iu_per_l * saturation(y.gonadorelin, p.gonadorelin_half_ug)
    if u.male < 0.5:
        lost = (1.0 - ovarian_reserve(u, p)) / (1.0 + estradiol_pg_per_ml / p.fsh_estradiol_pg_per_ml)
        return u.pituitary_index * (p.lh_female_iu_per_l + p.lh_menopause_iu_per_l * lost) + drug
    g = p.lh_testosterone_gain * testosterone_ng_per_dl / p.lh_feedback_testosterone_ng_per_dl
    g += p.lh_estradiol_gain * estradiol_pg_per_ml / p.lh_feedback_estradiol_pg_per_ml
    return u.pituitary_index * (p.lh_max_iu_per_l / (1.0 + g**p.lh_feedback_power) + drug)


@rule
def fsh_target(u, p, estradiol_pg_per_ml):
    """Set point of FSH, IU/L: held down by ovarian reserve and estradiol; in men by working gonads."""
    if u.male > 0.5:
        return u.pituitary_index * (p.fsh_male_iu_per_l + p.fsh_gonad_iu_per_l * max(0.0, 1.0 - male_gonads(u, p)))
    held = p.fsh_reserve_gain * ovarian_reserve(u, p) + estradiol_pg_per_ml / p.fsh_estradiol_pg_per_ml
    return u.pituitary_index * p.fsh_max_iu_per_l / (1.0 + held)


@rule
def igf1_expected(u, p):
    """IGF-1 of this age and diet without drugs, ng/mL."""
    age = math.exp(-p.igf1_age_per_y * max(0.0, u.age_y - 28.0))
    protein = 1.0 - p.igf1_protein_slope + p.igf1_protein_slope * min(1.2, u.protein_g_per_kg)
    return p.igf1_young_ng_per_ml * age * protein * u.pin_igf1


@rule
def igf1_target(y, u, p):
    """Set point of IGF-1, ng/mL: expected x (1 + drive of GH drugs) x the loss under oral estrogen.

    Drugs of one axis share its range: two shares of it together are a + b - a b.
    """
    short = saturation(p.secretagogue_per_d * y.secretagogue, 1.0)
    long = saturation(y.cjc1295 / u.weight_kg, p.cjc1295_half_ug_per_kg)
    drive = short + long - short * long
    oral = saturation(1e3 * oral_estradiol(y, p), p.igf1_oral_half_ug_per_d)
    return igf1_expected(u, p) * (1.0 + p.gh_drug_gain * drive) * (1.0 - (1.0 - p.igf1_oral_estrogen) * oral)


@rule
def prednisone_units(y, p):
    """Prednisone in units of a day's cortisol: mg/d over 4."""
    return p.prednisone_per_d * y.prednisone / p.prednisone_mg_per_d_per_cortisol


@rule
def cortisol_target(y, u, p, by_table):
    """Set point of cortisol action: endogenous / (1 + s x) + x, x = prednisone units."""
    x = prednisone_units(y, p)
    own = u.stress_index * (1.0 + p.cortisol_age_per_y * max(0.0, u.age_y - 30.0)) * by_table
    return own / (1.0 + p.cortisol_suppression * x) + x


@rule
def magnesium_effect(y, p, mid, width):
    """How far magnesium lets PTH or calcitriol be made; 1 at the reference level."""
    return logistic(y.magnesium, mid, width) / logistic(p.magnesium_mmol_per_l, mid, width)


@rule
def absorbed_calcium(y, u, p, intake_mg):
    """Calcium that the gut takes up, mmol/d: passive share and saturable part driven by calcitriol."""
    intake = intake_mg / 40.08
    active = y.calcitriol / p.calcitriol_pmol_per_l
    active = p.absorbed_active_mmol_per_d * active / (0.5 + 0.5 * active)
    low = max(0.0, p.protein_threshold_g_per_kg - u.protein_g_per_kg)
    factor = max(0.1, 1.0 - p.absorbed_protein_loss * low)
    factor /= 1.0 + p.absorbed_cortisol_loss * max(0.0, y.cortisol - 1.0)
    return (p.absorbed_passive_share * intake + active * saturation(intake, p.absorbed_half_mmol_per_d)) * factor


@rule
def pth_curve(calcium, p):
    """Inverse sigmoid of PTH on calcium (1 at the reference) and its slope, 1/(mmol/L)."""
    ratio = (calcium / p.calcium_mmol_per_l) ** p.pth_slope
    steep = (p.pth_high - 1.0) / (1.0 - p.pth_low)
    span = (p.pth_high - p.pth_low) / (1.0 + steep * ratio)
    slope = -span * steep * p.pth_slope * ratio / calcium / (1.0 + steep * ratio)
    return p.pth_low + span, slope


@rule
def calcium_and_pth(y, u, p, estrogen, intake_mg, bone_flux):
    """Serum calcium (mmol/L) and PTH (pg/mL) at which gut, bone, sweat and urine balance; Newton, one root.

    absorbed - fecal + bone flux = sweat + U0 exp(U_ca dCa) (PTH / PTH0)^-n x losses without estrogen, under cortisol
    The effect of injected PTH on the kidney is the excess of the receptor's mean over that of endogenous PTH.
    """
    net = absorbed_calcium(y, u, p, intake_mg) - p.calcium_fecal_mmol_per_d + bone_flux - p.calcium_sweat_mmol_per_d
    losses = p.calcium_urine_mmol_per_d * (1.0 + p.urine_cortisol_share * max(0.0, y.cortisol - 1.0))
    losses *= 1.0 + p.urine_estrogen_share * (1.0 - estrogen)
    top = p.pth_reference_pg_per_ml * y.gland * u.pin_pth
    top *= magnesium_effect(y, p, p.magnesium_pth_mid_mmol_per_l, p.magnesium_pth_width_mmol_per_l)
    calcium, pth = p.calcium_mmol_per_l, 0.0
    for _ in range(60):
        curve, slope = pth_curve(calcium, p)
        pth, relative = top * curve, slope / curve
        if u.pth_pg_per_ml > 0.0:
            pth, relative = u.pth_pg_per_ml, 0.0
        own = saturation(pth / p.pth_g_per_mmol, p.pth_half_pmol_per_l)
        felt = pth * max(1.0, y.pth_cat / own) / p.pth_reference_pg_per_ml
        urine = losses * math.exp(p.urine_calcium_slope_l_per_mmol * (calcium - p.calcium_mmol_per_l))
        urine *= felt ** (-p.urine_pth_power)
        step = (net - urine) / (urine * (p.urine_calcium_slope_l_per_mmol - p.urine_pth_power * relative))
        calcium += min(max(step, -0.05), 0.05)
        if abs(step) < 1e-12 or calcium < 0.8:
            break
    return max(calcium, 0.8), pth


@rule
def calcitriol_target(y, u, p, pth):
    """Set point of calcitriol, pmol/L: substrate, PTH, magnesium and the age of the kidney."""
    substrate = saturation(y.d25, p.calcitriol_d25_half_nmol_per_l)
    substrate /= saturation(p.d25_reference_nmol_per_l, p.calcitriol_d25_half_nmol_per_l)
    kidney = max(0.6, 1.0 - p.calcitriol_age_per_y * max(0.0, u.age_y - 45.0))
    mg = magnesium_effect(y, p, p.magnesium_calcitriol_mid_mmol_per_l, p.magnesium_calcitriol_width_mmol_per_l)
    driven = (pth / p.pth_reference_pg_per_ml) ** p.calcitriol_pth_power
    return p.calcitriol_pmol_per_l * substrate * driven * mg * kidney


@rule
def d25_target(y, u, p):
    """Set point of 25-hydroxyvitamin D, nmol/L: sun and food, 0.70 per ug/d, half of that above the knee."""
    intake = u.vitamin_d_ug + p.vitamin_d_gut_per_d * y.vitamin_d_gut
    fat = p.d25_obese_factor if u.body_fat > p.d25_obese_fat_share else 1.0
    level = max(2.0, (p.d25_base_nmol_per_l + u.pin_d25 + p.d25_slope_nmol_per_l_per_ug_per_d * intake) * fat)
    knee = p.d25_knee_nmol_per_l
    return level if level < knee else knee + 0.5 * (level - knee)
