from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from support.fleet import Node, Pod, observe, store

from models.ownership.rules import OwnershipRow
from models.pricing.price_list import PriceRow
from models.vocabulary.windows import HourWindow
from service.runtime import Runtime
from service.usecases.allocation import allocate

START = datetime(2026, 10, 1, tzinfo=UTC)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
NODES = (Node("n1", cpu_allocatable=3.9, memory_gib_allocatable=15), Node("n2", pool="spot"))
PODS = (
    Pod("web-1", "n1", (1, 4), (0.1, 3), workload="web"),
    Pod("web-2", "n2", (1, 4), (1.9, 6), workload="web"),
    Pod("api", "n1", (None, None), (0.5, 1), namespace="pay", labels={"team": "payments"}),
    Pod("agent", "n2", (0.3, 1), (None, None), namespace="tools"),
)
TABLES = ("asset_price_hour", "allocation_hour", "workload_hour", "cost_day")
CAUSES = ("used_cost", "unused_request_cost", "unmeasured_cost", "idle_cost", "overhead_cost")


def days(*numbers):
    return tuple(date(2026, 10, number) for number in numbers)


def hashes(runtime):
    """Hash of each table's sorted rows."""
    return {
        table: hashlib.sha256(
            repr(sorted(map(repr, runtime.warehouse.lake.scan(table).to_pylist()))).encode()
        ).hexdigest()
        for table in TABLES
    }


def total(rows, *names):
    return sum((row[name] or Decimal(0) for row in rows for name in names), Decimal(0))


def test_every_hour_adds_up_to_its_node_exactly(runtime):
    allocate(runtime)
    lines = runtime.warehouse.lake.scan("allocation_hour").to_pylist()
    prices = runtime.warehouse.lake.scan("asset_price_hour").to_pylist()
    assert len(prices) == 2 * 96
    for price in prices:
        own = [line for line in lines if (line["hour"], line["node_key"]) == (price["hour"], price["asset"])]
        assert total(own, *CAUSES) == price["effective_cost"] == Decimal("0.233")


def test_daily_costs_add_up_to_the_nodes_and_know_their_owners(runtime):
    runtime.warehouse.ownership.replace(
        [OwnershipRow("*", "shop", "shop-team", LONG_AGO, cost_centre="cc-1", share_ratio=Decimal("0.5"))]
    )
    report = allocate(runtime)
    assert report.is_fully_priced
    rows = runtime.warehouse.lake.scan("cost_day").to_pylist()
    assert total(rows, "total_cost") == total(rows, *CAUSES) == Decimal("0.233") * 2 * 96
    owners = {(row["namespace"], row["team"], row["ownership_source"]) for row in rows}
    assert owners == {
        ("shop", "shop-team", "rule"),
        ("shop", None, None),
        ("pay", "payments", "label"),
        ("tools", "tools", "guessed"),
        (None, None, None),
    }
    nodes = [row for row in rows if row["line_kind"] == "node" and row["resource"] == "cpu"]
    assert sum(row["capacity_seconds"] for row in nodes) == 8 * 3600 * 96
    assert sum(row["allocatable_seconds"] for row in nodes) == pytest.approx(7.9 * 3600 * 96)
    assert all(row["hour_count"] == 24 for row in rows)


def test_allocating_twice_changes_nothing(runtime):
    allocate(runtime)
    before, versions = hashes(runtime), runtime.warehouse.lake.versions()
    report = allocate(runtime)
    assert report.days == {"c1": ()}
    assert runtime.warehouse.lake.versions() == versions
    assert hashes(runtime) == before


def test_a_price_change_allocates_the_days_it_touches_and_no_other(runtime):
    allocate(runtime)
    change = datetime(2026, 10, 3, 7, 30, tzinfo=UTC)
    runtime.warehouse.prices.replace(
        [
            PriceRow("m5.xlarge", "USD", Decimal("0.233"), LONG_AGO, change),
            PriceRow("m5.xlarge", "USD", Decimal("0.5"), change),
        ]
    )
    report = allocate(runtime)
    assert (report.days["c1"], report.cost_dates["c1"]) == (days(3, 4), days(3, 4))
    rows = runtime.warehouse.lake.scan("cost_day").to_pylist()
    assert total(rows, "total_cost") == 2 * (
        Decimal("0.233") * Decimal("55.5") + Decimal("0.5") * Decimal("40.5")
    )


