"""Scenarios that go on from another run: `branch_from = "RUN[:day]"`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from boneabm.errors import InputError
from boneabm.scenario_fields import Field
from boneabm.scenario_text import merge_tables, read_text, read_toml

_BRANCH = re.compile(r"(?P<run>.+?)(?::(?P<day>-?\d+))?", re.DOTALL)


class Branch(NamedTuple):
    """A day of a run: its folder and the day, None for the latest that is stored."""

    run: Path
    day: int | None

    def __str__(self) -> str:
        return str(self.run) if self.day is None else f"{self.run}:{self.day}"


class BranchField(Field):
    """A run folder, with or without a day: "runs/adult" or "runs/adult:365"."""

    def read(self, given: Any) -> Branch:
        """Folder and day."""
        found = _BRANCH.fullmatch(given.strip()) if isinstance(given, str) else None
        if found is None:
            raise InputError(
                f'{given!r} is not a run. Write "RUN" or "RUN:day". Example: branch_from = "runs/adult:365".'
            )
        return Branch(Path(found["run"]).expanduser(), None if found["day"] is None else int(found["day"]))

    def write(self, value: Branch) -> str:
        """The text form."""
        return str(value)

    def json_schema(self) -> dict[str, Any]:
        """A text."""
        return {"type": "string", "examples": ["runs/adult:365"], "description": "run folder, with or without :day"}


def inherit(tables: Mapping[str, Any], folder: Path, where: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Tables of a branch: its own over those of the run it goes on from; and the tables of that run.

    folder : a relative run folder counts from here
    Raises InputError where the run cannot be found.
    """
    try:
        branch = BranchField().read(tables["branch_from"])
    except InputError as error:
        raise InputError(f"{where}, branch_from: {error}") from None
    run = (folder / branch.run).resolve()
    file = run / "scenario.toml"
    if not file.is_file():
        told = f"{where}, branch_from: {run} is not a run folder (no scenario.toml)."
        raise InputError(f"{told} A relative path counts from the folder of the scenario file.")
    parent = read_toml(read_text(file), str(file))
    inherited = {key: value for key, value in parent.items() if key != "branch_from"}
    merged = merge_tables(inherited, tables)
    merged["branch_from"] = str(Branch(run, branch.day))
    if "title" not in tables:
        merged["title"] = f"{parent['title']}, branch"
    return merged, inherited
