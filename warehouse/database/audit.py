"""The audit log: what was decided, changed or exported, by whom. Rows are never changed or deleted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from models.vocabulary.identity import Principal, Role
from warehouse.database.connection import Database
from warehouse.database.schema import AUDIT_ENTRY


@dataclass(frozen=True)
class AuditEntry:
    """One thing that somebody did."""

    id: int
    occurred_at: datetime
    principal: str
    action: str
    subject: str
    detail: Mapping[str, Any]


@dataclass(frozen=True)
class AuditNote:
    """An entry to be written: who did what to which subject, when; ``detail`` holds JSON values only."""

    principal: str
    action: str
    subject: str
    at: datetime
    detail: Mapping[str, Any]


def append_entry(connection: Connection, note: AuditNote) -> None:
    """Add an entry within the caller's transaction, so that act and entry are stored together."""
    connection.execute(
        insert(AUDIT_ENTRY).values(
            occurred_at=note.at,
            principal=note.principal,
            action=note.action,
            subject=note.subject,
            detail=dict(note.detail),
        )
    )


class AuditLog:
    """The audit log of a warehouse."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(
        self,
        principal: Principal,
        action: str,
        subject: str,
        at: datetime,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Add an entry.

        Parameters
        ----------
        principal : Principal
        action : str
            A verb and its object, ``export chargeback``.
        subject : str
            What it was done to.
        at : datetime
        detail : mapping, optional
            JSON values only.
        """
        with self._database.write() as connection:
            append_entry(connection, AuditNote(principal.id, action, subject, at, detail or {}))

    def list(self, principal: Principal, *, limit: int = 200) -> list[AuditEntry]:
        """Return the newest entries, newest first.

        Raises
        ------
        Forbidden
            If the principal is neither finance nor admin.
        """
        principal.require(Role.FINANCE)
        statement = select(AUDIT_ENTRY).order_by(AUDIT_ENTRY.c.id.desc()).limit(limit)
        with self._database.read() as connection:
            return [AuditEntry(**row._mapping) for row in connection.execute(statement)]
