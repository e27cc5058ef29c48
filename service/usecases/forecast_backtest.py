"""How good past forecasts of use were, on what is stored: error, best naive, coverage of the intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from models.events.calendar import SeriesOf, hourly_spans
from models.forecast.accuracy import Accuracy, replay_forecasts, spread_moments
from models.forecast.seasonal_naive import FloatArray
from models.forecast.usage_grid import sum_groups
from models.vocabulary.identity import Principal
from models.vocabulary.windows import floor_hour, to_utc
from service.progress import Progress, SilentProgress, tracked
from service.runtime import Runtime
from service.usecases.events import list_events
from service.usecases.forecast_usage import UNITS, UsageHistory, read_usage

HORIZONS = (1, 24, 168)
_MOMENTS = {1: 16}
_FEWEST_HISTORY_HOURS = 7 * 24
_MOST_MOMENTS = 6


@dataclass(frozen=True)
class ForecastScore:
    """The replay of one kind of series: ``series_kind`` as in the lake table ``forecast``."""

    series_kind: str
    accuracy: Accuracy


def backtest_forecasts(
    runtime: Runtime,
    principal: Principal,
    *,
    as_of: datetime | None = None,
    cluster: str | None = None,
    horizons: Sequence[int] = HORIZONS,
    progress: Progress | None = None,
) -> list[ForecastScore]:
    """Forecast the use of workloads and teams again from past moments, an hour, a day and a week ahead.

    Each moment sees only what was stored before it. A principal who sees only some teams gets the
    figures of theirs.

    Parameters
    ----------
    runtime : Runtime
    principal : Principal
    as_of : datetime, optional
        Only hours that end by then are used; now by default.
    cluster : str, optional
        None takes all.
    horizons : sequence of int
        Hours ahead.
    progress : Progress, optional

    Raises
    ------
    Forbidden
        If the principal may read nothing.
    """
    moment = floor_hour(to_utc(as_of or runtime.now()))
    history = _visible(read_usage(runtime, moment, cluster), principal)
    if not history.keys:
        return []
    events = list_events(runtime, history.window)
    series = [SeriesOf(key.cluster, key.namespace, key.kind, key.name) for key in history.keys]
    spans = hourly_spans(events, history.window.start, series)
    teams = sorted({team for team in history.teams if team is not None})
    group = [-1 if team is None else teams.index(team) for team in history.teams]
    whole = hourly_spans(events, history.window.start, [SeriesOf("", "", "", "")] * len(teams))
    asked = [(resource, hours) for resource in UNITS for hours in horizons]
    scores = []
    for resource, horizon in tracked(progress or SilentProgress(), asked, "replaying forecasts", len(asked)):
        grid = history.values[resource]
        sums = sum_groups(grid, group, len(teams))
        for what, values, told in (("workload", grid, spans), ("team", sums, whole)):
            found = replay_forecasts(values, horizon, _moments(values, horizon), events=told)
            if found is not None:
                scores.append(ForecastScore(f"{what}_{resource}", found))
    return scores


def _moments(values: FloatArray, horizon: int) -> list[int]:
    """Return moments from half of what is there on, so that most have weeks to learn from."""
    hours = values.shape[1]
    known = np.flatnonzero(np.isfinite(values).any(axis=0))
    first = (int(known[0]) if len(known) else hours) + _FEWEST_HISTORY_HOURS
    count = _MOMENTS.get(horizon, _MOST_MOMENTS)
    return spread_moments(hours, horizon, count, max(first, (first + hours) // 2))


def _visible(history: UsageHistory, principal: Principal) -> UsageHistory:
    teams = principal.visible_teams()
    if teams is None:
        return history
    rows = [index for index, team in enumerate(history.teams) if (team or "") in teams]
    return UsageHistory(
        history.window,
        [history.keys[index] for index in rows],
        [history.teams[index] for index in rows],
        {resource: values[rows] for resource, values in history.values.items()},
    )
