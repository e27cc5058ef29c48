"""Ingest from the Prometheus of each configured cluster: run, backfill, repair."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from models.vocabulary.errors import UsageError
from models.vocabulary.identity import Principal
from models.vocabulary.windows import HOUR, HourWindow, floor_hour
from service.progress import Progress, SilentProgress
from service.runtime import Runtime
from service.setting_parts import ClusterSettings
from service.sources import OpenSource, configured_clusters, open_prometheus
from service.usecases.ingest import (
    IngestOutcome,
    IngestPlan,
    each_cluster,
    ingest_owed,
    last_settled_hour,
)
from service.usecases.inventory import RefinedSource, refresh_inventory
from service.usecases.request_sources import follow_request_metrics
from warehouse.reads.load import READ_SOURCE

INGEST_PRINCIPAL = Principal("millicore-ingest")
"""Who the audit log names for reads of sources; it may read nothing that people see."""

MakeSource = Callable[[ClusterSettings], OpenSource]
MakeWindow = Callable[[str], tuple[HourWindow, HourWindow | None]]
"""From a cluster to the window in which hours are owed and the one that is read again."""


@dataclass(frozen=True)
class IngestOptions:
    """How a run over clusters goes.

    Parameters
    ----------
    clusters : tuple of str
        Names; empty means every configured cluster.
    progress : Progress
    is_stopping : callable
        Asked between windows.
    make_source : callable
        Opens the source of a cluster.
    """

    clusters: tuple[str, ...] = ()
    progress: Progress = field(default_factory=SilentProgress)
    is_stopping: Callable[[], bool] = lambda: False
    make_source: MakeSource = open_prometheus


def run_ingest(runtime: Runtime, options: IngestOptions) -> Iterator[IngestOutcome]:
    """Read what is owed since each cluster's first stored hour, and the newest hours again.

    A cluster without any hour is read as far back as the setting ``first_backfill_days`` says.
    """
    return _ingest(runtime, options, lambda cluster: _owed_since_start(runtime, cluster))


def backfill(runtime: Runtime, since: datetime, options: IngestOptions) -> Iterator[IngestOutcome]:
    """Read what is owed from an instant on.

    Raises
    ------
    UsageError
        If the instant is not before the newest settled hour.
    """
    window = _window_until_settled(runtime, since)
    return _ingest(runtime, options, lambda cluster: (window, None))


def repair(runtime: Runtime, window: HourWindow, options: IngestOptions) -> Iterator[IngestOutcome]:
    """Read every hour of a window again; what did not change stays as it is.

    Raises
    ------
    Conflict
        If the window touches a closed month; `let_late_hours_in` comes first.
    """
    settled = last_settled_hour(runtime)
    if window.start >= settled:
        raise UsageError(
            f"the window {window} begins after the newest hour that can be read, {settled:%H:%M}Z"
        )
    cut = HourWindow(window.start, min(window.end, settled))
    runtime.warehouse.periods.refuse_closed(cut)
    return _ingest(runtime, options, lambda cluster: (cut, cut))


def _ingest(runtime: Runtime, options: IngestOptions, windows: MakeWindow) -> Iterator[IngestOutcome]:
    configured = {
        cluster.name: cluster for cluster in configured_clusters(runtime.settings, options.clusters)
    }

    def work(name: str) -> IngestOutcome:
        register_cluster(runtime, configured[name])
        window, reread = windows(name)
        missing = refresh_inventory(runtime, configured[name])
        inner = options.make_source(configured[name])
        with closing(RefinedSource(runtime, inner)) as source:
            follow_request_metrics(runtime, name, inner)
            plan = IngestPlan(source, name, window, reread)
            outcome = ingest_owed(runtime, plan, progress=options.progress, is_stopping=options.is_stopping)
            _record_load(runtime, outcome, source)
        return replace(outcome, notes=(*missing, *outcome.notes))

    return each_cluster(list(configured), work)


def _record_load(runtime: Runtime, outcome: IngestOutcome, source: RefinedSource) -> None:
    """Note in the audit log what the run asked of the source, for the board of data health."""
    load = source.load
    if load is None or load.query_count == 0:
        return
    detail = {
        "source": source.name,
        "hour_count": sum(outcome.hours.values()),
        "query_count": load.query_count,
        "sample_count": load.sample_count,
        "answer_bytes": load.answer_bytes,
    }
    runtime.warehouse.audit.append(INGEST_PRINCIPAL, READ_SOURCE, outcome.cluster, runtime.now(), detail)


def register_cluster(runtime: Runtime, cluster: ClusterSettings) -> None:
    """Make a configured cluster known to the warehouse.

    Raises
    ------
    Conflict
        If the warehouse holds simulated data.
    """
    runtime.warehouse.clusters.register(
        cluster.name, cluster.provider, cluster.region, display_name=cluster.display_name
    )


def _window_until_settled(runtime: Runtime, since: datetime) -> HourWindow:
    end = last_settled_hour(runtime)
    start = floor_hour(since)
    if start >= end:
        raise UsageError(f"nothing to read: the newest settled hour ends at {end:%Y-%m-%d %H:%M}Z")
    return HourWindow(start, end)


def _owed_since_start(runtime: Runtime, cluster: str) -> tuple[HourWindow, HourWindow | None]:
    settings = runtime.settings
    end = last_settled_hour(runtime)
    first = end - timedelta(days=settings.first_backfill_days)
    known = runtime.warehouse.ledger.span(cluster)
    window = HourWindow(min(first, known.start) if known is not None else first, end)
    if known is None or settings.late_reread_hours == 0:
        return window, None
    return window, HourWindow(max(window.start, end - settings.late_reread_hours * HOUR), end)
