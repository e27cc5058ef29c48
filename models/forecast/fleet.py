"""One fleet of series with equally long histories: back-test, weights, mixed forecast and its intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from models.forecast.intervals import calibrate
from models.forecast.mixing import held_out_positions, measure_losses, mix_past, mix_present
from models.forecast.order_statistics import Single
from models.forecast.rolling import CandidateSet, make_plan, usable_seasons
from models.forecast.seasonal_naive import FloatArray
from models.forecast.weights import Losses, name_mixes, only_model, weigh_models


@dataclass(frozen=True, eq=False)
class FleetForecast:
    """Forecasts in the unit of the history; fields as in `models.forecast.many.SeriesForecasts`."""

    value: FloatArray
    lower: Mapping[float, FloatArray]
    upper: Mapping[float, FloatArray]
    model: list[str]
    wape: FloatArray
    naive_wape: FloatArray


@dataclass(frozen=True, eq=False)
class _Unit:
    """Centre and size of each series: models work on ``(x - centre) / scale``, so units do not matter."""

    centre: FloatArray
    scale: FloatArray

    def remove(self, values: FloatArray) -> Single:
        return ((values - self.centre[:, None]) / self.scale[:, None]).astype(np.float32)

    def restore(self, values: Single) -> FloatArray:
        """Return values of the history's unit; not below 0."""
        restored: FloatArray = np.maximum(
            values.astype(np.float64) * self.scale[:, None] + self.centre[:, None], 0.0
        )
        return restored


def forecast_fleet(
    observed: FloatArray, filled: FloatArray, horizon: int, *, day: int, week: int
) -> FleetForecast:
    """Forecast series of one length.

    Parameters
    ----------
    observed : ndarray of float, shape (n, steps)
        NaN where a step is missing: errors are taken only where something was seen.
    filled : ndarray of float, shape (n, steps)
        The same without NaN.
    horizon : int
        Steps.
    day, week : int
        Steps of the seasons.
    """
    unit = _find_unit(filled)
    history, target = unit.remove(filled), unit.remove(observed)
    seasons = usable_seasons(filled.shape[1], day, week)
    plan = make_plan(filled.shape[1], horizon, seasons)
    candidates = CandidateSet(history, plan, seasons)
    losses = measure_losses(candidates, target)
    residual = mix_past(candidates, target, losses)
    weights = weigh_models(losses)
    held = held_out_positions(plan)
    erred = np.nansum(np.abs(residual), axis=(0, 2)) * unit.scale
    naive = losses.total[: losses.naive_count, held].sum(axis=(1, 3)) * unit.scale
    weights = _never_worse_than_naive(weights, losses, float(erred.sum()), naive.sum(axis=1))
    value = mix_present(candidates, weights)
    lower, upper = calibrate(residual, plan.bucket).bands(value)
    seen = _seen(observed, [plan.origins[position] for position in held], horizon)
    steps = np.bincount(plan.bucket, minlength=plan.bucket_count) / horizon
    return FleetForecast(
        unit.restore(value),
        {coverage: unit.restore(found) for coverage, found in lower.items()},
        {coverage: unit.restore(found) for coverage, found in upper.items()},
        name_mixes(losses.names, np.einsum("mnb,b->mn", weights, steps)),
        _share(erred, seen),
        _share(naive.min(axis=0), seen),
    )


def _find_unit(filled: FloatArray) -> _Unit:
    centre = np.median(filled, axis=1)
    scale = np.abs(filled - centre[:, None]).mean(axis=1)
    # A series that never moves is forecast as its centre whatever its scale is.
    return _Unit(centre, np.where(scale > 1e-9 * np.abs(centre), scale, np.maximum(np.abs(centre), 1e-12)))


def _never_worse_than_naive(weights: Single, losses: Losses, erred: float, naive: FloatArray) -> Single:
    """Give all series the best naive model if their mixes together lost to it on held-out origins."""
    if losses.count.any() and erred > naive.min():
        return only_model(weights.shape, int(naive.argmin()))
    return weights


def _seen(observed: FloatArray, origins: list[int], horizon: int) -> FloatArray:
    """Return the sum of what was there in all held-out steps, per series."""
    running = np.cumsum(np.abs(np.nan_to_num(observed)), axis=1)
    end = observed.shape[1]
    total = np.zeros(len(observed))
    for origin in origins:
        total += running[:, min(origin + horizon, end) - 1] - running[:, origin - 1]
    return total


def _share(part: FloatArray, whole: FloatArray) -> FloatArray:
    share: FloatArray = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
    return share
