from datetime import UTC, date, datetime, timedelta

import pytest

from models.events.calendar import CalendarEvent, EventKind, EventScope
from recommender.constraints_calendar import find_unseen_event, is_peak, list_past_periods, say_event

NOW = datetime(2026, 10, 20, tzinfo=UTC)
WINDOW_START = NOW - timedelta(days=28)


def event(days_from_now, kind=EventKind.SALE, name="autumn"):
    start = NOW + timedelta(days=days_from_now)
    return CalendarEvent(name, EventScope(), start, start + timedelta(days=1), kind)


def test_a_sale_ahead_without_one_in_the_window_is_unseen():
    found = find_unseen_event([event(9), event(20, name="winter")], WINDOW_START, NOW)
    assert found.name == "autumn"
    assert say_event(found) == "the sale autumn begins on 2026-10-29 and no sale is in its history"


def test_one_sale_in_the_window_is_enough():
    assert find_unseen_event([event(-10, name="spring"), event(9)], WINDOW_START, NOW) is None


def test_one_before_the_window_is_not():
    assert find_unseen_event([event(-40), event(9)], WINDOW_START, NOW) is not None


def test_a_sale_that_goes_on_now_has_not_been_seen_whole_but_is_in_the_window():
    assert find_unseen_event([event(-0.5)], WINDOW_START, NOW) is None


@pytest.mark.parametrize("kind", [EventKind.LOAD_TEST, EventKind.INCIDENT])
def test_load_tests_and_incidents_hold_nothing_back(kind):
    assert find_unseen_event([event(5, kind)], WINDOW_START, NOW) is None


def test_what_is_far_ahead_does_not_count_yet():
    assert find_unseen_event([event(60)], WINDOW_START, NOW) is None


def test_a_year_ago_stands_for_the_weeks_ahead():
    periods = {one.name: one for one in list_past_periods(date(2026, 9, 22), date(2026, 10, 20))}
    year = periods["about a year ago"]
    assert (year.first, year.last) == (date(2025, 10, 21), date(2025, 12, 5))


def test_quarter_ends_are_looked_up_only_when_one_is_ahead_and_none_is_in_the_window():
    assert not any("quarter" in one.name for one in list_past_periods(date(2026, 9, 22), date(2026, 10, 20)))
    december = list_past_periods(date(2026, 11, 20), date(2026, 12, 18))
    quarters = [one for one in december if "quarter" in one.name]
    assert quarters[-1].first == date(2026, 9, 28)
    assert quarters[-1].last == date(2026, 10, 2)


def test_month_ends_are_looked_up_when_the_window_holds_none():
    names = {one.name for one in list_past_periods(date(2026, 10, 10), date(2026, 10, 20))}
    assert "at the end of a month" in names
    names = {one.name for one in list_past_periods(date(2026, 9, 22), date(2026, 10, 20))}
    assert "at the end of a month" not in names


def test_no_period_reaches_into_the_window():
    for start in (date(2026, 1, 5), date(2026, 6, 20), date(2026, 10, 10)):
        as_of = start + timedelta(days=10)
        assert all(one.first <= one.last < start for one in list_past_periods(start, as_of))


def test_a_peak_is_clearly_above_the_window():
    assert is_peak(1.4, 1.0)
    assert not is_peak(1.2, 1.0)
    assert not is_peak(None, 1.0)
    assert not is_peak(1.0, None)
