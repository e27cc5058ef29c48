"""A simulated cluster with every kind of asset, from files to allocated lines, beside its known truth."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from support.fleet import store
from support.simulated_files import observe_all

from ingest.files.asset_hours import AssetPaths
from ingest.files.price_files import load_prices
from ingest.files.source import FileSource
from ingest.simulated.write import SimulationOptions, write_simulation
from service.runtime import Runtime
from service.usecases.allocation import allocate

CAUSES = ("used_cost", "unused_request_cost", "unmeasured_cost", "idle_cost", "overhead_cost")
KIND_OF = {"storage": "volume", "cpu": "node", "memory": "node", "gpu": "node"}


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Runtime, dict[str, str]]:
    """Return a runtime with two allocated days, and the true cost by kind of asset."""
    folder = tmp_path_factory.mktemp("simulated")
    written = write_simulation("fortnight", folder / "files", seed=7, options=SimulationOptions(days=2))
    paths = (written.volume_file, written.mount_file, written.load_balancer_file, written.network_file)
    runtime = Runtime.for_test(folder / "home", now=datetime(2026, 11, 20, tzinfo=UTC))
    runtime.warehouse.prices.replace(load_prices(written.price_file))
    with FileSource(
        written.usage_files, [written.node_file], AssetPaths(*([path] for path in paths))
    ) as source:
        store(runtime, observe_all(source, "fortnight"))
    allocate(runtime)
    truth = json.loads(written.truth_file.read_text(encoding="utf-8"))
    return runtime, truth["clusters"][0]["asset_cost"]


def by_kind(runtime: Runtime) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
    """Return what assets cost and what was allocated of it, by kind."""
    cost: dict[str, Decimal] = defaultdict(Decimal)
    allocated: dict[str, Decimal] = defaultdict(Decimal)
    for row in runtime.warehouse.lake.scan("asset_price_hour").to_pylist():
        cost[row["asset_kind"]] += row["effective_cost"]
    for row in runtime.warehouse.lake.scan("allocation_hour").to_pylist():
        kind = KIND_OF.get(row["resource"], row["resource"])
        allocated[kind] += sum((row[name] for name in CAUSES if row[name] is not None), Decimal(0))
    return dict(cost), dict(allocated)


def test_what_is_allocated_is_what_the_assets_cost_and_that_is_the_truth(simulated):
    runtime, truth = simulated
    cost, allocated = by_kind(runtime)
    assert allocated == cost
    assert set(truth) == set(cost) - {"node"}
    for kind, expected in truth.items():
        assert float(cost[kind]) == pytest.approx(float(expected), rel=1e-6)


def test_a_shared_claim_is_paid_by_several_pods_and_a_forgotten_one_by_none(simulated):
    runtime, _ = simulated
    payers: dict[str, set[str]] = defaultdict(set)
    for row in runtime.warehouse.lake.scan("allocation_hour").to_pylist():
        if row["resource"] == "storage":
            payers[row["asset"]].add(row["pod_uid"] or f"unmounted {row['workload_name']}")
    assert any(len(pods) > 2 for pods in payers.values())
    assert {"unmounted old-exports"} in payers.values()


def test_daily_costs_add_up_to_every_asset(simulated):
    runtime, _ = simulated
    rows = runtime.warehouse.lake.scan("cost_day").to_pylist()
    daily = sum((row["total_cost"] for row in rows if row["total_cost"] is not None), Decimal(0))
    assert daily == sum(by_kind(runtime)[0].values())
