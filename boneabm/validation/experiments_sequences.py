"""Quantities of sequences, withdrawals and combinations of therapies, each arm against a control of the same subject.

Nothing is fitted to any of them and they have no target: they say what the model predicts.
"""

from __future__ import annotations

from boneabm.validation.experiments_therapies import BEGIN_D, ONE_Y, RESORBED, TWO_Y, dxa, marker
from boneabm.validation.measures import Quantity, difference

HALF_D = 183
PREDNISONE_END_D = BEGIN_D + 140
YEAR = "k x vBMD change in the year of the first drug, less the control"
AFTER = "k x vBMD change in the year after it, less the control"
ARMS = {
    "teriparatide, then nothing": "teriparatide_nothing",
    "teriparatide, then denosumab": "teriparatide_denosumab",
    "romosozumab, then nothing": "romosozumab_nothing",
    "romosozumab, then alendronate": "romosozumab_alendronate",
    "alendronate, then a holiday": "alendronate_holiday",
}


def _less(arm: str, control: str, last_d: int, first_d: int = BEGIN_D, name: str = "", how: str = "") -> Quantity:
    """DXA-like change of an arm less that of its control, bone by bone, %."""
    told = how or "k x vBMD change, less the control"
    return Quantity(name or arm, "%", difference(dxa(last_d, first_d), arm, control), told)


def _sequence(name: str, arm: str) -> tuple[Quantity, ...]:
    return (
        _less(arm, "untreated", ONE_Y, name=f"{name}: first year", how=YEAR),
        _less(arm, "untreated", TWO_Y, ONE_Y, f"{name}: second year", AFTER),
        Quantity(f"{name}: CTX-like in the second half of the second year", "%",
                 marker(RESORBED, (ONE_Y + HALF_D, TWO_Y), arm, "untreated"), "resorbed volume over the control"),
    )  # fmt: skip


SEQUENCES = (
    *(quantity for name, arm in ARMS.items() for quantity in _sequence(name, arm)),
    _less("prednisone_off", "young_untreated", PREDNISONE_END_D, name="prednisone: twenty weeks"),
    _less("prednisone_off", "young_untreated", 365, PREDNISONE_END_D, "prednisone stopped: the 28 weeks after"),
    _less("perfect_storm", "menopause", ONE_Y, name="perfect storm less menopause: a year"),
    _less("testosterone", "man_untreated", ONE_Y, name="testosterone: a year"),
    _less("testosterone_anastrozole", "man_untreated", ONE_Y, name="testosterone with anastrozole: a year"),
    _less("testosterone_anastrozole", "testosterone", ONE_Y, name="anastrozole beside testosterone: a year"),
)
