"""Journal lines from booked charges: balanced in every document by the way they are made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum

from models.chargeback.lines import ChargeLine
from models.exchange.convert import Converted
from models.journal.booking import Booking
from models.journal.mapping import JournalMapping, Mode


class Side(StrEnum):
    """Debit or credit."""

    DEBIT = "debit"
    CREDIT = "credit"


OTHER_SIDES = ("clearing", "intercompany", "accrued")
"""``source_kind`` of lines that balance charges."""
_OTHER = {Side.DEBIT: Side.CREDIT, Side.CREDIT: Side.DEBIT}


@dataclass(frozen=True)
class JournalLine:
    """One line of a journal. Money is in nano-units, whole coins.

    Parameters
    ----------
    amount : int
        Above 0; ``side`` tells the direction.
    reporting_amount : int or None
        In the reporting currency; it balances per document as ``amount`` does. Of the sign of ``amount``
        save where days with rates of their own cancel out.
    rate, rate_date : Decimal or None, date or None
        None where several days' rates went into it.
    source_kind : str
        Kind of the charge line, or ``clearing``, ``intercompany``, ``accrued`` for the other side.
    restates : str or None
        The invoice that a correction or a settled dispute is about.
    reversal_of : str or None
        The document that this one takes back.
    """

    document_reference: str
    posting_period: str
    entity: str
    account: str
    side: Side
    currency: str
    amount: int
    text: str
    source_kind: str
    cost_centre: str | None = None
    project: str | None = None
    tax_code: str | None = None
    team: str | None = None
    cluster: str | None = None
    partner_entity: str | None = None
    reporting_currency: str | None = None
    reporting_amount: int | None = None
    rate: Decimal | None = None
    rate_date: date | None = None
    restates: str | None = None
    reversal_of: str | None = None


@dataclass(frozen=True)
class Statement:
    """What all lines of a journal share.

    Parameters
    ----------
    month : str
    revision : str
        ``r1``, or ``DRAFT``.
    mapping : JournalMapping
    """

    month: str
    revision: str
    mapping: JournalMapping


def journal_lines(
    bookings: Sequence[Booking], converted: Sequence[Converted | None], statement: Statement
) -> list[JournalLine]:
    """Return the journal of a month: what chargeback cost centres are charged, and its other side.

    A charge debits its cost centre's account and credits the clearing account of the provider; where their
    entities differ, the payer credits due-to and the provider debits due-from, so that each balances by
    itself. Negative charges swap sides. The other sides are added up per document, account and side.

    Parameters
    ----------
    bookings : sequence of Booking
        Of invoice lines in whole coins.
    converted : sequence of Converted or None
        The same lines in the reporting currency.
    statement : Statement

    Returns
    -------
    list of JournalLine
        In a fixed order. In every document, entity and currency debits are credits.
    """
    charges: list[JournalLine] = []
    others: list[JournalLine] = []
    for booking, value in zip(bookings, converted, strict=True):
        if booking.line.effective == 0 or booking.mode is not Mode.CHARGEBACK:
            continue
        charge = _charge(booking, value, statement)
        charges.append(charge)
        others += _other_side(booking, charge, statement)
    return sorted([*charges, *_added(others)], key=_order)


def accrual_lines(
    bookings: Sequence[Booking],
    converted: Sequence[Converted | None],
    statement: Statement,
    following: Statement,
) -> list[JournalLine]:
    """Return accrual entries of a month and their reversal in the following one.

    An accrual debits the cost centre's account and credits the accrued liability of its own entity; each
    document is taken back line by line in the next period, so that both together are nothing.

    Parameters
    ----------
    bookings, converted : sequence
        As for `journal_lines`.
    statement, following : Statement
        Of the month and of the one that reverses it.
    """
    account = statement.mapping.accrual_account
    assert account is not None
    charges: list[JournalLine] = []
    others: list[JournalLine] = []
    for booking, value in zip(bookings, converted, strict=True):
        if booking.line.effective == 0 or booking.mode is not Mode.CHARGEBACK:
            continue
        charge = _charge(booking, value, statement)
        charge = replace(charge, text=f"Accrual: {charge.text}")
        charges.append(charge)
        others.append(_counter(charge, charge.entity, account, "accrued", "Accrued Kubernetes cost"))
    own = [
        replace(line, document_reference=f"{line.document_reference}-ACCRUAL")
        for line in sorted([*charges, *_added(others)], key=_order)
    ]
    return [*own, *(_reversed(line, following) for line in own)]


def _reversed(line: JournalLine, following: Statement) -> JournalLine:
    return replace(
        line,
        side=_OTHER[line.side],
        posting_period=following.mapping.period_name(following.month),
        document_reference=f"{line.document_reference}-REV",
        reversal_of=line.document_reference,
        text=f"Reversal: {line.text}",
    )


def _charge(booking: Booking, value: Converted | None, statement: Statement) -> JournalLine:
    line, sign = booking.line, 1 if booking.line.effective > 0 else -1
    mapping = statement.mapping
    return JournalLine(
        document_reference=mapping.reference(
            statement.month, booking.entity, line.currency, statement.revision
        ),
        posting_period=mapping.period_name(statement.month),
        entity=booking.entity,
        account=booking.account,
        side=Side.DEBIT if sign > 0 else Side.CREDIT,
        currency=line.currency,
        amount=sign * line.effective,
        text=_text(line, statement.month),
        source_kind=line.kind.value,
        cost_centre=booking.cost_centre,
        project=booking.project,
        tax_code=booking.tax_code,
        team=line.team,
        cluster=line.cluster,
        reporting_currency=None if value is None else value.currency,
        reporting_amount=None if value is None else sign * value.units,
        rate=None if value is None else value.rate,
        rate_date=None if value is None else value.rate_day,
        restates=line.restates,
    )


def _text(line: ChargeLine, month: str) -> str:
    about = f"Correction of {line.restates}: " if line.correction else ""
    reference = f", {line.reference}" if line.reference else ""
    return f"{about}Kubernetes {month} {line.cluster} {line.kind.value.replace('_', ' ')}{reference}"


def _other_side(booking: Booking, charge: JournalLine, statement: Statement) -> list[JournalLine]:
    """Return what balances a charge, in its own document and in the provider's."""
    provider, between = booking.provider, booking.intercompany
    if between is None:
        return [_counter(charge, charge.entity, provider.account, "clearing", "Clearing of Kubernetes cost")]
    owed = _counter(charge, charge.entity, between.due_to_account, "intercompany", "Due to the provider")
    owed = replace(owed, partner_entity=provider.entity)
    document = statement.mapping.reference(
        statement.month, provider.entity, charge.currency, statement.revision
    )
    there = replace(owed, entity=provider.entity, document_reference=document, partner_entity=charge.entity)
    claimed = replace(there, account=between.due_from_account, side=charge.side, text="Due from the payer")
    cleared = replace(
        there,
        account=provider.account,
        source_kind="clearing",
        text="Clearing of Kubernetes cost",
        partner_entity=None,
    )
    return [owed, claimed, cleared]


