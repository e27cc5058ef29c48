"""The rolling back-test of many series: origins, parts of the horizon, and every model's forecasts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.forecast.candidates import predict_candidates
from models.forecast.order_statistics import Single
from models.forecast.ridge import SharedRidge, fit_ridge
from models.forecast.smoothing import SMOOTHINGS, smooth

_EDGES = (1, 3, 6, 12, 24, 48, 96, 168, 336)
"""Steps ahead at which a new part of the horizon begins: near ones are surer and have other best models."""

_LONG_STRIDE, _SHORT_STRIDE, _SHORT_HORIZON = 7, 3, 6
"""Steps between origins: many, and for days ahead on every hour of the day."""

_MOST_ORIGINS = 40

_RIDGE_EVERY = 8
"""Origins that share one fit, which saw nothing after the first of them."""

RIDGE = "shared_ridge"
_STAND_IN = {RIDGE: "mean_of_days", "drift_of_weeks": "same_hour_last_week"}


@dataclass(frozen=True)
class Seasons:
    """Steps of a day and of a week; ``week`` is None where the history is too short to use one."""

    day: int
    week: int | None


@dataclass(frozen=True, eq=False)
class Plan:
    """What is tried where.

    Parameters
    ----------
    origins : tuple of int
        Steps known, oldest first. The last one is the present: its forecast is the answer.
    horizon : int
    bucket : ndarray of int, shape (horizon,)
        Part of the horizon that a step ahead belongs to.
    """

    origins: tuple[int, ...]
    horizon: int
    bucket: NDArray[np.intp]

    @property
    def bucket_count(self) -> int:
        """Parts of the horizon."""
        return int(self.bucket[-1]) + 1


def usable_seasons(steps: int, day: int, week: int) -> Seasons:
    """Return the seasons that a history can be tried with: a week needs a week and a half of room."""
    return Seasons(day, week if steps >= week + week // 2 else None)


def make_plan(steps: int, horizon: int, seasons: Seasons) -> Plan:
    """Return origins from about the middle of the history on, and the parts of the horizon."""
    shortest = 2 * seasons.day if seasons.week is None else seasons.week + seasons.day
    most = 2 * (seasons.week or 2 * seasons.day)
    oldest = max(shortest, min(steps // 2, most))
    stride = _SHORT_STRIDE if horizon <= _SHORT_HORIZON else _LONG_STRIDE
    stride = max(stride, (steps - oldest) // (_MOST_ORIGINS * (2 if horizon <= _SHORT_HORIZON else 1)))
    origins = tuple(reversed(range(steps, oldest - 1, -stride)))
    bucket = np.searchsorted(np.array(_EDGES), np.arange(horizon), side="right")
    return Plan(origins, horizon, bucket)


class CandidateSet:
    """Forecasts of all models from any origin of a plan, each from what that origin knew.

    Parameters
    ----------
    history : ndarray of float32, shape (n, steps)
        Complete, of about unit size.
    plan : Plan
    seasons : Seasons
    """

    def __init__(self, history: Single, plan: Plan, seasons: Seasons) -> None:
        self.history = history
        self.plan = plan
        self.seasons = seasons
        self._ridges = self._fit_ridges()
        self._states = [smooth(history, seasons.day, setting, plan.origins) for setting in SMOOTHINGS]
        simple = self._simple(slice(0, 1), plan.origins[-1], 1)
        self.names: tuple[str, ...] = (*simple, *(setting.name for setting in SMOOTHINGS), RIDGE)

    def predict(self, rows: slice, position: int) -> list[Single]:
        """Return the forecasts of some series from one origin, in the order of ``names``.

        They reach as far as the history or, from the present, as the plan. What was not possible at an
        early origin is stood in for by the model that it is built on.
        """
        origin, steps = self.plan.origins[position], self.history.shape[1]
        horizon = self.plan.horizon if origin == steps else min(self.plan.horizon, steps - origin)
        found = self._simple(rows, origin, horizon)
        for setting, states in zip(SMOOTHINGS, self._states, strict=True):
            found[setting.name] = states[origin].predict(rows, horizon)
        ridge = self._ridges[position]
        if ridge is not None:
            found[RIDGE] = ridge.predict(self.history[rows, :origin], horizon)
        return [found[name] if name in found else found[_STAND_IN[name]].copy() for name in self.names]

    def _simple(self, rows: slice, origin: int, horizon: int) -> dict[str, Single]:
        known = self.history[rows, :origin]
        return predict_candidates(known, horizon, day=self.seasons.day, week=self.seasons.week)

    def _fit_ridges(self) -> list[SharedRidge | None]:
        day, season = self.seasons.day, self.seasons.week or self.seasons.day
        span = min(self.plan.horizon, season)
        fits: list[SharedRidge | None] = []
        for index, origin in enumerate(self.plan.origins):
            if index % _RIDGE_EVERY == 0 or fits[-1] is None:
                fits.append(fit_ridge(self.history[:, :origin], span, day=day, season=season))
            else:
                fits.append(fits[-1])
        return fits
