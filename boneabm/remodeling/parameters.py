"""Parameter sections of the tissue rules, as tuples that kernels can read; values come from data/parameters.toml."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from ..errors import InputError
from ..parameters import ParameterSet


class OsteocyteParameters(NamedTuple):
    """Section [osteocyte]: density, sensing, adaptation, death."""

    density_per_mm3: float
    stimulus_exponent: float
    memory_d: float
    adaptation_d: float
    own_history_share: float
    gain: float
    dead_zone: float
    signal_max: float
    life_d: float
    disuse_death: float


class SignalingParameters(NamedTuple):
    """Section [signaling]: what osteocytes and lining cells secrete."""

    rankl_slope: float
    opg_slope: float
    sclerostin_slope: float
    osteocyte_share: float
    apoptosis_rankl: float
    apoptosis_d: float
    antibody_rankl_loss: float


class FieldParameters(NamedTuple):
    """Section [fields]: diffusion lengths, binding, reference levels."""

    lambda_marrow_um: float
    lambda_bone_um: float
    rebuild_fraction: float
    k_rankl_opg_per_pm: float
    k_rankl_rank_per_pm: float
    k_rankl_denosumab_per_pm: float
    k_sclerostin_romosozumab_per_pm: float
    antibody_bone_share: float
    reference_occupancy: float
    reference_sclerostin_pm: float


class ActivationParameters(NamedTuple):
    """Section [activation]: how often sites start, how large they are, the precursor pool."""

    frequency_per_y: float
    site_area_um2: float
    site_area_spread: float
    quiescent_fraction: float
    pool_loss_per_d: float
    pool_use_share: float


class OsteoclastParameters(NamedTuple):
    """Section [osteoclast]."""

    team: float
    arrival_d: float
    patch_area_um2: float
    reach_um: float
    life_d: float
    life_spread_d: float
    nuclei: float
    nuclei_spread: float
    fast_rate_um_per_d: float
    fast_depth_um: float
    slow_rate_um_per_d: float
    slow_d: float
    reversal_d: float
    support_low: float
    support_high: float
    support_least: float
    rankl_pull: float
    wander: float
    bisphosphonate_half_fg_per_um2: float


class OsteoblastParameters(NamedTuple):
    """Section [osteoblast]."""

    footprint_um2: float
    open_rate_um_per_d: float
    closing_fraction: float
    balance: float
    sclerostin_slope: float
    balance_low: float
    balance_high: float
    life_spread: float
    death_fraction: float

    @property
    def mean_rate_um_per_d(self) -> float:
        """Mean apposition rate over the time a cavity takes to close, um/d: open (1 - c) / ln(1 / c)."""
        return self.open_rate_um_per_d * (1.0 - self.closing_fraction) / -math.log(self.closing_fraction)


class ModelingParameters(NamedTuple):
    """Section [modeling]: formation on quiescent surface, without resorption."""

    frequency_per_y: float
    onset: float
    antibody_drive: float
    wall_um: float


class MineralParameters(NamedTuple):
    """Section [mineral]."""

    lag_d: float
    primary_fraction: float
    secondary_rate_per_d: float
    full_g_per_cm3: float
    mean_age_y: float
    packet_um: float


class FragmentParameters(NamedTuple):
    """Section [fragments]."""

    removal_per_d: float
    check_d: float


class BisphosphonateParameters(NamedTuple):
    """How drug leaves the surface of bone and binds again; the same numbers as in the body, section [drug]."""

    loss_per_d: float
    rebound_share: float

    @classmethod
    def of(cls, parameters: ParameterSet) -> BisphosphonateParameters:
        """Read them where the body does."""
        return cls(*(parameters[f"drug.bisphosphonate_{name}"].value for name in cls._fields))


@dataclass(frozen=True)
class TissueParameters:
    """All sections that the tissue rules read."""

    osteocyte: OsteocyteParameters
    signaling: SignalingParameters
    fields: FieldParameters
    activation: ActivationParameters
    osteoclast: OsteoclastParameters
    osteoblast: OsteoblastParameters
    modeling: ModelingParameters
    mineral: MineralParameters
    fragments: FragmentParameters
    bisphosphonate: BisphosphonateParameters

    @classmethod
    def of(cls, parameters: ParameterSet) -> TissueParameters:
        """Read every section of a parameter set; InputError where support would not rise."""
        low, high = (parameters[f"osteoclast.support_{name}"].value for name in ("low", "high"))
        if low >= high:
            raise InputError(
                f"osteoclast.support_low = {low:g}, osteoclast.support_high = {high:g}: erosion cannot rise between. "
                "Allowed: support_low below support_high. Fix: change one of them under [parameters]."
            )
        return cls(
            parameters.section("osteocyte", OsteocyteParameters),
            parameters.section("signaling", SignalingParameters),
            parameters.section("fields", FieldParameters),
            parameters.section("activation", ActivationParameters),
            parameters.section("osteoclast", OsteoclastParameters),
            parameters.section("osteoblast", OsteoblastParameters),
            parameters.section("modeling", ModelingParameters),
            parameters.section("mineral", MineralParameters),
            parameters.section("fragments", FragmentParameters),
            BisphosphonateParameters.of(parameters),
        )
