"""Generated trabecular blocks: a warped Voronoi network of rods and plates that meets a BV/TV and a Tb.Th.

Rods follow the edges of Voronoi cells, plates fill a share of the faces from the edge inward, so half-filled faces
become plates with a window. A smooth displacement bends everything, a smooth field varies the thickness, a blur rounds
the joints, and a thin core along the edges keeps sparse networks in one piece. BV/TV is a quantile of the distance;
Tb.Th follows the size of the cells, which is searched for.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import os
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.special import ndtri

from ..errors import InputError
from ..kernels import blocks, voronoi
from .components import largest_component
from .noise import smooth_noise, spline_up

GENERATOR_VERSION = 1

BV_TV_RANGE = (0.03, 0.6)
MIN_TB_TH_VOXELS = 2.5
GOOD_CELLS = 2.5  # box edges below this many cells show too small a piece of bone to promise a target

_JITTER = 0.75  # of the cell
_WARP, _WARP_WAVE = 0.17, 1.3  # of the cell
_VARIATION, _VARIATION_WAVE = 0.15, 0.8  # sd of log thickness; of the cell
_HOLE_WAVE = 0.6  # of the cell
_WINDOW, _UPRIGHT, _SLIM, _HALF_WIDTH = 0.6, 0.3, 1.3, 0.45  # half width of a face: of the cell
_BLUR, _CORE_BLUR, _CORE = 0.22, 0.077, 0.17  # of Tb.Th
_PAD = 2  # samples beyond the box on each side
_TRIES, _CUTS = 7, 8
_COARSE_TB_TH_VOXELS = 4  # trabeculae of the coarser grid are at least this thick
BV_TV_TOLERANCE, TB_TH_TOLERANCE = 0.01, 0.03  # promised
_BV_TV_AIM = 0.002  # searched for
_AIM, _COARSE_AIM = 0.5, 1.0  # searched for, as a share of what is promised

# First guess of the search: cell size over Tb.Th for three shares of plates (boxes of 3 cells, mean of 3 seeds).
_BV_TV_ROWS = np.array([0.04, 0.06, 0.10, 0.15, 0.22, 0.30, 0.40, 0.55])
_CELL_RATIO = {
    0.05: [12.2, 10.3, 7.64, 5.50, 4.00, 3.04, 2.19, 1.51],
    0.20: [12.6, 11.0, 8.26, 5.90, 4.21, 3.18, 2.27, 1.52],
    0.50: [14.8, 13.0, 10.1, 7.16, 4.93, 3.56, 2.52, 1.61],
}

Mask = NDArray[np.bool_]
Thickness = Callable[[Mask], float]


@dataclass(frozen=True)
class BlockSpec:
    """What a generated block shall be.

    shape      : (Z, Y, X) voxels
    spacing_um : edge of a voxel
    bv_tv      : 0.03 to 0.6, bone volume over total volume
    tb_th_um   : mean trabecular thickness, at least 2.5 voxels
    seed       : int >= 0, another seed is another bone
    plates     : 0 to 1, share of plates among the cell faces; None: clip(0.1 + 1.5 (bv_tv - 0.08), 0.05, 0.5)
    stretch    : 0.5 to 2, length of a cell along z over its lateral length (z is the main axis)
    holes      : 0 to 0.9, share of the area of plates pierced by small windows
    cell_um    : fixed size of a cell; Tb.Th then is an outcome. None: the size that gives tb_th_um
    """

    shape: tuple[int, int, int]
    spacing_um: float
    bv_tv: float
    tb_th_um: float
    seed: int = 1
    plates: float | None = None
    stretch: float = 1.2
    holes: float = 0.3
    cell_um: float | None = None

    @property
    def plate_share(self) -> float:
        """Share of plates used: the given one, or the default that grows with BV/TV."""
        if self.plates is not None:
            return self.plates
        return float(np.clip(0.1 + 1.5 * (self.bv_tv - 0.08), 0.05, 0.5))


@dataclass
class _Try:
    mask: Mask
    cell_um: float
    bv_tv: float
    tb_th_um: float


def generate(spec: BlockSpec, thickness: Thickness, cache_dir: Path | None = None) -> tuple[Mask, dict[str, Any]]:
    """Trabecular block in one 6-connected piece with the BV/TV and Tb.Th of `spec`, and a record of how it was made.

    thickness : mask -> mean local thickness in voxels
    cache_dir : folder where blocks are kept; a second call with the same spec reads the first one's result
    Returns the (Z, Y, X) bool mask and the record; `record["warnings"]` names missed targets and too small boxes.
    Raises InputError for a spec that cannot be met.
    """
    check(spec)
    path = None if cache_dir is None else Path(cache_dir) / f"block-{_spec_hash(spec)}.npz"
    kept = None if path is None else _load(path, spec)
    if kept is not None:
        return kept
    best, tries = _search(spec, thickness)
    record = _record(spec, best, tries)
    if path is not None:
        _save(path, best.mask, record)
    return best.mask, record


def check(spec: BlockSpec) -> None:
    """Raise InputError, with the allowed values and a fix, where a spec cannot give a block."""
    _check_range("spacing_um", spec.spacing_um, 1e-3, math.inf, "give the edge of a voxel in um")
    _check_range("bv_tv", spec.bv_tv, *BV_TV_RANGE, "choose a BV/TV of trabecular bone")
    _check_range("seed", spec.seed, 0, 2**63 - 1, "choose another seed")
    _check_range("plates", spec.plate_share, 0.0, 1.0, "leave it out for the default at this BV/TV")
    _check_range("stretch", spec.stretch, 0.5, 2.0, "1 is isotropic, 1.2 usual")
    _check_range("holes", spec.holes, 0.0, 0.9, "0.3 is usual")
    finest = MIN_TB_TH_VOXELS * spec.spacing_um
    fix = f"use voxels of at most {spec.tb_th_um / MIN_TB_TH_VOXELS:.3g} um or thicker trabeculae"
    _check_range("tb_th_um", spec.tb_th_um, finest, math.inf, fix)
    cell = first_cell_um(spec)
    _check_range("cell_um", cell, spec.tb_th_um, math.inf, "a cell must be wider than its trabeculae")
    if len(spec.shape) != 3:
        raise InputError(f"generated block, shape: {spec.shape} has {len(spec.shape)} numbers. Give three: z, y, x.")
    voxels = math.ceil(cell / spec.spacing_um)
    fix = f"one cell of this bone is about {cell:.0f} um wide; {math.ceil(GOOD_CELLS * voxels)} or more are better"
    for n in spec.shape:
        _check_range("shape", n, voxels, math.inf, fix)


def first_cell_um(spec: BlockSpec) -> float:
    """Cell size the search starts from, um: the fixed one, or Tb.Th times a ratio measured at this BV/TV and plates."""
    if spec.cell_um is not None:
        return spec.cell_um
    ratios = [np.interp(spec.bv_tv, _BV_TV_ROWS, row) for row in _CELL_RATIO.values()]
    return spec.tb_th_um * float(np.interp(spec.plate_share, list(_CELL_RATIO), ratios))


def _check_range(name: str, value: float, low: float, high: float, fix: str) -> None:
    if not low <= value <= high:
        allowed = f"at least {low:g}" if math.isinf(high) else f"{low:g} to {high:g}"
        raise InputError(f"generated block, {name}: {value:g} cannot be used. Allowed: {allowed}. Fix: {fix}.")


# ---- the search for the cell size -----------------------------------------------------------------------------------


def _search(spec: BlockSpec, thickness: Thickness) -> tuple[_Try, int]:
    """Best of up to seven full-size tries, and their number; the first cell size is found on a coarser grid."""
    cell = first_cell_um(spec)
    factor = int(spec.tb_th_um / spec.spacing_um / _COARSE_TB_TH_VOXELS)
    if factor > 1 and spec.cell_um is None:
        cell = _best_try(spec, thickness, cell, factor, _COARSE_AIM)[0].cell_um
    return _best_try(spec, thickness, cell, 1, _AIM)


def _best_try(spec: BlockSpec, thickness: Thickness, cell: float, factor: int, aim: float) -> tuple[_Try, int]:
    """Best of the tries on a `factor` times coarser grid, up to the first that misses by < `aim`, and their number."""
    done: list[_Try] = []
    while len(done) < _TRIES:
        done.append(_make(spec, thickness, cell, factor))
        if spec.cell_um is not None or _miss(spec, done[-1]) < aim:
            break
        cell = next_cell_um([(block.cell_um, block.tb_th_um) for block in done], spec.tb_th_um)
    return min(done, key=lambda block: _miss(spec, block)), len(done)


def next_cell_um(known: list[tuple[float, float]], aim_um: float) -> float:
    """Cell size to try next for Tb.Th = aim_um: within the narrowest bracket, else beyond the tries, in growing steps.

    Tb.Th grows with the cell size on the whole, but dips where another piece of bone enters the box.

    known : (cell, measured Tb.Th) pairs, um, at least one
    """
    points = sorted((math.log(cell), math.log(got / aim_um)) for cell, got in known)
    brackets = [(b[0] - a[0], a, b) for a, b in itertools.pairwise(points) if a[1] * b[1] < 0.0]
    if brackets:
        _, a, b = min(brackets)
        share = a[1] / (a[1] - b[1])
        return math.exp(a[0] + min(max(share, 0.15), 0.85) * (b[0] - a[0]))
    end = points[-1] if points[0][1] < 0.0 else points[0]
    step = -end[1] * 2.0 ** (len(points) - 1)
    return math.exp(end[0] + min(max(step, -0.4), 0.4))


def _make(spec: BlockSpec, thickness: Thickness, cell_um: float, factor: int) -> _Try:
    """One block at a cell size, on a grid `factor` times coarser than asked."""
    shape = (-(-spec.shape[0] // factor), -(-spec.shape[1] // factor), -(-spec.shape[2] // factor))
    spacing = spec.spacing_um * factor
    mask = cut(distance_field(spec, shape, spacing, cell_um), spec.bv_tv)
    return _Try(mask, cell_um, float(mask.mean()), thickness(mask) * spacing)


def _miss(spec: BlockSpec, block: _Try) -> float:
    """Largest relative error, counted in shares of what is promised."""
    th, bv = abs(block.tb_th_um / spec.tb_th_um - 1.0), abs(block.bv_tv / spec.bv_tv - 1.0)
    return max(th / TB_TH_TOLERANCE, bv / BV_TV_TOLERANCE)


# ---- the network ----------------------------------------------------------------------------------------------------


def distance_field(
    spec: BlockSpec, shape: tuple[int, int, int], spacing_um: float, cell_um: float
) -> NDArray[np.float32]:
    """Rounded distance to the network, um, at the centers of the voxels; bone is where it is small.

    It is sampled no finer than the smaller of 5 % of a cell and 22 % of Tb.Th, and splined up to the voxels.
    """
    factor = max(1, int(min(0.05 * cell_um, _BLUR * spec.tb_th_um) / spacing_um))
    h, origin = spacing_um * factor, -_PAD * spacing_um * factor
    samples = (
        -(-shape[0] // factor) + 2 * _PAD,
        -(-shape[1] // factor) + 2 * _PAD,
        -(-shape[2] // factor) + 2 * _PAD,
    )
    rods, both = _raw_distances(spec, samples, h, origin, cell_um)
    blur = spec.tb_th_um / h
    rounded = ndimage.gaussian_filter(both, _BLUR * blur)
    core = ndimage.gaussian_filter(rods, _CORE_BLUR * blur) + np.float32(_CORE * spec.tb_th_um)
    distance = np.minimum(rounded, core)
    if factor == 1:
        return np.ascontiguousarray(distance[_PAD:-_PAD, _PAD:-_PAD, _PAD:-_PAD])
    return spline_up(distance, [(np.arange(n) + 0.5) / factor - 0.5 + _PAD for n in shape])


def _raw_distances(
    spec: BlockSpec, shape: tuple[int, int, int], h: float, origin: float, cell_um: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Distances to the rods, and to rods and plates, um, before the rounding."""

    def noise(wave: float, stream: int) -> NDArray[np.float32]:
        return smooth_noise(shape, h, wave * cell_um, spec.seed, stream, origin_um=origin)

    shift = np.stack([noise(_WARP_WAVE, axis) for axis in range(3)]) * np.float32(_WARP * cell_um)
    log_thickness = noise(_VARIATION_WAVE, 3) * np.float32(_VARIATION)
    solid = np.float32(ndtri(1.0 - spec.holes))
    gap = (noise(_HOLE_WAVE, 4) - solid) * np.float32(_HOLE_WAVE * cell_um / (2.0 * math.pi))
    sides = np.array([spec.stretch ** (2 / 3), spec.stretch ** (-1 / 3), spec.stretch ** (-1 / 3)]) * cell_um
    points, low = _seed_box(spec.seed, shape, h, origin, sides, shift)
    look = np.array([spec.plate_share, _WINDOW, _UPRIGHT, _HALF_WIDTH * sides[1], _SLIM])
    rods, both = np.empty(shape, np.float32), np.empty(shape, np.float32)
    blocks.launch(
        voronoi.rod_plate_distance, shape[0], spec.seed, h, origin, sides, points, low, _search_offsets(),
        shift, log_thickness, gap, look, rods, both,
    )  # fmt: skip
    return rods, both


