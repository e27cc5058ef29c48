from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ingest.assembly.frames import EMPTY_FRAME, Frame, fill_forward_then_back, overlap_seconds


def test_a_dense_frame_has_nan_where_nothing_was_seen() -> None:
    frame = Frame(
        [{"a": "1"}, {"a": "2"}], np.array([0, 1, 1]), np.array([-1, 0, 2]), np.array([5.0, 6.0, 7.0])
    )
    dense = frame.dense(0, 3)
    np.testing.assert_array_equal(dense, [[np.nan] * 3, [6.0, np.nan, 7.0]])
    assert EMPTY_FRAME.dense(0, 3).shape == (0, 3)


def test_only_keeps_the_series_that_carry_the_labels() -> None:
    frame = Frame(
        [{"f": "x", "n": "1"}, {"f": "y"}, {"f": "x", "n": "2"}],
        np.array([0, 1, 2]),
        np.array([0, 0, 1]),
        np.array([1.0, 2.0, 3.0]),
    )
    only = frame.only(f="x")
    assert only.labels == [{"f": "x", "n": "1"}, {"f": "x", "n": "2"}]
    np.testing.assert_array_equal(only.dense(0, 2), [[1.0, np.nan], [np.nan, 3.0]])
    assert EMPTY_FRAME.only(f="x").labels == []


def test_missing_values_take_the_last_known_then_the_first_after() -> None:
    values = np.array([[np.nan, 1.0, np.nan, 2.0, np.nan], [np.nan] * 5])
    filled = fill_forward_then_back(values)
    np.testing.assert_array_equal(filled, [[1.0, 1.0, 1.0, 2.0, 2.0], [np.nan] * 5])


@given(st.lists(st.tuples(st.integers(-9000, 9000), st.integers(0, 9000)), min_size=1, max_size=8))
def test_an_interval_lies_in_its_cells_for_exactly_its_length(intervals: list[tuple[int, int]]) -> None:
    starts = np.array([float(start) for start, _ in intervals])
    ends = starts + np.array([float(length) for _, length in intervals])
    cells = np.arange(-10_000.0, 20_000.0, 500.0)
    seconds = overlap_seconds(starts, ends, cells, 500.0)
    np.testing.assert_allclose(seconds.sum(axis=1), ends - starts)
