"""Chargeback: what each month costs whom, as a file that adds up to the node bill, and the proof of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from models.chargeback.corrections import invoice_lines
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
    correction_lines,
    covered_ratio,
    in_coins,
    month_coverage,
    month_lines,
    month_problems,
)
from service.usecases.chargeback_check import Check, verify
from service.usecases.closed_months import COSTS
from service.usecases.cost_days import COST_CODE_VERSION
from service.usecases.period_close import code_versions
from warehouse.reads.charges import ChargeReads, visible_sums

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
        target = target / file_name(month, format, month_facts.revision)
    manifest = _manifest(runtime, month_facts, ordered, unpriced, context)
    return write_charges(target, format, ordered, context, manifest)


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
        listed = _closed_rows(runtime, principal, month) if month.frozen else _open_rows(runtime, month, own)
        found += _with_corrections(runtime, principal, month, listed)
    return found


def _open_rows(runtime: Runtime, month: BillingMonth, rows: Sequence[Mapping[str, Any]]) -> list[PeriodRow]:
    coverage = covered_ratio(month_coverage(runtime, month))
    unpriced = sum(row["unpriced_container_hours"] or 0.0 for row in rows)
    is_priced = any(row["currency"] is not None for row in rows)
    return [
        PeriodRow(
            period=row["period"],
            state=month.state,
            currency=row["currency"],
            total_cost=in_coins(row["total_cost"], row["currency"]),
            coverage_ratio=coverage,
            assumed_ratio=float(row["assumed_cost"] / row["total_cost"]) if row["total_cost"] else None,
            unpriced_container_hours=unpriced,
            day_count=row["day_count"],
        )
        for row in rows
        if row["currency"] is not None or not is_priced
    ]


def _closed_rows(runtime: Runtime, principal: Principal, month: BillingMonth) -> list[PeriodRow]:
    """Return the rows of a closed month: its own cost as closed, by currency."""
    if month.frozen is None:
        return []
    recorded, manifest = month.frozen.recorded, month.frozen.manifest
    sums: dict[str, Decimal] = {}
    if principal.sees_all_teams:
        for one in recorded.totals:
            sums[one["currency"]] = sums.get(one["currency"], Decimal(0)) + Decimal(one["effective_cost"])
    else:
        for row in visible_sums(month.frozen.table(COSTS), principal):
            sums[row["currency"]] = sums.get(row["currency"], Decimal(0)) + row["total_cost"]
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
        problems=()
        if facts.frozen
        else month_problems(facts, runtime.now(), coverage, assumed, unpriced_hours),
        revision=facts.revision,
    )


def _file_order(line: ChargeLine) -> tuple[str, ...]:
    day = "9999" if line.day is None else line.day.isoformat()
    rest = (line.namespace, line.workload_kind, line.workload_name, line.node_pool, line.resource)
    last = "1" if line.cluster == ALL_CLUSTERS else "0"
    return (
        line.correction or "",
        last,
        *line.payer,
        day,
        *(part or "" for part in rest),
        line.provenance or "",
    )


def _nothing(runtime: Runtime, principal: Principal, month: str) -> NotFound:
    known = dict.fromkeys(row.period for row in list_periods(runtime, principal))
    there = f"there are {', '.join(known)}" if known else "run `millicore ingest` first"
    return NotFound(f"no cost of {month} is stored; {there}")


def _context(runtime: Runtime, month: BillingMonth, lines: Sequence[ChargeLine]) -> ChargeContext:
    if month.frozen is not None:
        providers = month.frozen.manifest["providers"]
        regions = month.frozen.manifest["regions"]
        run_id = month.frozen.recorded.manifest_hash[:12]
    else:
        clusters = runtime.warehouse.clusters.list()
        providers = {one.name: one.provider for one in clusters if one.provider}
        regions = {one.name: one.region for one in clusters if one.region}
        run_id = _run_id(month, lines)
    return ChargeContext(
        period=month.period,
        start=month.start,
        end=month.end,
        zone=month.zone,
        state=month.state,
        run_id=run_id,
        providers=providers,
        regions=regions,
        ratios=allocated_ratios(lines),
        revision=month.revision,
    )


def _run_id(month: BillingMonth, lines: Sequence[ChargeLine]) -> str:
    amounts = [(line.payer, line.day, line.effective, line.list_units, line.contracted) for line in lines]
    content = repr((METHOD_ID, CODE_VERSION, COST_CODE_VERSION, month.period, month.zone.key, amounts))
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def _manifest(
    runtime: Runtime,
    month: BillingMonth,
    lines: Sequence[ChargeLine],
    unpriced: Sequence[Mapping[str, Any]],
    context: ChargeContext,
) -> dict[str, Any]:
    own = [line for line in lines if line.correction is None]
    assumed: dict[str, int] = {}
    for line in own:
        if line.assumed:
            assumed[line.currency] = assumed.get(line.currency, 0) + line.assumed
    return {
        "period": month.period,
        "period_start": f"{month.start:%Y-%m-%dT%H:%M:%SZ}",
        "period_end": f"{month.end:%Y-%m-%dT%H:%M:%SZ}",
        "billing_zone": month.zone.key,
        "state": "open" if month.frozen is None else "closed",
        "is_draft": month.frozen is None,
        "invoice_id": context.invoice_id,
        "run_id": context.run_id,
        "allocation_method": METHOD_ID,
        "versions": code_versions(runtime) if month.frozen is None else month.frozen.manifest["versions"],
        "clusters": _cluster_totals(own),
        "corrections": _correction_totals(lines),
        "coverage": [asdict(one) for one in month_coverage(runtime, month)],
        "assumed": [
            {"currency": currency, "effective_cost": str(amount(total))}
            for currency, total in sorted(assumed.items())
        ],
        "unpriced": [
            {"cluster": cluster, "container_hours": hours} for cluster, hours in _unpriced_hours(unpriced)
        ],
        **_closing(month),
    }


_CLOSING = (
    "revision",
    "prepared_by",
    "approved_by",
    "is_single_person",
    "closed_at",
    "note",
    "accepted_hours",
)


def _closing(month: BillingMonth) -> dict[str, Any]:
    """Return who closed a month and how; nothing for an open one."""
    if month.frozen is None:
        return {}
    closing = {name: month.frozen.manifest[name] for name in _CLOSING}
    return {"closing": {**closing, "manifest_sha256": month.frozen.recorded.manifest_hash}}


def _cluster_totals(lines: Sequence[ChargeLine]) -> list[dict[str, Any]]:
    return [
        {"cluster": cluster, "currency": currency, "effective_cost": str(in_coins(amount(total), currency))}
        for (currency, cluster), total in totals(lines).items()
        if cluster != ALL_CLUSTERS
    ]


def _correction_totals(lines: Sequence[ChargeLine]) -> list[dict[str, Any]]:
    """Return each correction in the file with its total per cluster."""
    names = sorted({(line.correction, line.restates or "") for line in lines if line.correction})
    return [
        {
            "correction_id": correction,
            "restates": restates,
            "clusters": _cluster_totals([line for line in lines if line.correction == correction]),
        }
        for correction, restates in names
    ]


def _unpriced_hours(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, float]]:
    hours: dict[str, float] = {}
    for row in rows:
        if row.get("resource", "cpu") == "cpu":
            hours[row["cluster"]] = hours.get(row["cluster"], 0.0) + (row["container_hours"] or 0.0)
    return sorted(hours.items())
