"""The body: flat reference, menopause with published timing and size, labs, checks of its tables."""

from __future__ import annotations

import math
import re
from dataclasses import asdict, replace
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from boneabm import kernels
from boneabm.endocrine import Body, Dose, Infusion, Modulators, Period, Regimen, Subject
from boneabm.endocrine.confidence import forget_low, moved_by_low
from boneabm.endocrine.curves import follow
from boneabm.endocrine.drugs import drug_table, read_drugs
from boneabm.endocrine.effects import as_arrays, check, effect_table, read_effects
from boneabm.endocrine.physiology import SECTIONS, Physiology
from boneabm.endocrine.systems import systems
from boneabm.errors import InputError
from boneabm.kernels.endocrine_layout import DRIVERS, STATES, TARGETS
from boneabm.parameters import ParameterSet

P = {row["name"]: row["value"] for row in ParameterSet.load().rows() if row["section"] in SECTIONS}
AT_PERIOD = Subject(age_y=46.0, final_period_y=51.0)
DATA = resources.files("boneabm.data")


def settled(subject, periods=(), **more):
    """Body at rest before day 0, and what the cells feel then."""
    body = Body(subject, periods=periods, **more)
    body.settle(-1)
    return body, body.modulators(-1)


def at_age(age_y, final_period_y=51.0, **changes):
    return settled(Subject(age_y=age_y, final_period_y=final_period_y, aging=False, **changes))[1]


def distance(a, b):
    return max(abs(x - y) for x, y in zip(asdict(a).values(), asdict(b).values(), strict=True))


@pytest.mark.parametrize("sex", ["female", "male"])
def test_the_reference_subject_feels_one_for_ten_years(sex):
    """Without aging every modulator is 1 (shift and drugs 0) on each of 3650 days: the law asks 2 %, rounding is left.

    The mean-field bone is as flat, and the pulsed signal exactly 0.
    """
    body, first = settled(Subject(sex=sex, aging=False))
    assert distance(first, Modulators()) < 1e-9
    course = follow(body, 0, 3650)
    for name in Modulators.__dataclass_fields__:
        assert np.abs(course.of(name) - getattr(Modulators(), name)).max() < 1e-9, name
    assert np.ptp(course.of("mass")) < 1e-9
    assert course.of("anabolic_drive").max() == 0.0


def test_aging_moves_only_what_has_an_age_line():
    """From 30 to 50 y without menopause: gain, IGF-1 and inflammation; RANKL by a quarter at most; bone makes no more
    sclerostin (Roforth 2014), though blood holds more."""
    felt = settled(Subject(age_y=50.0))[1]
    assert felt.mech_gain < 0.95
    assert felt.m_sclerostin == pytest.approx(1.0, abs=0.01)
    assert felt.m_ob_prolif < felt.m_ob_act < 1
    assert 1 < felt.m_rankl < 1.25
    assert felt.m_min_rate == pytest.approx(1.0, abs=1e-6)


def test_menopause_moves_every_modulator_by_the_published_size():
    """3 y after against 5 y before the final period, aging on: RANKL per cell x2-3 (Eghbali-Fatourechi 2003).

    Measured: RANKL x2.96 (2 y after: x2.69), OPG x0.82, osteoclast life x1.23, osteoblast proliferation x0.98.
    """
    body, before = settled(AT_PERIOD)
    course = follow(body, 0, 3000)
    two, three = (
        {name: course.of(name)[int((5 + year) * 365)] / value for name, value in asdict(before).items() if value}
        for year in (2, 3)
    )
    assert 2 < two["m_rankl"] < three["m_rankl"] < 3
    assert 0.7 < three["m_opg"] < 0.9
    assert three["m_oc_life"] == pytest.approx(1.22, abs=0.07)
    assert 0.9 < three["m_ob_prolif"] < 1
    assert 0.95 < three["m_ob_life"] < 1
    assert three["m_sclerostin"] > 1.3
    assert three["mech_gain"] < 0.9
    rankl = course.of("m_rankl")
    assert abs(np.argmax(np.diff(rankl)) / 365 - 5) < 2


def test_estradiol_falls_around_the_final_period():
    """Half of the fall is over at its shift; 93 % of it lies between -2.03 and +2.17 y (SWAN, Randolph 2011)."""
    half = P["transition_shift_y"]
    level = {year: at_level(year) for year in (-5, -2.03, half, 2.17, 20)}
    fall = P["estradiol_before_pg_per_ml"] - P["estradiol_after_pg_per_ml"]
    assert level[half] == pytest.approx(P["estradiol_after_pg_per_ml"] + fall / 2, rel=3e-3)
    assert (level[-2.03] - level[2.17]) / fall > 0.93
    assert level[20] == pytest.approx(P["estradiol_after_pg_per_ml"], rel=1e-6)


