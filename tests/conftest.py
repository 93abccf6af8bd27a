"""Shared by all tests: plain twins on the path, small bones, the real sample where it exists."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(Path(__file__).parent / "reference"))


@pytest.fixture(scope="session", autouse=True)
def own_burn_ins(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Burned-in states of the tests are kept apart from those of the user."""
    os.environ["BONEABM_BURN_INS"] = str(tmp_path_factory.mktemp("burn-in"))


@pytest.fixture(scope="session")
def real_sample() -> Path:
    """Path of the real micro-CT sample (200^3, 19.5 um); the test is skipped where it is absent."""
    path = Path(os.environ.get("BONEABM_SAMPLE", ROOT.parent / "shared" / "data" / "lhdl_200.tif"))
    if not path.exists():
        pytest.skip("real micro-CT sample not present (set BONEABM_SAMPLE to its path)")
    return path
