"""Cut planes: which part of the block is shown, and the cut bone as a closed face colored by the field."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from boneabm.errors import InputError
from boneabm.units import quantity
from boneviz import kit
from boneviz.colors import Style
from boneviz.snapshot import Snapshot

AXES = "xyz"
WORDS = re.compile(r"\s*([xyz])\s*([<>])\s*(.+?)\s*")
Span = tuple[float, float]


@dataclass(frozen=True)
class Cut:
    """The part of the block that is shown: from, to along x, y and z, as fractions of its edges."""

    spans: tuple[Span, Span, Span] = ((0.0, 1.0), (0.0, 1.0), (0.0, 1.0))

    def faces(self) -> list[tuple[int, int, float]]:
        """Axis, direction towards what is shown (1 or -1) and place (fraction) of each plane that cuts."""
        low = [(axis, 1, span[0]) for axis, span in enumerate(self.spans) if span[0] > 0]
        return low + [(axis, -1, span[1]) for axis, span in enumerate(self.spans) if span[1] < 1]


def parse_cut(words: list[str], size_um: tuple[float, float, float]) -> Cut:
    """Cut of words such as "y>0.5" (fraction of the edge) and "z<800 um"; InputError for any other or an empty rest."""
    spans = [[0.0, 1.0] for _ in AXES]
    for word in words:
        axis, side, place = _parse(word, size_um)
        spans[axis][side] = max(spans[axis][0], place) if side == 0 else min(spans[axis][1], place)
    for letter, (low, high) in zip(AXES, spans, strict=True):
        if low >= high:
            raise InputError(f"--cut leaves nothing along {letter}: from {low:g} to {high:g} of the edge.")
    return Cut(tuple((low, high) for low, high in spans))  # type: ignore[arg-type]


def _parse(word: str, size_um: tuple[float, float, float]) -> tuple[int, int, float]:
    found = WORDS.fullmatch(word)
    wrong = f'--cut "{word}" is not a plane. Give the side to show, such as "y>0.5" or "z<800 um".'
    if not found:
        raise InputError(wrong)
    axis, side, place = AXES.index(found[1]), int(found[2] == "<"), found[3]
    try:
        part = _part(place, size_um[axis])
    except InputError as error:
        raise InputError(f"{wrong} {error}") from None
    if not 0 <= part <= 1:
        raise InputError(f'--cut "{word}" lies outside the block: its edge is {size_um[axis]:g} um, parts are 0 to 1.')
    return axis, side, part


def _part(place: str, edge_um: float) -> float:
    """Fraction of the edge that "0.5", "50%" or "800 um" mean; InputError for other text."""
    number, percent, rest = place.partition("%")
    try:
        return float(number) / 100 if percent and not rest else float(place)
    except ValueError:
        return quantity(place, "length") / edge_um


def planes(cut: Cut, size_um: tuple[float, float, float], but: int | None = None) -> kit.vtkPlaneCollection:
    """The cutting planes for a mapper, without those across axis `but`."""
    found = kit.vtkPlaneCollection()
    for axis, direction, part in cut.faces():
        if axis != but:
            plane = kit.vtkPlane()
            plane.SetOrigin(*(part * size_um[axis] if at == axis else 0.0 for at in range(3)))
            plane.SetNormal(*(float(direction) if at == axis else 0.0 for at in range(3)))
            found.AddItem(plane)
    return found


def cut_face(snapshot: Snapshot, axis: int, part: float) -> kit.vtkPolyData:
    """Cut bone in the plane across an axis (0 is x) at a part of the edge; array "values": those of `inside`.

    The face ends where the matrix, interpolated between voxel centers, is one half, as the surface does.
    """
    matrix = _between(np.asarray(snapshot.matrix, "f4"), axis, part)
    source = snapshot.values if snapshot.inside is None else snapshot.inside
    classes = snapshot.style.place == "class"
    values = _nearest(source, axis, part) if classes else _between(source.astype("f4"), axis, part)
    image = kit.vtkImageData()
    spacing, size = snapshot.spacing_um, snapshot.size_um
    image.SetDimensions(*np.insert(np.array(matrix.shape[::-1]) + 2, axis, 1).tolist())
    image.SetSpacing(spacing, spacing, spacing)
    image.SetOrigin(*(part * size[axis] if at == axis else -0.5 * spacing for at in range(3)))
    image.GetPointData().SetScalars(kit.numpy_to_vtk(np.pad(matrix, 1).ravel(), deep=True))
    image.GetPointData().AddArray(colored(snapshot.style, np.pad(values, 1, mode="edge").ravel()))
    return _where_bone(image)


def colored(style: Style, values: np.ndarray) -> kit.vtkDataArray:
    """Array "values" for points: numbers for the color table, or the colors themselves where these are classes.

    Colors rather than class numbers, because points between two classes must not get the number of a third.
    """
    if style.place == "class":
        palette = np.array([np.round(np.array(color) * 255) for _, color in style.classes], "u1")
        values = palette[values]
    array = kit.numpy_to_vtk(np.ascontiguousarray(values), deep=True)
    array.SetName("values")
    return array


def _where_bone(image: kit.vtkImageData) -> kit.vtkPolyData:
    flat = kit.vtkImageDataGeometryFilter()
    flat.SetInputData(image)
    bone = kit.vtkClipPolyData()
    bone.SetInputConnection(flat.GetOutputPort())
    bone.SetValue(0.5)
    bone.Update()
    return bone.GetOutput()


def _between(volume: np.ndarray, axis: int, part: float) -> np.ndarray:
    """Values in the plane, interpolated between the two layers of voxel centers beside it."""
    layers = np.moveaxis(volume, 2 - axis, 0)
    at = min(max(part * len(layers) - 0.5, 0.0), len(layers) - 1.0)
    below = min(int(at), len(layers) - 2) if len(layers) > 1 else 0
    share = at - below
    above = min(below + 1, len(layers) - 1)
    plane: np.ndarray = (1 - share) * layers[below] + share * layers[above]
    return plane


def _nearest(volume: np.ndarray, axis: int, part: float) -> np.ndarray:
    layers = np.moveaxis(volume, 2 - axis, 0)
    plane: np.ndarray = layers[min(int(part * len(layers)), len(layers) - 1)]
    return plane
