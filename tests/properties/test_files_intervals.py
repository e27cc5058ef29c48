from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.simulated_files import lake_rows, observe_rows, usage_row

intervals = st.lists(st.integers(1, 3600), min_size=1, max_size=12)


def cut(lengths: list[int], cores: list[float]) -> list[dict[str, object]]:
    """Return rows that follow each other, cut at full hours."""
    rows, at = [], 0
    for length, value in zip(lengths, cores, strict=False):
        seconds = min(length, 3600 - at % 3600)
        rows.append(usage_row(at / 60, interval_seconds=seconds, cpu_usage_cores=value))
        at += seconds
    return rows


@settings(max_examples=40, deadline=None)
@given(intervals, st.lists(st.floats(0, 16, width=32), min_size=12, max_size=12))
def test_core_seconds_and_running_time_are_kept_whatever_the_intervals(
    lengths: list[int], cores: list[float]
) -> None:
    rows = cut(lengths, cores)
    with TemporaryDirectory() as folder:
        found = lake_rows(observe_rows(Path(folder), rows), "container_hour")
    seconds = sum(row["interval_seconds"] for row in rows)
    assert sum(row["running_seconds"] for row in found) == seconds
    used = sum(row["interval_seconds"] * row["cpu_usage_cores"] for row in rows)
    assert sum(row["cpu_usage_core_seconds"] for row in found) == pytest.approx(used, rel=1e-6, abs=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.permutations([usage_row(minute) for minute in range(0, 120, 5)]))
def test_the_order_of_rows_does_not_matter(rows: list[dict[str, object]]) -> None:
    with TemporaryDirectory() as folder:
        observed = observe_rows(Path(folder), rows)
        expected = observe_rows(Path(folder), [usage_row(minute) for minute in range(0, 120, 5)])
    assert observed.hours == expected.hours
    assert lake_rows(observed, "container_hour") == lake_rows(expected, "container_hour")


@settings(max_examples=25, deadline=None)
@given(st.sets(st.integers(0, 35), min_size=2))
def test_missing_bins_never_lower_the_mean_of_what_was_seen(bins: set[int]) -> None:
    rows = [usage_row(5 * number, cpu_usage_cores=2.0) for number in sorted(bins)]
    with TemporaryDirectory() as folder:
        found = lake_rows(observe_rows(Path(folder), rows), "container_hour")
    for row in found:
        if row["cpu_usage_core_seconds"] is not None:
            assert row["cpu_usage_core_seconds"] == pytest.approx(2.0 * row["running_seconds"])
        else:
            assert row["sample_coverage_ratio"] < 0.5
