"""boneabm: agent-based simulation of trabecular bone.

>>> import boneabm
>>> scenario = boneabm.Scenario.load("menopause")
>>> scenario.bone.shape
(80, 80, 80)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .build import build, model
    from .engine import Every, Simulation
    from .errors import BoneabmError, InputError
    from .morphometry import measure
    from .parameters import ParameterSet
    from .run import resume_run, run_scenario
    from .scenario import Scenario

_HOMES = {
    "BoneabmError": "errors",
    "Every": "engine",
    "InputError": "errors",
    "ParameterSet": "parameters",
    "Scenario": "scenario",
    "Simulation": "engine",
    "build": "build",
    "measure": "morphometry",
    "model": "build",
    "resume_run": "run",
    "run_scenario": "run",
}
__all__ = [
    "BoneabmError", "Every", "InputError", "ParameterSet", "Scenario", "Simulation", "build", "measure", "model",
    "resume_run", "run_scenario",
]  # fmt: skip
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Load public names when they are first used, so that the command line starts quickly."""
    if name not in _HOMES:
        raise AttributeError(f"boneabm has no public name {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
