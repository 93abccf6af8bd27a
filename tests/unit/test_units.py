"""Quantities: factors, exact round trip, and errors that say what is allowed."""

from __future__ import annotations

import pytest

from boneabm.errors import InputError
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
