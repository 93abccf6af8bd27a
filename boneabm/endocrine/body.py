"""The body around the bone: hormones, minerals, nutrition, immune state and drugs, turned into what cells feel."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from ..kernels.endocrine_layout import FELT, STATES, TARGETS
from ..parameters import ParameterSet
from .doses import RUN_IN_D, Regimen
from .effects import effect_table
from .labs import PINS, pin
from .physiology import Physiology, held
from .subject import REFERENCE_INPUTS, Life, Period, Subject


@dataclass(frozen=True)
class Modulators:
    """What cells feel of the body: factors (1 = reference subject) and free drug levels (0 = no drug).

    The tissue reads m_rankl to m_ob_life, m_sclerostin, mech_gain, setpoint_shift, m_min_rate, m_min_max, den_pm,
    antiscl_pm, bp_uptake and wnt_counter. Not felt by the tissue: matrix_quality; bp_surface, because the lattice has
    its own surface; anabolic_drive, a record of the pulsed-PTH signal, which acts through m_ob_prolif and m_ob_life.

    setpoint_shift     : ln of the factor on the set points of osteocytes, a sum and no factor: 0 in the reference
    den_pm, antiscl_pm : free denosumab and romosozumab, pM
    bp_surface         : bisphosphonate on bone surface of the whole skeleton, mg of alendronate equivalents per m2
    bp_uptake          : what was bound to bone surface today, the same unit
    wnt_counter        : share of what romosozumab does to formation that counter-regulation has taken back, 0..1
    """

    m_rankl: float = 1.0
    m_opg: float = 1.0
    m_oc_life: float = 1.0
    m_oc_act: float = 1.0
    m_ob_prolif: float = 1.0
    m_ob_act: float = 1.0
    m_ob_life: float = 1.0
    m_sclerostin: float = 1.0
    mech_gain: float = 1.0
    setpoint_shift: float = 0.0
    m_min_rate: float = 1.0
    m_min_max: float = 1.0
    matrix_quality: float = 1.0
    den_pm: float = 0.0
    antiscl_pm: float = 0.0
    bp_surface: float = 0.0
    bp_uptake: float = 0.0
    anabolic_drive: float = 0.0
    wnt_counter: float = 0.0


FACTORS = tuple(f.name for f in fields(Modulators) if f.default == 1.0)
BP_SURFACE, SCLEROSTIN = STATES.index("bp_surface"), STATES.index("sclerostin")
PTH_ANA, RESERVE, WNT = STATES.index("pth_ana"), STATES.index("reserve"), STATES.index("wnt")
SUMS = {name: TARGETS.index(name) for name in FELT}


class Body:
    """Daily state of the body.

    About fifty states relax toward set points of the effect table or carry drugs; estradiol, testosterone, calcium and
    PTH are in balance with them at every moment. ln modulator = sum of the rows of the effect table, relative to the
    reference subject of the same sex (30 y, reference diet, at balance). docs/body.md has all equations.
    """

    def __init__(
        self,
        subject: Subject,
        parameters: ParameterSet | None = None,
        periods: Sequence[Period] = (),
        oophorectomy_day: float = math.inf,
        regimen: Regimen | None = None,
    ) -> None:
        self.all_parameters = ParameterSet.load() if parameters is None else parameters
        tau = self.all_parameters["body.oophorectomy_d"].value
        self.life = Life(subject, tuple(periods), oophorectomy_day, tau)
        self.regimen = Regimen() if regimen is None else regimen
        self.physiology = Physiology(self.all_parameters, subject.sex)
        self.reference = self.physiology.state.copy()
        self.events = self.regimen.events(self.all_parameters, subject.male)
        self.pumps = (*self.regimen.pumps(), self.regimen.injections())
        scales = ("denosumab_pm_per_mg_per_l", "romosozumab_pm_per_mg_per_l", "skeleton_surface_m2")
        self.scales = tuple(float(self.physiology.parameters[0][name]) for name in scales)
        rows = (row for row in effect_table() if (row.driver, row.target) == ("antisclerostin", "m_ob_prolif"))
        self.antibody_exponent = sum(row.exponent for row in rows)

    @property
    def subject(self) -> Subject:
        """Whose body it is."""
        return self.life.subject

    def age_y(self, day: float) -> float:
        """Age on a day, years; constant in a subject that does not age."""
        return self.life.age_y(day)

    def settle(self, day: int) -> None:
        """Put the body at rest under the inputs of this day, labs pinned; drugs in steady state get their run-in."""
        body = self.physiology
        body.state[:] = self.reference
        self.life = replace(self.life, pins={})
        self.life = replace(self.life, pins=pin(body, self.life, day))
        body.settle(self.life.inputs(day))
        if self.regimen.steady:
            for earlier in range(day - RUN_IN_D, day + 1):
                self._advance(earlier)

    def _advance(self, day: int) -> None:
        self.physiology.advance(day, self.life.inputs(day), self.events, self.pumps)

    def advance(self, day: int) -> Modulators:
        """One day, from `day` to `day + 1`; returns what the cells feel of it: the mean over the day."""
        self._advance(day)
        return self.felt(day)

    def felt(self, day: float) -> Modulators:
        """What the cells felt on the last day that was simulated; at rest, what they feel."""
        return self._felt(day, self.physiology.level, self.physiology.targets)

    @property
    def level(self) -> np.void:
        """Levels in blood, means of the last day that was simulated; see kernels.endocrine_layout.LEVELS."""
        return self.physiology.level

    def look(self, day: float) -> np.void:
        """Levels in blood at the very end of a day, with the states as they are."""
        return self._look(day)[0]

    def modulators(self, day: float) -> Modulators:
        """What the cells would feel at the very end of a day, with the states as they are."""
        return self._felt(day, *self._look(day))

    def _look(self, day: float) -> tuple[np.void, np.ndarray]:
        end = day + 1.0 - 1e-9
        return self.physiology.look(self.life.inputs(day), (held(end, self.pumps[0]), held(end, self.pumps[1])))

    def _felt(self, day: float, level: np.void, targets: np.ndarray) -> Modulators:
        sums = targets.tolist()
        felt = {name: sums[k] if name == "setpoint_shift" else math.exp(sums[k]) for name, k in SUMS.items()}
        y, (denosumab_pm, romosozumab_pm, area_m2) = self.physiology.state.tolist(), self.scales
        return Modulators(
            **felt,
            m_sclerostin=y[SCLEROSTIN],
            den_pm=float(level["denosumab_mg_per_l"]) * denosumab_pm,
            antiscl_pm=float(level["romosozumab_mg_per_l"]) * romosozumab_pm,
            bp_surface=y[BP_SURFACE] / area_m2,
            bp_uptake=self._bound_today(day) / area_m2,
            anabolic_drive=y[PTH_ANA] * y[RESERVE],
            wnt_counter=self._countered(y[WNT], float(level["romosozumab_mg_per_l"])),
        )

    def _countered(self, counter: float, antibody_mg_per_l: float) -> float:
        """Counter-regulation over what the antibody does to ln(formation): c / (w ln(1 + A / A50)), at most 1.

        c is the state of the mean-field bone, w the exponent of antisclerostin on m_ob_prolif; 0 without antibody.
        """
        scale = float(self.physiology.parameters[0]["shadow_romosozumab_mg_per_l"])
        done = self.antibody_exponent * math.log1p(antibody_mg_per_l / scale)
        return min(1.0, counter / done) if done > 0.0 else 0.0

    def _bound_today(self, day: float) -> float:
        times, slots, amounts = self.events
        first, last = np.searchsorted(times, (day, day + 1))
        today = slots[first:last] == BP_SURFACE
        return float(amounts[first:last][today].sum())

    def arrays(self) -> dict[str, np.ndarray]:
        """States, means of the last day and pinned parameters for the checkpoint."""
        body = self.physiology
        pins = np.array([self.life.pins.get(name, REFERENCE_INPUTS[name]) for name in PINS])
        kept = {"states": body.state, "levels": body.seen, "targets": body.targets}
        return {**{name: array.copy() for name, array in kept.items()}, "pins": pins}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take what a checkpoint of the same scenario kept."""
        body = self.physiology
        body.state[:], body.seen[:], body.targets[:] = (arrays[name] for name in ("states", "levels", "targets"))
        self.life = replace(self.life, pins=dict(zip(PINS, arrays["pins"].tolist(), strict=True)))
