"""Runs fleet queries over a window: in parallel, in pieces that the server can bear, with patience."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from ingest.assembly.frames import EMPTY_FRAME, Frame
from ingest.prometheus.connection import AnswerTooLarge, PrometheusConnection, PushedBack, RangeRequest
from ingest.prometheus.decode import Integers, Samples
from ingest.prometheus.pacing import ConcurrencyLimit, LoadCounter, QueryLoad, RetryBudget
from ingest.prometheus.queries import HOUR_SECONDS, FleetQuery
from ingest.prometheus.selectors import Matchers
from ingest.prometheus.settings import PrometheusSettings, quote
from models.vocabulary.errors import SourceError, SourceUnreachable
from models.vocabulary.windows import HourWindow

_LOG = logging.getLogger(__name__)
_MOST_POINTS = 10_000
"""Points per series in one answer; a stock Prometheus refuses more than 11,000."""


@dataclass
class _Size:
    """The size of a query that worked: hours at once, and shards per hour."""

    hours: int
    shards: int = 1


@dataclass
class _Pieces:
    frames: list[Frame] = field(default_factory=list)
    warnings: list[tuple[int, str]] = field(default_factory=list)


class QueryEngine:
    """Asks queries in pieces: by time first, then by namespace, remembering the size that worked.

    Parameters
    ----------
    connection : PrometheusConnection
    budget : callable
        Makes the purse of waits for one window.
    """

    def __init__(
        self,
        connection: PrometheusConnection,
        *,
        budget: Callable[[float], RetryBudget] = RetryBudget,
    ) -> None:
        self._connection = connection
        self._settings: PrometheusSettings = connection.settings
        self._limit = ConcurrencyLimit(self._settings.max_concurrency)
        self._budget = budget
        self._sizes: dict[str, _Size] = {}
        self._retries = LoadCounter()
        self._namespaces: dict[tuple[int, int], list[str]] = {}
        self._lock = threading.Lock()

    @property
    def load(self) -> QueryLoad:
        """Everything asked of the server so far, repeats included."""
        return self._connection.load + self._retries.total

    @property
    def allowed_concurrency(self) -> int:
        """Queries that may run at one time now."""
        return self._limit.allowed

    def run(self, queries: Iterable[FleetQuery], window: HourWindow) -> dict[str, Frame]:
        """Return a frame per query.

        Raises
        ------
        SourceError
            Of the first query that could not be answered, with its name.
        """
        asked = list(queries)
        budget = self._budget(self._settings.retry_budget_seconds)
        with ThreadPoolExecutor(self._settings.max_concurrency, "prometheus") as pool:
            futures = [(query, pool.submit(self._fetch, query, window, budget)) for query in asked]
            try:
                return {query.name: future.result() for query, future in futures}
            finally:
                for _, future in futures:
                    future.cancel()

    def _fetch(self, query: FleetQuery, window: HourWindow, budget: RetryBudget) -> Frame:
        size = self._sizes.setdefault(query.name, _Size(self._longest_hours(query)))
        pieces = _Pieces()
        hour = 0
        while hour < window.hour_count:
            hours = min(size.hours, window.hour_count - hour)
            taken = self._ask_hours(query, window, (hour, hours), size, budget, pieces)
            hour += taken
        return _join(pieces)

    def _longest_hours(self, query: FleetQuery) -> int:
        return _MOST_POINTS * query.step_seconds // HOUR_SECONDS

    def _ask_hours(
        self,
        query: FleetQuery,
        window: HourWindow,
        span: tuple[int, int],
        size: _Size,
        budget: RetryBudget,
        pieces: _Pieces,
    ) -> int:
        """Ask for some hours, fewer if need be; return how many were answered."""
        hour, hours = span
        before = len(pieces.frames)
        try:
            self._ask_shards(query, window, (hour, hours), size, budget, pieces)
        except AnswerTooLarge as problem:
            del pieces.frames[before:]
            if hours > 1:
                size.hours = max(1, hours // 2)
                _LOG.info("%s: %s; asking for %d h at once", query.name, problem, size.hours)
                return 0
            if not query.is_namespaced or not self._split_further(window, size):
                raise SourceError(
                    f"query {query.name}: one hour is too much for the server: {problem}"
                ) from problem
            _LOG.info("%s: %s; asking in %d groups of namespaces", query.name, problem, size.shards)
            return 0
        self._fit_budget(query, size, hours, sum(len(f.values) for f in pieces.frames[before:]))
        return hours

    def _fit_budget(self, query: FleetQuery, size: _Size, hours: int, samples: int) -> None:
        """Choose the next range so that an answer stays within the budget of samples."""
        if samples / hours * size.hours > self._settings.sample_budget:
            size.hours = max(1, int(self._settings.sample_budget * hours / samples))
            _LOG.info("%s: asking for %d h at once to stay within the budget", query.name, size.hours)

    def _split_further(self, window: HourWindow, size: _Size) -> bool:
        """Double the shards while there are namespaces to spread over them."""
        most = len(self._list_namespaces(window))
        if size.shards >= most:
            return False
        size.shards = min(most, size.shards * 2)
        return True

    def _ask_shards(
        self,
        query: FleetQuery,
        window: HourWindow,
        span: tuple[int, int],
        size: _Size,
        budget: RetryBudget,
        pieces: _Pieces,
    ) -> None:
        for shard in self._shards(window, size.shards):
            matchers = (*self._settings.cluster_matchers, *shard)
            samples = self._ask(query, _request_of(query, window, span, matchers), budget)
            pieces.frames.append(_to_frame(samples, query, window))
            hour, hours = span
            pieces.warnings += [(h, text) for text in samples.warnings for h in range(hour, hour + hours)]

    def _shards(self, window: HourWindow, count: int) -> list[Matchers]:
        if count == 1:
            return [()]
        names = self._list_namespaces(window)
        groups: list[list[str]] = [names[index::count] for index in range(count)]
        # series from before or after a change of honorLabels lack the label that is asked for: none is lost
        groups[0] = [*groups[0], ""]
        return [_namespace_matcher(group) for group in groups if group]

    def _list_namespaces(self, window: HourWindow) -> list[str]:
        start, end = int(window.start.timestamp()), int(window.end.timestamp())
        with self._lock:
            if (start, end) not in self._namespaces:
                # one hour either side, because queries lead and trail the window
                span = (start - HOUR_SECONDS, end + HOUR_SECONDS)
                names = {
                    name
                    for label in ("namespace", "exported_namespace")
                    for name in self._connection.label_values(label, *span, self._namespace_series())
                }
                self._namespaces[start, end] = sorted(names)
            return self._namespaces[start, end]

    def _namespace_series(self) -> tuple[str, ...]:
        cluster = ",".join(self._settings.cluster_matchers)
        return (f"kube_pod_info{{{cluster}}}",)

    def _ask(self, query: FleetQuery, request: RangeRequest, budget: RetryBudget) -> Samples:
        """Ask once, and again while the server says later and the purse allows it."""
        attempt = 0
        while True:
            attempt += 1
            try:
                with self._limit.slot():
                    samples = self._connection.query_range(request)
            except PushedBack as problem:
                self._limit.pushed_back()
                wait = problem.retry_after_seconds
                if attempt > self._settings.retry_limit or not budget.wait(attempt, wait):
                    raise SourceUnreachable(
                        f"query {query.name} failed {attempt} times, last: {problem}"
                    ) from problem
                self._retries.add(QueryLoad(retry_count=1))
                continue
            self._limit.succeeded()
            return samples


def _request_of(
    query: FleetQuery, window: HourWindow, span: tuple[int, int], matchers: Matchers
) -> RangeRequest:
    """Return the request for hours of a window; only its outer edges carry lead and trail."""
    hour, hours = span
    step = query.step_seconds
    start = int(window.start.timestamp()) + hour * HOUR_SECONDS + step
    end = int(window.start.timestamp()) + (hour + hours) * HOUR_SECONDS
    if hour == 0:
        start -= query.lead_steps * step
    if hour + hours == window.hour_count:
        end += query.trail_steps * step
    return RangeRequest(query.render(matchers), start, end, step)


def _to_frame(samples: Samples, query: FleetQuery, window: HourWindow) -> Frame:
    first = window.start.timestamp() + query.step_seconds
    steps = np.rint((samples.times - first) / query.step_seconds).astype(np.int64)
    return Frame(samples.labels, samples.series, steps, samples.values)


def _namespace_matcher(names: Sequence[str]) -> Matchers:
    """Return a matcher of exactly these namespaces, whatever characters a server lists in their names."""
    pattern = "|".join("".join(c if c.isalnum() or c in "-_" else f"\\{c}" for c in name) for name in names)
    return (f"namespace=~{quote(pattern)}",)


def _join(pieces: _Pieces) -> Frame:
    """Join answers: series with equal labels become one."""
    warnings = tuple(sorted(set(pieces.warnings)))
    index: dict[tuple[tuple[str, str], ...], int] = {}
    labels: list[dict[str, str]] = []
    series: list[Integers] = []
    for frame in pieces.frames:
        position = np.empty(len(frame.labels), np.int64)
        for old, metric in enumerate(frame.labels):
            key = tuple(sorted(metric.items()))
            if key not in index:
                index[key] = len(labels)
                labels.append(metric)
            position[old] = index[key]
        series.append(position[frame.series])
    if not pieces.frames:
        return EMPTY_FRAME
    return Frame(
        labels,
        np.concatenate(series),
        np.concatenate([frame.steps for frame in pieces.frames]),
        np.concatenate([frame.values for frame in pieces.frames]),
        warnings,
    )
