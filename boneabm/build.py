"""From a scenario to a simulation: the only place where everything meets."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .build_loads import make_program
from .endocrine import Body, Dose, Infusion, Period, Regimen, Subject
from .engine import Simulation
from .engine.simulation import SolveParameters
from .errors import InputError
from .io.microct import Segmentation, read_bone
from .kernels import user_cache
from .lattice import VoxelLattice
from .lattice.generate import BlockSpec, generate
from .mechanics import Material, MicroFE
from .morphometry import mean_thickness
from .parameters import ParameterSet
from .remodeling import Signals, Tissue, TissueParameters, mechanostat, mineralization
from .scenario import MOST_VOXELS, GeneratedBone, Scenario
from .scenario_body import LONGEST_D, Diet, HormoneState, Labs
from .scenario_body import Dose as DoseSection
from .scenario_body import Subject as SubjectSection
from .state import State, Strain


def build(scenario: Scenario) -> tuple[Simulation, dict[str, Any]]:
    """Simulation at the start of its burn-in, and the record of how its bone came to be.

    Raises InputError where the scenario's image or block cannot be used.
    """
    mask, record = make_bone(scenario)
    simulation = assemble(scenario, VoxelLattice.from_mask(mask, scenario.bone.spacing_um))
    prepare(simulation)
    return simulation, record


def model(scenario: Scenario | str = "menopause", seed: int | None = None, days: int | None = None) -> Simulation:
    """A simulation at day 0, open sites in steady state; for notebooks and `mesa.batch_run`.

    scenario : a Scenario, a path, or the name of a packaged scenario; seed, days : override those of the scenario
    A Mesa DataCollector keeps the main values of every day; `steps` counts from day 0.
    """
    loaded = scenario if isinstance(scenario, Scenario) else Scenario.load(scenario)
    simulation, _ = build(loaded.with_options(days=days, seed=seed))
    while simulation.day < 0:
        simulation.step()
    simulation.steps = 0
    simulation.collect()
    return simulation


def make_bone(scenario: Scenario) -> tuple[np.ndarray, dict[str, Any]]:
    """Bone mask of a scenario, generated or from an image, with its record."""
    bone = scenario.bone
    if isinstance(bone, GeneratedBone):
        target = (bone.shape, bone.spacing_um, bone.bv_tv, bone.tb_th_um)
        spec = BlockSpec(*target, seed=bone.seed, plates=bone.plates, stretch=bone.stretch, holes=bone.holes)
        return generate(spec, lambda mask: mean_thickness(mask, 1.0), user_cache() / "blocks")
    segmentation = Segmentation(bone.sigma_voxels, bone.threshold, bone.largest, bone.crop)
    mask, record = read_bone(bone.image, bone.spacing_um, segmentation)
    if mask.size > MOST_VOXELS:
        raise InputError(f"{bone.image}: {mask.size} voxels are more than {MOST_VOXELS:g}; give bone.crop.")
    if min(mask.shape) < 16:
        raise InputError(f"{bone.image}: the block of {mask.shape} voxels is too small; each edge needs at least 16.")
    return mask, record


def assemble(scenario: Scenario, lattice: VoxelLattice) -> Simulation:
    """Put all parts together around a lattice; nothing is solved yet."""
    parameters = ParameterSet.load().override(scenario.parameters)
    rules = TissueParameters.of(parameters)
    material = parameters.section("material", Material)
    settings = parameters.section("mechanics", SolveParameters)
    tissue = Tissue(lattice)
    signals = Signals(tissue, rules.signaling, rules.fields)
    fe = MicroFE(lattice.spacing_um, material.poisson, scenario.boundary, settings.tolerance)
    strain = Strain(fe, np.ones(lattice.shape, np.float32))
    first = -scenario.simulation.burn_in_d
    body = make_body(scenario, parameters)
    state = State(scenario.simulation.seed, first, first, tissue, signals, strain, body)
    simulation = Simulation(state, rules, material, settings, make_program(scenario, parameters))
    moments = ((math.ceil(row.start_d), row.share) for row in scenario.condition if row.share is not None)
    simulation.ablations = tuple(moments)
    simulation.overload = 1.0 / (1.0 - bone_lost(scenario.subject, parameters))
    return simulation


def bone_lost(subject: SubjectSection, parameters: ParameterSet) -> float:
    """Share of bone lost before day 0, 0..1: as stated, else by the years t since the final period.

    lost = whole (1 - exp(-t / tau)), t > 0
    """
    if subject.bone_lost_percent is not None:
        return subject.bone_lost_percent / 100.0
    if subject.final_period_y is None:
        return 0.0
    whole, tau_y = parameters["history.bone_lost"].value, parameters["history.bone_lost_tau_y"].value
    return float(-whole * math.expm1(-max(subject.age_y - subject.final_period_y, 0.0) / tau_y))


def make_body(scenario: Scenario, parameters: ParameterSet) -> Body:
    """Body of the scenario's subject: measured levels of [labs], periods of [[diet]] and [[state]], all drugs."""
    who = {**_values(scenario.subject), **_values(scenario.labs)}
    fat = who.pop("body_fat_percent")
    del who["bone_lost_percent"]
    subject = Subject(**who, body_fat=None if fat is None else fat / 100)
    removed = min((row.begin_d for row in scenario.state if row.kind == "oophorectomy"), default=math.inf)
    periods = [*map(_period, scenario.diet), *map(_period, scenario.state)]
    held = [
        Infusion(r.drug, r.route_name(infusion=True), r.start_d, _until(r.stop_d), r.rate_ug_per_d)
        for r in scenario.infusion
    ]
    settings = scenario.simulation
    doses = tuple(dose_of(row, settings.days) for row in scenario.dose)
    regimen = Regimen(doses, tuple(held), -settings.burn_in_d, settings.seed)
    return Body(subject, parameters, periods, removed, regimen)


