"""The notebook, executed from first cell to last on the warehouse of the demo; its cells assert equality."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

pytestmark = pytest.mark.xdist_group("demo")


def test_the_notebook_reproduces_the_totals_of_the_demo(
    demo: Any, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MILLICORE_HOME", str(demo.home))
    folder = repository / "notebooks"
    notebook = nbformat.read(folder / "demo_allocation_by_hand.ipynb", as_version=4)
    NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    assert "assert" in code
    assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code")
