"""Forecasts of thousands of series at once: models weighed per series by back-test, calibrated intervals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.events.spans import BoolArray, EventSpan, future_factor, learn_factors, leave_out_events
from models.forecast.fleet import forecast_fleet
from models.forecast.intervals import COVERAGES
from models.forecast.seasonal_naive import FloatArray, fill_gaps

DAY_AND_WEEK: Mapping[str, int] = {"day": 24, "week": 168}
SHORTEST_HISTORY_DAYS = 3
_LENGTHS_IN_WEEKS = (1.5, 2, 3, 4, 6, 8, 12)
"""Series whose histories are about as long are forecast together, from the length that all of them have."""

_MOST_TOGETHER = 5_000
"""So many learn from each other; more would need more memory than they gain."""


@dataclass(frozen=True, eq=False)
class SeriesForecasts:
    """What n series will be, how sure that is, and how wrong such forecasts were.

    Parameters
    ----------
    value : ndarray of float, shape (n, horizon)
        In the unit of the history, never below 0; NaN for a series with a reason.
    lower, upper : mapping of float to ndarray of float, shape (n, horizon)
        By coverage 0.5, 0.8 and 0.95; nested, never narrower further ahead, never below 0.
    model : list of str, length n
        The model or models that make the forecast; empty for a series with a reason.
    wape, naive_wape : ndarray of float, shape (n,)
        Error on held-out origins as a share of what was there: of the forecast, and of the naive model that
        was best for the series in hindsight. NaN where nothing was there or nothing could be held out.
    reason : list of (str or None), length n
        Why a series has no forecast.
    """

    value: FloatArray
    lower: Mapping[float, FloatArray]
    upper: Mapping[float, FloatArray]
    model: list[str]
    wape: FloatArray
    naive_wape: FloatArray
    reason: list[str | None]

    def part(self, rows: slice) -> SeriesForecasts:
        """Return the forecasts of some of the series."""
        return SeriesForecasts(
            self.value[rows],
            {coverage: bound[rows] for coverage, bound in self.lower.items()},
            {coverage: bound[rows] for coverage, bound in self.upper.items()},
            self.model[rows],
            self.wape[rows],
            self.naive_wape[rows],
            self.reason[rows],
        )


def forecast_many(
    history: FloatArray,
    horizon_hours: int,
    *,
    periods: Mapping[str, int] = DAY_AND_WEEK,
    events: Sequence[EventSpan] = (),
) -> SeriesForecasts:
    """Forecast many series of equal step, hours by default.

    Every model forecasts from origins in the second half of the history; what each missed there weighs it,
    per series and part of the horizon. Missing steps are left out, never taken as 0. Steps of events are
    left out of what is learned, and events to come raise or lower the forecast.

    Parameters
    ----------
    history : ndarray of float, shape (n, hours)
        Oldest first; NaN where a step is missing or before a series began. Not negative.
    horizon_hours : int
        Steps to forecast: 1 to 30 days of them.
    periods : mapping of str to int
        Steps of a ``day`` and of a ``week``.
    events : sequence of EventSpan
        Steps count from the first of the history; those to come lie beyond it.

    Returns
    -------
    SeriesForecasts
        In the order of the series.

    Raises
    ------
    ValueError
        If there is no step or no horizon.
    """
    if history.ndim != 2 or not history.shape[1] or horizon_hours < 1:
        raise ValueError("needs steps and a horizon of one step or more")
    day, week = periods["day"], periods["week"]
    if not len(history):
        return _nothing(0, horizon_hours, [])
    ordinary = leave_out_events(history, events)
    reason = explain_short(ordinary, day)
    found = _nothing(len(history), horizon_hours, reason)
    for rows, steps in _alike(ordinary, week, np.array([why is None for why in reason])):
        part = ordinary[rows, history.shape[1] - steps :]
        filled = fill_gaps(fill_gaps(part, week), day)
        fleet = forecast_fleet(part, filled, horizon_hours, day=day, week=week)
        found.value[rows] = fleet.value
        found.wape[rows], found.naive_wape[rows] = fleet.wape, fleet.naive_wape
        for coverage in COVERAGES:
            found.lower[coverage][rows] = fleet.lower[coverage]
            found.upper[coverage][rows] = fleet.upper[coverage]
        for row, name in zip(rows.tolist(), fleet.model, strict=True):
            found.model[row] = name
    if not events:
        return found
    factor = future_factor(
        found.value.shape,
        history.shape[1],
        events,
        learn_factors(history, fill_gaps(fill_gaps(ordinary, week), day), events),
    )
    return replace(
        found,
        value=found.value * factor,
        lower={coverage: bound * factor for coverage, bound in found.lower.items()},
        upper={coverage: bound * factor for coverage, bound in found.upper.items()},
    )


def explain_short(history: FloatArray, day: int) -> list[str | None]:
    """Return per series why it cannot be forecast, None where it can.

    Parameters
    ----------
    history : ndarray of float, shape (n, steps)
        NaN where a step is missing.
    day : int
        Steps of a day.
    """
    is_known = np.isfinite(history)
    wanted = SHORTEST_HISTORY_DAYS * day
    age = _age(is_known)
    known = is_known.sum(axis=1)
    is_recent = np.asarray(is_known[:, -2 * day :].any(axis=1))
    reasons: list[str | None] = []
    for steps, seen, recent in zip(age.tolist(), known.tolist(), is_recent.tolist(), strict=True):
        if steps < wanted or seen < wanted // 2:
            reasons.append(f"{seen} hours are known; a forecast needs {wanted}")
        else:
            reasons.append(None if recent else "nothing was seen in the last two days")
    return reasons


def _age(is_known: BoolArray) -> NDArray[np.intp]:
    """Return the steps since the first known one; 0 when none is."""
    steps = is_known.shape[1] - is_known.argmax(axis=1)
    return np.where(is_known.any(axis=1), steps, 0)


def _alike(history: FloatArray, week: int, is_forecast: BoolArray) -> Iterator[tuple[NDArray[np.intp], int]]:
    """Yield series of about equal age, and the steps that all of them have."""
    age = _age(np.isfinite(history))
    longest = history.shape[1]
    bounds = [0, *(int(weeks * week) for weeks in _LENGTHS_IN_WEEKS if weeks * week < longest), longest]
    for shortest, end in zip(bounds, [*bounds[1:], longest + 1], strict=True):
        rows = np.flatnonzero(is_forecast & (age >= shortest) & (age < end))
        for first in range(0, len(rows), _MOST_TOGETHER):
            part = rows[first : first + _MOST_TOGETHER]
            yield part, shortest or int(age[part].min())


def _nothing(count: int, horizon: int, reason: list[str | None]) -> SeriesForecasts:
    def unknown() -> FloatArray:
        return np.full((count, horizon), np.nan)

    return SeriesForecasts(
        unknown(),
        {coverage: unknown() for coverage in COVERAGES},
        {coverage: unknown() for coverage in COVERAGES},
        [""] * count,
        np.full(count, np.nan),
        np.full(count, np.nan),
        reason,
    )
