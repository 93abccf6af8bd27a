"""Drugs, diet and states in scenarios: errors that name file, key, allowed and nearest; what explain and params say."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from boneabm.analysis.doubts import EXERCISE, doubts, union, weak_parameters
from boneabm.analysis.person import bring_to_start
from boneabm.build import make_body
from boneabm.cli import app
from boneabm.cli_params import listing
from boneabm.endocrine.curves import follow
from boneabm.endocrine.drugs import drug_table, other_names
from boneabm.endocrine.effects import effect_table
from boneabm.endocrine.systems import systems
from boneabm.errors import InputError
from boneabm.explain import explain
from boneabm.explain_body import calendar, curves
from boneabm.identity import burn_in_key, run_identity
from boneabm.parameters import ParameterSet
from boneabm.scenario import Scenario

BONE = 'title = "t"\n[bone]\nkind = "generated"\n'
WOMAN = BONE + '[subject]\nage = "62 y"\nfinal_period = "50 y"\nweight = "66 kg"\nbody_fat = "34 %"\n'
DENOSUMAB = '[[dose]]\ndrug = "denosumab"\namt = "60 mg"\n'
PATCH = '[[infusion]]\ndrug = "estradiol"\nrate = "50 ug/d"\n'

WRONG = {
    "unknown drug": (
        '[[dose]]\ndrug = "zolendronate"\namt = "5 mg"\n',
        ("dose[0].drug", '"zolendronate" is not a known drug', "Known: alendronate", 'Did you mean "zoledronate"?'),
    ),
    "unit that is none of a dose": (
        '[[dose]]\ndrug = "denosumab"\namt = "60 mL"\n',
        ("dose[0].amt", '"mL" is not a unit of dose', "mg", 'Example: "60 mg"'),
    ),
    "units of vitamin D for another drug": (
        '[[dose]]\ndrug = "denosumab"\namt = "60 IU"\n',
        ("dose[0].amt", '"IU" is not a unit of dose', "Known:"),
    ),
    "micrograms in letters": (
        '[[dose]]\ndrug = "vitamin_d"\namt = "25 mcg"\nii = "1 d"\n',
        ("dose[0].amt", '"mcg" is not a unit of vitamin D dose', 'Did you mean "ug"?'),
    ),
    "rate of a patch in letters": (PATCH.replace("ug/d", "mcg/d"), ("infusion[0].rate", 'Did you mean "ug/d"?')),
    "bare amount": ('[[dose]]\ndrug = "denosumab"\namt = "60"\n', ("dose[0].amt", "missing unit", "mg, ug, g")),
    "number as amount": ('[[dose]]\ndrug = "denosumab"\namt = 60\n', ("dose[0].amt", "60 is not a text in quotes")),
    "nothing": (DENOSUMAB.replace("60", "0"), ("dose[0].amt", "outside the possible range", "more than 0 to 1200 mg")),
    "sixty grams": (DENOSUMAB.replace("mg", "g"), ("dose[0].amt", "60 g is outside", "more than 0 to 1200 mg")),
    "a thousand tablets": (
        '[[dose]]\ndrug = "estradiol"\nroute = "po"\namt = "2 g"\n',
        ("dose[0].amt", "2 g is outside the possible range, more than 0 to 40 mg"),
    ),
    "misspelled patch": (
        PATCH + 'route = "pach"\n',
        ("infusion[0].route", "Known: patch, td.", 'Did you mean "patch"?'),
    ),
    "impossible rate": (PATCH.replace("50 ug/d", "50 mg/d"), ("infusion[0].rate", "more than 0 to 1000 ug/d")),
    "brand": (
        '[[dose]]\ndrug = "Fosamax"\namt = "70 mg"\n',
        ("dose[0].drug", '"Fosamax" is not a known drug. Write drug = "alendronate".', "Known:"),
    ),
    "beta-2 blocker": (
        '[[dose]]\ndrug = "propranolol"\namt = "40 mg"\n',
        ('Write drug = "atenolol" (only beta-1 blockers act',),
    ),
    "drug that is not modeled": ('[[dose]]\ndrug = "deca"\namt = "40 mg"\n', ("Nandrolone is not modeled",)),
    "no drug": ('[[dose]]\namt = "40 mg"\n', ("dose[0].drug", "missing. Known: alendronate")),
    "no amount": ('[[dose]]\ndrug = "denosumab"\n', ("dose[0].amt", 'missing. Example: amt = "60 mg"')),
    "no rate": ('[[infusion]]\ndrug = "estradiol"\n', ("infusion[0].rate", 'missing. Example: rate = "50 ug/d"')),
    "negative interval": (
        DENOSUMAB + 'ii = "-7 d"\naddl = 2\n',
        ("dose[0].ii", "-7 d is outside", "3650 d", 'Write "7 d", without the minus.'),
    ),
    "interval of nothing": (DENOSUMAB + 'ii = "0 d"\naddl = 2\n', ("dose[0].ii", "0 d is outside", "at least 1 h.")),
    "interval of a life": (DENOSUMAB + 'ii = "20 y"\naddl = 2\n', ("dose[0].ii", "outside", "at most 3650 d.")),
    "negative amount": (DENOSUMAB.replace("60", "-60"), ("dose[0].amt", 'Write "60 mg", without the minus.')),
    "negative rate": (PATCH.replace("50", "-50"), ("infusion[0].rate", 'Write "50 ug/d", without the minus.')),
    "no interval": (DENOSUMAB + "addl = 2\n", ("dose[0].ii", "missing", 'ii = "7 d"')),
    "two ends": (DENOSUMAB + 'ii = "6 mo"\naddl = 2\nuntil = "3 y"\n', ("dose[0].until", "`addl`", "Keep one")),
    "ends before it begins": (
        DENOSUMAB + 'time = "30 d"\nii = "7 d"\nuntil = "20 d"\n',
        ("dose[0].until", "20 d must be later than time, 30 d"),
    ),
    "too many": (DENOSUMAB + 'ii = "1 h"\nuntil = "90 y"\n', ("dose[0].ii", "more than 50000 doses")),
    "adherence": (DENOSUMAB + "adherence = 1.2\n", ("dose[0].adherence", "0 to 1")),
    "wrong route": (
        '[[dose]]\ndrug = "denosumab"\nroute = "po"\namt = "60 mg"\n',
        ("dose[0].route", '"po" is not a route of denosumab', "Known: sc"),
    ),
    "route not named": (
        '[[dose]]\ndrug = "estradiol"\namt = "1 mg"\n',
        ("dose[0].route: missing", "Known: gel, po", 'Example: route = "gel"', "by td (patch) is written as"),
    ),
    "patch as dose": (
        '[[dose]]\ndrug = "estradiol"\nroute = "td"\namt = "1 mg"\n',
        ("dose[0].route", "estradiol by td (patch) is written as [[infusion]]"),
    ),
    "drug without infusion": (
        '[[infusion]]\ndrug = "denosumab"\nrate = "1 mg/d"\n',
        ("infusion[0].route", "denosumab is not given at a held rate", "by sc is written as [[dose]]"),
    ),
    "no steady state": (
        '[[dose]]\ndrug = "zoledronate"\namt = "5 mg"\nii = "1 y"\nss = true\n',
        ("dose[0].ss", "no steady state"),
    ),
    "overlapping infusions": (
        PATCH + PATCH + 'start = "10 d"\n',
        (
            "infusion",
            "rows [0] and [1] overlap: estradiol td from 0 d",
            "Give the earlier row a `stop`",
            'stop = "10 d" in row [0]',
        ),
    ),
    "infusions at once": (PATCH + PATCH, ("rows [0] and [1] overlap: estradiol td", "Both begin then: merge them, or")),
    "infusion that stops before it starts": (
        PATCH + 'start = "9 d"\nstop = "3 d"\n',
        ("infusion[0].stop", "must be later than start, 9 d"),
    ),
    "wrong rate": (PATCH.replace("ug/d", "ug"), ("infusion[0].rate", '"ug" is not a unit of dose rate')),
    "same dose twice": (DENOSUMAB + DENOSUMAB, ("dose", "rows [0] and [1] both give denosumab from 0 d on", "Merge")),
    "too many until the end": (
        '[[dose]]\ndrug = "gonadorelin"\namt = "0.1 mg"\nii = "1 h"\n[simulation]\ndays = "20 y"\n',
        ("dose[0].ii", "more than 50000 doses"),
    ),
    "ovaries removed twice": (
        '[[state]]\nkind = "oophorectomy"\n[[state]]\nkind = "oophorectomy"\nstart = "30 d"\n',
        ("state: rows [0] and [1] both remove the ovaries. Keep one.",),
    ),
    "PTH measured and held": (
        '[labs]\npth = "60 pg/mL"\n[[state]]\nkind = "pth"\nlevel = "80 pg/mL"\n',
        ("labs.pth: and state[0]", "Keep the lab"),
    ),
    "unknown key of a dose": (DENOSUMAB + 'interval = "7 d"\n', ("dose[0].interval", "not a known key")),
    "dose with single brackets": ('[dose]\ndrug = "denosumab"\n', ("dose", "must be a list", "[[dose]]")),
    "unknown food": ('[[diet]]\ncalcum = "800 mg/d"\n', ("diet[0].calcum", 'Did you mean "calcium"?')),
    "intake in the wrong unit": ('[[diet]]\ncalcium = "800 mg"\n', ("diet[0].calcium", '"mg" is not a unit of intake')),
    "state of nothing": ('[[state]]\nstart = "0 d"\n', ("state[0].kind", "prescribes nothing", "stress_index")),
    "index of another kind": (
        '[[state]]\nkind = "pth"\nlevel = "60 pg/mL"\nstress_index = 2.0\n',
        ("state[0].stress_index", "is not for kind"),
    ),
    "impossible index": ("[[state]]\ngonad_index = 2.0\n", ("state[0].gonad_index", "0 to 1")),
    "lab in the wrong unit": ('[labs]\n25OHD = "18 mg/mL"\n', ("labs.25OHD", '"mg/mL" is not a unit of 25OHD')),
}


def test_a_patch_and_a_pump_may_be_called_so():
    """Other names of a route mean it, alone and where rows are compared."""
    named = Scenario.from_toml(BONE + PATCH + 'route = "patch"\n')
    assert named.infusion[0].route_name(infusion=True) == "td"
    assert make_body(named, ParameterSet.load()).pumps[0][2].tolist() == [50.0]
    pump = BONE + '[[infusion]]\ndrug = "teriparatide"\nrate = "20 ug/d"\nroute = "pump"\n'
    assert Scenario.from_toml(pump).infusion[0].route_name(infusion=True) == "sc"
    with pytest.raises(InputError, match="overlap"):
        Scenario.from_toml(BONE + PATCH + 'route = "patch"\n' + PATCH + 'route = "td"\n')


ANDROGENS = {
    "testosterone": '[[dose]]\ndrug = "testosterone"\nroute = "gel"\namt = "5 mg"\nii = "1 d"\n',
    "testosterone by patch": '[[infusion]]\ndrug = "testosterone"\nrate = "300 ug/d"\n',
    "testosterone_cypionate": '[[dose]]\ndrug = "testosterone_cypionate"\namt = "10 mg"\nii = "7 d"\n',
}


@pytest.mark.parametrize("written", ANDROGENS)
def test_testosterone_in_a_woman_is_of_low_confidence_and_in_a_man_it_is_not(written: str):
    """The calendar and the weak evidence say so; the table of drugs has no bone evidence in women."""
    told, drug = "low doses in women have no bone evidence of their own", written.partition(" ")[0]
    end = "[simulation]\ndays = 3\n"
    woman = Scenario.from_toml(WOMAN + ANDROGENS[written] + end)
    man = Scenario.from_toml(BONE + '[subject]\nsex = "male"\nage = "62 y"\n' + ANDROGENS[written] + end)
    assert calendar(woman)[0].endswith(f"{told})")
    assert "(low-confidence drug: " in calendar(woman)[0]
    assert "low-confidence" not in calendar(man)[0]
    assert doubts(woman, ParameterSet.load()).drugs == [f"{drug} in a woman"]
    assert doubts(man, ParameterSet.load()).drugs == []
    assert f"drugs of low confidence: {drug} in a woman" in doubts(woman, ParameterSet.load()).lines()


def test_two_series_of_one_drug_are_told_as_a_double_dose():
    """Not an error: a morning and an evening dose are two rows as well."""
    again = DENOSUMAB + 'time = "364 d"\nii = "182 d"\n[simulation]\ndays = "3 y"\n'
    rows = BONE + DENOSUMAB + 'ii = "182 d"\n{}' + again
    told = "rows [0] and [1] of [[dose]] both give denosumab sc from day 364 to 1092: the doses add up. "
    assert told + 'Write until = "364 d" in row [0] if [1] replaces it' in calendar(Scenario.from_toml(rows.format("")))
    apart = calendar(Scenario.from_toml(rows.format('until = "364 d"\n')))
    once = calendar(Scenario.from_toml(BONE + DENOSUMAB + 'ii = "182 d"\n' + DENOSUMAB + 'time = "10 d"\n'))
    assert not any("add up" in line for line in (*apart, *once))


def test_doses_without_an_end_go_on_until_the_run_ends():
    """`ii` alone repeats; `addl = 0` is one dose, as in NONMEM; explain says which."""
    rows = BONE + DENOSUMAB + 'ii = "7 d"\n{}[simulation]\ndays = 60\n'
    texts = {"": "until the end of the run; 9 doses in the run", "addl = 0\n": "then every 7 d; 1 dose in the run"}
    for more, told in texts.items():
        scenario = Scenario.from_toml(rows.format(more))
        assert told in calendar(scenario)[0]
        doses = make_body(scenario, ParameterSet.load()).events[0]
        assert doses.tolist() == ([7.0 * k for k in range(9)] if not more else [0.0])
        assert Scenario.from_toml(scenario.resolved_toml()) == scenario


def test_women_past_the_usual_age_have_had_their_final_period():
    """The resolved scenario shows it, explain says that it is assumed, and that younger women have none."""
    woman = BONE + '[subject]\nage = "{} y"\n'
    old = Scenario.from_toml(woman.format(62))
    assert old.subject.final_period_y == 51
    assert 'final_period = "51 y"' in old.resolved_toml()
    assert Scenario.from_toml(old.resolved_toml()) == old
    body = make_body(old, ParameterSet.load())
    body.settle(-1)
    assert body.look(-1)["e2_pg_per_ml"] < 15
    told = explain(old, ParameterSet.load(), [])
    assert "final menstrual period at 51 y (assumed; [subject] final_period states it)" in told
    young = Scenario.from_toml(woman.format(45))
    assert young.subject.final_period_y is None
    told = explain(young, ParameterSet.load(), [])
    assert "premenopausal for the whole run: no [subject] final_period is given" in told
    assert Scenario.from_toml(woman.format(62) + "aging = false\n").subject.final_period_y is None
    assert Scenario.from_toml(woman.format(62) + 'sex = "male"\n').subject.final_period_y is None


def test_other_names_lead_to_drugs_that_are_there():
    """Every row of the table of names means a known drug or says why there is none."""
    for name, (drug, note) in other_names().items():
        assert name == name.lower().strip()
        assert name not in drug_table()
        assert drug in drug_table() if drug else note
    assert other_names()["gh"][0] == "somatropin"
    assert other_names()["premarin"][0] == other_names()["cee"][0] == "estradiol"
    assert all("atenolol" in other_names()[name][1] for name in ("bisoprolol", "nebivolol"))


def test_every_parameter_of_drugs_belongs_to_a_drug():
    """The kinetics of some route use it, and reports can say whose it is."""
    ways = [way for drug in drug_table().values() for way in (*drug.routes.values(), *drug.infusions.values())]
    named = {row["name"] for row in ParameterSet.load().rows() if row["section"] == "drug"}
    assert {name for way in ways for name in way.uses} == named
    assert all(drug.most_source.startswith("assumed; ") for drug in drug_table().values())


@pytest.mark.parametrize(
    ("scenario", "used", "unused"),
    [
        (
            "alendronate_holiday",
            {"bisphosphonate_burial_per_d", "bisphosphonate_rebound_share", "skeleton_surface_m2"},
            {"zoledronate_potency", "secretagogue_per_d"},
        ),
        ("gh_peptides", {"secretagogue_per_d", "ipamorelin_per_mg"}, {"sermorelin_per_mg", "gel_per_d"}),
        ("menopause_patch", set(), {"oral_estradiol_share", "gel_estradiol_share"}),
        ("menopause_oral", {"oral_estradiol_share"}, {"gel_estradiol_share", "gel_per_d"}),
    ],
)
def test_weak_parameters_are_those_that_the_kinetics_use(scenario, used, unused):
    """By route, not by words of names."""
    rows = weak_parameters(Scenario.load(scenario), ParameterSet.load())
    found = {row["name"] for row in rows if row["section"] == "drug"}
    assert used <= found
    assert not unused & found


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_row_is_refused_with_file_key_and_fix(name, tmp_path):
    text, parts = WRONG[name]
    file = tmp_path / "mine.toml"
    file.write_text(BONE + text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        Scenario.load(file)
    assert all(part in str(caught.value) for part in (str(file), *parts)), str(caught.value)


EVERYTHING = (
    WOMAN
    + '[labs]\n25OHD = "18 ng/mL"\nmagnesium = "0.8 mmol/L"\nigf1 = "120 ng/mL"\n'
    + DENOSUMAB
    + 'time = "60 d"\nii = "6 mo"\naddl = 1\n'
    + '[[dose]]\ndrug = "gonadorelin"\namt = "100 ug"\nii = "12 h"\nuntil = "20 d"\nadherence = 0.5\n'
    + '[[dose]]\ndrug = "prednisone"\namt = "5 mg"\nii = "1 d"\nuntil = "1 y"\nss = true\n'
    + PATCH
    + 'start = "100 d"\nstop = "200 d"\n'
    + '[[diet]]\ncalcium = "600 mg/d"\nvitamin_d = "200 IU/d"\n[[diet]]\nstart = "50 d"\nprotein = "0.7 g/kg/d"\n'
    + '[[state]]\nstress_index = 1.2\nstart = "80 d"\nuntil = "90 d"\n'
    + '[[state]]\nkind = "pth"\nlevel = "60 pg/mL"\nstart = "120 d"\n'
    + "[simulation]\ndays = 240\n"
)


def test_a_scenario_with_everything_reads_back_equal():
    scenario = Scenario.from_toml(EVERYTHING)
    assert Scenario.from_toml(scenario.resolved_toml()) == scenario
    assert scenario.dose[0].route is None
    assert scenario.dose[0].route_name() == "sc"
    assert scenario.diet[0].start_d is None
    assert scenario.labs.d25_nmol_per_l == pytest.approx(18 * 2.496, rel=1e-3)


def test_rows_reach_the_body():
    """A dose, a patch, a diet, an index and a forced level are felt on their days and not on others."""
    body = make_body(Scenario.from_toml(EVERYTHING), ParameterSet.load())
    body.settle(-1)
    assert body.physiology.y["cortisol"] > 1.5
    course = follow(body, 0, 240)
    assert course.of("den_pm")[59] == 0 < course.of("den_pm")[61]
    estradiol = course.of("e2_pg_per_ml")
    assert estradiol[150] - estradiol[99] == pytest.approx(50e3 / 1350, rel=0.01)
    assert estradiol[201] == pytest.approx(estradiol[99], rel=0.01)
    assert course.of("cortisol")[89] > 1.05 * course.of("cortisol")[79]
    before, forced = course.of("pth_pg_per_ml")[119:121]
    assert abs(before - 60) > 5
    assert forced == pytest.approx(60)
    assert course.of("matrix")[239] < 0.95 * course.of("matrix")[49]


def test_only_habits_and_drugs_taken_before_count_for_the_burn_in():
    """Arms that differ from day 0 on share a burned-in bone; a diet without start or ss make another."""
    plain = Scenario.from_toml(WOMAN)
    later = Scenario.from_toml(WOMAN + DENOSUMAB + '[[diet]]\nstart = "0 d"\ncalcium = "300 mg/d"\n')
    habit = Scenario.from_toml(WOMAN + '[[diet]]\ncalcium = "300 mg/d"\n')
    before = Scenario.from_toml(WOMAN + DENOSUMAB + 'ii = "6 mo"\naddl = 5\nss = true\n')
    assert burn_in_key(later) == burn_in_key(plain)
    assert len({burn_in_key(one) for one in (plain, habit, before)}) == 3
    assert len({run_identity(one) for one in (plain, later, habit, before)}) == 4


def test_explain_prints_doses_diet_and_curves():
    told = " ".join(explain(Scenario.from_toml(EVERYTHING), ParameterSet.load(), []).split())
    for part in (
        "denosumab sc 60 mg: day 60, then every 182.625 d; 1 dose in the run, the last on day 60",
        "of them missed",
        "low-confidence drug",
        "in steady state at the start",
        "estradiol td, held at 50 ug/d: day 100 until day 200",
        "diet, always: calcium 600 mg/d",
        "state, day 80 until day 90: stress_index 1.2",
        "Hormones, predicted",
        "estradiol, pg/mL",
        "denosumab, mg/L",
        "m_rankl",
        "because of rows of low confidence",
        "bone lost since the osteocytes adapted: 21 % (assumed from the final period",
    ):
        assert part in told, part
    plain = explain(Scenario.from_toml(BONE + '[subject]\nage = "30 y"\naging = false\n'), ParameterSet.load(), [])
    assert "every level and modulator stays within 2 %" in plain


def test_explain_lists_states_missed_days_and_rows_that_come_too_late():
    """What is done to the person stands in one list, with what is written but never happens."""
    rows = (
        '[[dose]]\ndrug = "alendronate"\nroute = "po"\namt = "70 mg"\nii = "7 d"\nadherence = 0.5\n'
        + DENOSUMAB
        + 'time = "2 y"\n[[state]]\nkind = "oophorectomy"\nstart = "30 d"\n'
        + '[[state]]\nkind = "rankl_antibody"\nfree = "900 pM"\nstart = "500 d"\n'
    )
    scenario = Scenario.from_toml(BONE + rows + '[subject]\nage = "45 y"\n[simulation]\ndays = 300\n')
    weekly, late, removed, antibody = calendar(scenario)
    taken = make_body(scenario, ParameterSet.load()).regimen.given()
    missed = [f"{one.time_d:g}" for one in taken if not one.taken and one.time_d < 300]
    assert len(missed) > 5
    assert f"{len(missed)} of them missed (day {', '.join(missed[:5])} ...)" in weekly
    assert late.endswith("begins after the end of the run, day 300: it does nothing")
    assert removed == "state, day 30: oophorectomy"
    assert antibody.startswith("state, day 500: free RANKL antibody 900.0 pM - begins after the end")


def test_curves_are_means_that_weekly_doses_do_not_alias_with():
    """A printed value is the mean of 28 days that end on its day; nothing tiny is printed; units are told."""
    dose = '[[dose]]\ndrug = "{}"\namt = "{}"\nii = "{}"\n'
    drugs = dose.format("testosterone_cypionate", "100 mg", "7 d") + dose.format("romosozumab", "210 mg", "1 mo")
    drugs += 'until = "60 d"\n' + dose.format("progesterone", "200 mg", "1 d")
    drugs += "[[state]]\nstart = '9 d'\nsympathetic_index = 2\n"
    scenario = Scenario.from_toml(BONE + drugs + '[subject]\nsex = "male"\nage = "60 y"\n[simulation]\ndays = 2000\n')
    lines = curves(scenario, ParameterSet.load())
    assert lines[0] == "(means of up to 28 d that end on the day)"
    row = {line[:27].strip(): line[27:].split() for line in lines[2:]}
    days = [int(word) for word in lines[1].replace("before", "").replace("day", "").split()]
    body = make_body(scenario, ParameterSet.load())
    bring_to_start(body, scenario)
    levels = follow(body, 0, 2000).of("testosterone_ng_per_dl")
    for k in (2, 4, 6):
        mean = levels[days[k] - 27 : days[k] + 1].mean()
        assert float(row["testosterone, ng/dL"][1 + k]) == pytest.approx(mean, rel=1e-3)
    assert row["romosozumab, mg/L"][-1] == "0"
    assert float(row["progesterone, x reference"][3]) > 1.5
    assert row["sympathetic tone, x ref."][3] == "2"
    assert not any("e-" in word for words in row.values() for word in words)


def test_explain_tells_the_body_of_the_run_whose_labs_are_pinned_at_the_start_of_its_burn_in():
    """A woman at her final period: estradiol measured as 60 pg/mL falls for 190 days before day 0, in both alike."""
    text = BONE + '[subject]\nage = "51 y"\nfinal_period = "51 y"\n[labs]\nestradiol = "60 pg/mL"\n'
    scenario = Scenario.from_toml(text + "[simulation]\ndays = 60\n")
    body, first = make_body(scenario, ParameterSet.load()), -scenario.simulation.burn_in_d
    body.settle(first)
    assert body.look(first)["e2_pg_per_ml"] == pytest.approx(60, rel=1e-6)
    levels = follow(body, first + 1, 1).of("e2_pg_per_ml")
    assert levels[-1] < 50
    lines = curves(scenario, ParameterSet.load())
    before, on_day_0 = next(line for line in lines if line.startswith("estradiol"))[27:].split()[:2]
    assert float(before) == pytest.approx(levels[-2], rel=1e-3)
    assert float(on_day_0) == pytest.approx(levels[-1], rel=1e-3)


def test_explain_begins_where_the_run_begins():
    """Settled once, on the first day of the burn-in, then every day until day 0; with no burn-in on the day before."""
    for burn_in_d in (190, 5, 1, 0):
        scenario = Scenario.from_toml(BONE + f"[simulation]\ndays = 3\nburn_in = '{burn_in_d} d'\n")
        settled, advanced = [], []
        body = SimpleNamespace(settle=settled.append, advance=advanced.append)
        bring_to_start(body, scenario)
        assert settled == [min(-burn_in_d, -1)]
        assert advanced == list(range(settled[0] + 1, 0))


def test_vitamin_d_is_printed_in_both_units_and_drug_rows_have_notes():
    text = BONE + '[subject]\nage = "45 y"\n[[diet]]\nstart = "1 d"\nvitamin_d = "100 ug/d"\n'
    text += '[[dose]]\ndrug = "zoledronate"\namt = "5 mg"\n[[dose]]\ndrug = "teriparatide"\namt = "20 ug"\nii = "1 d"\n'
    lines = curves(Scenario.from_toml(text), ParameterSet.load())
    row = {line[:27].strip(): line[27:].split() for line in lines}
    assert float(row["25OHD, nmol/L"][-1]) == pytest.approx(2.496 * float(row["25OHD, ng/mL"][-1]), rel=1e-3)
    assert "bisphosphonate: on the surface of the whole skeleton, in alendronate equivalents" in lines
    assert "pulsed PTH: 1 is what 20 ug/d injected do in a woman of 65 kg" in lines


def test_params_lists_every_row_with_source_and_confidence():
    answer = CliRunner().invoke(app, ["params", "--json"])
    rows = json.loads(answer.stdout)
    sizes = (len(ParameterSet.load()), len(systems()), len(drug_table()), len(effect_table()))
    assert tuple(len(rows[name]) for name in ("parameters", "systems", "drugs", "effects")) == sizes
    assert all(row["source"] and row["confidence"] in ("high", "medium", "low") for name in rows for row in rows[name])


def test_params_check_lists_only_weak_rows():
    weak = listing(check=True)
    assert all(
        row["confidence"] == "low" or row["source"].startswith("assumed") for rows in weak.values() for row in rows
    )
    assert {"sermorelin", "ipamorelin"} <= {row["name"] for row in weak["drugs"]}
    answer = CliRunner().invoke(app, ["params", "--check"])
    assert answer.exit_code == 0
    assert "body.local_estradiol" in answer.stdout
    assert "il6 -> m_rankl" in answer.stdout
    assert "denosumab by" not in answer.stdout


def test_weak_drugs_systems_and_modulators_are_named():
    """Ipamorelin has assumed kinetics; after menopause weak rows move RANKL by over 10 %; in the reference none do."""
    dose = '[[dose]]\ndrug = "ipamorelin"\namt = "0.3 mg"\nii = "1 d"\naddl = 30\n'
    text = BONE + '[subject]\nage = "56 y"\nfinal_period = "51 y"\n' + dose + "[[state]]\nsleep_index = 0.5\n"
    found = doubts(Scenario.from_toml(text), ParameterSet.load())
    assert found.drugs == ["ipamorelin"]
    assert doubts(Scenario.load("gh_peptides"), ParameterSet.load()).drugs == ["cjc1295", "ipamorelin"]
    assert {"sleep", "oxidative stress"} <= set(found.systems)
    assert found.moved["m_rankl"] > 1.1
    assert found.lines()[0] == "drugs of low confidence: ipamorelin"
    plain = doubts(Scenario.from_toml(BONE + '[subject]\nage = "30 y"\naging = false\n'), ParameterSet.load())
    assert plain.lines() == []


WHO = BONE + '[subject]\nsex = "{}"\nage = "{} y"\n[simulation]\ndays = 260\n'
SHORT = '[[diet]]\nstart = "30 d"\nuntil = "200 d"\nmagnesium = "60 mg/d"\n'


@pytest.mark.parametrize(
    ("text", "named", "silent"),
    [
        (WHO.format("male", 70), {"oxidative stress", "IL-1 and IL-6"}, {"ovarian reserve and FSH", "leptin"}),
        (WHO.format("male", 70), set(), {"LH and gonadal failure", "adiposity (resistin, adiponectin)"}),
        (WHO.format("female", 35) + SHORT, {"magnesium"}, {"LH and gonadal failure", "calcium", "sleep"}),
        (WHO.format("male", 35) + "[[state]]\npituitary_index = 0.3\n", {"LH and gonadal failure"}, {"progesterone"}),
        (WHO.format("female", 35) + "[[state]]\npituitary_index = 0.3\n", {"LH and gonadal failure"}, {"leptin"}),
        (
            WHO.format("female", 35).replace("[sim", 'body_fat = "45 %"\n[sim'),
            {"adiposity (resistin, adiponectin)"},
            {"zinc", "protein"},
        ),
        (WHO.format("female", 35) + "[[diet]]\nzinc = '4 mg/d'\nprotein = '0.6 g/kg/d'\n", {"zinc", "protein"}, set()),
        (WHO.format("female", 35) + "[[state]]\nleptin_index = 2.0\n", set(), {"leptin"}),
        (WHO.format("female", 35) + "[[state]]\nleptin_index = 0.5\n", {"leptin"}, set()),
        (WHO.format("female", 52).replace("[sim", "final_period = '51 y'\n[sim"), set(), {"ovarian reserve and FSH"}),
    ],
)
def test_a_system_is_in_use_where_something_of_its_own_is_off_on_any_day(text, named, silent):
    """Not what is off for another reason, what the sex has not, or a row of 0; also what is over at the end."""
    found = set(doubts(Scenario.from_toml(text), ParameterSet.load()).systems)
    assert named <= found
    assert not silent & found


def test_lines_of_many_runs_are_one_list():
    """Each name once, commas in brackets are no ends, factors become a range, other sentences stay."""
    moved = "moved by more than 10 % because of rows of low confidence: "
    systems_ = "systems of low confidence in use: "
    fat = "adiposity (resistin, adiponectin)"
    first = ["drugs of low confidence: ipamorelin", f"{systems_}{fat}, sleep", "mouse: a, b"]
    second = [systems_ + "sleep, leptin", moved + "m_rankl x1.20, m_opg x0.80"]
    third = [moved + "m_rankl x1.50", "mouse: a, b"]
    assert union([first, second, third]) == [
        first[0],
        f"{systems_}{fat}, sleep, leptin",
        moved + "m_rankl x1.20 to x1.50, m_opg x0.80",
        "mouse: a, b",
    ]
    assert union([]) == []


def test_a_run_of_a_mouse_says_that_its_cells_are_human():
    mouse = Scenario.load("mouse_tail_loading")
    found = doubts(mouse, ParameterSet.load()).lines()[-1]
    assert found.startswith('species "mouse": only the frequency')
    assert "cells, their rates, remodeling and hormones are human" in found
    assert found in " ".join(explain(mouse, ParameterSet.load(), []).split())
    assert "species" not in " ".join(doubts(Scenario.load("hirit"), ParameterSet.load()).lines())


@pytest.mark.parametrize(("voxel_um", "told"), [(8, True), (10, False), (20, False), (25, False), (40, True)])
def test_voxels_that_the_constants_are_not_fitted_for_are_told(voxel_um, told):
    """At 10 and 40 um, not from 15 to 25; the line names the size."""
    bone = f'{BONE}voxel = "{voxel_um} um"\n'
    lines = doubts(Scenario.from_toml(bone + '[subject]\nage = "30 y"\naging = false\n'), ParameterSet.load()).lines()
    assert any(line.startswith(f"voxels of {voxel_um:g} um: ") for line in lines) == told


def test_weak_numbers_of_exercise_are_counted_where_they_are_in_use():
    """Only kinds that the program does, at the joint of its site; a row with its own stress needs no force."""
    squat = '[[activity]]\nkind = "squat"\nreps = 5\n'
    site = '[loading]\nsite = "{}"\nhabitual = "{}"\n'
    walk = '[[activity]]\nkind = "walking"\nsteps = 5000\n'

    def weak(loads: str) -> dict[str, int]:
        chosen = Scenario.from_toml(BONE + '[subject]\nage = "30 y"\naging = false\n' + loads)
        found = doubts(chosen, ParameterSet.load())
        rows = weak_parameters(chosen, ParameterSet.load())
        listed = [row for row in rows if row["section"].startswith(EXERCISE)]
        assert sum(found.exercise.values()) == len(listed)
        assert all(f"{name} {count}" in found.lines()[-1] for name, count in found.exercise.items())
        return found.exercise

    lifts = weak(site.format("L3", "community_adult") + squat + 'load = "40 kg"\n')
    assert lifts["squat"] == 4
    assert {"walking", "light_lift", "habit_community_adult", "site_L3"} <= set(lifts)
    assert not {"press", "bed_turning", "site_calcaneus"} & set(lifts)
    assert "squat" not in weak(site.format("L3", "community_adult") + squat + 'peak_stress = "1 MPa"\n')
    alone = weak(site.format("calcaneus", "rows") + walk)
    assert set(alone) == {"loading", "site_calcaneus", "walking"}
    rest = weak(site.format("L3", "community_adult") + '[[condition]]\nkind = "bed_rest"\n')
    assert {"bed_turning", "condition_bed_rest"} <= set(rest)
