"""Morphometry: all measures of one bone, and local thickness side by side with other tools in the same run.

    python benchmarks/morphometry.py [--sample FILE | --edge N] [--python PATH] [--limit S] [--no-peers] [--json]

The bone is the real sample (sigma 1, > 63, largest piece) where it is found, else a generated block. Peers run one
after the other in processes of --python (an interpreter that has them: pip install ormir-xct porespy localthickness
itk-bonemorphometry); a missing one is reported as missing, one above --limit as stopped. A peer counts as exact if at
least EQUAL of its voxels have our diameter, which tests hold against brute force. Goals: everything in 20 s on two
cores, and bone and marrow in at most 1/8 of the time of the fastest exact peer.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from bones import SPACING_UM, Mask, generated, sample_path
from machine import machine
from morphometry_peers import PEERS
from report import Report, best_seconds, progress

from boneabm.io.microct import Segmentation, read_bone
from boneabm.kernels import blocks
from boneabm.kernels.thickness import cover_table, find_ridge
from boneabm.morphometry import (
    bone_surface_mm2,
    connectivity_density,
    largest_component,
    local_thickness,
    measure_fully,
    mil_fabric,
    plates_and_rods,
    structure_model_index,
)
from boneabm.morphometry.thickness import deal_balls, inscribed_balls, paint_cubes, squared_distance

PEERS_SCRIPT = Path(__file__).with_name("morphometry_peers.py")
EQUAL = 0.95


def bone_of(sample: Path | None, edge: int) -> tuple[str, Mask]:
    """Name and mask of the bone that is measured."""
    path = sample_path(sample)
    if path is None:
        return f"generated block {edge}^3", generated(edge)
    mask, _ = read_bone(path, SPACING_UM, Segmentation(sigma_voxels=1.0, threshold=63.0))
    if edge < mask.shape[0]:
        mask = largest_component(np.ascontiguousarray(mask[:edge, :edge, :edge]))
    return f"real sample {mask.shape}", mask


def measure_ours(report: Report, name: str, mask: Mask, repeats: int) -> dict[str, np.ndarray]:
    """Time and value of everything; returns the diameters of bone and marrow in voxels."""
    report.heading("ours", f"ours on {name}, {blocks.get_threads()} threads, best of {repeats}")
    maps: dict[str, np.ndarray] = {}
    actions: dict[str, Callable[[], object]] = {
        "bone": lambda: maps.update(bone=local_thickness(mask, 1.0)),
        "marrow": lambda: maps.update(marrow=local_thickness(~mask, 1.0)),
        "conn_d": lambda: connectivity_density(largest_component(mask, 26), SPACING_UM),
        "bs": lambda: bone_surface_mm2(mask, SPACING_UM),
        "smi": lambda: structure_model_index(mask),
        "fabric": lambda: mil_fabric(mask, SPACING_UM),
        "elements": lambda: plates_and_rods(mask),
        "everything": lambda: maps.update(found=measure_fully(mask, SPACING_UM)),  # type: ignore[dict-item]
    }
    for key, seconds in best_seconds(actions, repeats).items():
        report.add(f"{key}_s", f"{key}, s", seconds)
    start_cpu = time.process_time()
    actions["bone"]()
    actions["marrow"]()
    report.add("thickness_cpu_s", "bone and marrow, CPU s of all threads", time.process_time() - start_cpu)
    standard, shape, _ = maps.pop("found")
    for key, value in {**vars(standard), **vars(shape)}.items():
        report.add(key, key, value)
    return maps


def measure_steps(report: Report, mask: Mask) -> None:
    """Where the time of local thickness goes, once, and how many balls there are."""
    for name, phase in (("bone", mask), ("marrow", ~mask)):
        report.heading(f"steps, {name}", f"steps of local thickness, {name}")
        marks = [time.perf_counter()]
        d2 = squared_distance(phase)
        marks.append(time.perf_counter())
        ridge = np.empty(d2.shape, np.bool_)
        blocks.launch(find_ridge, d2.shape[0], d2, cover_table(int(d2.max())), ridge)
        marks.append(time.perf_counter())
        balls = inscribed_balls(d2)
        marks.append(time.perf_counter())
        start, numbers = deal_balls(balls, phase.shape)
        marks.append(time.perf_counter())
        diameter = np.zeros(phase.shape, np.float32)
        blocks.launch(paint_cubes, start.size - 1, balls, start, numbers, d2, diameter)
        marks.append(time.perf_counter())
        distance, ridges, listed, dealt, painted = np.diff(marks)
        report.add("voxels", "voxels", int(phase.sum()))
        report.add("balls", "balls that no neighbor covers", int(balls.shape[0]))
        report.add("distance_s", "squared distance, s", distance)
        report.add("ridge_s", "ridge, s", ridges)
        report.add("list_s", "listing, sorted, s", max(listed - ridges, 0.0))
        report.add("deal_s", "dealing, s", dealt)
        report.add("paint_s", "painting, s", painted)


def measure_threads(report: Report, mask: Mask, repeats: int) -> None:
    """Local thickness of bone and marrow by number of threads; the maps must be equal."""
    report.heading("threads", "local thickness of bone and marrow by threads")
    before, maps = blocks.get_threads(), []
    for threads in sorted({1, before}):
        blocks.set_threads(threads)
        seconds = best_seconds({"both": lambda: (local_thickness(mask, 1.0), local_thickness(~mask, 1.0))}, repeats)
        report.add(f"threads_{threads}_s", f"{threads} thread(s), s", seconds["both"])
        maps.append(local_thickness(~mask, 1.0))
    blocks.set_threads(before)
    equal = all(np.array_equal(maps[0], other) for other in maps)
    report.add("equal_bits", "equal bits for all of them (1 is yes)", int(equal))


def ask_peer(python: str, name: str, mask: Mask, limit_s: float) -> tuple[dict[str, Any], np.ndarray | None]:
    """What a peer says of a mask, and its map of diameters in voxels; {"missing": why} where it cannot."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "mask.npy"), Path(folder, "out.npy")
        np.save(source, mask)
        command = [python, str(PEERS_SCRIPT), name, str(source), str(target)]
        try:
            done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=limit_s, cwd=folder)
        except subprocess.TimeoutExpired:
            return {"stopped": f"after {limit_s:g} s"}, None
        if done.returncode:
            return {"missing": (done.stderr.strip().splitlines() or ["no reason given"])[-1]}, None
        return json.loads(done.stdout.splitlines()[-1]), np.load(target) if target.exists() else None


