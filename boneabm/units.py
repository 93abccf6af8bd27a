"""Quantities with units: "1.6 mm", "0.8 MPa", "38 pg/mL" in; plain numbers in the internal unit of their dimension out.

Internal units: length um, time d, age y, angle deg, stress MPa, concentrations pg/mL. A year is 365 d, a month
30.4375 d (365.25 d / 12), a week 7 d. Molar concentrations need the molecule, so estradiol (272.38 g/mol) and PTH 1-84
(9425 g/mol) are dimensions of their own.
"""

from __future__ import annotations

import math
import re
from typing import NamedTuple

from boneabm.errors import InputError, nearest

DAYS_PER_YEAR = 365.0
DAYS_PER_MONTH = 30.4375
ESTRADIOL_G_PER_MOL = 272.38
PTH_G_PER_MOL = 9425.0


class Dimension(NamedTuple):
    """A kind of quantity: the factor of each unit into the internal one (the first unit), and an example."""

    factors: dict[str, float]
    example: str

    @property
    def unit(self) -> str:
        """Unit in which values of this dimension are kept."""
        return next(iter(self.factors))


_MASS_PER_VOLUME = {"pg/mL": 1.0, "ng/L": 1.0, "ng/mL": 1e3, "ug/L": 1e3, "ng/dL": 10.0}

DIMENSIONS = {
    "length": Dimension({"um": 1.0, "nm": 1e-3, "mm": 1e3, "cm": 1e4}, "20 um"),
    "time": Dimension(
        {"d": 1.0, "h": 1 / 24, "wk": 7.0, "mo": DAYS_PER_MONTH, "y": DAYS_PER_YEAR, "day": 1.0, "days": 1.0}, "30 d"
    ),
    "age": Dimension({"y": 1.0, "mo": 1 / 12}, "51 y"),
    "angle": Dimension({"deg": 1.0, "rad": 180.0 / math.pi}, "30 deg"),
    "stress": Dimension({"MPa": 1.0, "kPa": 1e-3, "Pa": 1e-6, "GPa": 1e3}, "0.8 MPa"),
    "concentration": Dimension(_MASS_PER_VOLUME, "38 pg/mL"),
    "estradiol": Dimension(
        {**_MASS_PER_VOLUME, "pmol/L": ESTRADIOL_G_PER_MOL * 1e-3, "pM": ESTRADIOL_G_PER_MOL * 1e-3}, "100 pmol/L"
    ),
    "antibody": Dimension({"pM": 1.0, "pmol/L": 1.0, "nM": 1e3, "nmol/L": 1e3}, "1000 pM"),
    "pth": Dimension({**_MASS_PER_VOLUME, "pmol/L": PTH_G_PER_MOL * 1e-3, "pM": PTH_G_PER_MOL * 1e-3}, "38 pg/mL"),
}

_QUANTITY = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*?)\s*")


def quantity(text: object, dimension: str) -> float:
    """Value of a quantity with a unit, in the internal unit of its dimension.

    text      : a string of a number and a unit, such as "20 um"
    dimension : one of DIMENSIONS
    Raises InputError naming what was given, the allowed units and an example.

    >>> quantity("1.6 mm", "length")
    1600.0
    """
    known = DIMENSIONS[dimension]
    allowed = f'Allowed units of {dimension}: {", ".join(known.factors)}. Example: "{known.example}".'
    if isinstance(text, (int, float)) and not isinstance(text, bool):
        raise InputError(f"missing unit: {text!r} is a bare number. {allowed}")
    if not isinstance(text, str):
        raise InputError(f"{text!r} is not a quantity, write a number and a unit in quotes. {allowed}")
    parts = _QUANTITY.fullmatch(text)
    if parts is None:
        raise InputError(f'"{text}" is not a number with a unit. {allowed}')
    number, unit = parts[1], parts[2].replace("\u00b5", "u").replace("\u03bc", "u")
    if not unit:
        raise InputError(f'missing unit in "{text}". {allowed}')
    if unit not in known.factors:
        hint = nearest(unit, known.factors)
        raise InputError(f'"{unit}" is not a unit of {dimension}. {hint} Example: "{known.example}".')
    value = float(number) * known.factors[unit]
    if not math.isfinite(value):
        raise InputError(f'"{text}" is too large for a number. {allowed}')
    return value


def format_quantity(value: float, dimension: str) -> str:
    """Text that `quantity` reads back to exactly this value: the shortest number and the internal unit.

    >>> format_quantity(1600.0, "length")
    '1600 um'
    """
    number = str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))
    return f"{number} {DIMENSIONS[dimension].unit}"
