"""What a scenario does to the bone as a load, before it is run: site, habit, calendar of its weeks, warnings."""

from __future__ import annotations

import math

from boneabm.build_loads import weekly_program
from boneabm.loading import WeeklyProgram, relative_day
from boneabm.loading.weekly import WEEK, Session
from boneabm.parameters import ParameterSet
from boneabm.scenario import GeneratedBone, Scenario
from boneabm.scenario_loading import ROWS

MOST_WEEKS = 6
FORTNIGHT_D = 14
WALKING = ("walking", "brisk_walking")


def calendar(scenario: Scenario, parameters: ParameterSet) -> list[str]:
    """Site, habit, the week after every change of the program, and warnings; nothing is solved for it.

    psi/psi* is that of solid bone: exact where all loads act in the same directions, as those of the library do.
    Empty for a scenario of plain stresses.
    """
    week = scenario.week
    if week is None:
        return []
    program = weekly_program(scenario, week, parameters)
    poisson = parameters["material.poisson"].value
    days = _changes(scenario, program)
    spans = list(zip(days, [*days[1:], math.inf], strict=True))
    weeks = [line for day, end in spans[:MOST_WEEKS] for line in _week(program, day, end, poisson)]
    if len(spans) > MOST_WEEKS:
        weeks.append(f"and {len(spans) - MOST_WEEKS} more changes, the last on day {days[-1]}")
    return [*_site(program), *_habit(scenario, program), *weeks, *_warnings(scenario, program, parameters)]


def relative(program: WeeklyProgram, day: int, poisson: float = 0.3) -> float:
    """psi of a day over that of the habit, in solid bone."""
    return relative_day(program.day(day), program.habitual(), program.p.exponent, poisson)


def fortnight(program: WeeklyProgram, day: int, poisson: float = 0.3, days: int = FORTNIGHT_D) -> float:
    """Norm of psi/psi* over the fourteen (or so many) days from this one on."""
    m = program.p.exponent
    return (math.fsum(relative(program, day + d, poisson) ** m for d in range(days)) / days) ** (1 / m)


def _site(program: WeeklyProgram) -> list[str]:
    site = program.site
    return [
        f"site {site.name} of {site.mass_kg:g} kg, {site.area_mm2:g} mm2: "
        f"{site.mpa_per_bw:.3g} MPa in the trabecular core per body weight of force"
    ]


def _habit(scenario: Scenario, program: WeeklyProgram) -> list[str]:
    shares: dict[str, float] = {}
    for session in (s for weekday in range(7) for s in program.habit(weekday)):
        shares[session.routine.name] = shares.get(session.routine.name, 0.0) + session.dose
    total = sum(shares.values())
    told = ", ".join(f"{name.removeprefix('habitual ')} {dose / total:.0%}" for name, dose in shares.items())
    kind = scenario.week.habitual if scenario.week else ROWS
    source = "rows without a start" if kind == ROWS else f'"{kind}"'
    return [f"habit, {source}: psi/psi* = 1; shares of its psi^m: {told}"]


def _changes(scenario: Scenario, program: WeeklyProgram) -> list[int]:
    """Days within the run on which something begins or ends."""
    moments = {0.0, *(d for r in program.routines for d in (r.start_d, r.until_d))}
    moments |= {d for r in program.restrictions for d in (r.start_d, r.until_d)}
    return sorted({math.ceil(day) for day in moments if 0 <= day < scenario.simulation.days})


def _week(program: WeeklyProgram, day: int, end: float, poisson: float) -> list[str]:
    """A week from a day on, until something changes: weekdays that are equal stand together."""
    held = ", ".join(r.kind.replace("_", " ") for r in program.restricted(day))
    length = int(min(FORTNIGHT_D, end - day))
    mean = fortnight(program, day, poisson, length)
    lines = [f"week from day {day}{f' ({held})' if held else ''}: psi/psi* over {length} days {mean:.2f}"]
    groups: dict[tuple[str, str], list[int]] = {}
    for one in range(day, day + min(7, length)):
        added = [s for s in program.sessions(one) if not s.routine.habitual]
        groups.setdefault((f"{relative(program, one, poisson):.2f}", "; ".join(map(_session, added))), []).append(one)
    for (value, done), days in groups.items():
        names = " ".join(WEEK[d % 7] for d in sorted(days, key=lambda d: d % 7))
        lines.append(f"  {names}: psi/psi* {value}; {done or ('habit only' if not held else 'nothing is added')}")
    return lines


def _session(s: Session) -> str:
    amount = f"{s.cycles:.4g} cycles count {s.effective_cycles:.3g}"
    return f"{s.routine.name} {s.peak_mpa:.2f} MPa, range {s.span_mpa:.2f}, {s.hz:g} Hz, {amount}"


def _warnings(scenario: Scenario, program: WeeklyProgram, parameters: ParameterSet) -> list[str]:
    p = parameters.values("loading")
    bone = scenario.bone
    bv_tv = bone.bv_tv if isinstance(bone, GeneratedBone) else p["core_bv_tv"]
    modulus = p["core_modulus_mpa"] * (bv_tv / p["core_bv_tv"]) ** p["modulus_exponent"]
    worst = max(_sessions(scenario, program), key=lambda s: s.peak_mpa, default=None)
    lines = []
    if worst is not None and worst.peak_mpa > p["yield_strain"] * modulus:
        lines.append(
            f"WARNING: {worst.routine.name} strains the core by {worst.peak_mpa / modulus:.2%} (apparent modulus "
            f"{modulus:.0f} MPa at BV/TV {bv_tv:g}); above {p['yield_strain']:.2%} it yields, and the model does not"
        )
    if scenario.week is not None and scenario.week.habitual == ROWS:
        kinds = {row.kind for row in scenario.activity if row.start_d == 0}
        if kinds and kinds <= set(WALKING):
            lines.append(
                "WARNING: only walking makes the habit, so exercise is exaggerated (a session of heavy lifts 2.4 "
                'instead of 1.9). Use habitual = "community_adult", or add bends, stairs and light lifts.'
            )
    return lines


def _sessions(scenario: Scenario, program: WeeklyProgram) -> list[Session]:
    """What is done in the first and in the last week of every stretch between two changes."""
    edges = [*_changes(scenario, program), scenario.simulation.days]
    days = {d for edge in edges for d in (*range(max(edge - 7, 0), edge), *range(edge, edge + 7))}
    return [s for day in sorted(d for d in days if d < scenario.simulation.days) for s in program.sessions(day)]
