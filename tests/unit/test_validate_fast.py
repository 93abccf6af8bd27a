"""The fast part of the validation suite, as a user runs it: four bones, half a year, within a minute or two."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from boneabm.cli_validate import validate as command


@pytest.mark.slow
def test_the_fast_suite_measures_all_and_fails_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Books close, phases last and RANKL rises as measured; every target is told on all four bones."""
    command(fast=True, out=tmp_path, in_process=True, quiet=True, as_json=True)
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    targets = {row["quantity"]: row for row in told["rows"] if row["verdict"] != "-"}
    assert set(targets) == {
        "ledger error", "MAR", "erosion and reversal", "RANKL per cell", "rise of RANK occupancy"
    }  # fmt: skip
    assert {row["verdict"] for row in targets.values()} == {"pass"}
    assert all(row["n"] == 4 for row in targets.values())
    assert (tmp_path / "validation.md").is_file()
