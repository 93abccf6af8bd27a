"""Draw one day of a run, or what changed between two, into a PNG file, with no display and no settings."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from boneabm.errors import InputError
from boneabm.io.schema import OSTEOBLAST, OSTEOCLAST, OSTEOCYTE
from boneviz.opengl import require_opengl, start_trial
from boneviz.snapshot import Snapshot, color_range, load

Limits = tuple[float, float]


def render(
    run: Path | str,
    field: str = "mineral",
    day: int | None = None,
    out: Path | str | None = None,
    size: tuple[int, int] = (1600, 1200),
    agents: bool = True,
    osteocytes: bool = False,
    limits: Limits | None = None,
    cuts: tuple[str, ...] = (),
    since: int | None = None,
    cloud: str | None = None,
) -> Path:
    """Draw the bone of one day, colored by a field, with its osteoclasts and osteoblasts; the path of the PNG.

    run   : run folder               field : a field of `colors.STYLES` that the run has recorded
    day   : the last one by default  out   : `FIELD_dayN.png` in the run folder by default
    size  : width, height in pixels  limits: range of the colors, by default 1st to 99th hundredth of the surface
    cuts  : planes such as "y>0.5" or "z<800 um": the part that is shown
    since : an earlier day; the surface then shows what was formed and resorbed since, whatever the field
    cloud : a concentration that fills the block as a cloud, such as rankl_free_pm; the bone is then transparent

    Raises InputError for an unknown field, an absent day or an impossible size, NoOpenGLError without OpenGL.
    """
    check_size(size)
    start_trial()
    snapshot = load(run, field, day, since, cloud)
    path = Path(out) if out else Path(run) / default_name(f"cloud_{cloud}" if cloud else field, snapshot)
    check_png(path)
    kinds = (OSTEOCLAST, OSTEOBLAST) * (agents and since is None) + (OSTEOCYTE,) * osteocytes
    require_opengl()
    save(draw(snapshot, size, kinds, limits, cuts), path)
    return path


def default_name(field: str, snapshot: Snapshot) -> str:
    """Name of a picture that tells its field and day, or its two days."""
    return f"{field}_day{snapshot.day}.png" if snapshot.since is None else f"change_{snapshot.since}-{snapshot.day}.png"


def check_size(size: tuple[int, int]) -> None:
    """Refuse pictures that are too small to read or too large to draw; InputError."""
    if min(size) < 100 or max(size) > 16384:
        raise InputError(f"size {size[0]} x {size[1]} pixels: allowed are 100 to 16384 each.")


def check_png(path: Path) -> None:
    """Refuse other kinds of pictures; InputError."""
    if path.suffix.lower() != ".png":
        raise InputError(f"{path}: pictures are written as PNG. Give a name that ends with .png.")


def draw(
    snapshot: Snapshot,
    size: tuple[int, int],
    kinds: tuple[int, ...],
    limits: Limits | None = None,
    cuts: tuple[str, ...] = (),
) -> np.ndarray:
    """Picture of a snapshot as (height, width, 3) uint8, first row on top."""
    from boneviz.cut import parse_cut
    from boneviz.scene import Look, bone_surface
    from boneviz.stage import Stage

    look = Look(kinds, limits or color_range(snapshot), parse_cut(list(cuts), snapshot.size_um))
    stage = Stage(size)
    stage.show(snapshot, bone_surface(snapshot), look)
    try:
        return stage.picture()
    finally:
        stage.close()


def save(picture: np.ndarray, path: Path) -> None:
    """Write a picture (height, width, 3) uint8 as PNG; the file appears whole or not at all."""
    from boneviz import kit

    check_png(path)
    image = kit.vtkImageData()
    image.SetDimensions(picture.shape[1], picture.shape[0], 1)
    image.GetPointData().SetScalars(kit.numpy_to_vtk(np.ascontiguousarray(picture[::-1]).reshape(-1, 3), deep=True))
    writer = kit.vtkPNGWriter()
    writer.SetInputData(image)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".new")
    writer.SetFileName(str(temporary))
    writer.Write()
    if writer.GetErrorCode():
        raise InputError(f"{path}: cannot be written. Choose another --out.")
    os.replace(temporary, path)
