"""The advised oversell ratio: ``clip(theta R / P, 1, maximum)`` inside guard rails (R requests, P peak)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.oversell.peaks import FloatArray

GROWTH_PER_DAY = 0.05
FEW_REQUESTS_RATIO = 0.10
MINIMUM_HISTORY_DAYS = 7.0

VIOLATION_TOLERANCE = 1.5
"""Held-out violations up to this multiple of the stated rate are chance: a month of a pool is a few hundred
node-days, of which one per cent is a handful."""

_SMALLEST_PEAK = 1e-9
"""Below this nothing was predicted, and nothing is concluded from it."""


@dataclass(frozen=True)
class RatioRules:
    """Settings of the ratio.

    Parameters
    ----------
    theta : float
        Share of allocatable that a predicted peak may reach (the hotspot line).
    maximum : float
        Largest ratio ever advised.
    is_stale : bool
        The newest complete hour is older than two hours: everything is 1.0.
    is_off : bool
        The resource is not oversold at all (memory by default).
    history_days : float
        Of the cluster.
    violation_target : float
        Stated share of peaks above the prediction, 0 to 1.
    """

    theta: float
    maximum: float
    is_stale: bool
    is_off: bool
    history_days: float
    violation_target: float


@dataclass(frozen=True, eq=False)
class Sold:
    """What is sold and expected per node or pool, shape (n,), in cores or bytes.

    Parameters
    ----------
    allocatable, requested, predicted_peak : ndarray of float
    earlier_ratio : ndarray of float
        Of the newest earlier plan, NaN without one.
    earlier_days : ndarray of float
        Days since that plan.
    violation_ratio : ndarray of float
        Share of held-out peaks above the calibrated prediction, NaN where none was held out.
    """

    allocatable: FloatArray
    requested: FloatArray
    predicted_peak: FloatArray
    earlier_ratio: FloatArray
    earlier_days: FloatArray
    violation_ratio: FloatArray


@dataclass(frozen=True, eq=False)
class Ratios:
    """Advised ratios and, per row, the name of the guard rail that bound or an empty text."""

    ratio: FloatArray
    guard_rail: NDArray[np.object_]


def advise_ratios(sold: Sold, rules: RatioRules, pool_ratio: FloatArray | None = None) -> Ratios:
    """Return the multiple of allocatable that may be sold as requests.

    ``clip(theta x requested / predicted peak, 1, maximum)``; 1.0 when data is stale, the resource is off or
    history is shorter than 7 days, and where held-out peaks exceeded the prediction clearly more often than
    stated: what the past does not bear out is not sold. A node with requests under 10 % of its
    allocatable says little about itself and takes its pool's ratio. Shrinking holds at once, growing by at
    most 0.05 a day since the earlier plan.

    Parameters
    ----------
    sold : Sold
    rules : RatioRules
    pool_ratio : ndarray of float, shape (n,), optional
        The ratio of each node's pool; None when the rows are pools.
    """
    count = len(sold.allocatable)
    blocked = _blocked_by(rules)
    if blocked:
        return Ratios(np.ones(count), np.full(count, blocked, dtype=object))
    raw = np.divide(
        rules.theta * sold.requested,
        sold.predicted_peak,
        out=np.ones(count),
        where=sold.predicted_peak > _SMALLEST_PEAK,
    )
    ratio = np.clip(raw, 1.0, rules.maximum)
    rail = np.full(count, "", dtype=object)
    rail[raw < 1.0] = "peak_near_requests"
    rail[raw > rules.maximum] = "ratio_max"
    few = sold.requested < FEW_REQUESTS_RATIO * sold.allocatable
    if pool_ratio is not None:
        ratio, rail[few] = np.where(few, pool_ratio, ratio), "low_requests"
    else:
        ratio, rail[few] = np.where(few, 1.0, ratio), "low_requests"
    too_risky = sold.violation_ratio > VIOLATION_TOLERANCE * rules.violation_target
    ratio, rail[too_risky] = np.where(too_risky, 1.0, ratio), "risk_above_stated"
    ceiling = sold.earlier_ratio + GROWTH_PER_DAY * np.maximum(sold.earlier_days, 0.0)
    too_fast = ~np.isnan(ceiling) & (ratio > np.maximum(ceiling, 1.0))
    rail[too_fast] = "growth_limit"
    return Ratios(np.where(too_fast, np.maximum(ceiling, 1.0), ratio), rail)


def _blocked_by(rules: RatioRules) -> str:
    if rules.is_off:
        return "memory_off"
    if rules.is_stale:
        return "stale_data"
    if rules.history_days < MINIMUM_HISTORY_DAYS:
        return "too_little_history"
    return ""
