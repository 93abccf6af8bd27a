"""The body around the bone: estradiol over age and PTH today, slow cytokine states, and what cells feel of them.

Other hormones, nutrition and drugs enter later through the same `Modulators`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np

from .effects import log_sum

STATES = ("tnf", "il6", "ros", "sclerostin")
DAYS_PER_YEAR = 365.0


class BodyParameters(NamedTuple):
    """Parameters of section [body]; see data/parameters.toml."""

    estradiol_before_pg_per_ml: float
    estradiol_after_pg_per_ml: float
    estradiol_male_pg_per_ml: float
    transition_width_y: float
    oophorectomy_d: float
    estradiol_half_pg_per_ml: float
    pth_reference_pg_per_ml: float
    pth_half_over_reference: float
    cytokine_rate_per_d: float
    sclerostin_rate_per_d: float


@dataclass(frozen=True)
class Modulators:
    """What cells feel of the body: factors (1 = reference subject) and free drug levels (0 = no drug).

    Today's drivers never move setpoint_shift, m_min_rate, m_min_max, matrix_quality, antiscl_pm or bp_surface; of these
    the tissue already reads m_min_rate and m_min_max. They complete the interface for the drivers to come.
    """

    m_rankl: float = 1.0
    m_opg: float = 1.0
    m_oc_life: float = 1.0
    m_oc_act: float = 1.0
    m_ob_prolif: float = 1.0
    m_ob_act: float = 1.0
    m_ob_life: float = 1.0
    m_sclerostin: float = 1.0
    mech_gain: float = 1.0
    setpoint_shift: float = 0.0
    m_min_rate: float = 1.0
    m_min_max: float = 1.0
    matrix_quality: float = 1.0
    den_pm: float = 0.0
    antiscl_pm: float = 0.0
    bp_surface: float = 0.0


FACTORS = tuple(field.name for field in fields(Modulators) if field.name.startswith("m_") or field.name == "mech_gain")


@dataclass(frozen=True)
class Subject:
    """Who the bone belongs to; ages in years; final_period_y is the age of the final menstrual period."""

    sex: str = "female"
    age_y: float = 30.0
    final_period_y: float | None = None
    aging: bool = True
    estradiol_pg_per_ml: float | None = None
    pth_pg_per_ml: float | None = None


class Period(NamedTuple):
    """A level that holds from start_d (inclusive) to until_d (exclusive): PTH in pg/mL, free antibody in pM."""

    level: float
    start_d: float
    until_d: float


def level_on(day: float, periods: Sequence[Period], otherwise: float) -> float:
    """Level of the first period that holds on a day."""
    return next((period.level for period in periods if period.start_d <= day < period.until_d), otherwise)


class Body:
    """Daily state of the body.

    E2 = (before - after) / (1 + exp((age - final period) / w)) + after        women
    E2 = after + (E2 at the operation - after) exp(-t / tau)                    from an oophorectomy on
    e  = min(1, h(E2) / h(E2_ref)), h(x) = x / (x + E50)
    pth_cat = occupancy of the PTH receptor over its reference, P/(P + K)
    d state/dt = k (exp(effect rows) - state)                                   tnf, il6, ros, sclerostin
    ln modulator = sum of the rows of the effect table
    """

    def __init__(
        self,
        subject: Subject,
        parameters: BodyParameters,
        pth: Sequence[Period] = (),
        antibody: Sequence[Period] = (),
        oophorectomy_day: float = math.inf,
    ) -> None:
        self.subject = subject
        self.parameters = parameters
        self.pth, self.antibody, self.oophorectomy_day = tuple(pth), tuple(antibody), oophorectomy_day
        self.states = dict.fromkeys(STATES, 1.0)

    def age_y(self, day: float) -> float:
        """Age on a day, years; constant in a subject that does not age."""
        return self.subject.age_y + (day / DAYS_PER_YEAR if self.subject.aging else 0.0)

    def estradiol_pg_per_ml(self, day: float) -> float:
        """Estradiol in blood, pg/mL; a value measured in the subject overrides the model until an oophorectomy."""
        if day < self.oophorectomy_day:
            return self._natural_estradiol_pg_per_ml(day)
        start = self._natural_estradiol_pg_per_ml(self.oophorectomy_day)
        rest = min(start, self.parameters.estradiol_after_pg_per_ml)
        return rest + (start - rest) * math.exp((self.oophorectomy_day - day) / self.parameters.oophorectomy_d)

    def _natural_estradiol_pg_per_ml(self, day: float) -> float:
        p, who = self.parameters, self.subject
        if who.estradiol_pg_per_ml is not None:
            return who.estradiol_pg_per_ml
        if who.sex == "male":
            return p.estradiol_male_pg_per_ml
        if who.final_period_y is None:
            return p.estradiol_before_pg_per_ml
        late = (self.age_y(day) - who.final_period_y) / p.transition_width_y
        share = 1.0 / (1.0 + math.exp(min(late, 500.0)))
        return p.estradiol_after_pg_per_ml + (p.estradiol_before_pg_per_ml - p.estradiol_after_pg_per_ml) * share

    def pth_pg_per_ml(self, day: float) -> float:
        """PTH in blood, pg/mL: the period that holds today, else the subject's own level, else the reference."""
        own = self.subject.pth_pg_per_ml
        return level_on(day, self.pth, self.parameters.pth_reference_pg_per_ml if own is None else own)

    def drivers(self, day: float) -> dict[str, float]:
        """Drivers of the effect table on a day; the slow states as they are now."""
        p = self.parameters
        reference = p.estradiol_male_pg_per_ml if self.subject.sex == "male" else p.estradiol_before_pg_per_ml
        estrogen = saturation(self.estradiol_pg_per_ml(day), p.estradiol_half_pg_per_ml)
        ratio = self.pth_pg_per_ml(day) / p.pth_reference_pg_per_ml
        years = self.age_y(day) - 30.0 if self.subject.aging else 0.0
        return {
            "e2": min(1.0, estrogen / saturation(reference, p.estradiol_half_pg_per_ml)),
            "pth_cat": saturation(ratio, p.pth_half_over_reference) / saturation(1.0, p.pth_half_over_reference),
            "age_over_30": max(years, 0.0),
            **self.states,
        }

    def settle(self, day: float) -> None:
        """Put the slow states where they come to rest under the drivers of this day."""
        drivers = self.drivers(day)
        self.states = {name: math.exp(log_sum(name, drivers)) for name in STATES}

    def advance(self, day: float) -> Modulators:
        """One day: the slow states relax toward their targets; returns what the cells feel."""
        p, drivers = self.parameters, self.drivers(day)
        for name in STATES:
            rate = p.sclerostin_rate_per_d if name == "sclerostin" else p.cytokine_rate_per_d
            target = math.exp(log_sum(name, drivers))
            self.states[name] += (target - self.states[name]) * (1.0 - math.exp(-rate))
        return self.modulators(day)

    def modulators(self, day: float) -> Modulators:
        """What the cells feel with the states as they are."""
        drivers = self.drivers(day)
        factors = {name: math.exp(log_sum(name, drivers)) for name in FACTORS}
        free_pm = level_on(day, self.antibody, 0.0)
        return Modulators(**{**factors, "m_sclerostin": self.states["sclerostin"], "den_pm": free_pm})

    def arrays(self) -> dict[str, np.ndarray]:
        """Slow states for the checkpoint."""
        return {"states": np.array([self.states[name] for name in STATES])}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take the slow states of a checkpoint."""
        self.states = dict(zip(STATES, arrays["states"].tolist(), strict=True))


def saturation(x: float, half: float) -> float:
    """h(x) = x / (x + half)."""
    return x / (x + half)
