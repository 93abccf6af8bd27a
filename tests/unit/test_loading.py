"""Loading programs: the default habit, windows of activities and conditions, what day 0 is adapted to."""

from __future__ import annotations

import pytest

from boneabm.loading import Activity, Condition, LoadCase, LoadParameters, Program, habitual_program
from boneabm.parameters import ParameterSet

WALK = LoadCase((0.6, 0.0, 0.0), 1000.0)
JUMP = LoadCase((1.5, 0.1, 0.0), 50.0)


def test_the_default_habit_has_three_normal_components():
    """Axial stress along z, the lateral share along y and x, the same cycles: a single axis would resorb struts."""
    p = ParameterSet.load().section("load", LoadParameters)
    stresses = [activity.case.stress_mpa for activity in habitual_program(p)]
    lateral = p.axial_mpa * p.lateral_fraction
    assert stresses == [(p.axial_mpa, 0, 0), (0, lateral, 0), (0, 0, lateral)]
    assert {activity.case.cycles_per_d for activity in habitual_program(p)} == {p.cycles_per_d}


def test_the_default_habit_holds_always():
    """Same cases in the burn-in, on day 0 and after a century."""
    program = Program(habitual_program(LoadParameters(0.6, 0.4, 1000.0)))
    assert program.day(-190) == program.day(0) == program.day(36_500) == program.habitual()


def test_an_activity_holds_from_its_start_until_before_its_end():
    """Start inclusive, end exclusive."""
    program = Program([Activity("walk", WALK), Activity("jump", JUMP, 10, 20)])
    assert [JUMP in program.day(day) for day in (-5, 0, 9, 10, 19, 19.5, 20)] == [False] * 3 + [True] * 3 + [False]
    assert all(WALK in program.day(day) for day in (-5, 10, 20))


def test_the_bone_is_adapted_to_what_holds_on_day_zero_without_conditions():
    """Later activities and conditions are no part of the habit; an activity that ends before day 0 is neither."""
    rows = [Activity("walk", WALK), Activity("jump", JUMP, 5), Activity("past", JUMP, -300, -10)]
    program = Program(rows, [Condition(0.1, -20, 400)])
    assert program.habitual() == (WALK,)


def test_the_burn_in_is_loaded_like_day_zero():
    """An activity that starts on day 0 also holds before it, so the first day brings no jump of load."""
    program = Program([Activity("walk", WALK, 0, 30)])
    assert program.day(-100) == program.day(0) == (WALK,)
    assert program.day(30) == ()


def test_conditions_scale_every_stress_and_multiply():
    """Bed rest to 30 % within its window, two conditions at once to 15 %; cycles stay."""
    program = Program([Activity("jump", JUMP)], [Condition(0.3, 10, 100), Condition(0.5, 50, 60)])
    factors = {9: 1, 10: 0.3, 49: 0.3, 55: 0.15, 60: 0.3, 100: 1}
    for day, factor in factors.items():
        (case,) = program.day(day)
        assert case.stress_mpa == pytest.approx(tuple(factor * s for s in JUMP.stress_mpa))
        assert case.cycles_per_d == JUMP.cycles_per_d


def test_a_factor_of_zero_takes_all_load():
    """Full unloading leaves cases without stress."""
    program = Program([Activity("walk", WALK)], [Condition(0.0, 0, 10)])
    assert program.day(3) == (LoadCase((0, 0, 0), 1000),)


def test_a_program_without_activities_is_empty():
    """No rows: nothing to carry and no habit."""
    assert Program([]).day(0) == Program([]).habitual() == ()
