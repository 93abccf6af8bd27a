"""What a picture shows of one day of a run: matrix, one field on the bone surface, and the cells."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from boneabm.io.agents import AgentReader
from boneabm.io.runfolder import RunFolder
from boneabm.io.volumes import VolumeReader
from boneviz.colors import Style, style_of


@dataclass(frozen=True)
class Snapshot:
    """One day of a run, ready to be drawn.

    matrix : (z, y, x) volume fraction of bone matrix, 0..1
    values : (z, y, x) what colors the surface, spread from the bone into its neighborhood
    cells  : points (N, 3) in um as x, y, z by kind of cell (1 osteoclast, 2 osteoblast, 3 osteocyte)
    """

    run: str
    day: int
    spacing_um: float
    matrix: np.ndarray
    values: np.ndarray
    style: Style
    cells: dict[int, np.ndarray]

    @property
    def bone_volume_fraction(self) -> float:
        """BV/TV as the sum of matrix over all voxels."""
        return float(self.matrix.mean(dtype="f8"))

    @property
    def size_um(self) -> tuple[float, float, float]:
        """Edges of the block in um, as x, y, z."""
        depth, height, width = self.matrix.shape
        return width * self.spacing_um, height * self.spacing_um, depth * self.spacing_um


def load_snapshot(run: Path | str, field: str, day: int | None = None) -> Snapshot:
    """Read a day (the last one by default) of a run folder; InputError for an unknown field or an absent day."""
    style, folder = style_of(field), RunFolder.open(run)
    volumes = VolumeReader(folder.volumes)
    if day is None and volumes.days:
        day = volumes.days[-1]
    matrix = volumes.read("matrix", day)
    assert day is not None
    values = _spread(field, style, day, matrix, volumes)
    return Snapshot(Path(run).resolve().name, day, volumes.spacing_um, matrix, values, style, _cells(folder, day))


def _spread(field: str, style: Style, day: int, matrix: np.ndarray, volumes: VolumeReader) -> np.ndarray:
    """Values at and around the surface, not mixed with the zeros of the marrow: mean over the matrix in 3^3 voxels."""
    given = volumes.read(field, day)
    if style.factor != 1.0:
        given = given * np.float32(style.factor)
    if style.place == "marrow":
        return given
    if style.place == "site":
        return ndimage.maximum_filter((given >= 0).astype("f4"), 3)
    amount = _amount(field, given, day, matrix)
    weight = ndimage.uniform_filter(matrix, 3)
    spread: np.ndarray = ndimage.uniform_filter(amount, 3) / np.maximum(weight, 1e-6)
    return spread


def _amount(field: str, given: np.ndarray, day: int, matrix: np.ndarray) -> np.ndarray:
    """The field as an amount per voxel, so that amount / matrix is its mean over the matrix."""
    if field in ("mineral", "osteoid"):
        return given
    if field == "born_day":
        return (day - given) * matrix
    return given * matrix


def _cells(folder: RunFolder, day: int) -> dict[int, np.ndarray]:
    if not folder.agents.exists():
        return {}
    reader = AgentReader(folder.agents)
    if day not in reader.days or "type" not in reader.columns:
        return {}
    points, columns = reader.read(day)
    return {int(kind): points[columns["type"] == kind] for kind in np.unique(columns["type"])}


def range_of(values: np.ndarray) -> tuple[float, float]:
    """Range that shows all but the most extreme hundredth of the values at either end; never empty."""
    low, high = (float(edge) for edge in np.percentile(values, (1, 99)))
    margin = 1e-3 * max(abs(low), abs(high), 1e-12)
    return (low, high) if high - low > margin else (low - 10 * margin, high + 10 * margin)
