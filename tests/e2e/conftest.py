"""What the tests of whole commands share: the demo, made once per worker, and real servers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.postgres import postgres_server  # noqa: F401
from support.s3 import s3_server  # noqa: F401
from typer.testing import CliRunner

from service.cli.app import app


@dataclass(frozen=True)
class DemoRun:
    """A finished demo: its home and the document that it ended with."""

    home: Path
    document: dict[str, Any]

    def again(self) -> tuple[dict[str, Any], str]:
        """Run it once more on the same home; return its document and what it told on the way."""
        return _run_demo(self.home)


def _run_demo(home: Path) -> tuple[dict[str, Any], str]:
    answer = CliRunner().invoke(app, ["demo", "--home", str(home), "--output", "json"])
    assert answer.exit_code == 0, answer.stderr
    return json.loads(answer.stdout), answer.stderr


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoRun:
    """Run the demo once. Tests that use it carry ``xdist_group("demo")``, so that one worker makes it."""
    home = tmp_path_factory.mktemp("demo") / "home"
    document, _ = _run_demo(home)
    return DemoRun(home, document)
