"""What CMDBs stated: versions of projects, services, teams and cost centres, one sync after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from models.ownership.entities import EntityFacts, EntityKind, EntityVersion
from models.ownership.history import SyncPlan
from models.ownership.name_matches import DecidedPair
from warehouse.database.audit import AuditNote, append_entry
from warehouse.database.connection import Database
from warehouse.database.name_reviews import read_decisions
from warehouse.database.owner_tables import CMDB_ENTITY, OWNERSHIP_SYNC

_E = CMDB_ENTITY.c
_FACTS = tuple(field.name for field in fields(EntityFacts))


@dataclass(frozen=True)
class SyncRecord:
    """One sync: who read what from which source, and what it changed."""

    source: str
    synced_at: datetime
    principal: str
    row_count: int
    added_count: int
    changed_count: int
    removed_count: int
    unchanged_count: int
    is_forced: bool


PlanSync = Callable[[list[EntityVersion], list[DecidedPair]], tuple[SyncPlan, SyncRecord] | None]


class Cmdb:
    """Entities of all CMDB sources of a warehouse."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def versions(self, source: str | None = None) -> list[EntityVersion]:
        """Return the versions believed now, of one source or of all, by source, kind, name and time."""
        with self._database.read() as connection:
            return read_versions(connection, source)

    def believed_at(self, moment: datetime) -> list[EntityVersion]:
        """Return the versions that were believed at an instant: what a report of that time rested on."""
        made, ended = OWNERSHIP_SYNC.alias("made"), OWNERSHIP_SYNC.alias("ended")
        statement = (
            select(CMDB_ENTITY)
            .join(made, made.c.id == _E.sync_id)
            .outerjoin(ended, ended.c.id == _E.superseded_by)
            .where(made.c.synced_at <= moment, ended.c.id.is_(None) | (ended.c.synced_at > moment))
            .order_by(_E.source, _E.kind, _E.name, _E.valid_from)
        )
        with self._database.read() as connection:
            return [_version(row) for row in connection.execute(statement)]

    def sync(self, source: str, plan: PlanSync) -> SyncPlan | None:
        """Change the versions of a source in one transaction; all or nothing.

        Parameters
        ----------
        source : str
        plan : callable
            Gets the versions of all sources believed now and every decision about names; returns what to do
            and what to note, or None to leave everything as it is. What it raises undoes everything.
        """
        with self._database.write() as connection:
            if not self._database.is_sqlite:
                # two syncs at once would both end the same version
                connection.exec_driver_sql("LOCK TABLE ownership_sync IN EXCLUSIVE MODE")
            planned = plan(read_versions(connection), read_decisions(connection))
            if planned is None:
                return None
            wanted, record = planned
            _store(connection, source, wanted, record)
            return wanted

    def syncs(self, source: str | None = None) -> list[SyncRecord]:
        """Return the syncs that changed something, newest first."""
        columns = OWNERSHIP_SYNC.c
        statement = select(OWNERSHIP_SYNC).order_by(columns.id.desc())
        if source is not None:
            statement = statement.where(columns.source == source)
        with self._database.read() as connection:
            rows = connection.execute(statement).all()
        return [
            SyncRecord(**{name: value for name, value in row._mapping.items() if name != "id"})
            for row in rows
        ]


def read_versions(connection: Connection, source: str | None = None) -> list[EntityVersion]:
    """Return the versions believed now within a transaction."""
    statement = (
        select(CMDB_ENTITY)
        .where(_E.superseded_by.is_(None))
        .order_by(_E.source, _E.kind, _E.name, _E.valid_from)
    )
    if source is not None:
        statement = statement.where(_E.source == source)
    return [_version(row) for row in connection.execute(statement)]


def _store(connection: Connection, source: str, plan: SyncPlan, record: SyncRecord) -> None:
    stored = insert(OWNERSHIP_SYNC).values(**asdict(record)).returning(OWNERSHIP_SYNC.c.id)
    sync_id = connection.execute(stored).scalar_one()
    for version in plan.superseded:
        connection.execute(
            update(CMDB_ENTITY)
            .where(
                _E.source == source,
                _E.kind == version.kind.value,
                _E.name == version.name,
                _E.valid_from == version.valid_from,
                _E.superseded_by.is_(None),
            )
            .values(superseded_by=sync_id)
        )
    rows = [{**_values(version), "sync_id": sync_id} for version in plan.written]
    if rows:
        connection.execute(insert(CMDB_ENTITY), rows)
    note = {name: value for name, value in asdict(record).items() if name.endswith("_count")}
    detail = {**note, "is_forced": record.is_forced}
    append_entry(connection, AuditNote(record.principal, "sync owners", source, record.synced_at, detail))


def _values(version: EntityVersion) -> dict[str, Any]:
    facts = asdict(version.facts)
    own = {"source": version.source, "kind": version.kind.value, "name": version.name}
    return {**own, "valid_from": version.valid_from, "valid_to": version.valid_to, **facts}


def _version(row: Row[Any]) -> EntityVersion:
    values = row._mapping
    return EntityVersion(
        values["source"],
        EntityKind(values["kind"]),
        values["name"],
        EntityFacts(**{name: values[name] for name in _FACTS}),
        values["valid_from"],
        values["valid_to"],
    )
