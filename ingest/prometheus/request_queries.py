"""Latency histograms that owners name: one query per metric and piece of time, whoever serves it."""

from __future__ import annotations

import re

from ingest.assembly.request_metric import RequestMetric
from ingest.prometheus.queries import FleetQuery, ScrapeIntervals
from ingest.prometheus.selectors import Matchers, select
from ingest.prometheus.settings import quote
from models.ownership.globs import is_glob

_SCRAPED_TWICE = "job,endpoint,prometheus,prometheus_replica"
"""Labels that tell two scrapes of one target apart; requests are not counted once for each."""


def request_query(metric: RequestMetric, intervals: ScrapeIntervals) -> FleetQuery:
    """Return the query of one histogram: requests per second, by cumulative bucket and pod."""
    window = f"{intervals.rate_window_seconds * 1000 - 1}ms"
    by = f"le,{metric.namespace_label},{metric.pod_label}" if metric.pod_label else "le"

    def render(matchers: Matchers) -> str:
        chosen = tuple(f"{name}={quote(value)}" for name, value in metric.labels)
        selected = select(metric.metric, *matchers, _namespaces(metric), *chosen)
        return f"sum by ({by}) (max without ({_SCRAPED_TWICE}) (rate({selected}[{window}])))"

    return FleetQuery(metric.query_name, render, is_namespaced=False)


def _namespaces(metric: RequestMetric) -> str:
    """Return a matcher of the namespaces where all are named; nothing where a glob may be any."""
    names = sorted({scope.namespace for scope in metric.scopes})
    if not metric.pod_label or any(is_glob(name) for name in names):
        return ""
    pattern = "|".join(re.escape(name) for name in names)
    return f"{metric.namespace_label}=~{quote(pattern)}"
