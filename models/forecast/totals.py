"""Holt-Winters of statsmodels for a few daily totals, where a back-test asks for it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from models.forecast.seasonal_naive import FloatArray, Model

HOLT_WINTERS = "holt_winters_statsmodels"

_WORTH_FITTING = 0.03
"""A simple model that misses by less leaves nothing to gain for the seconds that fitting takes."""

_ORIGINS = 4
_BETTER = 0.95
_WEEK = 7
_SHORTEST_HISTORY = 28
"""Days: four weeks make a season that can be told from noise."""


@dataclass(frozen=True, eq=False)
class FitTest:
    """A fit that beat the simple model on held-out days.

    Parameters
    ----------
    model : Model
    wape : float
        Its error on these days.
    """

    model: Model
    wape: float


def try_holt_winters(
    series: FloatArray, simple: Model, horizon: int, simple_wape: float | None
) -> FitTest | None:
    """Fit Holt-Winters with weekly season and damped trend at a few past origins.

    Parameters
    ----------
    series : ndarray of float, shape (days,)
        Complete.
    simple : Model
        What it must beat: by 5 % together, and at three of four origins.
    horizon : int
        Days.
    simple_wape : float or None
        Error of the simple model; below 3 % nothing is fitted.

    Returns
    -------
    FitTest or None
        None when it was not tried or not better.
    """
    last = len(series) - horizon
    origins = [
        origin for origin in range(last, last - _ORIGINS * horizon, -horizon) if origin >= _SHORTEST_HISTORY
    ]
    if simple_wape is None or simple_wape < _WORTH_FITTING or len(origins) < _ORIGINS:
        return None
    losses = np.zeros((2, len(origins)))
    actual = 0.0
    for index, origin in enumerate(origins):
        truth = series[origin : origin + horizon]
        actual += float(np.abs(truth).sum())
        for which, model in enumerate((simple, predict_holt_winters)):
            losses[which, index] = np.abs(model(series[None, :origin], horizon)[0] - truth).sum()
    wins = int((losses[1] < losses[0]).sum())
    if losses[1].sum() > _BETTER * losses[0].sum() or wins < _ORIGINS - 1 or actual == 0:
        return None
    return FitTest(predict_holt_winters, float(losses[1].sum()) / actual)


def predict_holt_winters(history: FloatArray, horizon: int) -> FloatArray:
    """Return the next days of each series by statsmodels' Holt-Winters; never below 0.

    Parameters
    ----------
    history : ndarray of float, shape (n, days)
        Complete, at least three weeks.
    horizon : int
    """
    from statsmodels.tsa.holtwinters import ExponentialSmoothing  # takes seconds: only where it is used

    found = np.empty((len(history), horizon))
    for row, series in enumerate(history):
        size = max(float(np.abs(series).mean()), 1e-12)
        with warnings.catch_warnings():
            # An optimum that was not reached is judged by what it forecasts, as every other model is.
            warnings.simplefilter("ignore")
            fitted = ExponentialSmoothing(
                series / size,
                trend="add",
                damped_trend=True,
                seasonal="add",
                seasonal_periods=_WEEK,
                initialization_method="heuristic",
            ).fit()
            found[row] = np.asarray(fitted.forecast(max(horizon, 1)))[:horizon] * size
    return np.maximum(np.nan_to_num(found), 0.0)
