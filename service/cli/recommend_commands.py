"""Commands around suggestions: what is advised, why, and what people decided."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from models.vocabulary.errors import UsageError
from models.vocabulary.quantity import format_cpu, format_memory
from models.vocabulary.recommendation import (
    Recommendation,
    RecommendationState,
    RejectionReason,
    ResourceValues,
)
from models.vocabulary.windows import parse_instant
from service.cli.commands import command
from service.cli.output import Column, Row, amount, as_ratio, number
from service.cli.session import Session

group = typer.Typer(help="Suggestions: what is advised, why, and what was decided.", no_args_is_help=True)

_VALUES = ("cpu_request_cores", "cpu_limit_cores", "memory_request_bytes", "memory_limit_bytes")
LIST_COLUMNS = (
    Column("id", is_in_table=False),
    Column("short_id", "id"),
    Column("etag", is_in_table=False),
    Column("state"),
    Column("team"),
    Column("cluster", is_in_table=False),
    Column("workload"),
    Column("container"),
    *(Column(f"current_{name}", is_in_table=False) for name in _VALUES),
    *(Column(f"advised_{name}", is_in_table=False) for name in _VALUES),
    Column("cpu", "CPU request"),
    Column("memory", "memory request"),
    amount("requested_saving_per_month", "saving/month"),
    Column("currency", ""),
    number("confidence", text=as_ratio),
    Column("risk_class", is_in_table=False),
    number("risk_cpu_over_request_ratio", "CPU over", as_ratio),
    number("risk_memory_over_limit_day_ratio", "memory-days over", as_ratio),
    Column("risk", is_in_table=False),
    Column("explanation", is_in_table=False),
    Column("is_small_change", is_in_table=False),
)
_EVENT_COLUMNS = (
    Column("occurred_at", "when"),
    Column("state"),
    Column("principal", "who"),
    Column("reason"),
    Column("until"),
    Column("note"),
)
_SILENCE_COLUMNS = (
    Column("cluster", is_in_table=False),
    Column("team"),
    Column("workload"),
    Column("container"),
    Column("reason"),
    Column("sentence", "in words"),
)

SuggestionId = Annotated[str, typer.Argument(help="Its id, or the first characters of it.")]
Note = Annotated[str | None, typer.Option("--note", help="Anything worth remembering.")]
Etag = Annotated[
    str | None, typer.Option("--etag", help="Refuse if the suggestion has changed since this etag was read.")
]


def register(app: typer.Typer) -> None:
    """Add the group ``recommend``."""
    app.add_typer(group, name="recommend")


@command(group, "run", example="millicore recommend run --as-of 2026-11-01")
def run(
    session: Session,
    as_of: Annotated[str | None, typer.Option("--as-of", help="Use only data before this time.")] = None,
    cluster: Annotated[str | None, typer.Option("--cluster", help="Only this cluster.")] = None,
) -> None:
    """Judge every container and store what is advised, or why nothing is."""
    from service.usecases.recommendations import recommend_all

    moment = parse_instant(as_of) if as_of else None
    summary = recommend_all(session.runtime, moment, cluster=cluster, progress=session.progress)
    savings = ", ".join(f"{value:,.2f} {currency}" for currency, value in summary.requested_savings.items())
    silent = sum(summary.silences.values())
    session.document(
        summary,
        f"{summary.recommendation_count} suggestions ({summary.small_change_count} of them small), "
        f"{silent} containers without one; requested saving per month {savings or 'none'} "
        "(not money until nodes go)",
    )
    for name, until in summary.old_data.items():
        session.doubt(f"{name} is judged as of {until:%Y-%m-%d %H:%M}Z: nothing newer is stored")
    if summary.unpriced_count:
        session.doubt(f"{summary.unpriced_count} suggestions carry no saving because a price is missing")


@command(group, "list", example="millicore recommend list --team checkout --output csv", columns=LIST_COLUMNS)
def list_suggestions(
    session: Session,
    state: Annotated[
        list[RecommendationState] | None, typer.Option("--state", help="Only these; default proposed.")
    ] = None,
    cluster: Annotated[str | None, typer.Option("--cluster", help="Only this cluster.")] = None,
    team: Annotated[str | None, typer.Option("--team", help="Only this team.")] = None,
    *,
    silent: Annotated[bool, typer.Option("--silent", help="List containers without advice instead.")] = False,
) -> None:
    """List suggestions, the largest saving first."""
    from service.usecases.profiles import cluster_names
    from service.usecases.recommendations import list_recommendations, list_silences

    if cluster is not None:
        cluster_names(session.runtime, cluster)  # refuses a name that nobody knows
    if silent:
        found = list_silences(session.runtime, session.principal, cluster=cluster, team=team)
        rows = [_silence_row(item) for item in found]
        session.rows(rows, _SILENCE_COLUMNS, empty="Every container has a suggestion.")
        return
    states = tuple(state or (RecommendationState.PROPOSED,))
    stored = list_recommendations(
        session.runtime, session.principal, states=states, cluster=cluster, team=team
    )
    session.rows([suggestion_row(item) for item in stored], LIST_COLUMNS, empty="No suggestion is open.")


@command(group, "explain", example="millicore recommend explain 3f2a")
def explain(session: Session, suggestion: SuggestionId) -> None:
    """Show one suggestion with its evidence, what bound it, its risk and its life."""
    from service.usecases.recommendations import explain as read

    explanation = read(session.runtime, session.principal, _full_id(session, suggestion))
    advice = explanation.stored.recommendation
    lines = [
        f"{advice.key}  ({explanation.stored.state}, team {explanation.stored.team or 'unowned'})",
        advice.explanation,
        *(
            f"  {name}: {_change(advice, name)}"
            for name in _VALUES
            if getattr(advice.current, name) != getattr(advice.advised, name)
        ),
        f"  evidence: {advice.statistic}, {advice.window_start:%Y-%m-%d} to {advice.window_end:%Y-%m-%d}, "
        f"{advice.sample_count:,} samples, coverage {advice.sample_coverage_ratio:.0%}, "
        f"confidence {advice.confidence:.0%}",
        f"  risk: {advice.risk.sentence}",
        f"  requested saving: {_saving_text(advice)}",
        *(f"  rule {rail.name} on {rail.resource}: {rail.because}" for rail in advice.guard_rails),
        *(
            f"  {event.occurred_at:%Y-%m-%d %H:%M}Z {event.state} by {event.principal}"
            + (f": {event.reason}" if event.reason else "")
            for event in explanation.events
        ),
    ]
    session.document(
        {**suggestion_row(explanation.stored), "evidence": advice, "events": explanation.events},
        "\n".join(lines),
    )


@command(group, "accept", example="millicore recommend accept 3f2a", columns=_EVENT_COLUMNS)
def accept(session: Session, suggestion: SuggestionId, etag: Etag = None, note: Note = None) -> None:
    """Accept a suggestion: its content is frozen, and its effect is looked for in the cluster."""
    from service.usecases import recommendations

    stored = _stored(session, suggestion)
    event = recommendations.accept(
        session.runtime, session.principal, stored.id, etag or stored.etag, note=note
    )
    _show_event(session, event)


@command(
    group, "reject", example="millicore recommend reject 3f2a --reason peak_known", columns=_EVENT_COLUMNS
)
def reject(
    session: Session,
    suggestion: SuggestionId,
    reason: Annotated[RejectionReason, typer.Option("--reason", help="Why; read by the policy's review.")],
    etag: Etag = None,
    note: Note = None,
) -> None:
    """Reject a suggestion, with a reason."""
    from service.usecases import recommendations

    stored = _stored(session, suggestion)
    event = recommendations.reject(
        session.runtime, session.principal, stored.id, etag or stored.etag, reason=reason, note=note
    )
    _show_event(session, event)


@command(
    group, "snooze", example="millicore recommend snooze 3f2a --until 2026-12-01", columns=_EVENT_COLUMNS
)
def snooze(
    session: Session,
    suggestion: SuggestionId,
    until: Annotated[str, typer.Option("--until", help="A time; it returns by itself then.")],
    etag: Etag = None,
    note: Note = None,
) -> None:
    """Put a suggestion off until a time."""
    from service.usecases import recommendations

    stored = _stored(session, suggestion)
    moment: datetime = parse_instant(until)
    event = recommendations.snooze(
        session.runtime, session.principal, stored.id, etag or stored.etag, until=moment, note=note
    )
    _show_event(session, event)


@command(group, "patch", example="millicore recommend patch 3f2a --command")
def patch(
    session: Session,
    suggestion: SuggestionId,
    *,
    as_command: Annotated[
        bool, typer.Option("--command", help="Print the kubectl line instead of the patch.")
    ] = False,
) -> None:
    """Print a suggestion as a strategic merge patch; nothing is changed in the cluster."""
    from service.patches import build_patch, can_be_patched, write_command, write_patch

    advice = _stored(session, suggestion).recommendation
    if not can_be_patched(advice):
        raise UsageError(f"{advice.key.workload.kind} has no pod template that a patch could change")
    text = write_command(advice) if as_command else write_patch(advice)
    session.document(build_patch(advice), text)


def suggestion_row(stored: Any) -> Row:
    """Return a stored suggestion as one row of the list."""
    advice: Recommendation = stored.recommendation
    workload = advice.key.workload
    return {
        "id": stored.id,
        "short_id": stored.id[:8],
        "etag": stored.etag,
        "state": stored.state,
        "team": stored.team,
        "cluster": workload.cluster,
        "workload": f"{workload.cluster}/{workload.namespace}/{workload.name}",
        "container": advice.key.container,
        **{f"current_{name}": getattr(advice.current, name) for name in _VALUES},
        **{f"advised_{name}": getattr(advice.advised, name) for name in _VALUES},
        "cpu": _change(advice, "cpu_request_cores"),
        "memory": _change(advice, "memory_request_bytes"),
        "requested_saving_per_month": advice.requested_saving_per_month,
        "currency": advice.currency,
        "confidence": advice.confidence,
        "risk_class": advice.risk_class,
        "risk_cpu_over_request_ratio": advice.risk.cpu_over_request_ratio,
        "risk_memory_over_limit_day_ratio": advice.risk.memory_over_limit_day_ratio,
        "risk": advice.risk.sentence,
        "explanation": advice.explanation,
        "is_small_change": advice.is_small_change,
    }


def _silence_row(stored: Any) -> Row:
    key = stored.silence.key
    return {
        "cluster": key.workload.cluster,
        "team": stored.team,
        "workload": f"{key.workload.cluster}/{key.workload.namespace}/{key.workload.name}",
        "container": key.container,
        "reason": stored.silence.reason,
        "sentence": stored.silence.sentence,
    }


def _change(advice: Recommendation, name: str) -> str:
    return f"{_quantity(advice.current, name)} -> {_quantity(advice.advised, name)}"


def _quantity(values: ResourceValues, name: str) -> str:
    value = getattr(values, name)
    if value is None:
        return "unset"
    return format_cpu(value) if name.startswith("cpu") else format_memory(value)


def _saving_text(advice: Recommendation) -> str:
    if advice.requested_saving_per_month is None:
        return "not known, a price is missing"
    return f"{advice.requested_saving_per_month:,.2f} {advice.currency} per month; money only when nodes go"


def _stored(session: Session, prefix: str) -> Any:
    from service.usecases.recommendations import list_recommendations

    found = [
        item
        for item in list_recommendations(session.runtime, session.principal)
        if item.id.startswith(prefix)
    ]
    if len(found) != 1:
        many = "no suggestion begins" if not found else f"{len(found)} suggestions begin"
        raise UsageError(f"{many} with {prefix!r}; millicore recommend list shows their ids")
    return found[0]


def _full_id(session: Session, prefix: str) -> str:
    return str(_stored(session, prefix).id)


def _show_event(session: Session, event: Any) -> None:
    row = {column.name: getattr(event, column.name) for column in _EVENT_COLUMNS}
    session.rows([row], _EVENT_COLUMNS)
