"""Cost to the end of the running month, per currency, in total and per team, from final days only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from models.events.calendar import step_spans
from models.events.spans import EventSpan
from models.forecast.month_end import (
    MonthEnd,
    PeriodEnd,
    explain_missing,
    forecast_remaining,
    whole_period,
)
from models.forecast.seasonal_naive import FloatArray
from models.vocabulary.identity import Principal, Role
from models.vocabulary.windows import DAY, HourWindow, day_start, floor_hour, to_utc
from service.boards.headers import read_final_days
from service.progress import Progress, SilentProgress, tracked
from service.runtime import Runtime
from service.usecases.events import list_events
from service.usecases.forecast_store import replace_kinds
from warehouse.lake.derived_tables import FORECAST
from warehouse.reads.costs import CostReads
from warehouse.reads.forecasts import MONTH_COST

DAY_COST = "day_cost"
MONTH_COST_OF_TEAM = "month_cost_team"
DAY_COST_OF_TEAM = "day_cost_team"
"""``series_kind`` values; ``series`` is the currency, for teams ``<currency>/<team>``."""

MOST_FITS = 8
_HISTORY_DAYS = 120
_FORECASTER = Principal("millicore", frozenset({Role.PLATFORM}))


@dataclass(frozen=True)
class MonthForecast:
    """Forecast of one series, or the reason why there is none.

    Parameters
    ----------
    currency : str
    team : str or None
        None is the total.
    month : date
        First day of the month.
    to_date : float
        Cost of the days before the event time; days that are not final are estimated.
    value, lower_80, upper_80 : float or None
        Cost of the whole month with its 80 % interval.
    model : str or None
    backtest_wape, naive_wape : float or None
        Held-out weighted absolute percentage error, and that of the best naive model.
    lower_50, upper_50, lower_95, upper_95 : float or None
        Narrower and wider intervals.
    reason : str or None
        Why there is no forecast.
    """

    currency: str
    team: str | None
    month: date
    to_date: float
    value: float | None = None
    lower_80: float | None = None
    upper_80: float | None = None
    model: str | None = None
    backtest_wape: float | None = None
    reason: str | None = None
    naive_wape: float | None = None
    lower_50: float | None = None
    upper_50: float | None = None
    lower_95: float | None = None
    upper_95: float | None = None


@dataclass(frozen=True)
class ForecastRun:
    """What one run stored."""

    as_of: datetime
    forecasts: tuple[MonthForecast, ...]


@dataclass(frozen=True, eq=False)
class _Calendar:
    """Days behind and ahead: ``days`` end the day before the event time's day."""

    as_of: datetime
    days: tuple[date, ...]
    is_final: tuple[bool, ...]
    ahead: tuple[date, ...]

    @property
    def month(self) -> date:
        return self.ahead[0].replace(day=1)


def forecast_costs(
    runtime: Runtime,
    as_of: datetime | None = None,
    *,
    most_fits: int = MOST_FITS,
    progress: Progress | None = None,
) -> ForecastRun:
    """Forecast what the running month will cost and store it; the same run twice stores the same.

    Cost to date plus the forecast of the days to come, the day of ``as_of`` included. With fewer than 28
    final days nothing is stored and the reason is returned.

    Parameters
    ----------
    runtime : Runtime
    as_of : datetime, optional
        Only days that end by then are used; now by default.
    most_fits : int
        Series per currency for which statsmodels may be tried, where simple models miss by 3 % or more.
    progress : Progress, optional
    """
    moment = floor_hour(to_utc(as_of or runtime.now()))
    costs = CostReads(runtime.warehouse.lake, runtime.warehouse.pin())
    calendar = _read_calendar(runtime, costs, moment)
    if calendar is None:
        return ForecastRun(moment, ())
    forecasts: list[MonthForecast] = []
    rows: list[dict[str, Any]] = []
    currencies = costs.currencies(_FORECASTER, calendar.days[0], calendar.days[-1])
    for currency in tracked(progress or SilentProgress(), currencies, "forecasting cost", len(currencies)):
        series = _read_series(costs, calendar, currency)
        found, stored = _forecast_currency(runtime, calendar, currency, series, most_fits)
        forecasts += found
        rows += stored
    kinds = (MONTH_COST, DAY_COST, MONTH_COST_OF_TEAM, DAY_COST_OF_TEAM)
    table = pa.Table.from_pylist(rows, schema=FORECAST.schema)
    replace_kinds(runtime, moment, kinds, [table], keeps_earlier_runs=True)
    return ForecastRun(moment, tuple(forecasts))


def _read_calendar(runtime: Runtime, costs: CostReads, as_of: datetime) -> _Calendar | None:
    known, _ = read_final_days(runtime.at(as_of), _FORECASTER, costs)
    today = as_of.astimezone(runtime.settings.zone).date()
    past = sorted(day for day, is_final in known.items() if is_final and day < today)
    if not past:
        return None
    first = max(past[0], today - _HISTORY_DAYS * DAY)
    days = tuple(first + index * DAY for index in range((today - first).days))
    following = (today.replace(day=28) + 4 * DAY).replace(day=1)
    ahead = tuple(today + index * DAY for index in range((following - today).days))
    return _Calendar(as_of, days, tuple(known.get(day, False) for day in days), ahead)


