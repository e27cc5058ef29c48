"""The demo, whole: it ends with true figures, and running it again changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.digests import digest_ledger, digest_tables

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


@pytest.mark.xdist_group("demo")
def test_the_demo_ends_with_true_figures_and_changes_nothing_the_second_time(demo: Any) -> None:
    figures = {figure["key"]: figure for figure in demo.document["figures"]}
    assert figures["cost"]["change"]
    assert figures["realised"]["value"].endswith("USD")
    (stage,) = demo.document["stages"]
    assert "a month (80 %: " in stage["state"]
    assert "simulated" in demo.document["marks"]
    assert len(demo.document["suggestions"]) == 5
    assert {row["scope"] for row in demo.document["oversell"]} == {"pool"}
    chargeback = Path(demo.document["chargeback_file"])
    content, before = chargeback.read_bytes(), contents(demo.home)
    document, told = demo.again()
    assert "0 new rows" in told
    assert document == demo.document
    assert chargeback.read_bytes() == content
    assert contents(demo.home) == before
