"""The stimulus kernels against plain numpy."""

from __future__ import annotations

import numpy as np
import pytest
import stimulus_plain as plain

from boneabm.kernels import stimulus
from boneabm.kernels.blocks import launch


@pytest.mark.parametrize("exponent", [4.0, 3.0, 6.5])
def test_mixed_power_is_the_norm_over_loads(exponent: float) -> None:
    random = np.random.default_rng(1)
    n = 2 * stimulus.POINTS + 37
    forms = random.random((3, n)).astype(np.float32)
    weights, doses = random.random((5, 3)), random.random(5)
    weights[2, 1] = 0.0
    points = np.sort(random.choice(3 * n, n, replace=False))
    out = np.zeros(3 * n, np.float32)
    launch(stimulus.mixed_power, -(-n // stimulus.POINTS), forms, weights, doses, exponent, points, out)
    np.testing.assert_allclose(out[points], plain.mixed_power(forms, weights, doses, exponent), rtol=1e-6)
    assert np.count_nonzero(out) == n


def test_what_is_far_from_solved_bone_is_marked_and_stays_neutral() -> None:
    random = np.random.default_rng(2)
    mask = random.random((9, 8, 7)) < 0.02
    mask[4, 4, 4] = True
    field = random.random(mask.shape).astype(np.float32)
    marked = field.copy()
    launch(stimulus.mark_neutral, 9, mask, marked)
    far = plain.far_from(mask)
    assert far.any()
    np.testing.assert_array_equal(marked, np.where(far, stimulus.NEUTRAL, field))
    out = np.empty_like(field)
    launch(stimulus.scaled, 9, marked, np.float32(3.0), out)
    np.testing.assert_array_equal(out, np.where(far, np.float32(1), field * np.float32(3)))
