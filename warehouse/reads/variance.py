"""Quantities and costs of two periods side by side: what explaining a change and unit costs read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from models.vocabulary.identity import Principal
from models.vocabulary.windows import DAY, HourWindow, day_start
from warehouse.lake.reading import TableScan
from warehouse.lake.store import Lake
from warehouse.pins import Pin
from warehouse.reads.costs import team_condition


@dataclass(frozen=True)
class CostScope:
    """Billing days of one payer.

    Parameters
    ----------
    first, last : date
        Billing days, both included.
    currency : str
    team, cost_centre, cluster : str or None
        None takes all.
    payer_kind : str or None
        ``unowned`` takes workloads without a team, ``cluster`` what belongs to nobody: idle and overhead.
    """

    first: date
    last: date
    currency: str
    team: str | None = None
    cost_centre: str | None = None
    cluster: str | None = None
    payer_kind: str | None = None


@dataclass(frozen=True)
class PayerCost:
    """Cost by day of one payer, in one currency.

    ``scope_kind`` is team, unowned or cluster (idle and overhead of the cluster ``scope``).
    """

    currency: str
    scope_kind: str
    scope: str
    cost_per_day: dict[date, Decimal]


@dataclass(frozen=True)
class VolumeRow:
    """What one thing was billed in a scope.

    ``cause`` is workload, idle or overhead; ``billed_seconds`` are resource-seconds (None where the cost has
    no quantity) and ``unused_cost`` is the part of the cost that nobody used.
    """

    cause: str
    cluster: str
    namespace: str | None
    workload_kind: str | None
    workload_name: str | None
    node_pool: str | None
    resource: str
    billed_seconds: Decimal | None
    cost: Decimal
    unused_cost: Decimal


_ROWS: Final = """
WITH lines AS (
  SELECT cluster, namespace, workload_kind, workload_name, node_pool, resource,
         'workload' AS cause,
         coalesce(billed_seconds, request_seconds) AS seconds,
         coalesce(used_cost, 0) + coalesce(unused_request_cost, 0) + coalesce(unmeasured_cost, 0) AS cost,
         coalesce(unused_request_cost, 0) AS unused
  FROM cost_day WHERE {condition} AND line_kind <> 'node'
  UNION ALL BY NAME
  SELECT cluster, namespace, workload_kind, workload_name, node_pool, resource, 'idle' AS cause,
         idle_seconds AS seconds, idle_cost AS cost, idle_cost AS unused
  FROM cost_day WHERE {condition} AND coalesce(idle_cost, 0) <> 0
  UNION ALL BY NAME
  SELECT cluster, namespace, workload_kind, workload_name, node_pool, resource, 'overhead' AS cause,
         capacity_seconds - allocatable_seconds AS seconds, overhead_cost AS cost, overhead_cost AS unused
  FROM cost_day WHERE {condition} AND coalesce(overhead_cost, 0) <> 0
)
SELECT cause, cluster, namespace, workload_kind, workload_name, node_pool, resource,
       sum(seconds::DECIMAL(38,3)) AS billed_seconds,
       sum(cost)::DECIMAL(38,9) AS cost, sum(unused)::DECIMAL(38,9) AS unused_cost
FROM lines GROUP BY ALL HAVING sum(cost) <> 0 OR sum(seconds) > 0 ORDER BY ALL
"""


class VarianceReads:
    """Reads of ``cost_day`` for comparisons, at one pin.

    Parameters
    ----------
    lake : Lake
    pin : Pin or None
        Both sides of a comparison share a pin, so that they agree with each other.
    """

    def __init__(self, lake: Lake, pin: Pin | None = None) -> None:
        self._lake = lake
        self._pin = pin

    def volumes(self, principal: Principal, scope: CostScope) -> list[VolumeRow]:
        """Return what each visible thing was billed in a scope, in a fixed order.

        Raises
        ------
        Forbidden
            If the principal may read no costs at all.
        """
        condition, bound = _condition(principal, scope)
        return [VolumeRow(**row) for row in self._query(scope, _ROWS.format(condition=condition), bound)]

    def cost_per_day(self, principal: Principal, scope: CostScope) -> dict[date, Decimal]:
        """Return the cost of each day of a scope that has any."""
        condition, bound = _condition(principal, scope)
        sql = f"""SELECT billing_date, coalesce(sum(total_cost), 0)::DECIMAL(38,9) AS cost FROM cost_day
                  WHERE {condition} GROUP BY billing_date ORDER BY billing_date"""
        return {row["billing_date"]: row["cost"] for row in self._query(scope, sql, bound)}

    def payers_per_day(self, principal: Principal, first: date, last: date) -> list[PayerCost]:
        """Return the cost by day of each payer; together they are the whole cost, counted once."""
        visible, bound = team_condition(principal)
        sql = f"""SELECT currency, {_PAYER_KIND} AS scope_kind, {_PAYER} AS scope, billing_date,
                    sum(total_cost)::DECIMAL(38,9) AS cost
                  FROM cost_day WHERE {visible} AND currency IS NOT NULL GROUP BY ALL ORDER BY ALL"""
        found: dict[tuple[str, str, str], PayerCost] = {}
        for row in self._query(CostScope(first, last, ""), sql, bound):
            key = (row["currency"], row["scope_kind"], row["scope"])
            payer = found.setdefault(key, PayerCost(*key, {}))
            payer.cost_per_day[row["billing_date"]] = row["cost"]
        return list(found.values())

    def _query(self, scope: CostScope, sql: str, bound: dict[str, Any]) -> list[dict[str, Any]]:
        window = HourWindow(day_start(scope.first), day_start(scope.last + DAY))
        table = self._lake.query(
            sql, tables={"cost_day": TableScan("cost_day", window=window)}, parameters=bound, pin=self._pin
        )
        rows: list[dict[str, Any]] = table.to_pylist()
        return rows


_PAYER_KIND: Final = """CASE WHEN line_kind <> 'workload' THEN 'cluster'
                       WHEN team IS NULL THEN 'unowned' ELSE 'team' END"""
_PAYER: Final = """CASE WHEN line_kind <> 'workload' THEN cluster
                  WHEN team IS NULL THEN '*' ELSE team END"""


def _condition(principal: Principal, scope: CostScope) -> tuple[str, dict[str, Any]]:
    visible, bound = team_condition(principal)
    parts = [visible, "currency = $currency"]
    parameters: dict[str, Any] = {**bound, "currency": scope.currency}
    for name in ("team", "cost_centre", "cluster"):
        value = getattr(scope, name)
        if value is not None:
            parts.append(f"{name} = ${name}")
            parameters[name] = value
    if scope.payer_kind is not None:
        parts.append(f"{_PAYER_KIND} = $payer_kind")
        parameters["payer_kind"] = scope.payer_kind
    return " AND ".join(parts), parameters