def measure_peer(
    report: Report, name: str, phases: dict[str, Mask], ours: dict[str, np.ndarray], python: str, limit_s: float
) -> tuple[float, float]:
    """Time of a peer over the phases (inf where it is missing) and the smallest share of voxels that agree with us."""
    report.heading(name, name)
    total, equal = 0.0, 1.0
    for phase, voxels in phases.items():
        progress(f"{name}, {phase}")
        facts, diameter = ask_peer(python, name, voxels, limit_s)
        if "seconds" not in facts:
            report.figures[name] |= facts
            report.note(f"  {phase}: {facts}")
            total += limit_s if "stopped" in facts else float("inf")
            continue
        total += facts["seconds"]
        report.note(f"  version {facts.pop('version')}")
        for key, value in facts.items():
            report.add(f"{phase}_{key}", f"{phase}, {key}", value)
        if diameter is not None:
            same = float(np.isclose(diameter, ours[phase], atol=1e-3)[voxels].mean())
            equal = min(equal, same)
            report.add(f"{phase}_mean_um", f"{phase}, mean, um", float(diameter[voxels].mean(dtype=float)) * SPACING_UM)
            report.add(f"{phase}_equal", f"{phase}, share of voxels with our diameter", same)
    return total, equal


def measure_peers(report: Report, mask: Mask, ours: dict[str, np.ndarray], python: str, limit_s: float) -> None:
    """Every peer, and the ratio of our time to that of the fastest exact one."""
    ours_found = report.figures["ours"]
    own_s, own_cpu_s = ours_found["bone_s"] + ours_found["marrow_s"], ours_found["thickness_cpu_s"]
    exact: dict[str, float] = {}
    for name, (_, kind) in PEERS.items():
        phases = {"bone": mask, "marrow": ~mask} if kind == "thickness" else {"bone": mask}
        total, equal = measure_peer(report, name, phases, ours, python, limit_s)
        if kind == "table" or not np.isfinite(total):
            continue
        more = "at least " if "stopped" in report.figures[name] else ""
        report.add("ratio", f"{more}this many times our time (bone and marrow)", total / own_s)
        cpu = [report.figures[name].get(f"{phase}_cpu_seconds", limit_s) for phase in phases]
        report.add("cpu_ratio", f"{more}this many times our CPU time", sum(cpu) / own_cpu_s)
        if equal >= EQUAL and "stopped" not in report.figures[name]:
            exact[name] = total
    report.heading("ratio", "fastest exact peer")
    if exact:
        fastest = min(exact, key=lambda name: exact[name])
        report.add("fastest_exact_over_ours", f"{fastest}, time over ours (goal 8)", exact[fastest] / own_s)
    else:
        report.note("  no exact peer is installed")


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=Path, help="the real sample (TIFF)")
    parser.add_argument("--edge", type=int, default=200, help="voxels along each edge")
    parser.add_argument("--python", default=sys.executable, help="interpreter that has the peers")
    parser.add_argument("--limit", type=float, default=600.0, help="longest time of one peer on one phase, s")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--json", action="store_true", help="only the last line")
    options = parser.parse_args()
    report = Report(options.json)
    report.note(machine())
    blocks.set_threads(blocks.available_threads())
    name, mask = bone_of(options.sample, options.edge)
    measure_fully(np.ascontiguousarray(mask[:40, :40, :40]), SPACING_UM)
    maps = measure_ours(report, name, mask, options.repeats)
    measure_steps(report, mask)
    measure_threads(report, mask, options.repeats)
    if not options.no_peers:
        measure_peers(report, mask, maps, options.python, options.limit)
    report.close()


if __name__ == "__main__":
    main()
