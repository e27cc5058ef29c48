"""From when to when hours of a cluster are expected: its first stored one, and the day it was shut down."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from models.vocabulary.errors import Conflict, UsageError
from models.vocabulary.identity import Principal, Role
from models.vocabulary.windows import HourWindow
from service.runtime import Runtime
from warehouse.database.audit import AuditNote

_MICROSECOND = timedelta(microseconds=1)


def expected_hours(runtime: Runtime, window: HourWindow) -> Iterator[tuple[str, HourWindow]]:
    """Yield, for every cluster of which hours are expected in a window, which ones: by name.

    From the first hour that was ever stored of it; older ones are no gap. Until it was retired, unless newer
    hours are stored: then it lives again.
    """
    retired = runtime.warehouse.clusters.retired()
    for cluster in runtime.warehouse.clusters.list():
        span = runtime.warehouse.ledger.span(cluster.name)
        if span is None:
            continue
        shut_down = retired.get(cluster.name)
        is_retired = shut_down is not None and span.end <= shut_down
        start = max(window.start, span.start)
        end = min(window.end, shut_down) if is_retired and shut_down is not None else window.end
        if start < end:
            yield cluster.name, HourWindow(start, end)


def retire_cluster(
    runtime: Runtime, principal: Principal, cluster: str, at: datetime, reason: str
) -> datetime:
    """Say that a cluster was shut down, so that no later hours of it are missed at the close of a month.

    Parameters
    ----------
    runtime : Runtime
    principal : Principal
        Finance, platform or admin.
    cluster : str
    at : datetime
        When it was shut down; the hour in which that was is its last.
    reason : str
        Kept in the audit log.

    Returns
    -------
    datetime
        End of its last hour.

    Raises
    ------
    Forbidden
        If the principal is none of these.
    NotFound
        If there is no such cluster.
    Conflict
        If hours after that are stored.
    UsageError
        If no reason is given, or the time is still to come.
    """
    principal.require(Role.FINANCE, Role.PLATFORM)
    if not reason.strip():
        raise UsageError("a cluster is retired only with a reason: add --reason")
    if at > runtime.now():
        raise UsageError(f"{at:%Y-%m-%d %H:%M}Z is still to come: retire the cluster once it is gone")
    known = runtime.warehouse.clusters.get(cluster)
    end = HourWindow.of_hour(at - _MICROSECOND).end
    span = runtime.warehouse.ledger.span(known.name)
    if span is not None and span.end > end:
        raise Conflict(f"{cluster} has hours until {span.end:%Y-%m-%d %H:%M}Z: it was not gone before that")
    detail = {"at": end.isoformat(), "reason": reason.strip()}
    note = AuditNote(principal.id, "retire cluster", known.name, runtime.now(), detail)
    runtime.warehouse.clusters.retire(known.name, end, note)
    return end
