"""The drawing: bone surface, cut faces, cells, clouds and frame as VTK actors."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import ndimage

from boneabm.errors import InputError
from boneabm.io.schema import OSTEOBLAST, OSTEOCLAST, OSTEOCYTE
from boneviz import kit
from boneviz.colors import BACKGROUND, BACKGROUND_TOP, CELL_COLORS, MAPS, Style, color_of
from boneviz.cut import Cut, colored, cut_face, planes
from boneviz.snapshot import Snapshot

RADIUS_UM = {OSTEOCLAST: 25.0, OSTEOBLAST: 10.0, OSTEOCYTE: 5.0}
SMALLEST_RADIUS = {OSTEOCLAST: 0.008, OSTEOBLAST: 0.006, OSTEOCYTE: 0.002}
DENSEST, CLOUD_UNIT, BONE_OPACITY = 0.45, 0.1, 0.3
"""Opacity of the densest cloud per unit length; that length as a part of the longest edge; opacity of the bone."""
CLEAR_BONE = (0.62, 0.6, 0.56)
VIEW_FROM = (0.75, -1.3, 0.7)
SHADING_SAMPLES = 32


@dataclass(frozen=True)
class Look:
    """What is drawn of a snapshot, and how.

    kinds  : kinds of cells that are drawn
    limits : ends of the color table
    cut    : the part of the block that is shown
    """

    kinds: tuple[int, ...]
    limits: tuple[float, float]
    cut: Cut = field(default_factory=Cut)


def bone_surface(snapshot: Snapshot) -> kit.vtkPolyData:
    """Closed surface where matrix is one half, smoothed without shrinking, in um; "values" at its points.

    Cut faces of the block are closed by a layer of marrow around it.
    """
    contour = kit.vtkFlyingEdges3D()
    contour.SetInputData(_image(np.pad(snapshot.matrix, 1).astype("f4"), snapshot.spacing_um))
    contour.SetValue(0, 0.5)
    contour.ComputeNormalsOff()
    smooth = kit.vtkWindowedSincPolyDataFilter()
    smooth.SetInputConnection(contour.GetOutputPort())
    smooth.SetNumberOfIterations(20)
    smooth.SetPassBand(0.08)
    smooth.NormalizeCoordinatesOn()
    normals = kit.vtkPolyDataNormals()
    normals.SetInputConnection(smooth.GetOutputPort())
    normals.SplittingOff()
    normals.ConsistencyOff()  # the contour is oriented already; checking that takes longer than the rest
    normals.Update()
    surface = normals.GetOutput()
    if surface.GetNumberOfPoints() == 0:
        raise InputError(f"{snapshot.run}, day {snapshot.day}: no bone to show (matrix never reaches 0.5).")
    return surface_with_values(surface, snapshot)


def surface_with_values(surface: kit.vtkPolyData, snapshot: Snapshot) -> kit.vtkPolyData:
    """The surface of the same bone with the values of this snapshot at its points."""
    shown = kit.vtkPolyData()
    shown.ShallowCopy(surface)
    shown.GetPointData().SetScalars(colored(snapshot.style, _values_at(snapshot, surface)))
    return shown


def _image(array: np.ndarray, spacing_um: float) -> kit.vtkImageData:
    """Voxel centers as image points; the first voxel of the padding lies outside the block."""
    image = kit.vtkImageData()
    image.SetDimensions(*array.shape[::-1])
    image.SetSpacing(spacing_um, spacing_um, spacing_um)
    image.SetOrigin(*(3 * [-0.5 * spacing_um]))
    image.GetPointData().SetScalars(kit.numpy_to_vtk(array.ravel(), deep=True))
    return image


def _values_at(snapshot: Snapshot, surface: kit.vtkPolyData) -> np.ndarray:
    points_um = kit.vtk_to_numpy(surface.GetPoints().GetData())
    voxels = points_um[:, ::-1].T / snapshot.spacing_um - 0.5
    if snapshot.style.place == "class":
        last = np.array(snapshot.values.shape)[:, None] - 1
        nearest: np.ndarray = snapshot.values[tuple(np.clip(np.rint(voxels).astype("i4"), 0, last))]
        return nearest
    sampled: np.ndarray = ndimage.map_coordinates(snapshot.values.astype("f4"), voxels, order=1, mode="nearest")
    return sampled


def add_bone(renderer: kit.vtkRenderer, snapshot: Snapshot, surface: kit.vtkPolyData, look: Look) -> None:
    """Draw the bone surface and, where it is cut, the faces of the cuts; with a cloud transparent and plain."""
    if snapshot.cloud:
        renderer.AddActor(_clear_bone(surface, planes(look.cut, snapshot.size_um)))
        renderer.AddVolume(_cloud(snapshot, look))
        return
    table = lookup_table(snapshot.style, look.limits)
    renderer.AddActor(_colored_actor(surface, table, planes(look.cut, snapshot.size_um)))
    for axis, _, part in look.cut.faces():
        face = cut_face(snapshot, axis, part)
        face.GetPointData().SetActiveScalars("values")
        actor = _colored_actor(face, table, planes(look.cut, snapshot.size_um, but=axis))
        actor.GetProperty().SetAmbient(0.45)
        actor.GetProperty().SetDiffuse(0.55)
        actor.GetProperty().SetSpecular(0.0)
        renderer.AddActor(actor)


def _colored_actor(
    shape: kit.vtkPolyData, table: kit.vtkLookupTable, cuts: kit.vtkPlaneCollection | None = None
) -> kit.vtkActor:
    mapper = kit.vtkPolyDataMapper()
    mapper.SetInputData(shape)
    mapper.SetLookupTable(table)
    mapper.UseLookupTableScalarRangeOn()
    mapper.InterpolateScalarsBeforeMappingOn()
    if cuts is not None:
        mapper.SetClippingPlanes(cuts)
    actor = kit.vtkActor()
    actor.SetMapper(mapper)
    matte(actor)
    return actor


def _clear_bone(surface: kit.vtkPolyData, cuts: kit.vtkPlaneCollection) -> kit.vtkActor:
    """The bone as a pale shape through which a cloud is seen."""
    mapper = kit.vtkPolyDataMapper()
    mapper.SetInputData(surface)
    mapper.ScalarVisibilityOff()
    mapper.SetClippingPlanes(cuts)
    actor = kit.vtkActor()
    actor.SetMapper(mapper)
    matte(actor)
    actor.GetProperty().SetColor(*CLEAR_BONE)
    actor.GetProperty().SetOpacity(BONE_OPACITY)
    return actor


def _cloud(snapshot: Snapshot, look: Look) -> kit.vtkVolume:
    """Concentration as a cloud: clear at the low end of the colors, dense at the high end."""
    low, high = look.limits
    table = lookup_table(snapshot.style, look.limits)
    color, opacity = kit.vtkColorTransferFunction(), kit.vtkPiecewiseFunction()
    for at in range(0, 256, 15):
        value = low + (high - low) * at / 255
        color.AddRGBPoint(value, *table.GetTableValue(at)[:3])
        opacity.AddPoint(value, DENSEST * (at / 255) ** 2)
    image = _image(np.ascontiguousarray(snapshot.values, "f4"), snapshot.spacing_um)
    image.SetOrigin(*(3 * [0.5 * snapshot.spacing_um]))
    mapper = kit.vtkSmartVolumeMapper()
    mapper.SetInputData(image)
    mapper.SetClippingPlanes(planes(look.cut, snapshot.size_um))
    volume = kit.vtkVolume()
    volume.SetMapper(mapper)
    shown = volume.GetProperty()
    shown.SetColor(color)
    shown.SetScalarOpacity(opacity)
    shown.SetScalarOpacityUnitDistance(CLOUD_UNIT * max(snapshot.size_um))
    shown.SetInterpolationTypeToLinear()
    shown.ShadeOff()
    return volume


def lookup_table(style: Style, limits: tuple[float, float]) -> kit.vtkLookupTable:
    """Table of 256 colors between two values; classes bring their own colors."""
    table = kit.vtkLookupTable()
    if style.place == "class":
        return table
    ramp = kit.vtkColorTransferFunction()
    codes = MAPS[style.colors]
    for at, code in enumerate(codes):
        ramp.AddRGBPoint(at / (len(codes) - 1), *color_of(code))
    table.SetNumberOfTableValues(256)
    for at in range(256):
        table.SetTableValue(at, *ramp.GetColor(at / 255), 1.0)
    table.SetTableRange(*limits)
    return table


def matte(actor: kit.vtkActor) -> None:
    """The look of dry bone: little shine."""
    look = actor.GetProperty()
    look.SetAmbient(0.12)
    look.SetDiffuse(0.9)
    look.SetSpecular(0.08)
    look.SetSpecularPower(12)


def add_cells(renderer: kit.vtkRenderer, snapshot: Snapshot, look: Look) -> None:
    """Draw the cells of these kinds as spheres, near their true size but never too small to be seen."""
    for kind in look.kinds:
        points = _shown(snapshot.cells.get(kind, np.empty((0, 3))), snapshot.size_um, look.cut)
        if len(points):
            if kind != OSTEOCYTE:
                points = on_surface(points, snapshot)
            radius_um = max(RADIUS_UM[kind], SMALLEST_RADIUS[kind] * max(snapshot.size_um))
            renderer.AddActor(_spheres(points, radius_um, CELL_COLORS[kind]))


def _shown(points_um: np.ndarray, size_um: tuple[float, float, float], cut: Cut) -> np.ndarray:
    """Cells whose centers lie in the shown part; they are drawn whole."""
    parts = points_um / np.array(size_um)
    low, high = np.array(cut.spans).T
    shown: np.ndarray = points_um[((parts >= low) & (parts <= high)).all(axis=1)]
    return shown


def on_surface(points_um: np.ndarray, snapshot: Snapshot) -> np.ndarray:
    """Places of surface cells, moved out of the bone by as many voxels as theirs is filled, at most one.

    A cell is stored at the center of its voxel; once more than half of that is bone, a sphere there would be hidden.
    """

    def filled(places: np.ndarray) -> np.ndarray:
        found: np.ndarray = ndimage.map_coordinates(
            snapshot.matrix, places[:, ::-1].T - 0.5, np.float64, order=1, mode="nearest"
        )
        return found

    places = points_um / snapshot.spacing_um
    steps = 1.5 * np.eye(3)
    inward = np.stack([filled(places + step) - filled(places - step) for step in steps], axis=1)
    length = np.maximum(np.linalg.norm(inward, axis=1, keepdims=True), 1e-6)
    moved: np.ndarray = points_um - snapshot.spacing_um * filled(places)[:, None] * inward / length
    return moved


def _spheres(points_um: np.ndarray, radius_um: float, color: tuple[float, float, float]) -> kit.vtkActor:
    points = kit.vtkPoints()
    points.SetData(kit.numpy_to_vtk(np.ascontiguousarray(points_um, "f4"), deep=True))
    cloud = kit.vtkPolyData()
    cloud.SetPoints(points)
    sphere = kit.vtkSphereSource()
    sphere.SetRadius(radius_um)
    round_enough = 20 if len(points_um) < 2000 else 8
    sphere.SetThetaResolution(round_enough)
    sphere.SetPhiResolution(round_enough * 7 // 10)
    mapper = kit.vtkGlyph3DMapper()
    mapper.SetInputData(cloud)
    mapper.SetSourceConnection(sphere.GetOutputPort())
    mapper.ScalingOff()
    mapper.ScalarVisibilityOff()
    actor = kit.vtkActor()
    actor.SetMapper(mapper)
    actor.GetProperty().SetColor(*color)
    actor.GetProperty().SetAmbient(0.25)
    actor.GetProperty().SetSpecular(0.25)
    return actor


def add_outline(renderer: kit.vtkRenderer, snapshot: Snapshot) -> None:
    """Draw the edges of the block."""
    width, height, depth = snapshot.size_um
    outline = kit.vtkOutlineSource()
    outline.SetBounds(0, width, 0, height, 0, depth)
    mapper = kit.vtkPolyDataMapper()
    mapper.SetInputConnection(outline.GetOutputPort())
    actor = kit.vtkActor()
    actor.SetMapper(mapper)
    actor.GetProperty().SetColor(0.55, 0.57, 0.6)
    actor.GetProperty().SetLineWidth(1.2)
    actor.GetProperty().LightingOff()
    renderer.AddActor(actor)


def place_camera(renderer: kit.vtkRenderer, size_um: tuple[float, float, float]) -> None:
    """Look at the block from the front right, z upward, without perspective, so that the scale bar holds everywhere."""
    center = np.array(size_um) / 2
    reach = math.dist((0, 0, 0), size_um)
    camera = renderer.GetActiveCamera()
    camera.ParallelProjectionOn()
    center[2] -= 0.02 * reach
    camera.SetFocalPoint(*center)
    camera.SetPosition(*(center + np.array(VIEW_FROM) / np.linalg.norm(VIEW_FROM) * 2 * reach))
    camera.SetViewUp(0, 0, 1)
    camera.SetParallelScale(0.53 * reach)


def new_renderer() -> kit.vtkRenderer:
    """Renderer for the bone, with a light that follows the eye from the upper left and a soft one against it."""
    renderer = kit.vtkRenderer()
    renderer.SetBackground(*BACKGROUND)
    renderer.SetBackground2(*BACKGROUND_TOP)
    renderer.GradientBackgroundOn()
    lights = kit.vtkLightKit()
    lights.SetKeyLightIntensity(0.95)
    lights.SetKeyToFillRatio(2.5)
    lights.SetKeyLightWarmth(0.52)
    lights.SetFillLightWarmth(0.48)
    lights.AddLightsToRenderer(renderer)
    return renderer


def shade_hollows(renderer: kit.vtkRenderer, size_um: tuple[float, float, float]) -> None:
    """Ambient occlusion: less light in the marrow spaces, which tells depth; then smooth edges."""
    hollows = kit.vtkSSAOPass()
    hollows.SetRadius(0.09 * max(size_um))
    hollows.SetBias(0.004 * max(size_um))
    hollows.SetKernelSize(SHADING_SAMPLES)
    hollows.BlurOn()
    hollows.SetDelegatePass(kit.vtkRenderStepsPass())
    _smooth_edges(renderer, hollows)


def light_cloud(renderer: kit.vtkRenderer) -> None:
    """Smooth edges alone: ambient occlusion knows no clouds without shading."""
    _smooth_edges(renderer, kit.vtkRenderStepsPass())


def _smooth_edges(renderer: kit.vtkRenderer, drawing: Any) -> None:
    edges = kit.vtkOpenGLFXAAPass()
    edges.SetDelegatePass(drawing)
    renderer.SetPass(edges)
