"""From a sweep file to the plan: every run as a resolved scenario, named by its content."""

from __future__ import annotations

import itertools
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from boneabm.errors import InputError
from boneabm.identity import burn_in_key, model_version, run_identity
from boneabm.scenario import Scenario
from boneabm.scenario_text import input_error, merge_tables, read_toml
from boneabm.sweep.design import Design, Point, find_base
from boneabm.sweep.folder import PlannedRun, SweepFolder, plan_text

Plan = list[PlannedRun]


def make_plan(design: Design) -> tuple[Scenario, Plan]:
    """Base scenario and all runs of a design, in its order.

    Raises InputError with the problems of all scenarios that cannot be, before anything is run.
    """
    base = Scenario.load(find_base(design.base, design.base_folder))
    tables = read_toml(base.resolved_toml(), design.base)
    plan: Plan = []
    problems: list[str] = []
    for point in design.points:
        try:
            plan.append(_planned(design, point, tables))
        except InputError as error:
            problems.append(str(error))
    if problems:
        raise input_error(design.title, dict.fromkeys(problems))
    return base, plan


def _planned(design: Design, point: Point, base: dict[str, Any]) -> PlannedRun:
    draft = PlannedRun("", point.arm, point.factors, point.replicate, point.seed, "", "")
    merged = merge_tables(base, {**point.changes, "title": f"{design.title}: {draft.label()}"})
    scenario = Scenario.from_dict(merged, draft.label(), design.base_folder)
    burn_in = burn_in_key(scenario) if scenario.branch_from is None else ""
    return replace(draft, run_id=run_identity(scenario), burn_in=burn_in, scenario=scenario.resolved_toml())


def write_plan(design: Design, file: Path, base: Scenario, plan: Plan, folder: SweepFolder) -> None:
    """Put plan, sweep file and base into the folder of the sweep; runs that are there already stay.

    file : the sweep file itself, of which a copy is kept
    """
    folder.runs.mkdir(parents=True, exist_ok=True)
    folder.failed.mkdir(exist_ok=True)
    _put(folder.base_file, base.resolved_toml())
    if file.resolve() != folder.sweep_file.resolve():
        shutil.copyfile(file, folder.sweep_file)
    _put(folder.plan_file, plan_text(design.title, design.reference_arm, plan, model_version()))


def leftovers(plan: Plan, folder: SweepFolder) -> list[str]:
    """Runs on disk that are not part of the plan, such as those of an earlier version of the sweep file."""
    planned = {run.run_id for run in plan}
    there = folder.runs.iterdir() if folder.runs.is_dir() else iter(())
    return sorted(path.name for path in there if path.name not in planned and not path.name.startswith("."))


def default_folder(design: Design) -> Path:
    """Folder of a sweep below the current one: sweeps/TITLE."""
    words = "".join(c if c.isalnum() else " " for c in design.title.lower()).split()
    return Path("sweeps") / ("-".join(words[:6]) or "sweep")


def shared_burn_ins(plan: Plan) -> dict[str, Plan]:
    """Runs by the burned-in state they start from; branches of other runs are left out."""
    with_burn_in = sorted((run for run in plan if run.burn_in), key=lambda run: run.burn_in)
    return {key: list(runs) for key, runs in itertools.groupby(with_burn_in, key=lambda run: run.burn_in)}


def _put(path: Path, text: str) -> None:
    temporary = path.with_name(path.name + ".new")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)
