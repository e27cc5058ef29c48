"""Which load tests count."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from recommender.load_tests import EXPIRED, CapacityTest, choose_tests

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def one_test(days_ago: float, metric: str = "rps", capacity: float = 100.0) -> CapacityTest:
    at = NOW - timedelta(days=days_ago)
    return CapacityTest(metric, "requests/s", capacity, at, "p99 < 300 ms", 0.01)


def test_the_newest_test_of_each_metric_counts() -> None:
    found = choose_tests([one_test(30), one_test(5, capacity=120.0), one_test(1, "cpu_cores")], NOW)
    assert [(one.metric, one.capacity_per_replica) for one in found.valid] == [
        ("cpu_cores", 100.0),
        ("rps", 120.0),
    ]
    assert found.flags == ()


def test_a_test_of_more_than_ninety_days_is_ignored_with_a_flag() -> None:
    found = choose_tests([one_test(91)], NOW)
    assert (found.valid, found.flags) == ((), (EXPIRED,))
    assert choose_tests([one_test(90)], NOW).flags == ()


def test_a_test_of_the_future_is_not_known_yet() -> None:
    assert choose_tests([one_test(-1)], NOW).valid == ()
