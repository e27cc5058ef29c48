"""Weights of requests from stored hours, and which histograms are read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from support.container_usage import Container
from support.scaled_workloads import (
    HISTOGRAM,
    START,
    WEB,
    hpa_spec,
    object_row,
    request_rows,
    store_world,
)

from ingest.assembly.request_metric import RequestMetric, RequestScope
from models.vocabulary.errors import Forbidden, UsageError
from models.vocabulary.identity import Principal, Role
from models.vocabulary.replicas import ReplicaBasis
from service.runtime import Runtime
from service.setting_parts import RequestMetricRule
from service.usecases.replicas import list_replicas
from service.usecases.request_metrics import fit_request_metrics, show_request_metrics
from service.usecases.request_sources import named_metrics

ADMIN = Principal("anna", frozenset({Role.ADMIN}))
HOURS = 24 * 5
NOW = START + timedelta(hours=HOURS)
COST = {"0.1": 0.002, "1": 0.02, "+Inf": 0.3}


def rates() -> dict[str, np.ndarray]:
    """Return three classes of requests whose mix turns over the day."""
    rng = np.random.default_rng(5)
    at = 2 * np.pi * np.arange(HOURS * 12) / 288
    noise = rng.normal(1, 0.1, (3, len(at)))
    shapes = [60 + 50 * np.sin(at), 15 + 12 * np.sin(at + 2), 2 + 1.6 * np.sin(at + 4)]
    return {bound: shape * wobble for bound, shape, wobble in zip(COST, shapes, noise, strict=True)}


def cpu(hours: np.ndarray) -> np.ndarray:
    """Return CPU of one of two pods at hours since the start."""
    position = np.rint(hours * 12).astype(int)
    total = 0.2 + sum(cost * rates()[bound][position] for bound, cost in COST.items())
    return np.asarray(total) / 2


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    found = Runtime.for_test(tmp_path_factory.mktemp("requests"), now=NOW)
    hpa = object_row("HorizontalPodAutoscaler", "web", hpa_spec(2, 12))
    store_world(found, [Container(cpu=cpu, pods=2)], HOURS, [hpa], request_rows(rates()))
    yield found
    found.warehouse.close()


def test_nothing_is_shown_as_fitted_before_it_is(runtime: Runtime) -> None:
    (found,) = show_request_metrics(runtime, ADMIN)
    assert (found.workload, found.metric, found.weights) == (WEB, HISTOGRAM, None)
    assert found.reason is not None


def test_weights_are_fitted_stored_once_and_used_for_replicas(runtime: Runtime) -> None:
    (fitted,) = fit_request_metrics(runtime, ADMIN)
    assert fit_request_metrics(runtime, ADMIN) == [fitted]
    weights = fitted.weights
    assert weights is not None
    assert weights.upper_bounds == tuple(COST)
    cost = np.array(list(COST.values()))
    np.testing.assert_allclose(weights.weights, cost / cost.mean(), rtol=0.1)
    assert weights.held_out_r2 is not None
    assert weights.held_out_r2 >= 0.95
    assert weights.plain_held_out_r2 is not None
    assert weights.plain_held_out_r2 <= 0.7
    (shown,) = show_request_metrics(runtime, ADMIN)
    assert (shown.weights, shown.newest_hour) == (weights, NOW - timedelta(hours=1))
    (advised,) = list_replicas(runtime, ADMIN)
    assert advised.advice is not None
    assert advised.advice.basis is ReplicaBasis.WEIGHTED_REQUESTS
    # one replica carries half a core less its part of the base
    target = (0.5 - weights.base_cpu_cores / 2) / weights.cpu_seconds_per_weighted_request
    assert advised.advice.target_per_replica == pytest.approx(target)


def test_only_the_platform_fits_and_owners_see_their_own(runtime: Runtime) -> None:
    stranger = Principal("bob", frozenset({Role.OWNER}), frozenset({"other"}))
    with pytest.raises(Forbidden):
        fit_request_metrics(runtime, stranger)
    assert show_request_metrics(runtime, stranger) == []


def test_settings_and_annotations_name_histograms_and_equal_ones_cost_one_query(tmp_path: Path) -> None:
    rules = (
        RequestMetricRule(cluster="al*", namespace="shop", workload="*", metric=HISTOGRAM),
        RequestMetricRule(cluster="beta", metric="other_bucket"),
        RequestMetricRule(namespace="pay", workload="gate", metric="grpc_bucket", labels={"app": "gate"}),
    )
    runtime = Runtime.for_test(tmp_path, now=NOW, request_metrics=rules)
    rows = [
        object_row("Deployment", "web", {"annotations": {"millicore.io/request-metric": HISTOGRAM}}),
        object_row("Deployment", "odd", {"annotations": {"millicore.io/request-metric": 'x"} or up{'}}),
    ]
    store_world(runtime, [Container()], 2, rows)
    found = named_metrics(runtime, "alpha")
    assert found == (
        RequestMetric(HISTOGRAM, (RequestScope("shop", "*"), RequestScope("shop", "web"))),
        RequestMetric("grpc_bucket", (RequestScope("pay", "gate"),), (("app", "gate"),)),
    )
    runtime.warehouse.close()


def test_a_metric_name_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="not the name of a metric"):
        RequestMetric('x"}', (RequestScope("shop", "web"),))
    with pytest.raises(UsageError, match="names no pod_label"):
        RequestMetric(HISTOGRAM, (RequestScope("shop", "*"),), pod_label="")
