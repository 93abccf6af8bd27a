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
TESTOSTERONE_G_PER_MOL = 288.42
CALCIDIOL_G_PER_MOL = 400.64
MAGNESIUM_G_PER_MOL = 24.305
IGF1_G_PER_MOL = 7649.0
VITAMIN_D_IU_PER_UG = 40.0
GROWTH_HORMONE_IU_PER_MG = 3.0


class Dimension(NamedTuple):
    """A kind of quantity: the factor of each unit into the internal one (the first unit), and an example."""

    factors: dict[str, float]
    example: str

    @property
    def unit(self) -> str:
        """Unit in which values of this dimension are kept."""
        return next(iter(self.factors))


_MASS_PER_VOLUME = {"pg/mL": 1.0, "ng/L": 1.0, "ng/mL": 1e3, "ug/L": 1e3, "ng/dL": 10.0}
_TIMES = {
    **dict.fromkeys(("day", "days"), 1.0),
    **dict.fromkeys(("hour", "hours"), 1 / 24),
    **dict.fromkeys(("week", "weeks"), 7.0),
    **dict.fromkeys(("month", "months"), DAYS_PER_MONTH),
    **dict.fromkeys(("year", "years"), DAYS_PER_YEAR),
}

DIMENSIONS = {
    "length": Dimension({"um": 1.0, "nm": 1e-3, "mm": 1e3, "cm": 1e4}, "20 um"),
    "time": Dimension({"d": 1.0, "h": 1 / 24, "wk": 7.0, "mo": DAYS_PER_MONTH, "y": DAYS_PER_YEAR, **_TIMES}, "30 d"),
    "age": Dimension({"y": 1.0, "mo": 1 / 12, "year": 1.0, "years": 1.0, "month": 1 / 12, "months": 1 / 12}, "51 y"),
    "angle": Dimension({"deg": 1.0, "rad": 180.0 / math.pi}, "30 deg"),
    "area": Dimension({"mm2": 1.0, "cm2": 100.0}, "1000 mm2"),
    "duration": Dimension({"s": 1.0, "min": 60.0, "h": 3600.0, "hour": 3600.0, "hours": 3600.0}, "20 min"),
    "hours": Dimension({"h": 1.0, "min": 1 / 60, "hour": 1.0, "hours": 1.0}, "3 h"),
    "frequency": Dimension({"Hz": 1.0}, "30 Hz"),
    "progression": Dimension(
        {"%/wk": 1.0, "%/d": 7.0, "%/mo": 7 / DAYS_PER_MONTH, "%/week": 1.0, "%/month": 7 / DAYS_PER_MONTH}, "1 %/wk"
    ),
    "stress": Dimension({"MPa": 1.0, "kPa": 1e-3, "Pa": 1e-6, "GPa": 1e3}, "0.8 MPa"),
    "concentration": Dimension(_MASS_PER_VOLUME, "38 pg/mL"),
    "estradiol": Dimension(
        {**_MASS_PER_VOLUME, "pmol/L": ESTRADIOL_G_PER_MOL * 1e-3, "pM": ESTRADIOL_G_PER_MOL * 1e-3}, "100 pmol/L"
    ),
    "antibody": Dimension({"pM": 1.0, "pmol/L": 1.0, "nM": 1e3, "nmol/L": 1e3}, "1000 pM"),
    "25OHD": Dimension(
        {"nmol/L": 1.0, "nM": 1.0, "ng/mL": 1e3 / CALCIDIOL_G_PER_MOL, "ug/L": 1e3 / CALCIDIOL_G_PER_MOL}, "18 ng/mL"
    ),
    "testosterone": Dimension(
        {"ng/dL": 1.0, "ng/mL": 100.0, "ug/L": 100.0, "nmol/L": TESTOSTERONE_G_PER_MOL / 10}, "350 ng/dL"
    ),
    "IGF-1": Dimension({"ng/mL": 1.0, "ug/L": 1.0, "nmol/L": IGF1_G_PER_MOL * 1e-3}, "147 ng/mL"),
    "magnesium": Dimension({"mmol/L": 1.0, "mg/dL": 10 / MAGNESIUM_G_PER_MOL}, "0.8 mmol/L"),
    "dose": Dimension({"mg": 1.0, "ug": 1e-3, "g": 1e3, "ng": 1e-6}, "60 mg"),
    "vitamin D dose": Dimension({"ug": 1.0, "IU": 1 / VITAMIN_D_IU_PER_UG, "mg": 1e3}, "1000 IU"),
    "growth hormone dose": Dimension({"mg": 1.0, "IU": 1 / GROWTH_HORMONE_IU_PER_MG, "ug": 1e-3}, "0.3 mg"),
    "dose rate": Dimension({"ug/d": 1.0, "mg/d": 1e3, "ug/h": 24.0}, "50 ug/d"),
    "intake": Dimension({"mg/d": 1.0, "g/d": 1e3, "ug/d": 1e-3}, "800 mg/d"),
    "trace intake": Dimension({"ug/d": 1.0, "mg/d": 1e3}, "20 ug/d"),
    "vitamin D intake": Dimension({"ug/d": 1.0, "IU/d": 1 / VITAMIN_D_IU_PER_UG}, "400 IU/d"),
    "protein intake": Dimension({"g/kg/d": 1.0}, "0.8 g/kg/d"),
    "body mass": Dimension({"kg": 1.0, "g": 1e-3, "lb": 0.45359237}, "66 kg"),
    "share": Dimension({"%": 1.0}, "34 %"),
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
