from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from service.boards.coverage import days_of_clusters, final_days, list_gaps, newest_complete
from service.boards.freshness import Freshness, age_of, freshness_of, stale_mark
from warehouse.observed import WindowState
from warehouse.reads.coverage import HourState

UTC_ZONE = ZoneInfo("UTC")
DAY = date(2026, 11, 10)
START = datetime(2026, 11, 10, tzinfo=UTC)
NOW = datetime(2026, 11, 14, tzinfo=UTC)
HOUR = timedelta(hours=1)
TODAY = NOW.date()


def hours(
    count: int, *, cluster: str = "a", start: datetime = START, state: WindowState = WindowState.COMPLETE
) -> list[HourState]:
    return [HourState(cluster, "files", start + index * HOUR, state, 1.0, "") for index in range(count)]


def final(rows: list[HourState], *, with_cost: bool = True, today: date = TODAY) -> dict[date, bool]:
    days = days_of_clusters(rows, DAY, DAY + timedelta(days=3), NOW, UTC_ZONE)
    costed = [DAY + timedelta(days=index) for index in range(4)] if with_cost else []
    return final_days(days, costed, today)


def test_a_day_with_all_its_hours_is_final() -> None:
    assert final(hours(24))[DAY] is True


def test_one_missing_hour_keeps_a_day_open() -> None:
    assert final([row for row in hours(48) if row.hour != START + 5 * HOUR])[DAY] is False


def test_a_partial_or_lost_hour_keeps_a_day_open() -> None:
    for state in (WindowState.PARTIAL, WindowState.FAILED, WindowState.UNRECOVERABLE):
        rows = hours(24)
        rows[7] = HourState("a", "files", rows[7].hour, state, 0.5, "why")
        assert final(rows)[DAY] is False


def test_a_day_whose_cost_is_not_derived_is_not_final() -> None:
    assert final(hours(24), with_cost=False)[DAY] is False


def test_a_cluster_that_joins_later_spoils_no_day_before_its_first_sample() -> None:
    joined = hours(24, cluster="b", start=START + timedelta(days=2))
    found = final([*hours(72), *joined])
    assert found == {DAY: True, date(2026, 11, 11): True, date(2026, 11, 12): True}


def test_the_first_day_of_the_only_cluster_is_not_full_when_it_began_at_noon() -> None:
    found = final(hours(36, start=START + 12 * HOUR))
    assert found == {DAY: False, date(2026, 11, 11): True}


def test_a_day_is_cut_in_the_billing_zone() -> None:
    zone = ZoneInfo("Asia/Shanghai")
    rows = hours(24, start=datetime(2026, 11, 9, 16, tzinfo=UTC))
    days = days_of_clusters(rows, DAY, DAY, NOW, zone)
    assert days[0].is_full


def test_the_day_on_which_the_clock_goes_back_has_25_hours() -> None:
    zone = ZoneInfo("Europe/Berlin")
    day = date(2026, 10, 25)
    rows = hours(25, start=datetime(2026, 10, 24, 22, tzinfo=UTC))
    found = days_of_clusters(rows, day, day, NOW, zone)[0]
    assert (found.hour_count, found.is_full) == (25, True)


def test_consecutive_hours_with_one_reason_are_one_gap() -> None:
    rows = hours(10)
    for index in (3, 4, 5):
        rows[index] = HourState("a", "files", rows[index].hour, WindowState.PARTIAL, 0.1, "thin")
    del rows[7]
    gaps = list_gaps(rows, NOW)
    assert [(gap.state, gap.hour_count, gap.note) for gap in gaps] == [
        ("partial", 3, "thin"),
        ("absent", 1, ""),
    ]


def test_gaps_of_two_clusters_do_not_join() -> None:
    rows = [*hours(2, state=WindowState.FAILED), *hours(2, cluster="b", state=WindowState.FAILED)]
    assert [gap.cluster for gap in list_gaps(rows, NOW)] == ["a", "b"]


def test_the_newest_complete_hour_is_named_by_its_end() -> None:
    assert newest_complete(hours(3)) == {"a": START + 3 * HOUR}


def test_data_turns_amber_after_36_hours_and_red_after_72() -> None:
    def state(after: timedelta) -> Freshness:
        return freshness_of(age_of(DAY, datetime(2026, 11, 11, tzinfo=UTC) + after, UTC_ZONE))

    assert state(timedelta(hours=36)) is Freshness.FRESH
    assert state(timedelta(hours=37)) is Freshness.AMBER
    assert state(timedelta(hours=72)) is Freshness.AMBER
    assert state(timedelta(hours=73)) is Freshness.RED
    assert freshness_of(None) is Freshness.NONE
    assert stale_mark(timedelta(hours=5)) is None
    mark = stale_mark(timedelta(days=4))
    assert mark is not None
    assert mark.text == "Newest final day ended 4 days ago"
