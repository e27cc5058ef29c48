"""The alarm clock: wakes jobs, repeats failed ones with backoff, and survives every error of theirs.

APScheduler only rings. Which hours are owed follows from the ledger, so that a bell that was missed (the
process was down, the last run is still at work) costs nothing but time.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from apscheduler.events import EVENT_JOB_MAX_INSTANCES, JobSubmissionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from models.vocabulary.errors import MillicoreError

_log = logging.getLogger(__name__)

SKIPS_WORTH_A_WARNING = 3
STOP_PATIENCE_SECONDS = 20.0
"""How long running jobs may take to end when asked to; compose kills after 45 s, Kubernetes after 30 s."""
_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Bell:
    """When a job rings: every hour at a minute, every day at an hour too, or at an interval.

    Parameters
    ----------
    minute : int
    hour : int or None
        UTC; None rings every hour.
    every : timedelta or None
        An interval instead of minute and hour.
    """

    minute: int = 0
    hour: int | None = None
    every: timedelta | None = None

    def trigger(self) -> CronTrigger | IntervalTrigger:
        """Return the bell as APScheduler knows it."""
        if self.every is not None:
            return IntervalTrigger(seconds=self.every.total_seconds(), timezone=UTC)
        return CronTrigger(minute=self.minute, hour="*" if self.hour is None else self.hour, timezone=UTC)


@dataclass(frozen=True)
class Job:
    """Work that the clock wakes. It also runs once at the start, to catch up.

    Parameters
    ----------
    name : str
    bell : Bell
    work : callable
        Does whatever is owed; safe to run at any time.
    after : frozenset of str
        The first run waits until each of these jobs has run once.
    """

    name: str
    bell: Bell
    work: Callable[[], None]
    after: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Backoff:
    """Waiting time before the n-th repeat: doubled each time, up to a longest, with jitter of a half."""

    first: timedelta = timedelta(minutes=1)
    longest: timedelta = timedelta(minutes=30)
    chance: random.Random = field(default_factory=random.Random, repr=False)

    def delay(self, failure_count: int) -> timedelta:
        """Return the wait after ``failure_count`` failures in a row."""
        grown: timedelta = min(self.first * 2 ** min(failure_count - 1, 20), self.longest)
        return timedelta(seconds=grown.total_seconds() * self.chance.uniform(0.5, 1.5))


@dataclass
class JobRecord:
    """What happened to one job since the start."""

    run_count: int = 0
    failure_count: int = 0
    failures_in_a_row: int = 0
    skips_in_a_row: int = 0
    last_success_at: datetime | None = None
    last_error: str | None = None
    running: threading.Lock = field(default_factory=threading.Lock, repr=False)


class AlarmClock:
    """Rings a set of jobs in a pool of threads, one run of a job at a time.

    Parameters
    ----------
    jobs : sequence of Job
    backoff : Backoff
    """

    def __init__(self, jobs: Sequence[Job], backoff: Backoff | None = None) -> None:
        self._jobs = {job.name: job for job in jobs}
        self._backoff = backoff or Backoff()
        self._guard = threading.Lock()
        self.records = {job.name: JobRecord() for job in jobs}
        # one thread per job: a cluster that hangs holds no other up
        self._scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(max(len(jobs), 1))},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone=UTC,
        )
        self._scheduler.add_listener(self._note_skip, EVENT_JOB_MAX_INSTANCES)

    def start(self) -> None:
        """Start ringing; every job that waits for no other runs at once."""
        for job in self._jobs.values():
            first = {} if job.after else {"next_run_time": datetime.now(UTC)}
            self._scheduler.add_job(self._run, job.bell.trigger(), args=[job], id=job.name, **first)
        self._scheduler.start()

    def stop(self, *, is_waiting: bool = True, patience_seconds: float = STOP_PATIENCE_SECONDS) -> None:
        """Stop ringing; wait for running jobs unless told not to, but not for ever: a source may hang."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        deadline = time.monotonic() + (patience_seconds if is_waiting else 0.0)
        while time.monotonic() < deadline and self._running_jobs():
            time.sleep(_POLL_SECONDS)
        if is_waiting and (names := self._running_jobs()):
            _log.warning("%s did not end in time; the next start reads what is owed", ", ".join(names))

    def _running_jobs(self) -> list[str]:
        return [name for name, record in self.records.items() if record.running.locked()]

    def _run(self, job: Job) -> None:
        record = self.records[job.name]
        if not record.running.acquire(blocking=False):
            return  # a repeat and a bell met; the run that is at work does what is owed
        try:
            job.work()
        except MillicoreError as problem:
            _log.warning("job %s: %s", job.name, problem)
            self._repeat_later(job, record, str(problem))
        except Exception as problem:  # noqa: BLE001
            # true boundary: whatever a job does wrong, the scheduler lives and says so
            _log.exception("job %s failed", job.name)
            self._repeat_later(job, record, repr(problem))
        else:
            record.failures_in_a_row = record.skips_in_a_row = 0
            record.last_success_at = datetime.now(UTC)
        finally:
            record.run_count += 1
            record.running.release()
            self._wake_followers(job)

    def _repeat_later(self, job: Job, record: JobRecord, error: str) -> None:
        record.failure_count += 1
        record.failures_in_a_row += 1
        record.last_error = error
        at = datetime.now(UTC) + self._backoff.delay(record.failures_in_a_row)
        _log.info("job %s is tried again at %s", job.name, f"{at:%H:%M:%S} UTC")
        self._add_once(job, at, "repeat")

    def _wake_followers(self, done: Job) -> None:
        with self._guard:
            for job in self._jobs.values():
                is_ready = done.name in job.after and all(self.records[name].run_count for name in job.after)
                if is_ready and not self.records[job.name].run_count:
                    self._add_once(job, datetime.now(UTC), "first")

    def _add_once(self, job: Job, at: datetime, why: str) -> None:
        if self._scheduler.running:
            self._scheduler.add_job(
                self._run, "date", run_date=at, args=[job], id=f"{job.name}/{why}", replace_existing=True
            )

    def _note_skip(self, event: JobSubmissionEvent) -> None:
        record = self.records.get(event.job_id)
        if record is not None:
            record.skips_in_a_row += 1
            if record.skips_in_a_row % SKIPS_WORTH_A_WARNING == 0:
                _log.warning("job %s still runs after %s bells", event.job_id, record.skips_in_a_row)
