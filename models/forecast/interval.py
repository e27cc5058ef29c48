"""Intervals calibrated on held-out residuals (split conformal)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from models.forecast.seasonal_naive import FloatArray, Model

FEWEST_RESIDUALS = 5


def conformal_quantile(values: FloatArray, coverage: float) -> float:
    """Return the value that a new one stays below with probability ``coverage``: rank ``ceil((n+1) c)``.

    Parameters
    ----------
    values : ndarray of float, shape (n,)
        Held-out; at least one.
    coverage : float
        0 to 1. Too few values for it give the largest one.
    """
    rank = math.ceil((len(values) + 1) * coverage)
    return float(np.sort(values)[min(rank, len(values)) - 1])


def calibrate_sums(
    series: FloatArray, model: Model, horizon: int, shortest_history: int, coverages: Sequence[float]
) -> dict[float, float]:
    """Return the relative half-widths of intervals for the sum over a horizon, by coverage.

    The absolute error of each held-out sum, relative to its forecast. Where the history is too short for
    five such sums, a shorter horizon is used and its width grows with the square root of the steps.

    Parameters
    ----------
    series : ndarray of float, shape (steps,)
    model : Model
    horizon, shortest_history : int
        Steps.

    Returns
    -------
    dict of float to float
        Empty when every forecast sum is 0 or there is no room for a held-out one.
    """
    possible = len(series) - shortest_history - FEWEST_RESIDUALS + 1
    used = min(horizon, possible)
    residuals = []
    for origin in range(shortest_history, len(series) - used + 1) if used > 0 else ():
        forecast = float(model(series[None, :origin], used).sum())
        if forecast > 0:
            residuals.append(abs(float(series[origin : origin + used].sum()) - forecast) / forecast)
    if not residuals:
        return {}
    growth = math.sqrt(horizon / used) if used < horizon else 1.0
    misses = np.array(residuals)
    return {coverage: conformal_quantile(misses, coverage) * growth for coverage in coverages}
