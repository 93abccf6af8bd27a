"""Draw one day of a run into a PNG file, with no display and no settings."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from boneabm.errors import InputError
from boneabm.io.schema import OSTEOBLAST, OSTEOCLAST, OSTEOCYTE
from boneviz.opengl import NoOpenGLError, require_opengl
from boneviz.snapshot import Snapshot, load_snapshot


def render(
    run: Path | str,
    field: str = "mineral",
    day: int | None = None,
    out: Path | str | None = None,
    size: tuple[int, int] = (1600, 1200),
    agents: bool = True,
    osteocytes: bool = False,
    limits: tuple[float, float] | None = None,
) -> Path:
    """Draw the bone of one day, colored by a field, with its osteoclasts and osteoblasts; the path of the PNG.

    run   : run folder               field : a field of `colors.STYLES` that the run has recorded
    day   : the last one by default  out   : `FIELD_dayN.png` in the run folder by default
    size  : width, height in pixels  limits: range of the colors, by default 1st to 99th hundredth of the surface

    Raises InputError for an unknown field, an absent day or an impossible size, NoOpenGLError without OpenGL.
    """
    if min(size) < 100 or max(size) > 16384:
        raise InputError(f"size {size[0]} x {size[1]} pixels: allowed are 100 to 16384 each.")
    snapshot = load_snapshot(run, field, day)
    path = Path(out) if out else Path(run) / f"{field}_day{snapshot.day}.png"
    kinds = (OSTEOCLAST, OSTEOBLAST) * agents + (OSTEOCYTE,) * osteocytes
    require_opengl()
    picture = draw(snapshot, size, kinds, limits)
    save(picture, path)
    return path


def draw(
    snapshot: Snapshot, size: tuple[int, int], kinds: tuple[int, ...], limits: tuple[float, float] | None = None
) -> np.ndarray:
    """Picture of a snapshot as (height, width, 3) uint8, first row on top."""
    import vtk
    from vtk.util.numpy_support import vtk_to_numpy

    from boneviz import labels, scene

    bone, overlay = scene.new_renderer(), vtk.vtkRenderer()
    table = scene.add_bone(bone, snapshot, limits)
    scene.add_cells(bone, snapshot, kinds)
    scene.add_outline(bone, snapshot)
    scene.place_camera(bone, snapshot)
    scene.shade_hollows(bone, snapshot)
    scale_um = bone.GetActiveCamera().GetParallelScale()
    labels.add_labels(overlay, snapshot, table, kinds, size, scale_um)
    window = vtk.vtkRenderWindow()
    window.SetOffScreenRendering(1)
    window.SetMultiSamples(0)
    window.SetSize(*size)
    window.SetNumberOfLayers(2)
    for layer, renderer in ((0, bone), (1, overlay), (1, labels.axes_renderer(bone.GetActiveCamera()))):
        renderer.SetLayer(layer)
        window.AddRenderer(renderer)
    window.Render()
    grab = vtk.vtkWindowToImageFilter()
    grab.SetInput(window)
    grab.ReadFrontBufferOff()
    grab.Update()
    image = grab.GetOutput()
    picture = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(size[1], size[0], -1)[::-1].copy()
    window.Finalize()
    if (picture == picture[0, 0]).all():
        raise NoOpenGLError("OpenGL drew an empty picture. On Debian or Ubuntu: sudo apt install libgl1-mesa-dri.")
    return picture


def save(picture: np.ndarray, path: Path) -> None:
    """Write a picture (height, width, 3) uint8 as PNG; the file appears whole or not at all."""
    import vtk
    from vtk.util.numpy_support import numpy_to_vtk

    if path.suffix.lower() != ".png":
        raise InputError(f"{path}: pictures are written as PNG. Give a name that ends with .png.")
    image = vtk.vtkImageData()
    image.SetDimensions(picture.shape[1], picture.shape[0], 1)
    image.GetPointData().SetScalars(numpy_to_vtk(np.ascontiguousarray(picture[::-1]).reshape(-1, 3), deep=True))
    writer = vtk.vtkPNGWriter()
    writer.SetInputData(image)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".new")
    writer.SetFileName(str(temporary))
    writer.Write()
    if writer.GetErrorCode():
        raise InputError(f"{path}: cannot be written. Choose another --out.")
    os.replace(temporary, path)
