"""Half-lives by name and length, and what they mean for a profile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from support.container_usage import Container
from support.profile_sets import profile_set

from models.profiles.buckets import CPU_BUCKETS
from models.profiles.histogram import DecayingHistogram
from models.profiles.options import HALF_LIFE, HALF_LIVES, ProfileOptions, parse_half_life
from models.vocabulary.errors import InputError, UsageError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("vpa", timedelta(hours=24)),
        ("millicore", HALF_LIFE),
        ("36h", timedelta(hours=36)),
        ("7d", timedelta(days=7)),
        ("2w", timedelta(weeks=2)),
    ],
)
def test_a_half_life_is_a_name_or_a_length(text: str, expected: timedelta) -> None:
    assert parse_half_life(text) == expected


@pytest.mark.parametrize("text", ["", "7", "d", "0d", "-3d", "1.5d", "weekly", "7m"])
def test_anything_else_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(UsageError, match="36h, 7d or 2w"):
        parse_half_life(text)


def test_a_half_life_of_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="longer than nothing"):
        ProfileOptions(half_life=timedelta(0))


def test_the_vpa_preset_gives_the_percentiles_of_a_decaying_histogram() -> None:
    """A day's samples share one age, so VPA's histogram is fed with the time of the end of each day."""
    random = np.random.default_rng(2)
    values = random.gamma(2.0, 0.2, 14 * 288)
    half_life = HALF_LIVES["vpa"]
    vpa = DecayingHistogram(CPU_BUCKETS, half_life)
    start = datetime(2026, 9, 7, tzinfo=UTC)
    for position, value in enumerate(values):
        vpa.add_at(value, 0.1, start + timedelta(days=position // 288 + 1))
    container = Container(cpu=lambda hours: values[np.round(hours * 12).astype(int)])
    (profile,) = profile_set([container], options=ProfileOptions(half_life=half_life)).profiles
    assert profile.cpu_usage_cores_p50_decayed == pytest.approx(vpa.percentile(0.5))
    assert profile.cpu_usage_cores_p95_decayed == pytest.approx(vpa.percentile(0.95))
    assert profile.cpu_usage_cores_p99_decayed == pytest.approx(vpa.percentile(0.99))
