"""One linear model for all series: how the newest day bends the profile, solved once for every step ahead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.forecast.order_statistics import Single

_PENALTY = 3.0
"""Ridge penalty as a share of the features' mean square."""

_MOST_SERIES, _MOST_WINDOWS = 800, 6
_ROWS = 32
"""Rows multiplied at once: so few that the linear algebra library starts no threads, which wait longer than
they work while another process uses the cores."""
_MOST_WEEKS = 4


@dataclass(frozen=True, eq=False)
class SharedRidge:
    """Weights from what the newest day was beside its profile to what the coming steps are beside theirs.

    Parameters
    ----------
    weights : ndarray of float32, shape (features, steps ahead)
    day, season : int
        Steps of a day, and of the season whose mean shape is the profile.
    """

    weights: Single
    day: int
    season: int

    def predict(self, history: Single, horizon: int) -> Single:
        """Return the next steps, shape (n, horizon); beyond what was fitted, the profile's level stays."""
        features, profile, level = _features(history, self.day, self.season)
        ahead = np.tile(profile, -(-horizon // self.season))[:, :horizon] + level[:, None]
        fitted = min(horizon, self.weights.shape[1])
        for first in range(0, len(ahead), _ROWS):
            rows = slice(first, first + _ROWS)
            ahead[rows, :fitted] += features[rows] @ self.weights[:, :fitted]
        return ahead


def fit_ridge(history: Single, horizon: int, *, day: int, season: int) -> SharedRidge | None:
    """Fit on past windows of all series in one solve of as many outputs as steps ahead.

    Parameters
    ----------
    history : ndarray of float32, shape (n, steps)
        Complete, of about unit size; only what is known at the origin.
    horizon : int
        Steps ahead.
    day, season : int
        Steps.

    Returns
    -------
    SharedRidge or None
        None when the history is shorter than one season and the horizon.
    """
    steps = history.shape[1]
    newest = steps - horizon
    if newest < max(season, 2 * day):
        return None
    starts = range(newest, max(season, 2 * day) - 1, -(day - 1))[:_MOST_WINDOWS]
    sample = history[:: max(len(history) // _MOST_SERIES, 1)]
    gram, moments = _normal_equations(sample, starts, horizon, day, season)
    size = float(np.trace(gram)) / len(gram)
    gram[np.diag_indices_from(gram)] += _PENALTY * size + 1e-6
    return SharedRidge(np.linalg.solve(gram, moments).astype(np.float32), day, season)


def _normal_equations(
    sample: Single, starts: Sequence[int], horizon: int, day: int, season: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    gram = np.zeros((2 * day, 2 * day))
    moments = np.zeros((2 * day, horizon))
    for start in starts:
        features, profile, level = _features(sample[:, :start], day, season)
        usual = np.tile(profile, -(-horizon // season))[:, :horizon] + level[:, None]
        beyond = sample[:, start : start + horizon] - usual
        for first in range(0, len(sample), _ROWS):
            rows = slice(first, first + _ROWS)
            gram += features[rows].T @ features[rows]
            moments += features[rows].T @ beyond[rows]
    return gram, moments


def _features(history: Single, day: int, season: int) -> tuple[Single, Single, Single]:
    """Return features (n, 2 day), the mean season without its mean (n, season) and the newest level (n,)."""
    count = min(history.shape[1] // season, _MOST_WEEKS)
    profile = history[:, -count * season :].reshape(len(history), count, season).mean(axis=1)
    profile = profile - profile.mean(axis=1, keepdims=True)
    level = history[:, -season:].mean(axis=1)
    newest = history[:, -day:] - level[:, None] - profile[:, -day:]
    before = history[:, -2 * day : -day] - level[:, None] - np.roll(profile, day, axis=1)[:, -day:]
    return np.concatenate([newest, before], axis=1), profile, level
