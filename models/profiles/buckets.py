"""Bucket schemes of the Vertical Pod Autoscaler, by vectorised search over their edges."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.vocabulary.errors import InputError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Buckets:
    """Half-open ranges of values: bucket ``b`` holds ``[starts[b], starts[b + 1])``.

    Parameters
    ----------
    starts : ndarray of float, shape (count,)
        Ascending, beginning with 0. The last bucket is open upwards.
    """

    starts: FloatArray

    @property
    def count(self) -> int:
        """Number of buckets."""
        return len(self.starts)

    @cached_property
    def upper_edges(self) -> FloatArray:
        """Return what a percentile answers per bucket: its end, for the last one its start (VPA's rule)."""
        return np.append(self.starts[1:], self.starts[-1])

    def start(self, bucket: int) -> float:
        """Return the lower edge of a bucket."""
        return float(self.starts[bucket])

    def find(self, values: ArrayLike) -> NDArray[np.int16]:
        """Return the bucket of each value; negative ones fall into the first, huge ones into the last."""
        found = np.searchsorted(self.starts, np.asarray(values, dtype=np.float64), side="right") - 1
        clipped: NDArray[np.int16] = np.maximum(found, 0).astype(np.int16)
        return clipped


def linear_buckets(maximum: float, size: float) -> Buckets:
    """Return buckets of equal size up to a maximum (VPA ``NewLinearHistogramOptions``).

    Raises
    ------
    InputError
        If size or maximum is not positive.
    """
    if size <= 0 or maximum <= 0:
        raise InputError("must be positive", field="bucket size or maximum", value=(size, maximum))
    starts: FloatArray = np.arange(math.ceil(maximum / size) + 1, dtype=np.float64) * size
    return Buckets(starts)


def exponential_buckets(maximum: float, first: float, ratio: float) -> Buckets:
    """Return buckets that grow by ``ratio`` (VPA ``NewExponentialHistogramOptions``).

    ``count = ceil(log_ratio(maximum (ratio - 1) / first + 1)) + 1`` and
    ``start(b) = first (ratio^b - 1) / (ratio - 1)``.

    Raises
    ------
    InputError
        If maximum or first is not positive, or ratio is not above 1.
    """
    if maximum <= 0 or first <= 0 or ratio <= 1:
        raise InputError(
            "must be positive, the ratio above 1", field="buckets", value=(maximum, first, ratio)
        )
    count = math.ceil(math.log(maximum * (ratio - 1) / first + 1, ratio)) + 1
    starts: FloatArray = first * (ratio ** np.arange(count, dtype=np.float64) - 1) / (ratio - 1)
    return Buckets(starts)


CPU_BUCKETS = exponential_buckets(1000.0, 0.01, 1.05)
"""Cores: 176 buckets from 0.01 core, ratio 1.05, as VPA's."""

MEMORY_BUCKETS = exponential_buckets(1e12, 1e7, 1.05)
"""Bytes: 176 buckets from 10^7 bytes, ratio 1.05, as VPA's."""
