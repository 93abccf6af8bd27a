"""The body by a stiff solver: LSODA between the exact times of doses, receptor of PTH once a day as in the model."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy.integrate import solve_ivp

from boneabm.endocrine.physiology import held
from boneabm.kernels.endocrine_pth import change_receptor


def day_by_lsoda(body, day, tolerance=1e-9):
    """Advance a body by one day like `Body.advance`, but with LSODA."""
    physiology, inputs = body.physiology, body.life.inputs(day)
    times, slots, amounts = body.events
    physiology.look(inputs, (held(day, body.pumps[0]), held(day, body.pumps[1])))
    own = physiology.level["pth_pg_per_ml"] / physiology.parameters[0]["pth_g_per_mmol"]
    p = physiology.parameters[0]
    change_receptor(physiology.records[0], own, float(day), inputs[0], p, body.pumps[2], body.pumps[3])
    state = physiology.state.copy()
    today = (times >= day) & (times < day + 1)
    stops = np.unique([day, *times[today], day + 1])
    for start, stop in pairwise(stops):
        for slot, amount in zip(slots[times == start], amounts[times == start], strict=True):
            if slot >= 0:
                state[slot] += amount
        middle = 0.5 * (start + stop)
        rates = held(middle, body.pumps[0]), held(middle, body.pumps[1])
        found = solve_ivp(
            lambda _, y, rates=rates: physiology.rates_of_change(inputs, rates, y),
            (start, stop), state, method="LSODA", rtol=tolerance, atol=tolerance * 1e-3,
        )  # fmt: skip
        state = found.y[:, -1]
    physiology.state[:] = state
