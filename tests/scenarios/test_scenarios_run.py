"""Three packaged scenarios run three days and write run folders that read back; other tests follow all bodies."""

from __future__ import annotations

import numpy as np
import pytest

from boneabm.io.series import read_table
from boneabm.io.volumes import VolumeReader
from boneabm.run import run_scenario
from boneabm.scenario import Scenario


@pytest.mark.parametrize("name", ["adult", "menopause", "disuse"])
def test_a_packaged_scenario_runs_three_days(name, tmp_path):
    """Without burn-in: four rows of the series, the first and last volume, bone of the target BV/TV."""
    scenario = Scenario.load(name).with_options(days=3)
    scenario = scenario.model_copy(update={"simulation": scenario.simulation.model_copy(update={"burn_in_d": 0})})
    result = run_scenario(scenario, out=tmp_path / name)
    series = read_table(result.path / "series.csv")
    assert series["day"].tolist() == [1, 2, 3]
    assert np.all(np.abs(series["BV/TV"] / scenario.bone.bv_tv - 1) < 0.01)
    assert VolumeReader(result.path / "run.vtkhdf").days == [3]
    assert result.bv_tv_last == series["BV/TV"][-1]
