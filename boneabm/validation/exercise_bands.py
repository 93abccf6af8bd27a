"""HiRIT at both ends of the ranges of the four numbers that decide most about it, one at a time.

The four are those that draws over all numbers of loading showed to matter most, chosen before any run of bone. They
are independent guesses, so the band over them is no confidence interval: it says how far each can move the result.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from boneabm.parameters import ParameterSet
from boneabm.validation.experiments_exercise import TRAINED_D, after, against, stimulus
from boneabm.validation.measures import Quantity, each, highest, less, lowest

NAMED = {
    "stimulus exponent": "osteocyte.stimulus_exponent",
    "walking force": "activity_walking.spine_peak_bw",
    "landing force": "activity_drop_landing.spine_peak_bw",
    "lever scale": "loading.lever_scale",
}
"""The four named uncertainties, by what they are."""
OWN_CONTROL = ("osteocyte.stimulus_exponent",)
"""Numbers that change a bone without training; under the others it feels psi/psi* = 1 and is the control of all."""
ENDS = ("low", "high")


def arm_of(parameter: str, end: str, what: str = "hirit") -> str:
    """Name of an arm: "hirit-loading-lever_scale-low"."""
    return f"{what}-{parameter.replace('.', '-')}-{end}"


def control_of(parameter: str, end: str) -> str:
    """Name of the arm without training that an arm is compared with."""
    return arm_of(parameter, end, "control") if parameter in OWN_CONTROL else "control"


def with_bands(tables: Mapping[str, Any]) -> dict[str, Any]:
    """Tables of the sweep with an arm, and a control where it needs its own, at both ends of the four ranges."""
    known, arms = ParameterSet.load(), dict(tables["arms"])
    for name in NAMED.values():
        for end, value in zip(ENDS, (known[name].low, known[name].high), strict=True):
            change = {f"parameters.{name}": value}
            arms[arm_of(name, end)] = {**tables["arms"]["hirit"], **change}
            arms |= {control_of(name, end): change} if name in OWN_CONTROL else {}
    return {**tables, "arms": arms}


AS_IS = against(TRAINED_D, "hirit", "control")
MOVED = {
    (what, end): against(TRAINED_D, arm_of(name, end), control_of(name, end))
    for what, name in NAMED.items()
    for end in ENDS
}
WHERE = "DXA-like change of HiRIT less that of its control after 240 d"

BANDS = (
    Quantity("HiRIT against control", "%", AS_IS, f"{WHERE}, all numbers as they are"),
    *(
        Quantity(f"{end} {what}", "%", of, f"{WHERE}, {NAMED[what]} at the {end} end of its range")
        for (what, end), of in MOVED.items()
    ),
    Quantity("lowest of the band", "%", lowest(AS_IS, *MOVED.values()), "the lowest of these means"),
    Quantity("highest of the band", "%", highest(AS_IS, *MOVED.values()), "the highest of these means"),
    Quantity("width of the band", "%", less(highest(AS_IS, *MOVED.values()), lowest(AS_IS, *MOVED.values())),
             "highest less lowest, bone by bone"),
    *(
        Quantity(f"{end} {what}: stimulus", "", each(stimulus(*after()), arm_of(NAMED[what], end)),
                 "median psi/psi* of the osteocytes, weeks 3 to 8 of the program")
        for what, end in MOVED
    ),
)  # fmt: skip
