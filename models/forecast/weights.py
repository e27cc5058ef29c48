"""How much each model counts for each series: by its own past error, drawn towards that of the fleet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.forecast.candidates import NAIVE
from models.forecast.order_statistics import Single

_FLEET_ORIGINS = 6.0
"""The fleet's mean error counts as much as so many origins of a series' own."""

_SHARPNESS = 16.0
"""A model that errs 10 % more than the best one weighs ``exp(-1.6)`` times as much: a fifth."""

_SWITCH_PENALTY = 1.05
"""A model that is not naive must err 5 % less than the naive one to count as much."""

_MOST_RELATIVE_ERROR = 4.0
_SMALL = 0.02
_TINY = 1e-9


@dataclass(frozen=True, eq=False)
class Losses:
    """Absolute errors of a back-test.

    Parameters
    ----------
    names : tuple of str, length m
        The naive ones first.
    total : ndarray of float32, shape (m, origins, n, buckets)
        Sum over the steps of each part of the horizon.
    count : ndarray of float32, shape (origins, n, buckets)
        Steps that were there to compare with.
    """

    names: tuple[str, ...]
    total: Single
    count: Single

    @property
    def naive_count(self) -> int:
        """Models that are naive."""
        return sum(name in NAIVE for name in self.names)


def weigh_models(losses: Losses, *, without_origin: int | None = None) -> Single:
    """Return the weight of every model per series and part of the horizon; they sum to one.

    The error of each model is taken relative to the series' best naive one, averaged with the fleet's mean
    (the fewer origins, the more), and turned into weights ``exp(-16 (e / best - 1))``.

    Parameters
    ----------
    losses : Losses
    without_origin : int, optional
        Position of an origin that is judged by these weights and so must not make them.

    Returns
    -------
    ndarray of float32, shape (m, n, buckets)
    """
    total, count = losses.total.sum(axis=1), losses.count.sum(axis=0)
    tries = (losses.count > 0).sum(axis=0).astype(np.float32)
    if without_origin is not None:
        total = total - losses.total[:, without_origin]
        count = count - losses.count[without_origin]
        tries = tries - (losses.count[without_origin] > 0)
    relative = _relative(np.maximum(total, 0) / np.maximum(count, 1), losses.naive_count)
    known = (count > 0).astype(np.float32)
    fleet = (relative * known).sum(axis=1) / np.maximum(known.sum(axis=0), 1)
    error = (tries * relative * known + _FLEET_ORIGINS * fleet[:, None]) / (tries * known + _FLEET_ORIGINS)
    error[losses.naive_count :] *= _SWITCH_PENALTY
    error = _carried_forward(error, known.any(axis=0))
    best = np.maximum(error.min(axis=0), _TINY)
    weights = np.exp(-_SHARPNESS * np.minimum(error / best - 1, 5))
    weights /= weights.sum(axis=0)
    found: Single = weights.astype(np.float32)
    return found


def _relative(mean: Single, naive_count: int) -> Single:
    """Return errors as multiples of the best naive one; a model far off counts as four times as bad."""
    scale = mean[:naive_count].min(axis=0) + _SMALL * np.median(mean, axis=0)
    same = np.where(scale > 0, scale, 1)
    relative: Single = np.where(scale > 0, np.minimum(mean / same, _MOST_RELATIVE_ERROR), 1)
    return relative


def _carried_forward(error: Single, is_tried: np.ndarray) -> Single:
    """Give a part of the horizon that no origin reached the errors of the part before it."""
    last: int | None = None
    for bucket, tried in enumerate(is_tried):
        if tried:
            last = bucket
        elif last is not None:
            error[:, :, bucket] = error[:, :, last]
    return error


def name_mixes(names: Sequence[str], weights: Single) -> list[str]:
    """Return one name per series: the model with most weight, or those with a quarter of it or more.

    Parameters
    ----------
    weights : ndarray of float32, shape (m, n)
        Summing to one.
    """
    order = np.argsort(-weights, axis=0, kind="stable")
    found = []
    for series in range(weights.shape[1]):
        picked = [index for index in order[:3, series] if weights[index, series] >= 0.25]
        found.append(" + ".join(names[index] for index in picked or order[:1, series]))
    return found


def only_model(shape: tuple[int, ...], model: int) -> Single:
    """Return weights of that shape that give everything to one model."""
    weights = np.zeros(shape, dtype=np.float32)
    weights[model] = 1
    return weights