def at_level(years):
    body, _ = settled(Subject(age_y=51.0 + years, final_period_y=51.0))
    return body.look(-1)["e2_pg_per_ml"]


def test_an_oophorectomy_takes_estradiol_to_its_rest_within_days():
    """Before it nothing changes; three time constants later 95 % of the fall is over; a measured level ends with it."""
    for measured in (None, 90.0):
        body, _ = settled(Subject(age_y=40.0, estradiol_pg_per_ml=measured), oophorectomy_day=30.0)
        start = body.look(29)["e2_pg_per_ml"]
        assert start == pytest.approx(120.0 if measured is None else measured, rel=1e-3)
        rest = P["estradiol_after_pg_per_ml"] * start / 120.0
        late = body.look(30.0 + 3 * P["oophorectomy_d"])["e2_pg_per_ml"] - rest
        assert late == pytest.approx((start - rest) * math.exp(-3.0), rel=0.02)


def test_more_estradiol_than_the_reference_changes_nothing():
    """e is limited to 1: twice the reference level is felt like the reference, but for the kidney."""
    assert distance(at_age(30.0, None, estradiol_pg_per_ml=240.0), Modulators()) < 1e-3


def test_ovaries_and_pituitary_that_fail_take_estradiol_of_a_young_woman():
    """Without ovaries as without pituitary estradiol falls to that after menopause; FSH and LH tell which it is."""
    at_rest = {}
    for name in ("gonad_index", "pituitary_index"):
        body, felt = settled(Subject(age_y=35.0), [Period({name: 0.0})])
        at_rest[name] = body.physiology.y
        assert body.level["e2_pg_per_ml"] == pytest.approx(P["estradiol_after_pg_per_ml"], rel=0.01)
        assert felt.m_rankl > 2
    assert min(at_rest["gonad_index"][name] for name in ("lh", "fsh")) > 20
    assert max(at_rest["pituitary_index"][name] for name in ("lh", "fsh")) < 1e-6
    assert settled(Subject(age_y=35.0), [Period({"gonad_index": 0.0})])[0].level["testosterone_ng_per_dl"] < 20


def test_a_measured_estradiol_still_falls_at_menopause_and_under_an_aromatase_inhibitor():
    """It pins the person's own production, and switches nothing off."""
    from boneabm.endocrine import Dose

    woman, _ = settled(Subject(age_y=49.0, final_period_y=50.0, estradiol_pg_per_ml=100.0))
    levels = follow(woman, 0, 4 * 365).of("e2_pg_per_ml")
    assert levels[0] == pytest.approx(100.0, rel=0.01)
    assert levels[-1] < 25
    daily = Regimen((Dose("anastrozole", "po", 0.0, 1.0, 1.0, until_d=4e4),))
    for who in (
        Subject(age_y=63.0, final_period_y=50.0, estradiol_pg_per_ml=11.0),
        Subject(sex="male", age_y=50.0, testosterone_ng_per_dl=400.0, estradiol_pg_per_ml=20.0),
    ):
        body, _ = settled(who, regimen=daily)
        found = follow(body, 0, 60).of("e2_pg_per_ml")
        assert found[-1] < 0.65 * who.estradiol_pg_per_ml


def test_testosterone_given_to_a_woman_is_aromatized():
    """A tenfold testosterone raises estradiol and spares RANKL; an inhibitor of aromatase takes both back."""
    from boneabm.endocrine import Dose

    who = Subject(age_y=58.0, final_period_y=51.0, aging=False)
    given = Dose("testosterone_cypionate", "im", 0.0, 50.0, 7.0, until_d=4e4)
    blocked = Dose("anastrozole", "po", 0.0, 1.0, 1.0, until_d=4e4)
    courses = [follow(settled(who, regimen=Regimen(rows))[0], 0, 140) for rows in ((), (given,), (given, blocked))]
    none, alone, both = (course.of("e2_pg_per_ml")[-7:].mean() for course in courses)
    assert none + 5 < alone > 2 * both
    rankl = [course.of("m_rankl")[-1] for course in courses]
    assert rankl[1] < 0.9 * rankl[0] < rankl[2]


def test_drugs_of_growth_hormone_share_one_range():
    """All of them together stay within the largest rise that the parameters know."""
    from boneabm.endocrine import Dose

    rows = (Dose("tesamorelin", "sc", 0.0, 20.0, 1.0, 400), Dose("cjc1295", "sc", 0.0, 50.0, 7.0, 60))
    body, _ = settled(Subject(sex="male", age_y=50.0), regimen=Regimen(rows))
    course = follow(body, 0, 100)
    assert 3.0 < (course.of("igf1") / course.of("igf1_expected")).max() < 1 + P["gh_drug_gain"]


