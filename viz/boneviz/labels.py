"""Lettering over the picture: title, color bar, scale bar, legend and axes."""

from __future__ import annotations

import math
import textwrap

from boneabm.io.schema import CELL_NAMES
from boneviz import kit
from boneviz.colors import CELL_COLORS, INK, Color
from boneviz.scene import Look, lookup_table
from boneviz.snapshot import Snapshot

Size = tuple[int, int]
FULL_HEIGHT_PX = 1200
SMALLEST_UNIT = 0.5
LETTERS_PER_EDGE = 100
"""Small letters that fit beside each other in a picture as wide as high."""


def add_labels(overlay: kit.vtkRenderer, snapshot: Snapshot, look: Look, size: Size, parallel_scale_um: float) -> None:
    """Write everything a reader needs beside the bone; sizes follow the height of the picture."""
    unit = max(size[1] / FULL_HEIGHT_PX, SMALLEST_UNIT)
    _title(overlay, snapshot, size, unit)
    _legend(overlay, legend_lines(snapshot, look.kinds), size, unit, below=140 if snapshot.weak else 120)
    _scale_bar(overlay, snapshot, size, unit, um_per_px=2 * parallel_scale_um / size[1])
    if snapshot.style.place != "class":
        _color_bar(overlay, snapshot.style.title, lookup_table(snapshot.style, look.limits), size, unit)


def title_of(snapshot: Snapshot) -> str:
    """Run, day or days, and BV/TV of the day shown."""
    days = f"day {snapshot.day}" if snapshot.since is None else f"day {snapshot.since} to {snapshot.day}"
    return f"{snapshot.run}   {days}   BV/TV {snapshot.bone_volume_fraction:.3f}"


def _title(overlay: kit.vtkRenderer, snapshot: Snapshot, size: Size, unit: float) -> None:
    title = text(title_of(snapshot), round(32 * unit), bold=True)
    title.SetPosition(40 * unit, size[1] - 70 * unit)
    overlay.AddViewProp(title)
    if snapshot.weak:
        doubt = text(weak_of(snapshot, LETTERS_PER_EDGE * size[0] // size[1]), round(20 * unit))
        doubt.SetPosition(40 * unit, size[1] - 98 * unit)
        overlay.AddViewProp(doubt)


def weak_of(snapshot: Snapshot, letters: int) -> str:
    """What of low confidence the run rests on, in one line of at most so many letters, else nothing."""
    told = snapshot.weak[:1].upper() + snapshot.weak[1:]
    return textwrap.shorten(told, max(letters, 40), placeholder=" \u2026 (see boneabm report)")


def legend_lines(snapshot: Snapshot, kinds: tuple[int, ...]) -> list[tuple[str, Color]]:
    """Text and color of every entry of the legend: cells with their numbers, then classes of the surface."""
    lines = [(f"{CELL_NAMES[kind]}s: {len(snapshot.cells.get(kind, ()))}", CELL_COLORS[kind]) for kind in kinds]
    classes = [name for name, _ in snapshot.style.classes]
    if snapshot.since is not None:
        shares = zip(classes[1:], snapshot.shares, strict=True)
        classes[1:] = [f"{name} ({100 * part:.2f} % of BV)" for name, part in shares]
    return lines + [(name, color) for name, (_, color) in zip(classes, snapshot.style.classes, strict=True)]


def _legend(overlay: kit.vtkRenderer, lines: list[tuple[str, Color]], size: Size, unit: float, below: int) -> None:
    for row, (words, color) in enumerate(lines):
        height = size[1] - (below + 40 * row) * unit
        overlay.AddViewProp(_polygon(_disk(52 * unit, height + 10 * unit, 10 * unit), color))
        label = text(words, round(25 * unit))
        label.SetPosition(76 * unit, height)
        overlay.AddViewProp(label)


def _scale_bar(overlay: kit.vtkRenderer, snapshot: Snapshot, size: Size, unit: float, um_per_px: float) -> None:
    length_um = round_length(min(0.22 * max(snapshot.size_um), 0.2 * size[0] * um_per_px))
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


def _color_bar(overlay: kit.vtkRenderer, title: str, table: kit.vtkLookupTable, size: Size, unit: float) -> None:
    bar = kit.vtkScalarBarActor()
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


def _polygon(corners: list[tuple[float, float]], color: Color) -> kit.vtkActor2D:
    points, cells = kit.vtkPoints(), kit.vtkCellArray()
    cells.InsertNextCell(len(corners))
    for x, y in corners:
        cells.InsertCellPoint(points.InsertNextPoint(x, y, 0))
    shape = kit.vtkPolyData()
    shape.SetPoints(points)
    shape.SetPolys(cells)
    mapper = kit.vtkPolyDataMapper2D()
    mapper.SetInputData(shape)
    actor = kit.vtkActor2D()
    actor.SetMapper(mapper)
    actor.GetProperty().SetColor(*color)
    return actor


def text(words: str, size_px: int, bold: bool = False) -> kit.vtkTextActor:
    """Lettering in ink, its place counted in pixels from the lower left."""
    actor = kit.vtkTextActor()
    actor.SetInput(words)
    look = actor.GetTextProperty()
    look.SetFontFamilyToArial()
    look.SetFontSize(size_px)
    look.SetColor(*INK)
    look.SetBold(bold)
    return actor


def axes_renderer(height_px: int) -> kit.vtkRenderer:
    """Small picture of the axes in the lower left corner; `turn_axes` turns it as the bone is."""
    axes = kit.vtkAxesActor()
    for letter in "xyz":
        getattr(axes, f"Set{letter.upper()}AxisLabelText")(letter)
    axes.SetNormalizedLabelPosition(1.25, 1.25, 1.25)
    for caption in (axes.GetXAxisCaptionActor2D(), axes.GetYAxisCaptionActor2D(), axes.GetZAxisCaptionActor2D()):
        caption.GetTextActor().SetTextScaleModeToNone()
        look = caption.GetCaptionTextProperty()
        look.SetColor(*INK)
        look.SetFontSize(round(24 * max(height_px / FULL_HEIGHT_PX, SMALLEST_UNIT)))
        look.ItalicOff()
        look.BoldOff()
        look.ShadowOff()
    for shaft in (axes.GetXAxisShaftProperty(), axes.GetYAxisShaftProperty(), axes.GetZAxisShaftProperty()):
        shaft.SetColor(*INK)
    for tip in (axes.GetXAxisTipProperty(), axes.GetYAxisTipProperty(), axes.GetZAxisTipProperty()):
        tip.SetColor(*INK)
    renderer = kit.vtkRenderer()
    renderer.SetViewport(0.0, 0.0, 0.16, 0.2)
    renderer.AddActor(axes)
    renderer.InteractiveOff()
    return renderer


def turn_axes(renderer: kit.vtkRenderer, camera: kit.vtkCamera) -> None:
    """Show the axes from where the camera looks at the bone."""
    own = renderer.GetActiveCamera()
    own.ParallelProjectionOn()
    own.SetFocalPoint(0.3, 0.3, 0.3)
    own.SetPosition(*(0.3 - 5 * part for part in camera.GetDirectionOfProjection()))
    own.SetViewUp(*camera.GetViewUp())
    own.SetParallelScale(1.15)
    renderer.ResetCameraClippingRange()
