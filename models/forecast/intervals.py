"""Intervals for many series: how far held-out forecasts missed, by series and distance ahead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.forecast.order_statistics import Single

COVERAGES = (0.5, 0.8, 0.95)

_FLEET_ORIGINS = 8.0
"""The fleet's quantiles count as much as so many origins of a series' own."""

_MOST_VALUES = 60
"""Residuals per series and part of the horizon that quantiles are taken from."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """How far below and above the forecast the bounds lie.

    Parameters
    ----------
    low, high : mapping of float to ndarray of float32, shape (n, buckets)
        By coverage and part of the horizon; added to the forecast.
    bucket : ndarray of int, shape (horizon,)
        Part of the horizon that a step belongs to.
    tried : int
        Steps ahead that were tried; further ones widen with the square root of the distance.
    """

    low: Mapping[float, Single]
    high: Mapping[float, Single]
    bucket: NDArray[np.intp]
    tried: int

    def bands(self, value: Single) -> tuple[dict[float, Single], dict[float, Single]]:
        """Return lower and upper bounds by coverage, shape (n, horizon) each."""
        steps = np.arange(1, value.shape[1] + 1, dtype=np.float32)
        growth = np.sqrt(np.maximum(steps / self.tried, 1))
        return (
            {coverage: value + found[:, self.bucket] * growth for coverage, found in self.low.items()},
            {coverage: value + found[:, self.bucket] * growth for coverage, found in self.high.items()},
        )


def calibrate(residual: Single, bucket: NDArray[np.intp]) -> Calibration:
    """Calibrate on held-out residuals.

    Parameters
    ----------
    residual : ndarray of float32, shape (origins, n, horizon)
        Actual minus forecast; NaN where unknown.
    bucket : ndarray of int, shape (horizon,)
    """
    count = int(bucket[-1]) + 1
    parts = [np.moveaxis(residual[:, :, bucket == index], 1, 0) for index in range(count)]
    sums = np.stack([np.nansum(np.abs(part), axis=2) for part in parts], axis=2)
    seen = np.stack([np.isfinite(part).sum(axis=2) for part in parts], axis=2).astype(np.float32)
    scale = _Scale.of(sums, seen)
    low = {coverage: np.zeros((len(sums), count), dtype=np.float32) for coverage in COVERAGES}
    high = {coverage: np.zeros((len(sums), count), dtype=np.float32) for coverage in COVERAGES}
    reached = 0
    for index, part in enumerate(parts):
        if seen[:, :, index].any():
            reached = index
            below, above = _quantiles(part, scale, index)
            for position, coverage in enumerate(COVERAGES):
                low[coverage][:, index] = np.minimum(below[position], 0)
                high[coverage][:, index] = np.maximum(above[position], 0)
    tried = int(np.flatnonzero(np.isfinite(residual).any(axis=(0, 1)))[-1]) + 1 if seen.any() else 1
    return Calibration(
        {coverage: _widening(found, reached, -1) for coverage, found in low.items()},
        {coverage: _widening(found, reached, 1) for coverage, found in high.items()},
        bucket,
        tried,
    )


@dataclass(frozen=True, eq=False)
class _Scale:
    """Mean absolute residual per series and part of the horizon, drawn towards the shape of the fleet's.

    Parameters
    ----------
    now : ndarray of float32, shape (n, buckets)
    without : ndarray of float32, shape (n, origins, buckets)
        The same, not knowing one origin: the scale by which that origin is judged.
    tries : ndarray of float32, shape (n, buckets)
        Origins that were judged.
    """

    now: Single
    without: Single
    tries: Single

    @classmethod
    def of(cls, sums: Single, seen: Single) -> _Scale:
        total, count, tries = sums.sum(axis=1), seen.sum(axis=1), (seen > 0).sum(axis=1)
        shape = _fleet_shape(total, count)
        overall = total.sum(axis=1, keepdims=True) / np.maximum(count.sum(axis=1, keepdims=True), 1)
        now = _drawn(total / np.maximum(count, 1), tries, shape * overall)
        left, left_count = total[:, None] - sums, count[:, None] - seen
        rest = left.sum(axis=2, keepdims=True) / np.maximum(left_count.sum(axis=2, keepdims=True), 1)
        without = _drawn(left / np.maximum(left_count, 1), tries[:, None] - (seen > 0), shape * rest)
        return cls(now, without, tries.astype(np.float32))


def _drawn(own: Single, tries: NDArray[np.intp], expected: Single) -> Single:
    scale: Single = ((tries * own + _FLEET_ORIGINS * expected) / (tries + _FLEET_ORIGINS)).astype(np.float32)
    return np.maximum(scale, 0)


def _fleet_shape(total: Single, count: Single) -> Single:
    """Return per part of the horizon how large residuals are beside a series' mean one, in the median."""
    overall = total.sum(axis=1, keepdims=True) / np.maximum(count.sum(axis=1, keepdims=True), 1)
    is_known = (count > 0) & (overall > 0)
    ratio = np.divide(total, count * overall, out=np.full_like(total, np.nan), where=is_known)
    shape = np.ones(total.shape[1], dtype=np.float32)
    for index in range(len(shape)):
        known = ratio[is_known[:, index], index]
        shape[index] = known.mean() if len(known) else shape[index - 1]
    return shape


