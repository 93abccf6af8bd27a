"""Sites: what a force there does to the trabecular core."""

from __future__ import annotations

from dataclasses import dataclass

from boneabm.parameters import ParameterSet

G_M_PER_S2 = 9.81
JOINTS = {
    "L3": "spine",
    "femoral_head": "hip",
    "distal_tibia": "ankle",
    "calcaneus": "ankle",
    "distal_radius": "wrist",
    "mouse_tail": "tail",
}
"""Sites, and whose forces load them."""
MALE_MASS_KG = 80.0


@dataclass(frozen=True)
class Site:
    """A site of one subject.

    joint           : whose forces of the activity library load it
    mass_kg         : body mass of the subject; one body weight (BW) is mass x 9.81 m/s2
    mpa_per_bw      : apparent stress of the trabecular core per BW of force, for this mass and area
    area_mm2        : cross-section
    core_share      : share of the force in the core; contained in mpa_per_bw
    cycles_per_step : 1 spine, 0.5 leg
    """

    name: str
    joint: str
    mass_kg: float
    mpa_per_bw: float
    area_mm2: float
    core_share: float
    cycles_per_step: float

    @property
    def bw_n(self) -> float:
        """One body weight in newtons."""
        return self.mass_kg * G_M_PER_S2


def site_of(
    parameters: ParameterSet, name: str, mass_kg: float | None = None, male: bool = False, area_mm2: float | None = None
) -> Site:
    """A site for a subject: stress per BW = that of the reference x mass / reference mass x reference area / area.

    mass_kg : None is the reference mass of the site, in men 80 kg; area_mm2 : None is that of the reference, in men
    larger by loading.male_area_ratio
    """
    numbers = parameters.values(f"site_{name}")
    reference_area, reference_mass = numbers["area_mm2"], numbers["reference_mass_kg"]
    larger = parameters["loading.male_area_ratio"].value if male else 1.0
    area = area_mm2 or reference_area * larger
    mass = mass_kg or (MALE_MASS_KG if male else reference_mass)
    stress = numbers["mpa_per_bw"] * (mass / reference_mass) * (reference_area / area)
    return Site(name, JOINTS[name], mass, stress, area, numbers["core_share"], numbers["cycles_per_step"])
