"""Spend that nobody answers for: how much, since when, and who probably should."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from models.ownership.candidates import CandidateFinder, OwnedCost, OwnerCandidate
from models.ownership.entities import EntityKind
from models.ownership.names import normal_form
from models.vocabulary.identity import Principal
from service.runtime import Runtime
from service.usecases.billing_months import BillingMonth
from warehouse.reads.ownership import OwnershipReads, WorkloadPlace, WorkloadSpend

_ZERO = Decimal(0)
_OWNED = ("rule", "label")


@dataclass(frozen=True)
class UnownedTotal:
    """One currency of a month: cost of workloads, and what of it has no owner or a guessed one.

    ``unowned_ratio`` is (unowned + guessed) / workload cost, None when nothing was spent; ``is_alarming``
    when it is above ``unowned_alarm_ratio``.
    """

    currency: str
    workload_cost: Decimal
    unowned_cost: Decimal
    guessed_cost: Decimal
    unowned_ratio: float | None
    is_alarming: bool


@dataclass(frozen=True)
class UnownedWorkload:
    """One offender: a workload whose owner no rule and no label names.

    Parameters
    ----------
    cluster, namespace, workload_kind, workload_name, currency : str
        ``currency`` is None where no price is known; then the costs are None too.
    unowned_cost, guessed_cost : Decimal or None
        What rules leave to nobody; what is charged to a guessed team.
    share_ratio : float or None
        Of the workload cost of the month in its currency.
    since : date or None
        First day of its latest stretch without an owner.
    candidates : tuple of OwnerCandidate
    """

    cluster: str
    namespace: str
    workload_kind: str
    workload_name: str
    currency: str | None
    unowned_cost: Decimal | None
    guessed_cost: Decimal | None
    share_ratio: float | None
    since: date | None
    candidates: tuple[OwnerCandidate, ...]

    @property
    def cost(self) -> Decimal | None:
        """Unowned and guessed together."""
        if self.unowned_cost is None or self.guessed_cost is None:
            return None
        return self.unowned_cost + self.guessed_cost


@dataclass(frozen=True)
class UnownedSpend:
    """Unowned spend of a month: totals by currency, and workloads, the dearest first."""

    month: str
    totals: tuple[UnownedTotal, ...]
    workloads: tuple[UnownedWorkload, ...]

    @property
    def is_alarming(self) -> bool:
        """Whether too much of any currency has no owner."""
        return any(total.is_alarming for total in self.totals)


def unowned_spend(runtime: Runtime, principal: Principal, month: str) -> UnownedSpend:
    """Return what of a month's workload cost no rule and no label gives to a team.

    Owners of teams see what is guessed to be their own. Idle and overhead are no workload's and not in it.
    Amounts are those of the lake now, also of a closed month.

    Parameters
    ----------
    runtime : Runtime
    principal : Principal
    month : str
        ``2026-10``.

    Raises
    ------
    InputError
        If the text is not a month.
    Forbidden
        If the principal may read no costs.
    """
    billing = BillingMonth.read(runtime, month)
    reads = OwnershipReads(runtime.warehouse.lake, runtime.warehouse.pin())
    spend = reads.spend(principal, billing.first, billing.last)
    totals = _totals(spend, runtime.settings.unowned_alarm_ratio)
    since = reads.unowned_since(principal, billing.last)
    finder = _finder(runtime, spend)
    of_currency = {total.currency: total.workload_cost for total in totals}
    grouped: dict[tuple[WorkloadPlace, str | None], list[WorkloadSpend]] = defaultdict(list)
    for row in spend:
        if row.ownership_source not in _OWNED:
            grouped[row.place, row.currency].append(row)
    offenders = [
        _offender(place, currency, rows, of_currency, since.get(place), finder)
        for (place, currency), rows in grouped.items()
    ]
    offenders.sort(key=lambda one: (-(one.cost or _ZERO), one.cluster, one.namespace, one.workload_name))
    return UnownedSpend(month, tuple(totals), tuple(offenders))


def _totals(spend: Sequence[WorkloadSpend], most: float) -> list[UnownedTotal]:
    found = []
    for currency in sorted({row.currency for row in spend if row.currency is not None}):
        rows = [row for row in spend if row.currency == currency]
        whole = _sum(rows)
        unowned = _sum([row for row in rows if row.ownership_source is None])
        guessed = _sum([row for row in rows if row.ownership_source == "guessed"])
        ratio = float((unowned + guessed) / whole) if whole else None
        alarming = ratio is not None and ratio > most
        found.append(UnownedTotal(currency, whole, unowned, guessed, ratio, alarming))
    return found


def _offender(
    place: WorkloadPlace,
    currency: str | None,
    rows: Sequence[WorkloadSpend],
    of_currency: dict[str, Decimal],
    since: date | None,
    finder: CandidateFinder,
) -> UnownedWorkload:
    is_priced = currency is not None and any(row.cost is not None for row in rows)
    unowned = _sum([row for row in rows if row.ownership_source is None]) if is_priced else None
    guessed = _sum([row for row in rows if row.ownership_source is not None]) if is_priced else None
    whole = of_currency.get(currency or "")
    share = None
    if whole and unowned is not None and guessed is not None:
        share = float((unowned + guessed) / whole)
    candidates = finder.find(place[1], place[3])
    return UnownedWorkload(*place, currency, unowned, guessed, share, since, candidates)


def _sum(rows: Sequence[WorkloadSpend]) -> Decimal:
    return sum((row.cost for row in rows if row.cost is not None), _ZERO)


def _finder(runtime: Runtime, spend: Sequence[WorkloadSpend]) -> CandidateFinder:
    owned = [
        OwnedCost(row.place[1], row.place[3], row.team, row.cost)
        for row in spend
        if row.team is not None and row.ownership_source in _OWNED and row.cost is not None
    ]
    now = runtime.now()
    versions = [one for one in runtime.warehouse.ownership.cmdb.versions() if one.holds_at(now)]
    names = {row.team: row.team for row in owned}
    names |= {one.name: one.facts.team for one in versions if one.facts.team}
    names |= {one.name: one.name for one in versions if one.kind is EntityKind.TEAM}
    return CandidateFinder(owned, {name: team for name, team in names.items() if normal_form(name)})
