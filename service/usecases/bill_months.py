"""The bills of a month: every line sorted into its bucket, prepayments spread over their term."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from models.billing.amortise import Prepayment, share_of_month
from models.billing.assets import AssetIndex, ClusterAsset
from models.billing.buckets import Bucket, LineGroup, SortedGroup
from models.billing.sorting import sort_lines
from models.vocabulary.windows import DAY, HourWindow
from service.runtime import Runtime
from service.usecases.billing_months import BillingMonth
from warehouse.database.bills import Bill
from warehouse.pins import Pin
from warehouse.reads.bills import BillReads


@dataclass(frozen=True)
class BillMonth:
    """What the bills of a month say.

    Parameters
    ----------
    bills : tuple of Bill
        Those whose billing month it is.
    groups : tuple of SortedGroup
        All their lines, each group in one bucket; purchases that are spread count with this month's share,
        also those that earlier months' bills charged.
    assets : mapping of tuple to ClusterAsset
        Observed assets by (cluster, kind, key).
    """

    month: BillingMonth
    bills: tuple[Bill, ...]
    groups: tuple[SortedGroup, ...]
    assets: dict[tuple[str, str, str], ClusterAsset]

    @classmethod
    def read(cls, runtime: Runtime, month: BillingMonth, pin: Pin | None = None) -> BillMonth:
        """Return the sorted bills of a month.

        Raises
        ------
        LakeInconsistent
            If the lake does not hold the lines that were imported.
        """
        everything = [bill for bill in runtime.warehouse.bills.list() if bill.billing_month <= month.period]
        if not everything:
            return cls(month, (), (), {})
        own = [bill for bill in everything if bill.billing_month == month.period]
        reads = BillReads(runtime.warehouse.lake, pin)
        groups = [*reads.groups(own), *_spread(reads, everything, month)]
        # a provider's month may begin hours before or after ours
        window = HourWindow(month.hours.start - DAY, month.hours.end + DAY)
        assets = reads.assets(window) if groups else []
        names = {one.name: one.name for one in runtime.warehouse.clusters.list()}
        shown = {one.display_name: one.name for one in runtime.warehouse.clusters.list() if one.display_name}
        sorted_groups = sort_lines(
            groups, runtime.warehouse.bill_rules.all(), AssetIndex(assets), {**shown, **names}
        )
        by_key = {(one.cluster, one.asset_kind, one.asset): one for one in assets}
        return cls(month, tuple(own), tuple(sorted_groups), by_key)

    @property
    def is_empty(self) -> bool:
        """Whether no bill says anything about the month."""
        return not self.groups

    @property
    def reference(self) -> str:
        """Return the documents behind the month: invoices where known, else bills."""
        names = {one.group.invoice or "" for one in self.groups} - {""}
        return ", ".join(sorted(names) or sorted(bill.bill_key for bill in self.bills))[:200]

    def in_bucket(self, *buckets: Bucket) -> list[SortedGroup]:
        """Return the groups of some buckets."""
        return [one for one in self.groups if one.bucket in buckets]

    def covered_until(self, cluster: str) -> datetime | None:
        """Return until when the bill charges for a cluster; None when that is the whole month."""
        ends = [
            one.group.charged_until
            for one in self.groups
            if one.cluster == cluster and one.group.charged_until is not None
        ]
        if not ends or max(ends) >= self.month.end - timedelta(days=1):
            return None
        return max(ends)


def _spread(reads: BillReads, bills: Sequence[Bill], month: BillingMonth) -> list[LineGroup]:
    own = [bill for bill in bills if bill.billing_month == month.period]
    earlier = [bill for bill in bills if bill.billing_month != month.period]
    found = [_share(one, month, is_own=True) for one in reads.prepayments(own)]
    for one in reads.prepayments(earlier):
        share = _share(one, month, is_own=False)
        if share.effective_cost:
            found.append(share)
    return found


def _share(prepaid: Prepayment, month: BillingMonth, *, is_own: bool) -> LineGroup:
    bounds = (month.first, _first_of_next(month.first))
    line = prepaid.line
    return replace(
        line,
        line_count=line.line_count if is_own else 0,
        billed_cost=line.billed_cost if is_own else Decimal(0),
        effective_cost=share_of_month(line.effective_cost, prepaid.start, prepaid.end, bounds),
        contracted_cost=share_of_month(line.contracted_cost, prepaid.start, prepaid.end, bounds),
    )


def _first_of_next(first: date) -> date:
    return (first.replace(day=28) + timedelta(days=4)).replace(day=1)
