"""Quantiles by hour of the week against generators whose quantiles are known."""

from __future__ import annotations

import numpy as np
import pytest
from support.container_usage import Container, Series
from support.profile_sets import profile_set

from models.vocabulary.profile import ResourceProfile

BINS = 14 * 24 * 12
CLOCK = np.arange(BINS) / 12
WEEK = np.arange(168)
Z95, Z99 = 1.6449, 2.3263


def level(hours: np.ndarray) -> np.ndarray:
    """Every hour of the week at a level of its own: busy weekdays, quiet nights, a peak on Friday."""
    day, hour = hours // 24 % 7, hours % 24
    busy = 1 + 2 * np.exp(-(((hour - 14) / 4) ** 2)) * (day < 5)
    return 0.3 * (busy + 1.5 * ((day == 4) & (hour >= 18) & (hour < 21)))


def generated(sigma: float, seed: int) -> Series:
    drawn = np.exp(np.random.default_rng(seed).normal(0, sigma, BINS))
    values = level(np.floor(CLOCK)) * drawn
    return lambda hours: values[np.round(hours * 12).astype(int)]


def profile_of(cpu: Series, pods: int = 1, days: float = 14) -> ResourceProfile:
    (profile,) = profile_set([Container(cpu=cpu, pods=pods)], days=days).profiles
    return profile


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("sigma", [0.0, 0.03, 0.06])
def test_each_hour_of_the_week_is_within_five_percent_of_the_generator(sigma: float, seed: int) -> None:
    profile = profile_of(generated(sigma, seed))
    for found, z, tolerance in (
        (profile.cpu_usage_cores_by_hour_of_week_p50, 0.0, 0.05),
        (profile.cpu_usage_cores_by_hour_of_week_p95, Z95, 0.05),
        (profile.cpu_usage_cores_by_hour_of_week_p99, Z99, 0.12),
    ):
        assert found is not None
        truth = level(WEEK.astype(float)) * np.exp(z * sigma)
        assert np.abs(np.array(found) / truth - 1).max() <= tolerance


def test_the_quantiles_are_ordered_and_the_peak_is_where_the_generator_has_it() -> None:
    profile = profile_of(generated(0.15, 1))
    p50, p95, p99 = (
        np.array(getattr(profile, f"cpu_usage_cores_by_hour_of_week_{name}"))
        for name in ("p50", "p95", "p99")
    )
    assert (p50 <= p95).all()
    assert (p95 <= p99).all()
    assert profile.peak_hour_of_week is not None
    assert profile.peak_hour_of_week // 24 <= 4
    assert profile.cpu_peak_valley_ratio == pytest.approx(2.54, rel=0.1)


def test_a_spike_of_every_hour_is_the_p95_of_that_hour() -> None:
    def spiky(hours: np.ndarray) -> np.ndarray:
        return np.where(np.round(hours * 12).astype(int) % 12 == 0, 1.0, 0.1)

    found = profile_of(spiky).cpu_usage_cores_by_hour_of_week_p95
    assert found is not None
    assert list(found) == pytest.approx([1.0] * 168)


def test_six_days_have_no_profile_of_the_week() -> None:
    profile = profile_of(generated(0.0, 0), days=6)
    assert profile.cpu_usage_cores_by_hour_of_week_p50 is None
    assert profile.cpu_usage_cores_by_hour_of_week_p95 is None
    assert profile.peak_hour_of_week is not None


def test_the_newer_week_counts_for_more() -> None:
    found = profile_of(lambda h: np.where(h < 168, 1.0, 2.0)).cpu_usage_cores_by_hour_of_week_p95
    assert found is not None
    assert list(found) == pytest.approx([5 / 3] * 168)
