from datetime import timedelta

import numpy as np
import pytest
from support.container_usage import GIB, MIB, Container, constant
from support.profile_sets import profile_set

from models.profiles.build import ProfileOptions
from models.vocabulary.profile import WorkloadClass


def business_hours(low: float, high: float):
    return lambda hours: np.where((hours % 24 >= 8) & (hours % 24 < 18), high, low)


def weekdays_only(low: float, high: float):
    return lambda hours: np.where((hours // 24 % 7 < 5) & (hours % 24 >= 8) & (hours % 24 < 18), high, low)


def test_a_steady_container_is_described_by_its_numbers():
    (profile,) = profile_set([Container(cpu=constant(0.2), memory=constant(300 * MIB), pods=3)]).profiles
    assert profile.cpu_usage_cores_mean == pytest.approx(0.2)
    assert 0.2 < profile.cpu_usage_cores_p95_decayed <= 0.2 * 1.05 + 0.01
    assert profile.memory_usage_bytes_max == pytest.approx(300 * MIB)
    assert profile.memory_usage_bytes_max_24h == pytest.approx(300 * MIB)
    assert (profile.pod_count, profile.replica_count_mean) == (3, pytest.approx(3.0))
    assert (profile.cpu_request_cores, profile.memory_limit_bytes) == (1.0, GIB)
    assert profile.cpu_limit_cores is None
    assert profile.cpu_sample_count == 14 * 288 * 3
    assert profile.history_days == pytest.approx(14.0)
    assert profile.confidence == pytest.approx(1.0)
    assert profile.workload_class is WorkloadClass.STEADY
    assert profile.last_seen_hours_ago == 0
    assert profile.churn_pods_per_day == 0


def test_the_peak_hour_and_shape_follow_the_week():
    (profile,) = profile_set([Container(cpu=weekdays_only(0.1, 0.9))]).profiles
    shape = profile.cpu_usage_cores_by_hour_of_week_p95
    assert len(shape) == 168
    assert shape[8] == pytest.approx(0.9)
    assert shape[5 * 24 + 8] == pytest.approx(0.1)
    assert profile.peak_hour_of_week == 8


@pytest.mark.parametrize(
    ("container", "expected"),
    [
        (Container(cpu=business_hours(0.1, 0.6)), WorkloadClass.DAILY),
        (Container(cpu=weekdays_only(0.05, 0.9)), WorkloadClass.WEEKLY),
        (Container(cpu=lambda h: 0.1 + 0.01 * h / 24), WorkloadClass.GROWING),
        (Container(memory=lambda h: 100 * MIB + 2 * MIB * h), WorkloadClass.LEAKING),
        (Container(memory=lambda h: 100 * MIB + 5 * MIB * (h % 72)), WorkloadClass.LEAKING),
        (Container(cpu=constant(0.001)), WorkloadClass.DORMANT),
        (Container(kind="CronJob"), WorkloadClass.BATCH),
        (
            Container(cpu=lambda h: np.where(np.random.default_rng(int(h[0])).random(12) < 0.02, 2.0, 0.1)),
            WorkloadClass.BURSTY,
        ),
    ],
)
def test_the_class_follows_from_the_shape(container, expected):
    (profile,) = profile_set([container]).profiles
    assert profile.workload_class is expected, profile.class_reason


def test_half_a_day_is_not_enough_for_a_class():
    (profile,) = profile_set([Container()], days=0.5).profiles
    assert profile.workload_class is WorkloadClass.UNKNOWN


def test_a_container_without_measured_use_has_none_and_not_zero():
    def nothing(hours):
        return np.full(hours.shape, np.nan)

    (profile,) = profile_set([Container(cpu=nothing, memory=nothing)], days=2).profiles
    assert profile.cpu_usage_cores_p95_decayed is None
    assert profile.memory_usage_bytes_max is None
    assert profile.cpu_usage_cores_mean is None
    assert profile.cpu_sample_count == 0


def test_the_memory_at_an_oom_kill_is_that_of_its_hour():
    container = Container(memory=constant(900 * MIB), memory_limit=GIB, oom_hours=frozenset({30}))
    (profile,) = profile_set([container], days=3).profiles
    assert profile.oom_killed_count == 1
    assert profile.memory_oom_bytes_max == GIB


def test_what_a_container_needs_to_start_is_known_apart():
    container = Container(
        first_hour=5, memory=lambda h: np.where(h < 5.5, 800 * MIB, 200 * MIB), last_hour=24 * 3
    )
    _, profile = profile_set([container, Container(workload="older")], days=3).profiles
    assert profile.key.workload.name == "web"
    assert profile.memory_startup_bytes_max == pytest.approx(800 * MIB)
    assert profile.memory_usage_bytes_max == pytest.approx(800 * MIB)
    assert profile.memory_usage_bytes_max_24h == pytest.approx(200 * MIB)


def test_a_container_that_left_says_how_long_ago():
    found = profile_set([Container(), Container(workload="old", last_hour=48)], days=4).profiles
    assert {p.key.workload.name: p.last_seen_hours_ago for p in found} == {"web": 0, "old": 48}


def test_a_container_that_never_used_anything_is_dormant():
    (profile,) = profile_set([Container(cpu=constant(0.0), memory=constant(0.0))], days=8).profiles
    assert profile.workload_class is WorkloadClass.DORMANT
    assert profile.cpu_trend_ratio_per_day is None


def test_autoscaled_workloads_carry_their_metrics():
    options = ProfileOptions(hpa_metrics={("shop", "Deployment", "web"): ("cpu",)})
    (profile,) = profile_set([Container()], days=2, options=options).profiles
    assert profile.hpa_metrics == ("cpu",)


def test_old_days_weigh_less_than_yesterday():
    falling = Container(cpu=lambda h: np.where(h < 24 * 10, 0.9, 0.1))
    (profile,) = profile_set([falling], options=ProfileOptions(half_life=timedelta(hours=24))).profiles
    assert profile.cpu_usage_cores_p50_decayed < 0.2
    assert profile.cpu_usage_cores_max_5m == pytest.approx(0.9)


def test_each_container_keeps_its_own_evidence():
    found = profile_set([Container(cpu=constant(0.2)), Container("side", cpu=constant(0.4), pods=1)], days=2)
    by_name = {p.key.container: e for p, e in zip(found.profiles, found.evidence, strict=True)}
    assert by_name["app"].cpu_counts.argmax() < by_name["side"].cpu_counts.argmax()
    assert list(by_name["app"].memory_day_maxima) == [pytest.approx(200 * MIB)] * 2