def _quantiles(part: Single, scale: _Scale, index: int) -> tuple[Single, Single]:
    """Return lower and upper quantiles of one part of the horizon, shape (coverages, n)."""
    judged = scale.without[:, :, index, None]
    standard = np.divide(part, judged, out=np.full_like(part, np.nan), where=judged > 0)
    pooled = standard[np.isfinite(standard)]
    tails = np.array([(1 - coverage) / 2 for coverage in COVERAGES])
    fleet = np.quantile(pooled, [tails, 1 - tails]) if len(pooled) else np.zeros((2, len(tails)))
    flat = part.reshape(len(part), -1)
    own_values = flat[:, :: max(flat.shape[1] // _MOST_VALUES, 1)]
    tries = scale.tries[:, index]
    weight = tries / (tries + _FLEET_ORIGINS)
    drawn = (1 - weight) * scale.now[:, index]
    own = _own_quantiles(own_values, tails, int(np.median(tries)))
    return (
        (weight * own[0] + drawn * fleet[0][:, None]).astype(np.float32),
        (weight * own[1] + drawn * fleet[1][:, None]).astype(np.float32),
    )


def _own_quantiles(values: Single, tails: NDArray[np.float64], tries: int) -> NDArray[np.float64]:
    """Return quantiles per series, shape (2, coverages, n): outward by one rank, for so few tries."""
    outward = np.minimum((1 - tails) * (1 + 1 / max(tries, 1)), 1.0)
    ordered = np.sort(values, axis=1)  # NaN goes last
    last = np.maximum(np.isfinite(values).sum(axis=1) - 1, 0)
    ordered[:, 0] = np.nan_to_num(ordered[:, 0])
    rows = np.arange(len(values))
    found = np.empty((2, len(tails), len(values)))
    for side, levels in enumerate((1 - outward, outward)):
        for index, level in enumerate(levels):
            place = level * last
            below = place.astype(np.intp)
            above = np.minimum(below + 1, last)
            part = place - below
            found[side, index] = ordered[rows, below] * (1 - part) + ordered[rows, above] * part
    return found


def _widening(bound: Single, reached: int, direction: int) -> Single:
    """Return the nearest bounds that never come closer further ahead (isotonic regression, min-max form).

    ``direction`` is 1 for upper and -1 for lower bounds.
    """
    outward = bound[:, : reached + 1] * direction
    sums = np.cumsum(np.pad(outward, ((0, 0), (1, 0))), axis=1)
    widened = np.repeat(outward[:, -1:], bound.shape[1], axis=1)
    for index in range(reached + 1):
        best = np.full(len(bound), -np.inf, dtype=np.float32)
        for first in range(index + 1):
            means = [
                (sums[:, last + 1] - sums[:, first]) / (last + 1 - first)
                for last in range(index, reached + 1)
            ]
            best = np.maximum(best, np.minimum.reduce(means))
        widened[:, index] = best
    widened[:, reached + 1 :] = widened[:, reached, None]
    result: Single = widened * direction
    return result
