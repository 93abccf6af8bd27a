"""From a sweep file to the plan: every run as a resolved scenario, named by its content."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from boneabm.errors import InputError
from boneabm.identity import burn_in_key, model_version, run_identity
from boneabm.scenario import Scenario
from boneabm.scenario_text import merge_tables, read_toml
from boneabm.sweep.design import Design, Point, find_base
from boneabm.sweep.folder import PlannedRun, SweepFolder, plan_text, put_text

Plan = list[PlannedRun]


def make_plan(design: Design) -> tuple[Scenario, Plan]:
    """Base scenario and all runs of a design, in its order.

    Raises InputError with the problems of all scenarios that cannot be, before anything is run.
    """
    base = Scenario.load(find_base(design.base, design.base_folder))
    tables = read_toml(base.resolved_toml(), design.base)
    if "final_period_y" not in base.subject.model_fields_set:
        tables["subject"].pop("final_period", None)
    plan: Plan = []
    problems: dict[str, list[str]] = {}
    for point in design.points:
        draft = PlannedRun("", point.arm, point.factors, point.replicate, point.seed, "", "")
        try:
            plan.append(_planned(design, point, draft, tables))
        except InputError as error:
            problems.setdefault(str(error), []).append(draft.label())
    if problems:
        raise InputError("\n".join(f"{text}\n  in {_some(labels)}" for text, labels in problems.items()))
    _refuse_equal(plan)
    return base, plan


def _planned(design: Design, point: Point, draft: PlannedRun, base: dict[str, Any]) -> PlannedRun:
    if "branch_from" in point.changes:
        told = "belongs into the base scenario of a sweep, which then inherits from that run"
        raise InputError(f"{design.title}, branch_from: {told}.")
    merged = merge_tables(base, {**point.changes, "title": f"{design.title}: {draft.label()}"})
    scenario = Scenario.from_dict(merged, design.title, design.base_folder)
    burn_in = burn_in_key(scenario) if scenario.branch_from is None else ""
    return replace(draft, run_id=run_identity(scenario), burn_in=burn_in, scenario=scenario.resolved_toml())


def _refuse_equal(plan: Plan) -> None:
    """One run cannot stand for two points of a design: it would be counted twice."""
    first: dict[str, PlannedRun] = {}
    for run in plan:
        other = first.setdefault(run.run_id, run)
        if other is not run:
            told = f"({other.label()}) and ({run.label()}) are the same run: their scenarios are equal"
            raise InputError(f"{told}. Remove one of the levels, or let the arms differ.")


def _some(labels: Sequence[str], most: int = 3) -> str:
    more = f" and {len(labels) - most} more runs" if len(labels) > most else ""
    return "; ".join(f"({label})" for label in labels[:most]) + more


def write_plan(design: Design, file: Path, base: Scenario, plan: Plan, folder: SweepFolder) -> None:
    """Put plan, sweep file and base into the folder of the sweep; runs that are there already stay.

    file : the sweep file itself, of which a copy is kept
    Raises InputError for a folder that holds something else, or a sweep of another title.
    """
    _refuse_foreign(design, folder)
    folder.runs.mkdir(parents=True, exist_ok=True)
    folder.failed.mkdir(exist_ok=True)
    put_text(folder.base_file, base.resolved_toml())
    if file.resolve() != folder.sweep_file.resolve():
        shutil.copyfile(file, folder.sweep_file)
    put_text(folder.plan_file, plan_text(design.title, design.reference_arm, plan, model_version(), design.contrasts))


def _refuse_foreign(design: Design, folder: SweepFolder) -> None:
    if folder.plan_file.exists():
        if folder.title() != design.title:
            told = f'{folder.path}: holds the sweep "{folder.title()}", not "{design.title}"'
            raise InputError(f"{told}. Choose another --out; runs of different sweeps are kept apart.")
    elif any(path != folder.lock_file for path in folder.path.iterdir()):
        raise InputError(f"{folder.path}: exists and is no sweep, so nothing is written there. Choose another --out.")


def leftovers(plan: Plan, folder: SweepFolder) -> list[str]:
    """Runs on disk that are not part of the plan, such as those of an earlier version of the sweep file."""
    planned = {run.run_id for run in plan}
    there = folder.runs.iterdir() if folder.runs.is_dir() else iter(())
    return sorted(path.name for path in there if path.name not in planned and not path.name.startswith("."))


def default_folder(design: Design) -> Path:
    """Folder of a sweep below the current one: sweeps/TITLE."""
    words = "".join(c if c.isalnum() else " " for c in design.title.lower()).split()
    return Path("sweeps") / ("-".join(words[:6]) or "sweep")
