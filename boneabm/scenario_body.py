"""Sections of a scenario about the person: subject, labs, diet, states, doses and infusions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from boneabm.endocrine.drugs import Route, find_drug
from boneabm.errors import InputError
from boneabm.parameters import ParameterSet
from boneabm.scenario_fields import Number, Quantity, refuse, without_minus
from boneabm.scenario_schema import known_drugs

LONGEST_D = 36500
MOST_DOSES = 50_000
HOUR_D = 1 / 24


class Section(BaseModel):
    """Base of all sections: frozen, no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)


class Window(Section):
    """Something that holds from `start_d` until just before `until_d` (days of the run; None: to the end)."""

    start_d: Annotated[float, Quantity("time", 0, LONGEST_D)] = Field(0.0, alias="start")
    until_d: Annotated[float, Quantity("time", 0, LONGEST_D)] | None = Field(None, alias="until")

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        _ends_later(self.start_d, self.until_d, "until")
        return self

    def holds(self, day: float) -> bool:
        """Whether it holds on this day of the run."""
        return self.start_d <= day and (self.until_d is None or day < self.until_d)


def _ends_later(start_d: float, end_d: float | None, key: str, begins: str = "start") -> None:
    if end_d is not None and end_d <= start_d:
        refuse(f"{end_d:g} d must be later than {begins}, {start_d:g} d.", key)


class Subject(Section):
    """Whose bone it is; age, sex and body decide the hormones.

    final_period      : None: in an aging woman of 51 y or more 51 y, else no menopause in the run
    bone_lost_percent : bone lost since the osteocytes adapted, so that what is left feels more than its habit; None: as
        women lose it after their final period
    """

    sex: Literal["female", "male"] = "female"
    age_y: Annotated[float, Quantity("age", 18, 100)] = Field(35.0, alias="age")
    final_period_y: Annotated[float, Quantity("age", 30, 65)] | None = Field(None, alias="final_period")
    weight_kg: Annotated[float, Quantity("body mass", 30, 250)] | None = Field(None, alias="weight")
    body_fat_percent: Annotated[float, Quantity("share", 3, 65)] | None = Field(None, alias="body_fat")
    bone_lost_percent: Annotated[float, Quantity("share", 0, 60)] | None = Field(None, alias="bone_lost")
    aging: bool = True

    @model_validator(mode="after")
    def _only_women_have_a_final_period(self) -> Self:
        if self.sex == "male" and self.final_period_y is not None:
            refuse(
                'is only for sex = "female": the age at the final menstrual period. Remove it or change sex.',
                "final_period",
            )
        return self

    @model_validator(mode="after")
    def _had_a_final_period(self) -> Self:
        """The usual one where it must have been: set in place, so that it still counts as not given."""
        usual_y = ParameterSet.load()["history.final_period_y"].value
        if self.final_period_y is None and self.sex == "female" and self.aging and self.age_y >= usual_y:
            object.__setattr__(self, "final_period_y", usual_y)
        return self


class Labs(Section):
    """Measured concentrations; each pins one free parameter of the body, so that the settled body has this level."""

    pth_pg_per_ml: Annotated[float, Quantity("pth", 1, 3000)] | None = Field(None, alias="pth")
    estradiol_pg_per_ml: Annotated[float, Quantity("estradiol", 0.1, 2000)] | None = Field(None, alias="estradiol")
    testosterone_ng_per_dl: Annotated[float, Quantity("testosterone", 1, 2000)] | None = Field(
        None, alias="testosterone"
    )
    d25_nmol_per_l: Annotated[float, Quantity("25OHD", 3, 300)] | None = Field(None, alias="25OHD")
    igf1_ng_per_ml: Annotated[float, Quantity("IGF-1", 10, 800)] | None = Field(None, alias="igf1")
    magnesium_mmol_per_l: Annotated[float, Quantity("magnesium", 0.3, 1.3)] | None = Field(None, alias="magnesium")


