"""Holding the lease of a (job, cluster): who holds it, how it is renewed, when a dead holder's is taken."""

from __future__ import annotations

import itertools
import logging
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from models.vocabulary.errors import LeaseLost, StorageError
from service.runtime import Runtime
from warehouse.fencing import INGEST_JOB, Lease

_log = logging.getLogger(__name__)

_numbers = itertools.count(1)


def holder_name() -> str:
    """Return who holds: host, process id, when it started (ids are used again), and a number.

    The number is another one each time, so that two threads of one process never share a lease: a lease of
    its own holder is given again, with a newer fence that shuts the first one out.
    """
    return f"{socket.gethostname()}/{os.getpid()}/{_started_at(os.getpid()) or 0}/{next(_numbers)}"


def _started_at(process_id: int) -> str | None:
    """Return the start time of a process in clock ticks since boot, or None where there is none."""
    try:
        stat = Path(f"/proc/{process_id}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    return stat.rpartition(")")[2].split()[19]


def is_holder_dead(holder: str) -> bool:
    """Whether a holder is certainly gone: a process of this host that no longer runs.

    A holder on another host is never called dead; its lease expires by time.
    """
    host, _, rest = holder.partition("/")
    process, _, rest = rest.partition("/")
    started = rest.partition("/")[0]
    if host != socket.gethostname() or not process.isdigit():
        return False
    if not Path("/proc/self/stat").exists():
        return _is_signal_refused(int(process))
    return _started_at(int(process)) != started


def _is_signal_refused(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


class HeldLease:
    """A lease that this process holds, renewed by hand between pieces of work."""

    def __init__(self, runtime: Runtime, lease: Lease) -> None:
        self._runtime = runtime
        self.lease = lease

    def renew(self) -> Lease:
        """Extend the lease; leases follow the true clock, also in a demonstration with a fixed one.

        Raises
        ------
        LeaseLost
            If another writer has taken it.
        """
        ttl = timedelta(seconds=self._runtime.settings.lease_ttl_seconds)
        self.lease = self._runtime.warehouse.leases.renew(self.lease, datetime.now(UTC), ttl)
        return self.lease


@contextmanager
def keeping_alive(held: HeldLease, ttl: timedelta, on_lost: threading.Event) -> Iterator[None]:
    """Renew a lease from a thread inside the block, for work that may write nothing for a long time.

    Parameters
    ----------
    on_lost : threading.Event
        Set when another holder has taken the lease.
    """
    done = threading.Event()

    def renew() -> None:
        while not done.wait(ttl.total_seconds() / 3):
            try:
                held.renew()
            except LeaseLost:
                on_lost.set()
                return
            except StorageError as problem:
                _log.warning("a lease could not be renewed, and is tried again: %s", problem)

    thread = threading.Thread(target=renew, name=f"lease of {held.lease.job}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(ttl.total_seconds())


@contextmanager
def holding(runtime: Runtime, cluster: str, job: str = INGEST_JOB) -> Iterator[HeldLease]:
    """Hold the lease of a job on a cluster inside the block.

    Raises
    ------
    LeaseLost
        If a living writer holds it.
    """
    leases = runtime.warehouse.leases
    now = datetime.now(UTC)
    current = leases.current(job, cluster, now)
    if current is not None and is_holder_dead(current.holder):
        leases.release(current)
    ttl = timedelta(seconds=runtime.settings.lease_ttl_seconds)
    held = HeldLease(runtime, leases.acquire(job, cluster, holder_name(), ttl, now))
    try:
        yield held
    finally:
        leases.release(held.lease)
