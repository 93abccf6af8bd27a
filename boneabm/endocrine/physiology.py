"""The whole-body model as one object: parameters, reference subject, effect table and scratch of the kernels."""

from __future__ import annotations

import numpy as np

from ..errors import BoneabmError
from ..kernels import endocrine as kernels
from ..kernels import endocrine_layout as layout
from ..kernels.endocrine_pth import infused, receptor_day
from ..parameters import ParameterSet
from .effects import as_arrays, effect_table
from .subject import Life, Subject

SECTIONS = ("body", "immune", "calcium", "nutrition", "pth", "drug", "shadow")
"""Sections of the parameters that the body model reads."""

PACE = {
    "lh": "lh_rate_per_d",
    "fsh": "fsh_rate_per_d",
    "igf1": "igf1_rate_per_d",
    "cortisol": "cortisol_rate_per_d",
    "tnf": "cytokine_rate_per_d",
    "il6": "cytokine_rate_per_d",
    "ros": "cytokine_rate_per_d",
    "d25": "d25_rate_per_d",
    "calcitriol": "calcitriol_rate_per_d",
    "gland": "gland_rate_per_d",
    "magnesium": "magnesium_rate_per_d",
    "k2": "k2_rate_per_d",
    "matrix": "matrix_rate_per_d",
    "glycation": "glycation_rate_per_d",
    "sclerostin": "sclerostin_rate_per_d",
    "reserve": "reserve_refill_per_d",
    "oc_pre": "shadow_precursor_per_d",
    "oc": "shadow_osteoclast_per_d",
    "ob_pre": "shadow_osteoblast_precursor_per_d",
    "ob": "shadow_osteoblast_per_d",
    "wnt": "shadow_wnt_per_d",
}
"""Rate by which each state relaxes; the others (drug slots, mass) are left alone when the body is settled."""

START = {"lh": 3.6, "fsh": 7.0, "igf1": 200.0, "d25": 60.0, "calcitriol": 100.0, "magnesium": 0.82, "k2": 0.75}
ONES = (
    "cortisol", "tnf", "il6", "ros", "gland", "matrix", "glycation", "sclerostin", "trough", "trough_mean", "reserve",
    "receptor", "pth_cat", "oc_pre", "oc", "ob_pre", "ob", "mass", "mineral",
)  # fmt: skip
DAYS_OF_SCALE = 60


def parameter_record(parameters: ParameterSet) -> np.ndarray:
    """Values of all sections of the body as one record (1,), with the scale of the pulsed PTH signal computed."""
    rows = [row for row in parameters.rows() if row["section"] in SECTIONS]
    names = [row["name"] for row in rows]
    record = np.zeros(1, layout.record((*names, "anabolic_scale")))
    for row in rows:
        record[row["name"]] = row["value"]
    record["anabolic_scale"] = anabolic_scale(record[0])
    return record


def anabolic_scale(p: np.void) -> float:
    """Mean square pulse of 20 ug of teriparatide a day in a woman of 65 kg: the unit of the pulsed signal."""
    u = Life(Subject()).inputs(0.0)[0]
    none = np.zeros(0)
    doses = (np.arange(DAYS_OF_SCALE, dtype=float), np.full(DAYS_OF_SCALE, 20.0))
    own = p["pth_reference_pg_per_ml"] / p["pth_g_per_mmol"]
    adapted, square = own / (own + p["pth_half_pmol_per_l"]), 0.0
    for day in range(DAYS_OF_SCALE):
        adapted, _, square, _ = receptor_day(adapted, own, float(day), u, p, (none, none, none), doses)
    return float(square)


