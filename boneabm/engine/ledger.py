"""The ledger: what the rules booked must equal what the lattice became, exactly, in integers."""

from __future__ import annotations

import numpy as np

from ..errors import LedgerError
from ..kernels import turnover
from ..kernels.blocks import launch
from ..remodeling import Tissue

QUANTITIES = ("matrix", "osteoid", "mineral")


class Ledger:
    """Totals of matrix, osteoid and mineral per z plane, checked every day against what was booked.

    totals : (3, Z, 2) int64, amount and its first moment within the plane
    """

    def __init__(self, tissue: Tissue) -> None:
        self.totals, _ = lattice_totals(tissue)

    @property
    def matrix_total(self) -> int:
        """Matrix of the block at the last closing, 2^-24 voxel."""
        return int(self.totals[turnover.MATRIX, :, 0].sum())

    def close(self, tissue: Tissue, day: int) -> None:
        """Check yesterday's totals plus the book of the day against the lattice and start a new page.

        Raises LedgerError naming day, quantity, amount and voxel.
        """
        now, impossible = lattice_totals(tissue)
        wrong = now - self.totals - tissue.book
        if wrong.any():
            raise LedgerError(_explain(wrong, tissue, day))
        if impossible:
            raise LedgerError(_name_impossible(tissue, day))
        self.totals = now
        tissue.book.fill(0)


def lattice_totals(tissue: Tissue) -> tuple[np.ndarray, int]:
    """Integer totals of the lattice as it is, (3, Z, 2) int64, and the number of impossible voxels.

    No voxel may hold less than nothing, more matrix than its volume or more osteoid than matrix.
    """
    planes = tissue.lattice.shape[0]
    sums, bad = np.empty((3, planes, 2), np.int64), np.empty(planes, np.int64)
    arrays = tuple(tissue.flat(name) for name in QUANTITIES)
    launch(turnover.plane_sums, planes, *arrays, tissue.plane_size, sums, bad)
    return sums, int(bad.sum())


def _explain(wrong: np.ndarray, tissue: Tissue, day: int) -> str:
    quantity, z = (int(i) for i in np.argwhere(wrong.any(axis=2))[0])
    amount, moment = (int(i) for i in wrong[quantity, z])
    place = f"z = {z}"
    if amount and moment % amount == 0 and 0 <= moment // amount < tissue.plane_size:
        y, x = divmod(moment // amount, tissue.lattice.shape[2])
        place = f"voxel (z, y, x) = ({z}, {y}, {x})"
    unit = turnover.MINERAL_SCALE if quantity == turnover.MINERAL else turnover.SCALE
    name = "g/cm3 of voxel" if quantity == turnover.MINERAL else "voxel"
    return (
        f"Day {day}: {QUANTITIES[quantity]} changed by {amount / unit:g} {name} at {place} without an entry in the "
        "ledger. A rule changed the lattice directly; book every change through kernels.turnover."
    )


def _name_impossible(tissue: Tissue, day: int) -> str:
    lattice = tissue.lattice
    good = (lattice.osteoid >= 0) & (lattice.osteoid <= lattice.matrix) & (lattice.matrix <= 1) & (lattice.mineral >= 0)
    z, y, x = (int(i) for i in np.argwhere(~good)[0])
    values = {name: float(getattr(lattice, name)[z, y, x]) for name in QUANTITIES}
    return f"Day {day}: impossible voxel (z, y, x) = ({z}, {y}, {x}): {values}."
