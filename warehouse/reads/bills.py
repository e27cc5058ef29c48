"""Reads of bill lines, and of the assets and costs that they are compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from models.billing.amortise import Prepayment
from models.billing.assets import ClusterAsset
from models.billing.buckets import LineGroup
from models.billing.traffic import DATA_UNIT_PATTERN, IN, INWARD_PATTERN, OUT, OUTWARD_PATTERN
from models.vocabulary.errors import LakeInconsistent
from models.vocabulary.windows import DAY, HourWindow, day_start
from warehouse.database.bills import Bill
from warehouse.lake.reading import TableScan, sql_text
from warehouse.lake.store import Lake
from warehouse.pins import Pin

_GROUP = {
    "provider": "line.provider",
    "account": "coalesce(line.sub_account, line.billing_account)",
    "invoice": "line.invoice",
    "region": "line.region",
    "service": "line.service",
    "service_category": "line.service_category",
    "charge_category": "line.charge_category",
    "charge_class": "line.charge_class",
    "commitment_id": "line.commitment_id",
    "commitment_status": "line.commitment_status",
    "resource_id": "line.resource_id",
    "resource_name": "line.resource_name",
    "resource_type": "line.resource_type",
    "unit": "line.unit",
    "tags": "coalesce(line.tags, '')",
    "currency": "line.currency",
}
_SAID = "lower(concat_ws(' ', line.description, line.service, line.service_category, line.resource_type))"
_GROUP["traffic"] = f"""CASE
  WHEN NOT regexp_matches(coalesce(lower(line.unit), 'gb'), {sql_text(DATA_UNIT_PATTERN)}) THEN NULL
  WHEN regexp_matches({_SAID}, {sql_text(INWARD_PATTERN)}) THEN {sql_text(IN)}
  WHEN regexp_matches({_SAID}, {sql_text(OUTWARD_PATTERN)}) THEN {sql_text(OUT)} END"""
_CONTRACTED = "coalesce(line.contracted_cost, line.list_cost, line.effective_cost)"
_SUMS = f"""count(*)::BIGINT AS line_count,
  sum(line.billed_cost)::DECIMAL(38,15) AS billed_cost,
  sum(line.effective_cost)::DECIMAL(38,15) AS effective_cost,
  sum({_CONTRACTED})::DECIMAL(38,15) AS contracted_cost,
  CASE WHEN count(line.billed_hours) = 0 THEN NULL
    ELSE sum(round(line.billed_hours * 1e6)::HUGEINT)::DOUBLE / 1e6 END AS billed_hours,
  max(line.charge_end) FILTER (line.charge_category = 'Usage') AS charged_until"""


@dataclass(frozen=True)
class BillReads:
    """Reads of the lake for bills.

    Parameters
    ----------
    lake : Lake
    pin : Pin or None
        For observed and allocated tables; bill lines are always read at their newest version.
    """

    lake: Lake
    pin: Pin | None = None

    def groups(self, bills: Sequence[Bill]) -> list[LineGroup]:
        """Return the lines of some bills, added up over time, without purchases that are spread.

        Raises
        ------
        LakeInconsistent
            If the lake does not hold the lines that the database says it does.
        """
        if not bills:
            return []
        names = ", ".join(f"{sql} AS {name}" for name, sql in _GROUP.items())
        sql = f"""SELECT {names}, line.bill, line.amortise_until IS NOT NULL AS is_spread, {_SUMS}
                  FROM line WHERE line.bill IN (SELECT unnest($bills)) GROUP BY ALL ORDER BY ALL"""
        rows = self._query(sql, bills)
        self._check(bills, rows)
        return [
            LineGroup(**{name: value for name, value in row.items() if name not in ("bill", "is_spread")})
            for row in rows
            if not row["is_spread"]
        ]

    def prepayments(self, bills: Sequence[Bill]) -> list[Prepayment]:
        """Return the purchases of some bills that are spread over their term."""
        if not bills:
            return []
        names = ", ".join(f"{sql} AS {name}" for name, sql in _GROUP.items())
        sql = f"""SELECT {names}, 1::BIGINT AS line_count, line.billed_cost, line.effective_cost,
                    {_CONTRACTED} AS contracted_cost, line.charge_start, line.amortise_until
                  FROM line WHERE line.amortise_until IS NOT NULL AND line.bill IN (SELECT unnest($bills))
                  ORDER BY line.charge_start, line.bill, line.line_number"""
        found = []
        for row in self._query(sql, bills):
            start, end = _utc(row.pop("charge_start")), _utc(row.pop("amortise_until"))
            found.append(Prepayment(LineGroup(**row), start, end))
        return found

    def partitions(self) -> dict[str, str]:
        """Return the billing month of every stored delivery, also of those nobody reads."""
        sql = "SELECT DISTINCT bill, billing_month FROM line ORDER BY ALL"
        tables = {"line": TableScan("bill_line", columns=("bill", "billing_month"))}
        return {row["bill"]: row["billing_month"] for row in self.lake.query(sql, tables=tables).to_pylist()}

    def _query(self, sql: str, bills: Sequence[Bill]) -> list[dict[str, Any]]:
        months = sorted(bill.billing_month for bill in bills)
        window = HourWindow(_first(months[0]), _first(months[-1]) + DAY)
        rows = self.lake.query(
            sql,
            tables={"line": TableScan("bill_line", None, window)},
            parameters={"bills": [bill.partition_name for bill in bills]},
        ).to_pylist()
        found: list[dict[str, Any]] = rows
        return found

    def _check(self, bills: Sequence[Bill], rows: Sequence[Mapping[str, Any]]) -> None:
        counts: dict[str, int] = {}
        for row in rows:
            counts[row["bill"]] = counts.get(row["bill"], 0) + row["line_count"]
        for bill in bills:
            stored = counts.get(bill.partition_name, 0)
            if stored != bill.line_count:
                raise LakeInconsistent(
                    f"the bill {bill.bill_key} has {bill.line_count} lines, the lake holds {stored}: "
                    "import it again"
                )

    def assets(self, window: HourWindow) -> list[ClusterAsset]:
        """Return the nodes, volumes and load balancers that were observed in a window."""
        sql = """SELECT cluster, 'node' AS asset_kind, node_key AS asset, max(provider_id) AS provider_id,
                   max(instance_type) AS instance_type, max(region) AS region, max(node) AS name,
                   coalesce(bool_or(purchase_option = 'spot'), false) AS is_spot
                 FROM node GROUP BY cluster, node_key
                 UNION ALL BY NAME
                 SELECT cluster, 'volume' AS asset_kind, volume AS asset, max(provider_id) AS provider_id
                 FROM volume GROUP BY cluster, volume
                 UNION ALL BY NAME
                 SELECT cluster, 'load_balancer' AS asset_kind, load_balancer AS asset,
                   max(provider_id) AS provider_id
                 FROM balancer GROUP BY cluster, load_balancer ORDER BY ALL"""
        tables = {
            "node": TableScan("node_hour", None, window),
            "volume": TableScan("volume_hour", None, window),
            "balancer": TableScan("load_balancer_hour", None, window),
        }
        rows = self.lake.query(sql, tables=tables, pin=self.pin).to_pylist()
        return [ClusterAsset(**{**row, "is_spot": bool(row["is_spot"])}) for row in rows]

    def asset_costs(self, window: HourWindow, until: datetime | None = None) -> list[AssetCost]:
        """Return what each asset's hours cost, and how many there were.

        Parameters
        ----------
        window : HourWindow
        until : datetime, optional
            Hours from here on do not count.
        """
        sql = """WITH priced AS (
                   SELECT * FROM price
                   WHERE currency IS NOT NULL AND ($until IS NULL OR hour < $until)),
                 hours AS (
                   SELECT cluster, node_key,
                     sum(round(running_seconds * 1e6)::HUGEINT)::DOUBLE / 3.6e9 AS hours
                   FROM node
                   WHERE ($until IS NULL OR hour < $until) GROUP BY ALL)
                 SELECT p.cluster, p.asset_kind, p.asset, p.currency,
                   sum(coalesce(p.list_cost, 0))::DECIMAL(38,9) AS list_cost,
                   sum(coalesce(p.contracted_cost, 0))::DECIMAL(38,9) AS contracted_cost,
                   sum(coalesce(p.effective_cost, 0))::DECIMAL(38,9) AS effective_cost,
                   CASE WHEN count(h.hours) > 0 THEN max(h.hours) ELSE count(*)::DOUBLE END AS hours
                 FROM priced p LEFT JOIN hours h
                   ON p.cluster = h.cluster AND p.asset = h.node_key AND p.asset_kind = 'node'
                 GROUP BY p.cluster, p.asset_kind, p.asset, p.currency ORDER BY ALL"""
        tables = {
            "price": TableScan("asset_price_hour", None, window),
            "node": TableScan("node_hour", None, window),
        }
        rows = self.lake.query(sql, tables=tables, parameters={"until": until}, pin=self.pin).to_pylist()
        return [AssetCost(**row) for row in rows]


@dataclass(frozen=True)
class AssetCost:
    """What the hours of one asset cost in a window, and how many there were (running hours of a node)."""

    cluster: str
    asset_kind: str
    asset: str
    currency: str
    list_cost: Decimal
    contracted_cost: Decimal
    effective_cost: Decimal
    hours: float | None


def _first(month: str) -> datetime:
    return day_start(date.fromisoformat(f"{month}-01"))


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)
