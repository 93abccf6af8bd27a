"""What a fortnight of a program is worth before set points follow, for tests that compare programs."""

from __future__ import annotations

from boneabm.explain_loads import FORTNIGHT_D, norm, relative
from boneabm.loading import WeeklyProgram


def fortnight(program: WeeklyProgram, day: int) -> float:
    """Norm of psi over that of the habit, over the fourteen days from this one on, in solid bone."""
    return norm([relative(program, day + d) for d in range(FORTNIGHT_D)], program.p.exponent)
