"""Field types of loads in a scenario: weights, weekdays, clock times, recorded classes, and names with other words."""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from typing import Any, NamedTuple

from boneabm.errors import InputError, nearest
from boneabm.loading.recorded import Counted
from boneabm.loading.weekly import EVERY_DAY, WEEK
from boneabm.scenario_fields import Field, refuse
from boneabm.units import DIMENSIONS, quantity

MOST_CLASSES = 400
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_CLOCK = re.compile(r"\s*(\d{1,2}):(\d{2})\s*")
_ONE_RM = re.compile(r"\s*([+-]?\d+\.?\d*)\s*%\s*1RM\s*", re.IGNORECASE)
_OTHER_WORDS = {
    "jump": "two_leg_jump", "jumps": "two_leg_jump", "jumping": "two_leg_jump", "hop": "hopping", "hops": "hopping",
    "back_squat": "squat", "squats": "squat", "bench": "press", "bench_press": "press", "overhead_press": "press",
    "walk": "walking", "run": "running", "jogging": "running", "stair_climbing": "stairs", "landing": "drop_landing",
    "bedrest": "bed_rest", "weightlessness": "microgravity", "flight": "microgravity", "spaceflight": "microgravity",
    "unloading": "disuse", "hip": "femoral_head", "femur": "femoral_head", "spine": "L3", "vertebra": "L3",
    "wrist": "distal_radius", "radius": "distal_radius", "heel": "calcaneus", "ankle": "distal_tibia",
    "tibia": "distal_tibia", "tail": "mouse_tail",
}  # fmt: skip
"""Words that people use for names of the library; told as the closest match."""


def closest(word: str, names: Collection[str]) -> str:
    """Sentence with the known names and the one that is meant: by other words, else by its letters."""
    plain = re.sub(r"[\s-]+", "_", word.strip().lower())
    meant = _OTHER_WORDS.get(plain, plain)
    return nearest(meant if meant in names else word, names)


def known(what: str, name: str, names: Collection[str]) -> str:
    """The name, if it is one of these; else the error of pydantic with the closest match."""
    if name not in names:
        refuse(f'"{name}" is not a {what}. {closest(name, names)}')
    return name


class Weight(NamedTuple):
    """A lifted weight: kg, or percent of the 1RM."""

    amount: float
    of_one_rm: bool


class WeightField(Field):
    """A weight: "40 kg" or "85 %1RM"."""

    def read(self, given: Any) -> Weight:
        """Amount and what it is of."""
        found = _ONE_RM.fullmatch(given) if isinstance(given, str) else None
        if found is None and not (isinstance(given, str) and given.strip().endswith(("kg", "lb", "g"))):
            raise InputError(f'{given!r} is not a load. Write "85 %1RM" (of the row\'s lift) or a weight: "40 kg".')
        low, high, unit = (10.0, 100.0, "%1RM") if found else (0.5, 500.0, "kg")
        amount = float(found[1]) if found else quantity(given, "body mass")
        if not low <= amount <= high:
            raise InputError(f"{given} is outside the possible range, {low:g} {unit} to {high:g} {unit}.")
        return Weight(amount, found is not None)

    def write(self, value: Weight) -> str:
        """The text form."""
        return f"{value.amount!r} {'%1RM' if value.of_one_rm else 'kg'}"

    def json_schema(self) -> dict[str, Any]:
        """A text of a number and %1RM or a unit of mass."""
        units = "|".join(re.escape(unit) for unit in DIMENSIONS["body mass"].factors)
        pattern = rf"^\s*[+-]?[0-9.]+([eE][+-]?[0-9]+)?\s*({units}|%\s*1[rR][mM])\s*$"
        return {"type": "string", "pattern": pattern, "examples": ["85 %1RM", "40 kg"]}


class DaysField(Field):
    """Weekdays: "all", or a list such as ["Mon", "Thu"]; full names are read too."""

    def read(self, given: Any) -> tuple[bool, ...]:
        """Whether it is done on Monday ... Sunday."""
        if given == "all":
            return EVERY_DAY
        if not isinstance(given, (list, tuple)) or not given:
            meant = f" {nearest(given, WEEK)}" if isinstance(given, str) else ""
            raise InputError(f'{given!r} is not "all" or a list of days. Example: days = ["Mon", "Thu"].{meant}')
        for day in given:
            if day not in WEEK and day not in WEEKDAYS:
                raise InputError(f'"{day}" is not a day. {nearest(str(day), WEEK)}')
        return tuple(day in given or full in given for day, full in zip(WEEK, WEEKDAYS, strict=True))

    def write(self, value: tuple[bool, ...]) -> str | list[str]:
        """As in a file."""
        return "all" if all(value) else [day for day, done in zip(WEEK, value, strict=True) if done]

    def json_schema(self) -> dict[str, Any]:
        """The word "all" or a list."""
        days = {"type": "array", "items": {"enum": [*WEEK, *WEEKDAYS]}, "minItems": 1}
        return {"anyOf": [{"const": "all"}, days]}


class ClockField(Field):
    """A time of day: "17:30"."""

    def read(self, given: Any) -> float:
        """Hours since midnight."""
        found = _CLOCK.fullmatch(given) if isinstance(given, str) else None
        if found is None or int(found[1]) > 23 or int(found[2]) > 59:
            raise InputError(f'{given!r} is not a time of day. Example: time = "17:30".')
        return int(found[1]) + int(found[2]) / 60

    def write(self, value: float) -> str:
        """Hours and minutes."""
        hours, minutes = divmod(round(60 * value), 60)
        return f"{hours}:{minutes:02d}"

    def json_schema(self) -> dict[str, Any]:
        """A text."""
        return {"type": "string", "pattern": r"^\d{1,2}:\d{2}$", "examples": ["17:30"]}


class CountedField(Field):
    """Classes of recorded cycles: lists of range, cycles, frequency and, where it is not the range, peak."""

    def read(self, given: Any) -> tuple[Counted, ...]:
        """Classes, numbers checked."""
        if not isinstance(given, (list, tuple)) or not 0 < len(given) <= MOST_CLASSES:
            raise InputError("must be a list of [range, cycles, frequency in Hz, peak].")
        for one in given:
            numbers = isinstance(one, (list, tuple)) and len(one) in (3, 4)
            if not numbers or not all(isinstance(x, (int, float)) and math.isfinite(x) and x > 0 for x in one):
                raise InputError(f"{one!r} is not [range, cycles, frequency in Hz, peak], all above 0.")
        return tuple(Counted(*map(float, (*one, one[0])[:4])) for one in given)

    def write(self, value: tuple[Counted, ...]) -> list[list[float]]:
        """Lists of four numbers."""
        return [list(one) for one in value]

    def json_schema(self) -> dict[str, Any]:
        """A list of lists."""
        numbers = {"type": "array", "items": {"type": "number"}, "minItems": 3, "maxItems": 4}
        return {"type": "array", "items": numbers}
