"""What differs between Mesa versions, and the one import of Mesa (mesa >= 3.3.1, < 4).

`import mesa` imports `mesa.batchrunner`, which sets the start method of multiprocessing to "spawn" for the whole
process; it is put back here, so that importing boneabm changes nothing for the processes of its user.
"""

from __future__ import annotations

import multiprocessing
from typing import Any

_start_method = multiprocessing.get_start_method(allow_none=True)
import mesa  # noqa: E402
from mesa.agent import AgentSet  # noqa: E402

try:
    from mesa.agentset import GroupBy  # Mesa 3.4 and later
except ImportError:
    from mesa.agent import GroupBy

multiprocessing.set_start_method(_start_method, force=True)

Agent, Model = mesa.Agent, mesa.Model

__all__ = ["Agent", "AgentSet", "GroupBy", "Model", "forget_model", "seeding"]

SEED_IS_RNG = tuple(int(part) for part in mesa.__version__.split(".")[:2]) >= (3, 5)


def forget_model(model: mesa.Model) -> None:
    """Take a model out of the class-level id table with which Mesa 3.3 keeps every model alive; later ones lack it."""
    ids = getattr(mesa.Agent, "_ids", None)
    if ids is not None:
        ids.pop(model, None)


def seeding(seed: Any, rng: Any) -> dict[str, Any]:
    """Seed arguments for `mesa.Model`: from Mesa 3.5 on `rng` seeds both generators and `seed` warns."""
    if SEED_IS_RNG and seed is not None and rng is None:
        return {"rng": seed}
    return {"seed": seed, "rng": rng}
