"""Containers with too little history for a chance of their own, and statistics in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.profiles.buckets import CPU_BUCKETS, FloatArray, IntArray
from models.profiles.histogram import read_percentiles
from recommender.basis_cpu import find_record_chance
from recommender.basis_memory import largest_known
from recommender.basis_use import DailyUse
from recommender.presets import PolicySettings, Preset

MINIMUM_DAYS = 3
"""Days with samples below which a container gets its preset's percentile and maximum."""


def read_young_cpu(use: DailyUse, presets: Sequence[Preset], settings: PolicySettings) -> FloatArray:
    """Return the decayed percentile of each preset with its headroom, cores; NaN without samples."""
    age = np.arange(use.day_count)[::-1]
    weight = np.exp2(-age / (settings.half_life.total_seconds() / 86_400))
    merged = np.einsum("ndb,d->nb", use.cpu_counts, weight).astype(np.float64)
    wanted = np.array([preset.cpu_percentile for preset in presets])
    found = np.full(use.size, np.nan)
    for percentile in np.unique(wanted):
        rows = wanted == percentile
        found[rows] = read_percentiles(merged[rows], [float(percentile)], CPU_BUCKETS)[:, 0]
    young: FloatArray = found * (1 + np.array([preset.cpu_headroom_ratio for preset in presets]))
    return young


def read_young_memory(use: DailyUse, presets: Sequence[Preset]) -> FloatArray:
    """Return the maximum with each preset's headroom, bytes; NaN without samples."""
    headroom = np.array([preset.memory_headroom_ratio for preset in presets])
    young: FloatArray = largest_known(use.memory_maxima) * (1 + headroom)
    return young


def name_cpu_statistics(days: IntArray, presets: Sequence[Preset], chance: FloatArray) -> tuple[str, ...]:
    """Return each CPU statistic in words, empty without samples.

    Parameters
    ----------
    days : ndarray of int, shape (n,)
        Days with samples.
    presets : sequence of Preset
    chance : ndarray of float, shape (n,)
        Share of the (partly decayed) past above the request.
    """
    is_maximum = chance <= find_record_chance(days.astype(np.float64)) * (1 + 1e-6)
    return tuple(
        _name_cpu(count, preset, None if covers_all else over)
        for count, preset, over, covers_all in zip(
            days.tolist(), presets, chance.tolist(), is_maximum.tolist(), strict=True
        )
    )


def name_memory_statistics(days: IntArray, margin: FloatArray) -> tuple[str, ...]:
    """Return each memory statistic in words, empty without samples; ``margin`` is a ratio to the maximum."""
    return tuple(
        f"maximum of {_say_days(count)} {ratio:+.1%}".replace("%", " %").replace("-", "\N{MINUS SIGN}")
        if count
        else ""
        for count, ratio in zip(days.tolist(), margin.tolist(), strict=True)
    )


def _name_cpu(days: int, preset: Preset, over: float | None) -> str:
    if days == 0:
        return ""
    if days < MINIMUM_DAYS:
        return f"p{preset.cpu_percentile * 100:g} +{preset.cpu_headroom_ratio * 100:g} % of {_say_days(days)}"
    if over is None:
        return f"maximum of {_say_days(days)}"
    # Rounded down: 99.996 is not the maximum.
    return f"p{int((1 - over) * 1e4) / 100:g} of {_say_days(days)}, recent days first"


def _say_days(days: int) -> str:
    return f"{days} day{'s' if days > 1 else ''}"
