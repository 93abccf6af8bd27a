"""Regimens: rows of doses and infusions, expanded into single events at exact times."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..kernels.endocrine_layout import RATES, STATES
from ..kernels.random import DOSE, uniform
from ..parameters import ParameterSet
from .drugs import PULSE, find_drug

RUN_IN_D = 1095
LAST_D = 40_000.0

Pump = tuple[np.ndarray, np.ndarray, np.ndarray]


class Dose(NamedTuple):
    """A drug at a time and then every `interval_d`: `additional` more times, or until a day.

    amount       : in the internal unit of the drug's dimension
    adherence    : probability that a dose is taken
    steady_state : the same doses have been taken for RUN_IN_D before the simulation began
    """

    drug: str
    route: str
    time_d: float
    amount: float
    interval_d: float | None = None
    additional: int = 0
    until_d: float | None = None
    adherence: float = 1.0
    steady_state: bool = False


class Infusion(NamedTuple):
    """A drug at a held rate (ug/d) from start_d until just before stop_d."""

    drug: str
    route: str
    start_d: float
    stop_d: float
    rate: float


class Given(NamedTuple):
    """One dose as it is taken (or missed) at an exact time."""

    time_d: float
    drug: str
    route: str
    amount: float
    taken: bool


def single_doses(row: Dose, first_day: int = 0, seed: int = 0) -> Iterator[Given]:
    """Doses of a row in time; missed ones are drawn from (seed, drug, number of the dose), so restarts repeat them."""
    number = -_doses_before(row, first_day)
    while True:
        time = row.time_d + number * (row.interval_d or 0.0)
        ended = number > row.additional if row.until_d is None else time >= row.until_d
        if time >= LAST_D or (ended and number > 0):
            return
        yield Given(time, row.drug, row.route, row.amount, taken(row, number, seed))
        if row.interval_d is None:
            return
        number += 1


def _doses_before(row: Dose, first_day: int) -> int:
    if not row.steady_state or row.interval_d is None:
        return 0
    return max(0, math.floor((row.time_d - first_day + RUN_IN_D) / row.interval_d))


def taken(row: Dose, number: int, seed: int) -> bool:
    """Whether the dose with this number is taken."""
    if row.adherence >= 1.0:
        return True
    key = zlib.crc32(f"{row.drug} {row.route} {row.time_d!r}".encode())
    return bool(uniform(seed, DOSE, number, key) < row.adherence)


@dataclass(frozen=True)
class Regimen:
    """Everything that is taken: rows of doses and infusions, and the seed of missed doses."""

    doses: tuple[Dose, ...] = ()
    infusions: tuple[Infusion, ...] = ()
    first_day: int = 0
    seed: int = 0

    @property
    def steady(self) -> bool:
        """Whether some drug has been taken since long before the start."""
        return any(row.steady_state for row in self.doses)

    def given(self) -> list[Given]:
        """Every single dose in time, missed ones too."""
        return sorted(one for row in self.doses for one in single_doses(row, self.first_day, self.seed))

    def events(self, parameters: ParameterSet, male: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Times, slots and amounts of doses into slots, and of starts and stops of infusions (slot -1); sorted."""
        rows = [(stop, -1, 0.0) for row in self.infusions for stop in (row.start_d, row.stop_d) if stop < LAST_D]
        for one in self.given():
            route = find_drug(one.drug).route(one.route)
            if one.taken and route.slot != PULSE:
                rows.append((one.time_d, STATES.index(route.slot), route.reaching(one.amount, parameters, male)))
        rows.sort()
        times, slots, amounts = zip(*rows, strict=True) if rows else ((), (), ())
        return np.array(times, np.float64), np.array(slots, np.int64), np.array(amounts, np.float64)

    def injections(self) -> tuple[np.ndarray, np.ndarray]:
        """Times (d) and amounts (ug) of injected teriparatide."""
        rows = [one for one in self.given() if one.taken and one.drug == PULSE]
        scale = find_drug(PULSE).route("sc").scale
        return np.array([one.time_d for one in rows], float), np.array([one.amount * scale for one in rows], float)

    def pumps(self) -> tuple[Pump, Pump, Pump]:
        """Starts, stops and rates of the infusions of each held rate, in the order of RATES."""
        estradiol, testosterone, teriparatide = (_pump(rate, self.infusions) for rate in RATES)
        return estradiol, testosterone, teriparatide


def _pump(rate: str, rows: Sequence[Infusion]) -> Pump:
    own = [row for row in rows if find_drug(row.drug).route(row.route, infusion=True).slot == rate]
    columns = ([row.start_d for row in own], [row.stop_d for row in own], [row.rate for row in own])
    starts, stops, rates = (np.array(column, np.float64) for column in columns)
    return starts, stops, rates
