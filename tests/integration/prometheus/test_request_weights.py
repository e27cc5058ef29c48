"""From counters in a real Prometheus to weights of requests: ingest, fit, unit of load."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from support.open_metrics import ClusterWriter, TestContainer, TestPod
from support.prometheus import load_blocks, run_prometheus

from models.vocabulary.identity import Principal, Role
from models.vocabulary.windows import HOUR
from service.runtime import Runtime
from service.setting_parts import ClusterSettings, PrometheusConnection, RequestMetricRule
from service.usecases.ingest_prometheus import IngestOptions, run_ingest
from service.usecases.request_metrics import fit_request_metrics

pytestmark = pytest.mark.prometheus

START = datetime(2026, 11, 1, tzinfo=UTC)
T0 = START.timestamp()
HOURS = 40
END = T0 + HOURS * 3600
BUCKETS = "http_request_duration_seconds_bucket"
COST = {"0.1": 0.004, "1": 0.03, "+Inf": 0.4}
"""CPU-seconds of a request of each class; the bounds are those of its bucket."""


def rate(bound: str, moment: float) -> float:
    """Return requests per second of one class: a daily wave at its own time, and a faster one of its own.

    Daily waves alone lie in one plane, from which no fit could tell three costs and an idle use.
    """
    middle, swing, phase, period = {
        "0.1": (60, 45, 0.0, 6100),
        "1": (15, 10, 2.1, 8300),
        "+Inf": (2, 1.4, 4.2, 11200),
    }[bound]
    daily = math.sin(2 * math.pi * (moment - T0) / 86_400 + phase)
    return middle + swing * (daily + 0.3 * math.sin(2 * math.pi * moment / period))


def cpu(moment: float) -> float:
    """Return the cores that these requests and an idle service take, with a wobble of its own."""
    used = 0.15 + sum(cost * rate(bound, moment) for bound, cost in COST.items())
    return used * (1 + 0.03 * math.sin(moment / 700))


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("weights")
    writer = ClusterWriter(T0, END, scrape=60)
    writer.add_node("n1", T0 - 9e4, T0 + 9e9)
    app = TestContainer("app", cpu_usage=cpu)
    writer.add_pod(TestPod("shop", "web-5d4f7-abcde", "u1", "n1", T0 - 600, T0 + 9e9, (app,)))
    counts = dict.fromkeys(COST, 1000.0)
    for moment in writer.moments(T0, END):
        cumulative = 0.0
        for bound in COST:
            counts[bound] += rate(bound, moment - 30) * 60
            cumulative += counts[bound]
            labels = {"namespace": "shop", "pod": "web-5d4f7-abcde", "le": bound, "job": "app"}
            writer.file.add(BUCKETS, labels, moment, cumulative)
    with run_prometheus(load_blocks([writer.file.write(folder / "metrics.om")], folder / "data")) as found:
        yield found


def test_hidden_costs_come_back_from_counters_in_prometheus(url: str, tmp_path: Path) -> None:
    runtime = Runtime.for_test(
        tmp_path,
        now=START + HOURS * HOUR + timedelta(minutes=30),
        first_backfill_days=2,
        request_metrics=(RequestMetricRule(namespace="shop", metric=BUCKETS),),
        clusters=(ClusterSettings(name="c1", prometheus=PrometheusConnection(url=url)),),
    )
    (outcome,) = run_ingest(runtime, IngestOptions())
    assert outcome.problem is None
    (found,) = fit_request_metrics(runtime, Principal("ann", frozenset({Role.ADMIN})))
    assert found.weights is not None, found.reason
    cost = np.array(list(COST.values()))
    np.testing.assert_allclose(found.weights.weights, cost / cost.mean(), rtol=0.10)
    assert found.weights.held_out_r2 is not None
    assert found.weights.held_out_r2 >= 0.95
    assert found.weights.plain_held_out_r2 is not None
    assert found.weights.plain_held_out_r2 <= 0.7
    runtime.warehouse.close()
