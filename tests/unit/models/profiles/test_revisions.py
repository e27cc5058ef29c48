"""Revisions of a workload told apart: a clear change is followed, chance and old pods change nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.container_usage import MIB, Container, Series, constant
from support.profile_sets import profile_set

from models.vocabulary.profile import ResourceProfile

HOURS = 14 * 24


def wobbling(level: float, seed: int = 0) -> Series:
    random = np.random.default_rng(seed)
    values = level * np.exp(random.normal(0, 0.1, HOURS * 12))
    return lambda hours: values[np.round(hours * 12).astype(int)]


def office(low: float, high: float) -> Series:
    return lambda h: np.where((h // 24 % 7 < 5) & (h % 24 >= 8) & (h % 24 < 18), high, low)


def deployed(at: int, old: Container, new: Container, linger: int = 1) -> list[Container]:
    return [
        replace(old, revision="a-old", last_hour=at + linger),
        replace(new, revision="b-new", first_hour=at),
    ]


def profile_of(containers: list[Container], days: float = 14) -> ResourceProfile:
    (profile,) = profile_set(containers, days=days).profiles
    return profile


@pytest.mark.parametrize(("before", "after"), [(1.0, 0.4), (0.4, 1.0)])
def test_a_revision_that_uses_clearly_more_or_less_cpu_is_followed_alone(before: float, after: float) -> None:
    old, new = Container(cpu=wobbling(before), pods=3), Container(cpu=wobbling(after, 1), pods=3)
    profile = profile_of(deployed(10 * 24 + 9, old, new))
    assert profile.is_new_revision_unlike
    assert "newest revision uses" in profile.class_reason
    assert profile.cpu_usage_cores_p95_decayed == pytest.approx(after * 1.2, rel=0.12)
    assert profile.cpu_usage_cores_mean == pytest.approx(after, rel=0.03)
    assert profile.cpu_usage_cores_max_5m is not None
    assert (profile.cpu_usage_cores_max_5m > 1) == (after == 1.0)
    assert 3 <= profile.history_days < 4
    names = [(use.revision, use.first_day.day, use.last_day.day) for use in profile.revisions]
    assert names == [("a-old", 7, 17), ("b-new", 17, 20)]
    olds, news = profile.revisions
    assert olds.cpu_usage_cores_p95 == pytest.approx(before * 1.2, rel=0.12)
    assert news.cpu_usage_cores_p95 == pytest.approx(after * 1.2, rel=0.12)


def test_old_pods_that_linger_change_nothing() -> None:
    old, new = Container(cpu=constant(2.0), pods=1), Container(cpu=constant(0.5), pods=4)
    short, long = (profile_of(deployed(8 * 24, old, new, linger)) for linger in (1, 5 * 24))
    for profile in (short, long):
        assert profile.is_new_revision_unlike
        assert profile.cpu_usage_cores_max_5m == pytest.approx(0.5)
        assert profile.cpu_usage_cores_mean == pytest.approx(0.5)


def test_a_revision_younger_than_a_day_is_not_judged() -> None:
    profile = profile_of(deployed(13 * 24 + 6, Container(cpu=constant(1.0)), Container(cpu=constant(0.3))))
    assert not profile.is_new_revision_unlike
    assert profile.cpu_usage_cores_max_5m == pytest.approx(1.0)
    assert len(profile.revisions) == 2


def test_a_quiet_weekend_after_a_deployment_is_not_a_change() -> None:
    cpu = office(0.05, 0.9)
    profile = profile_of(deployed(4 * 24 + 20, Container(cpu=cpu), Container(cpu=cpu)), days=7)
    assert not profile.is_new_revision_unlike
    assert profile.history_days == pytest.approx(7)


def test_revisions_that_are_alike_have_one_history() -> None:
    profile = profile_of(deployed(7 * 24, Container(cpu=wobbling(0.5)), Container(cpu=wobbling(0.53, 2))))
    assert not profile.is_new_revision_unlike
    assert profile.history_days == pytest.approx(14)
    assert profile.cpu_sample_count == (HOURS + 1) * 12


def test_a_canary_does_not_lead_the_profile() -> None:
    main, canary = Container(cpu=constant(0.5), pods=9), Container(cpu=constant(2.0), pods=1, first_hour=200)
    profile = profile_of([replace(main, revision="a"), replace(canary, revision="b")])
    assert not profile.is_new_revision_unlike


def test_lower_memory_is_believed_only_after_three_days_and_cpu_keeps_its_history() -> None:
    heavy, light = Container(memory=constant(900 * MIB)), Container(memory=constant(300 * MIB))
    young = profile_of(deployed(12 * 24, heavy, light))
    assert not young.is_new_revision_unlike
    assert young.memory_usage_bytes_max == pytest.approx(900 * MIB)
    older = profile_of(deployed(10 * 24, heavy, light))
    assert older.is_new_revision_unlike
    assert older.memory_usage_bytes_max == pytest.approx(300 * MIB)
    assert older.memory_usage_bytes_max_24h == pytest.approx(300 * MIB)
    assert older.memory_sample_count < older.cpu_sample_count


def test_more_memory_is_believed_after_a_day() -> None:
    light, heavy = Container(memory=constant(300 * MIB)), Container(memory=constant(900 * MIB))
    profile = profile_of(deployed(12 * 24, light, heavy))
    assert profile.is_new_revision_unlike
    assert "3 times the memory" in profile.class_reason


def test_kills_of_an_unlike_revision_are_not_held_against_the_new_one() -> None:
    heavy = Container(memory=constant(1000 * MIB), oom_hours=frozenset({30}))
    profile = profile_of(deployed(7 * 24, heavy, Container(memory=constant(300 * MIB))))
    assert profile.is_new_revision_unlike
    assert profile.oom_killed_count == 0
    assert profile.memory_oom_bytes_max is None


def test_runs_of_a_job_are_never_compared() -> None:
    runs = [
        Container(
            kind="Job", cpu=constant(cores), revision=f"r{day}", first_hour=24 * day, last_hour=24 * day + 24
        )
        for day, cores in enumerate((0.5, 0.5, 0.5, 2.0, 2.0))
    ]
    profile = profile_of(runs, days=6)
    assert not profile.is_new_revision_unlike
    assert profile.run_count == 5


def test_going_back_to_the_old_revision_takes_up_its_history() -> None:
    old, bad = Container(cpu=constant(0.5), revision="r1"), Container(cpu=constant(2.0), revision="r2")
    profile = profile_of(
        [
            replace(old, last_hour=96),
            replace(bad, first_hour=96, last_hour=192),
            replace(old, first_hour=192),
        ]
    )
    assert profile.is_new_revision_unlike
    assert profile.cpu_usage_cores_max_5m == pytest.approx(0.5)
    assert profile.cpu_sample_count == (HOURS - 96) * 12
