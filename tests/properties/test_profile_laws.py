"""What holds for every profile, whatever was used."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from support.container_usage import MIB, Container, Series
from support.profile_sets import profile_set

from models.vocabulary.profile import ResourceProfile

DAYS = 2
levels = st.lists(st.floats(0.05, 8.0), min_size=1, max_size=40)


def repeated(values: list[float], factor: float = 1.0) -> Series:
    array = np.array(values) * factor
    return lambda hours: array[np.round(hours * 12).astype(int) % len(array)]


def container(values: list[float], factor: float = 1.0, **fields: object) -> Container:
    plain = Container(cpu=repeated(values, factor), memory=repeated([v * 500 * MIB for v in values], factor))
    return replace(plain, **fields)  # type: ignore[arg-type]


def profile_of(*containers: Container) -> ResourceProfile:
    (profile,) = profile_set(containers, days=DAYS).profiles
    return profile


@settings(deadline=None, max_examples=15)
@given(levels)
def test_percentiles_rise_up_to_the_maximum(values: list[float]) -> None:
    profile = profile_of(container(values))
    p50, p95, p99 = (getattr(profile, f"cpu_usage_cores_{name}_decayed") for name in ("p50", "p95", "p99"))
    assert p50 <= p95 <= p99
    assert p99 <= profile.cpu_usage_cores_max_5m * 1.05 + 0.01
    assert profile.memory_usage_bytes_max >= profile.memory_usage_bytes_max_24h


@settings(deadline=None, max_examples=15)
@given(levels, st.floats(1.1, 20.0))
def test_twice_the_use_is_twice_the_profile_within_a_bucket(values: list[float], factor: float) -> None:
    plain, scaled = profile_of(container(values)), profile_of(container(values, factor))
    for name in ("cpu_usage_cores_p95_decayed", "memory_usage_bytes_p99_decayed"):
        assert abs(getattr(scaled, name) / (getattr(plain, name) * factor) - 1) < 0.22
    for name in ("cpu_usage_cores_max_5m", "memory_usage_bytes_max", "cpu_usage_cores_mean"):
        assert np.isclose(getattr(scaled, name), getattr(plain, name) * factor, rtol=1e-6)
    if not 3.0 < plain.cpu_burstiness_ratio < 5.5:  # rounding to buckets moves it across the threshold
        assert scaled.workload_class is plain.workload_class


@settings(deadline=None, max_examples=10)
@given(levels, levels, st.permutations(range(3)))
def test_neither_the_order_of_pods_nor_of_workloads_matters(
    one: list[float], other: list[float], order: list[int]
) -> None:
    containers = [container(one, pods=2), container(other, pod_offset=2), container(other, workload="api")]
    plain = profile_set(containers, days=DAYS).profiles
    assert profile_set([containers[number] for number in order], days=DAYS).profiles == plain


@settings(deadline=None, max_examples=10)
@given(levels, levels)
def test_a_profile_of_two_pods_is_that_of_their_union(one: list[float], other: list[float]) -> None:
    together = profile_of(container(one), container(other, pod_offset=1))
    each = profile_of(container(one)), profile_of(container(other))
    assert together.cpu_sample_count == sum(profile.cpu_sample_count for profile in each)
    for name in ("cpu_usage_cores_max_5m", "memory_usage_bytes_max"):
        assert getattr(together, name) == max(getattr(profile, name) for profile in each)
    low, high = sorted(profile.cpu_usage_cores_p95_decayed for profile in each)
    assert low <= together.cpu_usage_cores_p95_decayed <= high
    assert together.cpu_usage_cores_p95_pod_max == high


def test_the_same_input_gives_the_same_bytes() -> None:
    containers = [
        container([0.1, 0.5, 0.9], pods=3),
        container([0.2], workload="api", revision=None),
        container([0.3, 0.1], kind="CronJob", workload="report", hours_of_day=frozenset({2, 3})),
    ]

    def digest() -> str:
        found = profile_set(containers, days=8)
        text = json.dumps([asdict(profile) for profile in found.profiles], default=str)
        parts = [part.tobytes() for evidence in found.evidence for part in vars(evidence).values()]
        return hashlib.sha256(text.encode() + b"".join(parts)).hexdigest()

    assert digest() == digest()
