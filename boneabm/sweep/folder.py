"""One sweep = one folder: the plan, one run folder per run, records of what failed. The file system is the truth."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from boneabm.errors import InputError
from boneabm.io.hdf import in_place
from boneabm.sweep.outcomes import RunTables

Status = Literal["finished", "failed", "partial", "missing"]
RESULT = "result.json"


@dataclass(frozen=True)
class PlannedRun:
    """One run of a sweep.

    run_id    : 16 hexadecimal digits, hash of the resolved scenario (seed included) and the version of the model
    arm       : name of the arm, "" where the sweep has none
    factors   : levels as written in the sweep file, by dotted key ("bone.bv_tv": 0.12)
    replicate : 0, 1, ...; the same replicate has the same seed in every arm and at every level
    seed      : `simulation.seed` of the run
    burn_in   : key of the burned-in state that it starts from, shared by all runs with this key
    scenario  : resolved scenario, TOML text
    """

    run_id: str
    arm: str
    factors: dict[str, Any]
    replicate: int
    seed: int
    burn_in: str
    scenario: str

    def label(self) -> str:
        """Arm, levels and replicate in words."""
        levels = [f"{key} = {level}" for key, level in self.factors.items()]
        return ", ".join([*([self.arm] if self.arm else []), *levels, f"replicate {self.replicate}"])


@dataclass(frozen=True)
class Contrast:
    """Sum of the arms in plus less sum of as many arms in minus."""

    plus: tuple[str, ...]
    minus: tuple[str, ...]

    def __str__(self) -> str:
        """As a formula: "post_hirit + pre_none - post_none - pre_hirit"."""
        return " - ".join((" + ".join(self.plus), *self.minus))


class SweepFolder:
    """Paths of a sweep, its plan and what is done of it."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    sweep_file = property(lambda self: self.path / "sweep.toml", doc="The sweep file as it was planned last.")
    base_file = property(lambda self: self.path / "base.toml", doc="The base scenario, resolved.")
    plan_file = property(lambda self: self.path / "plan.json", doc="Every planned run with its resolved scenario.")
    lock_file = property(lambda self: self.path / "sweep.lock", doc="Held by the one process that runs the sweep.")
    runs = property(lambda self: self.path / "runs", doc="One run folder per run, named by its run_id.")
    burn_ins = property(lambda self: self.path / "burn-in", doc="Burned-in states that runs start from.")
    failed = property(lambda self: self.path / "failed", doc="One JSON file per run that failed.")

    def run_path(self, run_id: str) -> Path:
        """Run folder of a run."""
        return Path(self.runs / run_id)

    def plan(self) -> list[PlannedRun]:
        """Planned runs in the order of the design; InputError where the folder is no sweep."""
        return [PlannedRun(**row) for row in self._plan()["runs"]]

    def title(self) -> str:
        """Title of the sweep."""
        return str(self._plan()["title"])

    def reference_arm(self) -> str:
        """Arm that the others are compared with, "" where there are no arms."""
        return str(self._plan()["reference_arm"])

    def contrasts(self) -> dict[str, Contrast]:
        """Contrasts of arms by name; none in plans that were written before there were contrasts."""
        told = self._plan().get("contrasts", {})
        return {name: Contrast(*map(tuple, (row["plus"], row["minus"]))) for name, row in told.items()}

    def model_version(self) -> str:
        """Version of the model that the sweep was planned with."""
        return str(self._plan()["model_version"])

    def _plan(self) -> dict[str, Any]:
        try:
            plan = dict(json.loads(self.plan_file.read_text(encoding="utf-8")))
        except (FileNotFoundError, NotADirectoryError):
            told = f"{self.path}: not a sweep (no {self.plan_file.name})."
            raise InputError(f"{told} Give the folder of a sweep, as named with --out.") from None
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            told = f"{self.plan_file}: damaged ({error}). Plan it again with: boneabm sweep FILE --out {self.path}"
            raise InputError(told) from None
        if not {"title", "reference_arm", "runs", "model_version"} <= plan.keys():
            raise InputError(f"{self.plan_file}: not the plan of a sweep. Give the folder of a sweep.")
        return plan

    def tables(self, run_id: str) -> RunTables:
        """Daily series and events of a run."""
        return RunTables(self.run_path(run_id))

    def result(self, run_id: str) -> dict[str, Any] | None:
        """What a finished run left in its result.json, else None."""
        return _read_json(self.run_path(run_id) / RESULT)

    def failure(self, run_id: str) -> dict[str, Any] | None:
        """Record of a failed run: {"run_id", "error", "traceback"}, else None."""
        return _read_json(self.failed / f"{run_id}.json")

    def status(self, run_id: str) -> Status:
        """Where a run is."""
        if self.result(run_id) is not None:
            return "finished"
        if (self.failed / f"{run_id}.json").exists():
            return "failed"
        return "partial" if self.run_path(run_id).exists() else "missing"

    def finished(self) -> Iterator[tuple[PlannedRun, dict[str, Any]]]:
        """Planned runs that are finished, with their results, in the order of the plan; one at a time in memory."""
        for run in self.plan():
            result = self.result(run.run_id)
            if result is not None:
                yield run, result

    def digest(self) -> str:
        """Hash over all finished runs of the plan: their states, series and events; times and places do not count."""
        digest = hashlib.sha256()
        for run, result in sorted(self.finished(), key=lambda item: item[0].run_id):
            digest.update(f"{run.run_id} {result['state_sha256']} {result['tables_sha256']}\n".encode())
        return digest.hexdigest()


def plan_text(
    title: str,
    reference_arm: str,
    runs: list[PlannedRun],
    version: str,
    contrasts: Mapping[str, Contrast] | None = None,
) -> str:
    """Content of plan.json."""
    told = {name: asdict(one) for name, one in (contrasts or {}).items()}
    facts = {"title": title, "reference_arm": reference_arm, "contrasts": told, "model_version": version}
    return json.dumps({**facts, "runs": [asdict(run) for run in runs]}, indent=1)


def _read_json(path: Path) -> dict[str, Any] | None:
    """A JSON object of a file; None where there is none, or where a power cut left only a part of it."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None


def put_text(path: Path, text: str) -> None:
    """Write a file so that it is there whole, or as it was before."""
    with in_place(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
