"""State: everything that changes from day to day, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from .endocrine import Body, Modulators
from .mechanics import MicroFE
from .remodeling import Signals, Tissue


@dataclass
class Strain:
    """The strain field and how old it is.

    psi       : (Z, Y, X) float32, daily stimulus relative to the habitual one
    reference : habitual stimulus, median over osteocytes; set before the burn-in and on its last day, never rescaled
    moved     : matrix turned over since the last solve, 2^-24 voxel
    solved_day: day of the last solve
    cases     : load cases that `psi` was computed for
    """

    fe: MicroFE
    psi: np.ndarray
    reference: float = 1.0
    moved: int = 0
    solved_day: int = 0
    cases: tuple[tuple[tuple[float, ...], float], ...] = ()

    def arrays(self) -> dict[str, np.ndarray]:
        """Fields and counters for the checkpoint; psi is computed again from them."""
        counts = np.array([self.moved, self.solved_day], np.int64)
        rows = [[*stress, cycles] for stress, cycles in self.cases]
        loads = np.array(rows, np.float64).reshape(-1, self.fe.cases + 1)
        fe = {f"fe/{name}": array for name, array in self.fe.state_arrays().items()}
        return {**fe, "counts": counts, "reference": np.array([self.reference]), "loads": loads}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take the fields and counters of a checkpoint."""
        self.fe.restore({k.removeprefix("fe/"): v for k, v in arrays.items() if k.startswith("fe/")})
        self.moved, self.solved_day = arrays["counts"].tolist()
        self.reference = float(arrays["reference"][0])
        self.cases = tuple((tuple(row[:-1]), row[-1]) for row in arrays["loads"].tolist())


@dataclass
class State:
    """The whole state of a run.

    day       : last day that is complete; negative during the burn-in
    seed      : random seed of the run
    first_day : day before the first day of the burn-in
    """

    seed: int
    day: int
    first_day: int
    tissue: Tissue
    signals: Signals
    strain: Strain
    body: Body
    modulators: Modulators = field(default_factory=Modulators)

    @property
    def parts(self) -> dict[str, Tissue | Signals | Strain | Body]:
        """The pieces that keep arrays, by the name they have in a checkpoint."""
        return {"tissue": self.tissue, "signals": self.signals, "strain": self.strain, "body": self.body}

    def arrays(self) -> dict[str, np.ndarray]:
        """Every array that changes, by name; together with the scenario this determines all following days."""
        named = {f"{part}/{k}": v for part, piece in self.parts.items() for k, v in piece.arrays().items()}
        return {**named, "clock": np.array([self.seed, self.day, self.first_day], np.int64)}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take everything from a checkpoint of the same scenario."""
        for part, piece in self.parts.items():
            piece.restore({k.removeprefix(f"{part}/"): v for k, v in arrays.items() if k.startswith(f"{part}/")})
        self.seed, self.day, self.first_day = arrays["clock"].tolist()
        self.modulators = self.body.felt(self.day)
