"""What workloads cost and who is said to own them: the reads behind unowned spend and names of clusters.

Every read of costs takes the principal; the restriction to visible teams is part of the SQL.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from models.vocabulary.identity import Principal
from models.vocabulary.windows import DAY, HourWindow, day_start
from warehouse.lake.reading import TableScan
from warehouse.lake.store import Lake
from warehouse.pins import Pin
from warehouse.reads.costs import team_condition

_KEY = "cluster, namespace, workload_kind, workload_name"
_IS_UNOWNED = "(ownership_source IS NULL OR ownership_source = 'guessed')"

WorkloadPlace = tuple[str, str, str, str]
"""Cluster, namespace, kind and name."""


@dataclass(frozen=True)
class WorkloadSpend:
    """Cost of one workload by who owns it and how that is known; None where nobody, or no price, is known."""

    place: WorkloadPlace
    team: str | None
    cost_centre: str | None
    ownership_source: str | None
    currency: str | None
    cost: Decimal | None
    container_hours: float


@dataclass(frozen=True)
class OwnershipReads:
    """Reads of ``cost_day``, ``label_set`` and ``object_history``.

    Parameters
    ----------
    lake : Lake
    pin : Pin or None
    """

    lake: Lake
    pin: Pin | None = None

    def spend(self, principal: Principal, first: date, last: date) -> list[WorkloadSpend]:
        """Return the visible cost of workloads from first to last day, by what the rows say."""
        sql = f"""SELECT {_KEY}, team, cost_centre, ownership_source, currency,
                    sum(total_cost)::DECIMAL(38,9) AS cost,
                    coalesce(sum(container_hours) FILTER (resource = 'cpu'), 0) AS container_hours
                  FROM cost WHERE {{visible}} AND line_kind = 'workload'
                  GROUP BY ALL ORDER BY ALL"""
        return [
            WorkloadSpend(
                _place(row),
                row["team"],
                row["cost_centre"],
                row["ownership_source"],
                row["currency"],
                row["cost"],
                row["container_hours"],
            )
            for row in self._costs(principal, sql, first, last)
        ]

    def unowned_since(self, principal: Principal, last: date) -> dict[WorkloadPlace, date]:
        """Return for each workload with unowned cost the first day of its latest unowned stretch."""
        sql = f"""WITH dated AS (
                    SELECT {_KEY}, billing_date, bool_or({_IS_UNOWNED}) AS is_unowned
                    FROM cost WHERE {{visible}} AND line_kind = 'workload' GROUP BY ALL),
                  newest AS (
                    SELECT {_KEY}, max(billing_date) AS day FROM dated WHERE is_unowned GROUP BY ALL),
                  owned AS (
                    SELECT {_KEY}, max(dated.billing_date) AS day
                    FROM dated JOIN newest USING ({_KEY})
                    WHERE NOT dated.is_unowned AND dated.billing_date < newest.day GROUP BY ALL)
                  SELECT {_KEY}, min(dated.billing_date) AS since
                  FROM dated LEFT JOIN owned USING ({_KEY})
                  WHERE dated.is_unowned AND (owned.day IS NULL OR dated.billing_date > owned.day)
                  GROUP BY ALL"""
        return {_place(row): row["since"] for row in self._costs(principal, sql, None, last)}

    def workloads(self, principal: Principal, first: date, last: date) -> list[tuple[str, str]]:
        """Return namespace and name of every workload with visible cost, each once."""
        sql = """SELECT DISTINCT namespace, workload_name FROM cost
                 WHERE {visible} AND line_kind = 'workload' AND namespace IS NOT NULL ORDER BY ALL"""
        rows = self._costs(principal, sql, first, last)
        return [(row["namespace"], row["workload_name"]) for row in rows]

    def label_sets(self) -> list[str]:
        """Return the label maps of all clusters as JSON texts, each once."""
        rows = self.lake.query(
            "SELECT DISTINCT labels FROM label_set WHERE labels IS NOT NULL ORDER BY 1",
            tables={"label_set": TableScan("label_set", columns=("labels",))},
            pin=self.pin,
        )
        texts: list[str] = rows.column("labels").to_pylist()
        return texts

    def places(self, cluster: str, *, with_workloads: bool) -> list[Mapping[str, Any]]:
        """Return versions of namespaces, and of workloads if asked for.

        Each is a kind, namespace, name, valid_from and spec; none for a cluster that was never observed.
        """
        scan = TableScan("object_history", cluster, None, ("kind", "namespace", "name", "valid_from", "spec"))
        kinds = ["Namespace"]
        if with_workloads:
            kinds += ["Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "ReplicaSet"]
        found: pa.Table = self.lake.query(
            "SELECT * FROM object WHERE list_contains($kinds, kind) AND spec IS NOT NULL ORDER BY ALL",
            tables={"object": scan},
            parameters={"kinds": kinds},
            pin=self.pin,
        )
        rows: list[Mapping[str, Any]] = found.to_pylist()
        return rows

    def _costs(self, principal: Principal, sql: str, first: date | None, last: date) -> list[dict[str, Any]]:
        condition, bound = team_condition(principal)
        start = day_start(first) if first is not None else day_start(date(2000, 1, 1))
        window = HourWindow(start, day_start(last + DAY))
        table: pa.Table = self.lake.query(
            sql.replace("{visible}", condition),
            tables={"cost": TableScan("cost_day", None, window)},
            parameters=bound,
            pin=self.pin,
        )
        rows: list[dict[str, Any]] = table.to_pylist()
        return rows


def _place(row: Mapping[str, Any]) -> WorkloadPlace:
    return row["cluster"], row["namespace"], row["workload_kind"], row["workload_name"]