def test_an_owner_change_rebuilds_daily_costs_only(runtime):
    allocate(runtime)
    before = hashes(runtime)
    runtime.warehouse.ownership.replace(
        [OwnershipRow("c1", "shop", "late", datetime(2026, 10, 3, 12, 20, tzinfo=UTC))]
    )
    report = allocate(runtime)
    assert (report.days["c1"], report.cost_dates["c1"]) == ((), days(3, 4))
    after = hashes(runtime)
    assert {table for table in TABLES if before[table] != after[table]} == {"cost_day"}
    rows = [row for row in runtime.warehouse.lake.scan("cost_day").to_pylist() if row["namespace"] == "shop"]
    on_third = [row for row in rows if row["billing_date"] == date(2026, 10, 3)]
    late, guessed = (
        total([row for row in on_third if row["team"] == team], "total_cost") for team in ("late", "shop")
    )
    assert float(late / (late + guessed)) == pytest.approx((11 + 40 / 60) / 24, abs=1e-8)


def test_a_late_hour_allocates_its_day_again(runtime):
    allocate(runtime)
    second_day = START + timedelta(days=1)
    store(
        runtime,
        observe("c1", second_day, 24, [Node("n1"), Node("n2")], [Pod("web-1", "n1", (2, 4), (0.1, 3))]),
    )
    report = allocate(runtime)
    assert (report.days["c1"], report.cost_dates["c1"]) == (days(2), days(2))
    rows = runtime.warehouse.lake.scan("cost_day").to_pylist()
    assert total(rows, "total_cost") == Decimal("0.233") * 2 * 96


def test_a_window_allocates_the_days_it_touches(runtime):
    start = START + timedelta(hours=30)
    report = allocate(runtime, window=HourWindow(start, start + timedelta(hours=1)))
    assert (report.days["c1"], report.cost_dates["c1"]) == (days(2), days(2))


def test_assumed_and_unpriced_nodes_are_named_and_never_cost_0(tmp_path):
    nodes = [Node("n1", instance_type="x9.huge")]
    pods = [Pod("web", "n1", (1, 1), (1, 1)), Pod("lost", "gone", (1, 1), (1, 1))]
    for mode, provenance in (("assumed", "assumed"), ("strict", "unpriced")):
        runtime = Runtime.for_test(tmp_path / mode, now=datetime(2026, 11, 20, tzinfo=UTC), prices_mode=mode)
        store(runtime, observe("c1", START, 2, nodes, pods))
        report = allocate(runtime)
        assert report.node_hours_by_type == {(provenance, "x9.huge"): 2}
        assert report.unknown_nodes == {"c1": ("gone",)}
        rows = runtime.warehouse.lake.scan("cost_day").to_pylist()
        lost = [row for row in rows if row["workload_name"] == "lost"]
        web = [row for row in rows if row["workload_name"] == "web"]
        assert {row["total_cost"] for row in lost} == {None}
        assert {row["provenance"] for row in lost} == {"unpriced"}
        assert lost[0]["request_seconds"]
        assert {row["provenance"] for row in web} == {provenance}
        assert {row["total_cost"] is None for row in web} == {mode == "strict"}


def test_a_billing_zone_cuts_days_even_within_hours(tmp_path):
    runtime = Runtime.for_test(
        tmp_path / "home", now=datetime(2026, 11, 20, tzinfo=UTC), billing_zone="Asia/Kolkata"
    )
    runtime.warehouse.prices.replace([PriceRow("m5.xlarge", "USD", Decimal("0.233"), LONG_AGO)])
    store(runtime, observe("c1", START, 48, [Node("n1")], [Pod("web", "n1", (1, 4), (0.1, 3))]))
    allocate(runtime)
    rows = runtime.warehouse.lake.scan("cost_day").to_pylist()
    by_day = {
        day: total([row for row in rows if row["billing_date"] == day], "total_cost") for day in days(1, 2, 3)
    }
    assert [by_day[day] / Decimal("0.233") for day in days(1, 2, 3)] == [
        Decimal("18.5"),
        Decimal(24),
        Decimal("5.5"),
    ]


