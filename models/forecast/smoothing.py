"""Holt-Winters smoothing of many series at once, with the states of every origin kept."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from models.forecast.order_statistics import Single


@dataclass(frozen=True)
class Smoothing:
    """One setting of additive Holt-Winters smoothing without trend.

    Parameters
    ----------
    name : str
    level_ratio, season_ratio : float
        How much of the newest error goes into level and season; between 0 and 1.
    """

    name: str
    level_ratio: float
    season_ratio: float


SMOOTHINGS = (
    Smoothing("holt_winters_slow", 0.02, 0.1),
    Smoothing("holt_winters", 0.1, 0.2),
    Smoothing("holt_winters_fast", 0.4, 0.2),
)


@dataclass(frozen=True, eq=False)
class SmoothedState:
    """Level and season of n series after their last step.

    Parameters
    ----------
    level : ndarray of float32, shape (n,)
    season : ndarray of float32, shape (n, period)
        What the coming steps, the next one first, are above the level.
    """

    level: Single
    season: Single

    def predict(self, rows: slice, horizon: int) -> Single:
        """Return the next steps of some series, shape (rows, horizon)."""
        season = self.season[rows]
        repeated = np.tile(season, -(-horizon // season.shape[1]))[:, :horizon]
        value: Single = repeated + self.level[rows, None]
        return value


def smooth(
    history: Single, period: int, setting: Smoothing, origins: Collection[int]
) -> Mapping[int, SmoothedState]:
    """Run through all series once; return the state that each origin would have known.

    ``error = x_t - level - season_t``; ``level += a * error``; ``season_t += g * (1 - a) * error``, begun
    with the first season's mean and shape (Hyndman and Athanasopoulos, Forecasting, section 8.3, error form).

    Parameters
    ----------
    history : ndarray of float32, shape (n, steps)
        Complete; at least one period.
    period : int
        Steps.
    setting : Smoothing
    origins : collection of int
        Steps known; from ``period`` to ``steps``.
    """
    columns = np.ascontiguousarray(history.T)
    level = columns[:period].mean(axis=0)
    season = columns[:period] - level
    wanted = set(origins)
    into_level = np.float32(setting.level_ratio)
    into_season = np.float32(setting.season_ratio * (1 - setting.level_ratio))
    states = {}
    for step in range(period, len(columns) + 1):
        if step in wanted:
            states[step] = SmoothedState(level.copy(), np.roll(season, -(step % period), axis=0).T.copy())
        if step < len(columns):
            phase = step % period
            error = columns[step] - level - season[phase]
            level += into_level * error
            season[phase] += into_season * error
    return states
