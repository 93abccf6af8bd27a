"""What a picture shows of one day of a run: matrix, one field on the bone surface, and the cells."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from boneabm.errors import InputError
from boneabm.io.agents import AgentReader
from boneabm.io.runfolder import RunFolder
from boneabm.io.schema import OSTEOBLAST, OSTEOCLAST
from boneabm.io.volumes import VolumeReader
from boneviz.colors import CHANGE, STYLES, Style, cloud_style, style_of

QUIESCENT, REVERSAL, FORMING, RESORBING = range(4)
FORMED, RESORBED = 1, 2
RANGE_DAYS = 5
Cells = dict[int, np.ndarray]


@dataclass(frozen=True)
class Snapshot:
    """One day of a run, ready to be drawn.

    matrix : (z, y, x) volume fraction of bone matrix, 0..1
    values : (z, y, x) what colors the surface, spread from the bone into its neighborhood; numbers of classes as uint8
    inside : (z, y, x) what colors cut bone, where that differs from `values`
    cells  : points (N, 3) in um as x, y, z by kind of cell (1 osteoclast, 2 osteoblast, 3 osteocyte)
    since  : the earlier day of a comparison; then matrix is the bone of either day
    shares : formed and resorbed bone of a comparison, as fractions of the bone of the earlier day
    cloud  : whether `values` fill the block as a cloud; the bone is then plain and transparent
    weak   : what of low confidence the run rests on; "" where it says nothing
    """

    run: str
    day: int
    spacing_um: float
    matrix: np.ndarray
    values: np.ndarray
    style: Style
    cells: Cells
    bone_volume_fraction: float
    inside: np.ndarray | None = None
    since: int | None = None
    shares: tuple[float, float] = (0.0, 0.0)
    cloud: bool = False
    weak: str = ""

    @property
    def size_um(self) -> tuple[float, float, float]:
        """Edges of the block in um, as x, y, z."""
        depth, height, width = self.matrix.shape
        return width * self.spacing_um, height * self.spacing_um, depth * self.spacing_um


def load_snapshot(run: Path | str, field: str, day: int | None = None) -> Snapshot:
    """Read a day (the last one by default) of a run folder; InputError for an unknown field or an absent day."""
    style, folder = style_of(field), RunFolder.open(run)
    volumes = VolumeReader(folder.volumes)
    day = last_day(volumes) if day is None else day
    matrix = volumes.read("matrix", day)
    cells, states = read_cells(folder, day)
    values = _spread(field, style, day, matrix, volumes, states)
    facts = (name_of(run), day, volumes.spacing_um, matrix, values, style, cells, _mean(matrix))
    return Snapshot(*facts, weak=_weak(volumes))


def load_cloud(run: Path | str, field: str, day: int | None = None) -> Snapshot:
    """A concentration on a day (the last one by default), which fills the block as a cloud.

    InputError for a field that is no concentration, was not stored, or an absent day.
    """
    style, folder = cloud_style(field), RunFolder.open(run)
    volumes = VolumeReader(folder.volumes)
    if field not in volumes.fields:
        stored = ", ".join(name for name in volumes.fields if name in STYLES and STYLES[name].place == "marrow")
        told = f'{volumes.path}: "{field}" was not stored; clouds that are there: {stored or "none"}.'
        raise InputError(f"{told} Name it in output.fields of the scenario and run again.")
    day = last_day(volumes) if day is None else day
    matrix, values = volumes.read("matrix", day), volumes.read(field, day) * np.float32(style.factor)
    facts = (name_of(run), day, volumes.spacing_um, matrix, values, style, read_cells(folder, day)[0], _mean(matrix))
    return Snapshot(*facts, cloud=True, weak=_weak(volumes))


def load(run: Path | str, field: str, day: int | None, since: int | None = None, cloud: str | None = None) -> Snapshot:
    """What a picture asks for: a field on the bone, what changed since a day, or a cloud."""
    if cloud is not None and since is not None:
        raise InputError("--cloud and --since cannot be in one picture: the change has no concentrations. Give one.")
    if cloud is not None:
        return load_cloud(run, cloud, day)
    return load_snapshot(run, field, day) if since is None else load_change(run, since, day)


def load_change(run: Path | str, since: int, day: int | None = None) -> Snapshot:
    """What was formed and resorbed between two days, voxel by voxel, as in time-lapse micro-CT.

    A voxel is bone where its matrix is at least one half. The surface drawn is that of the bone of either day; a
    surface voxel takes the class that most of its surface neighbors have, so that shifts below half a voxel and
    lone voxels do not show. InputError for days that are absent or not in order.
    """
    folder = RunFolder.open(run)
    volumes = VolumeReader(folder.volumes)
    day = last_day(volumes) if day is None else day
    if since >= day:
        raise InputError(f"a comparison needs an earlier day first: since day {since}, shown day {day}.")
    before, after = volumes.read("matrix", since), volumes.read("matrix", day)
    either = np.maximum(before, after)
    classes = np.zeros(either.shape, "u1")
    classes[(before < 0.5) & (after >= 0.5)] = FORMED
    classes[(before >= 0.5) & (after < 0.5)] = RESORBED
    bone = max(int((before >= 0.5).sum()), 1)
    shares = (int((classes == FORMED).sum()) / bone, int((classes == RESORBED).sum()) / bone)
    facts = (name_of(run), day, volumes.spacing_um, either, _most(classes, either), CHANGE)
    return Snapshot(*facts, read_cells(folder, day)[0], _mean(after), classes, since, shares, weak=_weak(volumes))


def _weak(volumes: VolumeReader) -> str:
    """What the file of volumes says about weak evidence."""
    return str(volumes.meta.get("low_confidence", ""))


def last_day(volumes: VolumeReader) -> int:
    """The last stored day; InputError where there is none yet."""
    if not volumes.days:
        raise InputError(f"{volumes.path}: no snapshot yet. Wait for the first one, or run again.")
    return volumes.days[-1]


def name_of(run: Path | str) -> str:
    """How a run is called in pictures: its folder."""
    return Path(run).resolve().name


def _mean(matrix: np.ndarray) -> float:
    return float(matrix.mean(dtype="f8"))


def _most(classes: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Class of each voxel near the surface by majority of the surface voxels in 3^3; without one, quiescent."""
    bone = matrix >= 0.5
    rim = (bone & ~ndimage.minimum_filter(bone, 3)).astype("f4")
    many = np.maximum(ndimage.uniform_filter(rim, 3), 1e-6)
    spread = np.zeros(classes.shape, "u1")
    for kind in (FORMED, RESORBED):
        spread[ndimage.uniform_filter(rim * (classes == kind), 3) > 0.5 * many] = kind
    return spread


