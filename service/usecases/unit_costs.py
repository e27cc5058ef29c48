"""What one unit costs: a core-hour, a GiB-hour, a GPU-hour, or a unit of the business."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from models.vocabulary.errors import NotFound
from models.vocabulary.identity import Principal
from service.boards.headers import read_final_days
from service.runtime import Runtime
from service.usecases.variance import UNIT_OF_RESOURCE
from warehouse.database.plans import BusinessMetric
from warehouse.reads.costs import CostReads
from warehouse.reads.variance import CostScope, VarianceReads, VolumeRow

_NANO = Decimal("1e-9")
EVERY_SCOPE = "*"
"""Scope of a business metric of the whole company."""


@dataclass(frozen=True)
class UnitCost:
    """What one unit cost over a period.

    Parameters
    ----------
    unit : str
        ``core-hour``, ``GiB-hour``, ``used core-hour`` … or the unit of a business metric.
    quantity : Decimal
    cost : Decimal
        In the scope's currency.
    unit_cost : Decimal or None
        Cost / quantity, to nine decimals; None without quantity.
    day_count : int
        Days on which both sides are known, of which the figure is made.
    missing_days : int
        Days of the period left out because cost is not final or the metric has no value.
    """

    unit: str
    quantity: Decimal
    cost: Decimal
    unit_cost: Decimal | None
    day_count: int
    missing_days: int = 0


def resource_unit_costs(runtime: Runtime, principal: Principal, scope: CostScope) -> list[UnitCost]:
    """Return what a unit of each resource cost: billed, and really used.

    Per resource, ``cost of workloads / billed quantity`` and, because idle capacity is paid too,
    ``cost with idle and overhead / used quantity`` where the principal sees every team and no team is
    asked for.

    Raises
    ------
    Forbidden
        If the principal may read no costs.
    """
    reads = VarianceReads(runtime.warehouse.lake, runtime.warehouse.pin())
    return unit_costs_of(reads.volumes(principal, scope), len(reads.cost_per_day(principal, scope)))


def unit_costs_of(rows: Sequence[VolumeRow], day_count: int) -> list[UnitCost]:
    """Return the unit costs of what was read of a scope."""
    found = []
    for resource, (unit, per_unit) in UNIT_OF_RESOURCE.items():
        mine = [row for row in rows if row.resource == resource]
        workloads = [row for row in mine if row.cause == "workload"]
        if not workloads:
            continue
        billed = sum((row.billed_seconds or Decimal(0) for row in workloads), Decimal(0)) / per_unit
        cost = sum((row.cost for row in workloads), Decimal(0))
        found.append(UnitCost(unit, billed, cost, _per_unit(cost, billed), day_count))
        used = _used(workloads) / per_unit
        whole = sum((row.cost for row in mine), Decimal(0))
        found.append(UnitCost(f"used {unit}", used, whole, _per_unit(whole, used), day_count))
    return found


def _used(rows: Sequence[VolumeRow]) -> Decimal:
    """Return the used part of billed quantities: their share of the cost that somebody used."""
    used = Decimal(0)
    for row in rows:
        if row.billed_seconds and row.cost:
            used += row.billed_seconds * (row.cost - row.unused_cost) / row.cost
    return used


def business_unit_cost(
    runtime: Runtime, principal: Principal, scope: CostScope, metric: str
) -> list[UnitCost]:
    """Return what one unit of a business metric cost, over the days on which both are known.

    The metric's scope is the team asked for, or the whole company (``*``).

    Raises
    ------
    NotFound
        If no value of the metric is stored for the period.
    Forbidden
        If the principal may read no costs.
    """
    wanted = scope.team or EVERY_SCOPE
    stored = runtime.warehouse.business_metrics.list(metric, scope.first, scope.last)
    values = {row.day: row for row in stored if row.scope == wanted}
    if not values:
        others = ", ".join(sorted({row.scope for row in stored})) or "none"
        raise NotFound(
            f"no value of {metric} for {wanted} is stored from {scope.first} to {scope.last} "
            f"(scopes with values: {others}); add them with `millicore business-metric import`"
        )
    pin = runtime.warehouse.pin()
    costs = VarianceReads(runtime.warehouse.lake, pin).cost_per_day(principal, scope)
    final, _ = read_final_days(runtime, principal, CostReads(runtime.warehouse.lake, pin))
    return [_business(scope, values, costs, {day for day, is_final in final.items() if is_final})]


def _business(
    scope: CostScope, values: Mapping[date, BusinessMetric], costs: Mapping[date, Decimal], final: set[date]
) -> UnitCost:
    days = sorted(day for day in values if day in final)
    quantity = sum((Decimal(repr(values[day].value)) for day in days), Decimal(0))
    cost = sum((costs.get(day, Decimal(0)) for day in days), Decimal(0))
    unit = next(iter(values.values())).unit
    asked = (scope.last - scope.first).days + 1
    return UnitCost(unit, quantity, cost, _per_unit(cost, quantity), len(days), asked - len(days))


def _per_unit(cost: Decimal, quantity: Decimal) -> Decimal | None:
    return (cost / quantity).quantize(_NANO) if quantity else None
