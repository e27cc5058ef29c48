"""Commands about owners: sync with a CMDB, teams, who owns a place, unowned spend, names under review."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.commands import command
from service.cli.months import parse_month
from service.cli.output import Column, Row, amount, as_ratio, number
from service.cli.session import Session

if TYPE_CHECKING:
    from warehouse.database.name_reviews import ReviewedPair

group = typer.Typer(help="Who owns what, and what nobody owns.", no_args_is_help=True)
review = typer.Typer(help="Names of clusters that may mean names of the CMDB.", no_args_is_help=True)

_SYNC_COLUMNS = (
    Column("source"),
    number("row_count", "rows"),
    number("added_count", "added"),
    number("changed_count", "changed"),
    number("removed_count", "ended"),
    number("unchanged_count", "unchanged"),
    number("merged_name_count", "names merged"),
    number("proposed_name_count", "names to review"),
    Column("defects", is_in_table=False),
)
_TEAM_COLUMNS = (
    Column("team"),
    Column("cost_centre", "cost centre"),
    Column("owner_contact", "contact"),
    Column("parent"),
    Column("sources", "known from"),
)
_OWNER_COLUMNS = (
    Column("team"),
    Column("cost_centre", "cost centre"),
    number("share_ratio", "share", as_ratio),
    Column("ownership_source", "source"),
    Column("because"),
)
_UNOWNED_COLUMNS = (
    Column("cluster"),
    Column("namespace"),
    Column("workload_kind", "kind"),
    Column("workload_name", "workload"),
    amount("unowned_cost", "unowned"),
    amount("guessed_cost", "guessed"),
    Column("currency", ""),
    number("share_ratio", "of all", as_ratio),
    Column("since"),
    Column("candidates", "may belong to"),
)
_NAME_COLUMNS = (Column("alias"), Column("team"), Column("valid_from", "from"), Column("valid_to", "to"))
_REVIEW_COLUMNS = (
    Column("id"),
    Column("name_kind", "what"),
    Column("name", "name in cluster"),
    Column("entity_kind", "may be"),
    Column("entity", "name in CMDB"),
    number("score"),
    Column("evidence"),
    Column("state"),
    Column("principal", "by"),
    Column("reason", is_in_table=False),
    Column("effective_from", "from"),
    Column("decided_at", is_in_table=False),
)


class Missing(StrEnum):
    """What a team may lack."""

    COST_CENTRE = "cost-centre"
    CONTACT = "contact"


class ReviewState(StrEnum):
    """Which pairs of names are listed."""

    WAITING = "waiting"
    MERGED = "merged"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    ALL = "all"


Source = Annotated[Path, typer.Option("--source", help="YAML file that describes the CMDB.", metavar="FILE")]
Force = Annotated[bool, typer.Option("--force", help="Store it although many entities vanish.")]
MissingChoice = Annotated[Missing | None, typer.Option("--missing", help="Only teams without it.")]
Month = Annotated[
    str, typer.Option("--month", help="Month, such as 2026-10.", metavar="YYYY-MM", parser=parse_month)
]
ClusterName = Annotated[str, typer.Option("--cluster", help="Name of the cluster.")]
Namespace = Annotated[str, typer.Option("--namespace", help="Namespace in it.")]
Workload = Annotated[
    str | None, typer.Option("--workload", help="Workload in it, as Kind/name.", metavar="KIND/NAME")
]
Labels = Annotated[
    list[str] | None, typer.Option("--label", help="Label of the pod; repeatable.", metavar="KEY=VALUE")
]
At = Annotated[
    datetime | None, typer.Option("--at", help="Instant in UTC; default now.", formats=["%Y-%m-%dT%H:%M:%SZ"])
]
NamesFile = Annotated[
    Path | None,
    typer.Option("--file", help="Replace all other names of teams by this file's.", metavar="FILE"),
]
Limit = Annotated[int, typer.Option("--limit", help="Most workloads in a table; files hold all.", min=1)]
PairId = Annotated[str, typer.Argument(help="Id of the pair, as `review list` shows it.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept with the decision.")]
From = Annotated[
    datetime | None,
    typer.Option("--from", help="First day on which it counts; default now.", formats=["%Y-%m-%d"]),
]
States = Annotated[ReviewState, typer.Option("--state", help="Which pairs.")]


def register(app: typer.Typer) -> None:
    """Add the group ``ownership``."""
    app.add_typer(group, name="ownership")
    group.add_typer(review, name="review")


@command(group, "sync", example="millicore ownership sync --source cmdb.yaml", columns=_SYNC_COLUMNS)
def sync(session: Session, source: Source, *, force: Force = False) -> None:
    """Read owners from a CMDB and keep what changed with its history; `millicore allocate` then uses it."""
    from service.usecases.ownership_sync import sync_owners

    runtime = session.create_warehouse()
    report = sync_owners(runtime, session.principal, source, force=force)
    for defect in report.defects:
        session.say(f"millicore: {defect}")
    session.rows([asdict(report)], _SYNC_COLUMNS)


@command(group, "list", example="millicore ownership list --missing cost-centre", columns=_TEAM_COLUMNS)
def list_teams_command(session: Session, missing: MissingChoice = None) -> None:
    """List teams with cost centre and contact, or those that lack one."""
    from service.usecases.ownership import annotation_doubts, list_teams

    chosen = None if missing is None else missing.value
    teams = list_teams(session.runtime, session.principal, chosen)
    for doubt in annotation_doubts(session.runtime):
        session.doubt(doubt)
    empty = "No team is known." if missing is None else f"No team lacks a {missing.value}."
    session.rows([asdict(team) for team in teams], _TEAM_COLUMNS, empty=empty)


@command(
    group,
    "show",
    example="millicore ownership show --cluster prod --namespace shop --label app=web",
    columns=_OWNER_COLUMNS,
)
def show(
    session: Session,
    cluster: ClusterName,
    namespace: Namespace,
    workload: Workload = None,
    label: Labels = None,
    at: At = None,
) -> None:
    """Show who pays for a place at an instant, and which rule, label or guess says so."""
    from models.vocabulary.errors import UsageError
    from service.usecases.ownership import Place, explain_owner

    kind, slash, name = (workload or "").partition("/")
    if workload and not (slash and kind and name):
        raise UsageError("--workload is Kind/name, such as Deployment/web")
    pairs = [part.partition("=") for part in label or ()]
    if not all(sign and key for key, sign, _ in pairs):
        raise UsageError("--label is KEY=VALUE")
    place = Place(
        cluster, namespace, (kind, name) if workload else None, {key: value for key, _, value in pairs}
    )
    moment = at.replace(tzinfo=UTC) if at else session.runtime.now()
    answers = explain_owner(session.runtime, session.principal, place, moment)
    session.rows([asdict(answer) for answer in answers], _OWNER_COLUMNS)


@command(group, "unowned", example="millicore ownership unowned --month 2026-10", columns=_UNOWNED_COLUMNS)
def unowned(session: Session, month: Month, limit: Limit = 50) -> None:
    """Show what a month's workloads cost without a known owner, the dearest first."""
    from service.cli.output import OutputFormat
    from service.usecases.unowned import unowned_spend

    spend = unowned_spend(session.runtime, session.principal, month)
    for total in spend.totals:
        shown = as_ratio(total.unowned_ratio)
        session.say(
            f"{month}: {total.unowned_cost + total.guessed_cost:,.2f} of {total.workload_cost:,.2f} "
            f"{total.currency} of workloads have no known owner ({shown}): {total.unowned_cost:,.2f} "
            f"unowned, {total.guessed_cost:,.2f} guessed"
        )
        if total.is_alarming:
            most = as_ratio(session.settings.unowned_alarm_ratio)
            session.doubt(f"more than {most} of the {total.currency} of {month} has no known owner")
    rows = [
        {
            **asdict(one),
            "candidates": [f"{candidate.team} ({candidate.evidence})" for candidate in one.candidates],
        }
        for one in spend.workloads
    ]
    shown_rows = rows[:limit] if session.output is OutputFormat.TABLE else rows
    session.rows(shown_rows, _UNOWNED_COLUMNS, empty="Every workload has a known owner.")
    if len(shown_rows) < len(rows):
        session.say(f"{len(rows) - len(shown_rows)} more: --limit, or --output csv for all")


