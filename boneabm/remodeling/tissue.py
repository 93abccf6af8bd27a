"""Tissue: the lattice, its cells and its open remodeling sites, and what a day did to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ..cells import IdCounter, Osteoblast, Osteoclast, Osteocyte, Population, Table
from ..kernels.turnover import SCALE
from ..lattice import Surface, VoxelLattice
from .bisphosphonate import SurfaceDrug

HISTORY_D = 365
SITE_COLUMNS = {
    "site": ("i4", -1),
    "voxel": ("i4", -1),
    "opened_day": ("i4", 0),
    "formation_day": ("i4", -(2**31)),
    "modeling": ("u1", 0),
    "quota_um2": ("f4", 0.0),
    "claimed_um2": ("f4", 0.0),
    "resorbed": ("i8", 0),
    "formed": ("i8", 0),
    "pending": ("f8", 0.0),
}
COLUMN_COLUMNS = {
    "root": ("i4", -1),
    "site": ("i4", -1),
    "owner": ("i8", -1),
    "area_um2": ("f4", 0.0),
    "normal_z": ("f4", 0.0),
    "normal_y": ("f4", 0.0),
    "normal_x": ("f4", 0.0),
    "level_um": ("f4", 0.0),
    "start_um": ("f4", 0.0),
    "end_um": ("f4", 0.0),
    "released": ("i8", 0),
    "phase": ("u1", 0),
    "phase_day": ("i4", 0),
    "floor": ("u1", 0),
}
LAYER_COLUMNS = {
    "voxel": ("i4", -1),
    "column": ("i4", -1),
    "top_um": ("f4", 0.0),
    "thick_um": ("f4", 0.0),
    "before_um": ("f4", 0.0),
}
NEVER = -(2**31)


@dataclass
class DayTotals:
    """What one day did: amounts in 2^-24 voxel (mineral: 2^-23 g/cm3 of voxel) and counts, zero at dawn."""

    resorbed: int = 0
    formed: int = 0
    dissolved: int = 0
    claimed_um2: float = 0.0
    opened: int = 0
    apposition_um: float = 0.0
    working: int = 0
    occupancy: float = 0.0
    events: list[dict[str, float | int | str]] = field(default_factory=list)


class Tissue:
    """Lattice, cells, sites and the maps between them.

    sites   : open remodeling sites (BMUs), one row each, by number; pending: voxels laid and not yet taken up
    columns : columns of matrix under claimed surface; the order of rows is the order of claiming
    layers  : voxels that belong to columns; before_um: the matrix that they held when they were claimed
    apoptotic, loose : neighborhoods of dying osteocytes, voxels of loose fragments
    dissolved : loose voxels that went since the oldest open site was opened, with the matrix they had
    pool    : preosteoclasts relative to the reference adult
    drug    : bisphosphonate on and in bone, None until the first dose
    claimed_um2 : (365,) float64, area claimed on each of the last days, a ring by day
    layer_of, column_of_root : (Z*Y*X,) int32, row by voxel or -1; derived
    tried   : (Z*Y*X,) int32, room of `grow_front` and `grow_roofs`, -1 between their calls
    """

    def __init__(self, lattice: VoxelLattice) -> None:
        self.lattice = lattice
        self.ids = IdCounter()
        self.osteoclasts = Population(Osteoclast, self.ids)
        self.osteoblasts = Population(Osteoblast, self.ids)
        self.osteocytes = Population(Osteocyte, self.ids)
        self.sites = Table(SITE_COLUMNS)
        self.columns = Table(COLUMN_COLUMNS)
        self.layers = Table(LAYER_COLUMNS)
        self.apoptotic = Table({"voxel": ("i4", -1), "day": ("i4", 0)})
        self.loose = Table({"voxel": ("i4", -1)})
        self.dissolved = Table({"voxel": ("i4", -1), "matrix": ("f4", 0.0), "day": ("i4", 0)})
        self.pool = 1.0
        self.drug: SurfaceDrug | None = None
        self.next_site = 0
        self.area_scale = 1.0
        self.claimed_um2 = np.zeros(HISTORY_D)
        self.surface = Surface(lattice.shape)
        voxels = int(np.prod(lattice.shape))
        self.layer_of = np.full(voxels, -1, np.int32)
        self.column_of_root = np.full(voxels, -1, np.int32)
        self.tried = np.full(voxels, -1, np.int32)
        self.book = np.zeros((3, lattice.shape[0], 2), np.int64)
        self.today = DayTotals()

    @property
    def plane_size(self) -> int:
        """Voxels per z plane."""
        return self.lattice.shape[1] * self.lattice.shape[2]

    @property
    def populations(self) -> dict[str, Population]:
        """Populations by the name they have in files."""
        return {"osteoclasts": self.osteoclasts, "osteoblasts": self.osteoblasts, "osteocytes": self.osteocytes}

    @property
    def tables(self) -> dict[str, Table]:
        """Every table that is state, by name."""
        names = ("sites", "columns", "layers", "apoptotic", "loose", "dissolved")
        return {**self.populations, **{name: getattr(self, name) for name in names}}

    def flat(self, name: str) -> np.ndarray:
        """Flat view of a lattice array."""
        return getattr(self.lattice, name).reshape(-1)

    def normals(self) -> np.ndarray:
        """(C, 3) float32, inward normals of the columns."""
        return np.stack([self.columns[f"normal_{axis}"] for axis in "zyx"], axis=1)

    def centers_um(self) -> np.ndarray:
        """(C,) float32, depth of the centers of roots below the smooth surface, where levels are 0."""
        own = self.layer_of[self.columns["root"]]
        return self.layers["top_um"][own] + self.layers["thick_um"][own] - np.float32(0.5 * self.lattice.spacing_um)

    def site_rows(self, numbers: np.ndarray) -> np.ndarray:
        """Rows of open sites by number."""
        return np.searchsorted(self.sites["site"], numbers)

    def volume_um3(self, amount: float) -> float:
        """Amount in 2^-24 voxel as um3."""
        return amount / SCALE * self.lattice.voxel_um3

    def mineral_g_per_cm3(self) -> float:
        """Mean mineral of the block, g HA per cm3 of tissue volume (trabecular vBMD)."""
        return float(self.lattice.mineral.mean(dtype=np.float64))

    def remap(self) -> None:
        """Rebuild the maps from the tables (after rows moved or a restore)."""
        self.layer_of.fill(-1)
        self.column_of_root.fill(-1)
        self.layer_of[self.layers["voxel"]] = np.arange(self.layers.n, dtype=np.int32)
        self.column_of_root[self.columns["root"]] = np.arange(self.columns.n, dtype=np.int32)

    def update_surface(self) -> None:
        """List the surface as it is now."""
        self.surface.update(self.lattice, self.area_scale)

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that changes, for checkpoints and for the digest of the state."""
        lattice = {f"lattice/{name}": array for name, array in self.lattice.arrays()}
        tables = {f"{name}/{column}": array for name, t in self.tables.items() for column, array in t.arrays().items()}
        own = {
            "tissue/counts": np.array([self.next_site, self.ids.following], np.int64),
            "tissue/levels": np.array([self.pool, self.area_scale]),
            "tissue/claimed": self.claimed_um2,
        }
        return {**lattice, **tables, **own, **({} if self.drug is None else self.drug.arrays())}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take the state of a checkpoint of a block of the same shape."""
        for name, array in self.lattice.arrays():
            array[...] = arrays[f"lattice/{name}"]
        for name, table in self.tables.items():
            table.restore({column: arrays[f"{name}/{column}"] for column in table})
        self.next_site, self.ids.following = arrays["tissue/counts"].tolist()
        self.pool, self.area_scale = arrays["tissue/levels"].tolist()
        self.claimed_um2[...] = arrays["tissue/claimed"]
        self.drug = SurfaceDrug.of(arrays)
        self.remap()
        self.update_surface()

    def activation_frequency_per_y(self, day: int, first_day: int) -> float:
        """Ac.f over the last 365 days (fewer at the start): claimed area / bone surface / years."""
        window = min(day - first_day + 1, HISTORY_D)
        surface = self.surface.total_um2
        if window <= 0 or surface <= 0:
            return 0.0
        return float(self.claimed_um2.sum()) / surface * 365.0 / window
