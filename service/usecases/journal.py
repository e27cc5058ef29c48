"""The journal of a month: balanced lines from its statement, as a file with a manifest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from models.chargeback.lines import ChargeLine
from models.exchange.convert import Converted, convert_summary
from models.exchange.rates import RateRule
from models.journal.booking import Booking, book_all, find_gaps
from models.journal.entries import (
    JournalLine,
    Statement,
    balances,
    charged_totals,
    journal_lines,
    showback_totals,
)
from models.vocabulary.errors import Conflict, LakeInconsistent, UsageError
from models.vocabulary.identity import Principal, Role
from service.exports.csv_file import coins
from service.exports.drafts import WrittenFile
from service.exports.journal_file import journal_name, write_journal
from service.runtime import Runtime
from service.usecases.billing_months import BillingMonth
from service.usecases.chargeback_periods import nothing_stored
from service.usecases.exchange import month_rates
from service.usecases.journal_mappings import MappingInForce, cluster_providers, required_mapping
from service.usecases.statement_lines import month_lines

FILE_TYPES = ("csv", "parquet")


@dataclass(frozen=True)
class Journal:
    """Journal lines of a month with what they came from.

    Parameters
    ----------
    month : BillingMonth
    mapping : MappingInForce
    lines : tuple of JournalLine
        In the order of the file.
    bookings : tuple of Booking
        Of every invoice line, those only shown included.
    converted : tuple of Converted or None
        The same invoice lines in the reporting currency.
    """

    month: BillingMonth
    mapping: MappingInForce
    lines: tuple[JournalLine, ...]
    bookings: tuple[Booking, ...]
    converted: tuple[Converted | None, ...]


def read_journal(runtime: Runtime, principal: Principal, month: str) -> Journal:
    """Return the journal of a month: of a closed one from its closed files alone.

    Raises
    ------
    Forbidden
        If the principal is neither finance nor admin.
    NotFound
        If nothing of the month is allocated, or no mapping is in force.
    Conflict
        Listing every charge that the mapping cannot book.
    """
    principal.require(Role.FINANCE)
    facts = BillingMonth.read(runtime, month)
    mapping = required_mapping(runtime, facts)
    summary, _ = month_lines(runtime, principal, facts, "summary")
    if not summary:
        raise nothing_stored(runtime, principal, month)
    bookings = book_or_refuse(runtime, facts, mapping, summary)
    rates = month_rates(runtime, facts)
    is_daily = rates.rule is RateRule.DAILY
    detail = month_lines(runtime, principal, facts, "detail")[0] if is_daily else []
    converted = convert_summary(summary, detail, rates)
    statement = statement_of(facts, mapping)
    lines = journal_lines(bookings, converted, statement)
    refuse_unbalanced(lines)
    return Journal(facts, mapping, tuple(lines), tuple(bookings), tuple(converted))


def statement_of(month: BillingMonth, mapping: MappingInForce) -> Statement:
    """Return what the lines of a journal share: month, which close it shows, mapping."""
    return Statement(month.period, state_of(month), mapping.mapping)


def state_of(month: BillingMonth) -> str:
    """Return which close of the month a file shows, or that it is a draft."""
    return f"r{month.revision}" if month.revision else "DRAFT"


def book_or_refuse(
    runtime: Runtime, month: BillingMonth, mapping: MappingInForce, lines: Sequence[ChargeLine]
) -> list[Booking]:
    """Return where every line is booked.

    Raises
    ------
    Conflict
        Listing every charge that the mapping cannot book.
    """
    providers = cluster_providers(runtime, month)
    gaps = find_gaps(lines, mapping.mapping, month.period, providers)
    if gaps:
        listed = "".join(f"\n- {gap}" for gap in gaps)
        raise Conflict(f"the mapping does not book all of {month.period}; fix these first:{listed}")
    return book_all(lines, mapping.mapping, month.period, providers)


def refuse_unbalanced(lines: Sequence[JournalLine]) -> None:
    """Refuse a journal in which a document does not balance, before it is written.

    Raises
    ------
    LakeInconsistent
        Naming the first such document.
    """
    wrong = next((one for one in balances(lines) if not one.is_balanced), None)
    if wrong is not None:
        raise LakeInconsistent(
            f"journal document {wrong.document_reference} of {wrong.entity} does not balance in "
            f"{wrong.currency}: nothing was written"
        )


def export_journal(
    runtime: Runtime, principal: Principal, month: str, *, file_type: str = "csv", output_file: Path
) -> WrittenFile:
    """Write the journal of a month with a manifest of its totals; equal data gives equal bytes.

    Parameters
    ----------
    runtime : Runtime
    principal : Principal
        Finance or admin.
    month : str
    file_type : str
        ``csv`` or ``parquet``.
    output_file : Path
        A file, or a folder in which it gets a name that says whether it is a draft.

    Raises
    ------
    Forbidden, NotFound, Conflict
        As `read_journal`.
    UsageError
        If there is no such file type.
    StorageError
        If the file cannot be written.
    """
    check_file_type(file_type)
    journal = read_journal(runtime, principal, month)
    state = state_of(journal.month)
    target = output_file
    if target.is_dir():
        target = target / journal_name(month, state, "journal", file_type)
    written = write_journal(target, file_type, journal.lines, _manifest(journal))
    detail = {"sha256": written.sha256, "state": state}
    runtime.warehouse.audit.append(principal, "export journal", month, runtime.now(), detail)
    return written


def check_file_type(file_type: str) -> None:
    """Refuse a file type that journals are not written in.

    Raises
    ------
    UsageError
        If it is not one.
    """
    if file_type not in FILE_TYPES:
        raise UsageError(f"{file_type!r} is not a journal format: write {', '.join(FILE_TYPES)}")


def _manifest(journal: Journal) -> dict[str, Any]:
    statement: dict[str, int] = {}
    for booking in journal.bookings:
        line = booking.line
        statement[line.currency] = statement.get(line.currency, 0) + line.effective
    charged, shown = charged_totals(journal.lines), showback_totals(journal.bookings)
    shown_sums: dict[str, int] = {}
    for (_, _, currency), total in shown.items():
        shown_sums[currency] = shown_sums.get(currency, 0) + total
    return {
        **manifest_head(journal.month, journal.mapping),
        "totals": [
            {
                "currency": currency,
                "statement": coins(total, currency),
                "journal": coins(charged.get(currency, 0), currency),
                "showback": coins(shown_sums.get(currency, 0), currency),
            }
            for currency, total in sorted(statement.items())
        ],
        "documents": document_rows(journal.lines),
        "showback": [
            {
                "entity": entity,
                "cost_centre": cost_centre,
                "currency": currency,
                "amount": coins(total, currency),
            }
            for (entity, cost_centre, currency), total in shown.items()
        ],
        "rates": rate_rows(journal.converted, journal.bookings),
    }


def manifest_head(month: BillingMonth, mapping: MappingInForce) -> dict[str, Any]:
    """Return what every journal's manifest begins with."""
    return {
        "period": month.period,
        "is_draft": month.frozen is None,
        "invoice_id": f"{month.period}-{state_of(month)}",
        "replaces": f"{month.period}-r{month.revision - 1}" if month.revision > 1 else None,
        "mapping_version": mapping.version,
        "mapping_sha256": mapping.content_hash,
    }


