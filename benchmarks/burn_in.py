"""How long a burn-in must be: open sites and osteoblasts from the first day on, over several bones.

    python benchmarks/burn_in.py [--bones 8] [--days 570] [--edge 64] [--json]

A healthy woman of 35 in generated bone of 20 um without any site open; the burn-in of a run, only longer. Means over
bones and windows of 38 days (a fifth of the burn-in of 190 days), and each window over the mean of the last half: it
stays near 1 once sites open, erode, refill and close as often as they will.
"""

from __future__ import annotations

import argparse

import numpy as np
from report import Report, progress

from boneabm.build import build
from boneabm.kernels import blocks
from boneabm.scenario import Scenario

WINDOW_D = 38
COUNTED = ("open sites", "osteoclasts", "osteoblasts")


def scenario_of(edge: int, seed: int, days: int) -> Scenario:
    """A block of the validation suite whose burn-in takes so many days."""
    shape = {"size": f"{edge * 20} um", "voxel": "20 um", "bv_tv": 0.15, "tb_th": "160 um", "plates": 0.2}
    bone = {"kind": "generated", **shape, "stretch": 1.2, "seed": seed}
    settings = {"days": 1, "seed": 1, "burn_in": f"{days} d"}
    return Scenario.from_dict(
        {"title": "burn-in", "bone": bone, "subject": {"sex": "female", "age": "35 y"}, "simulation": settings}
    )


def followed(scenario: Scenario) -> np.ndarray:
    """Open sites, osteoclasts and osteoblasts of every day of the burn-in, (days, 3)."""
    simulation, _ = build(scenario)
    rows = []
    while simulation.day < -1:
        simulation.step()
        tissue = simulation.tissue
        rows.append((tissue.sites.n, tissue.osteoclasts.n, tissue.osteoblasts.n))
    return np.array(rows, np.float64)


def windows(days: np.ndarray) -> np.ndarray:
    """Means of whole windows, (windows, 3)."""
    count = len(days) // WINDOW_D
    return days[: count * WINDOW_D].reshape(count, WINDOW_D, -1).mean(axis=1)


def main() -> None:
    """Follow the burn-in of every bone, then one line per window."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bones", type=int, default=8)
    parser.add_argument("--days", type=int, default=570)
    parser.add_argument("--edge", type=int, default=64)
    parser.add_argument("--json", action="store_true", help="print only the figures, as JSON")
    chosen = parser.parse_args()
    if chosen.bones < 1 or chosen.days < 2 * WINDOW_D:
        parser.error(f"at least one bone and {2 * WINDOW_D} days are needed")
    blocks.set_threads(1)
    report = Report(chosen.json)
    found = []
    for seed in range(1, chosen.bones + 1):
        progress(f"bone {seed} of {chosen.bones}")
        found.append(windows(followed(scenario_of(chosen.edge, seed, chosen.days))))
    means = np.mean(found, axis=0)
    steady = means[len(means) // 2 :].mean(axis=0)
    for row, counted in enumerate(COUNTED):
        report.heading(counted, f"{counted}, mean of {chosen.bones} bones; steady {steady[row]:.3g}")
        for window, value in enumerate(means[:, row]):
            label = f"days {window * WINDOW_D}-{(window + 1) * WINDOW_D}"
            report.add(label, f"{label}, over steady {value / steady[row]:.2f}", float(value))
    report.close()


if __name__ == "__main__":
    main()