@command(group, "names", example="millicore ownership names --file names.csv", columns=_NAME_COLUMNS)
def names(session: Session, file: NamesFile = None) -> None:
    """List other names of teams, or replace them by those of a file."""
    from ingest.files.ownership_files import load_names
    from service.usecases.ownership import replace_aliases

    runtime = session.create_warehouse() if file is not None else session.runtime
    if file is not None:
        replace_aliases(runtime, session.principal, load_names(file))
    rows = [asdict(row) for row in runtime.warehouse.ownership.aliases()]
    session.rows(rows, _NAME_COLUMNS, empty="No team has another name.")


@command(review, "list", example="millicore ownership review list --state all", columns=_REVIEW_COLUMNS)
def list_reviews_command(session: Session, state: States = ReviewState.WAITING) -> None:
    """List pairs of names, those that wait for a decision by default."""
    from service.usecases.name_review import list_reviews

    chosen = None if state is ReviewState.ALL else state.value
    pairs = list_reviews(session.runtime, session.principal, chosen)
    session.rows(
        [_review_row(pair) for pair in pairs], _REVIEW_COLUMNS, empty="No names wait for a decision."
    )


@command(
    review,
    "accept",
    example="millicore ownership review accept 3f9c1a2b4d --reason 'renamed in 2025' --from 2026-10-01",
    columns=_REVIEW_COLUMNS,
)
def accept(session: Session, pair: PairId, reason: Reason, since: From = None) -> None:
    """Let two names count as one from a day on."""
    _decide(session, pair, "accepted", reason, since)


@command(
    review,
    "reject",
    example="millicore ownership review reject 3f9c1a2b4d --reason 'another product'",
    columns=_REVIEW_COLUMNS,
)
def reject(session: Session, pair: PairId, reason: Reason, since: From = None) -> None:
    """Let two names be two, from a day on if they counted as one before."""
    _decide(session, pair, "rejected", reason, since)


def _decide(session: Session, pair: str, decision: str, reason: str, since: datetime | None) -> None:
    from models.ownership.name_matches import MatchDecision
    from models.vocabulary.windows import day_start
    from service.usecases.name_review import Verdict, decide_review

    zone = session.runtime.warehouse.periods.billing_zone() or session.settings.zone
    first = None if since is None else date(since.year, since.month, since.day)
    effective = None if first is None else day_start(first, zone)
    verdict = Verdict(MatchDecision(decision), reason, effective)
    decided = decide_review(session.runtime, session.principal, pair, verdict)
    session.rows([_review_row(decided)], _REVIEW_COLUMNS)


def _review_row(reviewed: ReviewedPair) -> Row:
    from service.usecases.name_review import state_of

    pair, latest = reviewed.pair, reviewed.latest
    return {
        **asdict(pair),
        "id": pair.id,
        "name_kind": pair.name_kind.value,
        "entity_kind": pair.entity_kind.value,
        "state": state_of(reviewed),
        "principal": latest.principal if latest else None,
        "reason": latest.reason if latest else None,
        "effective_from": latest.effective_from if latest else None,
        "decided_at": latest.decided_at if latest else None,
    }
