"""The statement on the chargeback board: what each payer owes, term by term, adding up to the file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from models.vocabulary.identity import Principal
from service.boards.texts import say
from service.runtime import Runtime
from service.usecases.policies import MonthPolicy
from service.usecases.statement import StatementRow, statement
from service.usecases.statement_lines import WholeMonth

_TERMS: tuple[tuple[str, Callable[[StatementRow], Decimal]], ...] = (
    ("own", lambda row: row.direct + row.idle + row.overhead),
    ("idle_share", lambda row: row.idle_share),
    ("overhead_share", lambda row: row.overhead_share),
    ("shared", lambda row: row.shared_in + row.shared_out),
    ("gain", lambda row: row.oversell_gain),
    ("bill", lambda row: row.bill_items),
    ("adjusted", lambda row: row.disputes + row.corrections),
    ("rounding", lambda row: row.rounding),
)
"""Columns in order; one in which every row is 0 is left out."""


@dataclass(frozen=True)
class PayerRow:
    """One payer of a cluster; ``terms`` add up to ``total``, in the columns of the table."""

    payer: str
    cluster: str
    cost_centre: str
    terms: tuple[Decimal, ...]
    total: Decimal


@dataclass(frozen=True)
class PayerTable:
    """Who pays what, in one currency, the dearest first and the sum last.

    Parameters
    ----------
    columns : tuple of str
        Headings of the terms.
    rows : tuple of PayerRow
    policy_text : str
        Which version of the policies moved cost between payers.
    notes : tuple of str
        What a policy could not move.
    """

    columns: tuple[str, ...]
    rows: tuple[PayerRow, ...]
    policy_text: str
    notes: tuple[str, ...]


def read_payers(
    runtime: Runtime, principal: Principal, month: str, currency: str, *, whole: WholeMonth | None = None
) -> PayerTable:
    """Return the statement of a month in one currency for the visible teams.

    Raises
    ------
    Forbidden
        If the principal may read no costs.
    NotFound
        If nothing of the month is allocated.
    """
    found = statement(runtime, principal, month, whole=whole)
    mine = [row for row in found.rows if row.currency == currency]
    return build_payers(mine, found.policy, found.notes)


def build_payers(rows: Sequence[StatementRow], policy: MonthPolicy, notes: Sequence[str]) -> PayerTable:
    """Word a statement: only terms that anybody has, a row for each payer, and their sum."""
    used = [(name, term) for name, term in _TERMS if any(term(row) for row in rows)]
    payers = [
        PayerRow(
            row.payer, row.cluster, row.cost_centre or "", tuple(term(row) for _, term in used), row.total
        )
        for row in rows
    ]
    payers.sort(key=lambda row: (row.payer.startswith("("), -row.total, row.payer, row.cluster))
    whole = PayerRow(
        say("team.total"),
        "",
        "",
        tuple(sum((row.terms[index] for row in payers), Decimal(0)) for index in range(len(used))),
        sum((row.total for row in payers), Decimal(0)),
    )
    return PayerTable(
        tuple(say(f"payers.{name}") for name, _ in used),
        (*payers, whole) if payers else (),
        say("payers.policy_default") if policy.version == 0 else say("payers.policy", policy=policy.label),
        tuple(notes),
    )
