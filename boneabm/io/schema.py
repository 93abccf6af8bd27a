"""The one table of names, types, units and meanings of everything a run folder holds, and its version."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from boneabm.errors import InputError, nearest

SCHEMA_VERSION = 1

OSTEOCLAST, OSTEOBLAST, OSTEOCYTE = 1, 2, 3
CELL_NAMES = {OSTEOCLAST: "osteoclast", OSTEOBLAST: "osteoblast", OSTEOCYTE: "osteocyte"}


@dataclass(frozen=True, slots=True)
class Column:
    """One named quantity of a file: numpy type, unit ("" where there is none) and meaning in the field's words."""

    name: str
    dtype: str
    unit: str
    meaning: str


def _table(*columns: Column) -> dict[str, Column]:
    return {column.name: column for column in columns}


VOLUME_FIELDS = _table(
    Column("matrix", "float32", "", "volume fraction of bone matrix, osteoid and mineralized, 0..1"),
    Column("osteoid", "float32", "", "volume fraction of matrix that is not yet mineralized, 0..matrix"),
    Column("mineral", "float32", "g/cm3", "hydroxyapatite per voxel volume"),
    Column("born_day", "float32", "d", "volume-weighted day of formation of the mineralized part"),
    Column("bmu", "int32", "", "id of the open remodeling site that owns this surface, -1 where quiescent"),
    Column("sed_mpa", "float32", "MPa", "strain energy density under the first load case of the day"),
    Column("effective_strain", "float32", "", "effective strain sqrt(2 SED / E) under the first load case of the day"),
    Column("signal", "float32", "", "daily strain stimulus relative to the habitual one, psi / psi_ref"),
    Column("rankl_free_pm", "float32", "pM", "free RANKL"),
    Column("opg_pm", "float32", "pM", "osteoprotegerin"),
    Column("sclerostin_pm", "float32", "pM", "sclerostin"),
    Column("sclerostin_free_pm", "float32", "pM", "sclerostin that no antibody holds"),
    Column("bisphosphonate_fg", "float32", "fg", "bisphosphonate on and in a voxel, alendronate equivalents"),
    Column("estradiol_pg_per_ml", "float32", "pg/ml", "estradiol that cells feel: from blood and made by bone itself"),
    Column("testosterone_ng_per_dl", "float32", "ng/dL", "testosterone in the marrow"),
    Column("pth_pg_per_ml", "float32", "pg/ml", "endogenous parathyroid hormone in the marrow"),
    Column("igf1_ng_per_ml", "float32", "ng/mL", "IGF-1 in the marrow"),
    Column("cortisol", "float32", "", "action of glucocorticoids, 1 at reference"),
    Column("denosumab_pm", "float32", "pM", "free denosumab"),
    Column("romosozumab_pm", "float32", "pM", "free romosozumab around osteocytes"),
)

AGENT_COLUMNS = _table(
    Column("type", "uint8", "", "1 osteoclast, 2 osteoblast, 3 osteocyte"),
    Column("unique_id", "int64", "", "id of the cell, never reused"),
    Column("age_d", "float32", "d", "age of the cell"),
    Column("site", "int32", "", "id of its remodeling site, -1 where none"),
    Column("signal", "float32", "", "signal S of osteocytes, relative stimulus psi at other cells"),
    Column("mode", "uint8", "", "what the cell does, numbers of its kind"),
)

SERIES_FIRST = _table(
    Column("day", "int64", "d", "day of the simulation"),
    Column("BV/TV", "float64", "", "bone volume fraction, sum of matrix"),
    Column("BV/TV_binary", "float64", "", "bone volume fraction, voxels with matrix of at least one half"),
    Column("BS/BV_per_mm", "float64", "1/mm", "bone surface per bone volume"),
    Column("mineral_g_per_cm3", "float64", "g/cm3", "mineral per tissue volume (trabecular vBMD)"),
    Column("osteoclasts", "int64", "", "number of osteoclasts"),
    Column("osteoblasts", "int64", "", "number of osteoblasts"),
    Column("osteocytes", "int64", "", "number of osteocytes"),
    Column("resorbed_um3", "float64", "um3", "matrix resorbed on this day"),
    Column("formed_um3", "float64", "um3", "matrix formed on this day"),
    Column("Ac.f_per_y", "float64", "1/y", "activation frequency, trailing 365 d"),
)

