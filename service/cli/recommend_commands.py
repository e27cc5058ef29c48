"""Commands around suggestions: what is advised, why, and what people decided."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import typer

from models.vocabulary.errors import UsageError
from models.vocabulary.recommendation import NoRecommendation, Recommendation
from models.vocabulary.suggestion_life import RecommendationState
from models.vocabulary.windows import parse_instant
from service.cli.commands import command
from service.cli.explanation_text import VALUES, explain_lines, say_change, say_value
from service.cli.output import Column, Row, amount, as_ratio, number
from service.cli.session import Session

group = typer.Typer(help="Suggestions: what is advised, why, and what was decided.", no_args_is_help=True)

LIST_COLUMNS = (
    Column("id", is_in_table=False),
    Column("short_id", "id"),
    Column("etag", is_in_table=False),
    Column("state"),
    Column("team"),
    Column("cluster", is_in_table=False),
    Column("workload"),
    Column("container"),
    *(Column(f"current_{name}", is_in_table=False) for name in VALUES),
    *(Column(f"advised_{name}", is_in_table=False) for name in VALUES),
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
    Column("is_increase", is_in_table=False),
    Column("group_id", is_in_table=False),
)
GROUP_COLUMNS = (
    Column("group_id", "group"),
    Column("workload"),
    Column("container"),
    number("place_count", "places"),
    Column("clusters"),
    Column("ids", is_in_table=False),
    *(Column(f"advised_{name}", is_in_table=False) for name in VALUES),
    Column("cpu", "CPU request"),
    Column("memory", "memory request"),
    amount("requested_saving_per_month", "saving/month"),
    Column("currency", ""),
)
_SILENCE_COLUMNS = (
    Column("cluster", is_in_table=False),
    Column("team"),
    Column("workload"),
    Column("container"),
    Column("reason"),
    Column("sentence", "in words"),
)

_Listed = tuple[Row, Recommendation]
"""A row of the list and the advice that it shows."""

SuggestionId = Annotated[str, typer.Argument(help="Its id, or the first characters of it.")]


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
    _say_data(session, summary.old_data, summary.no_data)
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
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", help="What would have been advised then, with only data before; not stored."),
    ] = None,
    *,
    silent: Annotated[bool, typer.Option("--silent", help="List containers without advice instead.")] = False,
    grouped: Annotated[
        bool, typer.Option("--grouped", help="One line for the same container in several clusters.")
    ] = False,
) -> None:
    """List suggestions, the largest saving first."""
    from service.usecases.profiles import cluster_names

    if cluster is not None:
        cluster_names(session.runtime, cluster)  # refuses a name that nobody knows
    if as_of:
        advised, reasons = _judge_past(session, parse_instant(as_of), cluster, team)
    else:
        advised, reasons = _read_stored(session, state, cluster, team, silent=silent)
    if silent:
        session.rows(reasons, _SILENCE_COLUMNS, empty="Every container has a suggestion.")
    elif grouped:
        session.rows(_group_rows(advised), GROUP_COLUMNS, empty="No suggestion is open.")
    else:
        session.rows([row for row, _ in advised], LIST_COLUMNS, empty="No suggestion is open.")


@command(group, "explain", example="millicore recommend explain 3f2a")
def explain(session: Session, suggestion: SuggestionId) -> None:
    """Show one suggestion with its evidence, what bound it, its risk and its life."""
    from service.usecases.decisions import explain as read

    explanation = read(session.runtime, session.principal, _full_id(session, suggestion))
    advice = explanation.stored.recommendation
    lines = [
        f"{advice.key}  ({explanation.stored.state}, team {explanation.stored.team or 'unowned'})",
        advice.explanation,
        *explain_lines(advice),
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


def _read_stored(
    session: Session,
    state: list[RecommendationState] | None,
    cluster: str | None,
    team: str | None,
    *,
    silent: bool,
) -> tuple[list[_Listed], list[Row]]:
    from service.usecases.recommendations import list_recommendations, list_silences

    runtime, principal = session.runtime, session.principal
    if silent:
        reasons = list_silences(runtime, principal, cluster=cluster, team=team)
        return [], [_silence_row(item.silence, item.team) for item in reasons]
    states = tuple(state or (RecommendationState.PROPOSED,))
    stored = list_recommendations(runtime, principal, states=states, cluster=cluster, team=team)
    return [(suggestion_row(item), item.recommendation) for item in stored], []


def _judge_past(
    session: Session, moment: datetime, cluster: str | None, team: str | None
) -> tuple[list[_Listed], list[Row]]:
    from service.usecases.recommendations import preview_recommendations

    found = preview_recommendations(
        session.runtime, session.principal, moment, cluster=cluster, team=team, progress=session.progress
    )
    _say_data(session, found.old_data, found.no_data)
    advised: list[_Listed] = [
        ({**_advice_columns(advice), "id": "", "short_id": "", "state": "not stored", "team": owner}, advice)
        for advice, owner in found.advised
    ]
    return advised, [_silence_row(silence, owner) for silence, owner in found.silent]


def _say_data(session: Session, old: Mapping[str, datetime], none: Mapping[str, datetime]) -> None:
    """Say which clusters were judged as of an earlier time than asked for, and which not at all."""
    for name, until in old.items():
        session.doubt(f"{name} is judged as of {until:%Y-%m-%d %H:%M}Z: nothing newer is stored")
    for name, first in none.items():
        session.doubt(f"{name} is not judged: nothing is stored of it before {first:%Y-%m-%d %H:%M}Z")


def _group_rows(advised: list[_Listed]) -> list[Row]:
    """Return one row per thing that is edited once, with the largest advised values."""
    from service.usecases.recommendations import group_suggestions

    row_of = {id(advice): row for row, advice in advised}
    return [
        _group_row(one, [row_of[id(member)]["id"] for member in one.members])
        for one in group_suggestions([advice for _, advice in advised])
    ]


def _group_row(found: Any, ids: list[str]) -> Row:
    workload = found.members[0].key.workload
    currencies = {member.currency for member in found.members}
    savings = [member.requested_saving_per_month for member in found.members]
    # amounts of several currencies, or with one that is not known, have no sum
    is_known = len(currencies) == 1 and None not in savings
    return {
        "group_id": found.group_id,
        "workload": f"{workload.namespace}/{workload.name}",
        "container": found.members[0].key.container,
        "place_count": len(found.members),
        "clusters": sorted({member.key.workload.cluster for member in found.members}),
        "ids": ids,
        **{f"advised_{name}": getattr(found.advised, name) for name in VALUES},
        "cpu": say_value(found.advised, "cpu_request_cores"),
        "memory": say_value(found.advised, "memory_request_bytes"),
        "requested_saving_per_month": sum(savings, Decimal(0)) if is_known else None,
        "currency": currencies.pop() if is_known else None,
    }


def suggestion_row(stored: Any) -> Row:
    """Return a stored suggestion as one row of the list."""
    return {
        **_advice_columns(stored.recommendation),
        "id": stored.id,
        "short_id": stored.id[:8],
        "etag": stored.etag,
        "state": stored.state,
        "team": stored.team,
    }


def _advice_columns(advice: Recommendation) -> Row:
    workload = advice.key.workload
    return {
        "etag": advice.content_hash(),
        "cluster": workload.cluster,
        "workload": f"{workload.cluster}/{workload.namespace}/{workload.name}",
        "container": advice.key.container,
        **{f"current_{name}": getattr(advice.current, name) for name in VALUES},
        **{f"advised_{name}": getattr(advice.advised, name) for name in VALUES},
        "cpu": say_change(advice, "cpu_request_cores"),
        "memory": say_change(advice, "memory_request_bytes"),
        "requested_saving_per_month": advice.requested_saving_per_month,
        "currency": advice.currency,
        "confidence": advice.confidence,
        "risk_class": advice.risk_class,
        "risk_cpu_over_request_ratio": advice.risk.cpu_over_request_ratio,
        "risk_memory_over_limit_day_ratio": advice.risk.memory_over_limit_day_ratio,
        "risk": advice.risk.sentence,
        "explanation": advice.explanation,
        "is_small_change": advice.is_small_change,
        "is_increase": advice.is_increase,
        "group_id": advice.group_id,
    }


def _silence_row(silence: NoRecommendation, team: str | None) -> Row:
    workload = silence.key.workload
    return {
        "cluster": workload.cluster,
        "team": team,
        "workload": f"{workload.cluster}/{workload.namespace}/{workload.name}",
        "container": silence.key.container,
        "reason": silence.reason,
        "sentence": silence.sentence,
    }


def stored_suggestion(session: Session, prefix: str) -> Any:
    """Return the suggestion whose id begins so.

    Raises
    ------
    UsageError
        If there is none, or more than one.
    """
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
    return str(stored_suggestion(session, prefix).id)
