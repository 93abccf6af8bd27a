"""Virtual biopsies of a run: when they are taken, what is remembered for them, and the row that they give."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..engine import Simulation
from ..io.checkpoint import read_checkpoint, write_checkpoint
from ..io.runfolder import RunFolder
from ..io.schema import BIOPSY_COLUMNS, MECHANOREGULATION_COLUMNS
from ..io.series import EventWriter, SeriesWriter, read_table
from ..mechanics import MicroFE
from ..mechanics.anisotropy import stiffest_tilt_deg, youngs_at_tilt
from ..morphometry import measure
from ..morphometry.fabric import fabric
from . import biopsy, mechanoregulation
from .biopsy import NAN, FrontRecord, Labels, Walls
from .bmdd import mineral_distribution
from .loss import SiteRecord, loss_split, site_record
from .mechanoregulation import SurfaceRecord, surface_record
from .observation import ObservationParameters

Table = Mapping[str, NDArray[Any]]


class Biopsies:
    """Takes the biopsies of a run and writes `biopsy.csv` and `mechanoregulation.csv`.

    A biopsy is due on the first day that is written, every `every_d` days counted from day 0, and on the last day.
    Records of earlier days (fronts on the days of the labels, the surface at the biopsy before) lie in the run folder;
    they are on the disk before the checkpoint of their day, so a resumed run gives the same rows.
    """

    def __init__(self, folder: RunFolder, every_d: int, last_day: int, p: ObservationParameters, lag_d: float) -> None:
        self.folder, self.every_d, self.last_day, self.p = folder, every_d, last_day, p
        self.front_days = p.front_days(lag_d)
        self.table = SeriesWriter(folder.biopsy, list(BIOPSY_COLUMNS))
        self.odds = EventWriter(folder.mechanoregulation, list(MECHANOREGULATION_COLUMNS))
        self.days: list[int] = []
        self.truncate_after(last_day)

    def truncate_after(self, day: int) -> None:
        """Take back what was written after a day."""
        self.table.truncate_after(day)
        self.odds.truncate_after(day)
        self.days = read_table(self.folder.biopsy)["day"].astype(int).tolist()

    def sync(self) -> None:
        """Return only when every row is on the disk."""
        self.table.sync()
        self.odds.sync()

    def due(self, day: int) -> bool:
        """Whether a biopsy is taken on this day; none after the last."""
        return not self.days or day == self.last_day or (day < self.last_day and day % self.every_d == 0)

    def observe(self, simulation: Simulation) -> None:
        """Take the biopsy of today, and record what the next ones will need; series and events are written already."""
        day = simulation.day
        biopsied = self.due(day)
        if biopsied:
            self.take(simulation)
        fronts = any(self.due(day + ahead) for ahead in self.front_days)
        if biopsied or fronts:
            write_checkpoint(self.folder.record(day), record(simulation, biopsied), {"day": day})

    def forget(self, day: int) -> None:
        """Remove the records that no biopsy after this day needs; its checkpoint is on the disk."""
        for other in self.folder.record_days():
            ahead = any(self.due(other + later) and other + later > day for later in self.front_days)
            if not ahead and other not in (self.days[0], self.days[-1]):
                self.folder.record(other).unlink()

    def take(self, simulation: Simulation) -> None:
        """Append the row of today."""
        series, events = read_table(self.folder.series), read_table(self.folder.events)
        labels, walls = self.labels(simulation), self.walls(events)
        row = {"day": simulation.day, **architecture(simulation), **surfaces(simulation, self.p)}
        row |= {"MS/BS_percent": labels.ms_bs_percent, "MAR_um_per_d": labels.mar_um_per_d}
        row |= {"BFR/BS_um_per_y": labels.bfr_bs_um_per_y}
        row |= {"Ac.f_per_y": biopsy.activation_frequency(labels, walls)}
        row |= {"W.Th_um": walls.wall_um, "E.De_um": walls.erosion_depth_um, "balance_um": walls.balance_um}
        row |= self.mineral(simulation) | markers(series, self.p.marker_d)
        row |= self.classified(simulation) | self.losses(simulation, series, events)
        self.table.append(row)
        self.days.append(simulation.day)

    def labels(self, simulation: Simulation) -> Labels:
        """Double labels of the courses before today; nan where the run had not begun by then."""
        days = [simulation.day - before for before in self.front_days]
        if not self.days or days[0] < self.days[0]:
            return Labels()
        fronts = [FrontRecord(*_part(self.folder, day, "front", FrontRecord)) for day in days]
        first, second = (biopsy.take_up(fronts[i], fronts[i + 1], self.p.least_label_um) for i in (0, 2))
        surface_um2 = simulation.tissue.surface.total_um2
        return biopsy.label_indices(first, second, self.p.label_interval_d, surface_um2)

    def walls(self, events: Table) -> Walls:
        """Walls of the sites that closed since the last biopsy."""
        return biopsy.closed_walls(events, self.days[-1]) if self.days and events["day"].size else Walls()

    def mineral(self, simulation: Simulation) -> dict[str, float]:
        """vBMD, DXA-like change since the first biopsy, mineral distribution."""
        density, lattice = simulation.tissue.mineral_g_per_cm3(), simulation.tissue.lattice
        first = read_table(self.folder.biopsy)["vBMD_g_per_cm3"][0] if self.days else density
        calcium = mineral_distribution(lattice.matrix, lattice.osteoid, lattice.mineral, self.p)
        change = 100.0 * self.p.dxa_factor * (density / first - 1.0) if first else NAN
        names = ("CaMean_wt_percent", "CaPeak_wt_percent", "CaWidth_wt_percent")
        return {"vBMD_g_per_cm3": density, "DXA_change_percent": change, **dict(zip(names, calcium, strict=True))}

    def classified(self, simulation: Simulation) -> dict[str, float]:
        """Fates of the surface since the last biopsy: their odds into the table, their classification into the row."""
        if not self.days:
            return {"CCR": NAN, "CCR_null95": NAN}
        lattice, since = simulation.tissue.lattice, self.days[-1]
        before = SurfaceRecord(*_part(self.folder, since, "surface", SurfaceRecord))
        if before.voxel.size == 0:
            return {"CCR": NAN, "CCR_null95": NAN}
        fate = mechanoregulation.fates(before, lattice.matrix, lattice.spacing_um, self.p.change_um)
        names = list(MECHANOREGULATION_COLUMNS)
        bins = zip(*(column.tolist() for column in mechanoregulation.odds_by_signal(before, fate)), strict=True)
        self.odds.append(dict(zip(names, (simulation.day, since, *values), strict=True)) for values in bins)
        rate, null = mechanoregulation.classification(before, fate, lattice.shape)
        return {"CCR": rate, "CCR_null95": null}

    def losses(self, simulation: Simulation, series: Table, events: Table) -> dict[str, float]:
        """Bone lost since the first biopsy in four parts, percent of the bone of then."""
        names = [f"loss_{part}_percent" for part in ("thinning", "perforation", "breakage", "fragments")]
        if not self.days:
            return dict.fromkeys(names, 0.0)
        lattice, first = simulation.tissue.lattice, self.days[0]
        volume_um3 = lattice.matrix.size * lattice.voxel_um3
        bone_um3 = float(series["BV/TV"][series["day"] == first][0]) * volume_um3
        gone = float(series["fragments_um3"][series["day"] > first].sum())
        start = SiteRecord(*_part(self.folder, first, "sites", SiteRecord))
        split = loss_split(events, first, start, bone_um3 - lattice.bv_tv * volume_um3, gone)
        return {name: 100.0 * part / bone_um3 if bone_um3 else NAN for name, part in zip(names, split, strict=True)}


def record(simulation: Simulation, biopsied: bool) -> dict[str, NDArray[Any]]:
    """What later biopsies need of today: fronts, and after a biopsy the surface with its signal and the open sites."""
    tissue = simulation.tissue
    parts: dict[str, Any] = {"front": biopsy.front_record(tissue)}
    if biopsied:
        parts |= {"surface": surface_record(tissue, simulation.state.strain.psi), "sites": site_record(tissue)}
    return {f"{name}/{field}": array for name, part in parts.items() for field, array in part._asdict().items()}


def _part(folder: RunFolder, day: int, name: str, kind: Any) -> list[NDArray[Any]]:
    """Arrays of one part of the record of a day, in the order of its fields."""
    arrays, _ = read_checkpoint(folder.record(day))
    return [arrays[f"{name}/{field}"] for field in kind._fields]


def architecture(simulation: Simulation) -> dict[str, float]:
    """BV/TV, Tb.Th, Tb.Sp, Tb.N, Conn.D, stiffness along z, degree of anisotropy, angles of fabric and stiffness.

    Tb.N = BV/TV / Tb.Th (plate model, Parfitt 1983) on the same mask: 1 / (Tb.Th + Tb.Sp) is biased where spheres of
    marrow are cut by the faces of a small block.
    """
    tissue = simulation.tissue
    lattice, surface = tissue.lattice, tissue.surface
    m = measure(lattice.bone, lattice.spacing_um)
    axes = fabric(surface.normal, surface.area_um2, lattice.bv_tv * lattice.matrix.size * lattice.voxel_um3)
    return {
        "BV/TV": lattice.bv_tv,
        "Tb.Th_um": m.tb_th_um,
        "Tb.Sp_um": m.tb_sp_um,
        "Tb.N_per_mm": 1000.0 * m.bv_tv / m.tb_th_um,
        "Conn.D_per_mm3": m.conn_d_per_mm3,
        "stiffness_zz_mpa": float(simulation.state.strain.fe.stiffness_mpa[0, 0]),
        "DA": axes.anisotropy,
        "fabric_angle_deg": axes.angle_deg,
        "fabric_tilt_deg": axes.tilt_deg,
        **directed_stiffness(simulation.state.strain.fe),
    }


def directed_stiffness(fe: MicroFE) -> dict[str, float]:
    """Stiffest direction in the z-x plane, Young's moduli along z and 30 degrees from it toward x.

    nan unless all six stresses are known (boundary "affine") and bone reaches from face to face along every axis
    """
    names = ("stiff_tilt_deg", "youngs_z_mpa", "youngs_30_mpa")
    if fe.cases < 6 or not all(fe.spans):
        return dict.fromkeys(names, NAN)
    youngs = youngs_at_tilt(fe.stiffness_mpa, [0.0, 30.0]).tolist()
    return dict(zip(names, (stiffest_tilt_deg(fe.stiffness_mpa), *youngs), strict=True))


def surfaces(simulation: Simulation, p: ObservationParameters) -> dict[str, float]:
    """ES/BS, OS/BS in percent and O.Th, um."""
    tissue = simulation.tissue
    whole = tissue.surface.total_um2
    if whole <= 0:
        return {"ES/BS_percent": NAN, "OS/BS_percent": NAN, "O.Th_um": NAN}
    osteoid_um2, seam_um = biopsy.osteoid_cover(tissue, p.least_osteoid_um)
    eroded = 100.0 * biopsy.eroded_um2(tissue) / whole
    return {"ES/BS_percent": eroded, "OS/BS_percent": 100.0 * osteoid_um2 / whole, "O.Th_um": seam_um}


def markers(series: Table, days: int) -> dict[str, float]:
    """CTX-like and P1NP-like: bone resorbed and formed per day, mean of the last days over that of the first days."""
    found = {}
    for name, column in (("CTX_relative", "resorbed_um3"), ("P1NP_relative", "formed_um3")):
        first = float(np.mean(series[column][:days]))
        found[name] = float(np.mean(series[column][-days:])) / first if first else NAN
    return found