def test_currencies_stand_side_by_side(tmp_path):
    runtime = Runtime.for_test(tmp_path / "home", now=datetime(2026, 11, 20, tzinfo=UTC))
    runtime.warehouse.prices.replace(
        [PriceRow("a", "USD", Decimal("1"), LONG_AGO), PriceRow("b", "CNY", Decimal("7"), LONG_AGO)]
    )
    nodes = [Node("n1", instance_type="a"), Node("n2", instance_type="b")]
    store(runtime, observe("c1", START, 1, nodes, [Pod("web", "n1", (1, 1), (1, 1))]))
    allocate(runtime)
    rows = runtime.warehouse.lake.scan("cost_day").to_pylist()
    sums = {
        code: total([row for row in rows if row["currency"] == code], "total_cost") for code in ("USD", "CNY")
    }
    assert sums == {"USD": Decimal(1), "CNY": Decimal(7)}


def test_requests_are_not_billed_beyond_the_life_of_a_node(tmp_path):
    runtime = Runtime.for_test(tmp_path / "home", now=datetime(2026, 11, 20, tzinfo=UTC))
    runtime.warehouse.prices.replace([PriceRow("m5.xlarge", "USD", Decimal("0.4"), LONG_AGO)])
    store(
        runtime,
        observe("c1", START, 1, [Node("n1", seconds=1800.0)], [Pod("web", "n1", (2, None), (1, None))]),
    )
    allocate(runtime)
    lines = runtime.warehouse.lake.scan("allocation_hour").to_pylist()
    (web,) = (line for line in lines if line["container"] == "app" and line["resource"] == "cpu")
    assert web["request_seconds"] == 3600.0
    assert total(lines, *CAUSES) == Decimal("0.2")


def test_workload_hours_hold_replicas_and_cost(runtime):
    allocate(runtime)
    rows = runtime.warehouse.lake.scan("workload_hour").to_pylist()
    web = [row for row in rows if row["workload_name"] == "web"]
    assert len(rows) == 3 * 96
    assert {row["replica_count_mean"] for row in web} == {2.0}
    assert {row["cpu_request_cores"] for row in web} == {2.0}
    agents = [row for row in rows if row["workload_name"] == "agent"]
    assert {row["cpu_usage_cores_mean"] for row in agents} == {None}
    lines = runtime.warehouse.lake.scan("allocation_hour").to_pylist()
    of_web = [line for line in lines if line["workload_name"] == "web"]
    assert total(web, "cost") == total(of_web, *CAUSES)


def test_hour_files_and_a_compacted_day_allocate_alike(runtime):
    window = HourWindow.of_day(date(2026, 10, 4))
    for hour in window.hours():
        store(runtime, observe("c1", hour, 1, [Node("n1", cpu_allocatable=3.9), Node("n2")], [
            Pod("web-1", "n1", (1, 4), (0.1, 3)), Pod("web-2", "n2", (1, 4), (None, 6))]))  # fmt: skip
    allocate(runtime)
    before = hashes(runtime)
    for table in ("container_hour", "pod_hour", "node_hour"):
        runtime.warehouse.lake.compact(table, "c1", date(2026, 10, 4))
    # an older code version makes the day stale
    runtime.warehouse.derived.register("allocation_hour", "c1", {date(2026, 10, 4): "stale"}, "old", 0)
    assert allocate(runtime).days["c1"] == days(4)
    assert hashes(runtime) == before


def test_large_days_are_read_by_groups_of_hours(runtime, monkeypatch):
    allocate(runtime)
    before = hashes(runtime)
    monkeypatch.setattr("service.jobs.container_chunks.LARGEST_CHUNK_ROWS", 10)
    runtime.warehouse.derived.register(
        "allocation_hour", "c1", dict.fromkeys(days(1, 2, 3, 4), "stale"), "old", 0
    )
    assert allocate(runtime).days["c1"] == days(1, 2, 3, 4)
    assert hashes(runtime) == before


def test_worker_processes_change_nothing_but_the_time(runtime, tmp_path):
    allocate(runtime)
    before = hashes(runtime)
    pooled = Runtime.for_test(tmp_path / "pooled", now=datetime(2026, 11, 20, tzinfo=UTC), workers=2)
    pooled.warehouse.prices.replace(runtime.warehouse.prices.all())
    store(pooled, observe("c1", START, 96, NODES, PODS))
    allocate(pooled)
    assert hashes(pooled) == before
