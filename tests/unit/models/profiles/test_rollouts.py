"""A rollout makes new pods of the same workload: its history goes on, and nothing counts twice meanwhile."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support.container_usage import Container, constant
from support.profile_sets import profile_set

HOURS = 14 * 24
ROLLOUTS = (100, 200, 300)


def rolled_out(surge_hours: int) -> list[Container]:
    """Two pods of each of four revisions; the old ones stay for some hours beside the new ones."""
    starts = (0, *ROLLOUTS)
    ends = (*(hour + surge_hours for hour in ROLLOUTS), HOURS)
    return [
        Container(cpu=constant(0.2), pods=2, first_hour=first, last_hour=last, revision=f"r{number}")
        for number, (first, last) in enumerate(zip(starts, ends, strict=True))
    ]


def test_history_goes_on_over_three_rollouts() -> None:
    (profile,) = profile_set(rolled_out(0)).profiles
    (untouched,) = profile_set([Container(cpu=constant(0.2), pods=2)]).profiles
    assert profile.history_days == untouched.history_days == pytest.approx(14.0)
    assert profile.cpu_sample_count == untouched.cpu_sample_count == HOURS * 12 * 2
    assert profile.replica_count_mean == untouched.replica_count_mean == pytest.approx(2.0)
    assert profile.cpu_usage_cores_mean == untouched.cpu_usage_cores_mean == pytest.approx(0.2)
    assert profile.cpu_usage_cores_p95_decayed == untouched.cpu_usage_cores_p95_decayed


def test_a_surge_counts_each_pod_for_its_own_hours() -> None:
    (profile,) = profile_set(rolled_out(5)).profiles
    pod_hours = 2 * (HOURS + len(ROLLOUTS) * 5)
    assert profile.cpu_sample_count == pod_hours * 12
    assert profile.replica_count_mean == pytest.approx(pod_hours / HOURS)
    assert profile.cpu_usage_cores_mean == pytest.approx(0.2)
    assert profile.history_days * timedelta(days=1) == timedelta(days=14)
