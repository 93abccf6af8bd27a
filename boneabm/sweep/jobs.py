"""What executors are given and what they give back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Job:
    """One piece of work: a run of a sweep, or the burn-in that several runs start from.

    name     : run_id, or "burn-in-KEY"; unique in a session
    sweep    : absolute path of the sweep folder
    scenario : resolved scenario, TOML text
    burn_in  : key of the burned-in state
    after    : name of the job that must have ended, in whatever way, before this one begins; "" for none
    """

    name: str
    sweep: str
    scenario: str
    burn_in: str
    after: str = ""


@dataclass(frozen=True)
class Outcome:
    """How a job ended.

    status : "finished", "failed" (deterministic, recorded on disk, never tried again by itself), "stopped" (asked to
             stop; its checkpoint is safe) or "lost" (its workers died)
    text   : what went wrong
    wall_s : time in this session, s
    """

    name: str
    status: str
    text: str = ""
    wall_s: float = 0.0


Stop = Callable[[], bool]
Work = Callable[[Job, Stop], Outcome]
