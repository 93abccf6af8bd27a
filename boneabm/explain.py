"""What a scenario means, in words, before it is run: bone, person, loads, time, parameters, outputs, the day."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from boneabm import explain_loads
from boneabm.analysis.doubts import doubts
from boneabm.build import bone_lost
from boneabm.cost import cost_of, shape_of
from boneabm.explain_body import calendar, curves
from boneabm.parameters import ParameterSet
from boneabm.report.timeline import person, what
from boneabm.scenario import (
    Activity,
    Condition,
    GeneratedBone,
    HormoneState,
    ImageBone,
    Scenario,
)
from boneabm.scenario_body import Window
from boneabm.units import DAYS_PER_YEAR

LAB_NAMES = {"pth": "PTH", "igf1": "IGF-1"}
_HELD = {
    "rollers": "strain is solved between sliding platens, three unit cases, no shear",
    "affine": "strain is solved with linear displacement of all faces, six unit cases, from the burn-in on",
}


def explain(scenario: Scenario, parameters: ParameterSet, phases: Sequence[tuple[str, str]]) -> str:
    """Text that says what a run of this scenario will do.

    parameters : the packaged set, without the changes of the scenario
    phases     : (name, sentence) of the day, in order
    Raises InputError if the scenario changes a parameter that does not exist or leaves its range.
    """
    changed = parameters.override(scenario.parameters)
    parts = [
        _heading(scenario),
        _part("Bone", _bone(scenario, changed)),
        _part("Subject", _subject(scenario, changed)),
        *_person(scenario, changed),
        _part("Loads", _loads(scenario, changed)),
        _part("Timeline", _timeline(scenario)),
        _part("Parameters", _parameters(changed)),
        _part("Output", _output(scenario)),
        _part("Each day", [f"{name:<11} {sentence}" for name, sentence in phases]),
    ]
    return "\n\n".join(parts)


def _person(scenario: Scenario, parameters: ParameterSet) -> list[str]:
    rows = calendar(scenario)
    doses = [_part("Doses, diet and states", rows)] if rows else []
    predicted = "\n".join(["Hormones, predicted", *(f"  {line}" for line in curves(scenario, parameters))])
    weak = doubts(scenario, parameters).lines()
    return [*doses, predicted, *([_part("Weak evidence", weak)] if weak else [])]


def _part(title: str, lines: Iterable[str]) -> str:
    wrapped = (
        textwrap.wrap(line, 116, subsequent_indent="  ", break_on_hyphens=False) or [""] for line in lines
    )
    return "\n".join([title, *(f"  {line}" for group in wrapped for line in group)])


def _heading(scenario: Scenario) -> str:
    texts = (("Question", scenario.question), ("Expected", scenario.expected), ("Source", scenario.source))
    return "\n".join([scenario.title, *(f"  {name}: {text}" for name, text in texts if text)])


def _bone(scenario: Scenario, parameters: ParameterSet) -> list[str]:
    if scenario.branch_from is not None:
        return [f"that of {scenario.branch_from}, as it is then; days count on from that run's day 0"]
    lines = _generated(scenario.bone) if isinstance(scenario.bone, GeneratedBone) else _image(scenario.bone)
    return lines + _cost(scenario, parameters)


def _generated(bone: GeneratedBone) -> list[str]:
    z, y, x = bone.size_um
    plates = "chosen from BV/TV" if bone.plates is None else f"{bone.plates:g}"
    return [
        f"generated block {z / 1000:g} x {y / 1000:g} x {x / 1000:g} mm (z, y, x), voxel {bone.spacing_um:g} um",
        f"BV/TV {bone.bv_tv:g}, Tb.Th {bone.tb_th_um:g} um, plates {plates}, stretch {bone.stretch:g}, "
        f"holes {bone.holes:g}, seed {bone.seed}",
    ]


def _image(bone: ImageBone) -> list[str]:
    crop = "whole image" if bone.crop is None else "crop " + ", ".join(f"{first}:{end}" for first, end in bone.crop)
    parts = "largest part only" if bone.largest else "all parts"
    return [
        f"image {bone.image}, voxel {bone.spacing_um:g} um",
        f"Gaussian {bone.sigma_voxels:g} voxels, threshold {bone.threshold}, {crop}, {parts}",
    ]


def _cost(scenario: Scenario, parameters: ParameterSet) -> list[str]:
    cost, shape, settings = cost_of(scenario, parameters), shape_of(scenario), scenario.simulation
    if cost is None or shape is None:
        return ["voxels, memory and time are known once the image is read; give a crop to see an estimate here"]
    size = " x ".join(str(edge) for edge in shape)
    return [
        f"{size} = {cost.voxels} voxels, about {cost.bone_mm3:.2g} mm3 of bone with {round(cost.osteocytes, -2):.0f} "
        "osteocytes",
        f"estimates, rough: {cost.memory_mb:.0f} MB of memory; on one thread {_time(cost.run_s)} for {settings.days} "
        f"days and, before them, {_time(cost.burn_in_s)} for {settings.burn_in_d} days of burn-in, in which the open "
        "sites reach their steady state; the burned-in bone is kept for further runs that begin with it",
    ]


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _subject(scenario: Scenario, parameters: ParameterSet) -> list[str]:
    subject, labs = scenario.subject, scenario.labs
    lines = [person(scenario)]
    lines += _final_period(scenario)
    lost = bone_lost(subject, parameters)
    if lost > 0:
        stated = subject.bone_lost_percent is not None
        told = "stated" if stated else "assumed from the final period; [subject] bone_lost states it"
        lines.append(
            f"bone lost since the osteocytes adapted: {100 * lost:.0f} % ({told}); in the habit they feel "
            f"{1 / (1 - lost):.2f} x what they did, set points have followed in part: psi/psi* is "
            f"{explain_loads.head_start(subject, parameters):.2f} in the habit on day 0, and every psi/psi* below "
            "contains that"
        )
    lines.append("hormones follow age" if subject.aging else "hormones stay as at the start (aging = false)")
    pins = labs.model_dump(by_alias=True, exclude_none=True)
    return lines + [f"{LAB_NAMES.get(name, name)} pinned to {_short(level)}" for name, level in pins.items()]


def _final_period(scenario: Scenario) -> list[str]:
    """When it was, and whether somebody said so; women without one stay premenopausal."""
    subject = scenario.subject
    if subject.final_period_y is not None:
        assumed = "" if "final_period_y" in subject.model_fields_set else " (assumed; [subject] final_period states it)"
        return [f"final menstrual period at {subject.final_period_y:g} y{assumed}"]
    if subject.sex == "male":
        return []
    removed = any(row.kind == "oophorectomy" for row in scenario.state)
    held = "until the oophorectomy" if removed else "for the whole run"
    return [f"premenopausal {held}: no [subject] final_period is given"]


def _short(quantity: str) -> str:
    number, _, unit = quantity.partition(" ")
    return f"{float(number):.4g} {unit}"


def _loads(scenario: Scenario, parameters: ParameterSet) -> list[str]:
    weekly = explain_loads.calendar(scenario, parameters)
    if weekly:
        plain = [f"counted as one bout a day at 1 Hz: {_activity(r)}" for r in scenario.activity if r.kind is None]
        rows = weekly + plain
    elif not scenario.activity:
        rows = ["habitual program (no [[activity]] given)"]
    else:
        rows = [_activity(row) for row in scenario.activity]
    if scenario.week is None:
        rows += explain_loads.beyond_yield(explain_loads.plain_loads(scenario, parameters), scenario, parameters)
    return [*rows, f'boundary "{scenario.boundary}": {_HELD[scenario.boundary]}']


def _activity(row: Activity) -> str:
    z, y, x = row.stress_mpa or (0.0, 0.0, 0.0)
    turned = f", turned {row.tilt_deg:g} deg from z toward x" if row.tilt_deg else ""
    return f"{row.label}: {z:g}, {y:g}, {x:g} MPa along z, y, x{turned}; {row.cycles_per_d:g} cycles a day{_span(row)}"


def _span(row: Window) -> str:
    if row.until_d is None:
        return f", from day {row.start_d:g}" if row.start_d else ""
    return f", day {row.start_d:g} until {row.until_d:g}"


def _timeline(scenario: Scenario) -> list[str]:
    days = scenario.simulation.days
    moments = [(0.0, "start"), (float(days), f"end, {days} days")]
    states = tuple(row for row in scenario.state if row.kind != "indices")
    rows: tuple[HormoneState | Activity | Condition, ...] = (*states, *scenario.activity, *scenario.condition)
    for row in rows:
        moments.append((row.begin_d if isinstance(row, HormoneState) else row.start_d, f"{what(row)} begins"))
        moments += [(row.until_d, f"{what(row)} ends")] if row.until_d is not None else []
    subject = scenario.subject
    if subject.final_period_y is not None and subject.aging:
        moments.append(((subject.final_period_y - subject.age_y) * DAYS_PER_YEAR, "final menstrual period"))
    return [f"day {day:>6.0f}  {text}{_beyond(day, days)}" for day, text in sorted(moments, key=lambda m: m[0])]


def _beyond(day: float, days: int) -> str:
    return " (after the end of the run)" if day > days else ""


def _parameters(parameters: ParameterSet) -> list[str]:
    changes = [f"{c.name}: {c.default:g} -> {c.value:g} {c.unit}" for c in parameters.changed()]
    assumed = parameters.assumed()
    lines = [f"changed: {len(changes)} of {len(parameters)}", *changes]
    lines.append(f"assumed, not measured: {len(assumed)}; listed with all weak rows by: boneabm params --check")
    return lines


def _output(scenario: Scenario) -> list[str]:
    out, simulation = scenario.output, scenario.simulation
    return [
        f"volumes every {out.volumes_every_d} d ({', '.join(out.fields)})",
        f"cells every {out.agents_every_d} d, checkpoint every {out.checkpoint_every_d} d, series every day",
        f"seed {simulation.seed}: the same scenario and seed give the same result on any number of threads",
    ]
