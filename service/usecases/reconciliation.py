"""Bill against allocated cost: the gap of each cluster and month, its causes, and what blocks closing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import pyarrow as pa

from models.billing.amortise import CommitmentCheck, check_commitments
from models.billing.buckets import Bucket, SortedGroup
from models.billing.gap import AssetMonth, Cause, Gap, explain_gap
from models.billing.sorting import unknown_resources
from models.chargeback.lines import amount, units
from models.vocabulary.identity import Principal, Role
from models.vocabulary.money import minor_digits, to_coins
from models.vocabulary.windows import DAY, HourWindow
from service.runtime import Runtime
from service.usecases.bill_factors import are_factors_current
from service.usecases.bill_months import BillMonth
from service.usecases.billing_months import BillingMonth
from service.usecases.chargeback_check import sum_hours
from warehouse.pins import Pin
from warehouse.reads.bills import AssetCost, BillReads
from warehouse.reads.charges import ChargeReads

RECONCILIATION = "bill_reconciliation"
"""Name of the frozen table of a close."""
OK = "ok"
OVER = "over tolerance"
NO_BILL = "no bill"
_WORST_OFFENDERS = 5
_MOST_HOURS_RATIO = 1.01
"""A node cannot be billed for more hours than there were: such a quantity counts something else (cores)."""


_WHOLE_KINDS = ("control_plane", "network")
"""Kinds of assets that bills and observations name differently: compared as a whole per cluster."""


@dataclass(frozen=True)
class Reconciliation:
    """Bill and allocated cost of one cluster, month and currency.

    Parameters
    ----------
    billed : Decimal
        Effective cost of the cluster's bill lines.
    allocated : Decimal
        Cost of its hours as priced, without any true-up.
    gap : Decimal
        Billed less allocated; ``causes`` add up to it.
    ratio : float or None
        Size of the gap as a share of the bill.
    causes : mapping of str to Decimal
    state : str
        ok, over tolerance or no bill.
    covered_until : datetime or None
        The bill ends here, and only hours before it are compared; None for the whole month.
    """

    month: str
    cluster: str
    currency: str
    billed: Decimal
    allocated: Decimal
    gap: Decimal
    ratio: float | None
    tolerance: float
    causes: Mapping[str, Decimal]
    state: str
    covered_until: datetime | None


def reconcile(
    runtime: Runtime, principal: Principal, month: str, *, cluster: str | None = None, pin: Pin | None = None
) -> list[Reconciliation]:
    """Compare the bill of every cluster with its allocated cost; exact, in every currency.

    Raises
    ------
    Forbidden
        If the principal sees only some teams.
    InputError
        If the text is not a month.
    """
    principal.require(Role.FINANCE, Role.LEADERSHIP, Role.PLATFORM)
    found = _reconcile(runtime, BillingMonth.read(runtime, month), pin)
    return [one for one in found if cluster is None or one.cluster == cluster]


def _reconcile(runtime: Runtime, month: BillingMonth, pin: Pin | None = None) -> list[Reconciliation]:
    bill = BillMonth.read(runtime, month, pin)
    if bill.is_empty:
        return []
    charges = ChargeReads(runtime.warehouse.lake, pin)
    hourly = {key: units(_nano(cost)) for key, cost in sum_hours(month, charges, "asset_price_hour").items()}
    billed = {(one.group.currency, one.cluster or "") for one in bill.in_bucket(Bucket.CLUSTER)}
    found = []
    for currency, name in sorted({*hourly, *billed}):
        if (currency, name) not in billed:
            found.append(_without_bill(runtime, month, (currency, name), hourly[currency, name]))
            continue
        until = bill.covered_until(name)
        costs = _costs(runtime, month, (currency, name), until, pin)
        allocated = (
            hourly.get((currency, name), 0)
            if until is None
            else sum(units(cost.effective_cost) for cost in costs)
        )
        gap = explain_gap(name, currency, allocated, _assets(bill, month, (currency, name), costs))
        found.append(_outcome(runtime, month, gap, until))
    return found


def _nano(cost: Decimal) -> Decimal:
    return cost.quantize(Decimal("1e-9"))


def _costs(
    runtime: Runtime,
    month: BillingMonth,
    which: tuple[str, str],
    until: datetime | None,
    pin: Pin | None,
) -> list[AssetCost]:
    reads = BillReads(runtime.warehouse.lake, pin)
    found = reads.asset_costs(HourWindow(month.hours.start, month.hours.end), until)
    return [cost for cost in found if (cost.currency, cost.cluster) == which]


def _assets(
    bill: BillMonth, month: BillingMonth, which: tuple[str, str], costs: Iterable[AssetCost]
) -> list[AssetMonth]:
    lines: dict[tuple[str, str], list[SortedGroup]] = {}
    for one in bill.in_bucket(Bucket.CLUSTER):
        if (one.group.currency, one.cluster) == which:
            lines.setdefault(_billed_asset(one), []).append(one)
    own: dict[tuple[str, str], list[AssetCost]] = {}
    for cost in costs:
        name = "" if cost.asset_kind in _WHOLE_KINDS else cost.asset
        own.setdefault((cost.asset_kind, name), []).append(cost)
    return [_asset_month(key, lines.get(key, []), own.get(key, []), month) for key in sorted({*lines, *own})]


def _billed_asset(one: SortedGroup) -> tuple[str, str]:
    if one.asset_kind in _WHOLE_KINDS:
        return one.asset_kind or "", ""
    return one.asset_kind or "other", one.asset or one.group.resource_id or one.group.service or ""


def _asset_month(
    key: tuple[str, str], lines: list[SortedGroup], costs: list[AssetCost], month: BillingMonth
) -> AssetMonth:
    hours = [one.group.billed_hours for one in lines if one.group.billed_hours is not None]
    most = (month.end - month.start) / DAY * 24 * _MOST_HOURS_RATIO
    return AssetMonth(
        asset_kind=key[0],
        asset=key[1],
        billed=sum((one.group.effective_cost for one in lines), Decimal(0)),
        billed_contracted=sum((one.group.contracted_cost for one in lines), Decimal(0)),
        allocated=sum((cost.effective_cost for cost in costs), Decimal(0)),
        allocated_contracted=sum((cost.contracted_cost for cost in costs), Decimal(0)),
        billed_hours=sum(hours) if hours and sum(hours) <= most else None,
        observed_hours=None if key[0] == "network" else sum(cost.hours or 0.0 for cost in costs),
        is_billed=bool(lines),
        is_observed=bool(costs),
    )


def _outcome(runtime: Runtime, month: BillingMonth, gap: Gap, until: datetime | None) -> Reconciliation:
    tolerance = runtime.settings.bill_gap_tolerance_ratio
    coin = 10 ** (9 - minor_digits(gap.currency))
    # a bill of nothing is met by nothing; a gap below a coin is none
    is_over = abs(gap.gap) >= coin and (gap.ratio is None or gap.ratio > tolerance)
    return Reconciliation(
        month=month.period,
        cluster=gap.cluster,
        currency=gap.currency,
        billed=amount(gap.billed),
        allocated=amount(gap.allocated),
        gap=amount(gap.gap),
        ratio=gap.ratio,
        tolerance=tolerance,
        causes={cause.value: amount(part) for cause, part in gap.causes.items()},
        state=OVER if is_over else OK,
        covered_until=until,
    )


def _without_bill(
    runtime: Runtime, month: BillingMonth, which: tuple[str, str], allocated: int
) -> Reconciliation:
    """Return a cluster that no bill speaks of: nothing to compare, so nothing is wrong."""
    currency, cluster = which
    return Reconciliation(
        month=month.period,
        cluster=cluster,
        currency=currency,
        billed=Decimal(0),
        allocated=amount(allocated),
        gap=amount(-allocated),
        ratio=None,
        tolerance=runtime.settings.bill_gap_tolerance_ratio,
        causes={cause.value: amount(-allocated if cause is Cause.NOT_BILLED else 0) for cause in Cause},
        state=NO_BILL,
        covered_until=None,
    )


def reconciliation_problems(runtime: Runtime, month: BillingMonth) -> list[str]:
    """Return what bills say against closing a month, each with its remedy; nothing without a bill."""
    found = _unknown_problems(BillMonth.read(runtime, month))
    if not are_factors_current(runtime, month):
        found.append(
            f"the bills of {month.period} are priced in by factors that are out of date: run "
            f"`millicore bills reconcile --month {month.period}`, then `millicore allocate`"
        )
    for one in _reconcile(runtime, month):
        if one.state == OVER:
            differing = to_coins(one.gap, one.currency)
            shown = "the bill is nothing" if one.ratio is None else f"{one.ratio:.2%} of the bill"
            largest = max(one.causes, key=lambda cause: abs(one.causes[cause]))
            found.append(
                f"{one.cluster}: bill and allocated cost differ by {differing} {one.currency} "
                f"({shown}, {one.tolerance:.2%} may be), most of it {largest.replace('_', ' ')}: see "
                f"`millicore bills reconcile --month {one.month}`; then correct prices, rules or hours, "
                "price the bill in (setting bill_policy: scale), or allow more "
                "(setting bill_gap_tolerance_ratio)"
            )
        if one.covered_until is not None:
            found.append(
                f"{one.cluster}: the bill ends at {one.covered_until:%Y-%m-%d %H:%M}Z, before {one.month} "
                "does: import the whole month with `millicore bills import`"
            )
    return found


def _unknown_problems(bill: BillMonth) -> list[str]:
    """Return, per currency, the resources that nobody claims: they would be charged to nobody, unseen."""
    named = [one for one in unknown_resources(bill.groups, (Bucket.OUT_OF_SCOPE,)) if not one.is_ruled]
    found = []
    for currency in sorted({one.group.currency for one in named}):
        mine = [one for one in named if one.group.currency == currency]
        total = sum((one.group.effective_cost for one in mine), Decimal(0))
        resources = list(dict.fromkeys(one.group.resource_id or "" for one in mine))
        found.append(
            f"{len(resources)} resources on the bills of {bill.month.period} over "
            f"{round(total, minor_digits(currency))} {currency} belong to no cluster and no rule (the "
            f"dearest {', '.join(resources[:_WORST_OFFENDERS])}): see `millicore bills lines --month "
            f"{bill.month.period} --bucket out_of_scope`; then say with `millicore bills rules --import` "
            "whose they are, or that they are out_of_scope"
        )
    return found


def reconciliation_table(runtime: Runtime, month: BillingMonth, pin: Pin | None = None) -> pa.Table:
    """Return the reconciliation as a table of exact texts, to be frozen with a close."""
    rows = [
        {
            "currency": one.currency,
            "cluster": one.cluster,
            "billed_cost": f"{one.billed:f}",
            "allocated_cost": f"{one.allocated:f}",
            "gap": f"{one.gap:f}",
            **{f"gap_{cause}": f"{part:f}" for cause, part in one.causes.items()},
            "state": one.state,
        }
        for one in _reconcile(runtime, month, pin)
    ]
    names = ("currency", "cluster", "billed_cost", "allocated_cost", "gap")
    columns = (*names, *(f"gap_{cause.value}" for cause in Cause), "state")
    return pa.Table.from_pylist(rows, pa.schema([(name, pa.string()) for name in columns]))


def commitment_checks(runtime: Runtime, principal: Principal, month: str) -> list[CommitmentCheck]:
    """Return what was paid for each commitment in a month and what became of it.

    Raises
    ------
    Forbidden
        If the principal sees only some teams.
    """
    principal.require(Role.FINANCE, Role.LEADERSHIP, Role.PLATFORM)
    bill = BillMonth.read(runtime, BillingMonth.read(runtime, month))
    return check_commitments(one.group for one in bill.groups)
