"""The PTH receptor: a plain twin, constant exposure, and the order of dosing patterns over the usable parameters."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from boneabm.endocrine import Body, Subject
from boneabm.kernels.endocrine_drugs import teriparatide_pulse
from boneabm.kernels.endocrine_pth import receptor_day, steady_pmol_per_l
from boneabm.parameters import ParameterSet

OWN = 4.0
NONE = (np.zeros(0), np.zeros(0), np.zeros(0))


def woman(**changes):
    """(inputs, parameters) of a woman of 65 kg."""
    parameters = ParameterSet.load().override({f"pth.{name}": value for name, value in changes.items()})
    body = Body(Subject(aging=False), parameters)
    return body.life.inputs(0)[0], body.physiology.parameters[0]


def course(u, p, days, times=(), amounts=(), pump=NONE, own=OWN):
    """(mean adaptation, mean square of pulses) of every day, from rest."""
    doses = np.array(times, float), np.array(amounts, float)
    adapted, rows = own / (own + p["pth_half_pmol_per_l"]), []
    for day in range(days):
        adapted, mean, square, _ = receptor_day(adapted, own, float(day), u, p, pump, doses)
        rows.append((mean, square))
    return np.array(rows)


def test_the_receptor_follows_its_equation():
    """Two pulses a day against LSODA of ds/dt = (a - s) / tau: mean within 1e-3, mean square within 2 %."""
    u, p = woman()
    times, amounts = np.arange(0.1, 6, 0.5), np.full(12, 15.0)
    found = course(u, p, 5, times, amounts)[-1]

    def occupancy(hour):
        level = OWN + sum(teriparatide_pulse(hour - 24 * t, d, u, p) for t, d in zip(times, amounts, strict=True))
        return level / (level + p["pth_half_pmol_per_l"])

    def change(hour, y):
        a = occupancy(hour)
        return [(a - y[0]) / p["pth_adaptation_h"], y[0] / 24 * (hour >= 96), max(0, a - y[0]) ** 2 / 24 * (hour >= 96)]

    start = OWN / (OWN + p["pth_half_pmol_per_l"])
    exact = solve_ivp(change, (0, 120), [start, 0, 0], method="LSODA", rtol=1e-8, atol=1e-10, max_step=0.1).y[:, -1]
    assert found[0] == pytest.approx(exact[1], rel=1e-3)
    assert found[1] == pytest.approx(exact[2], rel=2e-2)


@pytest.mark.parametrize("tau", [5.0, 10.0, 14.0])
@pytest.mark.parametrize("half", [8.0, 12.0, 30.0])
def test_the_order_of_patterns_holds(tau, half):
    """40 daily > 20 daily > 10 twice > 20 every other day > 56.5 weekly > 20 in 24 pulses > 0 = constant."""
    u, p = woman(pth_adaptation_h=tau, pth_half_pmol_per_l=half)
    patterns = [(40.0, 1.0), (20.0, 1.0), (10.0, 0.5), (20.0, 2.0), (56.5, 7.0), (20.0 / 24, 1 / 24)]
    signals = []
    for amount, every in patterns:
        times = np.arange(0.0, 28.0, every)
        signals.append(course(u, p, 28, times, np.full(times.size, amount))[14:, 1].mean())
    pump = (np.array([0.0]), np.array([1e9]), np.array([20.0]))
    assert all(np.diff(signals) < 0)
    assert signals[-1] > 0
    assert course(u, p, 28, pump=pump)[:, 1].max() == 0.0
    assert course(u, p, 28, own=10.0)[:, 1].max() == 0.0


def test_a_pump_that_starts_within_a_day_is_no_pulse():
    """The grid of such a day sees the step, the pulsed signal stays 0; the level ends where the pump holds it."""
    u, p = woman()
    pump = (np.array([2.4]), np.array([9.7]), np.array([20.0]))
    rows = course(u, p, 12, pump=pump)
    level = OWN + steady_pmol_per_l(20.0, u, p)
    assert rows[:, 1].max() == 0.0
    assert rows[8, 0] == pytest.approx(level / (level + p["pth_half_pmol_per_l"]), rel=1e-3)
    assert rows[2, 0] < rows[3, 0]
