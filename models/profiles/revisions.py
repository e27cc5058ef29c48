"""Revisions of a workload told apart: what each used, and whether the newest is unlike those before it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.profiles.buckets import FloatArray, IntArray
from models.profiles.pod_days import PodDays, largest_per, smallest_per, sum_per
from models.profiles.rows import BoolArray

CLEAR_RATIO = 1.25
"""Two revisions differ clearly when their means differ by this factor and their ranges do not touch."""

_RANGE_GAP = 1.1
_LEAST_NEW_DAYS = 1
_LEAST_OLD_DAYS = 2
_LEAST_DAYS_TO_LOWER_MEMORY = 3
"""A fresh process has small caches: lower memory is believed later than lower CPU."""
_LEAST_SHARE = 0.5


@dataclass(frozen=True, eq=False)
class Revisions:
    """One entry per container and revision, oldest first within a container; arrays have shape (entries,).

    Parameters
    ----------
    container, first_day, last_day : ndarray of int
    first_row : ndarray of int
        One pod-day of each entry.
    samples : ndarray of float
    of_pod_day : ndarray of int, shape (pod-days,)
        Entry of each pod-day; -1 without a revision.
    cpu_ratio, memory_ratio : ndarray of float, shape (containers,)
        New over old daily use where the new revision is unlike, else NaN.
    keeps_cpu, keeps_memory : ndarray of bool, shape (pod-days,)
        Whether the profile goes by this pod-day.
    first_day_kept : ndarray of int, shape (containers,)
        First day that only revisions have which the profile follows; 0 where it follows all.
    """

    container: IntArray
    first_day: IntArray
    last_day: IntArray
    first_row: IntArray
    samples: FloatArray
    of_pod_day: IntArray
    cpu_ratio: FloatArray
    memory_ratio: FloatArray
    keeps_cpu: BoolArray
    keeps_memory: BoolArray
    first_day_kept: IntArray

    @property
    def is_unlike(self) -> BoolArray:
        """Whether the newest revision of a container is unlike an earlier one, shape (containers,)."""
        return ~np.isnan(self.cpu_ratio) | ~np.isnan(self.memory_ratio)


@dataclass(frozen=True, eq=False)
class _DayRanges:
    """Smallest, largest, sum and number of whole days of entries, weekdays and weekends: (entries, 2)."""

    low: FloatArray
    high: FloatArray
    total: FloatArray
    days: FloatArray

    def take(self, rows: IntArray) -> _DayRanges:
        """Return some entries."""
        return _DayRanges(self.low[rows], self.high[rows], self.total[rows], self.days[rows])

    def join(self, rows: IntArray, other: _DayRanges) -> None:
        """Widen some entries by others, in place."""
        self.low[rows] = np.fmin(self.low[rows], other.low)
        self.high[rows] = np.fmax(self.high[rows], other.high)
        self.total[rows] += other.total
        self.days[rows] += other.days


def compare_revisions(pods: PodDays, containers: int, first_weekday: int, is_batch: BoolArray) -> Revisions:
    """Find the containers whose newest revision differs clearly from those before it.

    Compared are daily values (mean CPU per pod; mean over pods of the day's largest memory) of whole days,
    weekdays with weekdays and weekends with weekends: all of the newer revision must lie outside the range
    of the older one, on the same side, by a tenth, and the means must differ by `CLEAR_RATIO`. Revisions are
    taken from the newest back; those that are like their successor, or too short to be judged, go with it.

    Parameters
    ----------
    pods : PodDays
    containers : int
    first_weekday : int
        Of day 0; Monday is 0.
    is_batch : ndarray of bool, shape (containers,)
        Jobs, whose every run has a template of its own: never compared.
    """
    entry, of_pod_day = _list_entries(pods)
    rank = _rank_from_newest(entry, containers)
    leads = _leads(entry, rank, pods, of_pod_day, containers)
    is_weekend = (first_weekday + pods.day) % 7 >= 5
    may_differ = leads & ~is_batch
    cpu = _day_ranges(pods, of_pod_day, pods.cpu_total, pods.cpu_samples, is_weekend, len(entry[0]))
    peaks = np.nan_to_num(pods.memory_max)
    measured = (~np.isnan(pods.memory_max)).astype(np.float64)
    memory = _day_ranges(pods, of_pod_day, peaks, measured, is_weekend, len(entry[0]))
    cpu_cut, cpu_ratio = _find_cut(cpu, entry[0], rank, may_differ, _LEAST_NEW_DAYS)
    memory_cut, memory_ratio = _find_cut(memory, entry[0], rank, may_differ, _LEAST_DAYS_TO_LOWER_MEMORY)
    keeps_cpu = _keeps(of_pod_day, rank, entry[0], cpu_cut)
    keeps_memory = _keeps(of_pod_day, rank, entry[0], memory_cut)
    container, first_day, last_day, first_row, samples = entry
    return Revisions(
        container, first_day, last_day, first_row, samples, of_pod_day, cpu_ratio, memory_ratio,
        keeps_cpu, keeps_memory, _first_day_kept(pods, keeps_cpu & keeps_memory, containers),
    )  # fmt: skip


_Entries = tuple[IntArray, IntArray, IntArray, IntArray, FloatArray]


def _list_entries(pods: PodDays) -> tuple[_Entries, IntArray]:
    """Return container, first and last day, a pod-day and samples of entries, and the entry per pod-day."""
    known = np.flatnonzero(pods.revision > 0)
    size = int(pods.revision.max(initial=0)) + 1
    key = pods.container[known] * size + pods.revision[known]
    keys, first, code = np.unique(key, return_index=True, return_inverse=True)
    count = len(keys)
    first_day = smallest_per(code, pods.day[known].astype(np.float64), count).astype(np.int64)
    last_day = largest_per(code, pods.day[known].astype(np.float64), count).astype(np.int64)
    order = np.lexsort((first_day, last_day, keys // size))
    place = np.empty(count, dtype=np.int64)
    place[order] = np.arange(count)
    of_pod_day = np.full(pods.count, -1, dtype=np.int64)
    of_pod_day[known] = place[code]
    samples = sum_per(code, pods.cpu_samples[known], count)
    return (
        (keys[order] // size, first_day[order], last_day[order], known[first[order]], samples[order]),
        of_pod_day,
    )


def _rank_from_newest(entry: _Entries, containers: int) -> IntArray:
    ends = np.searchsorted(entry[0], np.arange(containers), side="right") - 1
    rank: IntArray = ends[entry[0]] - np.arange(len(entry[0]))
    return rank


def _leads(
    entry: _Entries, rank: IntArray, pods: PodDays, of_pod_day: IntArray, containers: int
) -> BoolArray:
    """Return where the newest revision has at least half of the samples of its last day (not a canary)."""
    newest_day = np.full(containers, -1, dtype=np.int64)
    newest_day[entry[0][rank == 0]] = entry[2][rank == 0]
    last = pods.day == newest_day[pods.container]
    of_newest = last & (of_pod_day >= 0) & (np.append(rank, -1)[of_pod_day] == 0)
    whole = sum_per(pods.container[last], pods.cpu_samples[last], containers)
    part = sum_per(pods.container[of_newest], pods.cpu_samples[of_newest], containers)
    leads: BoolArray = (part >= _LEAST_SHARE * whole) & (whole > 0)
    return leads


def _day_ranges(
    pods: PodDays, entry: IntArray, total: FloatArray, weight: FloatArray, is_weekend: BoolArray, entries: int
) -> _DayRanges:
    chosen = np.flatnonzero((entry >= 0) & pods.is_whole & (weight > 0))
    days = int(pods.day.max(initial=0)) + 1
    keys, code = np.unique(entry[chosen] * days + pods.day[chosen], return_inverse=True)
    value = sum_per(code, total[chosen], len(keys)) / sum_per(code, weight[chosen], len(keys))
    kind = np.zeros(len(keys), dtype=np.int64)
    kind[code] = is_weekend[chosen]
    cell = keys // days * 2 + kind
    shape = (entries, 2)
    return _DayRanges(
        smallest_per(cell, value, 2 * entries).reshape(shape),
        largest_per(cell, value, 2 * entries).reshape(shape),
        sum_per(cell, value, 2 * entries).reshape(shape),
        np.bincount(cell, minlength=2 * entries).astype(np.float64).reshape(shape),
    )


def _find_cut(
    ranges: _DayRanges, container: IntArray, rank: IntArray, may_differ: BoolArray, days_to_lower: int
) -> tuple[IntArray, FloatArray]:
    """Return per container the rank from which revisions are unlike the newer ones, and new over old."""
    size = len(may_differ)
    never = int(rank.max(initial=0)) + 1
    cut, ratio = np.full(size, never), np.full(size, np.nan)
    newer = _DayRanges(
        np.full((size, 2), np.nan), np.full((size, 2), np.nan), np.zeros((size, 2)), np.zeros((size, 2))
    )
    for step in range(never):
        rows = np.flatnonzero(rank == step)
        rows = rows[may_differ[container[rows]] & (cut[container[rows]] == never)]
        owner, older = container[rows], ranges.take(rows)
        change = _compare(newer.take(owner), older, days_to_lower) if step else np.full(len(rows), np.nan)
        unlike = ~np.isnan(change)
        cut[owner[unlike]] = step
        ratio[owner[unlike]] = change[unlike]
        newer.join(owner[~unlike], older.take(np.flatnonzero(~unlike)))
    return cut, ratio


def _compare(newer: _DayRanges, older: _DayRanges, days_to_lower: int) -> FloatArray:
    """Return new over old where they differ clearly, else NaN."""
    both = (newer.days > 0) & (older.days > 0)
    new_days, old_days = np.where(both, newer.days, 0).sum(axis=1), np.where(both, older.days, 0).sum(axis=1)
    enough = (new_days >= _LEAST_NEW_DAYS) & (old_days >= _LEAST_OLD_DAYS)
    # Means by kind of day, weighted alike, so that more weekends on one side do not count as a change.
    weight = np.where(both, np.fmin(newer.days, older.days), 0.0)
    new = (np.where(both, newer.total / np.maximum(newer.days, 1), 0) * weight).sum(axis=1)
    old = (np.where(both, older.total / np.maximum(older.days, 1), 0) * weight).sum(axis=1)
    ratio = np.divide(new, old, out=np.full(len(new), np.nan), where=enough & (old > 0) & (new > 0))
    above = (~both | (newer.low > _RANGE_GAP * older.high)).all(axis=1) & (ratio >= CLEAR_RATIO)
    below = (~both | (newer.high * _RANGE_GAP < older.low)).all(axis=1) & (ratio <= 1 / CLEAR_RATIO)
    return np.where(above | (below & (new_days >= days_to_lower)), ratio, np.nan)


def _keeps(of_pod_day: IntArray, rank: IntArray, container: IntArray, cut: IntArray) -> BoolArray:
    """Return which pod-days belong to a revision above the cut; without a revision nothing is cut."""
    is_kept = np.append(rank < cut[container], True)
    keeps: BoolArray = is_kept[of_pod_day]
    return keeps


def _first_day_kept(pods: PodDays, keeps: BoolArray, containers: int) -> IntArray:
    last_dropped = np.full(containers, -1, dtype=np.int64)
    np.maximum.at(last_dropped, pods.container[~keeps], pods.day[~keeps])
    first_kept = np.full(containers, np.iinfo(np.int64).max)
    np.minimum.at(first_kept, pods.container[keeps], pods.day[keeps])
    drops = last_dropped >= 0
    # Old pods may linger beside the new ones: the first day of the new revision is cut off, later ones count.
    first_kept = np.where(first_kept <= last_dropped, first_kept + 1, first_kept)
    return np.where(drops, first_kept, 0)