def _read_series(costs: CostReads, calendar: _Calendar, currency: str) -> dict[str | None, FloatArray]:
    """Return daily cost by team (None is the total), NaN where the day is not final."""
    first, last = calendar.days[0], calendar.days[-1]
    amounts: dict[str | None, dict[date, float]] = {
        None: {
            row.day: float(row.cost.total_cost) for row in costs.by_day(_FORECASTER, first, last, currency)
        }
    }
    for row in costs.by_team_and_day(_FORECASTER, first, last, currency):
        amounts.setdefault(row.team, {})[row.day] = float(row.total_cost)
    return {
        team: np.array(
            [
                by_day.get(day, 0.0) if is_final else np.nan
                for day, is_final in zip(calendar.days, calendar.is_final, strict=True)
            ]
        )
        for team, by_day in amounts.items()
    }


def _forecast_currency(
    runtime: Runtime,
    calendar: _Calendar,
    currency: str,
    series: Mapping[str | None, FloatArray],
    most_fits: int,
) -> tuple[list[MonthForecast], list[dict[str, Any]]]:
    teams = list(series)
    reason = explain_missing(sum(calendar.is_final))
    in_month = [day >= calendar.month for day in calendar.days]
    if reason is not None:
        return [
            MonthForecast(
                currency, team, calendar.month, float(np.nansum(series[team][in_month])), reason=reason
            )
            for team in teams
        ], []
    matrix = np.stack([series[team] for team in teams])
    forecasts, rows = [], []
    found_by_series = forecast_remaining(
        matrix, len(calendar.ahead), _event_days(runtime, calendar), most_fits=most_fits
    )
    for team, values, found in zip(teams, matrix, found_by_series, strict=True):
        end = whole_period(found, values[in_month])
        month = _whole_month(currency, team, calendar, found, end)
        forecasts.append(month)
        rows += _rows(runtime, calendar, month, found, end)
    return forecasts, rows


def _event_days(runtime: Runtime, calendar: _Calendar) -> list[EventSpan]:
    """Return the events of every workload as days of the series and the days ahead."""
    zone = runtime.settings.zone
    starts = [day_start(day, zone) for day in (*calendar.days, *calendar.ahead)]
    window = HourWindow(floor_hour(starts[0]), floor_hour(starts[-1]) + DAY)
    return step_spans(list_events(runtime, window), starts, DAY)


def _whole_month(
    currency: str, team: str | None, calendar: _Calendar, found: MonthEnd, end: PeriodEnd
) -> MonthForecast:
    lower_50, upper_50 = end.bounds.get(0.5, (None, None))
    lower_95, upper_95 = end.bounds.get(0.95, (None, None))
    return MonthForecast(
        currency,
        team,
        calendar.month,
        end.to_date,
        end.value,
        end.lower_80,
        end.upper_80,
        found.model,
        found.backtest_wape,
        naive_wape=found.naive_wape,
        lower_50=lower_50,
        upper_50=upper_50,
        lower_95=lower_95,
        upper_95=upper_95,
    )


def _rows(
    runtime: Runtime, calendar: _Calendar, month: MonthForecast, found: MonthEnd, end: PeriodEnd
) -> list[dict[str, Any]]:
    zone = runtime.settings.zone
    common = {
        "run_month": f"{calendar.as_of:%Y-%m}",
        "series": month.currency if month.team is None else f"{month.currency}/{month.team}",
        "run_at": calendar.as_of,
        "model": found.model,
        "unit": month.currency,
        "backtest_wape": found.backtest_wape,
        "naive_wape": found.naive_wape,
    }
    rows: list[dict[str, Any]] = []
    if month.lower_80 is not None:
        rows.append(
            {
                **common,
                "series_kind": MONTH_COST if month.team is None else MONTH_COST_OF_TEAM,
                "target_start": day_start(month.month, zone),
                "value": month.value,
                **_named_bounds(end.bounds),
            }
        )
    for day, value in zip(calendar.ahead, found.daily.tolist(), strict=True):
        widths = found.daily_half_width_ratios.items()
        bounds = {
            coverage: (max(value * (1 - width), 0.0), value * (1 + width)) for coverage, width in widths
        }
        rows.append(
            {
                **common,
                "series_kind": DAY_COST if month.team is None else DAY_COST_OF_TEAM,
                "target_start": day_start(day, zone),
                "value": value,
                **_named_bounds(bounds),
            }
        )
    return rows


def _named_bounds(bounds: Mapping[float, tuple[float, float]]) -> dict[str, float]:
    named = {}
    for coverage, (lower, upper) in bounds.items():
        named[f"lower_{coverage * 100:.0f}"] = lower
        named[f"upper_{coverage * 100:.0f}"] = upper
    return named
