"""Three hours of a cluster that has every kind of asset, and the proof that their cost is conserved."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from support.assets import Flow, LoadBalancer, Mount, Volume, with_assets
from support.fleet import Node, Pod, observe

from models.pricing.price_list import PriceRow
from service.runtime import Runtime

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
