"""``millicore scheduler``: leader election, alarm clock and watches, until told to stop."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from models.vocabulary.errors import UsageError
from service.runtime import Runtime
from service.scheduler.clock import AlarmClock
from service.scheduler.heartbeat import stop_beating
from service.scheduler.jobs import scheduled_jobs
from service.scheduler.leader import lead
from service.scheduler.watch import ClusterWatch
from service.sources import configured_clusters, kubernetes_settings

_log = logging.getLogger(__name__)


class SchedulerWorker:
    """Everything that a leading scheduler runs: the clock with its jobs, and a watch per cluster."""

    def __init__(self, runtime: Runtime) -> None:
        self._stopping = threading.Event()
        self.clock = AlarmClock(scheduled_jobs(runtime, self._stopping.is_set))
        self.watches = [
            ClusterWatch(runtime, cluster)
            for cluster in runtime.settings.clusters
            if runtime.settings.watch_kubernetes and kubernetes_settings(cluster) is not None
        ]

    def start(self) -> None:
        """Start watches first, so that the first hours are read with an inventory."""
        for watch in self.watches:
            watch.start()
        self.clock.start()

    def stop(self, *, is_waiting: bool = True) -> None:
        """Let running jobs end after their current window; what they leave is owed to the next start."""
        self._stopping.set()
        self.clock.stop(is_waiting=is_waiting)
        for watch in self.watches:
            watch.stop(is_waiting=is_waiting)


def is_work_hanging() -> bool:
    """Whether threads are left that would keep this process from ending, such as a read that hangs."""
    # threads of executors are joined at the end even where they are daemons
    return any(thread is not threading.main_thread() for thread in threading.enumerate())


def run_scheduler(runtime: Runtime, stop: threading.Event | None = None) -> None:
    """Run until SIGTERM or SIGINT (or ``stop``): exactly one scheduler of a warehouse works at a time.

    Raises
    ------
    UsageError
        If no cluster is configured, or the clock is fixed as in the demo.
    """
    if runtime.settings.fixed_now is not None:
        raise UsageError(
            "the clock of these settings is fixed (fixed_now), as in the demo: there is nothing to schedule"
        )
    clusters = configured_clusters(runtime.settings)
    _log.info("scheduler of %s", ", ".join(cluster.name for cluster in clusters))
    with _stopped_by_signals(stop or threading.Event()) as stopping:
        try:
            lead(runtime, lambda: SchedulerWorker(runtime), stopping)
        finally:
            stop_beating(runtime.settings)
    _log.info("scheduler stopped")


@contextmanager
def _stopped_by_signals(stop: threading.Event) -> Iterator[threading.Event]:
    """Set the event when the process is asked to end; outside the main thread signals are left alone."""
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def ask_to_stop(number: int, frame: FrameType | None) -> None:
        del frame
        _log.info("%s: finishing what runs", signal.Signals(number).name)
        stop.set()

    previous = {number: signal.signal(number, ask_to_stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
