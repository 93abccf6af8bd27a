"""Running the sweeps of the suite: planned from the packaged files, run where runs are missing, read when finished.

A sweep of the suite is an ordinary sweep folder: runs are named by their content, so what is there is not run again,
and a killed suite goes on where it stopped.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from boneabm.identity import model_version
from boneabm.kernels import user_cache
from boneabm.scenario_text import flatten, read_toml, to_toml
from boneabm.sweep.design import design_from_text
from boneabm.sweep.folder import SweepFolder
from boneabm.sweep.plan import Plan, make_plan, write_plan
from boneabm.sweep.session import only_session, tally
from boneabm.validation.exercise_bands import with_bands
from boneabm.validation.experiments import Experiment
from boneabm.validation.finished import Arms, FinishedRun
from boneabm.validation.sensitivity import with_arms
from boneabm.validation.targets import DATA

BONES = "bone.seed"
COMPLETED = {"sensitivity": with_arms, "exercise_bands": with_bands}
"""Sweeps some of whose arms are made from the parameters when they are planned."""


@dataclass(frozen=True)
class Sizing:
    """How a suite is made smaller or larger: number of bones, and changes of every scenario ("bone.size": "0.6 mm")."""

    bones: int | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)


AS_WRITTEN = Sizing()


def default_folder() -> Path:
    """Folder of the suite in the user's cache, one per version of the model."""
    return user_cache() / "validation" / model_version()


def sweeps_of(experiments: Iterable[Experiment]) -> tuple[str, ...]:
    """Sweeps that experiments read, each once."""
    return tuple(dict.fromkeys(name for experiment in experiments for name in experiment.sweeps))


def sweep_text(name: str, sizing: Sizing = AS_WRITTEN) -> str:
    """Sweep file of this name as text, resized."""
    path = DATA / f"{name}.toml"
    tables = read_toml(path.read_text(encoding="utf-8"), str(path))
    tables = COMPLETED.get(name, dict)(tables)
    if sizing.bones is not None:
        tables["factors"] = {BONES: _bones(tables["factors"][BONES], sizing.bones)}
    tables["scenario"] = dict(flatten(tables.get("scenario", {}))) | dict(sizing.changes)
    for arm, changes in tables.pop("arms", {}).items():
        tables |= _sections(f"arms.{arm}", dict(flatten(changes)))
    return to_toml(tables)


def _bones(listed: list[int], count: int) -> list[int]:
    """The first bones of a list, then those that follow on its last one."""
    return [*listed, *range(listed[-1] + 1, listed[-1] + 1 + count - len(listed))][:count]


def _sections(arm: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Sections of an arm: its plain keys, then its lists of tables."""
    rows = {key: value for key, value in changes.items() if isinstance(value, list) and isinstance(value[0], Mapping)}
    plain = {key: value for key, value in changes.items() if key not in rows}
    return {arm: plain} | {f"{arm}.{key}": value for key, value in rows.items()}


@dataclass(frozen=True)
class Planned:
    """A sweep of the suite: its folder, its runs, and how to write the plan (under the lock of the sweep)."""

    name: str
    sweep: SweepFolder
    plan: Plan
    write: Callable[[], None]


def plan_sweep(name: str, folder: Path, sizing: Sizing = AS_WRITTEN) -> Planned:
    """Plan a sweep of the suite: its file NAME.toml and its folder NAME in this folder; nothing is written yet.

    Raises InputError where its scenarios cannot be.
    """
    sweep, file, text = SweepFolder(folder / name), folder / f"{name}.toml", sweep_text(name, sizing)
    design = design_from_text(text, f"{name}.toml", DATA)
    base, plan = make_plan(design)

    def write() -> None:
        file.write_text(text, encoding="utf-8")
        write_plan(design, file, base, plan, sweep)

    return Planned(name, sweep, plan, write)


def drop_burn_ins(planned: Planned) -> None:
    """Remove the burned-in states of a sweep none of whose runs is open; runs that are added later make theirs anew."""
    with only_session(planned.sweep):
        if not tally(planned.sweep, planned.plan).open:
            shutil.rmtree(planned.sweep.burn_ins, ignore_errors=True)


def finished_arms(planned: Planned) -> dict[str, list[FinishedRun]]:
    """Finished runs by arm, in the order of bones that are finished in every arm."""
    found: dict[tuple[Any, int], dict[str, FinishedRun]] = {}
    for run in planned.plan:
        if planned.sweep.result(run.run_id) is not None:
            bone = (run.factors.get(BONES), run.replicate)
            found.setdefault(bone, {})[run.arm] = FinishedRun(planned.sweep.run_path(run.run_id))
    names = list(dict.fromkeys(run.arm for run in planned.plan))
    whole = [bones for bones in found.values() if len(bones) == len(names)]
    return {arm: [bones[arm] for bones in whole] for arm in names}


def arms_of(experiment: Experiment, sweeps: Mapping[str, Planned]) -> Arms:
    """Finished runs that an experiment reads; arms are "SWEEP/ARM" where it reads several sweeps."""
    found = {name: finished_arms(sweeps[name]) for name in experiment.sweeps}
    if len(found) == 1:
        return next(iter(found.values()))
    return {f"{sweep}/{arm}": runs for sweep, arms in found.items() for arm, runs in arms.items()}


def run_suite(
    experiments: Sequence[Experiment], folder: Path, run_sweep: Callable[[Planned], bool], sizing: Sizing = AS_WRITTEN
) -> dict[str, Planned]:
    """Plan all sweeps, so that mistakes are told first, then run them one after another; all of them by name.

    run_sweep : runs what is missing of a sweep; whether the suite goes on to the next
    """
    planned = {name: plan_sweep(name, folder, sizing) for name in sweeps_of(experiments)}
    for one in planned.values():
        if not run_sweep(one):
            break
    return planned
