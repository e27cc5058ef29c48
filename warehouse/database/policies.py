"""Versions of sharing policies: added, never changed; each holds from a month on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select

from warehouse.database.audit import AuditNote, append_entry
from warehouse.database.connection import Database
from warehouse.database.policy_tables import SHARING_POLICY

_P = SHARING_POLICY.c


@dataclass(frozen=True)
class StoredPolicy:
    """One version.

    Parameters
    ----------
    version : int
        1, 2, ... in the order of storing.
    effective_from : str
        First month that it holds for, ``2026-10``.
    document : mapping
        As `models.chargeback.policy.policy_document` writes it.
    policy_hash : str
    principal : str
        Who stored it.
    note : str or None
    recorded_at : datetime
    """

    version: int
    effective_from: str
    document: Mapping[str, Any]
    policy_hash: str
    principal: str
    note: str | None
    recorded_at: datetime


class Policies:
    """All versions of sharing policies of a warehouse."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, effective_from: str, document: Mapping[str, Any], policy_hash: str, note: AuditNote
    ) -> StoredPolicy:
        """Store the next version with its entry in the audit log.

        Parameters
        ----------
        effective_from : str
        document : mapping
        policy_hash : str
        note : AuditNote
            Who, when and, as ``reason`` of its detail, why.
        """
        with self._database.write() as connection:
            last = connection.execute(select(func.max(_P.version))).scalar_one() or 0
            stored = StoredPolicy(
                version=last + 1,
                effective_from=effective_from,
                document=dict(document),
                policy_hash=policy_hash,
                principal=note.principal,
                note=note.detail.get("reason"),
                recorded_at=note.at,
            )
            connection.execute(insert(SHARING_POLICY).values(asdict(stored)))
            append_entry(connection, note)
        return stored

    def list(self) -> list[StoredPolicy]:
        """Return all versions, oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(select(SHARING_POLICY).order_by(_P.version))
            return [StoredPolicy(**row._mapping) for row in rows]

    def in_force(self, month: str) -> StoredPolicy | None:
        """Return the version that a month follows; None before the first one."""
        wanted = (
            select(SHARING_POLICY)
            .where(_P.effective_from <= month)
            .order_by(_P.effective_from.desc(), _P.version.desc())
            .limit(1)
        )
        with self._database.read() as connection:
            row = connection.execute(wanted).one_or_none()
        return None if row is None else StoredPolicy(**row._mapping)
