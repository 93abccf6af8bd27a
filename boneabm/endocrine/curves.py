"""A body followed over days: levels, states and modulators as columns."""

from __future__ import annotations

from dataclasses import fields
from typing import NamedTuple

import numpy as np

from ..kernels.endocrine_layout import DRIVER_TYPE, INPUT_TYPE, LEVEL_TYPE, STATE_TYPE
from .body import Body, Modulators


class Course(NamedTuple):
    """What a body did on days `first` to `last - 1`; value k is that at the end of day first + k.

    levels, states  : records of LEVELS and STATES
    felt            : records of Modulators
    drivers, inputs : records of DRIVERS and INPUTS
    """

    first: int
    levels: np.ndarray
    states: np.ndarray
    felt: np.ndarray
    drivers: np.ndarray
    inputs: np.ndarray

    def of(self, name: str) -> np.ndarray:
        """Column of a level, a state or a modulator; the first of these where they share a name."""
        for group in (self.levels, self.states, self.felt):
            if name in (group.dtype.names or ()):
                return group[name]
        raise KeyError(name)


FELT_TYPE = np.dtype([(field.name, np.float64) for field in fields(Modulators)])


def follow(body: Body, first: int, last: int) -> Course:
    """Advance a settled body over the days first..last - 1 and keep everything."""
    days = last - first
    kinds = (LEVEL_TYPE, STATE_TYPE, FELT_TYPE, DRIVER_TYPE, INPUT_TYPE)
    levels, states, felt, drivers, inputs = (np.zeros(days, kind) for kind in kinds)
    for k in range(days):
        modulators = body.advance(first + k)
        levels[k], states[k] = body.physiology.level, body.physiology.y
        felt[k] = tuple(getattr(modulators, name) for name in FELT_TYPE.names or ())
        drivers[k], inputs[k] = body.physiology.drivers.view(DRIVER_TYPE)[0], body.life.inputs(first + k)[0]
    return Course(first, levels, states, felt, drivers, inputs)
