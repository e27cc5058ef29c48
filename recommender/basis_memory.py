"""Memory: the ladder of requests of each container is its past maximum times a margin, up or down.

A flat margin wastes on quiet containers and kills jumpy ones. The chance that tomorrow's maximum ``x``
exceeds ``maximum x margin`` is learned from the fleet: with ``n`` days of history, and ``s`` the standard
deviation of the logarithms of the daily maxima,

    chance = jumps(log(margin) / (s + 0.01)) / (n + 2)

``jumps`` is the share of earlier container-days that broke their record by so many of their own deviations,
times ``n + 2`` (among exchangeable days the newest is a record with chance ``1 / (n + 1)``), kept apart for
quiet, moderate and jumpy containers and shrunk to a prior curve worth `_PRIOR_DAYS` container-days (empirical
Bayes, a split-conformal quantile in the limit). Below the maximum the container's own days above the request
are added, newer days counting more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from models.profiles.buckets import FloatArray, IntArray
from recommender.basis_price import Ladder

LARGEST_MULTIPLE = 4.0
"""No container's share of days above its request exceeds the class's mean by more than this factor."""

MINIMUM_DAYS = 3

_ABOVE = (0, 0.5, 1, 1.5, 2, 3, 4, 5, 6, 8, 10, 12.5, 15, 17.5, 20, 25, 30, 35, 40, 50, 60, 80, 100)
_RUNGS: FloatArray = np.concatenate([np.linspace(-0.7, -0.025, 28), np.log1p(np.array(_ABOVE) / 100)])
"""Logarithms of the margins."""

_ZERO = 28
_STEPS: FloatArray = np.array(
    [0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 7, 10, 15, 25, 50, 100]
)
"""Deviations at which the jumps are counted."""

_QUIET, _JUMPY = 0.02, 0.1
_TYPICAL_SPREAD: FloatArray = np.array([0.006, 0.05, 0.2])
_PRIOR_DAYS = 100.0
_OWN_HALF_LIFE_DAYS = 7.0


@dataclass(frozen=True, eq=False)
class _Past:
    """Maximum, spread of the logarithms and number of days before a day, each of shape (n,)."""

    maximum: FloatArray
    spread: FloatArray
    days: FloatArray

    @property
    def scale(self) -> FloatArray:
        return self.spread + 0.01

    @property
    def group(self) -> IntArray:
        return np.searchsorted([_QUIET, _JUMPY], self.spread, side="right").astype(np.int64)


@dataclass(eq=False)
class Jumps:
    """How far past days broke the record of the days before them, counted over a fleet.

    Parameters
    ----------
    broken : ndarray of float, shape (3, steps)
        Container-days above each step, times ``n + 2``, by group of spread.
    seen : ndarray of float, shape (3,)
        All container-days.
    """

    broken: FloatArray = field(default_factory=lambda: np.zeros((3, len(_STEPS))))
    seen: FloatArray = field(default_factory=lambda: np.zeros(3))

    def learn(self, past: _Past, value: FloatArray) -> None:
        """Count one more day."""
        known = (past.days >= MINIMUM_DAYS) & ~np.isnan(value)
        group = past.group[known]
        deviations = np.log(np.maximum(value[known], 1.0) / past.maximum[known]) / past.scale[known]
        # A value at a step has not broken it: side left counts the steps strictly below.
        steps = np.searchsorted(_STEPS, deviations, side="left")
        cells = np.bincount(
            group * (len(_STEPS) + 1) + steps,
            weights=past.days[known] + 2,
            minlength=3 * (len(_STEPS) + 1),
        ).reshape(3, -1)
        self.broken += cells[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:]
        self.seen += np.bincount(group, minlength=3)

    def curve(self) -> FloatArray:
        """Return the jumps at each step with the prior mixed in, shape (3, steps)."""
        curve: FloatArray = (self.broken + _PRIOR_DAYS * _PRIOR) / (self.seen + _PRIOR_DAYS)[:, None]
        return curve


def _prior_curve() -> FloatArray:
    """Return a curve with an exponential tail of 0.7 deviations and one in twenty jumps of any size."""
    log_margin = _STEPS[None, :] * (_TYPICAL_SPREAD[:, None] + 0.01)
    tail = np.exp(-log_margin / (0.7 * _TYPICAL_SPREAD[:, None] + 0.004))
    prior: FloatArray = 2 * (0.95 * tail + 0.05 * np.exp(-log_margin / 0.4))
    return prior


_PRIOR = _prior_curve()


def learn_jumps(maxima: FloatArray) -> list[FloatArray]:
    """Return the curve of the jumps known before each day, one more than there are days.

    Parameters
    ----------
    maxima : ndarray of float, shape (n, days)
        Bytes, NaN where the container did not run.
    """
    jumps = Jumps()
    curves = [jumps.curve()]
    for day in range(maxima.shape[1]):
        if day >= MINIMUM_DAYS:
            jumps.learn(_summarise(maxima[:, :day]), maxima[:, day])
        curves.append(jumps.curve())
    return curves


def walk_memory_ladders(
    maxima: FloatArray, first_day: int, curves: list[FloatArray]
) -> Iterator[tuple[int, Ladder]]:
    """Yield the ladder before each day from ``first_day`` on, the last one after the newest day.

    Parameters
    ----------
    maxima : ndarray of float, shape (n, days)
    first_day : int
        1 <= first_day <= days.
    curves : list of ndarray
        Of `learn_jumps`, of the whole fleet.
    """
    for day in range(first_day, maxima.shape[1] + 1):
        yield day, _ladder(maxima[:, :day], curves[day])


def largest_known(maxima: FloatArray) -> FloatArray:
    """Return the largest value of each row, NaN where there is none."""
    best = np.where(np.isnan(maxima), -np.inf, maxima).max(axis=1, initial=-np.inf)
    answer: FloatArray = np.where(np.isfinite(best), best, np.nan)
    return answer


def _summarise(maxima: FloatArray) -> _Past:
    known = ~np.isnan(maxima)
    days = known.sum(axis=1).astype(np.float64)
    logs = np.where(known, np.log(np.where(known, np.maximum(maxima, 1.0), 1.0)), 0.0)
    count = np.maximum(days, 1.0)
    mean = logs.sum(axis=1) / count
    spread = np.sqrt(np.where(known, (logs - mean[:, None]) ** 2, 0.0).sum(axis=1) / count)
    return _Past(np.maximum(largest_known(maxima), 1.0), spread, days)


def _ladder(maxima: FloatArray, curve: FloatArray) -> Ladder:
    past = _summarise(maxima)
    deviations = np.maximum(_RUNGS, 0.0)[None, :] / past.scale[:, None]
    chance = np.empty_like(deviations)
    for number in range(3):
        chosen = past.group == number
        chance[chosen] = np.interp(deviations[chosen], _STEPS, curve[number])
    chance /= (past.days + 2)[:, None]
    chance[:, :_ZERO] += _own_days_above(maxima, past)[:, :_ZERO]
    request = past.maximum[:, None] * np.exp(_RUNGS)[None, :]
    is_known = past.days > 0
    return Ladder(
        np.where(is_known[:, None], request, 0.0),
        np.minimum(chance, 1.0),
        is_known.astype(np.float64),
    )


def _own_days_above(maxima: FloatArray, past: _Past) -> FloatArray:
    """Return the decayed share of each container's days above each rung, shape (n, rungs)."""
    size, days = maxima.shape
    known = ~np.isnan(maxima)
    weight = np.where(known, np.exp2(-np.arange(days)[::-1] / _OWN_HALF_LIFE_DAYS), 0.0)
    weight /= np.maximum(weight.sum(axis=1, keepdims=True), 1e-12)
    safe = np.where(known, np.maximum(maxima, 1.0), 1.0)
    logs = np.where(known, np.log(safe) - np.log(np.where(past.days > 0, past.maximum, 1.0))[:, None], -9.0)
    rung = np.searchsorted(_RUNGS, logs - 1e-9, side="left")
    width = len(_RUNGS) + 1
    cell = np.arange(size)[:, None] * width + rung
    cells = np.bincount(cell.ravel(), weights=weight.ravel(), minlength=size * width)
    above: FloatArray = cells.reshape(size, width)[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:]
    return above
