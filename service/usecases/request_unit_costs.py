"""What a million requests of a workload cost: weighted by what they cost, plain, or per core-hour instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np

from ingest.assembly.request_metric import RequestMetric
from models.ownership.globs import glob_matches
from models.request_metrics.buckets import Floats
from models.vocabulary.identity import Principal, WorkloadKey
from models.vocabulary.windows import BIN_SECONDS, DAY, HOUR, HourWindow, day_start, floor_hour
from recommender.replica_demand import Requests
from service.boards.headers import read_final_days
from service.runtime import Runtime
from service.usecases.profiles import cluster_names
from service.usecases.request_rates import requests_of
from service.usecases.request_sources import named_metrics
from service.usecases.unit_costs import UnitCost
from warehouse.lake.reading import TableScan
from warehouse.reads.costs import CostReads, team_condition
from warehouse.reads.variance import CostScope

WEIGHTED_REQUESTS = "weighted-requests"
"""Name of the metric in ``millicore unit-cost --metric``."""

NO_HISTOGRAM = "no request histogram: per used core-hour instead"
NOT_FITTED = "weights are not fitted: plain requests instead"

_MILLION = Decimal(1_000_000)
_NANO = Decimal("1e-9")
_SECONDS = 3600
_TICK = timedelta(seconds=1)

_COST = """
    SELECT namespace, workload_kind, workload_name, billing_date,
           sum(total_cost)::DECIMAL(38,9) AS cost,
           sum(usage_seconds) FILTER (resource = 'cpu') AS core_seconds
    FROM cost_day
    WHERE line_kind = 'workload' AND workload_name IS NOT NULL AND currency = $currency AND {condition}
    GROUP BY ALL ORDER BY ALL"""

Days = dict[date, tuple[Decimal, float | None]]
"""Cost and used core-seconds of each billing day."""


@dataclass(frozen=True)
class WorkloadUnitCost:
    """Cost per unit of one workload, with what weakens it (empty if nothing does)."""

    workload: WorkloadKey
    found: UnitCost
    flag: str = ""


def request_unit_costs(
    runtime: Runtime,
    principal: Principal,
    scope: CostScope,
    workload: WorkloadKey | None = None,
) -> list[WorkloadUnitCost]:
    """Return what a million weighted requests of each workload cost, over days on which both are known.

    Weights are of each workload, so that the figures of different workloads are not comparable: each is
    compared with its own past. Without fitted weights plain requests count, without a histogram the used
    core-hours, and the flag says so.

    Parameters
    ----------
    runtime : Runtime
    principal : Principal
    scope : CostScope
    workload : WorkloadKey, optional
        This one alone; None gives every workload with stored requests, or whose owner named a histogram.

    Raises
    ------
    Forbidden
        If the principal may read no costs.
    """
    final, _ = read_final_days(runtime, principal, CostReads(runtime.warehouse.lake, runtime.warehouse.pin()))
    zone = runtime.settings.zone
    days = [scope.first + index * DAY for index in range((scope.last - scope.first).days + 1)]
    end = day_start(scope.last + DAY, zone)
    # a zone may begin its day at half past: the hours that it touches are read
    window = HourWindow(floor_hour(day_start(scope.first, zone)), floor_hour(end + HOUR - _TICK))
    found = []
    for cluster in cluster_names(runtime, workload.cluster if workload else scope.cluster):
        requests = requests_of(runtime, cluster, window, runtime.now())
        costs = _costs(runtime, principal, scope, cluster)
        metrics = named_metrics(runtime, cluster)
        named = [key for key in costs if _is_named(metrics, key)]
        keys = sorted({*requests, *named}) if workload is None else [workload]
        for key in keys:
            if key in costs:
                counts, unit, flag = _counts(requests.get(key), window, zone)
                known = [day for day in days if final.get(day) and day in costs[key]]
                found.append(_unit_cost(key, unit, flag, _Sides(counts, costs[key], known, len(days))))
    return found


def _is_named(metrics: Sequence[RequestMetric], key: WorkloadKey) -> bool:
    return any(
        glob_matches(scope.namespace, key.namespace) and glob_matches(scope.workload, key.name)
        for metric in metrics
        for scope in metric.scopes
    )


@dataclass(frozen=True)
class _Sides:
    """Both sides of a division: counts and costs by day, the final days, and how many were asked for."""

    counts: Mapping[date, float] | None
    costs: Days
    final: list[date]
    asked: int


def _unit_cost(key: WorkloadKey, unit: str, flag: str, sides: _Sides) -> WorkloadUnitCost:
    if sides.counts is None:
        days = [day for day in sides.final if sides.costs[day][1] is not None]
        quantity = sum((Decimal(repr(sides.costs[day][1])) for day in days), Decimal(0)) / _SECONDS
    else:
        days = [day for day in sides.final if day in sides.counts]
        quantity = sum((Decimal(repr(sides.counts[day])) for day in days), Decimal(0)) / _MILLION
    cost = sum((sides.costs[day][0] for day in days), Decimal(0))
    per_unit = (cost / quantity).quantize(_NANO) if quantity else None
    return WorkloadUnitCost(
        key, UnitCost(unit, quantity, cost, per_unit, len(days), sides.asked - len(days)), flag
    )


def _counts(
    requests: Requests | None, window: HourWindow, zone: ZoneInfo
) -> tuple[Mapping[date, float] | None, str, str]:
    """Return requests by day, their unit and what weakens them; None where no histogram is stored."""
    if requests is None or requests.rates is None:
        return None, "used core-hour", NO_HISTOGRAM
    weighted = requests.weighted
    if weighted is None:
        return _by_day(requests.rates.total, window, zone), "million requests", NOT_FITTED
    return _by_day(weighted, window, zone), "million weighted requests", ""


def _by_day(rates: Floats, window: HourWindow, zone: ZoneInfo) -> dict[date, float]:
    """Return requests of each billing day; a day with a bin that was not observed is left out."""
    found = {}
    day = window.start.astimezone(zone).date()
    while day_start(day, zone) < window.end:
        first, end = (_bin(day_start(one, zone), window.start) for one in (day, day + DAY))
        bins = rates[max(first, 0) : end]
        if first >= 0 and end <= len(rates) and not np.isnan(bins).any():
            found[day] = float(bins.sum()) * BIN_SECONDS
        day += DAY
    return found


def _bin(moment: datetime, start: datetime) -> int:
    return (moment - start) // timedelta(seconds=BIN_SECONDS)


def _costs(runtime: Runtime, principal: Principal, scope: CostScope, cluster: str) -> dict[WorkloadKey, Days]:
    visible, bound = team_condition(principal)
    conditions = [visible, "billing_date BETWEEN $first AND $last"]
    bound = {**bound, "currency": scope.currency, "first": scope.first, "last": scope.last}
    for name in ("team", "cost_centre"):
        if (value := getattr(scope, name)) is not None:
            conditions.append(f"{name} = ${name}")
            bound[name] = value
    window = HourWindow(day_start(scope.first) - 24 * HOUR, day_start(scope.last + 2 * DAY))
    rows = runtime.warehouse.lake.query(
        _COST.format(condition=" AND ".join(conditions)),
        tables={"cost_day": TableScan("cost_day", cluster, window)},
        parameters=bound,
    ).to_pylist()
    found: dict[WorkloadKey, Days] = {}
    for row in rows:
        key = WorkloadKey(cluster, row["namespace"], row["workload_kind"], row["workload_name"])
        found.setdefault(key, {})[row["billing_date"]] = (row["cost"] or Decimal(0), row["core_seconds"])
    return found
