"""Who may do what: role grants and API tokens, of which only hashes are stored."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select, update

from models.vocabulary.errors import InputError, NotFound
from models.vocabulary.identity import Principal, Role
from warehouse.database.connection import Database
from warehouse.database.schema import API_TOKEN, ROLE_GRANT
from warehouse.database.statements import insert_or_ignore

_T = API_TOKEN.c


@dataclass(frozen=True)
class TokenInfo:
    """What is known of an API token; the token itself is not stored."""

    id: str
    principal: str
    description: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True)
class RoleGrant:
    """One role that a principal holds; ``team`` is None for roles that are not about a team."""

    principal: str
    role: Role
    team: str | None


class Access:
    """Role grants and tokens of a warehouse. Deny by default: without a grant nothing may be read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def grant(self, principal: str, role: Role, team: str | None = None) -> None:
        """Give a role; ``owner`` for one team.

        Raises
        ------
        InputError
            If an owner role names no team, or another role names one.
        """
        if (role is Role.OWNER) != bool(team):
            raise InputError("is named exactly for the role owner", field="team", value=team)
        with self._database.write() as connection:
            connection.execute(
                insert_or_ignore(connection, ROLE_GRANT).values(
                    principal=principal, role=role.value, team=team or ""
                )
            )

    def withdraw(self, principal: str, role: Role, team: str | None = None) -> None:
        """Take a role away; nothing happens if it was not held."""
        columns = ROLE_GRANT.c
        with self._database.write() as connection:
            connection.execute(
                delete(ROLE_GRANT).where(
                    columns.principal == principal, columns.role == role.value, columns.team == (team or "")
                )
            )

    def grants(self) -> list[RoleGrant]:
        """Return all grants, by principal, role and team."""
        columns = ROLE_GRANT.c
        statement = select(ROLE_GRANT).order_by(columns.principal, columns.role, columns.team)
        with self._database.read() as connection:
            rows = connection.execute(statement).all()
        return [RoleGrant(row.principal, Role(row.role), row.team or None) for row in rows]

    def principal(self, name: str) -> Principal:
        """Return a principal with all roles granted; without grants it holds none."""
        statement = select(ROLE_GRANT).where(ROLE_GRANT.c.principal == name)
        with self._database.read() as connection:
            grants = connection.execute(statement).all()
        roles = frozenset(Role(grant.role) for grant in grants)
        return Principal(name, roles, frozenset(grant.team for grant in grants if grant.team))

    def issue_token(
        self, principal: str, *, description: str, at: datetime, expires_at: datetime | None = None
    ) -> str:
        """Create a token for a principal and return it; it cannot be shown again."""
        token = "mc_" + secrets.token_urlsafe(32)
        row = {
            "id": str(uuid.uuid4()),
            "principal": principal,
            "token_hash": _hash(token),
            "description": description,
            "created_at": at,
            "expires_at": expires_at,
        }
        with self._database.write() as connection:
            connection.execute(insert(API_TOKEN).values(**row))
        return token

    def principal_of_token(self, token: str, at: datetime) -> Principal | None:
        """Return whom a token stands for; None when it is unknown, expired or revoked."""
        statement = select(_T.principal).where(
            _T.token_hash == _hash(token),
            _T.revoked_at.is_(None),
            _T.expires_at.is_(None) | (_T.expires_at > at),
        )
        with self._database.read() as connection:
            name = connection.execute(statement).scalar_one_or_none()
        return None if name is None else self.principal(name)

    def tokens(self) -> list[TokenInfo]:
        """Return all tokens ever issued, oldest first."""
        statement = select(
            _T.id, _T.principal, _T.description, _T.created_at, _T.expires_at, _T.revoked_at
        ).order_by(_T.created_at, _T.id)
        with self._database.read() as connection:
            return [TokenInfo(**row._mapping) for row in connection.execute(statement)]

    def revoke_token(self, token_id: str, at: datetime) -> None:
        """Make a token useless from now on.

        Raises
        ------
        NotFound
            If there is no such token.
        """
        statement = update(API_TOKEN).where(_T.id == token_id, _T.revoked_at.is_(None))
        with self._database.write() as connection:
            if connection.execute(statement.values(revoked_at=at)).rowcount == 0:
                raise NotFound(f"there is no valid token {token_id}")


def _hash(token: str) -> str:
    # 256 random bits cannot be guessed, so a fast hash suffices
    return hashlib.sha256(token.encode()).hexdigest()