SERIES_FURTHER = _table(
    Column("fragments_um3", "float64", "um3", "matrix of loose fragments removed on this day"),
    Column("open_sites", "int64", "", "number of open remodeling sites"),
    Column("opened_sites", "int64", "", "sites activated on this day"),
    Column("apposition_um_per_d", "float64", "um/d", "mean apposition rate of today's osteoblasts (MAR)"),
    Column("precursor_pool", "float64", "", "preosteoclasts relative to the reference adult"),
    Column("occupancy", "float64", "", "mean RANK occupancy over the bone surface"),
    Column("signal_median", "float64", "", "median osteocyte signal S"),
    Column("psi_day", "float64", "", "stimulus of the day over the set point, psi / psi*, median osteocyte"),
    Column("psi_memory", "float64", "", "the same of what osteocytes remember, psi_bar / psi*"),
    Column("stiffness_zz_mpa", "float64", "MPa", "apparent stiffness along z, no strain across"),
    Column("stiffness_yy_mpa", "float64", "MPa", "apparent stiffness along y"),
    Column("stiffness_xx_mpa", "float64", "MPa", "apparent stiffness along x"),
    Column("age_y", "float64", "y", "age of the subject"),
    Column("estradiol_pg_per_ml", "float64", "pg/ml", "serum estradiol"),
    Column("pth_pg_per_ml", "float64", "pg/ml", "serum parathyroid hormone"),
    Column("m_rankl", "float64", "", "modulator of RANKL production, 1 at reference"),
    Column("m_opg", "float64", "", "modulator of OPG production, 1 at reference"),
    Column("m_oc_life", "float64", "", "modulator of osteoclast life, 1 at reference"),
    Column("m_sclerostin", "float64", "", "modulator of sclerostin production, 1 at reference"),
    Column("m_oc_act", "float64", "", "modulator of osteoclast activity, 1 at reference"),
    Column("m_ob_prolif", "float64", "", "modulator of osteoblast number, 1 at reference"),
    Column("m_ob_act", "float64", "", "modulator of osteoblast activity, 1 at reference"),
    Column("m_ob_life", "float64", "", "modulator of osteoblast and osteocyte life, 1 at reference"),
    Column("mech_gain", "float64", "", "modulator of mechanosensitivity, 1 at reference"),
    Column("setpoint_shift", "float64", "", "ln of the factor on osteocyte set points, 0 at reference"),
    Column("m_min_rate", "float64", "", "modulator of the rate of mineralization, 1 at reference"),
    Column("m_min_max", "float64", "", "modulator of full mineralization, 1 at reference"),
    Column("matrix_quality", "float64", "", "quality of the matrix, 1 at reference; nothing in the tissue reads it"),
    Column("testosterone_ng_per_dl", "float64", "ng/dL", "serum testosterone"),
    Column("igf1_ng_per_ml", "float64", "ng/mL", "serum IGF-1"),
    Column("cortisol", "float64", "", "action of glucocorticoids, 1 at reference"),
    Column("calcium_mmol_per_l", "float64", "mmol/L", "serum calcium"),
    Column("d25_nmol_per_l", "float64", "nmol/L", "serum 25-hydroxyvitamin D"),
    Column("den_pm", "float64", "pM", "free denosumab in blood"),
    Column("antiscl_pm", "float64", "pM", "free romosozumab in blood"),
    Column("bisphosphonate_pg", "float64", "pg", "bisphosphonate on and in the block, alendronate equivalents"),
)

EVENT_COLUMNS = _table(
    Column("day", "int64", "d", "day of the event"),
    Column("event", "str", "", "site_closed, modeling_closed, perforation, breakage, fragment"),
    Column("site", "int64", "", "number of the remodeling site"),
    Column("z_um", "float64", "um", "place, first axis: middle of the site, of what went (hole, cut), of the piece"),
    Column("y_um", "float64", "um", "place, second axis"),
    Column("x_um", "float64", "um", "place, third axis"),
    Column("volume_um3", "float64", "um3", "formed less eroded volume of a site, volume of a fragment"),
    Column("opened_day", "int64", "d", "day on which the site was activated"),
    Column("formation_day", "int64", "d", "day on which its first osteoblasts began"),
    Column("area_um2", "float64", "um2", "claimed surface"),
    Column("eroded_um3", "float64", "um3", "volume resorbed by the site"),
    Column("formed_um3", "float64", "um3", "volume formed by the site"),
    Column("erosion_depth_um", "float64", "um", "mean cavity depth (E.De), area-weighted"),
    Column("wall_um", "float64", "um", "thickness of new bone (W.Th): formed volume over the area with a floor"),
    Column("floor_share", "float64", "", "share of the area that had a floor to build on"),
    Column("euler_change", "int64", "", "Euler number around, after less before: -1 a hole, +1 a cut, -1 a lost piece"),
)


