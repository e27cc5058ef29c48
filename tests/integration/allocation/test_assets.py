"""What a cluster costs beside its nodes: volumes, load balancers, traffic, control plane, serverless pods."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from support.assets import Flow, LoadBalancer, Mount, Volume, with_assets
from support.fleet import Node, Pod, observe, store

from models.pricing.price_list import PriceRow
from models.vocabulary.identity import Principal, Role
from models.vocabulary.windows import HourWindow
from service.http.allocation import AllocationQuery, read_allocation
from service.runtime import Runtime
from service.usecases.allocation import allocate
from service.usecases.chargeback_periods import preview
from service.usecases.period_close import check_close
from warehouse.lake.tables import TABLES

START = datetime(2026, 10, 1, 5, tzinfo=UTC)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
HOURS = 3
CAUSES = ("used_cost", "unused_request_cost", "unmeasured_cost", "idle_cost", "overhead_cost")
KIND_OF = {"storage": "volume", "load_balancer": "load_balancer", "network": "network"} | {
    "control_plane": "control_plane"
}
NODES = (Node("n1", cpu_allocatable=3.9), Node("n2"))
PODS = (
    Pod("web-1", "n1", (1, 4), (0.1, 3), workload="web", labels={"team": "shop-team"}),
    Pod("web-2", "n2", (1, 4), (1.9, 6), workload="web"),
    Pod("db", "n2", (1, 2), (None, None), namespace="data"),
)
VOLUMES = (
    Volume("pv-1", 100, used_gib=25),
    Volume("pv-2", 40, claim=("data", "db"), used_gib=None),
    Volume("pv-3", 10, claim=("data", "old")),
    Volume("pv-4", 10, claim=None, seconds=1800.0),
    Volume("internet", 0.0, claim=None),
)
MOUNTS = (
    Mount("pv-1", "web-1"),
    Mount("pv-1", "web-2", 30, 60),
    Mount("pv-2", "db", 0, 45, namespace="data"),
)
BALANCERS = (LoadBalancer("front"), LoadBalancer("api", "data", "nlb"))
FLOWS = (
    Flow("web-1", "internet", 3.0),
    Flow("web-2", "internet", 1.0),
    Flow("web-1", "zone", 500.0),
    Flow("", "internet", 4.0, namespace=None),
)


def price(kind: str, amount: str, unit: str, name: str | None = None, **fields: object) -> PriceRow:
    return PriceRow(
        name, "USD", Decimal(amount), **{"valid_from": LONG_AGO, **fields}, asset_kind=kind, unit=unit
    )


NODE_PRICE = PriceRow("m5.xlarge", "USD", Decimal("0.233"), LONG_AGO)
PRICES = (
    NODE_PRICE,
    price("volume", "0.0001", "gib_hour", "gp3", region="eu-1"),
    price("load_balancer", "0.025", "hour"),
    price("network", "0.09", "gib", "internet"),
    price("control_plane", "0.1", "hour", "standard", region="eu-1"),
)


def a_runtime(home: Path, *prices: PriceRow, **settings: object) -> Runtime:
    found = Runtime.for_test(home, now=datetime(2026, 11, 20, tzinfo=UTC), **settings)
    found.warehouse.prices.replace(list(prices))
    return found


def everything(cluster: str = "c1", **changes):
    assets = {"volumes": VOLUMES, "mounts": MOUNTS, "load_balancers": BALANCERS, "flows": FLOWS} | changes
    return with_assets(observe(cluster, START, HOURS, NODES, PODS), **assets)


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    """Return a runtime with three hours of a cluster that has every kind of asset."""
    found = a_runtime(tmp_path / "home", *PRICES)
    store(found, everything())
    return found


def lines_of(runtime, resource=None):
    rows = runtime.warehouse.lake.scan("allocation_hour").to_pylist()
    return [row for row in rows if resource in (None, row["resource"]) and row["hour"] == START]


def cost(row):
    known = [row[name] for name in CAUSES if row[name] is not None]
    return sum(known, Decimal(0)) if known else None


def assert_conserved(runtime):
    """Every asset-hour equals the sum of its lines, exactly; there are no lines beside."""
    paid = defaultdict(Decimal)
    for row in runtime.warehouse.lake.scan("allocation_hour").to_pylist():
        kind = KIND_OF.get(row["resource"], "node")
        paid[row["hour"], kind, row["asset"] or row["node_key"]] += cost(row) or 0
    prices = runtime.warehouse.lake.scan("asset_price_hour").to_pylist()
    charged = {(row["hour"], row["asset_kind"], row["asset"]): row["effective_cost"] or 0 for row in prices}
    assert len(charged) == len(prices)
    assert dict(paid) == {key: amount for key, amount in charged.items() if key in paid or amount}
    return charged


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
