"""Forms of drug kinetics: first-order chains, two compartments with saturable loss, a bone-binding drug, a pulse."""

from __future__ import annotations

import math

from . import rule


@rule
def two_compartments(depot, central, peripheral, ka, share, v1, v2, clearance, exchange, most, half):
    """Rates of depot, central and peripheral amount (mg/d) with linear and saturable (Michaelis-Menten) loss.

    d central = ka F depot - CL c - Vmax c / (Km + c) - Q (c - c2), c = central / V1
    """
    c, c2 = central / v1, peripheral / v2
    between = exchange * (c - c2)
    return -ka * depot, ka * share * depot - clearance * c - most * c / (half + c) - between, between


@rule
def bone_binding(surface, buried, resorption, p):
    """Rates of bisphosphonate on and in bone, mg/d: lost, buried, set free by resorption and partly bound again."""
    freed = p.bisphosphonate_release_per_d * max(0.1, resorption) * buried
    on = -(p.bisphosphonate_loss_per_d + p.bisphosphonate_burial_per_d) * surface
    on += p.bisphosphonate_rebound_share * freed
    return on, p.bisphosphonate_burial_per_d * surface - freed


@rule
def teriparatide_clearance(u, p):
    """Clearance, L/h."""
    return p.teriparatide_clearance_male_l_per_h if u.male > 0.5 else p.teriparatide_clearance_female_l_per_h


@rule
def teriparatide_pulse(hours, dose_ug, u, p):
    """Teriparatide in blood (pmol/L) some hours after a dose: absorption limited, nothing after a day."""
    if hours < 0.0 or hours >= 24.0:
        return 0.0
    volume = p.teriparatide_volume_l_per_kg * u.weight_kg
    ka, ke = p.teriparatide_absorbed_per_h, teriparatide_clearance(u, p) / volume
    scale = p.teriparatide_share * dose_ug * p.teriparatide_pmol_per_ug * ka / (volume * (ke - ka))
    return scale * (math.exp(-ka * hours) - math.exp(-ke * hours))


@rule
def change_drug_slots(y, p, resorption, dy):
    """Rates of every drug slot."""
    dy.t_depot = -p.testosterone_depot_per_d * y.t_depot
    dy.t_transit = p.testosterone_depot_per_d * y.t_depot - p.testosterone_transit_per_d * y.t_transit
    dy.t_gel, dy.e2_gel = -p.gel_per_d * y.t_gel, -p.gel_per_d * y.e2_gel
    dy.e2_oral = -p.oral_estradiol_per_d * y.e2_oral
    dy.progesterone = -p.progesterone_per_d * y.progesterone
    dy.anastrozole = -p.anastrozole_per_d * y.anastrozole
    dy.prednisone = -p.prednisone_per_d * y.prednisone
    dy.secretagogue = -p.secretagogue_per_d * y.secretagogue
    dy.cjc1295 = -p.cjc1295_per_d * y.cjc1295
    dy.gonadorelin = -p.gonadorelin_per_d * y.gonadorelin
    dy.atenolol = -p.atenolol_per_d * y.atenolol
    dy.calcium_gut = -p.calcium_gut_per_d * y.calcium_gut
    dy.vitamin_d_gut = -p.vitamin_d_gut_per_d * y.vitamin_d_gut
    dy.den_depot, dy.den_central, dy.den_peripheral = two_compartments(
        y.den_depot, y.den_central, y.den_peripheral, p.denosumab_absorbed_per_d, p.denosumab_share,
        p.denosumab_central_l, p.denosumab_peripheral_l, p.denosumab_clearance_l_per_d, p.denosumab_exchange_l_per_d,
        p.denosumab_most_mg_per_d, p.denosumab_half_mg_per_l,
    )  # fmt: skip
    dy.rom_depot, dy.rom_central, dy.rom_peripheral = two_compartments(
        y.rom_depot, y.rom_central, y.rom_peripheral, p.romosozumab_absorbed_per_d, 1.0,
        p.romosozumab_central_l, p.romosozumab_peripheral_l, p.romosozumab_clearance_l_per_d,
        p.romosozumab_exchange_l_per_d, p.romosozumab_most_mg_per_d, p.romosozumab_half_mg_per_l,
    )  # fmt: skip
    dy.bp_surface, dy.bp_buried = bone_binding(y.bp_surface, y.bp_buried, resorption, p)
