"""Versions of the mapping from charges to journal entries."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select

from models.vocabulary.windows import month_bounds
from warehouse.database.audit import AuditNote, append_entry
from warehouse.database.connection import Database
from warehouse.database.journal_tables import JOURNAL_MAPPING

_M = JOURNAL_MAPPING.c


@dataclass(frozen=True)
class StoredMapping:
    """One version of the mapping, as it was imported.

    Parameters
    ----------
    version : int
        1 for the first; an import of what is there already makes none.
    effective_month : str
        First month that it is for.
    content : mapping
        The document, which `models.journal.document.parse_mapping` reads.
    content_hash : str
        sha256 of the document in canonical form.
    source_file, principal : str
        Name of the file and who imported it.
    """

    version: int
    effective_month: str
    content: Mapping[str, Any]
    content_hash: str
    source_file: str
    principal: str
    recorded_at: datetime


def document_hash(content: Mapping[str, Any]) -> str:
    """Return the sha256 of a document, whatever the order of its keys."""
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


class JournalMappings:
    """All versions of a warehouse's journal mapping. Rows are never changed or deleted."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, effective_month: str, content: Mapping[str, Any], source_file: str, note: AuditNote
    ) -> StoredMapping:
        """Store the next version with its entry in the audit log; the version in force again adds nothing.

        Raises
        ------
        InputError
            If the month is not one.
        """
        month_bounds(effective_month)
        digest = document_hash(content)
        known = self.in_force(effective_month)
        if known is not None and (known.content_hash, known.effective_month) == (digest, effective_month):
            return known
        with self._database.write() as connection:
            last = connection.execute(select(func.max(_M.version))).scalar_one()
            stored = StoredMapping(
                version=(last or 0) + 1,
                effective_month=effective_month,
                content=dict(content),
                content_hash=digest,
                source_file=source_file,
                principal=note.principal,
                recorded_at=note.at,
            )
            connection.execute(insert(JOURNAL_MAPPING).values(**vars(stored)))
            append_entry(connection, note)
        return stored

    def in_force(self, month: str) -> StoredMapping | None:
        """Return the mapping for a month: the newest import of the newest effective month, or None."""
        statement = (
            select(JOURNAL_MAPPING)
            .where(_M.effective_month <= month)
            .order_by(_M.effective_month.desc(), _M.version.desc())
            .limit(1)
        )
        with self._database.read() as connection:
            row = connection.execute(statement).first()
        return None if row is None else StoredMapping(**row._mapping)

    def list(self) -> list[StoredMapping]:
        """Return every version, oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(select(JOURNAL_MAPPING).order_by(_M.version))
            return [StoredMapping(**row._mapping) for row in rows]
