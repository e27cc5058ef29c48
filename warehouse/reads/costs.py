"""What clusters cost, by day, cause and owner: the read models behind the cost boards.

Every method takes the principal first and reads only rows of visible teams; the restriction is part of the
SQL, never a filter afterwards. Amounts are exact decimals (DECIMAL(38,9)), days are billing days, both ends
included. An owner of teams sees rows of these teams only, so idle, overhead and unowned cost are not there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa

from models.vocabulary.identity import Principal
from models.vocabulary.windows import DAY, HourWindow, day_start
from warehouse.lake.reading import TableScan
from warehouse.lake.store import Lake
from warehouse.pins import Pin

_ALIAS = "cost_day"

_CAUSE_SUMS: Final = """
       coalesce(sum(total_cost), 0)::DECIMAL(38,9) AS total_cost,
       coalesce(sum(used_cost), 0)::DECIMAL(38,9) AS used_cost,
       coalesce(sum(unused_request_cost), 0)::DECIMAL(38,9) AS unused_request_cost,
       coalesce(sum(unmeasured_cost), 0)::DECIMAL(38,9) AS unmeasured_cost,
       coalesce(sum(idle_cost), 0)::DECIMAL(38,9) AS idle_cost,
       coalesce(sum(overhead_cost), 0)::DECIMAL(38,9) AS overhead_cost,
       coalesce(sum(total_cost) FILTER (provenance = 'assumed'), 0)::DECIMAL(38,9) AS assumed_cost,
       count(*) FILTER (total_cost IS NULL) AS unpriced_row_count
