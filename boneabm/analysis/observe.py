"""What a run tells about a day: one row of numbers, the voxel fields, the cells. Reads the state, changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..engine import Simulation
from ..fields import free_ligand_array
from ..io.schema import AGENT_COLUMNS, OSTEOBLAST, OSTEOCLAST, OSTEOCYTE, SERIES_FIRST, SERIES_FURTHER
from ..kernels.motion import WAITING

SERIES_NAMES = (*SERIES_FIRST, *SERIES_FURTHER)
AGENT_NAMES = tuple(AGENT_COLUMNS)


def series_row(simulation: Simulation) -> dict[str, Any]:
    """The row of series.csv for the day just simulated, in the order of SERIES_NAMES."""
    values = (simulation.day, *_bone_values(simulation), *_cell_values(simulation), *_body_values(simulation))
    return dict(zip(SERIES_NAMES, values, strict=True))


def _bone_values(simulation: Simulation) -> tuple[float, ...]:
    """BV/TV, BV/TV_binary, BS/BV, mineral."""
    tissue = simulation.tissue
    lattice = tissue.lattice
    bone_um3 = lattice.bv_tv * lattice.matrix.size * lattice.voxel_um3
    ratio = 1000.0 * tissue.surface.total_um2 / bone_um3 if bone_um3 else 0.0
    return lattice.bv_tv, float(lattice.bone.mean(dtype=np.float64)), ratio, tissue.mineral_g_per_cm3()


def _cell_values(simulation: Simulation) -> tuple[float, ...]:
    """From osteoclasts to the median signal and relative stimulus."""
    tissue, today, state = simulation.tissue, simulation.tissue.today, simulation.state
    signal = tissue.osteocytes["signal"]
    return (
        int((tissue.osteoclasts["mode"] != WAITING).sum()),
        tissue.osteoblasts.n,
        tissue.osteocytes.n,
        tissue.volume_um3(today.resorbed),
        tissue.volume_um3(today.formed),
        tissue.activation_frequency_per_y(state.day, state.first_day + 1),
        tissue.volume_um3(today.dissolved),
        tissue.sites.n,
        today.opened,
        today.apposition_um / today.working if today.working else 0.0,
        tissue.pool,
        today.occupancy,
        float(np.median(signal)) if signal.size else 0.0,
        *_relative_stimulus(simulation),
    )


def _relative_stimulus(simulation: Simulation) -> tuple[float, float]:
    """psi / psi* of the day and psi_bar / psi* of their memory, each of the median osteocyte; 0 without any."""
    cells = simulation.tissue.osteocytes
    if not cells.n:
        return 0.0, 0.0
    today = simulation.state.strain.psi.reshape(-1)[cells["voxel"]]
    remembered = cells["memory"] ** np.float32(1.0 / simulation.rules.osteocyte.stimulus_exponent)
    adapted = np.exp(cells["set_point"] + np.float32(simulation.state.modulators.setpoint_shift))
    return float(np.median(today / adapted)), float(np.median(remembered / adapted))


def _body_values(simulation: Simulation) -> tuple[float, ...]:
    """Apparent stiffness, then age, hormones, modulators and drugs."""
    state = simulation.state
    body, m, day = state.body, state.modulators, state.day
    blood = body.level
    levels = (body.age_y(day), float(blood["e2_pg_per_ml"]), float(blood["pth_pg_per_ml"]))
    y = body.physiology.y
    more = (blood["testosterone_ng_per_dl"], y["igf1"], y["cortisol"], blood["calcium_mmol_per_l"], y["d25"])
    drug = simulation.tissue.drug
    drugs = (m.den_pm, m.antiscl_pm, 0.0 if drug is None else drug.booked_ag * 1e-6)
    stiffness = np.diag(state.strain.fe.stiffness_mpa)[:3].tolist()
    felt = (m.m_rankl, m.m_opg, m.m_oc_life, m.m_sclerostin, m.m_oc_act, m.m_ob_prolif, m.m_ob_act, m.m_ob_life)
    mineral = (m.m_min_rate, m.m_min_max, m.matrix_quality)
    return (*stiffness, *levels, *felt, m.mech_gain, m.setpoint_shift, *mineral, *map(float, more), *drugs)


def volume_arrays(simulation: Simulation, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Voxel fields by name, (Z, Y, X) each."""
    return {name: VOLUMES[name](simulation) for name in names}


def _lattice(name: str) -> Callable[[Simulation], np.ndarray]:
    return lambda simulation: getattr(simulation.tissue.lattice, name)


def _first_case(simulation: Simulation) -> np.ndarray | None:
    """Amplitudes of the unit fields under the first load case of today, None on a day without load."""
    cases = simulation.state.strain.cases
    return simulation.state.strain.fe.macro_strain(np.array(cases[0][0])) if cases else None


def _energy_density(simulation: Simulation) -> np.ndarray:
    amplitudes = _first_case(simulation)
    if amplitudes is None:
        return np.zeros(simulation.tissue.lattice.shape, np.float32)
    return simulation.state.strain.fe.energy_density(amplitudes)


