"""Exactly one scheduler of a warehouse works; another takes over when it is gone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from service.runtime import Runtime
from service.scheduler.leader import EVERY_CLUSTER, SCHEDULER_JOB, lead

PATIENCE = 8.0


class RecordingWorker:
    """A worker written by hand: notes that it was started and stopped."""

    def __init__(self) -> None:
        self.started, self.stopped = threading.Event(), threading.Event()
        self.was_waited_for: bool | None = None

    def start(self) -> None:
        self.started.set()

    def stop(self, *, is_waiting: bool = True) -> None:
        self.was_waited_for = is_waiting
        self.stopped.set()


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    made = Runtime.for_test(tmp_path, lease_ttl_seconds=5)
    yield made
    made.warehouse.close()


def led(runtime: Runtime, worker: RecordingWorker, stop: threading.Event) -> threading.Thread:
    thread = threading.Thread(target=lead, args=(runtime, lambda: worker, stop))
    thread.start()
    return thread


def test_the_first_scheduler_works_until_it_is_told_to_stop_and_gives_the_lease_back(
    runtime: Runtime,
) -> None:
    worker, stop = RecordingWorker(), threading.Event()
    thread = led(runtime, worker, stop)
    assert worker.started.wait(PATIENCE)
    stop.set()
    thread.join(PATIENCE)
    assert worker.was_waited_for is True
    assert runtime.warehouse.leases.current(SCHEDULER_JOB, EVERY_CLUSTER, datetime.now(UTC)) is None


def test_a_second_scheduler_stands_by_until_the_lease_of_the_first_has_expired(runtime: Runtime) -> None:
    leases = runtime.warehouse.leases
    leases.acquire(SCHEDULER_JOB, EVERY_CLUSTER, "elsewhere/1/1", timedelta(seconds=2), datetime.now(UTC))
    worker, stop = RecordingWorker(), threading.Event()
    thread = led(runtime, worker, stop)
    assert not worker.started.wait(1.0)
    assert worker.started.wait(PATIENCE)
    stop.set()
    thread.join(PATIENCE)


def test_a_scheduler_that_lost_its_lease_stops_without_waiting_for_writes_that_are_refused(
    runtime: Runtime,
) -> None:
    worker, stop = RecordingWorker(), threading.Event()
    thread = led(runtime, worker, stop)
    assert worker.started.wait(PATIENCE)
    leases = runtime.warehouse.leases
    held = leases.current(SCHEDULER_JOB, EVERY_CLUSTER, datetime.now(UTC))
    assert held is not None
    leases.release(held)
    leases.acquire(SCHEDULER_JOB, EVERY_CLUSTER, "elsewhere/1/1", timedelta(minutes=5), datetime.now(UTC))
    assert worker.stopped.wait(PATIENCE)
    assert worker.was_waited_for is False
    stop.set()
    thread.join(PATIENCE)
