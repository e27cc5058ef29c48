"""What each workload paid per core-hour and GiB-hour, and who owns it, from its own stored cost."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from models.vocabulary.identity import WorkloadKey
from models.vocabulary.windows import HourWindow, floor_hour
from recommender.subject import UnitPrices
from service.runtime import Runtime
from warehouse.lake.reading import TableScan
from warehouse.pins import Pin

PRICE_DAYS = 7
"""Unit prices are the mean of this many days before the event time."""

_NINE_DECIMALS = Decimal("1e-9")
_SECONDS_PER_HOUR = 3600
_BYTES_PER_GIB = 1 << 30

_PAID = """
    SELECT namespace, workload_kind, workload_name, resource, currency,
           sum(coalesce(used_cost, 0) + coalesce(unused_request_cost, 0)
               + coalesce(unmeasured_cost, 0))::DECIMAL(38,9) AS cost,
           sum(greatest(coalesce(request_seconds, 0), coalesce(usage_seconds, 0))::DECIMAL(38,3)) AS seconds
    FROM allocation_hour
    WHERE line_kind = 'container' AND currency IS NOT NULL AND used_cost IS NOT NULL
      AND resource IN ('cpu', 'memory')
    GROUP BY ALL ORDER BY ALL"""

_OWNERS = """
    SELECT namespace, workload_kind, workload_name, team,
           max(billing_date) AS newest, sum(coalesce(total_cost, 0)) AS cost
    FROM cost_day WHERE line_kind = 'workload'
    GROUP BY ALL ORDER BY newest, cost, team NULLS FIRST"""


def read_unit_prices(
    runtime: Runtime, cluster: str, as_of: datetime, pin: Pin | None = None
) -> dict[WorkloadKey, UnitPrices]:
    """Return unit prices of every workload that had priced cost in the last days.

    ``sum of container cost / sum of max(request, usage)``: what a unit less would not have cost, at the
    workload's own mix of nodes. A workload with cost in several currencies takes the one it paid most in.
    """
    rows = runtime.warehouse.lake.query(
        _PAID, tables={"allocation_hour": _recent("allocation_hour", cluster, as_of)}, pin=pin
    ).to_pylist()
    paid: dict[WorkloadKey, dict[str, dict[str, tuple[Decimal, Decimal]]]] = {}
    for row in rows:
        key = WorkloadKey(cluster, row["namespace"], row["workload_kind"], row["workload_name"])
        by_resource = paid.setdefault(key, {}).setdefault(row["currency"], {})
        by_resource[row["resource"]] = (row["cost"], row["seconds"])
    return {key: _unit_prices(currencies) for key, currencies in paid.items()}


def _unit_prices(currencies: Mapping[str, Mapping[str, tuple[Decimal, Decimal]]]) -> UnitPrices:
    currency = max(sorted(currencies), key=lambda code: sum(cost for cost, _ in currencies[code].values()))
    found = currencies[currency]
    return UnitPrices(
        _per_hour(found.get("cpu"), 1), _per_hour(found.get("memory"), _BYTES_PER_GIB), currency
    )


def _per_hour(paid: tuple[Decimal, Decimal] | None, unit: int) -> Decimal | None:
    if paid is None or paid[1] == 0:
        return None
    cost, seconds = paid
    return (cost * unit * _SECONDS_PER_HOUR / seconds).quantize(_NINE_DECIMALS)


def read_teams(
    runtime: Runtime, cluster: str, as_of: datetime, pin: Pin | None = None
) -> dict[WorkloadKey, str | None]:
    """Return the team that each workload belonged to most recently; the largest payer of a split one."""
    rows = runtime.warehouse.lake.query(
        _OWNERS, tables={"cost_day": _recent("cost_day", cluster, as_of)}, pin=pin
    ).to_pylist()
    # Ordered by date and cost, so that the newest and largest owner is written last.
    return {
        WorkloadKey(cluster, row["namespace"], row["workload_kind"], row["workload_name"]): row["team"]
        for row in rows
        if row["workload_name"] is not None
    }


def _recent(table: str, cluster: str, as_of: datetime) -> TableScan:
    end = floor_hour(as_of)
    return TableScan(table, cluster, HourWindow(end - timedelta(days=PRICE_DAYS), end))
