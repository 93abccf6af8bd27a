"""Quantities of exercise and disuse to which nothing was fitted, from partial weight to the frequency of a load.

Arms are named "SWEEP/ARM"; each is compared with a control of the same subject, bone and random numbers.
"""

from __future__ import annotations

from boneabm.validation.experiments_exercise import BEGIN_D, TRAINED_D, after, stimulus
from boneabm.validation.measures import OfArms, Quantity, difference, each, less, quotient

FURTHER, MOUSE = "exercise_further/", "exercise_mouse/"
LAST_D, SHIN_D, STOPPED_D, TAIL_D = 127, 187, 429, 126
SHARES = {100: "whole", 70: "weight_70", 40: "weight_40", 20: "weight_20"}
LESS = "BV/TV change from day 7 on, less the control"


def _bone(arm: str, control: str, last_d: int, first_d: int = BEGIN_D) -> OfArms:
    """Change of BV/TV less that of the control, bone by bone, %."""
    return difference(lambda run: run.change_percent("BV/TV", first_d, last_d), arm, control)


def _weight(share: int) -> OfArms:
    return _bone(FURTHER + SHARES[share], FURTHER + "whole", LAST_D)


def _per_tenth(more: int, fewer: int) -> OfArms:
    """BV/TV that a further tenth of the weight is worth between two shares of it, %."""
    lost = less(_weight(more), _weight(fewer))
    return lambda arms: lost(arms) / ((more - fewer) / 10)


def _felt(name: str, arm: str) -> Quantity:
    told = "median psi/psi* of the osteocytes, weeks 3 to 8"
    return Quantity(f"{name}: stimulus", "", each(stimulus(*after()), arm), told)


def _program(name: str, arm: str, control: str, last_d: int) -> tuple[Quantity, ...]:
    return Quantity(name, "%", _bone(arm, control, last_d), LESS), _felt(name, arm)


def _tail(arm: str) -> OfArms:
    return _bone(MOUSE + arm, MOUSE + "none", TAIL_D)


_WON = _bone(FURTHER + "stopped", FURTHER + "old_control", TRAINED_D)
_LEFT = _bone(FURTHER + "stopped", FURTHER + "old_control", STOPPED_D)
_ONE, _FOUR = (_bone(FURTHER + arm, FURTHER + "whole", LAST_D) for arm in ("one_bout", "four_bouts"))

PREDICTIONS = (
    *(q for share in (70, 40, 20)
      for q in _program(f"{share} % of the weight", FURTHER + SHARES[share], FURTHER + "whole", LAST_D)),
    *(Quantity(f"a tenth of the weight, {more} to {fewer} %", "%", _per_tenth(more, fewer),
               "BV/TV after 120 d at the larger share less that at the smaller, per tenth of the weight")
      for more, fewer in ((100, 70), (70, 40), (40, 20))),
    *_program("360 jumps in one bout", FURTHER + "one_bout", FURTHER + "whole", LAST_D),
    *_program("360 jumps in four bouts", FURTHER + "four_bouts", FURTHER + "whole", LAST_D),
    Quantity("four bouts less one", "%", less(_FOUR, _ONE), "difference of the two, bone by bone"),
    Quantity("HiRIT: BV/TV won", "%", _WON, LESS),
    Quantity("HiRIT stopped: BV/TV left after half a year", "%", _LEFT, "the same 182 d after the last training"),
    Quantity("HiRIT stopped: share left", "%", lambda arms: 100.0 * quotient(_LEFT, _WON)(arms), "of what was won"),
    *_program("paralysis, shin", FURTHER + "paralysis", FURTHER + "shin_control", SHIN_D),
    *(q for name, arm in {"static": "static", "2 Hz": "hz_2", "5 Hz": "hz_5", "10 Hz": "hz_10"}.items()
      for q in _program(f"mouse tail, {name}", MOUSE + arm, MOUSE + "none", TAIL_D)),
    Quantity("mouse tail: 5 Hz less 2 Hz", "%", less(_tail("hz_5"), _tail("hz_2")), LESS),
    Quantity("mouse tail: 10 Hz less 5 Hz", "%", less(_tail("hz_10"), _tail("hz_5")), LESS),
)  # fmt: skip
