"""The notebook for newcomers runs from the first cell to the last, and says what its text says."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).resolve().parents[2] / "examples" / "first_experiment.ipynb"
CELL_TIMEOUT_S = 900  # a shared machine may be slow; the whole takes about a minute of two cores


def test_the_notebook_is_kept_without_outputs() -> None:
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    assert not [cell["id"] for cell in cells if cell.get("outputs") or cell.get("execution_count")]


@pytest.mark.slow
def test_the_notebook_runs(tmp_path: Path) -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(notebook, timeout=CELL_TIMEOUT_S, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    shown = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    told = "".join(output.get("text", "") for output in shown if output.output_type == "stream")
    assert "bone.sise: not a known key" in told
    assert "bone.voxel: missing unit" in told
    assert "[0, 30, 60]" in told
    pictures = [output for output in shown if "image/png" in output.get("data", {})]
    assert len(pictures) == 3
    assert (tmp_path / "runs" / "first_experiment" / "run.vtkhdf").exists()
    texts = [output["data"].get("text/plain", "") for output in shown if "data" in output]
    assert any("conn_d_per_mm3" in text and "day 60" in text for text in texts)
