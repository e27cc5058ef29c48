"""The journal mapping: importing versions of it, which one holds for a month, and what it leaves open."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from ingest.files.mapping_files import load_mapping_document
from models.chargeback.lines import ChargeLine
from models.journal.booking import find_gaps
from models.journal.document import parse_mapping
from models.journal.mapping import JournalMapping
from models.vocabulary.errors import NotFound, UsageError
from models.vocabulary.identity import Principal, Role
from service.runtime import Runtime
from service.usecases.billing_months import BillingMonth
from service.usecases.statement_lines import month_lines
from warehouse.database.audit import AuditNote
from warehouse.database.journal import StoredMapping, document_hash

MAPPING = "journal_mapping"
"""Table of a close: the mapping in force, one row, or none."""
_SCHEMA = pa.schema(
    [
        ("version", pa.int64()),
        ("effective_month", pa.string()),
        ("content", pa.string()),
        ("content_hash", pa.string()),
        ("principal", pa.string()),
    ]
)


@dataclass(frozen=True)
class MappingInForce:
    """The mapping that books a month.

    Parameters
    ----------
    version : int
        Its number; 0 for a file that is only tried.
    content_hash : str
        sha256 of its document.
    """

    version: int
    content_hash: str
    mapping: JournalMapping


def import_mapping(runtime: Runtime, principal: Principal, path: Path) -> StoredMapping:
    """Check a mapping file from end to end and store it as the next version.

    Closed months keep the mapping they were closed with.

    Raises
    ------
    Forbidden
        If the principal is neither finance nor admin.
    InputError
        Naming section, row, field and value.
    """
    principal.require(Role.FINANCE)
    document = load_mapping_document(path)
    mapping = parse_mapping(document, str(path))
    detail = {"effective_month": mapping.effective_month, "content_hash": document_hash(document)}
    note = AuditNote(principal.id, "import journal mapping", path.name, runtime.now(), detail)
    return runtime.warehouse.journal_mappings.add(mapping.effective_month, document, path.name, note)


def list_mappings(runtime: Runtime, principal: Principal) -> list[StoredMapping]:
    """Return every version, oldest first.

    Raises
    ------
    Forbidden
        If the principal is neither finance nor admin.
    """
    principal.require(Role.FINANCE)
    return runtime.warehouse.journal_mappings.list()


def installed_mapping(runtime: Runtime, month: BillingMonth) -> MappingInForce | None:
    """Return the mapping that books a month: the frozen one of a closed month; None where there is none."""
    if month.frozen is not None:
        rows = month.frozen.table(MAPPING).to_pylist() if month.frozen.has(MAPPING) else []
        if not rows:
            return None
        row = rows[0]
        return MappingInForce(row["version"], row["content_hash"], parse_mapping(json.loads(row["content"])))
    stored = runtime.warehouse.journal_mappings.in_force(month.period)
    if stored is None:
        return None
    return MappingInForce(stored.version, stored.content_hash, parse_mapping(stored.content))


def required_mapping(runtime: Runtime, month: BillingMonth) -> MappingInForce:
    """Return the mapping that books a month.

    Raises
    ------
    NotFound
        If there is none, with the remedy.
    """
    found = installed_mapping(runtime, month)
    if found is None:
        how = (
            "it was closed without one, so it has no journal"
            if month.frozen is not None
            else "add one with `millicore journal mapping import`"
        )
        raise NotFound(f"no journal mapping is in force for {month.period}: {how}")
    return found


def mapping_table(runtime: Runtime, month: BillingMonth) -> pa.Table:
    """Return the mapping in force as a table to be kept; no row where there is none."""
    stored = runtime.warehouse.journal_mappings.in_force(month.period)
    rows = []
    if stored is not None:
        content = json.dumps(stored.content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        rows.append(
            {
                "version": stored.version,
                "effective_month": stored.effective_month,
                "content": content,
                "content_hash": stored.content_hash,
                "principal": stored.principal,
            }
        )
    return pa.Table.from_pylist(rows, _SCHEMA)


def cluster_providers(runtime: Runtime, month: BillingMonth) -> Mapping[str, str]:
    """Return the provider of each cluster; of a closed month as it was."""
    if month.frozen is not None:
        found: Mapping[str, str] = month.frozen.manifest["providers"]
        return found
    return {one.name: one.provider for one in runtime.warehouse.clusters.list() if one.provider}


def journal_problems(runtime: Runtime, month: BillingMonth, lines: Sequence[ChargeLine]) -> list[str]:
    """Return every charge of a month that the installed mapping cannot book; none without a mapping.

    Parameters
    ----------
    runtime : Runtime
    month : BillingMonth
    lines : sequence of ChargeLine
        Of the month, with the corrections that it takes.
    """
    installed = installed_mapping(runtime, month)
    if installed is None:
        return []
    gaps = find_gaps(lines, installed.mapping, month.period, cluster_providers(runtime, month))
    return [f"journal: {gap}" for gap in gaps]


def check_mapping(runtime: Runtime, principal: Principal, month: str, path: Path | None = None) -> list[str]:
    """Return what a mapping file, or the installed mapping, leaves open for the charges of a month.

    Raises
    ------
    Forbidden
        If the principal is neither finance nor admin.
    UsageError
        If the file is for later months only.
    NotFound
        If there is neither file nor installed mapping.
    """
    principal.require(Role.FINANCE)
    facts = BillingMonth.read(runtime, month)
    if path is None:
        mapping = required_mapping(runtime, facts).mapping
    else:
        mapping = parse_mapping(load_mapping_document(path), str(path))
        if mapping.effective_month > month:
            raise UsageError(f"{path} is effective from {mapping.effective_month}, after {month}")
    lines, _ = month_lines(runtime, principal, facts, "summary")
    return find_gaps(lines, mapping, month, cluster_providers(runtime, facts))


def show_rows(runtime: Runtime, principal: Principal, month: str) -> list[dict[str, str | None]]:
    """Return the rows of the mapping that books a month, for people to read.

    Raises
    ------
    Forbidden
        If the principal is neither finance nor admin.
    NotFound
        If there is none.
    """
    principal.require(Role.FINANCE)
    mapping = required_mapping(runtime, BillingMonth.read(runtime, month)).mapping
    rows: list[dict[str, str | None]] = [
        {
            "section": "cost_centre",
            "key": row.cost_centre,
            "entity": row.entity,
            "account": row.account,
            "mode": row.mode.value,
            "from_month": row.from_month,
            "project": row.project,
            "tax_code": row.tax_code,
        }
        for name in sorted({row.cost_centre for row in mapping.cost_centres})
        if (row := mapping.cost_centre(name, month)) is not None
    ]
    rows += [
        {"section": "kind", "key": f"{row.kind} -> {row.cost_centre or 'its own'}", "account": row.account}
        for row in mapping.kinds
    ]
    rows += [
        {
            "section": "provider",
            "key": row.cluster if row.provider is None else f"{row.cluster} of {row.provider}",
            "entity": row.entity,
            "account": row.account,
        }
        for row in mapping.providers
    ]
    rows.append(
        {"section": "rounding", "entity": mapping.rounding.entity, "account": mapping.rounding.account}
    )
    return rows