"""


@dataclass(frozen=True)
class CauseCost:
    """Cost by cause, in one currency; the five causes add up to ``total_cost``.

    ``assumed_cost`` is the part of the total that rests on default prices; ``unpriced_row_count`` counts
    rows whose cost is not known and therefore in no sum.
    """

    total_cost: Decimal
    used_cost: Decimal
    unused_request_cost: Decimal
    unmeasured_cost: Decimal
    idle_cost: Decimal
    overhead_cost: Decimal
    assumed_cost: Decimal
    unpriced_row_count: int


@dataclass(frozen=True)
class DayCost:
    """One billing day of visible rows."""

    day: date
    cost: CauseCost


@dataclass(frozen=True)
class OwnerCost:
    """Cost of one payer.

    ``line_kind`` is workload or node (idle and overhead); ``team`` is None for unowned workloads and for
    node lines. ``ownership_source`` is rule, label or guessed.
    """

    line_kind: str
    team: str | None
    ownership_source: str | None
    cost: CauseCost
    cpu_request_seconds: float
    cpu_usage_seconds: float


@dataclass(frozen=True)
class TeamDayCost:
    """Cost of one team on one day."""

    team: str
    day: date
    total_cost: Decimal


@dataclass(frozen=True)
class WorkloadCost:
    """Cost of one workload over the days asked for."""

    cluster: str
    namespace: str
    workload_kind: str
    workload_name: str
    team: str | None
    cost: CauseCost


class CostReads:
    """Reads of ``cost_day`` at one pin.

    Parameters
    ----------
    lake : Lake
    pin : Pin or None
        Figures of one page share a pin, so that they agree with each other.
    """

    def __init__(self, lake: Lake, pin: Pin | None = None) -> None:
        self._lake = lake
        self._pin = pin

    def days_with_cost(self, principal: Principal) -> list[date]:
        """Return each billing day with at least one visible row, oldest first."""
        rows = self._rows(
            principal, None, None, f"SELECT DISTINCT billing_date FROM {_ALIAS} {{where}} ORDER BY 1", {}
        )
        return [row["billing_date"] for row in rows]

    def currencies(self, principal: Principal, first: date, last: date) -> list[str]:
        """Return the currencies of the days, the one with most cost first."""
        sql = f"""SELECT currency, sum(total_cost) AS cost FROM {_ALIAS} {{where}}
                  AND currency IS NOT NULL GROUP BY currency ORDER BY cost DESC NULLS LAST, currency"""
        return [row["currency"] for row in self._rows(principal, first, last, sql, {})]

    def by_day(self, principal: Principal, first: date, last: date, currency: str) -> list[DayCost]:
        """Return the cost of each day by cause, oldest first."""
        sql = f"""SELECT billing_date, {_CAUSE_SUMS} FROM {_ALIAS} {{where}} AND {_IN_CURRENCY}
                  GROUP BY billing_date ORDER BY billing_date"""
        rows = self._rows(principal, first, last, sql, {"currency": currency})
        return [DayCost(row["billing_date"], _cause_cost(row)) for row in rows]

    def by_owner(self, principal: Principal, days: Sequence[date], currency: str) -> list[OwnerCost]:
        """Return the cost of each payer over just these days, the dearest first."""
        if not days:
            return []
        sql = f"""SELECT line_kind, team, ownership_source, {_CAUSE_SUMS},
                    coalesce(sum(request_seconds) FILTER (resource = 'cpu'), 0) AS cpu_request_seconds,
                    coalesce(sum(usage_seconds) FILTER (resource = 'cpu'), 0) AS cpu_usage_seconds
                  FROM {_ALIAS} {{where}} AND {_IN_CURRENCY} AND list_contains($days, billing_date)
                  GROUP BY line_kind, team, ownership_source ORDER BY total_cost DESC, team"""
        bound = {"currency": currency, "days": list(days)}
        rows = self._rows(principal, min(days), max(days), sql, bound)
        return [
            OwnerCost(
                row["line_kind"],
                row["team"],
                row["ownership_source"],
                _cause_cost(row),
                row["cpu_request_seconds"],
                row["cpu_usage_seconds"],
            )
            for row in rows
        ]

    def by_team_and_day(
        self, principal: Principal, first: date, last: date, currency: str
    ) -> list[TeamDayCost]:
        """Return the cost of each owned team's workloads on each day, by team and day.

        What an asset of its namespace stood unused for is nobody's until a policy shares it.
        """
        sql = f"""SELECT team, billing_date, coalesce(sum(total_cost), 0)::DECIMAL(38,9) AS total_cost
                  FROM {_ALIAS} {{where}} AND {_IN_CURRENCY} AND team IS NOT NULL AND line_kind <> 'asset'
                  GROUP BY team, billing_date ORDER BY team, billing_date"""
        rows = self._rows(principal, first, last, sql, {"currency": currency})
        return [TeamDayCost(row["team"], row["billing_date"], row["total_cost"]) for row in rows]

    def by_workload(
        self, principal: Principal, first: date, last: date, currency: str, *, limit: int = 2000
    ) -> list[WorkloadCost]:
        """Return the dearest workloads over the days."""
        sql = f"""SELECT cluster, namespace, workload_kind, workload_name, team, {_CAUSE_SUMS}
                  FROM {_ALIAS} {{where}} AND {_IN_CURRENCY} AND line_kind = 'workload'
                  GROUP BY ALL ORDER BY total_cost DESC, cluster, namespace, workload_name LIMIT $row_limit"""
        rows = self._rows(principal, first, last, sql, {"currency": currency, "row_limit": limit})
        return [
            WorkloadCost(
                row["cluster"],
                row["namespace"],
                row["workload_kind"],
                row["workload_name"],
                row["team"],
                _cause_cost(row),
            )
            for row in rows
        ]

    def _rows(
        self,
        principal: Principal,
        first: date | None,
        last: date | None,
        sql: str,
        parameters: dict[str, Any],
    ) -> list[dict[str, Any]]:
        condition, bound = team_condition(principal)
        window = None
        if first is not None and last is not None:
            window = HourWindow(day_start(first), day_start(last + DAY))
        table: pa.Table = self._lake.query(
            sql.format(where=f"WHERE {condition}"),
            tables={_ALIAS: TableScan("cost_day", window=window)},
            parameters=bound | parameters,
            pin=self._pin,
        )
        rows: list[dict[str, Any]] = table.to_pylist()
        return rows


_IN_CURRENCY: Final = "(currency = $currency OR currency IS NULL)"
"""Rows without a currency have no price: they are counted as unpriced in every currency."""


def team_condition(principal: Principal, column: str = "team") -> tuple[str, dict[str, Any]]:
    """Return the SQL condition that admits only rows of visible teams, and its parameters.

    Raises
    ------
    Forbidden
        If the principal may read no costs at all.
    """
    teams = principal.visible_teams()
    if teams is None:
        return "TRUE", {}
    return f"list_contains($visible_teams, {column})", {"visible_teams": sorted(teams)}


def _cause_cost(row: dict[str, Any]) -> CauseCost:
    return CauseCost(**{field.name: row[field.name] for field in fields(CauseCost)})