def _spread(
    field: str, style: Style, day: int, matrix: np.ndarray, volumes: VolumeReader, states: dict[int, int]
) -> np.ndarray:
    """Values at and around the surface, not mixed with the zeros of the marrow: mean over the matrix in 3^3 voxels."""
    if field == "thickness":
        return _mean_near(*_thickness(matrix, volumes.spacing_um))
    given = volumes.read(field, day)
    if style.place == "class":
        return _site_states(given, states)
    if style.factor != 1.0:
        given, day_in_unit = given * np.float32(style.factor), day * style.factor
    else:
        day_in_unit = float(day)
    return given if style.place == "marrow" else _mean_near(_amount(field, given, day_in_unit, matrix), matrix)


def _mean_near(amount: np.ndarray, weight: np.ndarray) -> np.ndarray:
    spread: np.ndarray = ndimage.uniform_filter(amount, 3) / np.maximum(ndimage.uniform_filter(weight, 3), 1e-6)
    return spread


def _thickness(matrix: np.ndarray, spacing_um: float) -> tuple[np.ndarray, np.ndarray]:
    from boneabm.morphometry import local_thickness

    mask = matrix >= 0.5
    return local_thickness(mask, spacing_um), mask.astype("f4")


def _site_states(bmu: np.ndarray, states: dict[int, int]) -> np.ndarray:
    """Class of the surface: what the cells of its remodeling site do; the busier one where two meet."""
    table = np.full(max(int(bmu.max()), 0) + 2, REVERSAL, "u1")
    table[-1] = QUIESCENT
    for site, state in states.items():
        if 0 <= site < len(table) - 1:
            table[site] = state
    spread: np.ndarray = ndimage.maximum_filter(table[bmu], 3)
    return spread


def _amount(field: str, given: np.ndarray, day: float, matrix: np.ndarray) -> np.ndarray:
    """The field as an amount per voxel, so that amount / matrix is its mean over the matrix."""
    if field in ("mineral", "osteoid"):
        return given
    if field == "born_day":
        return (np.float32(day) - given) * matrix
    return given * matrix


def read_cells(folder: RunFolder, day: int) -> tuple[Cells, dict[int, int]]:
    """Places of the cells by kind, and what they do at their sites; nothing where the day was not recorded."""
    if not folder.agents.exists():
        return {}, {}
    reader = AgentReader(folder.agents)
    if day not in reader.days or "type" not in reader.columns:
        return {}, {}
    points, columns = reader.read(day)
    kinds = columns["type"]
    states: dict[int, int] = {}
    if "site" in columns:
        for kind, state in ((OSTEOBLAST, FORMING), (OSTEOCLAST, RESORBING)):
            states |= dict.fromkeys(np.unique(columns["site"][kinds == kind]).tolist(), state)
    return {int(kind): points[kinds == kind] for kind in np.unique(kinds)}, states


def color_range(snapshot: Snapshot) -> tuple[float, float]:
    """Range that shows all but the lowest twentieth and the highest hundredth of the values at the surface.

    The ends are rounded outward; the range is never empty. The low end leaves out more, because young bone at the few
    open sites would otherwise take most of the colors of mineral.
    """
    near = (snapshot.matrix > 0.25) & (snapshot.matrix < 0.75)
    values = snapshot.values[near] if near.any() else snapshot.values[snapshot.matrix >= 0.5]
    if snapshot.cloud:
        values = snapshot.values.ravel()
    low, high = (float(edge) for edge in np.percentile(values, (5, 99))) if len(values) else (0.0, 1.0)
    margin = 1e-3 * max(abs(low), abs(high), 1e-12)
    return rounded(low, high) if high - low > margin else (low - 10 * margin, high + 10 * margin)


def rounded(low: float, high: float) -> tuple[float, float]:
    """The range with ends moved outward to twentieths of the power of ten in its width.

    >>> rounded(0.09, 24.6)
    (0.0, 25.0)
    """
    step = 10.0 ** np.floor(np.log10(high - low)) / 20
    return float(f"{np.floor(low / step) * step:.6g}"), float(f"{np.ceil(high / step) * step:.6g}")


def range_over(run: Path | str, field: str, days: list[int], cloud: str | None = None) -> tuple[float, float]:
    """One color range for many days: that of at most five of them, spread evenly; classes need none."""
    if (cloud is None and style_of(field).place == "class") or not days:
        return 0.0, 1.0
    chosen = sorted({days[round(at)] for at in np.linspace(0, len(days) - 1, RANGE_DAYS)})
    ranges = [color_range(load(run, field, day, cloud=cloud)) for day in chosen]
    return min(low for low, _ in ranges), max(high for _, high in ranges)
