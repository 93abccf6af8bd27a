"""What a run will cost: voxels, osteocytes, memory, time and disk; rough, from measurements on one machine.

The numbers fit runs of 30^3 to 200^3 voxels on one thread of a shared Intel Xeon (see `docs/large_domains.md`).
How often strain is solved depends on the turnover, so a year may take half or twice the estimate.
"""

from __future__ import annotations

import math
import resource
import sys
from typing import NamedTuple

from .parameters import ParameterSet
from .scenario import GeneratedBone, ImageBone, Scenario

BYTES_AT_START = 3.4e8
BYTES_PER_VOXEL = 210
BYTES_PER_OSTEOCYTE = 45
SECONDS_AT_START = 0.5
SECONDS_PER_VOXEL_AT_START = 1.6e-6
SECONDS_PER_DAY = 2e-3
SECONDS_PER_VOXEL_DAY = 2.2e-7
SECONDS_PER_VOXEL_BURN_IN_DAY = 1.0e-7
AFFINE_FACTOR = 2.0  # a day with six unit cases over one with three: 2.48 over 1.26 s of processor, 64^3, 60 days
SECONDS_PER_VOXEL_SNAPSHOT = 4.8e-7
SECONDS_PER_VOXEL_STATE = 2.2e-7
STATE_BYTES_PER_VOXEL = 63
SNAPSHOT_BYTES_PER_VOXEL = 7
SERIES_BYTES_PER_DAY = 450
USUAL_BV_TV = 0.25
_OSTEOCYTES = "osteocyte.density_per_mm3"


class Cost(NamedTuple):
    """Rough cost of one run on one thread.

    bone_mm3  : volume of bone
    memory_mb : peak of the process, highest while the burned-in state is made
    run_s     : time of the days of the run, with what it writes, on one thread
    burn_in_s : time of making the bone and of the days before day 0, on one thread; nothing where the state is there
    disk_mb   : run folder; state_mb : one stored state of it, such as a burned-in one
    """

    voxels: int
    bone_mm3: float
    osteocytes: float
    memory_mb: float
    run_s: float
    burn_in_s: float
    disk_mb: float
    state_mb: float


def shape_of(scenario: Scenario) -> tuple[int, int, int] | None:
    """Voxels along z, y, x; None for a whole image, which is known once it is read."""
    bone = scenario.bone
    if isinstance(bone, GeneratedBone):
        return bone.shape
    if bone.crop is None:
        return None
    z, y, x = (end - first for first, end in bone.crop)
    return z, y, x


def cost_of(scenario: Scenario, parameters: ParameterSet) -> Cost | None:
    """Cost of a run; None where its size is not known before an image is read.

    parameters : with the changes of the scenario
    """
    shape = shape_of(scenario)
    if shape is None:
        return None
    bone, output = scenario.bone, scenario.output
    voxels = math.prod(shape)
    bv_tv = USUAL_BV_TV if isinstance(bone, ImageBone) else bone.bv_tv
    bone_mm3 = voxels * (bone.spacing_um * 1e-3) ** 3 * bv_tv
    osteocytes = bone_mm3 * parameters[_OSTEOCYTES].value
    memory = BYTES_AT_START + voxels * BYTES_PER_VOXEL + osteocytes * BYTES_PER_OSTEOCYTE
    state = voxels * STATE_BYTES_PER_VOXEL
    days = simulated_days(scenario)
    kept = state * (int(output.keep_state) + len(output.keep_checkpoints_d))
    disk = kept + snapshots(scenario) * voxels * SNAPSHOT_BYTES_PER_VOXEL + days * SERIES_BYTES_PER_DAY
    times = (_run_s(scenario, voxels), _burn_in_s(scenario, voxels))
    return Cost(voxels, bone_mm3, osteocytes, memory * 1e-6, *times, disk * 1e-6, state * 1e-6)


def simulated_days(scenario: Scenario) -> int:
    """Days that a run simulates after its burn-in; a branch begins on a later day, where the scenario names it."""
    begin = 0 if scenario.branch_from is None else scenario.branch_from.day or 0
    return max(scenario.simulation.days - begin, 0)


def snapshots(scenario: Scenario) -> int:
    """Volumes that a run writes: that of its first day, those that are due, and that of the last day."""
    return 1 + math.ceil(simulated_days(scenario) / scenario.output.volumes_every_d)


def _run_s(scenario: Scenario, voxels: int) -> float:
    days, output = simulated_days(scenario), scenario.output
    states = 2 + math.ceil(days / output.checkpoint_every_d) + len(output.keep_checkpoints_d)
    written = snapshots(scenario) * SECONDS_PER_VOXEL_SNAPSHOT + states * SECONDS_PER_VOXEL_STATE
    slower = AFFINE_FACTOR if scenario.boundary == "affine" else 1.0
    per_voxel = SECONDS_PER_VOXEL_AT_START + days * SECONDS_PER_VOXEL_DAY * slower + written
    return SECONDS_AT_START + days * SECONDS_PER_DAY + voxels * per_voxel


def _burn_in_s(scenario: Scenario, voxels: int) -> float:
    if scenario.branch_from is not None:
        return 0.0
    per_day = SECONDS_PER_DAY + voxels * SECONDS_PER_VOXEL_BURN_IN_DAY
    return SECONDS_AT_START + scenario.simulation.burn_in_d * per_day


def peak_mb() -> float:
    """Largest memory that this process has held so far, MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
