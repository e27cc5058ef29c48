"""What the nodes of each pool cost per billing day, at effective price: where savings are read from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from models.vocabulary.identity import Principal, Role
from models.vocabulary.windows import DAY, HourWindow, day_start
from warehouse.lake.reading import TableScan
from warehouse.lake.store import Lake
from warehouse.pins import Pin

PoolKey = tuple[str, str]
"""Cluster and node pool."""

_BILLS = """
    SELECT cluster, coalesce(node_pool, '') AS node_pool, billing_date, currency,
           sum(total_cost)::DECIMAL(38,9) AS cost,
           count(*) FILTER (total_cost IS NULL) AS unpriced,
           coalesce(sum(total_cost) FILTER (
             provenance = 'amortised' OR total_cost < 0.999 * contracted_cost), 0)
               ::DECIMAL(38,9) AS committed
    FROM cost_day
    WHERE resource IN ('cpu', 'memory', 'gpu') AND line_kind IN ('workload', 'node')
      AND billing_date BETWEEN $first AND $last
    GROUP BY ALL ORDER BY ALL"""

_WORKLOADS = """
    SELECT cluster, coalesce(node_pool, '') AS node_pool, namespace, workload_name, team,
           sum(total_cost)::DECIMAL(38,9) AS cost
    FROM cost_day
    WHERE line_kind = 'workload' AND resource IN ('cpu', 'memory', 'gpu')
      AND billing_date BETWEEN $first AND $last
    GROUP BY ALL ORDER BY ALL"""


@dataclass(frozen=True)
class PoolDay:
    """One pool's nodes on one day; None where a part has no price.

    ``committed_cost`` is the part that a commitment or a bought machine covers: effective price below the
    contracted one.
    """

    cluster: str
    node_pool: str
    day: date
    currency: str | None
    cost: Decimal | None
    committed_cost: Decimal


@dataclass(frozen=True)
class PoolWorkload:
    """What one workload cost on one pool over some days."""

    cluster: str
    node_pool: str
    namespace: str
    workload_name: str
    team: str | None
    cost: Decimal


class NodeBillReads:
    """Reads of node bills at one pin; nodes belong to no team, so the principal must see all.

    Parameters
    ----------
    lake : Lake
    pin : Pin or None
    """

    def __init__(self, lake: Lake, pin: Pin | None = None) -> None:
        self._lake = lake
        self._pin = pin

    def by_pool_and_day(self, principal: Principal, first: date, last: date) -> list[PoolDay]:
        """Return the bill of every pool and day, both ends included, by pool and day."""
        return [
            PoolDay(
                row["cluster"],
                row["node_pool"],
                row["billing_date"],
                row["currency"],
                None if row["unpriced"] else row["cost"],
                row["committed"],
            )
            for row in self._rows(principal, _BILLS, first, last)
        ]

    def by_workload(self, principal: Principal, first: date, last: date) -> list[PoolWorkload]:
        """Return what workloads cost on each pool over the days, both ends included."""
        return [
            PoolWorkload(
                row["cluster"],
                row["node_pool"],
                row["namespace"],
                row["workload_name"],
                row["team"],
                row["cost"] or Decimal(0),
            )
            for row in self._rows(principal, _WORKLOADS, first, last)
        ]

    def _rows(self, principal: Principal, sql: str, first: date, last: date) -> list[dict[str, Any]]:
        if not principal.sees_all_teams:
            principal.require(Role.LEADERSHIP, Role.FINANCE, Role.PLATFORM)
        window = HourWindow(day_start(first), day_start(last + DAY))
        rows: list[dict[str, Any]] = self._lake.query(
            sql,
            tables={"cost_day": TableScan("cost_day", window=window)},
            parameters={"first": first, "last": last},
            pin=self._pin,
        ).to_pylist()
        return rows
