"""What a bill adds to the lines of a month: true-ups, cost out of clusters, taxes, support, credits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

from models.billing.charges import cluster_bills, scope_charges, true_up_lines
from models.billing.egress import egress_charges, egress_lines
from models.chargeback.lines import ChargeLine, LineKind
from models.vocabulary.identity import Principal
from service.runtime import Runtime
from service.usecases.bill_months import BillMonth
from service.usecases.billing_months import BillingMonth
from warehouse.reads.egress import EgressReads

_BY_CAUSE = (LineKind.TEAM, LineKind.UNOWNED, LineKind.IDLE, LineKind.OVERHEAD)


def bill_lines(
    runtime: Runtime, principal: Principal, month: BillingMonth, lines: Sequence[ChargeLine]
) -> list[ChargeLine]:
    """Return the lines that a month's bills add to its lines by cause.

    Parameters
    ----------
    runtime : Runtime
    principal : Principal
        Who sees all teams; nothing depends on who looks.
    month : BillingMonth
    lines : sequence of ChargeLine
        The exact lines by cause of all clusters.

    Returns
    -------
    list of ChargeLine
        Per currency, together with the lines by cause of clusters that have a bill, they add up to the
        effective cost of all bill lines in scope, to the last of nine decimals. Empty with the setting
        ``bill_policy: none``, and without a bill.
    """
    del principal
    bill = _charged_bill(runtime, month)
    if bill is None:
        return []
    charges = scope_charges(bill.groups)
    shared = _shared_egress(runtime, bill)
    return [*_true_ups(bill, lines, shared), *shared, *charges]


def bill_totals(runtime: Runtime, month: BillingMonth, lines: Sequence[ChargeLine]) -> dict[str, int]:
    """Return what `bill_lines` add up to per currency, in nano-units, without sharing them.

    Parameters
    ----------
    runtime : Runtime
    month : BillingMonth
    lines : sequence of ChargeLine
        Lines by cause of all clusters; sums per day and cluster will do.
    """
    bill = _charged_bill(runtime, month)
    found: dict[str, int] = {}
    if bill is not None:
        for line in (*_true_ups(bill, lines), *scope_charges(bill.groups)):
            found[line.currency] = found.get(line.currency, 0) + line.effective
    return found


def has_bill(runtime: Runtime, month: BillingMonth) -> bool:
    """Whether bills may change what a month costs: one of it, or an earlier one whose purchases reach it."""
    stored = runtime.warehouse.bills.list()
    return runtime.settings.bill_policy != "none" and any(
        bill.billing_month <= month.period for bill in stored
    )


def _charged_bill(runtime: Runtime, month: BillingMonth) -> BillMonth | None:
    if not has_bill(runtime, month):
        return None
    bill = BillMonth.read(runtime, month)
    return None if bill.is_empty else bill


def _true_ups(
    bill: BillMonth, lines: Iterable[ChargeLine], shared: Iterable[ChargeLine] = ()
) -> list[ChargeLine]:
    """Return what the bill of each cluster charges beyond its lines by cause and what is shared of it."""
    bills = cluster_bills(bill.groups)
    ends = {cluster: _first_unbilled_day(bill.covered_until(cluster), bill.month) for _, cluster in bills}
    return true_up_lines(bills, _sums(shared, _allocated(lines, ends)), bill.reference)


def add_bill_lines(
    runtime: Runtime, principal: Principal, month: BillingMonth, lines: Sequence[ChargeLine]
) -> list[ChargeLine]:
    """Return the lines of a month with those of its bills: a step of the statement."""
    return [*lines, *bill_lines(runtime, principal, month, lines)]


def _shared_egress(runtime: Runtime, bill: BillMonth) -> list[ChargeLine]:
    """Return the egress of clusters without a source of flows, by workload and team."""
    found: list[ChargeLine] = []
    reads, month = EgressReads(runtime.warehouse.lake), bill.month
    billed = egress_charges(bill.groups)
    with_flows = reads.clusters_with_flows(month.hours) if billed else frozenset()
    for (currency, cluster), charges in billed.items():
        if cluster in with_flows:
            continue
        until = min(bill.covered_until(cluster) or month.end, month.end)
        senders = reads.senders(cluster, month.hours, until, (month.first, month.last))
        found += egress_lines((currency, cluster), charges, senders)
    return found


def _sums(lines: Iterable[ChargeLine], known: Mapping[tuple[str, str], int]) -> dict[tuple[str, str], int]:
    found = dict(known)
    for line in lines:
        key = (line.currency, line.cluster)
        found[key] = found.get(key, 0) + line.effective
    return found


def _allocated(lines: Iterable[ChargeLine], ends: Mapping[str, date | None]) -> dict[tuple[str, str], int]:
    """Return what the lines by cause add up to per (currency, cluster), up to where the bill ends."""
    found: dict[tuple[str, str], int] = {}
    for line in lines:
        end = ends.get(line.cluster)
        is_billed = end is None or line.day is None or line.day < end
        if line.kind in _BY_CAUSE and is_billed:
            key = (line.currency, line.cluster)
            found[key] = found.get(key, 0) + line.effective
    return found


def _first_unbilled_day(end: datetime | None, month: BillingMonth) -> date | None:
    """Return the first billing day that a bill does not charge whole; None when it charges the month."""
    return None if end is None else end.astimezone(month.zone).date()
