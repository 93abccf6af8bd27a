"""The suite as a list: experiments, the sweep whose runs each one reads, and the quantities measured on them.

Days are days of the run. `targets.csv` holds what the quantities are compared with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from boneabm.errors import InputError, nearest
from boneabm.validation.exercise_bands import BANDS
from boneabm.validation.experiments_exercise import EXERCISE, EXERCISE_MENOPAUSE
from boneabm.validation.experiments_interventions import INTERVENTIONS
from boneabm.validation.experiments_load import DISUSE, LOAD_TURNED
from boneabm.validation.experiments_menopause import MENOPAUSE
from boneabm.validation.experiments_predictions import PREDICTIONS
from boneabm.validation.experiments_rest import BOOKS, FAST, MECHANOREGULATION, REFERENCE, STIFFNESS, VOXELS
from boneabm.validation.experiments_sequences import SEQUENCES
from boneabm.validation.experiments_therapies import SWEEPS, THERAPIES
from boneabm.validation.measures import Quantity
from boneabm.validation.sensitivity import SENSITIVITY

Part = Literal["full", "fast", "by name"]


@dataclass(frozen=True)
class Experiment:
    """One experiment.

    sweeps     : packaged sweeps whose finished runs it reads; arms are named "SWEEP/ARM" where there are several
    part       : "full" runs by default, "fast" with --fast, "by name" only when asked for
    question   : one sentence
    """

    name: str
    sweeps: tuple[str, ...]
    part: Part
    question: str
    quantities: tuple[Quantity, ...]


EXPERIMENTS = (
    Experiment(
        "bookkeeping",
        ("reference", "menopause"),
        "full",
        "Does Ac.f x depth x BS/BV from histomorphometry give the bone that was lost and turned over?",
        BOOKS,
    ),
    Experiment(
        "reference", ("reference",), "full", "Does a healthy adult keep mass, turnover and mineral for ten years?",
        REFERENCE,
    ),
    Experiment(
        "menopause", ("menopause",), "full", "What happens in the ten years around the final period, and after?",
        MENOPAUSE,
    ),
    Experiment(
        "mechanoregulation", ("reference", "deaf"), "full",
        "Is bone formed where it is strained more, resorbed where less, and by osteocytes?", MECHANOREGULATION,
    ),
    Experiment(
        "load turned", ("load_turned",), "full",
        "Do trabeculae and stiffness follow a load that is turned by 30 degrees?", LOAD_TURNED,
    ),
    Experiment(
        "disuse", ("disuse",), "full", "What does disuse take, what does reloading give back, does bone need load?",
        DISUSE,
    ),
    Experiment(
        "interventions", ("interventions",), "full",
        "What do removed ovaries, blocked RANKL and dead osteocytes do, and what follows a block?", INTERVENTIONS,
    ),
    Experiment(
        "stiffness", ("stiffness",), "full", "With which power does stiffness rise with density?", STIFFNESS
    ),
    Experiment(
        "fast", ("fast",), "fast", "Do books close, phases last as measured, and does estradiol drive osteoclasts?",
        FAST,
    ),
    Experiment("voxels", ("voxels",), "by name", "Do results depend on the size of the voxels?", VOXELS),
    Experiment(
        "therapies", SWEEPS, "by name", "Do hormones and drugs move bone as far as in trials?", THERAPIES
    ),
    Experiment(
        "sequences", ("sequences",), "by name",
        "What do sequences, withdrawals and combinations of therapies do, to which nothing was fitted?", SEQUENCES,
    ),
    Experiment(
        "sensitivity", ("sensitivity",), "by name", "How much do single numbers change the ten-year loss?", SENSITIVITY
    ),
    Experiment(
        "exercise", ("exercise",), "by name",
        "Do programs of trials add what they added, do bed rest and flight take what they took?", EXERCISE,
    ),
    Experiment(
        "exercise predictions", ("exercise_further", "exercise_mouse"), "by name",
        "What do partial weight, stopping, split bouts, paralysis and frequency do, to which nothing was fitted?",
        PREDICTIONS,
    ),
    Experiment(
        "exercise bands", ("exercise_bands",), "by name",
        "How uncertain is the effect of HiRIT through four numbers of loading that are badly known?", BANDS,
    ),
    Experiment(
        "exercise and menopause", ("exercise_menopause",), "by name",
        "Does exercise add less after menopause, and does estradiol bring it back?", EXERCISE_MENOPAUSE,
    ),
)  # fmt: skip


def chosen(names: list[str], fast: bool) -> tuple[Experiment, ...]:
    """Experiments by name; without names those of the full suite, or the fast ones.

    Raises InputError for a name that is none.
    """
    known = {experiment.name.replace(" ", "-"): experiment for experiment in EXPERIMENTS}
    for name in names:
        if name not in known:
            raise InputError(f'"{name}" is not an experiment of the suite. {nearest(name, known)}')
    part = "fast" if fast else "full"
    if names:
        return tuple(known[name] for name in dict.fromkeys(names))
    return tuple(experiment for experiment in EXPERIMENTS if experiment.part == part)
