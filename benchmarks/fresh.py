"""One cold solve in a process of its own, so that its memory can be told from that of everything before."""

from __future__ import annotations

import gc
import resource
import sys
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from bones import SPACING_UM, Mask, mirrored

from boneabm.kernels import blocks
from boneabm.mechanics import MicroFE

STATUS = Path("/proc/self/status")


def resident_mb() -> float:
    """Memory of this process in the machine now, MB."""
    return _status_mb("VmRSS") if STATUS.exists() else peak_mb()


def peak_mb() -> float:
    """Most memory this process ever had in the machine, or since `forget_peak`, MB."""
    if STATUS.exists():
        return _status_mb("VmHWM")
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def forget_peak() -> None:
    """Let `peak_mb` start again from the present memory, where the system allows it."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def _status_mb(name: str) -> float:
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) * 1024 / 1e6


def young(mask: Mask, modulus_mpa: float) -> np.ndarray:
    """Young's modulus of every voxel, MPa, 0 where there is no bone."""
    return mask * np.float32(modulus_mpa)


def solve_tiny(boundary: str, modulus_mpa: float) -> None:
    """Compile every kernel of the solver (or load it) on a small bone with a step in it, changed once."""
    mask = np.ones((20, 20, 20), np.bool_)
    mask[:10, :10] = False
    solver = MicroFE(SPACING_UM, boundary=boundary, tolerance=1e-3)
    solver.update(young(mask, modulus_mpa))
    solver.solve()
    mask[10, 10] = False
    solver.update(young(mask, modulus_mpa))
    solver.solve()
    solver.energy_density(np.ones(solver.cases))


def _solve_here(
    bits: np.ndarray, shape: tuple[int, ...], mirror: bool, options: dict[str, Any], modulus_mpa: float, threads: int
) -> dict[str, float]:
    blocks.set_threads(threads)
    solve_tiny(options["boundary"], modulus_mpa)
    mask = np.unpackbits(bits, count=int(np.prod(shape))).reshape(shape).view(np.bool_)
    modulus = young(mirrored(mask) if mirror else mask, modulus_mpa)
    del mask, bits
    solver = MicroFE(SPACING_UM, **options)
    gc.collect()
    forget_peak()
    before = resident_mb()
    solver.update(modulus)
    solver.solve()
    net_peak = peak_mb() - before
    return {
        "setup_s": solver.setup_s,
        "solve_s": solver.solve_s,
        "iterations": solver.iterations[0],
        "e_app_mpa": float(solver.stiffness_mpa[0, 0]),
        "dof": int(np.prod(solver.displacement_um.shape[1:])),
        "net_peak_mb": net_peak,
        "before_mb": before,
    }


def cold_solve(mask: Mask, mirror: bool, options: dict[str, Any], modulus_mpa: float, threads: int) -> dict[str, float]:
    """Time and memory of one cold update() and solve() in a new process.

    mirror  : solve the bone mirrored along every axis; it is made in the new process
    options : arguments of MicroFE
    Returns setup_s, solve_s, iterations, e_app_mpa, dof, before_mb (memory just before update(): interpreter,
    libraries, compiled kernels and the modulus volume of the caller) and net_peak_mb (the most memory until the end
    of solve() less before_mb).
    """
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(_solve_here, (np.packbits(mask), mask.shape, mirror, options, modulus_mpa, threads))
