"""The activity library: forces of known movements at a joint, from the parameters `activity_*`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from boneabm.errors import InputError, nearest
from boneabm.parameters import ParameterSet

OWN = "cycles"
RECORDED = "recorded"
VIBRATION = "vibration"
LYING = ("lying", "bed_turning")
"""Kinds that go on in bed rest."""
_PREFIX = "activity_"


@dataclass(frozen=True)
class ForceCycle:
    """One kind of cycle at a joint, forces in body weights (BW).

    peak = body_bw + bar_bw b, with b the mass of the bar over that of the body; range = peak - valley
    hz       : equivalent frequency; 0 is a static load, which counts nothing
    share    : of the cycles of a bout
    still_bw : static force beneath it, only for the peak that is told
    """

    body_bw: float
    valley_bw: float
    hz: float
    bar_bw: float = 0.0
    share: float = 1.0
    still_bw: float = 0.0


@cache
def kinds() -> tuple[str, ...]:
    """Kinds of the library."""
    sections = ParameterSet.load().sections()
    return tuple(name.removeprefix(_PREFIX) for name in sections if name.startswith(_PREFIX))


@cache
def lifts() -> tuple[str, ...]:
    """Kinds with a barbell."""
    return tuple(kind for kind in kinds() if "bar_arm_m" in ParameterSet.load().values(_PREFIX + kind))


@cache
def stepping() -> tuple[str, ...]:
    """Kinds that are counted in steps."""
    return tuple(kind for kind in kinds() if "steps_per_min" in ParameterSet.load().values(_PREFIX + kind))


def steps_per_min(parameters: ParameterSet, kind: str) -> float:
    """Cadence of a kind that is counted in steps."""
    return parameters[f"{_PREFIX}{kind}.steps_per_min"].value


def force_cycle(parameters: ParameterSet, kind: str, joint: str, hz: float | None = None) -> ForceCycle:
    """The cycle of a kind at a joint; hz replaces its equivalent frequency.

    Raises InputError where the library has no force of this kind at this joint.
    """
    numbers = parameters.values(_PREFIX + kind)
    if joint == "spine" and "bar_arm_m" in numbers:
        body, bar = barbell(parameters, numbers["trunk_arm_m"], numbers["bar_arm_m"])
    elif f"{joint}_bw_per_supported" in numbers:
        body = bar = numbers[f"{joint}_bw_per_supported"]
    elif f"{joint}_peak_bw" in numbers:
        body, bar = numbers[f"{joint}_peak_bw"], 0.0
    else:
        raise InputError(_no_force(kind, joint))
    frequency = numbers[f"{joint}_hz"] if hz is None else hz
    return ForceCycle(body, numbers[f"{joint}_valley_bw"], frequency, bar)


def _no_force(kind: str, joint: str) -> str:
    known = [k for k in kinds() if any(n.startswith(f"{joint}_") for n in ParameterSet.load().values(_PREFIX + k))]
    hint = nearest(kind, known) if known else "No kind of the library has one."
    return f'the library has no force of "{kind}" at the {joint}. {hint} Or give peak_stress for this row.'


def barbell(parameters: ParameterSet, trunk_arm_m: float, bar_arm_m: float) -> tuple[float, float]:
    """Force of the spine (BW) that the body causes, and that of a bar per body weight of bar.

    F = s [0.6 + b + (0.6 x_u + b x_b) / 0.05 m]: trunk and bar on the spine, back muscles that balance their moments
    """
    scale, share, arm = (parameters[f"loading.{n}"].value for n in ("lever_scale", "trunk_share", "muscle_arm_m"))
    return scale * share * (1.0 + trunk_arm_m / arm), scale * (1.0 + bar_arm_m / arm)


def vibration(parameters: ParameterSet, joint: str, acceleration_g: float, hz: float) -> ForceCycle:
    """Platform vibration about standing: range = acceleration x standing x transmission."""
    numbers = parameters.values(_PREFIX + VIBRATION)
    if f"standing_bw_{joint}" not in numbers:
        raise InputError(_no_force(VIBRATION, joint))
    standing = numbers[f"standing_bw_{joint}"]
    span = acceleration_g * standing * numbers[f"transmission_{joint}"]
    return ForceCycle(span, 0.0, hz, still_bw=standing - span / 2)
