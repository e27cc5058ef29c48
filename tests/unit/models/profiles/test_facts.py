"""Single facts of a profile: start-up, leaks, runs, skew of pods, confidence, churn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.container_usage import MIB, Container, constant
from support.profile_sets import profile_set

from models.profiles.facts import COLD_START_CONFIDENCE
from models.vocabulary.profile import HourlyValues, ResourceProfile, WorkloadClass


def profile_of(*containers: Container, days: float = 14, name: str = "web") -> ResourceProfile:
    found = profile_set(list(containers), days=days).profiles
    return next(profile for profile in found if profile.key.workload.name == name)


def test_start_up_stands_apart_for_cpu_and_memory() -> None:
    starting = Container(
        first_hour=5,
        cpu=lambda h: np.where(h < 5.5, 3.0, 0.2),
        memory=lambda h: np.where(h < 5.5, 800 * MIB, 200 * MIB),
    )
    profile = profile_of(starting, Container(workload="older"), days=3)
    assert profile.cpu_startup_cores_max == pytest.approx(3.0)
    assert profile.memory_startup_bytes_max == pytest.approx(800 * MIB)
    assert profile.cpu_usage_cores_p99_decayed == pytest.approx(0.2, rel=0.12)
    assert profile_of(Container(), days=2).cpu_startup_cores_max is None


def test_a_leak_is_measured_in_bytes_per_day() -> None:
    profile = profile_of(Container(memory=lambda h: 100 * MIB + MIB * h))
    assert profile.workload_class is WorkloadClass.LEAKING
    assert profile.memory_leak_bytes_per_day == pytest.approx(24 * MIB, rel=0.05)
    restarting = profile_of(Container(memory=lambda h: 100 * MIB + 5 * MIB * (h % 72)))
    assert restarting.memory_leak_bytes_per_day == pytest.approx(120 * MIB, rel=0.2)


def test_memory_that_fills_up_or_follows_cpu_is_no_leak() -> None:
    cache = profile_of(Container(memory=lambda h: 500 * MIB * (1 - np.exp(-h / 24))))
    assert cache.memory_leak_bytes_per_day is None
    busy = profile_of(Container(cpu=lambda h: 0.1 + 0.01 * h, memory=lambda h: 100 * MIB + MIB * h))
    assert busy.memory_leak_bytes_per_day is None
    assert busy.workload_class is not WorkloadClass.LEAKING


def test_runs_of_a_cron_job_are_counted_when_they_have_ended() -> None:
    nightly = Container(kind="CronJob", hours_of_day=frozenset({2, 3}))
    assert profile_of(nightly, Container(workload="other")).run_count == 14
    running = replace(nightly, hours_of_day=frozenset({22, 23}))
    assert profile_of(running, Container(workload="other")).run_count == 13
    assert profile_of(Container(), days=2).run_count is None


def test_skew_over_the_pods_of_a_daemon_set_stands_beside_the_largest_pod() -> None:
    pods = [
        Container(
            kind="DaemonSet",
            pod_offset=number,
            cpu=constant(2.0 if number == 0 else 0.2),
            memory=constant((900 if number == 0 else 200) * MIB),
        )
        for number in range(40)
    ]
    profile = profile_of(*pods, days=2)
    assert profile.cpu_usage_cores_p95_pod_p95 == pytest.approx(0.2, rel=0.12)
    assert profile.cpu_usage_cores_p95_pod_max == pytest.approx(2.0, rel=0.06)
    assert profile.memory_usage_bytes_max_pod_p95 == pytest.approx(200 * MIB)
    assert profile.memory_usage_bytes_max == pytest.approx(900 * MIB)


def test_one_pod_is_its_own_p95_over_pods() -> None:
    profile = profile_of(Container(cpu=lambda h: 0.1 + 0.001 * h), days=3)
    assert profile.cpu_usage_cores_p95_pod_p95 == profile.cpu_usage_cores_p95_pod_max
    assert profile.memory_usage_bytes_max_pod_p95 == profile.memory_usage_bytes_max


@pytest.mark.parametrize("hours", [1, 6, 23])
def test_less_than_a_day_of_history_is_a_cold_start(hours: int) -> None:
    assert profile_of(Container(), days=hours / 24).confidence < COLD_START_CONFIDENCE
    assert profile_of(Container(), days=7).confidence == pytest.approx(0.5)


def test_new_pods_per_day_are_the_churn() -> None:
    pods = [
        replace(Container(), pod_offset=day, first_hour=24 * day, last_hour=24 * day + 24) for day in range(7)
    ]
    profile = profile_of(*pods, days=7)
    assert profile.churn_pods_per_day == pytest.approx(6 / 7)
    assert profile.pod_count == 7


def test_throttling_kills_and_restarts_are_counted() -> None:
    profile = profile_of(Container(throttled=0.3, oom_hours=frozenset({5, 30})), days=3)
    assert profile.cpu_throttled_ratio_p95 == pytest.approx(0.3)
    assert (profile.oom_killed_count, profile.restart_count) == (2, 2)


def test_a_diurnal_wave_has_its_ratio_of_peak_to_valley() -> None:
    wave = Container(cpu=lambda h: 0.5 + 0.4 * np.cos((np.floor(h) - 15) / 24 * 2 * np.pi))
    profile = profile_of(wave)
    assert profile.cpu_peak_valley_ratio == pytest.approx(9.0, rel=1e-3)
    assert profile.seasonality_period_hours == 24
    assert profile.seasonality_strength == pytest.approx(1.0, abs=0.01)
    assert profile.peak_hour_of_week is not None
    assert profile.peak_hour_of_week % 24 == 15
    assert profile_of(Container(cpu=constant(0.0)), days=2).cpu_peak_valley_ratio is None


def test_hourly_values_are_a_sequence_equal_to_a_tuple() -> None:
    values = HourlyValues([0.5, 1.0, 2.0, 4.0])
    assert values == (0.5, 1.0, 2.0, 4.0)
    assert values != [0.5, 1.0, 2.0, 4.0]
    assert values == HourlyValues(np.array([0.5, 1.0, 2.0, 4.0]).tobytes())
    assert hash(values) == hash((0.5, 1.0, 2.0, 4.0))
    assert (values[1], values[1:3], len(values), max(values)) == (1.0, (1.0, 2.0), 4, 4.0)
    assert "4 hours" in repr(values)
