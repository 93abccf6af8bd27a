"""Does every driver of the body move the coupled tissue in its direction? Resorbed and formed volume, paired seeds.

    python benchmarks/coupled_signs.py [--seeds 8] [--edge 48] [--days 120] [--only NAME ...]

Every arm of a seed goes on from the same burned-in state with the same random numbers. Remodeling and modeling are made
SPEED times as frequent in all arms, so that a block of a cubic millimeter has enough sites within months; sizes are
therefore not those of a scenario, directions are. A driver that moves no modulator by 10 % is listed and not run.
A direction is right (or wrong) where the 95 % interval of the paired difference excludes 0, else open.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from boneabm.build import build, make_body
from boneabm.endocrine import Modulators
from boneabm.engine import Simulation
from boneabm.origin import restored
from boneabm.parameters import ParameterSet
from boneabm.scenario import Scenario
from boneabm.scenario_text import merge_tables

SPEED = 4.0
BURN_IN_D = 60
MOVES = 0.10
DRUG_LEVELS = ("den_pm", "antiscl_pm", "bp_surface")

YOUNG = {"sex": "female", "age": "30 y", "aging": False}
WOMAN = {"subject": YOUNG}
POST = {"subject": {"sex": "female", "age": "58 y", "final_period": "51 y", "aging": False}}
MAN = {"subject": {"sex": "male", "age": "30 y", "aging": False}}
HYPOGONADAL = {"subject": {"sex": "male", "age": "60 y", "aging": False}, "labs": {"testosterone": "150 ng/dL"}}
LACKS_VITAMIN_D = {"subject": YOUNG, "labs": {"25OHD": "6 ng/mL"}}
LACKS_CALCIUM = {"subject": YOUNG, "diet": [{"calcium": "300 mg/d"}]}


class Driver(NamedTuple):
    """A change from day 0 on in a person, and the signs that resorbed and formed volume and their balance must have.

    who  : tables of a scenario that hold before day 0 too
    A sign is "+", "-", or "" where evidence gives none.
    """

    name: str
    who: dict[str, Any]
    change: dict[str, Any]
    resorbed: str
    formed: str
    balance: str = ""


def _dose(drug: str, amt: str, every: str = "1 d", **more: str) -> dict[str, Any]:
    return {"dose": [{"drug": drug, "amt": amt, "ii": every, "until": "400 d", **more}]}


def _state(**indices: float) -> dict[str, Any]:
    return {"state": [{"start": "0 d", **indices}]}


def _diet(**intake: str | float) -> dict[str, Any]:
    return {"diet": [{"start": "0 d", **intake}]}


def _held(drug: str, rate: str) -> dict[str, Any]:
    return {"infusion": [{"drug": drug, "rate": rate}]}


NO_GONADS = {"state": [{"gonad_index": 0.2}]}
DRIVERS = (
    Driver("estrogen loss (oophorectomy)", WOMAN, {"state": [{"kind": "oophorectomy"}]}, "+", "", "-"),
    Driver("estradiol patch after menopause", POST, _held("estradiol", "50 ug/d"), "-", "", "+"),
    Driver("oral estradiol after menopause", POST, _dose("estradiol", "2 mg", route="po"), "-", "", "+"),
    Driver("gonads fail in a man", MAN, _state(gonad_index=0.1), "+", "", "-"),
    Driver("anastrozole in a man", MAN, _dose("anastrozole", "1 mg"), "+", "", "-"),
    Driver("anastrozole after menopause", POST, _dose("anastrozole", "1 mg"), "+", "", "-"),
    Driver("testosterone cypionate after menopause", POST, _dose("testosterone_cypionate", "50 mg", "7 d"), "-", ""),
    Driver("estradiol gel after menopause", POST, _dose("estradiol", "1.5 mg", route="gel"), "-", "", "+"),
    Driver("testosterone gel where it lacks", HYPOGONADAL, _dose("testosterone", "50 mg", route="gel"), "-", "", "+"),
    Driver("cypionate where it lacks", HYPOGONADAL, _dose("testosterone_cypionate", "100 mg", "7 d"), "-", "", "+"),
    Driver("pituitary fails in a man", MAN, _state(pituitary_index=0.0), "+", "", "-"),
    Driver("sermorelin", WOMAN, _dose("sermorelin", "0.5 mg"), "+", "+"),
    Driver("ipamorelin", WOMAN, _dose("ipamorelin", "0.3 mg"), "+", "+"),
    Driver("somatropin", WOMAN, _dose("somatropin", "0.3 mg"), "+", "+"),
    Driver("tesamorelin", WOMAN, _dose("tesamorelin", "2 mg"), "+", "+"),
    Driver("ibutamoren", WOMAN, _dose("ibutamoren", "25 mg"), "+", "+"),
    Driver("cjc1295", WOMAN, _dose("cjc1295", "2 mg", "7 d"), "+", "+"),
    Driver("prednisone 20 mg", WOMAN, _dose("prednisone", "20 mg"), "", "-", "-"),
    Driver("chronic stress", WOMAN, _state(stress_index=2.0), "", "-", "-"),
    Driver("poor sleep", WOMAN, _state(sleep_index=0.3), "", "-", "-"),
    Driver("PTH held high", WOMAN, {"state": [{"kind": "pth", "level": "120 pg/mL"}]}, "+", "", "-"),
    Driver("teriparatide injected daily", POST, _dose("teriparatide", "20 ug"), "", "+", "+"),
    Driver("teriparatide infused", POST, _held("teriparatide", "20 ug/d"), "+", "", "-"),
    Driver("teriparatide 80 ug injected daily", POST, _dose("teriparatide", "80 ug"), "", "+", "+"),
    Driver("teriparatide 80 ug/d infused", POST, _held("teriparatide", "80 ug/d"), "+", "", "-"),
    Driver("calcium deficiency", WOMAN, _diet(calcium="200 mg/d"), "+", "", "-"),
    Driver("vitamin D deficiency", WOMAN, _diet(vitamin_d="0 IU/d"), "+", "", "-"),
    Driver("vitamin D repletion", LACKS_VITAMIN_D, _dose("vitamin_d", "2000 IU"), "-", "", "+"),
    Driver("calcium repletion", LACKS_CALCIUM, _dose("calcium", "1000 mg"), "-", "", "+"),
    Driver("magnesium deficiency", WOMAN, _diet(magnesium="60 mg/d"), "+", "", "-"),
    Driver("protein deficiency", WOMAN, _diet(protein="0.3 g/kg/d"), "", "-", "-"),
    Driver("zinc deficiency", WOMAN, _diet(zinc="1 mg/d"), "", "-", "-"),
    Driver("vitamin K2 deficiency", WOMAN, _diet(vitamin_k2="1 ug/d"), "", ""),
    Driver("antioxidants lacking", WOMAN, _diet(antioxidant_index=0.3), "+", "", "-"),
    Driver("omega-3 lacking", WOMAN, _diet(omega3_index=0.2), "+", "", "-"),
    Driver("inflammation", WOMAN, _state(inflammation_index=1.5), "+", "", "-"),
    Driver("IL-1 and IL-6, TNF blocked", WOMAN, _state(inflammation_index=1.5, tnf_block=1.0), "+", "", "-"),
    Driver("leptin deficiency", WOMAN, _state(leptin_index=0.1), "+", "", "-"),
    Driver("insulin resistance", WOMAN, _state(insulin_resistance=3.0), "-", "-"),
    Driver("sympathetic tone", WOMAN, _state(sympathetic_index=2.4), "+", "", "-"),
    Driver("progesterone", POST, _dose("progesterone", "300 mg"), "", "+"),
    Driver("atenolol", POST, _dose("atenolol", "50 mg"), "-", "", "+"),
    Driver("denosumab", POST, {"dose": [{"drug": "denosumab", "amt": "60 mg"}]}, "-", "-", "+"),
    Driver("romosozumab", POST, _dose("romosozumab", "210 mg", "1 mo"), "-", "+", "+"),
    Driver("alendronate", POST, _dose("alendronate", "70 mg", "7 d", route="po"), "-", "-", "+"),
    Driver("alendronate in a vein", POST, _dose("alendronate", "10 mg", "90 d", route="iv"), "-", "-", "+"),
    Driver("risedronate", POST, _dose("risedronate", "35 mg", "7 d"), "-", "-", "+"),
    Driver("zoledronate", POST, {"dose": [{"drug": "zoledronate", "amt": "5 mg"}]}, "-", "-", "+"),
)


class Volumes(NamedTuple):
    """What an arm resorbed and formed from day 0 on, share of its bone."""

    resorbed: float
    formed: float

    @property
    def balance(self) -> float:
        """Formed less resorbed."""
        return self.formed - self.resorbed


class Arms:
    """Paired arms on small blocks; burned-in states and controls are made once per person and seed."""

    def __init__(self, edge: int, days: int) -> None:
        self.edge, self.days = edge, days
        self.burned_in, self.control = cache(self._burned_in), cache(self._control)

    def scenario(self, person: int, seed: int, change: dict[str, Any]) -> Scenario:
        """Scenario of a person with a change, on a block of this edge."""
        size = f"{0.02 * self.edge:g} mm"
        bone = {"kind": "generated", "size": size, "voxel": "20 um", "bv_tv": 0.3, "tb_th": "130 um", "seed": seed}
        time_of = {"days": self.days, "seed": seed, "burn_in": f"{BURN_IN_D} d"}
        tables = {"title": "sign", "bone": bone, "simulation": time_of, **PERSONS[person]}
        return Scenario.from_dict(merge_tables(tables, change))

    def _burned_in(self, person: int, seed: int) -> dict[str, np.ndarray]:
        simulation = faster(build(self.scenario(person, seed, {}))[0])
        while simulation.day < -1:
            simulation.step()
        return {name: array.copy() for name, array in simulation.state.arrays().items()}

    def _control(self, person: int, seed: int) -> Volumes:
        return self.run(person, seed, {})

    def run(self, person: int, seed: int, change: dict[str, Any]) -> Volumes:
        """Simulate an arm from its burned-in state to its last day."""
        simulation = faster(restored(self.scenario(person, seed, change), self.burned_in(person, seed), "burn-in"))
        whole = simulation.ledger.matrix_total
        resorbed = formed = 0
        while simulation.day < self.days:
            simulation.step()
            resorbed += simulation.tissue.today.resorbed
            formed += simulation.tissue.today.formed
        return Volumes(resorbed / whole, formed / whole)

    def pair(self, driver: Driver, seed: int) -> tuple[Volumes, Volumes]:
        """Control and changed arm of a seed."""
        person = PERSONS.index(driver.who)
        return self.control(person, seed), self.run(person, seed, driver.change)

    def moved(self, driver: Driver) -> dict[str, float]:
        """Ratio of every modulator (level of a drug in tissue: infinite) that the body moves by 10 % at any time."""
        person = PERSONS.index(driver.who)
        bodies = [make_body(self.scenario(person, 1, c), ParameterSet.load()) for c in ({}, driver.change)]
        for body in bodies:
            body.settle(-1)
        found: dict[str, float] = {}
        for day in range(self.days):
            control, changed = (body.advance(day) for body in bodies)
            for name in Modulators.__dataclass_fields__:
                ratio = _ratio(name, getattr(control, name), getattr(changed, name))
                if abs(np.log(ratio)) > max(np.log1p(MOVES), abs(np.log(found.get(name, 1.0)))):
                    found[name] = ratio
        return found


def _ratio(name: str, control: float, changed: float) -> float:
    if name in DRUG_LEVELS:
        return float("inf") if changed > control else 1.0
    return changed / control if control > 0 and changed > 0 else 1.0


PERSONS = [WOMAN, POST, MAN, HYPOGONADAL, LACKS_VITAMIN_D, LACKS_CALCIUM]


def faster(simulation: Simulation) -> Simulation:
    """The same simulation with SPEED times as many sites."""
    rules = simulation.rules
    activation = rules.activation._replace(frequency_per_y=SPEED * rules.activation.frequency_per_y)
    modeling = rules.modeling._replace(frequency_per_y=SPEED * rules.modeling.frequency_per_y)
    simulation.rules = replace(rules, activation=activation, modeling=modeling)
    return simulation


def verdict(differences: Sequence[float], sign: str) -> str:
    """right, wrong or open by the paired t interval of the differences; empty where no sign is asked for."""
    if not sign:
        return ""
    values = np.array(differences) * (1.0 if sign == "+" else -1.0)
    spread = values.std(ddof=1) / np.sqrt(values.size) if values.size > 1 else np.inf
    reach = spread * stats.t.ppf(0.975, max(values.size - 1, 1))
    return "right" if values.mean() - reach > 0 else "wrong" if values.mean() + reach < 0 else "open"


def measure(arms: Arms, driver: Driver, seeds: int) -> str:
    """One line of the table: mean paired differences (% of bone volume), verdicts, time."""
    start = time.perf_counter()
    pairs = [arms.pair(driver, seed) for seed in range(1, seeds + 1)]
    words = []
    for name in ("resorbed", "formed", "balance"):
        gained = [100.0 * (getattr(changed, name) - getattr(control, name)) for control, changed in pairs]
        sign = getattr(driver, name)
        words.append(f"{np.mean(gained):>+8.2f} {sign or '?'} {verdict(gained, sign):<6}")
    return f"{driver.name:<40}" + "".join(words) + f"{time.perf_counter() - start:>7.0f} s"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--edge", type=int, default=48, help="voxels of 20 um along each edge, 40 or more")
    parser.add_argument("--days", type=int, default=120)
    parser.add_argument("--only", nargs="*", default=[], help="parts of names of drivers")
    given = parser.parse_args()
    arms = Arms(given.edge, given.days)
    print(f"{'% of bone volume, changed - control':<40}{'resorbed':>10}{'':6}{'formed':>9}{'':7}{'balance':>9}")
    for driver in DRIVERS:
        if given.only and not any(word in driver.name for word in given.only):
            continue
        moved = arms.moved(driver)
        if not moved:
            print(f"{driver.name:<40}moves no modulator by 10 %", flush=True)
            continue
        print(measure(arms, driver, given.seeds), " ".join(f"{n} x{r:.2f}" for n, r in moved.items()), flush=True)


if __name__ == "__main__":
    main()
