"""Allocation in OpenCost's shape, so that kubectl-cost, Backstage and Grafana read it. Read only.

Resolution is the billing day: a window is widened to whole days, and every answer names the days it holds.
What is not known is null, never 0.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from models.vocabulary.errors import UsageError
from models.vocabulary.identity import Principal
from models.vocabulary.windows import DAY, day_start, parse_window
from service.runtime import Runtime
from warehouse.reads.allocation import GROUPS, AllocationGroup, AllocationReads, ResourceUse
from warehouse.reads.costs import CostReads

IDLE: Final = "__idle__"
UNALLOCATED: Final = "__unallocated__"
_MOST_DAYS = 400
_NOT_DONE = ("filter", "share", "step", "offset", "limit", "format", "costMetric", "idleByNode", "reconcile")
"""Parameters of OpenCost and Kubecost that change what an answer means; others are harmless."""
_ALIASES = {"label:team": "team", "label:owner": "team", "service": "controller", "deployment": "controller"}


_BESIDE_NODES = {"pvCost": "storage", "networkCost": "network", "loadBalancerCost": "load_balancer"}


@dataclass(frozen=True)
class AllocationQuery:
    """What is asked for: billing days (both included), grouping, one set or one per day."""

    first: date
    last: date
    groups: tuple[str, ...]
    accumulate: bool
    include_idle: bool


def parse_query(runtime: Runtime, parameters: Mapping[str, str]) -> AllocationQuery:
    """Return the query of a request's parameters.

    Raises
    ------
    UsageError
        If the window, a grouping or a flag is not one, the window is longer than 400 days, or something is
        asked for that this API does not do: an answer to another question would look like the right one.
    """
    _refuse_what_would_be_ignored(parameters)
    zone = runtime.settings.zone
    window = parse_window(parameters.get("window", "7d"), now=runtime.now(), zone=zone)
    first = window.start.astimezone(zone).date()
    last = (window.end - DAY / 24).astimezone(zone).date()
    if (last - first).days >= _MOST_DAYS:
        raise UsageError(f"window: at most {_MOST_DAYS} days can be asked for at once")
    asked = [name.strip() for name in parameters.get("aggregate", "namespace").split(",") if name.strip()]
    groups = tuple(_ALIASES.get(name, name) for name in asked)
    unknown = next((name for name in groups if name not in GROUPS), None if groups else "")
    if unknown is not None:
        raise UsageError(f"aggregate {unknown!r} is not one of {', '.join(GROUPS)}, label:team")
    return AllocationQuery(
        first,
        last,
        groups,
        accumulate=_flag(parameters, "accumulate", is_default=False),
        include_idle=_flag(parameters, "includeIdle", is_default=True),
    )


def _refuse_what_would_be_ignored(parameters: Mapping[str, str]) -> None:
    for name, text in parameters.items():
        is_asked = bool(text) and text.lower() != "false"
        if is_asked and name.startswith(_NOT_DONE) and not (name == "step" and text in ("1d", "24h")):
            raise UsageError(
                f"{name} is not offered: ask without it, group by what it would select, and filter the answer"
            )


def _flag(parameters: Mapping[str, str], name: str, *, is_default: bool) -> bool:
    text = parameters.get(name, "").lower()
    if text not in ("", "true", "false"):
        raise UsageError(f"{name} is true or false, not {text!r}")
    return text == "true" if text else is_default


def read_allocation(runtime: Runtime, principal: Principal, query: AllocationQuery) -> list[dict[str, Any]]:
    """Return the sets of an answer: name to allocation, one set per day or one for all.

    A principal who sees only some teams gets no idle cost. Amounts are of one currency, the reporting
    currency where it is stored.
    """
    pin = runtime.warehouse.pin()
    currencies = CostReads(runtime.warehouse.lake, pin).currencies(principal, query.first, query.last)
    reporting = runtime.settings.reporting_currency
    currency = reporting if reporting in currencies or not currencies else currencies[0]
    found = AllocationReads(runtime.warehouse.lake, pin).by_group(
        principal,
        query.groups,
        query.first,
        query.last,
        currency,
        include_idle=query.include_idle and principal.sees_all_teams,
    )
    spans = _spans(query)
    sets: list[dict[str, Any]] = []
    for first, last in spans:
        inside = [group for group in found if first <= group.day <= last]
        start, end = day_start(first, runtime.settings.zone), day_start(last + DAY, runtime.settings.zone)
        sets.append(_set(inside, query.groups, (start, end), currency))
    return sets


def _spans(query: AllocationQuery) -> list[tuple[date, date]]:
    if query.accumulate:
        return [(query.first, query.last)]
    count = (query.last - query.first).days + 1
    return [(day, day) for day in (query.first + index * DAY for index in range(count))]


def _set(
    groups: Sequence[AllocationGroup],
    names: tuple[str, ...],
    bounds: tuple[datetime, datetime],
    currency: str,
) -> dict[str, Any]:
    together: dict[str, list[AllocationGroup]] = defaultdict(list)
    for group in groups:
        together[_name(group)].append(group)
    return {
        name: _allocation(name, rows, names, bounds) | {"currency": currency}
        for name, rows in sorted(together.items())
    }


def _name(group: AllocationGroup) -> str:
    if group.is_idle:
        return "/".join([*(name for name in group.names if name), IDLE])
    return "/".join(name or UNALLOCATED for name in group.names)


def _allocation(
    name: str,
    rows: Sequence[AllocationGroup],
    names: tuple[str, ...],
    bounds: tuple[datetime, datetime],
) -> dict[str, Any]:
    start, end = (f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in bounds)
    seconds = (bounds[1] - bounds[0]).total_seconds()
    cpu, memory, gpu = (_sum(rows, resource) for resource in ("cpu", "memory", "gpu"))
    beside = {field: _sum(rows, resource).cost for field, resource in _BESIDE_NODES.items()}
    costs = [cost for cost in (cpu.cost, memory.cost, gpu.cost, *beside.values()) if cost is not None]
    return {
        "name": name,
        "properties": {
            key: value for key, value in zip(names, rows[0].names, strict=True) if value is not None
        },
        "window": {"start": start, "end": end},
        "start": start,
        "end": end,
        "minutes": seconds / 60,
        **_resource("cpu", "CoreHours", "Core", cpu, seconds),
        **_resource("ram", "ByteHours", "Byte", memory, seconds),
        **_resource("gpu", "Hours", "", gpu, seconds),
        **{field: None if cost is None else float(cost) for field, cost in beside.items()},
        "externalCost": None,
        "sharedCost": 0.0,
        "totalCost": float(sum(costs, Decimal(0))) if costs else None,
        "totalEfficiency": _efficiency([cpu, memory]),
    }


def _resource(prefix: str, hours: str, unit: str, use: ResourceUse, seconds: float) -> dict[str, Any]:
    plural = {"Core": "Cores", "Byte": "Bytes", "": "Count"}[unit]
    return {
        f"{prefix}{plural}": _over(use.billed_seconds, seconds),
        f"{prefix}{unit}RequestAverage": _over(use.request_seconds, seconds),
        f"{prefix}{unit}UsageAverage": _over(use.usage_seconds, seconds),
        f"{prefix}{hours}": _over(use.billed_seconds, 3600.0),
        f"{prefix}Cost": None if use.cost is None else float(use.cost),
        f"{prefix}CostAdjustment": 0.0,
        f"{prefix}Efficiency": _efficiency([use]),
    }


def _sum(rows: Sequence[AllocationGroup], resource: str) -> ResourceUse:
    found = [row.resources[resource] for row in rows if resource in row.resources]

    def total(name: str) -> Any:
        known = [getattr(use, name) for use in found if getattr(use, name) is not None]
        return sum(known[1:], known[0]) if known else None

    return ResourceUse(
        *(total(name) for name in ("request_seconds", "usage_seconds", "billed_seconds", "cost"))
    )


def _over(amount: float | None, divisor: float) -> float | None:
    return None if amount is None else amount / divisor


def _efficiency(uses: Sequence[ResourceUse]) -> float | None:
    """Return use / request, weighted by cost; None without requests, where OpenCost would say 1 or 0."""
    known = [
        (use.usage_seconds / use.request_seconds, float(use.cost))
        for use in uses
        if use.request_seconds and use.usage_seconds is not None and use.cost is not None
    ]
    weight = sum(cost for _, cost in known)
    return sum(ratio * cost for ratio, cost in known) / weight if weight else None
