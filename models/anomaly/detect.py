"""Days on which a cost left its usual range: robust, seasonal by weekday, and told once per run of days."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

WEEK = 7
WEEKS_COMPARED = 4
RESIDUAL_DAYS = 28
MINIMUM_HISTORY_DAYS = WEEK * (WEEKS_COMPARED + 1)
"""Days before a day that must be there to judge it: four like weekdays, and residuals of a week."""

_MAD_TO_SIGMA = 1.4826
_LEAST_SCALE_RATIO = 0.03
"""A cost that never moved is not an anomaly when it moves by 3 %."""


@dataclass(frozen=True)
class Threshold:
    """What counts as an anomaly: all three must be exceeded.

    Parameters
    ----------
    sigmas : float
        Robust standard deviations of the residuals (1.4826 x median absolute deviation).
    excess_ratio : float
        Excess relative to what was expected.
    excess : float
        Excess per day, in the unit of the series.
    """

    sigmas: float = 4.0
    excess_ratio: float = 0.2
    excess: float = 20.0


@dataclass(frozen=True)
class Run:
    """Consecutive days on which one series left its range in one direction.

    Parameters
    ----------
    first, last : int
        Positions of the days, both included. A day that is not final neither breaks nor lengthens a run.
    expected, actual : float
        Sums over the days of the run.
    """

    first: int
    last: int
    expected: float
    actual: float
    day_count: int

    @property
    def excess(self) -> float:
        """Actual less expected; negative for a drop."""
        return self.actual - self.expected


def expected_costs(series: Floats) -> tuple[Floats, Floats]:
    """Return what each day was expected to cost from the days before it, and the scale of surprise.

    Expected is the median of the four like weekdays before, plus the median residual of the two weeks
    before, so that growth is no surprise. The scale is the robust deviation of the residuals of the last 28
    days, and at least 3 % of what is expected.

    Parameters
    ----------
    series : ndarray of float, shape (days,)
        Oldest first; NaN where a day is not final.

    Returns
    -------
    tuple of ndarray of float, shape (days,)
        NaN where there is too little history.
    """
    count = len(series)
    typical = np.full(count, np.nan)
    for day in range(WEEK * WEEKS_COMPARED, count):
        like = series[day - WEEK * WEEKS_COMPARED : day : WEEK]
        if np.isfinite(like).sum() >= WEEKS_COMPARED - 1:
            typical[day] = np.nanmedian(like)
    residuals = series - typical
    expected, scale = np.full(count, np.nan), np.full(count, np.nan)
    for day in range(MINIMUM_HISTORY_DAYS, count):
        recent = residuals[max(day - RESIDUAL_DAYS, 0) : day]
        known = recent[np.isfinite(recent)]
        if len(known) < WEEK - 1 or not np.isfinite(typical[day]):
            continue
        last = residuals[day - 2 * WEEK : day]
        drift = float(np.median(last[np.isfinite(last)])) if np.isfinite(last).any() else 0.0
        expected[day] = max(typical[day] + drift, 0.0)
        deviation = _MAD_TO_SIGMA * float(np.median(np.abs(known - np.median(known))))
        scale[day] = max(deviation, _LEAST_SCALE_RATIO * abs(expected[day]))
    return expected, scale


def find_runs(series: Floats, threshold: Threshold) -> list[Run]:
    """Return the runs of anomalous days of a series, oldest first.

    Parameters
    ----------
    series : ndarray of float, shape (days,)
    threshold : Threshold
    """
    expected, scale = expected_costs(series)
    sign = _signs(series, expected, scale, threshold)
    runs: list[Run] = []
    is_open = False
    for day in np.flatnonzero(np.isfinite(series)):
        if sign[day] == 0:
            is_open = False
            continue
        found = Run(int(day), int(day), float(expected[day]), float(series[day]), 1)
        if is_open and np.sign(runs[-1].excess) == sign[day]:
            last = runs[-1]
            runs[-1] = Run(
                last.first,
                found.last,
                last.expected + found.expected,
                last.actual + found.actual,
                last.day_count + 1,
            )
        else:
            runs.append(found)
        is_open = True
    return runs


def _signs(series: Floats, expected: Floats, scale: Floats, threshold: Threshold) -> npt.NDArray[np.int64]:
    with np.errstate(invalid="ignore"):
        excess = series - expected
        size = np.abs(excess)
        is_anomalous = (
            (size > threshold.sigmas * scale)
            & (size > threshold.excess_ratio * expected)
            & (size > threshold.excess)
        )
    return np.where(is_anomalous, np.sign(np.nan_to_num(excess)), 0).astype(np.int64)
