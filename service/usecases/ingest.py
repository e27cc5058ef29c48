"""Ingest: what is owed to the ledger, read from a source and stored window by window."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from ingest.source import UsageSource
from models.vocabulary.errors import (
    InputError,
    MetricsMissing,
    MillicoreError,
    SourceError,
    SourceRefused,
    SourceUnreachable,
)
from models.vocabulary.windows import HOUR, HourWindow, floor_hour, windows_of
from service.leasing import HeldLease, holding
from service.progress import Progress, SilentProgress
from service.runtime import Runtime
from service.usecases.ingest_batches import next_batch
from warehouse.observed import HourReport, ObservedWindow, WindowState
from warehouse.reconcile import reconcile

_log = logging.getLogger(__name__)

_LONGEST_MEMORY = timedelta(days=400)
"""How far back a stored hour tells that a later hole was once there."""
_FATAL = (SourceUnreachable, SourceRefused, MetricsMissing)
"""Errors that the next window would meet as well."""
_MAX_CLUSTERS_AT_ONCE = 8


@dataclass(frozen=True)
class IngestOutcome:
    """What one run did to one cluster.

    Parameters
    ----------
    cluster, source : str
    window_count, row_count : int
        Windows stored and rows in them; windows whose input had not changed are not stored again.
    unchanged_count : int
        Hours read again and found as they were.
    hours : dict of WindowState to int
    notes : tuple of str
        Why hours are partial or failed, each reason once.
    problem : str or None
        The error that ended the run before all owed hours were read.
    """

    cluster: str
    source: str
    window_count: int = 0
    row_count: int = 0
    unchanged_count: int = 0
    hours: dict[WindowState, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    problem: str | None = None

    @property
    def is_degraded(self) -> bool:
        """Whether hours are missing or thinner than they should be."""
        return bool(self.problem or self.hours.get(WindowState.PARTIAL) or self.hours.get(WindowState.FAILED))

    @property
    def rows_per_hour(self) -> float | None:
        """Mean rows of an hour stored in this run; None before the first."""
        hours = sum(self.hours.values()) - self.unchanged_count
        return self.row_count / hours if hours > 0 else None

    def counting(self, reports: Iterable[HourReport], *, is_stored: bool) -> IngestOutcome:
        """Return the outcome with the hours of one more window."""
        reports = tuple(reports)
        hours = dict(self.hours)
        for report in reports:
            hours[report.state] = hours.get(report.state, 0) + 1
        notes = dict.fromkeys([*self.notes, *(report.note for report in reports if report.note)])
        return replace(
            self,
            window_count=self.window_count + is_stored,
            row_count=self.row_count + sum(report.row_count for report in reports) * is_stored,
            unchanged_count=self.unchanged_count + len(reports) * (not is_stored),
            hours=hours,
            notes=tuple(notes),
        )


@dataclass(frozen=True)
class IngestPlan:
    """What to read.

    Parameters
    ----------
    source : UsageSource
    cluster : str
    window : HourWindow
        Where to look for owed hours.
    reread : HourWindow or None
        Hours that are read again even if they are stored; they are replaced only when they changed.
    """

    source: UsageSource
    cluster: str
    window: HourWindow
    reread: HourWindow | None = None


def last_settled_hour(runtime: Runtime) -> datetime:
    """Return the end of the newest hour that may be read: its samples have had time to arrive."""
    return floor_hour(runtime.now() - timedelta(minutes=runtime.settings.settle_delay_minutes))


def ingest_owed(
    runtime: Runtime,
    plan: IngestPlan,
    *,
    progress: Progress | None = None,
    is_stopping: Callable[[], bool] = lambda: False,
) -> IngestOutcome:
    """Read and store what the ledger still owes inside a window, oldest first.

    Parameters
    ----------
    plan : IngestPlan
    progress : Progress, optional
    is_stopping : callable
        Asked between windows; when true, what remains is left to the next run.

    Raises
    ------
    LeaseLost
        If another writer is at work on this cluster.
    """
    with holding(runtime, plan.cluster) as held:
        run = _Run(runtime, plan.source, held, IngestOutcome(plan.cluster, plan.source.name), is_stopping)
        try:
            gone = _settle_what_is_gone(runtime, plan, held)
        except SourceError as problem:
            return run.give_up(plan.window, problem)
        if plan.reread is not None:
            # a lake that lost rows is not "unchanged": what it should hold is compared first
            reconcile(runtime.warehouse, plan.cluster, plan.reread)
        owed = runtime.warehouse.ledger.owed(plan.source.name, plan.cluster, plan.window)
        hours = [hour for part in owed for hour in part.hours() if hour not in gone]
        if plan.reread is not None:
            hours += [hour for hour in plan.reread.hours() if hour not in gone]
        return run.read(windows_of(run.leave_closed(hours)), progress or SilentProgress())


def _settle_what_is_gone(runtime: Runtime, plan: IngestPlan, held: HeldLease) -> set[datetime]:
    """Mark owed hours older than the source's first sample: never there, or there once and lost."""
    oldest = plan.source.oldest(plan.cluster)
    if oldest is None:
        return set()
    ledger = runtime.warehouse.ledger
    edge = floor_hour(oldest)
    owed = ledger.owed(plan.source.name, plan.cluster, plan.window)
    gone = [hour for part in owed for hour in part.hours() if hour < edge]
    if gone:
        past = HourWindow(gone[0] - _LONGEST_MEMORY, gone[-1] + HOUR)
        stored = (row.hour for row in ledger.rows(plan.cluster, past) if row.state is WindowState.COMPLETE)
        first_stored = min(stored, default=edge)
        reports = [_gone_report(hour, is_lost=hour > first_stored, oldest=oldest) for hour in gone]
        ledger.mark(plan.source.name, plan.cluster, reports, held.lease)
    return set(gone)


