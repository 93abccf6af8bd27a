"""A scenario: everything that is prescribed for one run, read from a TOML file with units.

Sections are frozen pydantic models. Keys are written as in the file ("voxel"), attributes carry the internal unit
(`spacing_um`). Unknown keys, missing units and impossible values are refused, all of a file at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from boneabm.errors import nearest
from boneabm.parameters import ParameterSet
from boneabm.scenario_body import (
    Diet,
    Dose,
    HormoneState,
    Infusion,
    Labs,
    Section,
    Subject,
    doses_once,
    fit_together,
    infusions_apart,
    list_of_tables,
    states_apart,
)
from boneabm.scenario_branch import Branch, BranchField, inherit
from boneabm.scenario_fields import (
    VOXEL_SIZE,
    Crop,
    CropField,
    DayList,
    Days,
    Number,
    Quantity,
    Threshold,
    Triple,
    Triplet,
    refuse,
)
from boneabm.scenario_loading import Activity, Condition, Loading, conditions_apart, place, resolved_loading
from boneabm.scenario_schema import DIALECT, WrittenSchema, known_parameters
from boneabm.scenario_text import (
    find_scenario,
    flatten,
    input_error,
    problem_lines,
    read_text,
    read_toml,
    to_toml,
)

FIELDS = (
    "matrix", "osteoid", "mineral", "born_day", "bmu", "sed_mpa", "effective_strain", "signal", "rankl_free_pm",
    "opg_pm", "sclerostin_pm", "sclerostin_free_pm", "bisphosphonate_fg", "estradiol_pg_per_ml",
    "testosterone_ng_per_dl", "pth_pg_per_ml", "igf1_ng_per_ml", "cortisol", "denosumab_pm", "romosozumab_pm",
)  # fmt: skip
SMALLEST_EDGE_VOXELS = 16
THINNEST_TB_TH_VOXELS = 2.5
MOST_VOXELS = 1_000_000_000


class GeneratedBone(Section):
    """A made block of trabecular bone: warped Voronoi network of rods and plates."""

    kind: Literal["generated"]
    size_um: Annotated[Triple, Triplet(Quantity("length", 100, 50_000), cube=True)] = Field(
        (1600.0, 1600.0, 1600.0), alias="size"
    )
    spacing_um: Annotated[float, Quantity("length", 5, 100)] = Field(20.0, alias="voxel")
    bv_tv: Annotated[float, Number(0.03, 0.6)] = 0.15
    tb_th_um: Annotated[float, Quantity("length", 60, 500)] = Field(160.0, alias="tb_th")
    plates: Annotated[float, Number(0, 1)] | None = None
    stretch: Annotated[float, Number(0.5, 2)] = 1.2
    holes: Annotated[float, Number(0, 1)] = 0.3
    seed: Annotated[int, Number(0, 2**63 - 1, whole=True)] = 1

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along z, y, x."""
        z, y, x = (round(edge / self.spacing_um) for edge in self.size_um)
        return z, y, x

    @model_validator(mode="after")
    def _fits_the_grid(self) -> Self:
        for edge in self.size_um:
            voxels = edge / self.spacing_um
            if abs(voxels - round(voxels)) > 1e-6 * voxels:
                whole = round(voxels) * self.spacing_um
                refuse(
                    f'{edge:g} um is not a whole number of {self.spacing_um:g} um voxels. Nearest: "{whole:g} um".',
                    "size",
                )
        return self

    @model_validator(mode="after")
    def _has_sensible_resolution(self) -> Self:
        z, y, x = self.shape
        if min(self.shape) < SMALLEST_EDGE_VOXELS:
            smallest = SMALLEST_EDGE_VOXELS * self.spacing_um
            refuse(f"at least {SMALLEST_EDGE_VOXELS} voxels along each edge are needed, {smallest:g} um here.", "size")
        if z * y * x > MOST_VOXELS:
            refuse(
                f"{z} x {y} x {x} voxels are more than {MOST_VOXELS:g}. Use a larger voxel or a smaller size.", "size"
            )
        thinnest = THINNEST_TB_TH_VOXELS * self.spacing_um
        if self.tb_th_um < thinnest:
            refuse(f"{self.tb_th_um:g} um is below {THINNEST_TB_TH_VOXELS} voxels, {thinnest:g} um.", "tb_th")
        return self