class Habit(Section):
    """Something that holds from `start_d` until just before `until_d`; without a start it is a habit: it has held since
    long before the run, in the burn-in too.
    """

    start_d: Annotated[float, Quantity("time", 0, LONGEST_D)] | None = Field(None, alias="start")
    until_d: Annotated[float, Quantity("time", 0, LONGEST_D)] | None = Field(None, alias="until")

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        _ends_later(self.begin_d, self.until_d, "until")
        return self

    @property
    def begin_d(self) -> float:
        """Day from which it holds; minus infinity for a habit."""
        return -math.inf if self.start_d is None else self.start_d

    def inputs(self) -> dict[str, float]:
        """What it prescribes, by the names of the inputs of the body."""
        known = INPUT_OF.items()
        return {name: getattr(self, key) for key, name in known if getattr(self, key, None) is not None}


class Diet(Habit):
    """Intake; a later row overrides the keys it names. The reference intake holds where nothing is named."""

    calcium: Annotated[float, Quantity("intake", 0, 5000)] | None = None
    vitamin_d: Annotated[float, Quantity("vitamin D intake", 0, 1000)] | None = None
    magnesium: Annotated[float, Quantity("intake", 0, 2000)] | None = None
    vitamin_k2: Annotated[float, Quantity("trace intake", 0, 50_000)] | None = None
    protein: Annotated[float, Quantity("protein intake", 0.1, 5)] | None = None
    zinc: Annotated[float, Quantity("intake", 0, 100)] | None = None
    antioxidant_index: Annotated[float, Number(0.1, 10)] | None = None
    omega3_index: Annotated[float, Number(0.1, 10)] | None = None


INDICES = (
    "stress_index", "inflammation_index", "sleep_index", "insulin_resistance", "sympathetic_index", "leptin_index",
    "progesterone_index", "gonad_index", "pituitary_index", "tnf_block",
)  # fmt: skip
INPUT_OF = {
    "calcium": "calcium_mg",
    "vitamin_d": "vitamin_d_ug",
    "magnesium": "magnesium_mg",
    "vitamin_k2": "vitamin_k2_ug",
    "protein": "protein_g_per_kg",
    "zinc": "zinc_mg",
    "antioxidant_index": "antioxidant_index",
    "omega3_index": "omega3_index",
    **{name: name for name in INDICES},
}
"""Keys of [[diet]] and [[state]] and the inputs of the body that they set."""

_INDEX = Annotated[float, Number(0.1, 10)]
_SHARE = Annotated[float, Number(0, 1)]
_EXAMPLES = {"level": "60 pg/mL", "free": "1000 pM"}


class HormoneState(Habit):
    """A state of the body: indices (1 is the reference), a level of PTH, free antibody against RANKL, or the ovaries
    removed for good. gonad_index and pituitary_index are shares of capacity; tnf_block is the share of TNF blocked.
    """

    kind: Literal["indices", "pth", "rankl_antibody", "oophorectomy"] = "indices"
    level_pg_per_ml: Annotated[float, Quantity("pth", 1, 3000)] | None = Field(None, alias="level")
    free_pm: Annotated[float, Quantity("antibody", 0, 1e6)] | None = Field(None, alias="free")
    stress_index: _INDEX | None = None
    inflammation_index: _INDEX | None = None
    sleep_index: _INDEX | None = None
    insulin_resistance: _INDEX | None = None
    sympathetic_index: _INDEX | None = None
    leptin_index: _INDEX | None = None
    progesterone_index: _INDEX | None = None
    gonad_index: _SHARE | None = None
    pituitary_index: _SHARE | None = None
    tnf_block: _SHARE | None = None

    @property
    def begin_d(self) -> float:
        """Day from which it holds; indices without a start are a habit, anything else then begins on day 0."""
        return super().begin_d if self.kind == "indices" or self.start_d is not None else 0.0

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> Self:
        wanted = {"pth": "level", "rankl_antibody": "free"}.get(self.kind)
        given = {"level": self.level_pg_per_ml, "free": self.free_pm}
        for key, value in given.items():
            if key == wanted and value is None:
                refuse(f'missing. kind = "{self.kind}" needs it, such as {key} = "{_EXAMPLES[key]}".', key)
            if key != wanted and value is not None:
                refuse(f'is not for kind = "{self.kind}". Remove it.', key)
        if self.kind == "oophorectomy" and self.until_d is not None:
            refuse("is not for an oophorectomy: ovaries do not come back. Remove it.", "until")
        return self

    @model_validator(mode="after")
    def _indices_are_of_their_kind(self) -> Self:
        named = [name for name in INDICES if getattr(self, name) is not None]
        if self.kind == "indices" and not named:
            refuse(f'prescribes nothing. Give a kind, such as kind = "pth", or an index: {", ".join(INDICES)}.', "kind")
        if self.kind != "indices" and named:
            refuse(f'is not for kind = "{self.kind}". Write a [[state]] of its own without kind.', named[0])
        return self


