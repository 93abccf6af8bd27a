"""Runs and sweeps as the arms of one comparison: who is paired with whom, over which days, what cannot be compared."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from boneabm.errors import InputError
from boneabm.io.runfolder import RunFolder
from boneabm.report.page import printable
from boneabm.report.record import Record, column, labels, read_record
from boneabm.sweep.folder import Contrast, PlannedRun, Status, SweepFolder
from boneabm.sweep.outcomes import RunTables

FEWEST, MOST, MOST_MEMBERS = 2, 7, 500
EXTENSIVE = frozenset((
    "osteoclasts", "osteoblasts", "osteocytes", "resorbed_um3", "formed_um3", "fragments_um3", "open_sites",
    "opened_sites",
))  # fmt: skip
"""Columns of the series that grow with the block."""


@dataclass(frozen=True)
class Member:
    """One run of an arm: what it tells, its levels in a sweep, and what may be paired: bone and seed."""

    arm: str
    record: Record
    factors: dict[str, Any]

    @property
    def seed(self) -> int:
        """Seed of the run, -1 where it is not known."""
        return self.record.scenario.simulation.seed if self.record.scenario else -1

    @cached_property
    def bone(self) -> str:
        """What makes two bones the same at the start: their section of the scenario, or the run they go on from."""
        s = self.record.scenario
        if s is None:
            return f"unknown: {self.record.path}"
        came = s.branch_from if s.branch_from is not None else (s.bone.model_dump(mode="json"), s.simulation.burn_in_d)
        return json.dumps(came, sort_keys=True, default=str)

    @property
    def block(self) -> tuple[tuple[int, ...], float] | None:
        """Voxels (z, y, x) and voxel size, None where no volumes are stored."""
        volumes = self.record.volumes
        return (volumes.shape, volumes.spacing_um) if volumes else None

    @property
    def span(self) -> tuple[int, int]:
        """First and last day of the series."""
        days = column(self.record.series, "day")
        return int(days[0]), int(days[-1])


class Part(RunTables):
    """Series and events of the days first..last; without what grows with the block where blocks differ."""

    def __init__(self, record: Record, first: int, last: int, same_block: bool) -> None:
        self.path, self.same_block = record.path, same_block
        self.series = _within(record.series, first, last)
        self._events = _within(record.events, first + 1, last)

    @property
    def events(self) -> dict[str, np.ndarray]:  # type: ignore[override]
        """Events of these days."""
        return self._events or {"day": np.empty(0), "event": np.empty(0, "U1")} if self.same_block else {}

    def column(self, name: str) -> np.ndarray:
        """A column of these days, empty where it cannot be compared."""
        return np.empty(0) if name in EXTENSIVE and not self.same_block else super().column(name)


def _within(table: Mapping[str, np.ndarray], first: int, last: int) -> dict[str, np.ndarray]:
    if not table:
        return {}
    keep = (table["day"] >= first) & (table["day"] <= last)
    return {name: values[keep] for name, values in table.items()}


class Arms(SweepFolder):
    """Members of arms in the shape of a sweep, so that its statistics and pictures serve here too.

    The first arm is the reference. Runs of one bone, one seed and equal levels are pairs.
    """

    def __init__(self, members: Sequence[Member], told: Sequence[str]) -> None:
        super().__init__(members[0].record.path)
        self.members, self.told = list(members), list(told)
        self.arms = list(dict.fromkeys(member.arm for member in members))
        self.first = max(member.span[0] for member in members)
        self.last = min(member.span[1] for member in members)
        if self.first > self.last:
            raise InputError(f"The runs have no day in common: {', '.join(_days(m) for m in members[:8])}.")
        blocks = {member.block for member in members if member.block}
        self.same_block = len(blocks) <= 1
        self.told += [*self._days_told(), *self._bones_told(), *self._others_told()]

    def of(self, arm: str) -> list[Member]:
        """Members of an arm."""
        return [member for member in self.members if member.arm == arm]

    def plan(self) -> list[PlannedRun]:
        """One planned run per member; runs that may be paired have the same replicate."""
        keys = [(member.bone, member.seed) for member in self.members]
        numbers = {key: at for at, key in enumerate(dict.fromkeys(keys))}
        bones = self._bones_as_factor()
        return [
            PlannedRun(str(at), m.arm, {**m.factors, **bones.get(m.bone, {})}, numbers[m.bone, m.seed], m.seed, "", "")
            for at, m in enumerate(self.members)
        ]

    def _bones_as_factor(self) -> dict[str, dict[str, str]]:
        """Level of the factor "bone" of each bone, where every arm has the same several bones."""
        sets = [frozenset(member.bone for member in self.of(arm)) for arm in self.arms]
        if len(set(sets)) > 1 or len(sets[0]) == 1 or any(member.factors for member in self.members):
            return {}
        return {bone: {"bone": str(at)} for at, bone in enumerate(sorted(sets[0]), 1)}

    def pairs(self, arm: str) -> list[tuple[Member, Member]]:
        """Members of the reference arm and of this one that belong together."""
        plan = self.plan()
        keys = [(json.dumps(run.factors, sort_keys=True, default=str), run.replicate) for run in plan]
        own = {key: m for key, m in zip(keys, self.members, strict=True) if m.arm == self.arms[0]}
        both = zip(keys, self.members, strict=True)
        return [(own[key], member) for key, member in both if member.arm == arm and key in own]

    def title(self) -> str:
        """All arms."""
        return f"{', '.join(self.arms[1:])} against {self.arms[0]}"

    def reference_arm(self) -> str:
        """The first arm."""
        return self.arms[0]

    def contrasts(self) -> dict[str, Contrast]:
        """None: arms are compared with the first one."""
        return {}

    def status(self, run_id: str) -> Status:
        """All members count, up to the last common day."""
        return "finished"

    def result(self, run_id: str) -> dict[str, Any] | None:
        """Days and seed of a member."""
        member = self.members[int(run_id)]
        return {"days": self.last, "seed": member.seed}

    def tables(self, run_id: str) -> RunTables:
        """Series and events of the common days."""
        return Part(self.members[int(run_id)].record, self.first, self.last, self.same_block)

    def _days_told(self) -> list[str]:
        told = []
        if len({member.span[1] for member in self.members}) > 1:
            shortest = min(self.members, key=lambda member: member.span[1])
            until = f"up to day {self.last}, the last of {_named(shortest)}"
            told.append(f"Runs differ in length: all are compared {until}.")
        if self.first > 0:
            told.append(f"Changes count from day {self.first}, the first day that all runs have.")
        told += [f"{_named(m)} is not finished." for m in self.members if not m.record.finished][:8]
        return told

    def _bones_told(self) -> list[str]:
        told = []
        blocks = list(dict.fromkeys(member.block for member in self.members if member.block))
        if len(blocks) > 1:
            words = "; ".join(f"{' × '.join(map(str, shape))} voxels of {um:g} µm" for shape, um in blocks[:5])
            told.append(
                f"Blocks differ ({words}): numbers of cells, sites and events and volumes in µm³ are left out, and "
                "pictures have no common scale. Rates, fractions and relative changes are compared."
            )
        if len({frozenset(member.bone for member in self.of(arm)) for arm in self.arms}) > 1:
            told.append(
                "Arms differ in their bones: differences mix the treatment with what differs between the bones. "
                "Compare changes, not values; runs of different bones are never paired."
            )
        return told

    def _others_told(self) -> list[str]:
        """Versions and boundaries that differ."""
        metas = [member.record.volumes.meta if member.record.volumes else {} for member in self.members]
        told = []
        if len({meta.get("model_version") for meta in metas if meta.get("model_version")}) > 1:
            told.append("Runs were made by different versions of the model: differences mix treatment and version.")
        held = {member.record.scenario.boundary for member in self.members if member.record.scenario}
        if len(held) > 1:
            told.append("The boundary of the strain solve differs: stiffness is not comparable.")
        alone = [arm for arm in self.arms[1:] if not self.pairs(arm)]
        return told + [f"{arm} shares no bone and seed with {self.arms[0]}: compared without pairs." for arm in alone]


def _named(member: Member) -> str:
    return f"{member.arm} (seed {member.seed})" if member.seed >= 0 else member.arm


def _days(member: Member) -> str:
    return f"{_named(member)} has days {member.span[0]} to {member.span[1]}"


def read_arms(paths: Sequence[Path]) -> Arms:
    """Arms of run folders, folders of runs and sweeps, in their order.

    A run folder is an arm of one run, as far as it is written; a folder that holds run folders is an arm of all its
    finished runs; a sweep gives each of its arms, finished runs alone. InputError where fewer than two arms are left.
    """
    members: list[Member] = []
    told: list[str] = []
    for path, label in zip(paths, labels(list(paths)), strict=True):
        members += _members(path, label, told)
    usable = [member for member in members if column(member.record.series, "day").size]
    told += [f"{_named(m)} ({m.record.label}): no day is written, left out." for m in members if m not in usable][:8]
    arms = dict.fromkeys(member.arm for member in usable)
    if not FEWEST <= len(arms) <= MOST:
        names = ", ".join(arms) or "none"
        raise InputError(
            f"a comparison takes {FEWEST} to {MOST} arms, given {len(arms)} with days to compare ({names}). Give run "
            "folders, folders of runs, or sweeps; the first arm is the reference."
        )
    if len(usable) > MOST_MEMBERS:
        told_ = f"{len(usable)} runs are too many for one page; at most {MOST_MEMBERS}."
        raise InputError(f"{told_} A sweep has its own report: boneabm sweep report.")
    return Arms(usable, told)


def _members(path: Path, label: str, told: list[str]) -> list[Member]:
    if SweepFolder(path).plan_file.exists():
        return _of_sweep(SweepFolder(path), label, told)
    if (path / "log.jsonl").exists() or not path.is_dir():
        return [Member(label, read_record(RunFolder.open(path), label), {})]
    inside = sorted(item for item in path.iterdir() if (item / "log.jsonl").is_file())
    if not inside:
        RunFolder.open(path)
    records = [read_record(RunFolder.open(item), printable(item.name)) for item in inside]
    done = [record for record in records if record.finished]
    if len(done) < len(records):
        told.append(f"{label}: {len(records) - len(done)} of {len(records)} runs are not finished and left out.")
    return [Member(label, record, {}) for record in done]


def _of_sweep(sweep: SweepFolder, label: str, told: list[str]) -> list[Member]:
    plan = sweep.plan()
    several = len({run.arm for run in plan}) > 1
    done = [run for run in plan if sweep.status(run.run_id) == "finished"]
    if len(done) < len(plan):
        told.append(f"{label}: {len(plan) - len(done)} of {len(plan)} runs are not finished and left out.")
    return [
        Member(f"{label}/{run.arm}" if several else label,
               read_record(RunFolder.open(sweep.run_path(run.run_id)), run.run_id), run.factors)
        for run in done
    ]  # fmt: skip
