"""Disputes and the provider's bill on the chargeback board."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.vocabulary.identity import Principal
from service.boards.chargeback import Check
from service.boards.formats import Tone, money, percent
from service.boards.texts import say, say_or
from service.runtime import Runtime
from service.usecases.disputes import disputes
from service.usecases.reconciliation import NO_BILL, OVER, Reconciliation, reconcile


@dataclass(frozen=True)
class DisputeRow:
    """One dispute, in words."""

    key: str
    text: str
    subject: str
    when: str
    tone: Tone


def read_disputes(runtime: Runtime, principal: Principal, month: str) -> tuple[DisputeRow, ...]:
    """Return the visible disputes of a month, those that wait for an answer first.

    Raises
    ------
    Forbidden
        If the principal may read no costs.
    """
    now, rows = runtime.now(), []
    mine = [one for one in disputes(runtime, principal) if one.month == month]
    for one in sorted(mine, key=lambda found: (not found.state.is_pending, found.deadline_at, found.id)):
        is_overdue = one.is_overdue(now)
        when = ""
        if one.state.is_pending:
            key = "chargeback.dispute_overdue" if is_overdue else "chargeback.dispute_due"
            when = say(key, day=f"{one.deadline_at:%-d %b %Y}")
        text = say("chargeback.dispute", id=one.id, team=one.team, amount=one.amount, state=one.state.value)
        tone = Tone.BAD if is_overdue else Tone.WARNING if one.state.is_pending else Tone.NEUTRAL
        rows.append(DisputeRow(one.id, text, one.subject, when, tone))
    return tuple(rows)


def bill_checks(runtime: Runtime, principal: Principal, month: str) -> tuple[Check, ...]:
    """Return whether the provider's bill of each cluster agrees with what was allocated.

    Raises
    ------
    Forbidden
        If the principal sees only some teams.
    """
    return check_bills(reconcile(runtime, principal, month))


def check_bills(found: Sequence[Reconciliation]) -> tuple[Check, ...]:
    """Word a reconciliation: one line per cluster, those over tolerance first; they block the close."""
    label = say("chargeback.check.bill")
    if not found:
        return (Check("bill", label, say("chargeback.check.bill_none"), is_passed=False, is_blocking=False),)
    rows = []
    for one in sorted(found, key=lambda row: row.state != OVER):
        if one.state == NO_BILL:
            text = say("chargeback.check.bill_missing", cluster=one.cluster)
            rows.append(Check(f"bill_{one.cluster}", label, text, is_passed=False, is_blocking=False))
            continue
        is_over = one.state == OVER
        cause = max(one.causes, key=lambda name: abs(one.causes[name]))
        text = say(
            "chargeback.check.bill_bad" if is_over else "chargeback.check.bill_ok",
            cluster=one.cluster,
            billed=money(one.billed, one.currency),
            allocated=money(one.allocated, one.currency),
            gap=money(one.gap, one.currency),
            ratio=percent(one.ratio, digits=2),
            cause=say_or(f"chargeback.gap.{cause}", cause.replace("_", " ")),
        )
        rows.append(Check(f"bill_{one.cluster}", label, text, is_passed=not is_over))
    return tuple(rows)
