"""Who may do what: roles are granted and withdrawn by an admin, and each step is audited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from models.vocabulary.errors import NotFound, UsageError
from models.vocabulary.identity import Principal, Role
from service.runtime import Runtime
from warehouse.database.access import RoleGrant


@dataclass(frozen=True)
class Roles:
    """Roles to grant or to withdraw, checked.

    Parameters
    ----------
    roles : tuple of Role
    teams : tuple of str
        Of the role owner; empty for others.
    """

    roles: tuple[Role, ...]
    teams: tuple[str, ...]

    @property
    def pairs(self) -> tuple[tuple[Role, str | None], ...]:
        """Each role with its team, None for roles that are not about a team."""
        return tuple(
            pair
            for role in self.roles
            for pair in (
                tuple((role, team) for team in self.teams) if role is Role.OWNER else ((role, None),)
            )
        )


def parse_roles(roles: Sequence[str], teams: Sequence[str]) -> Roles:
    """Return roles and teams as they were typed.

    Raises
    ------
    UsageError
        If a role is unknown, owner has no team, or teams are named without the role owner.
    """
    parsed = Roles(tuple(map(_parse_role, roles)), tuple(team.strip() for team in teams))
    if (Role.OWNER in parsed.roles) != bool(parsed.teams):
        raise UsageError("--team names the teams of the role owner: give both or neither")
    if not all(parsed.teams):
        raise UsageError("--team is empty: name the team as the boards show it")
    return parsed


def grant_roles(runtime: Runtime, by: Principal, name: str, wanted: Roles) -> None:
    """Give roles to a principal; what it holds already stays.

    Raises
    ------
    Forbidden
        If ``by`` is no admin.
    UsageError
        If the name is empty.
    """
    by.require(Role.ADMIN)
    if not name.strip():
        raise UsageError("the principal is empty: give the name that the proxy or the token stands for")
    for role, team in wanted.pairs:
        runtime.warehouse.access.grant(name, role, team)
    _audit(runtime, by, "grant role", name, wanted)


def withdraw_roles(runtime: Runtime, by: Principal, name: str, wanted: Roles) -> None:
    """Take roles from a principal.

    Raises
    ------
    Forbidden
        If ``by`` is no admin.
    NotFound
        If one of them is not held; then none is taken.
    """
    by.require(Role.ADMIN)
    held = {
        (grant.role, grant.team) for grant in runtime.warehouse.access.grants() if grant.principal == name
    }
    for role, team in wanted.pairs:
        if (role, team) not in held:
            about = f" of team {team}" if team else ""
            raise NotFound(
                f"{name} does not hold the role {role}{about}; `millicore access list` shows who does"
            )
    for role, team in wanted.pairs:
        runtime.warehouse.access.withdraw(name, role, team)
    _audit(runtime, by, "withdraw role", name, wanted)


def list_grants(runtime: Runtime, by: Principal) -> list[RoleGrant]:
    """Return every grant, by principal.

    Raises
    ------
    Forbidden
        If ``by`` is no admin.
    """
    by.require(Role.ADMIN)
    return runtime.warehouse.access.grants()


def _audit(runtime: Runtime, by: Principal, action: str, name: str, wanted: Roles) -> None:
    detail = {"roles": [str(role) for role in wanted.roles], "teams": list(wanted.teams)}
    runtime.warehouse.audit.append(by, action, name, datetime.now(UTC), detail)


def _parse_role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError:
        raise UsageError(f"{text!r} is not a role: use one of {', '.join(Role)}") from None
