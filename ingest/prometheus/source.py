"""A Prometheus as a source of observed hours."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pyarrow as pa

from ingest.assembly.frames import Frame
from ingest.assembly.hours import HourVerdict, report_hours
from ingest.assembly.request_metric import RequestMetric
from ingest.prometheus.assembling import AssembledChunk, assemble, empty_tables
from ingest.prometheus.connection import PrometheusConnection, PushedBack
from ingest.prometheus.engine import QueryEngine
from ingest.prometheus.history import find_history, read_intervals
from ingest.prometheus.metrics import MetricNeed, explain_missing
from ingest.prometheus.pacing import QueryLoad, RetryBudget
from ingest.prometheus.probe import missing_metrics
from ingest.prometheus.queries import ScrapeIntervals, fleet_queries
from ingest.prometheus.relabelling import find_style
from ingest.prometheus.request_queries import request_query
from ingest.prometheus.settings import PrometheusSettings
from models.vocabulary.errors import MetricsMissing, SourceError
from models.vocabulary.windows import DAY, HourWindow
from warehouse.lake.observed_tables import REQUEST_BUCKET_HOUR
from warehouse.observed import ObservedWindow, WindowState

_LOG = logging.getLogger(__name__)
_CHUNK = DAY
"""Hours are asked for and put together a day at a time, so that memory does not grow with the window."""


class PrometheusSource:
    """Observed hours of clusters whose metrics a Prometheus keeps.

    Parameters
    ----------
    settings : PrometheusSettings
    budget : callable
        Makes the purse of waits between attempts, given its seconds.
    """

    name = "prometheus"

    def __init__(
        self, settings: PrometheusSettings, *, budget: Callable[[float], RetryBudget] = RetryBudget
    ) -> None:
        self.settings = settings
        self.connection = PrometheusConnection(settings)
        self._engine = QueryEngine(self.connection, budget=budget)
        self._oldest: datetime | None = None
        self._is_checked = False
        self._missing_optional: tuple[MetricNeed, ...] = ()
        self._requests: tuple[RequestMetric, ...] = ()

    @property
    def load(self) -> QueryLoad:
        """Everything asked of the server so far."""
        return self._engine.load

    @property
    def missing_optional(self) -> tuple[MetricNeed, ...]:
        """Optional metrics that the server does not have; known after the first ``observe``."""
        return self._missing_optional

    def follow_requests(self, metrics: Sequence[RequestMetric]) -> None:
        """Read histograms of requests too from now on: one query each per piece of time."""
        self._requests = tuple(metrics)

    def oldest(self, cluster: str) -> datetime | None:
        """Return the start of the first bin with a sample of kube-state-metrics, None if there is none.

        Raises
        ------
        SourceError
            If the server cannot be read.
        """
        del cluster  # the settings select the cluster's series
        if self._oldest is None:
            self._ask_for_a_sign_of_life()
            history = find_history(self._engine, self.settings, datetime.now(UTC))
            self._oldest = history[0] if history else None
        return self._oldest

    def _ask_for_a_sign_of_life(self) -> None:
        """Give up a server that hangs after one timeout, not after one for each smaller range."""
        try:
            self.connection.build_info()
        except PushedBack:
            return  # it lives; queries are repeated with patience

    def observe(self, cluster: str, window: HourWindow) -> ObservedWindow:
        """Return everything observed of the cluster in the window.

        Raises
        ------
        MetricsMissing
            If there is history, but required metrics are absent in all of it.
        SourceError
            If the server cannot be read.
        """
        oldest = self.oldest(cluster)
        self._check_required(oldest)
        assert oldest is not None
        chunks = [self._observe_chunk(cluster, chunk, oldest) for chunk in window.split(_CHUNK)]
        empty = empty_tables()
        if self._requests:
            empty[REQUEST_BUCKET_HOUR.name] = REQUEST_BUCKET_HOUR.schema.empty_table()
        tables = {
            name: pa.concat_tables([chunk.tables.get(name, none) for chunk in chunks])
            for name, none in empty.items()
        }
        verdicts = [self._with_missing(verdict) for chunk in chunks for verdict in chunk.verdicts]
        return ObservedWindow(cluster, self.name, window, tables, report_hours(window, tables, verdicts))

    def _with_missing(self, verdict: HourVerdict) -> HourVerdict:
        """Name on complete hours the optional metrics behind what they do not tell."""
        if verdict.state is not WindowState.COMPLETE or not self._missing_optional:
            return verdict
        names = ", ".join(need.name for need in self._missing_optional)
        told = "; ".join(part for part in (verdict.note, f"not exported: {names}") if part)
        return replace(verdict, note=told)

    def close(self) -> None:
        """Close the connections."""
        self.connection.close()

    def _observe_chunk(self, cluster: str, window: HourWindow, oldest: datetime) -> AssembledChunk:
        if window.end <= oldest:
            return AssembledChunk.before_history(window)
        intervals = read_intervals(self._engine, self.settings, window)
        span = (int(window.start.timestamp()), int(window.end.timestamp()))
        style = find_style(self.connection, *span)
        frames = self._engine.run(fleet_queries(self.settings, intervals, style), window)
        requests, unread = self._ask_requests(window, intervals)
        chunk = _with_note(assemble(cluster, window, frames, intervals, oldest, requests), unread)
        states = {state: sum(v.state is state for v in chunk.verdicts) for state in WindowState}
        _LOG.info("%s %s: %s", cluster, window, {s.value: n for s, n in states.items() if n})
        return chunk

    def _ask_requests(
        self, window: HourWindow, intervals: ScrapeIntervals
    ) -> tuple[list[tuple[RequestMetric, Frame]] | None, str]:
        """Ask for the histograms; one that cannot be read is named and costs the hour nothing else."""
        if not self._requests:
            return None, ""
        answers, unread = [], []
        for metric in self._requests:
            query = request_query(metric, intervals)
            try:
                answers.append((metric, self._engine.run([query], window)[query.name]))
            except SourceError as problem:
                _LOG.warning("%s: %s", metric.metric, problem)
                unread.append(f"request metric {metric.metric} is not read: {problem}")
        return answers, "; ".join(unread)

    def _check_required(self, oldest: datetime | None) -> None:
        """Refuse, once, a server that has never had a metric which every hour needs."""
        if self._is_checked:
            return
        now = datetime.now(UTC)
        span = (int((oldest or now - self.settings.history_limit).timestamp()), int(now.timestamp()))
        missing = missing_metrics(self.connection, span)
        required = [need for need in missing if need.is_required]
        if required or oldest is None:
            raise MetricsMissing(explain_missing(required) if required else _nothing_selected(self.settings))
        self._missing_optional = tuple(need for need in missing if not need.is_required)
        self._is_checked = True


def _with_note(chunk: AssembledChunk, note: str) -> AssembledChunk:
    """Add a note to the hours of a chunk that have none."""
    if not note:
        return chunk
    verdicts = [replace(verdict, note=verdict.note or note) for verdict in chunk.verdicts]
    return replace(chunk, verdicts=verdicts)


def _nothing_selected(settings: PrometheusSettings) -> str:
    return (
        f"{settings.url} has the metrics that Millicore needs, but no sample of kube_node_status_capacity in "
        f"the last {settings.history_limit.days} days; is kube-state-metrics still scraped?"
    )
