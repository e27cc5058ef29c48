from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from models.vocabulary.errors import InputError, UsageError
from models.vocabulary.windows import (
    HourWindow,
    floor_hour,
    month_bounds,
    parse_instant,
    parse_window,
    to_utc,
    windows_of,
)

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


def test_a_naive_moment_is_refused() -> None:
    with pytest.raises(InputError, match="has no time zone"):
        to_utc(NOW.replace(tzinfo=None))


def test_a_window_off_the_hour_is_refused() -> None:
    with pytest.raises(InputError, match="not on the hour"):
        HourWindow(NOW, NOW + timedelta(hours=1))


def test_an_empty_window_is_refused() -> None:
    start = floor_hour(NOW)
    with pytest.raises(InputError, match="ends before it starts"):
        HourWindow(start, start)


def test_a_window_lists_its_hours_and_days_half_open() -> None:
    window = HourWindow(datetime(2026, 10, 31, 22, tzinfo=UTC), datetime(2026, 11, 1, 0, tzinfo=UTC))
    assert [hour.hour for hour in window.hours()] == [22, 23]
    assert list(window.days()) == [date(2026, 10, 31)]
    assert window.end not in window
    assert window.start in window


def test_a_window_given_in_another_zone_is_kept_in_utc() -> None:
    shanghai = ZoneInfo("Asia/Shanghai")
    window = HourWindow(datetime(2026, 10, 1, tzinfo=shanghai), datetime(2026, 10, 2, tzinfo=shanghai))
    assert window.start == datetime(2026, 9, 30, 16, tzinfo=UTC)
    assert window.hour_count == 24


def test_scattered_hours_join_into_the_fewest_windows() -> None:
    start = datetime(2026, 10, 1, tzinfo=UTC)
    hours = [start + timedelta(hours=n) for n in (5, 0, 1, 2, 5)]
    assert [(w.start.hour, w.hour_count) for w in windows_of(hours)] == [(0, 3), (5, 1)]


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("24h", "2026-11-19T09:00Z", "2026-11-20T09:00Z"),
        ("7d", "2026-11-13T09:00Z", "2026-11-20T09:00Z"),
        ("today", "2026-11-20T00:00Z", "2026-11-20T09:00Z"),
        ("yesterday", "2026-11-19T00:00Z", "2026-11-20T00:00Z"),
        ("week", "2026-11-16T00:00Z", "2026-11-20T09:00Z"),
        ("lastweek", "2026-11-09T00:00Z", "2026-11-16T00:00Z"),
        ("month", "2026-11-01T00:00Z", "2026-11-20T09:00Z"),
        ("lastmonth", "2026-10-01T00:00Z", "2026-11-01T00:00Z"),
        ("2026-10", "2026-10-01T00:00Z", "2026-11-01T00:00Z"),
        ("2026-12", "2026-12-01T00:00Z", "2027-01-01T00:00Z"),
        ("2026-10-01,2026-10-02T01:30:00Z", "2026-10-01T00:00Z", "2026-10-02T02:00Z"),
    ],
)
def test_the_window_grammar(text: str, start: str, end: str) -> None:
    assert str(parse_window(text, now=NOW)) == f"{start},{end}"


@pytest.mark.parametrize("text", ["", "fortnight", "2026-13", "7y", "2026-10-02,2026-10-01"])
def test_a_window_outside_the_grammar_is_a_usage_error_that_shows_it(text: str) -> None:
    with pytest.raises(UsageError, match="window"):
        parse_window(text, now=NOW)


def test_a_month_is_cut_in_the_billing_zone_across_a_clock_change() -> None:
    start, end = month_bounds("2026-03", ZoneInfo("Europe/Berlin"))
    assert (end - start) == timedelta(days=31) - timedelta(hours=1)


def test_an_instant_may_be_a_date_or_unix_seconds() -> None:
    assert parse_instant("2026-10-01") == parse_instant("1790812800") == datetime(2026, 10, 1, tzinfo=UTC)


def test_a_naive_instant_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="not a time"):
        parse_instant("2026-10-01T00:00:00")
