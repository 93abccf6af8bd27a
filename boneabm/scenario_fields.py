"""Field types of a scenario: quantities with units, bounded numbers and crops, each with a complete error text.

They are pydantic annotations: a value is read once from its written form, kept in the internal unit, and written
back in a form that reads to exactly the same value.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from boneabm.errors import InputError
from boneabm.units import DIMENSIONS, format_quantity, quantity

Crop = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]
Triple = tuple[float, float, float]

_PERCENT = re.compile(r"\s*(\d+\.?\d*)\s*%\s*")
_CROP = re.compile(r"\s*(\d+):(\d+)\s*,\s*(\d+):(\d+)\s*,\s*(\d+):(\d+)\s*")


def refuse(text: str, key: str = "") -> NoReturn:
    """Raise the pydantic error that carries a finished sentence, about a key of the section if one is named."""
    raise PydanticCustomError("refused", "{text}", {"text": text, "key": key})


def without_minus(given: object) -> str:
    """What to write instead of a negative quantity; nothing where it has no minus."""
    text = str(given).strip()
    return f' Write "{text[1:].strip()}", without the minus.' if text.startswith("-") else ""


class Field:
    """A scenario value with its own reader, writer and JSON schema, used as `Annotated[float, Field]`."""

    def read(self, given: Any) -> Any:
        """Value in internal units of what the file says."""
        raise NotImplementedError

    def write(self, value: Any) -> Any:
        """What a file would say for this value."""
        raise NotImplementedError

    def json_schema(self) -> dict[str, Any]:
        """JSON schema of the written form."""
        raise NotImplementedError

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Schema that calls read and write."""
        writer = core_schema.plain_serializer_function_ser_schema(self.write)
        return core_schema.no_info_plain_validator_function(_reporting(self.read), serialization=writer)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Schema of the written form."""
        return self.json_schema()


def _reporting(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def checked(given: Any) -> Any:
        try:
            return read(given)
        except InputError as error:
            refuse(str(error))

    return checked


@dataclass(frozen=True)
class Quantity(Field):
    """A quantity such as "20 um" within low..high, both in the internal unit of the dimension."""

    dimension: str
    low: float
    high: float
    whole: bool = False

    def read(self, given: Any) -> float:
        """Value in the internal unit; whole numbers are rounded to the nearest one ("6 mo" is 183 d)."""
        value = quantity(given, self.dimension)
        if not self.low <= value <= self.high:
            low, high = self._bound(self.low), self._bound(self.high)
            nearest_one = f" Write at least {low}." if value < self.low else f" Write at most {high}."
            fix = without_minus(given) if self.low <= -value <= self.high else nearest_one
            raise InputError(f"{given} is outside the possible range, {low} to {high}.{fix}")
        return round(value) if self.whole else value

    def write(self, value: float) -> str:
        """Text with the internal unit."""
        return format_quantity(value, self.dimension)

    def _bound(self, value: float) -> str:
        """Text in the first unit that makes it a whole number: 1 h, not 0.041666666666666664 d."""
        for unit, factor in DIMENSIONS[self.dimension].factors.items():
            if float(value / factor).is_integer():
                return f"{int(value / factor)} {unit}"
        return self.write(value)

    def json_schema(self) -> dict[str, Any]:
        """A text of a number and one of the known units."""
        known = DIMENSIONS[self.dimension]
        units = "|".join(re.escape(unit) for unit in known.factors)
        return {
            "type": "string",
            "pattern": rf"^\s*[+-]?[0-9.]+([eE][+-]?[0-9]+)?\s*({units})\s*$",
            "description": f"{self.dimension}, {self.write(self.low)} to {self.write(self.high)}",
            "examples": [known.example],
        }


@dataclass(frozen=True)
class Days(Quantity):
    """A whole number of days, written 365 or "1 y"."""

    dimension: str = "time"
    low: float = 1
    high: float = 36500
    whole: bool = True

    def read(self, given: Any) -> int:
        """Days; a bare whole number is days already."""
        bare = isinstance(given, int) and not isinstance(given, bool)
        return int(super().read(f"{given} d" if bare else given))

    def write(self, value: float) -> Any:
        """The bare number of days."""
        return int(value)

    def json_schema(self) -> dict[str, Any]:
        """A whole number or a text with a unit of time."""
        return {"anyOf": [{"type": "integer", "minimum": self.low, "maximum": self.high}, super().json_schema()]}


class DayList(Field):
    """Days, in order and each once: ["90 d", "1 y"]."""

    def read(self, given: Any) -> tuple[int, ...]:
        """Whole days, sorted."""
        if not isinstance(given, (list, tuple)):
            raise InputError(f'{given!r} is not a list of days. Example: ["90 d", "1 y"].')
        return tuple(sorted({Days(low=0).read(day) for day in given}))

    def write(self, value: tuple[int, ...]) -> list[int]:
        """Bare numbers of days."""
        return list(value)

    def json_schema(self) -> dict[str, Any]:
        """A list of days."""
        return {"type": "array", "items": Days(low=0).json_schema()}


@dataclass(frozen=True)
class Triplet(Field):
    """Three quantities in the order z, y, x; a single text stands for all three where `cube` is set."""

    each: Quantity
    cube: bool = False

    def read(self, given: Any) -> Triple:
        """Three values in the internal unit."""
        if self.cube and not isinstance(given, (list, tuple)):
            given = [given] * 3
        if not isinstance(given, (list, tuple)) or len(given) != 3:
            example = DIMENSIONS[self.each.dimension].example
            raise InputError(
                f'{given!r} must be a list of three, z, y, x. Example: ["{example}", "{example}", "{example}"].'
            )
        z, y, x = (self.each.read(one) for one in given)
        return z, y, x

    def write(self, value: Triple) -> list[str]:
        """List of three texts."""
        return [self.each.write(one) for one in value]

    def json_schema(self) -> dict[str, Any]:
        """A list of three texts, or one."""
        one = self.each.json_schema()
        three = {"type": "array", "items": one, "minItems": 3, "maxItems": 3}
        return {"anyOf": [one, three]} if self.cube else three


@dataclass(frozen=True)
class Number(Field):
    """A bare number within low..high, a whole one where `whole` is set."""

    low: float
    high: float
    whole: bool = False

    def read(self, given: Any) -> float | int:
        """The number itself; texts, true and false are refused."""
        kinds = int if self.whole else (int, float)
        if isinstance(given, bool) or not isinstance(given, kinds) or not self.low <= given <= self.high:
            kind = "a whole number" if self.whole else "a number without unit"
            raise InputError(f"{given!r} must be {kind}, {self.low:g} to {self.high:g}.{self._share_of(given)}")
        return int(given) if self.whole else float(given)

    def _share_of(self, given: Any) -> str:
        """What a text of percent is as a number, where that is allowed."""
        found = _PERCENT.fullmatch(given) if isinstance(given, str) and not self.whole else None
        share = float(found[1]) / 100 if found else math.inf
        return f" Write {share:g}, without quotes." if self.low <= share <= self.high else ""

    def write(self, value: float) -> float:
        """The number itself."""
        return value

    def json_schema(self) -> dict[str, Any]:
        """A bounded number."""
        return {"type": "integer" if self.whole else "number", "minimum": self.low, "maximum": self.high}


class Threshold(Field):
    """A gray value, or "otsu" for the histogram's own choice (256 bins, whole image)."""

    def read(self, given: Any) -> float | Literal["otsu"]:
        """The number, or "otsu"."""
        if given == "otsu":
            return "otsu"
        if isinstance(given, bool) or not isinstance(given, (int, float)) or not math.isfinite(given):
            raise InputError(f'{given!r} must be a gray value or "otsu". Example: threshold = 63.')
        return float(given)

    def write(self, value: float | str) -> float | str:
        """The same."""
        return value

    def json_schema(self) -> dict[str, Any]:
        """A number or "otsu"."""
        return {"anyOf": [{"type": "number"}, {"const": "otsu"}]}


