"""Tokens of the HTTP API: issued to a named principal with roles, revoked at once, both audited."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from models.vocabulary.identity import Principal, Role
from service.runtime import Runtime
from service.usecases.grants import grant_roles, parse_roles


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
    grant_roles(runtime, by, name, parse_roles(roles, teams))
    now = datetime.now(UTC)
    issued = runtime.warehouse.access.issue_token(
        name, description=f"issued by {by.id}", at=now, expires_at=now + timedelta(days=days)
    )
    runtime.warehouse.audit.append(by, "issue token", name, now, {"days": days})
    return issued


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
    now = datetime.now(UTC)
    runtime.warehouse.access.revoke_token(token_id, now)
    runtime.warehouse.audit.append(by, "revoke token", token_id, now)
