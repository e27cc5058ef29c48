"""Replicas that behave unlike the rest of their workload: a robust test per workload and day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.profiles.buckets import FloatArray, IntArray
from models.profiles.pod_days import PodDays
from models.profiles.rows import BoolArray

ALPHA = 1e-3
WORKLOADS_PER_FAMILY = 1000
"""The chance of one false alarm in a fleet of this many homogeneous workloads is at most `ALPHA`."""

LEAST_PODS = 5
LEAST_RATIO = 2.0
"""Beside the test: an outlier uses at least this multiple of the median of its siblings, or its inverse."""

LARGEST_SHARE = 0.2
"""When more pods than this stand out on a day, the workload is a mixture and nobody is an outlier."""

ROLE_PODS = 3
"""Different pods that take turns in standing out: a role such as a leader, not a fault."""

IDENTITY_KINDS = frozenset({"StatefulSet", "DaemonSet", "StrimziPodSet", "AdvancedStatefulSet"})
"""Kinds whose pods are not interchangeable: another index or another node may rightly use more."""

_SMALLEST_SPREAD = 0.05
_CANDIDATE = 5.0
_MAD_TO_SIGMA = 1.4826
_LEAST_DAY_RATIO = 0.25
_LEAST_SIBLING_RATIO = 0.75


@dataclass(frozen=True, eq=False)
class Outliers:
    """Pod-days that stand out; arrays have shape (pod-days,).

    Parameters
    ----------
    cpu, memory : ndarray of bool
    cpu_ratio, memory_ratio : ndarray of float
        Use over the median of the workload's pods on that day.
    is_left_out : ndarray of bool
        CPU outliers that the profile leaves out: a subset of ``cpu``. Memory is never left out, because a
        maximum that is too low kills, while a replica that is short of CPU is only slow.
    """

    cpu: BoolArray
    memory: BoolArray
    cpu_ratio: FloatArray
    memory_ratio: FloatArray
    is_left_out: BoolArray


def find_outliers(pods: PodDays, has_identity: BoolArray) -> Outliers:
    """Compare each pod with its siblings of the same container and day, by the logarithm of its use.

    Centre is the median. The spread is the standard deviation of the siblings that lie within five
    deviations by the median absolute deviation (MAD), so that outliers do not hide themselves; a pod stands
    out beyond Student's t at ``1e-3 / (1000 x comparisons of its workload)`` (Bonferroni) and at twice or
    half the median. Only pods observed for about the same part of the day are compared.

    Parameters
    ----------
    pods : PodDays
    has_identity : ndarray of bool, shape (containers,)
        Whether the pods of a container are not interchangeable.
    """
    largest = _largest_samples(pods)
    comparable = pods.cpu_samples >= np.maximum(
        _LEAST_DAY_RATIO * pods.cpu_samples.max(initial=1.0), _LEAST_SIBLING_RATIO * largest
    )
    cpu, cpu_ratio = _stand_out(pods, np.where(comparable, pods.cpu_serving_mean, np.nan))
    memory, memory_ratio = _stand_out(pods, np.where(comparable, pods.memory_max, np.nan))
    left_out = cpu & ~has_identity[pods.container] & ~_is_role(pods, cpu)
    return Outliers(cpu, memory, cpu_ratio, memory_ratio, left_out)


def _group_of(pods: PodDays) -> IntArray:
    return pods.container * (int(pods.day.max(initial=0)) + 1) + pods.day


def _largest_samples(pods: PodDays) -> FloatArray:
    groups, group = np.unique(_group_of(pods), return_inverse=True)
    best = np.zeros(len(groups))
    np.maximum.at(best, group, pods.cpu_samples)
    return best[group]


def _stand_out(pods: PodDays, use: FloatArray) -> tuple[BoolArray, FloatArray]:
    """Return which pod-days stand out, and their use over the median of their group."""
    flagged, ratio = np.zeros(pods.count, dtype=np.bool_), np.full(pods.count, np.nan)
    rows = np.flatnonzero(use > 0)
    _, group, size = np.unique(_group_of(pods)[rows], return_inverse=True, return_counts=True)
    enough = size[group] >= LEAST_PODS
    rows, group = rows[enough], group[enough]
    if len(rows) == 0:
        return flagged, ratio
    _, group, size = np.unique(group, return_inverse=True, return_counts=True)
    level = np.log(use[rows])
    away = level - median_per(group, level, len(size))[group]
    distance = np.abs(away) / _spread(group, away, size)[group]
    limit = _limit(pods, rows, group, size)
    found = (distance > limit) & (np.abs(away) >= np.log(LEAST_RATIO))
    share = np.bincount(group, weights=found, minlength=len(size)) / size
    flagged[rows] = found & (share[group] <= LARGEST_SHARE)
    ratio[rows] = np.exp(away)
    return flagged, ratio


def _spread(group: IntArray, away: FloatArray, size: IntArray) -> FloatArray:
    """Return the spread of each group without its candidates for outliers."""
    mad = np.maximum(_MAD_TO_SIGMA * median_per(group, np.abs(away), len(size)), _SMALLEST_SPREAD)
    inside = np.abs(away) <= _CANDIDATE * mad[group]
    kept = np.bincount(group[inside], minlength=len(size))
    total = np.bincount(group[inside], weights=away[inside] ** 2, minlength=len(size))
    # The centre is a median of few values: it errs too, by up to pi/2 of the mean's variance.
    spread: FloatArray = np.sqrt(total / np.maximum(kept - 1, 1) * (1 + np.pi / 2 / size))
    return np.maximum(spread, _SMALLEST_SPREAD)


def _limit(pods: PodDays, rows: IntArray, group: IntArray, size: IntArray) -> FloatArray:
    """Return Student's t of each comparison; the degrees of freedom leave out a fifth of the pods."""
    from scipy.special import stdtrit

    container = pods.container[rows]
    comparisons = np.bincount(container)[container]
    freedom = np.maximum(np.floor(size * (1 - LARGEST_SHARE)) - 1, 1)[group]
    limit: FloatArray = -stdtrit(freedom, ALPHA / WORKLOADS_PER_FAMILY / comparisons / 2)
    return limit


def median_per(group: IntArray, values: FloatArray, groups: int) -> FloatArray:
    """Return the median per group; every group has a value."""
    order = np.lexsort((values, group))
    ordered = values[order]
    size = np.bincount(group, minlength=groups)
    first = np.cumsum(size) - size
    median: FloatArray = (ordered[first + (size - 1) // 2] + ordered[first + size // 2]) / 2
    return median


def _is_role(pods: PodDays, flagged: BoolArray) -> BoolArray:
    """Return which pod-days belong to containers in which several pods stood out in turns."""
    containers = int(pods.container.max(initial=-1)) + 1
    rows = np.flatnonzero(flagged)
    each = np.unique(np.stack([pods.container[rows], pods.pod[rows]]), axis=1)
    different = np.bincount(each[0], minlength=containers)
    days, per_day = np.unique(_group_of(pods)[rows], return_counts=True)
    most = np.zeros(containers, dtype=np.int64)
    np.maximum.at(most, days // (int(pods.day.max(initial=0)) + 1), per_day)
    is_role: BoolArray = different >= ROLE_PODS * np.maximum(most, 1)
    return is_role[pods.container]