BIOPSY_COLUMNS = _table(
    Column("day", "int64", "d", "day of the biopsy"),
    Column("BV/TV", "float64", "", "bone volume fraction, sum of matrix"),
    Column("Tb.Th_um", "float64", "um", "trabecular thickness, mean local thickness"),
    Column("Tb.Sp_um", "float64", "um", "trabecular separation, mean local thickness of marrow"),
    Column("Tb.N_per_mm", "float64", "1/mm", "trabecular number BV/TV_binary / Tb.Th (plate model)"),
    Column("Conn.D_per_mm3", "float64", "1/mm3", "connectivity density of the largest piece"),
    Column("ES/BS_percent", "float64", "%", "eroded surface: resorption and reversal"),
    Column("OS/BS_percent", "float64", "%", "osteoid surface"),
    Column("MS/BS_percent", "float64", "%", "mineralizing surface, double label and half of single label"),
    Column("MAR_um_per_d", "float64", "um/d", "mineral apposition rate, distance of the labels over their interval"),
    Column("BFR/BS_um_per_y", "float64", "um/y", "bone formation rate, MS/BS x MAR"),
    Column("Ac.f_per_y", "float64", "1/y", "activation frequency, BFR/BS / W.Th"),
    Column("W.Th_um", "float64", "um", "wall thickness of sites closed since the last biopsy"),
    Column("E.De_um", "float64", "um", "mean cavity depth of sites closed since the last biopsy"),
    Column("O.Th_um", "float64", "um", "mean thickness of osteoid seams"),
    Column("balance_um", "float64", "um", "formed less eroded volume of closed sites over their area"),
    Column("vBMD_g_per_cm3", "float64", "g/cm3", "mineral per tissue volume"),
    Column("DXA_change_percent", "float64", "%", "DXA-like change since the first biopsy, a factor times that of vBMD"),
    Column("CTX_relative", "float64", "", "bone resorbed per day, last 30 d over the first 30 d"),
    Column("P1NP_relative", "float64", "", "bone formed per day, last 30 d over the first 30 d"),
    Column("CaMean_wt_percent", "float64", "wt%", "mean calcium of mineralized bone"),
    Column("CaPeak_wt_percent", "float64", "wt%", "most frequent calcium of mineralized bone"),
    Column("CaWidth_wt_percent", "float64", "wt%", "full width at half maximum of the calcium distribution"),
    Column("CCR", "float64", "", "correct classification of surface fates since the last biopsy by the local signal"),
    Column("CCR_null95", "float64", "", "95th percentile of the same with fates moved along the surface"),
    Column("loss_thinning_percent", "float64", "%", "lost by thinning since the first biopsy, of the bone of then"),
    Column("loss_perforation_percent", "float64", "%", "lost at sites that made a hole"),
    Column("loss_breakage_percent", "float64", "%", "lost at sites that cut a strut"),
    Column("loss_fragments_percent", "float64", "%", "lost as loose fragments"),
    Column("stiffness_zz_mpa", "float64", "MPa", "apparent stiffness along z, no strain across"),
    Column("DA", "float64", "", "degree of anisotropy, longest over shortest mean intercept length"),
    Column("fabric_angle_deg", "float64", "deg", "longest mean intercept length against z"),
    Column("fabric_tilt_deg", "float64", "deg", "longest mean intercept length in the z-x plane, from z toward x"),
    Column("stiff_tilt_deg", "float64", "deg", "largest Young's modulus in the z-x plane; affine boundary only"),
    Column("youngs_z_mpa", "float64", "MPa", "Young's modulus along z; affine boundary only"),
    Column("youngs_30_mpa", "float64", "MPa", "Young's modulus 30 deg from z toward x; affine boundary only"),
)

MECHANOREGULATION_COLUMNS = _table(
    Column("day", "int64", "d", "day of the biopsy"),
    Column("since_day", "int64", "d", "day on which signal and surface were recorded, that of the biopsy before"),
    Column("signal_low", "float64", "", "lower limit of the daily stimulus psi relative to the habitual one"),
    Column("signal_high", "float64", "", "upper limit"),
    Column("p_formation", "float64", "", "share of that surface on which bone formed"),
    Column("p_quiescence", "float64", "", "share that stayed"),
    Column("p_resorption", "float64", "", "share that was resorbed"),
)


def columns_named(table: dict[str, Column], names: Iterable[str], where: str) -> dict[str, Column]:
    """The rows of a table with these names, in this order; InputError with the known names for any other."""
    chosen: dict[str, Column] = {}
    for name in names:
        if name not in table:
            raise InputError(f'{where}: "{name}" is not a known name. {nearest(name, table)}')
        chosen[name] = table[name]
    return chosen
