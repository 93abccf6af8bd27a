"""Lettering over the picture: title, color bar, scale bar, legend and axes."""

from __future__ import annotations

import math

import vtk

from boneviz.colors import INK
from boneviz.scene import legend_lines, text
from boneviz.snapshot import Snapshot

Size = tuple[int, int]


def add_labels(
    overlay: vtk.vtkRenderer,
    snapshot: Snapshot,
    table: vtk.vtkLookupTable,
    kinds: tuple[int, ...],
    size: Size,
    parallel_scale_um: float,
) -> None:
    """Write everything a reader needs beside the bone; sizes follow the height of the picture."""
    unit = size[1] / 1200
    _title(overlay, snapshot, size, unit)
    _legend(overlay, snapshot, kinds, size, unit)
    _scale_bar(overlay, snapshot, size, unit, um_per_px=2 * parallel_scale_um / size[1])
    if snapshot.style.place != "site":
        _color_bar(overlay, snapshot.style.title, table, size, unit)


def _title(overlay: vtk.vtkRenderer, snapshot: Snapshot, size: Size, unit: float) -> None:
    words = f"{snapshot.run}   day {snapshot.day}   BV/TV {snapshot.bone_volume_fraction:.3f}"
    title = text(words, round(32 * unit), bold=True)
    title.SetPosition(40 * unit, size[1] - 70 * unit)
    overlay.AddViewProp(title)


def _legend(overlay: vtk.vtkRenderer, snapshot: Snapshot, kinds: tuple[int, ...], size: Size, unit: float) -> None:
    for row, (words, color) in enumerate(legend_lines(snapshot, kinds)):
        height = size[1] - (120 + 40 * row) * unit
        overlay.AddViewProp(_polygon(_disk(52 * unit, height + 10 * unit, 10 * unit), color))
        label = text(words, round(25 * unit))
        label.SetPosition(76 * unit, height)
        overlay.AddViewProp(label)


def _scale_bar(overlay: vtk.vtkRenderer, snapshot: Snapshot, size: Size, unit: float, um_per_px: float) -> None:
    length_um = round_length(0.22 * max(snapshot.size_um))
    length, left, low = length_um / um_per_px, size[0] - 60 * unit, 48 * unit
    corners = [(left - length, low), (left, low), (left, low + 8 * unit), (left - length, low + 8 * unit)]
    overlay.AddViewProp(_polygon(corners, INK))
    label = text(f"{length_um:g} \u00b5m", round(26 * unit))
    label.GetTextProperty().SetJustificationToCentered()
    label.SetPosition(left - length / 2, low + 18 * unit)
    overlay.AddViewProp(label)


def round_length(length_um: float) -> float:
    """The largest of 1, 2, 5 times a power of ten that is not longer.

    >>> round_length(870.0)
    500.0
    """
    power = 10.0 ** math.floor(math.log10(length_um))
    return max(step * power for step in (1, 2, 5) if step * power <= length_um)


def _color_bar(overlay: vtk.vtkRenderer, title: str, table: vtk.vtkLookupTable, size: Size, unit: float) -> None:
    bar = vtk.vtkScalarBarActor()
    bar.SetLookupTable(table)
    bar.SetNumberOfLabels(5)
    digits = ".0f" if max(map(abs, table.GetTableRange())) >= 1000 else ".3g"
    bar.SetLabelFormat(f"{{:{digits}}}" if "{" in bar.GetLabelFormat() else f"%{digits}")
    bar.SetOrientationToHorizontal()
    bar.UnconstrainedFontSizeOn()
    bar.SetWidth(520 * unit / size[0])
    bar.SetHeight(70 * unit / size[1])
    bar.SetBarRatio(0.35)
    bar.SetPosition(0.5 - 260 * unit / size[0], 20 * unit / size[1])
    look = bar.GetLabelTextProperty()
    look.ShallowCopy(text("", round(22 * unit)).GetTextProperty())
    overlay.AddViewProp(bar)
    label = text(title, round(25 * unit))
    label.GetTextProperty().SetJustificationToCentered()
    label.SetPosition(size[0] / 2, 98 * unit)
    overlay.AddViewProp(label)


def _disk(x: float, y: float, radius: float) -> list[tuple[float, float]]:
    turns = [2 * math.pi * step / 32 for step in range(32)]
    return [(x + radius * math.cos(turn), y + radius * math.sin(turn)) for turn in turns]


def _polygon(corners: list[tuple[float, float]], color: tuple[float, float, float]) -> vtk.vtkActor2D:
    points, cells = vtk.vtkPoints(), vtk.vtkCellArray()
    cells.InsertNextCell(len(corners))
    for x, y in corners:
        cells.InsertCellPoint(points.InsertNextPoint(x, y, 0))
    shape = vtk.vtkPolyData()
    shape.SetPoints(points)
    shape.SetPolys(cells)
    mapper = vtk.vtkPolyDataMapper2D()
    mapper.SetInputData(shape)
    actor = vtk.vtkActor2D()
    actor.SetMapper(mapper)
    actor.GetProperty().SetColor(*color)
    return actor


def axes_renderer(camera: vtk.vtkCamera) -> vtk.vtkRenderer:
    """Small picture of the axes in the lower left corner, turned as the bone is."""
    axes = vtk.vtkAxesActor()
    for letter in "xyz":
        getattr(axes, f"Set{letter.upper()}AxisLabelText")(letter)
    axes.SetNormalizedLabelPosition(1.25, 1.25, 1.25)
    for caption in (axes.GetXAxisCaptionActor2D(), axes.GetYAxisCaptionActor2D(), axes.GetZAxisCaptionActor2D()):
        caption.GetTextActor().SetTextScaleModeToNone()
        look = caption.GetCaptionTextProperty()
        look.SetColor(*INK)
        look.SetFontSize(22)
        look.ItalicOff()
        look.BoldOff()
        look.ShadowOff()
    for shaft in (axes.GetXAxisShaftProperty(), axes.GetYAxisShaftProperty(), axes.GetZAxisShaftProperty()):
        shaft.SetColor(*INK)
    for tip in (axes.GetXAxisTipProperty(), axes.GetYAxisTipProperty(), axes.GetZAxisTipProperty()):
        tip.SetColor(*INK)
    renderer = vtk.vtkRenderer()
    renderer.SetViewport(0.0, 0.0, 0.16, 0.2)
    renderer.AddActor(axes)
    own = renderer.GetActiveCamera()
    own.ParallelProjectionOn()
    own.SetFocalPoint(0.3, 0.3, 0.3)
    own.SetPosition(*(0.3 - 5 * part for part in camera.GetDirectionOfProjection()))
    own.SetViewUp(0, 0, 1)
    own.SetParallelScale(1.15)
    return renderer
