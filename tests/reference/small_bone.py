"""Small bones for tests: flat slabs and rods whose strain is uniform, and a quick generated block."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from boneabm.build import assemble, build
from boneabm.engine import DAY, Simulation
from boneabm.lattice import VoxelLattice
from boneabm.remodeling import mechanostat, mineralization
from boneabm.remodeling.activation import open_site
from boneabm.scenario import Scenario
from boneabm.scenario_text import merge_tables

WITHOUT_STRAIN = tuple(rule for rule in DAY if rule.name not in ("endocrine", "loading", "mechanics"))
QUIET = {"activation.frequency_per_y": 0.10}


def scenario(**tables: Any) -> Scenario:
    """A quick scenario: 0.8 mm of dense generated bone at 20 um, ten days; `tables` are laid over it.

    With this seed four sites open between days -18 and -4 at an activation of 0.16 /y.
    """
    bone = {"kind": "generated", "size": "0.8 mm", "voxel": "20 um", "bv_tv": 0.3, "tb_th": "130 um", "seed": 3}
    base = {"title": "small", "bone": bone, "simulation": {"days": 10, "seed": 17, "burn_in": "20 d"}}
    return Scenario.from_dict(merge_tables(base, tables))


def block(**tables: Any) -> Simulation:
    """Simulation of the quick scenario at the start of its burn-in."""
    return build(scenario(**tables))[0]


def slab(spacing_um: float = 20.0, thick_um: float = 240.0, edge_um: float = 800.0, seed: int = 1) -> Simulation:
    """A flat plate of bone across the block, at rest as `quiet_bone`."""
    edge = round(edge_um / spacing_um)
    thick = round(thick_um / spacing_um)
    around = round(120.0 / spacing_um)
    mask = np.zeros((thick + 2 * around, edge, edge), bool)
    mask[around : around + thick] = True
    return quiet_bone(mask, spacing_um, seed)


def rod(thick: int, seed: int = 1) -> Simulation:
    """A rod of bone, so many voxels of 20 um thick, that runs along x from face to face, at rest as `quiet_bone`."""
    mask = np.zeros((20, 20, 50), bool)
    own = slice(10 - thick // 2, 10 - thick // 2 + thick)
    mask[own, own] = True
    return quiet_bone(mask, 20.0, seed)


def quiet_bone(mask: np.ndarray, spacing_um: float, seed: int = 1) -> Simulation:
    """Bone of a mask, everywhere at the habitual stimulus; its days leave out strain and body.

    Nothing starts by itself (activation is switched off); use `start_site`. All osteocytes are at their set point, so
    that a site is refilled by the balance itself; it is 1 here (the default makes up for signals spread about 1).
    """
    quiet = scenario(parameters=QUIET, simulation={"burn_in": "0 d"})
    simulation = assemble(quiet, VoxelLattice.from_mask(mask, spacing_um))
    state, rules = simulation.state, simulation.rules
    state.seed = seed
    simulation.day_rules = WITHOUT_STRAIN
    still, even = rules.activation._replace(frequency_per_y=0.0), rules.osteoblast._replace(balance=1.0)
    simulation.rules = replace(rules, activation=still, osteoblast=even)
    tissue = state.tissue
    tissue.area_scale = tissue.surface.area_scale(tissue.lattice)
    tissue.update_surface()
    mineralization.age_at_start(tissue, seed, rules.mineral)
    mechanostat.place_osteocytes(tissue, seed, rules.osteocyte)
    mechanostat.adapt_at_start(tissue, state.strain.psi, rules.osteocyte)
    state.signals.set_reference(tissue)
    simulation.reset_ledger()
    return simulation


def start_site(simulation: Simulation) -> int:
    """Open a remodeling site in the middle of the upper face of a slab or rod; its number."""
    tissue, rules = simulation.tissue, simulation.rules
    z, y, x = tissue.lattice.shape
    top = int(np.argwhere(tissue.lattice.bone[:, y // 2, x // 2]).max())
    voxel = int(np.ravel_multi_index((top, y // 2, x // 2), (z, y, x)))
    open_site(tissue, voxel, simulation.state.seed, simulation.day, rules.activation, rules.osteoclast, 1.0)
    return tissue.next_site - 1


def run_until_closed(simulation: Simulation, most_days: int = 400) -> list[dict[str, Any]]:
    """Simulate until no site is open; all events on the way."""
    seen: list[dict[str, Any]] = []
    for _ in range(most_days):
        simulation.step()
        seen += simulation.tissue.today.events
        if simulation.tissue.sites.n == 0:
            return seen
    raise AssertionError(f"still {simulation.tissue.sites.n} open sites after {most_days} days")
