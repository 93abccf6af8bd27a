"""The body of a scenario on day 0 as a run has it, without its bone."""

from __future__ import annotations

from boneabm.endocrine import Body
from boneabm.scenario import Scenario


def bring_to_start(body: Body, scenario: Scenario) -> None:
    """Settle a body on the first day of the burn-in, labs pinned there, and let it age on until day 0."""
    first = min(-scenario.simulation.burn_in_d, -1)
    body.settle(first)
    for day in range(first + 1, 0):
        body.advance(day)
