"""Accruals: what an open month costs, final days as they are and the others estimated, and its entries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from models.chargeback.lines import ChargeLine, amount, closing_lines, round_lines, summarise
from models.exchange.convert import convert_lines
from models.forecast.seasonal_naive import FloatArray
from models.journal.accrual import Days, Estimate, accrued, estimate_open_days, spread
from models.journal.entries import Statement, accrual_lines, charged_totals
from models.vocabulary.errors import Conflict, NotFound, UsageError
from models.vocabulary.identity import Principal, Role
from models.vocabulary.money import minor_digits, to_coins
from models.vocabulary.windows import DAY
from service.boards.headers import read_final_days
from service.exports.csv_file import coins
from service.exports.drafts import WrittenFile
from service.exports.journal_file import journal_name, write_journal
from service.runtime import Runtime
from service.usecases.billing_months import BillingMonth
from service.usecases.daily_series import as_series
from service.usecases.exchange import month_rates
from service.usecases.journal import (
    book_or_refuse,
    check_file_type,
    document_rows,
    manifest_head,
    rate_rows,
    refuse_unbalanced,
)
from service.usecases.journal_mappings import required_mapping
from service.usecases.statement_lines import EVERYBODY, exact_lines
from warehouse.pins import Pin
from warehouse.reads.costs import CostReads

_HISTORY_DAYS = 120


@dataclass(frozen=True)
class AccruedPayer:
    """One payer: its statement line of the final days, and its part of the estimate in nano-units."""

    line: ChargeLine
    estimated: int


@dataclass(frozen=True)
class Accrual:
    """What an open month costs.

    Parameters
    ----------
    month : BillingMonth
    estimates : tuple of Estimate
        One per currency.
    payers : tuple of AccruedPayer
        In the order of a statement.
    """

    month: BillingMonth
    estimates: tuple[Estimate, ...]
    payers: tuple[AccruedPayer, ...]

    def invoice_lines(self) -> list[ChargeLine]:
        """Return what is accrued per payer in whole coins that add up to the rounded total."""
        lines = accrued([one.line for one in self.payers], [one.estimated for one in self.payers])
        return [*round_lines(lines), *closing_lines(lines)]


def read_accrual(runtime: Runtime, principal: Principal, month: str) -> Accrual:
    """Return an open month's cost to its end, per payer.

    Parameters
    ----------
    runtime : Runtime
    principal : Principal
        Finance or admin.
    month : str

    Raises
    ------
    Forbidden
        If the principal is neither finance nor admin.
    Conflict
        If the month is closed: it is invoiced.
    """
    principal.require(Role.FINANCE)
    facts = BillingMonth.read(runtime, month)
    if facts.frozen is not None:
        raise Conflict(f"{month} is closed and invoiced: export its journal without --accrual")
    pin = runtime.warehouse.pin()
    costs = CostReads(runtime.warehouse.lake, pin)
    final = read_final_days(runtime, EVERYBODY, costs)[0]
    lines, _ = exact_lines(runtime, facts, pin, is_by_workload=False)
    actual = summarise(line for line in lines if line.day is not None and final.get(line.day, False))
    estimates: list[Estimate] = []
    payers: list[AccruedPayer] = []
    for currency in sorted({line.currency for line in lines}):
        own = [line for line in actual if line.currency == currency]
        days = _days(costs, facts, final, currency)
        estimate = estimate_open_days(currency, days, sum(line.effective for line in own))
        shared = own or _payers_before(runtime, facts, pin, currency)
        parts = spread(estimate.estimated, shared)
        estimates.append(estimate)
        charged = own or [replace(line, effective=0, list_units=0, contracted=0) for line in shared]
        payers += [AccruedPayer(line, part) for line, part in zip(charged, parts, strict=True)]
    return Accrual(facts, tuple(estimates), tuple(payers))


def _days(costs: CostReads, month: BillingMonth, final: dict[date, bool], currency: str) -> Days:
    """Return the daily costs before the month and in it, up to its last final day."""
    first = month.first - _HISTORY_DAYS * DAY
    by_day = {row.day: row.cost.total_cost for row in costs.by_day(EVERYBODY, first, month.last, currency)}
    known = sorted(day for day in by_day if final.get(day, False))
    past = [first + index * DAY for index in range(_HISTORY_DAYS)]
    past = [day for day in past if known and day >= known[0]]
    own = [month.first + index * DAY for index in range((month.last - month.first).days + 1)]
    last_final = max((day for day in own if final.get(day, False)), default=None)
    behind = [day for day in own if last_final is not None and day <= last_final]

    def series(days: Sequence[date]) -> FloatArray:
        return as_series(by_day, days, final)

    return Days(series(past), series(behind), len(own) - len(behind))


def _payers_before(runtime: Runtime, month: BillingMonth, pin: Pin, currency: str) -> list[ChargeLine]:
    """Return last month's payers, by whose cost an estimate is shared while no day here is final."""
    before = BillingMonth.read(runtime, f"{month.first - DAY:%Y-%m}")
    lines, _ = exact_lines(runtime, before, pin, is_by_workload=False)
    return [line for line in summarise(lines) if line.currency == currency]


