"""How owed hours are cut into commits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from models.vocabulary.windows import HOUR, HourWindow
from service.usecases.ingest_batches import ROWS_PER_COMMIT, next_batch

NOON = datetime(2026, 10, 30, 12, tzinfo=UTC)


def test_files_are_stored_a_calendar_month_at_a_time() -> None:
    window = HourWindow(NOON, datetime(2026, 12, 2, tzinfo=UTC))
    first, rest = next_batch(window, None, "files")
    assert first == HourWindow(NOON, datetime(2026, 11, 1, tzinfo=UTC))
    assert rest is not None
    second, rest = next_batch(rest, 1e6, "files")
    assert second == HourWindow(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC))


def test_the_first_read_of_a_cluster_is_short_because_nobody_knows_its_size() -> None:
    first, _ = next_batch(HourWindow(NOON, NOON + timedelta(days=3)), None, "prometheus")
    assert first.hour_count == 6


def test_a_small_cluster_is_read_up_to_the_end_of_the_day() -> None:
    first, _ = next_batch(HourWindow(NOON, NOON + timedelta(days=3)), 10.0, "prometheus")
    assert first.end == datetime(2026, 10, 31, tzinfo=UTC)


def test_a_huge_cluster_is_read_hour_by_hour() -> None:
    first, _ = next_batch(HourWindow(NOON, NOON + timedelta(days=3)), ROWS_PER_COMMIT * 2.0, "prometheus")
    assert first.hour_count == 1


@given(
    hours=st.integers(1, 2000),
    offset=st.integers(0, 5000),
    rows=st.none() | st.floats(0, 1e7),
    source=st.sampled_from(["files", "prometheus"]),
)
def test_batches_cover_the_window_exactly_once_in_order(
    hours: int, offset: int, rows: float | None, source: str
) -> None:
    window = HourWindow(NOON + offset * HOUR, NOON + (offset + hours) * HOUR)
    rest: HourWindow | None = window
    seen: list[datetime] = []
    while rest is not None:
        part, rest = next_batch(rest, rows, source)
        seen += part.hours()
    assert seen == list(window.hours())
