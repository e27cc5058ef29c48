"""What the ledger knows: hours stored, thin, failed and owed, per cluster."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from models.vocabulary.windows import DAY, HOUR, HourWindow
from service.runtime import Runtime
from service.usecases.ingest import last_settled_hour
from warehouse.observed import WindowState
from warehouse.pins import LedgerRow


@dataclass(frozen=True)
class ClusterStatus:
    """Ledger of one cluster in a window.

    Parameters
    ----------
    cluster : str
    source : str or None
        Source of record of its newest stored hour.
    first_hour, last_hour : datetime or None
        Oldest and newest stored hour.
    complete, partial, failed, unrecoverable, before_history, pending : int
        Hours by state; pending hours were begun by a writer that did not finish.
    owed : int
        Hours between the first known hour and the newest settled one that are not stored well.
    coverage_ratio : float or None
        Mean sample coverage of stored hours.
    oldest_owed : datetime or None
    reasons : tuple of str
        Why hours are partial or failed, most frequent first.
    """

    cluster: str
    source: str | None
    first_hour: datetime | None
    last_hour: datetime | None
    complete: int
    partial: int
    failed: int
    unrecoverable: int
    before_history: int
    pending: int
    owed: int
    coverage_ratio: float | None
    oldest_owed: datetime | None
    reasons: tuple[str, ...]

    @property
    def is_degraded(self) -> bool:
        """Whether something is missing that a person should know of."""
        return bool(self.owed or self.unrecoverable or self.first_hour is None)


def ingest_status(runtime: Runtime, window: HourWindow | None = None) -> list[ClusterStatus]:
    """Return the state of every registered cluster's hours.

    Parameters
    ----------
    window : HourWindow or None
        None looks at everything that was ever stored, up to the newest settled hour.
    """
    return [_status(runtime, cluster.name, window) for cluster in runtime.warehouse.clusters.list()]


def _status(runtime: Runtime, cluster: str, window: HourWindow | None) -> ClusterStatus:
    span = window or _known_span(runtime, cluster)
    rows = runtime.warehouse.ledger.rows(cluster, span)
    stored = [row for row in rows if row.state in (WindowState.COMPLETE, WindowState.PARTIAL)]
    states = Counter(row.state for row in rows)
    owed = _owed_hours(runtime, cluster, span, rows)
    coverage = [row.coverage_ratio for row in stored if row.coverage_ratio is not None]
    return ClusterStatus(
        cluster=cluster,
        source=stored[-1].source if stored else None,
        first_hour=stored[0].hour if stored else None,
        last_hour=stored[-1].hour if stored else None,
        complete=states[WindowState.COMPLETE],
        partial=states[WindowState.PARTIAL],
        failed=states[WindowState.FAILED],
        unrecoverable=states[WindowState.UNRECOVERABLE],
        before_history=states[WindowState.BEFORE_HISTORY],
        pending=sum(row.is_pending for row in rows),
        owed=len(owed),
        coverage_ratio=sum(coverage) / len(coverage) if coverage else None,
        oldest_owed=min(owed, default=None),
        reasons=tuple(note for note, _ in Counter(row.note for row in rows if row.note).most_common(3)),
    )


def _known_span(runtime: Runtime, cluster: str) -> HourWindow:
    """Return the window from the first stored hour to the newest that could be stored by now.

    Of a cluster without a stored hour it is the time that the first run looks at: why it failed stands there.
    """
    end = last_settled_hour(runtime)
    span = runtime.warehouse.ledger.span(cluster)
    if span is None:
        return HourWindow(end - runtime.settings.first_backfill_days * DAY, end)
    return HourWindow(span.start, max(span.end, end))


def _owed_hours(
    runtime: Runtime, cluster: str, span: HourWindow | None, rows: Sequence[LedgerRow]
) -> list[datetime]:
    if span is None or not rows:
        return []
    # A file ends where it ends: only a source that goes on owes the hours after its last known one.
    end = rows[-1].hour + HOUR if rows[-1].source == "files" else span.end
    if end <= span.start:
        return []
    owed = runtime.warehouse.ledger.owed(rows[-1].source, cluster, HourWindow(span.start, end))
    return [hour for part in owed for hour in part.hours()]
