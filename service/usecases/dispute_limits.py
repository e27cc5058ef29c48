"""No charge is credited twice: all credits of a team for a month stay within what it was charged there."""

from __future__ import annotations

from decimal import Decimal

from models.chargeback.lines import LineKind, amount
from models.vocabulary.errors import InputError
from models.vocabulary.money import Money
from service.runtime import Runtime
from service.usecases.billing_months import BillingMonth
from service.usecases.statement_lines import EVERYBODY, month_lines
from warehouse.database.disputes import Dispute


def refuse_more_than_charged(runtime: Runtime, dispute: Dispute, credit: Decimal) -> None:
    """Refuse a credit that, with earlier ones, gives a team back more than its month cost it.

    Parameters
    ----------
    runtime : Runtime
    dispute : Dispute
        Not decided yet.
    credit : Decimal
        Whole coins of the dispute's currency.

    Raises
    ------
    InputError
        Naming the charge and what was credited of it before.
    """
    currency = dispute.amount.currency
    charged = _charged(runtime, dispute)
    earlier = sum(
        (
            one.credit.amount
            for one in runtime.warehouse.disputes.about(dispute.month)
            if one.team == dispute.team and one.credit is not None and one.credit.currency == currency
        ),
        Decimal(0),
    )
    if earlier + credit > charged.amount:
        raise InputError(
            f"is more than is left of what {dispute.team} was charged in {dispute.month}: {charged}, of "
            f"which {Money(earlier, currency)} were credited before",
            field="credit",
            value=str(Money(credit, currency)),
        )


def _charged(runtime: Runtime, dispute: Dispute) -> Money:
    """Return what a team was charged, before any credit of a dispute."""
    lines, _ = month_lines(runtime, EVERYBODY, BillingMonth.read(runtime, dispute.month), "detail")
    whole = sum(
        line.effective
        for line in lines
        if line.team == dispute.team
        and line.currency == dispute.amount.currency
        and line.kind is not LineKind.DISPUTE
        and line.effective > 0
    )
    return Money(amount(whole), dispute.amount.currency).rounded()
