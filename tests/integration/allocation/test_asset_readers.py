"""What reads the cost of assets beside nodes: daily costs, the API, warehouses of an older version."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from support.asset_world import (
    HOURS,
    NODE_PRICE,
    PRICES,
    START,
    VOLUMES,
    a_runtime,
    assert_conserved,
    everything,
    lines_of,
)
from support.fleet import store

from models.vocabulary.identity import Principal, Role
from models.vocabulary.windows import HourWindow
from service.http.allocation import AllocationQuery, read_allocation
from service.runtime import Runtime
from service.usecases.allocation import allocate
from warehouse.lake.tables import TABLES


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    """Return a runtime with three hours of a cluster that has every kind of asset."""
    found = a_runtime(tmp_path / "home", *PRICES)
    store(found, everything())
    return found


def test_daily_costs_hold_every_asset_with_its_owner(runtime):
    allocate(runtime)
    rows = runtime.warehouse.lake.scan("cost_day").to_pylist()
    total = sum((row["total_cost"] for row in rows), Decimal(0))
    assert total == HOURS * Decimal("1.3515")
    owned = defaultdict(Decimal)
    for row in rows:
        owned[row["resource"], row["team"]] += row["total_cost"]
    assert owned["load_balancer", "data"] == HOURS * Decimal("0.025")
    assert owned["control_plane", None] == HOURS * Decimal("0.1")
    assert owned["network", None] == HOURS * Decimal("0.36")
    assert owned["storage", None] == HOURS * Decimal("0.0005")
    assert owned["storage", "shop-team"] == HOURS * Decimal("0.0075")


def test_the_api_names_the_cost_of_storage_network_and_load_balancers(runtime):
    allocate(runtime)
    asked = AllocationQuery(START.date(), START.date(), ("namespace",), accumulate=True, include_idle=True)
    (found,) = read_allocation(runtime, Principal("lea", frozenset({Role.LEADERSHIP})), asked)
    assert found["shop"]["pvCost"] == pytest.approx(HOURS * 0.01)
    assert found["data"]["pvCost"] == pytest.approx(HOURS * 0.005)  # what nobody mounted is its namespace's
    assert found["shop"]["networkCost"] == pytest.approx(HOURS * 0.36)
    assert found["data"]["networkCost"] is None
    assert found["data"]["loadBalancerCost"] == pytest.approx(HOURS * 0.025)
    assert found["__idle__"]["pvCost"] == pytest.approx(HOURS * 0.0005)
    parts = ("cpuCost", "ramCost", "pvCost", "networkCost", "loadBalancerCost")
    assert found["shop"]["totalCost"] == pytest.approx(sum(found["shop"][part] for part in parts))


def test_a_warehouse_made_before_assets_were_allocated_is_read_and_allocated_anew(tmp_path, monkeypatch):
    present = a_runtime(tmp_path / "present", NODE_PRICE)
    store(present, everything())
    allocate(present)
    lines = present.warehouse.lake.scan("allocation_hour").drop_columns(["asset"])
    older = TABLES["allocation_hour"]
    columns = {name: kind for name, kind in older.columns.items() if name != "asset"}
    with monkeypatch.context() as patch:
        patch.setitem(TABLES, "allocation_hour", replace(older, columns=columns))
        old = a_runtime(tmp_path / "old", NODE_PRICE)
        store(old, everything())
        old.warehouse.lake.replace("allocation_hour", "c1", HourWindow.of_day(START.date()), lines)
        old.warehouse.close()
    runtime = a_runtime(tmp_path / "old", NODE_PRICE)
    assert runtime.warehouse.lake.scan("allocation_hour").column("asset").null_count == lines.num_rows > 0
    allocate(runtime)
    for table in ("allocation_hour", "cost_day"):
        wanted, found = (
            sorted(map(repr, one.warehouse.lake.scan(table).to_pylist())) for one in (present, runtime)
        )
        assert found == wanted
    runtime.warehouse.prices.replace(list(PRICES))
    allocate(runtime)
    assert_conserved(runtime)
    assert {row["asset"] for row in lines_of(runtime, "storage")} == {volume.name for volume in VOLUMES}
