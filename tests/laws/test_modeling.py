"""Laws of modeling: formation without resorption, where osteocytes feel more than they are used to."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_bone import run_until_closed, slab

from boneabm.endocrine import Modulators
from boneabm.remodeling import modeling


def loaded_slab(signal, spacing_um=20.0):
    """A slab whose osteocytes all have a signal, with the fields that follow from it."""
    simulation = slab(spacing_um=spacing_um)
    tissue, signals = simulation.tissue, simulation.state.signals
    tissue.osteocytes["signal"][:] = signal
    signals.secrete(tissue, Modulators(), 0)
    signals.field.solve(signals.sources)
    return simulation


def opened(simulation, days=365):
    """Modeling sites that start within a number of days on bone that stays as it is."""
    state, rules = simulation.state, simulation.rules
    rules = replace(rules, modeling=rules.modeling._replace(frequency_per_y=1.0))
    first = simulation.tissue.next_site
    for day in range(days):
        where = (simulation.tissue, state.signals, state.seed, day, Modulators())
        modeling.start_modeling(*where, rules.modeling, rules.activation, rules.osteoblast)
    return simulation.tissue.next_site - first


def test_bone_at_its_set_point_and_in_disuse_is_not_modeled():
    """No site in a year while the signal is 1 or less."""
    assert opened(loaded_slab(1.0)) == 0
    assert opened(loaded_slab(0.4)) == 0


def test_the_drive_is_the_logarithm_of_sclerostin_above_the_onset_and_saturates():
    """-ln(0.5) - 0.25; 0 at 0.9; 1 where sclerostin is all but gone."""
    p = slab().rules.modeling._replace(onset=0.25)
    drive = modeling.modeling_drive(np.array([0.5, 0.9, 1e-6]), p)
    np.testing.assert_allclose(drive, [np.log(2) - 0.25, 0.0, 1.0])


def test_strong_loading_starts_modeling():
    """A signal of 2 for a year starts sites on a slab of 1.3 mm2 of surface."""
    assert opened(loaded_slab(2.0)) >= 2


@pytest.mark.parametrize("spacing_um", [12.0, 20.0])
def test_a_modeling_site_lays_its_wall_and_resorbs_nothing(spacing_um):
    """Formed volume = wall x area within 10 %; the record says modeling; books close every day."""
    simulation = slab(spacing_um=spacing_um)
    tissue, rules = simulation.tissue, simulation.rules
    before = tissue.lattice.matrix.copy()
    _, y, x = before.shape
    top = int(np.argwhere(tissue.lattice.bone[:, y // 2, x // 2]).max())
    voxel = int(np.ravel_multi_index((top, y // 2, x // 2), before.shape))
    sizes = (rules.modeling, rules.activation, rules.osteoblast)
    modeling.open_modeling_site(tissue, voxel, 1, simulation.day, Modulators(), *sizes)
    (record,) = run_until_closed(simulation)
    assert record["event"] == "modeling_closed"
    assert record["eroded_um3"] == 0
    assert record["formed_um3"] == pytest.approx(rules.modeling.wall_um * record["area_um2"], rel=0.10)
    assert (tissue.lattice.matrix >= before).all()
    assert (tissue.lattice.bmu == -1).all()
