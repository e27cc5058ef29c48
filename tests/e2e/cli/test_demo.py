"""The demo, whole: it ends with true figures, and running it again changes nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.digests import digest_ledger, digest_tables
from typer.testing import CliRunner

from service.cli.app import app
from service.runtime import Runtime
from service.setting_sources import load_settings

RECOMPUTED = ("forecast", "oversell_plan")
"""Tables that each run writes again; the others must not even see a commit."""


def contents(home: Path) -> dict[str, object]:
    runtime = Runtime.wire(load_settings(environment={}, home=home))
    try:
        versions = runtime.warehouse.lake.versions()
        untouched = {name: version for name, version in versions.items() if name not in RECOMPUTED}
        return {**untouched, **digest_tables(runtime, RECOMPUTED), "ledger": digest_ledger(runtime)}
    finally:
        runtime.warehouse.close()


def test_the_demo_ends_with_true_figures_and_changes_nothing_the_second_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    first = CliRunner().invoke(app, ["demo", "--output", "json"])
    assert first.exit_code == 0, first.stderr
    result = json.loads(first.stdout)
    figures = {figure["key"]: figure for figure in result["figures"]}
    assert figures["cost"]["change"]
    assert "not measured yet" in figures["realised"]["value"]
    assert "simulated" in result["marks"]
    assert len(result["suggestions"]) == 5
    assert {row["scope"] for row in result["oversell"]} == {"pool"}
    chargeback = tmp_path / result["chargeback_file"]
    content, before = chargeback.read_bytes(), contents(tmp_path / ".millicore" / "demo")
    second = CliRunner().invoke(app, ["demo", "--output", "json"])
    assert second.exit_code == 0, second.stderr
    assert "0 new rows" in second.stderr
    assert json.loads(second.stdout) == result
    assert chargeback.read_bytes() == content
    assert contents(tmp_path / ".millicore" / "demo") == before
