"""Modeling: bone formed on quiescent surface, without resorption, where osteocytes feel more than they are used to."""

from __future__ import annotations

import numpy as np

from ..endocrine import Modulators
from ..kernels import random, turnover
from .activation import starting_voxels
from .formation import create_osteoblasts
from .parameters import ActivationParameters, ModelingParameters, OsteoblastParameters
from .resorption import open_columns, patch_around
from .signaling import Signals
from .tissue import Tissue


def modeling_drive(sclerostin_per_cell: np.ndarray, p: ModelingParameters, free_share: float = 1.0) -> np.ndarray:
    """What drives modeling: -ln(free sclerostin per osteocyte) - onset, from 0 to a limit.

    limit = 1 + (antibody_drive - 1) x share held by antibody: osteocytes alone reach 1, an antibody goes beyond.
    """
    most = 1.0 + (p.antibody_drive - 1.0) * (1.0 - free_share)
    drive = np.zeros(sclerostin_per_cell.size)
    low = np.flatnonzero(sclerostin_per_cell < np.exp(1e-9 - p.onset))  # elsewhere it is 0: most of the surface
    drive[low] = np.clip(-np.log(np.maximum(sclerostin_per_cell[low], 1e-3)) - p.onset, 0.0, most)
    return drive


def felt_drive(signals: Signals, voxels: np.ndarray, m: Modulators, p: ModelingParameters) -> np.ndarray:
    """Drive at flat voxels: own + (1 - wnt_counter) (drive under antibody - own).

    The counter-regulation of the body takes back what antibody adds, see `Modulators.wnt_counter`.
    """
    free, sclerostin = signals.free_sclerostin_share(m), signals.sclerostin_per_cell(voxels)
    own = modeling_drive(sclerostin, p)
    if free == 1.0:
        return own
    return own + (1.0 - m.wnt_counter) * (modeling_drive(sclerostin * free, p, free) - own)


def start_modeling(
    tissue: Tissue,
    signals: Signals,
    seed: int,
    day: int,
    m: Modulators,
    p: ModelingParameters,
    sites: ActivationParameters,
    cells: OsteoblastParameters,
) -> None:
    """Open today's modeling sites.

    p(voxel) = frequency / 365 x area / (site area x quiescent share) x drive
    """
    drive = felt_drive(signals, tissue.surface.voxel, m, p)
    rate = p.frequency_per_y / 365.0 / (sites.site_area_um2 * sites.quiescent_fraction)
    for voxel in starting_voxels(tissue, rate, drive, seed, random.MODELING, day):
        if tissue.flat("bmu")[voxel] == -1:
            open_modeling_site(tissue, voxel, seed, day, m, p, sites, cells)


def open_modeling_site(
    tissue: Tissue,
    voxel: int,
    seed: int,
    day: int,
    m: Modulators,
    p: ModelingParameters,
    sites: ActivationParameters,
    cells: OsteoblastParameters,
) -> None:
    """Quiescent surface around a voxel becomes full columns in formation; osteoblasts lay the wall on top of them."""
    number = tissue.next_site
    tissue.next_site += 1
    reach_um = 1.5 * np.sqrt(sites.site_area_um2 / np.pi)
    patch = patch_around(tissue, number, voxel, sites.site_area_um2, reach_um)
    kept = {"site": number, "voxel": voxel, "opened_day": day, "formation_day": day, "modeling": 1}
    tissue.sites.append(1, quota_um2=patch.total_um2, claimed_um2=patch.total_um2, **kept)
    columns = open_columns(tissue, patch, number, -1, day)
    tissue.columns["phase"][columns] = turnover.FORMATION
    tissue.columns["floor"][columns] = turnover.FLOOR
    tissue.columns["end_um"][columns] = tissue.columns["start_um"][columns]
    rate_um_per_d = cells.open_rate_um_per_d * cells.closing_fraction
    life_d = np.full(columns.size, p.wall_um / rate_um_per_d * m.m_ob_life)
    create_osteoblasts(tissue, columns, life_d, seed, day, m, cells)