class ImageBone(Section):
    """A micro-CT image and how bone is found in it: Gaussian, threshold, crop, largest part."""

    kind: Literal["image"]
    image: Path
    spacing_um: Annotated[float, VOXEL_SIZE] = Field(alias="voxel_size")
    sigma_voxels: Annotated[float, Number(0, 10)] = Field(1.0, alias="sigma")
    threshold: Annotated[float | Literal["otsu"], Threshold()] = "otsu"
    largest: bool = True
    crop: Annotated[Crop, CropField()] | None = None

    @field_validator("image", mode="before")
    @classmethod
    def _from_the_scenario_file(cls, given: Any, info: ValidationInfo) -> Path:
        """Absolute path; relative paths count from the folder of the scenario file."""
        if not isinstance(given, (str, Path)) or not str(given).strip():
            refuse(f'{given!r} is not a path. Example: image = "sample.tif".')
        context = info.context or {}
        path = (Path(context.get("folder", ".")) / Path(given).expanduser()).resolve()
        if context.get("must_exist") and not path.exists():
            folder = path.parent
            near = nearest(path.name, [p.name for p in folder.iterdir()][:8]) if folder.is_dir() else "No such folder."
            refuse(f"no file {path}. A relative path counts from the folder of the scenario file. {near}")
        return path


Bone = Annotated[GeneratedBone | ImageBone, Field(discriminator="kind")]


BoundaryName = Literal["rollers", "affine"]


class SimulationSettings(Section):
    """How long, with which random numbers, how long the bone is remodeled before day 0, how it is held.

    burn_in_d : a site lasts 145-190 d; after that the open sites, their ages and shapes are in steady state
    boundary  : how the faces of the block are held in the strain solve. "rollers": sliding platens, three unit cases,
                no shear. "affine": linear displacement on all faces, six unit cases; bone looks stiffer and a solve
                takes longer. Left out: "affine" where an activity has a tilt, else "rollers". Arms that are compared
                need the same.
    """

    days: Annotated[int, Days()] = 365
    seed: Annotated[int, Number(0, 2**63 - 1, whole=True)] = 1
    burn_in_d: Annotated[int, Quantity("time", 0, 36500, whole=True)] = Field(190, alias="burn_in")
    boundary: BoundaryName | None = None


class Output(Section):
    """What is written and how often.

    biopsy_every_d     : time between virtual biopsies; the first and the last day have one in any case
    keep_checkpoints_d : days whose states stay, so that other runs can branch from them
    keep_state         : whether the state of the last day stays; without it a finished run cannot be branched
    """

    volumes_every_d: Annotated[int, Quantity("time", 1, 36500, whole=True)] = Field(30, alias="volumes_every")
    agents_every_d: Annotated[int, Quantity("time", 1, 36500, whole=True)] = Field(30, alias="agents_every")
    checkpoint_every_d: Annotated[int, Quantity("time", 1, 36500, whole=True)] = Field(30, alias="checkpoint_every")
    biopsy_every_d: Annotated[int, Quantity("time", 1, 36500, whole=True)] = Field(365, alias="biopsy_every")
    keep_checkpoints_d: Annotated[tuple[int, ...], DayList()] = Field((), alias="keep_checkpoints")
    keep_state: bool = True
    fields: tuple[str, ...] = Field(
        ("matrix", "osteoid", "mineral", "born_day", "bmu", "sed_mpa", "signal", "rankl_free_pm"),
        json_schema_extra={"items": {"type": "string", "enum": list(FIELDS)}, "contains": {"const": "matrix"}},
    )

    @field_validator("fields", mode="before")
    @classmethod
    def _known_fields(cls, given: Any) -> tuple[str, ...]:
        """Names of fields, each known and once, `matrix` among them."""
        if not isinstance(given, (list, tuple)) or not all(isinstance(name, str) for name in given):
            refuse(f"{given!r} is not a list of field names. Known: {', '.join(FIELDS)}.")
        for name in given:
            if name not in FIELDS:
                refuse(f'"{name}" is not a field. {nearest(name, FIELDS)}')
        if "matrix" not in given or len(set(given)) < len(given):
            refuse('must hold each name once, and "matrix", from which pictures and measures are made.')
        return tuple(given)


