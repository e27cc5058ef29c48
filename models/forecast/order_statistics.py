"""Medians of a few arrays, element by element: minima and maxima only, so large ones cost little."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Single = NDArray[np.float32]
"""Forecasting works on series of about unit size, in single precision: half the memory, twice the speed."""


def median_of(arrays: Sequence[Single]) -> Single:
    """Return the median of arrays of one shape, element by element; of an even number the middle's mean.

    Parameters
    ----------
    arrays : sequence of ndarray of float32
        At least one, of equal shape; not changed.
    """
    ordered = list(arrays)
    count = len(ordered)
    # Bubbles the largest ones up until the middle stands: cheaper than a sort while there are few arrays.
    for last in range(count - 1, (count - 1) // 2 - 1, -1):
        for index in range(last):
            low = np.minimum(ordered[index], ordered[index + 1])
            ordered[index + 1] = np.maximum(ordered[index], ordered[index + 1])
            ordered[index] = low
    if count % 2:
        return ordered[count // 2]
    middle: Single = (ordered[count // 2 - 1] + ordered[count // 2]) * np.float32(0.5)
    return middle
