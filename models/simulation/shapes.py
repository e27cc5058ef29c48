"""Demand of a workload over time, relative to its mean."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from models.simulation.distributions import HOUR_LEVEL, WEEKDAY_LEVEL
from models.simulation.noise import hash_steps, normal, uniform
from models.simulation.scenario import Shape, WorkloadPlan

Float = NDArray[np.float64]
Int = NDArray[np.int64]

_DAY = 86_400
_EPOCH_WEEKDAY = 3
"""1 January 1970 was a Thursday; Monday is 0."""
_KNOT_SECONDS = 6 * 3600

SHAPE_LOG_SD = {
    Shape.STEADY: 0.0, Shape.DAILY: 0.38, Shape.WEEKLY: 0.46, Shape.BURSTY: 0.43, Shape.NIGHT_BATCH: 1.20,
    Shape.GROWING: 0.29, Shape.LEAKING: 0.0, Shape.IDLE: 0.0, Shape.FLASH_SALE: 0.46,
}  # fmt: skip
"""Standard deviation of the logarithm of each curve over a fortnight: part of a recorded series' spread."""


def demand_level(plan: WorkloadPlan, times: Int, span: tuple[int, int], seed: int) -> Float:
    """Return the demand of a workload relative to its mean at each time.

    Parameters
    ----------
    plan : WorkloadPlan
        Its shape, phase and flash sales count.
    times : int array
        Unix seconds, rising.
    span : (int, int)
        Start and end of the scenario, between which a growing workload grows.
    seed : int
    """
    local = times + plan.phase_hours * 3600
    return np.maximum(_CURVES[plan.shape](plan, local, span, seed), 0.0)


def slow_noise(seed: int, times: Int) -> Float:
    """Return nearly normal noise that moves over hours: straight lines between values 6 hours apart."""
    knots, within = np.divmod(times, _KNOT_SECONDS)
    seeds = np.full(1, seed, dtype=np.uint64)
    first, inverse = np.unique(knots, return_inverse=True)
    here, following = normal(hash_steps(seeds, first)), normal(hash_steps(seeds, first + 1))
    share = within / _KNOT_SECONDS
    value = here[inverse] * (1 - share) + following[inverse] * share
    return np.asarray(value / np.sqrt(share**2 + (1 - share) ** 2))


def _hour_curve(times: Int) -> Float:
    hours = np.append(np.array(HOUR_LEVEL), HOUR_LEVEL[0])
    return np.asarray(np.interp((times % _DAY) / 3600, np.arange(25), hours))


def _weekday_curve(times: Int) -> Float:
    return np.asarray(np.array(WEEKDAY_LEVEL)[(times // _DAY + _EPOCH_WEEKDAY) % 7])


def _steady(plan: WorkloadPlan, times: Int, span: tuple[int, int], seed: int) -> Float:
    return np.ones(len(times))


def _daily(plan: WorkloadPlan, times: Int, span: tuple[int, int], seed: int) -> Float:
    return _hour_curve(times)


def _weekly(plan: WorkloadPlan, times: Int, span: tuple[int, int], seed: int) -> Float:
    return _hour_curve(times) * _weekday_curve(times)


def _bursty(plan: WorkloadPlan, times: Int, span: tuple[int, int], seed: int) -> Float:
    draws = uniform(hash_steps(np.full(1, seed, dtype=np.uint64), times // 1800))
    burst = 3.0 + 5.0 * uniform(hash_steps(np.full(1, seed + 1, dtype=np.uint64), times // 1800))
    return np.where(draws < 0.06, burst, 0.72)


def _night_batch(plan: WorkloadPlan, times: Int, span: tuple[int, int], seed: int) -> Float:
    hour = times % _DAY // 3600
    return np.where((hour >= 1) & (hour < 5), 5.0, 0.2)


def _growing(plan: WorkloadPlan, times: Int, span: tuple[int, int], seed: int) -> Float:
    progress = (times - span[0]) / (span[1] - span[0])
    return (0.6 + 0.8 * progress) * (0.5 + 0.5 * _weekly(plan, times, span, seed))


def _idle(plan: WorkloadPlan, times: Int, span: tuple[int, int], seed: int) -> Float:
    return np.full(len(times), 0.01)


def _flash_sale(plan: WorkloadPlan, times: Int, span: tuple[int, int], seed: int) -> Float:
    level = _weekly(plan, times, span, seed)
    for begin in plan.sale_at:
        since = times - plan.phase_hours * 3600 - begin
        level = level + np.where((since >= 0) & (since < 7200), 8.0 * np.exp(-np.abs(since) / 3600.0), 0.0)
    return level


_CURVES: dict[Shape, Callable[[WorkloadPlan, Int, tuple[int, int], int], Float]] = {
    Shape.STEADY: _steady,
    Shape.DAILY: _daily,
    Shape.WEEKLY: _weekly,
    Shape.BURSTY: _bursty,
    Shape.NIGHT_BATCH: _night_batch,
    Shape.GROWING: _growing,
    Shape.LEAKING: _steady,
    Shape.IDLE: _idle,
    Shape.FLASH_SALE: _flash_sale,
}
