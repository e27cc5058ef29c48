"""A small warehouse with a whole October that can be closed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from support.fleet import Node, Pod, observe, store

from models.ownership.rules import OwnershipRow
from models.pricing.price_list import PriceRow
from models.vocabulary.identity import Principal, Role
from models.vocabulary.windows import HourWindow
from service.runtime import Runtime
from service.usecases.allocation import allocate

MONTH = "2026-10"
NEXT = "2026-11"
START = datetime(2026, 10, 1, tzinfo=UTC)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
FINANCE = Principal("finance", frozenset({Role.FINANCE}))
NODES = (Node("n1", cpu_allocatable=3.9), Node("n2", pool="spot"))
PODS = (
    Pod("web", "n1", (1, 4), (0.1, 3)),
    Pod("api", "n2", (1, 4), (1.9, 6), namespace="pay", labels={"team": "payments"}),
)


def october(first_hour: int, hour_count: int) -> HourWindow:
    """Return some hours of October."""
    start = START + timedelta(hours=first_hour)
    return HourWindow(start, start + timedelta(hours=hour_count))


def store_hours(
    runtime: Runtime,
    start: datetime,
    hour_count: int,
    *,
    cluster: str = "c1",
    nodes: Sequence[Node] = NODES,
    pods: Sequence[Pod] = PODS,
) -> None:
    """Record consecutive hours of a cluster."""
    store(runtime, observe(cluster, start, hour_count, nodes, pods))


def closable_runtime(
    home: Path, *, hours: int = 744, now: datetime = datetime(2026, 11, 20, tzinfo=UTC)
) -> Runtime:
    """Return a runtime whose October is stored, priced, owned and allocated."""
    found = Runtime.for_test(home, now=now)
    found.warehouse.prices.replace([PriceRow("m5.xlarge", "USD", Decimal("0.233"), LONG_AGO)])
    found.warehouse.ownership.replace([OwnershipRow("*", "shop", "red", LONG_AGO, cost_centre="4711")])
    store_hours(found, START, hours)
    allocate(found)
    return found
