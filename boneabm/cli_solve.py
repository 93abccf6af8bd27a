"""What `boneabm solve` does and says: words of the command line in; files, a table and numbers out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from boneabm.errors import InputError
from boneabm.io.bone_source import read_source
from boneabm.io.parosol import check_parosol, write_parosol
from boneabm.io.provenance import provenance
from boneabm.io.strain_field import check_strain_field, write_strain_field
from boneabm.solve import SolveOptions, SolveResult, solve_bone
from boneabm.units import quantity

Flat = dict[str, str | int | float]

UNITS = {
    "_mpa": "MPa", "_um": "um", "_n": "N", "_s": "s", "_mb": "MB",
    "bv_tv": "bone volume per volume", "poisson": "Poisson's ratio", "direction": "part of a unit vector",
    "strain": "mm/mm", "effective_strain": "mm/mm", "failure_strain": "mm/mm", "voxels": "voxels",
    "dof": "unknowns", "iterations": "iterations", "threads": "threads", "day": "d", "threshold": "gray value",
    "degree_of_anisotropy": "largest per smallest modulus", "not_orthotropic": "share of the stiffness",
    "relative_residual": "residual per load", "tolerance": "residual per load",
}  # fmt: skip


class Files(NamedTuple):
    """Files that the user asks for, and whether they may replace older ones of their kind."""

    strain_field: Path | None
    parosol: Path | None
    replace: bool

    def check(self, poisson: float) -> None:
        """Refuse impossible places before the work begins; InputError."""
        if self.strain_field:
            check_strain_field(self.strain_field, self.replace)
        if self.parosol:
            check_parosol(self.parosol, self.replace, poisson)

    def write(self, result: SolveResult, facts: Flat) -> Flat:
        """Write what is asked for; returns the names of the files."""
        if self.strain_field:
            arrays = {
                "sed_mpa": result.sed_mpa,
                "effective_strain": result.effective_strain,
                "mask": result.mask.astype("u1"),
            }
            write_strain_field(self.strain_field, result.spacing_um, arrays, provenance() | facts)
        if self.parosol:
            moduli, poisson = result.modulus_mpa, result.options.poisson
            write_parosol(self.parosol, moduli, result.spacing_um, poisson, *result.prescribed())
        asked = {"out": self.strain_field, "parosol": self.parosol}
        return {name: str(path) for name, path in asked.items() if path}


def solve_source(
    source: Path,
    image: Mapping[str, Any],
    options: SolveOptions,
    files: Files,
    threads: int,
    report: Callable[[str], None],
) -> tuple[Flat, list[str]]:
    """Read a bone, solve it, write the files asked for; returns all settings and results, and the warnings."""
    files.check(options.poisson)
    report(f"reading {source}")
    bone = read_source(source, image)
    result = solve_bone(bone.mask, bone.spacing_um, options, threads, report=report)
    facts = bone.settings | result.flat()
    return facts | files.write(result, facts), bone.warnings + result.warnings


def parse_modulus(text: str) -> float:
    """Young's modulus in MPa, such as "18 GPa"; InputError without a unit."""
    try:
        return quantity(text, "stress")
    except InputError as error:
        raise InputError(f"--modulus: {error}") from None


def parse_load(text: str) -> dict[str, float]:
    """The load as `strain` ("1%") or `stress_mpa` ("1 MPa"); InputError without a unit."""
    number, percent, rest = text.strip().partition("%")
    try:
        return {"strain": float(number) / 100} if percent and not rest else {"stress_mpa": quantity(text, "stress")}
    except (ValueError, InputError):
        raise InputError(
            f'--strain: "{text}" is neither a strain in percent nor a stress. Examples: "1%", "0.8 MPa".'
        ) from None


def table(facts: Flat) -> list[str]:
    """One line per setting and result: name, value, unit."""
    shown = {name: f"{value:.6g}" if isinstance(value, float) else str(value) for name, value in facts.items()}
    return [f"{name:<26} {value} {unit_of(name, facts[name])}".rstrip() for name, value in shown.items()]


def unit_of(name: str, value: object) -> str:
    """Unit of a number: by the end of its name, else by the longest beginning that is known; nothing for words."""
    if isinstance(value, (str, bool)):
        return ""
    ending = f"_{name.rpartition('_')[2]}"
    beginnings = [known for known in UNITS if name.startswith(known)]
    return UNITS.get(ending) or UNITS[max(beginnings, key=len)]