def _counter(charge: JournalLine, entity: str, account: str, kind: str, text: str) -> JournalLine:
    return replace(
        charge,
        entity=entity,
        account=account,
        side=_OTHER[charge.side],
        source_kind=kind,
        text=text,
        cost_centre=None,
        project=None,
        tax_code=None,
        team=None,
        cluster=None,
        restates=None,
    )


def _added(lines: Iterable[JournalLine]) -> list[JournalLine]:
    """Add lines up that differ in their money only; a rate stays where all have it."""
    found: dict[JournalLine, JournalLine] = {}
    for line in lines:
        key = replace(line, amount=0, reporting_amount=None, rate=None, rate_date=None)
        known = found.get(key)
        found[key] = line if known is None else _plus(known, line)
    return list(found.values())


def _plus(one: JournalLine, other: JournalLine) -> JournalLine:
    is_same = (one.rate, one.rate_date) == (other.rate, other.rate_date)
    both = one.reporting_amount is not None and other.reporting_amount is not None
    return replace(
        one,
        amount=one.amount + other.amount,
        reporting_amount=(one.reporting_amount or 0) + (other.reporting_amount or 0) if both else None,
        rate=one.rate if is_same else None,
        rate_date=one.rate_date if is_same else None,
    )


def _order(line: JournalLine) -> tuple[str, ...]:
    is_other_side = line.source_kind in OTHER_SIDES
    rest = (
        line.cost_centre,
        line.account,
        line.side,
        line.cluster,
        line.source_kind,
        line.team,
        line.partner_entity,
        line.restates,
        line.text,
    )
    return (line.document_reference, "1" if is_other_side else "0", *(part or "" for part in rest))


@dataclass(frozen=True)
class Balance:
    """Debits and credits of one document, entity and currency, in nano-units."""

    document_reference: str
    entity: str
    currency: str
    debit: int
    credit: int
    reporting_debit: int
    reporting_credit: int

    @property
    def is_balanced(self) -> bool:
        """Whether debits are credits, in both currencies."""
        return self.debit == self.credit and self.reporting_debit == self.reporting_credit


def balances(lines: Iterable[JournalLine]) -> list[Balance]:
    """Return debits and credits per document, entity and currency, in order."""
    sums: dict[tuple[str, str, str], list[int]] = {}
    for line in lines:
        key = (line.document_reference, line.entity, line.currency)
        known = sums.setdefault(key, [0, 0, 0, 0])
        position = 0 if line.side is Side.DEBIT else 1
        known[position] += line.amount
        known[position + 2] += line.reporting_amount or 0
    return [Balance(*key, *values) for key, values in sorted(sums.items())]


def charged_totals(lines: Iterable[JournalLine]) -> dict[str, int]:
    """Return what the journal charges per currency: debits less credits of its charge lines."""
    sums: dict[str, int] = {}
    for line in lines:
        if line.source_kind not in OTHER_SIDES:
            sign = 1 if line.side is Side.DEBIT else -1
            sums[line.currency] = sums.get(line.currency, 0) + sign * line.amount
    return dict(sorted(sums.items()))


def showback_totals(bookings: Iterable[Booking]) -> Mapping[tuple[str, str, str], int]:
    """Return what is only shown, per entity, cost centre and currency."""
    sums: dict[tuple[str, str, str], int] = {}
    for booking in bookings:
        if booking.mode is Mode.SHOWBACK:
            key = (booking.entity, booking.cost_centre or "", booking.line.currency)
            sums[key] = sums.get(key, 0) + booking.line.effective
    return dict(sorted(sums.items()))
