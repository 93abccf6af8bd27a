"""Quantities of exercise and disuse, each arm against a control of the same subject, bone and random numbers."""

from __future__ import annotations

from boneabm.validation.measures import OfArms, OfRun, Quantity, difference, each, less, quotient

BEGIN_D = 7
TRAINED_D, EFOPS_D, JUMPED_D = BEGIN_D + 240, BEGIN_D + 425, BEGIN_D + 150
UP_D, HALF_YEAR_LATER = BEGIN_D + 119, BEGIN_D + 119 + 182
MONTH_D = 30.4
SETTLED_D = (14, 56)


def dxa(last_d: float) -> OfRun:
    """DXA-like change from day 0, %: a factor times that of trabecular vBMD."""
    return lambda run: run.biopsy("DXA_change_percent", last_d) - run.biopsy("DXA_change_percent", 0)


def against(last_d: float, arm: str, control: str) -> OfArms:
    """DXA-like change of an arm less that of its control, bone by bone, %."""
    return difference(dxa(last_d), arm, control)


def after(begin_d: float = BEGIN_D) -> tuple[float, float]:
    """Weeks 3 to 8 of a program: what cells remember is there, the set point has hardly moved."""
    return begin_d + SETTLED_D[0], begin_d + SETTLED_D[1]


def stimulus(first_d: float, last_d: float) -> OfRun:
    """Stimulus over set point of the median osteocyte, as it remembers it; mean over days."""
    return lambda run: run.mean("psi_memory", first_d, last_d)


def _compared(name: str, arm: str, control: str, last_d: float) -> tuple[Quantity, ...]:
    """What a trial tells of an arm: its change, that of its control, the difference; and what its cells felt."""
    days = f"{last_d - BEGIN_D:g} d"
    return (
        Quantity(name, "%", each(dxa(last_d), arm), f"DXA-like change in {days}"),
        Quantity(f"{name}: control", "%", each(dxa(last_d), control), f"DXA-like change in {days} of the habit"),
        Quantity(f"{name}: against control", "%", against(last_d, arm, control), "the difference, bone by bone"),
        Quantity(f"{name}: stimulus", "", each(stimulus(*after()), arm),
                 "median psi/psi* of the osteocytes, weeks 3 to 8 of the program"),
        Quantity(f"{name}: stimulus of the control", "", each(stimulus(*after()), control),
                 "the same without it: above 1 where bone was lost since the habit was set"),
    )  # fmt: skip


def _per_month(arm: str) -> OfArms:
    """Change of vBMD per month of flight less that of the control, %."""
    lost = difference(lambda run: run.change_percent("mineral_g_per_cm3", BEGIN_D, JUMPED_D), arm, "flight_control")
    return lambda arms: lost(arms) / ((JUMPED_D - BEGIN_D) / MONTH_D)


def _kept(left: OfArms, lost: OfArms) -> OfArms:
    """Share of a loss that is not there any more, or did not come, %."""
    share = quotient(left, lost)
    return lambda arms: 100.0 * (1.0 - share(arms))


HIRIT = against(TRAINED_D, "hirit", "control")

EXERCISE = (
    *_compared("HiRIT", "hirit", "control", TRAINED_D),
    *_compared("EFOPS-like", "efops", "efops_control", EFOPS_D),
    Quantity("EFOPS-like over HiRIT", "", quotient(against(EFOPS_D, "efops", "efops_control"), HIRIT),
             "difference to its control after 425 d over that of HiRIT after 240 d"),
    *_compared("walking", "walking", "control", TRAINED_D),
    Quantity("walking over HiRIT", "", quotient(against(TRAINED_D, "walking", "control"), HIRIT),
             "differences to the control after 240 d"),
    *_compared("jumps at the hip", "jumps", "jumps_control", JUMPED_D),
    *_compared("bed rest, heel", "heel_bed_rest", "heel_control", UP_D),
    Quantity("bed rest, heel: regained", "% of loss",
             _kept(against(HALF_YEAR_LATER, "heel_bed_rest", "heel_control"),
                   against(UP_D, "heel_bed_rest", "heel_control")),
             "share of the difference to the control that is gone half a year after bed rest"),
    *_compared("bed rest, spine", "spine_bed_rest", "spine_control", UP_D),
    Quantity("flight: vBMD per month", "%/month", _per_month("flight"),
             "trabecular vBMD of the hip, 150 d without exercise, against the control"),
    Quantity("flight with exercise: vBMD per month", "%/month", _per_month("flight_exercise"),
             "the same with squats, deadlifts and running in a harness"),
    Quantity("flight: kept by exercise", "% of loss", _kept(_per_month("flight_exercise"), _per_month("flight")),
             "share of the loss of vBMD that exercise prevents"),
    Quantity("flight: stimulus", "", each(stimulus(*after()), "flight"), "median psi/psi*, weeks 3 to 8 of the flight"),
    Quantity("flight with exercise: stimulus", "", each(stimulus(*after()), "flight_exercise"), "the same"),
)  # fmt: skip

STATES = {"before menopause": "pre", "after menopause": "post", "after menopause, estradiol": "post_e2"}
PROGRAMS = {"HiRIT": ("hirit", "none", TRAINED_D), "jumps": ("jumps", "none", TRAINED_D),
            "jumps at the hip": ("hip_jumps", "hip_none", JUMPED_D)}  # fmt: skip
INTERACTIONS = {"post - pre": ("post", "pre"), "estradiol - post": ("post_e2", "post")}


def _effect(program: str, state: str) -> OfArms:
    """DXA-like change of a program less that of none in the same state, bone by bone."""
    arm, none, last_d = PROGRAMS[program]
    return against(last_d, f"{state}_{arm}", f"{state}_{none}")


EXERCISE_MENOPAUSE = (
    *(
        Quantity(f"{program} {told}", "%", _effect(program, state),
                 f"DXA-like change less that of none after {PROGRAMS[program][2] - BEGIN_D} d")
        for program in PROGRAMS for told, state in STATES.items()
    ),
    *(
        Quantity(f"{program}: {told}", "%", less(_effect(program, one), _effect(program, other)),
                 "interaction: effect of the program in the first state less that in the second, bone by bone")
        for program in PROGRAMS for told, (one, other) in INTERACTIONS.items()
    ),
    *(
        Quantity(f"none {told}", "%", each(dxa(TRAINED_D), f"{state}_none"), "DXA-like change in 240 d of the habit")
        for told, state in STATES.items()
    ),
    Quantity("estradiol with HiRIT", "%", against(TRAINED_D, "post_e2_hirit", "post_hirit"),
             "DXA-like change of HiRIT with the patch less that of HiRIT alone, 240 d"),
    Quantity("estradiol alone", "%", against(TRAINED_D, "post_e2_none", "post_none"),
             "DXA-like change of the patch less that of none, 240 d"),
    *(
        Quantity(f"{program}: stimulus", "", each(stimulus(*after()), f"pre_{PROGRAMS[program][0]}"),
                 "median psi/psi* of the osteocytes before menopause, weeks 3 to 8 of the program")
        for program in PROGRAMS
    ),
)  # fmt: skip
