"""The drawing: bone surface, cells, frame and lettering as VTK actors."""

from __future__ import annotations

import math

import numpy as np
import vtk
from scipy import ndimage
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from boneabm.errors import InputError
from boneabm.io.schema import CELL_NAMES, OSTEOBLAST, OSTEOCLAST, OSTEOCYTE
from boneviz.colors import BACKGROUND, BACKGROUND_TOP, CELL_COLORS, INK, IVORY, MAPS, SITE, color_of
from boneviz.snapshot import Snapshot, range_of

RADIUS_UM = {OSTEOCLAST: 25.0, OSTEOBLAST: 10.0, OSTEOCYTE: 5.0}
SMALLEST_RADIUS = {OSTEOCLAST: 0.008, OSTEOBLAST: 0.006, OSTEOCYTE: 0.002}
VIEW_FROM = (0.75, -1.3, 0.7)


def bone_surface(snapshot: Snapshot) -> vtk.vtkPolyData:
    """Closed surface where matrix is one half, smoothed without shrinking, in um; "values" at its points.

    Cut faces of the block are closed by a layer of marrow around it.
    """
    padded = np.pad(snapshot.matrix, 1).astype("f4")
    contour = vtk.vtkFlyingEdges3D()
    contour.SetInputData(_image(padded, snapshot.spacing_um))
    contour.SetValue(0, 0.5)
    contour.ComputeNormalsOff()
    smooth = vtk.vtkWindowedSincPolyDataFilter()
    smooth.SetInputConnection(contour.GetOutputPort())
    smooth.SetNumberOfIterations(20)
    smooth.SetPassBand(0.08)
    smooth.NormalizeCoordinatesOn()
    normals = vtk.vtkPolyDataNormals()
    normals.SetInputConnection(smooth.GetOutputPort())
    normals.SplittingOff()
    normals.Update()
    surface = normals.GetOutput()
    if surface.GetNumberOfPoints() == 0:
        raise InputError(f"{snapshot.run}, day {snapshot.day}: no bone to show (matrix never reaches 0.5).")
    values = numpy_to_vtk(_values_at(snapshot, surface), deep=True)
    values.SetName("values")
    surface.GetPointData().SetScalars(values)
    return surface


def _image(array: np.ndarray, spacing_um: float) -> vtk.vtkImageData:
    """Voxel centers as image points; the first voxel of the padding lies outside the block."""
    image = vtk.vtkImageData()
    image.SetDimensions(*array.shape[::-1])
    image.SetSpacing(spacing_um, spacing_um, spacing_um)
    image.SetOrigin(*(3 * [-0.5 * spacing_um]))
    image.GetPointData().SetScalars(numpy_to_vtk(array.ravel(), deep=True))
    return image


def _values_at(snapshot: Snapshot, surface: vtk.vtkPolyData) -> np.ndarray:
    points_um = vtk_to_numpy(surface.GetPoints().GetData())
    voxels = points_um[:, ::-1].T / snapshot.spacing_um - 0.5
    sampled: np.ndarray = ndimage.map_coordinates(snapshot.values.astype("f4"), voxels, order=1, mode="nearest")
    return sampled


def add_bone(renderer: vtk.vtkRenderer, snapshot: Snapshot, limits: tuple[float, float] | None) -> vtk.vtkLookupTable:
    """Draw the bone surface; the table of its colors."""
    surface = bone_surface(snapshot)
    if snapshot.style.place == "site":
        table = site_table()
    else:
        low, high = limits or range_of(vtk_to_numpy(surface.GetPointData().GetScalars()))
        table = lookup_table(snapshot.style.colors, low, high)
    mapper = vtk.vtkPolyDataMapper()
    mapper.SetInputData(surface)
    mapper.SetLookupTable(table)
    mapper.UseLookupTableScalarRangeOn()
    mapper.InterpolateScalarsBeforeMappingOn()
    actor = vtk.vtkActor()
    actor.SetMapper(mapper)
    matte(actor)
    renderer.AddActor(actor)
    return table


def lookup_table(name: str, low: float, high: float) -> vtk.vtkLookupTable:
    """Table of 256 colors between two values."""
    ramp = vtk.vtkColorTransferFunction()
    codes = MAPS[name]
    for at, code in enumerate(codes):
        ramp.AddRGBPoint(at / (len(codes) - 1), *color_of(code))
    table = vtk.vtkLookupTable()
    table.SetNumberOfTableValues(256)
    for at in range(256):
        table.SetTableValue(at, *ramp.GetColor(at / 255), 1.0)
    table.SetTableRange(low, high)
    return table


def site_table() -> vtk.vtkLookupTable:
    """Two colors: quiescent surface and open remodeling site."""
    table = vtk.vtkLookupTable()
    table.SetNumberOfTableValues(2)
    table.SetTableValue(0, *IVORY, 1.0)
    table.SetTableValue(1, *SITE, 1.0)
    table.SetTableRange(0.0, 1.0)
    return table


def matte(actor: vtk.vtkActor) -> None:
    """The look of dry bone: little shine."""
    look = actor.GetProperty()
    look.SetAmbient(0.12)
    look.SetDiffuse(0.9)
    look.SetSpecular(0.08)
    look.SetSpecularPower(12)


