"""Chargeback as a file that adds up to the node bill, with a manifest that says how it was made."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from models.chargeback.lines import ALL_CLUSTERS, ChargeLine, amount, totals
from models.vocabulary.errors import UsageError
from models.vocabulary.identity import Principal, Role
from service.exports.charge_columns import COLUMNS, METHOD_ID, ChargeContext
from service.exports.charge_file import WrittenFile, allocated_ratios, file_name, write_charges
from service.jobs.allocation import CODE_VERSION
from service.runtime import Runtime
from service.usecases.billing_months import BillingMonth, in_coins, month_coverage, month_lines
from service.usecases.chargeback_periods import nothing_stored
from service.usecases.cost_days import COST_CODE_VERSION
from service.usecases.period_close import code_versions

FORMATS = tuple(COLUMNS)


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
        raise nothing_stored(runtime, principal, month)
    ordered = sorted(lines, key=_file_order) if format != "summary" else lines
    context = _context(runtime, month_facts, ordered)
    target = output_file
    if target.is_dir():
        target = target / file_name(month, format, month_facts.revision)
    manifest = _manifest(runtime, month_facts, ordered, unpriced, context)
    return write_charges(target, format, ordered, context, manifest)


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
