"""Micro-FE: time, memory and accuracy of the solver against the bandwidth of the machine and against its peers.

    python benchmarks/micro_fe.py [--edge N ...] [--sample TIFF] [--mirror] [--peers jacobi pyamg] [--json]

Every bone: bottom glued, top pressed down and free sideways, E 18 GPa, Poisson's ratio 0.3, cold start to 1e-6.
Everything is measured in this one run, so read ratios, not seconds:

- floor: the time that memory traffic alone takes on this machine, FLOOR_B bytes per node and iteration for
  REFERENCE_ITERATIONS iterations at the bandwidth of the triad. Goal: the solve takes at most 2.5 floors, stretch 1.5.
- net peak: most memory in the machine (VmHWM) until the end of solve() in a process of its own, less its memory just
  before update(): interpreter, libraries, kernels that a tiny bone made it load, and the moduli of the caller.
- SED error: of the strain energy density per voxel against a solution to 1e-9 of the same bone; L2 over the bone, or
  95th percentile of the relative errors of all voxels.
- warm update: after 0.5 % of the surface voxels flipped, or all moduli changed by up to 2 %: update() and solve() from
  the solution of the old bone, at the loosest tolerance that brings the 95th percentile to 0.5 %, over the cold time
  (update and solve to 1e-6). Goal after flips: at most 0.25, stretch 0.10.
- load cases (last bone): three cases at 1e-5 share one update(); time per case over the time of one of them alone.
- peers (corner of the last bone): Jacobi-CG in float64 with this operator; PyAMG (`pip install -e '.[bench]'`) on the
  assembled matrix, assembling not timed.

About five minutes on two quiet cores. Lines come as they are measured; the last line is JSON with all of them, also
after Ctrl-C. --json: only that line.
"""

from __future__ import annotations

import argparse
import os
from functools import partial
from pathlib import Path
from typing import Any

import bones
import micro_fe_peers
import numpy as np
from bones import SPACING_UM, Mask
from fresh import cold_solve, solve_tiny, young
from machine import machine
from micro_fe_warm import Change, measure_accuracy, measure_warm
from numpy.typing import NDArray
from report import Report, best_seconds, progress
from triad import COUNTED_B, ELEMENTS, MOVED_B, elements_per_second

from boneabm.kernels import blocks
from boneabm.lattice.generate import touches_faces
from boneabm.mechanics import MicroFE

MODULUS_MPA = 18_000.0
OPTIONS: dict[str, Any] = {
    "poisson": 0.3, "boundary": "bottom-clamped", "tolerance": 1e-6, "max_iterations": 500
}  # fmt: skip
FLIPPED_SHARE, MODULUS_CHANGE = 0.005, 0.02
CASES_TOLERANCE = 1e-5

# The floor: bytes that one iteration moves per node of the finest level when no two loops are fused (operator 164 + 81,
# Chebyshev steps 292, transfers 96, CG in float64 444), the share of the coarse levels, and the iterations that plain
# geometric multigrid takes on the real sample. All three stay: fewer bytes or iterations are gains, not a lower floor.
FLOOR_B, WITH_COARSE_LEVELS, REFERENCE_ITERATIONS = 1080, 1.6, 38


class Bandwidth:
    """Best triad rate of the run so far: a disturbed triad would flatter the solver."""

    def __init__(self, elements: int = ELEMENTS) -> None:
        self.elements = elements
        self.best: dict[int, float] = {}

    def measure(self) -> None:
        """Run the triad with one thread and with all."""
        progress("triad")
        for threads, rate in elements_per_second(thread_counts(), self.elements).items():
            self.best[threads] = max(self.best.get(threads, 0.0), rate)

    def floor_s(self, nodes: float) -> float:
        """Seconds that the memory traffic of a reference solve takes on all threads."""
        traffic = FLOOR_B * WITH_COARSE_LEVELS * REFERENCE_ITERATIONS * nodes
        return traffic / (self.best[blocks.get_threads()] * MOVED_B)

    def tell(self, report: Report) -> None:
        """Add the rates to the report."""
        report.heading("triad", "triad a = b + 3 c, float64, best of the run so far")
        for threads, rate in self.best.items():
            gb = rate * COUNTED_B / 1e9, rate * MOVED_B / 1e9
            report.add(f"gb_per_s_{threads}", f"{threads} thread(s), {COUNTED_B} B per element, GB/s", gb[0])
            report.add(f"moved_gb_per_s_{threads}", f"{threads} thread(s), {MOVED_B} B (write allocate), GB/s", gb[1])


def thread_counts() -> list[int]:
    """One thread, and all in use."""
    return sorted({1, blocks.get_threads()})


