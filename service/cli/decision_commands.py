"""Commands of owners: a suggestion is accepted, edited, rejected, put off or taken back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from models.vocabulary.errors import UsageError
from models.vocabulary.suggestion_life import RejectionReason
from models.vocabulary.windows import parse_instant
from service.cli.commands import command
from service.cli.explanation_text import VALUES, say_change
from service.cli.output import Column, Row, amount
from service.cli.recommend_commands import SuggestionId, group, stored_suggestion
from service.cli.session import Session

if TYPE_CHECKING:
    from service.usecases.bulk_decisions import BulkScope

EVENT_COLUMNS = (
    Column("occurred_at", "when"),
    Column("state"),
    Column("principal", "who"),
    Column("reason"),
    Column("until"),
    Column("note"),
    Column("evidence", is_in_table=False),
)
BULK_COLUMNS = (
    Column("id", is_in_table=False),
    Column("short_id", "id"),
    Column("team"),
    Column("workload"),
    Column("container"),
    *(Column(f"advised_{name}", is_in_table=False) for name in VALUES),
    Column("cpu", "CPU request"),
    Column("memory", "memory request"),
    amount("requested_saving_per_month", "saving/month"),
    Column("currency", ""),
    Column("decision"),
    Column("because"),
)
Note = Annotated[str | None, typer.Option("--note", help="Anything worth remembering.")]
Etag = Annotated[
    str | None, typer.Option("--etag", help="Refuse if the suggestion has changed since this etag was read.")
]
_EDITED = "instead of the advised value; 'none' takes it away."


def register(app: typer.Typer) -> None:
    """Say that the commands of this module belong to the group ``recommend``, which is in the app."""
    del app


@command(
    group, "accept", example="millicore recommend accept 3f2a --memory-limit 768Mi", columns=EVENT_COLUMNS
)
def accept(  # noqa: PLR0913 - one parameter per option
    session: Session,
    suggestion: Annotated[
        str | None, typer.Argument(help="Its id, or the first characters of it; not with --bulk.")
    ] = None,
    etag: Etag = None,
    note: Note = None,
    cpu_request: Annotated[str | None, typer.Option("--cpu-request", help=f"250m, {_EDITED}")] = None,
    cpu_limit: Annotated[str | None, typer.Option("--cpu-limit", help=f"1, {_EDITED}")] = None,
    memory_request: Annotated[str | None, typer.Option("--memory-request", help=f"512Mi, {_EDITED}")] = None,
    memory_limit: Annotated[str | None, typer.Option("--memory-limit", help=f"1Gi, {_EDITED}")] = None,
    team: Annotated[str | None, typer.Option("--team", help="With --bulk: only this team's.")] = None,
    cluster: Annotated[
        str | None, typer.Option("--cluster", help="With --bulk: only this cluster's.")
    ] = None,
    max_risk: Annotated[
        float | None,
        typer.Option(
            "--max-risk", help="With --bulk: highest stated risk; default the settings'.", min=0, max=1
        ),
    ] = None,
    *,
    sign: Annotated[bool, typer.Option("--sign", help="Sign for edited memory under the OOM floor.")] = False,
    whole_group: Annotated[
        bool, typer.Option("--group", help="Accept it wherever the same thing runs, all or none.")
    ] = False,
    bulk: Annotated[bool, typer.Option("--bulk", help="Accept every low-risk suggestion.")] = False,
    preview: Annotated[bool, typer.Option("--preview", help="With --bulk: show it, decide nothing.")] = False,
    only_small: Annotated[bool, typer.Option("--only-small", help="With --bulk: small changes.")] = False,
    increases: Annotated[bool, typer.Option("--increases", help="With --bulk: pure raises.")] = False,
) -> None:
    """Accept a suggestion: its content is frozen, and its effect is looked for in the cluster."""
    from service.usecases import decisions
    from service.usecases.bulk_decisions import BulkScope
    from service.usecases.edited_values import parse_edits

    edits = parse_edits(
        dict(zip(VALUES, (cpu_request, cpu_limit, memory_request, memory_limit), strict=True))
    )
    scope = BulkScope(team, cluster, max_risk, only_small, increases)
    _check_options(
        scope, suggestion, bulk=bulk, preview=preview, has_edits=edits is not None, whole_group=whole_group
    )
    if bulk:
        _accept_bulk(session, scope, note, preview=preview)
        return
    stored = stored_suggestion(session, str(suggestion))
    quoted = etag or stored.etag
    if whole_group:
        events = decisions.accept_group(session.runtime, session.principal, stored.id, quoted, note=note)
        show_events(session, events)
        return
    event = decisions.accept(
        session.runtime, session.principal, stored.id, quoted, edits=edits, is_signed=sign, note=note
    )
    show_events(session, [event])


@command(
    group, "reject", example="millicore recommend reject 3f2a --reason peak_known", columns=EVENT_COLUMNS
)
def reject(
    session: Session,
    suggestion: SuggestionId,
    reason: Annotated[RejectionReason, typer.Option("--reason", help="Why; read by the policy's review.")],
    etag: Etag = None,
    note: Note = None,
) -> None:
    """Reject a suggestion, with a reason."""
    from service.usecases import decisions

    stored = stored_suggestion(session, suggestion)
    event = decisions.reject(
        session.runtime, session.principal, stored.id, etag or stored.etag, reason=reason, note=note
    )
    show_events(session, [event])


@command(group, "snooze", example="millicore recommend snooze 3f2a --until 2026-12-01", columns=EVENT_COLUMNS)
def snooze(
    session: Session,
    suggestion: SuggestionId,
    until: Annotated[str, typer.Option("--until", help="A time; it returns by itself then.")],
    etag: Etag = None,
    note: Note = None,
) -> None:
    """Put a suggestion off until a time."""
    from service.usecases import decisions

    stored = stored_suggestion(session, suggestion)
    moment: datetime = parse_instant(until)
    event = decisions.snooze(
        session.runtime, session.principal, stored.id, etag or stored.etag, until=moment, note=note
    )
    show_events(session, [event])


@command(
    group, "withdraw", example="millicore recommend withdraw 3f2a --note 'wrong week'", columns=EVENT_COLUMNS
)
def withdraw(session: Session, suggestion: SuggestionId, etag: Etag = None, note: Note = None) -> None:
    """Take back an acceptance that is not applied yet, or end a snooze: it is a proposal again."""
    from service.usecases import decisions

    stored = stored_suggestion(session, suggestion)
    event = decisions.withdraw(session.runtime, session.principal, stored.id, etag or stored.etag, note=note)
    show_events(session, [event])


@command(group, "history", example="millicore recommend history 3f2a --output json", columns=EVENT_COLUMNS)
def history(session: Session, suggestion: SuggestionId) -> None:
    """Show the life of a suggestion: who did what, when, and on what evidence."""
    from service.usecases.decisions import explain

    stored = stored_suggestion(session, suggestion)
    found = explain(session.runtime, session.principal, stored.id)
    show_events(session, found.events)


def show_events(session: Session, events: Sequence[Any]) -> None:
    """Write events as rows."""
    rows = [{column.name: getattr(event, column.name) for column in EVENT_COLUMNS} for event in events]
    session.rows(rows, EVENT_COLUMNS)


def _check_options(
    scope: BulkScope,
    suggestion: str | None,
    *,
    bulk: bool,
    preview: bool,
    has_edits: bool,
    whole_group: bool,
) -> None:
    if bulk == (suggestion is not None):
        raise UsageError("name one suggestion, or give --bulk for all that are low-risk")
    if bulk and (has_edits or whole_group):
        raise UsageError("--bulk takes suggestions as they are advised: edit one at a time")
    if whole_group and has_edits:
        raise UsageError("--group takes the advised values of each place: edit one at a time")
    is_scoped = scope.team or scope.cluster or scope.maximum_risk_ratio is not None
    if not bulk and (is_scoped or preview or scope.is_small_only or scope.is_increase_only):
        raise UsageError("--team, --cluster, --max-risk, --only-small, --increases and --preview need --bulk")


def _accept_bulk(session: Session, scope: BulkScope, note: str | None, *, preview: bool) -> None:
    from service.usecases.bulk_decisions import accept_bulk, plan_bulk
    from service.usecases.profiles import cluster_names

    cluster_names(session.runtime, scope.cluster)  # refuses a name that nobody knows
    plan = plan_bulk(session.runtime, session.principal, scope)
    left_out = plan.left_out
    accepted = set()
    if not preview:
        result = accept_bulk(session.runtime, session.principal, plan, note=note)
        left_out, accepted = result.left_out, set(result.accepted)
    word = "would be accepted" if preview else "accepted"
    taken = [one for one in plan.accepted if preview or one.id in accepted]
    rows = [_bulk_row(one, word, None) for one in taken]
    rows += [_bulk_row(one.stored, "left out", one.because) for one in left_out]
    session.rows(rows, BULK_COLUMNS, empty="No suggestion is open there.")


def _bulk_row(stored: Any, decision: str, because: str | None) -> Row:
    advice = stored.recommendation
    workload = advice.key.workload
    return {
        "id": stored.id,
        "short_id": stored.id[:8],
        "team": stored.team,
        "workload": f"{workload.cluster}/{workload.namespace}/{workload.name}",
        "container": advice.key.container,
        **{f"advised_{name}": getattr(advice.advised, name) for name in VALUES},
        "cpu": say_change(advice, "cpu_request_cores"),
        "memory": say_change(advice, "memory_request_bytes"),
        "requested_saving_per_month": advice.requested_saving_per_month,
        "currency": advice.currency,
        "decision": decision,
        "because": because,
    }
