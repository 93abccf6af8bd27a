"""The simulation: a Mesa model whose step is one day."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import mesa
import numpy as np

from ..cells import Osteoblast, Osteoclast, Osteocyte, Population
from ..cells.model import CellModel
from ..loading import Program, WeeklyProgram
from ..mechanics import Material, voxel_modulus
from ..remodeling import Tissue, TissueParameters, formation, mechanostat, resorption
from ..remodeling.stimulus import MixedStimulus
from ..remodeling.tissue import DayTotals
from ..state import State
from .day import DAY, Rule
from .ledger import Ledger


class SolveParameters(NamedTuple):
    """Section [mechanics]: tolerance of the strain solve and when it is repeated."""

    tolerance: float
    resolve_fraction: float
    resolve_days: float


REPORTERS: dict[str, Callable[[Any], Any]] = {
    "day": lambda model: model.day,
    "BV/TV": lambda model: model.tissue.lattice.bv_tv,
    "osteoclasts": lambda model: model.tissue.osteoclasts.n,
    "osteoblasts": lambda model: model.tissue.osteoblasts.n,
    "osteocytes": lambda model: model.tissue.osteocytes.n,
    "open_sites": lambda model: model.tissue.sites.n,
    "resorbed_um3": lambda model: model.tissue.volume_um3(model.tissue.today.resorbed),
    "formed_um3": lambda model: model.tissue.volume_um3(model.tissue.today.formed),
}
"""What a Mesa DataCollector keeps of every day unless told otherwise."""


class Writer(Protocol):
    """Something that observes days; it never changes the state."""

    def trigger(self, day: int) -> bool:
        """Whether to write on this day."""

    def write(self, simulation: Simulation) -> None:
        """Write what it observes."""


class Simulation(CellModel):
    """One run of trabecular bone; `step()` is one day.

    The day, in order: endocrine, loading, mechanics, sensing, signaling, fields, activation, claims, turnover, lives,
    shape, ledger, observe (see `engine.day.DAY` for one sentence on each).

    state    : everything that changes
    rules    : parameters of the tissue rules
    material : elastic law of bone
    settings : section [mechanics]
    program  : loading program
    days     : list of rules of a day, DAY by default
    ablations: days and shares of osteocytes that are killed then
    overload : what this bone feels of its habit over what its osteocytes adapted to, more than 1 after a loss of bone
    """

    def __init__(
        self,
        state: State,
        rules: TissueParameters,
        material: Material,
        settings: SolveParameters,
        program: Program | WeeklyProgram,
        day_rules: Sequence[Rule] = DAY,
        writers: Sequence[Writer] = (),
    ) -> None:
        tissue = state.tissue
        z, y, x = tissue.lattice.shape
        super().__init__(seed=state.seed, ids=tissue.ids, lattice_shape=(z, y, x))
        self.state, self.rules, self.material = state, rules, material
        self.settings, self.program = settings, program
        self.day_rules, self.writers = tuple(day_rules), list(writers)
        self.cases: tuple[tuple[tuple[float, ...], float], ...] = ()
        self.mixed = MixedStimulus(state.strain.fe, rules.osteocyte.stimulus_exponent) if program.mixed else None
        self.ablations: tuple[tuple[int, float], ...] = ()
        self.overload = 1.0
        self.phase_s = dict.fromkeys((rule.name for rule in self.day_rules), 0.0)
        self.datacollector: mesa.DataCollector | None = None
        self.ledger = Ledger(tissue)
        self._register_cells()

    def _register_cells(self) -> None:
        rules = {Osteoclast: self._osteoclasts, Osteoblast: self._osteoblasts, Osteocyte: self._osteocytes}
        for population in self.tissue.populations.values():
            self.register_population(population.kind, population)
            population.bulk_rows["step"] = rules[population.kind]
            population.bulk["step"] = _on_all(rules[population.kind])

    def _osteoclasts(self, cells: Population, rows: np.ndarray) -> None:
        s = self.state
        resorption.intend(s.tissue, rows, s.signals, s.seed, self.day, s.modulators, self.rules.osteoclast)

    def _osteoblasts(self, cells: Population, rows: np.ndarray) -> None:
        formation.intend(self.tissue, rows, self.state.modulators, self.rules.osteoblast)

    def _osteocytes(self, cells: Population, rows: np.ndarray) -> None:
        s = self.state
        mechanostat.sense(s.tissue, rows, s.strain.psi, s.seed, self.day, s.modulators, self.rules.osteocyte)

    @property
    def tissue(self) -> Tissue:
        """Lattice, cells and open sites."""
        return self.state.tissue

    @property
    def day(self) -> int:
        """The day being simulated; between two steps the last complete one."""
        return self.state.day

    def step(self) -> None:
        """Simulate one day: every rule of `day_rules` in order, each timed."""
        self.state.day += 1
        self.tissue.today = DayTotals()
        for rule in self.day_rules:
            start = time.perf_counter()
            rule.run(self)
            self.phase_s[rule.name] = self.phase_s.get(rule.name, 0.0) + time.perf_counter() - start
        if self.datacollector is not None:
            self.datacollector.collect(self)

    def collect(self, reporters: Mapping[str, Callable[[Any], Any]] = REPORTERS) -> None:
        """Keep these values of every day from now on in a Mesa DataCollector, `self.datacollector`."""
        self.datacollector = mesa.DataCollector(model_reporters=dict(reporters))
        self.datacollector.collect(self)

    def solve_strain(self) -> None:
        """Solve the unit strain fields of the bone as it is now."""
        lattice, strain = self.tissue.lattice, self.state.strain
        strain.fe.update(voxel_modulus(lattice.matrix, lattice.osteoid, lattice.mineral, self.material))
        strain.fe.solve()
        if self.mixed is not None:
            self.mixed.renew()
        strain.moved, strain.solved_day = 0, self.day

    def update_stimulus(self) -> None:
        """Compute the relative stimulus of today's load cases from the unit fields."""
        strain = self.state.strain
        if self.mixed is not None:
            strain.psi = self.mixed.relative(self.cases, strain.reference)
        else:
            strain.psi = mechanostat.relative_stimulus(strain.fe, self.raw_stimulus(), strain.reference)
        strain.cases = self.cases

    def fix_reference(self, overload: float) -> bool:
        """Take the stimulus of today's loads, median over osteocytes, as `overload` x the one that they adapted to.

        The same load on a share f of the bone strains it 1/f times as much. Returns False if it strains no osteocyte.
        """
        felt = self.raw_stimulus().reshape(-1)[self.tissue.osteocytes["voxel"]]
        felt = felt[felt > 0]
        if felt.size > 0:
            self.state.strain.reference = float(np.median(felt)) / overload
            self.update_stimulus()
        return bool(felt.size > 0)

    def raw_stimulus(self) -> np.ndarray:
        """Stimulus (Z, Y, X) of today's load cases, not yet relative to the habitual one, 0 outside the solved part."""
        if self.mixed is not None:
            return self.mixed.raw(self.cases)
        fe, exponent = self.state.strain.fe, self.rules.osteocyte.stimulus_exponent
        return mechanostat.daily_stimulus(fe, self.cases, exponent)

    def reset_ledger(self) -> None:
        """Open a new ledger on the lattice as it is."""
        self.ledger = Ledger(self.tissue)

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        """Continue from a checkpoint of the same scenario."""
        self.state.restore(arrays)
        if self.mixed is not None:
            self.mixed.renew()
        self.reset_ledger()
        self.cases = self.state.strain.cases
        self.update_stimulus()


def _on_all(rule: Callable[[Population, np.ndarray], None]) -> Callable[[Population], None]:
    """The same rule for every living cell."""
    return lambda cells: rule(cells, cells.alive_rows())
