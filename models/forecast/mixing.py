"""Mixes of models for many series: what each model missed, and what the weighed mix says and missed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from models.forecast.order_statistics import Single
from models.forecast.rolling import CandidateSet, Plan
from models.forecast.weights import Losses, weigh_models

_CHUNK = 500
"""Series whose forecasts by all models are in memory at once."""

_MIXED_EVERY = 2
"""Of so many origins one is mixed: enough to know how far the mix misses, at half the time."""


def measure_losses(candidates: CandidateSet, target: Single) -> Losses:
    """Return the absolute errors of all models at every origin but the present one.

    Parameters
    ----------
    candidates : CandidateSet
    target : ndarray of float32, shape (n, steps)
        What was seen; NaN where nothing was.
    """
    plan, names = candidates.plan, candidates.names
    shape = (len(plan.origins) - 1, len(target), plan.bucket_count)
    total = np.zeros((len(names), *shape), dtype=np.float32)
    count = np.zeros(shape, dtype=np.float32)
    for rows in _chunks(len(target)):
        for position, origin in enumerate(plan.origins[:-1]):
            actual = target[rows, origin : origin + plan.horizon]
            is_seen = np.isfinite(actual)
            known = np.where(is_seen, actual, np.float32(0))
            starts = _bucket_starts(plan, actual.shape[1])
            inside = slice(0, len(starts))
            count[position, rows, inside] = np.add.reduceat(is_seen, starts, axis=1, dtype=np.float32)
            for model, forecast in enumerate(candidates.predict(rows, position)):
                miss = np.abs(np.subtract(forecast, known, out=forecast), out=forecast)
                miss *= is_seen
                total[model, position, rows, inside] = np.add.reduceat(miss, starts, axis=1)
    return Losses(names, total, count)


def held_out_positions(plan: Plan) -> list[int]:
    """Return the positions of the origins at which mixes are judged, oldest first."""
    return list(range(len(plan.origins) - 2, -1, -_MIXED_EVERY))[::-1]


def mix_past(candidates: CandidateSet, target: Single, losses: Losses) -> Single:
    """Return what the mix missed at held-out origins, weighed by what was learned from all others.

    Returns
    -------
    ndarray of float32, shape (held-out origins, n, horizon)
        Actual minus forecast; NaN where nothing was seen or the history ends.
    """
    plan = candidates.plan
    positions = held_out_positions(plan)
    residual = np.full((len(positions), len(target), plan.horizon), np.nan, dtype=np.float32)
    for index, position in enumerate(positions):
        origin = plan.origins[position]
        weights = weigh_models(losses, without_origin=position)
        for rows in _chunks(len(target)):
            actual = target[rows, origin : origin + plan.horizon]
            mixed = _mixed(candidates, rows, position, weights[:, rows])
            residual[index, rows, : actual.shape[1]] = actual - mixed
    return residual


def mix_present(candidates: CandidateSet, weights: Single) -> Single:
    """Return the weighed forecast from the end of the history, shape (n, horizon)."""
    present = len(candidates.plan.origins) - 1
    parts = [_mixed(candidates, rows, present, weights[:, rows]) for rows in _chunks(weights.shape[1])]
    return np.concatenate(parts)


def _mixed(candidates: CandidateSet, rows: slice, position: int, weights: Single) -> Single:
    mixed: Single | None = None
    for weight, forecast in zip(weights, candidates.predict(rows, position), strict=True):
        starts = _bucket_starts(candidates.plan, forecast.shape[1])
        for bucket, (first, last) in enumerate(zip(starts, [*starts[1:], forecast.shape[1]], strict=True)):
            forecast[:, first:last] *= weight[:, bucket, None]
        mixed = forecast if mixed is None else np.add(mixed, forecast, out=mixed)
    assert mixed is not None
    return mixed


def _bucket_starts(plan: Plan, steps: int) -> list[int]:
    return np.flatnonzero(np.diff(plan.bucket[:steps], prepend=-1)).tolist()


def _chunks(count: int) -> Iterator[slice]:
    return (slice(first, min(first + _CHUNK, count)) for first in range(0, count, _CHUNK))