class Scenario(Section):
    """One experiment: bone, person, hormones, loads, changed parameters, time and outputs."""

    title: str = Field(min_length=1)
    question: str = ""
    expected: str = ""
    source: str = ""
    branch_from: Annotated[Branch, BranchField()] | None = None
    bone: Bone
    subject: Subject = Subject.model_validate({})
    labs: Labs = Labs.model_validate({})
    state: Annotated[tuple[HormoneState, ...], AfterValidator(states_apart)] = ()
    diet: tuple[Diet, ...] = ()
    dose: Annotated[tuple[Dose, ...], AfterValidator(doses_once)] = ()
    infusion: Annotated[tuple[Infusion, ...], AfterValidator(infusions_apart)] = ()
    activity: tuple[Activity, ...] = ()
    condition: Annotated[tuple[Condition, ...], AfterValidator(conditions_apart)] = ()
    loading: Loading | None = None
    parameters: dict[str, float] = Field(default_factory=dict, json_schema_extra=known_parameters)
    simulation: SimulationSettings = SimulationSettings.model_validate({})
    output: Output = Output.model_validate({})

    @field_validator("state", "diet", "dose", "infusion", "activity", "condition", mode="before")
    @classmethod
    def _list_of_tables(cls, given: Any) -> Any:
        """TOML arrays arrive as lists."""
        return list_of_tables(given)

    @field_validator("parameters", mode="before")
    @classmethod
    def _flat_numbers(cls, given: Any) -> dict[str, float]:
        """Dotted names, whether written as "a.b" = 1 or as a.b = 1."""
        if not isinstance(given, Mapping):
            refuse('is not a table. Write a section [parameters] with lines such as "osteoclast.name" = 3.0.')
        return {name: _plain_number(name, value) for name, value in flatten(given)}

    @model_validator(mode="after")
    def _person_fits(self) -> Self:
        fit_together(self.subject, self.labs, self.state, self.dose, self.simulation.days)
        return self

    @model_validator(mode="after")
    def _loads_fit(self) -> Self:
        resolved_loading(self.loading, self.activity, self.condition)
        return self

    @model_validator(mode="after")
    def _rollers_carry_no_shear(self) -> Self:
        tilted = [f'"{row.label}"' for row in self.activity if row.tilt_deg]
        if tilted and self.simulation.boundary == "rollers":
            refuse(
                f'"rollers" are sliding platens and carry no shear, but the load of {", ".join(tilted)} is turned. '
                'Write boundary = "affine", or leave it out.',
                "simulation.boundary",
            )
        return self

    @property
    def week(self) -> Loading | None:
        """Site and habit where loads are given as activities of a week; None where they are plain stresses."""
        return resolved_loading(self.loading, self.activity, self.condition)

    @property
    def boundary(self) -> BoundaryName:
        """How the block is held in the strain solve: as chosen, else "affine" where a load is turned at any time."""
        turned = any(row.tilt_deg for row in self.activity)
        return self.simulation.boundary or ("affine" if turned else "rollers")

    @classmethod
    def load(cls, source: str | Path, parameters: ParameterSet | None = None) -> Scenario:
        """Read a scenario file, or the packaged scenario of this bare name ("menopause").

        parameters : the set that [parameters] refers to, the packaged one by default
        Raises InputError with every problem of the file: key path, what is wrong, what is allowed, closest match.
        """
        path = find_scenario(source)
        return cls._checked(read_toml(read_text(path), str(path)), str(path), path.parent, True, parameters)

    @classmethod
    def from_toml(cls, text: str, where: str = "scenario", folder: Path | str = ".") -> Scenario:
        """Read a scenario from a text, such as the resolved one of a run; its image need not exist any more."""
        return cls._checked(read_toml(text, where), where, Path(folder), False, None)

    @classmethod
    def from_dict(cls, tables: Mapping[str, Any], where: str = "scenario", folder: Path | str = ".") -> Scenario:
        """Read a scenario from tables as they would stand in a file."""
        return cls._checked(dict(tables), where, Path(folder), True, None)

    @classmethod
    def _checked(
        cls, tables: dict[str, Any], where: str, folder: Path, must_exist: bool, parameters: ParameterSet | None
    ) -> Scenario:
        problems: list[str] = []
        parent: dict[str, Any] = {}
        if must_exist and "branch_from" in tables:
            tables, parent = inherit(tables, folder, where)
        try:
            scenario = cls.model_validate(tables, context={"folder": folder, "must_exist": must_exist and not parent})
            problems += scenario._differences(cls.model_validate(parent)) if parent else []
        except ValidationError as error:
            problems += problem_lines(error, SECTIONS)
        problems += _parameter_problems(tables.get("parameters"), parameters)
        if problems:
            raise input_error(where, problems)
        return scenario

    def _differences(self, parent: Scenario) -> list[str]:
        """What a branch changes and cannot: bone and burn-in came before it."""
        told = "is not that of the run it branches from. Leave it out: a branch goes on with the bone of that run."
        same = {"bone": self.bone == parent.bone}
        same["simulation.burn_in"] = self.simulation.burn_in_d == parent.simulation.burn_in_d
        problems = [f"{key}: {told}" for key, equal in same.items() if not equal]
        if place(self.week) != place(parent.week):
            problems.append(
                "loading: site, species and area are not those of the run it branches from, or only one of them gives "
                "activities of a kind. The load that the bone is adapted to is set once: begin a new run."
            )
        if self.boundary != parent.boundary:
            problems.append(
                f'simulation.boundary: "{self.boundary}", but the run it branches from was solved with '
                f'"{parent.boundary}". Both need the same; turned loads need boundary = "affine" in [simulation].'
            )
        return problems

    def with_options(self, days: int | None = None, seed: int | None = None) -> Scenario:
        """Copy with another length in days or seed, as the command line gives them."""
        settings = self.simulation.model_dump(by_alias=True)
        settings.update({k: v for k, v in (("days", days), ("seed", seed)) if v is not None})
        try:
            simulation = SimulationSettings.model_validate(settings)
        except ValidationError as error:
            raise input_error("command line", (f"--{line}" for line in problem_lines(error, SECTIONS))) from None
        return self.model_copy(update={"simulation": simulation})

    def resolved_toml(self) -> str:
        """Text with every default spelled out and the image path absolute; it reads back to an equal scenario."""
        tables = self.model_dump(by_alias=True, exclude_none=True)
        if isinstance(self.bone, ImageBone):
            tables["bone"]["image"] = str(self.bone.image)
        return "# Resolved scenario: every default spelled out.\n" + to_toml(tables)

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """JSON schema of scenario files, for editors."""
        schema = cls.model_json_schema(by_alias=True, schema_generator=WrittenSchema)
        needed = [{"required": schema.pop("required")}, {"required": ["branch_from"]}]
        return {"$schema": DIALECT, **schema, "title": "boneabm scenario", "anyOf": needed}


SECTIONS: dict[tuple[str, ...], type[BaseModel]] = {
    (): Scenario,
    ("bone", "generated"): GeneratedBone,
    ("bone", "image"): ImageBone,
    ("subject",): Subject,
    ("labs",): Labs,
    ("state",): HormoneState,
    ("diet",): Diet,
    ("dose",): Dose,
    ("infusion",): Infusion,
    ("activity",): Activity,
    ("condition",): Condition,
    ("loading",): Loading,
    ("simulation",): SimulationSettings,
    ("output",): Output,
}


def _plain_number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        refuse(f"{value!r} is not a number without unit.", name)
    return float(value)


def _parameter_problems(table: Any, parameters: ParameterSet | None) -> list[str]:
    numbers = dict(flatten(table)) if isinstance(table, Mapping) else {}
    plain = {n: v for n, v in numbers.items() if isinstance(v, (int, float)) and not isinstance(v, bool)}
    if not plain:
        return []
    problems = (parameters or ParameterSet.load()).problems(plain)
    return [f"parameters.{name}: {problem}" for name, problem in problems.items()]
