"""What a statistic reads: the use of many containers of workloads, day by day."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.profiles.buckets import FloatArray

CountArray = NDArray[np.floating]
"""Counts as float32 or float64."""


@dataclass(frozen=True, eq=False)
class DailyUse:
    """Use of n containers of workloads over consecutive UTC days, pods pooled; the newest day is the last.

    Parameters
    ----------
    cpu_counts : ndarray of float, shape (n, days, 176)
        5-minute samples per CPU bucket; all zero where the container did not run.
    memory_maxima : ndarray of float, shape (n, days)
        Largest memory of the day over all pods, start-up included, bytes; NaN where it did not run.
    cpu_requests, memory_requests : ndarray of float, shape (n, days)
        In force, cores and bytes; NaN where unset.
    replicas : ndarray of float, shape (n, days)
        Mean replicas.
    memory_oom_bytes : ndarray of float, shape (n, days), optional
        Larger of memory use and limit in an hour with an OOM kill; NaN on days without one.
    first_weekday : int
        Weekday of the first day, Monday is 0.
    memory_counts : ndarray of float, shape (n, days, 176), optional
        5-minute memory maxima per bucket; only other systems' rules read it.
    """

    cpu_counts: CountArray
    memory_maxima: FloatArray
    cpu_requests: FloatArray
    memory_requests: FloatArray
    replicas: FloatArray
    memory_oom_bytes: FloatArray | None = None
    first_weekday: int = 0
    memory_counts: CountArray | None = None

    @property
    def size(self) -> int:
        """Number of containers."""
        return len(self.memory_maxima)

    @property
    def day_count(self) -> int:
        """Number of days."""
        return int(self.memory_maxima.shape[1])

    def days(self, first: int, end: int) -> DailyUse:
        """Return the days ``first <= day < end`` of all containers, as views."""
        oom = self.memory_oom_bytes
        return DailyUse(
            self.cpu_counts[:, first:end],
            self.memory_maxima[:, first:end],
            self.cpu_requests[:, first:end],
            self.memory_requests[:, first:end],
            self.replicas[:, first:end],
            None if oom is None else oom[:, first:end],
            (self.first_weekday + first) % 7,
            None if self.memory_counts is None else self.memory_counts[:, first:end],
        )

    def rows(self, chosen: slice | NDArray[np.int64] | NDArray[np.bool_]) -> DailyUse:
        """Return some containers."""
        oom = self.memory_oom_bytes
        return replace(
            self,
            cpu_counts=self.cpu_counts[chosen],
            memory_maxima=self.memory_maxima[chosen],
            cpu_requests=self.cpu_requests[chosen],
            memory_requests=self.memory_requests[chosen],
            replicas=self.replicas[chosen],
            memory_oom_bytes=None if oom is None else oom[chosen],
            memory_counts=None if self.memory_counts is None else self.memory_counts[chosen],
        )
