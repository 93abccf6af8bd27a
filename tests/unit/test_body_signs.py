"""One sign test for every system of data/systems.csv and every drug of data/drugs.toml, at what cells feel."""

from __future__ import annotations

import pytest
from body_cases import HYPOGONADAL, POST, WOMAN, daily

from boneabm.endocrine import Body, Dose, Infusion, Modulators, Period, Regimen, Subject
from boneabm.endocrine.drugs import drug_table
from boneabm.endocrine.systems import systems

MAN = Subject(sex="male", aging=False)
LOST = 1e-4


def felt(who, days=60, doses=(), infusions=(), **inputs):
    """What the cells of a settled person feel after some days of drugs and of inputs that hold from day 0."""
    periods = [Period(inputs, 0.0)] if inputs else []
    body = Body(who, periods=periods, regimen=Regimen(tuple(doses), tuple(infusions)))
    body.settle(-1)
    modulators = Modulators()
    for day in range(days):
        modulators = body.advance(day)
    return modulators


def habit(who=WOMAN, **inputs):
    """What the cells of a person with these inputs feel at rest."""
    body = Body(who, periods=[Period(inputs)])
    body.settle(-1)
    return body.modulators(-1)


def check(before, after, moves):
    """Every named modulator moves in its direction; 0 means by less than one in a thousand."""
    for name, sign in moves.items():
        change = getattr(after, name) - getattr(before, name)
        assert abs(change) < 1e-3 if sign == "0" else change * (1 if sign == "+" else -1) > LOST, (
            f"{name}: {change:+.4f}"
        )


FIT = {"aging": False}
CHANGES = {
    "estrogen": lambda: (habit(), habit(Subject(age_y=54.0, final_period_y=51.0, aging=False))),
    "testosterone": lambda: (habit(MAN), habit(MAN, gonad_index=0.3)),
    "LH and gonadal failure": lambda: (habit(MAN), habit(MAN, pituitary_index=0.2)),
    "aromatization": lambda: (felt(MAN), felt(MAN, doses=[daily("anastrozole", "po", 1.0)])),
    "ovarian reserve and FSH": lambda: (habit(), habit(Subject(age_y=46.5, final_period_y=51.0, **FIT))),
    "progesterone": lambda: (habit(), habit(progesterone_index=2.0)),
    "GH and IGF-1": lambda: (felt(WOMAN), felt(WOMAN, doses=[daily("tesamorelin", "sc", 2.0)])),
    "cortisol and stress": lambda: (habit(), habit(stress_index=1.5)),
    "sleep": lambda: (habit(), habit(sleep_index=0.5)),
    "PTH as a level": lambda: (habit(), habit(Subject(pth_pg_per_ml=95.0, **FIT))),
    "PTH in pulses": lambda: (felt(WOMAN), felt(WOMAN, doses=[daily("teriparatide", "sc", 0.02)])),
    "calcium": lambda: (habit(), habit(calcium_mg=300.0)),
    "vitamin D": lambda: (habit(), habit(Subject(d25_nmol_per_l=15.0, **FIT))),
    "magnesium": lambda: (habit(), habit(magnesium_mg=100.0)),
    "vitamin K2": lambda: (habit(), habit(vitamin_k2_ug=5.0)),
    "protein": lambda: (habit(), habit(protein_g_per_kg=0.5)),
    "zinc": lambda: (habit(), habit(zinc_mg=2.0)),
    "antioxidants (vitamins C and E, selenium)": lambda: (habit(), habit(antioxidant_index=0.5)),
    "omega-3": lambda: (habit(), habit(omega3_index=0.3)),
    "oxidative stress": lambda: (habit(), habit(antioxidant_index=0.3)),
    "TNF and T cells": lambda: (habit(), habit(inflammation_index=1.5)),
    "IL-1 and IL-6": lambda: (habit(tnf_block=1.0), habit(inflammation_index=1.5, tnf_block=1.0)),
    "adiposity (resistin, adiponectin)": lambda: (habit(), habit(Subject(body_fat=0.45, **FIT))),
    "leptin": lambda: (habit(), habit(leptin_index=0.3)),
    "insulin resistance and glycation": lambda: (habit(), habit(insulin_resistance=3.0)),
    "sympathetic tone": lambda: (habit(), habit(sympathetic_index=2.4)),
    "RANKL antibody": lambda: (felt(POST), felt(POST, den_pm=500.0)),
    "sclerostin antibody": lambda: (felt(POST), felt(POST, doses=[Dose("romosozumab", "sc", 0.0, 210.0)])),
    "bisphosphonates": lambda: (felt(POST), felt(POST, doses=[daily("alendronate", "po", 10.0)])),
}


@pytest.mark.parametrize("system", systems(), ids=lambda row: row.system)
def test_a_system_moves_what_cells_feel_in_its_direction(system):
    """Each modulator that the table of systems names, for every system of the table."""
    check(*CHANGES[system.system](), system.moves)