def _effective_strain(simulation: Simulation) -> np.ndarray:
    amplitudes = _first_case(simulation)
    if amplitudes is None:
        return np.zeros(simulation.tissue.lattice.shape, np.float32)
    return simulation.state.strain.fe.effective_strain(amplitudes)


def _stimulus(simulation: Simulation) -> np.ndarray:
    return np.where(simulation.tissue.lattice.matrix > 0, simulation.state.strain.psi, np.float32(0))


def _free_rankl(simulation: Simulation) -> np.ndarray:
    signals = simulation.state.signals
    b = signals.binding(simulation.state.modulators)
    rankl = signals.field.total("rankl") * np.float32(b.rankl_pm)
    return free_ligand_array(rankl, signals.field.total("opg") * np.float32(b.opg_pm), b.k_opg, b.drug_pm, b.k_drug)


def _opg(simulation: Simulation) -> np.ndarray:
    signals = simulation.state.signals
    return signals.field.total("opg") * np.float32(signals.opg_pm)


def _sclerostin(simulation: Simulation) -> np.ndarray:
    signals = simulation.state.signals
    return signals.field.total("sclerostin") * np.float32(signals.sclerostin_pm)


def _free_sclerostin(simulation: Simulation) -> np.ndarray:
    state = simulation.state
    return _sclerostin(simulation) * np.float32(state.signals.free_sclerostin_share(state.modulators))


def _bisphosphonate(simulation: Simulation) -> np.ndarray:
    tissue = simulation.tissue
    if tissue.drug is None:
        return np.zeros(tissue.lattice.shape, np.float32)
    fg = (tissue.drug.on + tissue.drug.inside.astype(np.float32)) / np.float32(1000.0)
    return fg.reshape(tissue.lattice.shape)


def _everywhere(value: Callable[[Simulation], float]) -> Callable[[Simulation], np.ndarray]:
    """A level that is the same in every voxel: hormones and antibodies have no gradients at this scale."""
    return lambda simulation: np.full(simulation.tissue.lattice.shape, value(simulation), np.float32)


def _blood(name: str) -> Callable[[Simulation], np.ndarray]:
    return _everywhere(lambda simulation: float(simulation.state.body.level[name]))


def _slow(name: str) -> Callable[[Simulation], np.ndarray]:
    return _everywhere(lambda simulation: float(simulation.state.body.physiology.y[name]))


VOLUMES: dict[str, Callable[[Simulation], np.ndarray]] = {
    **{name: _lattice(name) for name in ("matrix", "osteoid", "mineral", "born_day", "bmu")},
    "sed_mpa": _energy_density,
    "effective_strain": _effective_strain,
    "signal": _stimulus,
    "rankl_free_pm": _free_rankl,
    "opg_pm": _opg,
    "sclerostin_pm": _sclerostin,
    "sclerostin_free_pm": _free_sclerostin,
    "bisphosphonate_fg": _bisphosphonate,
    "estradiol_pg_per_ml": _blood("e2_felt_pg_per_ml"),
    "testosterone_ng_per_dl": _blood("testosterone_ng_per_dl"),
    "pth_pg_per_ml": _blood("pth_pg_per_ml"),
    "igf1_ng_per_ml": _slow("igf1"),
    "cortisol": _slow("cortisol"),
    "denosumab_pm": _everywhere(lambda simulation: simulation.state.modulators.den_pm),
    "romosozumab_pm": _everywhere(
        lambda simulation: simulation.rules.fields.antibody_bone_share * simulation.state.modulators.antiscl_pm
    ),
}


def agent_table(simulation: Simulation) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Cells of all kinds: points (N, 3) in um in the order x, y, z, and the columns of AGENT_NAMES."""
    tissue, day = simulation.tissue, simulation.day
    clasts, blasts, cytes = tissue.osteoclasts, tissue.osteoblasts, tissue.osteocytes
    felt = simulation.state.strain.psi.reshape(-1)
    kinds: tuple[tuple[Any, ...], ...] = (
        (OSTEOCLAST, clasts, clasts["arrival_day"], clasts["site"], felt[clasts["voxel"]], clasts["mode"]),
        (OSTEOBLAST, blasts, blasts["birth_day"], blasts["site"], felt[blasts["voxel"]], 0),
        (OSTEOCYTE, cytes, cytes["birth_day"], -1, cytes["signal"], 0),
    )
    parts = [
        (np.full(p.n, kind), p["voxel"], p["unique_id"], day - born, *(np.broadcast_to(v, p.n) for v in rest))
        for kind, p, born, *rest in kinds
    ]
    kinds_of, voxel, unique_id, *rest = (np.concatenate(column) for column in zip(*parts, strict=True))
    zyx = np.stack(np.unravel_index(voxel, tissue.lattice.shape), axis=1)
    points = (zyx[:, ::-1] + 0.5) * tissue.lattice.spacing_um
    values = zip(AGENT_NAMES, (kinds_of, unique_id, *rest), strict=True)
    return points, {name: value.astype(AGENT_COLUMNS[name].dtype) for name, value in values}