class Given(Section):
    """A drug by a route; the drug decides which routes and units there are."""

    drug: str = Field(json_schema_extra=known_drugs)
    route: str | None = None

    @field_validator("drug", mode="after")
    @classmethod
    def _known_drug(cls, name: str) -> str:
        try:
            find_drug(name)
        except InputError as error:
            refuse(str(error))
        return name

    def way(self, infusion: bool = False) -> Route:
        """Route that is meant; the only one where none is named. A wrong one is refused."""
        drug = find_drug(self.drug)
        try:
            return drug.route(drug.named(self.route, infusion), infusion)
        except InputError as error:
            refuse(str(error), "route")

    def route_name(self, infusion: bool = False) -> str:
        """Name of the route."""
        return find_drug(self.drug).named(self.route, infusion)


class Dose(Given):
    """A drug at a time, and again every `ii` (interval): `addl` more times, until a day, or else until the run ends.

    adherence : probability that a dose is taken; ss : the doses have been taken since long before the run
    """

    time_d: Annotated[float, Quantity("time", 0, LONGEST_D)] = Field(0.0, alias="time")
    amt: str
    interval_d: Annotated[float, Quantity("time", HOUR_D, 3650)] | None = Field(None, alias="ii")
    addl: Annotated[int, Number(0, MOST_DOSES, whole=True)] | None = None
    until_d: Annotated[float, Quantity("time", 0, LONGEST_D)] | None = Field(None, alias="until")
    adherence: Annotated[float, Number(0, 1)] = 1.0
    ss: bool = False

    @property
    def amount(self) -> float:
        """Amount in the internal unit of the drug's dimension."""
        return self.way().amount(self.amt)

    @property
    def goes_on(self) -> bool:
        """Whether it is repeated until the end of the run."""
        return self.interval_d is not None and self.addl is None and self.until_d is None

    def count(self, days: float) -> float:
        """How many doses there are in a run of so many days, about."""
        last_d = days if self.goes_on else self.until_d
        return 1 if last_d is None else (last_d - self.time_d) / (self.interval_d or 1.0)

    @model_validator(mode="after")
    def _has_a_usable_amount(self) -> Self:
        try:
            self.way().amount(self.amt)
        except InputError as error:
            refuse(f"{error}{without_minus(self.amt)}", "amt")
        return self

    @model_validator(mode="after")
    def _repeats_in_one_way(self) -> Self:
        if self.interval_d is None and (self.addl or self.until_d is not None or self.ss):
            refuse('missing: addl, until and ss repeat a dose. Example: ii = "7 d".', "ii")
        if self.addl and self.until_d is not None:
            refuse("and `addl` both say when the doses end. Keep one.", "until")
        _ends_later(self.time_d, self.until_d, "until", "time")
        if self.ss and self.way().slot == "bp_surface":
            refuse(f"{self.drug} stays in bone for decades and has no steady state. Remove it.", "ss")
        return self


class Infusion(Given):
    """A drug at a held rate: a patch or a pump, from `start` until just before `stop`."""

    start_d: Annotated[float, Quantity("time", 0, LONGEST_D)] = Field(0.0, alias="start")
    stop_d: Annotated[float, Quantity("time", 0, LONGEST_D)] | None = Field(None, alias="stop")
    rate: str

    @property
    def rate_ug_per_d(self) -> float:
        """Rate in ug/d."""
        return self.way(infusion=True).amount(self.rate)

    @model_validator(mode="after")
    def _has_a_usable_rate(self) -> Self:
        try:
            self.way(infusion=True).amount(self.rate)
        except InputError as error:
            refuse(f"{error}{without_minus(self.rate)}", "rate")
        _ends_later(self.start_d, self.stop_d, "stop")
        return self


