"""Cost of a month that is not invoiced yet: final days as they are, the other days estimated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from models.allocation.apportion import apportion
from models.chargeback.lines import UNITS, ChargeLine
from models.forecast.month_end import explain_missing, forecast_remaining, whole_period
from models.forecast.seasonal_naive import FloatArray

FORECAST = "forecast"
MEAN = "mean of the final days"


@dataclass(frozen=True)
class Estimate:
    """What the days that are not final will cost, in one currency.

    Parameters
    ----------
    final_day_count, open_day_count : int
        Days of the month.
    actual, estimated : int
        Nano-units: cost of the final days, estimate of the others.
    lower_80, upper_80 : int or None
        80 % interval of the estimate; None where none could be calibrated.
    method : str or None
        `FORECAST` or `MEAN`; None where nothing can be estimated.
    reason : str or None
        Why it is not a forecast.
    """

    currency: str
    final_day_count: int
    open_day_count: int
    actual: int
    estimated: int
    lower_80: int | None = None
    upper_80: int | None = None
    method: str | None = FORECAST
    reason: str | None = None


@dataclass(frozen=True, eq=False)
class Days:
    """Daily cost before and in a month.

    Parameters
    ----------
    before : ndarray of float, shape (days before the month,)
        NaN where a day is not final; oldest first.
    behind : ndarray of float, shape (days of the month to its last final one,)
        NaN where a day is not final.
    ahead_count : int
        Days of the month after them.
    """

    before: FloatArray
    behind: FloatArray
    ahead_count: int


def estimate_open_days(currency: str, days: Days, actual: int) -> Estimate:
    """Estimate the days of a month that are not final.

    Days after the last final one are forecast by the model of the month-end forecast, chosen by back-test,
    with its 80 % interval; a day before it that is not final counts as the mean of the final ones. Under 28
    final days of history every open day counts as that mean and there is no interval.

    Parameters
    ----------
    currency : str
    days : Days
    actual : int
        Nano-units that the final days cost on the statement.
    """
    known = days.behind[~np.isnan(days.behind)]
    final = len(known)
    open_count = len(days.behind) - final + days.ahead_count
    history = np.concatenate([days.before, days.behind])
    reason = explain_missing(int((~np.isnan(history)).sum()))
    if open_count == 0:
        return Estimate(currency, final, 0, actual, 0, 0, 0)
    if reason is not None and not final:
        return Estimate(currency, 0, open_count, actual, 0, method=None, reason=reason)
    if reason is not None:
        mean = _units(float(known.mean()) * open_count)
        return Estimate(currency, final, open_count, actual, mean, method=MEAN, reason=reason)
    found = forecast_remaining(history[np.newaxis, :], days.ahead_count)[0]
    end = whole_period(found, days.behind)
    spent = float(known.sum())
    lower, upper = (
        None if bound is None else _units(bound - spent) for bound in (end.lower_80, end.upper_80)
    )
    return Estimate(currency, final, open_count, actual, _units(end.value - spent), lower, upper)


def _units(value: float) -> int:
    return round(value * UNITS)


def spread(estimated: int, payers: Sequence[ChargeLine]) -> list[int]:
    """Return what each payer bears of an estimate, by its share of the final days, exactly.

    A payer with a credit bears nothing; where no payer has a cost, the first bears all.
    """
    weights = [max(line.effective, 0) for line in payers]
    if not payers:
        return []
    if not any(weights):
        return [estimated, *([0] * (len(payers) - 1))]
    return apportion(estimated, weights)


def accrued(payers: Sequence[ChargeLine], parts: Sequence[int]) -> list[ChargeLine]:
    """Return payers' lines with their part of the estimate added, for all three levels of cost alike."""
    return [replace(line, **_plus(line, part)) for line, part in zip(payers, parts, strict=True)]


def _plus(line: ChargeLine, part: int) -> dict[str, Any]:
    levels = ("effective", "list_units", "contracted")
    return {name: getattr(line, name) + part for name in levels}
