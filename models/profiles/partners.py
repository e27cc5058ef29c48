"""Workloads whose peaks fall at different times: what they need together is less than their peaks added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from models.profiles.buckets import FloatArray, IntArray
from models.vocabulary.errors import InputError

MOST_WORKLOADS = 500
"""Pairs are formed among this many workloads, those with the largest peak above their mean."""

LEAST_PEAK_CORES = 0.1
"""Smaller workloads are left out: nobody moves one for the sake of a few millicores."""

_PAIRS_AT_ONCE = 4096

Name = TypeVar("Name")


@dataclass(frozen=True)
class Partner(Generic[Name]):
    """Two workloads side by side.

    Parameters
    ----------
    workload, partner
        As they were given.
    peak_cores, partner_peak_cores : float
        Largest hourly mean of each alone.
    pooled_peak_cores : float
        Largest hourly mean of both together.
    gain_ratio : float
        ``1 - pooled peak / (peak + peak)``: 0 when both peak in the same hour, 0.5 when one rests while the
        other works and both are equally large.
    """

    workload: Name
    partner: Name
    peak_cores: float
    partner_peak_cores: float
    pooled_peak_cores: float
    gain_ratio: float


def find_partners(
    names: Sequence[Name], use: FloatArray, *, per_workload: int = 3, most: int = MOST_WORKLOADS
) -> list[Partner[Name]]:
    """Return the best partners of each workload, the best pair first.

    Parameters
    ----------
    names : sequence of length n
    use : ndarray of float, shape (n, hours)
        Cores of all replicas of each workload; hours in which it did not run are 0 or NaN.
    per_workload : int
        Partners named per workload.
    most : int
        See `MOST_WORKLOADS`.

    Raises
    ------
    InputError
        If names and series differ in number, or ``per_workload`` is not positive.
    """
    if len(names) != len(use):
        raise InputError("must have one series each", field="workloads", value=(len(names), len(use)))
    if per_workload < 1:
        raise InputError("must be at least 1", field="per_workload", value=per_workload)
    series = np.nan_to_num(use)
    chosen = _choose(series, most)
    if len(chosen) < 2:
        return []
    peaks = series[chosen].max(axis=1)
    pooled = _pool(series[chosen])
    gain = 1.0 - pooled / (peaks[:, None] + peaks[None, :])
    np.fill_diagonal(gain, -np.inf)
    order = np.argsort(-gain, axis=1, kind="stable")[:, : min(per_workload, len(chosen) - 1)]
    found = [
        Partner(
            names[chosen[one]],
            names[chosen[other]],
            float(peaks[one]),
            float(peaks[other]),
            float(pooled[one, other]),
            float(gain[one, other]),
        )
        for one in range(len(chosen))
        for other in order[one].tolist()
    ]
    return sorted(found, key=lambda pair: -pair.gain_ratio)


def _choose(series: FloatArray, most: int) -> IntArray:
    """Return the workloads worth pairing, in their order: large enough, and the largest above their mean."""
    if series.shape[1] == 0:
        return np.zeros(0, dtype=np.int64)
    peak = series.max(axis=1)
    swing = peak - series.mean(axis=1)
    large = np.flatnonzero(peak >= LEAST_PEAK_CORES)
    return np.sort(large[np.argsort(-swing[large], kind="stable")[:most]])


def _pool(series: FloatArray) -> FloatArray:
    """Return the peak of each pair together, shape (n, n)."""
    size = len(series)
    pooled = np.empty((size, size))
    rows = max(_PAIRS_AT_ONCE // size, 1)
    for first in range(0, size, rows):
        part = series[first : first + rows]
        pooled[first : first + rows] = (part[:, None, :] + series[None, :, :]).max(axis=2)
    return pooled