def measure_operator(report: Report, solver: MicroFE, repeats: int) -> None:
    """Rate of out = K x on the finest level in float32 and float64, with one thread and with all."""
    assert solver._solver is not None
    level, threads_in_use = solver._solver.hierarchy.levels[0], blocks.get_threads()
    rng = np.random.default_rng(0)
    inputs: dict[str, NDArray] = {
        "fp32": rng.random((3, level.mesh.size), np.float32),
        "fp64": rng.random((3, level.mesh.size)),
    }
    output = {name: np.empty_like(values) for name, values in inputs.items()}
    for threads in thread_counts():
        blocks.set_threads(threads)
        actions = {name: partial(level.operator.apply, inputs[name], output[name]) for name in inputs}
        for name, seconds in best_seconds(actions, repeats).items():
            rate = 3 * level.mesh.nodes / seconds / 1e6
            report.add(f"operator_{name}_{threads}_mdof_per_s", f"K x, {name}, {threads} thread(s), MDOF/s", rate)
    blocks.set_threads(threads_in_use)


def solve_cold(modulus: NDArray[np.float32], **changed: Any) -> MicroFE:
    """A new solver that has solved a bone."""
    solver = MicroFE(SPACING_UM, **(OPTIONS | changed))
    solver.update(modulus)
    solver.solve()
    return solver


def total_s(solver: MicroFE) -> float:
    """Setup and solve together."""
    return solver.setup_s + solver.solve_s


