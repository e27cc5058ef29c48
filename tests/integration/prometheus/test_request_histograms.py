"""Histograms of requests from a real Prometheus: one query each, buckets apart, pods to their workloads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.open_metrics import ClusterWriter, TestPod
from support.prometheus import load_blocks, run_prometheus
from support.prometheus_pitfalls import END, HOURS, LONG_AGO, NEVER, START, T0, WINDOW, usual

from ingest.assembly.request_metric import RequestMetric, RequestScope
from ingest.prometheus.settings import PrometheusSettings
from ingest.prometheus.source import PrometheusSource
from models.vocabulary.identity import Principal, Role
from models.vocabulary.windows import HOUR, HourWindow
from service.runtime import Runtime
from service.setting_parts import ClusterSettings, PrometheusConnection, RequestMetricRule
from service.usecases.ingest_prometheus import IngestOptions, run_ingest
from warehouse.observed import ObservedWindow, WindowState

pytestmark = pytest.mark.prometheus

BUCKETS = "http_request_duration_seconds_bucket"
RATES = {"0.1": 4.0, "1.0": 6.0, "+Inf": 6.5}
"""Requests per second of each handler up to the bound."""
AUDITOR = Principal("ann", frozenset({Role.ADMIN}))
WEB = RequestMetric(BUCKETS, (RequestScope("shop", "web"),))


def add_histogram(writer: ClusterWriter, pod: str, start: float, end: float, *jobs: str) -> None:
    """Write a histogram of two handlers as one or more scrape jobs see it."""
    for job in jobs:
        for handler in ("/", "/pay"):
            for bound, rate in RATES.items():
                labels = {"namespace": "shop", "pod": pod, "handler": handler, "le": bound, "job": job}
                for moment in writer.moments(max(start, T0), end):
                    writer.file.add(BUCKETS, labels, moment, rate * (moment - T0 + 1000))


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve two pods of ``web``, the older one scraped twice, and ``web-agent`` whose name begins alike."""
    folder = tmp_path_factory.mktemp("histograms")
    writer = ClusterWriter(T0, END)
    usual(writer)
    agent = TestPod("shop", "web-agent-xk2p9", "u3", "n1", LONG_AGO, NEVER, owner=("DaemonSet", "web-agent"))
    writer.add_pod(agent)
    add_histogram(writer, "web-5d4f7-abcde", T0, END, "app", "app-again")
    add_histogram(writer, "web-5d4f7-fghij", T0 + 4000, T0 + 9000, "app")
    add_histogram(writer, "web-agent-xk2p9", T0, END, "app")
    add_histogram(writer, "of-nobody", T0, END, "app")
    with run_prometheus(load_blocks([writer.file.write(folder / "metrics.om")], folder / "data")) as found:
        yield found


def observe(url: str, *metrics: RequestMetric, window: HourWindow = WINDOW) -> tuple[ObservedWindow, int]:
    """Return what is observed and how many queries that took."""
    source = PrometheusSource(PrometheusSettings(url))
    source.follow_requests(metrics)
    try:
        return source.observe("c1", window), source.load.query_count
    finally:
        source.close()


def rates_of(window: ObservedWindow) -> pd.DataFrame:
    """Return requests per second by bound and bin."""
    frame = window.tables["request_bucket_hour"].to_pandas().sort_values(["upper_bound", "hour"])
    found = {
        bound: np.concatenate([np.array(bins, dtype=float) for bins in part.requests_per_second_by_5m])
        for bound, part in frame.groupby("upper_bound")
    }
    return pd.DataFrame(found)


def test_buckets_are_apart_and_pods_count_once_for_their_own_workload(url: str) -> None:
    window, _ = observe(url, WEB)
    frame = window.tables["request_bucket_hour"].to_pandas()
    assert frame[
        ["namespace", "workload_kind", "workload_name", "metric"]
    ].drop_duplicates().to_numpy().tolist() == [["shop", "Deployment", "web", BUCKETS]]
    rates = rates_of(window)
    assert list(rates.columns) == ["+Inf", "0.1", "1"]
    # one pod of two handlers first, two pods between 4000 and 9000 s
    np.testing.assert_allclose(rates["0.1"][2:12], 8.0, rtol=0.01)
    np.testing.assert_allclose(rates["1"][2:12], 4.0, rtol=0.01)
    np.testing.assert_allclose(rates["+Inf"][2:12], 1.0, rtol=0.01)
    np.testing.assert_allclose(rates["0.1"][16:28], 16.0, rtol=0.01)
    assert frame.request_count.sum() == pytest.approx(np.nansum(rates.to_numpy()) * 300)


def test_one_metric_costs_exactly_one_query_an_hour_however_many_workloads(url: str) -> None:
    hour = HourWindow(START + HOUR, START + 2 * HOUR)
    _, without = observe(url, window=hour)
    _, with_one = observe(url, WEB, window=hour)
    wide = replace(WEB, scopes=(RequestScope("*", "*"),))
    found, with_all = observe(url, wide, window=hour)
    assert (with_one - without, with_all - without) == (1, 1)
    names = set(found.tables["request_bucket_hour"]["workload_name"].to_pylist())
    assert names == {"web", "web-agent"}


def test_without_a_named_metric_nothing_is_asked_and_hours_keep_their_hash(url: str) -> None:
    plain, _ = observe(url)
    assert "request_bucket_hour" not in plain.tables
    asked, _ = observe(url, WEB)
    assert [one.input_hash for one in plain.hours] != [one.input_hash for one in asked.hours]
    again, _ = observe(url, WEB)
    assert asked.hours == again.hours


def test_a_metric_that_nobody_exports_leaves_the_hours_complete_and_empty(url: str) -> None:
    window, _ = observe(url, RequestMetric("none_bucket", (RequestScope("shop", "web"),)))
    assert [report.state for report in window.hours] == [WindowState.COMPLETE] * HOURS
    assert window.tables["request_bucket_hour"].num_rows == 0


def test_series_without_pods_belong_to_the_workload_that_is_named(url: str) -> None:
    named = RequestMetric(
        BUCKETS, (RequestScope("shop", "gate", "Rollout"),), (("handler", "/pay"),), pod_label=""
    )
    window, _ = observe(url, named)
    rates = rates_of(window)
    # the histograms of three pods, one of them unknown, in the first hour
    np.testing.assert_allclose(rates["0.1"][2:12], 12.0, rtol=0.01)
    assert set(window.tables["request_bucket_hour"]["workload_kind"].to_pylist()) == {"Rollout"}


def test_ingest_stores_them_and_counts_the_query_in_the_load(url: str, tmp_path: Path) -> None:
    rule = RequestMetricRule(namespace="shop", workload="web", metric=BUCKETS)
    counts = []
    for name, rules in (("without", ()), ("with", (rule,))):
        runtime = Runtime.for_test(
            tmp_path / name,
            now=START + HOURS * HOUR + HOUR / 2,
            first_backfill_days=1,
            request_metrics=rules,
            clusters=(ClusterSettings(name="c1", prometheus=PrometheusConnection(url=url)),),
        )
        (outcome,) = run_ingest(runtime, IngestOptions())
        assert outcome.problem is None
        entries = runtime.warehouse.audit.list(AUDITOR)
        counts.append(entries[-1].detail["query_count"])
        rows = runtime.warehouse.lake.scan("request_bucket_hour")
        assert bool(rows.num_rows) == bool(rules)
        again = list(run_ingest(runtime, IngestOptions()))
        assert again[0].row_count == 0
        runtime.warehouse.close()
    assert counts[1] == counts[0] + 1
