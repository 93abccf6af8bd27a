"""One day: the list of everything that happens, in order.

Users replace or add a rule by handing `Simulation` a list of their own: a rule is (name, sentence, function), the
function takes the simulation and changes its state.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from ..remodeling import (
    activation,
    bisphosphonate,
    events,
    formation,
    fragments,
    mechanostat,
    mineralization,
    modeling,
    resorption,
)
from ..remodeling.tissue import HISTORY_D

LAST_OF_BURN_IN = -1
"""Day on which the habitual stimulus is fixed for good: with its remodeling sites open the bone feels more."""

if TYPE_CHECKING:
    from .simulation import Simulation


class Rule(NamedTuple):
    """A step of the day: its name, one sentence, and what it does."""

    name: str
    sentence: str
    run: Callable[[Simulation], Any]


def endocrine(sim: Simulation) -> None:
    sim.state.modulators = sim.state.body.advance(sim.day)


def loading(sim: Simulation) -> None:
    sim.cases = tuple((case.stress_mpa, case.cycles_per_d) for case in sim.program.day(sim.day))


def mechanics(sim: Simulation) -> None:
    if sim.day == LAST_OF_BURN_IN:
        sim.solve_strain()
        sim.fix_reference(sim.overload)
        mechanostat.remember(sim.tissue, sim.state.strain.psi, sim.rules.osteocyte)
    strain, p = sim.state.strain, sim.settings
    moved = strain.moved > p.resolve_fraction * sim.ledger.matrix_total
    late = sim.day - strain.solved_day >= p.resolve_days
    burn_in = sim.day < 0
    if (moved or late) and not burn_in:
        sim.solve_strain()
        sim.update_stimulus()
    elif sim.cases != strain.cases:
        sim.update_stimulus()


def sensing(sim: Simulation) -> None:
    sim.tissue.osteocytes.bulk["step"](sim.tissue.osteocytes)
    for day, share in sim.ablations:
        if day == sim.day:
            mechanostat.ablate(sim.tissue, sim.state.seed, day, share)


def signaling(sim: Simulation) -> None:
    sim.state.signals.secrete(sim.tissue, sim.state.modulators, sim.day)


def fields(sim: Simulation) -> None:
    sim.state.signals.diffuse(sim.tissue)


def activate(sim: Simulation) -> None:
    state, p = sim.state, sim.rules
    occupancy = state.signals.occupancy(sim.tissue, state.modulators)
    reference = p.fields.reference_occupancy
    life = state.modulators.m_oc_life
    activation.activate(sim.tissue, occupancy, reference, state.seed, sim.day, p.activation, p.osteoclast, life)
    where = (sim.tissue, state.signals, state.seed, sim.day, state.modulators)
    modeling.start_modeling(*where, p.modeling, p.activation, p.osteoblast)


def claims(sim: Simulation) -> None:
    for cells in (sim.tissue.osteoclasts, sim.tissue.osteoblasts):
        cells.bulk["step"](cells)


def turnover(sim: Simulation) -> None:
    tissue, m, p, seed = sim.tissue, sim.state.modulators, sim.rules, sim.state.seed
    bisphosphonate.deposit(tissue, m.bp_uptake, p.bisphosphonate)
    before = None if tissue.drug is None else tissue.lattice.matrix.copy()
    resorption.settle(tissue, seed, sim.day, p.osteoclast, m.m_oc_life)
    formation.settle(tissue, sim.day, p.osteoblast)
    fragments.dissolve(tissue, sim.day, p.fragments)
    bisphosphonate.follow(tissue, before, sim.day, p.bisphosphonate, p.osteoclast)
    mineralization.mineralize(tissue, sim.day, m, p.mineral)


def lives(sim: Simulation) -> None:
    tissue, state, p = sim.tissue, sim.state, sim.rules
    resorption.age_osteoclasts(tissue, sim.day)
    formation.recruit(
        tissue, state.signals, state.seed, sim.day, state.modulators, p.osteoblast, p.osteoclast.reversal_d
    )
    formation.age_osteoblasts(tissue, state.strain.psi, state.seed, sim.day, p.osteoblast, p.osteocyte)
    mechanostat.bury_dead(tissue, sim.day, p.signaling.apoptosis_d)


def shape(sim: Simulation) -> None:
    tissue = sim.tissue
    events.close_sites(tissue, sim.day)
    if sim.day % int(sim.rules.fragments.check_d) == 0:
        fragments.find_loose(tissue, sim.day)
    if sim.day % 30 == 0:
        tissue.area_scale = tissue.surface.area_scale(tissue.lattice)
    tissue.update_surface()


def ledger(sim: Simulation) -> None:
    today = sim.tissue.today
    sim.tissue.claimed_um2[sim.day % HISTORY_D] = today.claimed_um2
    sim.state.strain.moved += today.resorbed + today.formed + today.dissolved
    sim.ledger.close(sim.tissue, sim.day)


def observe(sim: Simulation) -> None:
    for writer in sim.writers:
        if writer.trigger(sim.day):
            writer.write(sim)


DAY: tuple[Rule, ...] = (
    Rule("endocrine", "hormones advance one day -> modulators, drug levels", endocrine),
    Rule("loading", "today's activities -> load cases, cycles", loading),
    Rule("mechanics", "strain energy on bone; solved again only if bone moved enough (warm start)", mechanics),
    Rule("sensing", "osteocytes: stimulus, memory, adaptation, death", sensing),
    Rule("signaling", "sources of RANKL, OPG, sclerostin", signaling),
    Rule("fields", "quasi-steady diffusion", fields),
    Rule("activation", "new remodeling and modeling sites; preosteoclasts join", activate),
    Rule("claims", "osteoclasts claim matrix, osteoblasts claim space; all read yesterday's state", claims),
    Rule("turnover", "claims settled voxel by voxel, never more than is there; osteoid ages and mineralizes", turnover),
    Rule("lives", "apoptosis, lining, burial as osteocyte, births; the only moment rows move", lives),
    Rule("shape", "sites close, fragments, events, surface", shape),
    Rule("ledger", "removed, formed and mineralized amounts equal the change of the lattice, else stop", ledger),
    Rule("observe", "writers whose trigger fires", observe),
)
