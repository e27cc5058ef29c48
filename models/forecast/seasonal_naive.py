"""Forecast models that need no fitting; each takes many series at once and returns the next steps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Model = Callable[[FloatArray, int], FloatArray]


def predict_last_value(history: FloatArray, horizon: int) -> FloatArray:
    """Repeat the last value.

    Parameters
    ----------
    history : ndarray of float, shape (n, steps)
        Complete: without NaN.
    horizon : int

    Returns
    -------
    ndarray of float, shape (n, horizon)
    """
    return np.repeat(history[:, -1:], horizon, axis=1)


def predict_seasonal_naive(history: FloatArray, horizon: int, period: int) -> FloatArray:
    """Repeat the last whole period: the same weekday of last week, the same hour of yesterday.

    Parameters
    ----------
    history : ndarray of float, shape (n, steps)
        At least one period.
    horizon, period : int
        Steps.
    """
    last = history[:, -period:]
    return np.tile(last, -(-horizon // period))[:, :horizon]


def predict_profile_with_level(history: FloatArray, horizon: int, period: int) -> FloatArray:
    """Repeat the mean shape of up to four periods, scaled to the level of the newest one.

    Parameters
    ----------
    history : ndarray of float, shape (n, steps)
        At least one period.
    horizon, period : int
        Steps.
    """
    count = min(history.shape[1] // period, 4)
    periods = history[:, -count * period :].reshape(len(history), count, period)
    shape = periods.mean(axis=1)
    level, newest = shape.mean(axis=1), periods[:, -1].mean(axis=1)
    scale = np.divide(newest, level, out=np.ones(len(history)), where=level != 0)
    return np.tile(shape * scale[:, None], -(-horizon // period))[:, :horizon]


def list_models(periods: dict[str, int], steps: int) -> dict[str, Model]:
    """Return the models that ``steps`` of history allow, the naive ones first.

    Parameters
    ----------
    periods : dict of str to int
        Name and steps of each season, such as ``{"week": 7}`` for days.
    steps : int
    """
    models: dict[str, Model] = {"last_value": predict_last_value}
    usable = {name: period for name, period in periods.items() if steps >= period}
    for name, period in usable.items():
        models[f"seasonal_naive_{name}"] = _bind(predict_seasonal_naive, period)
    for name, period in usable.items():
        if steps >= 2 * period:
            models[f"profile_{name}_with_level"] = _bind(predict_profile_with_level, period)
    return models


def is_naive(model: str) -> bool:
    """Whether a model is one of the naive ones that every other must beat."""
    return model == "last_value" or model.startswith("seasonal_naive")


def fill_gaps(series: FloatArray, period: int) -> FloatArray:
    """Fill NaN with the value one period before, else with the next known value.

    Parameters
    ----------
    series : ndarray of float, shape (n, steps)
    period : int
        Steps.
    """
    filled = series.copy()
    for step in range(filled.shape[1]):
        missing = np.isnan(filled[:, step])
        if step >= period:
            filled[missing, step] = filled[missing, step - period]
    for step in range(filled.shape[1] - 2, -1, -1):
        missing = np.isnan(filled[:, step])
        filled[missing, step] = filled[missing, step + 1]
    return filled


def _bind(model: Callable[[FloatArray, int, int], FloatArray], period: int) -> Model:
    def predict(history: FloatArray, horizon: int) -> FloatArray:
        return model(history, horizon, period)

    return predict