def list_of_tables(given: Any) -> Any:
    """TOML arrays arrive as lists."""
    return tuple(given) if isinstance(given, list) else given


def infusions_apart(rows: tuple[Infusion, ...]) -> tuple[Infusion, ...]:
    """Infusions none of which overlaps another of the same drug and route."""
    keys = [f"{row.drug} {row.route_name(infusion=True)}" for row in rows]
    refuse_overlaps(keys, [(row.start_d, row.stop_d) for row in rows], "stop")
    return rows


def doses_once(rows: tuple[Dose, ...]) -> tuple[Dose, ...]:
    """Rows of doses no two of which begin at the same time with the same drug and route."""
    seen: dict[tuple[str, str, float], int] = {}
    for number, row in enumerate(rows):
        first = seen.setdefault((row.drug, row.route_name(), row.time_d), number)
        if first != number:
            refuse(f"rows [{first}] and [{number}] both give {row.drug} from {row.time_d:g} d on. Merge them.")
    return rows


def refuse_overlaps(keys: Sequence[str], spans: Sequence[tuple[float, float | None]], end: str) -> None:
    """Refuse rows of one key whose times overlap; numbers of rows count from 0, as in key paths."""
    order = sorted(range(len(keys)), key=lambda i: (keys[i], spans[i][0]))
    for i, j in pairwise(order):
        stop = spans[i][1]
        if keys[i] == keys[j] and (stop is None or spans[j][0] < stop):
            last = "the end" if stop is None else f"{stop:g} d"
            both = f"{keys[i]} from {spans[i][0]:g} d to {last}, and from {spans[j][0]:g} d"
            refuse(f"rows [{i}] and [{j}] overlap: {both}. {_ended(i, spans[i][0], spans[j][0], end)}")


def _ended(row: int, start_d: float, next_d: float, end: str) -> str:
    """How to make a row end where the next one of its kind begins; they can only be merged where both begin at once."""
    if next_d <= start_d:
        return f"Both begin then: merge them, or let one begin at the `{end}` of the other."
    word = "a" if end == "stop" else "an"
    return f'Give the earlier row {word} `{end}`: {end} = "{next_d:g} d" in row [{row}]; or merge them.'


def states_apart(rows: tuple[HormoneState, ...]) -> tuple[HormoneState, ...]:
    """Rows none of which overlaps another of its kind in time; indices override, ovaries are removed once."""
    removed = [number for number, row in enumerate(rows) if row.kind == "oophorectomy"]
    if len(removed) > 1:
        refuse(f"rows [{removed[0]}] and [{removed[1]}] both remove the ovaries. Keep one.")
    keys = [str(number) if row.kind == "indices" else row.kind for number, row in enumerate(rows)]
    refuse_overlaps(keys, [(row.begin_d, row.until_d) for row in rows], "until")
    return rows


def fit_together(
    subject: Subject, labs: Labs, states: Sequence[HormoneState], doses: Sequence[Dose], days: int
) -> None:
    """Refuse what sections about the person say against each other."""
    kinds = [row.kind for row in states]
    if subject.sex == "male" and "oophorectomy" in kinds:
        refuse('an oophorectomy is only for sex = "female". Remove the row or change sex.', "state")
    held = [number for number, row in enumerate(states) if row.kind == "pth" and row.begin_d <= 0]
    if labs.pth_pg_per_ml is not None and held:
        refuse(
            f'and state[{held[0]}], of kind = "pth", both set PTH on day 0. Keep the lab for a level that '
            "the body then changes, the state for one that is held.",
            "labs.pth",
        )
    for number, row in enumerate(doses):
        if row.count(days) > MOST_DOSES:
            refuse(f"makes more than {MOST_DOSES} doses; give a longer interval.", f"dose[{number}].ii")
