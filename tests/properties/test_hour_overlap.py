from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.kubernetes_objects import at

from ingest.assembly.hour_overlap import HOUR_MICROSECONDS, spread_over_hours, summed_spans
from models.vocabulary.windows import HourWindow

FIRST = int(at().timestamp()) * 1_000_000
moments = st.integers(FIRST - 3 * HOUR_MICROSECONDS, FIRST + 9 * HOUR_MICROSECONDS)
intervals = st.lists(st.tuples(moments, moments).map(sorted), max_size=8)


def frame(pairs: list[list[int]]) -> pd.DataFrame:
    return pd.DataFrame(pairs, columns=["start_us", "end_us"], dtype="int64").assign(number=range(len(pairs)))


@given(intervals, st.integers(1, 6))
def test_the_seconds_of_an_interval_are_neither_lost_nor_doubled(pairs: list[list[int]], hours: int) -> None:
    spread = spread_over_hours(frame(pairs), HourWindow(at(0), at(hours)))
    last = FIRST + hours * HOUR_MICROSECONDS
    for number, (start, end) in enumerate(pairs):
        inside = max(0, min(end, last) - max(start, FIRST)) / 1e6
        assert spread.loc[spread["number"] == number, "seconds"].sum() == pytest.approx(inside)
    assert not spread.duplicated(["number", "hour_us"]).any()
    assert spread["seconds"].between(0, 3600, inclusive="right").all()


@given(intervals)
def test_a_window_is_the_sum_of_its_hours(pairs: list[list[int]]) -> None:
    whole = spread_over_hours(frame(pairs), HourWindow(at(0), at(4)))
    parts = [spread_over_hours(frame(pairs), HourWindow(at(hour), at(hour + 1))) for hour in range(4)]
    joined = pd.concat(parts).sort_values(["number", "hour_us"]).reset_index(drop=True)
    pd.testing.assert_frame_equal(whole.sort_values(["number", "hour_us"]).reset_index(drop=True), joined)


@given(intervals)
def test_time_held_at_several_places_counts_once(pairs: list[list[int]]) -> None:
    spread = spread_over_hours(frame(pairs).assign(thing="a"), HourWindow(at(0), at(4)))
    held = summed_spans(spread, ["thing", "hour_us"])
    for row in held.itertuples():
        first, last = int(row.hour_us), int(row.hour_us) + HOUR_MICROSECONDS
        cut = sorted((max(start, first), min(end, last)) for start, end in pairs)
        union, reached = 0, first
        for start, end in cut:
            union += max(0, end - max(start, reached))
            reached = max(reached, end)
        assert row.mounted_seconds == pytest.approx(union / 1e6)
        if not pd.isna(row.first_mounted_at):
            between = row.last_mounted_at - row.first_mounted_at
            assert between.total_seconds() == pytest.approx(row.mounted_seconds)
    assert sorted(held["hour_us"]) == sorted(spread["hour_us"].unique())