class CropField(Field):
    """Half-open voxel ranges "z0:z1,y0:y1,x0:x1"."""

    def read(self, given: Any) -> Crop:
        """Three pairs (first, last + 1)."""
        return parse_crop(given)

    def write(self, value: Crop) -> str:
        """The text form."""
        return ",".join(f"{first}:{end}" for first, end in value)

    def json_schema(self) -> dict[str, Any]:
        """A text of three ranges."""
        return {"type": "string", "pattern": r"^\d+:\d+,\d+:\d+,\d+:\d+$", "examples": ["0:100,0:100,0:100"]}


def parse_crop(text: object) -> Crop:
    """Half-open voxel ranges in the order z, y, x from a text such as "0:100,0:100,50:150".

    Raises InputError when it is not three ranges of whole numbers with start < end.
    """
    example = 'Write "z0:z1,y0:y1,x0:x1" in voxels, each start smaller than its end. Example: "0:100,0:100,50:150".'
    parts = _CROP.fullmatch(text) if isinstance(text, str) else None
    if parts is None:
        raise InputError(f"crop {text!r} is not three ranges. {example}")
    z0, z1, y0, y1, x0, x1 = (int(part) for part in parts.groups())
    if not (z0 < z1 and y0 < y1 and x0 < x1):
        raise InputError(f'crop "{text}" has an empty range. {example}')
    return (z0, z1), (y0, y1), (x0, x1)


def parse_threshold(text: str) -> float | Literal["otsu"]:
    """Threshold from the command line: "otsu" or a gray value; anything else is an InputError."""
    try:
        given: object = float(text)
    except ValueError:
        given = text
    return Threshold().read(given)


VOXEL_SIZE = Quantity("length", 1, 200)


def parse_voxel_size(text: str) -> float:
    """Voxel edge of an image in um from the command line; InputError without a unit or where it is impossible."""
    try:
        return VOXEL_SIZE.read(text)
    except InputError as error:
        raise InputError(f"--voxel-size: {error}") from None
