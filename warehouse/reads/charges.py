"""What a month is charged from: daily costs, and the same money summed in three independent places."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa

from models.vocabulary.identity import Principal
from models.vocabulary.windows import DAY, HourWindow, day_start
from warehouse.lake.reading import TableScan
from warehouse.lake.store import Lake
from warehouse.pins import Pin
from warehouse.reads.costs import team_condition

_MONEY = (
    "used_cost",
    "unused_request_cost",
    "unmeasured_cost",
    "idle_cost",
    "overhead_cost",
    "total_cost",
    "list_cost",
    "contracted_cost",
)
_QUANTITIES = (
    "request_seconds",
    "usage_seconds",
    "billed_seconds",
    "idle_seconds",
    "capacity_seconds",
    "allocatable_seconds",
)
_ROWS_PER_BATCH = 8192
_WEIGHTS = ("idle_share_weight", "overhead_share_weight", "oversell_share_weight")
_EXTRA = ("oversell_gain", "burst_gain", "hour_count")
_PLACE = ("namespace", "workload_kind", "workload_name")
_PAYER = ("line_kind", "team", "cost_centre", "ownership_source")
_PAYER_DAY = (
    "billing_date",
    "cluster",
    *_PAYER,
    "namespace",
    "node_pool",
    "resource",
    "currency",
    "provenance",
)
_KEY = ("billing_date", "cluster", *_PAYER, *_PLACE, "node_pool", "resource", "currency", "provenance")


@dataclass(frozen=True)
class ChargeReads:
    """Reads of ``cost_day`` and of what it was built from.

    Parameters
    ----------
    lake : Lake
    pin : Pin or None
    """

    lake: Lake
    pin: Pin | None = None

    def rows(self, principal: Principal, first: date, last: date) -> list[dict[str, Any]]:
        """Return the visible rows of ``cost_day`` from first to last day, ordered by what they say."""
        return [row for batch in self.row_batches(principal, first, last) for row in batch]

    def row_batches(self, principal: Principal, first: date, last: date) -> Iterator[list[dict[str, Any]]]:
        """Yield `rows` piece by piece: as dictionaries a month of a large fleet fills a gigabyte."""
        names = ", ".join((*_KEY, *_MONEY, *_QUANTITIES, "container_hours", *_WEIGHTS))
        sql = f"SELECT {names} FROM cost {{where}} ORDER BY ALL"
        for batch in self._table(principal, first, last, sql).to_batches(max_chunksize=_ROWS_PER_BATCH):
            yield batch.to_pylist()

    def frozen(self, first: date, last: date) -> pa.Table:
        """Return all rows of ``cost_day`` from first to last day, in the order of `rows`, to be kept."""
        names = ", ".join((*_KEY, *_MONEY, *_QUANTITIES, "container_hours", *_EXTRA, *_WEIGHTS))
        return self.lake.query(
            f"SELECT {names} FROM cost ORDER BY ALL",
            tables={"cost": TableScan("cost_day", None, HourWindow(day_start(first), day_start(last + DAY)))},
            pin=self.pin,
        )

    def asset_days(self, window: HourWindow) -> pa.Table:
        """Return what each asset cost per UTC day, price and provenance, over the whole hours of a window."""
        sql = """SELECT cluster, day, asset_kind, asset, currency, price_id, provenance,
                   count(*)::BIGINT AS hour_count, sum(list_cost)::DECIMAL(38,9) AS list_cost,
                   sum(contracted_cost)::DECIMAL(38,9) AS contracted_cost,
                   sum(effective_cost)::DECIMAL(38,9) AS effective_cost
                 FROM price GROUP BY ALL ORDER BY ALL"""
        scan = TableScan("asset_price_hour", None, window)
        return self.lake.query(sql, tables={"price": scan}, pin=self.pin)

    def sums(self, principal: Principal, first: date, last: date) -> list[dict[str, Any]]:
        """Return the visible rows summed over the days, one per cluster, payer, currency and provenance.

        ``container_hours`` counts each container once, by its line of CPU.
        """
        sums = ", ".join(f"sum({name})::DECIMAL(38,9) AS {name}" for name in _MONEY)
        key = ", ".join(("cluster", *_PAYER, "currency", "provenance"))
        sql = f"""SELECT {key}, {sums},
                    sum(round(container_hours * 1e6)::BIGINT) FILTER (resource = 'cpu')::DOUBLE / 1e6
                      AS container_hours
                  FROM cost {{where}} GROUP BY {key} ORDER BY ALL"""
        return self._query(principal, first, last, sql)

    def payer_days(self, principal: Principal, first: date, last: date) -> list[dict[str, Any]]:
        """Return the visible rows summed over workloads: one per day, payer, namespace, pool and resource.

        What no pod caused of an asset keeps its name. ``container_hours`` counts each container once, by
        its line of CPU.
        """
        sums = ", ".join(f"sum({name})::DECIMAL(38,9) AS {name}" for name in (*_MONEY, *_WEIGHTS))
        named = ", ".join(
            f"CASE WHEN line_kind = 'asset' THEN {name} END AS {name}"
            for name in ("workload_kind", "workload_name")
        )
        sql = f"""SELECT {", ".join(_PAYER_DAY)}, {named}, {sums},
                    sum(round(container_hours * 1e6)::BIGINT) FILTER (resource = 'cpu')::DOUBLE / 1e6
                      AS container_hours
                  FROM cost {{where}} GROUP BY ALL ORDER BY ALL"""
        return self._query(principal, first, last, sql)

    def day_totals(self, first: date, last: date) -> list[dict[str, Any]]:
        """Return the cost of all teams from first to last day: per day, cluster and currency."""
        sql = """SELECT billing_date, cluster, currency, sum(total_cost)::DECIMAL(38,9) AS total_cost
                 FROM cost WHERE currency IS NOT NULL AND total_cost IS NOT NULL GROUP BY ALL ORDER BY ALL"""
        window = HourWindow(day_start(first), day_start(last + DAY))
        columns = ("billing_date", "cluster", "currency", "total_cost")
        scan = TableScan("cost_day", None, window, columns)
        rows: list[dict[str, Any]] = self.lake.query(sql, tables={"cost": scan}, pin=self.pin).to_pylist()
        return rows

    def months(self, principal: Principal) -> list[dict[str, Any]]:
        """Return per month and currency the visible total, its assumed part and what has no cost."""
        sql = """SELECT strftime(billing_date, '%Y-%m') AS period, currency,
                   sum(total_cost)::DECIMAL(38,9) AS total_cost,
                   coalesce(sum(total_cost) FILTER (provenance = 'assumed'), 0)::DECIMAL(38,9)
                     AS assumed_cost,
                   sum(container_hours) FILTER (total_cost IS NULL AND resource = 'cpu')
                     AS unpriced_container_hours,
                   count(DISTINCT billing_date)::INTEGER AS day_count
                 FROM cost {where} GROUP BY ALL ORDER BY ALL"""
        return self._query(principal, None, None, sql)

    def hourly_costs(self, table: str, window: HourWindow) -> list[dict[str, Any]]:
        """Return the cost per cluster, currency and hour of ``asset_price_hour`` or ``allocation_hour``.

        Two independent sums: what the nodes cost, and what was allocated of it.
        """
        causes = " + ".join(
            f"coalesce({name}, 0)"
            for name in ("used_cost", "unused_request_cost", "unmeasured_cost", "idle_cost", "overhead_cost")
        )
        amount = "effective_cost" if table == "asset_price_hour" else causes
        sql = f"""SELECT cluster, currency, hour, sum({amount})::DECIMAL(38,9) AS cost FROM cost
                  WHERE currency IS NOT NULL GROUP BY ALL ORDER BY ALL"""
        found: pa.Table = self.lake.query(sql, tables={"cost": TableScan(table, None, window)}, pin=self.pin)
        rows: list[dict[str, Any]] = found.to_pylist()
        return rows

    def _query(
        self, principal: Principal, first: date | None, last: date | None, sql: str
    ) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self._table(principal, first, last, sql).to_pylist()
        return rows

    def _table(self, principal: Principal, first: date | None, last: date | None, sql: str) -> pa.Table:
        condition, bound = team_condition(principal)
        if principal.visible_teams() is not None:
            # what nobody's pod caused of an asset names its owner, who does not pay it
            condition = f"{condition} AND line_kind <> 'asset'"
        window = None
        if first is not None and last is not None:
            window = HourWindow(day_start(first), day_start(last + DAY))
        found: pa.Table = self.lake.query(
            sql.replace("{where}", f"WHERE {condition}"),
            tables={"cost": TableScan("cost_day", None, window)},
            parameters=bound,
            pin=self.pin,
        )
        return found
