"""What all cells of the bone share: a day of one cell is the bulk rule on its row alone."""

from __future__ import annotations

import numpy as np

from .views import Cell


class BoneCell(Cell):
    """A cell whose `step` computes intents from the state as it is; the simulated day settles them."""

    def step(self) -> None:
        """Run the rule of this kind, `Population.bulk_rows["step"]`, for this cell only."""
        population = self._population
        population.bulk_rows["step"](population, np.array([population.row_of(self)], np.int64))