def document_rows(lines: Iterable[JournalLine]) -> list[dict[str, str]]:
    """Return debits and credits per document, entity and currency."""
    return [
        {
            "document_reference": one.document_reference,
            "entity": one.entity,
            "currency": one.currency,
            "debit": coins(one.debit, one.currency),
            "credit": coins(one.credit, one.currency),
        }
        for one in balances(lines)
    ]


def rate_rows(converted: Sequence[Converted | None], bookings: Sequence[Booking]) -> list[dict[str, str]]:
    """Return each rate that converted the statement, and the converted total per currency."""
    sums: dict[tuple[str, str], int] = {}
    rates: dict[tuple[str, str], set[tuple[Decimal, str, str]]] = {}
    for value, booking in zip(converted, bookings, strict=True):
        if value is None:
            continue
        key = (booking.line.currency, value.currency)
        sums[key] = sums.get(key, 0) + value.units
        known = rates.setdefault(key, set())
        if value.rate is not None:
            known.add((value.rate, str(value.rate_day), value.origin or ""))
    return [_rate_row(key, total, rates[key]) for key, total in sorted(sums.items())]


def _rate_row(key: tuple[str, str], total: int, rates: set[tuple[Decimal, str, str]]) -> dict[str, str]:
    currency, reporting = key
    row = {
        "currency": currency,
        "reporting_currency": reporting,
        "reporting_total": coins(total, reporting),
    }
    if len(rates) == 1:
        ((rate, day, origin),) = rates
        return {**row, "rate": format(rate, "f"), "rate_date": day, "origin": origin}
    return {**row, "rate": "by day"}
