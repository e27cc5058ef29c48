"""What drives the replicas of a workload."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from support.scaled_workloads import bins_of, utilisation, web_hpa

from models.request_metrics.buckets import RequestRates
from models.request_metrics.weights import RequestWeights
from models.vocabulary.replicas import ReplicaBasis
from recommender.load_tests import CapacityTest, ChosenTests
from recommender.replica_demand import (
    AT_PRESENT_REQUEST,
    MISSING_PODS,
    OTHER_METRICS,
    DriverInput,
    DriverRules,
    Requests,
    find_drivers,
)

DAY = 288
BINS = bins_of([4.0] * DAY, [0.25] * DAY)
RATES = RequestRates(("0.1", "+Inf"), np.tile([[90.0], [10.0]], DAY))
WEIGHTS = RequestWeights(("0.1", "+Inf"), (0.2, 1.8), 0.4, 0.0166, 0.97, 0.3, 0.05, 4000)


def load_test(metric: str = "rps", peak: float | None = None) -> ChosenTests:
    at = datetime(2026, 11, 1, tzinfo=UTC)
    return ChosenTests((CapacityTest(metric, "requests/s", 40.0, at, "p99 < 300 ms", 0.01, peak),), ())


def test_a_utilisation_target_is_an_amount_per_pod() -> None:
    found = find_drivers(DriverInput(BINS, web_hpa()), DriverRules())
    (driver,) = found.drivers
    assert (driver.basis, driver.metric, driver.target_per_replica) == (ReplicaBasis.UTILISATION, "cpu", 0.5)
    assert driver.series is not None
    assert driver.series.tolist() == [1.0] * DAY


def test_metrics_that_are_not_stored_are_flagged() -> None:
    queue = {"type": "External", "external": {"metric": {"name": "lag"}, "target": {"averageValue": "5"}}}
    both = find_drivers(DriverInput(BINS, web_hpa(2, 6, utilisation(50), queue)), DriverRules())
    assert (len(both.drivers), both.flags) == (1, (OTHER_METRICS,))
    alone = find_drivers(DriverInput(BINS, web_hpa(2, 6, queue)), DriverRules())
    assert alone.drivers == ()
    assert alone.reason is not None


def test_a_load_test_overrides_utilisation() -> None:
    given = DriverInput(BINS, web_hpa(), load_test(), Requests(RATES))
    (driver,) = find_drivers(given, DriverRules()).drivers
    assert (driver.basis, driver.target_per_replica) == (ReplicaBasis.LOAD_TEST, 40.0)
    assert driver.series is not None
    assert driver.series[0] == 100.0


def test_a_stated_peak_needs_no_measured_requests() -> None:
    (driver,) = find_drivers(DriverInput(BINS, web_hpa(), load_test("orders", 320.0)), DriverRules()).drivers
    assert (driver.stated_peak, driver.series) == (320.0, None)


def test_a_load_test_without_any_demand_falls_back_with_a_flag() -> None:
    found = find_drivers(DriverInput(BINS, web_hpa(), load_test()), DriverRules())
    assert found.flags == ("load_test_without_demand",)
    assert found.drivers[0].basis is ReplicaBasis.UTILISATION


def test_weighted_requests_stand_for_cpu_where_they_explain_it() -> None:
    given = DriverInput(BINS, web_hpa(), requests=Requests(RATES, WEIGHTS))
    (driver,) = find_drivers(given, DriverRules()).drivers
    assert driver.basis is ReplicaBasis.WEIGHTED_REQUESTS
    # 0.2 x 90 + 1.8 x 10, and (0.5 cores - 0.4 base cores over 4 pods) / CPU-seconds per weighted request
    assert driver.series is not None
    assert driver.series[0] == pytest.approx(36.0)
    assert driver.target_per_replica == pytest.approx(0.4 / 0.0166)


def test_weights_of_a_bad_fit_or_of_other_buckets_are_not_used() -> None:
    bad = RequestWeights(("0.1", "+Inf"), (0.2, 1.8), 0.4, 0.0166, 0.6, 0.3, 0.05, 4000)
    other = RequestWeights(("0.5", "+Inf"), (0.2, 1.8), 0.4, 0.0166, 0.97, 0.3, 0.05, 4000)
    for weights in (bad, other):
        given = DriverInput(BINS, web_hpa(), requests=Requests(RATES, weights))
        assert find_drivers(given, DriverRules()).drivers[0].basis is ReplicaBasis.UTILISATION


def test_without_autoscaler_the_present_request_decides_and_says_so() -> None:
    found = find_drivers(DriverInput(BINS), DriverRules(0.7))
    assert found.drivers[0].target_per_replica == pytest.approx(0.7)
    assert found.flags == (AT_PRESENT_REQUEST,)
    nothing = find_drivers(DriverInput(bins_of([4.0] * DAY, [0.25] * DAY, request=None)), DriverRules())
    assert nothing.drivers == ()
    assert nothing.reason == "no autoscaler, no load test and no CPU request say what it carries"


def test_pods_without_metrics_are_flagged_and_not_taken_as_idle() -> None:
    short = bins_of([4.0] * DAY, [0.25] * DAY, seen=[3.0] * DAY)
    (driver,) = find_drivers(DriverInput(short, web_hpa()), DriverRules()).drivers
    assert driver.flags == (MISSING_PODS,)
    assert driver.series is not None
    assert driver.series[0] == pytest.approx(1.0)
