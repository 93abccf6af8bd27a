"""Daily stimulus of mixed weeks: one field per mixture of directions, scaled by what a day is worth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..kernels import sensing, stimulus
from ..kernels.blocks import launch
from ..mechanics import EnergyForms, MicroFE

Cases = Sequence[tuple[tuple[float, ...], float]]
Weights = tuple[tuple[tuple[float, ...], float], ...]
FIELDS_KEPT = 4


class MixedStimulus:
    """Stimulus of load cases (stress direction, dose sum N (g range)^m) on the bone that `fe` has solved.

    psi = (sum_c D_c e_c^m)^(1/m) = D^(1/m) (sum_c (D_c / D) e_c^m)^(1/m), D the largest dose. The field after D^(1/m)
    is kept per mixture D_c / D: days that differ only in how much is done cost one multiplication per voxel. Forms and
    fields follow from the solved bone and the cases, so none of them belongs to the state of a run.
    """

    def __init__(self, fe: MicroFE, exponent: float) -> None:
        self.fe, self.exponent = fe, exponent
        self._forms: EnergyForms | None = None
        self._fields: dict[Weights, np.ndarray] = {}
        self._far: np.ndarray | None = None

    def renew(self) -> None:
        """Forget what belongs to the bone before the last solve."""
        self._forms, self._far, self._fields = None, None, {}

    def raw(self, cases: Cases) -> np.ndarray:
        """Stimulus (Z, Y, X) float32 of the solved voxels, 0 elsewhere."""
        psi: np.ndarray = self.relative(cases, 1.0) * self.fe.mask
        return psi

    def relative(self, cases: Cases, reference: float) -> np.ndarray:
        """Stimulus over the habitual one; voxels without a solution take their neighbors' mean, else 1."""
        most = max((dose for _, dose in cases), default=0.0)
        weights = tuple((stress, dose / most) for stress, dose in cases if dose > 0)
        if weights not in self._fields:
            if len(self._fields) >= FIELDS_KEPT:
                self._fields.pop(next(iter(self._fields)))
            self._fields[weights] = self._field(weights)
        field, psi = self._fields[weights], np.empty(self.fe.mask.shape, np.float32)
        factor = np.float32(most ** (1.0 / self.exponent) / reference)
        launch(stimulus.scaled, len(psi), field, factor, psi)
        return psi

    def _field(self, weights: Weights) -> np.ndarray:
        """Stimulus of a mixture with its neighbors outside the solved part, NEUTRAL beyond."""
        self._forms = self._forms or EnergyForms(self.fe)
        solved = np.zeros(self.fe.mask.shape, np.float32)
        if weights:
            forms, squares = self._forms.of([stress for stress, _ in weights])
            doses = np.array([dose for _, dose in weights])
            points = self._forms.points
            blocks = -(-points.size // stimulus.POINTS)
            out = solved.reshape(-1)
            launch(stimulus.mixed_power, blocks, forms, squares, doses, self.exponent, points, out)
        field = np.empty_like(solved)
        launch(sensing.fill_outside, len(solved), self.fe.mask, solved, field)
        if self._far is None:
            marked = np.zeros_like(solved)
            launch(stimulus.mark_neutral, len(solved), self.fe.mask, marked)
            self._far = marked < 0
        np.putmask(field, self._far, stimulus.NEUTRAL)
        return field
