"""What a run tells about a day: one row of numbers, the voxel fields, the cells. Reads the state, changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..engine import Simulation
from ..fields.binding import free_ligand_array
from ..io.schema import AGENT_COLUMNS, OSTEOBLAST, OSTEOCLAST, OSTEOCYTE

SERIES_NAMES = (
    "day", "BV/TV", "BV/TV_binary", "BS/BV_per_mm", "mineral_g_per_cm3", "osteoclasts", "osteoblasts", "osteocytes",
    "resorbed_um3", "formed_um3", "Ac.f_per_y", "fragments_um3", "open_sites", "opened_sites", "apposition_um_per_d",
    "precursor_pool", "occupancy", "signal_median", "stiffness_zz_mpa", "stiffness_yy_mpa", "stiffness_xx_mpa",
    "age_y", "estradiol_pg_per_ml", "pth_pg_per_ml", "m_rankl", "m_opg", "m_oc_life", "m_sclerostin",
)  # fmt: skip
AGENT_NAMES = ("type", "unique_id", "age_d", "site", "signal", "mode")


def series_row(simulation: Simulation) -> dict[str, Any]:
    """The row of series.csv for the day just simulated, in the order of SERIES_NAMES."""
    state, tissue, today = simulation.state, simulation.tissue, simulation.tissue.today
    lattice, m, body = tissue.lattice, state.modulators, state.body
    stiffness = np.diag(state.strain.fe.stiffness_mpa)
    bone_um3 = lattice.bv_tv * lattice.matrix.size * lattice.voxel_um3
    weight = tissue.surface.area_um2.astype(np.float64)
    signal = tissue.osteocytes["signal"]
    values = (
        state.day,
        lattice.bv_tv,
        float(lattice.bone.mean(dtype=np.float64)),
        1000.0 * tissue.surface.total_um2 / bone_um3 if bone_um3 else 0.0,
        tissue.mineral_g_per_cm3(),
        int((tissue.osteoclasts["mode"] != 0).sum()),
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
        float((tissue.occupancy * weight[: tissue.occupancy.size]).sum() / weight.sum())
        if tissue.occupancy.size == weight.size
        else float(tissue.occupancy.mean()) if tissue.occupancy.size else 0.0,
        float(np.median(signal)) if signal.size else 0.0,
        *stiffness.tolist(),
        body.age_y(state.day),
        body.estradiol_pg_per_ml(state.day),
        body.pth_pg_per_ml(state.day),
        m.m_rankl,
        m.m_opg,
        m.m_oc_life,
        m.m_sclerostin,
    )
    return dict(zip(SERIES_NAMES, values, strict=True))


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
    return np.zeros_like(simulation.state.strain.psi) if amplitudes is None else (
        simulation.state.strain.fe.energy_density(amplitudes)
    )


def _effective_strain(simulation: Simulation) -> np.ndarray:
    amplitudes = _first_case(simulation)
    return np.zeros_like(simulation.state.strain.psi) if amplitudes is None else (
        simulation.state.strain.fe.effective_strain(amplitudes)
    )


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


def _estradiol(simulation: Simulation) -> np.ndarray:
    state = simulation.state
    return np.full(state.tissue.lattice.shape, state.body.estradiol_pg_per_ml(state.day), np.float32)


VOLUMES: dict[str, Callable[[Simulation], np.ndarray]] = {
    **{name: _lattice(name) for name in ("matrix", "osteoid", "mineral", "born_day", "bmu")},
    "sed_mpa": _energy_density,
    "effective_strain": _effective_strain,
    "signal": _stimulus,
    "rankl_free_pm": _free_rankl,
    "opg_pm": _opg,
    "sclerostin_pm": _sclerostin,
    "estradiol_pg_per_ml": _estradiol,
}


def agent_table(simulation: Simulation) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Cells of all kinds: points (N, 3) in um in the order x, y, z, and the columns of AGENT_NAMES."""
    tissue, day = simulation.tissue, simulation.day
    clasts, blasts, cytes = tissue.osteoclasts, tissue.osteoblasts, tissue.osteocytes
    felt = simulation.state.strain.psi.reshape(-1)
    kinds = (
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