GH_DRUG = {"m_rankl": "+", "m_ob_act": "+", "m_ob_prolif": "+"}
POOR = Subject(aging=False, d25_nmol_per_l=20.0)
LOW_PITUITARY = {"pituitary_index": 0.2}
THERAPIES = [
    ("estradiol", "po", POST, 2.0, 1.0, {"m_rankl": "-", "m_opg": "+", "m_sclerostin": "-"}, {}),
    ("estradiol", "gel", POST, 1.5, 1.0, {"m_rankl": "-", "m_opg": "+"}, {}),
    ("progesterone", "po", POST, 200.0, 1.0, {"m_ob_prolif": "+"}, {}),
    ("testosterone", "gel", HYPOGONADAL, 50.0, 1.0, {"m_ob_prolif": "+", "m_rankl": "-"}, {}),
    ("testosterone_cypionate", "im", HYPOGONADAL, 100.0, 7.0, {"m_ob_prolif": "+", "m_rankl": "-"}, {}),
    ("anastrozole", "po", HYPOGONADAL, 1.0, 1.0, {"m_rankl": "+", "m_ob_prolif": "+"}, {}),
    ("gonadorelin", "sc", MAN, 0.1, 0.5, {"m_ob_prolif": "+", "m_rankl": "-"}, LOW_PITUITARY),
    ("sermorelin", "sc", WOMAN, 0.5, 1.0, GH_DRUG, {}),
    ("ipamorelin", "sc", WOMAN, 0.3, 1.0, GH_DRUG, {}),
    ("tesamorelin", "sc", WOMAN, 2.0, 1.0, GH_DRUG, {}),
    ("ibutamoren", "po", WOMAN, 25.0, 1.0, GH_DRUG, {}),
    ("cjc1295", "sc", WOMAN, 2.0, 7.0, GH_DRUG, {}),
    ("somatropin", "sc", WOMAN, 0.3, 1.0, GH_DRUG, {}),
    ("alendronate", "po", POST, 10.0, 1.0, {"bp_surface": "+"}, {}),
    ("alendronate", "iv", POST, 10.0, 30.0, {"bp_surface": "+"}, {}),
    ("risedronate", "po", POST, 35.0, 7.0, {"bp_surface": "+"}, {}),
    ("zoledronate", "iv", POST, 5.0, 365.0, {"bp_surface": "+"}, {}),
    ("denosumab", "sc", POST, 60.0, 182.0, {"den_pm": "+"}, {}),
    ("romosozumab", "sc", POST, 210.0, 30.0, {"antiscl_pm": "+"}, {}),
    ("teriparatide", "sc", POST, 0.02, 1.0, {"m_ob_prolif": "+", "m_rankl": "+", "anabolic_drive": "+"}, {}),
    ("prednisone", "po", WOMAN, 10.0, 1.0, {"m_ob_act": "-", "m_ob_prolif": "-", "m_ob_life": "-"}, {}),
    ("atenolol", "po", POST, 50.0, 1.0, {"m_rankl": "-"}, {}),
    ("calcium", "po", WOMAN, 500.0, 1.0, {"m_min_rate": "+", "m_rankl": "-"}, {"calcium_mg": 300.0}),
    ("vitamin_d", "po", POOR, 50.0, 1.0, {"m_min_rate": "+", "m_rankl": "-"}, {}),
]


@pytest.mark.parametrize("therapy", THERAPIES, ids=lambda row: f"{row[0]} {row[1]}")
def test_a_therapy_moves_what_cells_feel_in_its_direction(therapy):
    """Against the same person without it, after sixty days."""
    drug, route, who, amount, every, moves, inputs = therapy
    treated = felt(who, doses=[daily(drug, route, amount, every, time=0.3)], **inputs)
    check(felt(who, **inputs), treated, moves)


def test_every_drug_and_every_system_has_a_sign_test():
    assert {(name, route) for name, drug in drug_table().items() for route in drug.routes} == {
        (row[0], row[1]) for row in THERAPIES
    }
    assert {row.system for row in systems()} == set(CHANGES)


HELD = [
    ("estradiol", POST, 50.0, {"m_rankl": "-", "m_opg": "+", "m_sclerostin": "-"}),
    ("testosterone", POST, 300.0, {"m_ob_prolif": "+"}),
    ("teriparatide", POST, 20.0, {"m_rankl": "+", "m_opg": "-", "anabolic_drive": "0"}),
]


@pytest.mark.parametrize("row", HELD, ids=lambda row: row[0])
def test_a_held_rate_moves_what_cells_feel_in_its_direction(row):
    """Patches and pumps; the same teriparatide that builds in pulses is only catabolic at a held rate."""
    drug, who, rate, moves = row
    route = next(iter(drug_table()[drug].infusions))
    check(felt(who), felt(who, infusions=[Infusion(drug, route, 0.0, 1e9, rate)]), moves)


def test_pulses_build_and_a_pump_of_the_same_amount_does_not():
    """20 ug a day: a drive of 1 x a waning reserve in one pulse, exactly 0 from a pump, which calls more RANKL."""
    pulsed = felt(POST, doses=[daily("teriparatide", "sc", 0.02)])
    pumped = felt(POST, infusions=[Infusion("teriparatide", "sc", 0.0, 1e9, 20.0)])
    assert pulsed.anabolic_drive > 0.5
    assert pumped.anabolic_drive == 0.0
    assert pulsed.m_ob_prolif > 1.5 * pumped.m_ob_prolif
    assert pumped.m_rankl > pulsed.m_rankl


def test_anastrozole_costs_the_estradiol_that_testosterone_gives():
    """Beside testosterone too it lowers estradiol and raises RANKL: the popular claim that it is harmless is wrong."""
    trt = [daily("testosterone_cypionate", "im", 100.0, 7.0)]
    alone, both = (felt(HYPOGONADAL, 90, d) for d in (trt, [*trt, daily("anastrozole", "po", 1.0, 3.5)]))
    assert both.m_rankl > 1.05 * alone.m_rankl
    assert both.m_opg < alone.m_opg
