"""Whether hourly series repeat by the day or by the week, tested against chance, for many series at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.profiles.buckets import FloatArray
from models.profiles.rows import BoolArray
from models.profiles.season_week import is_step, weekly_chance
from models.profiles.shape import HOURS_PER_DAY, HOURS_PER_WEEK, remove_trend

DAILY_ALPHA = 0.01
WEEKLY_ALPHA = 0.004
"""Stricter, because days in a row are never quite independent."""

LEAST_STRENGTH = 0.1
"""A period that explains less of the variance than this is of no use, however certain it is."""

_HARMONICS = 4
_LEAST_DAYS = 7
_LEAST_HOURS_OF_DAY = 20
_ROWS_AT_ONCE = 2048


@dataclass(frozen=True, eq=False)
class Seasonality:
    """One entry per series, shape (n,).

    Parameters
    ----------
    period_hours : ndarray of float
        24, 168 or NaN where neither stands out from chance.
    strength : ndarray of float
        Share of variance, trend removed, that the period explains (adjusted R squared); NaN without period.
    daily_explained, weekly_explained : ndarray of float
        That share for the hour of the day and for the hour of the week, whether significant or not.
    """

    period_hours: FloatArray
    strength: FloatArray
    daily_explained: FloatArray
    weekly_explained: FloatArray


def find_seasonality(series: FloatArray, first_weekday: int) -> Seasonality:
    """Return period and strength of each series.

    Day: are the first four harmonics of the day in phase from day to day? Under the null the phases of the
    days are independent, so ``z = |sum Z_d|^2 / sum |Z_d|^2`` of a harmonic's coefficients is exponential
    (Rayleigh's test with weights) and ``p = 4 exp(-max z)``. A centred mean over 24 hours is removed first,
    which takes any slow trend away and leaves the harmonics untouched; noise that is correlated within a day
    moves all its hours together and does not lower p.

    Week: are days of the same weekday, or weekdays and weekends among themselves, more alike than days at
    random? The statistic, the sum of inner products of such days after trend and mean day are removed, is
    compared with 999 permutations of whole days (Bonferroni for the two). It needs two weeks. A change of
    level between two days, which a line and a week can imitate, is not taken for a week.

    Parameters
    ----------
    series : ndarray of float, shape (n, hours)
        From a midnight, whole days; NaN where not known.
    first_weekday : int
        Monday is 0.
    """
    flat = remove_trend(series)
    known = ~np.isnan(flat)
    flat = np.where(known, flat, 0.0)
    daily = _explained(flat, known, 0, HOURS_PER_DAY)
    weekly = _explained(flat, known, first_weekday * HOURS_PER_DAY, HOURS_PER_WEEK)
    is_daily = (daily >= LEAST_STRENGTH) & (_daily_chance(series, daily >= LEAST_STRENGTH) <= DAILY_ALPHA)
    gains = weekly - np.where(is_daily, daily, 0.0) >= LEAST_STRENGTH
    is_weekly = gains & (weekly_chance(flat, known, first_weekday, gains) <= WEEKLY_ALPHA)
    is_weekly[is_weekly] = ~is_step(series[is_weekly], flat[is_weekly], weekly[is_weekly])
    period = np.where(is_weekly, float(HOURS_PER_WEEK), np.where(is_daily, float(HOURS_PER_DAY), np.nan))
    strength = np.where(is_weekly, weekly, np.where(is_daily, daily, np.nan))
    return Seasonality(period, strength, daily, weekly)


def _explained(flat: FloatArray, known: BoolArray, offset: int, slots: int) -> FloatArray:
    """Return adjusted R squared of the slot means, 0 where it says nothing."""
    total, seen = sum_by_slot(flat, offset, slots), sum_by_slot(known, offset, slots)
    count, used = seen.sum(axis=1), (seen > 0).sum(axis=1)
    squares = np.einsum("nh,nh->n", flat, flat)
    centre = flat.sum(axis=1) ** 2 / np.maximum(count, 1)
    between = np.divide(total**2, seen, out=np.zeros(total.shape), where=seen > 0).sum(axis=1)
    spread = np.maximum(squares - centre, 0.0)
    residual = np.maximum(squares - between, 0.0)
    free = count - used
    usable = (free >= HOURS_PER_DAY) & (spread > 1e-12 * np.maximum(squares, 1e-300))
    unexplained = np.divide(
        residual * np.maximum(count - 1, 1),
        spread * np.maximum(free, 1),
        out=np.ones(len(flat)),
        where=usable,
    )
    share: FloatArray = np.clip(1.0 - unexplained, 0.0, 1.0)
    return share


def sum_by_slot(values: FloatArray | BoolArray, offset: int, slots: int) -> FloatArray:
    """Return sums by slot of hours that begin at slot ``offset``, shape (n, hours) to (n, slots)."""
    summed = np.zeros((len(values), slots))
    position, first = offset % slots, 0
    while first < values.shape[1]:
        size = min(slots - position, values.shape[1] - first)
        summed[:, position : position + size] += values[:, first : first + size]
        position, first = 0, first + size
    return summed


def _daily_chance(series: FloatArray, wanted: BoolArray) -> FloatArray:
    """Return p of the daily period; 1 where it is not asked for or there are too few days."""
    chance = np.ones(len(series))
    rows = np.flatnonzero(wanted)
    if series.shape[1] < (_LEAST_DAYS + 1) * HOURS_PER_DAY or len(rows) == 0:
        return chance
    basis = np.exp(
        -2j * np.pi * np.outer(np.arange(HOURS_PER_DAY), np.arange(1, _HARMONICS + 1)) / HOURS_PER_DAY
    )
    for part in np.split(rows, range(_ROWS_AT_ONCE, len(rows), _ROWS_AT_ONCE)):
        days, is_seen = _centred_days(series[part])
        phases = days @ np.concatenate([basis.real, basis.imag], axis=1)
        power = (phases**2).sum(axis=1)
        power = power[:, :_HARMONICS] + power[:, _HARMONICS:]
        together = phases.sum(axis=1) ** 2
        together = together[:, :_HARMONICS] + together[:, _HARMONICS:]
        # A harmonic without power of its own is rounding noise.
        real = power > 1e-12 * np.maximum(power.sum(axis=1, keepdims=True), 1e-300)
        z = np.divide(together, power, out=np.zeros(power.shape), where=real).max(axis=1)
        enough = is_seen.sum(axis=1) >= _LEAST_DAYS
        chance[part] = np.where(enough, np.minimum(_HARMONICS * np.exp(-z), 1.0), 1.0)
    return chance


def _centred_days(series: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Return days from noon to noon less their centred 24-hour mean, and which of them were observed."""
    half = HOURS_PER_DAY // 2
    known = ~np.isnan(series)
    count = np.maximum(known.sum(axis=1, keepdims=True), 1)
    mean = np.where(known, series, 0.0).sum(axis=1, keepdims=True) / count
    filled = np.where(known, series, mean)
    sums = np.concatenate([np.zeros((len(filled), 1)), np.cumsum(filled - mean, axis=1)], axis=1)
    window = sums[:, HOURS_PER_DAY:] - sums[:, :-HOURS_PER_DAY]
    smooth = (window[:, :-1] + window[:, 1:]) / (2 * HOURS_PER_DAY) + mean
    inner = slice(half, series.shape[1] - half)
    seen = known[:, inner]
    centred = np.where(seen, filled[:, inner] - smooth, 0.0).reshape(len(series), -1, HOURS_PER_DAY)
    is_seen = seen.reshape(centred.shape).sum(axis=2) >= _LEAST_HOURS_OF_DAY
    return np.where(is_seen[:, :, None], centred, 0.0), is_seen
