"""What a cluster costs beside its nodes: volumes, load balancers, traffic, control plane, serverless pods."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from support.asset_world import (
    BALANCERS,
    HOURS,
    LONG_AGO,
    MOUNTS,
    NODE_PRICE,
    NODES,
    PODS,
    PRICES,
    START,
    VOLUMES,
    a_runtime,
    assert_conserved,
    cost,
    everything,
    lines_of,
    price,
)
from support.assets import Volume, with_assets
from support.fleet import Node, Pod, observe, store

from models.pricing.price_list import PriceRow
from models.vocabulary.identity import Principal, Role
from service.runtime import Runtime
from service.usecases.allocation import allocate
from service.usecases.chargeback_periods import preview
from service.usecases.period_close import check_close


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    """Return a runtime with three hours of a cluster that has every kind of asset."""
    found = a_runtime(tmp_path / "home", *PRICES)
    store(found, everything())
    return found


def test_every_hour_of_every_asset_adds_up_exactly(runtime):
    report = allocate(runtime)
    assert report.is_fully_priced
    charged = assert_conserved(runtime)
    by_kind = defaultdict(Decimal)
    for (hour, kind, _), amount in charged.items():
        by_kind[kind] += amount if hour == START else 0
    assert by_kind == {
        "node": Decimal("0.466"),
        "volume": Decimal("0.0155"),
        "load_balancer": Decimal("0.05"),
        "network": Decimal("0.72"),
        "control_plane": Decimal("0.1"),
    }


def test_a_shared_volume_is_paid_by_mount_time_and_by_what_is_filled(runtime):
    allocate(runtime)
    storage = {(row["asset"], row["pod_uid"]): row for row in lines_of(runtime, "storage")}
    first, second = storage["pv-1", "uid-web-1"], storage["pv-1", "uid-web-2"]
    assert (cost(first), cost(second)) == (Decimal("0.0075"), Decimal("0.0025"))
    assert (first["used_cost"], first["unused_request_cost"]) == (Decimal("0.001875"), Decimal("0.005625"))
    assert (first["line_kind"], first["namespace"], first["workload_name"]) == ("container", "shop", "web")
    assert first["label_set_id"]
    assert (first["container"], first["node_key"]) == ("", "")
    assert first["request_seconds"] == pytest.approx(75 * 2**30 * 3600)
    assert first["usage_seconds"] == pytest.approx(18.75 * 2**30 * 3600)
    unmeasured = storage["pv-2", "uid-db"]
    assert unmeasured["unmeasured_cost"] == Decimal("0.003")
    assert (unmeasured["used_cost"], unmeasured["usage_seconds"]) == (None, None)


def test_what_nobody_mounted_stays_visible_with_the_namespace_of_its_claim(runtime):
    allocate(runtime)
    left = {row["asset"]: row for row in lines_of(runtime, "storage") if row["line_kind"] == "asset"}
    assert set(left) == {"pv-2", "pv-3", "pv-4", "internet"}
    assert left["pv-2"]["idle_cost"] == Decimal("0.001")
    old = left["pv-3"]
    assert (old["namespace"], old["workload_kind"], old["workload_name"]) == (
        "data",
        "PersistentVolumeClaim",
        "old",
    )
    released = left["pv-4"]
    assert released["idle_cost"] == Decimal("0.0005")
    assert (released["namespace"], released["workload_kind"]) == (None, None)
    assert released["idle_seconds"] == pytest.approx(10 * 2**30 * 1800)


def test_load_balancers_belong_to_the_namespace_of_their_service(runtime):
    allocate(runtime)
    rows = lines_of(runtime, "load_balancer")
    assert {(row["asset"], row["namespace"], row["workload_kind"], row["workload_name"]) for row in rows} == {
        ("shop/front", "shop", "Service", "front"),
        ("data/api", "data", "Service", "api"),
    }
    assert {row["used_cost"] for row in rows} == {Decimal("0.025")}
    assert {row["line_kind"] for row in rows} == {"asset"}


def test_traffic_is_paid_by_bytes_and_only_in_classes_with_a_price(runtime):
    report = allocate(runtime)
    rows = lines_of(runtime, "network")
    assert {(row["line_kind"], row["pod_uid"], row["workload_name"], cost(row)) for row in rows} == {
        ("container", "uid-web-1", "web", Decimal("0.27")),
        ("container", "uid-web-2", "web", Decimal("0.09")),
        ("asset", "", None, Decimal("0.36")),
    }
    assert {row["asset"] for row in rows} == {"internet"}
    assert report.notes == (
        "traffic of class zone is not charged: the price list has no network price of it",
    )


def test_what_a_pod_on_the_host_s_network_sends_is_the_node_s(tmp_path):
    runtime = a_runtime(tmp_path / "home", *PRICES)
    observed = everything()
    pods = observed.tables["pod_hour"]
    is_host = [uid == "uid-web-1" for uid in pods.column("pod_uid").to_pylist()]
    tables = {**observed.tables, "pod_hour": pods.append_column("is_host_network", [is_host])}
    store(runtime, type(observed)(observed.cluster, observed.source, observed.window, tables, observed.hours))
    allocate(runtime)
    assert {(row["pod_uid"], cost(row)) for row in lines_of(runtime, "network")} == {
        ("uid-web-2", Decimal("0.09")),
        ("", Decimal("0.63")),
    }


def test_a_control_plane_is_paid_by_nobody_in_every_hour_with_a_node(runtime):
    allocate(runtime)
    rows = runtime.warehouse.lake.scan("allocation_hour").to_pylist()
    planes = [row for row in rows if row["resource"] == "control_plane"]
    assert len(planes) == HOURS
    assert {(row["asset"], row["line_kind"], row["overhead_cost"], row["namespace"]) for row in planes} == {
        ("control-plane", "asset", Decimal("0.1"), None)
    }


def test_a_cluster_whose_control_plane_no_price_fits_has_no_fee_and_is_named(tmp_path):
    elsewhere = price("control_plane", "0.1", "hour", region="us-1")
    runtime = a_runtime(tmp_path / "home", NODE_PRICE, elsewhere)
    store(runtime, observe("c1", START, HOURS, NODES, PODS))
    report = allocate(runtime)
    assert report.is_fully_priced
    assert report.notes == (
        "control planes of some clusters are not charged: "
        "the price list has no control plane price that fits them",
    )
    assert {row["resource"] for row in lines_of(runtime)} == {"cpu", "memory"}


def test_an_asset_without_a_price_is_counted_and_never_costs_0(tmp_path):
    runtime = a_runtime(tmp_path / "home", *PRICES)
    store(runtime, everything(volumes=(*VOLUMES, Volume("pv-9", 5, storage_class="io2"))))
    report = allocate(runtime)
    assert report.asset_hours_by_type == {("unpriced", "volume io2"): HOURS}
    assert not report.is_fully_priced
    (row,) = (row for row in lines_of(runtime, "storage") if row["asset"] == "pv-9")
    assert (cost(row), row["provenance"], row["currency"]) == (None, "unpriced", None)
    assert_conserved(runtime)


def test_what_has_no_price_is_named_by_kind_and_type_and_blocks_the_close(tmp_path):
    finance = Principal("fin", frozenset({Role.FINANCE}))
    runtime = a_runtime(tmp_path / "home", *PRICES)
    store(runtime, everything(volumes=(*VOLUMES, Volume("pv-9", 5, storage_class="io2"))))
    allocate(runtime)
    for problems in (
        preview(runtime, finance, "2026-10").problems,
        check_close(runtime, finance, "2026-10"),
    ):
        (named,) = (problem for problem in problems if "without a cost" in problem)
        assert named.startswith(f"c1: volume io2 ({HOURS} hours) without a cost: no price fits")
        assert "container-hours" not in named


def test_kinds_without_any_price_are_named_and_do_not_stand_against_closing(tmp_path):
    runtime = a_runtime(tmp_path / "home", NODE_PRICE)
    store(runtime, everything())
    report = allocate(runtime)
    assert report.is_fully_priced
    assert report.notes == (
        "load balancers are not charged: the price list has no load balancer price",
        "traffic of class internet is not charged: the price list has no network price of it",
        "traffic of class zone is not charged: the price list has no network price of it",
        "volumes are not charged: the price list has no volume price",
    )
    kinds = {row["asset_kind"] for row in runtime.warehouse.lake.scan("asset_price_hour").to_pylist()}
    assert kinds == {"node"}
    assert {row["resource"] for row in lines_of(runtime)} == {"cpu", "memory"}


def test_volumes_of_hours_without_any_node_are_charged_all_the_same(tmp_path):
    runtime = a_runtime(tmp_path / "home", NODE_PRICE, price("volume", "0.0001", "gib_hour"))
    store(runtime, with_assets(observe("c1", START, HOURS, (), ()), VOLUMES, MOUNTS, BALANCERS))
    report = allocate(runtime)
    assert report.is_fully_priced
    charged = assert_conserved(runtime)
    assert sum(amount for (hour, _, _), amount in charged.items() if hour == START) == Decimal("0.0155")
    (row,) = (row for row in lines_of(runtime, "storage") if row["pod_uid"] == "uid-web-2")
    assert (row["namespace"], row["workload_name"], row["label_set_id"]) == ("shop", None, None)


def test_a_setting_says_which_kinds_are_charged(tmp_path):
    runtime = a_runtime(tmp_path / "home", *PRICES, charged_asset_kinds=["load_balancer"])
    store(runtime, everything())
    report = allocate(runtime)
    kinds = {row["asset_kind"] for row in runtime.warehouse.lake.scan("asset_price_hour").to_pylist()}
    assert kinds == {"node", "load_balancer"}
    assert "volumes are not charged: the setting charged_asset_kinds leaves them out" in report.notes


def test_a_kind_is_charged_from_the_billing_month_in_which_its_prices_begin(tmp_path):
    november = datetime(2026, 10, 31, 16, tzinfo=UTC)  # in China
    runtime = a_runtime(
        tmp_path / "home",
        NODE_PRICE,
        price("volume", "0.0001", "gib_hour", valid_from=november),
        billing_zone="Asia/Shanghai",
    )
    start = datetime(2026, 10, 31, 14, tzinfo=UTC)
    store(runtime, with_assets(observe("c1", start, 4, NODES, PODS), VOLUMES, MOUNTS))
    report = allocate(runtime)
    assert report.is_fully_priced
    rows = runtime.warehouse.lake.scan("asset_price_hour").to_pylist()
    hours = {row["hour"].hour for row in rows if row["asset_kind"] == "volume"}
    assert hours == {16, 17}


def test_a_new_price_of_volumes_allocates_the_month_again_and_changes_no_node(runtime, tmp_path):
    plain = a_runtime(tmp_path / "plain", NODE_PRICE)
    store(plain, everything())
    allocate(plain)
    before = lines_of(plain)
    plain.warehouse.prices.replace(list(PRICES))
    assert allocate(plain).days["c1"]
    allocate(runtime)
    assert sorted(map(repr, lines_of(plain))) == sorted(map(repr, lines_of(runtime)))
    nodes = [row for row in lines_of(plain) if row["asset"] is None]
    assert sorted(map(repr, nodes)) == sorted(map(repr, before))


def test_serverless_pods_cost_what_they_request_and_their_node_the_sum(tmp_path):
    eci = PriceRow(
        "virtual",
        "USD",
        Decimal(0),
        LONG_AGO,
        purchase_option="serverless",
        cpu_core_hourly_price=Decimal("0.04"),
        memory_gib_hourly_price=Decimal("0.005"),
    )
    runtime = a_runtime(tmp_path / "home", NODE_PRICE, eci)
    virtual = Node("vk", "virtual", cpu=10_000, memory_gib=80_000, option="serverless")
    pods = (*PODS, Pod("job", "vk", (2, 4), (0.5, 1)), Pod("late", "vk", (1, 2), (None, None), seconds=900.0))
    store(runtime, observe("c1", START, HOURS, [*NODES, virtual], pods))
    report = allocate(runtime)
    assert report.is_fully_priced
    charged = assert_conserved(runtime)
    assert charged[START, "node", "vk"] == Decimal("0.1125")
    rows = [row for row in lines_of(runtime) if row["node_key"] == "vk"]
    assert {row["line_kind"] for row in rows} == {"container"}
    paid = {(row["pod_uid"], row["resource"]): cost(row) for row in rows}
    assert paid == {
        ("uid-job", "cpu"): Decimal("0.08"),
        ("uid-job", "memory"): Decimal("0.02"),
        ("uid-late", "cpu"): Decimal("0.01"),
        ("uid-late", "memory"): Decimal("0.0025"),
    }
    days = runtime.warehouse.lake.scan("cost_day").to_pylist()
    capacity = sum(row["capacity_seconds"] or 0 for row in days if row["resource"] == "cpu")
    assert capacity == 2 * 4 * 3600 * HOURS  # a virtual node has none