LABS = {
    "pth_pg_per_ml": (95.0, "pth_pg_per_ml"),
    "testosterone_ng_per_dl": (343.0, "testosterone_ng_per_dl"),
    "estradiol_pg_per_ml": (18.0, "e2_pg_per_ml"),
    "d25_nmol_per_l": (30.0, "d25"),
    "igf1_ng_per_ml": (120.0, "igf1"),
    "magnesium_mmol_per_l": (0.7, "magnesium"),
}


@pytest.mark.parametrize("lab", LABS)
def test_a_measured_level_is_that_of_the_settled_body(lab):
    """Each lab pins its own parameter; in an old man, where everything else is off the reference."""
    level, name = LABS[lab]
    body, _ = settled(Subject(sex="male", age_y=70.0, **{lab: level}))
    assert follow(body, 0, 3).of(name)[-1] == pytest.approx(level, rel=2e-3)


def test_all_labs_together_are_met():
    """Six measured levels in one person."""
    body, _ = settled(Subject(sex="male", age_y=70.0, **{lab: level for lab, (level, _) in LABS.items()}))
    course = follow(body, 0, 3)
    for level, name in LABS.values():
        assert course.of(name)[-1] == pytest.approx(level, rel=5e-3), name


def test_an_impossible_level_is_refused_by_name():
    """A testosterone that no capacity of the gonads gives without a pituitary: the message names the lab."""
    periods = [Period({"gonad_index": 0.0})]
    with pytest.raises(InputError, match=r"labs\.testosterone"):
        settled(Subject(sex="male", testosterone_ng_per_dl=400.0), periods)


def test_constant_pth_is_catabolic():
    """PTH x2.5: RANKL up, OPG and sclerostin down, nothing anabolic; exactly 0 in a pump that starts at an odd hour."""
    high = at_age(30.0, None, pth_pg_per_ml=95.0)
    assert high.m_rankl > 1.1
    assert high.m_opg < 0.95
    assert high.m_sclerostin < 0.97
    assert high.anabolic_drive == 0
    assert max(abs(high.m_ob_prolif - 1), abs(high.m_ob_act - 1), abs(high.m_ob_life - 1)) < 1e-6
    pump = Regimen(infusions=(Infusion("teriparatide", "sc", 3.3, 20.7, 20.0),))
    assert follow(settled(Subject(), regimen=pump)[0], 0, 40).of("anabolic_drive").max() == 0.0


def test_a_forced_level_holds_from_its_start_until_before_its_end():
    """[[state]] rows: PTH and free antibody."""
    forced = [Period({"pth_pg_per_ml": 95.0}, 10, 20), Period({"den_pm": 1000.0}, 10, 20)]
    body, _ = settled(Subject(), forced)
    own = body.look(9)["pth_pg_per_ml"]
    assert [body.look(day)["pth_pg_per_ml"] for day in (10, 19)] == [95, 95]
    assert body.look(20)["pth_pg_per_ml"] == pytest.approx(own, rel=1e-3)
    assert own < 50
    assert [body.modulators(day).den_pm for day in (9, 10, 19, 20)] == pytest.approx([0, 1000, 1000, 0])


def test_bisphosphonate_uptake_is_told_on_the_day_of_the_dose():
    """5 mg of zoledronate: 0.55 x 5 x 4 alendronate equivalents over 11 m2 on day 2 and nothing on other days."""
    from boneabm.endocrine import Dose

    body, _ = settled(Subject(age_y=60.0), regimen=Regimen((Dose("zoledronate", "iv", 2.5, 5.0),)))
    uptake = follow(body, 0, 5).of("bp_uptake")
    assert uptake == pytest.approx([0, 0, 0.55 * 5 * 4 / 11, 0, 0])


def test_local_aromatization_adds_to_what_bone_feels():
    """A share of testosterone made into estradiol on the spot: blood keeps its level, RANKL falls in an old man."""
    name = "body.local_estradiol_pg_per_ml_per_ng_per_dl"
    who = Subject(sex="male", age_y=75.0)
    plain = Body(who)
    local = Body(who, ParameterSet.load().override({name: 0.01}))
    for body in (plain, local):
        body.settle(-1)
    assert local.look(-1)["e2_pg_per_ml"] == pytest.approx(plain.look(-1)["e2_pg_per_ml"], rel=1e-9)
    assert local.look(-1)["e2_felt_pg_per_ml"] > 1.1 * plain.look(-1)["e2_felt_pg_per_ml"]
    assert local.modulators(-1).m_rankl < plain.modulators(-1).m_rankl


