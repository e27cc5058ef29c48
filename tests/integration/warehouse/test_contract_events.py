"""What the repository of calendar events promises, on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from models.events.calendar import CalendarEvent, EventKind, EventScope
from models.vocabulary.errors import NotFound
from models.vocabulary.identity import Principal, Role
from models.vocabulary.windows import HourWindow
from warehouse.database.audit import AuditNote
from warehouse.gateway import Warehouse

NOON = datetime(2026, 11, 11, 12, tzinfo=UTC)
NOTE = AuditNote("pat", "add calendar events", "sale", NOON, {})
ADMIN = Principal("ann", frozenset({Role.ADMIN}))


def _event(name: str, day: int, factor: float | None = None) -> CalendarEvent:
    start = datetime(2026, 11, day, tzinfo=UTC)
    scope = EventScope("prod-*", "shop", "Deployment/web")
    return CalendarEvent(
        name, scope, start, start + timedelta(days=1), EventKind.HOLIDAY, expected_factor=factor
    )


def test_events_come_back_as_they_were_declared_and_are_audited(each_database: Warehouse) -> None:
    later, sooner = _event("singles day", 11, 3.5), _event("all saints", 1)
    each_database.events.save([later, sooner], NOTE)
    assert each_database.events.list() == [sooner, later]
    assert each_database.audit.list(ADMIN)[0].action == "add calendar events"


def test_the_same_event_declared_again_replaces_the_first(each_database: Warehouse) -> None:
    each_database.events.save([_event("sale", 11)], NOTE)
    each_database.events.save([_event("sale", 11, 4.0)], NOTE)
    assert [one.expected_factor for one in each_database.events.list()] == [4.0]


def test_a_window_shows_the_events_that_touch_it(each_database: Warehouse) -> None:
    each_database.events.save([_event("a", 10), _event("b", 11), _event("c", 12)], NOTE)
    day = HourWindow.of_day(datetime(2026, 11, 11, tzinfo=UTC).date())
    assert [one.name for one in each_database.events.list(day)] == ["b"]


def test_an_event_is_removed_once(each_database: Warehouse) -> None:
    each_database.events.save([_event("sale", 11)], NOTE)
    (stored,) = each_database.events.list()
    assert each_database.events.remove(stored.id, NOTE) == stored
    assert each_database.events.list() == []
    with pytest.raises(NotFound, match="event list"):
        each_database.events.remove(stored.id, NOTE)
