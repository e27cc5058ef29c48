"""The notebook of the frontier, executed on a simulated fortnight of its own."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbclient import NotebookClient


def test_the_frontier_is_drawn_from_a_back_test_of_the_simulator(repository: Path) -> None:
    folder = repository / "notebooks"
    notebook = nbformat.read(folder / "backtest_frontier.ipynb", as_version=4)
    NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in cells)
    shown = [output.get("data", {}).get("text/html", "") for cell in cells for output in cell.outputs]
    assert any('"vconcat"' in html and '"cpu_samples_over_ratio"' in html for html in shown)
