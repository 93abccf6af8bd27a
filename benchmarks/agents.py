"""Agents: time and memory of an osteocyte's day, plain Mesa agents against cells in columns, in the same run.

    python benchmarks/agents.py [--agents N] [--large N]

Both do the day of `kernels.sensing`: fortnight memory of the stimulus at the own voxel, adapting set point, signal,
chance to die. Plain agents read the field from a Python list, the fastest way they have; columns run on one
thread. Goal: at least 20 times faster, at least 8 times smaller, and 1e7 cells in at most 600 MB.
"""

from __future__ import annotations

import argparse
import gc
import math
import os
import statistics
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
from machine import machine

from boneabm.cells import Osteocyte, Population
from boneabm.cells.model import CellModel
from boneabm.kernels import blocks, sensing
from boneabm.parameters import ParameterSet
from boneabm.remodeling.parameters import OsteocyteParameters

import mesa  # isort: skip  (after boneabm, which keeps Mesa from changing the start method of processes)

VOXELS = 200**3
FIELD = np.random.default_rng(0).uniform(0.3, 2.0, VOXELS).astype(np.float32)
FIELD_LIST = FIELD.tolist()
FULL = np.ones(VOXELS, np.float32)
P = ParameterSet.load().section("osteocyte", OsteocyteParameters)
RATES = sensing.osteocyte_rates(P)
FEWEST, SHORTEST_S = 5, 0.5


class PlainOsteocyte(mesa.Agent):
    """The agent as a Mesa user would write it."""

    def __init__(self, model: mesa.Model, voxel: int) -> None:
        super().__init__(model)
        self.voxel = voxel
        self.birth_day = 0.0
        self.memory = 1.0
        self.set_point = 0.0
        self.signal = 1.0
        self.fate = 0

    def step(self) -> None:
        """Remember the stimulus, adapt to it, signal, and perhaps die."""
        m = P.stimulus_exponent
        self.memory += (FIELD_LIST[self.voxel] ** m - self.memory) * (1.0 - math.exp(-1.0 / P.memory_d))
        mean = max(self.memory ** (1.0 / m), 0.05)
        target = P.own_history_share * math.log(mean)
        self.set_point += (target - self.set_point) * (1.0 - math.exp(-1.0 / P.adaptation_d))
        excess = self.memory ** (1.0 / m) / math.exp(self.set_point) - 1.0
        self.signal = min(max(1.0 + P.gain * excess, 0.0), P.signal_max)
        hazard = (1.0 + P.disuse_death * max(1.0 - self.signal, 0.0)) / P.life_d
        self.fate = 1 if self.random.random() < hazard else 0


def step_rows(population: Population, rows: np.ndarray) -> None:
    """One day of the listed osteocytes, as the simulation does it."""
    cells = tuple(population[name] for name in ("voxel", "key", "memory", "set_point", "signal", "fate"))
    tasks = -(-rows.size // sensing.BLOCK)
    blocks.launch(sensing.sense, tasks, rows, 1, 0, P.gain, 1.0, RATES, cells, FIELD, FULL)


def places(agents: int) -> np.ndarray:
    """Voxels of so many osteocytes in z, y, x order."""
    return np.sort(np.random.default_rng(1).integers(VOXELS, size=agents)).astype(np.int32)


def plain_model(agents: int) -> mesa.Model:
    """Plain Mesa agents, in the order of the lattice as osteocytes are placed."""
    model = mesa.Model(seed=1)
    for voxel in places(agents).tolist():
        PlainOsteocyte(model, voxel)
    return model


def row_model(agents: int) -> CellModel:
    """The same cells in columns."""
    model = CellModel(seed=1)
    population = model.population(Osteocyte)
    population.bulk_rows["step"] = step_rows
    population.bulk["step"] = lambda cells: step_rows(cells, cells.alive_rows())
    population.create(agents, key=np.arange(agents, dtype=np.uint64), voxel=places(agents))
    return model


def nanoseconds(action: Callable[[], object], agents: int) -> float:
    """Median per agent of at least five calls over at least half a second, after one that is not counted."""
    times: list[float] = []
    action()
    while len(times) < FEWEST or sum(times) < SHORTEST_S:
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return statistics.median(times) / agents * 1e9


def bytes_held(make: Callable[[int], Any], agents: int) -> float:
    """Bytes per agent that a model of so many agents adds."""
    make(10)
    gc.collect()
    tracemalloc.start()
    model = make(agents)
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return held / len(model.agents)


def resident_mb() -> float:
    """Memory of this process in the machine, MB."""
    with open("/proc/self/statm") as numbers:
        return int(numbers.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


OPERATIONS: dict[str, Callable[[Any], object]] = {
    "do('step')": lambda agents: agents.do("step"),
    "step one by one": lambda agents: agents.do(lambda agent: agent.step()),
    "shuffle_do, one by one": lambda agents: agents.shuffle_do(lambda agent: agent.step()),
    "get('memory')": lambda agents: agents.get("memory"),
    "agg('memory', np.mean)": lambda agents: agents.agg("memory", np.mean),
    "select(function)": lambda agents: agents.select(lambda agent: agent.signal > 1),
    "sort('memory')": lambda agents: agents.sort("memory"),
    "groupby('birth_day')": lambda agents: agents.groupby("birth_day"),
}


def compare(agents: int) -> None:
    """Print time per agent of each operation and memory per agent of both."""
    plain, rows = plain_model(agents), row_model(agents)
    plain.agents.do("step")
    rows.agents.do("step")
    assert np.allclose(rows.agents.get("memory"), plain.agents.get("memory"), rtol=1e-5)
    print(f"{agents} agents, ns per agent{'':<8}{'plain Mesa':>12}{'columns':>12}{'ratio':>8}")
    for name, operation in OPERATIONS.items():
        slow = nanoseconds(lambda: operation(plain.agents), agents)  # noqa: B023
        fast = nanoseconds(lambda: operation(rows.agents), agents)  # noqa: B023
        print(f"{name:<32}{slow:>12.1f}{fast:>12.2f}{slow / fast:>8.1f}")
    large, small = bytes_held(plain_model, agents), bytes_held(row_model, agents)
    print(f"{'bytes per agent':<32}{large:>12.1f}{small:>12.2f}{large / small:>8.1f}")


def measure_large(agents: int) -> None:
    """Print time, bytes and resident memory of a large population in columns."""
    before = resident_mb()
    model = row_model(agents)
    gc.collect()
    added = resident_mb() - before
    population = model.population(Osteocyte)
    step = nanoseconds(lambda: model.agents.do("step"), agents)
    print(f"{agents} cells in columns: do('step') {step:.1f} ns, {population.nbytes / agents:.1f} B per cell,")
    print(f"  {population.nbytes / 1e6:.0f} MB of columns, {added:.0f} MB added to the process")
    start = time.perf_counter()
    population.append(agents // 100, key=0)
    grown = population.nbytes / 1e6
    print(f"  1 % births (growing the columns) {time.perf_counter() - start:.2f} s, then {grown:.0f} MB")
    start = time.perf_counter()
    population.kill(slice(0, None, 100))
    population.compact()
    print(f"  1 % deaths and compaction {time.perf_counter() - start:.2f} s")


def main() -> None:
    """Run the comparison and the large population."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agents", type=int, default=100_000)
    parser.add_argument("--large", type=int, default=10_000_000, help="0 leaves it out")
    arguments = parser.parse_args()
    print(f"{machine()}, mesa {mesa.__version__}")
    compare(arguments.agents)
    if arguments.large:
        measure_large(arguments.large)


if __name__ == "__main__":
    main()
