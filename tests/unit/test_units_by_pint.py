"""Every unit factor against pint, an independent library of units that only this test uses."""

from __future__ import annotations

import pytest

from boneabm.units import DIMENSIONS

pint = pytest.importorskip("pint")

MOLAR = {
    "estradiol": 272.38,
    "pth": 9425.0,
    "testosterone": 288.42,
    "25OHD": 400.64,
    "magnesium": 24.305,
    "IGF-1": 7649.0,
}
WORDS = {
    **dict.fromkeys(("mo", "month", "months"), "(30.4375 * day)"),
    "wk": "week",
    **dict.fromkeys(("y", "year", "years"), "(365 * day)"),
    "d": "day",
    "days": "day",
    "%": "percent",
    "M": "mol/L",
    "mm2": "mm**2",
    "cm2": "cm**2",
}


def meaning(unit):
    """The unit in pint's words: `pM` is pmol/L, a month 30.4375 d, a year 365 d."""
    if unit in ("pM", "nM"):
        return f"{unit[0]}mol/L"
    return "/".join(WORDS.get(part, part) for part in unit.split("/"))


CASES = [
    (name, unit)
    for name, dimension in DIMENSIONS.items()
    for unit in dimension.factors
    if not unit.startswith("IU") and name != "age"
]


@pytest.fixture(scope="module")
def registry():
    return pint.UnitRegistry()


@pytest.mark.parametrize(("name", "unit"), CASES)
def test_a_factor_is_that_of_pint(name, unit, registry):
    """Factor into the internal unit, through the molar mass where one side is an amount and the other a mass."""
    given, wanted = registry(meaning(unit)), registry(meaning(DIMENSIONS[name].unit))
    if "mol" in meaning(unit) and not given.check(wanted.dimensionality):
        given = given * registry(f"{MOLAR[name]} g/mol")
    elif "mol" in meaning(DIMENSIONS[name].unit) and not given.check(wanted.dimensionality):
        given = given / registry(f"{MOLAR[name]} g/mol")
    factor = (given / wanted).to("dimensionless").magnitude
    assert DIMENSIONS[name].factors[unit] == pytest.approx(factor, rel=1e-9)


def test_biological_units_are_fixed_by_definition():
    """40 IU of vitamin D are 1 ug, 3 IU of growth hormone are 1 mg."""
    assert DIMENSIONS["vitamin D dose"].factors["IU"] == pytest.approx(1 / 40)
    assert DIMENSIONS["vitamin D intake"].factors["IU/d"] == pytest.approx(1 / 40)
    assert DIMENSIONS["growth hormone dose"].factors["IU"] == pytest.approx(1 / 3)
