"""What each pod of a workload's container used on each day, from its daily histograms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.profiles.buckets import FloatArray, IntArray
from models.profiles.rows import BoolArray, HistogramRows

WHOLE_DAY_RATIO = 0.9
"""A pod-day with this share of the most samples that any pod has in a day can be compared with other days."""


@dataclass(frozen=True, eq=False)
class PodDays:
    """One entry per container, pod and day, in that order; arrays have shape (entries,).

    Parameters
    ----------
    container, pod, revision, day : ndarray of int
        As in `HistogramRows`.
    first_row : ndarray of int
        One histogram row of each entry.
    slot : ndarray of int, shape (histogram rows,)
        Entry of each histogram row.
    cpu_total, cpu_samples : ndarray of float
        Sum and number of 5-minute means in cores, start-up included.
    cpu_serving_mean : ndarray of float
        Mean cores without start-up; NaN where there is none.
    memory_max : ndarray of float
        Bytes, start-up included; NaN where nothing was measured.
    """

    container: IntArray
    pod: IntArray
    revision: IntArray
    day: IntArray
    first_row: IntArray
    slot: IntArray
    cpu_total: FloatArray
    cpu_samples: FloatArray
    cpu_serving_mean: FloatArray
    memory_max: FloatArray

    @property
    def count(self) -> int:
        """Number of entries."""
        return len(self.container)

    @property
    def is_whole(self) -> BoolArray:
        """Which entries cover nearly a whole day, so that no hour of the day is missing in them."""
        whole: BoolArray = self.cpu_samples >= WHOLE_DAY_RATIO * self.cpu_samples.max(initial=1.0)
        return whole


def collect_pod_days(rows: HistogramRows) -> PodDays:
    """Return the use of each pod on each day."""
    pods = int(rows.pod.max(initial=0)) + 1
    days = int(rows.day.max(initial=0)) + 1
    key = (rows.container * pods + rows.pod) * days + rows.day
    slots, first_row, slot = np.unique(key, return_index=True, return_inverse=True)
    size = len(slots)
    is_cpu = rows.is_statistic("cpu_mean_5m")

    def summed(values: FloatArray, mask: BoolArray) -> FloatArray:
        return np.bincount(slot[mask], weights=values[mask], minlength=size).astype(np.float64, copy=False)

    serving = is_cpu & ~rows.is_startup
    served = summed(rows.samples, serving)
    mean = np.divide(summed(rows.total, serving), served, out=np.full(size, np.nan), where=served > 0)
    is_memory = rows.is_statistic("memory_max_5m")
    return PodDays(
        container=slots // days // pods,
        pod=slots // days % pods,
        revision=rows.revision[first_row],
        day=slots % days,
        first_row=first_row,
        slot=slot.astype(np.int64, copy=False),
        cpu_total=summed(rows.total, is_cpu),
        cpu_samples=summed(rows.samples, is_cpu),
        cpu_serving_mean=mean,
        memory_max=largest_per(slot[is_memory], rows.maximum[is_memory], size),
    )


def largest_per(group: IntArray, values: FloatArray, groups: int) -> FloatArray:
    """Return the largest known value per group, NaN where there is none."""
    best = np.full(groups, np.nan)
    np.fmax.at(best, group, values)
    return best


def smallest_per(group: IntArray, values: FloatArray, groups: int) -> FloatArray:
    """Return the smallest known value per group, NaN where there is none."""
    return -largest_per(group, -values, groups)


def sum_per(group: IntArray, values: FloatArray, groups: int) -> FloatArray:
    """Return the sum of known values per group."""
    return np.bincount(group, weights=np.nan_to_num(values), minlength=groups).astype(np.float64, copy=False)
