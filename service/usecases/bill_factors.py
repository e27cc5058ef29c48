"""Blended factors: what a month's bills make of list prices, per family and region or per node."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from models.billing.buckets import Bucket
from models.billing.factors import BillFactor, NodeMonth, bill_factors
from models.vocabulary.identity import Principal, Role
from models.vocabulary.windows import DAY, HourWindow, day_start, month_bounds
from service.runtime import Runtime
from service.usecases.bill_months import BillMonth
from service.usecases.billing_months import BillingMonth
from warehouse.reads.bills import BillReads

_NODE = "node"


def compute_factors(runtime: Runtime, month: BillingMonth) -> list[BillFactor]:
    """Return the factors of a month from its bills and the list cost of its observed hours."""
    bill = BillMonth.read(runtime, month)
    billed: dict[tuple[str, str, str], Decimal] = {}
    for one in bill.in_bucket(Bucket.CLUSTER):
        if one.asset_kind == _NODE and one.asset is not None:
            key = (one.group.currency, one.cluster or "", one.asset or "")
            billed[key] = billed.get(key, Decimal(0)) + one.group.effective_cost
    clusters = sorted({cluster for _, cluster, _ in billed})
    listed: dict[tuple[str, str, str], Decimal] = {}
    reads = BillReads(runtime.warehouse.lake)
    for cluster in clusters:
        for cost in reads.asset_costs(month.hours, bill.covered_until(cluster)):
            if cost.cluster == cluster and cost.asset_kind == _NODE:
                listed[cost.currency, cluster, cost.asset] = cost.list_cost
    nodes = [
        NodeMonth(bill.assets[cluster, _NODE, asset], currency, amount, listed[currency, cluster, asset])
        for (currency, cluster, asset), amount in sorted(billed.items())
        if (currency, cluster, asset) in listed
    ]
    return bill_factors(nodes, month.start, month.end, runtime.settings.bill_blend)


def update_factors(runtime: Runtime, principal: Principal, month: str) -> list[BillFactor]:
    """Store the factors of an open month as its bills and hours give them now; a closed month keeps its own.

    The next allocation prices the days of the month anew where a factor changed.

    Raises
    ------
    Forbidden
        If the principal is neither finance, platform nor admin.
    """
    principal.require(Role.FINANCE, Role.PLATFORM)
    return _refresh(runtime, month)


def refresh_factors(runtime: Runtime) -> None:
    """Bring the factors of all open months with bills up to date; nothing unless bills are priced in."""
    if runtime.settings.bill_policy == "scale":
        for month in sorted({bill.billing_month for bill in runtime.warehouse.bills.list()}):
            _refresh(runtime, month)


def are_factors_current(runtime: Runtime, month: BillingMonth) -> bool:
    """Whether a month is priced by the factors that its bills and hours give now."""
    if runtime.settings.bill_policy != "scale":
        return True
    return compute_factors(runtime, month) == stored_factors(runtime, [month.period])


def _refresh(runtime: Runtime, month: str) -> list[BillFactor]:
    if runtime.settings.bill_policy != "scale":
        return []
    facts = BillingMonth.read(runtime, month)
    stored = stored_factors(runtime, [month])
    if facts.frozen is not None:
        return stored
    factors = compute_factors(runtime, facts)
    if factors != stored:
        runtime.warehouse.bill_factors.replace(month, factors, runtime.now())
    return factors


def stored_factors(runtime: Runtime, months: Sequence[str] | None = None) -> list[BillFactor]:
    """Return the stored factors with the bounds of their months in the billing zone."""
    zone = runtime.warehouse.periods.billing_zone() or runtime.settings.zone
    known = runtime.warehouse.bill_factors.months()
    bounds = {month: month_bounds(month, zone) for month in known}
    wanted = {bounds[month] for month in known if months is None or month in months}
    return [
        factor
        for factor in runtime.warehouse.bill_factors.all(bounds)
        if (factor.start, factor.end) in wanted
    ]


def active_factors(runtime: Runtime) -> list[BillFactor]:
    """Return the factors that allocation applies: none unless bills are priced in."""
    return stored_factors(runtime) if runtime.settings.bill_policy == "scale" else []


def factors_of_day(factors: Sequence[BillFactor], day: date) -> tuple[BillFactor, ...]:
    """Return the factors that hold in some hour of a UTC day."""
    window = HourWindow(day_start(day), day_start(day + DAY))
    return tuple(factor for factor in factors if factor.start < window.end and window.start < factor.end)
