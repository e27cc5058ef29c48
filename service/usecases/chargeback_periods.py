"""The months of a chargeback: what each costs, its state, and what stands against closing it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from models.chargeback.corrections import invoice_lines
from models.chargeback.lines import ChargeLine, amount
from models.vocabulary.errors import NotFound
from models.vocabulary.identity import Principal
from service.runtime import Runtime
from service.usecases.billing_months import (
    BillingMonth,
    Coverage,
    covered_ratio,
    in_coins,
    month_coverage,
    month_problems,
)
from service.usecases.statement_lines import (
    WholeMonth,
    charged_lines,
    correction_lines,
    month_totals,
    moves_cost,
    visible,
)
from service.usecases.unpriced import unpriced_problems
from warehouse.reads.charges import ChargeReads


@dataclass(frozen=True)
class PeriodRow:
    """One month in one currency.

    Parameters
    ----------
    period : str
        ``2026-10``.
    state : str
        ``open`` until it is closed; ``correcting`` while late hours are let into a closed month.
    currency : str or None
        None where nothing of the month has a cost.
    total_cost : Decimal
        Rounded to coins.
    coverage_ratio : float or None
        Complete hours among those expected so far, over all clusters.
    assumed_ratio : float or None
        Share of the cost that rests on assumed prices.
    unpriced_container_hours : float
        Container-hours whose cost is not known.
    day_count : int
        Billing days with cost.
    revision : int
        Which close of the month counts; 0 while it is open.
    correction_cost : Decimal
        Corrections of earlier months within ``total_cost``.
    closed_by : str or None
    closed_at : datetime or None
    manifest_sha256 : str or None
        Hash of the manifest of its closed files.
    """

    period: str
    state: str
    currency: str | None
    total_cost: Decimal
    coverage_ratio: float | None
    assumed_ratio: float | None
    unpriced_container_hours: float
    day_count: int
    revision: int = 0
    correction_cost: Decimal = Decimal(0)
    closed_by: str | None = None
    closed_at: datetime | None = None
    manifest_sha256: str | None = None


@dataclass(frozen=True)
class Preview:
    """Invoice lines of a month, rounded, with what stands against closing it."""

    period: str
    state: str
    lines: tuple[ChargeLine, ...]
    totals: Mapping[str, Decimal]
    coverage: tuple[Coverage, ...]
    assumed: Mapping[str, Decimal]
    unpriced_container_hours: float
    problems: tuple[str, ...]
    revision: int = 0


def list_periods(runtime: Runtime, principal: Principal) -> list[PeriodRow]:
    """Return every month with allocated cost, oldest first, one row per currency.

    Closed months are read from their closed files. Owners see what concerns their teams.
    """
    rows = ChargeReads(runtime.warehouse.lake).months(principal)
    recorded = runtime.warehouse.periods.months()
    months = {
        period: BillingMonth.read(runtime, period)
        for period in sorted({*(row["period"] for row in rows), *recorded})
    }
    found = []
    for period, month in months.items():
        own = [row for row in rows if row["period"] == period]
        read = _closed_rows if month.frozen else _open_rows
        listed = read(runtime, principal, month, own)
        found += _with_corrections(runtime, principal, month, listed)
    return found


def _open_rows(
    runtime: Runtime, principal: Principal, month: BillingMonth, rows: Sequence[Mapping[str, Any]]
) -> list[PeriodRow]:
    coverage = covered_ratio(month_coverage(runtime, month))
    moved = _moved_totals(runtime, principal, month)
    unpriced = sum(row["unpriced_container_hours"] or 0.0 for row in rows)
    is_priced = any(row["currency"] is not None for row in rows)
    return [
        PeriodRow(
            period=row["period"],
            state=month.state,
            currency=row["currency"],
            total_cost=in_coins(moved.get(row["currency"], row["total_cost"]), row["currency"]),
            coverage_ratio=coverage,
            assumed_ratio=float(row["assumed_cost"] / row["total_cost"]) if row["total_cost"] else None,
            unpriced_container_hours=unpriced,
            day_count=row["day_count"],
        )
        for row in rows
        if row["currency"] is not None or not is_priced
    ]


def _moved_totals(runtime: Runtime, principal: Principal, month: BillingMonth) -> dict[str | None, Decimal]:
    """Return what a month costs after every step, by currency; empty where no step changes anything."""
    if not moves_cost(runtime, month):
        return {}
    return {currency: amount(total) for currency, total in month_totals(runtime, principal, month).items()}


def _closed_rows(
    runtime: Runtime, principal: Principal, month: BillingMonth, rows: Sequence[Mapping[str, Any]]
) -> list[PeriodRow]:
    """Return the rows of a closed month: its own cost as closed, by currency."""
    del rows
    if month.frozen is None:
        return []
    recorded, manifest = month.frozen.recorded, month.frozen.manifest
    sums: dict[str, Decimal] = {}
    if principal.sees_all_teams:
        for one in recorded.totals:
            sums[one["currency"]] = sums.get(one["currency"], Decimal(0)) + Decimal(one["effective_cost"])
    else:
        for line in visible(charged_lines(month.frozen), principal):
            sums[line.currency] = sums.get(line.currency, Decimal(0)) + amount(line.effective)
    return [
        PeriodRow(
            period=month.period,
            state=month.state,
            currency=currency,
            total_cost=in_coins(total, currency),
            coverage_ratio=covered_ratio(month_coverage(runtime, month)),
            assumed_ratio=None if not total else 0.0,
            unpriced_container_hours=0.0,
            day_count=manifest["day_count"],
            revision=recorded.revision,
            closed_by=recorded.principal,
            closed_at=recorded.recorded_at,
            manifest_sha256=recorded.manifest_hash,
        )
        for currency, total in sorted(sums.items())
    ]


def _with_corrections(
    runtime: Runtime, principal: Principal, month: BillingMonth, rows: list[PeriodRow]
) -> list[PeriodRow]:
    """Add to rows what earlier months' corrections cost in them, each correction rounded by itself."""
    sums: dict[str, int] = {}
    for line in invoice_lines(correction_lines(runtime, principal, month)):
        sums[line.currency] = sums.get(line.currency, 0) + line.effective
    known = {row.currency for row in rows}
    found = [
        replace(
            row,
            total_cost=row.total_cost + in_coins(amount(sums.get(row.currency or "", 0)), row.currency),
            correction_cost=in_coins(amount(sums.get(row.currency or "", 0)), row.currency),
        )
        for row in rows
    ]
    for currency in sorted(set(sums) - known):
        cost = in_coins(amount(sums[currency]), currency)
        found.append(
            PeriodRow(month.period, month.state, currency, cost, None, None, 0.0, 0, correction_cost=cost)
        )
    return found


