from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from models.ownership.timeline import cut

DAY = date(2026, 10, 5)
HOUR_MICROSECONDS = 3_600_000_000


def test_a_utc_day_without_changes_is_one_segment_of_24_hours():
    timeline = cut(DAY, DAY, ZoneInfo("UTC"), ())
    assert len(timeline.segments) == 1
    assert [len(group.hours) for group in timeline.groups] == [24]
    assert timeline.window.hour_count == 24


def test_an_hour_with_a_change_is_cut_by_seconds():
    change = datetime(2026, 10, 5, 7, 20, tzinfo=UTC)
    timeline = cut(DAY, DAY, ZoneInfo("UTC"), [change])
    assert [len(group.hours) for group in timeline.groups] == [7, 1, 16]
    assert timeline.groups[1].pieces == ((0, 1_200_000_000), (1, 2_400_000_000))


def test_a_change_on_the_hour_cuts_no_hour():
    timeline = cut(DAY, DAY, ZoneInfo("UTC"), [datetime(2026, 10, 5, 7, tzinfo=UTC)])
    assert all(len(group.pieces) == 1 for group in timeline.groups)


def test_days_follow_the_zone_through_the_change_of_clocks():
    autumn = cut(date(2026, 10, 25), date(2026, 10, 25), ZoneInfo("Europe/Berlin"), ())
    spring = cut(date(2026, 3, 29), date(2026, 3, 29), ZoneInfo("Europe/Berlin"), ())
    assert (autumn.window.hour_count, spring.window.hour_count) == (25, 23)


def test_an_hour_that_midnight_cuts_is_cut_alike_from_both_days():
    zone = ZoneInfo("Asia/Kolkata")
    before, after = cut(DAY, DAY, zone, ()), cut(DAY + timedelta(days=1), DAY + timedelta(days=1), zone, ())
    assert [length for _, length in before.groups[-1].pieces] == [
        length for _, length in after.groups[0].pieces
    ]
    assert before.segments[-1].billing_date == after.segments[1].billing_date
    assert all(sum(length for _, length in group.pieces) == HOUR_MICROSECONDS for group in before.groups)


def test_every_hour_of_a_day_has_a_bit_of_its_own():
    marks = cut(date(2026, 10, 25), date(2026, 10, 25), ZoneInfo("Europe/Berlin"), ()).hour_marks()
    assert len({bit for _, _, bit in marks}) == 25
