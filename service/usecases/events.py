"""The calendar of sales, holidays, load tests and incidents: declared by people, read by models."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from ingest.files.event_files import load_events
from models.events.calendar import CalendarEvent
from models.vocabulary.identity import Principal, Role
from models.vocabulary.windows import HourWindow
from service.runtime import Runtime
from warehouse.database.audit import AuditNote


def list_events(
    runtime: Runtime, window: HourWindow | None = None, *, declared_by: datetime | None = None
) -> list[CalendarEvent]:
    """Return the events that touch a window, or all of them, by start and name.

    ``declared_by`` leaves out events that were declared, or last changed, after it.

    The calendar holds no cost and no usage: every principal and every model may read it.
    """
    return runtime.warehouse.events.list(window, declared_by=declared_by)


def add_events(runtime: Runtime, principal: Principal, events: Sequence[CalendarEvent]) -> None:
    """Declare events; one of the same name, scope and start is replaced.

    Raises
    ------
    Forbidden
        If the principal is neither platform nor admin: an event changes what all forecasts learn from.
    """
    principal.require(Role.PLATFORM)
    detail = {event.id: f"{event.name} {event.start.isoformat()}/{event.end.isoformat()}" for event in events}
    subject = events[0].name if len(events) == 1 else f"{len(events)} events"
    note = AuditNote(principal.id, "add calendar events", subject, runtime.now(), detail)
    runtime.warehouse.events.save(events, note)


def import_events(runtime: Runtime, principal: Principal, path: Path) -> list[CalendarEvent]:
    """Declare the events of a CSV or YAML file; all or none.

    Raises
    ------
    InputError
        Naming file, row, field and value.
    Forbidden
        As `add_events`.
    """
    events = load_events(path)
    add_events(runtime, principal, events)
    return events


def remove_event(runtime: Runtime, principal: Principal, event_id: str) -> CalendarEvent:
    """Take an event out of the calendar; the next forecasts learn from its hours again.

    Raises
    ------
    NotFound
        If there is no such event.
    Forbidden
        As `add_events`.
    """
    principal.require(Role.PLATFORM)
    note = AuditNote(principal.id, "remove calendar event", event_id, runtime.now(), {})
    return runtime.warehouse.events.remove(event_id, note)
