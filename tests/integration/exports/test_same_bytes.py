"""Exports of a closed month never change; those of an open one follow from the data alone."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
from support import export_all as exporting
from support.closing import FINANCE, LONG_AGO, MONTH, NEXT, closable_runtime, store_hours
from support.export_all import export_all

from models.ownership.rules import OwnershipRow
from models.pricing.price_list import PriceRow
from service.exports.charge_columns import COLUMNS
from service.runtime import Runtime
from service.usecases.allocation import allocate
from service.usecases.chargeback_export import FILE_TYPES
from service.usecases.period_close import close_period
from service.usecases.policies import set_policy

IDLE_BY_NODE = "idle: {to: share, scope: node}\noverhead: {to: share, scope: cluster}\n"


def in_a_new_process(home: Path, folder: Path) -> dict[str, bytes]:
    command = [sys.executable, exporting.__file__, str(home), MONTH, str(folder)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def change_everything(runtime: Runtime) -> None:
    """Bring later hours, other prices, owners and regions, and another policy from the next month on."""
    store_hours(runtime, datetime(2026, 11, 1, tzinfo=UTC), 24)
    runtime.warehouse.prices.replace([PriceRow("m5.xlarge", "USD", Decimal("0.3"), LONG_AGO)])
    runtime.warehouse.ownership.replace([OwnershipRow("*", "shop", "other", LONG_AGO, cost_centre="9")])
    runtime.warehouse.clusters.register("c1", "aws", "mars")
    set_policy(runtime, FINANCE, IDLE_BY_NODE, effective_from=NEXT)
    allocate(runtime)


def test_every_file_of_a_closed_month_stays_as_it_was(tmp_path: Path) -> None:
    home = tmp_path / "home"
    runtime = closable_runtime(home)
    set_policy(runtime, FINANCE, IDLE_BY_NODE, effective_from=MONTH)
    close_period(runtime, FINANCE, MONTH)
    before = export_all(runtime, MONTH, tmp_path / "before")
    assert len(before) == 2 * len(COLUMNS) * len(FILE_TYPES)
    change_everything(runtime)
    assert export_all(runtime, MONTH, tmp_path / "after") == before
    runtime.warehouse.close()
    assert in_a_new_process(home, tmp_path / "process") == before


def test_an_open_month_computed_anew_elsewhere_has_the_same_bytes(tmp_path: Path) -> None:
    first, second = (closable_runtime(tmp_path / name, hours=48) for name in ("one", "two"))
    for runtime in (first, second):
        set_policy(runtime, FINANCE, IDLE_BY_NODE, effective_from=MONTH)
    before = export_all(first, MONTH, tmp_path / "first")
    assert export_all(second, MONTH, tmp_path / "second") == before
    prices = first.warehouse.prices.all()
    first.warehouse.prices.replace([PriceRow("m5.xlarge", "USD", Decimal("0.3"), LONG_AGO)])
    allocate(first)
    dearer = export_all(first, MONTH, tmp_path / "dearer")
    assert not set(dearer.items()) & set(before.items())
    first.warehouse.prices.replace(prices)
    allocate(first)
    assert export_all(first, MONTH, tmp_path / "again") == before


def test_shared_idle_stands_on_the_payers_rows_and_adds_up_in_every_file(tmp_path: Path) -> None:
    runtime = closable_runtime(tmp_path / "home", hours=48)
    plain = export_all(runtime, MONTH, tmp_path / "plain")
    set_policy(runtime, FINANCE, IDLE_BY_NODE, effective_from=MONTH)
    export_all(runtime, MONTH, tmp_path / "shared")
    name = f"chargeback_{MONTH}_summary_DRAFT_millicore.parquet"
    rows = pq.read_table(tmp_path / "shared" / name).to_pylist()
    assert {row["SubAccountId"] for row in rows} == {"team:red", "team:payments"}
    assert all(row["x_IdleShareCost"] > 0 and row["x_DirectCost"] > 0 for row in rows)
    assert {row["x_PolicyVersion"][:9] for row in rows} == {"policy-1-"}
    total = sum(row["EffectiveCost"] for row in rows)
    assert total == round(48 * 2 * Decimal("0.233"), 2)
    manifest = json.loads(plain[f"{name}.manifest.json"])
    assert Decimal(manifest["totals"][0]["effective_cost"]) == total
    assert manifest["policy_version"].startswith("policy-0-")
