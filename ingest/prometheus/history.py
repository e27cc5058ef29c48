"""From when to when a Prometheus remembers a cluster, and how often it was scraped."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

from ingest.assembly.frames import Frame
from ingest.prometheus.engine import QueryEngine
from ingest.prometheus.queries import HOUR_SECONDS, FleetQuery, ScrapeIntervals, scrape_queries
from ingest.prometheus.selectors import Matchers, select
from ingest.prometheus.settings import PrometheusSettings
from models.vocabulary.windows import BIN_SECONDS, DAY, HOUR, HourWindow

_DEFAULT_INTERVAL = 30.0
_SCRAPE_LOOKBACK = 900.0
_USUAL_INTERVALS = (1, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 300)


def find_history(
    engine: QueryEngine, settings: PrometheusSettings, now: datetime
) -> tuple[datetime, datetime] | None:
    """Return the start of the first and the end of the last bin with a sample of kube-state-metrics.

    One value per hour over ``history_limit``, then one per bin around the first and last of them: three
    cheap queries. None if there is no sample.

    Raises
    ------
    SourceError
        If the server cannot be read.
    """
    end = HourWindow.of_hour(now).end
    days = max(1, round(settings.history_limit / timedelta(days=1)))
    hours = _sampled(engine, HourWindow(end - days * DAY, end), HOUR_SECONDS)
    if hours is None:
        return None
    # a value at the end of an hour speaks of its last bin only, so history may begin an hour earlier
    first = _sampled(engine, HourWindow(hours[0] - HOUR, hours[0] + HOUR), BIN_SECONDS)
    last = _sampled(engine, HourWindow(hours[1] - HOUR, hours[1] + HOUR), BIN_SECONDS)
    return (first or hours)[0], (last or hours)[1]


def read_intervals(engine: QueryEngine, settings: PrometheusSettings, window: HourWindow) -> ScrapeIntervals:
    """Return how often cAdvisor and kube-state-metrics are scraped, from the samples of each hour."""
    query = scrape_queries(settings)[0]
    frame = engine.run((query,), window)[query.name]
    cadvisor = settings.scrape_interval_seconds or _interval(frame.only(fact="cadvisor"), window)
    return ScrapeIntervals(cadvisor, _interval(frame.only(fact="kube_state"), window))


def _sampled(engine: QueryEngine, window: HourWindow, step_seconds: int) -> tuple[datetime, datetime] | None:
    def render(matchers: Matchers) -> str:
        selected = select("kube_node_status_capacity", *matchers, 'resource="cpu"')
        return f"count(last_over_time({selected}[{BIN_SECONDS}s] offset 1ms))"

    query = FleetQuery(f"history_{step_seconds}", render, step_seconds, is_namespaced=False)
    steps = engine.run((query,), window)[query.name].steps
    if not len(steps):
        return None
    step = timedelta(seconds=step_seconds)
    return window.start + int(steps.min()) * step, window.start + (int(steps.max()) + 1) * step


def _interval(counts: Frame, window: HourWindow) -> float:
    """Return the scrape interval behind counts of 15 minutes, rounded to a usual one when close to it."""
    values = counts.dense(0, window.hour_count)
    if not np.isfinite(values).any():
        return _DEFAULT_INTERVAL
    seconds = _SCRAPE_LOOKBACK / float(np.nanmedian(values))
    usual = min(_USUAL_INTERVALS, key=lambda known: abs(known - seconds))
    return float(usual) if abs(usual - seconds) <= 0.12 * usual else seconds