def test_cells_feel_no_estradiol_below_the_least_as_less():
    """At and below 7 pg/mL every modulator is the same, above it less RANKL is made; blood shows the true level."""
    felt = {level: at_age(60.0, estradiol_pg_per_ml=level) for level in (0.5, 3.0, 7.0, 8.0)}
    assert max(distance(felt[0.5], felt[7.0]), distance(felt[3.0], felt[7.0])) < 1e-6
    assert felt[8.0].m_rankl < felt[7.0].m_rankl < 1.6 * at_age(60.0).m_rankl
    body, _ = settled(Subject(age_y=60.0, final_period_y=51.0, aging=False, estradiol_pg_per_ml=0.5))
    assert body.look(-1)["e2_pg_per_ml"] == pytest.approx(0.5)


def test_counter_regulation_of_romosozumab_grows_over_months():
    """None before the first dose, a fifth at two weeks, nearly all in the last three of twelve months.

    From dose to dose it swings: the effect it is compared with follows the level in blood.
    """
    doses = (Dose("romosozumab", "sc", 10.0, 210.0, 30.4, until_d=350.0),)
    body, first = settled(Subject(age_y=63.0, final_period_y=50.0, aging=False), regimen=Regimen(doses))
    assert first.wnt_counter == 0.0
    counter = follow(body, 0, 360).of("wnt_counter")
    assert counter[:10].max() == 0.0
    assert counter[24] == pytest.approx(0.18, abs=0.05)
    months = counter[10:340].reshape(11, 30).mean(axis=1)
    assert months[0] < 0.35
    assert (np.diff(months[:6]) > 0.0).all()
    assert 0.8 < months[-3:].mean() <= counter.max() <= 1.0


def test_effects_of_low_confidence_are_told_apart():
    """In the reference subject none moves anything; after menopause those of RANKL and gain are marked."""
    found = []
    for subject in (Subject(aging=False), Subject(age_y=60.0, final_period_y=51.0)):
        whole, without = Body(subject), Body(subject)
        forget_low(without)
        for body in (whole, without):
            body.settle(-1)
        found.append(moved_by_low(follow(whole, 0, 3), follow(without, 0, 3)))
    assert found[0] == {}
    assert {"m_rankl", "mech_gain"} <= set(found[1])


# the tables


def test_the_table_as_arrays_is_the_table_in_plain_arithmetic():
    """ln target = sum of exponent x g(driver), row by row in Python, against the kernel, in an old woman on drugs."""
    from boneabm.endocrine import Dose

    regimen = Regimen((Dose("teriparatide", "sc", 0.3, 0.02, 1.0, 50), Dose("romosozumab", "sc", 0.0, 210.0)))
    body, _ = settled(Subject(age_y=75.0, final_period_y=51.0, d25_nmol_per_l=20.0), regimen=regimen)
    follow(body, 0, 30)
    _, targets = body.physiology.look(body.life.inputs(29), (0.0, 0.0))
    x = dict(zip(DRIVERS, body.physiology.drivers, strict=True))
    ref = dict(zip(DRIVERS, body.physiology.table[0], strict=True))
    plain = dict.fromkeys(TARGETS, 0.0)
    for row in effect_table():
        r = x[row.driver] / ref[row.driver] if ref[row.driver] else 0.0
        g = {
            "ratio": lambda r=r: math.log(min(max(r, 0.1), 10.0)),
            "lne": lambda r=r: math.log(min(r, 1.0)),
            "deficit": lambda r=r: math.log(min(r, 1.0)),
            "log1p": lambda row=row: math.log(1 + x[row.driver]),
            "lin": lambda row=row: x[row.driver],
            "bp": lambda row=row: math.log(1 + 3.2 * x[row.driver] / (x[row.driver] + 1.0)),
            "sat12": lambda row=row: saturated(x, ref, row.driver, 12.0),
            "sat150": lambda row=row: saturated(x, ref, row.driver, 150.0),
        }
        pulsed = row.form == "anab"
        plain[row.summed_into] += math.log(1 + row.exponent * x[row.driver]) if pulsed else row.exponent * g[row.form]()
    assert list(targets) == pytest.approx(list(plain.values()), abs=1e-12)


def saturated(x, ref, name, half):
    return math.log(x[name] / (x[name] + half) / (ref[name] / (ref[name] + half)))


