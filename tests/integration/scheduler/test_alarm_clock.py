"""The alarm clock with real APScheduler threads and jobs written by hand."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from models.vocabulary.errors import SourceUnreachable
from service.scheduler.clock import AlarmClock, Backoff, Bell, Job

NEVER = Bell(every=timedelta(days=1))
SOON = Backoff(first=timedelta(milliseconds=20), longest=timedelta(milliseconds=40))
PATIENCE = 5.0


@pytest.fixture
def started() -> Iterator[Callable[..., AlarmClock]]:
    clocks: list[AlarmClock] = []

    def start(*jobs: Job) -> AlarmClock:
        clock = AlarmClock(jobs, SOON)
        clocks.append(clock)
        clock.start()
        return clock

    yield start
    for clock in clocks:
        clock.stop()


class Counter:
    """Work that counts its runs and fails the first ``failing`` of them."""

    def __init__(self, failing: int = 0, error: Exception | None = None, wanted: int = 1) -> None:
        self.runs = 0
        self.reached = threading.Event()
        self._failing = failing
        self._error = error or SourceUnreachable("no answer")
        self._wanted = wanted

    def __call__(self) -> None:
        self.runs += 1
        if self.runs >= self._wanted:
            self.reached.set()
        if self.runs <= self._failing:
            raise self._error


def test_every_job_runs_once_at_the_start_to_catch_up(started: Callable[..., AlarmClock]) -> None:
    works = [Counter(), Counter()]
    started(*(Job(f"job{number}", NEVER, work) for number, work in enumerate(works)))
    assert all(work.reached.wait(PATIENCE) for work in works)


def test_a_job_rings_again_and_again(started: Callable[..., AlarmClock]) -> None:
    work = Counter(wanted=3)
    started(Job("often", Bell(every=timedelta(milliseconds=30)), work))
    assert work.reached.wait(PATIENCE)


@pytest.mark.parametrize("error", [SourceUnreachable("no answer"), ZeroDivisionError("a bug")])
def test_a_failed_job_is_repeated_until_it_works_and_the_clock_lives(
    started: Callable[..., AlarmClock], error: Exception
) -> None:
    work = Counter(failing=3, error=error, wanted=4)
    clock = started(Job("shaky", NEVER, work))
    assert work.reached.wait(PATIENCE)
    clock.stop()
    record = clock.records["shaky"]
    assert (record.failure_count, record.failures_in_a_row) == (3, 0)
    assert record.last_success_at is not None
    assert record.last_error


def test_a_job_that_hangs_holds_no_other_up(started: Callable[..., AlarmClock]) -> None:
    release = threading.Event()
    quick = Counter(wanted=3)
    started(
        Job("hung", Bell(every=timedelta(milliseconds=30)), lambda: bool(release.wait(PATIENCE)) or None),
        Job("quick", Bell(every=timedelta(milliseconds=30)), quick),
    )
    try:
        assert quick.reached.wait(PATIENCE)
    finally:
        release.set()


def test_a_job_never_runs_twice_at_once(started: Callable[..., AlarmClock]) -> None:
    at_work = threading.Semaphore(1)
    overlaps: list[bool] = []
    runs = Counter(wanted=4)

    def work() -> None:
        overlaps.append(not at_work.acquire(blocking=False))
        threading.Event().wait(0.05)
        at_work.release()
        runs()

    started(Job("slow", Bell(every=timedelta(milliseconds=10)), work))
    assert runs.reached.wait(PATIENCE)
    assert not any(overlaps)


def test_a_job_that_follows_others_waits_for_the_first_run_of_each_even_if_one_fails(
    started: Callable[..., AlarmClock],
) -> None:
    order: list[str] = []
    done = threading.Event()

    def fail() -> None:
        order.append("b")
        raise SourceUnreachable("no answer")

    def follow() -> None:
        order.append("models")
        done.set()

    started(
        Job("a", NEVER, lambda: order.append("a")),
        Job("b", NEVER, fail),
        Job("models", NEVER, follow, after=frozenset({"a", "b"})),
    )
    assert done.wait(PATIENCE)
    assert {"a", "b"} <= set(order[: order.index("models")])


def test_stopping_waits_for_the_run_that_is_at_work(started: Callable[..., AlarmClock]) -> None:
    begun, ended = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        threading.Event().wait(0.1)
        ended.set()

    clock = started(Job("long", NEVER, work))
    assert begun.wait(PATIENCE)
    clock.stop()
    assert ended.is_set()


def test_an_hourly_bell_rings_at_its_minute_and_a_nightly_one_at_its_hour() -> None:
    now = datetime(2026, 11, 20, 10, 20, tzinfo=UTC)
    assert Bell(minute=15).trigger().get_next_fire_time(None, now) == datetime(
        2026, 11, 20, 11, 15, tzinfo=UTC
    )
    nightly = Bell(minute=30, hour=2).trigger()
    assert nightly.get_next_fire_time(None, now) == datetime(2026, 11, 21, 2, 30, tzinfo=UTC)


def test_repeats_wait_longer_each_time_up_to_a_limit() -> None:
    backoff = Backoff(first=timedelta(seconds=60), longest=timedelta(seconds=600))
    for failures, expected in [(1, 60), (2, 120), (4, 480), (5, 600), (50, 600)]:
        wait = backoff.delay(failures).total_seconds()
        assert expected * 0.5 <= wait <= expected * 1.5