def accrual_rows(accrual: Accrual) -> list[dict[str, Any]]:
    """Return the accrued cost per cost centre and currency: final days, estimate and both, exactly."""
    sums: dict[tuple[str, str], list[int]] = {}
    for payer in accrual.payers:
        known = sums.setdefault((payer.line.currency, payer.line.cost_centre or ""), [0, 0])
        known[0] += payer.line.effective
        known[1] += payer.estimated
    return [
        {
            "cost_centre": cost_centre or None,
            "currency": currency,
            "actual_cost": amount(actual),
            "estimated_cost": amount(estimated),
            "accrued_cost": amount(actual + estimated),
        }
        for (currency, cost_centre), (actual, estimated) in sorted(sums.items())
    ]


def sentence(estimate: Estimate) -> str:
    """Return in words what an estimate rests on."""
    total = estimate.final_day_count + estimate.open_day_count
    about = f"{estimate.currency}: {estimate.final_day_count} of {total} days are final"
    if not estimate.open_day_count:
        return f"{about}; nothing is estimated"
    if estimate.method is None:
        return f"{about}; the others cannot be estimated: {estimate.reason}"
    shown = f"{about}; the others are estimated at {_shown(estimate.estimated, estimate.currency)}"
    if estimate.lower_80 is None or estimate.upper_80 is None:
        why = f": {estimate.reason}" if estimate.reason else ""
        return f"{shown} ({estimate.method}, without an interval{why})"
    low, high = (_shown(bound, estimate.currency) for bound in (estimate.lower_80, estimate.upper_80))
    return f"{shown} ({estimate.method}; 80 % between {low} and {high})"


def _shown(nano: int, currency: str) -> str:
    return f"{to_coins(amount(nano), currency):,} {currency}"


def export_accrual(
    runtime: Runtime, principal: Principal, month: str, *, file_type: str = "csv", output_file: Path
) -> WrittenFile:
    """Write accrual entries of an open month and their reversal in the next one, with a manifest.

    Raises
    ------
    Forbidden
        If the principal is neither finance nor admin.
    Conflict
        If the month is closed, or the mapping cannot book a charge.
    NotFound
        If no mapping is in force, or nothing is there to accrue.
    UsageError
        If the mapping names no liability account, or there is no such file type.
    StorageError
        If the file cannot be written.
    """
    check_file_type(file_type)
    accrual = read_accrual(runtime, principal, month)
    mapping = required_mapping(runtime, accrual.month)
    if mapping.mapping.accrual_account is None:
        raise UsageError("the journal mapping has no section accrual: add the account of accrued liabilities")
    invoice = [line for line in accrual.invoice_lines() if line.effective]
    if not invoice:
        raise NotFound(f"nothing of {month} can be accrued: no day is final")
    bookings = book_or_refuse(runtime, accrual.month, mapping, invoice)
    rates = month_rates(runtime, accrual.month)
    converted = convert_lines(invoice, rates, minor_digits(rates.reporting_currency or ""))
    statement = Statement(month, "DRAFT", mapping.mapping)
    lines = accrual_lines(bookings, converted, statement, replace(statement, month=_following(accrual.month)))
    refuse_unbalanced(lines)
    manifest = {
        **manifest_head(accrual.month, mapping),
        "kind": "accrual",
        "reversed_in": _following(accrual.month),
        "estimates": [_described(estimate) for estimate in accrual.estimates],
        "totals": [
            {"currency": currency, "accrued_less_reversed": coins(total, currency)}
            for currency, total in charged_totals(lines).items()
        ],
        "documents": document_rows(lines),
        "rates": rate_rows(converted, bookings),
    }
    target = output_file
    if target.is_dir():
        target = target / journal_name(month, "DRAFT", "accrual", file_type)
    written = write_journal(target, file_type, lines, manifest)
    detail = {"sha256": written.sha256, "state": "accrual"}
    runtime.warehouse.audit.append(principal, "export journal", month, runtime.now(), detail)
    return written


def _following(month: BillingMonth) -> str:
    return f"{month.last + DAY:%Y-%m}"


def _described(estimate: Estimate) -> dict[str, Any]:
    def shown(nano: int | None) -> str | None:
        return None if nano is None else str(Decimal(amount(nano)))

    return {
        "currency": estimate.currency,
        "final_days": estimate.final_day_count,
        "open_days": estimate.open_day_count,
        "actual": shown(estimate.actual),
        "estimated": shown(estimate.estimated),
        "lower_80": shown(estimate.lower_80),
        "upper_80": shown(estimate.upper_80),
        "method": estimate.method,
        "reason": estimate.reason,
    }
