"""The statement of a month: what each payer owes and why, by payer or by cause, in whole coins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any

from models.chargeback.lines import BILL_KINDS, ChargeLine, LineKind, amount
from models.chargeback.sharing import leftovers
from models.vocabulary.identity import Principal
from models.vocabulary.money import minor_digits
from service.runtime import Runtime
from service.usecases.billing_months import BillingMonth
from service.usecases.chargeback_periods import nothing_stored
from service.usecases.policies import MonthPolicy, month_policy
from service.usecases.statement_lines import (
    EVERYBODY,
    WholeMonth,
    cause_lines,
    correction_lines,
    in_whole_coins,
    visible,
)

_ZERO = Decimal(0)


class View(StrEnum):
    """Which of the two identities a statement shows; both add up to the same total."""

    PAYER = "payer"
    CAUSE = "cause"


@dataclass(frozen=True)
class StatementRow:
    """One payer of a cluster in one currency; every amount in whole coins, adding up to ``total``.

    Parameters
    ----------
    cluster, currency : str
    payer : str
        A team, or ``(unowned)``, ``(idle)``, ``(overhead)``, ``(bill)``, ``(rounding)``.
    team, cost_centre : str or None
        None where nobody owns the cost.
    direct : Decimal
        Own workloads, by max(request, usage); by payer.
    used, unused_request, unmeasured : Decimal
        The same, parted; by cause.
    idle, overhead : Decimal
        Lines of their own.
    idle_share, overhead_share, shared_in, shared_out, oversell_gain : Decimal
        What policies moved; ``shared_out`` is negative. By payer.
    bill_items, disputes, corrections, rounding : Decimal
    """

    cluster: str
    currency: str
    payer: str
    team: str | None = None
    cost_centre: str | None = None
    direct: Decimal = _ZERO
    used: Decimal = _ZERO
    unused_request: Decimal = _ZERO
    unmeasured: Decimal = _ZERO
    idle: Decimal = _ZERO
    overhead: Decimal = _ZERO
    idle_share: Decimal = _ZERO
    overhead_share: Decimal = _ZERO
    shared_in: Decimal = _ZERO
    shared_out: Decimal = _ZERO
    oversell_gain: Decimal = _ZERO
    bill_items: Decimal = _ZERO
    disputes: Decimal = _ZERO
    corrections: Decimal = _ZERO
    rounding: Decimal = _ZERO
    total: Decimal = _ZERO


@dataclass(frozen=True)
class Statement:
    """A month as one of the two views shows it.

    Parameters
    ----------
    period, state : str
    revision : int
        Which close counts; 0 while the month is open.
    view : View
    policy : MonthPolicy
    rows : tuple of StatementRow
        Of the teams that the reader may see.
    notes : tuple of str
        What a policy wanted to move and nobody could take.
    """

    period: str
    state: str
    revision: int
    view: View
    policy: MonthPolicy
    rows: tuple[StatementRow, ...]
    notes: tuple[str, ...]


def statement(
    runtime: Runtime,
    principal: Principal,
    month: str,
    view: View = View.PAYER,
    *,
    team: str | None = None,
    whole: WholeMonth | None = None,
) -> Statement:
    """Return a month's statement for the teams that a principal may see.

    Every figure is the same whoever asks: policies and rounding look at all lines, then rows are filtered.

    Parameters
    ----------
    runtime : Runtime
    principal : Principal
    month : str
        ``2026-10``.
    view : View
    team : str or None
        Only this team's rows.
    whole : WholeMonth or None
        The month, where it is read already.

    Raises
    ------
    Forbidden
        If the principal may read no costs at all.
    NotFound
        If nothing of the month is allocated.
    """
    principal.visible_teams()
    whole = whole or WholeMonth.read(runtime, month)
    facts = whole.facts
    policy = month_policy(runtime, facts)
    lines = whole.coins if view is View.PAYER else _cause_coins(runtime, facts)
    if not lines:
        raise nothing_stored(runtime, principal, month)
    own = [line for line in visible(lines, principal) if team is None or line.team == team]
    notes = _notes(policy, whole.exact) if view is View.PAYER and principal.sees_all_teams else ()
    return Statement(facts.period, facts.state, facts.revision, view, policy, _rows(own, view), notes)


def _cause_coins(runtime: Runtime, facts: BillingMonth) -> list[ChargeLine]:
    return in_whole_coins(cause_lines(runtime, facts), correction_lines(runtime, EVERYBODY, facts))


def _notes(policy: MonthPolicy, lines: Sequence[ChargeLine]) -> tuple[str, ...]:
    return tuple(
        f"{amount(total):,.2f} {currency} of {cluster} ({what}) stays where it arose: "
        "the policy finds nobody to charge"
        for what, cluster, currency, total in leftovers(policy.policy, lines)
    )


def _rows(lines: Sequence[ChargeLine], view: View) -> tuple[StatementRow, ...]:
    found: dict[tuple[str, str, str, str], StatementRow] = {}
    for line in lines:
        payer = _payer(line)
        key = (line.currency, line.cluster, payer, line.cost_centre or "")
        row = found.get(key) or StatementRow(line.cluster, line.currency, payer, line.team, line.cost_centre)
        found[key] = _added(row, _terms(line, view))
    ordered = sorted(found, key=lambda key: (key[0], key[1], key[2].startswith("("), key[2], key[3]))
    return tuple(_in_coins(found[key]) for key in ordered)


def _in_coins(row: StatementRow) -> StatementRow:
    """Return a row whose amounts, whole coins already, show the decimals of their currency."""
    digits = minor_digits(row.currency)
    amounts = {field.name: getattr(row, field.name) for field in fields(row)}
    shown: dict[str, Any] = {
        name: round(value, digits) for name, value in amounts.items() if isinstance(value, Decimal)
    }
    return replace(row, **shown)


_PAYERS = {
    LineKind.IDLE: "(idle)",
    LineKind.OVERHEAD: "(overhead)",
    LineKind.ROUNDING: "(rounding)",
    LineKind.DISPUTE: "(disputes)",
    **dict.fromkeys(BILL_KINDS, "(bill)"),
}


def _payer(line: ChargeLine) -> str:
    return line.team if line.team is not None else _PAYERS.get(line.kind, "(unowned)")


_TERM_OF = {
    LineKind.TEAM: "direct",
    LineKind.UNOWNED: "direct",
    LineKind.DISPUTE: "disputes",
    **dict.fromkeys(BILL_KINDS, "bill_items"),
}


def _terms(line: ChargeLine, view: View) -> Mapping[str, Decimal]:
    whole = amount(line.effective)
    if line.correction is not None:
        return {"corrections": whole, "total": whole}
    if view is View.CAUSE and line.kind in (LineKind.TEAM, LineKind.UNOWNED):
        causes = {name: amount(getattr(line, name)) for name in ("used", "unused_request", "unmeasured")}
        return {**causes, "total": whole}
    return {_TERM_OF.get(line.kind, line.kind.value): whole, "total": whole}


def _added(row: StatementRow, terms: Mapping[str, Decimal]) -> StatementRow:
    sums: dict[str, Any] = {name: getattr(row, name) + value for name, value in terms.items()}
    return replace(row, **sums)
