"""Containers with random use, requests and surroundings, for property tests of the policy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import strategies as st

from models.profiles.buckets import CPU_BUCKETS
from models.profiles.build import UsageEvidence
from models.profiles.histogram import read_percentiles
from models.vocabulary.identity import ContainerKey, WorkloadKey
from models.vocabulary.profile import ResourceProfile, WorkloadClass
from models.vocabulary.recommendation import ResourceValues
from recommender.constraints import Constraints, QuotaRoom
from recommender.constraints_limit_range import CONTAINER, POD, LimitRule
from recommender.presets import MEBIBYTE
from recommender.subject import Subject

NOW = datetime(2026, 10, 1, tzinfo=UTC)


def subject_of(
    cpu: list[float],
    memory: list[float],
    current: ResourceValues,
    throttled: float | None = None,
    days: float = 14.0,
) -> Subject:
    counts = np.bincount(CPU_BUCKETS.find(cpu), minlength=CPU_BUCKETS.count).astype(float) * 30
    p50, p95, p99 = read_percentiles(counts[None, :], [0.5, 0.95, 0.99], CPU_BUCKETS)[0].tolist()
    profile = ResourceProfile(
        key=ContainerKey(WorkloadKey("alpha", "shop", "Deployment", "web"), "app"),
        revision=None,
        window_start=NOW - timedelta(days=days),
        window_end=NOW,
        history_days=days,
        cpu_sample_count=int(counts.sum()) + 100,
        memory_sample_count=len(memory) + 100,
        sample_coverage_ratio=1.0,
        pod_count=1,
        replica_count_mean=1.0,
        cpu_request_cores=current.cpu_request_cores,
        cpu_limit_cores=current.cpu_limit_cores,
        memory_request_bytes=current.memory_request_bytes,
        memory_limit_bytes=current.memory_limit_bytes,
        cpu_usage_cores_mean=float(np.mean(cpu)),
        cpu_usage_cores_p50_decayed=p50,
        cpu_usage_cores_p95_decayed=p95,
        cpu_usage_cores_p99_decayed=p99,
        cpu_usage_cores_max_5m=max(cpu),
        cpu_usage_cores_max_1m=None,
        memory_usage_bytes_mean=float(np.mean(memory)),
        memory_usage_bytes_p99_decayed=max(memory),
        memory_usage_bytes_max=max(memory),
        memory_usage_bytes_max_24h=max(memory),
        memory_startup_bytes_max=None,
        cpu_usage_cores_by_hour_of_week_p95=None,
        cpu_throttled_ratio_p95=throttled,
        oom_killed_count=0,
        restart_count=0,
        cpu_trend_ratio_per_day=0.0,
        memory_trend_bytes_per_day=0.0,
        cpu_burstiness_ratio=1.0,
        peak_hour_of_week=None,
        churn_pods_per_day=0.0,
        workload_class=WorkloadClass.STEADY,
        class_reason="steady",
        confidence=1.0,
        is_short_lived=False,
        container_kind="main",
        last_seen_hours_ago=0.0,
    )
    return Subject(profile, UsageEvidence(counts, counts, np.array(memory)))


cpu_use = st.lists(st.floats(0.01, 8.0), min_size=1, max_size=20)
memory_use = st.lists(st.floats(1e7, 5e10), min_size=1, max_size=10)
requests = st.integers(10, 8000).map(lambda millicores: millicores / 1000)
sizes = st.integers(16, 40_000).map(lambda mebibytes: mebibytes * MEBIBYTE)


@st.composite
def current_values(draw: st.DrawFn) -> ResourceValues:
    cpu, memory = draw(st.none() | requests), draw(sizes)
    cpu_ratio, memory_ratio = draw(st.none() | st.floats(1, 4)), draw(st.none() | st.floats(1, 4))
    if draw(st.booleans()) and cpu is not None:
        return ResourceValues(cpu, cpu, memory, memory)
    return ResourceValues(
        cpu,
        None if cpu is None or cpu_ratio is None else cpu * cpu_ratio,
        memory,
        None if memory_ratio is None else memory * memory_ratio,
    )


@st.composite
def subjects(draw: st.DrawFn) -> Subject:
    return subject_of(
        draw(cpu_use),
        draw(memory_use),
        draw(current_values()),
        draw(st.none() | st.floats(0, 1)),
        draw(st.floats(0.5, 30)),
    )


def _ordered(low: float | None, high: float | None) -> tuple[float | None, float | None]:
    if low is None or high is None:
        return low, high
    return min(low, high), max(low, high)


@st.composite
def limit_rules(draw: st.DrawFn) -> LimitRule:
    """Return a rule of a LimitRange, defaulted as the API server does."""
    resource = draw(st.sampled_from(["cpu", "memory"]))
    amounts = st.none() | (requests if resource == "cpu" else sizes)
    low, high = _ordered(draw(amounts), draw(amounts))
    ratio = draw(st.none() | st.floats(1, 8))
    if draw(st.booleans()):
        return LimitRule(POD, resource, low, high, largest_ratio=ratio)
    limit = high
    request = limit if limit is not None else low
    return LimitRule(CONTAINER, resource, low, high, request, limit, ratio)


@st.composite
def surroundings(draw: st.DrawFn) -> Constraints:
    """Return constraints with any mix of LimitRange, quota, node, bounds and wishes."""
    room = st.floats(-2, 20)
    quota = draw(
        st.none()
        | st.fixed_dictionaries(
            {"cpu_request_cores": room, "memory_request_bytes": room.map(lambda value: value * 2**30)}
        ).map(QuotaRoom)
    )
    low, high = _ordered(draw(st.none() | requests), draw(st.none() | requests))
    return Constraints(
        allows_qos_change=draw(st.booleans()),
        cpu_minimum_cores=low,
        cpu_maximum_cores=high,
        node_cpu_cores=draw(st.none() | st.floats(0.5, 64)),
        node_memory_bytes=draw(st.none() | st.floats(2**28, 2**38)),
        limit_rules=tuple(draw(st.lists(limit_rules(), max_size=3))),
        siblings=tuple(draw(st.lists(current_values(), max_size=2))),
        quota=quota,
        surge_replicas=draw(st.sampled_from([0.0, 1.0])),
        calendar_peak=draw(st.none() | st.just("a sale is ahead")),
        compresses_requests=draw(st.booleans()),
    )
