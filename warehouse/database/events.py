"""Calendar events: who declared which days not to be like others."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, select

from models.events.calendar import CalendarEvent, EventKind, EventScope
from models.vocabulary.errors import NotFound
from models.vocabulary.windows import HourWindow
from warehouse.database.audit import AuditNote, append_entry
from warehouse.database.connection import Database
from warehouse.database.event_tables import CALENDAR_EVENT
from warehouse.database.statements import insert_or_update

_E = CALENDAR_EVENT.c


class CalendarEvents:
    """All calendar events of a warehouse."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, events: Sequence[CalendarEvent], note: AuditNote) -> None:
        """Store events with an entry in the audit log; one of the same name, scope and start is replaced."""
        values = [_values(event, note.principal, note.at) for event in events]
        with self._database.write() as connection:
            insert_or_update(connection, CALENDAR_EVENT, values)
            append_entry(connection, note)

    def remove(self, event_id: str, note: AuditNote) -> CalendarEvent:
        """Remove an event with an entry in the audit log; return what it was.

        Raises
        ------
        NotFound
            If there is no such event.
        """
        with self._database.write() as connection:
            row = connection.execute(select(CALENDAR_EVENT).where(_E.id == event_id)).one_or_none()
            if row is None:
                raise NotFound(f"there is no calendar event {event_id}: `millicore event list` shows all")
            connection.execute(delete(CALENDAR_EVENT).where(_E.id == event_id))
            append_entry(connection, note)
            return _event(row)

    def list(
        self, window: HourWindow | None = None, *, declared_by: datetime | None = None
    ) -> list[CalendarEvent]:
        """Return the events that touch a window, or all, by start and name; those declared by a time only."""
        statement = select(CALENDAR_EVENT).order_by(_E.start_at, _E.name, _E.id)
        if window is not None:
            statement = statement.where(_E.start_at < window.end, _E.end_at > window.start)
        if declared_by is not None:
            statement = statement.where(_E.recorded_at <= declared_by)
        with self._database.read() as connection:
            return [_event(row) for row in connection.execute(statement)]


def _values(event: CalendarEvent, principal: str, at: datetime) -> dict[str, Any]:
    return {
        "id": event.id,
        "name": event.name,
        "kind": event.kind.value,
        "cluster": event.scope.cluster,
        "namespace": event.scope.namespace,
        "workload": event.scope.workload,
        "start_at": event.start,
        "end_at": event.end,
        "include_in_baseline": event.include_in_baseline,
        "expected_factor": event.expected_factor,
        "principal": principal,
        "recorded_at": at,
    }


def _event(row: Row[Any]) -> CalendarEvent:
    return CalendarEvent(
        name=row.name,
        scope=EventScope(row.cluster, row.namespace, row.workload),
        start=row.start_at,
        end=row.end_at,
        kind=EventKind(row.kind),
        include_in_baseline=row.include_in_baseline,
        expected_factor=row.expected_factor,
    )