def add_cells(renderer: vtk.vtkRenderer, snapshot: Snapshot, kinds: tuple[int, ...]) -> None:
    """Draw the cells of these kinds as spheres, near their true size but never too small to be seen."""
    for kind in kinds:
        points = snapshot.cells.get(kind)
        if points is not None and len(points):
            radius_um = max(RADIUS_UM[kind], SMALLEST_RADIUS[kind] * max(snapshot.size_um))
            renderer.AddActor(_spheres(points, radius_um, CELL_COLORS[kind]))


def _spheres(points_um: np.ndarray, radius_um: float, color: tuple[float, float, float]) -> vtk.vtkActor:
    points = vtk.vtkPoints()
    points.SetData(numpy_to_vtk(np.ascontiguousarray(points_um, "f4"), deep=True))
    cloud = vtk.vtkPolyData()
    cloud.SetPoints(points)
    sphere = vtk.vtkSphereSource()
    sphere.SetRadius(radius_um)
    sphere.SetThetaResolution(20)
    sphere.SetPhiResolution(14)
    mapper = vtk.vtkGlyph3DMapper()
    mapper.SetInputData(cloud)
    mapper.SetSourceConnection(sphere.GetOutputPort())
    mapper.ScalingOff()
    mapper.ScalarVisibilityOff()
    actor = vtk.vtkActor()
    actor.SetMapper(mapper)
    actor.GetProperty().SetColor(*color)
    actor.GetProperty().SetAmbient(0.25)
    actor.GetProperty().SetSpecular(0.25)
    return actor


def add_outline(renderer: vtk.vtkRenderer, snapshot: Snapshot) -> None:
    """Draw the edges of the block."""
    width, height, depth = snapshot.size_um
    outline = vtk.vtkOutlineSource()
    outline.SetBounds(0, width, 0, height, 0, depth)
    mapper = vtk.vtkPolyDataMapper()
    mapper.SetInputConnection(outline.GetOutputPort())
    actor = vtk.vtkActor()
    actor.SetMapper(mapper)
    actor.GetProperty().SetColor(0.55, 0.57, 0.6)
    actor.GetProperty().SetLineWidth(1.2)
    actor.GetProperty().LightingOff()
    renderer.AddActor(actor)


def place_camera(renderer: vtk.vtkRenderer, snapshot: Snapshot) -> None:
    """Look at the block from the front right, z upward, without perspective, so that the scale bar holds everywhere."""
    center = np.array(snapshot.size_um) / 2
    reach = math.dist((0, 0, 0), snapshot.size_um)
    camera = renderer.GetActiveCamera()
    camera.ParallelProjectionOn()
    center[2] -= 0.02 * reach
    camera.SetFocalPoint(*center)
    camera.SetPosition(*(center + np.array(VIEW_FROM) / np.linalg.norm(VIEW_FROM) * 2 * reach))
    camera.SetViewUp(0, 0, 1)
    camera.SetParallelScale(0.53 * reach)
    renderer.ResetCameraClippingRange()


def new_renderer() -> vtk.vtkRenderer:
    """Renderer for the bone, with a light that follows the eye from the upper left and a soft one against it."""
    renderer = vtk.vtkRenderer()
    renderer.SetBackground(*BACKGROUND)
    renderer.SetBackground2(*BACKGROUND_TOP)
    renderer.GradientBackgroundOn()
    lights = vtk.vtkLightKit()
    lights.SetKeyLightIntensity(0.95)
    lights.SetKeyToFillRatio(2.5)
    lights.SetKeyLightWarmth(0.52)
    lights.SetFillLightWarmth(0.48)
    lights.AddLightsToRenderer(renderer)
    return renderer


def shade_hollows(renderer: vtk.vtkRenderer, snapshot: Snapshot) -> None:
    """Ambient occlusion: less light in the marrow spaces, which tells depth; then smooth edges."""
    hollows = vtk.vtkSSAOPass()
    hollows.SetRadius(0.09 * max(snapshot.size_um))
    hollows.SetBias(0.004 * max(snapshot.size_um))
    hollows.SetKernelSize(96)
    hollows.BlurOn()
    hollows.SetDelegatePass(vtk.vtkRenderStepsPass())
    edges = vtk.vtkOpenGLFXAAPass()
    edges.SetDelegatePass(hollows)
    renderer.SetPass(edges)


def legend_lines(snapshot: Snapshot, kinds: tuple[int, ...]) -> list[tuple[str, tuple[float, float, float]]]:
    """Text and color of every entry of the legend."""
    lines = [(f"{CELL_NAMES[kind]}s: {len(snapshot.cells.get(kind, ()))}", CELL_COLORS[kind]) for kind in kinds]
    if snapshot.style.place == "site":
        lines.append((snapshot.style.title, SITE))
    return lines


def text(words: str, size_px: int, bold: bool = False) -> vtk.vtkTextActor:
    """Lettering in ink, its place counted in pixels from the lower left."""
    actor = vtk.vtkTextActor()
    actor.SetInput(words)
    look = actor.GetTextProperty()
    look.SetFontFamilyToArial()
    look.SetFontSize(size_px)
    look.SetColor(*INK)
    look.SetBold(bold)
    return actor
