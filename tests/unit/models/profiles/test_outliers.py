"""Replicas that behave unlike the rest: found, reported, and left out only where that is safe."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.container_usage import MIB, Container, Series
from support.profile_sets import profile_set

from models.profiles.outliers import find_outliers
from models.profiles.pod_days import PodDays
from models.vocabulary.profile import ResourceProfile

REPLICAS = 20


def noisy(level: float, seed: int, sigma: float = 0.2) -> Series:
    random = np.random.default_rng(seed)
    values = level * np.exp(random.normal(0, sigma, 14 * 288))
    return lambda hours: values[np.round(hours * 12).astype(int)]


def replicas(odd: int = 0, factor: float = 10.0, since_hour: int = 0, **fields: object) -> list[Container]:
    """Twenty replicas of one workload, some of them at a multiple of the rest from some hour on."""
    plain = Container(**fields)  # type: ignore[arg-type]
    found = []
    for number in range(REPLICAS):
        usual, hot = noisy(0.5, number), noisy(0.5 * factor, number)
        is_odd = number < odd
        cpu = (lambda h, a=usual, b=hot: np.where(h >= since_hour, b(h), a(h))) if is_odd else usual
        found.append(replace(plain, cpu=cpu, pod_offset=number))
    return found


def profile_of(containers: list[Container], days: float = 5) -> ResourceProfile:
    (profile,) = profile_set(containers, days=days).profiles
    return profile


def pod_days(use: np.ndarray, memory: np.ndarray | None = None) -> PodDays:
    """Use of shape (workloads, pods, days), each pod observed for whole days."""
    pods = use.shape[1]
    index = np.indices(use.shape).reshape(3, -1)
    count = use.size
    return PodDays(
        container=index[0],
        pod=1 + index[0] * pods + index[1],
        revision=np.ones(count, dtype=np.int64),
        day=index[2],
        first_row=np.arange(count),
        slot=np.arange(count),
        cpu_total=use.ravel() * 288,
        cpu_samples=np.full(count, 288.0),
        cpu_serving_mean=use.ravel(),
        memory_max=np.full(count, 1e8) if memory is None else memory.ravel(),
    )


@pytest.mark.parametrize("unevenness", [0.0, 0.2, 0.4])
def test_homogeneous_workloads_raise_no_alarm(unevenness: float) -> None:
    random = np.random.default_rng(7)
    shape = (1000, REPLICAS, 14)
    own = np.exp(random.normal(0, unevenness, shape[:2]))[:, :, None]
    daily = np.exp(random.normal(0, 0.1, shape))
    found = find_outliers(pod_days(own * daily, 1e8 * own * daily), np.zeros(1000, dtype=np.bool_))
    assert found.cpu.sum() == found.memory.sum() == 0


@pytest.mark.parametrize("pods", [5, 8, 50])
def test_few_or_many_replicas_raise_no_alarm_either(pods: int) -> None:
    random = np.random.default_rng(8)
    use = np.exp(random.normal(0, 0.3, (1000, pods, 3)))
    assert find_outliers(pod_days(use), np.zeros(1000, dtype=np.bool_)).cpu.sum() == 0


def test_one_of_twenty_replicas_at_ten_times_the_rest_is_found_and_left_out() -> None:
    plain, odd = profile_of(replicas()), profile_of(replicas(odd=1))
    (pod,) = odd.outlier_pods
    assert (pod.pod_uid, pod.resource, pod.is_left_out) == ("uid-shop-web-0-0", "cpu", True)
    assert pod.ratio == pytest.approx(10, rel=0.1)
    assert "left out" in pod.reason
    for name in ("cpu_usage_cores_p95_decayed", "cpu_usage_cores_p99_decayed", "cpu_usage_cores_mean"):
        assert getattr(odd, name) == pytest.approx(getattr(plain, name), rel=0.05)
    assert odd.cpu_usage_cores_max_5m < 2
    assert odd.cpu_usage_cores_by_hour_of_week_p95 is None  # five days are not a week
    assert plain.outlier_pods == ()


def test_it_is_found_within_two_days_of_going_wrong() -> None:
    (pod,) = profile_of(replicas(odd=1, since_hour=72), days=5).outlier_pods
    assert (pod.day.day, pod.is_left_out) == (11, True)
    assert profile_of(replicas(odd=1, since_hour=96), days=5).outlier_pods != ()


def test_the_evidence_of_the_policy_leaves_it_out_too() -> None:
    found = profile_set(replicas(odd=1), days=3)
    (evidence,) = found.evidence
    assert evidence.cpu_counts.sum() == (REPLICAS - 1) * 3 * 288
    assert len(evidence.memory_day_maxima) == REPLICAS * 3
    assert found.kept_histograms is not None
    assert (~found.kept_histograms).sum() == 3


def test_pods_with_an_identity_are_reported_and_kept() -> None:
    for kind in ("StatefulSet", "DaemonSet"):
        profile = profile_of(replicas(odd=1, kind=kind))
        (pod,) = profile.outlier_pods
        assert not pod.is_left_out
        assert "not interchangeable" in pod.reason
        assert profile.cpu_usage_cores_max_5m > 2


def test_a_memory_outlier_is_reported_but_stays_in_the_maximum() -> None:
    containers = replicas()
    containers[3] = replace(containers[3], memory=lambda h: np.full(h.shape, 900 * MIB))
    profile = profile_of(containers)
    (pod,) = profile.outlier_pods
    assert (pod.resource, pod.is_left_out) == ("memory", False)
    assert profile.memory_usage_bytes_max == pytest.approx(900 * MIB)
    assert profile.memory_usage_bytes_max_pod_p95 == pytest.approx(200 * MIB)


def test_half_of_the_replicas_are_never_outliers() -> None:
    assert profile_of(replicas(odd=10)).outlier_pods == ()


def test_a_role_that_moves_from_pod_to_pod_is_kept() -> None:
    use = np.exp(np.random.default_rng(1).normal(0, 0.05, (1, REPLICAS, 6)))
    for day in range(6):
        use[0, day, day] *= 10
    found = find_outliers(pod_days(use), np.zeros(1, dtype=np.bool_))
    assert found.cpu.sum() == 6
    assert not found.is_left_out.any()


def test_a_pod_that_ran_only_at_night_is_not_compared_with_whole_days() -> None:
    def by_day(hours: np.ndarray) -> np.ndarray:
        return np.where((hours % 24 >= 8) & (hours % 24 < 20), 1.0, 0.02)

    old = [Container(cpu=by_day, pods=10), Container(cpu=by_day, pods=1, pod_offset=10, first_hour=44)]
    assert profile_of(old, days=2).outlier_pods == ()