def measure_cold(report: Report, bandwidth: Bandwidth, mask: Mask, mirror: bool, repeats: int) -> MicroFE | None:
    """Cold start in a process of its own (the only one of a mirrored bone), then here; the best counts."""
    progress("cold solve in a new process")
    alone = cold_solve(mask, mirror, OPTIONS, MODULUS_MPA, blocks.get_threads())
    runs, solver = [(alone["setup_s"], alone["solve_s"])], None
    for _ in range(0 if mirror else repeats):
        progress("cold solve")
        solver = None
        solver = solve_cold(young(mask, MODULUS_MPA))
        runs.append((solver.setup_s, solver.solve_s))
    bandwidth.measure()
    setup_s, solve_s = min(runs, key=sum)
    floor_s = bandwidth.floor_s(alone["dof"] // 3)
    report.add("dof", "degrees of freedom", alone["dof"])
    report.add("e_app_mpa", "apparent modulus, MPa", alone["e_app_mpa"])
    report.add("iterations", f"cold start to {OPTIONS['tolerance']:g}: iterations", alone["iterations"])
    report.add("setup_s", f"setup, s (best of {len(runs)})", setup_s)
    report.add("solve_s", "solve, s", solve_s)
    report.add("floor_s", "floor, s", floor_s)
    report.add("solve_over_floor", "solve over floor", solve_s / floor_s)
    report.add("all_over_floor", "setup and solve over floor", (setup_s + solve_s) / floor_s)
    report.add("net_peak_mb", "net peak memory, MB", alone["net_peak_mb"])
    report.add("peak_mb", "  with interpreter, libraries and moduli, MB", alone["net_peak_mb"] + alone["before_mb"])
    return solver


def measure_changes(report: Report, solver: MicroFE, mask: Mask, cold_s: float, repeats: int) -> None:
    """Accuracy of a solved bone, then warm updates after its surface or its moduli changed a little."""
    state, old = solver.state_arrays(), young(mask, MODULUS_MPA)
    measure_accuracy(report, solver)
    flips = Change(OPTIONS, state, old, young(bones.flipped(mask, FLIPPED_SHARE), MODULUS_MPA))
    measure_warm(report, "flips", f"warm, {FLIPPED_SHARE:.1%} of the surface flipped", flips, cold_s, repeats)
    noise = np.random.default_rng(1).uniform(1 - MODULUS_CHANGE, 1 + MODULUS_CHANGE, old.shape).astype(np.float32)
    moduli = Change(OPTIONS, state, old, old * noise)
    measure_warm(report, "moduli", f"warm, moduli changed by up to {MODULUS_CHANGE:.0%}", moduli, cold_s, repeats)


def measure_cases(report: Report, name: str, mask: Mask, repeats: int) -> None:
    """Three load cases between rollers that share one setup against one of them alone."""
    progress("load cases")
    report.heading(f"load cases, {name}", f"load cases on {name}, to {CASES_TOLERANCE:g}")
    modulus = young(mask, MODULUS_MPA)
    several, single = [], []
    for _ in range(repeats):
        several.append(solve_cold(modulus, boundary="rollers", tolerance=CASES_TOLERANCE))
        one = MicroFE(SPACING_UM, **(OPTIONS | {"boundary": "rollers", "tolerance": CASES_TOLERANCE}))
        one.boundary = one.boundary._replace(strains=one.boundary.strains[:1])
        one.update(modulus)
        one.solve()
        single.append(one)
    three, one = min(several, key=total_s), min(single, key=total_s)
    report.add("one_iterations", "one case: iterations", sum(one.iterations))
    report.add("one_s", "  setup and solve, s", total_s(one))
    report.add("three_iterations", "three cases: iterations, all together", sum(three.iterations))
    report.add("three_s", "  setup and solve, s", total_s(three))
    report.add("case_over_one", "  per case, over one case alone", total_s(three) / 3 / total_s(one))


def measure_bone(report: Report, bandwidth: Bandwidth, name: str, mask: Mask, mirror: bool, repeats: int) -> None:
    """Everything about one bone."""
    edges = " x ".join(str(edge * (1 + mirror)) for edge in mask.shape)
    report.heading(name, f"{name}, {edges} voxels, BV/TV {mask.mean():.3f}")
    if not touches_faces(mask):
        report.note("  left out: the bone does not reach all six faces")
        return
    solver = measure_cold(report, bandwidth, mask, mirror, repeats)
    if solver is None:
        return
    measure_operator(report, solver, 10 * repeats)
    cold_s = report.figures[name]["setup_s"] + report.figures[name]["solve_s"]
    measure_changes(report, solver, mask, cold_s, repeats)


def measure_peers(report: Report, name: str, mask: Mask, peers: list[str]) -> None:
    """Ours and other solvers on the same small bone."""
    edges = " x ".join(map(str, mask.shape))
    report.heading(f"peers, {name}", f"peers on {name}, {edges} voxels, to {OPTIONS['tolerance']:g}")
    if not touches_faces(mask):
        report.note("  left out: the bone does not reach all six faces")
        return
    if "pyamg" in peers and not micro_fe_peers.has_pyamg():
        report.note(f"  {micro_fe_peers.NO_PYAMG}")
    ours_s = 0.0
    for peer, figures in micro_fe_peers.compare(young(mask, MODULUS_MPA), OPTIONS, peers):
        seconds = figures["setup_s"] + figures["solve_s"]
        ours_s = ours_s or seconds
        report.add(f"{peer}_iterations", f"{peer}: iterations", figures["iterations"])
        report.add(f"{peer}_s", "  setup and solve, s", seconds)
        if peer != "ours":
            report.add(f"{peer}_over_ours", "  over ours", seconds / ours_s)
        report.add(f"e_app_mpa_{peer}", "  apparent modulus, MPa", figures["e_app_mpa"])


def chosen_bones(edges: list[int], sample: Path | None) -> list[tuple[str, Mask]]:
    """Generated blocks of these edges, and the real sample where there is one."""
    progress("generating bones")
    found = [(f"generated {edge}", bones.generated(edge)) for edge in edges]
    path = bones.sample_path(sample)
    return found + ([("real", bones.real(path))] if path else [])


def parse() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--edge", nargs="*", type=int, default=[200], help="generated blocks, voxels along an edge")
    parser.add_argument("--sample", type=Path, help="micro-CT stack of 19.5 um; else BONEABM_SAMPLE, if there")
    parser.add_argument("--mirror", action="store_true", help="also the last bone mirrored along every axis, cold only")
    parser.add_argument("--peers", nargs="*", choices=["none", "jacobi", "pyamg"], default=["jacobi", "pyamg"])
    parser.add_argument("--peer-edge", type=int, default=100, help="the peers solve a corner of the last bone")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--threads", type=int, default=blocks.available_threads())
    parser.add_argument("--json", action="store_true", help="print nothing but the line of JSON")
    chosen = parser.parse_args()
    if not chosen.edge and bones.sample_path(chosen.sample) is None:
        parser.error("nothing to solve: give --edge or --sample")
    return chosen


def measure(report: Report, bandwidth: Bandwidth, chosen: argparse.Namespace) -> None:
    """All bones, then load cases, peers and the mirrored bone made of the last one."""
    report.figures |= {"machine": machine(), "threads": blocks.get_threads(), "load": os.getloadavg()[0]}
    report.note(f"{machine()}, {blocks.get_threads()} threads, load before {os.getloadavg()[0]:.1f}")
    solve_tiny(OPTIONS["boundary"], MODULUS_MPA)
    bandwidth.measure()
    bandwidth.tell(report)
    found = chosen_bones(chosen.edge, chosen.sample)
    for name, mask in found:
        measure_bone(report, bandwidth, name, mask, False, chosen.repeats)
    name, mask = found[-1]
    measure_cases(report, name, mask, chosen.repeats)
    if set(chosen.peers) - {"none"}:
        measure_peers(report, name, bones.corner(mask, chosen.peer_edge), chosen.peers)
    if chosen.mirror:
        measure_bone(report, bandwidth, f"{name}, mirrored", mask, True, chosen.repeats)
    bandwidth.tell(report)


def main() -> None:
    """Measure what the command line asks for; the JSON comes even when that is interrupted."""
    chosen = parse()
    blocks.set_threads(chosen.threads)
    report = Report(chosen.json)
    try:
        measure(report, Bandwidth(), chosen)
    finally:
        report.close()


if __name__ == "__main__":
    main()
