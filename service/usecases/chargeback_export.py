"""Chargeback as a file that adds up to the node bill, with a manifest that says how it was made."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from models.chargeback.lines import ALL_CLUSTERS, ChargeLine, amount, totals
from models.exchange.convert import Converted, convert_lines, convert_summary
from models.exchange.rates import RateRule
from models.vocabulary.errors import UsageError
from models.vocabulary.identity import Principal, Role
from service.exports.charge_columns import COLUMNS
from service.exports.charge_file import FileShape, FileType, file_name, write_charges
from service.exports.columns import ChargeContext
from service.exports.drafts import WrittenFile
from service.exports.focus_columns import METHOD_ID
from service.jobs.allocation import CODE_VERSION
from service.runtime import Runtime
from service.usecases.billing_months import BillingMonth, in_coins, month_coverage
from service.usecases.chargeback_periods import nothing_stored
from service.usecases.cost_days import COST_CODE_VERSION
from service.usecases.exchange import month_rates
from service.usecases.period_close import code_versions
from service.usecases.policies import MonthPolicy, month_policy
from service.usecases.statement_lines import month_lines

FORMATS = tuple(COLUMNS)
FILE_TYPES = tuple(file_type.value for file_type in FileType)


def export_chargeback(
    runtime: Runtime,
    principal: Principal,
    month: str,
    *,
    format: str = "summary",  # noqa: A002 - the name of the flag
    file_type: str = FileType.CSV,
    has_mark: bool = False,
    output_file: Path,
) -> WrittenFile:
    """Write a month's chargeback as a file with a manifest beside it.

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
    file_type : str
        ``csv``, ``parquet`` or ``xlsx``.
    has_mark : bool
        Whether a CSV begins with a byte order mark, for Excel.
    output_file : Path
        A file, or a folder in which the file gets a name that says whether it is a draft.

    Raises
    ------
    Forbidden
        If the principal may not see every team's costs.
    UsageError
        If there is no such format or file type, a mark does not belong to it, or it cannot hold the lines.
    NotFound
        If nothing of the month is allocated.
    StorageError
        If the file cannot be written.
    """
    principal.require(Role.FINANCE, Role.LEADERSHIP, Role.PLATFORM)
    if format not in FORMATS:
        raise UsageError(f"{format!r} is not a chargeback format: write {', '.join(FORMATS)}")
    if file_type not in FILE_TYPES:
        raise UsageError(f"{file_type!r} is not a file type: write {', '.join(FILE_TYPES)}")
    shape = FileShape(format, FileType(file_type), has_mark)
    month_facts = BillingMonth.read(runtime, month)
    lines, unpriced = month_lines(runtime, principal, month_facts, format)
    if not lines and not unpriced:
        raise nothing_stored(runtime, principal, month)
    ordered = sorted(lines, key=_file_order) if format != "summary" else lines
    context = _context(runtime, month_facts, ordered)
    target = output_file
    if target.is_dir():
        target = target / file_name(month, format, month_facts.revision, shape.file_type)
    manifest = _manifest(runtime, month_facts, ordered, unpriced, context)
    converted = _converted(runtime, principal, month_facts, ordered, format)
    return write_charges(target, shape, ordered, context, manifest, converted)


def _converted(
    runtime: Runtime, principal: Principal, month: BillingMonth, lines: Sequence[ChargeLine], name: str
) -> list[Converted | None] | None:
    """Return the lines' costs in the reporting currency; None where there is none.

    A payer's cost over days with rates of their own is converted day by day, so it needs the exact lines.
    """
    rates = month_rates(runtime, month)
    if rates.reporting_currency is None:
        return None
    if name != "summary":
        return convert_lines(lines, rates)
    exact: list[ChargeLine] = []
    if rates.rule is RateRule.DAILY:
        exact = month_lines(runtime, principal, month, "detail")[0]
    return convert_summary(lines, exact, rates)


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
    policy = month_policy(runtime, month)
    if month.frozen is not None:
        providers = month.frozen.manifest["providers"]
        regions = month.frozen.manifest["regions"]
        run_id = month.frozen.recorded.manifest_hash[:12]
    else:
        clusters = runtime.warehouse.clusters.list()
        providers = {one.name: one.provider for one in clusters if one.provider}
        regions = {one.name: one.region for one in clusters if one.region}
        run_id = _run_id(month, lines, policy)
    return ChargeContext(
        period=month.period,
        start=month.start,
        end=month.end,
        zone=month.zone,
        run_id=run_id,
        providers=providers,
        regions=regions,
        revision=month.revision,
        policy_version=_policy_id(policy),
    )


def _policy_id(policy: MonthPolicy) -> str:
    """Return version and hash of a policy as a text that no reader takes for a number."""
    return f"policy-{policy.version}-{policy.policy_hash[:12]}"


def _run_id(month: BillingMonth, lines: Sequence[ChargeLine], policy: MonthPolicy) -> str:
    versions = (METHOD_ID, CODE_VERSION, COST_CODE_VERSION, policy.policy_hash)
    digest = hashlib.sha256(repr((*versions, month.period, month.zone.key)).encode())
    for line in lines:
        money = (line.effective, line.list_units, line.contracted)
        digest.update(repr((line.payer, line.day, *money)).encode())
    return digest.hexdigest()[:12]


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
        "policy": month_policy(runtime, month).described(),
        "policy_version": context.policy_version,
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
