"""Quantiles of 5-minute CPU by hour of the week, from hourly summaries of twelve values each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from models.profiles.buckets import FloatArray
from models.profiles.shape import HOURS_PER_DAY, HOURS_PER_WEEK, divide, row_mean, row_quantile
from models.vocabulary.windows import BINS_PER_HOUR


@dataclass(frozen=True, eq=False)
class WeekQuantiles:
    """Cores per replica by hour of the week (0 is Monday 00:00 UTC), shape (n, 168); NaN where not known."""

    p50: FloatArray
    p95: FloatArray
    p99: FloatArray


def week_quantiles(
    parts: Iterable[Sequence[FloatArray]], first_weekday: int, half_life: timedelta
) -> WeekQuantiles:
    """Estimate quantiles of each hour of the week although it was seen only once or twice.

    The mean of the largest of twelve values estimates the quantile at ``(12 - 3/8) / (12 + 1/4) = 0.949``
    (Blom's plotting position), so p95 is the hour's level times the mean ratio of largest to mean, and p50
    that times the mean ratio of median to mean. These ratios are shrunk towards the container's own over all
    hours as far as their differences between hours are no larger than chance between weeks makes them
    (empirical Bayes, as in James and Stein). By ``F_max = F^12`` the p99 of single values is the 88.6 %
    quantile of largest values; p99 is never below what was seen.
    The level is the mean over weeks, weighted by the half-life.

    Parameters
    ----------
    parts : iterable of (mean, median, largest)
        Of the twelve 5-minute values of each hour, from a midnight, shape (some containers, hours); NaN
        where not known.
    first_weekday : int
        Monday is 0.
    half_life : timedelta
    """
    offset = first_weekday * HOURS_PER_DAY
    found = []
    for mean, median, largest in parts:
        weeks = -(-(offset + mean.shape[1]) // HOURS_PER_WEEK)
        weight = np.exp2(-np.arange(weeks)[::-1] * (timedelta(weeks=1) / half_life))
        found.append(
            _estimate(
                _by_week(mean, offset, weeks),
                _by_week(median, offset, weeks),
                _by_week(largest, offset, weeks),
                weight,
            )
        )
    return WeekQuantiles(*(np.concatenate(column) for column in zip(*found, strict=True)))


def _by_week(series: FloatArray, offset: int, weeks: int) -> FloatArray:
    padded = np.full((len(series), weeks * HOURS_PER_WEEK), np.nan)
    padded[:, offset : offset + series.shape[1]] = series
    return padded.reshape(len(series), weeks, HOURS_PER_WEEK)


def _estimate(
    mean: FloatArray, median: FloatArray, largest: FloatArray, weight: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    known = ~(np.isnan(mean) | np.isnan(largest))
    weights = np.where(known, weight[None, :, None], 0.0)
    total = weights.sum(axis=1)
    level = divide((np.where(known, mean, 0.0) * weights).sum(axis=1), total)
    usable = known & (mean > 0)
    spread = np.divide(largest, mean, out=np.full(mean.shape, np.nan), where=usable)
    middle = np.divide(median, mean, out=np.full(mean.shape, np.nan), where=usable)
    p50, p95 = (np.where(level > 0, level * _shrink(ratio), level) for ratio in (middle, spread))
    seen = np.where(known, largest, -np.inf).max(axis=1)
    flat = spread.reshape(len(spread), -1)
    tail = row_quantile(flat, 0.99**BINS_PER_HOUR) / row_mean(flat)
    p99 = np.fmax(p95 * np.fmax(tail, 1.0)[:, None], np.where(np.isfinite(seen), seen, np.nan))
    return np.fmin(p50, p95), p95, np.where(np.isnan(p95), np.nan, p99)


def _shrink(spread: FloatArray) -> FloatArray:
    """Return the ratio per hour of the week, drawn towards the mean of all as far as it is noise."""
    known = ~np.isnan(spread)
    count = known.sum(axis=1)
    filled = np.where(known, spread, 0.0)
    own = divide(filled.sum(axis=1), count)
    common = row_mean(spread.reshape(len(spread), -1))[:, None]
    inside = np.where(known, spread - own[:, None, :], 0.0)
    freedom = (count - 1).clip(0).sum(axis=1)
    noise = divide((inside**2).sum(axis=(1, 2)), freedom)[:, None] / np.maximum(count, 1)
    seen = count > 0
    between = divide((np.where(seen, own - common, 0.0) ** 2).sum(axis=1), seen.sum(axis=1) - 1.0)
    noise_mean = divide(np.where(seen, noise, 0.0).sum(axis=1), seen.sum(axis=1))
    believed = np.clip(1.0 - divide(noise_mean, between), 0.0, 1.0)
    # One week alone cannot tell noise from shape: each hour keeps its own ratio.
    believed = np.where(freedom > 0, np.nan_to_num(believed), 1.0)[:, None]
    answer: FloatArray = believed * own + (1.0 - believed) * common
    return answer
