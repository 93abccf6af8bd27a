"""Stiffness, strain and estimated strength of one bone, without a simulation.

>>> import numpy as np
>>> result = solve_bone(np.ones((4, 4, 4), bool), 20, SolveOptions(modulus_mpa=1000, boundary="frictionless"))
>>> round(result.apparent_modulus_mpa, 3)
1000.0
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from boneabm.cost import peak_mb
from boneabm.errors import InputError, nearest
from boneabm.io.bone_source import TELLING_LOSS
from boneabm.kernels.blocks import available_threads, set_threads
from boneabm.mechanics import MicroFE
from boneabm.mechanics.anisotropy import NAMES, Anisotropy, anisotropy
from boneabm.mechanics.boundary import make_boundary, prescribed_displacements
from boneabm.mechanics.mesh import VoxelMesh
from boneabm.parameters import ParameterSet

AXES = ("z", "y", "x")
BOUNDARIES = ("clamped", "bottom-clamped", "frictionless", "affine")
PERCENTILES = {"median": 50, "p95": 95, "p99": 99, "max": 100}
MAX_ITERATIONS = 500
MODULUS_RANGE_MPA = (1e-3, 1e7)  # from gel to ten times diamond: outside, the unit is wrong


@dataclass(frozen=True)
class SolveOptions:
    """What is solved; every value is checked when the options are made.

    modulus_mpa : Young's modulus of the bone where only a mask is given, MPa, > 0
    poisson     : Poisson's ratio, -1 < poisson < 0.5
    boundary    : "clamped" (both ends glued), "bottom-clamped" (first plane glued, last one free sideways),
                  "frictionless" (both ends free sideways) or "affine" (six strains on all faces -> (6, 6) stiffness)
    axis        : "z", "y" or "x", the compressed one
    tolerance   : relative residual, 0 < tolerance < 1
    strain      : apparent strain along the axis at which fields and statistics are given, 0 < strain <= 1
    stress_mpa  : the same load as an apparent stress, MPa, > 0; the strain follows

    Raises InputError for any other value.
    """

    modulus_mpa: float = 18000.0
    poisson: float = 0.3
    boundary: str = "bottom-clamped"
    axis: str = "z"
    tolerance: float = 1e-6
    strain: float = 0.01
    stress_mpa: float | None = None

    def __post_init__(self) -> None:
        _check_word("boundary", self.boundary, BOUNDARIES)
        _check_word("axis", self.axis, AXES)
        for name, value, low, high in (
            ("modulus_mpa", self.modulus_mpa, *MODULUS_RANGE_MPA),
            ("poisson", self.poisson, -1, 0.5),
            ("tolerance", self.tolerance, 0, 1),
            ("stress_mpa", 1.0 if self.stress_mpa is None else self.stress_mpa, 0, math.inf),
        ):
            if not low < value < high:
                raise InputError(f"{name} = {value:g} is not possible. Give a number between {low:g} and {high:g}.")
        if not 0 < self.strain <= 1:
            raise InputError(f"strain = {self.strain:g} is not possible. Give 0 < strain <= 1, compression positive.")

    @property
    def turned(self) -> tuple[int, int, int]:
        """Axes of the volume in the order in which they are solved: the compressed one first, unless affine."""
        first = 0 if self.boundary == "affine" else AXES.index(self.axis)
        second, third = (axis for axis in range(3) if axis != first)
        return first, second, third


def _check_word(name: str, word: str, known: tuple[str, ...]) -> None:
    if word not in known:
        raise InputError(f'{name}: "{word}" is not known. {nearest(word, known)}')


class FailureParameters(NamedTuple):
    """Strain criterion of failure: this share of the bone volume above this effective strain."""

    bone_share: float
    effective_strain: float


class Failure(NamedTuple):
    """Estimated strength: force on the whole face, apparent stress and apparent strain at failure."""

    load_n: float
    stress_mpa: float
    strain: float


class Load(NamedTuple):
    """A load: amplitudes of the unit cases, apparent strain and stress along the axis, compression positive."""

    amplitudes: NDArray[np.float64]
    strain: float
    stress_mpa: float


class Prescribed(NamedTuple):
    """Prescribed displacements: node (n, 3) counted in voxels, component (n,), displacement (n,); all in z, y, x."""

    node: NDArray[np.int64]
    component: NDArray[np.int64]
    displacement_um: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SolveResult:
    """What `solve_bone` found; arrays are (Z, Y, X) in the orientation of the input.

    apparent_modulus_mpa : apparent stress over apparent strain along the axis, under stress along this axis alone
    stiffness_mpa        : (1, 1), or (6, 6) for zz, yy, xx, zy, zx, yx where the boundary is affine
    anisotropy           : principal directions and moduli of the (6, 6) stiffness, else None
    mask, modulus_mpa    : the part that was solved and its Young's moduli
    sed_mpa              : strain energy density at the stated load
    effective_strain     : sqrt(2 sed / modulus) at the stated load
    strain, stress_mpa   : the stated load as apparent strain and stress along the axis, compression positive
    """

    options: SolveOptions
    spacing_um: float
    apparent_modulus_mpa: float
    stiffness_mpa: NDArray[np.float64]
    anisotropy: Anisotropy | None
    strain: float
    stress_mpa: float
    amplitudes: NDArray[np.float64]
    modulus_mpa: NDArray[np.float32]
    sed_mpa: NDArray[np.float32]
    effective_strain: NDArray[np.float32]
    failure: Failure
    dof: int
    iterations: int
    relative_residual: float
    setup_s: float
    solve_s: float
    peak_mb: float
    threads: int
    warnings: list[str] = field(default_factory=list)

    @property
    def mask(self) -> NDArray[np.bool_]:
        """The part that was solved: the largest piece joined by faces."""
        return self.modulus_mpa > 0

    def prescribed(self) -> Prescribed:
        """Displacements that the boundary condition prescribes at the stated load."""
        order = self.options.turned
        mesh = VoxelMesh(np.ascontiguousarray(self.modulus_mpa.transpose(order)))
        boundary = make_boundary(self.options.boundary)
        node, component, displacement = prescribed_displacements(boundary, mesh, self.amplitudes)
        return Prescribed(node[:, np.argsort(order)], np.array(order)[component], displacement * self.spacing_um)

    def flat(self) -> dict[str, str | int | float]:
        """Everything but the arrays as one flat dictionary; units stand in the names."""
        options = self.options
        return {
            "apparent_modulus_mpa": self.apparent_modulus_mpa,
            **({} if self.anisotropy is None else flat_stiffness(self.stiffness_mpa, self.anisotropy)),
            "bv_tv": float(self.mask.mean()),
            "voxels": int(self.mask.sum()),
            "spacing_um": self.spacing_um,
            "boundary": options.boundary,
            "axis": options.axis,
            "modulus_max_mpa": float(self.modulus_mpa.max()),
            "poisson": options.poisson,
            "strain": self.strain,
            "stress_mpa": self.stress_mpa,
            **{f"sed_{name}_mpa": value for name, value in self._statistics(self.sed_mpa).items()},
            **{f"effective_strain_{name}": value for name, value in self._statistics(self.effective_strain).items()},
            "failure_load_n": self.failure.load_n,
            "failure_stress_mpa": self.failure.stress_mpa,
            "failure_strain": self.failure.strain,
            "dof": self.dof,
            "iterations": self.iterations,
            "relative_residual": self.relative_residual,
            "tolerance": options.tolerance,
            "setup_s": self.setup_s,
            "solve_s": self.solve_s,
            "peak_mb": self.peak_mb,
            "threads": self.threads,
        }

    def _statistics(self, values: NDArray[np.float32]) -> dict[str, float]:
        bone = values[self.mask]
        percentiles = np.percentile(bone, list(PERCENTILES.values()))
        return {"mean": float(bone.mean(dtype=np.float64))} | dict(zip(PERCENTILES, percentiles.tolist(), strict=True))


def solve_bone(
    bone: ArrayLike,
    spacing_um: float,
    options: SolveOptions | None = None,
    threads: int | None = None,
    parameters: ParameterSet | None = None,
    report: Callable[[str], None] = lambda text: None,
) -> SolveResult:
    """Apparent stiffness, strain field and estimated strength of a bone under compression along one axis.

    bone       : (Z, Y, X) bool mask, or Young's modulus of every voxel in MPa, 0 = void
    spacing_um : voxel edge, um, > 0
    threads    : all processors by default; no effect on results
    parameters : gives the strain criterion of failure
    report     : is called with a line of text before each step that takes time

    The load is a stress along the axis alone, also where the boundary is affine (no mean stress in other directions).
    Raises InputError for bone that does not span the axis and for impossible values, SolverError without convergence.
    """
    options = options or SolveOptions()
    criterion = (parameters or ParameterSet.load()).section("failure", FailureParameters)
    threads = threads or available_threads()
    set_threads(threads)
    moduli = np.ascontiguousarray(_moduli(bone, options.modulus_mpa).transpose(options.turned))
    solver = MicroFE(spacing_um, options.poisson, options.boundary, options.tolerance, MAX_ITERATIONS)
    report(f"setting up {np.count_nonzero(moduli)} voxels on {threads} threads")
    solver.update(moduli)
    warnings = _check_span(solver, options) + _lost(moduli, solver.mask)
    dof = 3 * solver.nodes
    report(f"solving {dof / 1e6:.2f} million unknowns, {options.boundary}, {solver.cases} load case(s)")
    solver.solve()
    report("strain field and strength")
    load = _uniaxial(solver, options)
    moduli[~solver.mask] = 0
    sed = solver.energy_density(load.amplitudes)
    effective = solver.effective_strain(load.amplitudes)
    back = np.argsort(options.turned)
    return SolveResult(
        options=options,
        spacing_um=float(spacing_um),
        apparent_modulus_mpa=load.stress_mpa / load.strain,
        stiffness_mpa=solver.stiffness_mpa,
        anisotropy=anisotropy(solver.stiffness_mpa) if options.boundary == "affine" else None,
        strain=load.strain,
        stress_mpa=load.stress_mpa,
        amplitudes=load.amplitudes,
        modulus_mpa=moduli.transpose(back),
        sed_mpa=sed.transpose(back),
        effective_strain=effective.transpose(back),
        failure=estimate_failure(effective[solver.mask], load, _face_mm2(bone, spacing_um, options.axis), criterion),
        dof=dof,
        iterations=max(solver.iterations),
        relative_residual=max(history[-1] for history in solver.residuals),
        setup_s=solver.setup_s,
        solve_s=solver.solve_s,
        peak_mb=peak_mb(),
        threads=threads,
        warnings=warnings,
    )


def estimate_failure(
    effective_strain: NDArray[np.floating], load: Load, face_mm2: float, criterion: FailureParameters
) -> Failure:
    """Load at which `bone_share` of the bone volume exceeds `effective_strain`, linear in the load.

    effective_strain : (n,) of all bone voxels at `load`
    face_mm2         : area of the whole face under the load, mm2

    The two numbers were fitted together, on clinical scans of the radius; with other voxel sizes, moduli and sites the
    estimate ranks bones but its newtons need a new fit, as Arias-Moreno et al. (Osteoporos Int 30:1433, 2019) found
    for finer scans of the same site. Infinite where less than that share of the bone carries any load.
    Source: Pistoia et al., Bone 30:842 (2002).
    """
    critical = float(np.quantile(effective_strain, 1 - criterion.bone_share))
    factor = criterion.effective_strain / critical if critical > 0 else math.inf
    stress_mpa = factor * load.stress_mpa
    return Failure(stress_mpa * face_mm2, stress_mpa, factor * load.strain)


def flat_stiffness(stiffness_mpa: NDArray[np.float64], found: Anisotropy) -> dict[str, float]:
    """The 21 numbers of a (6, 6) stiffness and its principal constants, one name each."""
    rows = {f"stiffness_{NAMES[i]}_{NAMES[j]}_mpa": float(stiffness_mpa[i, j]) for i in range(6) for j in range(i, 6)}
    for number, (youngs, direction) in enumerate(zip(found.youngs_mpa, found.directions, strict=True), start=1):
        rows[f"youngs_{number}_mpa"] = float(youngs)
        rows |= {f"direction_{number}_{axis}": float(part) for axis, part in zip(AXES, direction, strict=True)}
    for pair, shear, poisson in zip(("12", "13", "23"), found.shear_mpa, found.poisson, strict=True):
        rows |= {f"shear_{pair}_mpa": float(shear), f"poisson_{pair}": float(poisson)}
    return rows | {"degree_of_anisotropy": found.ratio, "not_orthotropic": found.not_orthotropic}


def _moduli(bone: ArrayLike, modulus_mpa: float) -> NDArray[np.float32]:
    given = np.asarray(bone)
    if given.ndim != 3:
        raise InputError(f"solve: a (Z, Y, X) volume is needed, got shape {given.shape}.")
    if given.dtype.kind not in "bf":
        raise InputError(
            f"solve: a volume of {given.dtype} can mean labels or moduli. Give a mask (volume > 0), "
            "or moduli in MPa as floating-point numbers."
        )
    return np.where(given, np.float32(modulus_mpa), np.float32(0)) if given.dtype == bool else given.astype(np.float32)


def _check_span(solver: MicroFE, options: SolveOptions) -> list[str]:
    """An error where the load has no way through the bone; for affine strains a warning about each such axis."""
    spans = dict(zip([AXES[axis] for axis in options.turned], solver.spans, strict=True))
    cut = [axis for axis in AXES if not spans[axis]]
    if options.axis in cut:
        others = [axis for axis in AXES if spans[axis]]
        way_out = "It spans no other axis either:"
        if others:
            way_out = f"It does span {', '.join(others)}: choose --axis {others[0]}, or"
        raise InputError(
            f"axis {options.axis}: the largest part of the bone does not reach from the first to the last plane, so it "
            f"carries no load. {way_out} crop away the empty planes (--crop), or check the threshold."
        )
    if options.boundary != "affine" or not cut:
        return []
    return [f"the bone does not span {', '.join(cut)}: moduli along such an axis say little about the bone"]


def _lost(moduli: NDArray[np.float32], mask: NDArray[np.bool_]) -> list[str]:
    total = np.count_nonzero(moduli)
    lost = total - np.count_nonzero(mask)
    if lost <= TELLING_LOSS * total:
        return []
    return [f"{100 * lost / total:.1f} % of the bone is not joined to the largest part by faces and carries no load"]


def _uniaxial(solver: MicroFE, options: SolveOptions) -> Load:
    """The stated load: amplitudes of the unit cases under stress along the axis alone."""
    stress = np.zeros(solver.cases)
    row = options.turned.index(AXES.index(options.axis))
    stress[row] = 1.0
    amplitudes = solver.macro_strain(stress)
    factor = options.strain / amplitudes[row] if options.stress_mpa is None else options.stress_mpa
    return Load(factor * amplitudes, float(factor * amplitudes[row]), float(factor))


def _face_mm2(bone: ArrayLike, spacing_um: float, axis: str) -> float:
    voxels = math.prod(length for length, name in zip(np.shape(bone), AXES, strict=True) if name != axis)
    return voxels * (spacing_um / 1000) ** 2
