"""Cost and use by any grouping and billing day: the read model behind the OpenCost-shaped API."""

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

GROUPS: Final = {
    "cluster": "cluster",
    "namespace": "namespace",
    "controllerKind": "workload_kind",
    "controller": "workload_name",
    "team": "team",
    "department": "cost_centre",
}
"""Names of the API's ``aggregate`` and the columns they group by."""


@dataclass(frozen=True)
class ResourceUse:
    """One resource of one group: seconds (core-, byte- or device-seconds) and exact cost.

    Quantities are None where the rows do not know them, costs where no row has a price.
    """

    request_seconds: float | None
    usage_seconds: float | None
    billed_seconds: float | None
    cost: Decimal | None


@dataclass(frozen=True)
class AllocationGroup:
    """One group on one billing day: its names and its resources (cpu, memory, gpu, storage, network, ...).

    ``is_idle`` marks idle capacity, which belongs to no group.
    """

    day: date
    names: tuple[str | None, ...]
    is_idle: bool
    currency: str | None
    resources: dict[str, ResourceUse]


_OF_GROUPS = "(line_kind = 'workload' OR (line_kind = 'asset' AND namespace IS NOT NULL))"


class AllocationReads:
    """Reads of allocated cost at one pin.

    Parameters
    ----------
    lake : Lake
    pin : Pin or None
    """

    def __init__(self, lake: Lake, pin: Pin | None = None) -> None:
        self._lake = lake
        self._pin = pin

    def by_group(
        self,
        principal: Principal,
        groups: Sequence[str],
        first: date,
        last: date,
        currency: str,
        *,
        include_idle: bool,
    ) -> list[AllocationGroup]:
        """Return cost by group and day, and idle cost that is no group's by cluster and day.

        What a namespace left unmounted of its volumes is a cost of its group.

        Parameters
        ----------
        principal : Principal
        groups : sequence of str
            Keys of `GROUPS`.
        first, last : date
            Billing days, both included.
        currency : str
            Rows without a price are counted in every currency, with null cost.
        include_idle : bool
            Add idle capacity; it is seen only by principals who see all teams.
        """
        condition, bound = team_condition(principal)
        columns = [GROUPS[name] for name in groups]
        bound |= {"currency": currency}
        where = f"WHERE {condition} AND (currency = $currency OR currency IS NULL)"
        selected = ", ".join(f"{column} AS name_{index}" for index, column in enumerate(columns))
        sql = f"""SELECT billing_date AS day, {selected}, FALSE AS is_idle, resource,
                    max(currency) AS currency, sum(request_seconds) AS request_seconds,
                    sum(usage_seconds) AS usage_seconds, sum(billed_seconds) AS billed_seconds,
                    sum(total_cost)::DECIMAL(38,9) AS cost
                  FROM cost_day {where} AND {_OF_GROUPS} GROUP BY ALL"""
        if include_idle:
            names = ", ".join(
                f"{'cluster' if column == 'cluster' else 'NULL'} AS name_{index}"
                for index, column in enumerate(columns)
            )
            sql += f""" UNION ALL SELECT billing_date AS day, {names}, TRUE AS is_idle, resource,
                    max(currency) AS currency, NULL, NULL, sum(idle_seconds), sum(idle_cost)::DECIMAL(38,9)
                  FROM cost_day {where} AND NOT {_OF_GROUPS} GROUP BY ALL"""
        rows = self._query(f"{sql} ORDER BY ALL", bound, first, last)
        return _grouped(rows, len(columns))

    def _query(self, sql: str, bound: dict[str, Any], first: date, last: date) -> list[dict[str, Any]]:
        window = HourWindow(day_start(first), day_start(last + DAY))
        rows: list[dict[str, Any]] = self._lake.query(
            sql,
            tables={"cost_day": TableScan("cost_day", window=window)},
            parameters=bound,
            pin=self._pin,
        ).to_pylist()
        return rows


def _grouped(rows: list[dict[str, Any]], name_count: int) -> list[AllocationGroup]:
    found: dict[tuple[Any, ...], AllocationGroup] = {}
    for row in rows:
        names = tuple(row[f"name_{index}"] for index in range(name_count))
        key = (row["day"], row["is_idle"], *names)
        group = found.setdefault(key, AllocationGroup(row["day"], names, row["is_idle"], row["currency"], {}))
        group.resources[row["resource"]] = ResourceUse(
            row["request_seconds"], row["usage_seconds"], row["billed_seconds"], row["cost"]
        )
    return list(found.values())
