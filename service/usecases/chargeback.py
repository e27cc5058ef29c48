"""Chargeback: what each month costs whom, as a file that adds up to the node bill, and the proof of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

from models.chargeback.lines import ALL_CLUSTERS, ChargeLine, amount, totals
from models.vocabulary.errors import NotFound, UsageError
from models.vocabulary.identity import Principal, Role
from service.exports.charge_columns import COLUMNS, METHOD_ID, ChargeContext
from service.exports.charge_file import WrittenFile, allocated_ratios, file_name, write_charges
from service.jobs.allocation import CODE_VERSION
from service.runtime import Runtime
from service.usecases.billing_months import (
    BillingMonth,
    Coverage,
    covered_ratio,
    in_coins,
    month_coverage,
    month_lines,
    month_problems,
)
from service.usecases.chargeback_check import Check, verify
from service.usecases.cost_days import COST_CODE_VERSION
from warehouse.reads.charges import ChargeReads

__all__ = [
    "FORMATS",
    "Check",
    "Coverage",
    "PeriodRow",
    "Preview",
    "export_chargeback",
    "list_periods",
    "preview",
    "verify",
]

FORMATS = tuple(COLUMNS)


@dataclass(frozen=True)
class PeriodRow:
    """One month in one currency.

    Parameters
    ----------
    period : str
        ``2026-10``.
    state : str
        ``open`` until it is closed.
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
    """

    period: str
    state: str
    currency: str | None
    total_cost: Decimal
    coverage_ratio: float | None
    assumed_ratio: float | None
    unpriced_container_hours: float
    day_count: int


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


def export_chargeback(
    runtime: Runtime,
    principal: Principal,
    month: str,
    *,
    format: str = "summary",  # noqa: A002 - the name of the flag
    output_file: Path,
) -> WrittenFile:
    """Write a month's chargeback as CSV with a manifest beside it.

    Parameters
    ----------
    runtime : Runtime
    principal : Principal
        Finance, leadership or platform.
    month : str
        ``2026-10``.
    format : str
        ``summary`` (a line per payer, in coins), ``detail`` (a line per day, workload and resource, nine
        decimals, with a rounding line) or ``focus`` (the same in FOCUS columns).
    output_file : Path
        A file, or a folder in which the file gets a name that says whether it is a draft.

    Raises
    ------
    Forbidden
        If the principal may not see every team's costs.
    UsageError
        If there is no such format.
    NotFound
        If nothing of the month is allocated.
    StorageError
        If the file cannot be written.
    """
    principal.require(Role.FINANCE, Role.LEADERSHIP, Role.PLATFORM)
    if format not in FORMATS:
        raise UsageError(f"{format!r} is not a chargeback format: write {', '.join(FORMATS)}")
    month_facts = BillingMonth.read(runtime, month)
    lines, unpriced = month_lines(runtime, principal, month_facts, format)
    if not lines and not unpriced:
        raise _nothing(runtime, principal, month)
    ordered = sorted(lines, key=_file_order) if format != "summary" else lines
    context = _context(runtime, month_facts, ordered)
    target = output_file
    if target.is_dir():
        target = target / file_name(month, format, month_facts.state)
    manifest = _manifest(runtime, month_facts, ordered, unpriced, context)
    return write_charges(target, format, ordered, context, manifest)


def list_periods(runtime: Runtime, principal: Principal) -> list[PeriodRow]:
    """Return every month with allocated cost, oldest first, one row per currency.

    Owners see what concerns their teams.
    """
    rows = ChargeReads(runtime.warehouse.lake).months(principal)
    months: dict[str, BillingMonth] = {
        row["period"]: BillingMonth.read(runtime, row["period"]) for row in rows
    }
    coverage = {period: covered_ratio(month_coverage(runtime, month)) for period, month in months.items()}
    unpriced = {row["period"]: 0.0 for row in rows}
    for row in rows:
        unpriced[row["period"]] += row["unpriced_container_hours"] or 0.0
    priced = {row["period"] for row in rows if row["currency"] is not None}
    return [
        PeriodRow(
            period=row["period"],
            state=months[row["period"]].state,
            currency=row["currency"],
            total_cost=in_coins(row["total_cost"], row["currency"]),
            coverage_ratio=coverage[row["period"]],
            assumed_ratio=float(row["assumed_cost"] / row["total_cost"]) if row["total_cost"] else None,
            unpriced_container_hours=unpriced[row["period"]],
            day_count=row["day_count"],
        )
        for row in rows
        if row["currency"] is not None or row["period"] not in priced
    ]


def preview(runtime: Runtime, principal: Principal, month: str) -> Preview:
    """Return the invoice lines of a month as they would be exported now, for the visible teams.

    Raises
    ------
    NotFound
        If nothing of the month is allocated.
    """
    facts = BillingMonth.read(runtime, month)
    lines, unpriced = month_lines(runtime, principal, facts, "summary")
    if not lines and not unpriced:
        raise _nothing(runtime, principal, month)
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
        problems=month_problems(facts, runtime.now(), coverage, assumed, unpriced_hours),
    )


def _file_order(line: ChargeLine) -> tuple[str, ...]:
    day = "9999" if line.day is None else line.day.isoformat()
    rest = (line.namespace, line.workload_kind, line.workload_name, line.node_pool, line.resource)
    last = "1" if line.cluster == ALL_CLUSTERS else "0"
    return (last, *line.payer, day, *(part or "" for part in rest), line.provenance or "")


def _nothing(runtime: Runtime, principal: Principal, month: str) -> NotFound:
    known = dict.fromkeys(row.period for row in list_periods(runtime, principal))
    there = f"there are {', '.join(known)}" if known else "run `millicore ingest` first"
    return NotFound(f"no cost of {month} is stored; {there}")


def _context(runtime: Runtime, month: BillingMonth, lines: Sequence[ChargeLine]) -> ChargeContext:
    clusters = runtime.warehouse.clusters.list()
    amounts = [(line.payer, line.day, line.effective, line.list_units, line.contracted) for line in lines]
    content = repr((METHOD_ID, CODE_VERSION, COST_CODE_VERSION, month.period, month.zone.key, amounts))
    return ChargeContext(
        period=month.period,
        start=month.start,
        end=month.end,
        zone=month.zone,
        state=month.state,
        run_id=hashlib.sha256(content.encode()).hexdigest()[:12],
        providers={one.name: one.provider for one in clusters if one.provider},
        regions={one.name: one.region for one in clusters if one.region},
        ratios=allocated_ratios(lines),
    )


def _manifest(
    runtime: Runtime,
    month: BillingMonth,
    lines: Sequence[ChargeLine],
    unpriced: Sequence[Mapping[str, Any]],
    context: ChargeContext,
) -> dict[str, Any]:
    assumed: dict[str, int] = {}
    for line in lines:
        if line.assumed:
            assumed[line.currency] = assumed.get(line.currency, 0) + line.assumed
    return {
        "period": month.period,
        "period_start": f"{month.start:%Y-%m-%dT%H:%M:%SZ}",
        "period_end": f"{month.end:%Y-%m-%dT%H:%M:%SZ}",
        "billing_zone": month.zone.key,
        "state": month.state,
        "is_draft": month.state == "open",
        "run_id": context.run_id,
        "allocation_method": METHOD_ID,
        "versions": {
            "millicore": version("millicore"),
            "allocation": CODE_VERSION,
            "costs": COST_CODE_VERSION,
            "price_list": runtime.warehouse.prices.hash(),
            "ownership": runtime.warehouse.ownership.hash(),
        },
        "clusters": [
            {
                "cluster": cluster,
                "currency": currency,
                "effective_cost": str(in_coins(amount(total), currency)),
            }
            for (currency, cluster), total in totals(lines).items()
            if cluster != ALL_CLUSTERS
        ],
        "coverage": [
            {
                "cluster": one.cluster,
                "hours_expected": one.hours_expected,
                "hours_complete": one.hours_complete,
                "hours_partial": one.hours_partial,
            }
            for one in month_coverage(runtime, month)
        ],
        "assumed": [
            {"currency": currency, "effective_cost": str(amount(total))}
            for currency, total in sorted(assumed.items())
        ],
        "unpriced": [
            {"cluster": cluster, "container_hours": hours} for cluster, hours in _unpriced_hours(unpriced)
        ],
    }


def _unpriced_hours(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, float]]:
    hours: dict[str, float] = {}
    for row in rows:
        if row.get("resource", "cpu") == "cpu":
            hours[row["cluster"]] = hours.get(row["cluster"], 0.0) + (row["container_hours"] or 0.0)
    return sorted(hours.items())
