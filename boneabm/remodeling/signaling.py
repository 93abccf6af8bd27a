"""Signaling: who secretes RANKL, OPG and sclerostin, and what concentrations the cells read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq

from ..endocrine import Modulators
from ..fields import CytokineField
from ..fields.binding import free_ligand
from ..kernels import motion, sensing
from ..kernels.blocks import launch
from ..kernels.surface import BLOCK
from .parameters import FieldParameters, SignalingParameters
from .tissue import Tissue

SPECIES = ("rankl", "opg", "sclerostin", "osteocytes")


class Binding(NamedTuple):
    """Affinities in 1/pM, free drug in pM, and pM per unit of the source fields."""

    k_opg: float
    k_rank: float
    k_drug: float
    drug_pm: float
    rankl_pm: float
    opg_pm: float


class Signals:
    """The cytokine fields of a block and the scale of their sources, fixed once in the reference adult.

    OPG: mean K [OPG] over the surface is 1. RANKL: mean RANK occupancy by free RANKL over the surface is the reference
    occupancy. Sclerostin: mean over the surface is the reference level. Lining and stromal cells make the share of
    RANKL and OPG that osteocytes do not. The scales are state: they are never set again after the start.
    """

    def __init__(self, tissue: Tissue, p: SignalingParameters, fields: FieldParameters) -> None:
        self.p, self.fields = p, fields
        lattice = tissue.lattice
        z, y, x = lattice.shape
        lengths = (fields.lambda_marrow_um, fields.lambda_bone_um)
        self.field = CytokineField((z, y, x), lattice.spacing_um, *lengths, SPECIES)
        self.sources = np.zeros((len(SPECIES), z, y, x), np.float32)
        self.lining_per_um2 = 0.0
        self.rankl_pm = self.opg_pm = self.sclerostin_pm = 1.0

    def secrete(self, tissue: Tissue, m: Modulators, day: int) -> None:
        """Fill `sources` with what osteocytes, lining cells and neighbors of dying osteocytes make today."""
        self.sources.fill(0.0)
        rankl, opg, sclerostin = (self.sources[i].reshape(-1) for i in range(3))
        cells, share = tissue.osteocytes, self.p.osteocyte_share
        held = 1.0 - self.p.antibody_rankl_loss * (1.0 - self.free_sclerostin_share(m))
        own = (share * m.m_rankl * held, share * m.m_opg, m.m_sclerostin)
        sensing.osteocyte_sources(cells["voxel"], cells["signal"], own, self.p, rankl, opg, sclerostin)
        lining = (self.lining_per_um2 * m.m_rankl, self.lining_per_um2 * m.m_opg)
        sensing.surface_sources(tissue.surface.voxel, tissue.surface.area_um2, lining, rankl, opg)
        sensing.add_at(cells["voxel"], np.float32(1.0), self.sources[3].reshape(-1))
        sensing.add_at(tissue.apoptotic["voxel"], np.float32(own[0] * self.p.apoptosis_rankl), rankl)

    def diffuse(self, tissue: Tissue) -> None:
        """Follow today's sources; the operator is rebuilt when enough matrix has moved."""
        if self.field.geometry_change(tissue.lattice.matrix) > self.fields.rebuild_fraction:
            self.field.set_geometry(tissue.lattice.matrix)
        self.field.advance(self.sources)

    def set_reference(self, tissue: Tissue) -> None:
        """Solve the fields of the reference adult and fix the scales of the sources."""
        area = tissue.surface.total_um2
        cells = tissue.osteocytes.n * self.p.osteocyte_share
        self.lining_per_um2 = cells * (1.0 / self.p.osteocyte_share - 1.0) / area if area > 0 else 0.0
        self.field.set_geometry(tissue.lattice.matrix)
        self.secrete(tissue, Modulators(), 0)
        self.field.solve(self.sources)
        at = np.unravel_index(tissue.surface.voxel, tissue.lattice.shape)
        self.opg_pm = 1.0 / self.fields.k_rankl_opg_per_pm / float(self.field.total("opg")[at].mean(dtype=np.float64))
        sclerostin = float(self.field.total("sclerostin")[at].mean(dtype=np.float64))
        self.sclerostin_pm = self.fields.reference_sclerostin_pm / sclerostin
        self.rankl_pm = self._rankl_scale(tissue)

    def _rankl_scale(self, tissue: Tissue) -> float:
        def excess(log_scale: float) -> float:
            self.rankl_pm = float(np.exp(log_scale))
            return float(self.occupancy(tissue, Modulators()).mean()) - self.fields.reference_occupancy

        return float(np.exp(brentq(excess, -15.0, 25.0, xtol=1e-10)))

    def binding(self, m: Modulators) -> Binding:
        """Constants of RANKL binding under today's drugs."""
        f = self.fields
        affinities = (f.k_rankl_opg_per_pm, f.k_rankl_rank_per_pm, f.k_rankl_denosumab_per_pm)
        return Binding(*affinities, m.den_pm, self.rankl_pm, self.opg_pm)

    def occupancy(self, tissue: Tissue, m: Modulators) -> np.ndarray:
        """RANK occupancy at every surface voxel, (N,) float64."""
        out = np.empty(tissue.surface.voxel.size)
        totals = (self.field.total("rankl"), self.field.total("opg"))
        where = (BLOCK, tissue.surface.voxel, tissue.lattice.shape)
        launch(motion.occupancy_at, -(-out.size // BLOCK), *where, *totals, self.binding(m), out)
        return out

    def free_sclerostin_share(self, m: Modulators) -> float:
        """Share of sclerostin that no antibody holds: 1 / (1 + A / K_D), exactly 1 without antibody.

        A is what of the antibody in blood reaches the osteocytes; it is in excess of sclerostin, so that the share is
        the same in every voxel.
        """
        reached_pm = self.fields.antibody_bone_share * m.antiscl_pm
        return free_ligand(1.0, 0.0, 0.0, reached_pm, self.fields.k_sclerostin_romosozumab_per_pm)

    def sclerostin_per_cell(self, voxels: np.ndarray) -> np.ndarray:
        """Sclerostin, free or bound, at flat voxels relative to what the osteocytes around make at their set point.

        The same transport of the osteocytes themselves stands below the fraction, so that what is left is the signal
        of the cells around and not how many they are.
        """
        ratio = np.empty(voxels.size)
        totals = (self.field.total("sclerostin"), self.field.total("osteocytes"))
        launch(motion.ratio_at, -(-voxels.size // BLOCK), BLOCK, voxels, self.field.shape, *totals, 1e-9, ratio)
        return ratio

    def arrays(self) -> dict[str, np.ndarray]:
        """Fields and scales for the checkpoint."""
        scales = np.array([self.lining_per_um2, self.rankl_pm, self.opg_pm, self.sclerostin_pm])
        return {**{f"field/{k}": v for k, v in self.field.state_arrays().items()}, "scales": scales}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take the fields and scales of a checkpoint."""
        self.field.restore({k.removeprefix("field/"): v for k, v in arrays.items() if k.startswith("field/")})
        self.lining_per_um2, self.rankl_pm, self.opg_pm, self.sclerostin_pm = arrays["scales"].tolist()
