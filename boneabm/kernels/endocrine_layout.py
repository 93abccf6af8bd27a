"""Names and order of everything the body model keeps: states, inputs of a day, levels in blood, drivers, targets.

Each group is a record of float64 that kernels read by name, and at the same time a plain array.
"""

from __future__ import annotations

import numpy as np

STATES = (
    "lh", "fsh", "igf1", "cortisol", "tnf", "il6", "ros", "d25", "calcitriol", "gland", "magnesium", "k2", "matrix",
    "glycation", "sclerostin", "receptor", "pth_cat", "pth_ana", "trough", "trough_mean", "reserve",
    "t_depot", "t_transit", "t_gel", "e2_oral", "e2_gel", "progesterone", "anastrozole", "prednisone", "secretagogue",
    "cjc1295", "gonadorelin", "atenolol", "calcium_gut", "vitamin_d_gut",
    "den_depot", "den_central", "den_peripheral", "rom_depot", "rom_central", "rom_peripheral",
    "bp_surface", "bp_buried",
    "oc_pre", "oc", "ob_pre", "ob", "wnt", "mass", "mineral",
)  # fmt: skip
"""States in the order of the array that is stepped and stored; drug slots hold amounts (mg; gonadorelin and CJC-1295
ug, vitamin D ug, bisphosphonate mg of alendronate equivalents), the last seven are the mean-field bone."""

INPUTS = (
    "male", "age_y", "years_after_period", "ovaries", "weight_kg", "body_fat", "calcium_mg", "vitamin_d_ug",
    "magnesium_mg", "vitamin_k2_ug", "protein_g_per_kg", "zinc_mg", "antioxidant_index", "omega3_index",
    "inflammation_index", "stress_index", "sleep_index", "insulin_resistance", "sympathetic_index", "leptin_index",
    "progesterone_index", "gonad_index", "pituitary_index", "tnf_block", "pth_pg_per_ml", "den_pm",
    "pin_estradiol", "pin_pth", "pin_d25", "pin_testosterone", "pin_igf1", "pin_magnesium",
)  # fmt: skip
"""What a day prescribes; pth_pg_per_ml is 0 where the model decides."""

RATES = ("estradiol", "testosterone", "teriparatide")
"""Held infusions: patches and pumps; estradiol and testosterone ug/d into blood, teriparatide ug/d under the skin."""

LEVELS = (
    "e2_pg_per_ml", "e2_felt_pg_per_ml", "testosterone_ng_per_dl", "calcium_mmol_per_l", "pth_pg_per_ml", "estrogen",
    "igf1_expected", "denosumab_mg_per_l", "romosozumab_mg_per_l", "progesterone", "sympathetic", "calcium_intake_mg",
    "resorption", "formation",
)  # fmt: skip
"""Levels that follow from the states at once; e2_felt_pg_per_ml has what bone makes on the spot, `estrogen` is h of it
or of a least level; the last two belong to the mean-field bone."""

DRIVERS = (
    "e2", "testosterone", "progesterone", "fsh", "igf1", "igf1_excess", "cortisol", "tnf", "il6", "ros", "sns_beta1",
    "sns_beta2", "pth_cat", "pth_trough", "pth_ana", "sclerostin", "antisclerostin", "wnt_counter", "bp_surface",
    "magnesium", "leptin", "insulin_resistance", "glycation", "matrix_nutrition", "vitamin_d", "calcium_intake",
    "vitamin_k2", "age_over_30", "male_age_over_30", "antioxidant_index", "omega3_index", "sleep_index",
)  # fmt: skip

FORMS = ("ratio", "lne", "log1p", "anab", "bp", "sat12", "sat150", "deficit", "lin")
RATIO, LNE, LOG1P, ANAB, BP, SAT12, SAT150, DEFICIT, LIN = range(9)

FELT = (
    "m_rankl", "m_opg", "m_oc_life", "m_oc_act", "m_ob_prolif", "m_ob_act", "m_ob_life", "mech_gain", "setpoint_shift",
    "m_min_rate", "m_min_max", "matrix_quality",
)  # fmt: skip
"""Targets that cells feel."""

TARGETS = (
    *FELT, "tnf", "il6", "ros", "sclerostin", "cortisol", "sclerostin_blood",
    "shadow_rankl", "shadow_opg", "shadow_oc_life", "shadow_ob_prolif",
)  # fmt: skip
"""Targets of the effect table: what cells feel, set points of states, sclerostin in blood over that made in bone,
and rows of the mean-field bone only."""


def record(names: tuple[str, ...]) -> np.dtype:
    """Type of a record with these names, float64 each."""
    return np.dtype([(name, np.float64) for name in names])


STATE_TYPE, INPUT_TYPE, RATE_TYPE = record(STATES), record(INPUTS), record(RATES)
LEVEL_TYPE, DRIVER_TYPE, TARGET_TYPE = record(LEVELS), record(DRIVERS), record(TARGETS)
