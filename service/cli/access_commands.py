"""Commands that say who may read and decide what."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from service.cli.commands import command
from service.cli.output import Column
from service.cli.session import Session

group = typer.Typer(
    help="Who may read and decide what, when people come through a proxy or with a token.",
    no_args_is_help=True,
)

_GRANT_COLUMNS = (Column("principal"), Column("role"), Column("team"))

Who = Annotated[
    str, typer.Argument(help="Name of the person or program, as the proxy or the token gives it.")
]
RoleNames = Annotated[
    list[str], typer.Option("--role", help="leadership, finance, owner, platform or admin; repeatable.")
]
Teams = Annotated[list[str] | None, typer.Option("--team", help="Team of an owner; repeatable.")]


def register(app: typer.Typer) -> None:
    """Add the group ``access``."""
    app.add_typer(group, name="access")


@command(
    group,
    "grant",
    example="millicore access grant ann@example.com --role owner --team checkout",
    columns=_GRANT_COLUMNS,
)
def grant(session: Session, principal: Who, role: RoleNames, team: Teams = None) -> None:
    """Give roles to a person or program; what it holds already stays."""
    from service.usecases.grants import grant_roles, parse_roles

    grant_roles(session.runtime, session.principal, principal, parse_roles(role, team or ()))
    _show(session, principal)


@command(
    group,
    "revoke",
    example="millicore access revoke ann@example.com --role owner --team checkout",
    columns=_GRANT_COLUMNS,
)
def revoke(session: Session, principal: Who, role: RoleNames, team: Teams = None) -> None:
    """Take roles from a person or program, and show what is left."""
    from service.usecases.grants import parse_roles, withdraw_roles

    withdraw_roles(session.runtime, session.principal, principal, parse_roles(role, team or ()))
    _show(session, principal)


@command(group, "list", example="millicore access list", columns=_GRANT_COLUMNS)
def list_access(session: Session) -> None:
    """List who holds which role, and for which team."""
    _show(session, None)


def _show(session: Session, principal: str | None) -> None:
    from service.usecases.grants import list_grants

    grants = list_grants(session.runtime, session.principal)
    rows = [asdict(item) for item in grants if principal in (None, item.principal)]
    nobody = "Nobody holds a role." if principal is None else f"{principal} holds no role."
    session.rows(rows, _GRANT_COLUMNS, empty=nobody)
