"""Tokens of the HTTP API: issued to a named principal with roles, revoked at once, both audited."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from models.vocabulary.errors import UsageError
from models.vocabulary.identity import Principal, Role
from service.runtime import Runtime


def issue_token(
    runtime: Runtime, by: Principal, name: str, roles: tuple[str, ...], teams: tuple[str, ...], days: int
) -> str:
    """Grant roles to a principal and return a new token for it, which cannot be shown again.

    Parameters
    ----------
    by : Principal
        Who asks; must be an admin.
    roles : tuple of str
        Role names; ``owner`` needs at least one team.
    days : int
        After which the token expires, by the true clock.

    Raises
    ------
    Forbidden
        If ``by`` is no admin.
    UsageError
        If a role is unknown, or owner has no team.
    """
    by.require(Role.ADMIN)
    access = runtime.warehouse.access
    for role in map(_parse_role, roles):
        if role is not Role.OWNER:
            access.grant(name, role)
        elif not teams:
            raise UsageError("the role owner needs --team")
        for team in teams if role is Role.OWNER else ():
            access.grant(name, role, team)
    now = datetime.now(UTC)
    return access.issue_token(
        name, description=f"issued by {by.id}", at=now, expires_at=now + timedelta(days=days)
    )


def revoke_token(runtime: Runtime, by: Principal, token_id: str) -> None:
    """Make a token useless at once.

    Raises
    ------
    Forbidden
        If ``by`` is no admin.
    NotFound
        If there is no such valid token.
    """
    by.require(Role.ADMIN)
    runtime.warehouse.access.revoke_token(token_id, datetime.now(UTC))


def _parse_role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError:
        raise UsageError(f"{text!r} is not a role: use one of {', '.join(Role)}") from None