def dose_of(row: DoseSection, days: float = LONGEST_D) -> Dose:
    """A row of [[dose]] as the body takes it in a run of so many days."""
    until_d = days if row.goes_on else row.until_d
    times = (row.time_d, row.amount, row.interval_d, row.addl or 0, until_d)
    return Dose(row.drug, row.route_name(), *times, row.adherence, row.ss)


def _values(section: SubjectSection | Labs) -> dict[str, Any]:
    return {name: getattr(section, name) for name in type(section).model_fields}


def _period(row: Diet | HormoneState) -> Period:
    changes = row.inputs()
    if isinstance(row, HormoneState):
        levels = {"pth_pg_per_ml": row.level_pg_per_ml, "den_pm": row.free_pm}
        changes |= {name: level for name, level in levels.items() if level is not None}
    return Period(changes, row.begin_d, _until(row.until_d))


def prepare(simulation: Simulation) -> None:
    """Give the bone its tissue age, osteocytes, habitual strain, cytokines and hormones at rest."""
    state, rules = simulation.state, simulation.rules
    tissue = state.tissue
    tissue.area_scale = tissue.surface.area_scale(tissue.lattice)
    tissue.update_surface()
    mineralization.age_at_start(tissue, state.seed, rules.mineral)
    mechanostat.place_osteocytes(tissue, state.seed, rules.osteocyte)
    simulation.cases = tuple((case.stress_mpa, case.cycles_per_d) for case in simulation.program.habitual())
    simulation.solve_strain()
    _check_grip(simulation)
    adapt_load(simulation, 1.0)
    state.signals.set_reference(tissue)
    if simulation.overload > 1.0:
        adapt_load(simulation, simulation.overload)
    before = min(state.day, -1)
    state.body.settle(before)
    state.modulators = state.body.felt(before)
    simulation.reset_ledger()


def _check_grip(simulation: Simulation) -> None:
    """Six stresses can be carried only by bone that reaches from face to face along every axis."""
    fe = simulation.state.strain.fe
    missing = [axis for axis, spans in zip("zyx", fe.spans, strict=True) if not spans]
    if fe.boundary.name == "affine" and missing:
        raise InputError(
            f'simulation.boundary: "affine" (needed for turned loads) wants bone from face to face along z, y and x; '
            f"its largest part does not reach both faces along {', '.join(missing)}. Crop the image so that it does, "
            "or use a larger or denser block."
        )


def adapt_load(simulation: Simulation, overload: float) -> None:
    """Fix the habitual stimulus; it is fixed again on the last day of the burn-in, and never later.

    overload : stimulus of the habit over the one that the osteocytes adapted to
    """
    if not simulation.fix_reference(overload):
        raise InputError(
            "The habitual load strains no osteocyte: the bone does not reach the faces that are loaded. Crop the image "
            "so that bone touches opposite faces, or use a larger block."
        )
    state = simulation.state
    mechanostat.adapt_at_start(state.tissue, state.strain.psi, simulation.rules.osteocyte)


def _until(day: float | None) -> float:
    return math.inf if day is None else day
