"""Histograms on fixed buckets: percentiles as VPA reads them, decay, and merging of stored sparse lists."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from models.profiles.buckets import Buckets, FloatArray, IntArray
from models.vocabulary.errors import InputError
from models.vocabulary.windows import to_utc

EPSILON = 1e-4
"""Weights below this count as nothing (VPA: 0.001 x the smallest sample weight)."""

_MAXIMUM_DECAY_EXPONENT = 100.0


def read_percentiles(counts: FloatArray, probabilities: list[float], buckets: Buckets) -> FloatArray:
    """Return percentiles of many histograms at once: the END of the bucket where the share is reached.

    Parameters
    ----------
    counts : ndarray of float, shape (n, bucket count)
        Non-negative weights.
    probabilities : list of float, length k
        Clipped into 0..1.
    buckets : Buckets

    Returns
    -------
    ndarray of float, shape (n, k)
        In the unit of the buckets; NaN for an empty histogram.
    """
    filled = counts > 0
    cumulative = np.cumsum(counts, axis=1)
    total = cumulative[:, -1]
    first = filled.argmax(axis=1)
    edges = buckets.upper_edges
    answers = np.full((len(counts), len(probabilities)), np.nan)
    for column, probability in enumerate(probabilities):
        threshold = min(max(probability, 0.0), 1.0) * total
        bucket = np.maximum((cumulative >= threshold[:, None]).argmax(axis=1), first)
        answers[:, column] = np.where(total > 0, edges[bucket], np.nan)
    return answers


def count_above(counts: FloatArray, threshold: FloatArray, buckets: Buckets) -> FloatArray:
    """Return the weight per histogram that may lie above a threshold.

    A bucket counts in full unless it ends at or below the threshold, so the answer is never too low.

    Parameters
    ----------
    counts : ndarray of float, shape (n, bucket count)
    threshold : ndarray of float, shape (n,)
    buckets : Buckets
    """
    ends = buckets.upper_edges.copy()
    ends[-1] = np.inf
    above: FloatArray = np.where(ends[None, :] > threshold[:, None] * (1 + 1e-12), counts, 0.0).sum(axis=1)
    return above


def merge_lists(
    bucket_index: pa.ChunkedArray | pa.Array,
    bucket_count: pa.ChunkedArray | pa.Array,
    group: IntArray,
    shape: tuple[int, int],
    weight: FloatArray | None = None,
    *,
    is_single: bool = False,
) -> NDArray[Any]:
    """Add stored sparse histograms into one dense row per group, from Arrow's flat values.

    Parameters
    ----------
    bucket_index, bucket_count : Arrow list arrays of length n
        As stored in ``container_histogram_day``.
    group : ndarray of int, shape (n,)
        Row of the result that each histogram belongs to.
    shape : tuple of int
        Groups and buckets.
    weight : ndarray of float, shape (n,), optional
        Multiplies the counts of each histogram (decay).
    is_single : bool
        Give float32, half the memory; counts are exact up to 16 million.

    Returns
    -------
    ndarray of float, shape ``shape``
    """
    lengths = _to_numpy(pc.list_value_length(bucket_index)).astype(np.int64)
    flat_index = _to_numpy(pc.list_flatten(bucket_index)).astype(np.int64)
    flat_count = _to_numpy(pc.list_flatten(bucket_count)).astype(np.float64)
    if weight is not None:
        flat_count *= np.repeat(weight, lengths)
    cell = np.repeat(group, lengths) * shape[1] + flat_index
    # adding into zeros touches only the pages that are counted in; bincount fills and copies all of them
    merged = np.zeros(shape[0] * shape[1], dtype=np.float32 if is_single else np.float64)
    np.add.at(merged, cell, flat_count.astype(merged.dtype, copy=False))
    return merged.reshape(shape)


def decay_weight(age: FloatArray, half_life: timedelta) -> FloatArray:
    """Return ``2^(-age / half_life)``.

    Parameters
    ----------
    age : ndarray of float
        Seconds; younger than zero counts as zero.
    half_life : timedelta
    """
    weights: FloatArray = np.exp2(-np.maximum(age, 0.0) / half_life.total_seconds())
    return weights


class Histogram:
    """Weights per bucket, as VPA's ``histogram`` (``util/histogram.go``)."""

    def __init__(self, buckets: Buckets) -> None:
        self.buckets = buckets
        self.weights: FloatArray = np.zeros(buckets.count)

    def add(self, value: float, weight: float) -> None:
        """Add a sample."""
        self.weights[int(self.buckets.find([value])[0])] += weight

    def is_empty(self) -> bool:
        """Whether no bucket holds a weight that counts."""
        return bool((self.weights < EPSILON).all())

    def percentile(self, probability: float) -> float:
        """Return the end of the bucket that reaches the share; 0 when empty, as VPA does."""
        counted = np.where(self.weights >= EPSILON, self.weights, 0.0)
        answer = float(read_percentiles(counted[None, :], [probability], self.buckets)[0, 0])
        return 0.0 if np.isnan(answer) else answer

    def merge(self, other: Histogram) -> None:
        """Add the other's weights.

        Raises
        ------
        InputError
            If the buckets differ.
        """
        if not np.array_equal(self.buckets.starts, other.buckets.starts):
            raise InputError("have other buckets and cannot be merged", field="histograms")
        self.weights = self.weights + other.weights


class DecayingHistogram(Histogram):
    """Weights that halve every half-life, by giving younger samples more (``util/decaying_histogram.go``)."""

    def __init__(self, buckets: Buckets, half_life: timedelta) -> None:
        super().__init__(buckets)
        self.half_life = half_life
        self._reference: datetime | None = None

    def add_at(self, value: float, weight: float, at: datetime) -> None:
        """Add a sample observed at an instant."""
        self.add(value, weight * self._growth(to_utc(at)))

    def _growth(self, at: datetime) -> float:
        if self._reference is None:
            self._reference = at
        exponent = (at - self._reference) / self.half_life
        if exponent > _MAXIMUM_DECAY_EXPONENT:
            self.weights = self.weights * 2.0**-exponent
            self._reference, exponent = at, 0.0
        return float(2.0**exponent)


def _to_numpy(array: Any) -> Any:
    flat = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    return flat.to_numpy(zero_copy_only=False)
