"""Quantities: factors, exact round trip, and errors that say what is allowed."""

from __future__ import annotations

import pytest

from boneabm.errors import InputError, nearest
from boneabm.units import DIMENSIONS, format_quantity, quantity


@pytest.mark.parametrize(
    ("text", "dimension", "value"),
    [
        ("20 um", "length", 20.0),
        ("20um", "length", 20.0),
        ("20 \u00b5m", "length", 20.0),
        ("20 \u03bcm", "length", 20.0),
        ("1.6 mm", "length", 1600.0),
        ("2e-1 cm", "length", 2000.0),
        ("0.8 MPa", "stress", 0.8),
        ("18 GPa", "stress", 18000.0),
        ("-250 kPa", "stress", -0.25),
        ("51 y", "age", 51.0),
        ("6 mo", "age", 0.5),
        ("1 y", "time", 365.0),
        ("6 mo", "time", 182.625),
        ("4 wk", "time", 28.0),
        ("12 h", "time", 0.5),
        ("30 days", "time", 30.0),
        ("4 weeks", "time", 28.0),
        ("1 month", "time", 30.4375),
        ("2 years", "time", 730.0),
        ("12 hours", "time", 0.5),
        ("65 years", "age", 65.0),
        ("2 hours", "hours", 2.0),
        ("1 %/week", "progression", 1.0),
        ("38 pg/mL", "pth", 38.0),
        ("4 pmol/L", "pth", 37.7),
        ("100 pmol/L", "estradiol", 27.238),
        ("0.04 ng/mL", "concentration", 40.0),
    ],
)
def test_a_quantity_is_its_number_times_the_factor_of_its_unit(text: str, dimension: str, value: float) -> None:
    assert quantity(text, dimension) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("dimension", DIMENSIONS)
@pytest.mark.parametrize("value", [0.0, 1.0, 1600.0, 19.5, 0.1 + 0.2, 1 / 3, 1e-7, 3e15, -0.25])
def test_a_written_quantity_reads_back_to_the_same_bits(dimension: str, value: float) -> None:
    assert quantity(format_quantity(value, dimension), dimension) == value


def test_the_examples_of_error_texts_are_themselves_valid() -> None:
    for name, dimension in DIMENSIONS.items():
        assert quantity(dimension.example, name) > 0


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (20, "missing unit: 20"),
        (0.5, "missing unit: 0.5"),
        ("20", 'missing unit in "20"'),
        ("20 px", '"px" is not a unit of length'),
        ("20 Um", 'Did you mean "um"?'),
        ("twenty um", '"twenty um" is not a number with a unit'),
        ("nan um", "is not a number with a unit"),
        ("1e400 um", "too large"),
        ("", "is not a number with a unit"),
        (True, "True is not a quantity"),
        (["20 um"], "is not a quantity"),
    ],
)
def test_an_unusable_length_names_what_was_given_the_units_and_an_example(given: object, expected: str) -> None:
    with pytest.raises(InputError) as error:
        quantity(given, "length")
    text = str(error.value)
    assert expected in text
    assert "um, nm, mm, cm" in text or "cm, mm, nm, um" in text
    assert '"20 um"' in text


MEANT = {
    "vitamin D dose": {"mcg": "ug", "MCG": "ug", "micrograms": "ug", "iu": "IU", "I.U.": "IU", "mgs": "mg"},
    "dose": {"mcg": "ug", "MCG": "ug", "MG": "mg", "grams": "g"},
    "dose rate": {"mcg/d": "ug/d", "MCG/day": "ug/d", "mcg/hr": "ug/h", "mcg": "ug/d", "ug": "ug/d"},
    "vitamin D intake": {"mcg/d": "ug/d", "IU": "IU/d", "iu/day": "IU/d", "IU per day": "IU/d"},
    "intake": {"mg": "mg/d", "mcg": "ug/d"},
    "testosterone": {"ng/dl": "ng/dL", "nmol/l": "nmol/L"},
    "stress": {"Mpa": "MPa", "KPA": "kPa"},
    "time": {"hr": "h", "yrs": "y"},
}
OTHER_SIZE = {
    "vitamin D dose": ("mcg/d", "kg", "pg", "Mg", "mmg"),
    "dose": ("IU", "mL", "kg", "Mg", "mol"),
    "vitamin D intake": ("mg/d", "g/d"),
    "testosterone": ("pg/mL", "pmol/L", "mg/dL"),
    "25OHD": ("pmol/L", "pg/mL", "mg/mL"),
    "pth": ("mmol/L", "umol/L"),
    "magnesium": ("umol/L", "ug/dL"),
    "stress": ("mPa", "Ba"),
    "time": ("min", "m", "s"),
    "length": ("m", "pm", "Mm"),
}


@pytest.mark.parametrize(("dimension", "word"), [(name, word) for name, words in MEANT.items() for word in words])
def test_another_spelling_of_a_unit_leads_to_that_unit(dimension: str, word: str) -> None:
    """Micrograms in letters above all: mcg lies nearer to mg than to ug, and mg is a thousand times as much."""
    with pytest.raises(InputError) as error:
        quantity(f"25 {word}", dimension)
    assert f'Did you mean "{MEANT[dimension][word]}"?' in str(error.value)


@pytest.mark.parametrize(("dimension", "word"), [(name, word) for name, words in OTHER_SIZE.items() for word in words])
def test_no_unit_of_another_size_is_proposed_because_it_looks_alike(dimension: str, word: str) -> None:
    with pytest.raises(InputError) as error:
        quantity(f"25 {word}", dimension)
    assert f'"{word}" is not a unit' in str(error.value)
    assert "Did you mean" not in str(error.value)


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_a_unit_in_other_letters_is_proposed_with_its_own_size_or_not_at_all(dimension: str) -> None:
    """Every unit in capitals and in small letters; a proposal has the factor of the unit itself."""
    factors = DIMENSIONS[dimension].factors
    for unit, factor in factors.items():
        for word in {unit.upper(), unit.lower()} - set(factors):
            proposed = nearest(word, factors).partition('Did you mean "')[2].removesuffix('"?')
            assert factors.get(proposed, factor) == factor, f"{word} of {dimension}: {proposed}"


@pytest.mark.parametrize("letter", ["u", "\u00b5", "\u03bc"])
def test_micrograms_of_vitamin_d_are_read_in_every_letter_and_as_units(letter: str) -> None:
    assert quantity(f"25 {letter}g", "vitamin D dose") == quantity("1000 IU", "vitamin D dose") == 25.0
    assert quantity(f"25 {letter}g/d", "vitamin D intake") == quantity("1000 IU/d", "vitamin D intake") == 25.0
