"""The bone that a command works on: an image with its segmentation, or the last step of a run folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from boneabm.errors import InputError
from boneabm.scenario_fields import CropField, parse_crop, parse_threshold, parse_voxel_size

from .images import KNOWN, carries_voxel_size, read_gray
from .microct import Segmentation, read_bone
from .volumes import VolumeReader

BONE_FRACTION = 0.5
TELLING_LOSS = 0.01  # share of the bone outside its largest piece that is worth a warning


class BoneSource(NamedTuple):
    """Bone mask (Z, Y, X), voxel edge, how it was made as flat words and numbers, and what is unusual about it."""

    mask: NDArray[np.bool_]
    spacing_um: float
    settings: dict[str, str | int | float]
    warnings: list[str]


def read_source(source: Path, options: Mapping[str, Any]) -> BoneSource:
    """Read the bone of an image or of the last step of a run.

    source  : image of a known format, folder of slices, or run folder
    options : what the user said of "voxel-size", "sigma", "threshold", "largest" and "crop", for images only;
              None where nothing was said

    Raises InputError for images without voxel size or with another one than given, impossible options, and options
    given for a run.
    """
    given = {name: value for name, value in options.items() if value is not None}
    return _read_run(source, given) if is_run(source) else _read_image(source, given)


def is_run(source: Path) -> bool:
    """Whether this is a folder with the volumes of a run."""
    return (source / "run.vtkhdf").exists()


class RunStep(NamedTuple):
    """One stored step of a run: its bone, and matrix and mineral (None where not stored), each (Z, Y, X)."""

    bone: BoneSource
    matrix: NDArray[np.float32]
    mineral_g_per_cm3: NDArray[np.float32] | None


def run_steps(source: Path) -> int:
    """How many steps a run has stored so far; InputError where it has none."""
    days = VolumeReader(source / "run.vtkhdf").days
    if not days:
        raise InputError(f"{source}: no step is stored yet. Wait for the first one, or run the scenario.")
    return len(days)


def read_step(source: Path, step: int) -> RunStep:
    """Read one stored step of a run.

    step : 0 is the first, -1 the last
    Raises InputError for a step that is not stored.
    """
    steps, reader = run_steps(source), VolumeReader(source / "run.vtkhdf")
    if not -steps <= step < steps:
        raise InputError(
            f"--step {step}: {source} holds the steps 0 to {steps - 1} (-1 is the last), "
            f"of the days {', '.join(map(str, reader.days[:20]))}{' ...' if steps > 20 else ''}."
        )
    number = step % steps
    matrix = reader.read("matrix", index=number)
    mineral = reader.read("mineral", index=number) if "mineral" in reader.fields else None
    settings: dict[str, str | int | float] = {"run": str(source), "step": number, "day": reader.days[number]}
    return RunStep(BoneSource(matrix >= BONE_FRACTION, reader.spacing_um, settings, []), matrix, mineral)


def read_gray_source(source: Path, options: Mapping[str, Any]) -> NDArray[Any]:
    """Gray values (Z, Y, X) of the part of an image that `read_source` makes bone of, as they are in the file."""
    gray = read_gray(source)
    if options.get("crop") is None:
        return gray
    return gray[tuple(slice(*pair) for pair in parse_crop(options["crop"]))]


def _read_run(source: Path, given: Mapping[str, Any]) -> BoneSource:
    refuse_image_options(source, given)
    reader = VolumeReader(source / "run.vtkhdf")
    mask = reader.read("matrix", index=-1) >= BONE_FRACTION
    return BoneSource(mask, reader.spacing_um, {"run": str(source), "day": reader.days[-1]}, [])


def refuse_image_options(source: Path, given: Mapping[str, Any]) -> None:
    """InputError if anything was said that is for images only."""
    said = [name for name, value in given.items() if value is not None]
    if said:
        raise InputError(f"--{said[0]} is for images; {source} is a run and knows its voxel size.")


def _read_image(source: Path, given: Mapping[str, Any]) -> BoneSource:
    if "voxel-size" not in given:
        _require_stated_voxels(source)
    spacing_um = parse_voxel_size(given["voxel-size"]) if "voxel-size" in given else None
    segmentation = Segmentation(
        sigma_voxels=given.get("sigma", 1.0),
        threshold=parse_threshold(given.get("threshold", "otsu")),
        largest=given.get("largest", True),
        crop=parse_crop(given["crop"]) if "crop" in given else None,
    )
    mask, record = read_bone(source, spacing_um, segmentation)
    settings: dict[str, str | int | float] = {"image": str(source)}
    settings |= {name: value for name, value in record.items() if isinstance(value, (str, int, float))}
    if segmentation.crop is not None:
        settings["crop"] = CropField().write(segmentation.crop)
    warnings = record["warnings"] + _lost(record["bv_tv_before"], record["bv_tv"])
    return BoneSource(mask, record["spacing_um"], settings, warnings)


def _require_stated_voxels(source: Path) -> None:
    """InputError where nobody says how large voxels are: neither the user nor, as in a TIFF, the file."""
    if not source.exists():
        raise InputError(
            f"{source}: no such file or folder. Give an image ({KNOWN}), a folder of slices or a run folder."
        )
    if not carries_voxel_size(source):
        raise InputError(
            f"{source}: --voxel-size is missing. TIFF files carry no dependable voxel size. "
            'Example: --voxel-size "19.5 um".'
        )


def _lost(before: float, after: float) -> list[str]:
    """A warning where the choice of the largest part leaves out much of the bone."""
    share = 1 - after / before
    if share <= TELLING_LOSS:
        return []
    return [f"{100 * share:.1f} % of the bone is not part of its largest piece and is left out"]
