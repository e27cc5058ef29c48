"""Forecasts of every model for many series from one origin: naive ones, means, medians, profiles, trends."""

from __future__ import annotations

import numpy as np

from models.forecast.order_statistics import Single, median_of

NAIVE = ("last_value", "same_hour_yesterday", "same_hour_last_week")
"""Models that every other one is measured by."""

_MOST_DAYS, _MOST_WEEKS = 7, 4
_RECENT_STEPS = 6
_HALF_LIFE_STEPS = 24
"""After so many steps half of the newest departure from the profile is forgotten."""


def predict_candidates(history: Single, horizon: int, *, day: int, week: int | None) -> dict[str, Single]:
    """Return the forecast of every model that needs no fitting.

    Each is a weighted mean or an order statistic of past values with weights that sum to one, so that it
    moves and grows with the series.

    Parameters
    ----------
    history : ndarray of float32, shape (n, steps)
        Complete: without NaN; at least two days, and one week where ``week`` is given.
    horizon : int
        Steps.
    day : int
        Steps of the short season.
    week : int or None
        Steps of the long one; None where the history is too short for it.

    Returns
    -------
    dict of str to ndarray of float32, shape (n, horizon)
        The naive ones first.
    """
    days = _seasons(history, day, _MOST_DAYS)
    found = {
        "last_value": _level(history[:, -1], horizon),
        "same_hour_yesterday": _repeat(days[:, -1], horizon),
    }
    if week is not None:
        found["same_hour_last_week"] = _repeat(history[:, -week:], horizon)
    mean_day = days.mean(axis=1)
    found |= {
        "mean_of_days": _repeat(mean_day, horizon),
        "median_of_days": _repeat(_median_season(days), horizon),
        "median_of_a_day": _level(np.median(history[:, -day:], axis=1), horizon),
        "median_of_recent": _level(median_of(list(history.T[-_RECENT_STEPS:])), horizon),
        "days_with_newest_level": _repeat(mean_day, horizon)
        + _fading(history[:, -2:].mean(axis=1) - mean_day[:, -2:].mean(axis=1), horizon),
    }
    if week is not None:
        found |= _weekly(history, horizon, day, week)
    return found | _robust(found)


def _weekly(history: Single, horizon: int, day: int, week: int) -> dict[str, Single]:
    weeks = _seasons(history, week, _MOST_WEEKS)
    mean_week = weeks.mean(axis=1)
    repeated = _repeat(mean_week, horizon)
    found = {
        "mean_of_weeks": repeated,
        "median_of_weeks": _repeat(_median_season(weeks), horizon),
        "weeks_with_level": repeated + _level(_newest_level(history, mean_week, week), horizon),
        "weeks_with_level_of_days": repeated + _level(_newest_level(history, mean_week, 3 * day), horizon),
    }
    if weeks.shape[1] > 1:
        growth = np.median(np.diff(weeks.mean(axis=2), axis=1), axis=1).astype(np.float32)
        ahead = (1 + np.arange(horizon, dtype=np.float32) // week)[None, :]
        found["drift_of_weeks"] = _repeat(weeks[:, -1], horizon) + growth[:, None] * ahead
    return found


def _robust(found: dict[str, Single]) -> dict[str, Single]:
    """Return medians of several forecasts: where models differ, the middle one errs least often."""
    fast = (
        "last_value",
        "same_hour_yesterday",
        "median_of_recent",
        "median_of_a_day",
        "days_with_newest_level",
    )
    robust = {"median_of_fast": median_of([found[name] for name in fast])}
    if "same_hour_last_week" in found:
        slow = (
            "same_hour_yesterday",
            "same_hour_last_week",
            "mean_of_days",
            "mean_of_weeks",
            "weeks_with_level_of_days",
        )
        robust["median_of_slow"] = median_of([found[name] for name in slow])
        every = (*slow, "last_value", "median_of_a_day")
        robust["median_of_models"] = median_of([found[name] for name in every])
    return robust


def _seasons(history: Single, period: int, most: int) -> Single:
    """Return the newest whole seasons, shape (n, seasons, period)."""
    count = min(history.shape[1] // period, most)
    return history[:, -count * period :].reshape(len(history), count, period)


def _median_season(seasons: Single) -> Single:
    return median_of([seasons[:, index] for index in range(seasons.shape[1])])


def _newest_level(history: Single, mean_season: Single, steps: int) -> Single:
    """Return how far the newest steps lie above the same steps of the mean season."""
    level: Single = history[:, -steps:].mean(axis=1) - mean_season[:, -steps:].mean(axis=1)
    return level


def _repeat(season: Single, horizon: int) -> Single:
    return np.tile(season, -(-horizon // season.shape[1]))[:, :horizon]


def _level(value: Single, horizon: int) -> Single:
    return np.repeat(value.astype(np.float32)[:, None], horizon, axis=1)


def _fading(value: Single, horizon: int) -> Single:
    faded: Single = value[:, None] * np.exp2(-np.arange(1, horizon + 1, dtype=np.float32) / _HALF_LIFE_STEPS)
    return faded
