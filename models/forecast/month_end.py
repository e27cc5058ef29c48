"""Cost to the end of the month, per series, from final days only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from models.events.spans import EventSpan, future_factor, learn_factors, leave_out_events
from models.forecast.backtest import choose_models, list_origins
from models.forecast.interval import calibrate_sums
from models.forecast.intervals import COVERAGES
from models.forecast.seasonal_naive import FloatArray, Model, fill_gaps, list_models
from models.forecast.totals import HOLT_WINTERS, FitTest, try_holt_winters

MINIMUM_FINAL_DAYS = 28
_WEEK = {"week": 7}
_SHORTEST_HISTORY = 14


@dataclass(frozen=True, eq=False)
class MonthEnd:
    """Forecast of one series.

    Parameters
    ----------
    model : str
    daily : ndarray of float, shape (remaining days,)
    remaining : float
        Sum of ``daily``.
    half_width_ratios, daily_half_width_ratios : mapping of float to float
        By coverage 0.5, 0.8 and 0.95: of the interval of that sum, relative to it, and of a single day;
        empty when it could not be calibrated.
    backtest_wape, naive_wape : float or None
        Held-out error of this model and of the best naive one.
    """

    model: str
    daily: FloatArray
    remaining: float
    half_width_ratios: Mapping[float, float]
    daily_half_width_ratios: Mapping[float, float]
    backtest_wape: float | None
    naive_wape: float | None

    @property
    def half_width_ratio(self) -> float | None:
        """Half-width of the 80 % interval of the sum; None when it could not be calibrated."""
        return self.half_width_ratios.get(0.8)


def explain_missing(final_day_count: int) -> str | None:
    """Return why there is no forecast, or None when there are enough final days."""
    if final_day_count >= MINIMUM_FINAL_DAYS:
        return None
    return f"{final_day_count} final days are stored; a forecast needs {MINIMUM_FINAL_DAYS}"


def forecast_remaining(
    series: FloatArray, remaining_days: int, events: Sequence[EventSpan] = (), *, most_fits: int = 0
) -> list[MonthEnd]:
    """Forecast the days until the month ends.

    The model of each series is chosen by rolling back-test among last value, same weekday of last week and
    weekly profile with level, with the remaining days (at most seven) as horizon; where that misses by more
    than 3 %, Holt-Winters of statsmodels is fitted too and taken if it did better on held-out days.

    Parameters
    ----------
    series : ndarray of float, shape (n, final days)
        Daily amounts, oldest first, at least `MINIMUM_FINAL_DAYS`; NaN where a day is not final.
    remaining_days : int
        May be 0.
    events : sequence of EventSpan
        In days of the series: left out of what is learned, and put into the days to come.
    most_fits : int
        Series for which statsmodels may be tried, those with the largest error in money first: each takes
        about a second.

    Returns
    -------
    list of MonthEnd
        In the order of the series.
    """
    filled = np.nan_to_num(fill_gaps(leave_out_events(series, events), _WEEK["week"]))
    steps = filled.shape[1]
    models = list_models(_WEEK, steps)
    horizon = max(min(remaining_days, 7), 1)
    choice = choose_models(filled, models, horizon, list_origins(steps, horizon, _SHORTEST_HISTORY))
    factor = future_factor(
        (len(series), remaining_days), steps, events, learn_factors(series, filled, events)
    )
    missed = np.nan_to_num(choice.wape) * filled.mean(axis=1)
    tried = set(np.argsort(-missed, kind="stable")[:most_fits].tolist())
    results = []
    for row, name in enumerate(choice.model):
        error = _known(choice.wape[row])
        fit = try_holt_winters(filled[row], models[name], horizon, error) if row in tried else None
        results.append(
            _month_end(
                filled[row],
                models[name] if fit is None else fit.model,
                factor[row],
                remaining_days,
                _Chosen(name, models[name], error, _known(choice.naive_wape[row]), fit),
            )
        )
    return results


@dataclass(frozen=True, eq=False)
class _Chosen:
    """What the back-test chose: the simple model, its errors, and a fit that was better."""

    name: str
    simple: Model
    wape: float | None
    naive_wape: float | None
    fit: FitTest | None


def _month_end(
    series: FloatArray, model: Model, factor: FloatArray, remaining_days: int, chosen: _Chosen
) -> MonthEnd:
    daily = model(series[None, :], remaining_days)[0] * factor
    # A fit keeps the width of the simple model that it beat: refitting at every origin would take minutes.
    width, daily_width = (
        calibrate_sums(series, chosen.simple, steps, _SHORTEST_HISTORY, COVERAGES)
        for steps in (max(remaining_days, 1), 1)
    )
    return MonthEnd(
        model=chosen.name if chosen.fit is None else HOLT_WINTERS,
        daily=daily,
        remaining=float(daily.sum()),
        half_width_ratios=width,
        daily_half_width_ratios=daily_width,
        backtest_wape=chosen.wape if chosen.fit is None else chosen.fit.wape,
        naive_wape=chosen.naive_wape,
    )


@dataclass(frozen=True)
class PeriodEnd:
    """What a period will have cost at its end, with intervals where they could be calibrated.

    ``bounds`` holds lower and upper bound by coverage: 0.5, 0.8 and 0.95.
    """

    to_date: float
    value: float
    lower_80: float | None
    upper_80: float | None
    bounds: Mapping[float, tuple[float, float]] = field(default_factory=dict)


def whole_period(found: MonthEnd, behind: FloatArray) -> PeriodEnd:
    """Add what was spent to what is to come; a day that is not final counts as the mean of those that are.

    Parameters
    ----------
    found : MonthEnd
        Forecast of the days to come.
    behind : ndarray of float, shape (days so far,)
        Cost of the period's days before; NaN where a day is not final.
    """
    known = behind[~np.isnan(behind)]
    typical = float(known.mean()) if len(known) else float(found.daily.mean()) if len(found.daily) else 0.0
    to_date = float(np.where(np.isnan(behind), typical, behind).sum())
    value = to_date + found.remaining
    bounds = {}
    for coverage, ratio in found.half_width_ratios.items():
        width = ratio * found.remaining
        bounds[coverage] = (max(value - width, to_date), value + width)
    lower, upper = bounds.get(0.8, (None, None))
    return PeriodEnd(to_date, value, lower, upper, bounds)


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
