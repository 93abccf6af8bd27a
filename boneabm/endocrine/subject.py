"""Who the bone belongs to, and what a day prescribes for the body: age, diet, indices, forced levels."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from ..kernels.endocrine_layout import INPUT_TYPE, INPUTS
from ..units import DAYS_PER_YEAR

REFERENCE_AGE_Y = 30.0
NEVER_Y = -100.0
WEIGHT_KG = {"female": 65.0, "male": 80.0}
BODY_FAT = {"female": 0.30, "male": 0.25}

REFERENCE_INPUTS = {
    **dict.fromkeys(INPUTS, 1.0),
    "calcium_mg": 1000.0,
    "vitamin_d_ug": 15.0,
    "magnesium_mg": 320.0,
    "vitamin_k2_ug": 100.0,
    "protein_g_per_kg": 1.0,
    "zinc_mg": 9.0,
    **dict.fromkeys(("tnf_block", "pth_pg_per_ml", "den_pm", "pin_d25"), 0.0),
}
"""Intake and indices of the reference subject; 0 where the model decides or nothing is given."""


@dataclass(frozen=True)
class Subject:
    """Who the bone belongs to; ages in years; final_period_y is the age of the final menstrual period.

    aging : without it all age lines stay those of 30 y; estradiol stays that of the age at the start
    levels measured in this person (None: the model's own) each pin one free parameter
    """

    sex: str = "female"
    age_y: float = 30.0
    final_period_y: float | None = None
    aging: bool = True
    estradiol_pg_per_ml: float | None = None
    pth_pg_per_ml: float | None = None
    d25_nmol_per_l: float | None = None
    testosterone_ng_per_dl: float | None = None
    igf1_ng_per_ml: float | None = None
    magnesium_mmol_per_l: float | None = None
    weight_kg: float | None = None
    body_fat: float | None = None

    @property
    def male(self) -> bool:
        """Whether the subject is a man."""
        return self.sex == "male"

    def reference(self) -> Subject:
        """The reference subject of this sex: 30 y, nothing measured, body of the reference."""
        return Subject(sex=self.sex, aging=False)


class Period(NamedTuple):
    """Inputs that hold from start_d (inclusive) to until_d (exclusive); start -inf: a habit."""

    changes: Mapping[str, float]
    start_d: float = -math.inf
    until_d: float = math.inf

    def holds(self, day: float) -> bool:
        """Whether it holds on a day."""
        return self.start_d <= day < self.until_d


@dataclass(frozen=True)
class Life:
    """A subject with the periods of diet, indices and forced levels, and an oophorectomy: inputs of every day."""

    subject: Subject
    periods: Sequence[Period] = ()
    oophorectomy_day: float = math.inf
    oophorectomy_tau_d: float = 2.0
    pins: Mapping[str, float] = field(default_factory=dict)

    def age_y(self, day: float) -> float:
        """Age on a day, years; constant in a subject that does not age."""
        return self.subject.age_y + (day / DAYS_PER_YEAR if self.subject.aging else 0.0)

    def inputs(self, day: float) -> np.ndarray:
        """What this day prescribes, one record (1,) of INPUTS; later periods override earlier ones."""
        who = self.subject
        values = {**REFERENCE_INPUTS, **self.pins}
        values["male"] = float(who.male)
        values["weight_kg"] = WEIGHT_KG[who.sex] if who.weight_kg is None else who.weight_kg
        values["body_fat"] = BODY_FAT[who.sex] if who.body_fat is None else who.body_fat
        values["age_y"] = self.age_y(day) if who.aging else REFERENCE_AGE_Y
        period = who.final_period_y
        values["years_after_period"] = NEVER_Y if period is None else self.age_y(day) - period
        late = day - self.oophorectomy_day
        values["ovaries"] = math.exp(-late / self.oophorectomy_tau_d) if late >= 0 else 1.0
        for row in self.periods:
            if row.holds(day):
                values.update(row.changes)
        return np.array([tuple(values[name] for name in INPUTS)], INPUT_TYPE)
