"""Cost to the end of the month, per series, from final days only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.forecast.backtest import choose_models, list_origins
from models.forecast.interval import calibrate_sum
from models.forecast.seasonal_naive import FloatArray, fill_gaps, list_models

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
    half_width_ratio : float or None
        Of the 80 % interval of that sum, relative to it; None when it could not be calibrated.
    daily_half_width_ratio : float or None
        The same for a single day.
    backtest_wape, naive_wape : float or None
        Held-out error of this model and of the best naive one.
    """

    model: str
    daily: FloatArray
    remaining: float
    half_width_ratio: float | None
    daily_half_width_ratio: float | None
    backtest_wape: float | None
    naive_wape: float | None


def explain_missing(final_day_count: int) -> str | None:
    """Return why there is no forecast, or None when there are enough final days."""
    if final_day_count >= MINIMUM_FINAL_DAYS:
        return None
    return f"{final_day_count} final days are stored; a forecast needs {MINIMUM_FINAL_DAYS}"


def forecast_remaining(series: FloatArray, remaining_days: int) -> list[MonthEnd]:
    """Forecast the days until the month ends.

    The model of each series is chosen by rolling back-test among last value, same weekday of last week and
    weekly profile with level, with the remaining days (at most seven) as horizon.

    Parameters
    ----------
    series : ndarray of float, shape (n, final days)
        Daily amounts, oldest first, at least `MINIMUM_FINAL_DAYS`; NaN where a day is not final.
    remaining_days : int
        May be 0.

    Returns
    -------
    list of MonthEnd
        In the order of the series.
    """
    filled = np.nan_to_num(fill_gaps(series, _WEEK["week"]))
    steps = filled.shape[1]
    models = list_models(_WEEK, steps)
    horizon = max(min(remaining_days, 7), 1)
    choice = choose_models(filled, models, horizon, list_origins(steps, horizon, _SHORTEST_HISTORY))
    results = []
    for row, name in enumerate(choice.model):
        daily = models[name](filled[row : row + 1], remaining_days)[0]
        results.append(
            MonthEnd(
                model=name,
                daily=daily,
                remaining=float(daily.sum()),
                half_width_ratio=calibrate_sum(
                    filled[row], models[name], max(remaining_days, 1), _SHORTEST_HISTORY
                ),
                daily_half_width_ratio=calibrate_sum(filled[row], models[name], 1, _SHORTEST_HISTORY),
                backtest_wape=_known(choice.wape[row]),
                naive_wape=_known(choice.naive_wape[row]),
            )
        )
    return results


@dataclass(frozen=True)
class PeriodEnd:
    """What a period will have cost at its end, with an 80 % interval where one could be calibrated."""

    to_date: float
    value: float
    lower_80: float | None
    upper_80: float | None


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
    if found.half_width_ratio is None:
        return PeriodEnd(to_date, value, None, None)
    width = found.half_width_ratio * found.remaining
    return PeriodEnd(to_date, value, max(value - width, to_date), value + width)


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
