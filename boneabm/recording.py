"""What a run writes: checkpoints, series, events, volumes, cells. Writers observe and change nothing."""

from __future__ import annotations

import json
import time
from typing import Any, NamedTuple

from .analysis.biopsies import Biopsies
from .analysis.doubts import doubts
from .analysis.observation import ObservationParameters
from .analysis.observe import AGENT_NAMES, SERIES_NAMES, agent_table, series_row, volume_arrays
from .engine import Every, Simulation
from .identity import model_digest, model_version
from .io.agents import AgentWriter
from .io.checkpoint import Meta, write_checkpoint
from .io.provenance import provenance
from .io.runfolder import RunFolder
from .io.series import EventWriter, SeriesWriter
from .io.volumes import VolumeWriter
from .io.xdmf import write_xdmf
from .parameters import ParameterSet
from .scenario import Scenario


class Origin(NamedTuple):
    """Where the first state of a run came from.

    bone    : how the bone came to be
    lineage : the states that it went on from, oldest first: kind ("burn-in" or "branch"), day, digest, key or run
    """

    bone: dict[str, Any]
    lineage: list[dict[str, Any]]

    @classmethod
    def of(cls, meta: Meta) -> Origin:
        """As a checkpoint tells it."""
        return cls(json.loads(str(meta["bone"])), json.loads(str(meta["lineage"])))


class Checkpoints:
    """Writes the whole state when it is due; an engine writer."""

    def __init__(self, folder: RunFolder, scenario: Scenario, origin: Origin, last_day: int) -> None:
        self.folder, self.scenario, self.origin, self.last_day = folder, scenario, origin, last_day
        self.model = model_digest(scenario)
        self.clock_s, self.spent_s = time.perf_counter(), 0.0
        self.bv_tv_first = 0.0
        self.state_sha256 = ""

    def trigger(self, day: int) -> bool:
        """Whether a checkpoint is due."""
        return self.due(day, self.scenario.output.checkpoint_every_d) or day in self.scenario.output.keep_checkpoints_d

    def due(self, day: int, every_d: float) -> bool:
        """Every so many days, and on the last."""
        return Every(round(every_d))(day) or day == self.last_day

    def write(self, simulation: Simulation) -> None:
        """Write what is due."""
        self.checkpoint(simulation)

    def checkpoint(self, simulation: Simulation) -> None:
        """Write a checkpoint and announce it."""
        meta: Meta = {"day": simulation.day, "wall_s": self.wall_s(), "bv_tv_first": self.bv_tv_first}
        meta |= {"phase_s": json.dumps(simulation.phase_s), "model": self.model}
        meta |= {"model_version": model_version(), "bone": json.dumps(self.origin.bone, default=str)}
        meta |= {"lineage": json.dumps(self.origin.lineage)}
        self.state_sha256 = write_checkpoint(self.folder.checkpoint, simulation.state.arrays(), meta)
        if simulation.day in self.scenario.output.keep_checkpoints_d:
            self.folder.keep_checkpoint(simulation.day)
        self.folder.announce("checkpoint", simulation.day, self.folder.checkpoint)

    def wall_s(self) -> float:
        """Seconds spent on this run, earlier sessions included."""
        return self.spent_s + time.perf_counter() - self.clock_s

    def resume(self, simulation: Simulation, meta: Meta) -> None:
        """Go on from a checkpoint: add to what was spent before it."""
        simulation.phase_s.update(json.loads(str(meta["phase_s"])))
        self.spent_s, self.bv_tv_first = float(meta["wall_s"]), float(meta["bv_tv_first"])
        self.state_sha256 = str(meta["state_sha256"])
        self.folder.log("resumed", day=simulation.day)


