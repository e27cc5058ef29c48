"""Memory that only grows: how steadily each series climbs between restarts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.profiles.buckets import FloatArray
from models.profiles.shape import HOURS_PER_DAY

BLOCK_HOURS = 6
_BLOCKS_PER_DAY = HOURS_PER_DAY // BLOCK_HOURS
_DROP_RATIO = 0.1
_LEAST_STEPS = 8
_LEVELLED_RATIO = 0.25


@dataclass(frozen=True, eq=False)
class Climb:
    """How memory moves between restarts, shape (n,).

    Parameters
    ----------
    rising_ratio : ndarray of float
        Share of steps that go up: of 6-hour steps, or of steps over a day where that is more (the day hides
        neither noise nor a daily pattern); 0 without eight steps.
    growth_per_day : ndarray of float
        Mean growth of the steps, restarts left out.
    """

    rising_ratio: FloatArray
    growth_per_day: FloatArray


def find_climb(memory: FloatArray) -> Climb:
    """Return how steadily hourly maxima climb, shape (n, hours).

    Blocks of six hours are reduced to their maximum. Steps down by more than a tenth count as restarts and
    are left out, so that a leak that is killed and starts again still shows. Memory that has levelled off
    (its growth in the last third is below a quarter of the whole) was a cache that filled: it does not rise.
    """
    usable = memory.shape[1] // BLOCK_HOURS * BLOCK_HOURS
    blocks = memory[:, :usable].reshape(len(memory), -1, BLOCK_HOURS)
    top = np.where(np.isnan(blocks), -np.inf, blocks).max(axis=2, initial=-np.inf)
    top = np.where(np.isfinite(top), top, np.nan)
    rising, growth = _steps(top, 1)
    daily_rising, _ = _steps(top, _BLOCKS_PER_DAY)
    _, late = _steps(top[:, top.shape[1] * 2 // 3 :], 1)
    still = late >= _LEVELLED_RATIO * growth
    return Climb(np.where(still, np.maximum(rising, daily_rising), 0.0), growth * _BLOCKS_PER_DAY)


def _steps(top: FloatArray, lag: int) -> tuple[FloatArray, FloatArray]:
    """Return the share of steps that go up, and their mean per block."""
    if top.shape[1] <= lag:
        return np.zeros(len(top)), np.zeros(len(top))
    step = top[:, lag:] - top[:, :-lag]
    counted = ~np.isnan(step) & (step > -_DROP_RATIO * np.abs(top[:, :-lag]))
    count = counted.sum(axis=1)
    up = (counted & (step > 0)).sum(axis=1) / np.maximum(count, 1)
    mean = np.where(counted, step, 0.0).sum(axis=1) / np.maximum(count, 1) / lag
    return np.where(count >= _LEAST_STEPS, up, 0.0), mean
