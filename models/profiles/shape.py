"""Shape of many hourly series at once: trend, hour-of-week profile, share explained by the calendar."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.profiles.buckets import FloatArray, IntArray

HOURS_PER_DAY = 24
HOURS_PER_WEEK = 168

_DAYS_TO_SMOOTH = 14


@dataclass(frozen=True, eq=False)
class Trend:
    """Straight lines through daily values: slope per day and share of variance explained, shape (n,)."""

    slope_per_day: FloatArray
    explained_ratio: FloatArray


def mean_by_day(series: FloatArray) -> FloatArray:
    """Return daily means of hourly series, shape (n, hours) to (n, days); NaN where nothing is known."""
    days = series.reshape(len(series), -1, HOURS_PER_DAY)
    known = (~np.isnan(days)).sum(axis=2)
    total = np.nansum(days, axis=2)
    mean: FloatArray = np.divide(total, known, out=np.full(total.shape, np.nan), where=known > 0)
    return mean


def smooth_week(daily: FloatArray) -> FloatArray:
    """Return means over seven days, so that weekends do not hide a trend; shorter rows stay as they are.

    Parameters
    ----------
    daily : ndarray of float, shape (n, days)

    Returns
    -------
    ndarray of float, shape (n, days - 6)
        NaN where one of the seven days is not known.
    """
    if daily.shape[1] < _DAYS_TO_SMOOTH:
        return daily
    windows = np.lib.stride_tricks.sliding_window_view(daily, 7, axis=1)
    smoothed: FloatArray = windows.mean(axis=2)
    return smoothed


def fit_trend(daily: FloatArray) -> Trend:
    """Fit each row by least squares over its known days, shape (n, days); NaN below three known days."""
    known = ~np.isnan(daily)
    count = known.sum(axis=1)
    day = np.broadcast_to(np.arange(daily.shape[1], dtype=np.float64), daily.shape)
    safe = np.maximum(count, 1)
    centre_day = np.where(known, day, 0).sum(axis=1) / safe
    centre = np.where(known, daily, 0).sum(axis=1) / safe
    from_day = np.where(known, day - centre_day[:, None], 0)
    from_mean = np.where(known, daily - centre[:, None], 0)
    spread_day, spread = (from_day**2).sum(axis=1), (from_mean**2).sum(axis=1)
    together = (from_day * from_mean).sum(axis=1)
    enough = (count >= 3) & (spread_day > 0)
    slope = np.divide(together, spread_day, out=np.full(len(daily), np.nan), where=enough)
    explained = np.divide(
        together**2, spread_day * spread, out=np.zeros(len(daily)), where=enough & (spread > 0)
    )
    return Trend(slope, explained)


def share_explained(series: FloatArray, slot: IntArray, slots: int) -> FloatArray:
    """Return the share of each series' variance that the mean of its calendar slot explains (0 to 1).

    Parameters
    ----------
    series : ndarray of float, shape (n, hours)
    slot : ndarray of int, shape (hours,)
        Calendar slot of each hour, such as hour of day.
    slots : int

    Returns
    -------
    ndarray of float, shape (n,)
        Adjusted for the number of slots (adjusted R squared, not below 0).
    """
    known = ~np.isnan(series)
    filled = np.where(known, series, 0.0)
    membership = np.zeros((series.shape[1], slots))
    membership[np.arange(series.shape[1]), slot] = 1.0
    seen = known @ membership
    means = np.divide(filled @ membership, seen, out=np.zeros(seen.shape), where=seen > 0)
    residual = np.where(known, series - means[:, slot], 0.0)
    count = known.sum(axis=1)
    centred = np.where(known, series - (filled.sum(axis=1) / np.maximum(count, 1))[:, None], 0.0)
    total = (centred**2).sum(axis=1)
    free = np.maximum(count - (seen > 0).sum(axis=1), 1)
    unexplained = np.divide(
        (residual**2).sum(axis=1) / free,
        total / np.maximum(count - 1, 1),
        out=np.ones(len(series)),
        where=total > 1e-12 * np.maximum(filled.max(axis=1, initial=0.0), 1e-9) ** 2,
    )
    share: FloatArray = np.clip(1.0 - unexplained, 0.0, 1.0)
    return share


def hour_of_week(first_weekday: int, hours: int) -> IntArray:
    """Return the hour of the week (0 is Monday 00:00 UTC) of consecutive hours from a midnight."""
    found: IntArray = (first_weekday * HOURS_PER_DAY + np.arange(hours)) % HOURS_PER_WEEK
    return found


def largest_by_slot(series: FloatArray, slot: IntArray, slots: int) -> FloatArray:
    """Return the largest known value per calendar slot, shape (n, slots); NaN where there is none."""
    best = np.full((series.shape[0], slots), -np.inf)
    for hour, target in enumerate(slot):
        best[:, target] = np.fmax(best[:, target], series[:, hour])
    answer: FloatArray = np.where(np.isfinite(best), best, np.nan)
    return answer


def rising_share(
    series: FloatArray, block_hours: int = 6, drop_ratio: float = 0.1
) -> tuple[FloatArray, FloatArray]:
    """Return how steadily each series climbs between restarts.

    Blocks of ``block_hours`` are reduced to their maximum; steps down by more than ``drop_ratio`` count as
    restarts and are left out, so a leak that is killed and starts again still shows.

    Returns
    -------
    ndarray of float, shape (n,)
        Share of remaining steps that go up; 0 without eight steps.
    ndarray of float, shape (n,)
        Growth per day of the remaining steps.
    """
    usable = series.shape[1] // block_hours * block_hours
    blocks = series[:, :usable].reshape(len(series), -1, block_hours)
    top = np.where(np.isnan(blocks), -np.inf, blocks).max(axis=2)
    top = np.where(np.isfinite(top), top, np.nan)
    step = np.diff(top, axis=1)
    counted = ~np.isnan(step) & (step > -drop_ratio * np.abs(top[:, :-1]))
    count = counted.sum(axis=1)
    up = (counted & (step > 0)).sum(axis=1)
    growth = np.where(counted, step, 0.0).sum(axis=1) / np.maximum(count, 1) * (HOURS_PER_DAY / block_hours)
    return np.where(count >= 8, up / np.maximum(count, 1), 0.0), growth
