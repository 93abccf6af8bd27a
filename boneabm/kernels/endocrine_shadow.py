"""Mean-field bone that stands in for the skeleton: serum calcium, glycation, calibration; it never drives voxels.

Only the Wnt counter-regulation, which follows the level of romosozumab and no bone, is felt by the tissue as well.
"""

from __future__ import annotations

import math

from . import rule


@rule
def turnover(y, p, t):
    """Relative resorption and formation of the mean-field skeleton; both 1 in the reference subject."""
    extra = max(0.0, math.exp(t.m_ob_prolif + t.shadow_ob_prolif) - 1.0)
    return y.oc * math.exp(t.m_oc_act), (y.ob + p.shadow_modeling * extra) * math.exp(t.m_ob_act)


@rule
def change_shadow(y, p, level, t, dy):
    """Rates of precursors, osteoclasts, osteoblasts, Wnt counter-regulation, mass and mineral.

    x = RANKL/OPG / (1 + denosumab/K) x osteoblast lineage^n ; drive = (1 + k) x / (x + k)
    Precursors are used up by drive, so they pile up while RANKL is blocked: rebound without a rule for it.
    """
    resorption, formation = level.resorption, level.formation
    x = math.exp(t.m_rankl + t.shadow_rankl - t.m_opg - t.shadow_opg)
    x /= 1.0 + level.denosumab_mg_per_l / p.shadow_denosumab_mg_per_l
    x *= max(0.2, 0.5 * (y.ob_pre + y.ob)) ** p.shadow_lineage_rankl
    drive = (1.0 + p.shadow_rankl_half) * x / (x + p.shadow_rankl_half)
    lost = p.shadow_precursor_loss_share
    dy.oc_pre = p.shadow_precursor_per_d * (1.0 - y.oc_pre * ((1.0 - lost) * drive + lost))
    dy.oc = p.shadow_osteoclast_per_d * (drive * y.oc_pre - y.oc / math.exp(t.m_oc_life + t.shadow_oc_life))
    proliferation = math.exp(t.m_ob_prolif + t.shadow_ob_prolif)
    coupled = p.shadow_coupled_share * resorption + 1.0 - p.shadow_coupled_share
    dy.ob_pre = p.shadow_osteoblast_precursor_per_d * (coupled * proliferation - y.ob_pre)
    dy.ob = p.shadow_osteoblast_per_d * (y.ob_pre - y.ob / math.exp(t.m_ob_life))
    bound = math.log(1.0 + level.romosozumab_mg_per_l / p.shadow_romosozumab_mg_per_l)
    dy.wnt = p.shadow_wnt_per_d * (p.shadow_wnt_gain * bound - y.wnt)
    mass = y.mass**p.shadow_mass_feedback
    dy.mass = p.shadow_turnover_per_y / 365.0 * (formation / mass - resorption * mass)
    aged = 1.0 - p.shadow_mineral_slope * math.log(max(0.15, 0.5 * (resorption + formation)))
    dy.mineral = (aged - y.mineral) / p.shadow_mineral_d
