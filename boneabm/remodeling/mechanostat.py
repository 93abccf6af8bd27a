"""Mechanostat: osteocytes feel the daily strain stimulus, adapt to it, and die."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..endocrine import Modulators
from ..kernels import random, sensing
from ..kernels.blocks import launch
from ..mechanics import MicroFE
from .parameters import OsteocyteParameters
from .tissue import Tissue

BEFORE_START = -(10**6)
"""Day from which the keys of the first osteocytes are made."""


def daily_stimulus(
    fe: MicroFE, cases: Sequence[tuple[tuple[float, ...], float]], exponent: float
) -> np.ndarray:
    """Daily strain stimulus of every voxel, not yet relative to the habitual one.

    psi = (sum_j n_j eps_j^m)^(1/m), eps_j = sqrt(2 U_j / E) the effective strain of load case j with n_j cycles

    cases : (apparent stress (z, y, x) in MPa, cycles per day); returns (Z, Y, X) float32
    """
    points = np.flatnonzero(fe.mask)
    total = np.zeros(points.size, np.float32)
    for stress_mpa, cycles in cases:
        strain = fe.effective_strain(fe.macro_strain(np.array(stress_mpa))).reshape(-1)[points]
        total += np.float32(cycles) * np.power(strain, np.float32(exponent))
    stimulus = np.zeros(fe.mask.shape, np.float32)
    stimulus.reshape(-1)[points] = np.power(total, np.float32(1.0 / exponent))
    return stimulus


def relative_stimulus(fe: MicroFE, raw: np.ndarray, reference: float) -> np.ndarray:
    """Stimulus relative to the habitual median; voxels without a solution take their neighbors' mean, else 1."""
    psi = np.empty_like(raw)
    launch(sensing.fill_outside, raw.shape[0], fe.mask, raw / np.float32(reference), psi)
    return psi


def place_osteocytes(tissue: Tissue, seed: int, p: OsteocyteParameters) -> None:
    """Fill bone with the osteocytes that live on at its tissue age, a Poisson number per voxel.

    mean = density x voxel volume x matrix fraction x exp(-age / life); they were born with their bone
    """
    voxels = np.flatnonzero(tissue.flat("matrix") > 0)
    draw = np.empty(voxels.size)
    random.uniform_array(seed, random.OSTEOCYTE, 0, voxels, draw)
    born_day = tissue.flat("born_day")[voxels].astype(np.float64)
    density = p.density_per_mm3 * np.exp(born_day / p.life_d)
    mean = density * tissue.lattice.voxel_um3 * 1e-9 * tissue.flat("matrix")[voxels]
    term = np.exp(-mean)
    below, count, k = term.copy(), np.zeros(voxels.size, np.int64), 0
    while (draw >= below).any() and k < 100:
        k += 1
        count += draw >= below
        term *= mean / k
        below += term
    where = np.repeat(voxels, count)
    ordinal = np.arange(where.size) - np.repeat(np.cumsum(count) - count, count)
    keys = np.empty(where.size, np.uint64)
    random.cell_keys(where, BEFORE_START, ordinal, keys)
    tissue.osteocytes.create(where.size, key=keys, voxel=where, birth_day=np.repeat(born_day, count))


def at_rest(felt: np.ndarray, p: OsteocyteParameters) -> tuple[np.ndarray, np.ndarray]:
    """Memory and set point of osteocytes adapted to the stimulus they feel: L = psi^m, ln psi* = kappa ln psi."""
    set_point = p.own_history_share * np.log(np.maximum(felt, sensing.LEAST_STIMULUS))
    return felt**p.stimulus_exponent, set_point


def adapt_at_start(tissue: Tissue, psi: np.ndarray, p: OsteocyteParameters) -> None:
    """Put every osteocyte at rest under today's stimulus."""
    cells = tissue.osteocytes
    felt = psi.reshape(-1)[cells["voxel"]].astype(np.float64)
    memory, set_point = at_rest(felt, p)
    cells["memory"][:], cells["set_point"][:] = memory, set_point
    cells["signal"][:] = np.clip(1.0 + p.gain * (felt / np.exp(set_point) - 1.0), 0.0, p.signal_max)


def remember(tissue: Tissue, psi: np.ndarray, p: OsteocyteParameters) -> None:
    """Let every osteocyte remember today's stimulus as that of its last days; its set point stays."""
    cells = tissue.osteocytes
    cells["memory"][:] = psi.reshape(-1)[cells["voxel"]].astype(np.float64) ** p.stimulus_exponent


def sense(
    tissue: Tissue, rows: np.ndarray, psi: np.ndarray, seed: int, day: int, m: Modulators, p: OsteocyteParameters
) -> None:
    """One day of the listed osteocytes (rows of the population): memory, set point, signal, fate."""
    cells = tuple(tissue.osteocytes[name] for name in ("voxel", "key", "memory", "set_point", "signal", "fate"))
    gain, survival = p.gain * m.mech_gain, m.m_ob_life
    blocks, rates = -(-rows.size // sensing.BLOCK), sensing.osteocyte_rates(p, m.setpoint_shift)
    fields = (psi.reshape(-1), tissue.flat("matrix"))
    launch(sensing.sense, blocks, rows, seed, day, gain, survival, rates, cells, *fields)


def ablate(tissue: Tissue, seed: int, day: int, share: float) -> None:
    """Mark a random share of the osteocytes, 0..1, as dying today; call it after they have sensed."""
    cells = tissue.osteocytes
    draw = np.empty(cells.n)
    random.uniform_array(seed, random.OSTEOCYTE, day, cells["key"], draw)
    cells["fate"][draw < share] = 1


def bury_dead(tissue: Tissue, day: int, heard_d: float) -> None:
    """Remove osteocytes whose fate is sealed; those that died inside bone are heard for a while."""
    fate = tissue.osteocytes["fate"]
    died = tissue.osteocytes["voxel"][(fate == 1) & (tissue.osteocytes["alive"] != 0)]
    tissue.apoptotic.append(died.size, voxel=died, day=day)
    tissue.apoptotic.keep(tissue.apoptotic["day"] > day - heard_d)
    tissue.osteocytes.kill(fate > 0)
    tissue.osteocytes.compact()
