"""What requests would have done on one day, added up per container."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from models.profiles.buckets import CPU_BUCKETS, FloatArray
from recommender.basis_use import CountArray, DailyUse

COLUMNS = (
    "cpu_advised",
    "cpu_provisioned",
    "cpu_replaced",
    "memory_advised",
    "memory_provisioned",
    "memory_replaced",
    "cpu_over_samples",
    "cpu_samples",
    "cpu_excess",
    "cpu_used",
    "cpu_unused",
    "cpu_held",
    "memory_unused",
    "memory_held",
    "oom_days",
    "memory_days",
    "cpu_changes",
    "memory_changes",
    "changes",
    "change_days",
    "answered_days",
    "ran_days",
)
"""What is added up. ``advised`` is request x replicas; ``replaced`` the same where a request was in force,
which ``provisioned`` adds up; ``excess`` use above the request; ``unused`` what was ``held`` beyond use."""

COLUMN = {name: number for number, name in enumerate(COLUMNS)}

MOVED_RATIO = 0.10
"""A smaller relative move of a request does not count as a change."""

_STARTS = CPU_BUCKETS.starts
_ENDS = CPU_BUCKETS.upper_edges
_WIDTHS = np.where(_ENDS > _STARTS, _ENDS - _STARTS, 1.0)
_MIDDLES = (_STARTS + _ENDS) / 2


class DayLoad:
    """Use of one day, ready to be compared with many policies' requests.

    Parameters
    ----------
    use : DailyUse
    day : int
    """

    def __init__(self, use: DailyUse, day: int) -> None:
        self._counts: CountArray = use.cpu_counts[:, day]
        self.memory_maxima = use.memory_maxima[:, day]
        self.cpu_requests, self.memory_requests = use.cpu_requests[:, day], use.memory_requests[:, day]
        self.replicas = np.nan_to_num(use.replicas[:, day])

    @cached_property
    def samples(self) -> FloatArray:
        """5-minute samples, shape (n,)."""
        return self._above[:, 0]

    @cached_property
    def used(self) -> FloatArray:
        """Sum of the samples (middles of their buckets), core x samples, shape (n,)."""
        return self._volume_above[:, 0]

    @cached_property
    def _above(self) -> FloatArray:
        """Samples from each bucket on, and none above the last, shape (n, 177)."""
        return _sum_from_end(self._counts.astype(np.float64))

    @cached_property
    def _volume_above(self) -> FloatArray:
        return _sum_from_end(self._counts * _MIDDLES)

    @cached_property
    def cpu_p95(self) -> FloatArray:
        """End of the bucket that reaches 95 % of the samples, shape (n,); 0 without samples."""
        below = self.samples[:, None] - self._above[:, 1:]
        bucket = (below >= 0.95 * self.samples[:, None]).argmax(axis=1)
        reached: FloatArray = np.where(self.samples > 0, _ENDS[bucket], 0.0)
        return reached

    def over(self, cpu: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return samples above each request, and by how much in sum (core x samples).

        Samples lie evenly within their bucket. A request that is not known is exceeded by nothing.

        Parameters
        ----------
        cpu : ndarray of float, shape (n,)
            Cores.
        """
        request = np.nan_to_num(cpu, nan=np.inf)
        bucket = CPU_BUCKETS.find(np.minimum(request, 1e9)).astype(np.int64)
        row = np.arange(len(bucket))
        inside = np.clip((_ENDS[bucket] - request) / _WIDTHS[bucket], 0.0, 1.0)
        partly = self._counts[row, bucket] * inside
        above = self._above[row, bucket + 1]
        finite = np.where(np.isfinite(request), request, 0.0)
        excess = self._volume_above[row, bucket + 1] - finite * above
        excess += partly * np.maximum(_ENDS[bucket] - finite, 0.0) / 2
        is_known = ~np.isnan(cpu)
        return (partly + above) * is_known, np.maximum(excess, 0.0) * is_known


def tally_day(load: DayLoad, cpu: FloatArray, memory: FloatArray) -> FloatArray:
    """Return one row of `COLUMNS` per container for one day; changes are left at 0.

    Parameters
    ----------
    load : DayLoad
    cpu, memory : ndarray of float, shape (n,)
        Requests of the day, NaN where there is no answer.
    """
    row = np.zeros((len(cpu), len(COLUMNS)))
    over, excess = load.over(cpu)
    ran = (load.samples > 0) | ~np.isnan(load.memory_maxima)
    has_cpu, has_memory = ~np.isnan(cpu) & ran, ~np.isnan(memory) & ran
    known_cpu, known_memory = np.nan_to_num(cpu), np.nan_to_num(memory)
    measured = has_memory & ~np.isnan(load.memory_maxima)
    peak = np.nan_to_num(load.memory_maxima)
    replaces_cpu = has_cpu & ~np.isnan(load.cpu_requests)
    replaces_memory = has_memory & ~np.isnan(load.memory_requests)
    values = {
        "cpu_advised": known_cpu * load.replicas * has_cpu,
        "cpu_provisioned": np.nan_to_num(load.cpu_requests) * load.replicas * replaces_cpu,
        "cpu_replaced": known_cpu * load.replicas * replaces_cpu,
        "memory_advised": known_memory * load.replicas * has_memory,
        "memory_provisioned": np.nan_to_num(load.memory_requests) * load.replicas * replaces_memory,
        "memory_replaced": known_memory * load.replicas * replaces_memory,
        "cpu_over_samples": over,
        "cpu_samples": load.samples * has_cpu,
        "cpu_excess": excess,
        "cpu_used": load.used * has_cpu,
        "cpu_unused": np.maximum(known_cpu * load.samples - load.used + excess, 0.0) * has_cpu,
        "cpu_held": known_cpu * load.samples * has_cpu,
        "memory_unused": np.maximum(known_memory - peak, 0.0) * measured,
        "memory_held": known_memory * measured,
        "oom_days": measured & (peak > known_memory),
        "memory_days": measured,
        "answered_days": has_cpu | has_memory,
        "ran_days": ran,
    }
    for name, value in values.items():
        row[:, COLUMN[name]] = value
    return row


def add_changes(tally: FloatArray, before: FloatArray, after: FloatArray) -> None:
    """Count the moves between two days, in place.

    Parameters
    ----------
    tally : ndarray of float, shape (n, columns)
    before, after : ndarray of float, shape (2, n)
        CPU and memory requests.
    """
    known = ~np.isnan(before) & ~np.isnan(after)
    moved = known & (np.abs(after - before) > MOVED_RATIO * before)
    tally[:, COLUMN["cpu_changes"]] += moved[0]
    tally[:, COLUMN["memory_changes"]] += moved[1]
    tally[:, COLUMN["changes"]] += moved.any(axis=0)
    tally[:, COLUMN["change_days"]] += known.any(axis=0)


def _sum_from_end(values: FloatArray) -> FloatArray:
    summed: FloatArray = np.zeros((len(values), values.shape[1] + 1))
    summed[:, :-1] = values[:, ::-1].cumsum(axis=1)[:, ::-1]
    return summed
