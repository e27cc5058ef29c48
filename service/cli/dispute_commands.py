"""Commands of disputes: a team contests a charge, finance answers and decides."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from models.vocabulary.errors import UsageError
from service.cli.commands import command
from service.cli.months import Month
from service.cli.output import Column, amount
from service.cli.session import Session

if TYPE_CHECKING:
    from datetime import datetime

    from warehouse.database.disputes import Dispute

group = typer.Typer(help="Contested charges and what became of them.", no_args_is_help=True)

_COLUMNS = (
    Column("dispute_id", "id"),
    Column("state"),
    Column("month"),
    Column("team"),
    amount("amount"),
    Column("currency", ""),
    Column("subject"),
    Column("reason", is_in_table=False),
    Column("opened_by", "opened by"),
    Column("opened_at", is_in_table=False),
    Column("owner"),
    Column("deadline_at", "deadline"),
    Column("is_overdue", "overdue"),
    amount("credit"),
    Column("receiver", "charged to"),
    Column("posted_in", "posted in"),
)
_EVENT_COLUMNS = (
    Column("occurred_at", "at"),
    Column("action"),
    Column("principal", "by"),
    Column("note"),
    Column("evidence_name", "evidence"),
    Column("evidence_sha256", "sha256"),
)

DisputeId = Annotated[str, typer.Argument(help="Like D-0001.", metavar="ID")]
Note = Annotated[str, typer.Option("--note", help="Kept with the dispute.")]
Evidence = Annotated[
    str | None, typer.Option("--evidence", help="Text, or a file that is kept with its sha256.")
]
Reason = Annotated[str, typer.Option("--reason", help="Kept with the dispute.")]


def register(app: typer.Typer) -> None:
    """Add the group ``dispute``."""
    app.add_typer(group, name="dispute")


@command(
    group,
    "open",
    example='millicore dispute open --month 2026-10 --team shop --amount 120.50 --reason "not our nodes"',
    columns=_COLUMNS,
)
def open_new(  # noqa: PLR0913 - what a claim says, all by name
    session: Session,
    month: Month,
    team: Annotated[str, typer.Option("--team", help="Whose charge is contested.")],
    reason: Reason,
    contested: Annotated[
        str | None, typer.Option("--amount", help="What is contested; all selected lines by default.")
    ] = None,
    line: Annotated[
        list[str] | None,
        typer.Option("--line", help="FIELD=VALUE of the contested lines, such as namespace=shop."),
    ] = None,
    evidence: Evidence = None,
    currency: Annotated[
        str | None, typer.Option("--currency", help="Where the team is charged in several.", metavar="CODE")
    ] = None,
    owner: Annotated[str | None, typer.Option("--owner", help="Who in finance answers for it.")] = None,
) -> None:
    """Contest a charge of a team; the month stays as it is until finance settles."""
    from service.usecases.disputes import Claim, open_dispute

    claim = Claim(
        month=month,
        team=team,
        reason=reason,
        amount=None if contested is None else _decimal(contested, "--amount"),
        lines=_selection(line or []),
        currency=currency,
        owner=owner,
    )
    found = open_dispute(session.runtime, session.principal, claim, _evidence(evidence))
    _show(session, [found])


@command(group, "list", example="millicore dispute list --state open", columns=_COLUMNS)
def list_disputes(
    session: Session,
    state: Annotated[
        str | None, typer.Option("--state", help="open, answered, settled, rejected or withdrawn.")
    ] = None,
) -> None:
    """List disputes, oldest first, with those that are overdue marked."""
    from service.usecases.disputes import disputes, parse_state

    chosen = None if state is None else parse_state(state)
    _show(session, disputes(session.runtime, session.principal, chosen))


@command(group, "show", example="millicore dispute show D-0001", columns=_EVENT_COLUMNS)
def show(session: Session, dispute_id: DisputeId) -> None:
    """Show everything that was said and done about a dispute."""
    from service.usecases.disputes import dispute_history

    found, events = dispute_history(session.runtime, session.principal, dispute_id)
    session.rows([vars(event) for event in events], _EVENT_COLUMNS)
    session.say(f"{found.id} ({found.state}): {found.subject}; contested {found.amount}")


@command(group, "answer", example='millicore dispute answer D-0001 --note "looked at it"', columns=_COLUMNS)
def answer(
    session: Session,
    dispute_id: DisputeId,
    note: Note,
    evidence: Evidence = None,
    owner: Annotated[str | None, typer.Option("--owner", help="Who answers from now on.")] = None,
) -> None:
    """Answer a dispute for finance."""
    from service.usecases.disputes import answer_dispute

    found = answer_dispute(
        session.runtime, session.principal, dispute_id, note, evidence=_evidence(evidence), owner=owner
    )
    _show(session, [found])


@command(group, "comment", example="millicore dispute comment D-0001 --evidence bill.pdf", columns=_COLUMNS)
def comment(
    session: Session,
    dispute_id: DisputeId,
    note: Note = "",
    evidence: Evidence = None,
) -> None:
    """Add words or evidence to a dispute that is not decided."""
    from service.usecases.disputes import comment_on_dispute

    found = comment_on_dispute(
        session.runtime, session.principal, dispute_id, note, evidence=_evidence(evidence)
    )
    _show(session, [found])


@command(
    group,
    "settle",
    example="millicore dispute settle D-0001 --credit 120.50 --to platform",
    columns=_COLUMNS,
)
def settle(
    session: Session,
    dispute_id: DisputeId,
    credit: Annotated[str, typer.Option("--credit", help="What the team gets back.")],
    to: Annotated[str, typer.Option("--to", help="Team that is charged instead, or platform.")],
    note: Note = "",
) -> None:
    """Credit a team by two lines of the next open month."""
    from service.usecases.disputes import settle_dispute

    found = settle_dispute(
        session.runtime, session.principal, dispute_id, _decimal(credit, "--credit"), to, note
    )
    _show(session, [found])


@command(
    group, "reject", example='millicore dispute reject D-0001 --reason "charge stands"', columns=_COLUMNS
)
def reject(session: Session, dispute_id: DisputeId, reason: Reason) -> None:
    """Decide that a charge stands."""
    from service.usecases.disputes import reject_dispute

    _show(session, [reject_dispute(session.runtime, session.principal, dispute_id, reason)])


@command(group, "withdraw", example="millicore dispute withdraw D-0001", columns=_COLUMNS)
def withdraw(
    session: Session,
    dispute_id: DisputeId,
    note: Note = "",
) -> None:
    """Take a dispute back."""
    from service.usecases.disputes import withdraw_dispute

    _show(session, [withdraw_dispute(session.runtime, session.principal, dispute_id, note)])


def _show(session: Session, found: list[Dispute]) -> None:
    now = session.runtime.now()
    session.rows([_row(one, now) for one in found], _COLUMNS, empty="There are no disputes.")


def _row(dispute: Dispute, now: datetime) -> dict[str, Any]:
    return {
        **vars(dispute),
        "dispute_id": dispute.id,
        "state": dispute.state.value,
        "amount": dispute.amount.amount,
        "currency": dispute.amount.currency,
        "is_overdue": dispute.is_overdue(now),
        "credit": None if dispute.credit is None else dispute.credit.amount,
        "receiver": dispute.receiver or ("platform" if dispute.credit is not None else None),
    }


def _decimal(text: str, option: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        raise UsageError(f"{option} {text!r} is not an amount like 120.50")
    return value


def _selection(pairs: list[str]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign:
            raise UsageError(f"--line {pair!r} is not FIELD=VALUE, such as namespace=shop")
        found[name.strip()] = value.strip()
    return found


def _evidence(value: str | None) -> str | Path | None:
    """Return a path where the text names a file that is there."""
    if value is None or "\n" in value or len(value) > 255:
        return value
    return Path(value) if Path(value).is_file() else value
