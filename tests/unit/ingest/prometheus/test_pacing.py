from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ingest.prometheus.pacing import ConcurrencyLimit, QueryLoad, RetryBudget, parse_retry_after


def test_waits_grow_with_full_jitter_and_never_less_than_asked_for() -> None:
    waits: list[float] = []
    budget = RetryBudget(1000, sleep=waits.append, draw=lambda: 0.5)
    for attempt in (1, 2, 3):
        assert budget.wait(attempt, None)
    assert budget.wait(1, 7.0)
    assert waits == [0.25, 0.5, 1.0, 7.25]


def test_an_empty_purse_ends_the_waiting_at_once() -> None:
    waits: list[float] = []
    budget = RetryBudget(10, sleep=waits.append, draw=lambda: 0.0)
    assert budget.wait(1, 8.0)
    assert not budget.wait(1, 8.0)
    assert waits == [8.0]


def test_concurrency_halves_when_pushed_back_and_recovers_one_by_one() -> None:
    limit = ConcurrencyLimit(4)
    limit.pushed_back()
    assert limit.allowed == 2
    limit.pushed_back()
    limit.pushed_back()
    assert limit.allowed == 1
    for _ in range(20):
        limit.succeeded()
    assert limit.allowed == 4


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("3", 3.0),
        (" 10 ", 10.0),
        ("Sat, 21 Nov 2026 03:00:30 GMT", 30.0),
        ("soon", None),
        (None, None),
        ("-1", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_date(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, now=datetime(2026, 11, 21, 3, tzinfo=UTC)) == seconds


def test_loads_add_and_subtract() -> None:
    one, two = QueryLoad(1, 10, 100, 0, 0.5), QueryLoad(2, 20, 200, 1, 0.5)
    assert two + one - one == two