def preview(
    runtime: Runtime, principal: Principal, month: str, *, whole: WholeMonth | None = None
) -> Preview:
    """Return the invoice lines of a month as they would be exported now, for the visible teams.

    Parameters
    ----------
    runtime : Runtime
    principal : Principal
    month : str
        ``2026-10``.
    whole : WholeMonth or None
        The month, where it is read already.

    Raises
    ------
    Forbidden
        If the principal may read no costs at all.
    NotFound
        If nothing of the month is allocated.
    """
    principal.visible_teams()
    whole = whole or WholeMonth.read(runtime, month)
    facts = whole.facts
    lines, unpriced = whole.seen_by(principal)
    if not lines and not unpriced:
        raise nothing_stored(runtime, principal, month)
    coverage = month_coverage(runtime, facts)
    unpriced_hours = sum(row["container_hours"] or 0.0 for row in unpriced)
    sums: dict[str, int] = {}
    assumed: dict[str, int] = {}
    for line in lines:
        sums[line.currency] = sums.get(line.currency, 0) + line.effective
        assumed[line.currency] = assumed.get(line.currency, 0) + line.assumed
    return Preview(
        period=month,
        state=facts.state,
        lines=tuple(lines),
        totals={currency: in_coins(amount(total), currency) for currency, total in sums.items()},
        coverage=coverage,
        assumed={currency: amount(total) for currency, total in assumed.items() if total},
        unpriced_container_hours=unpriced_hours,
        problems=()
        if facts.frozen
        else month_problems(
            facts, runtime.now(), coverage, assumed, unpriced_problems(runtime, month, unpriced)
        ),
        revision=facts.revision,
    )


def nothing_stored(runtime: Runtime, principal: Principal, month: str) -> NotFound:
    """Return the error for a month without cost: it names the months that have some."""
    known = dict.fromkeys(row.period for row in list_periods(runtime, principal))
    there = f"there are {', '.join(known)}" if known else "run `millicore ingest` first"
    return NotFound(f"no cost of {month} is stored; {there}")