class Physiology:
    """Arrays of one body: state, levels, drivers, targets; and the reference subject of its sex at balance.

    state   : (STATES,) and `y`, the same memory as a record
    level   : record of LEVELS, targets : (TARGETS,); means of the last day, at rest as they are
    """

    def __init__(self, parameters: ParameterSet, sex: str) -> None:
        self.parameters = parameter_record(parameters)
        self.steps = np.zeros((6, len(layout.STATES)))
        self.records = self.steps.view(layout.STATE_TYPE).reshape(6)
        self.rates = np.zeros(len(layout.RATES))
        self.seen, self.targets = np.zeros(len(layout.LEVELS)), np.zeros(len(layout.TARGETS))
        self.drivers, self.total = np.zeros(len(layout.DRIVERS)), np.zeros(len(layout.LEVELS) + len(layout.TARGETS))
        rows, exponents = as_arrays(effect_table())
        self.table = (np.ones(len(layout.DRIVERS)), rows, exponents, np.zeros(exponents.size))
        self.pace = np.array([self._pace(name) for name in layout.STATES])
        self.begin()
        self.settle(Life(Subject(sex=sex, aging=False)).inputs(0.0), own_reference=True)

    @property
    def state(self) -> np.ndarray:
        """Every state, in the order of STATES."""
        return self.steps[0]

    @property
    def y(self) -> np.void:
        """Every state by name."""
        return self.records[0]

    @property
    def level(self) -> np.void:
        """Levels by name, the mean of the last day."""
        level: np.void = self.seen.view(layout.LEVEL_TYPE)[0]
        return level

    def _pace(self, name: str) -> float:
        if name == "mineral":
            return 1.0 / float(self.parameters[0]["shadow_mineral_d"])
        return float(self.parameters[0][PACE[name]]) if name in PACE else 0.0

    def begin(self) -> None:
        """Put every state to a rough start, without drugs."""
        self.state[:] = 0.0
        for name, value in {**START, **dict.fromkeys(ONES, 1.0)}.items():
            self.y[name] = value

    @property
    def work(self) -> tuple[np.ndarray, ...]:
        """Arrays that the kernels work on, each group as array and as record."""
        return self._work(self.seen, self.targets)

    def _work(self, seen: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, ...]:
        level, t = seen.view(layout.LEVEL_TYPE), targets.view(layout.TARGET_TYPE)
        x, rate = self.drivers.view(layout.DRIVER_TYPE), self.rates.view(layout.RATE_TYPE)
        return seen, level, self.drivers, x, targets, t, self.steps, self.records, self.rates, rate, self.total

    def look(self, inputs: np.ndarray, rates: tuple[float, float]) -> tuple[np.void, np.ndarray]:
        """Levels and targets of the state at this moment, with these inputs and held rates; changes nothing."""
        seen, targets = np.zeros_like(self.seen), np.zeros_like(self.targets)
        self.rates[:2] = rates
        kernels.look_at(inputs, self.parameters, self.table, self._work(seen, targets))
        return seen.view(layout.LEVEL_TYPE)[0], targets

    def settle(self, inputs: np.ndarray, own_reference: bool = False) -> None:
        """Move every state to balance without drugs; BoneabmError where there is none."""
        if kernels.settle(own_reference, self.pace, inputs, self.parameters, self.table, self.work) < 0:
            raise BoneabmError("The body finds no balance with these inputs, parameters and labs; use milder ones.")

    def advance(self, day: int, inputs: np.ndarray, events: tuple, pumps: tuple) -> None:
        """One day; see kernels.endocrine.advance_day."""
        kernels.advance_day(float(day), inputs, self.parameters, self.table, events, pumps, self.work)

    def rates_of_change(self, inputs: np.ndarray, rates: tuple[float, float], state: np.ndarray) -> np.ndarray:
        """d state / dt of any state (per day); the receptor of PTH, which moves once a day, has 0."""
        self.state[:], self.rates[:2] = state, rates
        kernels.rates_at(inputs, self.parameters, self.table, self.work)
        return self.steps[2].copy()


def held(time: float, pump: tuple[np.ndarray, np.ndarray, np.ndarray]) -> float:
    """Sum of the infusions that run at a time, ug/d."""
    return float(infused(time, *pump))
