"""Commands around the life of suggestions: exclusions, signed calendar peaks, the regret rate."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from models.vocabulary.errors import UsageError
from models.vocabulary.exclusions import ExcludedResource
from models.vocabulary.identity import WorkloadKey
from models.vocabulary.windows import parse_instant
from service.cli.commands import command
from service.cli.output import Column, as_ratio, number
from service.cli.recommend_commands import group
from service.cli.session import Session

exclude_group = typer.Typer(help="Exclude containers from advice by rule.", no_args_is_help=True)
EXCLUSION_COLUMNS = (
    Column("id", is_in_table=False),
    Column("short_id", "id"),
    Column("cluster"),
    Column("namespace"),
    Column("workload"),
    Column("container"),
    Column("resource"),
    Column("until"),
    Column("teams"),
    Column("reason"),
    Column("created_by", "by"),
    Column("created_at", is_in_table=False),
    Column("removed_by", is_in_table=False),
    Column("removed_at", is_in_table=False),
)
REGRET_COLUMNS = (
    Column("dimension", "by"),
    Column("value"),
    number("applied_count", "applied"),
    number("rolled_back_count", "rolled back"),
    number("overwritten_count", "overwritten"),
    number("raised_again_count", "raised again"),
    number("regretted_count", "regretted"),
    number("regret_ratio", "regret rate", as_ratio),
    number("low_ratio", "95 % from", as_ratio),
    number("high_ratio", "to", as_ratio),
)
SIGNATURE_COLUMNS = (
    Column("workload"),
    Column("event"),
    Column("signed_by", "by"),
    Column("signed_at", "when"),
    Column("until"),
    Column("note"),
)
_Glob = "a glob such as dev-*"


def register(app: typer.Typer) -> None:
    """Add the group ``exclude`` to the group ``recommend``, which is in the app."""
    del app
    group.add_typer(exclude_group, name="exclude")


@command(
    exclude_group,
    "add",
    example="millicore recommend exclude add --namespace 'dev-*' --reason 'rebuilt in May'",
    columns=EXCLUSION_COLUMNS,
)
def add(  # noqa: PLR0913 - one parameter per option
    session: Session,
    reason: Annotated[str, typer.Option("--reason", help="Why.")],
    cluster: Annotated[str, typer.Option("--cluster", help=f"Clusters, {_Glob}.")] = "*",
    namespace: Annotated[str, typer.Option("--namespace", help=f"Namespaces, {_Glob}.")] = "*",
    workload: Annotated[str, typer.Option("--workload", help=f"Workloads by name, {_Glob}.")] = "*",
    container: Annotated[str, typer.Option("--container", help=f"Containers, {_Glob}.")] = "*",
    resource: Annotated[
        ExcludedResource, typer.Option("--resource", help="Which advice is held back.")
    ] = ExcludedResource.ALL,
    until: Annotated[str | None, typer.Option("--until", help="A time; default until removed.")] = None,
    team: Annotated[str | None, typer.Option("--team", help="Only workloads of this team.")] = None,
) -> None:
    """Exclude containers from advice; owners those of their own teams, the platform team any."""
    from service.usecases.exclusions import ExclusionRequest, add_exclusion

    moment = parse_instant(until) if until else None
    asked = ExclusionRequest(reason, cluster, namespace, workload, container, resource, moment, team)
    _show_exclusions(session, [add_exclusion(session.runtime, session.principal, asked)])


@command(
    exclude_group, "list", example="millicore recommend exclude list --output json", columns=EXCLUSION_COLUMNS
)
def list_rules(
    session: Session,
    *,
    history: Annotated[bool, typer.Option("--history", help="Also those that ended.")] = False,
) -> None:
    """List exclusions, oldest first."""
    from service.usecases.exclusions import list_exclusions

    found = list_exclusions(session.runtime, session.principal, is_history_wanted=history)
    _show_exclusions(session, found)


@command(
    exclude_group, "remove", example="millicore recommend exclude remove 9c1f", columns=EXCLUSION_COLUMNS
)
def remove(
    session: Session,
    exclusion: Annotated[str, typer.Argument(help="Its id, or the first characters of it.")],
) -> None:
    """End an exclusion: advice comes back with the next run."""
    from service.usecases.exclusions import list_exclusions, remove_exclusion

    known = list_exclusions(session.runtime, session.principal, is_history_wanted=True)
    found = [rule for rule in known if rule.id.startswith(exclusion)]
    if len(found) != 1:
        many = "no exclusion begins" if not found else f"{len(found)} exclusions begin"
        raise UsageError(f"{many} with {exclusion!r}; millicore recommend exclude list shows them")
    _show_exclusions(session, [remove_exclusion(session.runtime, session.principal, found[0].id)])


@command(
    group,
    "sign",
    example="millicore recommend sign prod/shop/Deployment/web --event singles-day",
    columns=SIGNATURE_COLUMNS,
)
def sign(
    session: Session,
    workload: Annotated[str, typer.Argument(help="cluster/namespace/kind/name")],
    event: Annotated[str, typer.Option("--event", help="Calendar event, or a glob.")] = "*",
    days: Annotated[int, typer.Option("--days", help="How long the signature holds.", min=1, max=400)] = 90,
    note: Annotated[str | None, typer.Option("--note", help="Anything worth remembering.")] = None,
) -> None:
    """Sign that a workload may be reduced although a calendar peak is not in its history yet."""
    from service.usecases.exclusions import sign_peak

    parts = workload.split("/")
    if len(parts) != 4 or not all(parts):
        raise UsageError(f"{workload!r} is not cluster/namespace/kind/name, as in prod/shop/Deployment/web")
    signature = sign_peak(
        session.runtime, session.principal, WorkloadKey(*parts), event=event, days=days, note=note
    )
    row = {column.name: getattr(signature, column.name) for column in SIGNATURE_COLUMNS}
    session.rows([{**row, "workload": workload}], SIGNATURE_COLUMNS)


@command(group, "regret", example="millicore recommend regret --output json", columns=REGRET_COLUMNS)
def regret(session: Session) -> None:
    """Show how often applied suggestions were rolled back, overwritten or raised again within 14 days."""
    from service.usecases.regret import read_regret

    found = read_regret(session.runtime, session.principal)
    if not found[0].applied_count:
        session.say("note: none applied yet")
    rows = [{column.name: getattr(row, column.name) for column in REGRET_COLUMNS} for row in found]
    session.rows(rows, REGRET_COLUMNS)


def _show_exclusions(session: Session, rules: list[Any]) -> None:
    rows = []
    for rule in rules:
        row = {c.name: getattr(rule, c.name) for c in EXCLUSION_COLUMNS if c.name != "short_id"}
        rows.append({**row, "short_id": rule.id[:8], "teams": rule.teams or "all"})
    session.rows(rows, EXCLUSION_COLUMNS, empty="Nothing is excluded.")
