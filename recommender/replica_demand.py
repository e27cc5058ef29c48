"""From what a workload used to what drives its number of replicas: a load over time and a target each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from models.request_metrics.buckets import RequestRates
from models.request_metrics.weights import RequestWeights
from models.vocabulary.replicas import ReplicaBasis, Scaler, ScalerMetric, TargetKind
from recommender.load_tests import CapacityTest, ChosenTests
from recommender.workload_bins import Floats, WorkloadBins

GOOD_FIT_R2 = 0.8
"""Weighted requests stand for CPU in replica advice from this held-out R squared on."""

MISSING_PODS = "missing_pods"
OTHER_METRICS = "scaled_by_other_metrics"
AT_PRESENT_REQUEST = "at_present_request"
"""Flag of advice for workloads without autoscaler: it holds at the present request, not beside a new one."""

_UNITS = {"cpu": "cores", "memory": "bytes"}


@dataclass(frozen=True, eq=False)
class Driver:
    """One load that replicas must carry.

    Parameters
    ----------
    basis : ReplicaBasis
    metric, unit : str
    target_per_replica : float
    series : array, shape (N,), or None
        The load of the whole workload in 5-minute bins, NaN where not measured; None where the owner states
        the peak.
    stated_peak : float or None
    flags : tuple of str
    """

    basis: ReplicaBasis
    metric: str
    unit: str
    target_per_replica: float
    series: Floats | None = None
    stated_peak: float | None = None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Requests:
    """Requests of a workload over the same bins, and the weights of their buckets; None is not known."""

    rates: RequestRates | None = None
    weights: RequestWeights | None = None

    @property
    def weighted(self) -> Floats | None:
        """Return weighted requests per second; None without rates or weights of these buckets."""
        if self.rates is None or self.weights is None:
            return None
        if self.rates.upper_bounds != self.weights.upper_bounds:
            return None
        return self.weights.weigh(self.rates)


@dataclass(frozen=True)
class DriverRules:
    """What stands in where no autoscaler says so: the share of its request that a replica should use."""

    target_ratio: float = 0.7


@dataclass(frozen=True)
class Drivers:
    """What drives a workload's replicas, or the reason why nothing is known."""

    drivers: tuple[Driver, ...] = ()
    flags: tuple[str, ...] = ()
    reason: str | None = None


@dataclass(frozen=True)
class DriverInput:
    """Everything known of one workload."""

    bins: WorkloadBins
    scaler: Scaler | None = None
    tests: ChosenTests = field(default_factory=lambda: ChosenTests((), ()))
    requests: Requests = field(default_factory=Requests)


def find_drivers(given: DriverInput, rules: DriverRules) -> Drivers:
    """Return the loads that decide the number of replicas; the largest answer counts.

    A valid load test whose demand is known overrides everything. Else the CPU and memory targets of the
    autoscaler count; weighted requests stand for CPU where they explain it well. Without an autoscaler, CPU
    counts at ``rules.target_ratio`` of the present request.
    """
    flags = given.tests.flags
    tested = [one for test in given.tests.valid if (one := _tested(test, given)) is not None]
    if tested:
        return Drivers(tuple(tested), flags)
    if len(given.tests.valid) > len(tested):
        flags = (*flags, "load_test_without_demand")
    if given.scaler is None:
        return _static(given, rules, flags)
    found = [one for metric in given.scaler.metrics if (one := _of_metric(metric, given)) is not None]
    if len(found) < len(given.scaler.metrics):
        flags = (*flags, OTHER_METRICS)
    reason = None if found else f"{given.scaler.label} scales on nothing that is stored here"
    return Drivers(tuple(found), flags, reason)


def _tested(test: CapacityTest, given: DriverInput) -> Driver | None:
    series = {
        "rps": None if given.requests.rates is None else given.requests.rates.total,
        "weighted_rps": given.requests.weighted,
        "cpu_cores": given.bins.usage("cpu"),
        "memory_bytes": given.bins.usage("memory"),
    }.get(test.metric)
    if series is not None and np.isnan(series).all():
        series = None
    if test.peak_demand is None and series is None:
        return None
    return Driver(
        ReplicaBasis.LOAD_TEST,
        test.metric,
        test.unit,
        test.capacity_per_replica,
        None if test.peak_demand is not None else series,
        test.peak_demand,
    )


def _of_metric(metric: ScalerMetric, given: DriverInput) -> Driver | None:
    if metric.name not in _UNITS or not metric.target:
        return None
    trigger = trigger_per_pod(metric, given.bins)
    usage = given.bins.usage(metric.name, metric.container)
    if trigger is None or np.isnan(usage).all():
        return None
    flags = (MISSING_PODS,) if given.bins.has_missing_pods(metric.container) else ()
    plain = Driver(ReplicaBasis.UTILISATION, metric.name, _UNITS[metric.name], trigger, usage, flags=flags)
    return _in_weighted_requests(plain, given) if metric.name == "cpu" else plain


def trigger_per_pod(metric: ScalerMetric, bins: WorkloadBins) -> float | None:
    """Return the load of one pod at which a CPU or memory metric scales, cores or bytes; None if unknown."""
    if metric.target is None or metric.target <= 0:
        return None
    if metric.target_kind is not TargetKind.UTILIZATION:
        return metric.target
    request = newest(bins.request_per_pod(metric.name, metric.container))
    return None if not request else metric.target / 100 * request


def _in_weighted_requests(plain: Driver, given: DriverInput) -> Driver:
    """Return the CPU target in weighted requests, where these explain CPU well and are known."""
    weights, weighted = given.requests.weights, given.requests.weighted
    if weights is None or weighted is None or (weights.held_out_r2 or 0.0) < GOOD_FIT_R2:
        return plain
    replicas = newest(given.bins.replicas())
    cost = weights.cpu_seconds_per_weighted_request
    left = plain.target_per_replica - weights.base_cpu_cores / max(replicas or 1.0, 1.0)
    if np.isnan(weighted).all() or left <= 0 or cost <= 0:
        return plain
    unit = "weighted requests/s"
    return Driver(ReplicaBasis.WEIGHTED_REQUESTS, "weighted_rps", unit, left / cost, weighted)


def _static(given: DriverInput, rules: DriverRules, flags: Sequence[str]) -> Drivers:
    request = newest(given.bins.request_per_pod("cpu"))
    usage = given.bins.usage("cpu")
    if not request:
        return Drivers((), tuple(flags), "no autoscaler, no load test and no CPU request say what it carries")
    if np.isnan(usage).all():
        return Drivers((), tuple(flags), "no CPU use was measured")
    missing = (MISSING_PODS,) if given.bins.has_missing_pods() else ()
    driver = Driver(
        ReplicaBasis.UTILISATION, "cpu", "cores", rules.target_ratio * request, usage, flags=missing
    )
    return Drivers((_in_weighted_requests(driver, given),), (*flags, AT_PRESENT_REQUEST))


def newest(values: Floats) -> float | None:
    """Return the last known value, None without any."""
    known = values[~np.isnan(values)]
    return float(known[-1]) if len(known) else None
