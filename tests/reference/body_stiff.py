"""The body by a stiff solver: LSODA between the exact times of doses, receptor of PTH once a day as in the model."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy.integrate import solve_ivp

from boneabm.endocrine.physiology import held
from boneabm.kernels.endocrine_pth import change_receptor

LOOKS = 96


def day_by_lsoda(body, day, tolerance=1e-9, seen=None):
    """Advance a body by one day like `Body.advance`, but with LSODA; means of the day's levels also go to `seen`."""
    physiology, inputs = body.physiology, body.life.inputs(day)
    times, slots, amounts = body.events
    p, own = physiology.parameters[0], inputs[0]["pth_pg_per_ml"] or physiology.level["pth_pg_per_ml"]
    pulses = own / p["pth_g_per_mmol"], float(day), inputs[0], p, body.pumps[2], body.pumps[3]
    change_receptor(physiology.records[0], *pulses)
    state, mean = physiology.state.copy(), np.zeros_like(physiology.seen)
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
            (start, stop), state, method="LSODA", rtol=tolerance, atol=tolerance * 1e-3, dense_output=True,
        )  # fmt: skip
        state = found.y[:, -1]
        for time in start + (np.arange(LOOKS) + 0.5) / LOOKS * (stop - start):
            physiology.state[:] = found.sol(time)
            mean += (stop - start) / LOOKS * np.array(physiology.look(inputs, rates)[0].tolist())
    physiology.state[:], physiology.seen[:] = state, mean
    if seen is not None:
        seen[:] = mean
