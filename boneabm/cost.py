"""What a run will cost: voxels, osteocytes, memory, time and disk; rough, from measurements on one machine."""

from __future__ import annotations

import math
from typing import NamedTuple

from .parameters import ParameterSet
from .scenario import GeneratedBone, ImageBone, Scenario

BYTES_AT_START = 6e8
BYTES_PER_VOXEL = 160
BYTES_PER_OSTEOCYTE = 45
SECONDS_PER_VOXEL_DAY = 1.5e-7
STATE_BYTES_PER_VOXEL = 65
SNAPSHOT_BYTES_PER_VOXEL = 6
SERIES_BYTES_PER_DAY = 400
USUAL_BV_TV = 0.25
_OSTEOCYTES = "osteocyte.density_per_mm3"


class Cost(NamedTuple):
    """Rough cost of one run on two cores.

    bone_mm3 : volume of bone
    run_s, burn_in_s : time of the days of the run, and of the burn-in before it
    disk_mb  : run folder; state_mb : one stored state of it, such as a burned-in one
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
    bone, settings, output = scenario.bone, scenario.simulation, scenario.output
    voxels = math.prod(shape)
    bv_tv = USUAL_BV_TV if isinstance(bone, ImageBone) else bone.bv_tv
    bone_mm3 = voxels * (bone.spacing_um * 1e-3) ** 3 * bv_tv
    osteocytes = bone_mm3 * parameters[_OSTEOCYTES].value
    memory = BYTES_AT_START + voxels * BYTES_PER_VOXEL + osteocytes * BYTES_PER_OSTEOCYTE
    state = voxels * STATE_BYTES_PER_VOXEL
    snapshots = 1 + settings.days // output.volumes_every_d
    kept = state * (int(output.keep_state) + len(output.keep_checkpoints_d))
    disk = kept + snapshots * voxels * SNAPSHOT_BYTES_PER_VOXEL + settings.days * SERIES_BYTES_PER_DAY
    seconds = voxels * SECONDS_PER_VOXEL_DAY
    times = (seconds * settings.days, seconds * settings.burn_in_d)
    return Cost(voxels, bone_mm3, osteocytes, memory * 1e-6, *times, disk * 1e-6, state * 1e-6)
