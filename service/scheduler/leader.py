"""Exactly one scheduler works: the one that holds the lease. The others stand by and take over."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

from models.vocabulary.errors import LeaseLost, StorageError
from service.leasing import holder_name, is_holder_dead
from service.runtime import Runtime
from service.scheduler.heartbeat import beat
from warehouse.fencing import Lease

_log = logging.getLogger(__name__)

SCHEDULER_JOB = "scheduler"
EVERY_CLUSTER = "*"


class Worker(Protocol):
    """What a leader starts and stops."""

    def start(self) -> None:
        """Begin to work."""

    def stop(self, *, is_waiting: bool = True) -> None:
        """End, after what runs now unless told not to wait."""


def lead(runtime: Runtime, make_worker: Callable[[], Worker], stop: threading.Event) -> None:
    """Work while holding the scheduler's lease, stand by while another holds it, until ``stop`` is set.

    Parameters
    ----------
    make_worker : callable
        Returns a new worker for every time that this process becomes the leader.
    stop : threading.Event
    """
    ttl = timedelta(seconds=runtime.settings.lease_ttl_seconds)
    patience = ttl.total_seconds() / 3
    while not stop.is_set():
        beat(runtime.settings)
        lease = _try_acquire(runtime, ttl)
        if lease is None:
            stop.wait(patience)
            continue
        _log.info("this scheduler leads")
        worker = make_worker()
        worker.start()
        try:
            is_leading = _hold(runtime, lease, ttl, stop)
        finally:
            # a scheduler that lost its lease must not wait for jobs whose writes are refused anyway
            worker.stop(is_waiting=stop.is_set())
            runtime.warehouse.leases.release(lease)
        if not is_leading:
            _log.warning("another scheduler has taken over; this one stands by")


def _try_acquire(runtime: Runtime, ttl: timedelta) -> Lease | None:
    leases = runtime.warehouse.leases
    now = datetime.now(UTC)
    try:
        current = leases.current(SCHEDULER_JOB, EVERY_CLUSTER, now)
        if current is not None and is_holder_dead(current.holder):
            leases.release(current)
        return leases.acquire(SCHEDULER_JOB, EVERY_CLUSTER, holder_name(), ttl, now)
    except LeaseLost as problem:
        _log.info("standing by: %s", problem)
    except StorageError as problem:
        _log.warning("the database does not answer: %s", problem)
    return None


def _hold(runtime: Runtime, lease: Lease, ttl: timedelta, stop: threading.Event) -> bool:
    """Renew until told to stop (True) or the lease is lost (False)."""
    expires = datetime.now(UTC) + ttl
    while not stop.wait(ttl.total_seconds() / 3):
        beat(runtime.settings)
        try:
            lease = runtime.warehouse.leases.renew(lease, datetime.now(UTC), ttl)
            expires = lease.expires_at
        except LeaseLost as problem:
            _log.warning("%s", problem)
            return False
        except StorageError as problem:
            _log.warning("the lease could not be renewed: %s", problem)
            if datetime.now(UTC) >= expires:
                return False
    return True
