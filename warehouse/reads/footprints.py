"""How large a part of a cluster was and what it cost, for the days before and after an optimisation stage."""

from __future__ import annotations

from collections.abc import Sequence
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

_DAY_SECONDS: Final = 86400.0


@dataclass(frozen=True)
class Scope:
    """What a stage covers; None means all."""

    cluster: str | None = None
    node_pool: str | None = None
    team: str | None = None


@dataclass(frozen=True)
class FootprintSums:
    """Means over days: nodes, capacity in cores and bytes, and cost per day. None where not stored."""

    node_count_mean: float | None
    cpu_cores_mean: float | None
    memory_bytes_mean: float | None
    cost_per_day: Decimal | None


class FootprintReads:
    """Reads of capacity and cost at one pin.

    Parameters
    ----------
    lake : Lake
    pin : Pin or None
    """

    def __init__(self, lake: Lake, pin: Pin | None = None) -> None:
        self._lake = lake
        self._pin = pin

    def over(
        self, principal: Principal, days: Sequence[date], scope: Scope, currency: str
    ) -> FootprintSums | None:
        """Return means over just these days; None without a stored row.

        Capacity is that of nodes, which belong to no team: a principal who sees only some teams, and a
        scope of one team, get cost alone.
        """
        if not days:
            return None
        sums = self._sums(principal, days, scope, currency)
        if sums["row_count"] == 0:
            return None
        cost = sums["total_cost"]
        has_nodes = principal.sees_all_teams and scope.team is None
        return FootprintSums(
            self._node_count(days, scope) if has_nodes else None,
            _per_day(sums["cpu_seconds"], days) if has_nodes else None,
            _per_day(sums["memory_seconds"], days) if has_nodes else None,
            None if cost is None else cost / len(days),
        )

    def _sums(
        self, principal: Principal, days: Sequence[date], scope: Scope, currency: str
    ) -> dict[str, Any]:
        condition, bound = team_condition(principal)
        for column, value in vars(scope).items():
            if value is not None:
                condition += f" AND {column} = ${column}"
                bound[column] = value
        sql = f"""SELECT count(*) AS row_count, sum(total_cost)::DECIMAL(38,9) AS total_cost,
                    sum(capacity_seconds) FILTER (resource = 'cpu') AS cpu_seconds,
                    sum(capacity_seconds) FILTER (resource = 'memory') AS memory_seconds
                  FROM cost_day WHERE {condition} AND list_contains($days, billing_date)
                    AND (currency = $currency OR currency IS NULL)"""
        bound |= {"days": list(days), "currency": currency}
        return self._first(sql, "cost_day", days, scope, bound)

    def _node_count(self, days: Sequence[date], scope: Scope) -> float | None:
        condition, bound = "TRUE", {}
        if scope.node_pool is not None:
            condition, bound = "node_pool = $node_pool", {"node_pool": scope.node_pool}
        sql = f"""SELECT sum(running_seconds) AS seconds FROM node_hour
                  WHERE {condition} AND list_contains($days, day)"""
        found = self._first(sql, "node_hour", days, scope, {**bound, "days": list(days)})
        return _per_day(found["seconds"], days)

    def _first(
        self, sql: str, table: str, days: Sequence[date], scope: Scope, bound: dict[str, Any]
    ) -> dict[str, Any]:
        window = HourWindow(day_start(min(days)), day_start(max(days) + DAY))
        rows = self._lake.query(
            sql, tables={table: TableScan(table, scope.cluster, window)}, parameters=bound, pin=self._pin
        )
        first: dict[str, Any] = rows.to_pylist()[0]
        return first


def _per_day(seconds: float | None, days: Sequence[date]) -> float | None:
    return None if seconds is None else seconds / _DAY_SECONDS / len(days)