class Recorder(Checkpoints):
    """Writes all that a run is asked to keep; an engine writer that fires every day."""

    def __init__(self, folder: RunFolder, scenario: Scenario, origin: Origin, simulation: Simulation) -> None:
        super().__init__(folder, scenario, origin, scenario.simulation.days)
        used = ParameterSet.load().override(scenario.parameters)
        self.doubts = doubts(scenario, used).lines()
        lattice, output = simulation.tissue.lattice, scenario.output
        meta = describe(scenario, origin, used, self.doubts)
        self.volumes = VolumeWriter(folder.volumes, lattice.shape, lattice.spacing_um, list(output.fields), meta)
        self.agents = AgentWriter(folder.agents, AGENT_NAMES, meta)
        self.series = SeriesWriter(folder.series, SERIES_NAMES)
        self.events = EventWriter(folder.events)
        self.bv_tv_first = lattice.bv_tv
        look = used.section("observation", ObservationParameters)
        lag_d = simulation.rules.mineral.lag_d
        self.biopsies = Biopsies(folder, output.biopsy_every_d, self.last_day, look, lag_d)

    def trigger(self, day: int) -> bool:
        """Every day."""
        return True

    def write(self, simulation: Simulation) -> None:
        """Append today's row and events, a biopsy, volumes, cells and a checkpoint when they are due."""
        day, output = simulation.day, self.scenario.output
        if day == 0:
            self.bv_tv_first = simulation.tissue.lattice.bv_tv
        self.series.append(series_row(simulation))
        self.events.append(simulation.tissue.today.events)
        self.biopsies.observe(simulation)
        if self.due(day, output.volumes_every_d):
            self.snapshot(simulation)
        if self.due(day, output.agents_every_d):
            self.agents.append(day, *agent_table(simulation))
            self.folder.announce("cells", day, self.folder.agents)
        if super().trigger(day):
            self.checkpoint(simulation)

    def checkpoint(self, simulation: Simulation) -> None:
        """Write a checkpoint after all rows before it are on the disk."""
        self.series.sync()
        self.events.sync()
        self.biopsies.sync()
        super().checkpoint(simulation)
        self.biopsies.forget(simulation.day)

    def snapshot(self, simulation: Simulation) -> None:
        """Append the voxel fields of today and announce them."""
        self.volumes.append(simulation.day, volume_arrays(simulation, self.scenario.output.fields))
        write_xdmf(self.folder.xdmf, self.folder.volumes)
        facts = {"day": simulation.day, "file": self.folder.volumes.name}
        self.folder.log("snapshot", **facts, osteoclasts=int((simulation.tissue.osteoclasts["mode"] != 0).sum()))

    def resume(self, simulation: Simulation, meta: Meta) -> None:
        """Take back everything written after the checkpoint, and add to what was spent before it."""
        for writer in (self.volumes, self.agents, self.series, self.events, self.biopsies):
            writer.truncate_after(simulation.day)
        super().resume(simulation, meta)


def describe(scenario: Scenario, origin: Origin, parameters: ParameterSet, weak: list[str]) -> dict[str, str]:
    """What the output files say about where they come from: versions, scenario, parameters with sources, lineage.

    parameters : those of this scenario; weak : what the run rests on that is of low confidence
    """
    used = (f"{p['section']}.{p['name']} = {p['value']} {p['unit']} ({p['source']})" for p in parameters.rows())
    rows, text = "\n".join(used), scenario.resolved_toml()
    bone = ", ".join(f"{key} = {value}" for key, value in origin.bone.items())
    facts = {"seed": str(scenario.simulation.seed), "bone": bone, "lineage": json.dumps(origin.lineage)}
    facts["low_confidence"] = "; ".join(weak)
    return {**provenance(), "model_version": model_version(), "scenario": text, "parameters": rows, **facts}


def picture_day(folder: RunFolder) -> int:
    """Stored day with the most osteoclasts at work, the latest of equals."""
    stored = [(line.get("osteoclasts", 0), line["day"]) for line in folder.read_log("snapshot")]
    return max(stored, default=(0, 0))[1]
