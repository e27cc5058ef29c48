from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from models.applying.maintenance import Freeze, Scope, WeeklyWindow, admit, next_open

NOON = datetime(2026, 10, 14, 12, tzinfo=UTC)
"""A Wednesday."""
EVERYWHERE = Scope()


def window(days: tuple[int, ...], opens: str, closes: str, zone: str = "UTC") -> WeeklyWindow:
    return WeeklyWindow(EVERYWHERE, days, time.fromisoformat(opens), time.fromisoformat(closes), zone)


def freeze(start: datetime, end: datetime) -> Freeze:
    return Freeze(EVERYWHERE, start, end, "sale")


def test_without_windows_every_time_is_open() -> None:
    assert admit(NOON, [], []).is_open


def test_the_opening_belongs_to_a_window_and_the_closing_does_not() -> None:
    one = window((2,), "12:00", "13:00")
    assert admit(NOON, [one], []).is_open
    assert not admit(NOON + timedelta(hours=1), [one], []).is_open


def test_a_window_past_midnight_is_open_on_the_next_day() -> None:
    one = window((1,), "22:00", "12:30")
    assert admit(NOON, [one], []).is_open, "opened on Tuesday evening"
    assert not admit(NOON + timedelta(hours=1), [one], []).is_open


def test_a_window_keeps_its_wall_clock_when_the_clocks_change() -> None:
    sundays = window((6,), "01:00", "05:00", "Europe/Berlin")
    (before, *_) = sundays.spans_from(datetime(2026, 10, 17, tzinfo=UTC))
    change = sundays.spans_from(datetime(2026, 10, 24, tzinfo=UTC))[0]
    assert before == (datetime(2026, 10, 17, 23, tzinfo=UTC), datetime(2026, 10, 18, 3, tzinfo=UTC))
    assert change[1] - change[0] == timedelta(hours=5), "an hour longer in the night of the change"


def test_the_next_time_is_after_the_freeze_and_in_a_window() -> None:
    fridays = window((4,), "08:00", "10:00")
    frozen = freeze(NOON, datetime(2026, 10, 16, 9, tzinfo=UTC))
    assert admit(NOON, [fridays], [frozen]).next_at == datetime(2026, 10, 16, 9, tzinfo=UTC)
    longer = freeze(NOON, datetime(2026, 10, 16, 10, tzinfo=UTC))
    assert admit(NOON, [fridays], [longer]).next_at == datetime(2026, 10, 23, 8, tzinfo=UTC)


def test_a_window_that_never_comes_says_so() -> None:
    found = admit(NOON, [window((), "08:00", "10:00")], [])
    assert (found.is_open, found.next_at) == (False, None)
    assert "no window opens within two weeks" in found.reason


def test_freezes_that_follow_each_other_are_one() -> None:
    chain = [freeze(NOON + timedelta(days=n), NOON + timedelta(days=n + 1)) for n in range(5)]
    assert next_open(NOON, [], chain) == NOON + timedelta(days=5)


def test_scopes_are_globs_and_an_unowned_workload_is_nobody_s_team() -> None:
    assert Scope("prod-*", "shop", "*").includes("prod-eu", "shop", None)
    assert not Scope(team="shop").includes("prod-eu", "shop", None)
    assert not Scope("prod-*").includes("test", "shop", "shop")


@given(
    st.integers(-9_000, 9_000),
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 23), st.integers(0, 23)), max_size=3),
    st.lists(st.tuples(st.integers(0, 200), st.integers(1, 100)), max_size=3),
)
def test_the_next_time_is_open_and_no_earlier_hour_is(
    hour: int, openings: list[tuple[int, int, int]], stretches: list[tuple[int, int]]
) -> None:
    start = NOON + timedelta(hours=hour)
    windows = [
        WeeklyWindow(EVERYWHERE, (day,), time(opens), time(closes), "Europe/Berlin")
        for day, opens, closes in openings
    ]
    freezes = [
        freeze(start + timedelta(hours=begin), start + timedelta(hours=begin + length))
        for begin, length in stretches
    ]
    found = next_open(start, windows, freezes)
    if found is None:
        assert windows
        return
    assert admit(found, windows, freezes).is_open
    hours = int((found - start) / timedelta(hours=1))
    assert not any(admit(start + timedelta(hours=n), windows, freezes).is_open for n in range(min(hours, 60)))
