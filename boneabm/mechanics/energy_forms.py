"""Quadratic energy forms: effective strain of any combination of apparent stresses at every point, without a solve."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .micro_fe import MicroFE

Pair = tuple[int, int]


class EnergyForms:
    """Forms of the bone as `fe` solved it; they are made when they are first needed, from the fields that are there.

    The effective strain of a stress a (MPa per unit case of the boundary) is e^2 = 2 U / E = sum_j<=k a_j a_k F_jk with
    F_kk = e_k^2 and F_jk = e_(j+k)^2 - e_j^2 - e_k^2, where e_k is the effective strain under 1 MPa of case k alone.
    The base is of stresses, not of strains, so that a compression is one form and nothing cancels.

    points : (P,) int64, flat indices of the voxels of the solved part
    """

    def __init__(self, fe: MicroFE) -> None:
        self.fe = fe
        self.points = np.flatnonzero(fe.mask)
        self._forms: dict[Pair, NDArray[np.float32]] = {}

    def of(self, stresses: Sequence[Sequence[float]]) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Forms (F, P) that these stresses (J, K) need, and weights (J, F): e_j^2 = weights[j] . forms."""
        pairs = needed(stresses)
        weights = np.array([[stress[j] * stress[k] for j, k in pairs] for stress in stresses], np.float64)
        forms = np.empty((len(pairs), self.points.size), np.float32)
        for row, pair in enumerate(pairs):
            forms[row] = self._form(*pair)
        return forms, weights.reshape(len(stresses), len(pairs))

    def _form(self, j: int, k: int) -> NDArray[np.float32]:
        if (j, k) not in self._forms:
            square = self._square({j, k})
            self._forms[j, k] = square if j == k else square - self._form(j, j) - self._form(k, k)
        return self._forms[j, k]

    def _square(self, cases: set[int]) -> NDArray[np.float32]:
        """e^2 under 1 MPa of each of these cases at once."""
        stress = np.zeros(self.fe.cases)
        stress[list(cases)] = 1.0
        strain = self.fe.effective_strain(self.fe.macro_strain(stress)).reshape(-1)[self.points]
        return np.square(strain)


def needed(stresses: Sequence[Sequence[float]]) -> list[Pair]:
    """Pairs of cases j <= k that a stress loads together."""
    loaded = [[k for k, value in enumerate(stress) if value != 0] for stress in stresses]
    return sorted({(j, k) for cases in loaded for j in cases for k in cases if j <= k})
