"""Parameters: a checked file, overrides within their range, sections that fit their NamedTuple exactly."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from boneabm.errors import InputError
from boneabm.parameters import ParameterSet

TEXT = """
[osteoclast.fast_rate_um_per_d]
value = 3.0
low = 1.0
high = 6.0
unit = "um/d"
source = "assumed"
confidence = "low"
note = "placeholder"

[osteoclast.team]
value = 8
low = 1
high = 20
unit = "cells"
source = "Author 2001"
confidence = "high"

[mineral.lag_d]
value = 15
low = 10
high = 25
unit = "d"
source = "Author 2002"
confidence = "medium"
"""


class OsteoclastRules(NamedTuple):
    fast_rate_um_per_d: float
    team: int


class MissingOne(NamedTuple):
    fast_rate_um_per_d: float


class OneTooMany(NamedTuple):
    fast_rate_um_per_d: float
    team: int
    speed: float


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "parameters.toml"
    path.write_text(TEXT, encoding="utf-8")
    return path


@pytest.fixture
def parameters(file: Path) -> ParameterSet:
    return ParameterSet.load(file)


def test_a_parameter_keeps_its_value_range_unit_and_source(parameters: ParameterSet) -> None:
    rate = parameters["osteoclast.fast_rate_um_per_d"]
    assert (rate.value, rate.low, rate.high) == (3.0, 1.0, 6.0)
    assert (rate.unit, rate.source, rate.confidence, rate.note) == ("um/d", "assumed", "low", "placeholder")
    assert rate.dotted == "osteoclast.fast_rate_um_per_d"
    assert len(parameters) == len(parameters.rows()) == 3


def test_only_values_without_a_measurement_are_listed_as_assumed(parameters: ParameterSet) -> None:
    assert [p.dotted for p in parameters.assumed()] == ["osteoclast.fast_rate_um_per_d"]


def test_an_override_changes_a_copy_and_remembers_the_original(parameters: ParameterSet) -> None:
    changed = parameters.override({"osteoclast.fast_rate_um_per_d": 4}).override({"mineral.lag_d": 20.0})
    assert parameters["osteoclast.fast_rate_um_per_d"].value == 3.0
    assert [(c.name, c.default, c.value) for c in changed.changed()] == [
        ("osteoclast.fast_rate_um_per_d", 3.0, 4.0),
        ("mineral.lag_d", 15.0, 20.0),
    ]
    assert changed != parameters
    assert changed.override({"osteoclast.fast_rate_um_per_d": 3.0, "mineral.lag_d": 15.0}) == parameters


def test_a_section_becomes_an_instance_with_the_annotated_types(parameters: ParameterSet) -> None:
    rules = parameters.override({"osteoclast.team": 9}).section("osteoclast", OsteoclastRules)
    assert rules == OsteoclastRules(3.0, 9)
    assert type(rules.team) is int
    assert type(rules.fast_rate_um_per_d) is float


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"osteoclast.fast_rate": 3.0}, 'Did you mean "osteoclast.fast_rate_um_per_d"?'),
        ({"osteclast.team": 3.0}, 'Did you mean "osteoclast"?'),
        ({"osteoclast.fast_rate_um_per_d": 9.0}, "outside the range of this parameter, 1 to 6 um/d"),
        ({"osteoclast.fast_rate_um_per_d": "3 um/d"}, "is not a number"),
        ({"osteoclast.fast_rate_um_per_d": True}, "is not a number"),
        ({"osteoclast.fast_rate_um_per_d": float("nan")}, "outside the range"),
    ],
)
def test_an_impossible_override_is_refused_with_what_is_allowed(
    parameters: ParameterSet, changes: dict[str, float], expected: str
) -> None:
    with pytest.raises(InputError) as error:
        parameters.override(changes)
    assert expected in str(error.value)
    assert next(iter(changes)) in str(error.value)


def test_all_impossible_overrides_are_named_at_once(parameters: ParameterSet) -> None:
    with pytest.raises(InputError) as error:
        parameters.override({"osteoclast.team": 99, "mineral.lag_d": 1})
    assert len(str(error.value).splitlines()) == 2


@pytest.mark.parametrize(("cls", "expected"), [(MissingOne, "team"), (OneTooMany, "speed")])
def test_a_section_that_does_not_fit_its_rules_is_refused(
    parameters: ParameterSet, cls: type[tuple[object, ...]], expected: str
) -> None:
    with pytest.raises(InputError, match=expected):
        parameters.section("osteoclast", cls)


def test_a_share_of_a_cell_is_not_a_number_of_cells(parameters: ParameterSet) -> None:
    with pytest.raises(InputError, match="whole number"):
        parameters.override({"osteoclast.team": 8.5}).section("osteoclast", OsteoclastRules)


def test_an_unknown_section_names_the_closest_one(parameters: ParameterSet) -> None:
    with pytest.raises(InputError, match='Did you mean "mineral"'):
        parameters.section("minerals", OsteoclastRules)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("value = 3.0\n", "", "osteoclast.fast_rate_um_per_d: value is missing"),
        ("value = 3.0", "value = 7.0", "value 7 is outside low..high, 1 to 6"),
        ("value = 3.0", 'value = "3"', "is not a number"),
        ('source = "assumed"', 'source = ""', "source is empty"),
        ('source = "assumed"\n', "", "source is missing"),
        ('confidence = "low"', 'confidence = "good"', "high, medium, low"),
        ("low = 1.0", "lowest = 1.0", 'Did you mean "low"?'),
        ("[mineral.lag_d]", "[mineral]", "expected a table"),
        ("[mineral.lag_d]", "[mineral", "not valid TOML"),
    ],
)
def test_a_damaged_parameter_file_is_refused_with_name_and_reason(
    file: Path, old: str, new: str, expected: str
) -> None:
    file.write_text(TEXT.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputError) as error:
        ParameterSet.load(file)
    assert expected in str(error.value)
    assert str(file) in str(error.value)


def test_the_packaged_parameters_load_and_state_a_source_each() -> None:
    parameters = ParameterSet.load()
    assert len(parameters) > 0
    assert all(row["source"] and row["low"] <= row["value"] <= row["high"] for row in parameters.rows())