def test_every_row_has_a_source_and_no_pair_stands_twice():
    rows = effect_table()
    assert all(row.source for row in rows)
    assert len({(row.driver, row.target, row.felt_by) for row in rows}) == len(rows)
    assert as_arrays(rows)[0].shape == (len(rows), 4)
    assert {row.driver for row in rows} == set(DRIVERS)


def test_nothing_acts_twice():
    """Denosumab, romosozumab, bisphosphonate and sclerostin have no row into the tissue: the field carries them."""
    own = {"sclerostin", "antisclerostin", "wnt_counter", "bp_surface"}
    assert not [row for row in effect_table() if row.driver in own and row.felt_by == "cells"]
    gain = {row.target for row in effect_table() if row.target in ("mech_gain", "setpoint_shift") and row.exponent}
    assert gain == {"mech_gain"}


def test_beta_2_is_a_null_row():
    (row,) = [row for row in effect_table() if row.driver == "sns_beta2"]
    assert row.exponent == row.low == row.high == 0
    assert row.sign == "0"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sign": "-", "exponent": 0.3, "low": 0.1, "high": 0.5}, "contradicts its sign"),
        ({"sign": "+", "exponent": -0.3, "low": -0.5, "high": 0.5}, "contradicts its sign"),
        ({"source": ""}, "source is missing"),
        ({"form": "square"}, "Known: anab"),
        ({"driver": "oestradiol"}, "Known: .*e2"),
        ({"target": "m_rank"}, 'Did you mean "m_rankl"'),
        ({"confidence": "M"}, "Known: high, low, medium"),
        ({"exponent": 9.0}, "outside"),
    ],
)
def test_a_bad_row_is_refused(changes, message):
    """Wrong sign, no source, unknown names, exponent out of range: the message names the row."""
    row = replace(effect_table()[0], **changes)
    with pytest.raises(InputError, match=message) as caught:
        check(row)
    assert f"{row.driver} -> {row.target}" in str(caught.value)


def test_a_table_without_a_number_names_its_line():
    text = DATA.joinpath("effects.csv").read_text(encoding="utf-8").replace("e2,m_rankl,", "e2,m_rankl,much")
    with pytest.raises(InputError, match="line 2: exponent, low and high"):
        read_effects(text, "mine.csv")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('source = "Khan 1997 (doi 10.1359/jbmr.1997.12.10.1700)"', 'source = ""', "alendronate: source is missing"),
        ('slot = "den_depot"', 'slot = "den_depo"', 'Did you mean "den_depot"'),
        ('dimension = "vitamin D dose"', 'dimension = "vitamin"', "vitamin D dose"),
        ('"tesamorelin_per_mg"', '"tesamorelin_per_kg"', "tesamorelin_per_mg"),
        ('confidence = "medium"', 'confidence = "fair"', "Known: high, low, medium"),
    ],
)
def test_a_bad_drug_is_refused(old, new, message):
    """The message names the drug, the field and what is allowed."""
    text = DATA.joinpath("drugs.toml").read_text(encoding="utf-8")
    assert old in text
    with pytest.raises(InputError, match=message):
        read_drugs(text.replace(old, new, 1), "mine.toml")


def test_every_parameter_of_the_body_is_used():
    """No number stands in the file that no equation reads."""
    folder = Path(kernels.__file__).parent
    code = "".join(path.read_text(encoding="utf-8") for path in folder.glob("endocrine*.py"))
    code += "".join(path.read_text(encoding="utf-8") for path in (folder.parent / "endocrine").glob("*.py"))
    code += DATA.joinpath("drugs.toml").read_text(encoding="utf-8")
    assert [name for name in P if not re.search(rf"\b{name}\b", code) and "oral_" not in name] == []


def test_systems_name_known_drugs_and_modulators():
    """What a system enters by is a section of scenarios, a parameter or a drug; what it moves is a modulator."""
    for row in systems():
        assert set(row.moves) <= set(Modulators.__dataclass_fields__)
        words = re.findall(
            r"[a-z0-9_]+", re.sub(r"\[\[?.*?\]\]?\s*\w*|body\.\w+|age|injections|pump", "", row.enters_by)
        )
        assert all(word in drug_table() or word.endswith(("_block", "_index")) for word in words), row.enters_by


def test_states_are_all_in_balance_or_left_alone():
    """The settled reference has no rate of change left in any state."""
    body = Physiology(ParameterSet.load(), "female")
    inputs = Body(Subject(aging=False)).life.inputs(0)
    rates = dict(zip(STATES, body.rates_of_change(inputs, (0.0, 0.0), body.state.copy()), strict=True))
    assert max(abs(rate) for rate in rates.values()) < 1e-9
