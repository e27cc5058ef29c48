"""Levels and trends of many hourly series at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.profiles.buckets import FloatArray

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


def rises_by_week(daily: FloatArray) -> FloatArray:
    """Return the mean change from a day to the same weekday a week later over its standard error, shape (n,).

    Infinite below two weeks, where no such change is known: it then says nothing against a trend.
    """
    if daily.shape[1] < _DAYS_TO_SMOOTH:
        return np.full(len(daily), np.inf)
    change = daily[:, 7:] - daily[:, :-7]
    count = np.maximum((~np.isnan(change)).sum(axis=1), 1)
    mean = row_mean(change)
    spread = row_mean((change - mean[:, None]) ** 2) / np.maximum(count - 1, 1)
    error = np.sqrt(np.maximum(spread, (1e-9 * np.abs(mean)) ** 2))
    answer: FloatArray = np.nan_to_num(divide(mean, error))
    return answer


def remove_trend(series: FloatArray) -> FloatArray:
    """Return hourly series less a straight line and their mean, shape (n, hours); NaN stays.

    From two weeks on the slope is the mean change of an hour from one week to the next, which no pattern of
    the week can bend; below that it is fitted by least squares to the days.
    """
    hours = series.shape[1]
    if hours >= 2 * HOURS_PER_WEEK:
        change = series[:, HOURS_PER_WEEK:] - series[:, :-HOURS_PER_WEEK]
        slope = row_mean(change) / HOURS_PER_WEEK
    else:
        slope = fit_trend(mean_by_day(series)).slope_per_day / HOURS_PER_DAY
    line = np.nan_to_num(slope)[:, None] * np.arange(hours)
    flat = series - line
    centred: FloatArray = flat - row_mean(flat)[:, None]
    return centred


def row_mean(matrix: FloatArray) -> FloatArray:
    """Return the mean of each row's known values, NaN where there is none."""
    known = ~np.isnan(matrix)
    count = known.sum(axis=1)
    total = np.where(known, matrix, 0.0).sum(axis=1)
    mean: FloatArray = np.divide(total, count, out=np.full(len(matrix), np.nan), where=count > 0)
    return mean


def row_maximum(matrix: FloatArray) -> FloatArray:
    """Return the largest known value of each row, NaN where there is none."""
    best = np.where(np.isnan(matrix), -np.inf, matrix).max(axis=1, initial=-np.inf)
    answer: FloatArray = np.where(np.isfinite(best), best, np.nan)
    return answer


def row_quantile(matrix: FloatArray, probability: float) -> FloatArray:
    """Return the nearest-rank quantile of each row's known values, NaN where there is none."""
    known = (~np.isnan(matrix)).sum(axis=1)
    rank = np.maximum(np.ceil(known * probability).astype(np.int64) - 1, 0)
    ordered = np.sort(matrix, axis=1)  # NaN sorts last
    return np.where(known > 0, ordered[np.arange(len(matrix)), rank], np.nan)


def divide(part: FloatArray, whole: FloatArray) -> FloatArray:
    """Return part over whole, NaN where the whole is not positive."""
    ratio: FloatArray = np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=whole > 0)
    return ratio
