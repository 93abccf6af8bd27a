"""Pictures for reports: days of one run or several, one camera and one color range for all, as JPEG in memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from boneabm.errors import InputError
from boneabm.io.runfolder import RunFolder
from boneabm.io.schema import OSTEOBLAST, OSTEOCLAST
from boneabm.io.volumes import VolumeReader
from boneviz.opengl import require_opengl, start_trial
from boneviz.snapshot import Snapshot, color_range, load

Shot = tuple[Path, int, int | None]
"""Run folder, day, and the earlier day of a comparison or None."""
QUALITY = 90


def shots(wanted: Sequence[Shot], size: tuple[int, int]) -> list[bytes]:
    """Draw every shot; JPEG files in the order of the wish, an empty one for a day without bone.

    Bone is colored by mineral where all runs have it, else by matrix. Blocks of one size share the camera.
    Raises InputError for an absent day or where VTK is not installed, NoOpenGLError without OpenGL.
    """
    require_vtk()
    start_trial()
    field = common_field([run for run, _, _ in wanted])
    snapshots = [load(run, field, day, since) for run, day, since in wanted]
    ranges = [color_range(one) for one in snapshots if one.since is None] or [(0.0, 1.0)]
    limits = (min(low for low, _ in ranges), max(high for _, high in ranges))
    require_opengl()
    return _draw(snapshots, limits, size)


def require_vtk() -> None:
    """InputError that says how to install what pictures need."""
    try:
        import vtkmodules.vtkRenderingOpenGL2  # noqa: F401
    except ImportError as error:
        told = f"Pictures of bone need VTK ({error}). Install it: pip install vtk, or write the page with --no-pictures"
        raise InputError(told) from None


def common_field(runs: Sequence[Path]) -> str:
    """Mineral where every run has stored it, else matrix."""
    readers = [VolumeReader(RunFolder.open(run).volumes) for run in dict.fromkeys(runs)]
    return "mineral" if all("mineral" in reader.fields for reader in readers) else "matrix"


def _draw(snapshots: Sequence[Snapshot], limits: tuple[float, float], size: tuple[int, int]) -> list[bytes]:
    from boneviz.scene import Look, bone_surface
    from boneviz.stage import Stage

    stages: dict[tuple[float, float, float], Stage] = {}
    pictures = []
    try:
        for snapshot in snapshots:
            if not (snapshot.matrix >= 0.5).any():
                pictures.append(b"")
                continue
            if snapshot.size_um not in stages:
                stages[snapshot.size_um] = Stage(size)
            stage, kinds = stages[snapshot.size_um], (OSTEOCLAST, OSTEOBLAST) * (snapshot.since is None)
            stage.show(snapshot, bone_surface(snapshot), Look(kinds, limits))
            pictures.append(jpeg(stage.picture()))
    finally:
        for stage in stages.values():
            stage.close()
    return pictures


def jpeg(picture: np.ndarray, quality: int = QUALITY) -> bytes:
    """A picture (height, width, 3) uint8 as a JPEG file."""
    from boneviz import kit

    image = kit.vtkImageData()
    image.SetDimensions(picture.shape[1], picture.shape[0], 1)
    image.GetPointData().SetScalars(kit.numpy_to_vtk(np.ascontiguousarray(picture[::-1]).reshape(-1, 3), deep=True))
    writer = kit.vtkJPEGWriter()
    writer.SetQuality(quality)
    writer.SetInputData(image)
    writer.WriteToMemoryOn()
    writer.Write()
    data: bytes = kit.vtk_to_numpy(writer.GetResult()).tobytes()
    return data
