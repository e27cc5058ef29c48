"""Which calendar events hold back reductions when a past time is judged."""

from datetime import timedelta

import pytest
from support.container_usage import Container, constant, observed

from models.events.calendar import CalendarEvent, EventKind, EventScope
from models.vocabulary.identity import Principal, Role
from models.vocabulary.recommendation import SilenceReason
from models.vocabulary.windows import DAY, HOUR, parse_instant
from service.leasing import holding
from service.runtime import Runtime
from service.usecases.recommendations import preview_recommendations
from warehouse.database.audit import AuditNote

START = parse_instant("2026-09-07")
ASKED = START + 9 * DAY
NOW = START + 10 * DAY + 5 * HOUR + timedelta(minutes=30)
PLATFORM = Principal("pat", frozenset({Role.PLATFORM}))


@pytest.mark.parametrize(
    ("asked", "declared", "counts"),
    [
        (ASKED, ASKED - HOUR, True),
        (ASKED, ASKED + HOUR, False),
        # data end hours before now, and the hour of now has begun: what is declared today counts today
        (NOW, NOW, True),
    ],
)
def test_an_event_counts_if_it_had_been_declared_by_the_time_asked_for(tmp_path, asked, declared, counts):
    runtime = Runtime.for_test(tmp_path, now=NOW)
    runtime.warehouse.clusters.register("alpha")
    with holding(runtime, "alpha") as held:
        container = Container(cpu=constant(0.2), cpu_request=1.0)
        runtime.warehouse.record(observed([container], ["node-1"], START, 10 * 24), held.lease)
    begin = START + 20 * DAY
    sale = CalendarEvent("harvest", EventScope(), begin, begin + DAY, EventKind.SALE)
    runtime.warehouse.events.save([sale], AuditNote("pat", "save", "event", declared, {}))
    found = preview_recommendations(runtime, PLATFORM, asked)
    runtime.warehouse.close()
    reasons = {silence.reason for silence, _ in found.silent}
    assert (SilenceReason.CALENDAR_PEAK_NOT_SEEN in reasons) is counts
    assert bool(found.advised) is not counts
