"""What fiscal calendars and anomalies promise, on SQLite and on PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from support.warehouse import NOON

from models.budget.fiscal import CalendarRow
from models.vocabulary.errors import InputError
from models.vocabulary.identity import Principal, Role
from warehouse.database.anomalies import AnomalyState, CostAnomaly
from warehouse.gateway import Warehouse

LEADER = Principal("lea", frozenset({Role.LEADERSHIP}))
SHOP = Principal("ann", frozenset({Role.OWNER}), frozenset({"shop"}))
BANK = Principal("eve", frozenset({Role.OWNER}), frozenset({"bank"}))
SINCE = date(2026, 10, 1)
FOUND = CostAnomaly(
    "EUR",
    "team",
    "shop",
    date(2026, 10, 5),
    date(2026, 10, 5),
    1,
    Decimal("10.5"),
    Decimal("42.000001"),
    Decimal("300"),
    "volume",
    "shop/Deployment/web",
    AnomalyState.FOUND,
    NOON,
)


def test_an_anomaly_is_new_once_and_keeps_the_moment_it_was_told(each_database: Warehouse) -> None:
    anomalies = each_database.anomalies
    assert anomalies.record([FOUND], SINCE) == [FOUND]
    longer = replace(FOUND, last_day=date(2026, 10, 6), day_count=2, detected_at=NOON.replace(hour=23))
    assert anomalies.record([longer], SINCE) == []
    assert anomalies.list(LEADER) == [replace(longer, detected_at=NOON)]


def test_one_that_is_found_no_more_is_withdrawn_and_older_ones_stand(each_database: Warehouse) -> None:
    anomalies = each_database.anomalies
    old = replace(FOUND, first_day=date(2026, 8, 1), last_day=date(2026, 8, 2))
    anomalies.record([old, FOUND], date(2026, 7, 1))
    anomalies.record([], SINCE)
    assert anomalies.list(LEADER) == [old]
    assert anomalies.list(LEADER, since=SINCE) == []


def test_anomalies_are_seen_by_those_who_may(each_database: Warehouse) -> None:
    idle = replace(FOUND, scope_kind="cluster", scope="c1")
    each_database.anomalies.record([FOUND, idle], SINCE)
    assert each_database.anomalies.list(SHOP) == [FOUND]
    assert each_database.anomalies.list(BANK) == []
    assert len(each_database.anomalies.list(LEADER)) == 2


def test_a_calendar_with_a_gap_is_refused_and_the_old_one_stays(each_database: Warehouse) -> None:
    first = CalendarRow(2027, 1, date(2026, 9, 28), date(2026, 10, 25))
    each_database.fiscal_calendars.replace([first])
    late = CalendarRow(2027, 2, date(2026, 10, 27), date(2026, 11, 22))
    with pytest.raises(InputError, match="leaves a gap"):
        each_database.fiscal_calendars.replace([first, late])
    assert each_database.fiscal_calendars.all() == [first]
