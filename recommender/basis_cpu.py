"""CPU: the ladder of requests of each container is the bucket ends of its histogram."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from models.profiles.buckets import CPU_BUCKETS, FloatArray
from recommender.basis_price import Ladder
from recommender.basis_use import CountArray

LARGEST_MULTIPLE = 5.0
"""No container's share of samples above its request exceeds the class's mean by more than this factor."""

_RECENT_DAYS = 1.0
_RECENT_WEIGHT = 0.7

_RECORD_SHARE = 0.01
"""Share of a day's samples above the old maximum on a day that sets a new one."""
_RECORD_LOG_SPREAD = 0.3

_ENDS = CPU_BUCKETS.upper_edges.astype(np.float32)[None, :]


def _record_tails() -> CountArray:
    """Return per bucket of the maximum how the chance of a record fades along the ladder, (176, 176)."""
    log_ends = np.log(CPU_BUCKETS.upper_edges)
    beyond = np.maximum(log_ends[None, :] - log_ends[:, None], 0.0)
    tails: CountArray = np.exp(-beyond / _RECORD_LOG_SPREAD).astype(np.float32)
    return tails


_TAILS = _record_tails()


def walk_cpu_ladders(counts: CountArray, first_day: int) -> Iterator[tuple[int, Ladder]]:
    """Yield the ladder before each day from ``first_day`` on, the last one after the newest day.

    The chance of exceeding a bucket's end is the share of past samples above it, three tenths of it from all
    days alike and seven from days that halve in weight every day: the one remembers the week, the other
    follows a new level the next day.

    Parameters
    ----------
    counts : ndarray of float, shape (n, days, 176)
    first_day : int
        0 <= first_day <= days.
    """
    size, days, buckets = counts.shape
    whole = np.zeros((size, buckets), dtype=np.float32)
    recent = np.zeros((size, buckets), dtype=np.float32)
    seen = np.zeros(size)
    fade = np.float32(0.5 ** (1 / _RECENT_DAYS))
    for day in range(days + 1):
        if day >= first_day:
            yield day, _ladder(whole, recent, seen)
        if day < days:
            whole += counts[:, day]
            recent *= fade
            recent += counts[:, day]
            seen += counts[:, day].any(axis=1)


def find_record_chance(days: FloatArray) -> FloatArray:
    """Return the chance that a sample exceeds everything seen, so that a maximum is not said to be safe.

    Among ``n + 1`` exchangeable days the newest sets a record with chance ``1 / (n + 1)``; on such a day one
    sample in a hundred is taken to lie above the old maximum. Further up the ladder the chance fades.

    Parameters
    ----------
    days : ndarray of float, shape (n,)
        Days with samples.
    """
    chance: FloatArray = _RECORD_SHARE / (days + 2)
    return chance


def count_over(counts: CountArray, rung: np.ndarray[tuple[int], np.dtype[np.int64]]) -> FloatArray:
    """Return the samples above the end of each container's bucket, shape (n,); counts have shape (n, 176)."""
    above = np.arange(counts.shape[1])[None, :] > rung[:, None]
    over: FloatArray = np.einsum("nb,nb->n", counts, above, dtype=np.float64)
    return over


def _ladder(whole: CountArray, recent: CountArray, days: FloatArray) -> Ladder:
    total = whole.sum(axis=1, dtype=np.float64)
    chance = (1 - _RECENT_WEIGHT) * _share_above(whole) + _RECENT_WEIGHT * _share_above(recent)
    record = find_record_chance(days).astype(np.float32)
    chance += record[:, None] * _TAILS[(chance <= 0).argmax(axis=1)]
    return Ladder(_ENDS, np.minimum(chance, 1.0), total)


def _share_above(histogram: CountArray) -> CountArray:
    """Return the share of each histogram above each bucket's end; exactly 0 from the last filled one on."""
    below = np.cumsum(histogram, axis=1)
    total = below[:, -1:]
    above: CountArray = np.divide(total - below, total, out=np.zeros_like(below), where=total > 0)
    return above
