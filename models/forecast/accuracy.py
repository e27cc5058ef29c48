"""How good forecasts were: every series forecast again from past moments, and judged by what came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.events.spans import EventSpan, leave_out_events
from models.forecast.intervals import COVERAGES
from models.forecast.many import DAY_AND_WEEK, SeriesForecasts, forecast_many
from models.forecast.seasonal_naive import (
    FloatArray,
    fill_gaps,
    predict_last_value,
    predict_seasonal_naive,
)

_NEGLIGIBLE = 1e-3
"""A difference of less than a thousandth of what was there is no difference."""

_WORSE = 1.05


@dataclass(frozen=True)
class Accuracy:
    """What a replay of forecasts showed.

    Parameters
    ----------
    horizon_hours, series_count, moment_count : int
        Hours ahead; series judged; past moments they were forecast from.
    wape : float or None
        Sum of absolute errors / sum of what was there, all series together; None where nothing was there.
    naive_wape : float or None
        The same of the one naive model that was best for all series together, in hindsight.
    naive_model : str
    mean_loss_ratio : float or None
        Our summed error as a multiple of the best naive one's: 1 or less is "never worse".
    coverage : mapping of float to float
        Share of hours inside the intervals of 50, 80 and 95 %.
    worse_ratio : float
        Share of series whose error is more than 5 % above that of that naive model.
    surely_worse_ratio : float
        Share of series for which that cannot be chance: the excess over its moments lies more than two
        standard errors above 0.
    worse_than_own_ratio : float
        As ``worse_ratio``, against the naive model that was best for each series in hindsight.
    """

    horizon_hours: int
    series_count: int
    moment_count: int
    wape: float | None
    naive_wape: float | None
    naive_model: str
    mean_loss_ratio: float | None
    coverage: Mapping[float, float]
    worse_ratio: float
    surely_worse_ratio: float
    worse_than_own_ratio: float


def replay_forecasts(
    history: FloatArray,
    horizon_hours: int,
    moments: Sequence[int],
    *,
    periods: Mapping[str, int] = DAY_AND_WEEK,
    events: Sequence[EventSpan] = (),
) -> Accuracy | None:
    """Forecast from past moments, with only what was known then, and judge by what came.

    Parameters
    ----------
    history : ndarray of float, shape (n, hours)
        NaN where missing; missing hours judge nothing.
    horizon_hours : int
    moments : sequence of int
        Hours known at each; what follows is the truth.
    periods : mapping of str to int
    events : sequence of EventSpan
        Those to come are told at each moment; what past ones did is learned only from those before it.

    Returns
    -------
    Accuracy or None
        None when no series could be forecast from any moment.
    """
    tally = _Tally(len(history))
    ordinary = leave_out_events(history, events)
    for moment in moments:
        truth = history[:, moment : moment + horizon_hours]
        found = forecast_many(history[:, :moment], truth.shape[1], periods=periods, events=events)
        tally.add(found, truth, _naive_forecasts(ordinary[:, :moment], truth.shape[1], periods))
    names = ("last value", *(f"same hour of last {name}" for name in periods))
    return tally.judge(horizon_hours, names) if tally.judged else None


class _Tally:
    """Errors of series and hits of intervals, added up over past moments."""

    def __init__(self, series_count: int) -> None:
        self.there = np.zeros(series_count)
        self.ours_by_moment: list[FloatArray] = []
        self.naive_by_moment: list[FloatArray] = []
        self.inside = dict.fromkeys(COVERAGES, 0)
        self.judged = 0

    def add(self, found: SeriesForecasts, truth: FloatArray, naive: Sequence[FloatArray]) -> None:
        """Judge the forecasts of one moment."""
        is_judged = np.isfinite(truth) & np.isfinite(found.value)
        if not is_judged.any():
            return
        actual = np.where(is_judged, truth, 0.0)
        self.judged += int(is_judged.sum())
        self.there += np.abs(actual).sum(axis=1)
        self.ours_by_moment.append(_missed(found.value, actual, is_judged))
        self.naive_by_moment.append(np.stack([_missed(one, actual, is_judged) for one in naive]))
        for coverage in COVERAGES:
            self.inside[coverage] += _count_inside(found, coverage, truth, is_judged)

    def judge(self, horizon_hours: int, names: Sequence[str]) -> Accuracy:
        """Return what all moments together say."""
        ours_by_moment, naive_by_moment = np.stack(self.ours_by_moment), np.stack(self.naive_by_moment)
        ours, naive = ours_by_moment.sum(axis=0), naive_by_moment.sum(axis=0)
        best = int(naive.sum(axis=1).argmin())
        total, lost = float(self.there.sum()), float(ours.sum())
        naive_lost = float(naive[best].sum())
        worse = ours > _WORSE * naive[best] + _NEGLIGIBLE * self.there
        excess = ours_by_moment - _WORSE * naive_by_moment[:, best]
        is_series = self.there > 0
        return Accuracy(
            horizon_hours,
            int(is_series.sum()),
            len(ours_by_moment),
            lost / total if total else None,
            naive_lost / total if total else None,
            names[best],
            lost / naive_lost if naive_lost else None,
            {coverage: count / self.judged for coverage, count in self.inside.items()},
            _share(worse, is_series),
            _share(worse & _is_beyond_chance(excess), is_series),
            _share(ours > _WORSE * naive.min(axis=0) + _NEGLIGIBLE * self.there, is_series),
        )


def spread_moments(hours: int, horizon_hours: int, count: int, first: int) -> list[int]:
    """Return up to ``count`` moments from ``first`` on, evenly spread, each with a horizon after it."""
    last = hours - horizon_hours
    if last < first:
        return []
    return sorted({round(moment) for moment in np.linspace(first, last, count)})


def _naive_forecasts(ordinary: FloatArray, horizon: int, periods: Mapping[str, int]) -> list[FloatArray]:
    longest = max(periods.values())
    filled = np.nan_to_num(fill_gaps(ordinary, longest))
    return [
        predict_last_value(filled, horizon),
        *(predict_seasonal_naive(filled, horizon, period) for period in periods.values()),
    ]


def _is_beyond_chance(excess: FloatArray) -> np.ndarray:
    """Return per series whether the mean over moments lies two standard errors above 0."""
    moments = len(excess)
    error = excess.std(axis=0, ddof=1) / np.sqrt(moments) if moments > 1 else np.inf
    beyond: np.ndarray = excess.mean(axis=0) > 2 * error
    return beyond


def _missed(forecast: FloatArray, actual: FloatArray, is_judged: np.ndarray) -> FloatArray:
    missed: FloatArray = np.where(is_judged, np.abs(forecast - actual), 0).sum(axis=1)
    return missed


def _count_inside(found: SeriesForecasts, coverage: float, truth: FloatArray, judged: np.ndarray) -> int:
    tolerance = 1e-9 * np.maximum(np.abs(found.value), 1e-12)
    below = truth >= found.lower[coverage] - tolerance
    return int((judged & below & (truth <= found.upper[coverage] + tolerance)).sum())


def _share(flags: np.ndarray, among: np.ndarray) -> float:
    return float((flags & among).sum() / max(among.sum(), 1))
