"""Where a simulated day goes: processor time of every rule of the day, in blocks of remodeling bone.

    python benchmarks/days.py [edge ...] [--days 60] [--burn-in 190] [--threads 1] [--exercise] [--clock] [--json]

A woman of 51 at her final period in generated bone of 20 um, BV/TV 0.15, observed as a run is (series every day,
volumes and checkpoint every 30). Open sites are in steady state after a burn-in of 190 days; a shorter one costs less
and shows fewer. Of the rules that are not done every day the table tells how often they are. Processor time counts all
threads together and is less disturbed by neighbors than the clock; `B/voxel` is what `triad.py` moves through memory
meanwhile, so that days on different machines compare: a pass that reads one float32 array is 4. With --exercise she
does ten activities a week, two of which load other directions than her habit; `loading` and `stimulus` are what they
cost, and the strain is solved no more often for them. With --clock seconds are those of the wall.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from machine import machine
from report import Report, progress
from triad import COUNTED_B, elements_per_second

from boneabm.build import build
from boneabm.engine import Simulation
from boneabm.engine.day import Rule
from boneabm.io.runfolder import RunFolder
from boneabm.kernels import blocks
from boneabm.recording import Origin, Recorder
from boneabm.scenario import Scenario

GIB = 2.0**30
TEN_ACTIVITIES = (
    *({"kind": lift, "sets": 5, "reps": 5, "load": "40 kg", "days": ["Tue", "Fri"]} for lift in ("squat", "deadlift")),
    {"kind": "press", "sets": 5, "reps": 5, "load": "14 kg", "days": ["Tue", "Fri"]},
    {"kind": "drop_landing", "cycles": 25, "days": ["Tue", "Fri"]},
    {"kind": "two_leg_jump", "cycles": 50, "days": ["Mon", "Wed"]},
    {"kind": "running", "duration": "20 min", "days": ["Mon", "Thu"]},
    {"kind": "brisk_walking", "steps": 5000, "bouts": 2},
    {"kind": "stairs", "cycles": 60, "bouts": 3},
    *({"kind": "cycles", "peak_stress": "0.4 MPa", "cycles": 20, "direction": way, "days": [day]}
      for way, day in (([0.2, 1, 0.5], "Wed"), ([0.3, 0.2, 1], "Sat"))),
)  # fmt: skip
WARM_UP = (48, 3, 33)  # edge, days of burn-in, days: every kernel compiled, a field checked, a volume written


def scenario_of(edge: int, days: int, burn_in_d: int, exercise: bool = False) -> Scenario:
    """The menopausal year in a cube of this many voxels of 20 um, with or without ten activities a week."""
    shape = {"size": f"{edge * 20} um", "voxel": "20 um", "bv_tv": 0.15, "tb_th": "160 um", "plates": 0.2}
    bone = {"kind": "generated", **shape, "stretch": 1.2, "seed": 7}
    output = {f"{what}_every": "30 d" for what in ("volumes", "agents", "checkpoint")}
    settings = {"days": days, "seed": 1, "burn_in": f"{burn_in_d} d"}
    who = {"sex": "female", "age": "51 y", "final_period": "51 y"}
    tables = {"title": "days", "bone": bone, "subject": who, "simulation": settings, "output": output}
    program = {"loading": {"site": "L3"}, "activity": list(TEN_ACTIVITIES)} if exercise else {}
    return Scenario.from_dict(tables | program)


class Meter:
    """Seconds of a clock and calls by name."""

    def __init__(self, clock: Callable[[], float] = time.process_time) -> None:
        self.clock = clock
        self.seconds: dict[str, float] = {}
        self.calls: dict[str, int] = {}

    def timed(self, name: str, action: Callable[..., Any]) -> Callable[..., Any]:
        """The same action, measured under this name."""
        self.seconds[name], self.calls[name] = 0.0, 0

        def measured(*args: Any, **named: Any) -> Any:
            start = self.clock()
            result = action(*args, **named)
            self.seconds[name] += self.clock() - start
            self.calls[name] += 1
            return result

        return measured

    def attach(self, owner: object, method: str, name: str) -> None:
        """Measure a method of this one object."""
        setattr(owner, method, self.timed(name, getattr(owner, method)))


class Iterations:
    """An engine writer that keeps the iterations of every strain solve, one row per solve."""

    def __init__(self) -> None:
        self.rows: list[list[int]] = []
        self._solved = -1

    def trigger(self, day: int) -> bool:
        """Every day."""
        return True

    def write(self, simulation: Simulation) -> None:
        """Keep the iterations of a solve of today."""
        strain = simulation.state.strain
        if strain.solved_day == simulation.day != self._solved:
            self.rows.append(list(strain.fe.iterations))
            self._solved = simulation.day


def observed(simulation: Simulation, scenario: Scenario, where: Path) -> RunFolder:
    """Let a simulation write what a run writes, into a new folder."""
    folder = RunFolder.create(where)
    folder.scenario.write_text(scenario.resolved_toml(), encoding="utf-8")
    simulation.writers.append(Recorder(folder, scenario, Origin({}, []), simulation))
    return folder


def metered(simulation: Simulation, meter: Meter) -> Meter:
    """Measure every rule of a simulation and the parts of the two that solve fields."""
    rules = simulation.day_rules
    simulation.day_rules = tuple(Rule(r.name, r.sentence, meter.timed(r.name, r.run)) for r in rules)
    strain, field = simulation.state.strain, simulation.state.signals.field
    meter.attach(strain.fe, "update", "mesh and levels")
    meter.attach(strain.fe, "solve", "conjugate gradients")
    meter.attach(simulation, "update_stimulus", "stimulus")
    meter.attach(field, "set_geometry", "geometry of fields")
    meter.attach(field, "_follow", "cycles of fields")
    return meter


def simulate(simulation: Simulation, scenario: Scenario, days: int, meter: Meter) -> tuple[Meter, Iterations, float]:
    """Simulate days that are observed and measured; also the seconds of all of them."""
    iterations = Iterations()
    with tempfile.TemporaryDirectory() as room, observed(simulation, scenario, Path(room) / "run"):
        metered(simulation, meter)
        simulation.writers.append(iterations)
        start = meter.clock()
        for _ in range(days):
            simulation.step()
        return meter, iterations, meter.clock() - start


def burned_in(scenario: Scenario) -> Simulation:
    """A simulation on the eve of its first day."""
    simulation, _ = build(scenario)
    while simulation.day < -1:
        simulation.step()
    return simulation


def measure(report: Report, edge: int, chosen: argparse.Namespace, bytes_per_s: float) -> None:
    """One block: seconds per day by rule, how often and how hard fields are solved."""
    days = chosen.days
    scenario = scenario_of(edge, days, chosen.burn_in, chosen.exercise)
    progress(f"{edge}^3: bone and burn-in")
    simulation = burned_in(scenario)
    progress(f"{edge}^3: {days} days")
    meter = Meter(time.perf_counter if chosen.clock else time.process_time)
    tell(report, simulation, *simulate(simulation, scenario, days, meter), days, bytes_per_s)


def tell(
    report: Report, simulation: Simulation, meter: Meter, iterations: Iterations, total_s: float, days: int,
    bytes_per_s: float,
) -> None:  # fmt: skip
    """Put the figures of a block into the report."""
    tissue = simulation.tissue
    voxels, sites = tissue.lattice.matrix.size, tissue.sites.n
    edge = tissue.lattice.shape[0]
    report.heading(f"{edge}", f"{edge}^3, BV/TV {tissue.lattice.bv_tv:.3f}, {sites} open sites, {days} days")
    report.note("                          s/day   share    B/voxel   calls/day")
    rules = {rule.name for rule in simulation.day_rules}
    for name, seconds in meter.seconds.items():
        per_day, often = seconds / days, meter.calls[name] / days
        report.figures[f"{edge}"][name] = {"s_per_day": per_day, "calls_per_day": often}
        shown = name if name in rules else f"  {name}"
        moved = per_day * bytes_per_s / voxels
        report.note(f"  {shown:<22}{per_day:8.5f}{seconds / total_s:8.1%}{moved:11.1f}{often:12.3f}")
    report.add("s_per_day", "seconds of a day", total_s / days)
    report.add("b_per_voxel", "bytes per voxel that the triad moves meanwhile", total_s / days * bytes_per_s / voxels)
    if iterations.rows:
        report.add("days_per_solve", "days per strain solve", days / len(iterations.rows))
        for case, count in zip("zyx", np.mean(iterations.rows, axis=0), strict=True):
            report.add(f"iterations_{case}", f"iterations per solve, load along {case}", float(count))


def main() -> None:
    """Warm up on a small block, measure the memory, then one table per edge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("edges", nargs="*", type=int, default=[64, 100])
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--burn-in", type=int, default=190)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--exercise", action="store_true", help="ten activities a week")
    parser.add_argument("--clock", action="store_true", help="seconds of the wall instead of the processor's")
    parser.add_argument("--json", action="store_true", help="print only the figures, as JSON")
    chosen = parser.parse_args()
    blocks.set_threads(chosen.threads)
    report = Report(chosen.json)
    edge, burn_in_d, days = WARM_UP
    first = scenario_of(edge, days, burn_in_d, chosen.exercise)
    simulate(burned_in(first), first, days, Meter())
    bytes_per_s = COUNTED_B * elements_per_second([1])[1]
    report.note(machine())
    report.note(f"threads: {chosen.threads}, burn-in {chosen.burn_in} d, {'' if chosen.clock else 'processor '}seconds")
    report.note(f"triad on one thread: {bytes_per_s / GIB:.1f} GiB/s")
    for edge in chosen.edges:
        measure(report, edge, chosen, bytes_per_s)
    report.close()


if __name__ == "__main__":
    main()
