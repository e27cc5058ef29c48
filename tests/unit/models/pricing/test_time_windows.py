from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from models.pricing.time_windows import parse_window
from models.vocabulary.errors import InputError

SHANGHAI = "Asia/Shanghai"
BERLIN = "Europe/Berlin"


def utc(day: int, hour: int, minute: int = 0, *, month: int = 10) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def spans(window, start, end):
    return list(window.between(start, end))


def test_a_night_window_runs_over_midnight_in_its_zone():
    night = parse_window("22:00", "06:00", None, SHANGHAI)
    assert spans(night, utc(1, 12), utc(2, 12)) == [(utc(1, 14), utc(1, 22))]
    assert night.covers(utc(1, 14))
    assert not night.covers(utc(1, 22))


def test_weekdays_are_those_on_which_the_window_begins():
    friday_night = parse_window("22:00", "06:00", "fri", "UTC")
    assert friday_night.covers(utc(3, 5, 59))  # Saturday morning, 3 October 2026
    assert not friday_night.covers(utc(3, 22))


def test_equal_bounds_and_missing_bounds_are_the_whole_day():
    for window in (
        parse_window("00:00", "24:00", "sat,sun", None),
        parse_window(None, None, "sat-sun", None),
    ):
        assert spans(window, utc(2, 0), utc(6, 0)) == [(utc(3, 0), utc(4, 0)), (utc(4, 0), utc(5, 0))]
    assert parse_window(None, None, None, "UTC") is None


def test_a_day_of_25_hours_has_a_longer_night():
    night = parse_window("00:00", "06:00", None, BERLIN)
    (short,) = spans(night, utc(29, 3, month=3), utc(29, 4, month=3))
    (long,) = spans(night, utc(25, 3), utc(25, 4))
    assert (short[1] - short[0], long[1] - long[0]) == (timedelta(hours=5), timedelta(hours=7))


def test_a_time_that_the_clock_skips_is_the_instant_of_the_jump():
    skipped = parse_window("02:15", "02:45", None, BERLIN)
    assert spans(skipped, utc(29, 0, month=3), utc(29, 5, month=3)) == []
    until = parse_window("01:00", "02:30", None, BERLIN)
    assert spans(until, utc(29, 0, month=3), utc(29, 5, month=3)) == [
        (utc(29, 0, month=3), utc(29, 1, month=3))
    ]


def test_windows_that_share_a_minute_of_the_week_overlap():
    sunday_night = parse_window("22:00", "06:00", "sun", "UTC")
    assert sunday_night.overlaps(parse_window("05:00", "07:00", "mon", "UTC"))
    assert not sunday_night.overlaps(parse_window("06:00", "07:00", "mon", "UTC"))


@pytest.mark.parametrize(
    ("cells", "field"),
    [
        (("22:00", None, None, None), "daily_to"),
        (("25:00", "06:00", None, None), "daily_from"),
        (("22:00", "6", None, None), "daily_to"),
        (("22:00", "06:00", "noday", None), "weekdays"),
        (("22:00", "06:00", None, "Mars/Base"), "time_zone"),
    ],
)
def test_a_wrong_cell_is_named(cells, field):
    with pytest.raises(InputError, match=f"field {field}"):
        parse_window(*cells)
