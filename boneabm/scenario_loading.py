"""Sections of a scenario about loads: the site and habit, activities, conditions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import ConfigDict, Field, ValidationInfo, field_validator, model_validator

from boneabm.errors import InputError
from boneabm.loading.library import OWN, RECORDED, VIBRATION, force_cycle, kinds, lifts, stepping, vibration
from boneabm.loading.recorded import Counted, read_record
from boneabm.loading.sites import JOINTS
from boneabm.loading.weekly import BODY
from boneabm.parameters import ParameterSet
from boneabm.scenario_body import Section, Window, refuse_overlaps
from boneabm.scenario_fields import Number, Quantity, Triple, Triplet, refuse
from boneabm.scenario_load_fields import ClockField, CountedField, DaysField, Weight, WeightField, closest, known

ROWS = "rows"
HABITS = ("community_adult", ROWS)


def _known_one_rm(schema: dict[str, Any]) -> None:
    """Add the names of all lifts to the schema of `one_rm`."""
    schema["propertyNames"] = {"enum": sorted(lifts())}


class Loading(Section):
    """Where the bone is and what it is used to.

    habitual : "community_adult" (steps, stairs, bends and light lifts of a day), or "rows": the [[activity]] rows
               without a start; it sets the stimulus that the bone is adapted to, once
    species  : decides the frequency at which a load counts nothing
    area     : cross-section of the site; the library's by default
    one_rm   : one-repetition maximum per lift on the first day of training
    """

    site: str = Field("L3", json_schema_extra={"enum": list(JOINTS)})
    habitual: str = Field(HABITS[0], json_schema_extra={"enum": list(HABITS)})
    species: Literal["human", "mouse", "rat"] = "human"
    area_mm2: Annotated[float, Quantity("area", 0.01, 10_000)] | None = Field(None, alias="area")
    one_rm: dict[str, Annotated[float, Quantity("body mass", 1, 600)]] = Field(
        default_factory=dict, json_schema_extra=_known_one_rm
    )

    @field_validator("site")
    @classmethod
    def _known_site(cls, name: str) -> str:
        return known("site", name, JOINTS)

    @field_validator("habitual")
    @classmethod
    def _known_habit(cls, name: str) -> str:
        return known("habit", name, HABITS)

    @field_validator("one_rm", mode="after")
    @classmethod
    def _known_lifts(cls, given: dict[str, float]) -> dict[str, float]:
        for name in given:
            known("lift", name, lifts())
        return given


_AMOUNTS = ("steps", "cycles", "reps", "duration")
_OF_KINDS = (
    "steps", "sets", "reps", "duration_s", "bouts", "spacing_h", "time_h", "rest_s", "load",
    "progression_percent_per_wk", "peak_stress_mpa", "valley_stress_mpa", "frequency_hz", "acceleration_g",
    "direction", "harness", "counted",
)  # fmt: skip


def _with_history(schema: dict[str, Any]) -> None:
    """Add the key that is counted while a file is read, and the names that `kind` may have."""
    told = "a recorded force, CSV of time in s and force in N, BW or MPa; counted by rainflow while the file is read"
    schema["properties"]["history"] = {"type": "string", "description": told}
    schema["properties"]["kind"]["enum"] = sorted({*kinds(), OWN, RECORDED})


class Activity(Window):
    """A row of loading: either of a kind from the library, or plain stresses and cycles.

    Plain: peak apparent normal stress along z, y, x (compression positive) and cycles per day, every day.
    Of a kind: amount per day as steps, cycles, sets and reps or duration, spread over bouts at clock times.
    tilt_deg : the whole load turned about y, from z toward x; any tilt but 0 needs the boundary "affine"
    harness  : share of body weight that presses while it is done in bed rest, microgravity, paralysis, immobilization;
               without it the row stops then
    """

    model_config = ConfigDict(json_schema_extra=_with_history)

    name: str | None = Field(None, min_length=1)
    stress_mpa: Annotated[Triple, Triplet(Quantity("stress", -20, 20))] | None = Field(None, alias="stress")
    cycles_per_d: Annotated[float, Number(1, 1e6)] | None = Field(None, alias="cycles")
    tilt_deg: Annotated[float, Quantity("angle", -90, 90)] = Field(0.0, alias="tilt")
    kind: str | None = None
    days: Annotated[tuple[bool, ...], DaysField()] | None = None
    steps: Annotated[float, Number(1, 1e6)] | None = None
    sets: Annotated[int, Number(1, 100, whole=True)] | None = None
    reps: Annotated[int, Number(1, 1000, whole=True)] | None = None
    duration_s: Annotated[float, Quantity("duration", 1, 86_400)] | None = Field(None, alias="duration")
    bouts: Annotated[int, Number(1, 100, whole=True)] | None = None
    spacing_h: Annotated[float, Quantity("hours", 0.05, 24)] | None = Field(None, alias="spacing")
    time_h: Annotated[float, ClockField()] | None = Field(None, alias="time")
    rest_s: Annotated[float, Quantity("duration", 0, 3600)] | None = Field(None, alias="rest")
    load: Annotated[Weight, WeightField()] | None = None
    progression_percent_per_wk: Annotated[float, Quantity("progression", -20, 20)] | None = Field(
        None, alias="progression"
    )
    peak_stress_mpa: Annotated[float, Quantity("stress", 0, 20)] | None = Field(None, alias="peak_stress")
    valley_stress_mpa: Annotated[float, Quantity("stress", 0, 20)] | None = Field(None, alias="valley_stress")
    frequency_hz: Annotated[float, Quantity("frequency", 0, 200)] | None = Field(None, alias="frequency")
    acceleration_g: Annotated[float, Number(0.01, 10)] | None = Field(None, alias="acceleration")
    direction: Annotated[Triple, Triplet(Number(-1, 1))] | None = None  # type: ignore[arg-type]
    harness: Annotated[float, Number(0, 1.5)] | None = None
    counted: Annotated[tuple[Counted, ...], CountedField()] | None = None
    counted_in: Literal["N", "BW", "MPa"] | None = None

    @model_validator(mode="before")
    @classmethod
    def _count_the_record(cls, given: Any, info: ValidationInfo) -> Any:
        """A recorded history is counted where the scenario is read; the scenario then holds its classes."""
        if not isinstance(given, Mapping) or "history" not in given:
            return given
        rest = {key: value for key, value in given.items() if key != "history"}
        folder = Path((info.context or {}).get("folder", "."))
        try:
            counted, unit = read_record(folder, given["history"])
        except InputError as error:
            refuse(str(error), "history")
        return rest | {"counted": [list(one) for one in counted], "counted_in": unit}

    @model_validator(mode="after")
    def _plain_or_of_a_kind(self) -> Self:
        if self.kind is None:
            self._is_plain()
        else:
            self._is_of_a_kind(self.kind)
        return self

    @property
    def label(self) -> str:
        """Its name, else its kind."""
        return self.name or str(self.kind)

    def _is_plain(self) -> None:
        wrong = [key for key in (*_OF_KINDS, "days") if getattr(self, key) is not None]
        if wrong:
            written = type(self).model_fields[wrong[0]].alias or wrong[0]
            refuse(f"is only for rows of a kind. Add a kind, such as kind = \"walking\", or remove {written}.", written)
        for key, value in (("name", self.name), ("stress", self.stress_mpa), ("cycles", self.cycles_per_d)):
            if value is None:
                refuse("missing, and it has no default.", key)
        if not any(self.stress_mpa or ()):
            refuse('all three stresses are 0; give at least one. Example: ["0.6 MPa", "0.2 MPa", "0.2 MPa"].', "stress")

    def _is_of_a_kind(self, kind: str) -> None:
        names = (*kinds(), OWN, RECORDED)
        if kind not in names:
            refuse(f'"{kind}" is not a kind of activity. {closest(kind, names)}', "kind")
        if self.stress_mpa is not None:
            refuse("is for rows without a kind. Write peak_stress for a row of a kind.", "stress")
        if (kind == RECORDED) != (self.counted is not None):
            refuse('and `history` go together. Example: kind = "recorded", history = "gait.csv".', "kind")
        if self.direction is not None and not any(self.direction):
            refuse("is 0 along all three axes. Example: direction = [1, 0.2, 0.2].", "direction")
        self._has_its_force(kind)
        self._has_one_amount(kind)

    def _has_its_force(self, kind: str) -> None:
        if kind == OWN and self.peak_stress_mpa is None:
            refuse('missing. kind = "cycles" needs it. Example: peak_stress = "0.8 MPa".', "peak_stress")
        if self.valley_stress_mpa is not None and self.valley_stress_mpa > (self.peak_stress_mpa or 0.0):
            refuse("must not be above peak_stress, and needs one.", "valley_stress")
        if kind == VIBRATION and (self.acceleration_g is None or self.frequency_hz is None):
            refuse('a vibration needs acceleration = 0.3 (in g) and frequency = "30 Hz".', "kind")
        if kind != VIBRATION and self.acceleration_g is not None:
            refuse('is only for kind = "vibration". Remove it.', "acceleration")
        if kind in lifts() and self.load is None and self.peak_stress_mpa is None:
            refuse(f'missing. A {kind} needs a bar. Example: load = "85 %1RM" or load = "40 kg".', "load")
        if kind not in lifts() and self.load is not None:
            refuse(f"is only for lifts with a bar: {', '.join(lifts())}. Remove it.", "load")
        self._has_one_force(kind)

    def _has_one_force(self, kind: str) -> None:
        """No key that the force of the row would hide."""
        if self.load is not None and self.peak_stress_mpa is not None:
            refuse(
                f"and `peak_stress` both say how large the force of a {kind} is. Keep `load` for the force of the "
                "library under this bar, or `peak_stress` for a stress of your own.",
                "load",
            )
        if kind == RECORDED and self.frequency_hz is not None:
            refuse(
                'is not for kind = "recorded": each class of recorded cycles has the frequency of its own rates. '
                "Remove it, or scale time_s in the file.",
                "frequency",
            )
        given = {RECORDED: "its history", VIBRATION: "its acceleration"}.get(kind)
        if given is not None and self.peak_stress_mpa is not None:
            refuse(
                f'is not for kind = "{kind}", whose stress follows from {given}. Remove it, or write kind = "{OWN}".',
                "peak_stress",
            )

    def _has_one_amount(self, kind: str) -> None:
        values = (self.steps, self.cycles_per_d, self.reps, self.duration_s)
        given = [name for name, value in zip(_AMOUNTS, values, strict=True) if value is not None]
        if len(given) > 1:
            refuse(f"and `{given[1]}` both say how much is done. Keep one.", given[0])
        if not given and kind not in (RECORDED, "lying", "standing", "sitting"):
            lifted = "sets = 3 and reps = 8" if kind in lifts() else "cycles = 50"
            example = "steps = 5000" if kind in stepping() else lifted
            refuse(f"nothing says how much is done a day. Example: {example}.", "kind")
        if self.sets is not None and self.reps is None:
            refuse("missing. Sets have repetitions. Example: reps = 8.", "reps")
        if self.steps is not None and kind not in stepping():
            refuse(f"is for {', '.join(stepping())}. Give cycles.", "steps")
        timed = kind in stepping() or self.frequency_hz is not None
        if self.duration_s is not None and not timed and kind not in ("lying", "standing", "sitting"):
            refuse("needs a frequency to be counted in cycles. Give cycles instead.", "duration")


_SHARES = {"disuse": "load_factor", "osteocyte_ablation": "share", "partial_gravity": "gravity"}
RESIDUAL = ("microgravity", "paralysis", "immobilization")
ConditionKind = Literal[
    "disuse", "osteocyte_ablation", "bed_rest", "microgravity", "partial_gravity", "paralysis", "immobilization"
]


class Condition(Window):
    """Disuse multiplies all loads by `load_factor` (0 none, 1 unchanged), partial gravity by `gravity`; bed rest
    leaves what is done lying, microgravity, paralysis and immobilization the share `residual` of the forces; an
    ablation kills a share of osteocytes.
    """

    kind: ConditionKind
    load_factor: Annotated[float, Number(0, 1)] | None = None
    share: Annotated[float, Number(0, 1)] | None = None
    gravity: Annotated[float, Number(0, 1)] | None = None
    residual: Annotated[float, Number(0, 1)] | None = None

    @field_validator("kind", mode="before")
    @classmethod
    def _known_kind(cls, name: Any) -> str:
        return known("kind of condition", str(name), get_args(ConditionKind))

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> Self:
        wanted = _SHARES.get(self.kind)
        for key in _SHARES.values():
            if key == wanted and getattr(self, key) is None:
                refuse(f'missing. kind = "{self.kind}" needs it, such as {key} = 0.4.', key)
            if key != wanted and getattr(self, key) is not None:
                refuse(f'is not for kind = "{self.kind}". Remove it.', key)
        if self.residual is not None and self.kind not in RESIDUAL:
            refuse(f'is not for kind = "{self.kind}". Remove it.', "residual")
        if self.kind == "osteocyte_ablation" and self.until_d is not None:
            refuse("is not for an ablation, which happens on one day. Remove it.", "until")
        return self


def conditions_apart(rows: tuple[Condition, ...]) -> tuple[Condition, ...]:
    """Conditions none of which overlaps one of its kind, nor two that say what the whole body does."""
    own = [row for row in rows if row.kind != "osteocyte_ablation"]
    keys = ["body" if row.kind in BODY else row.kind for row in own]
    refuse_overlaps(keys, [(row.start_d, row.until_d) for row in own], "until")
    return rows


def resolved_loading(
    loading: Loading | None, activities: Sequence[Activity], conditions: Sequence[Condition]
) -> Loading | None:
    """The section that holds: as given, the default where a row has a kind, None for plain rows alone.

    Refuses rows that do not fit the site, lifts without 1RM, and conditions that plain rows cannot express.
    """
    if loading is None and not any(row.kind for row in activities):
        _plain_conditions(conditions)
        return None
    found = loading or Loading.model_validate({})
    for number, row in enumerate(activities):
        _fits(row, f"activity[{number}]", found)
    return found


def place(loading: Loading | None) -> tuple[str, str, float | None] | None:
    """What a branch cannot change: site, species and area; None for plain rows."""
    return None if loading is None else (loading.site, loading.species, loading.area_mm2)


def _plain_conditions(conditions: Sequence[Condition]) -> None:
    for number, row in enumerate(conditions):
        if row.kind in BODY:
            refuse(
                f'"{row.kind}" needs to know what is done at which site. Add a section [loading], such as '
                'site = "L3" and habitual = "community_adult", or write kind = "disuse" with a load_factor.',
                f"condition[{number}].kind",
            )


def _fits(row: Activity, where: str, loading: Loading) -> None:
    if row.kind is None:
        return
    if row.load is not None and row.load.of_one_rm and row.kind not in loading.one_rm:
        given = closest(row.kind, loading.one_rm) if loading.one_rm else "None is given."
        example = f'Example: one_rm = {{ {row.kind} = "45 kg" }}.'
        refuse(f'missing "{row.kind}", of which {where} lifts a share. {given} {example}', "loading.one_rm")
    one_rm = loading.one_rm.get(row.kind)
    if row.load is not None and not row.load.of_one_rm and one_rm is not None and row.load.amount > one_rm:
        refuse(
            f"{row.load.amount:g} kg is more than can be lifted once: loading.one_rm says {row.kind} {one_rm:g} kg. "
            "Make the load smaller, or the 1RM larger.",
            f"{where}.load",
        )
    if row.peak_stress_mpa is not None or row.kind in (OWN, RECORDED):
        return
    parameters, joint = ParameterSet.load(), JOINTS[loading.site]
    try:
        if row.kind == VIBRATION:
            vibration(parameters, joint, 1.0, 1.0)
        else:
            force_cycle(parameters, row.kind, joint)
    except InputError as error:
        refuse(f"{str(error)[0].upper()}{str(error)[1:]}", f"{where}.kind")
