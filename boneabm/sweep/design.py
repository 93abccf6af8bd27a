"""A sweep file: one base scenario, what is varied in it and how, as a list of points.

    title = "Estradiol and bone volume"
    base = "menopause"          packaged scenario, or a file beside the sweep file
    replicates = 5              runs of every point that differ in their random numbers only; default 1
    seed = 1                    replicate r has the seed `seed + r`, in every arm and at every level
    reference_arm = "control"   default: the first arm
    [scenario]                  changes of the base for all runs
    [factors]                   grid: every combination of the lists
    [[zip]]                     columns of equal length that move together
    [[list]]                    one table per point, all with the same keys
    [sample]                    method, points, seed and [sample.ranges]
    [arms.NAME]                 changes of one arm
    [contrasts.NAME]            plus = [...], minus = [...]: sum of arms less sum of arms, see `contrasts`

All of them are crossed. Keys are paths in a scenario file, "bone.bv_tv", "parameters.osteoclast.team", or
"state[0].level" for a row that the arm, [scenario] or the base has. Runs come in the order: replicate slowest, then
factors, zip, list and sample, each as written, arms fastest; so an interrupted sweep has whole replicates, and arms
that share a burn-in stand together. Nothing that is added (levels, arms, replicates, points of a Sobol sample) changes
a point that was there. A Latin hypercube of more points is another plan.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, ValidationError, model_validator

from boneabm import scenario
from boneabm.errors import InputError, nearest
from boneabm.scenario import Section
from boneabm.scenario_fields import Number, refuse
from boneabm.scenario_text import input_error, merge_tables, packaged_scenarios, problem_lines, read_text, read_toml
from boneabm.sweep.contrasts import contrast_problems, read_contrast
from boneabm.sweep.design_keys import flat_ranges, has_row, key_problems, lay, names_row
from boneabm.sweep.folder import Contrast
from boneabm.sweep.sampling import (
    as_written,
    equally_long,
    level_between,
    read_changes,
    read_columns,
    read_distinct,
    read_levels,
    read_row,
    same_keys,
    shares,
    twice,
)

MOST_RUNS = 100_000
LAST_SEED = 2**63 - 1

_ARM = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_AMOUNT = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(\S.*?)\s*")


@dataclass(frozen=True)
class Point:
    """One run of a sweep before it meets its base.

    arm       : name, "" where the sweep has no arms
    factors   : dotted key -> level as written (text with unit, number, true or false, or a list of these)
    replicate : 0, 1, ...
    seed      : seed of the sweep + replicate, 0 to 2^63 - 1
    changes   : tables to lay over those of the base with `merge_tables`; shared between points, so not to be edited
    """

    arm: str
    factors: dict[str, Any]
    replicate: int
    seed: int
    changes: dict[str, Any]


@dataclass(frozen=True)
class Design:
    """What a sweep file says: its texts, its base as written, and every run as a point.

    base_folder : folder of the sweep file, from which a relative base counts
    arms, reference_arm : () and "" where the sweep has no arms
    """

    title: str
    question: str
    expected: str
    source: str
    base: str
    base_folder: Path
    replicates: int
    seed: int
    arms: tuple[str, ...]
    reference_arm: str
    contrasts: dict[str, Contrast]
    points: tuple[Point, ...]


def read_design(source: str | Path) -> Design:
    """Read a sweep file, or the packaged sweep of this bare name ("example_sweep").

    Raises InputError with every problem of the file: key path, what is wrong, what is allowed, closest match.
    """
    path = find_sweep(source)
    return design_from_text(read_text(path), str(path), path.parent)


def design_from_text(text: str, where: str, folder: Path) -> Design:
    """Read a sweep from a text; `where` names it in errors, a relative base counts from `folder`."""
    tables = read_toml(text, where)
    problems = key_problems(tables) + _arm_problems(tables)
    try:
        file = _SweepFile.model_validate(tables)
    except ValidationError as error:
        raise input_error(where, problem_lines(error, _SECTIONS) + problems) from None
    sets = _sets(file)
    problems += _size_problems(file, sets) + contrast_problems(file.contrasts, tuple(file.arms))
    if problems:
        raise input_error(where, problems)
    return Design(
        title=file.title,
        question=file.question,
        expected=file.expected,
        source=file.source,
        base=file.base,
        base_folder=folder,
        replicates=file.replicates,
        seed=file.seed,
        arms=tuple(file.arms),
        reference_arm=file.reference_arm or next(iter(file.arms), ""),
        contrasts=file.contrasts,
        points=tuple(_points(file, sets, where, folder)),
    )


def find_base(base: str, folder: Path, where: str = "sweep file") -> Path:
    """File of the base scenario of a sweep: beside the sweep file, else the packaged scenario of this name.

    `where` names the sweep file in the InputError for a base that is neither.
    """
    beside, packaged = folder / Path(base).expanduser(), packaged_scenarios()
    if beside.is_file():
        return beside
    if base in packaged:
        return packaged[base]
    told = f'"{base}" is no file beside the sweep file, nor a packaged scenario.'
    raise InputError(f"{where}, base: {told} {nearest(Path(base).stem, packaged)}")


def find_sweep(source: str | Path) -> Path:
    """File of a sweep given by path or by the bare name of a packaged one; InputError if there is none."""
    path, known = Path(source), packaged_scenarios(sweeps=True)
    if path.is_file():
        return path
    if str(source) in known:
        return known[str(source)]
    if path.is_dir():
        raise InputError(f"{source} is a folder. Give a sweep file (.toml).")
    if str(source) in packaged_scenarios():
        raise InputError(f"{source} is one scenario, not a sweep. Run it with: boneabm run {source}")
    raise InputError(f"{source}: no such sweep file, nor a packaged sweep. {nearest(path.stem, known)}")


class _Amount(NamedTuple):
    """One end of a range: number and unit, "" where it has none."""

    number: float
    unit: str


def _amount(given: Any) -> _Amount:
    """A number, or a text of a number and a unit."""
    if isinstance(given, (int, float)) and not isinstance(given, bool) and math.isfinite(given):
        return _Amount(given, "")
    parts = _AMOUNT.fullmatch(given) if isinstance(given, str) else None
    if parts is None:
        refuse(f'{as_written(given)} must be a number, or a text with a unit such as "20 pg/mL".')
    return _Amount(float(parts[1]), parts[2])


class _Range(Section):
    """From where to where a key is sampled."""

    low: Annotated[_Amount, PlainValidator(_amount)]
    high: Annotated[_Amount, PlainValidator(_amount)]
    scale: Literal["linear", "log"] = "linear"
    whole: bool = False

    @model_validator(mode="before")
    @classmethod
    def _is_a_range(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            refuse(f"{as_written(given)} is not a range. Write {{ low = 0.1, high = 0.2 }}.")
        for key in given:
            if key not in cls.model_fields:
                refuse(f"not a known key. {nearest(key, cls.model_fields)}", key)
        return given

    @model_validator(mode="after")
    def _can_be_sampled(self) -> Self:
        (low, unit), (high, other) = self.low, self.high
        if unit != other:
            refuse(f"low is in {unit or 'no unit'} and high in {other or 'no unit'}. Write both in the same unit.")
        if not low < high:
            refuse(f"low, {low:g}, must be smaller than high, {high:g}.")
        if self.scale == "log" and low <= 0:
            refuse(f'low, {low:g}, must be more than 0 on a scale = "log". Use scale = "linear" or a larger low.')
        if self.whole and (low % 1 or high % 1):
            refuse(f"low, {low:g}, and high, {high:g}, must be whole numbers where whole = true.")
        return self

    def level(self, share: float) -> Any:
        """Level at a share of the range, as it would be written."""
        value = level_between(share, self.low.number, self.high.number, self.scale == "log", self.whole)
        return f"{value:.15g} {self.low.unit}" if self.low.unit else value


def _some(ranges: dict[str, _Range]) -> dict[str, _Range]:
    if not ranges:
        refuse('holds no range. Write "bone.bv_tv" = { low = 0.1, high = 0.2 } below it.')
    return ranges


class _Sample(Section):
    """A plan that fills ranges evenly."""

    method: Literal["sobol", "latin-hypercube"]
    points: Annotated[int, Number(1, MOST_RUNS, whole=True)]
    seed: Annotated[int, Number(0, LAST_SEED, whole=True)] = 1
    ranges: Annotated[dict[str, _Range], BeforeValidator(flat_ranges), AfterValidator(_some)]

    def rows(self) -> list[dict[str, Any]]:
        """Points of the plan. Dimensions go by sorted keys, so their order in the file does not matter."""
        order = sorted(self.ranges)
        plan = shares(self.method, self.points, len(order), self.seed)
        found = [dict(zip(order, point, strict=True)) for point in plan.tolist()]
        return [{key: span.level(point[key]) for key, span in self.ranges.items()} for point in found]


_Changes = Annotated[dict[str, Any], PlainValidator(read_changes)]
_Row = Annotated[dict[str, Any], PlainValidator(read_row)]
_Factors = Annotated[dict[str, Annotated[list[Any], PlainValidator(read_distinct)]], BeforeValidator(read_columns)]
_Columns = Annotated[
    dict[str, Annotated[list[Any], PlainValidator(read_levels)]],
    BeforeValidator(read_columns),
    AfterValidator(equally_long),
]


def _named(base: str) -> str:
    if not base.strip():
        refuse('missing. Write base = "menopause", a packaged scenario, or the path of a scenario from this folder.')
    return base


def _tables(name: str) -> BeforeValidator:
    """Validator of a list of tables."""

    def check(given: Any) -> Any:
        if not isinstance(given, list) or not given:
            refuse(f"must be a list of tables. Write [[{name}]], with double brackets.")
        return tuple(given)

    return BeforeValidator(check)


class _SweepFile(Section):
    """A sweep file, keys of scenarios flattened to dotted ones."""

    title: str = Field(min_length=1)
    question: str = ""
    expected: str = ""
    source: str = ""
    base: Annotated[str, AfterValidator(_named)] = Field("", validate_default=True)
    replicates: Annotated[int, Number(1, MOST_RUNS, whole=True)] = 1
    seed: Annotated[int, Number(0, LAST_SEED, whole=True)] = 1
    reference_arm: str = ""
    scenario: _Changes = Field(default_factory=dict)
    factors: _Factors = Field(default_factory=dict)
    zips: Annotated[tuple[_Columns, ...], _tables("zip")] = Field((), alias="zip")
    rows: Annotated[tuple[_Row, ...], _tables("list"), AfterValidator(same_keys)] = Field((), alias="list")
    sample: _Sample | None = None
    arms: dict[str, _Changes] = Field(default_factory=dict)
    contrasts: dict[str, Annotated[Contrast, PlainValidator(read_contrast)]] = Field(default_factory=dict)


_SECTIONS = {(): _SweepFile, ("sample",): _Sample} | {
    ("scenario", *section): model
    for section, model in scenario.SECTIONS.items()
    if section in ((), ("subject",), ("labs",), ("simulation",), ("output",))
}


def _arm_problems(tables: Mapping[str, Any]) -> list[str]:
    arms, reference = tables.get("arms", {}), tables.get("reference_arm", "")
    if not isinstance(arms, Mapping) or not isinstance(reference, str):
        return []
    allowed = "Allowed: letters, digits, _ and -."
    problems = [f'arms: "{name}" cannot be the name of an arm. {allowed}' for name in arms if not _ARM.fullmatch(name)]
    if "arms" in tables and not arms:
        problems.append("arms: holds no arm. Write [arms.control] and its changes below, or remove it.")
    for one, other in itertools.combinations(arms, 2):
        if arms[one] == arms[other]:
            problems.append(
                f"arms.{other}: makes the same changes as arms.{one}, so its runs are the same. Remove one."
            )
    if reference and reference not in arms:
        known = nearest(reference, arms) if arms else "This sweep has no arms: remove it, or write [arms.control]."
        problems.append(f'reference_arm: "{reference}" is not an arm. {known}')
    return problems


def _sets(file: _SweepFile) -> list[list[dict[str, Any]]]:
    """Sets of points that are crossed with each other: one per factor, [[zip]], list and sample."""
    sets = [[{key: level} for level in levels] for key, levels in file.factors.items()]
    for columns in file.zips:
        sets.append([dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)])
    return sets + [rows for rows in (list(file.rows), file.sample.rows() if file.sample else []) if rows]


def _size_problems(file: _SweepFile, sets: Sequence[Sequence[dict[str, Any]]]) -> list[str]:
    """More runs than can be handled, seeds beyond the last one, equal points of a sample."""
    problems = []
    counts = [("+".join(rows[0]), len(rows)) for rows in sets]
    counts += [("arms", len(file.arms) or 1), ("replicates", file.replicates)]
    runs = math.prod(count for _, count in counts)
    if runs > MOST_RUNS:
        told = " x ".join(f"{count} ({name})" for name, count in counts)
        problems.append(f"sweep: {runs} runs are more than {MOST_RUNS}: {told}. Use fewer levels, or a sample.")
    if file.seed + file.replicates - 1 > LAST_SEED:
        problems.append(f"seed: with {file.replicates} replicates, at most {LAST_SEED - file.replicates + 1}.")
    pair = twice(list(row.values()) for row in sets[-1]) if file.sample else None
    if pair:
        told = f"points {pair[0] + 1} and {pair[1] + 1} are equal. Use fewer points or a wider range."
        problems.append(f"sample: {told}")
    return problems


def _base_of_rows(file: _SweepFile, keys: Iterable[str], where: str, folder: Path) -> dict[str, Any]:
    """Tables of the base if a key such as "state[0].level" may need them; InputError if an arm lacks that row."""
    wanted = {key for key in keys if names_row(key)}
    in_arms = {name: wanted | {key for key in changes if names_row(key)} for name, changes in _arms(file).items()}
    if not any(in_arms.values()):
        return {}
    path = find_base(file.base, folder, where)
    base = read_toml(read_text(path), str(path))
    problems = []
    for arm, changes in _arms(file).items():
        lacking = [key for key in sorted(in_arms[arm]) if not has_row(key, changes, file.scenario, base)]
        problems += [_no_row(key, arm) for key in lacking]
    if problems:
        raise input_error(where, problems)
    return base


def _no_row(key: str, arm: str) -> str:
    name = key.partition("[")[0]
    who, own = (
        (f'arm "{arm}", [scenario] and the base', f"[[arms.{arm}.{name}]]") if arm else ("base and [scenario]", "")
    )
    places = " or ".join(place for place in (own, f"[[scenario.{name}]]") if place)
    return f"{key}: {who} have no such row. Write all rows of the list as {places}, or make each level an arm."


def _arms(file: _SweepFile) -> dict[str, dict[str, Any]]:
    """Changes of every arm; one without name and changes where there are none."""
    return dict(file.arms) or {"": {}}


def _points(file: _SweepFile, sets: Sequence[Sequence[dict[str, Any]]], where: str, folder: Path) -> list[Point]:
    """All runs: replicate slowest, then levels, arms fastest."""
    keys = [*file.scenario, *itertools.chain.from_iterable(rows[0] for rows in sets)]
    base = _base_of_rows(file, keys, where, folder)
    cells = []
    for combination in itertools.product(*sets):
        levels = {key: level for part in combination for key, level in part.items()}
        for arm, own in _arms(file).items():
            cells.append((arm, levels, lay([*file.scenario.items(), *levels.items(), *own.items()], base)))
    points = []
    for replicate in range(file.replicates):
        seed = file.seed + replicate
        for arm, levels, tables in cells:
            changes = merge_tables(tables, {"simulation": {"seed": seed}})
            points.append(Point(arm, dict(levels), replicate, seed, changes))
    return points