def _gone_report(hour: datetime, *, is_lost: bool, oldest: datetime) -> HourReport:
    if is_lost:
        note = f"the source keeps nothing before {oldest:%Y-%m-%d %H:%M}Z any more"
        return HourReport(hour, WindowState.UNRECOVERABLE, 0.0, 0, "", note)
    return HourReport(hour, WindowState.BEFORE_HISTORY, None, 0, "", "before the source's first sample")


@dataclass
class _Run:
    """One run over one cluster: its source, its lease and what it has done so far."""

    runtime: Runtime
    source: UsageSource
    held: HeldLease
    outcome: IngestOutcome
    is_stopping: Callable[[], bool]

    def read(self, windows: Sequence[HourWindow], progress: Progress) -> IngestOutcome:
        """Read and store the windows in bounded batches."""
        total = sum(window.hour_count for window in windows)
        with progress.task(f"{self.outcome.cluster}: reading hours", total) as advance:
            for part in self._batches(windows):
                problem = self._read_batch(part)
                if isinstance(problem, _FATAL):
                    return replace(self.outcome, problem=str(problem))
                if self.is_stopping():
                    return replace(self.outcome, problem="stopped; the next run reads the rest")
                advance(part.hour_count)
        return self.outcome

    def leave_closed(self, hours: Sequence[datetime]) -> list[datetime]:
        """Return the hours outside closed months, and note which were left: they cannot change any more."""
        if not hours:
            return []
        locked = self.runtime.warehouse.periods.locked(HourWindow(min(hours), max(hours) + HOUR))
        left = {hour for hour in hours if any(hour in bounds for bounds in locked.values())}
        if left:
            note = (
                f"{len(left)} hours are left as they are: {', '.join(locked)} is closed "
                "(`millicore ingest repair --correct` lets late hours in)"
            )
            self.outcome = replace(self.outcome, notes=(*self.outcome.notes, note))
        return [hour for hour in hours if hour not in left]

    def give_up(self, window: HourWindow, problem: MillicoreError) -> IngestOutcome:
        """Record that a source could not even be asked, with the reason, for every hour it owes."""
        self._fail(window, problem)
        return replace(self.outcome, problem=str(problem))

    def _batches(self, windows: Sequence[HourWindow]) -> Iterator[HourWindow]:
        for window in windows:
            rest: HourWindow | None = window
            while rest is not None:
                part, rest = next_batch(rest, self.outcome.rows_per_hour, self.source.name)
                yield part

    def _read_batch(self, window: HourWindow) -> MillicoreError | None:
        try:
            observed = self.source.observe(self.outcome.cluster, window)
        except (SourceError, InputError) as problem:
            self._fail(window, problem)
            return problem
        is_new = not _is_stored_already(self.runtime, observed)
        if is_new:
            self.runtime.warehouse.record(observed, self.held.renew())
        self.outcome = self.outcome.counting(observed.hours, is_stored=is_new)
        return None

    def _fail(self, window: HourWindow, problem: MillicoreError) -> None:
        """Record that hours could not be read and why; hours that are stored keep what they have."""
        _log.warning("%s %s: %s", self.outcome.cluster, window, problem)
        ledger = self.runtime.warehouse.ledger
        owed = ledger.owed(self.source.name, self.outcome.cluster, window)
        failed = [
            HourReport(hour, WindowState.FAILED, None, 0, "", str(problem))
            for part in owed
            for hour in part.hours()
        ]
        if failed:
            ledger.mark(self.source.name, self.outcome.cluster, failed, self.held.renew())
        self.outcome = self.outcome.counting(failed, is_stored=False)


def _is_stored_already(runtime: Runtime, observed: ObservedWindow) -> bool:
    """Whether every hour stands in the ledger with the same input, so that writing would change nothing."""
    known = {
        row.hour: (row.input_hash, row.state)
        for row in runtime.warehouse.ledger.rows(observed.cluster, observed.window)
        if row.source == observed.source and not row.is_pending
    }
    return all(known.get(report.hour) == (report.input_hash, report.state) for report in observed.hours)


def each_cluster(clusters: Sequence[str], work: Callable[[str], IngestOutcome]) -> Iterator[IngestOutcome]:
    """Run work for every cluster, a thread each, and yield outcomes as they come.

    One cluster that hangs or fails holds no other up: its error becomes its outcome.
    """
    if not clusters:
        return
    with ThreadPoolExecutor(min(len(clusters), _MAX_CLUSTERS_AT_ONCE), thread_name_prefix="ingest") as pool:
        running = {pool.submit(work, cluster): cluster for cluster in clusters}
        for future in as_completed(running):
            try:
                yield future.result()
            except MillicoreError as problem:
                _log.warning("%s: %s", running[future], problem)
                yield IngestOutcome(running[future], "", problem=str(problem))
