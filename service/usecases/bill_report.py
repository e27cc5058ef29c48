"""What became of a bill's lines, for people: totals per bucket, lines, and what nobody could place."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from models.billing.buckets import Bucket, SortedGroup
from models.billing.sorting import unknown_resources
from models.vocabulary.errors import UsageError
from models.vocabulary.identity import Principal, Role
from models.vocabulary.money import to_coins
from service.runtime import Runtime
from service.usecases.bill_months import BillMonth
from service.usecases.billing_months import BillingMonth

WORST_OFFENDERS = 5


def _sorted_groups(runtime: Runtime, principal: Principal, month: str) -> tuple[SortedGroup, ...]:
    principal.require(Role.FINANCE, Role.LEADERSHIP, Role.PLATFORM)
    return BillMonth.read(runtime, BillingMonth.read(runtime, month)).groups


def bucket_rows(runtime: Runtime, principal: Principal, month: str) -> list[dict[str, Any]]:
    """Return billed and effective cost per bucket and currency; they add up to the invoice.

    Raises
    ------
    Forbidden
        If the principal sees only some teams.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for one in _sorted_groups(runtime, principal, month):
        for bucket in (one.bucket.value, "total"):
            row = found.setdefault(
                (one.group.currency, bucket),
                {
                    "bucket": bucket,
                    "currency": one.group.currency,
                    "billed_cost": Decimal(0),
                    "effective_cost": Decimal(0),
                    "line_count": 0,
                },
            )
            row["billed_cost"] += one.group.billed_cost
            row["effective_cost"] += one.group.effective_cost
            row["line_count"] += one.group.line_count
    order = {name: number for number, name in enumerate((*(bucket.value for bucket in Bucket), "total"))}
    return [found[key] for key in sorted(found, key=lambda key: (key[0], order[key[1]]))]


def line_rows(
    runtime: Runtime, principal: Principal, month: str, *, bucket: str | None = None, limit: int = 50
) -> list[dict[str, Any]]:
    """Return sorted lines, added up over time, the dearest first.

    Raises
    ------
    Forbidden
        If the principal sees only some teams.
    UsageError
        If there is no such bucket.
    """
    if bucket is not None and bucket not in {one.value for one in Bucket}:
        raise UsageError(f"{bucket!r} is not a bucket: choose one of {', '.join(Bucket)}")
    groups = [
        one for one in _sorted_groups(runtime, principal, month) if bucket is None or one.bucket == bucket
    ]
    groups.sort(
        key=lambda one: (-abs(one.group.effective_cost), -abs(one.group.billed_cost), repr(one.group))
    )
    return [_row(one) for one in groups[:limit]]


def _row(one: SortedGroup) -> dict[str, Any]:
    return {
        **{name: value for name, value in vars(one.group).items()},
        "bucket": one.bucket.value,
        "cluster": one.cluster,
        "asset_kind": one.asset_kind,
        "team": one.team,
        "cost_centre": one.cost_centre,
        "reason": one.reason,
    }


def unknown_report(runtime: Runtime, principal: Principal, month: str) -> list[str]:
    """Say what of a month's bills no cluster, rule or tag claims: how much, and the dearest resources.

    Raises
    ------
    Forbidden
        If the principal sees only some teams.
    """
    groups = [
        one
        for one in _sorted_groups(runtime, principal, month)
        if one.bucket is Bucket.OUT_OF_SCOPE and not one.is_ruled
    ]
    found = []
    for currency in sorted({one.group.currency for one in groups}):
        mine = [one for one in groups if one.group.currency == currency]
        total = sum((one.group.effective_cost for one in mine), Decimal(0))
        named = unknown_resources(mine, (Bucket.OUT_OF_SCOPE,))
        resources = list(dict.fromkeys(one.group.resource_id or "" for one in named))
        worst = ", ".join(resources[:WORST_OFFENDERS])
        shown = f"; {len(resources)} resources, the dearest {worst}" if resources else ""
        count = sum(one.group.line_count for one in mine)
        found.append(
            f"{month}: {count} bill lines over {to_coins(total, currency)} {currency} belong to "
            f"no cluster and no rule{shown}"
        )
    return found