def _seed_box(
    seed: int, shape: tuple[int, int, int], h: float, origin: float, sides: NDArray, shift: NDArray
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Seed points of all lattice cells within reach of the box, and the first of these cells."""
    lows, highs = shift.min(axis=(1, 2, 3)), shift.max(axis=(1, 2, 3))
    low = np.floor((origin + lows) / sides).astype(np.int64) - 3
    high = np.floor((origin + np.array(shape) * h + highs) / sides).astype(np.int64) + 3
    points = np.empty((*(high - low + 1), 3))
    blocks.launch(voronoi.place_seeds, points.shape[0], seed, _JITTER, low, points)
    return points, low


def _search_offsets() -> NDArray[np.int64]:
    """The 81 lattice cells around a cell, nearest first, that can hold the nearest seeds."""
    cells = sorted(itertools.product(range(-2, 3), repeat=3), key=lambda cell: (sum(n * n for n in cell), cell))
    return np.array([cell for cell in cells if sum(n * n for n in cell) <= 6], np.int64)


def cut(distance: NDArray[np.float32], bv_tv: float) -> Mask:
    """The voxels nearest to the network, in one 6-connected piece with the wanted BV/TV.

    Loose pieces are dropped, so the quantile is raised until the piece that stays has the volume. Where a whole piece
    joins at once, the last mask that is too small grows into the first that is too large.
    """
    ordered = np.sort(distance, axis=None)
    inner: Mask | None = None
    outer: Mask | None = None
    low, high, level = 0.0, 1.0, bv_tv
    for _ in range(_CUTS):
        mask = largest_component(distance < ordered[int(level * (ordered.size - 1))])
        got = float(mask.mean())
        if abs(got / bv_tv - 1.0) < _BV_TV_AIM:
            return mask
        if got < bv_tv:
            inner, low = mask, level
        else:
            outer, high = mask, level
        level = min(level * bv_tv / got, 0.5 * (level + 1.0)) if outer is None else 0.5 * (low + high)
    if inner is None or outer is None or (inner & ~outer).any():
        return mask
    return grow(inner, outer, round(bv_tv * mask.size))


def grow(inner: Mask, outer: Mask, voxels: int) -> Mask:
    """`inner` with layers of `outer` added along 6-neighbors until it has so many voxels; it stays in one piece."""
    mask = inner.copy()
    missing = voxels - int(mask.sum())
    while missing > 0:
        layer = np.flatnonzero(ndimage.binary_dilation(mask, mask=outer) & ~mask)[:missing]
        if layer.size == 0:
            break
        mask.ravel()[layer] = True
        missing -= layer.size
    return mask


# ---- record and cache -----------------------------------------------------------------------------------------------


def touches_faces(mask: Mask) -> bool:
    """True where bone reaches all six faces of the box."""
    return all(bool(np.take(mask, end, axis).any()) for axis in range(3) for end in (0, -1))


def _record(spec: BlockSpec, block: _Try, tries: int) -> dict[str, Any]:
    return {
        "kind": "generated",
        "generator_version": GENERATOR_VERSION,
        "bv_tv": block.bv_tv,
        "tb_th_um": block.tb_th_um,
        "cell_um": block.cell_um,
        "tries": tries,
        "plates": spec.plate_share,
        "stretch": spec.stretch,
        "holes": spec.holes,
        "seed": int(spec.seed),
        "touches_faces": touches_faces(block.mask),
        "warnings": _warnings(spec, block),
    }


def _warnings(spec: BlockSpec, block: _Try) -> list[str]:
    found = []
    cells = min(spec.shape) * spec.spacing_um / block.cell_um
    if cells < GOOD_CELLS:
        found.append(f"the shortest box edge holds {cells:.1f} cells; below {GOOD_CELLS} the seed decides much")
    if abs(block.bv_tv / spec.bv_tv - 1.0) > BV_TV_TOLERANCE:
        found.append(f"BV/TV is {block.bv_tv:.4f}, asked was {spec.bv_tv:.4f}")
    if spec.cell_um is None and abs(block.tb_th_um / spec.tb_th_um - 1.0) > TB_TH_TOLERANCE:
        found.append(f"Tb.Th is {block.tb_th_um:.1f} um, asked was {spec.tb_th_um:.1f} um")
    if not touches_faces(block.mask):
        found.append("bone does not reach all six faces of the box; choose another seed for finite elements")
    return found


def _spec_hash(spec: BlockSpec) -> str:
    text = json.dumps([GENERATOR_VERSION, asdict(spec)], sort_keys=True, default=float)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def _save(path: Path, mask: Mask, record: dict[str, Any]) -> None:
    """Write mask and record under a temporary name, then rename, so that no reader sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with open(temporary, "wb") as file:
        np.savez_compressed(file, bits=np.packbits(mask), record=json.dumps(record))
    os.replace(temporary, path)


def _load(path: Path, spec: BlockSpec) -> tuple[Mask, dict[str, Any]] | None:
    """Mask and record of a cache file; None where it is absent or damaged."""
    try:
        with np.load(path) as stored:
            bits, record = stored["bits"], json.loads(str(stored["record"]))
        mask = np.unpackbits(bits, count=math.prod(spec.shape)).astype(bool).reshape(spec.shape)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        return None
    return mask, record
